//! All strategies of a run behind the port: their plugins, instances, order numbers and candidates;
//! called within the loop, or on a few threads of their own.

use crate::engine::{Mode, WasmEngine};
use crate::instance::{InitFailure, Setup};
use crate::limits::{self, Limits};
use crate::load::Plugin;
use crate::pool::Pool;
use crate::shadow::Ring;
use crate::work::{Sandbox, Work, gone};
use hedgerow_model::{CallFault, FaultKind, Header, StrategyId, TickSlice, TradingMode};
use hedgerow_ports::{Called, Cut, Done, Job, Saved, StrategyHost};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A call on a deadline is given no more ticks than it is expected to read in this time, ns: far
/// below the deadline, however long the backlog is.
const CALL_TIME: u64 = 10_000_000;
const MOST_TICKS: usize = 1_024;
/// What a tick is taken to cost before one was read, ns.
pub(crate) const FIRST_COST: u64 = 1_000_000;

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
    /// Whether it is left without an instance: it is in quarantine.
    pub held: bool,
}

struct Slot {
    plugin: Plugin,
    /// The component before this one, while this one is on probation.
    previous: Option<Plugin>,
    /// Checked and tried in the shadow, waiting for the cut-over.
    candidate: Option<Plugin>,
    /// The candidate whose cut-over is under way.
    coming: Option<Plugin>,
    next_order: u64,
    work: Arc<Mutex<Work>>,
    /// What a tick cost lately, ns.
    cost: Arc<AtomicU64>,
}

/// A strategy's recent calls, to be looked at from another thread.
#[derive(Clone)]
pub struct Recent(Arc<Mutex<Work>>);

impl Recent {
    /// A copy of them, if they are kept.
    #[must_use]
    pub fn ring(&self) -> Option<Ring> {
        lock(&self.0).ring.clone()
    }
}

fn lock(work: &Mutex<Work>) -> MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

type Answer = (StrategyId, Done);

/// The strategies of a run.
pub struct PluginHost {
    slots: Vec<Slot>,
    /// Those that did not start.
    refused: Vec<(usize, InitFailure)>,
    intents_per_call: u64,
    /// What a call may take in a backtest, as fuel.
    call_hard: u64,
    /// Whether the time of a call is that of the clock.
    is_live: bool,
    pool: Option<Pool>,
    notify: Arc<dyn Fn() + Send + Sync>,
    answers: (Sender<Answer>, Receiver<Answer>),
}

impl PluginHost {
    /// Starts all strategies, by id. `rings`: remember recent events, so that a candidate can be
    /// tried on them. All refusals are reported together, each with the place of its strategy.
    pub fn start(
        engine: WasmEngine,
        limits: Limits,
        starts: Vec<Start>,
        rings: bool,
    ) -> Result<Self, Vec<(usize, InitFailure)>> {
        let mut this = Self::start_those_that_do(engine, limits, starts, rings);
        let refused = this.take_refused();
        if refused.is_empty() { Ok(this) } else { Err(refused) }
    }

    /// Starts all strategies that start; the others are left without an instance.
    #[must_use]
    pub fn start_those_that_do(
        engine: WasmEngine,
        limits: Limits,
        starts: Vec<Start>,
        rings: bool,
    ) -> Self {
        let intents_per_call = u64::from(limits.intents_per_call);
        let (is_live, call_hard) = (engine.mode == Mode::Live, limits.call_hard.as_nanos());
        let sandbox = Arc::new(Sandbox { engine, limits });
        let mut slots = Vec::new();
        let mut refused = Vec::new();
        for (place, start) in starts.into_iter().enumerate() {
            let Start { plugin, setup, saved, next_order, held } = start;
            let instance = if held {
                None
            } else {
                match sandbox.start(&plugin, &setup, saved.as_ref()) {
                    Ok(instance) => Some(instance),
                    Err(failure) => {
                        refused.push((place, failure));
                        None
                    }
                }
            };
            let ring = rings.then(|| Ring::new(saved));
            let tick_cost = Arc::new(AtomicU64::new(FIRST_COST));
            let cost = Arc::clone(&tick_cost);
            let (sandbox, lost) = (Arc::clone(&sandbox), None);
            let work = Work { sandbox, setup, instance, ring, tick_cost, lost };
            let work = Arc::new(Mutex::new(work));
            let (previous, candidate, coming) = (None, None, None);
            slots.push(Slot { plugin, previous, candidate, coming, next_order, work, cost });
        }
        let (pool, notify, answers) = (None, Arc::new(|| {}), channel());
        Self { slots, refused, intents_per_call, call_hard, is_live, pool, notify, answers }
    }

