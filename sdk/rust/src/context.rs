//! What a strategy sees and the pen it writes its intents with.
//!
//! The context belongs to the SDK: strategies read from it and ask through it. It is rebuilt from
//! events after every start; nothing in it needs saving.

mod plans;

use crate::instrument::Instrument;
use crate::market::Market;
use crate::request::OrderRequest;
use hedgerow_model::{
    BalanceUpdate, Decimal, Event, FillNotice, HostTime, InstrumentId, Intent, NewOrder,
    OrderEvent, OrderFlags, OrderStatus, OrderUpdate, PlanUpdate, Position, PositionUpdate, Price,
    Quantity, Replacement, Report, ResumedState, RiskRejection, Tick, TimerId, TradingMode,
};
use std::collections::BTreeMap;

/// One order of ours that is not finished.
pub type LiveOrder = OrderUpdate;

/// A strategy's view of the world, and its pen.
#[derive(Clone, Debug, Default)]
pub struct Context {
    now: u64,
    mode: TradingMode,
    next_order: u64,
    next_plan: u64,
    history: bool,
    instruments: Vec<Instrument>,
    markets: Vec<Market>,
    /// instrument id -> place in the two lists above
    slots: Vec<Option<usize>>,
    /// Those that are not finished.
    orders: BTreeMap<u64, LiveOrder>,
    positions: Vec<Position>,
    balances: BTreeMap<(u32, String), (Decimal, Decimal)>,
    timers: BTreeMap<TimerId, HostTime>,
    /// Plans under way or stuck, and those that ended lately.
    plans: BTreeMap<u64, PlanUpdate>,
    intents: Vec<Intent>,
    /// What a native run wrote into the log.
    pub(crate) logged: std::collections::VecDeque<(crate::Level, String)>,
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
        let positions = vec![Position::default(); instruments.len()];
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
        self.slot(id).map_or(Quantity::ZERO, |slot| self.positions[slot].quantity)
    }

    /// The whole of a position, for the harness.
    pub(crate) fn ledger(&self, id: InstrumentId) -> Position {
        self.slot(id).map(|slot| self.positions[slot].clone()).unwrap_or_default()
    }

    /// The average entry price of the position in an instrument: what the host told last, moved by
    /// the fills since. Nothing when flat.
    #[must_use]
    pub fn entry(&self, id: InstrumentId) -> Option<Decimal> {
        let slot = self.slot(id)?;
        self.positions[slot].entry(&self.instruments[slot].spec)
    }

    /// A balance: total and available.
    #[must_use]
    pub fn balance(&self, account: u32, asset: &str) -> Option<(Decimal, Decimal)> {
        self.balances.get(&(account, asset.to_owned())).copied()
    }

    /// Orders that are not finished, by number.
    pub fn orders(&self) -> impl Iterator<Item = &LiveOrder> {
        self.orders.values()
    }

    /// One order that is not finished. The update that finishes it is the last that is heard of it,
    /// and has all there is to know.
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
        self.push(Intent::Submit(NewOrder {
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

    /// Asks to cancel an order. It looks [`OrderStatus::PendingCancel`] from now on, until an
    /// update says how that ended: it may still fill, and a refused cancel brings it back. Asking
    /// again meanwhile asks for nothing.
    pub fn cancel(&mut self, number: u64) {
        let pending = |order: &LiveOrder| order.status == OrderStatus::PendingCancel;
        if !self.history && !self.orders.get(&number).is_some_and(pending) {
            self.orders.get_mut(&number).into_iter().for_each(cancel_requested);
            self.intents.push(Intent::Cancel(number));
        }
    }

    /// Asks to cancel all own orders in an instrument; see [`Self::cancel`].
    pub fn cancel_all(&mut self, instrument: InstrumentId) {
        if !self.history {
            let own = self.orders.values_mut().filter(|order| order.instrument == instrument);
            own.for_each(cancel_requested);
            self.intents.push(Intent::CancelAll(instrument));
        }
    }

    /// Asks to change an order's price and total quantity, fills included, in whatever way its
    /// venue can. The order stays what it was until an update says that it changed. Where the
    /// venue amends, it keeps its number. Elsewhere it is canceled, and what remains once that is
    /// proven goes out under the number that this gives; the first update of it comes when it
    /// leaves, or says that it was denied. If the order is not at rest (still on its way, under
    /// cancel or amendment), it is refused with [`Event::Other`] and nothing changes.
    pub fn replace(&mut self, order: u64, price: Price, quantity: Quantity) -> u64 {
        let number = self.next_order;
        if !self.history {
            self.next_order += 1;
        }
        self.push(Intent::Replace(Replacement { order, number, price, quantity }));
        number
    }

    /// Asks to be woken at a time; a timer of the same id moves.
    pub fn set_timer(&mut self, id: TimerId, at: HostTime) {
        if self.history {
            return;
        }
        self.timers.insert(id, at);
        self.push(Intent::SetTimer { id, at });
    }

    /// Asks not to be woken.
    pub fn cancel_timer(&mut self, id: TimerId) {
        if !self.history {
            self.timers.remove(&id);
            self.push(Intent::CancelTimer(id));
        }
    }

    /// Reports a figure.
    pub fn metric(&mut self, name: &str, value: &impl ToString) {
        let (name, value) = (name.into(), value.to_string());
        self.push(Intent::Report(Report::Metric { name, value }));
    }

    /// Writes one JSON object to a stream of the strategy's own.
    pub fn record(&mut self, stream: &str, json: &serde_json::Value) {
        let (stream, json) = (stream.into(), json.to_string());
        self.push(Intent::Report(Report::Record { stream, json }));
    }

    /// Asks for anything else of the contract, such as [`Intent::SetLeverage`]. Orders are placed
    /// with [`Self::submit`], which alone knows their number: an [`Intent::Submit`] made by hand is
    /// a fault unless its number is the host's next.
    pub fn want(&mut self, intent: Intent) {
        match intent {
            Intent::Cancel(number) => self.cancel(number),
            Intent::CancelAll(instrument) => self.cancel_all(instrument),
            Intent::SetTimer { id, at } => self.set_timer(id, at),
            Intent::CancelTimer(id) => self.cancel_timer(id),
            other => self.push(other),
        }
    }

    fn push(&mut self, intent: Intent) {
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
            Event::Order(update) if update.status.is_terminal() => {
                self.orders.remove(&update.number);
            }
            Event::Order(update) => {
                self.orders.insert(update.number, *update);
            }
            Event::Fill(fill) => self.book(fill),
            Event::Plan(message) => self.plan_is(message),
            Event::Timer(id) => {
                self.timers.remove(id);
            }
            Event::Other(notice) if notice.code == RiskRejection::TooManyTimers.code() => {
                let notice = serde_json::from_str::<serde_json::Value>(&notice.json);
                if let Some(id) = notice.ok().and_then(|notice| notice["id"].as_u64()) {
                    self.timers.remove(&TimerId(id));
                }
            }
            Event::Position(position) => self.place(position),
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
        let live = resumed.orders.iter().filter(|order| !order.status.is_terminal());
        self.orders = live.map(|order| (order.number, *order)).collect();
        self.timers = resumed.timers.iter().copied().collect();
        self.positions.fill_with(Position::default);
        for position in &resumed.positions {
            self.place(position);
        }
        self.balances.clear();
        resumed.balances.iter().for_each(|update| self.balance_is(update));
        self.plans.clear();
        resumed.plans.iter().for_each(|message| self.plan_is(message));
        self.mode = resumed.mode;
    }

    fn balance_is(&mut self, update: &BalanceUpdate) {
        let BalanceUpdate { account, asset, total, available } = update;
        self.balances.insert((account.0, asset.clone()), (*total, *available));
    }

    /// The order and the position as they are after a fill.
    fn book(&mut self, fill: &FillNotice) {
        if let Some(order) = self.orders.get_mut(&fill.number) {
            order.filled = order.filled.checked_add(fill.quantity).unwrap_or(order.filled);
            let whole = order.filled >= order.quantity;
            let event = if whole { OrderEvent::FinalFill } else { OrderEvent::PartialFill };
            order.status = order.status.apply(event, true).unwrap_or(order.status);
            if order.status.is_terminal() {
                self.orders.remove(&fill.number);
            }
        }
        let Some(slot) = self.slot(fill.instrument) else {
            return;
        };
        let (spec, held) = (&self.instruments[slot].spec, &mut self.positions[slot]);
        let booked = held.book(spec, fill.side, fill.price, fill.quantity, fill.fee);
        if booked.map(|booked| booked.quantity) != Ok(fill.position) {
            // the host knows of what was not heard here: its quantity, at the entry known so far
            let entry = held.entry(spec).unwrap_or_else(|| spec.price(fill.price));
            self.place(&PositionUpdate {
                instrument: fill.instrument,
                quantity: fill.position,
                entry,
            });
        }
    }

    fn place(&mut self, told: &PositionUpdate) {
        if let Some(slot) = self.slot(told.instrument) {
            let spec = &self.instruments[slot].spec;
            let cost = spec.value_at(told.entry, told.quantity).unwrap_or_default();
            self.positions[slot] =
                Position { quantity: told.quantity, cost, ..Position::default() };
        }
    }
}

/// As the host does when the intent reaches it: an order that is finished or under cancel stays so.
fn cancel_requested(order: &mut LiveOrder) {
    let filled = order.filled.is_positive();
    if let Ok(next) = order.status.apply(OrderEvent::CancelRequested, filled) {
        order.status = next;
    }
}
