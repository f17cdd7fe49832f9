//! A component on probation: watched for so many calls or so long, accepted after them, and after a
//! fault replaced by the one before it, with what it did until then.

use crate::instance::StrategyState;
use crate::{Driver, DriverError};
use hedgerow_model::{
    CallFault, Fact, HostTime, Input, OrderFact, PlanStep, PluginStep, SingleStep, Stamped,
    StrategyId, printable,
};
use hedgerow_ports::{Feed, Job, Journal, Saved, SimulatedVenue, StrategyHost};

/// A new component under watch.
#[derive(Clone, Debug)]
pub(crate) struct Probation {
    component: String,
    /// The component before it, to go back to, as far as the facts tell.
    pub(crate) before: Option<String>,
    calls_left: u64,
    ends: HostTime,
    /// The state at the cut-over, to go back to.
    pub(crate) saved: Option<Saved>,
    did: Did,
    /// Why it failed.
    fault: Option<String>,
}

/// What was done for a strategy while a component was on probation.
#[derive(Clone, Copy, Debug, Default)]
struct Did {
    approved: u64,
    cancels: u64,
    fills: u64,
    plans: u64,
}

impl Did {
    fn in_words(self) -> String {
        let count = |n: u64, one: &str| match n {
            1 => format!("1 {one}"),
            n => format!("{n} {one}s"),
        };
        let Self { approved, cancels, fills, plans } = self;
        let (orders, cancels) = (count(approved, "order"), count(cancels, "cancel"));
        let (fills, plans) = (count(fills, "fill"), count(plans, "plan"));
        format!("since it took over: {orders} approved, {cancels}, {fills}, {plans} begun")
    }
}

impl Probation {
    /// Until so many calls are good, or until then.
    pub(crate) fn new(
        component: String,
        (calls_left, ends): (u64, HostTime),
        (before, saved): (Option<String>, Option<Saved>),
    ) -> Self {
        Self { component, before, calls_left, ends, saved, did: Did::default(), fault: None }
    }

    /// What happens until it fails is its doing.
    fn count(&mut self, fact: &Fact) {
        if self.fault.is_some() {
            return;
        }
        match fact {
            Fact::Order { fact: OrderFact::Approved(_), .. } => self.did.approved += 1,
            Fact::Order { fact: OrderFact::CancelRequested, .. } => self.did.cancels += 1,
            Fact::Fill { .. } => self.did.fills += 1,
            Fact::Plan {
                step: PlanStep::Began(_) | PlanStep::Single(SingleStep::Began(_)),
                ..
            } => self.did.plans += 1,
            _ => {}
        }
    }

    pub(crate) fn ends(&self) -> HostTime {
        self.ends
    }
}

impl<F: Feed, V: SimulatedVenue, H: StrategyHost, J: Journal> Driver<F, V, H, J> {
    /// What happens to strategies whose components are on probation.
    pub(crate) fn count_for_probations(&mut self) {
        if self.instances.iter().all(|instance| instance.probation.is_none()) {
            return;
        }
        for Stamped { fact, .. } in &self.effects.facts {
            let strategy = match fact {
                Fact::Order { id, .. } | Fact::Fill { id, .. } => id.strategy,
                Fact::Plan { strategy, .. } => *strategy,
                _ => continue,
            };
            if let Some(instance) = self.instances.get_mut(strategy.index())
                && let Some(probation) = &mut instance.probation
            {
                probation.count(fact);
            }
        }
    }

    /// One more good call of a component on probation.
    pub(crate) fn count_probation(&mut self, index: usize) {
        let Some(probation) = &mut self.instances[index].probation else { return };
        probation.calls_left = probation.calls_left.saturating_sub(1);
        if probation.calls_left == 0 {
            self.accept(index);
        }
    }

    /// Probations whose time is over.
    pub(crate) fn end_probations(&mut self, now: HostTime) -> Result<(), DriverError> {
        for index in 0..self.instances.len() {
            let instance = &self.instances[index];
            let over = instance.probation.as_ref().is_some_and(|known| known.ends <= now);
            if over && instance.state == StrategyState::Probation {
                self.accept(index);
            }
        }
        self.drain()
    }

    pub(crate) fn accept(&mut self, index: usize) {
        let instance = &mut self.instances[index];
        instance.probation = None;
        instance.state = StrategyState::Running;
        let strategy = instance.strategy;
        self.host.accept(strategy);
        self.plugin_fact(index, PluginStep::Accepted, String::new());
    }

    /// Ends a probation that has gone well so far.
    pub(crate) fn end_probation(&mut self, strategy: StrategyId) -> Result<(), DriverError> {
        let index = strategy.index();
        let known = self.instances.get(index);
        if known.is_some_and(|known| known.state == StrategyState::Probation) {
            self.accept(index);
        }
        self.drain()
    }

    /// A fault in probation: the old component, from its state at the cut-over.
    pub(crate) fn roll_back(&mut self, index: usize, fault: String) -> Result<(), DriverError> {
        let instance = &mut self.instances[index];
        let Some(probation) = &mut instance.probation else { return Ok(()) };
        probation.fault = Some(fault);
        let saved = probation.saved.clone();
        let strategy = instance.strategy;
        instance.state = StrategyState::Paused;
        let next_order = self.engine.next_order(strategy);
        self.begin(index, Job::Revert { saved, next_order })
    }

    pub(crate) fn reverted(
        &mut self,
        index: usize,
        result: Result<String, CallFault>,
    ) -> Result<(), DriverError> {
        let instance = &mut self.instances[index];
        let strategy = instance.strategy;
        // what the one that failed said of itself is nothing that the old one says
        instance.said = None;
        let probation = instance.probation.take();
        let Some(Probation { component, before, saved, did, fault, .. }) = probation else {
            return Err(DriverError::Invariant("a way back that nobody asked for".into()));
        };
        let fault = printable(&fault.unwrap_or_default(), 500);
        let why = format!("on probation: {fault}; {}", did.in_words());
        self.back_to_cut(strategy, saved.as_ref());
        // not before: it ends what is known of the cut
        self.note_step(strategy, PluginStep::Failed, component, why.clone());
        match result {
            Ok(hash) => {
                self.note_step(strategy, PluginStep::RolledBack, hash, why);
                self.resume(index)
            }
            Err(fault) => {
                // whoever lets it go on begins the old one, not the one that failed
                if let Some(hash) = before {
                    self.note_step(strategy, PluginStep::RolledBack, hash, why);
                }
                self.quarantine(index, format!("the way back failed: {fault}"));
                Ok(())
            }
        }
    }

    /// What is begun from is the state of the cut-over, which knows nothing of what fired since.
    fn back_to_cut(&mut self, strategy: StrategyId, saved: Option<&Saved>) {
        let unheard = self.engine.timers_since_cut(strategy);
        if saved.is_none() && self.engine.checkpoint(strategy).is_some() {
            // what is there is of the version that failed
            let fact = Fact::CheckpointDropped { strategy, unheard };
            self.handle(Input::Note { now: self.now, fact: Box::new(fact) });
        } else {
            self.note_checkpoint(strategy, saved, unheard);
        }
    }
}
