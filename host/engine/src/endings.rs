//! Orders that their venue ended with more filled than was heard: the word of the end was faster
//! than the fills, or they were lost. Such an order lives on, with what it still brings reserved,
//! until the fills are heard; those that do not come by themselves are asked for.

use crate::{Effects, Engine};
use hedgerow_model::{
    Duration, Fact, HostTime, OrderEvent, OrderFact, Quantity, VenueEvent, WireId,
};

/// How long fills of an order that ended may take before they are asked for.
const OWED: Duration = Duration::from_secs(1);

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
        let slot = id.and_then(|id| self.strategies.get(id.strategy.index()));
        let known = id.zip(slot).and_then(|(id, slot)| Some((id, slot.orders.get(&id.number)?)));
        let owes = known.and_then(|(id, known)| {
            let filled = filled.filter(|filled| *filled > known.order.filled)?;
            Some((id, filled, known.ending.is_some()))
        });
        let Some((id, filled, told)) = owes else {
            return self.moved(event, wire, moved, None, None, effects);
        };
        if !told {
            let fact = OrderFact::Ends { event: moved, filled };
            self.record(now, Fact::Order { id, fact }, effects);
            self.owing.entry(event.account).or_insert(now.after(OWED));
        }
    }

    /// When an account is asked for fills that were not heard.
    pub(crate) fn next_owed(&self) -> Option<HostTime> {
        self.owing.values().min().copied()
    }

    /// Asks for fills that did not come by themselves.
    pub(crate) fn ask_for_owed(&mut self, now: HostTime, effects: &mut Effects) {
        let due = self.owing.iter().filter(|(_, at)| **at <= now);
        for account in due.map(|(account, _)| *account).collect::<Vec<_>>() {
            self.owing.remove(&account);
            let mut slots = self.strategies.iter().flat_map(|slot| slot.orders.values());
            let owes = slots.any(|known| known.order.account == account && known.ending.is_some());
            if owes && self.is_reconciled(account) {
                self.ask(now, account, 1, effects);
            }
        }
    }
}
