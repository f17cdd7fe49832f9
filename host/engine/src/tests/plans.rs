//! Two legs: the worked numbers F5, L1, M4, C3 and T1 to T4, every refusal, every mode, late fills,
//! restarts.

mod borrowed;
mod delivered;
mod ends;
mod figures;
mod flattened;
mod guarded;
mod incidents;
mod inverse;
mod leverage;
mod makers;
mod opening;
mod overfilled;
mod progress;
mod random;
mod refusals;
mod released;
mod terms;
mod vectors;
mod worth;

use super::*;
use hedgerow_model::{
    Accept, Give, LegOrder, OpaqueMessage, PLAN_ORDERS, PairKind, PairOutcome, PairPhase,
    PairRequest, PairResult, PairSize, PlanStep, Purpose,
};

pub(crate) const L: InstrumentId = InstrumentId(0);
pub(crate) const S: InstrumentId = InstrumentId(1);

/// A wire id on an account: each leg has an account of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) leg: InstrumentId,
    wire: u64,
    side: Side,
    price: i64,
    quantity: i64,
    reduce_only: bool,
    /// It makes: post-only, until it is canceled.
    rests: bool,
}

pub(crate) struct Pair {
    pub(crate) rig: Rig,
    taken: usize,
    /// Orders that were asked to be canceled, as far as commands were looked at.
    canceled: Vec<(InstrumentId, u64)>,
}

