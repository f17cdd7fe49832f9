//! A native harness: a strategy's unit test without host or wasm.
//!
//! The harness plays the host's part: it numbers orders, keeps time, and gives back what the
//! strategy asked for. It does not trade: a test says what the venue did.

use crate::instrument::Instrument;
use crate::runtime::Runtime;
use crate::state::SavedState;
use crate::strategy::Strategy;
use hedgerow_model::{
    AccountId, Amend, Decimal, Event, Fee, FillNotice, Header, HostTime, InstrumentId,
    InstrumentKind, Intent, Liquidity, NewOrder, OrderEvent, OrderStatus, OrderUpdate, Outcome,
    Price, PriceGrid, Quantity, ResumedState, Scale, SequenceRule, Side, Tick, TickKind, TimerId,
    TradeId, TradingMode, VenueId, flag,
};
use std::collections::BTreeMap;

/// A linear perpetual for tests: `price_digits` and `quantity_digits` decimals, tick and lot of one
/// unit.
///
/// # Panics
/// When the digits are above 18.
#[must_use]
pub fn perpetual(id: u32, role: &str, price_digits: u8, quantity_digits: u8) -> Instrument {
    let scale = |digits| match Scale::new(digits) {
        Ok(scale) => scale,
        Err(e) => panic!("{e}"),
    };
    Instrument {
        spec: hedgerow_model::Instrument {
            id: InstrumentId(id),
            venue: VenueId(0),
            symbol: format!("TEST{id}"),
            kind: InstrumentKind::LinearPerpetual,
            base: "BASE".into(),
            quote: "USD".into(),
            settle: "USD".into(),
            price_scale: scale(price_digits),
            quantity_scale: scale(quantity_digits),
            grid: PriceGrid::Tick(Price::from_units(1)),
            lot: Quantity::from_units(1),
            min_quantity: Quantity::from_units(1),
            max_quantity: None,
            min_notional: None,
            band: None,
            multiplier: Decimal::ONE,
            sequence: SequenceRule::Snapshots,
        },
        role: role.into(),
        venue: "test".into(),
        account: Some(AccountId(0)),
        maker_fee: Decimal::new(2, 4),
        taker_fee: Decimal::new(5, 4),
    }
}

/// Drives a strategy natively.
#[derive(Debug)]
pub struct Harness<S> {
    runtime: Runtime<S>,
    now: u64,
    next_order: u64,
    next_trade: u64,
    mode: TradingMode,
    orders: BTreeMap<u64, OrderUpdate>,
    /// Amendments that the venue has not answered.
    amending: BTreeMap<u64, Amend>,
    intents: Vec<Intent>,
}

impl<S: Strategy> Harness<S> {
    /// Starts the strategy with parameters as JSON; `resumed` is delivered first, as the host does.
    ///
    /// # Panics
    /// When the strategy refuses to start.
    #[must_use]
    pub fn new(parameters: &serde_json::Value, instruments: Vec<Instrument>) -> Self {
        Self::restored(parameters, instruments, None, ResumedState::default())
    }

    /// Starts the strategy from saved state.
    ///
    /// # Panics
    /// When the strategy refuses to start.
    #[must_use]
    pub fn restored(
        parameters: &serde_json::Value,
        instruments: Vec<Instrument>,
        saved: Option<&SavedState>,
        resumed: ResumedState,
    ) -> Self {
        let runtime = match Runtime::init(&parameters.to_string(), instruments, saved) {
            Ok(runtime) => runtime,
            Err(e) => panic!("the strategy refused to start: {e}"),
        };
        let orders: BTreeMap<_, _> = resumed.orders.iter().map(|o| (o.number, *o)).collect();
        let mut harness = Self {
            runtime,
            now: 0,
            next_order: orders.keys().last().map_or(1, |last| last + 1),
            next_trade: 1,
            mode: TradingMode::Running,
            orders,
            amending: BTreeMap::new(),
            intents: Vec::new(),
        };
        harness.event(&Event::Resumed(resumed));
        harness
    }

    fn header(&self) -> Header {
        let now = HostTime::from_nanos(self.now);
        Header { now, next_order: self.next_order, mode: self.mode }
    }

