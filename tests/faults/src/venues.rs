//! The venues of a run: paper venues with their own truth, behind ways that lose, delay, repeat and
//! reorder. What leaves the process is checked here, where it leaves.
//!
//! A venue tells again, when asked, every fill, payment and end of an order since a time, then what
//! is open and held. Nothing else may be needed to know the truth.

use crate::dice::Dice;
use crate::fate::{ANY_STREAM, Fate, Fates};
use crate::kinds::{is_answer, wire_of};
use crate::script::{MS, S, skewed};
pub(crate) use crate::session::Session;
use crate::shared::Shared;
use crate::terms::Heard;
use hedgerow_engine::EngineConfig;
use hedgerow_model::{
    AccountId, ClientOrderId, Duration, Extent, HostTime, InstrumentId, Price, Scope, Side,
    VenueCommand, VenueEvent, VenueId, VenueRejection, VenueReport, VenueTime, WireId,
};
use hedgerow_ports::{SimulatedVenue, Venue};
use hedgerow_simulator::PaperVenue;
use hedgerow_simulator::paper::Request;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

/// Something on its way.
#[derive(Debug)]
pub(crate) enum Way {
    /// A request reaches its venue; whether its answer gets lost.
    Request(Request, bool),
    /// A report reaches the host, if its stream was not torn since.
    Report(VenueEvent, u64),
    /// The session gives up waiting for an answer.
    TimeOut(AccountId, WireId),
    /// It gives up waiting for what it asked.
    Failed(AccountId, u64),
    /// The session loses the private stream of an account.
    Tear(AccountId),
    /// It is back.
    Back(AccountId),
}

/// What a command is about, for whoever waits for its answer.
#[derive(Clone, Copy, Debug)]
enum Asks {
    Order(WireId),
    Question(u64),
    Nothing,
}

/// All venues.
pub struct Venues {
    pub(crate) inner: PaperVenue,
    pub(crate) shared: Rc<Shared>,
    pub(crate) fates: Fates,
    pub(crate) queue: BTreeMap<(u64, u64), Way>,
    next: u64,
    ready: VecDeque<VenueEvent>,
    pub(crate) scratch: Vec<(VenueEvent, bool)>,
    pub(crate) sessions: Vec<Session>,
    /// Orders that left: which way each goes, and whether it may only reduce.
    pub(crate) wires: BTreeMap<(AccountId, WireId), (Side, bool)>,
    /// Orders whose facts a power cut has taken.
    pub(crate) lost: BTreeSet<(AccountId, WireId)>,
    /// Orders that may be larger than their facts say, because a power cut took an amendment.
    pub(crate) changed: BTreeSet<ClientOrderId>,
    /// At which price each was sent or last amended, and when.
    pub(crate) prices: BTreeMap<(AccountId, WireId), (Price, u64)>,
    /// What the host was told of what its venues accept.
    pub(crate) terms: BTreeMap<InstrumentId, Heard>,
    /// When what opens was approved lately, of a strategy or an account.
    pub(crate) left: BTreeMap<Scope, Vec<u64>>,
    /// What the engine is told, where guards are attacked.
    pub(crate) config: Option<Rc<EngineConfig>>,
    dice: Dice,
}

impl Venues {
    /// The venues of a script, over a paper venue without latencies of its own.
    #[must_use]
    pub fn new(inner: PaperVenue, shared: Rc<Shared>) -> Self {
        let script = &shared.script;
        let session = |id| Session::of(script.venue_of(id), id);
        let sessions = script.instruments.iter().map(|spec| session(spec.id)).collect();
        let dice = Dice::of(script.seed, 3);
        let fates = Fates::new(script.seed);
        Self {
            inner,
            fates,
            queue: BTreeMap::new(),
            next: 0,
            ready: VecDeque::new(),
            scratch: Vec::new(),
            sessions,
            wires: BTreeMap::new(),
            lost: BTreeSet::new(),
            changed: BTreeSet::new(),
            prices: BTreeMap::new(),
            terms: BTreeMap::new(),
            left: BTreeMap::new(),
            config: script.guarded.then(|| Rc::new(crate::scene::config(script))),
            dice,
            shared,
        }
    }

    pub(crate) fn put(&mut self, at: u64, way: Way) {
        self.next += 1;
        self.queue.insert((at, self.next), way);
    }

    pub(crate) fn session(&mut self, account: AccountId) -> Option<&mut Session> {
        self.sessions.get_mut(account.index())
    }

    pub(crate) fn event(&self, account: AccountId, now: u64, report: VenueReport) -> VenueEvent {
        let venue = self.sessions.get(account.index()).map_or(0, |session| session.venue);
        VenueEvent {
            venue: VenueId(venue),
            account,
            received: HostTime::from_nanos(now),
            happened: VenueTime::from_nanos(skewed(&self.shared.script, venue, now)),
            report,
        }
    }

