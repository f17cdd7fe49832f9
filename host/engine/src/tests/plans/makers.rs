//! One leg makes: every fill is hedged, the quote is pulled whenever the hedge cannot be had, and
//! what comes of it is balanced, flat or stuck like every pair.

mod closes;
mod death;
mod inverse;
mod refused;

use super::*;
use hedgerow_model::{Give, Making, OpaqueMessage as Message};

/// L rests at its bid for a second; S is sold for what fills.
fn making() -> PairRequest {
    let make = Some(Making::new(1_000, Give::Ticks(30)));
    PairRequest { legs: LegOrder::MakerTaker, make, ..request() }
}

fn begun(request: &PairRequest) -> (Pair, Sent) {
    let mut pair = Pair::new();
    pair.open(request);
    let sent = pair.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].rests);
    pair.accepted(sent[0]);
    (pair, sent[0])
}

impl Pair {
    pub(super) fn accepted(&mut self, sent: Sent) {
        let order = VenueOrderId(sent.wire);
        self.report(sent.leg, VenueReport::Accepted { wire: WireId(sent.wire), order });
    }

    pub(super) fn canceled(&mut self, sent: Sent, filled: i64) {
        let filled = Some(Quantity::from_units(filled));
        self.report(sent.leg, VenueReport::Canceled { wire: WireId(sent.wire), filled });
    }

    /// Time passes, and only what was asked to be woken for happens.
    fn wake_at(&mut self, ms: u64) {
        self.rig.now = START + ms * 1_000_000;
        let now = HostTime::from_nanos(self.rig.now);
        self.rig.engine.handle(Input::Wake(now), &mut self.rig.effects);
    }

    pub(super) fn pulled(&mut self, sent: Sent) -> bool {
        assert_eq!(self.sent(), []);
        std::mem::take(&mut self.canceled) == [(sent.leg, sent.wire)]
    }
}

#[test]
fn each_fill_is_hedged_for_what_was_filled() {
    let (mut pair, quote) = begun(&making());
    // its own touch, and all of it
    assert_eq!((quote.leg, quote.side), (L, Side::Buy));
    assert_eq!((quote.price, quote.quantity, quote.reduce_only), (599_998, 1_660, false));
    assert_eq!(pair.phase(), PairPhase::Making);
    pair.fill(quote, 599_998, 210);
    let hedge = pair.sent();
    assert_eq!((hedge[0].leg, hedge[0].side, hedge[0].quantity), (S, Side::Sell, 210));
    // 10 bps below 60 029.9, rounded down
    assert_eq!((hedge[0].price, hedge[0].rests), (599_698, false));
    // what fills meanwhile waits for the answer
    pair.fill(quote, 599_998, 100);
    assert_eq!(pair.sent(), []);
    pair.fill(hedge[0], 600_299, 210);
    let next = pair.sent();
    assert_eq!((next[0].leg, next[0].quantity), (S, 100));
    pair.fill(next[0], 600_299, 100);
    pair.fill(quote, 599_998, 1_350);
    let last = pair.sent();
    assert_eq!((last[0].leg, last[0].quantity), (S, 1_350));
    pair.fill(last[0], 600_299, 1_350);
    let result = pair.result();
    assert_eq!((result.outcome, result.residual), (PairOutcome::Balanced, dec("0")));
    assert_eq!((result.orders, result.retries), (4, 0));
    assert_eq!([pair.held(L), pair.held(S)], [1_660, -1_660]);
    pair.assert_restores();
    // what was expected of the leg that makes is its limit: half a spread better than the middle
    let planned = pair.told()["planned"].clone();
    assert_eq!(planned[0]["expected"], "59999.8");
    assert_eq!(planned[0]["reach"], serde_json::Value::Null);
    assert_eq!(
        (planned[1]["fillable"].as_str(), planned[1]["source"].as_str()),
        (Some("1"), Some("touch"))
    );
}

