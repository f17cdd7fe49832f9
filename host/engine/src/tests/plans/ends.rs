//! How plans end, in every mode and whatever comes late.

use super::*;

#[test]
fn one_leg_first_is_followed_by_what_it_filled() {
    let mut pair = Pair::new();
    // S shows less: it is the thin one
    pair.quote(S, (600_299, 2_000), (600_301, 10_000));
    pair.open(&PairRequest { legs: LegOrder::ThinFirst, ..request() });
    let first = pair.sent();
    assert_eq!((first.len(), first[0].leg, first[0].quantity), (1, S, 1_660));
    pair.fill(first[0], 600_299, 1_005);
    pair.expire(first[0]);
    let second = pair.sent();
    // 0.1005 in whole lots of 0.001
    assert_eq!((second.len(), second[0].leg, second[0].quantity), (1, L, 1_000));
    pair.fill(second[0], 600_000, 1_000);
    let result = pair.result();
    assert_eq!((result.outcome, result.residual), (PairOutcome::Balanced, dec("-0.0005")));
    // nothing of the first: nothing at all
    let mut pair = Pair::new();
    pair.open(&PairRequest { legs: LegOrder::BuyFirst, ..request() });
    let first = pair.sent();
    pair.reject(first[0]);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
    assert_eq!(pair.sent(), []);
}

#[test]
fn a_close_closes_both_and_never_opens() {
    let mut pair = Pair::new();
    pair.open(&request());
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 600_000 } else { 600_299 }, 1_660);
    }
    let close = PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    let sent = pair.sent();
    assert_eq!([sent[0].quantity, sent[1].quantity], [1_660, 1_660]);
    assert!(sent.iter().all(|sent| sent.reduce_only));
    pair.fill(sent[0], 600_301, 1_660);
    pair.reject(sent[1]);
    // one leg is closed: the other follows with wider limits, more often than an open would
    let mut seen = Vec::new();
    for _ in 0..5 {
        for sent in pair.sent() {
            seen.push((sent.leg, sent.side, sent.quantity, sent.reduce_only));
            pair.reject(sent);
        }
        pair.pass(100);
    }
    assert_eq!(seen, [(L, Side::Sell, 1_660, true); 5]);
    for sent in pair.sent() {
        pair.fill(sent, 599_998, 1_660);
    }
    let slot = &pair.rig.engine.plans.pair(&(ME, 2)).unwrap();
    assert_eq!(slot.result.as_ref().unwrap().outcome, PairOutcome::Flat);
    assert_eq!([pair.held(L), pair.held(S)], [0, 0]);
    pair.assert_restores();
}

/// A pair of 0.166 / 0.166 is open, and the strategy adds 0.1 to both legs by itself: to L at once,
/// to S when its order is filled.
pub(super) fn grown() -> (Pair, [Sent; 2]) {
    let mut pair = Pair::new();
    pair.open(&request());
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 600_000 } else { 600_299 }, 1_660);
    }
    let more = |number, leg, side, price| NewOrder {
        number,
        instrument: leg,
        ..pair.rig.order(side, price, 1_000)
    };
    let own = [more(1, L, Side::Buy, 600_000), more(2, S, Side::Sell, 600_299)];
    pair.rig.want(own.map(Intent::Submit).to_vec());
    pair.taken = pair.rig.effects.commands.len();
    let own = own.map(|order| Sent {
        leg: order.instrument,
        wire: 2,
        side: order.side,
        price: order.price.units(),
        quantity: 1_000,
        reduce_only: false,
        rests: false,
    });
    pair.fill(own[0], 600_000, 1_000);
    (pair, own)
}

