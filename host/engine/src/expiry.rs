//! Dated contracts at their end: trading is over at the expiry, and what is held of it is closed at
//! the delivery price that the venue tells, once.
//!
//! After the expiry the venue has no position any more, and until it has told the delivery that is
//! no difference; nor is there anything left to trade, so what closes waits for it. After the
//! delivery nothing is ever held: a fill that comes late is closed at the same price. What others
//! hold on the account goes with it and is not booked here.

use crate::strategy::{Delivered, Holding};
use crate::{Effects, Engine};
use hedgerow_model::{
    AccountId, Duration, Event, Fact, Fee, HostTime, Instrument, InstrumentId, InstrumentKind,
    OpaqueMessage, Price, Quantity, Side, StrategyId, VenueEvent, VenueReport, VenueTime, part_of,
};

/// The code of an `other` event that tells of a delivery.
const DELIVERED_TOLD: u32 = 1_003;
/// A venue may postpone a delivery: for so long after the expiry its position is not missed.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Longer than any clock differs: a venue whose clock is ahead delivers before ours says so.
const CLOCKS: Duration = Duration::from_secs(60);

/// A delivery, as it is booked.
#[derive(Clone, Copy, Debug)]
struct Terms {
    price: Price,
    fee: Fee,
    happened: VenueTime,
}

impl Engine {
    /// Whether a holding is of a contract that was delivered.
    pub(crate) fn is_delivered(holding: &Holding, spec: &Instrument) -> bool {
        // another contract may stand in its place in the config of a later host
        holding.delivered.is_some_and(|known| known.expiry == spec.kind.expiry())
    }

    /// The price at which it was.
    pub(crate) fn delivered_at(holding: &Holding, spec: &Instrument) -> Option<Price> {
        let known = holding.delivered.filter(|_| Self::is_delivered(holding, spec));
        known.map(|delivered| delivered.price)
    }

    /// Whether nothing is traded any more in what a strategy holds.
    pub(crate) fn has_ended(&self, strategy: StrategyId, instrument: InstrumentId) -> bool {
        let slot = self.strategies.get(strategy.index());
        let holding = slot.and_then(|slot| slot.holding(instrument));
        let known = holding.zip(self.config.instrument(instrument));
        known.is_some_and(|(holding, spec)| {
            spec.kind.is_over(self.now) || Self::is_delivered(holding, spec)
        })
    }

