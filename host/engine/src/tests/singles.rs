//! Plans of one leg: the worked numbers M3, L1, B1, B2, every kind, every refusal, every mode, late
//! fills, restarts.

mod barriers;
mod blind;
mod closing;
mod corrected;
mod delivered;
mod flattening;
mod kinds;
mod progress;
mod random;
mod refusals;
mod terms;
mod world;

use super::*;
use hedgerow_model::{
    AggressiveRequest, BarrierRequest, ChaseRequest, CloseRequest, LimitRequest, MarketRequest,
    OpaqueMessage, OrderSize, PLAN_ORDERS, PlanStep, PriceSource, SingleKind, SingleOutcome,
    SinglePhase, SinglePlan, SingleRequest, SingleResult, SingleStep, TieredRequest, TwapRequest,
};

const X: InstrumentId = InstrumentId(0);

/// An order that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    wire: u64,
    side: Side,
    price: i64,
    quantity: i64,
    rests: bool,
    post_only: bool,
    reduce_only: bool,
}

/// One instrument: tick 0.1, lots of 0.001.
struct One {
    rig: Rig,
    taken: usize,
    /// What time passes with; nothing: the market is silent.
    market: Option<(i64, i64)>,
}

fn spec() -> Instrument {
    Instrument {
        price_scale: Scale::new(1).unwrap(),
        quantity_scale: Scale::new(3).unwrap(),
        grid: PriceGrid::Tick(Price::from_units(1)),
        lot: Quantity::from_units(1),
        min_quantity: Quantity::from_units(2),
        ..instrument(0)
    }
}

fn wide() -> StrategyLimits {
    let most = dec("1000000000");
    StrategyLimits {
        order_notional_max: most,
        position_notional_max: most,
        gross_notional_max: most,
        open_orders_max: 10,
        orders_per_s_max: 1_000,
        collar_bps: 500,
        loss_max: most,
        drawdown_max: most,
        ..limits()
    }
}

fn base(size: &str) -> OrderSize {
    OrderSize::Base(dec(size))
}

/// A request as JSON, as it crosses the wall.
fn json(request: &SingleRequest) -> String {
    let value = serde_json::to_value(request).unwrap();
    value.as_object().unwrap().values().next().unwrap().to_string()
}

impl One {
    fn with(spec: Instrument, limits: StrategyLimits, reconcile: bool) -> Self {
        let mut config = config(limits);
        config.instruments = vec![spec];
        config.accounts[0].reconcile = reconcile;
        config.accounts[0].settling = Duration::from_secs(2);
        config.strategies[0].watches = Vec::new();
        let engine = Engine::new(config);
        let rig = Rig { engine, effects: Effects::default(), now: START, trade: 0 };
        let mut one = Self { rig, taken: 0, market: Some((599_998, 600_000)) };
        one.tick();
        one
    }

    /// 59 999.8 / 60 000.0.
    fn new() -> Self {
        Self::with(spec(), wide(), false)
    }

    fn tick(&mut self) {
        if let Some((bid, ask)) = self.market {
            self.rig.quote(0, bid, ask);
        }
    }

    /// The market is there from now on.
    fn quote(&mut self, bid: i64, ask: i64) {
        self.market = Some((bid, ask));
        self.tick();
    }

    /// Levels of a book, and no quotes any more.
    fn book(&mut self, levels: &[(Side, i64, i64)]) {
        let last = levels.len() - 1;
        let ticks: Vec<Tick> = (levels.iter().enumerate())
            .map(|(place, (side, price, quantity))| Tick {
                ts: self.rig.now,
                recv_ts: self.rig.now,
                kind: TickKind::Level.code(),
                flags: if *side == Side::Sell { flag::SELL } else { 0 }
                    | if place == 0 { flag::SNAPSHOT } else { 0 }
                    | if place == last { flag::LAST } else { 0 },
                a: *price,
                b: *quantity,
                seq: 1,
                ..Tick::default()
            })
            .collect();
        self.rig.engine.handle(Input::Market(&ticks), &mut self.rig.effects);
    }

