//! What a strategy sees and the pen it writes its intents with.
//!
//! The context belongs to the SDK: strategies read from it and ask through it. It is rebuilt from
//! events after every start; nothing in it needs saving.

use crate::market::Market;
use crate::strategy::Instrument;
use hedgerow_model::{
    Amend, BalanceUpdate, Decimal, Event, HostTime, InstrumentId, Intent, NewOrder, OrderFlags,
    OrderStatus, OrderUpdate, Price, Quantity, Report, ResumedState, Side, Tick, TimeInForce,
    TimerId, TradingMode,
};
use std::collections::BTreeMap;

/// One order of ours that is not finished.
pub type LiveOrder = OrderUpdate;

/// An order to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRequest {
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// The limit.
    pub price: Price,
    /// How much.
    pub quantity: Quantity,
    /// How long; [`TimeInForce::GoodTillCancel`] rests.
    pub time_in_force: TimeInForce,
    /// Rejected rather than taking.
    pub post_only: bool,
    /// May only reduce the position.
    pub reduce_only: bool,
}

impl OrderRequest {
    /// A resting limit order.
    #[must_use]
    pub fn limit(instrument: InstrumentId, side: Side, price: Price, quantity: Quantity) -> Self {
        let time_in_force = TimeInForce::GoodTillCancel;
        let (post_only, reduce_only) = (false, false);
        Self { instrument, side, price, quantity, time_in_force, post_only, reduce_only }
    }

    /// The same, rejected rather than taking.
    #[must_use]
    pub fn post_only(mut self) -> Self {
        self.post_only = true;
        self
    }

    /// The same, never increasing the position.
    #[must_use]
    pub fn reduce_only(mut self) -> Self {
        self.reduce_only = true;
        self
    }

    /// The same, filling at once what it can.
    #[must_use]
    pub fn immediate(mut self) -> Self {
        self.time_in_force = TimeInForce::ImmediateOrCancel;
        self
    }
}

/// A strategy's view of the world, and its pen.
#[derive(Clone, Debug, Default)]
pub struct Context {
    now: u64,
    mode: TradingMode,
    next_order: u64,
    history: bool,
    instruments: Vec<Instrument>,
    markets: Vec<Market>,
    /// instrument id -> place in the two lists above
    slots: Vec<Option<usize>>,
    orders: BTreeMap<u64, LiveOrder>,
    positions: Vec<(Quantity, Decimal)>,
    balances: BTreeMap<(u32, String), (Decimal, Decimal)>,
    timers: BTreeMap<TimerId, HostTime>,
    intents: Vec<Intent>,
}

impl Context {
    pub(crate) fn new(instruments: Vec<Instrument>) -> Self {
        let mut slots = Vec::new();
        for (slot, instrument) in instruments.iter().enumerate() {
            let id = instrument.spec.id.index();
            if slots.len() <= id {
                slots.resize(id + 1, None);
            }
            slots[id] = Some(slot);
        }
        let markets = instruments.iter().map(|_| Market::default()).collect();
        let positions = vec![(Quantity::ZERO, Decimal::ZERO); instruments.len()];
        Self { instruments, markets, slots, positions, ..Self::default() }
    }

    fn slot(&self, id: InstrumentId) -> Option<usize> {
        self.slots.get(id.index()).copied().flatten()
    }

    /// The time: the current tick's or event's, host clock, ns since the epoch.
    #[must_use]
    pub fn now(&self) -> HostTime {
        HostTime::from_nanos(self.now)
    }

    /// The mode that holds for this strategy.
    #[must_use]
    pub fn mode(&self) -> TradingMode {
        self.mode
    }

    /// Whether this is warm-up history: intents are void.
    #[must_use]
    pub fn is_history(&self) -> bool {
        self.history
    }

    /// All instruments.
    #[must_use]
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// The instrument of a role. The host has checked that each wanted role has one.
    #[must_use]
    pub fn role(&self, role: &str) -> Option<&Instrument> {
        self.instruments.iter().find(|i| i.role == role)
    }

