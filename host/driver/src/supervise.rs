//! After a fault: back-off, restart from the last checkpoint with `resumed`, quarantine; and the
//! last call of all.
//!
//! A restart comes after a second, the next after two; a minute without a fault forgives; the third
//! fault without such a minute quarantines the strategy until a new component is put in or an
//! operator lets it go on. Events are never replayed into the new instance: `resumed` tells it what
//! is.

use crate::instance::{Faults, Stop, StrategyState};
use crate::{Driver, DriverError};
use hedgerow_model::{
    CallFault, Duration, HostTime, Input, OperatorCommand, PluginStep, Scope, StrategyId,
    TradingMode,
};
use hedgerow_ports::{Feed, Job, Journal, Saved, SimulatedVenue, StopReason, StrategyHost};

const BACK_OFF: Duration = Duration::from_secs(1);
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);
const FAULTS_TO_QUARANTINE: u32 = 3;

impl<F: Feed, V: SimulatedVenue, H: StrategyHost, J: Journal> Driver<F, V, H, J> {
    pub(crate) fn on_fault(&mut self, index: usize, fault: CallFault) -> Result<(), DriverError> {
        let (now, strategy) = (self.now, self.instances[index].strategy);
        let (kind, what) = (fault.kind, fault.to_string());
        let next_order = self.host.next_order(strategy);
        self.handle(Input::Fault { now, strategy, fault, next_order });
        // what it was still to be told is told by `resumed`
        self.effects.deliveries.retain(|told| told.strategy != strategy);
        let instance = &mut self.instances[index];
        instance.mailbox.clear();
        (instance.ahead, instance.pending, instance.overrun) = (0, None, false);
        if instance.stop.is_some() {
            self.stopped(index);
            return Ok(());
        }
        if instance.probation.is_some() {
            return self.roll_back(index, what);
        }
        let before = instance.faults.filter(|known| now.since(known.last) <= FORGIVEN_AFTER);
        let count = before.map_or(1, |known| known.count + 1);
        instance.faults = Some(Faults { count, last: now, kind });
        if count >= FAULTS_TO_QUARANTINE {
            self.quarantine(index, format!("{count} faults without a minute of health"));
            return Ok(());
        }
        let wait = Duration::from_nanos(BACK_OFF.as_nanos() << (count - 1));
        instance.state = StrategyState::Paused;
        instance.restart_at = Some(now.after(wait));
        Ok(())
    }

    /// Not called again until a new component or an operator's word.
    pub(crate) fn quarantine(&mut self, index: usize, why: String) {
        let instance = &mut self.instances[index];
        instance.state = StrategyState::Quarantined;
        instance.restart_at = None;
        let (now, strategy) = (self.now, instance.strategy);
        self.handle(Input::Quarantine { now, strategy, why });
        self.effects.deliveries.retain(|told| told.strategy != strategy);
    }

    /// Whether commands wait to be obeyed.
    pub fn has_commands(&self) -> bool {
        !self.operator.is_empty()
    }

    /// An operator lets strategies go on: those in quarantine start again, with a clean sheet.
    pub(crate) fn release(&mut self, command: &OperatorCommand) -> Result<(), DriverError> {
        let OperatorCommand::SetMode { scope, mode: TradingMode::Running } = command else {
            return Ok(());
        };
        for index in 0..self.instances.len() {
            let instance = &mut self.instances[index];
            let meant =
                matches!(scope, Scope::Host) || *scope == Scope::Strategy(instance.strategy);
            if meant && instance.state == StrategyState::Quarantined {
                instance.release = true;
                self.release_one(index)?;
            }
        }
        Ok(())
    }

    /// One that an operator let go on, now or when what is being done with it is done: a component
    /// that takes over goes on by itself.
    pub(crate) fn release_one(&mut self, index: usize) -> Result<(), DriverError> {
        let instance = &mut self.instances[index];
        let free = instance.swapping.is_none() && instance.mailbox.busy.is_none();
        if !(free && std::mem::take(&mut instance.release)) {
            return Ok(());
        }
        if instance.state != StrategyState::Quarantined {
            return Ok(());
        }
        instance.faults = None;
        instance.state = StrategyState::Paused;
        self.plugin_fact(index, PluginStep::Released, "by an operator".into());
        self.restart(index)
    }