    fn take(&mut self, outcome: Outcome) -> u32 {
        for intent in &outcome.intents {
            match intent {
                Intent::Submit(order) => self.accept_number(order),
                Intent::Cancel(number) => {
                    self.moved(*number, OrderEvent::CancelRequested);
                }
                Intent::CancelAll(instrument) => {
                    let own = self.orders.values().filter(|o| o.instrument == *instrument);
                    for number in own.map(|o| o.number).collect::<Vec<_>>() {
                        self.moved(number, OrderEvent::CancelRequested);
                    }
                }
                Intent::Amend(amend) => self.amend_requested(*amend),
                // the harness's venue amends
                Intent::Replace(replacement) => {
                    self.take_number(replacement.number);
                    self.amend_requested(replacement.amend());
                }
                _ => {}
            }
        }
        self.intents.extend(outcome.intents);
        outcome.consumed
    }

    /// Moves an order by the host's table; whether the table has such a move.
    fn moved(&mut self, number: u64, event: OrderEvent) -> bool {
        let Some(order) = self.orders.get_mut(&number) else { return false };
        let next = order.status.apply(event, order.filled.is_positive());
        order.status = next.unwrap_or(order.status);
        next.is_ok()
    }

    fn amend_requested(&mut self, amend: Amend) {
        if self.moved(amend.order, OrderEvent::AmendRequested) {
            self.amending.insert(amend.order, amend);
        }
    }

    fn take_number(&mut self, number: u64) {
        assert_eq!(number, self.next_order, "orders must be numbered from next-order");
        self.next_order += 1;
    }

    fn accept_number(&mut self, order: &NewOrder) {
        self.take_number(order.number);
        let update = OrderUpdate::unfilled(order, OrderStatus::PendingNew);
        self.orders.insert(order.number, update);
    }

    /// Moves the clock.
    pub fn advance(&mut self, nanos: u64) {
        self.now += nanos;
    }

    /// Delivers ticks, all of them, in as many calls as the strategy's acting needs.
    pub fn ticks(&mut self, ticks: &[Tick]) {
        let mut rest = ticks;
        while let Some(first) = rest.first() {
            self.now = self.now.max(first.recv_ts);
            let header = self.header();
            let outcome = self.runtime.on_market(&header, rest);
            let consumed = usize::try_from(self.take(outcome)).unwrap_or(1).max(1);
            let (done, left) = rest.split_at(consumed.min(rest.len()));
            self.now = done.last().map_or(self.now, |last| self.now.max(last.recv_ts));
            rest = left;
        }
    }

    /// Delivers one quote at the present time, in units.
    pub fn quote(&mut self, instrument: u32, bid: i64, ask: i64) {
        let tick = Tick {
            ts: self.now,
            recv_ts: self.now,
            instrument,
            kind: TickKind::Quote.code(),
            flags: flag::LAST,
            a: bid,
            b: 1_000_000,
            c: ask,
            d: 1_000_000,
            ..Tick::default()
        };
        self.ticks(&[tick]);
    }

    /// Delivers an event at the present time.
    pub fn event(&mut self, event: &Event) {
        let header = self.header();
        let outcome = self.runtime.on_event(&header, event);
        self.take(outcome);
    }

    /// Delivers an order's new status.
    ///
    /// # Panics
    /// When the order was never submitted.
    pub fn update(&mut self, number: u64, status: OrderStatus) {
        let Some(order) = self.orders.get_mut(&number) else { panic!("no order {number}") };
        order.status = status;
        let update = *order;
        self.event(&Event::Order(update));
    }

    /// Says that the venue carried out the amendment under way.
    ///
    /// # Panics
    /// When the strategy asked for none, or the order was not at rest when it did.
    pub fn amended(&mut self, number: u64) {
        let Some(amend) = self.amending.remove(&number) else {
            panic!("order {number} is not being amended")
        };
        assert!(self.moved(number, OrderEvent::Amended), "order {number} has ended");
        let Some(order) = self.orders.get_mut(&number) else { panic!("no order {number}") };
        (order.price, order.quantity) = (amend.price, amend.quantity);
        let update = *order;
        self.event(&Event::Order(update));
    }

    /// Fills an order, wholly or in part, at its own price as a maker with the instrument's fee:
    /// the fill first, then the order's new status, as the host does. A fill of an order that has
    /// ended is late: it is booked and reopens nothing.
    ///
    /// # Panics
    /// When the order was never submitted, or was denied.
    pub fn fill(&mut self, number: u64, quantity: i64) {
        let Some(order) = self.orders.get(&number) else { panic!("no order {number}") };
        let fee = self.runtime.context().instrument(order.instrument).and_then(|known| {
            let quantity = Quantity::from_units(quantity);
            known.spec.fee(order.price, quantity, known.maker_fee).ok()
        });
        self.fill_for(number, quantity, Fee::in_settle(fee.unwrap_or_default()));
    }

