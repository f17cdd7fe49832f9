//! What must hold of everything that leaves the process, and what the host was told so far.

use crate::limits::Leaves;
use crate::venues::Venues;
use hedgerow_model::{
    AccountId, Amend, Fact, Quantity, VenueCommand, VenueEvent, VenueReport, WireId,
};
use std::rc::Rc;

/// How long a command may have waited for the pools, ns.
const SECOND: u64 = 1_000_000_000;

impl Venues {
    /// What must hold of everything that leaves.
    pub(crate) fn check(&mut self, now: u64, command: &VenueCommand) {
        let shared = Rc::clone(&self.shared);
        let order = match command {
            VenueCommand::Place(order) => order.get(),
            VenueCommand::Amend { account, wire, amend, .. } => {
                return self.check_amend(now, (*account, *wire), amend.get());
            }
            _ => return,
        };
        let key = (order.account, order.wire);
        let way = (order.request.side, order.request.flags.reduce_only);
        if self.wires.insert(key, way).is_some() {
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
                let held = self.sessions.get(order.account.index()).map(|s| s.held);
                let what =
                    format!("order {} opens without a journal, {held:?}: {order:?}", order.id);
                shared.must_not(now, what);
            }
            return;
        }
        if tracker.leaves_halted(now, order) {
            shared.must_not(now, format!("order {} leaves though all is halted", order.id));
        }
        if let Some(((account, wire), most)) = tracker.place_of(order.id) {
            let filled = self.filled_of(account, wire);
            let more = filled.units() + order.request.quantity.units() > most.units();
            if self.is_open(account, wire) || more {
                let what = format!("{filled} filled, {most} wanted");
                let id = order.id;
                shared
                    .must_not(now, format!("order {id} is too much for what it replaces: {what}"));
            }
        }
        // what opened when it was approved may only reduce by now
        let opens = known.is_some_and(|known| known.opens && !tracker.only_reduces(known));
        if opens && shared.full.get() {
            shared.must_not(now, format!("order {} opens while the disk is full", order.id));
        }
        let session = self.sessions.get(order.account.index());
        if opens && session.is_none_or(|session| !session.known) {
            shared.must_not(now, format!("order {} opens on an unknown account", order.id));
        }
        drop(tracker);
        let asked = (order.request.price, order.request.quantity);
        self.check_terms(now, (order.request.instrument, order.created.as_nanos()), asked);
        let (price, since) = (order.request.price, order.created.as_nanos());
        let units = order.request.quantity.units();
        if opens {
            let leaves = Leaves { order, price, units, since, amends: false };
            self.check_limits(now, &leaves);
            self.check_band(now, &leaves);
            self.check_margin(now, order, since);
        }
        self.prices.insert(key, (price, since));
    }

    /// How much of an order has filled, by its venue's own truth.
    fn filled_of(&self, account: AccountId, of: WireId) -> Quantity {
        let history = self.sessions.get(account.index()).map(|session| &session.history);
        let filled = history.into_iter().flatten().filter_map(|event| match event.report {
            VenueReport::Fill { wire, quantity, .. } if wire == of => Some(quantity.units()),
            _ => None,
        });
        Quantity::from_units(filled.sum())
    }

    /// One leg that is held alone for long is told.
    pub(crate) fn check_alone(&self, now: u64) {
        let late = self.shared.tracker.borrow().alone_and_untold(now);
        if let Some((strategy, plan)) = late.filter(|_| !self.shared.full.get()) {
            self.shared.must_not(now, format!("plan {plan} of {strategy} holds one leg, untold"));
        }
    }

    /// Whether an order is open at its venue, by its own truth.
    fn is_open(&self, account: AccountId, wire: WireId) -> bool {
        self.inner.open_orders().iter().any(|(of, _, open)| (*of, *open) == (account, wire.0))
    }

    /// An amendment that may open more than the order did.
    fn check_amend(&mut self, now: u64, key: (AccountId, WireId), amend: &Amend) {
        let shared = Rc::clone(&self.shared);
        let tracker = shared.tracker.borrow();
        let known = tracker.by_wire(key.0, key.1);
        // what opened when it was sent may only reduce by now, or by this change
        let changed = amend.quantity.units();
        let opens = known.filter(|known| {
            let reduces = tracker.only_reduces(known) || tracker.would_reduce(known, changed);
            known.opens && !reduces
        });
        let opens = opens.map(|known| known.order.clone());
        let about = known.map(|known| (known.order.request.instrument, known));
        if let Some((id, known)) = about {
            // when it was approved is not told; what was left of it then has to fit
            let since = now.saturating_sub(SECOND);
            let left = Quantity::from_units(amend.quantity.units() - known.order.filled.units());
            if left.is_positive() && known.filled_at < since {
                self.check_terms(now, (id, since), (amend.price, left));
            }
        }
        drop(tracker);
        if let Some(order) = opens {
            // it may have waited for the pools; when it was approved is not told
            let since = now.saturating_sub(SECOND);
            let (price, units) = (amend.price, amend.quantity.units());
            let leaves = Leaves { order: &order, price, units, since, amends: true };
            self.check_limits(now, &leaves);
            self.check_band(now, &leaves);
            self.check_margin(now, &order, since);
        }
        // wherever it is now
        self.prices.remove(&key);
    }

    /// Whether an order takes from what is held, as far as the host was told: by the trades that it
    /// heard, or by its facts with those that wait for the disk, where inferred fills are too.
    fn reduces(&self, order: &hedgerow_model::Order) -> bool {
        let Some(session) = self.sessions.get(order.account.index()) else { return false };
        let key = (order.id.strategy, order.request.instrument);
        let (tracker, disk) = (self.shared.tracker.borrow(), self.shared.disk.borrow());
        let (adopted, _) = tracker.taken_over(key);
        let heard = session.held + adopted.quantity.units();
        let known = tracker.positions.get(&key).copied().unwrap_or(0);
        let known = disk.aside.iter().fold(known, |held, stamped| match stamped.fact {
            Fact::Adopted { strategy, instrument, quantity, .. }
                if (strategy, instrument) == key =>
            {
                quantity.units()
            }
            Fact::Fill { id, instrument, side, quantity, replaces, .. }
                if (id.strategy, instrument) == key =>
            {
                held + side.sign() * (quantity.units() - replaces.units())
            }
            _ => held,
        });
        let takes = |held: i64| held.signum() * order.request.side.sign() < 0;
        takes(heard) || takes(known)
    }

    /// Keeps what the host was told of trades.
    pub(crate) fn note_heard(&mut self, event: &VenueEvent) {
        self.note_terms(event);
        self.note_margin(event);
        self.share_out(event.account);
        if matches!(event.report, VenueReport::Delivered { .. })
            && let Some(session) = self.session(event.account)
        {
            (session.held, session.heard_of_it) = (0, true);
        }
        let (trade, sign, quantity) = match event.report {
            VenueReport::Fill { wire, trade, quantity, .. } => {
                let way = self.wires.get(&(event.account, wire));
                (trade, way.map_or(0, |way| way.0.sign()), quantity)
            }
            VenueReport::Forced { trade, side, quantity, .. } => (trade, side.sign(), quantity),
            _ => return,
        };
        if let Some(session) = self.session(event.account)
            && session.heard.insert(trade)
            && !session.heard_of_it
            && !session.forgotten.contains(&trade)
        {
            session.held += sign * quantity.units();
        }
    }
}
