//! A host's end of a paper venue in another process.
//!
//! A thread reads frames, stamps them with the host's clock in the order of arrival, and queues
//! them; the loop takes them from there. When the socket is lost, market data is down, every
//! account is told so, and the thread connects again. Nothing is ever sent twice: an order that
//! could not be written has an unknown outcome, and the venue is asked.

use super::frame::Frame;
use crate::config::{Config, StrategyEntry};
use crate::live::wall;
use hedgerow_model::view::Connection;
use hedgerow_model::{
    AccountId, FeedStatus, HostTime, Tick, TickKind, TickSlice, VenueCommand, VenueEvent, VenueId,
    VenueReport, VenueTime, flag,
};
use hedgerow_ports::{Feed, SimulatedVenue, Venue};
use hedgerow_simulator::Request;
use std::collections::{BTreeSet, VecDeque};
use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const RECONNECT: Duration = Duration::from_millis(100);
/// How long a venue may be silent.
const SILENCE: Duration = Duration::from_secs(5);
/// Ticks that may wait for the loop.
const MOST: usize = 1 << 20;

#[derive(Default)]
struct Inbox {
    ticks: VecDeque<Tick>,
    events: VecDeque<VenueEvent>,
    /// The newest stamp: times never fall.
    latest: u64,
    writer: Option<UnixStream>,
    /// Since when the connection stands, or is lost.
    since: Option<u64>,
    ended: bool,
    /// It serves another host.
    busy: bool,
    /// Why this venue is not ours.
    refusal: Option<String>,
}

impl Inbox {
    fn stamp(&mut self) -> u64 {
        self.latest = self.latest.max(wall());
        self.latest
    }
}

type Shared = Arc<Mutex<Inbox>>;

fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, Inbox> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both ends of a connection.
pub struct Remote {
    /// Market data.
    pub feed: RemoteFeed,
    /// Orders.
    pub venue: RemoteVenue,
}

/// Market data from a socket.
pub struct RemoteFeed {
    shared: Shared,
    /// Ticks taken from the inbox and not yet passed over.
    current: TickSlice,
}

/// Orders to a socket, reports from it.
pub struct RemoteVenue {
    shared: Shared,
    /// Of each instrument.
    venues: Vec<VenueId>,
    fills: u64,
}

/// Which account trades on which venue.
fn accounts(config: &Config) -> BTreeSet<(AccountId, VenueId)> {
    let venue = |place: usize| Some(config.instruments.get(place)?.0.venue);
    let of = |strategy: &StrategyEntry| {
        let of = |(role, place): (&String, &usize)| {
            let account = u32::try_from(strategy.account_of(role)).unwrap_or(u32::MAX);
            Some((AccountId(account), venue(*place)?))
        };
        strategy.roles.iter().filter_map(of).collect::<Vec<_>>()
    };
    config.strategies.iter().flat_map(of).collect()
}

