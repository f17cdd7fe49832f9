//! The paper venue: our orders against a market that others make.
//!
//! Resting orders wait their turn behind what was displayed when they arrived; a trade at their
//! price eats what is ahead first, a trade or quote through their price fills them at their own
//! price. Taking orders walk the displayed book. Liquidity taken is not removed from the recorded
//! market: the model has no market impact, and says so in reports.
//!
//! The venue's own ledger (positions, fees, trades) is kept apart from the host's so that the two
//! can be compared.

mod again;
mod answers;
mod command;
mod delivery;
mod fees;
mod leverage;
mod margin;
mod matching;
mod pit;
mod records;
mod request;
mod rests;
mod scan;
mod settling;
mod terms;

use crate::tape::{Cursor, Tape};
pub use again::AgainError;
pub use delivery::DeliveryTerms;
pub use fees::{FeeIn, Fees};
use hedgerow_model::{
    AccountId, Duration, HostTime, Instrument, InstrumentId, Position, Terms, TickKind, TradeId,
    VenueCommand, VenueEvent, VenueId, VenueReport, VenueTime,
};
use hedgerow_ports::{SimulatedVenue, Venue};
pub use leverage::Leverage;
use pit::Pit;
pub use request::Request;
pub use rests::Rests;
use std::collections::{BTreeSet, VecDeque};

/// When a resting order fills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FillModel {
    /// By queue position behind displayed size; in parts, as volume comes.
    #[default]
    Queue,
    /// Whole, at its own price, when a trade prints at or through it or the opposite quote touches
    /// it; taking orders fill whole at the touch. The rule of the throughput comparison.
    Touch,
}

/// One venue's behaviour.
#[derive(Clone, Debug)]
pub struct VenueConfig {
    /// From us to the venue.
    pub latency_out: Duration,
    /// From the venue to us.
    pub latency_back: Duration,
    /// When resting orders fill.
    pub fills: FillModel,
    /// Whether it amends orders; else they can only be canceled.
    pub amends: bool,
}

/// All simulated venues of a run.
pub struct PaperVenue {
    venues: Vec<VenueConfig>,
    pits: Vec<Pit>,
    cursor: Cursor,
    inbox: VecDeque<(HostTime, Request)>,
    /// What is on its way, and whether it tells of the past again.
    outbox: VecDeque<(VenueEvent, bool)>,
    records: records::Records,
    next_trade: u64,
    next_order: u64,
    fills: u64,
    scan: scan::ScanMemory,
    /// Pits with resting orders; with none, ticks only move books.
    resting: usize,
    /// Pits with a position; with none, funding moves nothing.
    held: usize,
    margins: margin::Margins,
    /// Terms that are to change, the next first.
    changes: VecDeque<(HostTime, InstrumentId, Terms)>,
    /// Who is told of it: whoever has spoken.
    accounts: BTreeSet<AccountId>,
    /// Those that are told of; none named: all.
    served: BTreeSet<VenueId>,
}

impl PaperVenue {
    /// Venues and instruments by id, without holes.
    #[must_use]
    pub fn new(venues: Vec<VenueConfig>, instruments: &[(Instrument, Fees)], tape: &Tape) -> Self {
        let model = |i: &Instrument| {
            venues.get(i.venue.index()).map_or(FillModel::default(), |venue| venue.fills)
        };
        let pits =
            instruments.iter().map(|(i, fees)| Pit::new(i.clone(), *fees, model(i))).collect();
        Self {
            pits,
            venues,
            cursor: Cursor::new(tape),
            inbox: VecDeque::new(),
            outbox: VecDeque::new(),
            records: records::Records::new(),
            next_trade: 1,
            next_order: 1,
            fills: 0,
            scan: scan::ScanMemory::default(),
            resting: 0,
            held: 0,
            margins: margin::Margins::default(),
            changes: VecDeque::new(),
            accounts: BTreeSet::new(),
            served: BTreeSet::new(),
        }
    }

    /// Tells of these venues only. What others hold of the rest is not known here: to tell what is
    /// here would be to say that they hold nothing.
    pub fn serve(&mut self, venues: &BTreeSet<VenueId>) {
        self.served.clone_from(venues);
    }