#[test]
fn what_is_less_than_an_order_waits_for_more() {
    let mut instruments = legs();
    instruments[1].min_quantity = Quantity::from_units(500);
    let mut pair = Pair::with(instruments, wide(), false);
    pair.open(&making());
    let quote = pair.sent()[0];
    pair.accepted(quote);
    pair.fill(quote, 599_998, 490);
    assert_eq!(pair.sent(), []);
    pair.fill(quote, 599_998, 20);
    assert_eq!(pair.sent()[0].quantity, 510);
}

#[test]
fn it_follows_its_market_not_too_often_and_not_too_far() {
    let (mut pair, quote) = begun(&making());
    pair.wake_at(100);
    pair.quote(L, (600_005, 10_000), (600_007, 10_000));
    assert_eq!((pair.sent(), pair.canceled.len()), (vec![], 0), "half a second has not passed");
    // looked at again by itself
    let wakes = pair.rig.engine.next_fixed_wakeup().unwrap();
    assert_eq!(wakes.as_nanos(), START + 500_000_000);
    pair.wake_at(500);
    assert!(pair.pulled(quote));
    assert_eq!(pair.sent(), [], "its end is not known");
    pair.canceled(quote, 0);
    let again = pair.sent();
    assert_eq!((again[0].price, again[0].quantity, again[0].rests), (600_005, 1_660, true));
    pair.accepted(again[0]);
    // 30 ticks from where it began and no further
    pair.wake_at(990);
    pair.quote(L, (600_050, 10_000), (600_052, 10_000));
    pair.quote(S, (600_299, 10_000), (600_301, 10_000));
    pair.wake_at(999);
    assert_eq!((pair.sent(), pair.canceled.len()), (vec![], 0));
    let (mut pair, quote) = begun(&PairRequest {
        make: Some(Making { for_ms: 1_900, ..making().make.unwrap() }),
        ..making()
    });
    pair.wake_at(600);
    pair.quote(L, (600_050, 10_000), (600_052, 10_000));
    assert!(pair.pulled(quote));
    pair.canceled(quote, 0);
    assert_eq!(pair.sent()[0].price, 600_028);
}

/// Everything that makes the hedge unusable, and that it is quoted again when it is well.
#[test]
fn it_is_pulled_when_the_hedge_cannot_be_had() {
    let least = PairRequest {
        min_premium_bps: Some(4),
        make: Some(Making { for_ms: 9_000, ..making().make.unwrap() }),
        deadline_ms: 10_000,
        ..making()
    };
    type Spoil = fn(&mut Pair);
    let spoils: [(&str, Spoil); 5] = [
        ("crossed", |pair| pair.quote(S, (600_301, 10_000), (600_301, 10_000))),
        ("one-sided", |pair| pair.quote(S, (600_299, 0), (600_301, 10_000))),
        ("too little", |pair| pair.quote(S, (600_299, 1_600), (600_301, 10_000))),
        ("the premium is gone", |pair| pair.quote(S, (600_200, 10_000), (600_202, 10_000))),
        ("stale", |pair| {
            let at = pair.rig.engine.next_wakeup().unwrap();
            pair.rig.now = at.as_nanos();
            pair.quote(L, (599_998, 10_000), (600_000, 10_000));
            let now = HostTime::from_nanos(pair.rig.now);
            pair.rig.engine.handle(Input::Wake(now), &mut pair.rig.effects);
        }),
    ];
    for (what, spoil) in spoils {
        let (mut pair, quote) = begun(&least);
        pair.rig.now += 600_000_000;
        if what == "stale" {
            // nothing comes from S: the first wake is when it has grown old
            pair.rig.now = START;
        }
        spoil(&mut pair);
        assert!(pair.pulled(quote), "{what}");
        pair.canceled(quote, 0);
        assert_eq!(pair.sent(), [], "{what}");
        pair.markets();
        let again = pair.sent();
        assert_eq!((again.len(), again[0].rests), (1, true), "{what}");
        pair.assert_restores();
    }
}

