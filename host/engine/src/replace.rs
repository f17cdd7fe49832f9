//! Replacing a live order where its venue cannot amend: the cancel leaves first; once it is proven
//! how much of the old order filled, what remains leaves as a new one, through the gate like any
//! other.
//!
//! Never are both at the venue: while the old one may still fill, nothing of the new one is sent,
//! and what filled is taken off. Whatever cancels the strategy's orders takes a replacement back.

use crate::{Effects, Engine};
use hedgerow_model::{
    ClientOrderId, Event, Fact, HostTime, InstrumentId, NewOrder, Order, OrderFact, OrderStatus,
    OrderUpdate, Quantity, Replacement, RiskRejection, StrategyId, VenueCommand,
};

impl Engine {
    /// Folds that an order is to take another's place.
    pub(crate) fn apply_replaces(&mut self, id: ClientOrderId, wanted: Replacement) {
        self.replacing.insert(id, wanted);
        if let Some(slot) = self.strategies.get_mut(id.strategy.index()) {
            slot.next_order = slot.next_order.max(wanted.number.saturating_add(1));
        }
    }

    /// Whether the venue of a live order can amend it. Of an order that is not known, yes: who asks
    /// hears that it is not known.
    pub(crate) fn can_amend(&self, strategy: StrategyId, number: u64) -> bool {
        let order = self.order(strategy, number);
        let spec = order.and_then(|order| self.config.instrument(order.request.instrument));
        spec.is_none_or(|spec| !self.config.no_amends.contains(&spec.venue))
    }

    /// Cancels an order for another to take its place.
    pub(crate) fn replace(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        wanted: Replacement,
        effects: &mut Effects,
    ) {
        // refused now if the change would be: then the old order stays
        if let Err(reason) = self.approve_amend(now, strategy, &wanted.amend()) {
            return self.refuse(now, strategy, ("replace", wanted.order), reason, effects);
        }
        let id = ClientOrderId { strategy, number: wanted.number };
        self.record(now, Fact::Order { id, fact: OrderFact::Replaces(wanted) }, effects);
        self.cancel(now, strategy, wanted.order, effects);
    }

    /// What waited for an order that is over by now leaves.
    pub(crate) fn replacements_go_on(&mut self, effects: &mut Effects) {
        if self.replacing.is_empty() || self.plans.held {
            return;
        }
        for (id, wanted) in self.replacing.clone() {
            self.replacement_goes_on(id, wanted, effects);
        }
    }

    fn replacement_goes_on(
        &mut self,
        id: ClientOrderId,
        wanted: Replacement,
        effects: &mut Effects,
    ) {
        let now = self.now;
        let slot = self.strategies.get(id.strategy.index());
        if let Some(old) = slot.and_then(|slot| slot.orders.get(&wanted.order)) {
            if !old.cancel_wanted {
                // the venue refused the cancel: the old order stays as it is
                self.end_replacement(now, (id, wanted), RiskRejection::NotAmendable, effects);
            }
            return;
        }
        let Some(old) = self.any_order(ClientOrderId { number: wanted.order, ..id }).cloned()
        else {
            return; // never: it is kept as long as this waits
        };
        if !self.is_reconciled(old.account) {
            return; // more of it may be found filled
        }
        let request = remainder(&old, wanted);
        if !request.quantity.is_positive() {
            return self.end_replacement(now, (id, wanted), RiskRejection::NothingLeft, effects);
        }
        match self.approve(now, id.strategy, &request, None) {
            Ok(approved) => {
                let fact = OrderFact::Approved(Box::new(approved.get().clone()));
                self.record(now, Fact::Order { id, fact }, effects);
                effects.commands.push(VenueCommand::Place(approved));
                self.tell_order(now, id, 0, effects);
            }
            Err(reason) => self.end_replacement(now, (id, wanted), reason, effects),
        }
    }

    /// A replacement does not leave. Its denial is always a fact: what waits must end.
    fn end_replacement(
        &mut self,
        now: HostTime,
        (id, wanted): (ClientOrderId, Replacement),
        reason: RiskRejection,
        effects: &mut Effects,
    ) {
        let Some(old) = self.any_order(ClientOrderId { number: wanted.order, ..id }) else {
            return; // never: it is kept as long as this waits
        };
        let request = remainder(old, wanted);
        self.deny(now, (id, &request), (reason, true), effects);
    }

    /// An order does not leave: a fact, unless there are too many of them, and its last event.
    pub(crate) fn deny(
        &mut self,
        now: HostTime,
        (id, request): (ClientOrderId, &NewOrder),
        (reason, is_journaled): (RiskRejection, bool),
        effects: &mut Effects,
    ) {
        let update = OrderUpdate::unfilled(request, OrderStatus::Denied);
        let update = OrderUpdate { reason: reason.code(), ..update };
        let NewOrder { number, instrument, .. } = *request;
        if is_journaled {
            let fact = OrderFact::Denied { number, instrument, reason };
            self.record(now, Fact::Order { id, fact }, effects);
        }
        self.deliver(id.strategy, now, Event::Order(update), effects);
    }

    /// Whether a replacement waits for what is known of an order.
    pub(crate) fn is_waited_for(&self, order: ClientOrderId) -> bool {
        let mut waiting = self.replacing.iter();
        waiting.any(|(id, wanted)| id.strategy == order.strategy && wanted.order == order.number)
    }

    /// Takes a replacement back that has not left; whether there was one.
    pub(crate) fn take_back(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        number: u64,
        effects: &mut Effects,
    ) -> bool {
        let id = ClientOrderId { strategy, number };
        let Some(wanted) = self.replacing.get(&id).copied() else { return false };
        self.end_replacement(now, (id, wanted), RiskRejection::NothingLeft, effects);
        true
    }

    /// Takes back all of a strategy's, in one instrument or in all.
    pub(crate) fn take_all_back(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        instrument: Option<InstrumentId>,
        effects: &mut Effects,
    ) {
        let own = self.waiting_replacements(strategy);
        let there = own.filter(|order| instrument.is_none_or(|id| order.instrument == id));
        for number in there.map(|order| order.number).collect::<Vec<_>>() {
            self.take_back(now, strategy, number, effects);
        }
    }

    /// Replacements that have not left, as the orders they would be now.
    pub(crate) fn waiting_replacements(
        &self,
        strategy: StrategyId,
    ) -> impl Iterator<Item = NewOrder> + '_ {
        let own = self.replacing.iter().filter(move |(id, _)| id.strategy == strategy);
        own.filter_map(|(id, wanted)| {
            let old = self.any_order(ClientOrderId { number: wanted.order, ..*id })?;
            Some(remainder(old, *wanted))
        })
    }
}

/// What of a replacement remains beside what its old order filled.
fn remainder(old: &Order, wanted: Replacement) -> NewOrder {
    let left = wanted.quantity.units().saturating_sub(old.filled.units()).max(0);
    let (number, price) = (wanted.number, wanted.price);
    NewOrder { number, price, quantity: Quantity::from_units(left), ..old.request }
}
