//! The engine through its one door.

mod delivery;
mod equity;
mod expiry;
mod gate;
mod guards;
mod insisting;
mod messages;
mod modes;
mod orders;
mod others;
pub(crate) mod plans;
mod pools;
mod reconcile;
mod refusing;
mod replaces;
mod singles;
mod terms;
mod truth;
mod unknowns;
mod watching;

use super::*;
use hedgerow_model::{
    Accounting, Amend, Delivered, Duration, Event, Fact, Fee, Instrument, InstrumentKind, Intent,
    Interest, Liquidity, MarketStatus, NewOrder, OrderFact, OrderFlags, OrderStatus, Outcome,
    Price, PriceGrid, Quantity, QueryAnswer, RiskRejection, Scale, Scope, SequenceRule, Side, Tick,
    TickKind, TimeInForce, TradeId, TradingMode, VenueEvent, VenueId, VenueOrderId, VenueReport,
    VenueTime, flag,
};

const START: u64 = 1_000_000_000_000;
const ME: StrategyId = StrategyId(0);

pub(crate) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn instrument(id: u32) -> Instrument {
    Instrument {
        id: InstrumentId(id),
        venue: VenueId(0),
        symbol: format!("X{id}"),
        kind: InstrumentKind::LinearPerpetual,
        base: "B".into(),
        quote: "Q".into(),
        settle: "Q".into(),
        price_scale: Scale::new(2).unwrap(),
        quantity_scale: Scale::new(3).unwrap(),
        grid: PriceGrid::Tick(Price::from_units(10)),
        lot: Quantity::from_units(5),
        min_quantity: Quantity::from_units(10),
        max_quantity: Some(Quantity::from_units(1_000_000)),
        min_notional: Some(dec("5")),
        band: None,
        multiplier: Decimal::ONE,
        sequence: SequenceRule::PreviousId,
    }
}

pub(crate) fn limits() -> StrategyLimits {
    StrategyLimits {
        order_notional_max: dec("1000"),
        position_notional_max: dec("2000"),
        gross_notional_max: dec("3000"),
        open_orders_max: 3,
        orders_per_s_max: 5,
        collar_bps: 100,
        loss_max: dec("50"),
        drawdown_max: dec("30"),
        timers_max: 2,
    }
}

/// An engine with a market at 99.90 / 100.10.
pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) effects: Effects,
    pub(crate) now: u64,
    trade: u64,
}

pub(crate) fn config(limits: StrategyLimits) -> EngineConfig {
    let strategy = StrategyConfig {
        id: ME,
        name: "me".into(),
        trades: vec![(InstrumentId(0), AccountId(0))],
        watches: vec![InstrumentId(1)],
        interest: Interest::default().with(InstrumentId(0), &[TickKind::Quote]),
        limits,
        may_set_leverage: false,
        on_stop: OpenOrders::Cancel,
        on_fault: OpenOrders::Keep,
        guards: StrategyGuards::default(),
        on_quarantine: OpenOrders::Cancel,
    };
    EngineConfig {
        instruments: vec![instrument(0), instrument(1), instrument(2)],
        no_amends: std::collections::BTreeSet::new(),
        venues: vec!["v".into()],
        accounts: vec![AccountConfig {
            id: AccountId(0),
            name: "a".into(),
            reconcile: false,
            settling: Duration::ZERO,
            guards: AccountGuards::default(),
            margin: None,
            accept: Vec::new(),
            asks: Asks::default(),
            pools: Vec::new(),
        }],
        strategies: vec![strategy],
        host: HostLimits::default(),
        instrument_limits: Vec::new(),
        accounting: Accounting::default(),
        stale_after: Duration::from_secs(5),
        tick_credit: None,
        writes: WriteLimits::default(),
    }
}

impl Rig {
    fn new() -> Self {
        Self::with(limits())
    }

    fn with(limits: StrategyLimits) -> Self {
        Self::over(config(limits))
    }

    pub(crate) fn over(config: EngineConfig) -> Self {
        let engine = Engine::new(config);
        let mut rig = Self { engine, effects: Effects::default(), now: START, trade: 0 };
        rig.quote(0, 9_990, 10_010);
        rig
    }

    pub(crate) fn quote(&mut self, id: u32, bid: i64, ask: i64) {
        let tick = Tick {
            ts: self.now,
            recv_ts: self.now,
            instrument: id,
            kind: TickKind::Quote.code(),
            flags: flag::LAST,
            a: bid,
            b: 1_000,
            c: ask,
            d: 1_000,
            ..Tick::default()
        };
        self.engine.handle(Input::Market(&[tick]), &mut self.effects);
    }

    fn want(&mut self, intents: Vec<Intent>) {
        self.want_as(ME, intents);
    }

    fn want_as(&mut self, strategy: StrategyId, intents: Vec<Intent>) {
        let first_order = self.engine.next_order(strategy);
        let outcome = Outcome { consumed: 1, intents, checkpoint: Some(b"s".to_vec()) };
        let now = HostTime::from_nanos(self.now);
        let state_version = 1;
        let mode = self.engine.mode_of(strategy);
        let input = Input::Outcome { now, strategy, first_order, mode, state_version, outcome };
        self.engine.handle(input, &mut self.effects);
    }

    fn order(&self, side: Side, price: i64, quantity: i64) -> NewOrder {
        NewOrder {
            number: self.engine.next_order(ME),
            instrument: InstrumentId(0),
            side,
            price: Price::from_units(price),
            quantity: Quantity::from_units(quantity),
            time_in_force: TimeInForce::GoodTillCancel,
            flags: OrderFlags::default(),
        }
    }

