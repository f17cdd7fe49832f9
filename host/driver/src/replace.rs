//! Replacing a component between two events: save, a fresh instance, `resumed`, snapshots; then
//! probation, and the way back.
//!
//! The host prepares the new component off this path (compiled, checked, tried in the shadow) and
//! hands over a [`Swap`]. Nothing is lost and nothing happens twice: the old instance has answered
//! everything up to the cut, the new one gets everything after it. Orders, timers and plans stay;
//! they belong to the strategy, not to the component.

use crate::instance::StrategyState;
use crate::{Driver, DriverError};
use hedgerow_model::{
    CallFault, Delivery, Fact, Held, HostTime, Input, PluginStep, StrategyId, Swap, TimerId,
    printable,
};
use hedgerow_ports::{Asked, Cut, Feed, Job, Journal, Saved, SimulatedVenue, StrategyHost};

/// What became of a swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swapped {
    /// The new component runs, on probation.
    Done,
    /// The old one goes on; this is why.
    Refused(String),
}

/// A swap under way.
#[derive(Clone, Debug)]
pub(crate) struct Swapping {
    terms: Swap,
    restart_at: Option<HostTime>,
    /// Nothing that waits is in what the successor is told first.
    exact: bool,
}

/// A new component under watch.
#[derive(Clone, Debug)]
pub(crate) struct Probation {
    calls_left: u64,
    ends: HostTime,
    /// The state at the cut-over, to go back to.
    saved: Option<Saved>,
}

impl Probation {
    pub(crate) fn ends(&self) -> HostTime {
        self.ends
    }
}

impl<F: Feed, V: SimulatedVenue, H: StrategyHost, J: Journal> Driver<F, V, H, J> {
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

    fn accept(&mut self, index: usize) {
        let instance = &mut self.instances[index];
        instance.probation = None;
        instance.state = StrategyState::Running;
        let strategy = instance.strategy;
        self.host.accept(strategy);
        self.plugin_fact(index, PluginStep::Accepted, String::new());
    }

    /// Whether a swap of this strategy can be made now; asking makes the loop come to such a
    /// moment. From then on market data is set aside for the successor.
    pub fn is_ready_to_swap(&mut self, strategy: StrategyId) -> bool {
        let is_live = self.is_live;
        let Some(instance) = self.instances.get(strategy.index()) else { return false };
        let ready = if is_live { instance.is_idle() } else { self.is_settled() };
        if ready {
            self.settling = false;
        } else if !is_live {
            self.settling = true;
        } else if instance.is_callable() && instance.mailbox.aside.is_none() {
            self.cut_markets(strategy);
            if self.engine.is_lagging(strategy) {
                // it would take long to read what it has, and has missed some already
                self.shed(strategy);
            }
        }
        ready
    }

    /// A swap of this strategy has been waited for too long: this part of what waits for it is kept
    /// for the successor. Of no use before [`Self::is_ready_to_swap`] was asked.
    pub fn insist(&mut self, strategy: StrategyId, what: Held) {
        let Some(instance) = self.instances.get(strategy.index()) else { return };
        let mailbox = &instance.mailbox;
        if !instance.is_callable() || mailbox.aside.is_none() || mailbox.held >= Some(what) {
            return;
        }
        self.hold(strategy, what);
        if self.instances[strategy.index()].mailbox.has_ticks() {
            self.shed(strategy); // it is shown the markets of the cut
        }
    }

    pub(crate) fn hold(&mut self, strategy: StrategyId, what: Held) {
        self.handle(Input::Hold { now: self.now, strategy, what });
        if let Some(instance) = self.instances.get_mut(strategy.index()) {
            instance.mailbox.held = Some(what);
        }
    }

    pub(crate) fn cut_markets(&mut self, strategy: StrategyId) {
        self.handle(Input::CutMarkets { now: self.now, strategy });
        if let Some(instance) = self.instances.get_mut(strategy.index()) {
            instance.mailbox.set_aside();
        }
    }

