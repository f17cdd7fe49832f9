//! Strategies behind the port without a sandbox, through the SDK's own frame, which is the same
//! code as inside a component. Calls fail when the script says so.

use hedgerow_engine::Engine;
use hedgerow_guest_trader::Trader;
use hedgerow_model::{
    CallFault, FaultKind, Header, HostTime, Intent, Outcome, StrategyId, TickSlice, TradingMode,
};
use hedgerow_ports::{Asked, Called, Cut, Done, Job, Saved, StrategyHost};
use hedgerow_sdk::{Instrument, Runtime, SavedState};
use std::cell::Cell;
use std::rc::Rc;

/// How many numbers a failed call may have used: no later call uses one of them.
pub(crate) const NUMBERS: u64 = 100;

struct Slot {
    runtime: Option<Runtime<Trader>>,
    parameters: String,
    instruments: Vec<Instrument>,
    next_order: u64,
    /// How many of the next calls fail.
    traps: Rc<Cell<u32>>,
}

/// The strategies of a run.
pub struct Native(Vec<Slot>);

/// What a strategy starts with: parameters, instruments, and where it is told to fail.
pub struct Start {
    /// Parameters, JSON.
    pub parameters: String,
    /// Its instruments.
    pub instruments: Vec<Instrument>,
    /// How many of its next calls fail.
    pub traps: Rc<Cell<u32>>,
}

fn trap(detail: &str) -> CallFault {
    CallFault { kind: FaultKind::Trap, detail: detail.into() }
}

impl Native {
    /// Starts every strategy from where an engine's facts end.
    ///
    /// # Panics
    /// When one refuses its state.
    #[must_use]
    pub fn start(starts: Vec<Start>, engine: &Engine) -> Self {
        let slot = |Start { parameters, instruments, traps }| Slot {
            runtime: None,
            parameters,
            instruments,
            next_order: 1,
            traps,
        };
        let mut this = Self(starts.into_iter().map(slot).collect());
        for id in (0..).map(StrategyId).take(this.0.len()) {
            let saved = engine.checkpoint(id);
            let saved = saved.map(|(version, data)| Saved { version, data: data.to_vec() });
            let made = this.renew(id, saved, engine.next_order(id));
            made.unwrap_or_else(|e| panic!("{e}"));
        }
        this
    }

    fn call(
        &mut self,
        strategy: StrategyId,
        mode: TradingMode,
        act: impl FnOnce(&mut Runtime<Trader>, u64) -> Outcome,
    ) -> Result<Called, CallFault> {
        let slot = self.0.get_mut(strategy.index()).ok_or_else(|| trap("nobody"))?;
        let first_order = slot.next_order;
        if slot.traps.get() > 0 {
            slot.traps.set(slot.traps.get() - 1);
            slot.runtime = None;
            slot.next_order += NUMBERS;
            return Err(trap("by the script"));
        }
        let runtime = slot.runtime.as_mut().ok_or_else(|| trap("no instance"))?;
        let mut outcome = act(runtime, first_order);
        // as the host of components does
        let acts = outcome.intents.iter().any(|i| !matches!(i, Intent::Report(_)));
        if acts && outcome.checkpoint.is_none() {
            outcome.checkpoint = Some(runtime.save().data);
        }
        slot.next_order += outcome.submits();
        Ok(Called { first_order, mode, outcome })
    }

    fn renew(
        &mut self,
        strategy: StrategyId,
        saved: Option<Saved>,
        next_order: u64,
    ) -> Result<(), CallFault> {
        let slot = self.0.get_mut(strategy.index()).ok_or_else(|| trap("nobody"))?;
        slot.next_order = slot.next_order.max(next_order);
        let saved = saved.map(|s| SavedState { version: s.version, data: s.data });
        let made = Runtime::init(&slot.parameters, slot.instruments.clone(), saved.as_ref());
        slot.runtime = Some(made.map_err(|_| trap("the state is refused"))?);
        Ok(())
    }
}

impl StrategyHost for Native {
    fn on_market(
        &mut self,
        strategy: StrategyId,
        mode: TradingMode,
        ticks: &TickSlice,
    ) -> Result<Called, CallFault> {
        let now = HostTime::from_nanos(ticks.first().map_or(0, |tick| tick.recv_ts));
        self.call(strategy, mode, |runtime, next_order| {
            runtime.on_market(&Header { now, next_order, mode }, ticks)
        })
    }

    fn run(&mut self, strategy: StrategyId, job: Job) -> Done {
        match job {
            Job::Market { mode, ticks } => Done::Called(self.on_market(strategy, mode, &ticks)),
            Job::Event { now, mode, event } => {
                Done::Called(self.call(strategy, mode, |runtime, next_order| {
                    runtime.on_event(&Header { now, next_order, mode }, &event)
                }))
            }
            Job::Stop { now, mode, .. } => {
                Done::Called(self.call(strategy, mode, |runtime, next_order| {
                    let header = Header { now, next_order, mode };
                    runtime.stop(&header, hedgerow_sdk::StopReason::Shutdown)
                }))
            }
            Job::Status => Done::Said(Ok("{}".into())),
            Job::Restart { saved, next_order } => {
                Done::Restarted(self.renew(strategy, saved, next_order))
            }
            // the same code again, from its own state: what a swap asks of the loop
            Job::Swap { fallback, ask, next_order } => {
                let runtime = self.0.get(strategy.index()).and_then(|slot| slot.runtime.as_ref());
                let saved = runtime.filter(|_| ask).map(Runtime::save);
                let saved = saved.map(|SavedState { version, data }| Saved { version, data });
                let asked = if saved.is_some() { Asked::Said } else { Asked::Not };
                let saved = saved.or(fallback);
                let made = self.renew(strategy, saved.clone(), next_order);
                Done::Swapped(made.map(|()| Cut { hash: "again".into(), saved, asked }))
            }
            Job::Revert { saved, next_order } => {
                let made = self.renew(strategy, saved, next_order);
                Done::Reverted(made.map(|()| "native".into()))
            }
        }
    }

    fn post(&mut self, _: StrategyId, _: Job) {
        unreachable!("strategies run within the loop");
    }

    fn finished(&mut self) -> Option<(StrategyId, Done)> {
        None
    }

    fn next_order(&self, strategy: StrategyId) -> u64 {
        self.0.get(strategy.index()).map_or(1, |slot| slot.next_order)
    }

    fn state_version(&self, _: StrategyId) -> u32 {
        1
    }

    fn accept(&mut self, _: StrategyId) {}
}
