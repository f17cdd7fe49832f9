//! Margin that its venue does not tell: where guards act on it nothing opens with what is old.

use crate::fault::Fault;
use crate::limits::Leaves;
use crate::script::{S, Script};
use crate::venues::Venues;
use hedgerow_model::{AccountId, InstrumentKind, Order, VenueEvent, VenueReport};

/// How old margin may be while something is held, ns: three times as long as from one question to
/// the next, and a minute at least (docs/guards.md).
fn old(script: &Script) -> u64 {
    (3 * script.positions_every().as_nanos()).max(60 * S)
}

impl Venues {
    /// Whether a venue keeps what it should tell of margin to itself.
    pub(crate) fn is_margin_lost(&self, now: u64, event: &VenueEvent) -> bool {
        let silent = self.shared.script.at(Fault::MarginSilent, now, Some(event.venue.0));
        let lost = matches!(event.report, VenueReport::Margin { .. }) && silent.count() > 0;
        if lost {
            self.shared.happened(Fault::MarginSilent);
            self.shared.say(now, "lost", format_args!("account {}: its margin", event.account.0));
        }
        lost
    }

    /// Whether something is held on an account, by the facts.
    fn is_held(&self, account: AccountId) -> bool {
        let Some(session) = self.sessions.get(account.index()) else { return false };
        let key = (self.shared.script.owner(session.instrument), session.instrument);
        self.shared.tracker.borrow().positions.get(&key).is_some_and(|units| *units != 0)
    }

    /// The host hears of margin, or that what it heard is of no worth any more. What was closed
    /// with nothing told after it needs no more telling.
    pub(crate) fn note_margin(&mut self, event: &VenueEvent) {
        let (now, held) = (event.received.as_nanos(), self.is_held(event.account));
        let Some(session) = self.session(event.account) else { return };
        match event.report {
            VenueReport::Margin { .. } => {
                (session.margin, session.needed) = (Some(now), held.then_some(now));
            }
            VenueReport::Down => (session.margin, session.needed) = (None, None),
            _ => {}
        }
    }

    /// Nothing opens a derivative while margin was not told, or long ago.
    pub(crate) fn check_margin(&mut self, now: u64, order: &Order, since: u64) {
        let spec = &self.shared.script.instruments[order.request.instrument.index()];
        if !self.shared.script.guarded || spec.kind == InstrumentKind::Spot {
            return;
        }
        let held = self.is_held(order.account);
        let Some(session) = self.session(order.account) else { return };
        if held {
            session.needed.get_or_insert(now);
        }
        let (told, needed) = (session.margin, session.needed);
        let old = match (told, needed) {
            (None, _) => true,
            (Some(told), needed) => {
                needed.is_some_and(|needed| since > told.max(needed) + old(&self.shared.script))
            }
        };
        if old {
            let what =
                format!("order {} opens with margin told {told:?}, needed {needed:?}", order.id);
            self.shared.must_not(now, what);
        }
    }

    /// A price that opens is within the bound of its venue, around a mark the host had.
    pub(crate) fn check_band(&self, now: u64, leaves: &Leaves<'_>) {
        let (request, price) = (&leaves.order.request, leaves.price);
        let spec = &self.shared.script.instruments[request.instrument.index()];
        let Some(band) = spec.band else { return };
        let mut marks = self.marks(now, request.instrument, leaves.since);
        if !marks.any(|mark| band.allows(request.side, price, mark)) {
            let id = leaves.order.id;
            self.shared.must_not(now, format!("order {id} at {price} is beyond {band:?}"));
        }
    }
}
