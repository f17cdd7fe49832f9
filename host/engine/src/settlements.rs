//! Which payments were booked: each once, however often it is told.

use hedgerow_model::VenueTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How many are remembered: hourly ones for half a year.
const REMEMBERED: usize = 4_096;

/// Payments of one kind, by their key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Settlements(BTreeSet<VenueTime>);

impl Settlements {
    /// Whether it was booked. What is older than all that is remembered was booked long ago.
    pub(crate) fn is_booked(&self, settlement: VenueTime) -> bool {
        let full = self.0.len() >= REMEMBERED;
        let old = full && self.0.first().is_some_and(|oldest| settlement < *oldest);
        old || self.0.contains(&settlement)
    }

    pub(crate) fn remember(&mut self, settlement: VenueTime) {
        self.0.insert(settlement);
        if self.0.len() > REMEMBERED {
            self.0.pop_first();
        }
    }
}
