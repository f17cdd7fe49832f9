//! Orders, as their facts fold: statuses, and what each holds reserved.

use super::TOMBSTONE;
use crate::Engine;
use crate::strategy::OrderSlot;
use hedgerow_model::{
    Amend, ClientOrderId, Decimal, HostTime, Order, OrderEvent, OrderFact, PLAN_ORDERS, Price,
    Quantity, StrategyId, WireId,
};

impl Engine {
    pub(super) fn apply_order(&mut self, time: HostTime, id: ClientOrderId, fact: &OrderFact) {
        match fact {
            OrderFact::Approved(order) => self.apply_approved(time, id, order),
            OrderFact::Replaces(wanted) => self.apply_replaces(id, *wanted),
            OrderFact::Denied { number, instrument, reason } => {
                self.replacing.remove(&id);
                let words = self.refusal_in_words(*instrument, reason);
                self.apply_denied(time, id.strategy, (*number, words));
            }
            OrderFact::Inferred { event, .. } => {
                if let Some(slot) = self.strategies.get_mut(id.strategy.index()) {
                    slot.traded.entry(id.number).or_default().vanished = true;
                }
                self.advance_order(time, id, *event, |_| {});
            }
            OrderFact::MustEnd => self.set_must_end(id),
            OrderFact::CancelRequested => {
                self.count_cancel(time, id);
                self.set_cancel_wanted(id, true);
                self.advance_order(time, id, OrderEvent::CancelRequested, |_| {});
            }
            OrderFact::AmendRequested(amend) => {
                self.count_cancel(time, id);
                self.advance_order(time, id, OrderEvent::AmendRequested, |_| {});
                self.set_amending(id, Some((*amend, time)));
            }
            OrderFact::Moved { event, venue_id, .. } => {
                match event {
                    OrderEvent::AmendRejected => self.set_amending(id, None),
                    OrderEvent::CancelRejected => self.set_cancel_wanted(id, false),
                    _ => {}
                }
                self.advance_order(time, id, *event, |order| {
                    order.venue_id = venue_id.or(order.venue_id);
                });
                self.fill_whole(time, id);
            }
            OrderFact::Ends { event, filled } => {
                if let Some(known) = self.known_mut(id) {
                    known.ending = Some((*event, *filled));
                }
                self.reserve_remaining(id);
            }
            OrderFact::Amended { price, quantity } => {
                // an answer to an earlier question may be of before it arrived
                if let Some(known) = self.known_mut(id) {
                    known.amended_at = known.amended_at.max(time);
                }
                let slot = self.strategies.get(id.strategy.index());
                let known = slot.and_then(|slot| slot.orders.get(&id.number));
                let asked = known.and_then(|known| known.amending);
                let other = asked.is_some_and(|a| (a.price, a.quantity) != (*price, *quantity));
                if other {
                    // the venue changed it by itself; what we asked for is still to be answered
                    self.resize(time, id, (*price, *quantity));
                    return;
                }
                self.set_amending(id, None);
                let filled = self.order(id.strategy, id.number).map(|order| order.filled);
                // amended down to what is filled: nothing is left of it
                let done = filled.is_some_and(|filled| *quantity <= filled);
                let event = if done { OrderEvent::FinalFill } else { OrderEvent::Amended };
                self.advance_order(time, id, event, |order| {
                    (order.request.price, order.request.quantity) = (*price, *quantity);
                });
            }
        }
    }

    fn count_cancel(&mut self, time: HostTime, id: ClientOrderId) {
        let account = self.any_order(id).map(|order| order.account);
        let slot = self.strategies.get_mut(id.strategy.index());
        if let Some((slot, account)) = slot.zip(account) {
            slot.cancels.count_cancel(time, account);
        }
    }

    /// What may still fill of an order: with an amendment that is not answered, of either size.
    pub(crate) fn may_fill(&self, id: ClientOrderId) -> Quantity {
        let slot = self.strategies.get(id.strategy.index());
        let known = slot.and_then(|slot| slot.orders.get(&id.number));
        let amended = known.and_then(|known| {
            let amend = known.amending?;
            Some(amend.quantity.units().saturating_sub(known.order.filled.units()))
        });
        let left = self.any_order(id).map_or(Quantity::ZERO, Order::remaining);
        left.max(Quantity::from_units(amended.unwrap_or(0)))
    }

    /// An order that lived on for an amendment, which was refused: its last fill was the last.
    fn fill_whole(&mut self, time: HostTime, id: ClientOrderId) {
        let alive = self.order(id.strategy, id.number).is_some();
        if alive && !self.may_fill(id).is_positive() {
            self.advance_order(time, id, OrderEvent::FinalFill, |_| {});
        }
    }

    fn apply_approved(&mut self, time: HostTime, id: ClientOrderId, order: &Order) {
        self.use_wires(order.account, WireId(order.wire.0.saturating_add(1)));
        self.by_wire.insert((order.account, order.wire), id);
        self.replacing.remove(&id);
        let Some(slot) = self.strategies.get_mut(id.strategy.index()) else {
            return;
        };
        slot.approved = slot.approved.saturating_add(1);
        slot.active = time;
        let next = match id.number >= PLAN_ORDERS {
            true => &mut slot.next_plan_order,
            false => &mut slot.next_order,
        };
        *next = id.number.saturating_add(1).max(*next);
        let fresh = OrderSlot {
            order: order.clone(),
            reserved: 0,
            reserved_notional: Decimal::ZERO,
            amending: None,
            amended_at: HostTime::EPOCH,
            ending: None,
            counted: None,
            accepted: false,
            cancel_wanted: false,
            must_end: false,
            touched: order.created,
        };
        slot.orders.insert(id.number, fresh);
        self.reserve_remaining(id);
        self.count_order(id);
    }

