//! What guards close goes on where nothing of the strategy's may, and past what is stuck: no leg is
//! left alone because of either.

use super::*;

fn legs_of(sent: &[Sent]) -> Vec<(InstrumentId, Side, i64, bool)> {
    sent.iter().map(|s| (s.leg, s.side, s.quantity, s.reduce_only)).collect()
}

fn refusals(pair: &Pair) -> Vec<RiskRejection> {
    let facts = pair.rig.effects.facts.iter().filter_map(|stamped| match &stamped.fact {
        Fact::Plan { step: PlanStep::Refused { reason, .. }, .. } => Some(reason.clone()),
        _ => None,
    });
    facts.collect()
}

/// The loss has cut the strategy off, as it does if nothing is said; then one venue takes its leg.
#[test]
fn a_leg_left_alone_is_closed_where_the_strategy_may_only_cancel() {
    let mut pair = held(|config| config.strategies[0].limits.loss_max = dec("50"));
    pair.quote(L, (595_998, 10_000), (596_000, 10_000));
    assert_eq!(guards(&pair), [(Guard::Loss, true)]);
    assert_eq!(pair.rig.engine.mode_of(ME), TradingMode::CancelOnly);
    pair.report(S, forced(S, Side::Buy, 1_660));
    pair.pass(10_000);
    let first = pair.sent();
    assert_eq!(legs_of(&first), [(L, Side::Sell, 1_660, true)]);
    pair.fill(first[0], 599_998, 660);
    pair.expire(first[0]);
    pair.pass(100);
    let second = pair.sent();
    assert_eq!(legs_of(&second), [(L, Side::Sell, 1_000, true)]);
    pair.fill(second[0], 599_998, 1_000);
    assert_eq!((pair.held(L), refusals(&pair)), (0, vec![]));
    pair.pass(20_000);
    assert_eq!(pair.sent(), []);
}

/// Both legs, first orders and those that complete; the strategy's own close is not the host's.
#[test]
fn a_pair_is_closed_where_the_strategy_may_only_cancel_and_not_in_a_halt() {
    for mode in [TradingMode::CancelOnly, TradingMode::Halted] {
        let mut pair = held(|_| {});
        sell_of_l(&mut pair, 60);
        pair.mode(mode);
        let own = PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
        let refused = RiskRejection::ModeForbids { mode };
        assert_eq!(pair.ask_as(2, PairKind::Close, &own), Some(refused.clone()));
        pair.pass(10_000);
        let sent = pair.sent();
        if mode == TradingMode::Halted {
            assert_eq!((sent, refusals(&pair).last()), (vec![], Some(&refused)));
            continue;
        }
        assert_eq!(
            legs_of(&sent),
            [(S, Side::Buy, 1_660, true), (L, Side::Sell, 1_600, true)],
            "{mode}"
        );
        pair.fill(sent[0], 600_301, 1_660);
        pair.reject(sent[1]);
        let next = pair.sent();
        assert_eq!(legs_of(&next), [(L, Side::Sell, 1_600, true)]);
        pair.fill(next[0], 599_998, 1_600);
        assert_eq!((pair.held(L), pair.held(S)), (0, 0));
    }
}

/// Pairs are made smaller there too.
#[test]
fn a_pair_is_made_smaller_where_the_strategy_may_only_cancel() {
    let mut pair = held(|c| {
        for account in &mut c.accounts {
            account.guards.margin_utilisation =
                Watch { limit: dec("80"), action: GuardAction::Reduce };
            account.guards.leverage_target = Some(dec("4"));
            account.guards.taker_fee = dec("0.0005");
        }
    });
    pair.set(Scope::Strategy(ME), TradingMode::CancelOnly);
    for (leg, equity, used) in [(S, "5000", "1000"), (L, "1660", "1400")] {
        let (equity, used, maintenance) = (dec(equity), dec(used), dec("50"));
        pair.report(leg, VenueReport::Margin { asset: "Q".into(), equity, used, maintenance });
    }
    let sent = pair.sent();
    assert_eq!(legs_of(&sent), [(S, Side::Buy, 560, true), (L, Side::Sell, 560, true)]);
}

/// An open is stuck at 0.166 / 0.100: neither completing nor taking back brought anything.
fn stuck() -> (Pair, Sent) {
    let mut pair = guarded(|_| {});
    pair.open(&PairRequest { tries: 1, ..request() });
    let first = pair.sent();
    pair.fill(first[0], 600_000, 1_660);
    pair.fill(first[1], 600_299, 1_000);
    pair.expire(first[1]);
    for leg in [S, L] {
        let next = pair.sent();
        assert_eq!((next.len(), next[0].leg, next[0].quantity), (1, leg, 660));
        pair.reject(next[0]);
    }
    assert!(matches!(pair.result().outcome, PairOutcome::Stuck { .. }));
    (pair, first[1])
}

fn close_both(pair: &mut Pair) {
    let sent = pair.sent();
    fill_both(pair, sent);
}

