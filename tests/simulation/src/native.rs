//! Strategies behind the port without a sandbox.

use hedgerow_model::{
    CallFault, Event, FaultKind, Header, HostTime, Intent, Outcome, StrategyId, TickSlice,
    TradingMode,
};
use hedgerow_ports::{Called, Saved, StrategyHost};
use hedgerow_sdk::{Instrument, Runtime, SavedState, Strategy};

struct Slot<S> {
    runtime: Option<Runtime<S>>,
    parameters: String,
    instruments: Vec<Instrument>,
    next_order: u64,
}

/// Native strategies, by id.
pub struct NativeHost<S>(Vec<Slot<S>>);

fn gone() -> CallFault {
    CallFault { kind: FaultKind::Trap, detail: "no instance".into() }
}

impl<S: Strategy> NativeHost<S> {
    /// Starts strategies with parameters and instruments.
    ///
    /// # Panics
    /// When one refuses.
    #[must_use]
    pub fn start(starts: Vec<(String, Vec<Instrument>)>) -> Self {
        let make = |(parameters, instruments): (String, Vec<Instrument>)| {
            let runtime = Runtime::init(&parameters, instruments.clone(), None);
            let runtime = Some(runtime.unwrap_or_else(|e| panic!("{e}")));
            Slot { runtime, parameters, instruments, next_order: 1 }
        };
        Self(starts.into_iter().map(make).collect())
    }

    fn call(
        &mut self,
        strategy: StrategyId,
        act: impl FnOnce(&mut Runtime<S>, u64) -> Outcome,
    ) -> Result<Called, CallFault> {
        let slot = self.0.get_mut(strategy.index()).ok_or_else(gone)?;
        let first_order = slot.next_order;
        let outcome = act(slot.runtime.as_mut().ok_or_else(gone)?, first_order);
        let submits = |intent: &&Intent| matches!(intent, Intent::Submit(_));
        slot.next_order += outcome.intents.iter().filter(submits).count() as u64;
        Ok(Called { first_order, outcome })
    }
}

impl<S: Strategy> StrategyHost for NativeHost<S> {
    fn on_market(
        &mut self,
        strategy: StrategyId,
        mode: TradingMode,
        ticks: &TickSlice,
    ) -> Result<Called, CallFault> {
        let now = HostTime::from_nanos(ticks.first().map_or(0, |tick| tick.recv_ts));
        self.call(strategy, |runtime, next_order| {
            runtime.on_market(&Header { now, next_order, mode }, ticks)
        })
    }

    fn on_event(
        &mut self,
        strategy: StrategyId,
        now: HostTime,
        mode: TradingMode,
        event: &Event,
    ) -> Result<Called, CallFault> {
        self.call(strategy, |runtime, next_order| {
            runtime.on_event(&Header { now, next_order, mode }, event)
        })
    }

    fn save(&mut self, strategy: StrategyId) -> Result<Saved, CallFault> {
        let slot = self.0.get(strategy.index()).and_then(|slot| slot.runtime.as_ref());
        let SavedState { version, data } = slot.ok_or_else(gone)?.save();
        Ok(Saved { version, data })
    }

    fn next_order(&self, strategy: StrategyId) -> u64 {
        self.0.get(strategy.index()).map_or(1, |slot| slot.next_order)
    }

    fn state_version(&self, _: StrategyId) -> u32 {
        S::STATE_VERSION
    }

    fn restart(&mut self, strategy: StrategyId, saved: Option<Saved>) -> Result<(), CallFault> {
        let slot = self.0.get_mut(strategy.index()).ok_or_else(gone)?;
        let saved = saved.map(|s| SavedState { version: s.version, data: s.data });
        let made = Runtime::init(&slot.parameters, slot.instruments.clone(), saved.as_ref());
        slot.runtime = Some(made.map_err(|_| gone())?);
        Ok(())
    }

    fn swap(&mut self, _: StrategyId, _: Option<&Saved>) -> Result<String, CallFault> {
        Err(gone())
    }

    fn accept(&mut self, _: StrategyId) {}

    fn revert(&mut self, _: StrategyId, _: Option<&Saved>) -> Result<String, CallFault> {
        Err(gone())
    }

    fn is_alive(&self, strategy: StrategyId) -> bool {
        self.0.get(strategy.index()).is_some_and(|slot| slot.runtime.is_some())
    }
}
