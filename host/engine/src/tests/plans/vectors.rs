//! The worked numbers.

use super::*;

#[test]
fn vector_f5_sizes_both_legs_on_the_common_step() {
    let mut pair = Pair::new();
    pair.open(&request());
    let sent = pair.sent();
    // 10 000 / 60 030 = 0.16658..., step 0.001
    assert_eq!([sent[0].quantity, sent[1].quantity], [1_660, 1_660]);
    assert_eq!([sent[0].side, sent[1].side], [Side::Buy, Side::Sell]);
    // contracts of 0.01: 0.16, that is 16 contracts
    let mut instruments = legs();
    instruments[1].multiplier = dec("0.01");
    instruments[1].quantity_scale = Scale::ZERO;
    instruments[1].lot = Quantity::from_units(1);
    instruments[1].min_quantity = Quantity::from_units(1);
    let mut pair = Pair::with(instruments, wide(), false);
    pair.open(&request());
    let sent = pair.sent();
    assert_eq!([sent[0].quantity, sent[1].quantity], [1_600, 16]);
}

#[test]
fn vector_l1_walks_the_book_and_asks_for_no_worse_than_it_needs() {
    let mut pair = Pair::new();
    let levels = [(600_000, 500), (600_005, 800), (600_030, 4_000), (599_998, 10_000)];
    let ticks: Vec<Tick> = (0..4)
        .map(|place| Tick {
            ts: START,
            recv_ts: START,
            kind: TickKind::Level.code(),
            flags: [flag::SNAPSHOT | flag::SELL, flag::SELL, flag::SELL, flag::LAST][place],
            a: levels[place].0,
            b: levels[place].1,
            seq: 1,
            ..Tick::default()
        })
        .collect();
    pair.rig.engine.handle(Input::Market(&ticks), &mut pair.rig.effects);
    pair.open(&request());
    let slot = &pair.rig.engine.plans.pair(&(ME, 1)).unwrap().plan;
    // 0.05 x 60 000.0 + 0.08 x 60 000.5 + 0.036 x 60 003.0 = 9960.148
    assert_eq!(slot.legs[0].expected.round_dp(6), dec("60000.891566"));
    assert_eq!(slot.legs[0].middle, dec("59999.9"));
    let sent = pair.sent();
    // 60 000.0 x 1.0005 is 60 030.0; 60 003.0 is all that is needed, and one tick
    assert_eq!(sent[0].price, 600_031);
    // the touch is all that is needed of S: 60 029.9 and one tick; 5 bps would be 59 999.8
    assert_eq!(sent[1].price, 600_298);
    let limit = pair.rig.engine.taking_limit(
        HostTime::from_nanos(START),
        (&pair.rig.engine.config.instruments[1], Side::Sell),
        (Give::Bps(5), 100),
        false,
    );
    assert_eq!(limit.unwrap().limit, Price::from_units(599_998));
}

/// Of an inverse leg the coarser one is whole, the finer one follows to the nearest lot.
#[test]
fn vector_c3_hedges_an_inverse_leg_and_records_the_dust() {
    let pair = c3();
    let result = pair.result();
    assert_eq!(result.outcome, PairOutcome::Balanced);
    assert_eq!(result.residual.round_dp(6), dec("0.000654"));
    assert_eq!(result.legs[1].average.unwrap().round_dp(6), dec("61200"));
    pair.assert_restores();
}

/// The pair of C3, opened.
pub(super) fn c3() -> Pair {
    let mut instruments = legs();
    instruments[0].kind = InstrumentKind::Spot;
    instruments[0].lot = Quantity::from_units(1_000);
    instruments[0].min_quantity = Quantity::from_units(1_000);
    instruments[1].kind = InstrumentKind::InverseFuture { expiry: VenueTime::from_nanos(u64::MAX) };
    instruments[1].settle = "B".into();
    instruments[1].multiplier = dec("100");
    instruments[1].quantity_scale = Scale::ZERO;
    instruments[1].lot = Quantity::from_units(1);
    instruments[1].min_quantity = Quantity::from_units(1);
    let mut pair = Pair::with(instruments, wide(), false);
    pair.quote(S, (611_999, 10_000), (612_001, 10_000));
    pair.open(&PairRequest { size: PairSize::Base(dec("0.2")), ..request() });
    let sent = pair.sent();
    assert_eq!([sent[0].quantity, sent[1].quantity], [2_000, 122]);
    pair.fill(sent[0], 600_000, 2_000);
    pair.fill(sent[1], 612_000, 122);
    pair
}

