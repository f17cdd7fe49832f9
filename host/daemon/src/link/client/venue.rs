//! What a reader finds of its venue: that it is lost, or not the one of this config.

use super::{Reader, lock};
use hedgerow_model::{VenueEvent, VenueId, VenueReport};
use std::collections::BTreeSet;

impl Reader {
    /// Tells once of each loss; the newest reason stays for `status`.
    pub(super) fn is_lost(&self, why: &str) {
        lock(&self.shared).set(self.place, |link| {
            let before = link.lost.replace(why.to_owned());
            if before.is_none() {
                let socket = self.link.path.display();
                tracing::warn!(%socket, %why, "the venue is lost: trying again");
            }
        });
    }

    /// What a socket says of a venue behind another one it cannot know: it would take away the
    /// margin and the positions that are there. The end of an answer is of the socket itself.
    pub(super) fn may_tell(&self, event: &VenueEvent) -> bool {
        let ends = matches!(event.report, VenueReport::Reconciled { .. });
        let own = ends || self.link.venues.contains(&event.venue);
        if !own {
            let (socket, venue) = (self.link.path.display(), event.venue.0);
            tracing::debug!(%socket, venue, "a report of a venue behind another socket");
        }
        own
    }

    /// Ids are places in the config: under other definitions orders would go elsewhere.
    pub(super) fn differ(&self, theirs: &[String], served: &BTreeSet<VenueId>) -> Option<String> {
        let socket = self.link.path.display();
        if theirs == self.definitions {
            let missing = !self.link.venues.is_subset(served);
            return missing.then(|| {
                format!("{socket}: the paper venue does not serve the venues it is named for")
            });
        }
        let mine = self.definitions.iter().map(String::as_str).chain(std::iter::repeat("nothing"));
        let pairs = theirs.iter().map(String::as_str).chain(std::iter::repeat("nothing"));
        let first = mine.zip(pairs).enumerate().find(|(_, (mine, theirs))| mine != theirs);
        let (place, (mine, theirs)) = first.unwrap_or_default();
        Some(format!(
            "{socket}: the paper venue has other instruments or accounts than this config: \
             number {place} is \
             {theirs} there and {mine} here; start both with the same config"
        ))
    }
}