    /// An instrument by id.
    #[must_use]
    pub fn instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.slot(id).map(|slot| &self.instruments[slot])
    }

    /// An instrument's market.
    #[must_use]
    pub fn market(&self, id: InstrumentId) -> Option<&Market> {
        self.slot(id).map(|slot| &self.markets[slot])
    }

    /// The position in an instrument: signed quantity.
    #[must_use]
    pub fn position(&self, id: InstrumentId) -> Quantity {
        self.slot(id).map_or(Quantity::ZERO, |slot| self.positions[slot].0)
    }

    /// A balance: total and available.
    #[must_use]
    pub fn balance(&self, account: u32, asset: &str) -> Option<(Decimal, Decimal)> {
        self.balances.get(&(account, asset.to_owned())).copied()
    }

    /// Orders that are not finished, by number.
    pub fn orders(&self) -> impl Iterator<Item = &LiveOrder> {
        self.orders.values().filter(|order| !order.status.is_terminal())
    }

    /// One order that is not finished.
    #[must_use]
    pub fn order(&self, number: u64) -> Option<&LiveOrder> {
        self.orders.get(&number)
    }

    /// Timers that are set.
    pub fn timers(&self) -> impl Iterator<Item = (TimerId, HostTime)> + '_ {
        self.timers.iter().map(|(id, at)| (*id, *at))
    }

    /// Asks for an order; gives its number.
    pub fn submit(&mut self, request: OrderRequest) -> u64 {
        let number = self.next_order;
        let OrderRequest { instrument, side, price, quantity, time_in_force, .. } = request;
        let flags = OrderFlags { post_only: request.post_only, reduce_only: request.reduce_only };
        if !self.history {
            self.next_order += 1;
            let status = OrderStatus::PendingNew;
            let (filled, reason) = (Quantity::ZERO, 0);
            let live =
                OrderUpdate { number, instrument, side, status, price, quantity, filled, reason };
            self.orders.insert(number, live);
        }
        self.want(Intent::Submit(NewOrder {
            number,
            instrument,
            side,
            price,
            quantity,
            time_in_force,
            flags,
        }));
        number
    }

    /// Asks to cancel an order.
    pub fn cancel(&mut self, number: u64) {
        self.want(Intent::Cancel(number));
    }

    /// Asks to cancel all own orders in an instrument.
    pub fn cancel_all(&mut self, instrument: InstrumentId) {
        self.want(Intent::CancelAll(instrument));
    }

    /// Asks to change an order: amend where that keeps its meaning, else cancel and submit the
    /// rest.
    pub fn replace(&mut self, order: u64, price: Price, quantity: Quantity) {
        self.want(Intent::Replace(Amend { order, price, quantity }));
    }

    /// Asks to be woken at a time; a timer of the same id moves.
    pub fn set_timer(&mut self, id: TimerId, at: HostTime) {
        if !self.history {
            self.timers.insert(id, at);
        }
        self.want(Intent::SetTimer { id, at });
    }

    /// Asks not to be woken.
    pub fn cancel_timer(&mut self, id: TimerId) {
        self.timers.remove(&id);
        self.want(Intent::CancelTimer(id));
    }

    /// Reports a figure.
    pub fn metric(&mut self, name: &str, value: &impl ToString) {
        let (name, value) = (name.into(), value.to_string());
        self.want(Intent::Report(Report::Metric { name, value }));
    }

    /// Writes one JSON object to a stream of the strategy's own.
    pub fn record(&mut self, stream: &str, json: &serde_json::Value) {
        let (stream, json) = (stream.into(), json.to_string());
        self.want(Intent::Report(Report::Record { stream, json }));
    }

    /// Asks for anything of the contract.
    pub fn want(&mut self, intent: Intent) {
        if !self.history {
            self.intents.push(intent);
        }
    }

    pub(crate) fn begin(&mut self, now: u64, next_order: u64, mode: TradingMode) {
        (self.now, self.next_order, self.mode) = (now, next_order, mode);
    }

    #[inline]
    pub(crate) fn see(&mut self, tick: &Tick) {
        self.now = tick.recv_ts;
        self.history = tick.has(hedgerow_model::flag::HISTORY);
        let slot = self.slots.get(tick.instrument as usize).copied().flatten();
        if let Some(slot) = slot {
            self.markets[slot].apply(tick);
        }
    }

    pub(crate) fn acted(&self) -> bool {
        !self.intents.is_empty()
    }

    pub(crate) fn take_intents(&mut self) -> Vec<Intent> {
        std::mem::take(&mut self.intents)
    }

    pub(crate) fn hear(&mut self, event: &Event) {
        self.history = false;
        match event {
            Event::Order(update) => {
                self.orders.insert(update.number, *update);
            }
            Event::Fill(fill) => {
                if let Some(slot) = self.slot(fill.instrument) {
                    self.positions[slot].0 = fill.position;
                }
            }
            Event::Timer(id) => {
                self.timers.remove(id);
            }
            Event::Position(position) => {
                if let Some(slot) = self.slot(position.instrument) {
                    self.positions[slot] = (position.quantity, position.entry);
                }
            }
            Event::Balance(update) => self.balance_is(update),
            Event::Instrument(spec) => {
                if let Some(slot) = self.slot(spec.id) {
                    self.instruments[slot].spec = spec.clone();
                }
            }
            Event::FeeTier { instrument, maker, taker } => {
                if let Some(slot) = self.slot(*instrument) {
                    let known = &mut self.instruments[slot];
                    (known.maker_fee, known.taker_fee) = (*maker, *taker);
                }
            }
            Event::Market { instrument, status } => {
                if let Some(slot) = self.slot(*instrument) {
                    self.markets[slot].status(*status);
                }
            }
            Event::Mode(mode) => self.mode = *mode,
            Event::Resumed(resumed) => self.resume(resumed),
            _ => {}
        }
    }

    fn resume(&mut self, resumed: &ResumedState) {
        self.orders = resumed.orders.iter().map(|order| (order.number, *order)).collect();
        self.timers = resumed.timers.iter().copied().collect();
        for position in &mut self.positions {
            *position = (Quantity::ZERO, Decimal::ZERO);
        }
        for position in &resumed.positions {
            if let Some(slot) = self.slot(position.instrument) {
                self.positions[slot] = (position.quantity, position.entry);
            }
        }
        self.balances.clear();
        resumed.balances.iter().for_each(|update| self.balance_is(update));
        self.mode = resumed.mode;
    }

    fn balance_is(&mut self, update: &BalanceUpdate) {
        let BalanceUpdate { account, asset, total, available } = update;
        self.balances.insert((account.0, asset.clone()), (*total, *available));
    }

    /// Drops what an event finished, after the strategy has seen it.
    pub(crate) fn settle(&mut self, event: &Event) {
        if let Event::Order(update) = event
            && update.status.is_terminal()
        {
            self.orders.remove(&update.number);
        }
    }
}
