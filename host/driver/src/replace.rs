//! Replacing a component between two events: save, a fresh instance, `resumed`, snapshots; then
//! probation (`probation.rs`).
//!
//! The host prepares the new component off this path (compiled, checked, tried in the shadow) and
//! hands over a [`Swap`]. Nothing is lost and nothing happens twice: the old instance has answered
//! everything up to the cut, the new one gets everything after it. Orders, timers and plans stay;
//! they belong to the strategy, not to the component.

use crate::instance::StrategyState;
use crate::probation::Probation;
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

impl<F: Feed, V: SimulatedVenue, H: StrategyHost, J: Journal> Driver<F, V, H, J> {
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
        // behind the line of `Later` the old one reads what it has, which is not shed again
        if what != Held::Later && self.instances[strategy.index()].mailbox.has_ticks() {
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
        // what comes from here on is for whoever reads on, in the order in which it comes
        let mailbox = &mut self.instances[index].mailbox;
        mailbox.held = mailbox.held.max(mailbox.aside.as_ref().map(|_| Held::Later));
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
                let (restart_at, hash) = swapping
                    .map(|swapping| (swapping.restart_at, swapping.terms.component))
                    .unwrap_or_default();
                self.note_step(strategy, PluginStep::Failed, hash, why.clone());
                let instance = &mut self.instances[index];
                instance.restart_at = restart_at;
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
        // one whose state nobody could ask for, or that left events unread which `resumed` knows
        // of, begins like after a restart
        let known = self.engine.may_start(strategy);
        let from_cut = self.instances[index].is_callable() && said && exact && known;
        let detail = self.as_swapped(index, asked, from_cut);
        let old = self.engine.component(strategy).map(str::to_owned);
        self.note_step(strategy, PluginStep::Swapped, hash, detail);
        let instance = &mut self.instances[index];
        // what the one before it said of itself is nothing that this one says
        (instance.faults, instance.restart_at, instance.said) = (None, None, None);
        let ends = now.after(terms.time);
        // one that was swapped in and has not begun has proved nothing: behind this one too there
        // is the state of the one before it
        let before = instance.probation.take().map(|known| (known.before, known.saved));
        let back = before.unwrap_or((old, saved));
        instance.probation = Some(Probation::new(terms.component, (terms.calls, ends), back));
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

    /// How a successor begins, if not exactly where the one before it ended.
    fn as_swapped(&self, index: usize, asked: Asked, from_cut: bool) -> String {
        let state = match asked {
            Asked::Failed(fault) => {
                Some(format!("from the last checkpoint, for its state: {fault}"))
            }
            Asked::Said | Asked::Not => None,
        };
        let unread = self.instances[index].mailbox.events();
        let unread = (!from_cut && unread > 0).then(|| {
            format!("{unread} events that waited are told by how things stand at its start")
        });
        [state, unread].into_iter().flatten().collect::<Vec<_>>().join("; ")
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

    pub(crate) fn note_checkpoint(
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
}