    /// Those that did not start, by place, and why; told once.
    pub fn take_refused(&mut self) -> Vec<(usize, InitFailure)> {
        std::mem::take(&mut self.refused)
    }

    /// Has posted jobs done on so many threads; `notify` is called after each.
    pub fn with_threads(
        mut self,
        threads: usize,
        notify: Arc<dyn Fn() + Send + Sync>,
    ) -> std::io::Result<Self> {
        self.pool = Some(Pool::start(threads)?);
        self.notify = notify;
        Ok(self)
    }

    /// The running component of a strategy.
    #[must_use]
    pub fn plugin(&self, strategy: StrategyId) -> Option<&Plugin> {
        self.slots.get(strategy.index()).map(|slot| &slot.plugin)
    }

    /// Hashes of all components that run, are to be gone back to, or wait.
    #[must_use]
    pub fn in_use(&self) -> Vec<String> {
        let of = |slot: &Slot| {
            let others = [&slot.previous, &slot.candidate, &slot.coming];
            let others = others.into_iter().flatten().map(|plugin| plugin.hash.clone());
            others.chain([slot.plugin.hash.clone()]).collect::<Vec<_>>()
        };
        self.slots.iter().flat_map(of).collect()
    }

    /// Recent calls of a strategy and the state they start from.
    #[must_use]
    pub fn recent(&self, strategy: StrategyId) -> Option<Recent> {
        self.slots.get(strategy.index()).map(|slot| Recent(Arc::clone(&slot.work)))
    }

    /// Gives a strategy other parameters (JSON); they hold from its next instance on.
    pub fn set_parameters(&mut self, strategy: StrategyId, parameters: &str) {
        if let Some(slot) = self.slots.get(strategy.index()) {
            parameters.clone_into(&mut lock(&slot.work).setup.parameters);
        }
    }

    /// Puts a checked component in waiting; the next `swap` takes it. A newer one replaces it.
    pub fn set_candidate(&mut self, strategy: StrategyId, plugin: Plugin) {
        if let Some(slot) = self.slots.get_mut(strategy.index()) {
            slot.candidate = Some(plugin);
        }
    }

    /// What is to be done, ready for any thread; or what came of it at once.
    fn prepare(&mut self, strategy: StrategyId, job: Job) -> Box<dyn FnOnce() -> Done + Send> {
        let Some(slot) = self.slots.get_mut(strategy.index()) else {
            return Box::new(move || job.kind().failed(gone()));
        };
        if let Job::Restart { next_order, .. }
        | Job::Revert { next_order, .. }
        | Job::Swap { next_order, .. } = &job
        {
            slot.next_order = slot.next_order.max(*next_order);
        }
        let (work, first_order) = (Arc::clone(&slot.work), slot.next_order);
        let plugin = match &job {
            Job::Swap { .. } => {
                slot.coming = slot.candidate.take();
                slot.coming.clone()
            }
            Job::Revert { .. } => slot.previous.clone(),
            Job::Restart { .. } => Some(slot.plugin.clone()),
            Job::Market { .. } | Job::Event { .. } | Job::Stop { .. } | Job::Status => None,
        };
        let kind = job.kind();
        Box::new(move || {
            let act = || carry_out(&mut lock(&work), first_order, plugin.as_ref(), job);
            // a panic in here is ours; it must not take the other strategies along
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)).unwrap_or_else(|_| {
                lock(&work).instance = None;
                let detail = "the host panicked in this call".into();
                kind.failed(CallFault { kind: FaultKind::Trap, detail })
            })
        })
    }

    /// What a job changes on this side.
    fn settle(&mut self, strategy: StrategyId, done: &Done) {
        let most = self.intents_per_call;
        let Some(slot) = self.slots.get_mut(strategy.index()) else { return };
        match done {
            Done::Called(answer) => slot.next_order += used(answer, most),
            Done::Swapped(result) => {
                let coming = slot.coming.take();
                if let (Ok(_), Some(plugin)) = (result, coming) {
                    let old = std::mem::replace(&mut slot.plugin, plugin);
                    // one that never began is nothing to go back to
                    slot.previous.get_or_insert(old);
                }
            }
            // one that cannot be gone back to now is all the same what begins next
            Done::Reverted(_) => {
                if let Some(plugin) = slot.previous.take() {
                    slot.plugin = plugin;
                }
            }
            Done::Restarted(_) | Done::Said(_) => {}
        }
    }
}