    fn ask_as(&mut self, id: u64, request: impl Into<SingleRequest>) -> Option<RiskRejection> {
        let request = request.into();
        self.ask_json(id, request.kind().word(), &json(&request))
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

    fn begin(&mut self, request: impl Into<SingleRequest>) {
        assert_eq!(self.ask_as(1, request), None);
    }

    /// Orders that left since the last look; cancels are counted with `canceled`.
    fn sent(&mut self) -> Vec<Sent> {
        let new = self.rig.effects.commands.get(self.taken..).unwrap_or_default();
        let orders = new.iter().filter_map(|command| match command {
            VenueCommand::Place(order) => {
                let (order, request) = (order.get(), order.get().request);
                assert!(request.number >= PLAN_ORDERS);
                Some(Sent {
                    wire: order.wire.0,
                    side: request.side,
                    price: request.price.units(),
                    quantity: request.quantity.units(),
                    rests: request.time_in_force == TimeInForce::GoodTillCancel,
                    post_only: request.flags.post_only,
                    reduce_only: request.flags.reduce_only,
                })
            }
            _ => None,
        });
        let orders = orders.collect();
        self.taken = self.rig.effects.commands.len();
        orders
    }

    /// The one order that left since the last look.
    fn one(&mut self) -> Sent {
        let sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent[0]
    }

    /// Wire ids that cancels left for, ever.
    fn canceled(&self) -> Vec<u64> {
        let cancels = self.rig.effects.commands.iter().filter_map(|command| match command {
            VenueCommand::Cancel { wire, .. } => Some(wire.0),
            _ => None,
        });
        cancels.collect()
    }

    fn accept(&mut self, sent: Sent) {
        self.rig.accept(sent.wire);
    }

    fn fill(&mut self, sent: Sent, price: i64, quantity: i64) {
        self.fill_with(sent, (price, quantity), Fee::ZERO);
    }

    fn fill_with(&mut self, sent: Sent, (price, quantity): (i64, i64), fee: Fee) {
        self.rig.trade += 1;
        self.rig.report(VenueReport::Fill {
            wire: WireId(sent.wire),
            trade: TradeId(self.rig.trade),
            instrument: X,
            price: Price::from_units(price),
            quantity: Quantity::from_units(quantity),
            liquidity: Liquidity::Taker,
            fee,
        });
    }

    /// A cancel arrived.
    fn gone(&mut self, sent: Sent) {
        let filled = self.rig.filled_of(AccountId(0), sent.wire);
        self.rig.report(VenueReport::Canceled { wire: WireId(sent.wire), filled });
    }

    fn expire(&mut self, sent: Sent) {
        let filled = self.rig.filled_of(AccountId(0), sent.wire);
        self.rig.report(VenueReport::Expired { wire: WireId(sent.wire), filled });
    }

    fn unknown(&mut self, sent: Sent) {
        self.rig.report(VenueReport::OutcomeUnknown { wire: WireId(sent.wire) });
    }

    fn reject(&mut self, sent: Sent) {
        let reason = hedgerow_model::VenueRejection::PostOnlyWouldTake;
        self.rig.report(VenueReport::Rejected { wire: WireId(sent.wire), reason });
    }

    /// Time passes, with the market as it is and every wake-up that was asked for.
    fn pass(&mut self, ms: u64) {
        let end = self.rig.now + ms * 1_000_000;
        let mut rounds = 0;
        while let Some(next) = self.rig.engine.next_fixed_wakeup().map(HostTime::as_nanos) {
            rounds += 1;
            assert!(rounds < 100_000, "it wakes without end");
            if next > end {
                break;
            }
            self.rig.now = next.max(self.rig.now);
            self.tick();
            let now = HostTime::from_nanos(self.rig.now);
            self.rig.engine.handle(Input::Wake(now), &mut self.rig.effects);
        }
        self.rig.now = end;
        self.tick();
        let now = HostTime::from_nanos(self.rig.now);
        self.rig.engine.handle(Input::Wake(now), &mut self.rig.effects);
    }

    /// A position of the strategy's own making.
    fn hold(&mut self, side: Side, price: i64, quantity: i64) {
        let mut order = self.rig.order(side, price, quantity);
        order.instrument = X;
        assert_eq!(self.rig.submit(order), None);
        let wire = match self.rig.effects.commands.last() {
            Some(VenueCommand::Place(order)) => order.get().wire.0,
            other => panic!("{other:?}"),
        };
        self.rig.fill(wire, price, quantity);
        self.taken = self.rig.effects.commands.len();
    }

    fn give_up(&mut self) {
        self.rig.want(vec![Intent::CancelPlan(1)]);
    }

    fn plan(&self) -> SinglePlan {
        self.rig.engine.plans.single(&(ME, 1)).unwrap().plan.clone()
    }

    fn result(&self) -> SingleResult {
        let slot = self.rig.engine.plans.single(&(ME, 1)).unwrap();
        slot.result.clone().expect("it has not ended")
    }

    fn outcome(&self) -> SingleOutcome {
        self.result().outcome
    }

    fn is_over(&self) -> bool {
        let slot = self.rig.engine.plans.single(&(ME, 1)).unwrap();
        slot.phase == SinglePhase::Ended
    }

    /// What the strategy was told of its plan, last.
    fn told(&self) -> hedgerow_model::PlanUpdate {
        let events = self.rig.effects.deliveries.iter().rev();
        let found = events.filter_map(|delivery| match &delivery.what {
            Delivered::Event(Event::Plan(OpaqueMessage { json, .. })) => Some(json.clone()),
            _ => None,
        });
        serde_json::from_str(&found.into_iter().next().unwrap()).unwrap()
    }

    fn mode(&mut self, mode: TradingMode) {
        self.say(OperatorCommand::SetMode { scope: Scope::Host, mode });
    }

    fn say(&mut self, command: OperatorCommand) {
        let now = HostTime::from_nanos(self.rig.now);
        let input = Input::Operator { now, command, reason: "test".into() };
        self.rig.engine.handle(input, &mut self.rig.effects);
    }

    /// The host dies and another goes on from the facts.
    fn restart(&mut self) {
        let facts = self.rig.effects.facts.clone();
        let mut engine = Engine::new(self.rig.engine.config.clone());
        engine.restore(&facts);
        self.rig.engine = engine;
        self.taken = self.rig.effects.commands.len();
        self.tick();
    }

    /// Folding the facts gives the same plans.
    fn assert_restores(&self) {
        let mut again = Engine::new(self.rig.engine.config.clone());
        again.restore(&self.rig.effects.facts);
        let of = |engine: &Engine| {
            let plans = engine.plans.singles().map(|(key, slot)| {
                let (ins, outs) = (slot.ins.units, slot.outs.units);
                format!(
                    "{key:?} {:?} {} {ins} {outs} {:?} {:?}",
                    slot.phase, slot.tries, slot.trigger, slot.result
                )
            });
            (plans.collect::<Vec<_>>(), engine.strategies[0].next_plan_order)
        };
        assert_eq!(of(&again), of(&self.rig.engine));
        crate::snapshot::tests::any_cut_is_the_whole(
            &self.rig.engine.config,
            &self.rig.effects.facts,
        );
    }
}
