//! Timers of strategies: the only way a strategy is woken.

use crate::{Effects, Engine};
use hedgerow_model::{Event, HostTime, StrategyId, TimerId};
use std::collections::{BTreeMap, BTreeSet};

/// All timers that are set.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_time: BTreeSet<(HostTime, StrategyId, TimerId)>,
    by_id: BTreeMap<(StrategyId, TimerId), HostTime>,
}

impl Timers {
    pub(crate) fn next(&self) -> Option<HostTime> {
        self.by_time.first().map(|(at, ..)| *at)
    }

    /// The first timer due at `now`.
    pub(crate) fn due(&self, now: HostTime) -> Option<(StrategyId, TimerId)> {
        self.by_time.first().filter(|(at, ..)| *at <= now).map(|(_, strategy, id)| (*strategy, *id))
    }

    pub(crate) fn set(&mut self, strategy: StrategyId, id: TimerId, at: HostTime) {
        self.end(strategy, id);
        self.by_id.insert((strategy, id), at);
        self.by_time.insert((at, strategy, id));
    }

    pub(crate) fn end(&mut self, strategy: StrategyId, id: TimerId) {
        if let Some(at) = self.by_id.remove(&(strategy, id)) {
            self.by_time.remove(&(at, strategy, id));
        }
    }

    pub(crate) fn contains(&self, strategy: StrategyId, id: TimerId) -> bool {
        self.by_id.contains_key(&(strategy, id))
    }

    pub(crate) fn at(&self, strategy: StrategyId, id: TimerId) -> Option<HostTime> {
        self.by_id.get(&(strategy, id)).copied()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (StrategyId, TimerId, HostTime)> {
        self.by_id.iter().map(|((strategy, id), at)| (*strategy, *id, *at))
    }

    pub(crate) fn of(&self, strategy: StrategyId) -> impl Iterator<Item = (TimerId, HostTime)> {
        let range = (strategy, TimerId(0))..=(strategy, TimerId(u64::MAX));
        self.by_id.range(range).map(|((_, id), at)| (*id, *at))
    }
}

/// Timers that fired: which of them a state does not know yet.
impl Engine {
    /// A timer that is due. It is told again after a restart from a state that does not know it.
    pub(crate) fn deliver_timer(
        &mut self,
        strategy: StrategyId,
        now: HostTime,
        id: TimerId,
        effects: &mut Effects,
    ) {
        self.deliver(strategy, now, Event::Timer(id), effects);
        if let Some(slot) = self.strategies.get_mut(strategy.index()) {
            slot.credit.fired.insert(id, slot.credit.told);
            slot.credit.since_cut.iter_mut().for_each(|since| {
                since.insert(id);
            });
        }
    }

    /// Timers that fired and that the state of this moment does not know yet.
    #[must_use]
    pub fn unheard_timers(&self, strategy: StrategyId) -> Vec<TimerId> {
        let Some(slot) = self.strategies.get(strategy.index()) else { return Vec::new() };
        let credit = &slot.credit;
        let unheard = credit.fired.iter().filter(|(_, number)| **number > credit.heard);
        unheard.map(|(id, _)| *id).collect()
    }

    /// Whether a timer fired that no checkpoint knows.
    pub(crate) fn has_fired(&self, strategy: StrategyId, id: TimerId) -> bool {
        let slot = self.strategies.get(strategy.index());
        slot.is_some_and(|slot| slot.credit.fired.contains_key(&id))
    }

    /// Timers that the state of the last cut does not know: those that fired since, and those that
    /// no state knows. One that is set again will come by itself.
    #[must_use]
    pub fn timers_since_cut(&self, strategy: StrategyId) -> Vec<TimerId> {
        let Some(slot) = self.strategies.get(strategy.index()) else { return Vec::new() };
        let mut all: BTreeSet<TimerId> = slot.credit.fired.keys().copied().collect();
        all.extend(slot.credit.since_cut.iter().flatten());
        all.retain(|id| !self.timers.contains(strategy, *id));
        all.into_iter().collect()
    }
}
