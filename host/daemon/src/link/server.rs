//! The paper venue as a process of its own: it owns the market, matches by the wall clock, and
//! keeps orders, fills and positions over the death of any host. One host at a time.
//!
//! Everything it ever reported is kept, so that a host that was away is told again what it missed.

use super::books::{Books, Kept, began, may_rest};
use super::frame::Frame;
use super::link_definitions;
use super::truth::Truth;
use crate::command::{Failure, exit};
use crate::config::{Config, DataSource};
use crate::data;
use crate::live::wall;
use hedgerow_model::{
    AccountId, HostTime, InstrumentId, Order, Tick, VenueEvent, VenueId, VenueRejection,
    VenueReport, VenueTime,
};
use hedgerow_ports::{Feed as _, Venue as _};
use hedgerow_simulator::{PaperVenue, Request, TapeFeed};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// How a paper venue is served.
pub struct Serve<'a> {
    /// The config of venues, instruments and data.
    pub config: &'a Config,
    /// Where to listen.
    pub socket: &'a Path,
    /// The venues it serves; none named: all of the config's.
    pub venues: &'a [String],
    /// A folder in which it keeps its books over its own death; none: it forgets.
    pub state: Option<&'a Path>,
    /// End after this long.
    pub limit: Option<Duration>,
    /// Say where it listens as JSON.
    pub json: bool,
}

struct Server {
    books: Books,
    venue: PaperVenue,
    feed: TapeFeed,
    log: Vec<VenueEvent>,
    placed: BTreeMap<(AccountId, u64), u32>,
    definitions: Vec<String>,
    /// Of each instrument.
    venues: Vec<VenueId>,
    /// Those that are served here; orders elsewhere are refused, ticks of elsewhere not told.
    served: BTreeSet<VenueId>,
    host: Option<Host>,
    /// Who came while another host was served, and when.
    waiting: Option<(UnixStream, Instant)>,
    /// Leverage as last written down.
    leverages: BTreeMap<(AccountId, InstrumentId), VenueReport>,
    /// When it last said that it is alive.
    beat: Instant,
}

/// How long somebody waits for another host to go before it is told that there is one.
const WAIT: Duration = Duration::from_secs(1);

/// Requests of a host that may wait; they are looked at a thousand times a second. With one more
/// it is disconnected, as a venue does: what is in the queue is still taken, of the rest it learns
/// that the outcome is unknown, and asks.
const REQUESTS_MAX: usize = 16_384;

/// Reads requests into the queue until there are no more, or nobody takes them; whether there were
/// too many.
fn read_all(from: &mut impl Read, queue: &SyncSender<Frame>) -> bool {
    while let Ok(frame) = Frame::read(from) {
        match queue.try_send(frame) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
        }
    }
    false
}

struct Host {
    stream: UnixStream,
    requests: Receiver<Frame>,
}

/// Serves a paper venue until its time is over.
pub fn serve(serve: &Serve<'_>) -> Result<(), Failure> {
    let config = serve.config;
    if !matches!(config.data, DataSource::Generated { .. }) {
        let message = "a paper venue of its own needs `data.source = \"generated\"`: a recording's \
                       times are past, and would all be told at once";
        return Err(Failure { code: exit::CONFIG, message: message.into() });
    }
    let mut _lock = None;
    let mut market_began = wall();
    if let Some(folder) = serve.state {
        std::fs::create_dir_all(folder).map_err(Failure::new)?;
        _lock = Some(crate::live::lock(folder)?);
        market_began = began(folder, market_began)?;
    }
    let served = super::sockets::served(config, serve.venues)
        .map_err(|message| Failure { code: exit::CONFIG, message })?;
    let opened = data::open(config, market_began)?;
    let mut server = Server {
        books: Books::none(),
        venue: crate::wiring::paper_venue(config, &opened.tape),
        feed: TapeFeed::new(&opened.tape),
        log: Vec::new(),
        placed: BTreeMap::new(),
        definitions: link_definitions(config),
        venues: config.instruments.iter().map(|(i, _)| i.venue).collect(),
        served,
        leverages: BTreeMap::new(),
        host: None,
        waiting: None,
        beat: Instant::now(),
    };
    let (books, kept) = match serve.state {
        None => (Books::none(), Kept::default()),
        Some(folder) => Books::open(&folder.join("books.jsonl")).map_err(Failure::new)?,
    };
    server.books = books;
    server.venue.keep_all();
    server.venue.serve(&server.served);
    make_way(serve.socket)?;
    let listener = UnixListener::bind(serve.socket)
        .map_err(|e| Failure::new(format!("{}: {e}", serve.socket.display())))?;
    listener.set_nonblocking(true).map_err(Failure::new)?;
    server.skip(market_began, &listener);
    server.go_on_from(kept).map_err(|why| Failure::new(format!("books.jsonl: {why}")))?;
    tell_address(serve)?;
    let began = Instant::now();
    while serve.limit.is_none_or(|limit| began.elapsed() < limit) {
        server.take_requests();
        server.receive(&listener);
        server.go_on(HostTime::from_nanos(wall()));
        server.beat();
        std::thread::sleep(Duration::from_millis(1));
    }
    let _ = std::fs::remove_file(serve.socket);
    Ok(())
}

