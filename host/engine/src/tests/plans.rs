//! Two legs: the worked numbers F5, L1, C3 and T1 to T4, every refusal, every mode, late fills,
//! restarts.

use super::*;
use hedgerow_model::{
    LegOrder, OpaqueMessage, PLAN_ORDERS, PairKind, PairOutcome, PairPhase, PairRequest,
    PairResult, PairSize, PlanStep,
};

const L: InstrumentId = InstrumentId(0);
const S: InstrumentId = InstrumentId(1);

/// A wire id on an account: each leg has an account of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    leg: InstrumentId,
    wire: u64,
    side: Side,
    price: i64,
    quantity: i64,
    reduce_only: bool,
}

struct Pair {
    rig: Rig,
    taken: usize,
}

/// Tick 0.1, lots of 0.001 and 0.0005.
fn legs() -> Vec<Instrument> {
    let leg = |id, lot| Instrument {
        price_scale: Scale::new(1).unwrap(),
        quantity_scale: Scale::new(4).unwrap(),
        grid: PriceGrid::Tick(Price::from_units(1)),
        lot: Quantity::from_units(lot),
        min_quantity: Quantity::from_units(lot),
        ..instrument(id)
    };
    vec![leg(0, 10), leg(1, 5)]
}

fn wide() -> StrategyLimits {
    let most = dec("1000000");
    StrategyLimits {
        order_notional_max: most,
        position_notional_max: most,
        gross_notional_max: most,
        open_orders_max: 10,
        orders_per_s_max: 100,
        loss_max: most,
        drawdown_max: most,
        ..limits()
    }
}

fn request() -> PairRequest {
    PairRequest {
        buy: L,
        sell: S,
        size: PairSize::Notional(dec("10000")),
        legs: LegOrder::Simultaneous,
        slippage_bps: 5,
        hedge_bps: 10,
        emergency_bps: 50,
        deadline_ms: 2_000,
        tries: 3,
        min_premium_bps: None,
    }
}

impl Pair {
    fn with(instruments: Vec<Instrument>, limits: StrategyLimits, reconcile: bool) -> Self {
        let mut config = config(limits);
        config.instruments = instruments;
        config.accounts = [0, 1]
            .map(|id| AccountConfig { id: AccountId(id), name: id.to_string(), reconcile })
            .to_vec();
        config.strategies[0].trades = vec![(L, AccountId(0)), (S, AccountId(1))];
        config.strategies[0].watches = Vec::new();
        let engine = Engine::new(config);
        let rig = Rig { engine, effects: Effects::default(), now: START, trade: 0 };
        let mut pair = Self { rig, taken: 0 };
        pair.markets();
        pair
    }

    fn new() -> Self {
        Self::with(legs(), wide(), false)
    }

    /// L 59 999.8 / 60 000.0, S 60 029.9 / 60 030.1, one unit everywhere.
    fn markets(&mut self) {
        self.quote(L, (599_998, 10_000), (600_000, 10_000));
        self.quote(S, (600_299, 10_000), (600_301, 10_000));
    }

    fn quote(&mut self, leg: InstrumentId, bid: (i64, i64), ask: (i64, i64)) {
        let tick = Tick {
            ts: self.rig.now,
            recv_ts: self.rig.now,
            instrument: leg.0,
            kind: TickKind::Quote.code(),
            flags: flag::LAST,
            a: bid.0,
            b: bid.1,
            c: ask.0,
            d: ask.1,
            ..Tick::default()
        };
        self.rig.engine.handle(Input::Market(&[tick]), &mut self.rig.effects);
    }

    fn ask(&mut self, kind: PairKind, request: &PairRequest) -> Option<RiskRejection> {
        self.ask_as(1, kind, request)
    }

    fn ask_as(&mut self, id: u64, kind: PairKind, request: &PairRequest) -> Option<RiskRejection> {
        let json = serde_json::to_string(request).unwrap();
        self.ask_json(id, kind.word(), &json)
    }

