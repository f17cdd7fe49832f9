//! What is done with one strategy's instance, on whichever thread it is done.

use crate::engine::WasmEngine;
use crate::host::FIRST_COST;
use crate::instance::{Instance, Setup};
use crate::limits::Limits;
use crate::load::Plugin;
use crate::shadow::{Entry, Ring};
use hedgerow_model::{CallFault, Event, FaultKind, Header, HostTime, Intent, Outcome, TickSlice};
use hedgerow_ports::{Asked, Saved, StopReason};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What every instance is made with.
pub(crate) struct Sandbox {
    pub(crate) engine: WasmEngine,
    pub(crate) limits: Limits,
}

impl Sandbox {
    pub(crate) fn start(
        &self,
        plugin: &Plugin,
        setup: &Setup,
        saved: Option<&Saved>,
    ) -> Result<Instance, crate::instance::InitFailure> {
        Instance::start(&self.engine, plugin, setup, &self.limits, saved)
    }
}

/// One strategy's instance and what it was given lately.
pub(crate) struct Work {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) setup: Setup,
    pub(crate) instance: Option<Instance>,
    pub(crate) ring: Option<Ring>,
    /// What a tick cost lately, ns of wall time; in a backtest those that its fuel stands for.
    pub(crate) tick_cost: Arc<AtomicU64>,
    /// Why there is no instance, where nobody was told yet.
    pub(crate) lost: Option<CallFault>,
}

pub(crate) fn gone() -> CallFault {
    CallFault { kind: FaultKind::Trap, detail: "there is no instance".into() }
}

impl Work {
    /// A call, and the state with it if it acts. After a fault the store is not entered again.
    fn call(
        &mut self,
        act: impl FnOnce(&mut Instance) -> Result<Outcome, CallFault>,
    ) -> Result<Outcome, CallFault> {
        let lost = &mut self.lost;
        let instance = self.instance.as_mut().ok_or_else(|| lost.take().unwrap_or_else(gone))?;
        let answer = act(instance).and_then(|mut outcome| {
            // what is only said is not acted on: the state of the last act stands
            let acts = outcome.intents.iter().any(|i| !matches!(i, Intent::Report(_)));
            if acts && outcome.checkpoint.is_none() {
                outcome.checkpoint = Some(instance.save()?.data);
            }
            Ok(outcome)
        });
        if answer.is_err() {
            self.instance = None;
        }
        answer
    }

    pub(crate) fn market(
        &mut self,
        mode: hedgerow_model::TradingMode,
        next_order: u64,
        ticks: &TickSlice,
    ) -> Result<Outcome, CallFault> {
        let now = HostTime::from_nanos(ticks.first().map_or(0, |tick| tick.recv_ts));
        let header = Header { now, next_order, mode };
        let began = self.ring.is_some().then(Instant::now);
        let mut burned = None;
        let outcome = self.call(|instance| {
            let outcome = instance.on_market(header, ticks);
            burned = instance.burned();
            outcome
        })?;
        let passed = |began: Instant| u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if let Some(took) = burned.or(began.map(passed)) {
            let cost = took / u64::from(outcome.consumed.max(1));
            // slowly down, at once up: a dear tick may come again
            let before = self.tick_cost.load(Ordering::Relaxed);
            self.tick_cost.store(cost.max(before - before / 8), Ordering::Relaxed);
        }
        if self.ring.is_some() {
            let read = ticks.prefix(outcome.consumed as usize);
            self.remember(Entry::market(&read, header, outcome.intents.clone()))?;
        }
        Ok(outcome)
    }

    pub(crate) fn event(&mut self, header: Header, event: Event) -> Result<Outcome, CallFault> {
        let outcome = self.call(|instance| instance.on_event(header, &event))?;
        if self.ring.is_some() {
            self.remember(Entry::event(header, event, outcome.intents.clone()))?;
        }
        Ok(outcome)
    }

    pub(crate) fn stop(
        &mut self,
        header: Header,
        reason: StopReason,
    ) -> Result<Outcome, CallFault> {
        self.call(|instance| instance.stop(header, reason.code()))
    }

    pub(crate) fn status(&mut self) -> Result<String, CallFault> {
        self.keep_if_well(Instance::status)
    }

    fn keep_if_well<T>(
        &mut self,
        ask: impl FnOnce(&mut Instance) -> Result<T, CallFault>,
    ) -> Result<T, CallFault> {
        let lost = &mut self.lost;
        let instance = self.instance.as_mut().ok_or_else(|| lost.take().unwrap_or_else(gone))?;
        let answer = ask(instance);
        if answer.is_err() {
            self.instance = None;
        }
        answer
    }

    /// What it was given, for candidates to be tried on. A new half of the ring needs a state and,
    /// to be started from it, the world as the strategy knows it: the answer to the call counts all
    /// the same if that fails, and the next call is told why.
    fn remember(&mut self, entry: Entry) -> Result<(), CallFault> {
        let (Some(ring), Some(instance)) = (&mut self.ring, &mut self.instance) else {
            return Ok(());
        };
        let mut failed = None;
        ring.push(entry, || instance.save().map_err(|fault| failed = Some(fault)).ok());
        if let Some(CallFault { kind, detail }) = failed {
            self.instance = None;
            let detail = format!("in `save` after the call before: {detail}");
            self.lost = Some(CallFault { kind, detail });
        }
        Ok(())
    }

    /// A fresh instance in place of whatever was there; on an error that stays.
    pub(crate) fn start(
        &mut self,
        plugin: &Plugin,
        saved: Option<&Saved>,
    ) -> Result<(), CallFault> {
        self.instance = Some(self.sandbox.start(plugin, &self.setup, saved)?);
        self.lost = None;
        // what the component before it took says nothing of this one
        self.tick_cost.store(FIRST_COST, Ordering::Relaxed);
        self.ring = self.ring.is_some().then(|| Ring::new(saved.cloned()));
        Ok(())
    }

    /// The state of the running instance, handed to one of a new component; and whether it gave
    /// one, or why not.
    pub(crate) fn swap(
        &mut self,
        plugin: &Plugin,
        ask: bool,
        fallback: Option<Saved>,
    ) -> Result<(Option<Saved>, Asked), CallFault> {
        let (saved, asked) = match ask.then(|| self.keep_if_well(Instance::save)) {
            Some(Ok(said)) => (Some(said), Asked::Said),
            Some(Err(fault)) => (fallback, Asked::Failed(fault)),
            None => (fallback, Asked::Not),
        };
        self.start(plugin, saved.as_ref())?;
        Ok((saved, asked))
    }
}
