//! After a fault: back-off, restart from the last checkpoint with `resumed`, quarantine.
//!
//! Back-off starts at a second and doubles to thirty; a minute without a fault forgives; three
//! faults within it quarantine the strategy until a new component or an operator's word. Events are
//! never replayed into the new instance: `resumed` tells it what is.

use crate::instance::StrategyState;
use crate::{Driver, DriverError};
use hedgerow_engine::Input;
use hedgerow_model::{CallFault, Duration, Event, Fact, HostTime};
use hedgerow_ports::{Feed, Journal, Saved, SimulatedVenue, StrategyHost};

const BACK_OFF: Duration = Duration::from_secs(1);
const BACK_OFF_MAX: Duration = Duration::from_secs(30);
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);
const FAULTS_TO_QUARANTINE: usize = 3;

impl<F: Feed, V: SimulatedVenue, H: StrategyHost, J: Journal> Driver<F, V, H, J> {
    pub(crate) fn on_fault(&mut self, index: usize, fault: CallFault) -> Result<(), DriverError> {
        let (now, strategy) = (self.time(), self.instances[index].strategy);
        let next_order = self.host.next_order(strategy);
        self.engine.handle(Input::Fault { now, strategy, fault, next_order }, &mut self.effects);
        // what it was still to be told is told by `resumed`; timers that are over are kept
        let mut missed = Vec::new();
        self.effects.deliveries.retain(|told| {
            if told.strategy != strategy {
                return true;
            }
            if let Event::Timer(id) = told.event {
                missed.push(id);
            }
            false
        });
        let instance = &mut self.instances[index];
        instance.missed_timers.extend(missed);
        (instance.ahead, instance.pending) = (0, None);
        if instance.probation.is_some() {
            return self.roll_back(index);
        }
        while instance.faults.front().is_some_and(|at| now.since(*at) > FORGIVEN_AFTER) {
            instance.faults.pop_front();
        }
        instance.faults.push_back(now);
        if instance.faults.len() >= FAULTS_TO_QUARANTINE {
            instance.state = StrategyState::Quarantined;
            instance.restart_at = None;
            let detail = format!("{} faults within a minute", instance.faults.len());
            return self.plugin_fact(index, "quarantined", detail);
        }
        let doubled = 1_u64 << (instance.faults.len() - 1);
        let wait = BACK_OFF.as_nanos().saturating_mul(doubled).min(BACK_OFF_MAX.as_nanos());
        instance.state = StrategyState::Paused;
        instance.restart_at = Some(now.after(Duration::from_nanos(wait)));
        Ok(())
    }

    pub(crate) fn plugin_fact(
        &mut self,
        index: usize,
        step: &str,
        detail: String,
    ) -> Result<(), DriverError> {
        let strategy = self.instances[index].strategy;
        let fact = Fact::Plugin { strategy, step: step.into(), hash: String::new(), detail };
        self.engine.handle(Input::Note { now: self.time(), fact }, &mut self.effects);
        Ok(())
    }

    pub(crate) fn next_restart(&self) -> Option<HostTime> {
        let of = |instance: &crate::instance::Instance| {
            let ends = instance.probation.as_ref().map(crate::replace::Probation::ends);
            [instance.restart_at, ends].into_iter().flatten().min()
        };
        self.instances.iter().filter_map(of).min()
    }

    pub(crate) fn restart_due(&mut self, now: HostTime) -> Result<(), DriverError> {
        for index in 0..self.instances.len() {
            if self.instances[index].restart_at.is_some_and(|at| at <= now) {
                self.restart(index)?;
            }
        }
        Ok(())
    }

    /// A new instance of the same component from the last checkpoint.
    fn restart(&mut self, index: usize) -> Result<(), DriverError> {
        let strategy = self.instances[index].strategy;
        let saved = self
            .engine
            .checkpoint(strategy)
            .map(|(version, data)| Saved { version, data: data.to_vec() });
        self.instances[index].restart_at = None;
        if let Err(fault) = self.host.restart(strategy, saved) {
            self.on_fault(index, fault)?;
            return self.drain();
        }
        self.resume(index)
    }

    /// After a new instance was made: `resumed`, a notice of the fault, the markets as they stand.
    pub(crate) fn resume(&mut self, index: usize) -> Result<(), DriverError> {
        let now = self.time();
        let instance = &mut self.instances[index];
        instance.state = StrategyState::Running;
        instance.started = now;
        let count = u32::try_from(instance.faults.len()).unwrap_or(u32::MAX);
        self.start_instance(index)?;
        if count > 0 && self.instances[index].is_callable() {
            let kind = hedgerow_model::FaultKind::Trap;
            let strategy = self.instances[index].strategy;
            let event = Event::Fault { kind, count };
            let told = hedgerow_model::DeliverEvent { strategy, time: now, event };
            self.effects.deliveries.push_back(told);
            self.drain()?;
        }
        Ok(())
    }
}
