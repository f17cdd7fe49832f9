//! Orders that their venue ended with more filled than was heard: the word of the end was faster
//! than the fills, or they were lost. Such an order lives on, with what it still brings reserved,
//! until the fills are heard; those that do not come by themselves are asked for. One of which its
//! venue does not say how much filled may have filled whole: it is asked for that first.

use crate::strategy::OrderSlot;
use crate::{Effects, Engine};
use hedgerow_model::{ClientOrderId, Fact, OrderEvent, OrderFact, Quantity, VenueEvent, WireId};

impl Engine {
    /// The venue ended an order.
    pub(crate) fn ended(
        &mut self,
        event: &VenueEvent,
        wire: WireId,
        (moved, filled): (OrderEvent, Option<Quantity>),
        effects: &mut Effects,
    ) {
        let now = event.received;
        let id = self.by_wire.get(&(event.account, wire)).copied();
        if let Some((id, filled)) = id.zip(filled)
            && !self.can_have_filled(id, filled)
        {
            let detail = format!("order {id} is said to have ended with {filled} filled");
            self.record(now, Fact::Discrepancy { account: event.account, detail }, effects);
            return self.doubt(now, id, effects);
        }
        if id.is_some_and(|id| self.owes_more(id, filled)) {
            return; // what it has said before, and the fills that are to come of that, stand
        }
        if let Some(id) = id.filter(|_| filled.is_none())
            && self.may_owe(id)
        {
            if self.live(id).is_some_and(|known| !known.accepted) {
                // what its venue ended it had: its trades are looked for before it is given up
                self.moved(event, wire, OrderEvent::Accepted, None, None, effects);
            }
            self.moved(event, wire, OrderEvent::OutcomeUnknown, None, None, effects);
            // an answer to an earlier question may be of before the end
            return self.doubt_anew(now, id, effects);
        }
        let order = id.and_then(|id| self.any_order(id));
        let owes = order.zip(filled).filter(|(order, filled)| *filled > order.filled);
        let Some((id, filled)) = id.zip(owes.map(|(_, filled)| filled)) else {
            return self.moved(event, wire, moved, None, None, effects);
        };
        if self.live(id).is_some_and(|known| known.ending.is_none()) {
            let fact = OrderFact::Ends { event: moved, filled };
            self.record(now, Fact::Order { id, fact }, effects);
        }
        self.claim(now, id, (filled, None, event.happened), effects);
    }

    fn live(&self, id: ClientOrderId) -> Option<&OrderSlot> {
        self.strategies.get(id.strategy.index())?.orders.get(&id.number)
    }

    /// Whether the venue has said of a live order that it ended with more than was heard so far,
    /// and more than it says now: an end that is told again without the figure takes nothing back.
    fn owes_more(&self, id: ClientOrderId, said: Option<Quantity>) -> bool {
        let all = self
            .live(id)
            .and_then(|known| known.ending.filter(|(_, all)| *all > known.order.filled));
        all.is_some_and(|(_, all)| said.is_none_or(|said| said < all))
    }

    /// Whether more of a live order may have filled than was heard, at a venue that can be asked.
    fn may_owe(&self, id: ClientOrderId) -> bool {
        self.live(id).is_some_and(|known| {
            let account = self.config.accounts.get(known.order.account.index());
            let asked = account.is_some_and(|account| account.reconcile);
            asked && known.ending.is_none() && self.may_fill(id).is_positive()
        })
    }
}
