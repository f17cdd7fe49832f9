//! What no order can close is no gap: fees that a spot venue took in the asset bought.

use super::*;
use hedgerow_model::FeeAsset;

/// A pair of L, spot, and S is open, 0.166 each; of L the venue took a fee. The common step is
/// 0.001.
fn spot(fee: &str) -> Pair {
    let mut pair = guarded(|c| {
        c.instruments[L.index()].kind = InstrumentKind::Spot;
        c.strategies[0].guards.hedge_gap.action = GuardAction::Pause;
    });
    pair.open(&request());
    for sent in pair.sent() {
        let price = if sent.side == Side::Buy { 600_000 } else { 600_300 };
        let asset = if sent.leg == L { FeeAsset::Base } else { FeeAsset::Settle };
        let amount = if sent.leg == L { dec(fee) } else { Decimal::ZERO };
        pair.rig.trade += 1;
        let report = VenueReport::Fill {
            wire: WireId(sent.wire),
            trade: TradeId(pair.rig.trade),
            instrument: sent.leg,
            price: Price::from_units(price),
            quantity: Quantity::from_units(sent.quantity),
            liquidity: Liquidity::Taker,
            fee: Fee { amount, asset },
        };
        pair.report(sent.leg, report);
    }
    assert_eq!((pair.held(S), guards(&pair)), (-1_660, vec![]));
    pair
}

/// The strategy buys a part of the short leg back by itself.
fn buy_of_s(pair: &mut Pair, quantity: i64) {
    let number = pair.rig.engine.next_order(ME);
    let order = NewOrder { instrument: S, number, ..pair.rig.order(Side::Buy, 600_301, quantity) };
    assert_eq!(pair.rig.submit(order), None);
    let wire = pair.rig.last_wire().0;
    pair.taken = pair.rig.effects.commands.len();
    let (leg, side, price) = (S, Side::Buy, 600_301);
    let sent = Sent { leg, wire, side, price, quantity, reduce_only: false, rests: true };
    pair.fill(sent, 600_301, quantity);
}

fn resume(pair: &mut Pair) {
    pair.mode(TradingMode::Running);
    pair.markets();
}

/// Of 0.1656 no more than 0.165 can be sold. What is left keeps no guard tripped; a whole step
/// does.
#[test]
fn what_is_left_below_the_common_step_is_no_gap() {
    for (fee, left, is_gap) in [("0.0004", 6, false), ("0", 10, true)] {
        let mut pair = spot(fee);
        sell_of_l(&mut pair, 1_650);
        assert_eq!(pair.held(L), left);
        assert_eq!(guards(&pair), [(Guard::HedgeGap, true)], "S stands alone");
        buy_of_s(&mut pair, 1_660);
        assert_eq!(pair.held(S), 0);
        let last = guards(&pair).last().copied();
        assert_eq!(last, Some((Guard::HedgeGap, is_gap)), "{left} are left");
        resume(&mut pair);
        pair.quote(L, (500_000, 10_000), (500_002, 10_000));
        let said = pair.rig.engine.conditions();
        let gap = said.iter().any(|line| line.contains("differ by"));
        assert_eq!((gap, guards(&pair).last().copied()), (is_gap, last), "{said:?}");
        pair.assert_restores();
    }
}

/// The other way round nothing trips at all: what is left was never a gap.
#[test]
fn a_close_that_leaves_less_than_the_common_step_trips_nothing() {
    let mut pair = spot("0.0004");
    for quantity in [300, 300, 300, 300, 300, 150] {
        buy_of_s(&mut pair, quantity);
        sell_of_l(&mut pair, quantity);
    }
    assert_eq!((pair.held(L), pair.held(S)), (6, -10));
    let before = guards(&pair).len();
    buy_of_s(&mut pair, 10);
    assert_eq!((pair.held(L), pair.held(S)), (6, 0));
    assert_eq!(guards(&pair).len(), before);
    assert_eq!(guards(&pair).last().map(|(_, tripped)| *tripped), Some(false));
}

/// 0.0016 against 0.001 differ by less than the step: they are level, and what they are worth
/// differs as their marks do.
#[test]
fn legs_that_are_level_but_for_dust_differ_by_their_marks_only() {
    let mut pair = spot("0.0004");
    sell_of_l(&mut pair, 1_640);
    buy_of_s(&mut pair, 1_650);
    assert_eq!((pair.held(L), pair.held(S)), (16, -10));
    assert_eq!(guards(&pair).last(), Some(&(Guard::HedgeGap, false)));
    pair.quote(L, (570_500, 10_000), (570_502, 10_000)); // 4.96 % below S
    assert_eq!(guards(&pair).last(), Some(&(Guard::HedgeGap, false)));
    pair.quote(L, (570_200, 10_000), (570_202, 10_000)); // 5.01 %
    assert_eq!(guards(&pair).last(), Some(&(Guard::HedgeGap, true)));
    let said = pair.rig.engine.conditions();
    assert!(said.iter().any(|line| line.contains("differ by 5.01 %")), "{said:?}");
}
