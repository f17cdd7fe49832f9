//! A host's end of paper venues in other processes.
//!
//! A thread for each socket reads frames, stamps them with the host's clock in the order of
//! arrival, all of them into one queue; the loop takes them from there. When a socket is lost, its
//! market data is down, every account behind it is told so, and the thread connects again. Nothing
//! is ever sent twice: an order that could not be written has an unknown outcome, and the venue is
//! asked.

#[cfg(debug_assertions)]
mod dies;
#[cfg(test)]
mod tests;
mod told;
mod venue;

use super::frame::Frame;
use super::sockets::{Link, links};
use crate::command::{Failure, exit};
use crate::config::{Config, SocketEntry};
use crate::live::wall;
use hedgerow_model::{
    AccountId, FeedStatus, HostTime, InstrumentId, Tick, TickKind, TickSlice, VenueCommand,
    VenueEvent, VenueId, VenueReport, VenueTime, flag,
};
use hedgerow_ports::{Feed, SimulatedVenue, Venue};
use hedgerow_simulator::Request;
use std::collections::VecDeque;
use std::io::BufReader;
use std::os::unix::net::UnixStream;
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
    ended: bool,
    /// By socket.
    links: Vec<State>,
}

/// How one socket stands.
#[derive(Default)]
struct State {
    writer: Option<UnixStream>,
    /// Since when the connection stands, or is lost.
    since: Option<u64>,
    /// It serves another host.
    busy: bool,
    /// It passes over its market to the present, and serves nobody yet.
    early: bool,
    /// Why this venue is not ours.
    refusal: Option<String>,
    /// Why there is no connection.
    lost: Option<String>,
}

impl Inbox {
    fn stamp(&mut self) -> u64 {
        self.latest = self.latest.max(wall());
        self.latest
    }