    fn ask_json(&mut self, id: u64, kind: &str, json: &str) -> Option<RiskRejection> {
        let before = self.rig.effects.facts.len();
        let (kind, json) = (kind.to_owned(), json.to_owned());
        self.rig.want(vec![Intent::Plan { id, kind, json }]);
        self.rig.effects.facts[before..].iter().find_map(|stamped| match &stamped.fact {
            Fact::Plan { step: PlanStep::Refused { reason, .. }, .. } => Some(reason.clone()),
            _ => None,
        })
    }

    fn open(&mut self, request: &PairRequest) {
        assert_eq!(self.ask(PairKind::Open, request), None);
    }

    /// Orders that left since the last look.
    fn sent(&mut self) -> Vec<Sent> {
        let new = self.rig.effects.commands.get(self.taken..).unwrap_or_default();
        let orders = new.iter().filter_map(|command| match command {
            VenueCommand::Place(order) => {
                let (order, request) = (order.get(), order.get().request);
                assert!(request.number >= PLAN_ORDERS);
                assert_eq!(request.time_in_force, TimeInForce::ImmediateOrCancel);
                Some(Sent {
                    leg: request.instrument,
                    wire: order.wire.0,
                    side: request.side,
                    price: request.price.units(),
                    quantity: request.quantity.units(),
                    reduce_only: request.flags.reduce_only,
                })
            }
            _ => None,
        });
        let orders = orders.collect();
        self.taken = self.rig.effects.commands.len();
        orders
    }

    fn report(&mut self, leg: InstrumentId, report: VenueReport) {
        let event = VenueEvent {
            venue: VenueId(0),
            account: AccountId(leg.0),
            received: HostTime::from_nanos(self.rig.now),
            happened: VenueTime::from_nanos(self.rig.now),
            report,
        };
        let input = Input::Venue(std::borrow::Cow::Borrowed(&event));
        self.rig.engine.handle(input, &mut self.rig.effects);
    }

    fn fill(&mut self, sent: Sent, price: i64, quantity: i64) {
        self.rig.trade += 1;
        let trade = TradeId(self.rig.trade);
        self.fill_as(sent, trade, price, quantity);
    }

    fn fill_as(&mut self, sent: Sent, trade: TradeId, price: i64, quantity: i64) {
        let report = VenueReport::Fill {
            wire: WireId(sent.wire),
            trade,
            instrument: sent.leg,
            price: Price::from_units(price),
            quantity: Quantity::from_units(quantity),
            liquidity: Liquidity::Taker,
            fee: Fee::ZERO,
        };
        self.report(sent.leg, report);
    }

    fn expire(&mut self, sent: Sent) {
        self.report(sent.leg, VenueReport::Expired { wire: WireId(sent.wire) });
    }

    fn reject(&mut self, sent: Sent) {
        let reason = hedgerow_model::VenueRejection::NotTrading;
        self.report(sent.leg, VenueReport::Rejected { wire: WireId(sent.wire), reason });
    }

    /// Time passes, with fresh markets and every wake-up that was asked for.
    fn pass(&mut self, ms: u64) {
        let end = self.rig.now + ms * 1_000_000;
        while let Some(next) = self.rig.engine.next_fixed_wakeup().map(HostTime::as_nanos) {
            if next > end {
                break;
            }
            self.rig.now = next.max(self.rig.now);
            self.markets();
            let now = HostTime::from_nanos(self.rig.now);
            self.rig.engine.handle(Input::Wake(now), &mut self.rig.effects);
        }
        self.rig.now = end;
        self.markets();
    }

    fn held(&self, leg: InstrumentId) -> i64 {
        self.rig.engine.strategies[0].position(leg).units()
    }

    fn phase(&self) -> PairPhase {
        self.rig.engine.plans.all[&(ME, 1)].phase
    }

    fn result(&self) -> PairResult {
        self.rig.engine.plans.all[&(ME, 1)].result.clone().expect("it has not ended")
    }

    /// What the strategy was told of its plan, last.
    fn told(&self) -> serde_json::Value {
        let events = self.rig.effects.deliveries.iter().rev();
        let found = events.filter_map(|delivery| match &delivery.what {
            Delivered::Event(Event::Plan(OpaqueMessage { json, .. })) => Some(json.clone()),
            _ => None,
        });
        serde_json::from_str(&found.into_iter().next().unwrap()).unwrap()
    }

