//! Orders as the facts have them, by wire id and by number.

use super::{Known, Tracker};
use hedgerow_model::{AccountId, ClientOrderId, InstrumentId, WireId};

impl Tracker {
    /// The order behind a wire id.
    #[must_use]
    pub fn by_wire(&self, account: AccountId, wire: WireId) -> Option<&Known> {
        let id = self.wires.get(&(account, wire))?;
        self.alive.get(id).or_else(|| self.over.get(id))
    }

    /// Whether an order was approved and is over.
    pub(crate) fn is_over(&self, id: ClientOrderId) -> bool {
        self.over.contains_key(&id)
    }

    /// Whose order is behind a wire id.
    pub(crate) fn id_of(&self, account: AccountId, wire: WireId) -> Option<ClientOrderId> {
        self.wires.get(&(account, wire)).copied()
    }

    /// Where an order is: account and wire id, and its instrument.
    #[must_use]
    pub fn key_of(&self, id: ClientOrderId) -> Option<((AccountId, WireId), InstrumentId)> {
        let known = self.alive.get(&id).or_else(|| self.over.get(&id))?;
        let order = &known.order;
        Some(((order.account, order.wire), order.request.instrument))
    }
}