impl PluginHost {
    fn ticks_in(&self, strategy: StrategyId, time: u64) -> usize {
        let cost = self.slots.get(strategy.index()).map(|slot| slot.cost.load(Ordering::Relaxed));
        let ticks = time / cost.unwrap_or(FIRST_COST).max(1);
        usize::try_from(ticks).unwrap_or(usize::MAX).clamp(1, MOST_TICKS)
    }
}

/// Order numbers that a call used: after a fault none that it may have used is used again.
fn used(answer: &Result<Called, CallFault>, most: u64) -> u64 {
    answer.as_ref().map_or(most, |called| called.outcome.submits())
}

fn carry_out(work: &mut Work, first_order: u64, plugin: Option<&Plugin>, job: Job) -> Done {
    let missing = || CallFault { kind: FaultKind::Init, detail: "there is no component".into() };
    let called = |mode, answer: Result<_, CallFault>| {
        Done::Called(answer.map(|outcome| Called { first_order, mode, outcome }))
    };
    let header = |now, mode| Header { now, next_order: first_order, mode };
    match job {
        Job::Market { mode, ticks } => called(mode, work.market(mode, first_order, &ticks)),
        Job::Event { now, mode, event } => called(mode, work.event(header(now, mode), event)),
        Job::Stop { now, mode, reason } => called(mode, work.stop(header(now, mode), reason)),
        Job::Status => Done::Said(work.status()),
        Job::Restart { saved, .. } => {
            let plugin = plugin.ok_or_else(missing);
            Done::Restarted(plugin.and_then(|plugin| work.start(plugin, saved.as_ref())))
        }
        Job::Swap { fallback, ask, .. } => {
            Done::Swapped(plugin.ok_or_else(missing).and_then(|plugin| {
                let (saved, asked) = work.swap(plugin, ask, fallback)?;
                Ok(Cut { hash: plugin.hash.clone(), saved, asked })
            }))
        }
        Job::Revert { saved, .. } => {
            Done::Reverted(plugin.ok_or_else(missing).and_then(|plugin| {
                work.start(plugin, saved.as_ref())?;
                Ok(plugin.hash.clone())
            }))
        }
    }
}

impl StrategyHost for PluginHost {
    fn on_market(
        &mut self,
        strategy: StrategyId,
        mode: TradingMode,
        ticks: &TickSlice,
    ) -> Result<Called, CallFault> {
        let most = self.intents_per_call;
        let slot = self.slots.get_mut(strategy.index()).ok_or_else(gone)?;
        let first_order = slot.next_order;
        let answer = lock(&slot.work).market(mode, first_order, ticks);
        let answer = answer.map(|outcome| Called { first_order, mode, outcome });
        slot.next_order += used(&answer, most);
        answer
    }

    fn run(&mut self, strategy: StrategyId, job: Job) -> Done {
        let done = self.prepare(strategy, job)();
        self.settle(strategy, &done);
        done
    }

    fn post(&mut self, strategy: StrategyId, job: Job) {
        let act = self.prepare(strategy, job);
        let (answers, notify) = (self.answers.0.clone(), Arc::clone(&self.notify));
        let task = move || {
            // nobody listens only when the host is being taken down
            let _ = answers.send((strategy, act()));
            notify();
        };
        match &self.pool {
            Some(pool) => pool.give(Box::new(task)),
            None => task(),
        }
    }

    fn room(&self, strategy: StrategyId) -> usize {
        self.ticks_in(strategy, CALL_TIME)
    }

    /// In a backtest the same in every run, as fuel is.
    fn room_in_loop(&self, strategy: StrategyId) -> usize {
        let expected = self.call_hard / limits::EXPECTED_PART;
        self.ticks_in(strategy, if self.is_live { CALL_TIME } else { expected })
    }

    fn finished(&mut self) -> Option<(StrategyId, Done)> {
        let (strategy, done) = self.answers.1.try_recv().ok()?;
        self.settle(strategy, &done);
        Some((strategy, done))
    }

    fn next_order(&self, strategy: StrategyId) -> u64 {
        self.slots.get(strategy.index()).map_or(1, |slot| slot.next_order)
    }

    fn state_version(&self, strategy: StrategyId) -> u32 {
        self.plugin(strategy).map_or(0, |plugin| plugin.description.state_version)
    }

    fn accept(&mut self, strategy: StrategyId) {
        if let Some(slot) = self.slots.get_mut(strategy.index()) {
            slot.previous = None;
        }
    }
}