/// The venue of one leg does not say what became of its order, and the other one is filled: nothing
/// is sent before it is known, but people are told after thirty seconds.
#[test]
fn a_leg_that_is_alone_for_long_is_told_while_the_other_is_not_known() {
    let mut pair = Pair::new();
    pair.open(&request());
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.unknown(sent[1]);
    pair.pass(29_000);
    let mode = |pair: &Pair| pair.rig.engine.modes.of(Scope::Strategy(ME));
    assert_eq!((mode(&pair), pair.sent().len()), (TradingMode::Running, 0));
    pair.pass(2_000);
    assert_eq!((mode(&pair), pair.sent().len()), (TradingMode::ReduceOnly, 0));
    assert_eq!(pair.phase(), PairPhase::Opening);
    // an operator has looked: that stands, however long it still takes
    pair.set(Scope::Strategy(ME), TradingMode::Running);
    pair.pass(120_000);
    assert_eq!(mode(&pair), TradingMode::Running);
    pair.fill(sent[1], 600_299, 1_660);
    assert_eq!(pair.result().outcome, PairOutcome::Balanced);
    pair.assert_restores();
}

#[test]
fn vector_t1_completes_then_takes_back_the_rest() {
    let mut pair = Pair::new();
    pair.open(&PairRequest { tries: 1, ..request() });
    let sent = pair.sent();
    pair.fill(sent[0], 600_009, 1_660);
    pair.fill(sent[1], 600_299, 1_000);
    assert_eq!(pair.sent(), [], "the rest of S may still come");
    pair.expire(sent[1]);
    let hedge = pair.sent();
    assert_eq!(hedge.len(), 1);
    assert_eq!((hedge[0].leg, hedge[0].side, hedge[0].quantity), (S, Side::Sell, 660));
    assert!(!hedge[0].reduce_only);
    pair.fill(hedge[0], 600_200, 600);
    pair.expire(hedge[0]);
    assert_eq!(pair.phase(), PairPhase::Completing);
    assert_eq!(pair.sent(), [], "not at once again");
    pair.pass(100);
    let hedge = pair.sent();
    assert_eq!((hedge[0].leg, hedge[0].quantity), (S, 60));
    pair.reject(hedge[0]);
    let back = pair.sent();
    assert_eq!((back[0].leg, back[0].side, back[0].quantity), (L, Side::Sell, 60));
    assert!(back[0].reduce_only);
    pair.fill(back[0], 599_980, 60);
    let result = pair.result();
    assert_eq!(result.outcome, PairOutcome::Balanced);
    assert_eq!([pair.held(L), pair.held(S)], [1_600, -1_600]);
    // 0.006 x 2.9
    assert_eq!(result.repair_loss, dec("0.0174"));
    assert_eq!(result.retries, 3);
    assert!(result.is_incident());
    assert_eq!(result.legs[0].taken_back, Some(dec("59998")));
    assert_eq!(pair.told()["outcome"], "balanced");
    pair.assert_restores();
}

#[test]
fn vector_t2_a_leg_that_is_refused_leaves_nothing_behind() {
    let mut pair = Pair::new();
    pair.open(&request());
    let sent = pair.sent();
    pair.reject(sent[1]);
    pair.fill(sent[0], 600_000, 1_660);
    for _ in 0..3 {
        let hedge = pair.sent();
        assert_eq!((hedge.len(), hedge[0].leg, hedge[0].quantity), (1, S, 1_660));
        pair.reject(hedge[0]);
        pair.pass(100);
    }
    let back = pair.sent();
    assert_eq!((back[0].leg, back[0].side, back[0].quantity), (L, Side::Sell, 1_660));
    pair.fill(back[0], 599_998, 1_660);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
    assert_eq!([pair.held(L), pair.held(S)], [0, 0]);
    pair.assert_restores();
}

