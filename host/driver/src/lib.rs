//! The one loop: input, engine, journal, effects, ports.
//!
//! Virtual time: the caller says up to when inputs may be handled and waits, or not, in between.
//! Inputs of equal time are ordered by rank: venue 0, market 1, wake-up 2, operator 3. Facts are
//! committed before the commands they permit leave. No clock, no socket, no disk here; they come
//! through ports.
//!
//! A strategy is shown a batch of ticks only as far as nothing can happen in between (see
//! [`quiet_prefix`](hedgerow_engine::Engine::quiet_prefix) and
//! [`quiet_until`](hedgerow_ports::SimulatedVenue::quiet_until)), so that the result is that of one
//! tick at a time, to the byte.

mod bars;
mod batch;
mod call;
mod commit;
mod instance;
mod mailbox;
mod probation;
mod replace;
pub mod replay;
mod start;
mod supervise;
mod told;
mod view;

pub use bars::BarFeed;
pub use commit::{LeftOut, OnJournalFailure};
pub use instance::StrategyState;
pub use replace::Swapped;

use hedgerow_engine::{Effects, Engine, QuietScan};
use hedgerow_model::{
    Delivered, Delivery, Fact, HostTime, Input, OperatorCommand, StrategyId, VenueEvent,
};
use hedgerow_ports::{Feed, Journal, JournalError, Recorder, SimulatedVenue, StrategyHost};
use instance::Instance;
use std::borrow::Cow;
use std::collections::VecDeque;

/// How many ticks a strategy is given at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    /// One. The proof that batches change nothing.
    One,
    /// As many as are quiet, up to 1024, fewer after it acted.
    Adaptive,
}

/// What [`Driver::advance`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It handled inputs and there may be more.
    Worked,
    /// The next input is due at this time, later than allowed.
    Waiting(HostTime),
    /// The data is at its end and nothing is on its way.
    Finished,
}

/// Why the loop cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// Facts could not be committed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal cannot be written and more is held for it than may be.
    #[error(
        "the journal could not be written for so long that {facts} facts wait for it: the host \
         ends, the next start asks the venues what is missing"
    )]
    TooMuchHeld {
        /// How many.
        facts: usize,
    },
    /// Something that must hold does not: ours to mend.
    #[error("invariant broken: {0}")]
    Invariant(String),
}

/// What the loop did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Ticks handled by the engine.
    pub ticks: u64,
    /// Ticks delivered to strategies, by all of them.
    pub delivered: u64,
    /// Market calls made.
    pub market_calls: u64,
    /// Event calls made.
    pub event_calls: u64,
    /// Batches handled.
    pub batches: u64,
    /// Single inputs handled.
    pub steps: u64,
    /// Facts committed.
    pub facts: u64,
}

/// The loop.
pub struct Driver<F, V, H, J> {
    engine: Engine,
    feed: F,
    venue: V,
    host: H,
    journal: J,
    instances: Vec<Instance>,
    effects: Effects,
    scan: QuietScan,
    reports: Vec<VenueEvent>,
    operator: VecDeque<(OperatorCommand, String)>,
    batching: Batching,
    coupled: bool,
    /// What becomes of a run whose journal cannot be written.
    on_journal_failure: OnJournalFailure,
    /// Whether people are told in the log.
    tells: bool,
    /// What waits for the journal.
    held: commit::Held,
    /// Something waits until no strategy has read ahead.
    settling: bool,
    /// What became of swaps.
    swapped: VecDeque<(StrategyId, Swapped)>,
    /// Whether strategies run on threads of their own, not within the loop.
    is_live: bool,
    recorder: Option<Box<dyn Recorder>>,
    batch: usize,
    stats: Stats,
    now: HostTime,
}

