//! Replacing a component between two events: save, a fresh instance, `resumed`, snapshots; then
//! probation, and the way back.
//!
//! The host prepares the new component off this path (compiled, checked, tried in the shadow) and
//! hands over a [`Swap`]. Nothing is lost and nothing happens twice: the old instance has answered
//! everything up to this moment, the new one gets everything after it. Orders, timers and plans
//! stay; they belong to the strategy, not to the component.

use crate::instance::StrategyState;
use crate::{Driver, DriverError};
use hedgerow_model::{Duration, Fact, HostTime, StrategyId};
use hedgerow_ports::{Feed, Journal, Saved, SimulatedVenue, StrategyHost};

/// How long a new component is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap {
    /// Calls without a fault.
    pub calls: u64,
    /// Or this long, whichever comes first.
    pub time: Duration,
}

/// What became of a swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swapped {
    /// The new component runs, on probation.
    Done,
    /// The old one goes on; this is why.
    Refused(String),
}

impl Probation {
    pub(crate) fn ends(&self) -> HostTime {
        self.ends
    }
}

/// A new component under watch.
#[derive(Clone, Debug)]
pub(crate) struct Probation {
    calls_left: u64,
    ends: HostTime,
    /// The state at the cut-over, to go back to.
    saved: Option<Saved>,
}

impl<F: Feed, V: SimulatedVenue, H: StrategyHost, J: Journal> Driver<F, V, H, J> {
    /// Whether something waits for all strategies to have come to the engine's tick.
    pub(crate) fn wants_settling(&self) -> bool {
        self.settling
    }

    /// One more good call of a component on probation.
    pub(crate) fn count_probation(&mut self, index: usize) -> Result<(), DriverError> {
        let Some(probation) = &mut self.instances[index].probation else {
            return Ok(());
        };
        probation.calls_left = probation.calls_left.saturating_sub(1);
        if probation.calls_left > 0 { Ok(()) } else { self.accept(index) }
    }

    /// Probations whose time is over.
    pub(crate) fn end_probations(&mut self, now: HostTime) -> Result<(), DriverError> {
        for index in 0..self.instances.len() {
            if self.instances[index].probation.as_ref().is_some_and(|known| known.ends <= now) {
                self.accept(index)?;
            }
        }
        self.drain()
    }

    fn accept(&mut self, index: usize) -> Result<(), DriverError> {
        let instance = &mut self.instances[index];
        instance.probation = None;
        instance.state = StrategyState::Running;
        let strategy = instance.strategy;
        self.host.accept(strategy);
        self.plugin_fact(index, "accepted", String::new())
    }

    /// Puts the prepared candidate in place. Call only when [`Self::is_ready_to_swap`].
    pub fn swap(&mut self, strategy: StrategyId, terms: Swap) -> Result<Swapped, DriverError> {
        self.settling = false;
        let index = strategy.index();
        if self.instances[index].probation.is_some() {
            // a newer component ends the probation of one that has not failed
            self.accept(index)?;
        }
        let state = self.instances[index].state;
        let callable = self.instances[index].is_callable();
        // a strategy that is down, or fails now, starts from its last checkpoint
        let saved = if callable { self.host.save(strategy).ok() } else { None };
        let saved = saved.or_else(|| self.last_checkpoint(strategy));
        let hash = match self.host.swap(strategy, saved.as_ref()) {
            Ok(hash) => hash,
            Err(fault) => {
                let why = fault.to_string();
                self.plugin_fact(index, "refused", why.clone())?;
                self.drain()?;
                self.instances[index].state = state;
                return Ok(Swapped::Refused(why));
            }
        };
        let now = self.time();
        if let Some(Saved { version, data }) = saved.clone() {
            self.note(Fact::Checkpoint { strategy, version, state: data })?;
        }
        let fact = Fact::Plugin { strategy, step: "swapped".into(), hash, detail: String::new() };
        self.note(fact)?;
        let instance = &mut self.instances[index];
        instance.faults = None;
        instance.restart_at = None;
        let ends = now.after(terms.time);
        instance.probation = Some(Probation { calls_left: terms.calls, ends, saved });
        instance.state = StrategyState::Probation;
        self.start_instance(index)?;
        Ok(Swapped::Done)
    }

    /// Whether a swap can be made now; asking makes the loop come to such a moment.
    pub fn is_ready_to_swap(&mut self) -> bool {
        self.settling = !self.is_settled();
        !self.settling
    }

    /// A fault in probation: the old component, from its state at the cut-over.
    pub(crate) fn roll_back(&mut self, index: usize) -> Result<(), DriverError> {
        let Some(probation) = self.instances[index].probation.take() else {
            return Ok(());
        };
        let strategy = self.instances[index].strategy;
        match self.host.revert(strategy, probation.saved.as_ref()) {
            Ok(hash) => {
                if let Some(Saved { version, data }) = probation.saved {
                    self.note(Fact::Checkpoint { strategy, version, state: data })?;
                }
                let detail = "a fault in probation".to_owned();
                let fact = Fact::Plugin { strategy, step: "rolled-back".into(), hash, detail };
                self.note(fact)?;
                self.resume(index)
            }
            Err(fault) => {
                self.instances[index].state = StrategyState::Quarantined;
                self.plugin_fact(index, "quarantined", format!("the way back failed: {fault}"))
            }
        }
    }
}