fn fill_both(pair: &mut Pair, sent: Vec<Sent>) {
    assert_eq!(legs_of(&sent), [(S, Side::Buy, 1_000, true), (L, Side::Sell, 1_660, true)]);
    for sent in sent {
        let price = if sent.leg == L { 599_998 } else { 600_301 };
        pair.fill(sent, price, sent.quantity);
    }
}

#[test]
fn a_pair_that_is_stuck_is_closed_by_the_guard_that_mends_it() {
    let (mut pair, _) = stuck();
    // the strategy's own plans wait for an operator
    let own = PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
    let refused = pair.ask_as(2, PairKind::Close, &own);
    assert_eq!(refused, Some(RiskRejection::PlanInTheWay { plan: 1 }));
    pair.pass(10_000);
    close_both(&mut pair);
    assert_eq!((pair.held(L), pair.held(S)), (0, 0));
    assert_eq!(guards(&pair).last(), Some(&(Guard::Unhedged, false)));
    pair.pass(20_000);
    assert_eq!((pair.sent(), refusals(&pair).len()), (vec![], 1));
    // who asked for it is told of it by an operator's word alone
    assert!(pair.rig.engine.plans.pair(&(ME, 1)).unwrap().is_stuck());
    pair.assert_restores();
    pair.set(Scope::Strategy(ME), TradingMode::Running);
    assert_eq!(pair.rig.engine.hedges.all().count(), 0, "nothing of it can come any more");
}

/// What the stuck plan still fills, during the close and after it, is held once and closed once.
#[test]
fn a_late_fill_of_what_was_stuck_is_closed_by_itself() {
    for during in [true, false] {
        let (mut pair, late) = stuck();
        pair.pass(10_000);
        if during {
            let closes = pair.sent();
            pair.fill(late, 600_299, 660);
            assert_eq!(pair.sent(), [], "it is level, as it knows");
            assert!(!pair.rig.engine.plans.pair(&(ME, 1)).unwrap().is_stuck());
            fill_both(&mut pair, closes);
        } else {
            close_both(&mut pair);
            assert_eq!((pair.held(L), pair.held(S)), (0, 0));
            pair.fill(late, 600_299, 660);
        }
        assert_eq!((pair.held(L), pair.held(S)), (0, -660), "during {during}");
        pair.pass(15_000);
        let alone = pair.sent();
        assert_eq!(legs_of(&alone), [(S, Side::Buy, 660, true)], "during {during}");
        pair.fill(alone[0], 600_301, 660);
        assert_eq!((pair.held(L), pair.held(S)), (0, 0));
        pair.pass(20_000);
        assert_eq!(pair.sent(), []);
        pair.assert_restores();
        let facts = pair.rig.effects.facts.clone();
        crate::snapshot::tests::any_cut_is_the_whole(pair.rig.engine.config(), &facts);
    }
}

/// A guard's own close that is stuck is followed by another while the guard stands, and only the
/// newest is still somebody's to look at.
#[test]
fn a_close_of_a_guard_that_is_stuck_is_followed_by_the_next() {
    let mut pair = held(|_| {});
    sell_of_l(&mut pair, 60);
    pair.pass(10_000);
    let stuck = |pair: &Pair| -> Vec<u64> {
        let plans = pair.rig.engine.plans.pairs().filter(|(_, slot)| slot.is_stuck());
        plans.map(|(key, _)| key.1).collect()
    };
    let first = pair.sent();
    assert_eq!(legs_of(&first), [(S, Side::Buy, 1_660, true), (L, Side::Sell, 1_600, true)]);
    pair.fill(first[0], 600_301, 1_000);
    pair.expire(first[0]);
    pair.reject(first[1]);
    for _ in 0..6 {
        let again = pair.sent();
        assert_eq!(legs_of(&again), [(L, Side::Sell, 1_000, true)]);
        pair.reject(again[0]);
        pair.pass(100);
    }
    let before = stuck(&pair);
    assert_eq!((before.len(), pair.sent()), (1, vec![]));
    pair.pass(5_000);
    let second = pair.sent();
    assert_eq!(legs_of(&second), [(S, Side::Buy, 660, true), (L, Side::Sell, 1_600, true)]);
    assert_eq!((stuck(&pair), refusals(&pair)), (vec![], vec![]));
    // a fill of the first that comes late is no order more
    pair.fill(first[0], 600_301, 100);
    assert_eq!((pair.held(S), pair.sent()), (-560, vec![]));
    // its venue lets it reduce no further than there is
    pair.fill(second[0], 600_301, 560);
    pair.expire(second[0]);
    pair.fill(second[1], 599_998, 1_600);
    for _ in 0..100 {
        assert_eq!(pair.sent(), [], "nothing is left to be closed");
        pair.pass(1_000);
    }
    assert_eq!((pair.held(L), pair.held(S)), (0, 0));
    pair.assert_restores();
}
