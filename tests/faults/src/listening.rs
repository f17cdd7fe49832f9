//! The strategies' host as everybody else sees it, with somebody who listens: what strategies are
//! told, and what they ask to cancel.

use crate::components::Host;
use crate::shared::Shared;
use hedgerow_model::{CallFault, HostTime, StrategyId, TickSlice, TradingMode};
use hedgerow_ports::{Called, Done, Job, StrategyHost};
use std::rc::Rc;

/// Strategies that are listened to.
pub struct Listening {
    inner: Host,
    shared: Rc<Shared>,
}

impl Listening {
    /// From the start of a process on.
    #[must_use]
    pub fn new(inner: Host, shared: Rc<Shared>) -> Self {
        shared.nobody_hears();
        shared.owes_nothing();
        Self { inner, shared }
    }

    fn answered(&self, now: HostTime, strategy: StrategyId, answer: &Result<Called, CallFault>) {
        match answer {
            Ok(called) => self.shared.note_cancels(now.as_nanos(), strategy, &called.outcome),
            Err(_) => self.shared.is_deaf(strategy),
        }
    }
}

impl StrategyHost for Listening {
    fn on_market(
        &mut self,
        strategy: StrategyId,
        mode: TradingMode,
        ticks: &TickSlice,
    ) -> Result<Called, CallFault> {
        let answer = self.inner.on_market(strategy, mode, ticks);
        // it may have read ahead: what it wants is wanted at the last tick it read
        let read = answer.as_ref().map_or(1, |called| called.outcome.consumed.max(1));
        let last = usize::try_from(read).ok().and_then(|read| ticks.get(read - 1));
        let now = HostTime::from_nanos(last.map_or(0, |tick| tick.recv_ts));
        self.answered(now, strategy, &answer);
        answer
    }

    fn run(&mut self, strategy: StrategyId, job: Job) -> Done {
        let at = match &job {
            Job::Event { now, event, .. } => {
                self.shared.hears(now.as_nanos(), strategy, event);
                *now
            }
            Job::Stop { now, .. } => *now,
            Job::Market { ticks, .. } => {
                HostTime::from_nanos(ticks.first().map_or(0, |tick| tick.recv_ts))
            }
            Job::Swap { .. } => {
                self.shared.is_swapped(0, strategy);
                HostTime::EPOCH
            }
            Job::Restart { .. } | Job::Revert { .. } => {
                self.shared.is_deaf(strategy);
                HostTime::EPOCH
            }
            Job::Status => HostTime::EPOCH,
        };
        let done = self.inner.run(strategy, job);
        if let Done::Called(answer) = &done {
            self.answered(at, strategy, answer);
        }
        done
    }

    fn post(&mut self, strategy: StrategyId, job: Job) {
        self.inner.post(strategy, job);
    }

    fn finished(&mut self) -> Option<(StrategyId, Done)> {
        self.inner.finished()
    }

    fn next_order(&self, strategy: StrategyId) -> u64 {
        self.inner.next_order(strategy)
    }

    fn state_version(&self, strategy: StrategyId) -> u32 {
        self.inner.state_version(strategy)
    }

    fn accept(&mut self, strategy: StrategyId) {
        self.inner.accept(strategy);
    }
}