    /// Submits; the denial, if it was one.
    fn submit(&mut self, order: NewOrder) -> Option<RiskRejection> {
        let number = order.number;
        self.want(vec![Intent::Submit(order)]);
        self.effects.facts.iter().rev().find_map(|stamped| match &stamped.fact {
            Fact::Order { id, fact: OrderFact::Denied { reason, .. } } if id.number == number => {
                Some(reason.clone())
            }
            _ => None,
        })
    }

    pub(crate) fn buy(&mut self, price: i64, quantity: i64) -> Option<RiskRejection> {
        self.submit(self.order(Side::Buy, price, quantity))
    }

    pub(crate) fn sell(&mut self, price: i64, quantity: i64) -> Option<RiskRejection> {
        self.submit(self.order(Side::Sell, price, quantity))
    }

    pub(crate) fn report(&mut self, report: VenueReport) {
        let event = VenueEvent {
            venue: VenueId(0),
            account: AccountId(0),
            received: HostTime::from_nanos(self.now),
            happened: VenueTime::from_nanos(self.now),
            report,
        };
        self.engine.handle(Input::Venue(std::borrow::Cow::Borrowed(&event)), &mut self.effects);
    }

    pub(crate) fn accept(&mut self, wire: u64) {
        self.report(VenueReport::Accepted { wire: WireId(wire), order: VenueOrderId(wire) });
    }

    pub(crate) fn fill(&mut self, wire: u64, price: i64, quantity: i64) {
        self.trade += 1;
        self.fill_as(wire, self.trade, price, quantity);
    }

    fn fill_as(&mut self, wire: u64, trade: u64, price: i64, quantity: i64) {
        self.report(VenueReport::Fill {
            wire: WireId(wire),
            trade: TradeId(trade),
            instrument: InstrumentId(0),
            price: Price::from_units(price),
            quantity: Quantity::from_units(quantity),
            liquidity: Liquidity::Maker,
            fee: Fee::ZERO,
        });
    }

    /// How much of an order was told to have filled: what its venue says of it when it ends.
    fn filled_of(&self, account: AccountId, wire: u64) -> Option<Quantity> {
        let id = self.engine.by_wire.get(&(account, WireId(wire)))?;
        self.engine.any_order(*id).map(|order| order.filled)
    }

    fn status(&self, number: u64) -> Option<OrderStatus> {
        let slot = &self.engine.strategies[0];
        let live = slot.orders.get(&number).map(|known| known.order.status);
        live.or_else(|| slot.finished.get(&number).map(|order| order.status))
    }

    fn position(&self) -> i64 {
        self.engine.strategies[0].position(InstrumentId(0)).units()
    }

    fn open(&self, side: Side) -> i64 {
        self.engine.strategies[0].holdings[0].open(side)
    }

    fn advance(&mut self, ms: u64) {
        self.now += ms * 1_000_000;
    }

    /// To the next thing that the engine wants to be woken for, at this time or later.
    fn wake_next(&mut self) {
        if let Some(at) = self.engine.next_fixed_wakeup() {
            self.now = self.now.max(at.as_nanos());
        }
        let now = HostTime::from_nanos(self.now);
        self.engine.handle(Input::Wake(now), &mut self.effects);
    }

    /// The wire id of the newest order that left.
    fn last_wire(&self) -> WireId {
        let placed = |command: &VenueCommand| match command {
            VenueCommand::Place(order) => Some(order.get().wire),
            _ => None,
        };
        self.effects.commands.iter().rev().find_map(placed).expect("no order left")
    }

    /// What differs at last is read again in a while: lets that pass.
    fn wait_to_ask(&mut self) {
        let waits =
            |answer: &crate::reconcile::Answer| answer.nonce.is_none() && answer.again.is_some();
        if self.engine.unreconciled.values().any(waits) {
            self.wake_next();
        }
    }

    /// Questions after orders, as (account, nonce, wire id, whether of its trades).
    fn queries(&self) -> Vec<(AccountId, u64, WireId, bool)> {
        let query = |command: &VenueCommand| match command {
            VenueCommand::QueryOrder { account, nonce, wire, .. } => {
                Some((*account, *nonce, *wire, false))
            }
            VenueCommand::QueryTrades { account, nonce, wire, .. } => {
                Some((*account, *nonce, *wire, true))
            }
            _ => None,
        };
        self.effects.commands.iter().filter_map(query).collect()
    }

    fn tell(&mut self, account: AccountId, report: VenueReport) {
        let (received, happened) =
            (HostTime::from_nanos(self.now), VenueTime::from_nanos(self.now));
        let event = VenueEvent { venue: VenueId(0), account, received, happened, report };
        self.engine.handle(Input::Venue(std::borrow::Cow::Owned(event)), &mut self.effects);
    }

    /// The venue knows none of the orders that it is asked for, as often as it is asked.
    fn never_arrived(&mut self) {
        let mut answered = Vec::new();
        for _ in 0..8 {
            for query in self.queries() {
                if answered.contains(&query) {
                    continue;
                }
                answered.push(query);
                let (account, nonce, wire, trades) = query;
                let answer = QueryAnswer::NotFound;
                self.tell(
                    account,
                    match trades {
                        true => VenueReport::TradesTold { nonce, wire },
                        false => VenueReport::OrderState { nonce: Some(nonce), wire, answer },
                    },
                );
            }
            if !self.engine.truth.doubts.is_empty() {
                self.wake_next();
            }
        }
    }
}