/// Legs of different sizes are each closed whole: the one that follows is never sent more than it
/// is, however much the first one filled.
#[test]
fn a_leg_that_follows_is_closed_by_no_more_than_it_is() {
    let (mut pair, own) = grown();
    assert_eq!([pair.held(L), pair.held(S)], [2_660, -1_660]);
    let request = PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
    let close = PairRequest { legs: LegOrder::SellFirst, ..request };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    let first = pair.sent();
    assert_eq!((first.len(), first[0].leg, first[0].quantity), (1, L, 2_660));
    pair.fill(own[1], 600_299, 1_000);
    pair.fill(first[0], 599_998, 2_660);
    let second = pair.sent();
    assert_eq!((second.len(), second[0].leg, second[0].quantity), (1, S, 1_660));
    pair.fill(second[0], 600_301, 1_660);
    let slot = &pair.rig.engine.plans.pair(&(ME, 2)).unwrap();
    assert_eq!(slot.result.as_ref().unwrap().outcome, PairOutcome::Flat);
    assert_eq!([pair.held(L), pair.held(S)], [0, -1_000]);
}

#[test]
fn a_pair_that_cannot_be_mended_is_stuck_and_nothing_new_opens() {
    let mut pair = Pair::new();
    pair.open(&PairRequest { tries: 1, ..request() });
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.reject(sent[1]);
    let hedge = pair.sent();
    pair.reject(hedge[0]);
    let back = pair.sent();
    pair.reject(back[0]);
    let result = pair.result();
    assert!(matches!(result.outcome, PairOutcome::Stuck { .. }), "{result:?}");
    assert_eq!(result.residual, dec("0.166"));
    assert_eq!(pair.rig.engine.mode_of(ME), TradingMode::ReduceOnly);
    let denied = pair.ask_as(2, PairKind::Open, &request());
    assert_eq!(denied, Some(RiskRejection::PlanInTheWay { plan: 1 }));
    pair.assert_restores();
    // it is told again to whoever starts
    assert_eq!(pair.rig.engine.resumed(ME).plans.len(), 1);
    // an operator takes it over
    let command =
        OperatorCommand::SetMode { scope: Scope::Strategy(ME), mode: TradingMode::Running };
    let now = HostTime::from_nanos(pair.rig.now);
    let input = Input::Operator { now, command, reason: "looked".into() };
    pair.rig.engine.handle(input, &mut pair.rig.effects);
    assert_eq!(pair.rig.engine.resumed(ME).plans, []);
    assert_eq!(pair.ask_as(2, PairKind::Open, &request()), None);
}

/// The table of DESIGN section 5: what a plan may do in which mode.
#[test]
fn a_mode_ends_completing_and_a_halt_unwinding_too() {
    for (mode, unwinds) in [
        (TradingMode::ReduceOnly, true),
        (TradingMode::CancelOnly, true),
        (TradingMode::Halted, false),
    ] {
        let mut pair = Pair::new();
        assert_eq!(pair.ask(PairKind::Open, &request()), None);
        let sent = pair.sent();
        pair.mode(mode);
        assert_eq!(pair.sent(), []);
        pair.fill(sent[0], 600_000, 1_660);
        pair.reject(sent[1]);
        let next = pair.sent();
        if unwinds {
            assert_eq!((next[0].leg, next[0].side), (L, Side::Sell), "{mode}");
            assert!(next[0].reduce_only);
            pair.fill(next[0], 599_998, 1_660);
            assert_eq!(pair.result().outcome, PairOutcome::Flat);
        } else {
            assert_eq!(next, [], "{mode}");
            assert!(matches!(pair.result().outcome, PairOutcome::Stuck { .. }));
        }
        // and none begins
        let denied = pair.ask_as(2, PairKind::Open, &request());
        assert!(
            matches!(
                denied,
                Some(RiskRejection::ModeForbids { .. } | RiskRejection::PlanInTheWay { .. })
            ),
            "{denied:?}"
        );
    }
}

#[test]
fn a_fill_that_comes_late_reopens_what_was_balanced() {
    let mut pair = Pair::new();
    pair.open(&request());
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_000);
    pair.expire(sent[0]);
    pair.fill(sent[1], 600_299, 1_000);
    pair.expire(sent[1]);
    assert_eq!(pair.result().outcome, PairOutcome::Balanced);
    pair.fill(sent[0], 600_000, 660);
    assert_eq!(pair.phase(), PairPhase::Unwinding);
    let back = pair.sent();
    assert_eq!((back[0].leg, back[0].side, back[0].quantity), (L, Side::Sell, 660));
    // told twice, counted once
    let trade = TradeId(pair.rig.trade);
    pair.fill_as(sent[0], trade, 600_000, 660);
    assert_eq!((pair.held(L), pair.sent()), (1_660, vec![]));
    pair.fill(back[0], 599_998, 660);
    assert_eq!(pair.result().outcome, PairOutcome::Balanced);
    assert_eq!([pair.held(L), pair.held(S)], [1_000, -1_000]);
    pair.assert_restores();
}