    fn serves(&self, venue: VenueId) -> bool {
        self.served.is_empty() || self.served.contains(&venue)
    }

    /// Takes a plain request; it arrives after the latency of its venue.
    pub fn submit(&mut self, now: HostTime, request: Request) {
        let pit = request.instrument().and_then(|id| self.pits.get(id.index()));
        let venue = pit.and_then(|pit| self.venues.get(pit.spec.venue.index()));
        let latency = match venue {
            Some(venue) => venue.latency_out,
            None => self.longest(|venue| venue.latency_out),
        };
        let arrives = now.after(latency);
        let place = self.inbox.partition_point(|(at, _)| *at <= arrives);
        self.inbox.insert(place, (arrives, request));
    }

    /// The venue's own position of an account.
    #[must_use]
    pub fn position(&self, account: AccountId, instrument: InstrumentId) -> Position {
        let pit = self.pits.get(instrument.index());
        pit.and_then(|pit| pit.positions.get(&account)).cloned().unwrap_or_default()
    }

    /// All positions the venue keeps.
    pub fn positions(&self) -> impl Iterator<Item = (AccountId, &Instrument, &Position)> {
        self.pits.iter().flat_map(|pit| {
            pit.positions.iter().map(move |(account, position)| (*account, &pit.spec, position))
        })
    }

    /// Orders that rest, as (account, instrument, wire id).
    #[must_use]
    pub fn open_orders(&self) -> Vec<(AccountId, InstrumentId, u64)> {
        let of = |pit: &Pit| -> Vec<_> {
            pit.resting.iter().map(|r| (r.account, pit.spec.id, r.wire.0)).collect()
        };
        self.pits.iter().flat_map(of).collect()
    }

    /// Trades of ours so far.
    #[must_use]
    pub fn fill_count(&self) -> u64 {
        self.fills
    }

    /// The longest way of any venue: a question about all of them must not overtake an order.
    fn longest(&self, of: impl Fn(&VenueConfig) -> Duration) -> Duration {
        self.venues.iter().map(of).max().unwrap_or(Duration::ZERO)
    }

    /// When something is due that no tick brings about.
    fn timed(&self) -> HostTime {
        self.margin_due().min(self.next_end()).min(self.next_change())
    }

    fn latency_back(&self, venue: VenueId) -> Duration {
        self.venues.get(venue.index()).map_or(Duration::ZERO, |venue| venue.latency_back)
    }

    fn report(&mut self, at: HostTime, venue: VenueId, account: AccountId, report: VenueReport) {
        let happened = VenueTime::from_nanos(at.as_nanos());
        self.note(account, venue, happened, &report);
        self.tell(at, account, records::Past { venue, happened, report }, false);
    }

    fn note(&mut self, account: AccountId, venue: VenueId, at: VenueTime, report: &VenueReport) {
        let spec = match report {
            VenueReport::Fill { instrument, .. } => self.pits.get(instrument.index()),
            _ => None,
        };
        let past = records::Past { venue, happened: at, report: report.clone() };
        self.records.note(account, past, spec.map(|pit| &pit.spec));
    }

    /// Sends a report on its way, of now or of the past.
    fn tell(&mut self, at: HostTime, account: AccountId, past: records::Past, again: bool) {
        let records::Past { venue, happened, report } = past;
        if !self.serves(venue) {
            return;
        }
        let received = at.after(self.latency_back(venue));
        let event = VenueEvent { venue, account, received, happened, report };
        // venues differ in latency; reports stay sorted by arrival, equal times in order of
        // happening
        let place = self.outbox.partition_point(|(known, _)| known.received <= received);
        self.outbox.insert(place, (event, again));
    }

    fn next_trade(&mut self) -> TradeId {
        let trade = TradeId(self.next_trade);
        self.next_trade += 1;
        self.fills += 1;
        trade
    }

    /// What has arrived by `now`, and of each whether it only tells of the past again: whoever
    /// keeps books has that already.
    pub fn poll_marked(&mut self, now: HostTime, mut take: impl FnMut(VenueEvent, bool)) {
        self.run(now);
        while self.outbox.front().is_some_and(|(event, _)| event.received <= now) {
            if let Some((event, again)) = self.outbox.pop_front() {
                take(event, again);
            }
        }
    }

