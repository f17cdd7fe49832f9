//! Taking back while a venue bans, and who takes over a leg that is held alone.

use super::*;

/// Spot was sold, the other leg is refused, and nothing may open while the venue bans for 3 s.
fn banned_with_spot_sold(reconcile: bool) -> Pair {
    let mut instruments = legs();
    instruments[1].kind = InstrumentKind::Spot;
    let mut pair = Pair::with(instruments, wide(), reconcile);
    if reconcile {
        super::vectors::up(&mut pair, [0, 0]);
    }
    pair.rig.engine.strategies[0].holdings[1].position.quantity = Quantity::from_units(10_000);
    pair.open(&request());
    let sent = pair.sent();
    let retry_after = Duration::from_secs(3);
    pair.report(S, VenueReport::RateLimited { limit: None, retry_after });
    pair.mode(TradingMode::ReduceOnly);
    pair.fill(sent[1], 600_299, 1_660);
    pair.reject(sent[0]);
    pair
}

/// Spot that was sold is bought back: it waits out the venue's ban like a reduction, also where
/// nothing may open.
#[test]
fn buying_spot_back_waits_as_long_as_the_venue_bans() {
    let mut pair = banned_with_spot_sold(false);
    pair.pass(2_900);
    assert_eq!((pair.phase(), pair.sent()), (PairPhase::Unwinding, vec![]));
    pair.pass(200);
    let back = pair.sent();
    assert_eq!(back.len(), 1, "{:?}", pair.phase());
    assert_eq!((back[0].leg, back[0].side, back[0].quantity), (S, Side::Buy, 1_660));
    pair.fill(back[0], 600_301, 1_660);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
}

/// A leg that is held alone is an alarm until its strategy is resumed by name.
#[test]
fn only_the_strategys_own_release_takes_a_stuck_plan_over() {
    let mut pair = Pair::new();
    pair.open(&request());
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.set(Scope::Host, TradingMode::Halted);
    pair.reject(sent[1]);
    let stuck = |pair: &Pair| pair.rig.engine.plans.pair(&(ME, 1)).unwrap().is_stuck();
    assert!(stuck(&pair));
    for scope in [Scope::Host, Scope::Account(AccountId(1)), Scope::Instrument(S)] {
        pair.set(scope, TradingMode::ReduceOnly);
        pair.set(scope, TradingMode::Running);
        assert!(stuck(&pair), "{scope:?}");
    }
    pair.set(Scope::Strategy(ME), TradingMode::Running);
    assert!(!stuck(&pair));
}

/// What was to be bought back does not leave where the mode forbids taking back by then, nor to a
/// venue that is away: its limit is of before.
#[test]
fn what_waits_to_be_bought_back_is_judged_when_it_leaves() {
    for halts in [true, false] {
        let mut pair = banned_with_spot_sold(true);
        pair.pass(1_000);
        match halts {
            true => pair.set(Scope::Account(AccountId(1)), TradingMode::Halted),
            false => pair.report(S, VenueReport::Down),
        }
        pair.pass(10_000);
        assert_eq!(pair.sent(), [], "halts {halts}");
        if halts {
            assert!(matches!(pair.result().outcome, PairOutcome::Stuck { .. }));
        } else {
            assert_eq!(pair.phase(), PairPhase::Unwinding);
        }
    }
}

/// A leg that is held alone while its venue is away is an alarm after the time of taking back, and
/// the plan goes on all the same when the venue is there.
#[test]
fn a_leg_alone_at_a_venue_that_is_away_is_an_alarm() {
    let mut pair = Pair::with(legs(), wide(), true);
    super::vectors::up(&mut pair, [0, 0]);
    pair.open(&PairRequest { legs: LegOrder::BuyFirst, ..request() });
    let sent = pair.sent();
    pair.report(S, VenueReport::Down);
    pair.fill(sent[0], 600_000, 1_660);
    pair.report(L, VenueReport::Down);
    pair.pass(20_000);
    assert_eq!(pair.rig.engine.modes.of(Scope::Strategy(ME)), TradingMode::Running);
    pair.pass(60_000);
    assert_eq!((pair.sent(), pair.phase()), (vec![], PairPhase::Unwinding));
    assert_eq!(pair.rig.engine.modes.of(Scope::Strategy(ME)), TradingMode::ReduceOnly);
    super::vectors::up(&mut pair, [1_660, 0]);
    let back = pair.sent();
    assert_eq!(back.len(), 1);
    pair.fill(back[0], 599_998, 1_660);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
}

/// Why a plan does not begin is told where people look for denied orders.
#[test]
fn a_refused_plan_is_counted_and_its_reason_shown() {
    let mut pair = Pair::new();
    let request = PairRequest { size: PairSize::Base(dec("0.00001")), ..request() };
    assert!(pair.ask(PairKind::Open, &request).is_some());
    let view = pair.rig.engine.strategy_view(ME).unwrap();
    assert_eq!(view.denied, 1);
    let why = view.last_denial.unwrap();
    assert!(why.starts_with("pair-open: the plan's parameters are wrong: size"), "{why}");
    pair.assert_restores();
}