    /// Moves an order's status; an event that the table refuses changes only what `change` changes.
    pub(super) fn advance_order(
        &mut self,
        time: HostTime,
        id: ClientOrderId,
        event: OrderEvent,
        change: impl FnOnce(&mut Order),
    ) {
        let Some(slot) = self.strategies.get_mut(id.strategy.index()) else {
            return;
        };
        let order = match slot.orders.get_mut(&id.number) {
            Some(known) => {
                known.touched = known.touched.max(time);
                known.accepted |= event.proves_acceptance();
                &mut known.order
            }
            None => match slot.finished.get_mut(&id.number) {
                Some(order) => order,
                None => return,
            },
        };
        change(order);
        if let Ok(next) = order.status.apply(event, order.filled.is_positive()) {
            order.status = next;
        }
        if !order.status.is_terminal() {
            if event != OrderEvent::CancelRequested && event != OrderEvent::AmendRequested {
                self.reserve_remaining(id);
            }
            self.count_order(id);
        } else {
            self.finish(time, id);
        }
    }

    /// Reserves what may still fill: the remaining size, or that of an amendment under way when it
    /// is larger, at the dearer price.
    fn reserve_remaining(&mut self, id: ClientOrderId) {
        let Some(slot) = self.strategies.get(id.strategy.index()) else {
            return;
        };
        let Some(known) = slot.orders.get(&id.number) else {
            return;
        };
        let order = &known.order;
        let (mut units, mut price) = (order.remaining().units(), order.request.price);
        if let Some((_, filled)) = known.ending {
            units = filled.units().saturating_sub(order.filled.units()).max(0);
        }
        if let Some(amend) = known.amending {
            units = units.max(amend.quantity.units().saturating_sub(order.filled.units()));
            price = price.max(amend.price);
        }
        let spec = self.config.instrument(order.request.instrument);
        // what does not fit was refused with the order; nothing here may panic on a venue's figure
        let worth = spec
            .and_then(|i| i.notional(price, Quantity::from_units(units)).ok())
            .unwrap_or(known.reserved_notional);
        if let Some(slot) = self.strategies.get_mut(id.strategy.index()) {
            slot.set_reserved(id.number, units, worth);
        }
    }

    /// A change that nobody asked for, while another is on its way.
    fn resize(&mut self, time: HostTime, id: ClientOrderId, (price, quantity): (Price, Quantity)) {
        let filled = self.order(id.strategy, id.number).map(|order| order.filled);
        let done = filled.is_some_and(|filled| quantity <= filled);
        // anything that leaves the status as it is: the answer to the amendment moves it
        let event = if done { OrderEvent::FinalFill } else { OrderEvent::Accepted };
        self.advance_order(time, id, event, |order| {
            (order.request.price, order.request.quantity) = (price, quantity);
        });
    }

    fn set_amending(&mut self, id: ClientOrderId, amend: Option<(Amend, HostTime)>) {
        if let Some(known) = self.known_mut(id) {
            known.amending = amend.map(|(amend, _)| amend);
            known.amended_at = amend.map_or(known.amended_at, |(_, left)| left);
        }
        self.reserve_remaining(id);
        self.count_order(id);
    }

    pub(crate) fn apply_denied(
        &mut self,
        time: HostTime,
        strategy: StrategyId,
        (number, reason): (u64, String),
    ) {
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        slot.last_denial = Some((time, reason));
        slot.denied = slot.denied.saturating_add(1);
        slot.active = time;
        if number < PLAN_ORDERS {
            slot.next_order = slot.next_order.max(number.saturating_add(1));
        }
    }

    pub(crate) fn known_mut(&mut self, id: ClientOrderId) -> Option<&mut OrderSlot> {
        self.strategies.get_mut(id.strategy.index())?.orders.get_mut(&id.number)
    }

    fn set_must_end(&mut self, id: ClientOrderId) {
        if let Some(known) = self.known_mut(id) {
            known.must_end = true;
        }
    }

    fn set_cancel_wanted(&mut self, id: ClientOrderId, wanted: bool) {
        if let Some(known) = self.known_mut(id) {
            known.cancel_wanted = wanted;
        }
    }

    /// Releases what a finished order reserved and keeps it for late fills.
    fn finish(&mut self, time: HostTime, id: ClientOrderId) {
        let Some(slot) = self.strategies.get_mut(id.strategy.index()) else {
            return;
        };
        slot.set_reserved(id.number, 0, Decimal::ZERO);
        let Some(known) = slot.orders.remove(&id.number) else {
            return;
        };
        if let Some(counted) = &known.counted {
            self.tally.remove(counted);
        }
        slot.finished.insert(id.number, known.order);
        self.ends_no_more(id);
        self.tombstones.push_back((time, id));
        while let Some((fell, old)) = self.tombstones.front().copied() {
            if time.since(fell) <= TOMBSTONE {
                break;
            }
            self.tombstones.pop_front();
            if self.is_waited_for(old) {
                self.tombstones.push_back((time, old));
                continue;
            }
            let slot = self.strategies.get_mut(old.strategy.index());
            let gone = slot.and_then(|slot| {
                slot.traded.remove(&old.number);
                slot.finished.remove(&old.number)
            });
            if let Some(order) = gone {
                self.by_wire.remove(&(order.account, order.wire));
                self.truth.stated.remove(&(order.account, order.wire));
            }
        }
    }
}