    /// Folding the facts gives the same plans and positions.
    fn assert_restores(&self) {
        let mut again = Engine::new(self.rig.engine.config.clone());
        again.restore(&self.rig.effects.facts);
        let of = |engine: &Engine| {
            let plans = engine.plans.all.iter().map(|(key, slot)| {
                let legs: Vec<_> = slot.legs.iter().map(|leg| (leg.filled, leg.base)).collect();
                format!("{key:?} {:?} {} {legs:?} {:?}", slot.phase, slot.tries, slot.result)
            });
            let next = engine.strategies[0].next_plan_order;
            (plans.collect::<Vec<_>>(), next)
        };
        assert_eq!(of(&again), of(&self.rig.engine));
    }

    fn mode(&mut self, mode: TradingMode) {
        let command = OperatorCommand::SetMode { strategy: None, mode };
        let now = HostTime::from_nanos(self.rig.now);
        let input = Input::Operator { now, command, reason: "test".into() };
        self.rig.engine.handle(input, &mut self.rig.effects);
    }
}

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
    let slot = &pair.rig.engine.plans.all[&(ME, 1)].plan;
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
        &pair.rig.engine.config.instruments[1],
        Side::Sell,
        (5, 100),
    );
    assert_eq!(limit, Ok(Price::from_units(599_998)));
}

/// Of an inverse leg the coarser one is whole, the finer one follows to the nearest lot.
#[test]
fn vector_c3_hedges_an_inverse_leg_and_records_the_dust() {
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
    let result = pair.result();
    assert_eq!(result.outcome, PairOutcome::Balanced);
    assert_eq!(result.residual.round_dp(6), dec("0.000654"));
    assert_eq!(result.legs[1].average.unwrap().round_dp(6), dec("61200"));
    pair.assert_restores();
}