    /// What a strategy starts from that cannot be asked.
    pub(crate) fn last_checkpoint(&self, strategy: StrategyId) -> Option<Saved> {
        let (version, data) = self.engine.checkpoint(strategy)?;
        Some(Saved { version, data: data.to_vec() })
    }

    pub(crate) fn plugin_fact(&mut self, index: usize, step: PluginStep, detail: String) {
        let strategy = self.instances[index].strategy;
        self.note_step(strategy, step, String::new(), detail);
    }

    pub(crate) fn next_restart(&self) -> Option<HostTime> {
        let of = |instance: &crate::instance::Instance| {
            let watched = instance.state == StrategyState::Probation;
            let probation = instance.probation.as_ref().filter(|_| watched);
            let ends = probation.map(crate::probation::Probation::ends);
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
        let next_order = self.engine.next_order(strategy);
        self.instances[index].restart_at = None;
        self.begin(index, Job::Restart { saved, next_order })
    }

    pub(crate) fn restarted(
        &mut self,
        index: usize,
        result: Result<(), CallFault>,
    ) -> Result<(), DriverError> {
        match result {
            Ok(()) => self.resume(index),
            Err(fault) => self.on_fault(index, fault),
        }
    }

    /// After a new instance was made: `resumed`, the markets as they stand, a notice of the fault.
    pub(crate) fn resume(&mut self, index: usize) -> Result<(), DriverError> {
        let now = self.now;
        let instance = &mut self.instances[index];
        // nothing of before is for it, nor for a successor that waits, nor of what it says
        instance.mailbox.clear();
        instance.said = None;
        let strategy = instance.strategy;
        if !self.engine.may_start(strategy) {
            instance.state = StrategyState::Loading;
            return self.drain();
        }
        instance.state = StrategyState::Running;
        let fault = instance.faults.map(|Faults { kind, count, .. }| (kind, count));
        self.handle(Input::Start { now, strategy, from_cut: false, fault });
        self.drain()
    }

    /// Calls `stop` of every strategy that can be called. When all [`Self::is_stopped`], their open
    /// orders are left or canceled as the config says.
    pub fn stop_all(&mut self, reason: StopReason) -> Result<(), DriverError> {
        for index in 0..self.instances.len() {
            if self.instances[index].is_callable() {
                self.stop_one(index, reason)?;
            } else {
                self.stopped(index); // it is down: there is nobody to call
            }
        }
        self.drain()
    }

    /// Its next call is its last: now, or when its thread has done what it is at.
    pub(crate) fn stop_one(&mut self, index: usize, reason: StopReason) -> Result<(), DriverError> {
        let (now, instance) = (self.now, &mut self.instances[index]);
        instance.state = StrategyState::Stopping;
        instance.stop = Some(Stop::Wanted(reason));
        let strategy = instance.strategy;
        self.handle(Input::Stopping { now, strategy, reason: reason.code() });
        if self.is_live { Ok(()) } else { self.last_call(index, reason) }
    }

    pub(crate) fn last_call(
        &mut self,
        index: usize,
        reason: StopReason,
    ) -> Result<(), DriverError> {
        let instance = &mut self.instances[index];
        if !instance.is_callable() {
            self.stopped(index);
            return Ok(());
        }
        instance.mailbox.clear();
        instance.state = StrategyState::Stopping;
        instance.stop = Some(Stop::Called);
        let (now, strategy) = (self.now, instance.strategy);
        let mode = self.engine.mode_of(strategy);
        self.begin(index, Job::Stop { now, mode, reason })
    }

    /// Gives up those that do not answer: their orders are handled all the same.
    pub fn stop_now(&mut self) -> Result<(), DriverError> {
        for index in 0..self.instances.len() {
            if self.instances[index].state != StrategyState::Stopped {
                self.stopped(index);
            }
        }
        self.drain()
    }

    /// Whether every strategy has had its last call.
    pub fn is_stopped(&self) -> bool {
        self.instances.iter().all(|instance| instance.state == StrategyState::Stopped)
    }

    /// It is called no more; its orders are handled by policy.
    pub(crate) fn stopped(&mut self, index: usize) {
        let instance = &mut self.instances[index];
        instance.state = StrategyState::Stopped;
        (instance.ahead, instance.pending) = (0, None);
        instance.stop = None;
        (instance.restart_at, instance.probation) = (None, None);
        let (now, strategy) = (self.now, instance.strategy);
        self.handle(Input::Stopped { now, strategy });
    }
}