    /// Until when the delivery of what is held on an account is waited for. Nothing: it is not.
    pub(crate) fn awaits_delivery(
        &self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Option<HostTime> {
        let owner = self.owner_of(account, instrument)?;
        let holding = self.strategies.get(owner.index())?.holding(instrument)?;
        let spec = self.config.instrument(instrument)?;
        let expiry = spec.kind.expiry().map(|at| HostTime::from_nanos(at.as_nanos()))?;
        let until = expiry.after(PATIENCE);
        let waits = spec.kind.is_over(self.now) && self.now < until;
        let held = !holding.position.quantity.is_zero() && !Self::is_delivered(holding, spec);
        (waits && held).then_some(until)
    }

    /// Whether a venue that has nothing of an instrument on an account has delivered it, or is
    /// about to tell.
    pub(crate) fn may_be_delivered(&self, account: AccountId, instrument: InstrumentId) -> bool {
        let spec = self.config.instrument(instrument);
        let Some(expiry) = spec.and_then(|spec| spec.kind.expiry()) else { return false };
        let expiry = HostTime::from_nanos(expiry.as_nanos());
        let owner = self.owner_of(account, instrument);
        let slot = owner.and_then(|id| self.strategies.get(id.index()));
        let holding = slot.and_then(|slot| slot.holding(instrument));
        let told = holding.zip(spec).is_some_and(|(held, spec)| Self::is_delivered(held, spec));
        !told && self.now.after(CLOCKS) >= expiry && self.now < expiry.after(PATIENCE)
    }

    /// The venue delivered a position.
    pub(crate) fn on_delivered(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let VenueReport::Delivered { instrument, price, quantity, fee } = event.report else {
            return;
        };
        let (now, account) = (event.received, event.account);
        let spec = self.config.instrument(instrument);
        let derives = spec.is_some_and(|spec| spec.kind != InstrumentKind::Spot);
        if !derives || !price.is_positive() {
            let detail = format!("a delivery that cannot be: {:?}", event.report);
            self.record(now, Fact::Discrepancy { account, detail }, effects);
            return;
        }
        let key = (account, instrument);
        let others = self.external.get(&key).copied().unwrap_or_default();
        let unknown = self.truth.unknown.remove(&key).unwrap_or_default();
        if !others.is_zero() {
            // it went with the rest
            let fact = Fact::Ignored { account, instrument, quantity: Quantity::ZERO };
            self.record(now, fact, effects);
        }
        let Some(strategy) = self.owner_of(account, instrument) else { return };
        let slot = self.strategies.get(strategy.index());
        let holding = slot.and_then(|slot| slot.holding(instrument)).zip(spec_of(self, instrument));
        let Some((holding, spec)) = holding else { return };
        if Self::is_delivered(holding, spec) {
            return; // booked before
        }
        let ours = holding.position.quantity;
        let not_ours = others.units().saturating_add(unknown.units());
        let fee = if not_ours == 0 { fee } else { part_of_fee(fee, ours, quantity) };
        let known = ours.units().saturating_add(not_ours);
        let terms = Terms { price, fee, happened: event.happened };
        if self.book_delivery(now, (strategy, instrument), terms, effects)
            && known != quantity.units()
        {
            let (name, had) = self.in_words(instrument, quantity);
            let (_, ours) = self.in_words(instrument, Quantity::from_units(known));
            let detail = format!(
                "{name} was delivered: the venue had {had}, the ledger {ours}; what comes of it \
                 later is closed at the delivery price"
            );
            self.record(now, Fact::Discrepancy { account, detail }, effects);
        }
        self.after_delivery(now, (strategy, instrument), effects);
    }

    /// A fill of a contract that was delivered before it was told: closed at the same price.
    pub(crate) fn close_what_came_late(
        &mut self,
        now: HostTime,
        (strategy, instrument): (StrategyId, InstrumentId),
        effects: &mut Effects,
    ) {
        let slot = self.strategies.get(strategy.index());
        let holding = slot.and_then(|slot| slot.holding(instrument)).zip(spec_of(self, instrument));
        let Some((holding, spec)) = holding else { return };
        let delivered = holding.delivered.filter(|_| Self::is_delivered(holding, spec));
        let Some(Delivered { price, happened, .. }) = delivered else { return };
        if !holding.position.quantity.is_zero() {
            let terms = Terms { price, fee: Fee::ZERO, happened };
            self.book_delivery(now, (strategy, instrument), terms, effects);
        }
    }

    /// Closes all that the ledger holds; `false` when that does not fit.
    fn book_delivery(
        &mut self,
        now: HostTime,
        (strategy, instrument): (StrategyId, InstrumentId),
        Terms { price, fee, happened }: Terms,
        effects: &mut Effects,
    ) -> bool {
        let slot = self.strategies.get(strategy.index());
        let holding = slot.and_then(|slot| slot.holding(instrument)).zip(spec_of(self, instrument));
        let Some((holding, spec)) = holding else { return false };
        let (account, quantity) = (holding.account, holding.position.quantity);
        let before = holding.position.realised;
        let mut after = holding.position.clone();
        let what = (closing(quantity), price, quantity.abs());
        if after.book(spec, what.0, what.1, what.2, fee).is_err() {
            let detail = format!("a delivery does not fit the ledger: {instrument} at {price}");
            self.record(now, Fact::Discrepancy { account, detail }, effects);
            self.stop_strategy(now, strategy, "a delivery does not fit the ledger", effects);
            return false;
        }
        let json = serde_json::json!({
            "instrument": instrument,
            "price": spec.price(price).normalize(),
            "quantity": spec.quantity(quantity).normalize(),
            "realised": (after.realised - before).normalize(),
            "fee": fee.amount.normalize(),
        });
        let told = OpaqueMessage { code: DELIVERED_TOLD, json: json.to_string() };
        self.note_rates(now, instrument, fee.asset, effects);
        let fact =
            Fact::Delivered { strategy, account, instrument, price, quantity, fee, happened };
        self.record(now, fact, effects);
        self.tell_position(now, strategy, instrument, effects);
        self.deliver(strategy, now, Event::Other(told), effects);
        true
    }

    /// What follows for orders, plans and guards.
    fn after_delivery(
        &mut self,
        now: HostTime,
        (strategy, instrument): (StrategyId, InstrumentId),
        effects: &mut Effects,
    ) {
        // orders end with their contract; one whose end was not told is asked for
        let slot = self.strategies.get(strategy.index());
        let live = slot.into_iter().flat_map(|slot| slot.orders.values()).map(|known| &known.order);
        let left = live.filter(|order| order.request.instrument == instrument);
        for id in left.map(|order| order.id).collect::<Vec<_>>() {
            self.doubt(now, id, effects);
        }
        for key in self.plans.live(|slot| slot.trades(instrument)) {
            if key.0 == strategy {
                self.plan_goes_on(now, key, effects);
            }
        }
        self.recap(now, (strategy, instrument), effects);
        self.guard(now, strategy, effects);
        self.note_peak(now, strategy, effects);
        self.guard_host(now, effects);
    }

    pub(crate) fn apply_delivered(&mut self, time: HostTime, fact: &Fact) {
        let Fact::Delivered { strategy, account, instrument, price, quantity, fee, happened } =
            fact
        else {
            return;
        };
        let newest = self.last_fill.entry(*account).or_default();
        *newest = (*newest).max(*happened);
        let Some(spec) = self.config.instruments.get(instrument.index()) else { return };
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        let Some(holding) = slot.holding_mut(*instrument) else { return };
        let (price, happened) = (*price, *happened);
        holding.delivered = Some(Delivered { price, happened, expiry: spec.kind.expiry() });
        let what = (closing(*quantity), price, quantity.abs());
        if holding.earned.fill(&mut holding.position, spec, what, *fee, &self.rates).is_err() {
            return; // `book_delivery` has stopped the strategy
        }
        self.exposure.update(*strategy, spec, &holding.position);
        self.deliver_plans((*strategy, *instrument), price, (*quantity, *fee));
        self.deliver_pairs(time, (*strategy, *account, *instrument), price, (*quantity, *fee));
    }
}

fn spec_of(engine: &Engine, instrument: InstrumentId) -> Option<&Instrument> {
    engine.config.instrument(instrument)
}

/// Which way a position is closed.
pub(crate) fn closing(quantity: Quantity) -> Side {
    if quantity.is_positive() { Side::Sell } else { Side::Buy }
}

/// What of a fee for `all` falls on `ours`.
pub(crate) fn part_of_fee(fee: Fee, ours: Quantity, all: Quantity) -> Fee {
    Fee { amount: part_of(fee.amount, ours.units(), all.units()), ..fee }
}
