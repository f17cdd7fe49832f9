//! The paper venue's answers to questions.

use super::PaperVenue;
use hedgerow_model::{
    AccountId, Extent, HostTime, InstrumentId, Quantity, VenueId, VenueReport, VenueTime,
};

impl PaperVenue {
    /// What happened, then what is: the order in which it can be compared.
    pub(super) fn reconcile(
        &mut self,
        at: HostTime,
        account: AccountId,
        (since, extent): (VenueTime, Extent),
        nonce: u64,
    ) {
        if extent.has_positions() {
            for past in self.records.since(account, since, extent.has_orders()) {
                self.tell(at, account, past, true);
            }
        }
        let mut told = Vec::new();
        for pit in &self.pits {
            let (venue, instrument) = (pit.spec.venue, pit.spec.id);
            if pit.changed && extent.has_positions() {
                let terms = pit.spec.terms();
                told.push((venue, VenueReport::Terms { instrument, terms }));
            }
            let open = pit.resting.iter().filter(|r| r.account == account);
            for resting in open.filter(|_| extent.has_orders()) {
                let filled = Quantity::from_units(resting.filled);
                let wire = resting.wire;
                let order = self.records.venue_id(account, wire);
                let quantity = Quantity::from_units(resting.filled + resting.remaining);
                let price = resting.price;
                let report = VenueReport::OpenOrder {
                    nonce,
                    wire,
                    order,
                    instrument,
                    price,
                    quantity,
                    filled,
                };
                told.push((venue, report));
            }
            if let Some(position) = pit.positions.get(&account).filter(|_| extent.has_positions()) {
                let quantity = position.quantity;
                told.push((venue, VenueReport::Position { nonce, instrument, quantity }));
            }
            if extent.has_positions() {
                told.extend(pit.leverage_report(account).map(|report| (venue, report)));
            }
        }
        for (venue, report) in told {
            self.report(at, venue, account, report);
        }
        if extent.has_positions() {
            self.tell_brackets(at, account);
            self.tell_margin(at, account);
        }
        // after the last of all venues' answers
        let all = (0_u32..).map(VenueId).zip(&self.venues);
        let told = all.filter(|(id, _)| self.serves(*id));
        // of equal ones the first
        let slowest = told.max_by_key(|(id, venue)| (venue.latency_back, std::cmp::Reverse(*id)));
        let venue = slowest.map(|(id, _)| id).unwrap_or_default();
        self.report(at, venue, account, VenueReport::Reconciled { nonce });
    }

    /// An answer about one instrument.
    pub(super) fn answer(
        &mut self,
        at: HostTime,
        account: AccountId,
        instrument: InstrumentId,
        report: VenueReport,
    ) {
        let venue = self.pits.get(instrument.index()).map(|pit| pit.spec.venue);
        self.report(at, venue.unwrap_or_default(), account, report);
    }
}