/// What was taken back was said not to be, was taken back again, and comes late: the other leg has
/// nothing to give for that. People are told.
#[test]
fn what_was_taken_back_twice_is_not_taken_from_the_other_leg() {
    let mut pair = Pair::new();
    pair.open(&request());
    let sent = pair.sent();
    pair.rig.want(vec![Intent::CancelPlan(1)]);
    pair.fill(sent[0], 600_000, 1_660);
    pair.reject(sent[1]);
    let back = pair.sent();
    pair.expire(back[0]);
    pair.pass(1_000);
    let again = pair.sent();
    assert_eq!((again[0].leg, again[0].quantity), (L, 1_660));
    pair.fill(again[0], 599_998, 1_660);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
    pair.fill(back[0], 599_998, 1_660);
    assert_eq!((pair.held(L), pair.sent()), (-1_660, vec![]));
    assert!(matches!(pair.result().outcome, PairOutcome::Stuck { .. }));
    let denied = |stamped: &Stamped| {
        matches!(stamped.fact, Fact::Plan { step: PlanStep::Denied { .. }, .. })
    };
    assert!(!pair.rig.effects.facts.iter().any(denied), "nobody asks for the other leg");
    pair.assert_restores();
}

#[test]
fn a_plan_that_is_given_up_completes_nothing_more() {
    let mut pair = Pair::new();
    pair.open(&request());
    let sent = pair.sent();
    pair.rig.want(vec![Intent::CancelPlan(1)]);
    pair.fill(sent[0], 600_000, 1_660);
    pair.reject(sent[1]);
    let back = pair.sent();
    assert_eq!((back[0].leg, back[0].side), (L, Side::Sell));
    // one that is not there is told
    pair.rig.want(vec![Intent::CancelPlan(9)]);
    let last = pair.rig.effects.facts.last().map(|stamped| stamped.fact.clone());
    assert!(matches!(last, Some(Fact::IntentDenied { .. })), "{last:?}");
}

/// No market for a while uses up time, not tries; with none at all it is stuck.
#[test]
fn an_unwind_waits_for_a_market_and_not_for_ever() {
    let mut pair = Pair::new();
    pair.open(&PairRequest { tries: 1, ..request() });
    let sent = pair.sent();
    // the feed of both breaks off
    for leg in [L, S] {
        let tick = Tick {
            ts: START,
            recv_ts: START,
            instrument: leg.0,
            kind: TickKind::FeedStatus.code(),
            flags: flag::LAST,
            a: hedgerow_model::FeedStatus::Down.code(),
            ..Tick::default()
        };
        pair.rig.engine.handle(Input::Market(&[tick]), &mut pair.rig.effects);
    }
    pair.fill(sent[0], 600_000, 1_660);
    pair.reject(sent[1]);
    let wake = |pair: &mut Pair| {
        let next = pair.rig.engine.next_fixed_wakeup().expect("something is waited for");
        pair.rig.now = next.as_nanos();
        pair.rig.engine.handle(Input::Wake(next), &mut pair.rig.effects);
    };
    // completing needs a market; after the deadline the mark must do for taking back
    while pair.phase() == PairPhase::Completing {
        assert_eq!(pair.sent(), []);
        wake(&mut pair);
    }
    let back = pair.sent();
    assert_eq!((back[0].leg, back[0].side, back[0].quantity), (L, Side::Sell, 1_660));
    // 50 bps below the last mark, 59 999.9, rounded to reach further
    assert_eq!(back[0].price, 596_999);
}