    /// [`Self::fill`] for a fee of your own, such as one in the base asset.
    ///
    /// # Panics
    /// When the order was never submitted, or was denied.
    pub fn fill_for(&mut self, number: u64, quantity: i64, fee: Fee) {
        let Some(order) = self.orders.get(&number) else { panic!("no order {number}") };
        self.trade(number, (order.price, quantity), Liquidity::Maker, fee);
    }

    /// [`Self::fill`] as a taker at a price of your own, in units of the price scale, with the
    /// instrument's taker fee.
    ///
    /// # Panics
    /// When the order was never submitted, or was denied.
    pub fn fill_at(&mut self, number: u64, price: i64, quantity: i64) {
        let Some(order) = self.orders.get(&number) else { panic!("no order {number}") };
        let price = Price::from_units(price);
        let fee = self.runtime.context().instrument(order.instrument).and_then(|known| {
            known.spec.fee(price, Quantity::from_units(quantity), known.taker_fee).ok()
        });
        let fee = Fee::in_settle(fee.unwrap_or_default());
        self.trade(number, (price, quantity), Liquidity::Taker, fee);
    }

    fn trade(
        &mut self,
        number: u64,
        (price, quantity): (Price, i64),
        liquidity: Liquidity,
        fee: Fee,
    ) {
        let Some(order) = self.orders.get_mut(&number) else { panic!("no order {number}") };
        let filled = order.filled.units() + quantity;
        let last = filled >= order.quantity.units();
        let event = if last { OrderEvent::FinalFill } else { OrderEvent::PartialFill };
        order.status = match order.status.apply(event, true) {
            Ok(next) => next,
            Err(e) => panic!("{e}"),
        };
        order.filled = Quantity::from_units(filled);
        let update = *order;
        let ctx = self.runtime.context();
        let quantity = Quantity::from_units(quantity);
        let mut held = ctx.ledger(update.instrument);
        if let Some(known) = ctx.instrument(update.instrument)
            && let Err(e) = held.book(&known.spec, update.side, price, quantity, fee)
        {
            panic!("the fill cannot be booked: {e}")
        }
        let notice = FillNotice {
            number,
            instrument: update.instrument,
            side: update.side,
            price,
            quantity,
            liquidity,
            fee,
            trade: TradeId(self.next_trade),
            position: held.quantity,
        };
        self.next_trade += 1;
        self.event(&Event::Fill(notice));
        self.event(&Event::Order(update));
    }

    /// Delivers a timer.
    pub fn timer(&mut self, id: u64) {
        self.event(&Event::Timer(TimerId(id)));
    }

    /// Sets the mode and tells the strategy.
    pub fn set_mode(&mut self, mode: TradingMode) {
        self.mode = mode;
        self.event(&Event::Mode(mode));
    }

    /// What the strategy asked for since the last call of this.
    pub fn intents(&mut self) -> Vec<Intent> {
        std::mem::take(&mut self.intents)
    }

    /// The orders it asked for since the last call of [`Self::intents`].
    #[must_use]
    pub fn submitted(&self) -> Vec<NewOrder> {
        let submit = |intent: &Intent| match intent {
            Intent::Submit(order) => Some(*order),
            _ => None,
        };
        self.intents.iter().filter_map(submit).collect()
    }

    /// Orders that are not finished, one side, as (number, price units, quantity units).
    #[must_use]
    pub fn open(&self, side: Side) -> Vec<(u64, i64, i64)> {
        self.orders
            .values()
            .filter(|o| o.side == side && !o.status.is_terminal())
            .map(|o| (o.number, o.price.units(), o.quantity.units()))
            .collect()
    }

    /// What the strategy wrote into the log: the newest thousand lines, oldest first.
    #[must_use]
    pub fn logs(&self) -> Vec<(crate::Level, String)> {
        self.runtime.context().logged.iter().cloned().collect()
    }

    /// The saved state, as the host would keep it.
    #[must_use]
    pub fn save(&self) -> SavedState {
        self.runtime.save()
    }

    /// The strategy itself.
    #[must_use]
    pub fn strategy(&self) -> &S {
        self.runtime.strategy()
    }

    /// What the strategy sees.
    #[must_use]
    pub fn context(&self) -> &crate::Context {
        self.runtime.context()
    }

    /// The status document.
    #[must_use]
    pub fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.runtime.status()).unwrap_or_default()
    }
}