fn tell_address(serve: &Serve<'_>) -> Result<(), Failure> {
    if serve.json {
        return crate::command::print_json(&serde_json::json!({ "listening": serve.socket }));
    }
    crate::command::print(&format!("listening on {}\n", serve.socket.display()));
    Ok(())
}

/// Takes a dead socket away, and nothing else.
fn make_way(socket: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::FileTypeExt as _;
    let Ok(known) = std::fs::symlink_metadata(socket) else { return Ok(()) };
    let shown = socket.display();
    if !known.file_type().is_socket() {
        return Err(Failure::new(format!("{shown} is not a socket: name another place")));
    }
    if UnixStream::connect(socket).is_ok() {
        return Err(Failure::new(format!("{shown}: a paper venue already listens there")));
    }
    std::fs::remove_file(socket).map_err(Failure::new)
}

impl Server {
    /// Passes over the market from its beginning to the present, while nothing rests in it. A
    /// market that began days ago takes minutes: whoever comes meanwhile is told so.
    fn skip(&mut self, began: u64, listener: &UnixListener) {
        let (mut at, now) = (began, wall());
        while at < now {
            while let Ok((mut stream, _)) = listener.accept() {
                let _ = Frame::CatchingUp.write(&mut stream);
            }
            // by the second: what both the feed and the venue have passed is not kept
            at = at.saturating_add(1_000_000_000).min(now);
            self.venue.poll(HostTime::from_nanos(at), &mut Vec::new());
            loop {
                let ticks = self.feed.peek(1024);
                let due = ticks.partition_point(|tick| tick.recv_ts <= at);
                if due == 0 {
                    break;
                }
                self.feed.take(due);
            }
        }
    }

    /// Orders, positions and reports of before.
    fn go_on_from(&mut self, kept: Kept) -> Result<(), String> {
        // as each was placed: its reports say what became of it
        kept.arrived().for_each(|order| self.venue.placed_again(order));
        for (line, event) in &kept.log {
            self.venue.book_again(event).map_err(|why| format!("line {line}: {why}"))?;
        }
        kept.resting().filter(|o| may_rest(o)).for_each(|order| self.venue.rest_again(order));
        let over = kept.over(HostTime::from_nanos(wall()), &self.venues);
        for event in &over {
            self.books.reported(event).map_err(|why| why.to_string())?;
            self.venue.book_again(event).map_err(|why| why.to_string())?;
        }
        for (account, wire) in kept.orders.keys() {
            self.placed.insert((AccountId(*account), *wire), 1);
        }
        self.log = kept.log.into_iter().map(|(_, event)| event).chain(over).collect();
        self.venue.booked_again(HostTime::from_nanos(wall()));
        Ok(())
    }

    /// A word now and then, so that a host knows a quiet venue from a dead one.
    fn beat(&mut self) {
        if self.beat.elapsed() >= Duration::from_secs(1) {
            self.beat = Instant::now();
            self.tell(&Frame::Beat);
        }
    }

    /// One host at a time: the next is served when the one before it is gone.
    fn receive(&mut self, listener: &UnixListener) {
        if self.waiting.is_none() {
            self.waiting = listener.accept().ok().map(|(stream, _)| (stream, Instant::now()));
        }
        let Some((mut stream, since)) = self.waiting.take() else { return };
        if self.host.is_none() {
            self.greet(stream);
        } else if since.elapsed() < WAIT {
            self.waiting = Some((stream, since));
        } else {
            let _ = Frame::Busy.write(&mut stream);
        }
    }

    fn greet(&mut self, stream: UnixStream) {
        let _ = stream.set_nonblocking(false);
        let _ = stream.set_write_timeout(Some(Duration::from_secs(2)));
        let Ok(reader) = stream.try_clone() else { return };
        let (sender, requests) = sync_channel(REQUESTS_MAX);
        let read = move || {
            if read_all(&mut BufReader::new(&reader), &sender) {
                tracing::error!("a host asks for more than can be taken: it is disconnected");
                let _ = reader.shutdown(std::net::Shutdown::Both);
            }
        };
        if std::thread::Builder::new().name("paper-host".into()).spawn(read).is_ok() {
            self.host = Some(Host { stream, requests });
            let hello = Frame::Hello(self.definitions.clone(), self.served.clone());
            self.tell(&hello);
        }
    }

