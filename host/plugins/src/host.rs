//! All strategies of a run behind the port: their plugins, instances, order numbers and candidates.

use crate::engine::WasmEngine;
use crate::instance::{Instance, Setup};
use crate::limits::Limits;
use crate::load::Plugin;
use crate::shadow::{Entry, Ring};
use hedgerow_model::{
    CallFault, Event, FaultKind, Header, HostTime, Intent, Outcome, StrategyId, TickSlice,
    TradingMode,
};
use hedgerow_ports::{Called, Saved, StrategyHost};

/// How a strategy begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its component.
    pub plugin: Plugin,
    /// What it is given.
    pub setup: Setup,
    /// The state it continues from.
    pub saved: Option<Saved>,
    /// The first order number it has never used.
    pub next_order: u64,
}

struct Slot {
    plugin: Plugin,
    setup: Setup,
    instance: Option<Instance>,
    /// The component before this one, while this one is on probation.
    previous: Option<Plugin>,
    /// Checked and tried in the shadow, waiting for the cut-over.
    candidate: Option<Plugin>,
    next_order: u64,
    ring: Option<Ring>,
}

/// The strategies of a run.
pub struct PluginHost {
    engine: WasmEngine,
    limits: Limits,
    slots: Vec<Slot>,
}

impl PluginHost {
    /// Starts all strategies, by id. `rings`: remember recent events, so that a candidate can be
    /// tried on them. All refusals are reported together, each with the place of its strategy.
    pub fn start(
        engine: WasmEngine,
        limits: Limits,
        starts: Vec<Start>,
        rings: bool,
    ) -> Result<Self, Vec<(usize, crate::instance::InitFailure)>> {
        let mut slots = Vec::new();
        let mut refused = Vec::new();
        for (place, start) in starts.into_iter().enumerate() {
            let Start { plugin, setup, saved, next_order } = start;
            match Instance::start(&engine, &plugin, &setup, &limits, saved.as_ref()) {
                Ok(instance) => {
                    let ring = rings.then(|| Ring::new(saved.clone()));
                    let instance = Some(instance);
                    let (previous, candidate) = (None, None);
                    let slot =
                        Slot { plugin, setup, instance, previous, candidate, next_order, ring };
                    slots.push(slot);
                }
                Err(failure) => refused.push((place, failure)),
            }
        }
        if refused.is_empty() { Ok(Self { engine, limits, slots }) } else { Err(refused) }
    }

    /// The running component of a strategy.
    #[must_use]
    pub fn plugin(&self, strategy: StrategyId) -> Option<&Plugin> {
        self.slots.get(strategy.index()).map(|slot| &slot.plugin)
    }

    /// What a strategy was started with.
    #[must_use]
    pub fn setup(&self, strategy: StrategyId) -> Option<&Setup> {
        self.slots.get(strategy.index()).map(|slot| &slot.setup)
    }

    /// The strategy's status document, or why there is none.
    pub fn status(&mut self, strategy: StrategyId) -> Result<String, CallFault> {
        let said = self.instance(strategy)?.status();
        self.drop_if_failed(strategy, said)
    }

    /// A store that trapped is not entered again, whatever was asked of it.
    fn drop_if_failed<T>(
        &mut self,
        strategy: StrategyId,
        answer: Result<T, CallFault>,
    ) -> Result<T, CallFault> {
        if answer.is_err()
            && let Some(slot) = self.slots.get_mut(strategy.index())
        {
            slot.instance = None;
        }
        answer
    }

    /// Recent events of a strategy and the state they start from.
    #[must_use]
    pub fn ring(&self, strategy: StrategyId) -> Option<Ring> {
        self.slots.get(strategy.index()).and_then(|slot| slot.ring.clone())
    }

    /// Gives a strategy other parameters (JSON); they hold from its next instance on.
    pub fn set_parameters(&mut self, strategy: StrategyId, parameters: &str) {
        if let Some(slot) = self.slots.get_mut(strategy.index()) {
            parameters.clone_into(&mut slot.setup.parameters);
        }
    }

    /// Puts a checked component in waiting; the next `swap` takes it. A newer one replaces it.
    pub fn set_candidate(&mut self, strategy: StrategyId, plugin: Plugin) {
        if let Some(slot) = self.slots.get_mut(strategy.index()) {
            slot.candidate = Some(plugin);
        }
    }

    fn instance(&mut self, strategy: StrategyId) -> Result<&mut Instance, CallFault> {
        let slot = self.slots.get_mut(strategy.index());
        slot.and_then(|slot| slot.instance.as_mut()).ok_or_else(gone)
    }

    fn call(
        &mut self,
        strategy: StrategyId,
        now: HostTime,
        mode: TradingMode,
        act: impl FnOnce(&mut Instance, Header) -> Result<Outcome, CallFault>,
    ) -> Result<Called, CallFault> {
        let most = u64::from(self.limits.intents_per_call);
        let slot = self.slots.get_mut(strategy.index()).ok_or_else(gone)?;
        let first_order = slot.next_order;
        let instance = slot.instance.as_mut().ok_or_else(gone)?;
        match act(instance, Header { now, next_order: first_order, mode }) {
            Ok(outcome) => {
                let submits = |intent: &&Intent| matches!(intent, Intent::Submit(_));
                let used = outcome.intents.iter().filter(submits).count();
                slot.next_order += u64::try_from(used).unwrap_or(most);
                Ok(Called { first_order, outcome })
            }
            Err(fault) => {
                // the store is not entered again, and no number the call may have used is
                slot.instance = None;
                slot.next_order += most;
                Err(fault)
            }
        }
    }