impl<F: Feed, V: SimulatedVenue, H: StrategyHost, J: Journal> Driver<F, V, H, J> {
    /// A loop over these parts. Strategies run on threads of their own if the engine gives them
    /// credit for ticks, else they are called within the loop, in virtual time.
    pub fn new(engine: Engine, feed: F, venue: V, host: H, journal: J, batching: Batching) -> Self {
        let coupled = batch::coupled(engine.config());
        let strategies = engine.config().strategies.iter();
        let instances = strategies.map(|s| Instance::new(s.id, s.interest.clone())).collect();
        let is_live = engine.config().tick_credit.is_some();
        Self {
            now: engine.now(),
            engine,
            feed,
            venue,
            host,
            journal,
            instances,
            is_live,
            recorder: None,
            swapped: VecDeque::new(),
            effects: Effects::default(),
            scan: QuietScan::default(),
            reports: Vec::new(),
            operator: VecDeque::new(),
            batching,
            coupled,
            on_journal_failure: OnJournalFailure::End,
            tells: false,
            held: commit::Held::default(),
            settling: false,
            batch: batch::AFTER_ACT,
            stats: Stats::default(),
        }
    }

    /// Sets the time before anything has happened: a live host begins now, not at its first tick.
    pub fn begin_at(&mut self, now: HostTime) {
        self.now = self.now.max(now);
    }

    /// Records what goes in and what follows, from now on.
    pub fn record(&mut self, recorder: Box<dyn Recorder>) {
        self.recorder = Some(recorder);
    }

    /// The one way into the engine.
    pub(crate) fn handle(&mut self, input: Input<'_>) {
        let Some(recorder) = &mut self.recorder else {
            return self.engine.handle(input, &mut self.effects);
        };
        recorder.input(&input);
        let Effects { facts, commands, deliveries } = &self.effects;
        let (facts, commands, told) = (facts.len(), commands.len(), deliveries.len());
        self.engine.handle(input, &mut self.effects);
        let effects = &self.effects;
        let is_event = |told: &&Delivery| matches!(told.what, Delivered::Event(_));
        let events: Vec<_> = effects.deliveries.iter().skip(told).filter(is_event).collect();
        let (facts, commands) = (&effects.facts[facts..], &effects.commands[commands..]);
        if !(facts.is_empty() && commands.is_empty() && events.is_empty()) {
            recorder.effects(facts, commands, &events);
        }
    }

    /// Handles inputs up to `horizon`: one batch, or one input, or an operator's command.
    pub fn advance(&mut self, horizon: HostTime) -> Result<Progress, DriverError> {
        let tended = self.is_live && self.tend_mailboxes()?;
        if !self.operator.is_empty() && self.is_settled() {
            return self.obey();
        }
        let may_batch = self.batching == Batching::Adaptive
            && !(self.coupled || self.is_live)
            && self.operator.is_empty()
            && !self.settling;
        // asked once for both; what should have been before the present (a timer that was set for
        // the past) comes after the ticks of this moment: at a wake-up everybody is served for whom
        // it is time, and who has read this moment ahead may be among them
        let wake = self.engine.next_fixed_wakeup().map(|at| at.max(self.now));
        if may_batch && self.try_batch(horizon, wake)? {
            return Ok(Progress::Worked);
        }
        match self.step(horizon, wake)? {
            Progress::Waiting(_) if tended => Ok(Progress::Worked),
            // the data is at its end, but somebody still reads
            Progress::Finished if !self.instances.iter().all(Instance::has_nothing) => {
                Ok(Progress::Waiting(HostTime::NEVER))
            }
            progress => Ok(progress),
        }
    }

    /// Whether strategies can be stopped now; asking makes the loop come to such a moment.
    pub fn is_ready_to_stop(&mut self) -> bool {
        self.settling = !self.is_live && !self.is_settled();
        !self.settling
    }

    /// Runs to the end of the data.
    pub fn run(&mut self) -> Result<(), DriverError> {
        while self.advance(HostTime::NEVER)? != Progress::Finished {}
        Ok(())
    }

    /// Takes an operator's command; it is handled before the next input, in order.
    pub fn command(&mut self, command: OperatorCommand, reason: String) {
        self.operator.push_back((command, reason));
    }

    fn obey(&mut self) -> Result<Progress, DriverError> {
        if let Some((command, reason)) = self.operator.pop_front() {
            let now = self.now;
            self.handle(Input::Operator { now, command: command.clone(), reason });
            self.release(&command)?;
            self.drain()?;
        }
        Ok(Progress::Worked)
    }

