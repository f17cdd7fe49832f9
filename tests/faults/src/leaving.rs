//! What must hold of everything that leaves the process, and what the host was told so far.

use crate::venues::{Session, Venues};
use hedgerow_model::{VenueCommand, VenueEvent, VenueReport};
use std::rc::Rc;

impl Venues {
    /// What must hold of everything that leaves.
    pub(crate) fn check(&mut self, now: u64, command: &VenueCommand) {
        let shared = Rc::clone(&self.shared);
        let VenueCommand::Place(order) = command else { return };
        let order = order.get();
        let key = (order.account, order.wire);
        if self.wires.insert(key, order.request.side).is_some() {
            shared.must_not(now, format!("order {} leaves under a used id: {order:?}", order.id));
        }
        let tracker = shared.tracker.borrow();
        let known = tracker.by_wire(order.account, order.wire);
        if known.is_none() {
            let aside = &shared.disk.borrow().aside;
            let kept = aside.iter().any(|stamped| crate::check::approves(stamped, key));
            if !kept {
                shared.must_not(now, format!("order {} leaves before its fact", order.id));
            }
            if !order.request.flags.reduce_only && !self.reduces(order) {
                shared.must_not(now, format!("order {} opens without a journal", order.id));
            }
            return;
        }
        let opens = known.is_some_and(|known| known.opens);
        if opens && shared.full.get() {
            shared.must_not(now, format!("order {} opens while the disk is full", order.id));
        }
        let session = self.sessions.get(order.account.index());
        if opens && session.is_none_or(|session| !session.known) {
            shared.must_not(now, format!("order {} opens on an unknown account", order.id));
        }
    }

    /// Whether an order takes from what is held, as far as the host was told.
    fn reduces(&self, order: &hedgerow_model::Order) -> bool {
        let session = self.sessions.get(order.account.index());
        let reduces = |session: &Session| {
            session.moved || session.held.signum() * order.request.side.sign() < 0
        };
        session.is_some_and(reduces)
    }

    /// Keeps what the host was told of trades.
    pub(crate) fn note_heard(&mut self, event: &VenueEvent) {
        let VenueReport::Fill { wire, trade, quantity, .. } = event.report else { return };
        let sign = self.wires.get(&(event.account, wire)).map_or(0, |side| side.sign());
        if let Some(session) = self.session(event.account)
            && session.heard.insert(trade)
        {
            session.held += sign * quantity.units();
        }
    }
}