/// A time-out is not a fill of nothing: nothing is done before the truth is known.
#[test]
fn vector_t3_an_unknown_outcome_is_waited_for() {
    let mut pair = Pair::new();
    pair.open(&request());
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.report(S, VenueReport::OutcomeUnknown { wire: WireId(sent[1].wire) });
    pair.pass(10_000);
    assert_eq!(pair.sent(), [], "long after the deadline");
    pair.fill(sent[1], 600_299, 1_660);
    assert_eq!(pair.result().outcome, PairOutcome::Balanced);
    assert_eq!([pair.held(L), pair.held(S)], [1_660, -1_660]);
}

/// T3: S is asked for by its client id. "Unknown order" twice is no proof; the fill that the stream
/// brings is. Whoever unwound L on the time-out would be short 0.166 now.
#[test]
fn vector_t3_unknown_order_twice_is_no_proof_and_the_fill_still_balances() {
    let mut pair = Pair::with(legs(), wide(), true);
    up(&mut pair, [0, 0]);
    pair.open(&request());
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.report(S, VenueReport::OutcomeUnknown { wire: WireId(sent[1].wire) });
    for asked in 1..=2 {
        while pair.rig.queries().len() < asked {
            pair.rig.wake_next();
        }
        let (account, nonce, wire, trades) = *pair.rig.queries().last().unwrap();
        assert_eq!((account, wire.0, trades), (AccountId(1), sent[1].wire, false));
        let answer = QueryAnswer::NotFound;
        pair.rig.tell(account, VenueReport::OrderState { nonce: Some(nonce), wire, answer });
        assert_eq!(pair.sent(), [], "answer {asked} is acted on");
    }
    assert_eq!((pair.held(L), pair.held(S)), (1_660, 0));
    pair.fill(sent[1], 600_299, 1_660);
    assert_eq!(pair.result().outcome, PairOutcome::Balanced);
    assert_eq!([pair.held(L), pair.held(S)], [1_660, -1_660]);
    pair.assert_restores();
}

/// Both venues are reached and tell what there is.
pub(super) fn up(pair: &mut Pair, positions: [i64; 2]) {
    for (leg, units) in [L, S].into_iter().zip(positions) {
        pair.report(leg, VenueReport::Up);
        told(pair, leg, units);
    }
}

/// The venue of a leg answers what it was asked last.
fn told(pair: &mut Pair, leg: InstrumentId, units: i64) {
    let nonce = pair.rig.effects.commands.iter().rev().find_map(|command| match command {
        VenueCommand::Reconcile { nonce, .. } => Some(*nonce),
        _ => None,
    });
    let nonce = nonce.unwrap();
    if units != 0 {
        let quantity = Quantity::from_units(units);
        pair.report(leg, VenueReport::Position { nonce, instrument: leg, quantity });
    }
    pair.report(leg, VenueReport::Reconciled { nonce });
}

fn wake(pair: &mut Pair) {
    let now = HostTime::from_nanos(pair.rig.now);
    pair.rig.engine.handle(Input::Wake(now), &mut pair.rig.effects);
}