    /// A process starts: every stream comes up soon.
    pub fn connect(&mut self, now: u64) {
        for account in (0..).map(AccountId).take(self.sessions.len()) {
            let soon = now + self.dice.between(5, 300) * MS;
            self.put(soon, Way::Back(account));
        }
    }

    /// The process is gone: nobody hears anything.
    pub fn disconnect(&mut self) {
        self.ready.clear();
        for session in &mut self.sessions {
            session.epoch += 1;
            (session.up, session.known, session.resets) = (false, false, false);
            (session.margin, session.needed) = (None, None);
            session.unanswered.clear();
            session.waits.clear();
        }
        self.left.clear();
        // the last facts of it may be lost
        self.terms.values_mut().for_each(|heard| heard.at = None);
        let keep = |way: &Way| matches!(way, Way::Request(..));
        self.queue.retain(|_, way| keep(way));
    }

    /// The session of an account tears its stream and connects again.
    pub fn reset(&mut self, account: AccountId, at: u64) {
        let Some(session) = self.session(account) else { return };
        if std::mem::replace(&mut session.resets, true) {
            return;
        }
        let back = at + self.dice.between(50, 2_000) * MS;
        self.put(at, Way::Tear(account));
        self.put(back, Way::Back(account));
    }

    /// Brings everything to `now`.
    fn run(&mut self, now: u64) {
        loop {
            let own = self.queue.keys().next().map_or(u64::MAX, |(at, _)| *at);
            let inner = self.inner.next_time().map_or(u64::MAX, HostTime::as_nanos);
            let at = own.min(inner);
            if at > now {
                break;
            }
            self.listen(at, false);
            if own <= inner
                && let Some((_, way)) = self.queue.pop_first()
            {
                self.arrive(own, way);
            }
        }
        self.inner.advance(HostTime::from_nanos(now));
    }

    fn arrive(&mut self, now: u64, way: Way) {
        match way {
            Way::Request(Request::Reconcile { account, since, nonce, extent }, _) => {
                self.answer(now, account, (since, extent), nonce);
            }
            Way::Request(request, answer_lost) => {
                self.inner.submit(HostTime::from_nanos(now), request);
                self.listen(now, answer_lost);
            }
            Way::Report(event, epoch) => self.deliver(now, event, epoch),
            Way::TimeOut(account, wire) => {
                let waits = self.session(account).is_some_and(|session| {
                    session.waits.remove(&wire);
                    session.unanswered.remove(&wire)
                });
                if waits {
                    let event = self.event(account, now, VenueReport::OutcomeUnknown { wire });
                    self.hear(now, event);
                    let soon = now + self.dice.between(500, 6_000) * MS;
                    self.reset(account, soon);
                }
            }
            Way::Failed(account, nonce) => {
                let event = self.event(account, now, VenueReport::QueryFailed { nonce });
                self.hear(now, event);
            }
            Way::Tear(account) => self.tear(now, account),
            Way::Back(account) => {
                if self.fates.is_gone(&self.shared, now, account) {
                    let later = now + self.dice.between(500, 2_000) * MS;
                    return self.put(later, Way::Back(account));
                }
                let Some(session) = self.session(account) else { return };
                (session.up, session.resets) = (true, false);
                let event = self.event(account, now, VenueReport::Up);
                self.hear(now, event);
            }
        }
    }

    pub(crate) fn tear(&mut self, now: u64, account: AccountId) {
        let Some(session) = self.session(account) else { return };
        if !session.up {
            return;
        }
        session.up = false;
        session.epoch += 1;
        session.waits.clear();
        for wire in std::mem::take(&mut session.unanswered) {
            let event = self.event(account, now, VenueReport::OutcomeUnknown { wire });
            self.hear(now, event);
        }
        let event = self.event(account, now, VenueReport::Down);
        self.hear(now, event);
    }

    /// A report reaches the host.
    fn deliver(&mut self, now: u64, mut event: VenueEvent, epoch: u64) {
        let account = event.account;
        let Some(session) = self.session(account) else { return };
        if !session.up || (epoch != ANY_STREAM && session.epoch != epoch) {
            return;
        }
        if let Some(wire) = wire_of(&event.report).filter(|_| is_answer(&event.report)) {
            session.unanswered.remove(&wire);
        }
        session.answered(&event.report);
        event.received = HostTime::from_nanos(now);
        self.hear(now, event);
    }

    fn hear(&mut self, now: u64, event: VenueEvent) {
        if self.shared.is_told() {
            let who = format!("venue {}", event.venue.0);
            self.shared.say(now, &who, format!("account {}: {:?}", event.account.0, event.report));
        }
        self.ready.push_back(event);
    }

