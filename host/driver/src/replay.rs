//! Doing a recorded run again: the same loop, fed from a recording.
//!
//! Feed, venue, host and journal are stand-ins that give the loop exactly what the recording says
//! comes next, and a recorder compares what the loop does with what it did. What cannot be computed
//! again (when an answer came, a deadline by CPU time, a full disk) is taken from the recording;
//! everything else must follow, to the byte.

mod host;
mod script;
mod words;
mod world;

pub use host::ReplayHost;
pub use script::{Aim, Difference, Replayed, Script};
pub use world::{ReplayFeed, ReplayJournal, ReplayVenue};

use crate::{Batching, Driver, DriverError, OnJournalFailure, Progress};
use hedgerow_engine::Engine;
use hedgerow_model::{AccountId, Fact, HostTime, Input, PluginStep, StrategyId, WireId};
use hedgerow_ports::{Record, Recording, RecordingError, SimulatedVenue, StopReason, StrategyHost};
use script::{Checker, Shared};
use words::Words;

/// Why a recording cannot be played again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read on.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The loop cannot go on.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// A component that ran is not there.
    #[error("{0}")]
    Component(String),
}

/// Gives the host the component of this hash for a strategy's next swap.
pub type Provide<'a, H> = dyn FnMut(&mut H, StrategyId, &str) -> Result<(), String> + 'a;

type Loop<R, V, H> = Driver<ReplayFeed<R>, ReplayVenue<R, V>, ReplayHost<R, H>, ReplayJournal<R>>;

/// A recorded run, done again.
pub struct Replay<R: Recording, V, H> {
    driver: Loop<R, V, H>,
    script: Shared<R>,
    started: bool,
}

