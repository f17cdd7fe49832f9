//! Leverage and margin mode, per account and instrument. What is set is told; what cannot be set
//! changes nothing, and what is in force is told all the same.

use super::PaperVenue;
use super::pit::Pit;
use hedgerow_model::{AccountId, HostTime, InstrumentId, InstrumentKind, Margin, VenueReport};

/// What an account has in an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leverage {
    /// In force.
    pub margin: Margin,
    /// The most allowed, hundredths.
    pub max_hundredths: u32,
}

impl PaperVenue {
    /// Gives an account its leverage in an instrument; spot has none.
    pub fn set_leverage(&mut self, account: AccountId, instrument: InstrumentId, is: Leverage) {
        let pit = self.pits.get_mut(instrument.index());
        if let Some(pit) = pit.filter(|pit| pit.spec.kind != InstrumentKind::Spot) {
            pit.leverages.insert(account, is);
        }
    }

    /// Tells what every account has, before the first tick is heard: what a venue does when it is
    /// asked at the start.
    pub fn tell_leverages(&mut self) {
        let at = HostTime::from_nanos(self.cursor.next_at().unwrap_or(0));
        let told = self.pits.iter().flat_map(|pit| {
            let accounts = pit.leverages.keys().copied();
            let told =
                accounts.filter_map(|account| Some((account, pit.leverage_report(account)?)));
            told.map(|(account, report)| (pit.spec.venue, account, report))
        });
        for (venue, account, report) in told.collect::<Vec<_>>() {
            self.report(at, venue, account, report);
        }
    }

    pub(super) fn change_leverage(
        &mut self,
        at: HostTime,
        (account, instrument): (AccountId, InstrumentId),
        leverage_hundredths: u32,
    ) {
        let Some(pit) = self.pits.get_mut(instrument.index()) else { return };
        let Some(known) = pit.leverages.get_mut(&account) else { return };
        let allowed = Margin::ONE.leverage_hundredths..=known.max_hundredths;
        if allowed.contains(&leverage_hundredths) {
            known.margin.leverage_hundredths = leverage_hundredths;
        }
        let venue = pit.spec.venue;
        if let Some(report) = pit.leverage_report(account) {
            self.report(at, venue, account, report);
        }
    }
}

impl Pit {
    pub(super) fn leverage_report(&self, account: AccountId) -> Option<VenueReport> {
        let Leverage { margin, max_hundredths } = *self.leverages.get(&account)?;
        Some(VenueReport::Leverage { instrument: self.spec.id, margin, max_hundredths })
    }
}
