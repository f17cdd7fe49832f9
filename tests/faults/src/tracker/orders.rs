//! Orders as the facts move them, and those that are to take another's place.

use super::{Known, Tracker};
use crate::coverage::Coverage;
use hedgerow_model::{
    AccountId, ClientOrderId, Order, OrderEvent, OrderFact, OrderStatus, Quantity, Replacement,
    WireId,
};

impl Tracker {
    pub(super) fn order(
        &mut self,
        id: ClientOrderId,
        fact: &OrderFact,
        coverage: &mut Coverage,
        now: u64,
    ) -> Result<(), String> {
        match fact {
            OrderFact::Approved(order) => {
                self.takes_its_place(id, order, coverage)?;
                self.approved(id, order, coverage)?;
                let opens = self.alive.get(&id).is_some_and(|known| known.opens);
                return if opens { self.standing.may_open(id.strategy, now) } else { Ok(()) };
            }
            OrderFact::Denied { reason, .. } => {
                coverage.total("denials");
                self.replacing.remove(&id);
                coverage.refused(reason);
            }
            OrderFact::Replaces(wanted) => {
                coverage.total("replacements");
                return self.is_to_replace(id, *wanted);
            }
            OrderFact::MustEnd => coverage.total("orders that the host ends"),
            OrderFact::CancelRequested => self.moved(id, OrderEvent::CancelRequested, coverage),
            OrderFact::AmendRequested(amend) => {
                self.moved(id, OrderEvent::AmendRequested, coverage);
                if let Some(known) = self.alive.get_mut(&id) {
                    known.amending = Some(amend.quantity.units());
                }
            }
            OrderFact::Moved { event, .. } => {
                if *event == OrderEvent::AmendRejected
                    && let Some(known) = self.alive.get_mut(&id)
                {
                    known.amending = None;
                }
                self.moved(id, *event, coverage);
                let whole = |known: &Known| known.ending.is_none() && known.open() <= 0;
                if self.alive.get(&id).is_some_and(whole) {
                    self.moved(id, OrderEvent::FinalFill, coverage);
                }
            }
            OrderFact::Inferred { event, .. } => {
                coverage.total("orders whose end was inferred");
                self.alive.entry(id).and_modify(|known| known.inferred = true);
                self.moved(id, *event, coverage);
            }
            OrderFact::Ends { filled, .. } => {
                coverage.total("ended before their fills");
                if let Some(known) = self.alive.get_mut(&id) {
                    known.ending = Some(filled.units());
                }
            }
            OrderFact::Amended { price, quantity } => {
                let Some(known) = self.alive.get_mut(&id) else { return Ok(()) };
                (known.order.request.price, known.order.request.quantity) = (*price, *quantity);
                // a change that was not the one asked for leaves that one open
                known.amending = known.amending.filter(|asked| *asked != quantity.units());
                let done = *quantity <= known.order.filled;
                let event = if done { OrderEvent::FinalFill } else { OrderEvent::Amended };
                self.moved(id, event, coverage);
            }
        }
        Ok(())
    }

    fn moved(&mut self, id: ClientOrderId, event: OrderEvent, coverage: &mut Coverage) {
        let known = match self.alive.get_mut(&id) {
            Some(known) => known,
            None => match self.over.get_mut(&id) {
                Some(known) => known,
                None => return,
            },
        };
        let order = &mut known.order;
        if let Ok(next) = order.status.apply(event, order.filled.is_positive()) {
            coverage.transition(order.status, event);
            order.status = next;
        }
        if order.status.is_terminal() {
            self.is_over_now(id);
        }
    }

    /// An order ends, and its strategy is to be told.
    fn is_over_now(&mut self, id: ClientOrderId) {
        let Some(known) = self.alive.remove(&id) else { return };
        self.over.insert(id, known);
        self.ended.push(id);
    }

    pub(super) fn filled(
        &mut self,
        id: ClientOrderId,
        units: i64,
        coverage: &mut Coverage,
    ) -> Result<(), String> {
        let over = self.over.get(&id).filter(|_| units != 0);
        if let Some(known) = over {
            coverage.total("fills of orders that were over");
            // an order that its venue ended is over when what filled of it is known; one whose
            // end follows from silence, or of whose size a power cut took the facts, may bring more
            if !known.inferred && !self.cut {
                return Err(format!("{id} was over, and fills"));
            }
        }
        let known = self.alive.get_mut(&id).or_else(|| self.over.get_mut(&id));
        let Some(known) = known else { return Ok(()) };
        let left = known.open();
        let filled = known.order.filled.units() + units;
        known.order.filled = hedgerow_model::Quantity::from_units(filled);
        let event = if units >= left { OrderEvent::FinalFill } else { OrderEvent::PartialFill };
        let ended = known.ending.is_some_and(|all| filled >= all);
        // the real one of what was inferred brings nothing new
        if units != 0 {
            self.moved(id, event, coverage);
        }
        // the venue's word of its end comes true with the last fill
        if ended && let Some(known) = self.alive.get_mut(&id) {
            known.order.status = OrderStatus::Canceled;
            self.is_over_now(id);
        }
        Ok(())
    }

    /// An order is to take another's place: one alone, and of one that is there.
    fn is_to_replace(&mut self, id: ClientOrderId, wanted: Replacement) -> Result<(), String> {
        let old = ClientOrderId { number: wanted.order, ..id };
        if !self.alive.contains_key(&old) {
            return Err(format!("{id} is to replace what is not there"));
        }
        match self.replacing.insert(id, wanted) {
            None => Ok(()),
            Some(_) => Err(format!("{id} is to replace twice")),
        }
    }

    /// What takes another's place leaves when that is over, and is no more than was left of it.
    fn takes_its_place(
        &mut self,
        id: ClientOrderId,
        order: &Order,
        coverage: &mut Coverage,
    ) -> Result<(), String> {
        let Some(wanted) = self.replacing.remove(&id) else { return Ok(()) };
        coverage.total("replacements that left");
        let old = ClientOrderId { number: wanted.order, ..id };
        let Some(known) = self.over.get(&old) else {
            return Err(format!("{id} leaves beside {old}, whose place it takes"));
        };
        let (request, before) = (&order.request, &known.order.request);
        let left = wanted.quantity.units() - known.order.filled.units();
        let same = (request.side, request.instrument, request.flags);
        let fits = request.quantity.units() == left && request.price == wanted.price;
        if !fits || same != (before.side, before.instrument, before.flags) {
            return Err(format!("{id} is not what was asked for, {left} of {wanted:?}"));
        }
        self.replaced.insert(id, (old, wanted.quantity));
        Ok(())
    }

    /// Where the order was whose place another has taken, and how much both may come to. Not of
    /// one whose end was inferred: more of that may have filled than anybody could know.
    pub(crate) fn place_of(&self, id: ClientOrderId) -> Option<((AccountId, WireId), Quantity)> {
        let (old, most) = self.replaced.get(&id)?;
        let known = self.over.get(old).filter(|known| !known.inferred)?;
        Some(((known.order.account, known.order.wire), *most))
    }
}
