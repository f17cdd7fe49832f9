//! What happened at a venue beside the orders that the facts know of: orders whose facts a power
//! cut took, and positions that a venue closed by itself without a word. An operator has the ledger
//! adopt it. Both are kept as positions of their own, so that everything else of an account can be
//! compared with its venue to the last unit, before and after the adoption.

use crate::tracker::Tracker;
use crate::venues::{Session, Venues};
use hedgerow_engine::Engine;
use hedgerow_model::{
    AccountId, Decimal, Fact, Fee, Instrument, InstrumentId, OrderFact, Position, Price, Quantity,
    Side, Stamped, StrategyId, VenueEvent, VenueReport,
};

/// A trade, as a position books it.
pub(crate) type Trade = (Side, Price, Quantity, Fee);

/// How long what left before a power cut may be on its way, ns.
const UNDER_WAY: u64 = 12_000_000_000;

/// The cash that trades have moved: positions that booked parts of the same trades add up in it.
pub(crate) fn cash(spec: &Instrument, position: &Position) -> Decimal {
    match spec.kind.is_inverse() {
        true => position.realised + position.cost,
        false => position.realised - position.cost,
    }
}

/// What closes a position.
fn closing(held: Quantity, price: Price) -> Trade {
    let side = if held.is_positive() { Side::Sell } else { Side::Buy };
    (side, price, Quantity::from_units(held.units().abs()), Fee::ZERO)
}

impl Tracker {
    /// Folds what the ledger took over: never what it has already.
    pub(crate) fn adopted(&mut self, fact: &Fact) -> Result<(), String> {
        let Fact::Adopted { strategy, instrument, quantity, price, .. } = fact else {
            return Ok(());
        };
        let key = (*strategy, *instrument);
        let held = self.positions.insert(key, quantity.units()).unwrap_or(0);
        if held == quantity.units() {
            return Err(format!("{quantity} is adopted and held already"));
        }
        let own = self.taken_over.entry(key).or_default();
        let more = own.quantity.units() + quantity.units() - held;
        let spec = &self.instruments[instrument.index()];
        let done = own.adopt(spec, Quantity::from_units(more), *price);
        done.map_err(|what| what.to_string())
    }

    /// What was adopted is delivered like everything else.
    pub(crate) fn deliver_adopted(&mut self, key: (StrategyId, InstrumentId), price: Price) {
        let spec = &self.instruments[key.1.index()];
        let Some(own) = self.taken_over.get_mut(&key) else { return };
        *self.delivered_of_them.entry(key).or_default() += own.quantity.units();
        if own.adopt(spec, Quantity::ZERO, price).is_err() {
            own.quantity = Quantity::ZERO;
        }
    }

    /// What was adopted of an instrument and is still there, and what of it was delivered.
    pub(crate) fn taken_over(&self, key: (StrategyId, InstrumentId)) -> (Position, i64) {
        let now = self.taken_over.get(&key).cloned().unwrap_or_default();
        (now, self.delivered_of_them.get(&key).copied().unwrap_or(0))
    }
}

impl Session {
    /// Something traded that no fact will ever know of.
    pub(crate) fn book_beside(&mut self, spec: &Instrument, (side, price, units, fee): Trade) {
        // what does not fit its ledger is no trade of a venue
        _ = self.beside.book(spec, side, price, units, fee);
    }

    /// The position of an account is delivered.
    pub(crate) fn deliver_beside(&mut self, spec: &Instrument, price: Price) {
        self.delivered_beside += self.beside.quantity.units();
        if !self.beside.quantity.is_zero() {
            let traded = self.beside.traded;
            self.book_beside(spec, closing(self.beside.quantity, price));
            // a delivery is no trade
            self.beside.traded = traded;
        }
    }
}

impl Venues {
    /// A power cut has taken facts: what left under them is nobody's from now on.
    pub(crate) fn forget(&mut self, now: u64, lost: &[Stamped]) {
        for stamped in lost {
            let Fact::Order { id, fact } = &stamped.fact else { continue };
            match fact {
                OrderFact::Approved(order) => {
                    self.lost.insert((order.account, order.wire));
                }
                OrderFact::AmendRequested(_) => {
                    self.changed.insert(*id);
                }
                _ => {}
            }
        }
        // they may have grown, and the host does not know before it has asked; what it has learned
        // of that may be lost with another cut
        for id in self.changed.clone() {
            let known = self.shared.tracker.borrow().key_of(id);
            let Some(((account, _), _)) = known else { continue };
            let Some(session) = self.session(account) else { continue };
            session.grown = true;
            session.vague_until = session.vague_until.max(now + UNDER_WAY);
        }
        for place in 0..self.sessions.len() {
            self.recount(place);
        }
    }