    fn set(&mut self, link: usize, change: impl FnOnce(&mut State)) {
        if let Some(state) = self.links.get_mut(link) {
            change(state);
        }
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
    links: Vec<Link>,
    /// Of each instrument.
    venues: Vec<VenueId>,
    fills: u64,
}

impl Drop for RemoteVenue {
    fn drop(&mut self) {
        let mut inbox = lock(&self.shared);
        inbox.ended = true;
        for writer in inbox.links.iter_mut().filter_map(|link| link.writer.take()) {
            let _ = writer.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Connects, and keeps connecting, to paper venues.
pub fn connect(
    sockets: &[SocketEntry],
    config: &Config,
    trades: &[(usize, usize)],
) -> Result<Remote, Failure> {
    let fail = |message| Failure { code: exit::CONFIG, message };
    let links = links(config, sockets, trades).map_err(fail)?;
    let states = links.iter().map(|_| State::default()).collect();
    let shared = Arc::new(Mutex::new(Inbox { links: states, ..Inbox::default() }));
    let venues: Vec<VenueId> = config.instruments.iter().map(|(i, _)| i.venue).collect();
    for (place, link) in links.iter().enumerate() {
        let reader = Reader {
            shared: Arc::clone(&shared),
            place,
            link: link.clone(),
            definitions: super::link_definitions(config),
            venues: venues.clone(),
        };
        let thread = std::thread::Builder::new().name("paper-link".into());
        thread.spawn(move || reader.run()).map_err(Failure::new)?;
    }
    let current = TickSlice::new(Arc::default());
    let feed = RemoteFeed { shared: Arc::clone(&shared), current };
    Ok(Remote { feed, venue: RemoteVenue { shared, links, venues, fills: 0 } })
}

struct Reader {
    shared: Shared,
    /// Among the sockets.
    place: usize,
    link: Link,
    definitions: Vec<String>,
    /// Of each instrument.
    venues: Vec<VenueId>,
}

impl Reader {
    fn run(&self) {
        while !lock(&self.shared).ended {
            let stream = match UnixStream::connect(&self.link.path) {
                Ok(stream) => stream,
                Err(error) => {
                    // what it last said is nothing that it says now
                    self.says((false, false));
                    self.is_lost(&format!("it cannot be connected to: {error}"));
                    std::thread::sleep(RECONNECT);
                    continue;
                }
            };
            let Ok(writer) = stream.try_clone() else { continue };
            let _ = writer.set_write_timeout(Some(Duration::from_millis(200)));
            // it says a word every second: one that does not is gone, whatever its socket says
            let _ = stream.set_read_timeout(Some(SILENCE));
            let mut reader = BufReader::new(stream);
            match Frame::read(&mut reader) {
                Ok(Frame::Hello(theirs, served)) => {
                    if let Some(why) = self.differ(&theirs, &served) {
                        lock(&self.shared).set(self.place, |link| link.refusal = Some(why));
                        return;
                    }
                }
                said => {
                    // or it went away before it said anything
                    let busy = matches!(said, Ok(Frame::Busy));
                    let early = matches!(said, Ok(Frame::CatchingUp));
                    self.says((busy, early));
                    std::thread::sleep(RECONNECT);
                    continue;
                }
            }
            lock(&self.shared).set(self.place, |link| {
                (link.writer, link.busy, link.early) = (Some(writer), false, false);
                if link.lost.take().is_some() {
                    tracing::warn!(socket = %self.link.path.display(), "the venue is back");
                }
            });
            self.tell_accounts(&VenueReport::Up);
            while let Ok(frame) = Frame::read(&mut reader) {
                self.take(frame);
            }
            lock(&self.shared).set(self.place, |link| link.writer = None);
            self.is_lost("it ended the connection, or was silent for too long");
            self.tell_accounts(&VenueReport::Down);
            self.feed_status(FeedStatus::Down);
            std::thread::sleep(RECONNECT);
        }
    }

    /// Whether it serves another host, or does not serve yet.
    fn says(&self, both: (bool, bool)) {
        lock(&self.shared).set(self.place, |link| (link.busy, link.early) = both);
    }

    fn take(&self, frame: Frame) {
        let mut inbox = lock(&self.shared);
        let now = inbox.stamp();
        match frame {
            Frame::Ticks(ticks) => {
                if inbox.ticks.len() > MOST {
                    // the loop is held up: what it would read late is worth less than memory
                    inbox.ticks.clear();
                    let all = (0_u32..).take(self.venues.len());
                    return tell_feeds(&mut inbox, all, FeedStatus::Gap);
                }
                // one of all venues may serve several sockets
                let of = |tick: &Tick| self.serves(InstrumentId(tick.instrument));
                let ticks = ticks.into_iter().filter(of);
                inbox.ticks.extend(ticks.map(|tick| Tick { recv_ts: now, ..tick }));
            }
            Frame::Event(event) if self.may_tell(&event) => {
                let received = HostTime::from_nanos(now);
                inbox.events.push_back(VenueEvent { received, ..event });
            }
            Frame::Event(_)
            | Frame::Hello(..)
            | Frame::Busy
            | Frame::CatchingUp
            | Frame::Beat
            | Frame::Request(_)
            | Frame::AskTruth
            | Frame::Truth(_) => {}
        }
    }

    fn tell_accounts(&self, report: &VenueReport) {
        let mut inbox = lock(&self.shared);
        let now = inbox.stamp();
        inbox.set(self.place, |link| link.since = Some(now));
        for (account, venue) in &self.link.accounts {
            inbox.events.push_back(event(*venue, *account, now, report.clone()));
        }
    }

    fn serves(&self, instrument: InstrumentId) -> bool {
        let venue = self.venues.get(instrument.index());
        venue.is_some_and(|venue| self.link.venues.contains(venue))
    }

    fn feed_status(&self, status: FeedStatus) {
        let all = (0_u32..).take(self.venues.len());
        let own = all.filter(|id| self.serves(InstrumentId(*id)));
        tell_feeds(&mut lock(&self.shared), own, status);
    }
}

fn tell_feeds(inbox: &mut Inbox, instruments: impl Iterator<Item = u32>, status: FeedStatus) {
    let now = inbox.stamp();
    for instrument in instruments {
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
        let question = match &request {
            Request::Reconcile { account, nonce, .. }
            | Request::QueryOrder { account, nonce, .. }
            | Request::QueryTrades { account, nonce, .. } => Some((*account, *nonce)),
            _ => None,
        };
        let mut inbox = lock(&self.shared);
        let link = self.link_of(&request);
        #[cfg(debug_assertions)]
        dies::point(&request);
        let frame = Frame::Request(request);
        let link = link.and_then(|place| inbox.links.get_mut(place));
        let mut none = None;
        let writer = link.map_or(&mut none, |link| &mut link.writer);
        let written = writer.as_mut().is_some_and(|writer| frame.write(writer).is_ok());
        #[cfg(debug_assertions)]
        if let Frame::Request(request) = &frame {
            dies::point(request);
        }
        if !written && let Some(writer) = writer.take() {
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
        if let (false, Some((account, nonce))) = (written, question) {
            // nobody was asked: that says nothing of what is
            let now = inbox.stamp();
            let report = VenueReport::QueryFailed { nonce };
            inbox.events.push_back(event(VenueId::default(), account, now, report));
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

    /// The socket of a request: of its instrument's venue, or of its account.
    fn link_of(&self, request: &Request) -> Option<usize> {
        let instrument = match request {
            Request::Place(order) => order.request.instrument,
            Request::Cancel { instrument, .. }
            | Request::Amend { instrument, .. }
            | Request::SetLeverage { instrument, .. }
            | Request::QueryOrder { instrument, .. }
            | Request::QueryTrades { instrument, .. } => *instrument,
            Request::Reconcile { account, .. } => {
                let has = |l: &Link| l.accounts.iter().any(|(known, _)| known == account);
                return self.links.iter().position(has);
            }
        };
        let venue = self.venues.get(instrument.index())?;
        self.place_of(*venue)
    }

    fn place_of(&self, venue: VenueId) -> Option<usize> {
        self.links.iter().position(|link| link.venues.contains(&venue))
    }
}