#[test]
fn a_hedge_of_unknown_outcome_pulls_the_quote() {
    let (mut pair, quote) = begun(&making());
    pair.fill(quote, 599_998, 200);
    let hedge = pair.sent()[0];
    pair.report(S, VenueReport::OutcomeUnknown { wire: WireId(hedge.wire) });
    assert!(pair.pulled(quote));
    pair.canceled(quote, 200);
    assert_eq!(pair.sent(), [], "nothing is sent beside what is not known");
    pair.fill(hedge, 600_299, 200);
    pair.rig.now += 500_000_000;
    pair.markets();
    assert_eq!((pair.sent()[0].quantity, pair.phase()), (1_460, PairPhase::Making));
}

#[test]
fn at_its_time_it_is_canceled_and_what_is_left_is_hedged() {
    // nothing filled: nothing at all
    let (mut pair, quote) = begun(&making());
    pair.pass(999);
    assert_eq!((pair.sent(), pair.canceled.len()), (vec![], 0));
    pair.pass(1);
    assert!(pair.pulled(quote));
    pair.canceled(quote, 0);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
    // it filled while the cancel was on its way
    let (mut pair, quote) = begun(&making());
    pair.pass(1_000);
    assert!(pair.pulled(quote));
    pair.fill(quote, 599_998, 400);
    let hedge = pair.sent();
    assert_eq!((hedge[0].leg, hedge[0].quantity), (S, 400));
    pair.canceled(quote, 400);
    pair.fill(hedge[0], 600_299, 400);
    assert_eq!(pair.result().outcome, PairOutcome::Balanced);
    assert_eq!([pair.held(L), pair.held(S)], [400, -400]);
    pair.assert_restores();
}

/// T2 with a leg that makes: what cannot be hedged is taken back.
#[test]
fn a_hedge_that_fails_ends_it_and_what_was_made_is_taken_back() {
    let (mut pair, quote) = begun(&making());
    pair.fill(quote, 599_998, 200);
    for _ in 0..3 {
        let hedge = pair.sent();
        assert_eq!((hedge[0].leg, hedge[0].quantity), (S, 200));
        pair.reject(hedge[0]);
        pair.pass(100);
    }
    assert!(pair.pulled(quote));
    pair.canceled(quote, 200);
    assert_eq!(pair.phase(), PairPhase::Completing);
    for _ in 0..3 {
        let hedge = pair.sent();
        assert_eq!((hedge[0].leg, hedge[0].quantity), (S, 200));
        pair.reject(hedge[0]);
        pair.pass(100);
    }
    let back = pair.sent();
    assert_eq!((back[0].leg, back[0].side, back[0].reduce_only), (L, Side::Sell, true));
    pair.fill(back[0], 599_998, 200);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
    assert!(pair.result().is_incident());
    pair.assert_restores();
}

#[test]
fn a_mode_a_word_and_a_kill_pull_it() {
    for (mode, given_up) in
        [(Some(TradingMode::ReduceOnly), false), (Some(TradingMode::Halted), false), (None, true)]
    {
        let (mut pair, quote) = begun(&making());
        match mode {
            Some(mode) => pair.mode(mode),
            None => pair.rig.want(vec![Intent::CancelPlan(1)]),
        }
        assert!(pair.pulled(quote), "{mode:?} {given_up}");
        pair.canceled(quote, 0);
        assert_eq!(pair.result().outcome, PairOutcome::Flat);
    }
}

/// A host that ends leaves nothing resting that nobody would hedge.
#[test]
fn a_strategy_that_is_stopped_pulls_it_and_takes_back_what_is_alone() {
    let (mut pair, quote) = begun(&making());
    pair.fill(quote, 599_998, 200);
    let hedge = pair.sent()[0];
    let now = HostTime::from_nanos(pair.rig.now);
    let stopped = Input::Stopped { now, strategy: ME };
    pair.rig.engine.handle(stopped, &mut pair.rig.effects);
    assert!(pair.pulled(quote));
    pair.canceled(quote, 200);
    pair.reject(hedge);
    let back = pair.sent();
    assert_eq!((back[0].leg, back[0].side, back[0].quantity), (L, Side::Sell, 200));
    pair.fill(back[0], 599_998, 200);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
    assert!(pair.rig.engine.conditions().iter().any(|why| why.contains("repaired")));
}

