//! What a hedge with a borrowed leg earns: funding less what borrowing costs (strategies 1.2, M6).

use super::*;
use hedgerow_model::{BorrowRate, Guard, GuardState};

const HOUR: i64 = 3_600_000_000_000;

/// Long the perpetual L, short the spot S, both of `asset`; funding is guarded at zero.
fn short_of_spot(asset: &str) -> Pair {
    let mut instruments = legs();
    instruments[1].kind = InstrumentKind::Spot;
    instruments.iter_mut().for_each(|spec| spec.base = asset.into());
    let mut pair = Pair::with(instruments, wide(), false);
    let mut config = pair.rig.engine.config().clone();
    config.strategies[0].guards.funding =
        Some(FundingGuard { edge_per_h_min: Decimal::ZERO, times: 1, action: GuardAction::Pause });
    pair.rig.engine = Engine::new(config);
    pair.markets();
    pair.open(&request());
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 600_000 } else { 600_300 }, sent.quantity);
    }
    assert_eq!((pair.held(L), pair.held(S)), (1_660, -1_660));
    pair
}

/// -0.0001 per 8 h, paid to us.
fn paid_to_us(pair: &mut Pair) {
    pair.rig.advance(1);
    let tick = Tick {
        ts: pair.rig.now,
        recv_ts: pair.rig.now,
        instrument: L.0,
        kind: TickKind::Funding.code(),
        flags: flag::LAST,
        a: -100_000_000_000,
        b: 8 * HOUR,
        ..Tick::default()
    };
    pair.rig.engine.handle(Input::Market(&[tick]), &mut pair.rig.effects);
}

fn borrow(pair: &mut Pair, asset: &str) {
    let BorrowRate { hourly, .. } = BorrowRate::assumed(asset);
    pair.report(S, VenueReport::BorrowRate { asset: asset.into(), hourly });
}

/// What the funding guard said, and whether it stands.
fn said(pair: &Pair) -> Vec<(bool, String)> {
    let of = |stamped: &hedgerow_model::Stamped| match &stamped.fact {
        Fact::Guard { key, state, detail } if key.guard == Guard::FundingFlip => {
            Some((*state != GuardState::AtRest, detail.clone()))
        }
        _ => None,
    };
    pair.rig.effects.facts.iter().filter_map(of).collect()
}

/// What is paid to the long leg is exactly what borrowing BTC costs; an alt-coin costs more.
#[test]
fn vector_m6_a_borrowed_leg_costs_what_its_venue_asks_for_it() {
    let mut pair = short_of_spot("BTC");
    borrow(&mut pair, "BTC");
    paid_to_us(&mut pair);
    assert_eq!(said(&pair), [], "the edge is exactly zero, which is the minimum");
    let mut pair = short_of_spot("DOGE");
    borrow(&mut pair, "DOGE");
    paid_to_us(&mut pair);
    assert_eq!(said(&pair), [(true, "it earns -0.00000625 per hour".into())]);
    assert_eq!(pair.rig.engine.mode_of(ME), TradingMode::ReduceOnly);
    pair.assert_restores();
}

/// A venue that asks more for what is borrowed announces as one that pays less.
#[test]
fn a_borrow_rate_that_rises_turns_a_hedge_as_funding_does() {
    let mut pair = short_of_spot("BTC");
    paid_to_us(&mut pair);
    borrow(&mut pair, "BTC");
    assert_eq!(said(&pair), []);
    pair.report(S, VenueReport::BorrowRate { asset: "BTC".into(), hourly: 12_500_000_001 });
    assert_eq!(said(&pair), [(true, "it earns -0.000000000000001 per hour".into())]);
    borrow(&mut pair, "BTC");
    assert_eq!(said(&pair).last().map(|(stands, _)| *stands), Some(false));
}

/// Without a rate nobody says that the leg is free of cost.
#[test]
fn a_borrowed_leg_without_a_rate_is_not_known_and_said() {
    let mut pair = short_of_spot("BTC");
    paid_to_us(&mut pair);
    assert_eq!(said(&pair), []);
    let sentence = |pair: &Pair| {
        let all = pair.rig.engine.conditions();
        all.into_iter().find(|line| line.contains("funding-flip"))
    };
    let missing = sentence(&pair).expect("it is said");
    assert!(missing.contains("no borrow rate of v:X1: it sees nothing"), "{missing}");
    borrow(&mut pair, "BTC");
    assert_eq!(sentence(&pair), None);
}

/// What is owned outright costs nothing; bought with borrowed quote it costs that.
#[test]
fn a_purchase_costs_what_is_owed_for_it() {
    let mut instruments = legs();
    instruments[0].kind = InstrumentKind::Spot;
    let mut pair = Pair::with(instruments, wide(), false);
    pair.open(&request());
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 600_000 } else { 600_300 }, sent.quantity);
    }
    let earns = |pair: &Pair| pair.rig.engine.leg_earns(ME, L);
    assert_eq!(earns(&pair), Some(Decimal::ZERO));
    let (asset, total, available) = ("Q".to_owned(), dec("-5000"), Decimal::ZERO);
    pair.report(L, VenueReport::Balance { asset, total, available });
    assert_eq!(earns(&pair), None, "at what cost is not known");
    pair.report(L, VenueReport::BorrowRate { asset: "Q".into(), hourly: 6_250_000_000 });
    assert_eq!(earns(&pair), Some(dec("-0.00000625")));
}

/// What is owned outright pays no interest: a rate of it is no announcement.
#[test]
fn a_borrow_rate_of_what_nobody_owes_counts_as_nothing() {
    let mut instruments = legs();
    instruments[0].kind = InstrumentKind::Spot;
    let mut pair = Pair::with(instruments, wide(), false);
    let mut config = pair.rig.engine.config().clone();
    config.strategies[0].guards.funding =
        Some(FundingGuard { edge_per_h_min: dec("0.01"), times: 2, action: GuardAction::Pause });
    pair.rig.engine = Engine::new(config);
    pair.markets();
    pair.open(&request());
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 600_000 } else { 600_300 }, sent.quantity);
    }
    let funding = |pair: &mut Pair| {
        pair.rig.advance(1);
        let (ts, kind, flags) = (pair.rig.now, TickKind::Funding.code(), flag::LAST);
        let tick =
            Tick { ts, recv_ts: ts, instrument: S.0, kind, flags, b: HOUR, ..Tick::default() };
        pair.rig.engine.handle(Input::Market(&[tick]), &mut pair.rig.effects);
    };
    funding(&mut pair);
    for hourly in 1..5 {
        for asset in ["B", "Q"] {
            pair.report(L, VenueReport::BorrowRate { asset: asset.into(), hourly });
        }
    }
    assert_eq!(said(&pair), [], "one announcement was below the minimum");
    funding(&mut pair);
    assert_eq!(said(&pair).len(), 1, "this is the second");
}
