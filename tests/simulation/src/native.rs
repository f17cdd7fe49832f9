//! Strategies behind the port without a sandbox.

use hedgerow_engine::Engine;
use hedgerow_model::{
    CallFault, Event, FaultKind, Header, HostTime, InstrumentId, Intent, Outcome, StrategyId, Tick,
    TickSlice, TradingMode,
};
use hedgerow_ports::{Asked, Called, Cut, Done, Job, JobKind, Saved, StrategyHost};
use hedgerow_sdk::{Context, Instrument, Market, Runtime, SavedState, Strategy};
use std::collections::VecDeque;

struct Slot<S> {
    runtime: Option<Runtime<S>>,
    parameters: String,
    instruments: Vec<Instrument>,
    next_order: u64,
}

/// Native strategies, by id.
pub struct NativeHost<S>(Vec<Slot<S>>, Threads, Option<Vec<Read>>);

/// Something a strategy has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// A tick.
    Tick(StrategyId, Tick),
    /// An event.
    Event(StrategyId, Event),
}

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
        Self(starts.into_iter().map(make).collect(), Threads::default(), None)
    }

    /// Starts every strategy again from where an engine's facts end.
    ///
    /// # Panics
    /// When one refuses its state.
    #[must_use]
    pub fn go_on(mut self, engine: &Engine) -> Self {
        for id in (0..).map(StrategyId).take(self.0.len()) {
            let saved = engine.checkpoint(id);
            let saved = saved.map(|(version, data)| Saved { version, data: data.to_vec() });
            let made = self.restart(id, saved, engine.next_order(id));
            made.unwrap_or_else(|e| panic!("{e}"));
        }
        self
    }

    /// Does posted jobs after up to so many looks, by a seed.
    #[must_use]
    pub fn with_threads(mut self, seed: u64, slowest: u32) -> Self {
        self.1 = Threads { dice: seed, slowest, ..Threads::default() };
        self.2 = Some(Vec::new());
        self
    }

    /// Has one of so many calls and swaps fail.
    #[must_use]
    pub fn with_faults(mut self, faulty: u64) -> Self {
        self.1.faulty = faulty;
        self
    }

    /// What was read, in order, if that is kept.
    #[must_use]
    pub fn read(&self) -> &[Read] {
        self.2.as_deref().unwrap_or_default()
    }

    /// What the SDK knows of an instrument inside a strategy.
    #[must_use]
    pub fn market(&self, id: StrategyId, of: InstrumentId) -> Option<&Market> {
        self.context(id)?.market(of)
    }

    /// What the SDK knows inside a strategy.
    #[must_use]
    pub fn context(&self, id: StrategyId) -> Option<&Context> {
        Some(self.0.get(id.index())?.runtime.as_ref()?.context())
    }

    fn call(
        &mut self,
        strategy: StrategyId,
        mode: TradingMode,
        act: impl FnOnce(&mut Runtime<S>, u64) -> Outcome,
    ) -> Result<Called, CallFault> {
        let slot = self.0.get_mut(strategy.index()).ok_or_else(gone)?;
        let first_order = slot.next_order;
        let runtime = slot.runtime.as_mut().ok_or_else(gone)?;
        let mut outcome = act(runtime, first_order);
        // as the host of components does
        let acts = outcome.intents.iter().any(|i| !matches!(i, Intent::Report(_)));
        if acts && outcome.checkpoint.is_none() {
            outcome.checkpoint = Some(runtime.save().data);
        }
        slot.next_order += outcome.submits();
        Ok(Called { first_order, mode, outcome })
    }

    fn restart(
        &mut self,
        strategy: StrategyId,
        saved: Option<Saved>,
        next_order: u64,
    ) -> Result<(), CallFault> {
        let slot = self.0.get_mut(strategy.index()).ok_or_else(gone)?;
        slot.next_order = slot.next_order.max(next_order);
        let saved = saved.map(|s| SavedState { version: s.version, data: s.data });
        let made = Runtime::init(&slot.parameters, slot.instruments.clone(), saved.as_ref());
        slot.runtime = Some(made.map_err(|_| gone())?);
        Ok(())
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
        self.call(strategy, mode, |runtime, next_order| {
            runtime.on_market(&Header { now, next_order, mode }, ticks)
        })
    }

    fn run(&mut self, strategy: StrategyId, job: Job) -> Done {
        match job {
            Job::Market { mode, ticks } => {
                let answer = self.on_market(strategy, mode, &ticks);
                if let (Ok(called), Some(log)) = (&answer, &mut self.2) {
                    let read = &ticks[..called.outcome.consumed as usize];
                    log.extend(read.iter().map(|tick| Read::Tick(strategy, *tick)));
                }
                Done::Called(answer)
            }
            Job::Event { now, mode, event } => {
                if let Some(log) = &mut self.2 {
                    log.push(Read::Event(strategy, event.clone()));
                }
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
            Job::Status => {
                let slot = self.0.get(strategy.index()).and_then(|slot| slot.runtime.as_ref());
                Done::Said(slot.map(Runtime::status).ok_or_else(gone))
            }
            Job::Restart { saved, next_order } => {
                Done::Restarted(self.restart(strategy, saved, next_order))
            }
            // the same code again, from its own state: what a swap asks of the loop
            Job::Swap { fallback, ask, next_order } => {
                let slot = self.0.get(strategy.index()).and_then(|slot| slot.runtime.as_ref());
                let saved = slot.filter(|_| ask).map(|runtime| runtime.save());
                let saved = saved.map(|SavedState { version, data }| Saved { version, data });
                let asked = if saved.is_some() { Asked::Said } else { Asked::Not };
                let saved = saved.or(fallback);
                let made = self.restart(strategy, saved.clone(), next_order);
                Done::Swapped(made.map(|()| Cut { hash: "native".into(), saved, asked }))
            }
            Job::Revert { saved, next_order } => {
                let made = self.restart(strategy, saved, next_order);
                Done::Reverted(made.map(|()| "native".into()))
            }
        }
    }

    fn post(&mut self, strategy: StrategyId, job: Job) {
        self.1.post(strategy, job);
    }

    fn finished(&mut self) -> Option<(StrategyId, Done)> {
        let (strategy, job) = self.1.due()?;
        if !self.1.fails(&job) {
            return Some((strategy, self.run(strategy, job)));
        }
        let slot = self.0.get_mut(strategy.index())?;
        if matches!(job.kind(), JobKind::Call | JobKind::Status) {
            // no number that the call may have used is used again
            (slot.runtime, slot.next_order) = (None, slot.next_order + 100);
        }
        let detail = "by the dice".into();
        Some((strategy, job.kind().failed(CallFault { kind: FaultKind::Trap, detail })))
    }

    fn next_order(&self, strategy: StrategyId) -> u64 {
        self.0.get(strategy.index()).map_or(1, |slot| slot.next_order)
    }

    fn state_version(&self, _: StrategyId) -> u32 {
        S::STATE_VERSION
    }

    fn accept(&mut self, _: StrategyId) {}
}

/// Posted jobs, each done after a number of looks that a seed decides: threads that are quick or
/// slow, without threads.
#[derive(Default)]
struct Threads {
    jobs: VecDeque<(StrategyId, Job, u32)>,
    dice: u64,
    slowest: u32,
    /// One of so many calls and swaps fails; none: never.
    faulty: u64,
}

impl Threads {
    fn post(&mut self, strategy: StrategyId, job: Job) {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let looks = u32::try_from(self.dice >> 33).unwrap_or(0) % self.slowest.max(1);
        self.jobs.push_back((strategy, job, looks));
    }

    fn fails(&mut self, job: &Job) -> bool {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let may = matches!(job.kind(), JobKind::Call | JobKind::Swap | JobKind::Status);
        may && self.faulty > 0 && (self.dice >> 33).is_multiple_of(self.faulty)
    }

    fn due(&mut self) -> Option<(StrategyId, Job)> {
        for (_, _, looks) in &mut self.jobs {
            *looks = looks.saturating_sub(1);
        }
        let place = self.jobs.iter().position(|(_, _, looks)| *looks == 0)?;
        self.jobs.remove(place).map(|(strategy, job, _)| (strategy, job))
    }
}