    /// What traded of lost orders so far is beside the facts, and what was heard of it is not held.
    fn recount(&mut self, place: usize) {
        let (session, lost) = (&mut self.sessions[place], &self.lost);
        let spec = &self.shared.script.instruments[session.instrument.index()];
        let history = std::mem::take(&mut session.history);
        for event in &history {
            let VenueReport::Fill { wire, trade, price, quantity, fee, .. } = &event.report else {
                continue;
            };
            if !lost.contains(&(event.account, *wire)) || !session.forgotten.insert(*trade) {
                continue;
            }
            let Some((side, _)) = self.wires.get(&(event.account, *wire)) else { continue };
            session.book_beside(spec, (*side, *price, *quantity, *fee));
            if session.heard.contains(trade) && !session.heard_of_it {
                session.held -= side.sign() * quantity.units();
            }
        }
        session.history = history;
        if session.delivered {
            let price = session.delivered_at;
            session.deliver_beside(spec, price);
        }
    }

    /// A fill of an order whose facts are lost.
    pub(crate) fn note_beside(&mut self, event: &VenueEvent) {
        let VenueReport::Fill { wire, trade, price, quantity, fee, .. } = &event.report else {
            return;
        };
        let key = (event.account, *wire);
        let Some((side, _)) = self.wires.get(&key).copied() else { return };
        if !self.lost.contains(&key) {
            return;
        }
        let shared = std::rc::Rc::clone(&self.shared);
        let Some(session) = self.session(event.account) else { return };
        let spec = &shared.script.instruments[session.instrument.index()];
        if session.forgotten.insert(*trade) {
            session.book_beside(spec, (side, *price, *quantity, *fee));
        }
    }

    /// How much less of an account's position is the host's than its venue has, signed units.
    pub(crate) fn unexplained(&self, account: AccountId) -> i64 {
        let Some(session) = self.sessions.get(account.index()) else { return 0 };
        let key = (self.shared.script.owner(session.instrument), session.instrument);
        let (adopted, _) = self.shared.tracker.borrow().taken_over(key);
        session.beside.quantity.units() - adopted.quantity.units()
    }

    /// An operator adopts where the host says that something differs: what needs no adoption is
    /// left alone.
    pub(crate) fn differs(&self, engine: &Engine, strategy: StrategyId) -> bool {
        let script = &self.shared.script;
        let own = script.instruments.iter().filter(|spec| script.owner(spec.id) == strategy);
        let mut own = own.map(|spec| engine.foreign(script.account(spec.id), spec.id).0);
        own.any(|held| !held.is_zero())
    }

    /// Whether a contract is over and its venue has not delivered it: it held none at its end.
    pub(crate) fn awaits_delivery(&self, now: u64, account: AccountId) -> bool {
        let session = self.sessions.get(account.index());
        session.is_some_and(|session| {
            !session.delivered && self.shared.script.is_over(session.instrument.index(), now)
        })
    }

    /// The ledger of an account is its venue's, but for what happened beside it and what of that
    /// was adopted at another price. Fills that were heard in another order may have realised
    /// another part of the same money, and what was delivered before all of it was heard is closed
    /// in several parts, which trade more.
    ///
    /// Where something was somebody else's for a time, a part of what the venue paid is, too.
    ///
    /// Of a contract that is over the host waits for the word of its delivery, for an hour: what it
    /// has too much of one that was not held at its end stays that long.
    pub(crate) fn is_same(
        &self,
        now: u64,
        (ours, account): (&Position, AccountId),
        spec: &Instrument,
    ) -> bool {
        let Some(session) = self.sessions.get(account.index()) else { return false };
        let key = (self.shared.script.owner(spec.id), spec.id);
        let tracker = self.shared.tracker.borrow();
        let (mut adopted, _) = tracker.taken_over(key);
        // the ledger may have held nothing when it heard of the delivery
        let booked = !session.delivered || tracker.delivered.contains(&account);
        if !booked && adopted.adopt(spec, Quantity::ZERO, session.delivered_at).is_err() {
            return false;
        }
        let shared = tracker.ignored.contains(&account);
        let truth = self.inner.position(account, spec.id);
        let near = |a: Decimal, b: Decimal| (a - b).abs() < Decimal::new(1, 8);
        let own = cash(spec, ours) - cash(spec, &adopted);
        let theirs = cash(spec, &truth) - cash(spec, &session.beside);
        let units =
            |whole: &Position, part: &Position| whole.quantity.units() - part.quantity.units();
        // the fee of a delivery is of all that is delivered
        let charged = booked && session.delivered_beside == 0;
        let waits = self.awaits_delivery(now, account);
        (waits || ours.quantity == truth.quantity)
            && units(ours, &adopted) == units(&truth, &session.beside)
            && (!charged || near(ours.fees, truth.fees - session.beside.fees))
            && (shared || ours.funding == truth.funding)
            && (session.delivered || ours.traded == truth.traded - session.beside.traded)
            && near(own, theirs)
    }
}