impl<R: Recording + 'static, V: SimulatedVenue, H: StrategyHost> Replay<R, V, H> {
    /// A loop over an engine and a host as they were when the recording began, at this time.
    pub fn new(engine: Engine, began: HostTime, host: H, recording: R, aim: Aim) -> Self {
        let is_live = engine.config().tick_credit.is_some();
        let script = Script::shared(recording, is_live);
        let words = Words::new(engine.config().instruments.clone());
        let mut driver = Driver::new(
            engine,
            ReplayFeed::new(script.clone()),
            ReplayVenue::new(script.clone()),
            ReplayHost::new(script.clone(), host, aim, words),
            ReplayJournal::new(script.clone()),
            Batching::One,
        );
        driver.begin_at(began);
        driver.on_journal_failure(OnJournalFailure::Hold);
        driver.record(Box::new(Checker(script.clone())));
        Self { driver, script, started: false }
    }

    /// Plays the recording to its end, or to the first difference.
    pub fn run(&mut self, provide: &mut Provide<'_, H>) -> Result<Replayed, ReplayError> {
        loop {
            let script = self.script.borrow();
            if let Some(why) = script.failure() {
                return Err(RecordingError(why).into());
            }
            let different = script.is_over();
            // ticks stay where they are: a block of them is read one by one
            let next = match script.next() {
                None => break,
                _ if different => break,
                Some(Record::Input(input)) => Some(input.clone()),
                Some(Record::Ticks(_) | Record::Effects(_)) => None,
            };
            drop(script);
            self.turn(next, provide)?;
        }
        Ok(self.script.borrow().summary())
    }

    /// Orders that were sent since the difference.
    #[must_use]
    pub fn sent_since(&self) -> Vec<(AccountId, WireId)> {
        self.driver.venue.sent_since()
    }

    /// The loop, to go on with from a difference: what happened so far is as it was recorded.
    pub fn driver(&mut self) -> &mut Loop<R, V, H> {
        &mut self.driver
    }

    /// From here on nothing is taken from the recording but market data; orders go to this venue.
    pub fn set_free(&mut self, venue: V) -> Result<(), DriverError> {
        self.script.borrow_mut().set_free();
        let (now, driver) = (self.driver.now(), &mut self.driver);
        driver.venue.set_free(now, venue);
        // a swap that was to come does not: what was set aside is read
        driver.instances.iter_mut().for_each(|instance| instance.mailbox.end_aside());
        driver.drain()
    }

    /// Lets the loop come to what the recording says is next.
    fn turn(
        &mut self,
        next: Option<Box<Input<'static>>>,
        provide: &mut Provide<'_, H>,
    ) -> Result<(), ReplayError> {
        let before = self.script.borrow().place();
        self.start_if_nobody_does(next.as_deref())?;
        let Some(input) = next else {
            self.market()?;
            self.moved(before);
            return Ok(());
        };
        // time goes on without an input too: with what happens inside a simulated venue
        let at = self.script.borrow_mut().turn(&input);
        self.driver.begin_at(at);
        match *input {
            Input::Start { .. } if !self.started => {
                self.started = true;
                self.driver.start()?;
            }
            Input::Operator { command, reason, .. } => {
                self.driver.command(command, reason);
                self.driver.advance(HostTime::EPOCH)?;
            }
            Input::Note { fact, .. } => self.noted(*fact)?,
            Input::Quarantine { strategy, why, .. } if !self.started => {
                self.driver.keep_out(strategy, why)?;
            }
            input @ (Input::CutMarkets { .. } | Input::Hold { .. } | Input::Shed { .. }) => {
                self.withhold(input);
            }
            Input::Cut { strategy, swap, .. } => {
                let host = self.driver.host.inner_mut();
                provide(host, strategy, &swap.component).map_err(ReplayError::Component)?;
                self.driver.swap(strategy, swap)?;
            }
            Input::Stopping { strategy, reason, .. } => {
                let why = StopReason::from_code(reason);
                self.driver.stop_one(strategy.index(), why)?;
                self.driver.drain()?;
            }
            Input::Stopped { strategy, .. } => {
                self.driver.stopped(strategy.index());
                self.driver.drain()?;
            }
            // of `status`, which is not recorded, or in a batch, dated at its first tick
            Input::Fault { strategy, fault, .. } if !self.driver.is_live => {
                self.script.borrow_mut().taken();
                self.driver.on_fault(strategy.index(), fault)?;
                self.driver.drain()?;
            }
            Input::Wake(_) => {
                self.driver.advance(self.driver.now())?;
            }
            Input::Venue(_) => {
                self.driver.advance(HostTime::NEVER)?;
            }
            // the answers of strategies
            _ => {
                self.driver.advance(HostTime::EPOCH)?;
            }
        }
        self.moved(before);
        Ok(())
    }

    fn noted(&mut self, fact: Fact) -> Result<(), DriverError> {
        match (self.is_from_outside(&fact), &fact) {
            (true, _) => self.driver.note(fact),
            // a newer component ends a probation
            (false, Fact::Plugin { strategy, step: PluginStep::Accepted, .. }) => {
                self.driver.end_probation(*strategy)
            }
            (false, _) => self.driver.advance(HostTime::EPOCH).map(|_: Progress| ()),
        }
    }

    /// What a strategy was not given.
    fn withhold(&mut self, input: Input<'static>) {
        match input {
            Input::CutMarkets { strategy, .. } => self.driver.cut_markets(strategy),
            Input::Hold { strategy, what, .. } => self.driver.hold(strategy, what),
            Input::Shed { strategy, .. } => self.driver.shed(strategy),
            _ => {}
        }
    }

    fn market(&mut self) -> Result<(), DriverError> {
        if !self.started {
            return self.driver.warm_up(HostTime::NEVER);
        }
        self.driver.advance(HostTime::NEVER).map(|_: Progress| ())
    }

    /// What the daemon writes into the journal, not the loop.
    fn is_from_outside(&self, fact: &Fact) -> bool {
        match fact {
            // the loop says itself what became of what it swapped in
            Fact::Plugin { step, .. } => matches!(
                step,
                PluginStep::Loaded
                    | PluginStep::Shadowed
                    | PluginStep::Refused
                    | PluginStep::Retried
            ),
            Fact::Named { .. } | Fact::Asked { .. } => true,
            _ => false,
        }
    }

    /// With every strategy in quarantine, or every account unknown yet, a run begins without a
    /// start.
    fn start_if_nobody_does(&mut self, next: Option<&Input<'_>>) -> Result<(), DriverError> {
        let engine = self.driver.engine();
        let all = engine.config().strategies.iter().all(|s| !engine.may_start(s.id));
        let is_note = matches!(next, Some(Input::Note { .. }));
        if self.started || !all || is_note {
            return Ok(());
        }
        self.started = true;
        self.driver.start()
    }

    /// A turn that took nothing from the recording would go on for ever.
    fn moved(&self, before: u64) {
        let mut script = self.script.borrow_mut();
        if script.place() == before && script.next().is_some() {
            let wanted = match script.next() {
                Some(Record::Input(input)) => match &**input {
                    Input::Outcome { outcome, .. } => {
                        Some(self.driver.host.words(&outcome.intents))
                    }
                    _ => None,
                },
                _ => None,
            };
            script.differ(match wanted {
                Some(was) => format!("recorded, it wanted {was}; this one wants nothing"),
                None => "the recording goes on with something that does not follow".to_owned(),
            });
        }
    }
}