/// Tick 0.1, lots of 0.001 and 0.0005.
pub(crate) fn legs() -> Vec<Instrument> {
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

pub(crate) fn wide() -> StrategyLimits {
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

pub(crate) fn request() -> PairRequest {
    PairRequest {
        buy: L,
        sell: S,
        size: PairSize::Notional(dec("10000")),
        legs: LegOrder::Simultaneous,
        first: Give::Bps(5),
        hedge: Give::Bps(10),
        emergency: Give::Bps(50),
        deadline_ms: 2_000,
        tries: 3,
        min_premium_bps: None,
        make: None,
        accept: Accept::default(),
    }
}

impl Pair {
    pub(crate) fn with(
        instruments: Vec<Instrument>,
        limits: StrategyLimits,
        reconcile: bool,
    ) -> Self {
        let mut config = config(limits);
        config.instruments = instruments;
        config.accounts = [0, 1]
            .map(|id| AccountConfig {
                id: AccountId(id),
                name: id.to_string(),
                reconcile,
                settling: Duration::from_secs(2),
                guards: AccountGuards::default(),
                margin: None,
                accept: Vec::new(),
                asks: Asks::default(),
                pools: Vec::new(),
            })
            .to_vec();
        config.strategies[0].trades = vec![(L, AccountId(0)), (S, AccountId(1))];
        config.strategies[0].watches = Vec::new();
        Self::over(Engine::new(config))
    }

    fn over(engine: Engine) -> Self {
        let rig = Rig { engine, effects: Effects::default(), now: START, trade: 0 };
        let mut pair = Self { rig, taken: 0, canceled: Vec::new() };
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

    pub(crate) fn quote(&mut self, leg: InstrumentId, bid: (i64, i64), ask: (i64, i64)) {
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

    pub(crate) fn ask_as(
        &mut self,
        id: u64,
        kind: PairKind,
        request: &PairRequest,
    ) -> Option<RiskRejection> {
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

    pub(crate) fn open(&mut self, request: &PairRequest) {
        assert_eq!(self.ask(PairKind::Open, request), None);
    }

    pub(crate) fn close(&mut self, request: &PairRequest) {
        assert_eq!(self.ask_as(2, PairKind::Close, request), None);
    }

    /// Nobody knows what became of an order.
    fn unknown(&mut self, sent: Sent) {
        self.report(sent.leg, VenueReport::OutcomeUnknown { wire: WireId(sent.wire) });
    }

    /// Orders that left since the last look.
    pub(crate) fn sent(&mut self) -> Vec<Sent> {
        let new = self.rig.effects.commands.get(self.taken..).unwrap_or_default();
        let orders = new.iter().filter_map(|command| match command {
            VenueCommand::Place(order) => {
                let (order, request) = (order.get(), order.get().request);
                assert!(request.number >= PLAN_ORDERS);
                let rests = request.flags.post_only;
                let until = if rests {
                    TimeInForce::GoodTillCancel
                } else {
                    TimeInForce::ImmediateOrCancel
                };
                assert_eq!(request.time_in_force, until);
                Some(Sent {
                    leg: request.instrument,
                    wire: order.wire.0,
                    side: request.side,
                    price: request.price.units(),
                    quantity: request.quantity.units(),
                    reduce_only: request.flags.reduce_only,
                    rests,
                })
            }
            _ => None,
        });
        let orders = orders.collect();
        self.canceled.extend(new.iter().filter_map(|command| match command {
            VenueCommand::Cancel { instrument, wire, .. } => Some((*instrument, wire.0)),
            _ => None,
        }));
        self.taken = self.rig.effects.commands.len();
        orders
    }

    pub(crate) fn report(&mut self, leg: InstrumentId, report: VenueReport) {
        self.report_of(leg, (self.rig.now, report));
    }

    /// A report of what happened at another time.
    fn report_of(&mut self, leg: InstrumentId, (happened, report): (u64, VenueReport)) {
        let event = VenueEvent {
            venue: VenueId(0),
            account: AccountId(leg.0),
            received: HostTime::from_nanos(self.rig.now),
            happened: VenueTime::from_nanos(happened),
            report,
        };
        let input = Input::Venue(std::borrow::Cow::Borrowed(&event));
        self.rig.engine.handle(input, &mut self.rig.effects);
    }

    pub(crate) fn fill(&mut self, sent: Sent, price: i64, quantity: i64) {
        self.rig.trade += 1;
        let trade = TradeId(self.rig.trade);
        self.fill_as(sent, trade, price, quantity);
    }

    /// A fill with a fee in the settle asset.
    pub(crate) fn fill_with(&mut self, sent: Sent, price: i64, quantity: i64, fee: &str) {
        self.rig.trade += 1;
        let report = VenueReport::Fill {
            wire: WireId(sent.wire),
            trade: TradeId(self.rig.trade),
            instrument: sent.leg,
            price: Price::from_units(price),
            quantity: Quantity::from_units(quantity),
            liquidity: Liquidity::Taker,
            fee: Fee::in_settle(dec(fee)),
        };
        self.report(sent.leg, report);
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
        let filled = self.rig.filled_of(AccountId(sent.leg.0), sent.wire);
        self.report(sent.leg, VenueReport::Expired { wire: WireId(sent.wire), filled });
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
        self.rig.engine.plans.pair(&(ME, 1)).unwrap().phase
    }

    /// How the close that came second ended.
    fn closed(&self) -> PairResult {
        self.rig.engine.plans.pair(&(ME, 2)).unwrap().result.clone().expect("it has not ended")
    }

    fn result(&self) -> PairResult {
        self.rig.engine.plans.pair(&(ME, 1)).unwrap().result.clone().expect("it has not ended")
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
    pub(crate) fn assert_restores(&self) {
        let mut again = Engine::new(self.rig.engine.config.clone());
        again.restore(&self.rig.effects.facts);
        let of = |engine: &Engine| {
            let plans = engine.plans.pairs().map(|(key, slot)| {
                let legs: Vec<_> = slot.legs.iter().map(|leg| (leg.filled, leg.base)).collect();
                format!("{key:?} {:?} {} {legs:?} {:?}", slot.phase, slot.tries, slot.result)
            });
            let next = engine.strategies[0].next_plan_order;
            (plans.collect::<Vec<_>>(), next)
        };
        assert_eq!(of(&again), of(&self.rig.engine));
    }

    fn mode(&mut self, mode: TradingMode) {
        self.set(Scope::Host, mode);
    }

    fn set(&mut self, scope: Scope, mode: TradingMode) {
        let command = OperatorCommand::SetMode { scope, mode };
        let now = HostTime::from_nanos(self.rig.now);
        let input = Input::Operator { now, command, reason: "test".into() };
        self.rig.engine.handle(input, &mut self.rig.effects);
    }
}
