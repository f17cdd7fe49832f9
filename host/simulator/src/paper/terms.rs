//! What the paper venue accepts may change while it trades, as a venue's does: from then on orders
//! and amendments are judged by the new terms. What rests stays as it is and may still fill and be
//! canceled.

use super::PaperVenue;
use hedgerow_model::{AccountId, HostTime, InstrumentId, Terms, VenueReport};

impl PaperVenue {
    /// Changes an instrument's terms at a time: a step, a smallest or largest order.
    pub fn change_terms(&mut self, at: HostTime, instrument: InstrumentId, terms: Terms) {
        let place = self.changes.partition_point(|(known, ..)| *known <= at);
        self.changes.insert(place, (at, instrument, terms));
    }

    /// An account that has not spoken yet is told what changes, like those that have.
    pub fn tells(&mut self, account: AccountId) {
        self.accounts.insert(account);
    }

    /// When the next terms change.
    pub(super) fn next_change(&self) -> HostTime {
        self.changes.front().map_or(HostTime::NEVER, |(at, ..)| *at)
    }

    /// Changes what is due, and tells everybody.
    pub(super) fn change(&mut self) {
        let Some((at, instrument, terms)) = self.changes.pop_front() else { return };
        let Some(pit) = self.pits.get_mut(instrument.index()) else { return };
        pit.spec = pit.spec.clone().with_terms(terms);
        pit.changed = true;
        let venue = pit.spec.venue;
        for account in self.accounts.clone() {
            self.report(at, venue, account, VenueReport::Terms { instrument, terms });
        }
    }
}
