//! Timers of strategies: the only way a strategy is woken.

use hedgerow_model::{HostTime, StrategyId, TimerId};
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

    pub(crate) fn of(&self, strategy: StrategyId) -> impl Iterator<Item = (TimerId, HostTime)> {
        let range = (strategy, TimerId(0))..=(strategy, TimerId(u64::MAX));
        self.by_id.range(range).map(|((_, id), at)| (*id, *at))
    }
}
