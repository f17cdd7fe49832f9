//! Pairs with an inverse leg after the price has moved: what is closed is the part of the hedge
//! that the contracts were entered for.

use super::vectors::c3;
use super::*;

/// The same pair, closed.
fn closing() -> PairRequest {
    PairRequest { buy: S, sell: L, size: PairSize::All, ..request() }
}

/// Of the pair of C3 a half is closed when the price has fallen by a third: a half of the
/// contracts, and not what they are worth now. What is held then hedges as before.
#[test]
fn a_part_of_a_pair_with_an_inverse_leg_is_the_same_part_of_both() {
    let mut pair = c3();
    pair.quote(L, (399_990, 100_000), (400_010, 100_000));
    pair.quote(S, (399_990, 100_000), (400_010, 100_000));
    pair.close(&PairRequest { size: PairSize::Base(dec("0.1")), ..closing() });
    let sent = pair.sent();
    assert_eq!([sent[0].quantity, sent[1].quantity], [61, 1_000]);
    pair.fill(sent[0], 400_010, 61);
    pair.fill(sent[1], 399_990, 1_000);
    let result = pair.closed();
    assert_eq!((result.outcome, result.residual.abs() < dec("0.002")), (PairOutcome::Flat, true));
    pair.assert_restores();
}

/// All of it, of which the contracts are only bought back in part: what spot was worth of them at
/// the price of now is not what they hedged.
#[test]
fn an_inverse_leg_that_is_not_closed_is_not_level_at_another_price() {
    let mut pair = c3();
    pair.quote(L, (399_990, 100_000), (400_010, 100_000));
    pair.quote(S, (399_990, 100_000), (400_010, 100_000));
    pair.close(&PairRequest { tries: 1, ..closing() });
    let sent = pair.sent();
    assert_eq!([sent[0].quantity, sent[1].quantity], [122, 2_000]);
    pair.fill(sent[1], 399_990, 2_000);
    // 50 contracts of 100 are worth 0.125 by now, less than a step below 0.2, and hedged 0.08
    pair.fill(sent[0], 400_000, 50);
    pair.expire(sent[0]);
    while let Some(next) = pair.sent().pop() {
        assert_eq!((next.leg, next.quantity), (S, 72));
        pair.expire(next);
        pair.pass(100);
    }
    let outcome = pair.closed().outcome;
    assert!(matches!(outcome, PairOutcome::Stuck { .. }), "{outcome:?}");
    assert_eq!(pair.rig.engine.modes.of(Scope::Strategy(ME)), TradingMode::ReduceOnly);
    pair.assert_restores();
}

/// Of a lone inverse leg a guard closes contracts by what they were entered for, whatever the mark.
#[test]
fn a_part_of_a_lone_inverse_leg_is_told_in_contracts() {
    let pair = c3();
    let part = |base: &str| {
        let size = serde_json::json!({ "base": base });
        pair.rig.engine.in_contracts(ME, S, &size)
    };
    // 122 contracts of 100 were entered for 0.19934 coins
    assert_eq!(part("0.09967320261438"), Some(serde_json::json!({ "quote": "6100" })));
    assert_eq!(pair.rig.engine.in_contracts(ME, L, &serde_json::json!({ "base": "0.1" })), None);
}

/// A quotient of rounded figures that is whole but for the rounding is whole.
#[test]
fn a_hundred_and_no_ninety_nine_parts() {
    use crate::execution::whole_parts;
    // what a contract of 100 was entered for at 60 000
    let lot = dec("100") / dec("60000");
    assert_eq!(whole_parts(dec("0.1"), lot), Some(dec("60")));
    assert_eq!(whole_parts(dec("0.0999"), lot), Some(dec("59")));
    assert_eq!(whole_parts(dec("0.1"), Decimal::ZERO), None);
}
