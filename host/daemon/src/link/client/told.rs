//! What a host's end of its paper venues tells people of them.

use super::{RemoteVenue, lock};
use hedgerow_model::view::Connection;
use hedgerow_model::{HostTime, VenueId};

impl RemoteVenue {
    /// Whether the connection of a venue stands, and since when.
    pub(in crate::link) fn connection(&self, of: VenueId) -> (Connection, Option<HostTime>) {
        let inbox = lock(&self.shared);
        let link = self.place_of(of).and_then(|place| inbox.links.get(place));
        let Some(link) = link else { return (Connection::Disconnected, None) };
        let connection = match (link.writer.is_some(), link.busy) {
            (true, _) => Connection::Connected,
            (false, true) => Connection::Busy,
            (false, false) => Connection::Disconnected,
        };
        (connection, link.since.map(HostTime::from_nanos))
    }

    pub(in crate::link) fn refusal(&self) -> Option<String> {
        lock(&self.shared).links.iter().find_map(|link| link.refusal.clone())
    }

    /// Sockets whose venue is there and serves nobody yet, a sentence each.
    pub(in crate::link) fn early(&self) -> Vec<String> {
        let inbox = lock(&self.shared);
        let known = self.links.iter().zip(&inbox.links).filter(|(_, state)| state.early);
        let said = |path: &std::path::Path| {
            format!("the paper venue at {} is catching up with its market", path.display())
        };
        let lost = self.links.iter().zip(&inbox.links).filter(|(_, state)| state.writer.is_none());
        let lost = lost.filter_map(|(link, state)| {
            Some(format!("the venue at {}: {}", link.path.display(), state.lost.as_ref()?))
        });
        known.map(|(link, _)| said(&link.path)).chain(lost).collect()
    }
}