    /// Writes something of the daemon's into the journal, in order.
    pub fn note(&mut self, fact: Fact) -> Result<(), DriverError> {
        self.handle(Input::Note { now: self.now, fact: Box::new(fact) });
        self.drain()
    }

    /// One input: the first by (time, rank).
    fn step(
        &mut self,
        horizon: HostTime,
        fixed: Option<HostTime>,
    ) -> Result<Progress, DriverError> {
        let venue = self.venue.next_time().map(|at| (at, 0_u8));
        let tick = self.feed.peek(1);
        let market = tick.first().map(|tick| (HostTime::from_nanos(tick.recv_ts), 1));
        // after the last tick only what is still on its way from a venue is waited for
        let live = self.feed.is_live();
        let wake = if live || market.is_some() { self.next_wake(fixed) } else { None };
        let wake = wake.map(|at| (at, 2));
        let Some((at, rank)) = [venue, market, wake].into_iter().flatten().min() else {
            return Ok(if live { Progress::Waiting(HostTime::NEVER) } else { Progress::Finished });
        };
        // an input that was due before the present is handled now, never back in time
        let now = at.max(self.now);
        if now > horizon {
            return Ok(Progress::Waiting(now));
        }
        self.now = now;
        self.stats.steps += 1;
        match rank {
            0 => self.step_venue(now)?,
            1 => self.step_market(&tick)?,
            _ => {
                self.handle(Input::Wake(now));
                self.drain()?;
                self.restart_due(now)?;
                self.end_probations(now)?;
            }
        }
        Ok(Progress::Worked)
    }

    fn next_wake(&self, fixed: Option<HostTime>) -> Option<HostTime> {
        [fixed, self.engine.next_staleness(), self.next_restart()].into_iter().flatten().min()
    }

    fn step_venue(&mut self, now: HostTime) -> Result<(), DriverError> {
        let mut reports = std::mem::take(&mut self.reports);
        self.venue.poll(now, &mut reports);
        for report in reports.drain(..) {
            self.handle(Input::Venue(Cow::Owned(report)));
            self.drain()?;
            self.start_ready()?;
        }
        self.reports = reports;
        Ok(())
    }

    /// Commits facts, lets commands out, delivers one by one; within the loop each answer is
    /// handled at once.
    fn drain(&mut self) -> Result<(), DriverError> {
        loop {
            self.commit()?;
            match self.effects.deliveries.pop_front() {
                Some(next) => self.deliver(next)?,
                None if self.effects.is_quiet() => return Ok(()),
                // what could not leave is over, which is a fact of its own
                None => {}
            }
        }
    }

    /// What the loop did so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// The time of the newest input.
    pub fn now(&self) -> HostTime {
        self.now
    }

    /// The engine, to look at.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The venue, to look at.
    pub fn venue(&self) -> &V {
        &self.venue
    }

    /// The venue, for whoever does something to it from outside.
    pub fn venue_mut(&mut self) -> &mut V {
        &mut self.venue
    }

    /// The journal.
    pub fn journal(&self) -> &J {
        &self.journal
    }

    /// The strategies' host.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// The strategies' host, for candidates.
    pub fn host_mut(&mut self) -> &mut H {
        &mut self.host
    }

    /// Takes the loop apart at the end of a run.
    pub fn into_parts(self) -> (Engine, V, H, J) {
        (self.engine, self.venue, self.host, self.journal)
    }

    /// Where a strategy stands.
    pub fn state(&self, strategy: StrategyId) -> StrategyState {
        self.instances.get(strategy.index()).map_or(StrategyState::Stopped, |known| known.state)
    }

    /// When the oldest input that waits is due.
    pub fn due(&mut self) -> Option<HostTime> {
        let tick = self.feed.peek(1);
        let market = tick.first().map(|tick| HostTime::from_nanos(tick.recv_ts));
        [self.venue.next_time(), market, self.next_wake(self.engine.next_fixed_wakeup())]
            .into_iter()
            .flatten()
            .min()
    }
}