    /// Everything the host has sent; also what it sent before it died.
    fn take_requests(&mut self) {
        while let Some(host) = &self.host {
            match host.requests.try_recv() {
                Ok(Frame::Request(request)) => self.obey(request),
                Ok(Frame::AskTruth) => {
                    let truth = Frame::Truth(Truth::of(&self.venue, &self.log, &self.placed));
                    self.tell(&truth);
                }
                Ok(_) => {}
                Err(TryRecvError::Empty) => return,
                // its socket is closed and all it said is read: another may come
                Err(TryRecvError::Disconnected) => self.host = None,
            }
        }
    }

    /// What cannot be kept is not taken, and that is said.
    fn refuse(&mut self, now: HostTime, order: &Order, reason: VenueRejection) {
        let Some(venue) = self.venues.get(order.request.instrument.index()).copied() else {
            return;
        };
        let (account, wire) = (order.account, order.wire);
        let report = VenueReport::Rejected { wire, reason };
        let happened = VenueTime::from_nanos(now.as_nanos());
        let event = VenueEvent { venue, account, received: now, happened, report };
        self.tell(&Frame::Event(event));
    }

    fn obey(&mut self, request: Request) {
        let now = HostTime::from_nanos(wall());
        if let Request::Place(order) = &request {
            let venue = self.venues.get(order.request.instrument.index());
            if !venue.is_some_and(|venue| self.served.contains(venue)) {
                let order = order.clone();
                return self.refuse(now, &order, VenueRejection::NotTrading);
            }
            let times = self.placed.entry((order.account, order.wire.0)).or_default();
            *times += 1;
            if *times > 1 {
                // as real venues do: an id that was used is not taken again
                let order = order.clone();
                return self.refuse(now, &order, VenueRejection::DuplicateId);
            }
            if let Err(error) = self.books.placed(order) {
                tracing::error!(%error, "the paper venue's books cannot be written");
                let order = order.clone();
                return self.refuse(now, &order, VenueRejection::NotTrading);
            }
        }
        self.venue.submit(now, request);
    }

    /// To the present: ticks to the host, reports to the log and to the host.
    fn go_on(&mut self, now: HostTime) {
        let mut reports = Vec::new();
        self.venue.poll_marked(now, |report, again| reports.push((report, again)));
        for (report, again) in reports {
            // what is told again is in the books
            let history = !again && is_history(&report.report) && self.is_new(&report);
            if history && let Err(error) = self.books.reported(&report) {
                tracing::error!(%error, "the paper venue's books cannot be written");
            }
            self.tell(&Frame::Event(report.clone()));
            if history {
                self.log.push(report);
            }
        }
        loop {
            let ticks = self.feed.peek(1024);
            let due = ticks.partition_point(|tick| tick.recv_ts <= now.as_nanos());
            if due == 0 {
                return;
            }
            let of = |tick: &&Tick| {
                let venue = self.venues.get(InstrumentId(tick.instrument).index());
                venue.is_some_and(|venue| self.served.contains(venue))
            };
            let told: Vec<Tick> = ticks.prefix(due).iter().filter(of).copied().collect();
            if !told.is_empty() {
                self.tell(&Frame::Ticks(told));
            }
            self.feed.take(due);
        }
    }

    /// Whether it says anything that is not written down: leverage is told with every answer.
    fn is_new(&mut self, event: &VenueEvent) -> bool {
        let VenueReport::Leverage { instrument, .. } = &event.report else { return true };
        let told = event.report.clone();
        self.leverages.insert((event.account, *instrument), told.clone()) != Some(told)
    }

    fn tell(&mut self, frame: &Frame) {
        let Some(host) = &mut self.host else { return };
        // a host that does not read is gone; its requests are still taken
        if frame.write(&mut host.stream).and_then(|()| host.stream.flush()).is_err() {
            let _ = host.stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Whether a report is of something that happened, not of what is.
fn is_history(report: &VenueReport) -> bool {
    !matches!(
        report,
        VenueReport::OpenOrder { .. }
            | VenueReport::Position { .. }
            | VenueReport::ForeignOrder { .. }
            | VenueReport::Reconciled { .. }
            | VenueReport::Margin { .. }
            | VenueReport::LiquidationPrice { .. }
            | VenueReport::Brackets { .. }
            // the config says when they change, over a death of the venue too
            | VenueReport::Terms { .. }
            | VenueReport::OrderState { .. }
            | VenueReport::TradesTold { .. }
            | VenueReport::QueryFailed { .. }
            | VenueReport::RateLimited { .. }
            | VenueReport::RateUsed { .. }
            | VenueReport::Up
            | VenueReport::Down
    )
}

#[cfg(test)]
mod tests;