impl Drop for RemoteVenue {
    fn drop(&mut self) {
        let mut inbox = lock(&self.shared);
        inbox.ended = true;
        if let Some(writer) = inbox.writer.take() {
            let _ = writer.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Connects, and keeps connecting, to a paper venue.
pub fn connect(socket: &Path, config: &Config) -> std::io::Result<Remote> {
    let shared = Shared::default();
    let venues: Vec<VenueId> = config.instruments.iter().map(|(i, _)| i.venue).collect();
    let reader = Reader {
        shared: Arc::clone(&shared),
        socket: socket.to_owned(),
        accounts: accounts(config),
        definitions: super::link_definitions(config),
        venues: venues.clone(),
    };
    std::thread::Builder::new().name("paper-link".into()).spawn(move || reader.run())?;
    let current = TickSlice::new(Arc::default());
    let feed = RemoteFeed { shared: Arc::clone(&shared), current };
    Ok(Remote { feed, venue: RemoteVenue { shared, venues, fills: 0 } })
}

struct Reader {
    shared: Shared,
    socket: PathBuf,
    accounts: BTreeSet<(AccountId, VenueId)>,
    definitions: Vec<String>,
    /// Of each instrument.
    venues: Vec<VenueId>,
}

impl Reader {
    fn run(&self) {
        while !lock(&self.shared).ended {
            let Ok(stream) = UnixStream::connect(&self.socket) else {
                std::thread::sleep(RECONNECT);
                continue;
            };
            let Ok(writer) = stream.try_clone() else { continue };
            let _ = writer.set_write_timeout(Some(Duration::from_millis(200)));
            // it says a word every second: one that does not is gone, whatever its socket says
            let _ = stream.set_read_timeout(Some(SILENCE));
            let mut reader = BufReader::new(stream);
            match Frame::read(&mut reader) {
                Ok(Frame::Hello(theirs)) if theirs == self.definitions => {}
                Ok(Frame::Hello(theirs)) => {
                    lock(&self.shared).refusal = Some(self.differ(&theirs));
                    return;
                }
                said => {
                    // or it went away before it said anything
                    lock(&self.shared).busy = matches!(said, Ok(Frame::Busy));
                    std::thread::sleep(RECONNECT);
                    continue;
                }
            }
            let mut inbox = lock(&self.shared);
            (inbox.writer, inbox.busy) = (Some(writer), false);
            drop(inbox);
            self.tell_accounts(&VenueReport::Up);
            while let Ok(frame) = Frame::read(&mut reader) {
                self.take(frame);
            }
            lock(&self.shared).writer = None;
            self.tell_accounts(&VenueReport::Down);
            self.feed_status(FeedStatus::Down);
            std::thread::sleep(RECONNECT);
        }
    }

    /// Ids are places in the config: under other definitions orders would go elsewhere.
    fn differ(&self, theirs: &[String]) -> String {
        let mine = self.definitions.iter().map(String::as_str).chain(std::iter::repeat("nothing"));
        let pairs = theirs.iter().map(String::as_str).chain(std::iter::repeat("nothing"));
        let first = mine.zip(pairs).enumerate().find(|(_, (mine, theirs))| mine != theirs);
        let (place, (mine, theirs)) = first.unwrap_or_default();
        format!(
            "{}: the paper venue has other instruments or accounts than this config: \
             number {place} is \
             {theirs} there and {mine} here; start both with the same config",
            self.socket.display()
        )
    }

    fn take(&self, frame: Frame) {
        let mut inbox = lock(&self.shared);
        let now = inbox.stamp();
        match frame {
            Frame::Ticks(ticks) => {
                if inbox.ticks.len() > MOST {
                    // the loop is held up: what it would read late is worth less than memory
                    inbox.ticks.clear();
                    drop(inbox);
                    return self.feed_status(FeedStatus::Gap);
                }
                inbox.ticks.extend(ticks.into_iter().map(|tick| Tick { recv_ts: now, ..tick }));
            }
            Frame::Event(event) => {
                let received = HostTime::from_nanos(now);
                inbox.events.push_back(VenueEvent { received, ..event });
            }
            Frame::Hello(_)
            | Frame::Busy
            | Frame::Beat
            | Frame::Request(_)
            | Frame::AskTruth
            | Frame::Truth(_) => {}
        }
    }

    fn tell_accounts(&self, report: &VenueReport) {
        let mut inbox = lock(&self.shared);
        let now = inbox.stamp();
        inbox.since = Some(now);
        for (account, venue) in &self.accounts {
            inbox.events.push_back(event(*venue, *account, now, report.clone()));
        }
    }

    fn feed_status(&self, status: FeedStatus) {
        let mut inbox = lock(&self.shared);
        let now = inbox.stamp();
        for instrument in (0..).take(self.venues.len()) {
            inbox.ticks.push_back(Tick {
                ts: now,
                recv_ts: now,
                instrument,
                kind: TickKind::FeedStatus.code(),
                flags: flag::LAST | flag::NO_VENUE_TIME,
                a: status.code(),
                ..Tick::default()
            });
        }
    }
}

fn event(venue: VenueId, account: AccountId, now: u64, report: VenueReport) -> VenueEvent {
    let (received, happened) = (HostTime::from_nanos(now), VenueTime::from_nanos(now));
    VenueEvent { venue, account, received, happened, report }
}

impl Feed for RemoteFeed {
    fn peek(&mut self, max: usize) -> TickSlice {
        if self.current.is_empty() {
            let mut inbox = lock(&self.shared);
            let arrived: Vec<Tick> = inbox.ticks.drain(..).collect();
            self.current = TickSlice::new(Arc::new(arrived));
        }
        self.current.prefix(max)
    }

    fn take(&mut self, n: usize) {
        self.current = self.current.suffix(n);
    }

    fn is_live(&self) -> bool {
        true
    }
}

impl Venue for RemoteVenue {
    fn send(&mut self, _: HostTime, command: VenueCommand) {
        let request = Request::from(command);
        let place = match &request {
            Request::Place(order) => Some((order.request.instrument, order.account, order.wire)),
            _ => None,
        };
        let mut inbox = lock(&self.shared);
        let frame = Frame::Request(request);
        let written = inbox.writer.as_mut().is_some_and(|writer| frame.write(writer).is_ok());
        if !written && let Some(writer) = inbox.writer.take() {
            // half a frame may be out: the stream is of no more use, and the reader connects anew
            let _ = writer.shutdown(std::net::Shutdown::Both);
        }
        if let (false, Some((instrument, account, wire))) = (written, place) {
            // some of it may have left: only the venue knows
            let now = inbox.stamp();
            let venue = self.venues.get(instrument.index()).copied().unwrap_or_default();
            let report = VenueReport::OutcomeUnknown { wire };
            inbox.events.push_back(event(venue, account, now, report));
        }
    }

    fn poll(&mut self, now: HostTime, out: &mut Vec<VenueEvent>) {
        let mut inbox = lock(&self.shared);
        while inbox.events.front().is_some_and(|event| event.received <= now) {
            let event = inbox.events.pop_front();
            let fill = |event: &VenueEvent| matches!(event.report, VenueReport::Fill { .. });
            self.fills += u64::from(event.as_ref().is_some_and(fill));
            out.extend(event);
        }
    }

    fn next_time(&self) -> Option<HostTime> {
        lock(&self.shared).events.front().map(|event| event.received)
    }
}

impl SimulatedVenue for RemoteVenue {
    /// Stamps rise with arrival: what has not arrived comes after every tick that has.
    fn quiet_until(&mut self, _: HostTime) -> HostTime {
        self.next_time().unwrap_or(HostTime::NEVER)
    }

    fn advance(&mut self, _: HostTime) {}
}

impl RemoteVenue {
    pub(super) fn fill_count(&self) -> u64 {
        self.fills
    }

    /// Whether the connection stands, and since when.
    pub(super) fn connection(&self) -> (Connection, Option<HostTime>) {
        let inbox = lock(&self.shared);
        let stands = inbox.writer.is_some();
        let connection = match (stands, inbox.busy) {
            (true, _) => Connection::Connected,
            (false, true) => Connection::Busy,
            (false, false) => Connection::Disconnected,
        };
        (connection, inbox.since.map(HostTime::from_nanos))
    }

    pub(super) fn refusal(&self) -> Option<String> {
        lock(&self.shared).refusal.clone()
    }
}
