//! After a fault: back-off, restart from the last checkpoint with `resumed`, quarantine.
//!
//! A restart comes after a second, the next after two; a minute without a fault forgives; the third
//! fault without such a minute quarantines the strategy until a new component is put in. Events are
//! never replayed into the new instance: `resumed` tells it what is.

use crate::instance::{Faults, StrategyState};
use crate::{Driver, DriverError};
use hedgerow_engine::Input;
use hedgerow_model::{CallFault, Duration, Event, Fact, HostTime, StrategyId};
use hedgerow_ports::{Feed, Journal, Saved, SimulatedVenue, StrategyHost};

const BACK_OFF: Duration = Duration::from_secs(1);
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);
const FAULTS_TO_QUARANTINE: u32 = 3;

impl<F: Feed, V: SimulatedVenue, H: StrategyHost, J: Journal> Driver<F, V, H, J> {
    pub(crate) fn on_fault(&mut self, index: usize, fault: CallFault) -> Result<(), DriverError> {
        let (now, strategy) = (self.time(), self.instances[index].strategy);
        let kind = fault.kind;
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
        let before = instance.faults.filter(|known| now.since(known.last) <= FORGIVEN_AFTER);
        let count = before.map_or(1, |known| known.count + 1);
        instance.faults = Some(Faults { count, last: now, kind });
        if count >= FAULTS_TO_QUARANTINE {
            instance.state = StrategyState::Quarantined;
            instance.restart_at = None;
            let detail = format!("{count} faults without a minute of health");
            return self.plugin_fact(index, "quarantined", detail);
        }
        let wait = Duration::from_nanos(BACK_OFF.as_nanos() << (count - 1));
        instance.state = StrategyState::Paused;
        instance.restart_at = Some(now.after(wait));
        Ok(())
    }

    /// What a strategy starts from that cannot be asked.
    pub(crate) fn last_checkpoint(&self, strategy: StrategyId) -> Option<Saved> {
        let (version, data) = self.engine.checkpoint(strategy)?;
        Some(Saved { version, data: data.to_vec() })
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
        let saved = self.last_checkpoint(strategy);
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
        let faults = instance.faults;
        self.start_instance(index)?;
        if let Some(Faults { count, kind, .. }) = faults
            && self.instances[index].is_callable()
        {
            let strategy = self.instances[index].strategy;
            let event = Event::Fault { kind, count };
            let told = hedgerow_model::DeliverEvent { strategy, time: now, event };
            self.effects.deliveries.push_back(told);
            self.drain()?;
        }
        Ok(())
    }
}
