//! When the paper venue settles funding, and that it does.

use super::PaperVenue;
use hedgerow_model::HostTime;

impl PaperVenue {
    /// When funding settles next, or this, if that is sooner.
    pub(super) fn next_funding(&self, or: HostTime) -> HostTime {
        self.pits.iter().fold(or, |first, pit| pit.funding_before(first).unwrap_or(first))
    }

    pub(super) fn settle_funding(&mut self, due: HostTime) {
        let mut payments = Vec::new();
        for pit in &mut self.pits {
            if pit.funding_due() == Some(due) {
                payments.extend(pit.settle().into_iter().map(|p| (pit.spec.venue, p)));
            }
        }
        for (venue, (account, report)) in payments {
            self.report(due, venue, account, report);
            self.tell_margin(due, account);
            self.settle_margin(due, account);
        }
    }
}