    /// Brings everything at the venue to `now`: ticks, commands and settlements in the order of
    /// their times.
    fn run(&mut self, now: HostTime) {
        loop {
            let command = self.inbox.front().map_or(HostTime::NEVER, |(at, _)| *at);
            let (margin, end) = (self.margin_due(), self.next_end());
            let change = self.next_change();
            let limit = now.min(command).min(margin).min(end).min(change);
            // later than that it is not its turn
            let funding = self.next_funding(limit.after(Duration::from_nanos(1)));
            let limit = limit.min(funding);
            if self.run_ticks(limit, funding.min(end)) {
                continue;
            }
            if change <= limit {
                self.change();
            } else if end <= now && end <= command && end <= funding && end <= margin {
                self.end_contracts(end);
            } else if funding <= now && funding <= command && funding <= margin {
                self.settle_funding(funding);
            } else if margin <= now && margin <= command {
                self.tell_all_margins(margin);
            } else if command <= now {
                if let Some((at, request)) = self.inbox.pop_front() {
                    self.execute(at, request);
                }
            } else {
                return;
            }
        }
    }

    /// Ticks that take effect up to `limit`; at the instant of a settlement it goes before the
    /// ticks. Stops after an announcement of funding, and says so.
    fn run_ticks(&mut self, limit: HostTime, funding: HostTime) -> bool {
        let mut announced = false;
        while let Some((chunk, offset)) = self.cursor.here() {
            let due = self.cursor.next_at().is_some_and(|at| at <= limit.as_nanos());
            if !due {
                break; // as a rule: asked for more often than there are ticks
            }
            let chunk = chunk.clone();
            let mut place = offset;
            let mut stop = false;
            for tick in chunk.at_venue().iter().skip(offset) {
                let at = chunk.effect(place, tick);
                if at > limit.as_nanos() || at >= funding.as_nanos() {
                    stop = true;
                    break;
                }
                self.on_tick(HostTime::from_nanos(at), tick);
                place += 1;
                if tick.kind == TickKind::Funding.code() {
                    stop = true; // it may have announced a settlement before `limit`
                    announced = true;
                    break;
                }
            }
            self.cursor.pass(place - offset);
            if stop {
                return announced;
            }
        }
        announced
    }
}

impl Venue for PaperVenue {
    fn send(&mut self, now: HostTime, command: VenueCommand) {
        self.submit(now, command.into());
    }

    fn poll(&mut self, now: HostTime, out: &mut Vec<VenueEvent>) {
        self.poll_marked(now, |event, _| out.push(event));
    }

    fn next_time(&self) -> Option<HostTime> {
        let command = self.inbox.front().map(|(at, _)| *at);
        let report = self.outbox.front().map(|(event, _)| event.received);
        // with nothing at stake, ticks only move books: whoever passes them says so by `advance`
        let idle = self.resting == 0 && self.held == 0;
        let tick = if idle { None } else { self.cursor.next_at() };
        let own = [command, report, tick.map(HostTime::from_nanos)].into_iter().flatten().min();
        // after the data nothing settles any more
        if self.cursor.here().is_none() {
            return own;
        }
        let first = own.unwrap_or(HostTime::NEVER).min(self.timed());
        Some(self.next_funding(first)).filter(|at| *at < HostTime::NEVER)
    }
}

impl SimulatedVenue for PaperVenue {
    fn quiet_until(&mut self, last: HostTime) -> HostTime {
        let command = self.inbox.front().map_or(HostTime::NEVER, |(at, _)| *at);
        let report = self.outbox.front().map_or(HostTime::NEVER, |(event, _)| event.received);
        let bound = self.next_funding(command.min(report).min(self.timed()));
        let idle = self.resting == 0 && self.held == 0;
        if idle { bound } else { bound.min(self.first_contact(last.min(bound))) }
    }

    fn advance(&mut self, now: HostTime) {
        self.run(now);
    }
}

#[cfg(test)]
mod tests;