    pub(crate) fn shed(&mut self, strategy: StrategyId) {
        let Some(instance) = self.instances.get_mut(strategy.index()) else { return };
        let ticks = instance.mailbox.shed();
        self.handle(Input::Shed { now: self.now, strategy, ticks });
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

    /// Puts the prepared candidate in place; [`Self::take_swapped`] tells what became of it. Call
    /// only when [`Self::is_ready_to_swap`].
    pub fn swap(&mut self, strategy: StrategyId, terms: Swap) -> Result<(), DriverError> {
        self.settling = false;
        let index = strategy.index();
        if self.instances[index].state == StrategyState::Probation {
            // a newer component ends the probation of one that has not failed
            self.accept(index);
        }
        self.drain()?;
        let now = self.now;
        // a strategy that is down, or fails now, starts from its last checkpoint
        let ask = self.instances[index].is_callable();
        let fallback = self.last_checkpoint(strategy);
        let next_order = self.engine.next_order(strategy);
        let instance = &mut self.instances[index];
        // a restart that was to come waits for what becomes of this
        let restart_at = instance.restart_at.take();
        let exact = instance.mailbox.has_only_timers();
        instance.swapping = Some(Swapping { terms: terms.clone(), restart_at, exact });
        self.handle(Input::Cut { now, strategy, swap: terms });
        self.begin(index, Job::Swap { fallback, ask, next_order })?;
        self.drain()
    }

    /// What became of a swap.
    pub fn take_swapped(&mut self) -> Option<(StrategyId, Swapped)> {
        self.swapped.pop_front()
    }

    pub(crate) fn swapped(
        &mut self,
        index: usize,
        result: Result<Cut, CallFault>,
    ) -> Result<(), DriverError> {
        let (now, strategy) = (self.now, self.instances[index].strategy);
        let swapping = self.instances[index].swapping.take();
        let (cut, terms, exact) = match (result, swapping) {
            (Ok(cut), Some(swapping)) => (cut, swapping.terms, swapping.exact),
            (Err(fault), swapping) => {
                let why = fault.to_string();
                self.plugin_fact(index, PluginStep::Refused, why.clone());
                let instance = &mut self.instances[index];
                instance.restart_at = swapping.and_then(|swapping| swapping.restart_at);
                instance.mailbox.end_aside();
                self.swapped.push_back((strategy, Swapped::Refused(why)));
                return Ok(());
            }
            (Ok(_), None) => {
                return Err(DriverError::Invariant("a swap that nobody asked for".into()));
            }
        };
        let Cut { hash, saved, asked } = cut;
        let said = asked == Asked::Said;
        if said {
            // another state than the last checkpoint, which knows all that was heard
            let unheard = self.engine.unheard_timers(strategy);
            self.note_checkpoint(strategy, saved.as_ref(), unheard);
        }
        let detail = match asked {
            Asked::Failed(fault) => format!("from the last checkpoint, for its state: {fault}"),
            Asked::Said | Asked::Not => String::new(),
        };
        self.note_step(strategy, PluginStep::Swapped, hash, detail);
        let instance = &mut self.instances[index];
        (instance.faults, instance.restart_at) = (None, None);
        let ends = now.after(terms.time);
        // one that was swapped in and has not begun has proved nothing: behind this one too there
        // is the state of the one before it
        let before = instance.probation.take().map(|known| known.saved);
        let saved = before.unwrap_or(saved);
        instance.probation = Some(Probation { calls_left: terms.calls, ends, saved });
        // one whose state nobody could ask for, or that left events unread which `resumed` knows
        // of, begins like after a restart
        let known = self.engine.may_start(strategy);
        let from_cut = instance.is_callable() && said && exact && known;
        instance.state = StrategyState::Probation;
        self.commit()?;
        if !from_cut {
            self.instances[index].mailbox.clear();
        }
        self.swapped.push_back((strategy, Swapped::Done));
        if !from_cut && !self.engine.may_start(strategy) {
            // its account is not known yet: it begins when that is
            self.instances[index].state = StrategyState::Loading;
            return self.drain();
        }
        self.handle(Input::Start { now, strategy, from_cut, fault: None });
        self.first_in_mailbox(index);
        self.drain()
    }

    /// What a new instance is told comes before what has happened since the cut.
    fn first_in_mailbox(&mut self, index: usize) {
        if !self.is_live {
            return;
        }
        let strategy = self.instances[index].strategy;
        let all = std::mem::take(&mut self.effects.deliveries);
        let (mine, others): (Vec<Delivery>, Vec<Delivery>) =
            all.into_iter().partition(|told| told.strategy == strategy);
        self.effects.deliveries = others.into();
        let mine = mine.into_iter().map(|Delivery { time, what, .. }| (time, what)).collect();
        let mailbox = &mut self.instances[index].mailbox;
        mailbox.end_aside();
        mailbox.push_first(mine);
    }

    fn note_checkpoint(
        &mut self,
        strategy: StrategyId,
        saved: Option<&Saved>,
        unheard: Vec<TimerId>,
    ) {
        let Some(Saved { version, data }) = saved.cloned() else { return };
        let fact = Fact::Checkpoint { strategy, version, state: data, unheard };
        self.handle(Input::Note { now: self.now, fact: Box::new(fact) });
    }

    pub(crate) fn note_step(
        &mut self,
        strategy: StrategyId,
        step: PluginStep,
        hash: String,
        detail: String,
    ) {
        let detail = printable(&detail, 1_000);
        let fact = Fact::Plugin { strategy, step, hash, detail };
        self.handle(Input::Note { now: self.now, fact: Box::new(fact) });
    }

    /// A fault in probation: the old component, from its state at the cut-over.
    pub(crate) fn roll_back(&mut self, index: usize) -> Result<(), DriverError> {
        let instance = &mut self.instances[index];
        let Some(saved) = instance.probation.as_ref().map(|probation| probation.saved.clone())
        else {
            return Ok(());
        };
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
        let strategy = self.instances[index].strategy;
        let probation = self.instances[index].probation.take();
        match result {
            Ok(hash) => {
                let saved = probation.and_then(|known| known.saved);
                // the state of the cut-over knows nothing of what fired since
                let unheard = self.engine.timers_since_cut(strategy);
                if saved.is_none() && self.engine.checkpoint(strategy).is_some() {
                    // what is there is of the version that failed
                    let fact = Fact::CheckpointDropped { strategy, unheard };
                    self.handle(Input::Note { now: self.now, fact: Box::new(fact) });
                } else {
                    self.note_checkpoint(strategy, saved.as_ref(), unheard);
                }
                let why = "a fault in probation".to_owned();
                self.note_step(strategy, PluginStep::RolledBack, hash, why);
                self.resume(index)
            }
            Err(fault) => {
                self.quarantine(index, format!("the way back failed: {fault}"));
                Ok(())
            }
        }
    }
}