#[test]
fn a_leg_makes_only_with_terms_that_make_sense() {
    let refused = |request: PairRequest| {
        let mut pair = Pair::new();
        let Some(RiskRejection::PlanUnreadable { detail }) = pair.ask(PairKind::Open, &request)
        else {
            panic!("it begins")
        };
        assert_eq!(pair.sent(), []);
        detail
    };
    let terms = making().make.unwrap();
    let with = |make: Making| PairRequest { make: Some(make), ..making() };
    assert!(refused(PairRequest { make: None, ..making() }).contains("make: it is missing"));
    assert!(refused(PairRequest { make: Some(terms), ..request() }).contains("legs must be"));
    for make in [Making { for_ms: 0, ..terms }, Making { for_ms: 2_000, ..terms }] {
        assert!(refused(with(make)).contains("make.for_ms"));
    }
    for make in [Making { reprice_ms: 0, ..terms }, Making { reprice_ticks: 0, ..terms }] {
        assert!(refused(with(make)).contains("reprice"));
    }
}

/// No price of either leg passes unseen while one makes.
#[test]
fn ticks_of_both_legs_are_not_quiet_while_one_makes() {
    let (mut pair, quote) = begun(&making());
    let quiet = |pair: &Pair, leg: InstrumentId| {
        let tick = Tick {
            ts: pair.rig.now,
            recv_ts: pair.rig.now,
            instrument: leg.0,
            kind: TickKind::Quote.code(),
            flags: flag::LAST,
            a: 599_998,
            b: 10_000,
            c: 600_000,
            d: 10_000,
            ..Tick::default()
        };
        pair.rig.engine.quiet_prefix(&[tick], &mut QuietScan::default())
    };
    assert_eq!([quiet(&pair, L), quiet(&pair, S)], [0, 0]);
    pair.rig.want(vec![Intent::CancelPlan(1)]);
    pair.canceled(quote, 0);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
    assert_eq!([quiet(&pair, L), quiet(&pair, S)], [1, 1]);
    let told = pair.rig.effects.deliveries.iter().rev().find_map(|delivery| match &delivery.what {
        Delivered::Event(Event::Plan(Message { code, .. })) => Some(*code),
        _ => None,
    });
    assert_eq!(told, Some(2));
}

/// What was made is less than the other venue's smallest order: it rests on, and nobody is alarmed.
#[test]
fn what_is_made_and_no_order_can_hedge_yet_is_no_alarm() {
    let mut specs = legs();
    specs[1].min_quantity = Quantity::from_units(500);
    let mut pair = Pair::with(specs, wide(), false);
    let make = Some(Making::new(600_000, Give::Ticks(30)));
    pair.open(&PairRequest { make, deadline_ms: 700_000, ..making() });
    let quote = pair.sent()[0];
    pair.accepted(quote);
    pair.fill(quote, 599_998, 100);
    pair.pass(60_000);
    assert_eq!((pair.phase(), pair.sent()), (PairPhase::Making, vec![]));
    assert_eq!(pair.rig.engine.modes.of(Scope::Strategy(ME)), TradingMode::Running);
    pair.fill(quote, 599_998, 400);
    let hedge = pair.sent();
    assert_eq!((hedge[0].leg, hedge[0].quantity), (S, 500));
    // of this one nobody says what became, and that is an alarm
    pair.unknown(hedge[0]);
    pair.pass(31_000);
    assert_eq!(pair.rig.engine.modes.of(Scope::Strategy(ME)), TradingMode::ReduceOnly);
}
