//! Market and venue of a host: in this process, or a paper venue in another one behind a socket.

mod books;
mod client;
mod frame;
mod server;
mod sockets;
mod truth;

pub use client::{Remote, RemoteFeed, RemoteVenue, connect};
pub use server::{Serve, serve};
pub use sockets::{check_sockets, socket_entry};
pub use truth::{Truth, truth};

use hedgerow_model::view::Connection;
use hedgerow_model::{
    AccountId, HostTime, InstrumentId, Position, TickSlice, VenueCommand, VenueEvent, VenueId,
};
use hedgerow_ports::{Feed, SimulatedVenue, Venue};
use hedgerow_simulator::{PaperVenue, TapeFeed};

/// What ids stand for on both ends: instruments and accounts.
#[must_use]
pub fn link_definitions(config: &crate::config::Config) -> Vec<String> {
    let accounts = config.accounts.iter().map(|name| format!("account {name}"));
    crate::config::definitions(config).into_iter().chain(accounts).collect()
}

/// Where ticks come from.
pub enum Market {
    /// A tape in this process.
    Tape(TapeFeed),
    /// A paper venue's socket.
    Remote(RemoteFeed),
}

/// Where orders go.
pub enum Trading {
    /// The paper venue in this process.
    Paper(Box<PaperVenue>),
    /// A paper venue's socket.
    Remote(RemoteVenue),
}

impl Feed for Market {
    fn peek(&mut self, max: usize) -> TickSlice {
        match self {
            Self::Tape(feed) => feed.peek(max),
            Self::Remote(feed) => feed.peek(max),
        }
    }

    fn take(&mut self, n: usize) {
        match self {
            Self::Tape(feed) => feed.take(n),
            Self::Remote(feed) => feed.take(n),
        }
    }

    fn is_live(&self) -> bool {
        matches!(self, Self::Remote(_))
    }
}

impl Venue for Trading {
    fn send(&mut self, now: HostTime, command: VenueCommand) {
        match self {
            Self::Paper(venue) => venue.send(now, command),
            Self::Remote(venue) => venue.send(now, command),
        }
    }

    fn poll(&mut self, now: HostTime, out: &mut Vec<VenueEvent>) {
        match self {
            Self::Paper(venue) => venue.poll(now, out),
            Self::Remote(venue) => venue.poll(now, out),
        }
    }

    fn next_time(&self) -> Option<HostTime> {
        match self {
            Self::Paper(venue) => venue.next_time(),
            Self::Remote(venue) => venue.next_time(),
        }
    }
}

impl SimulatedVenue for Trading {
    fn quiet_until(&mut self, last: HostTime) -> HostTime {
        match self {
            Self::Paper(venue) => venue.quiet_until(last),
            Self::Remote(venue) => venue.quiet_until(last),
        }
    }

    fn advance(&mut self, now: HostTime) {
        match self {
            Self::Paper(venue) => venue.advance(now),
            Self::Remote(_) => {}
        }
    }
}

impl Trading {
    /// The venue's own position, when it is in this process.
    #[must_use]
    pub fn position(&self, account: AccountId, instrument: InstrumentId) -> Position {
        match self {
            Self::Paper(venue) => venue.position(account, instrument),
            Self::Remote(_) => Position::default(),
        }
    }

    /// How a venue is reached, and since when.
    #[must_use]
    pub fn connection(&self, of: VenueId) -> (Connection, Option<HostTime>) {
        match self {
            Self::Paper(_) => (Connection::InProcess, None),
            Self::Remote(venue) => venue.connection(of),
        }
    }

    /// Venues that are there and serve nobody yet, and those that are lost and why, a sentence
    /// each.
    #[must_use]
    pub fn early(&self) -> Vec<String> {
        match self {
            Self::Paper(_) => Vec::new(),
            Self::Remote(venue) => venue.early(),
        }
    }

    /// Why the venue behind a socket is not the one of this config.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        match self {
            Self::Paper(_) => None,
            Self::Remote(venue) => venue.refusal(),
        }
    }

    /// Fills so far, as far as is known here.
    #[must_use]
    pub fn fill_count(&self) -> u64 {
        match self {
            Self::Paper(venue) => venue.fill_count(),
            Self::Remote(venue) => venue.fill_count(),
        }
    }
}