/// A strategy that is down, or cancels all it has, takes nothing from its plan.
#[test]
fn a_plan_goes_on_without_its_strategy() {
    let mut pair = Pair::new();
    pair.open(&request());
    let sent = pair.sent();
    let fault =
        hedgerow_model::CallFault { kind: hedgerow_model::FaultKind::Trap, detail: "test".into() };
    pair.rig.want(vec![Intent::CancelAll(L), Intent::Cancel(PLAN_ORDERS)]);
    let now = HostTime::from_nanos(pair.rig.now);
    let input = Input::Fault { now, strategy: ME, fault, next_order: 1 };
    pair.rig.engine.handle(input, &mut pair.rig.effects);
    let cancels = |command: &&VenueCommand| matches!(command, VenueCommand::Cancel { .. });
    assert_eq!(pair.rig.effects.commands.iter().filter(cancels).count(), 0);
    pair.fill(sent[0], 600_000, 1_660);
    pair.reject(sent[1]);
    assert_eq!(pair.sent()[0].leg, S);
    assert_eq!(pair.rig.engine.resumed(ME).orders, []);
    assert_eq!(pair.rig.engine.resumed(ME).plans.len(), 1);
}

/// Closed 0.08 and 0.05 of 0.1 each: the leg that is behind is brought level first, and the other
/// waits for it.
#[test]
fn a_close_that_is_uneven_is_levelled_first() {
    let mut pair = Pair::new();
    pair.open(&PairRequest { size: PairSize::Base(dec("0.1")), ..request() });
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 600_000 } else { 600_299 }, 1_000);
    }
    let close = PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    let sent = pair.sent();
    assert_eq!([sent[0].leg, sent[1].leg], [S, L]);
    pair.fill(sent[0], 600_301, 800);
    pair.expire(sent[0]);
    pair.fill(sent[1], 599_998, 500);
    pair.expire(sent[1]);
    let next = pair.sent();
    assert_eq!((next.len(), next[0].leg, next[0].quantity), (1, L, 300));
    pair.fill(next[0], 599_998, 300);
    // level: what is left of either
    pair.pass(200);
    let next = pair.sent();
    assert_eq!((next.len(), next[0].leg, next[0].quantity), (1, S, 200));
    pair.fill(next[0], 600_301, 200);
    pair.pass(200);
    let next = pair.sent();
    assert_eq!((next.len(), next[0].leg, next[0].quantity), (1, L, 200));
    pair.fill(next[0], 599_998, 200);
    assert_eq!((pair.held(L), pair.held(S)), (0, 0));
    pair.assert_restores();
}

/// The strategy sells what its plan bought while one leg is alone: its order would make the plan's
/// own one no reduction. It is canceled first.
#[test]
fn what_rests_in_the_way_of_taking_back_is_canceled_first() {
    let mut pair = Pair::new();
    pair.open(&PairRequest { tries: 1, ..request() });
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    let order = NewOrder {
        instrument: L,
        side: Side::Sell,
        price: Price::from_units(600_100),
        quantity: Quantity::from_units(1_660),
        ..pair.rig.order(Side::Sell, 600_100, 1_660)
    };
    assert_eq!(pair.rig.submit(order), None);
    let wire = pair.rig.engine.order(ME, order.number).unwrap().wire;
    let accepted = VenueReport::Accepted { wire, order: VenueOrderId(9) };
    pair.report(L, accepted);
    pair.taken = pair.rig.effects.commands.len();
    pair.reject(sent[1]);
    let hedge = pair.sent();
    assert_eq!((hedge.len(), hedge[0].leg), (1, S));
    pair.reject(hedge[0]);
    assert_eq!(pair.sent(), []);
    assert_eq!(pair.canceled, [(L, wire.0)], "it would be in the way");
    pair.report(L, VenueReport::Canceled { wire, filled: None });
    pair.pass(200);
    let back = pair.sent();
    assert_eq!((back.len(), back[0].leg, back[0].side), (1, L, Side::Sell));
    assert!(back[0].reduce_only);
    pair.fill(back[0], 599_998, 1_660);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
    pair.assert_restores();
}