    fn remember(&mut self, strategy: StrategyId, entry: impl FnOnce() -> Entry) {
        let Some(slot) = self.slots.get_mut(strategy.index()) else {
            return;
        };
        let (Some(ring), Some(instance)) = (&mut slot.ring, &mut slot.instance) else {
            return;
        };
        let mut failed = false;
        ring.push(entry(), || instance.save().inspect_err(|_| failed = true).ok());
        if failed {
            slot.instance = None;
        }
    }

    fn fresh(
        &self,
        strategy: StrategyId,
        plugin: &Plugin,
        saved: Option<&Saved>,
    ) -> Result<Instance, CallFault> {
        let slot = self.slots.get(strategy.index()).ok_or_else(gone)?;
        Ok(Instance::start(&self.engine, plugin, &slot.setup, &self.limits, saved)?)
    }
}

fn gone() -> CallFault {
    CallFault { kind: FaultKind::Trap, detail: "there is no instance".into() }
}

impl StrategyHost for PluginHost {
    fn on_market(
        &mut self,
        strategy: StrategyId,
        mode: TradingMode,
        ticks: &TickSlice,
    ) -> Result<Called, CallFault> {
        let first = ticks.first().map_or(0, |tick| tick.recv_ts);
        let now = HostTime::from_nanos(first);
        let called =
            self.call(strategy, now, mode, |instance, header| instance.on_market(header, ticks))?;
        if self.slots.get(strategy.index()).is_some_and(|slot| slot.ring.is_some()) {
            let read = called.outcome.consumed as usize;
            let intents = called.outcome.intents.clone();
            let ticks = ticks.prefix(read);
            self.remember(strategy, || Entry::market(ticks, called.first_order, mode, intents));
        }
        Ok(called)
    }

    fn on_event(
        &mut self,
        strategy: StrategyId,
        now: HostTime,
        mode: TradingMode,
        event: &Event,
    ) -> Result<Called, CallFault> {
        let called =
            self.call(strategy, now, mode, |instance, header| instance.on_event(header, event))?;
        if self.slots.get(strategy.index()).is_some_and(|slot| slot.ring.is_some()) {
            let header = Header { now, next_order: called.first_order, mode };
            let intents = called.outcome.intents.clone();
            self.remember(strategy, || Entry::event(header, event.clone(), intents));
        }
        Ok(called)
    }

    fn save(&mut self, strategy: StrategyId) -> Result<Saved, CallFault> {
        let saved = self.instance(strategy)?.save();
        self.drop_if_failed(strategy, saved)
    }

    fn next_order(&self, strategy: StrategyId) -> u64 {
        self.slots.get(strategy.index()).map_or(1, |slot| slot.next_order)
    }

    fn state_version(&self, strategy: StrategyId) -> u32 {
        self.plugin(strategy).map_or(0, |plugin| plugin.description.state_version)
    }

    fn restart(&mut self, strategy: StrategyId, saved: Option<Saved>) -> Result<(), CallFault> {
        let plugin = self.plugin(strategy).ok_or_else(gone)?.clone();
        let instance = self.fresh(strategy, &plugin, saved.as_ref())?;
        if let Some(slot) = self.slots.get_mut(strategy.index()) {
            slot.instance = Some(instance);
            slot.ring = slot.ring.is_some().then(|| Ring::new(saved));
        }
        Ok(())
    }

    fn swap(&mut self, strategy: StrategyId, saved: Option<&Saved>) -> Result<String, CallFault> {
        let slot = self.slots.get_mut(strategy.index()).ok_or_else(gone)?;
        let candidate = slot.candidate.take().ok_or_else(|| CallFault {
            kind: FaultKind::Init,
            detail: "no component waits to be swapped in".into(),
        })?;
        let instance = self.fresh(strategy, &candidate, saved)?;
        let slot = self.slots.get_mut(strategy.index()).ok_or_else(gone)?;
        let hash = candidate.hash.clone();
        slot.previous = Some(std::mem::replace(&mut slot.plugin, candidate));
        slot.instance = Some(instance);
        slot.ring = slot.ring.is_some().then(|| Ring::new(saved.cloned()));
        Ok(hash)
    }

    fn accept(&mut self, strategy: StrategyId) {
        if let Some(slot) = self.slots.get_mut(strategy.index()) {
            slot.previous = None;
        }
    }

    fn revert(&mut self, strategy: StrategyId, saved: Option<&Saved>) -> Result<String, CallFault> {
        let slot = self.slots.get_mut(strategy.index()).ok_or_else(gone)?;
        let previous = slot.previous.take().ok_or_else(|| CallFault {
            kind: FaultKind::Init,
            detail: "there is no earlier component".into(),
        })?;
        let instance = self.fresh(strategy, &previous, saved)?;
        let slot = self.slots.get_mut(strategy.index()).ok_or_else(gone)?;
        let hash = previous.hash.clone();
        slot.plugin = previous;
        slot.instance = Some(instance);
        slot.ring = slot.ring.is_some().then(|| Ring::new(saved.cloned()));
        Ok(hash)
    }

    fn is_alive(&self, strategy: StrategyId) -> bool {
        self.slots.get(strategy.index()).is_some_and(|slot| slot.instance.is_some())
    }
}