    /// A command leaves the process, or what is left of it.
    fn leave(&mut self, now: u64, command: VenueCommand) {
        self.check(now, &command);
        let account = command.account();
        match &command {
            VenueCommand::Cancel { account, wire, .. } => self.shared.canceled(*account, *wire),
            VenueCommand::Amend { account, instrument, wire, .. } => {
                self.meets(now, (*account, *instrument, *wire));
            }
            _ => {}
        }
        let Some(session) = self.sessions.get_mut(account.index()) else { return };
        let asks = match &command {
            VenueCommand::Place(order) => Asks::Order(order.get().wire),
            VenueCommand::Cancel { wire, .. } | VenueCommand::Amend { wire, .. } => {
                Asks::Order(*wire)
            }
            VenueCommand::SetLeverage { .. } => Asks::Nothing,
            VenueCommand::Reconcile { nonce, extent, .. } => {
                // one that is known stays so while a difference is read again
                if *extent == Extent::All && !session.known {
                    session.asked = *nonce;
                }
                Asks::Question(*nonce)
            }
            VenueCommand::QueryOrder { nonce, .. } | VenueCommand::QueryTrades { nonce, .. } => {
                Asks::Question(*nonce)
            }
        };
        if let Asks::Order(wire) = asks {
            session.unanswered.insert(wire);
            if !matches!(command, VenueCommand::Amend { .. }) {
                session.waits.entry(wire).or_insert(now);
            }
        }
        let request = Request::from(command);
        let fate = self.fates.of(&self.shared, now, account, session, &request);
        self.shared.say(now, "send", format_args!("{} {request:?}", fate.word()));
        self.follow(now, (account, asks), request, fate);
    }

    fn follow(&mut self, now: u64, (account, asks): (AccountId, Asks), what: Request, fate: Fate) {
        match fate {
            Fate::Arrives { after, answer_lost, patience } => {
                self.put(now + after, Way::Request(what, answer_lost));
                if let (Asks::Order(wire), Some(patience)) = (asks, patience) {
                    self.put(now + patience, Way::TimeOut(account, wire));
                }
            }
            Fate::Lost { patience } => match asks {
                Asks::Order(wire) => self.put(now + patience, Way::TimeOut(account, wire)),
                // some sessions say so, some say nothing: the host does not wait for ever
                Asks::Question(nonce) if self.dice.percent(50) => {
                    self.put(now + patience, Way::Failed(account, nonce));
                }
                Asks::Question(_) | Asks::Nothing => {}
            },
            Fate::Refused { after, report } => {
                if is_ban(&report) {
                    let retry_after = Duration::from_millis(self.dice.between(200, 4_000));
                    let limits = VenueReport::RateLimited { limit: None, retry_after };
                    let event = self.event(account, now + after, limits);
                    let epoch = self.sessions.get(account.index()).map_or(0, |s| s.epoch);
                    self.put(now + after, Way::Report(event, epoch));
                }
                let event = self.event(account, now + after, report);
                let epoch = self.sessions.get(account.index()).map_or(0, |s| s.epoch);
                self.keep(&event);
                self.put(now + after, Way::Report(event, epoch));
                if let Asks::Order(wire) = asks {
                    // where the stream is torn meanwhile
                    self.put(now + after + 3 * S, Way::TimeOut(account, wire));
                }
            }
        }
    }
}

/// Whether a request was refused for being one too many: then the venue says until when.
fn is_ban(report: &VenueReport) -> bool {
    let banned = VenueRejection::Other(429);
    matches!(report,
        VenueReport::Rejected { reason, .. }
        | VenueReport::CancelRejected { reason, .. }
        | VenueReport::AmendRejected { reason, .. } if *reason == banned)
}

impl Venue for Venues {
    fn send(&mut self, now: HostTime, command: VenueCommand) {
        if self.shared.effect() {
            self.leave(now.as_nanos(), command);
        }
    }

    fn poll(&mut self, now: HostTime, out: &mut Vec<VenueEvent>) {
        self.run(now.as_nanos());
        // one at a time: what follows from it leaves before the next is heard
        let Some(event) = self.ready.pop_front() else { return };
        self.note_heard(&event);
        self.shared.note_ban(event.account, event.received, &event.report);
        if let Some(session) = self.session(event.account) {
            match &event.report {
                VenueReport::Down | VenueReport::Up => session.known = false,
                VenueReport::Reconciled { nonce } if *nonce == session.asked => {
                    (session.known, session.grown) = (true, false);
                }
                _ => {}
            }
        }
        out.push(event);
    }

    fn next_time(&self) -> Option<HostTime> {
        if let Some(event) = self.ready.front() {
            return Some(event.received);
        }
        let own = self.queue.keys().next().map(|(at, _)| HostTime::from_nanos(*at));
        [own, self.inner.next_time()].into_iter().flatten().min()
    }
}

impl SimulatedVenue for Venues {
    fn quiet_until(&mut self, last: HostTime) -> HostTime {
        if let Some(event) = self.ready.front() {
            return event.received;
        }
        let own = self.queue.keys().next().map(|(at, _)| HostTime::from_nanos(*at));
        own.unwrap_or(HostTime::NEVER).min(self.inner.quiet_until(last))
    }

    fn advance(&mut self, now: HostTime) {
        self.run(now.as_nanos());
    }
}