/// The same with the second leg never approved: nothing of the plan lives, and all the same nothing
/// is done before both venues have told.
#[test]
fn a_restart_between_the_legs_waits_for_both_venues() {
    let mut pair = Pair::with(legs(), wide(), true);
    up(&mut pair, [0, 0]);
    pair.open(&PairRequest { legs: LegOrder::BuyFirst, ..request() });
    let sent = pair.sent();
    assert_eq!(sent.len(), 1);
    let (facts, taken) = (pair.rig.effects.facts.clone(), sent[0].quantity);
    // it dies between booking the fill and sending the other leg
    pair.fill(sent[0], 600_000, taken);
    let fill = pair.rig.effects.facts[facts.len()..].iter();
    let fill =
        fill.take_while(|s| !matches!(s.fact, Fact::Plan { step: PlanStep::Sends { .. }, .. }));
    let facts: Vec<_> = facts.iter().chain(fill).cloned().collect();
    let mut again = Pair::with(legs(), wide(), true);
    again.rig.engine.restore(&facts);
    again.rig.now = pair.rig.now + 60_000_000_000;
    again.markets();
    wake(&mut again);
    assert_eq!(again.sent(), []);
    again.report(L, VenueReport::Up);
    told(&mut again, L, taken);
    wake(&mut again);
    assert_eq!(again.sent(), [], "the other venue has not told");
    again.report(S, VenueReport::Up);
    told(&mut again, S, 0);
    let back = again.sent();
    assert_eq!(back.len(), 1, "{back:?}");
    assert_eq!((back[0].leg, back[0].side, back[0].quantity), (L, Side::Sell, taken));
}

/// What is taken back while its venue is away uses up neither tries nor time.
#[test]
fn an_outage_in_the_middle_of_taking_back_is_waited_out() {
    let mut pair = Pair::with(legs(), wide(), true);
    up(&mut pair, [0, 0]);
    pair.open(&request());
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.reject(sent[1]);
    let back = loop {
        pair.pass(100);
        let Some(next) = pair.sent().pop() else { continue };
        if next.leg == L {
            break next;
        }
        pair.reject(next);
    };
    assert_eq!((pair.phase(), back.leg, back.side), (PairPhase::Unwinding, L, Side::Sell));
    pair.report(L, VenueReport::Down);
    pair.pass(60_000);
    assert_eq!(pair.sent(), []);
    // its order lives, as far as is known; but the leg is alone for long
    assert_eq!(pair.rig.engine.modes.of(Scope::Strategy(ME)), TradingMode::ReduceOnly);
    pair.report(L, VenueReport::Up);
    pair.expire(back);
    assert_eq!((pair.phase(), pair.sent()), (PairPhase::Unwinding, vec![]));
    told(&mut pair, L, 1_660);
    pair.pass(200);
    let again = pair.sent();
    assert_eq!(again.len(), 1, "{:?}", pair.phase());
    pair.fill(again[0], 599_998, 1_660);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
}

/// The host dies after L's fill and before S was sent; the venues say what is true.
#[test]
fn vector_t4_a_restart_takes_back_what_was_left_alone() {
    let mut pair = Pair::with(legs(), wide(), true);
    up(&mut pair, [0, 0]);
    pair.open(&request());
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    // S never left: the venue does not know it
    let facts = pair.rig.effects.facts.clone();
    let mut again = Pair::with(legs(), wide(), true);
    again.rig.engine.restore(&facts);
    again.rig.now = pair.rig.now + 60_000_000_000;
    again.markets();
    assert_eq!(again.phase(), PairPhase::Opening);
    let now = HostTime::from_nanos(again.rig.now);
    again.rig.engine.handle(Input::Wake(now), &mut again.rig.effects);
    assert_eq!(again.sent(), [], "nothing before the venues have told");
    up(&mut again, [1_660, 0]);
    again.rig.never_arrived();
    up(&mut again, [1_660, 0]);
    let back = again.sent();
    assert_eq!(back.len(), 1, "{back:?}");
    assert_eq!((back[0].leg, back[0].side, back[0].quantity), (L, Side::Sell, 1_660));
    assert!(back[0].reduce_only);
    again.fill(back[0], 599_998, 1_660);
    assert_eq!(again.result().outcome, PairOutcome::Flat);
}

/// One order of the host's is left in this second: neither leg is sent.
#[test]
fn both_legs_find_their_orders_worth_or_none_is_sent() {
    let mut config = Pair::new().rig.engine.config;
    config.host.orders_per_s_max = Some(1);
    let mut pair = Pair::over(Engine::new(config));
    let refused = pair.ask(PairKind::Open, &request());
    let scope = Scope::Host;
    assert_eq!(refused, Some(RiskRejection::OrderRateAboveMax { scope, limit_per_s: 1 }));
    assert_eq!(pair.sent(), []);
}