#[test]
fn vector_t1_completes_then_takes_back_the_rest() {
    let mut pair = Pair::new();
    pair.open(&PairRequest { tries: 2, ..request() });
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

/// The host dies after L's fill and before S was sent; the venues say what is true.
#[test]
fn vector_t4_a_restart_takes_back_what_was_left_alone() {
    let mut pair = Pair::with(legs(), wide(), true);
    let up = |pair: &mut Pair, positions: [i64; 2]| {
        for (leg, units) in [L, S].into_iter().zip(positions) {
            pair.report(leg, VenueReport::Up);
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
    };
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
    let back = again.sent();
    assert_eq!(back.len(), 1, "{back:?}");
    assert_eq!((back[0].leg, back[0].side, back[0].quantity), (L, Side::Sell, 1_660));
    assert!(back[0].reduce_only);
    again.fill(back[0], 599_998, 1_660);
    assert_eq!(again.result().outcome, PairOutcome::Flat);
}

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

/// The second leg is asked for only while the pair is still worth what the plan says.
#[test]
fn a_second_leg_that_is_not_worth_it_any_more_is_not_opened() {
    let least = Some(4);
    let mut pair = Pair::new();
    pair.open(&PairRequest { legs: LegOrder::BuyFirst, min_premium_bps: least, ..request() });
    let first = pair.sent();
    pair.quote(S, (600_000, 10_000), (600_002, 10_000));
    pair.fill(first[0], 600_000, 1_660);
    // completing is tried, then it is taken back
    let hedge = pair.sent();
    assert_eq!((hedge[0].leg, hedge[0].quantity), (S, 1_660));
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
    let slot = &pair.rig.engine.plans.all[&(ME, 2)];
    assert_eq!(slot.result.as_ref().unwrap().outcome, PairOutcome::Flat);
    assert_eq!([pair.held(L), pair.held(S)], [0, 0]);
    pair.assert_restores();
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
    let command = OperatorCommand::SetMode { strategy: Some(ME), mode: TradingMode::Running };
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

#[test]
fn what_is_wrong_with_a_plan_is_told_before_anything_is_sent() {
    let refused = |kind: PairKind, request: PairRequest| {
        let mut pair = Pair::new();
        let reason = pair.ask(kind, &request);
        assert_eq!(pair.sent(), []);
        reason.expect("it begins")
    };
    let open = |request| refused(PairKind::Open, request);
    let unreadable = |reason: RiskRejection, part: &str| {
        let RiskRejection::PlanUnreadable { detail } = reason else { panic!("{reason:?}") };
        assert!(detail.contains(part), "{part} is not in {detail}");
    };
    unreadable(open(PairRequest { sell: L, ..request() }), "same instrument");
    unreadable(open(PairRequest { size: PairSize::Base(dec("0")), ..request() }), "above zero");
    unreadable(open(PairRequest { size: PairSize::All, ..request() }), "only there to close");
    unreadable(open(PairRequest { hedge_bps: 4, ..request() }), "must rise");
    unreadable(open(PairRequest { tries: 0, ..request() }), "tries");
    unreadable(open(PairRequest { deadline_ms: 0, ..request() }), "deadline_ms");
    unreadable(open(PairRequest { size: PairSize::Base(dec("0.0009")), ..request() }), "one step");
    let unknown = open(PairRequest { sell: InstrumentId(7), ..request() });
    assert_eq!(unknown, RiskRejection::UnknownInstrument);
    let premium = open(PairRequest { min_premium_bps: Some(6), ..request() });
    assert!(matches!(premium, RiskRejection::PremiumTooLow { least_bps: 6, .. }), "{premium:?}");
    let nothing = refused(PairKind::Close, PairRequest { size: PairSize::All, ..request() });
    assert_eq!(nothing, RiskRejection::WouldIncrease);
    let mut pair = Pair::new();
    let reason = pair.ask_json(1, "pair-open", "{\"buy\": 0}");
    unreadable(reason.unwrap(), "missing field");
    assert_eq!(pair.ask_json(1, "pair-dance", "{}"), Some(RiskRejection::NotSupported));
    pair.quote(S, (600_299, 1_000), (600_301, 10_000));
    let depth = pair.ask(PairKind::Open, &request());
    let (fillable, wanted) = (Quantity::from_units(1_000), Quantity::from_units(1_660));
    assert_eq!(depth, Some(RiskRejection::NotEnoughDepth { fillable, wanted }));
    pair.quote(S, (600_301, 10_000), (600_301, 10_000));
    assert_eq!(pair.ask(PairKind::Open, &request()), Some(RiskRejection::CrossedBook));
    pair.rig.advance(6_000);
    pair.quote(S, (600_299, 10_000), (600_301, 10_000));
    let stale = pair.ask(PairKind::Open, &request());
    assert_eq!(stale, Some(RiskRejection::StaleMarket { age_ms: 6_000 }));
}

/// Either leg alone would pass: together they are too much.
#[test]
fn both_legs_are_judged_together() {
    let check = |limits: StrategyLimits| {
        let mut pair = Pair::with(legs(), limits, false);
        let reason = pair.ask(PairKind::Open, &request());
        assert_eq!(pair.sent(), []);
        reason
    };
    let gross = check(StrategyLimits { gross_notional_max: dec("15000"), ..wide() });
    assert!(matches!(gross, Some(RiskRejection::GrossAboveMax { .. })), "{gross:?}");
    let open = check(StrategyLimits { open_orders_max: 1, ..wide() });
    assert!(matches!(open, Some(RiskRejection::OpenOrdersAboveMax { .. })), "{open:?}");
    let rate = check(StrategyLimits { orders_per_s_max: 1, ..wide() });
    assert_eq!(rate, Some(RiskRejection::RateLimited { limit_per_s: 1 }));
}

/// A spot leg must be paid for, as far as the venue told what there is.
#[test]
fn a_spot_leg_needs_its_balance() {
    let mut instruments = legs();
    instruments[0].kind = InstrumentKind::Spot;
    let mut pair = Pair::with(instruments, wide(), false);
    let balance = |total: &str| VenueReport::Balance {
        asset: "Q".into(),
        total: dec(total),
        available: dec(total),
    };
    pair.report(L, balance("9000"));
    let reason = pair.ask(PairKind::Open, &request());
    assert!(matches!(reason, Some(RiskRejection::BalanceTooLow { .. })), "{reason:?}");
    pair.report(L, balance("11000"));
    assert_eq!(pair.ask(PairKind::Open, &request()), None);
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
