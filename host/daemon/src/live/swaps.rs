//! Components that wait to take over: each as soon as its strategy comes to rest, and one that
//! never does after a time.

use super::{Session, Told};
use crate::command::Failure;
use hedgerow_driver::Swapped;
use hedgerow_model::{Fact, Held, PluginStep, StrategyId, Swap, printable};
use hedgerow_plugins::Plugin;
use hedgerow_ports::StrategyHost as _;
use std::time::Instant;

/// A strategy that has not come to rest for so long is told of no more timers.
const TIMERS_AFTER: std::time::Duration = std::time::Duration::from_millis(250);
/// And of nothing that comes from then on: it reads what waits, the rest is for its successor.
const LATER_AFTER: std::time::Duration = std::time::Duration::from_secs(2);
/// And of nothing at all, if it takes so long to read that: its successor begins as after a
/// restart, from its state of then.
const ALL_AFTER: std::time::Duration = std::time::Duration::from_secs(10);

/// A component that may take over.
pub(super) struct Waiting {
    strategy: StrategyId,
    plugin: Plugin,
    /// Since when market data is set aside for it.
    since: Option<Instant>,
}

impl Session<'_> {
    /// A newer one replaces one that waits; what was set aside for that is for this one.
    pub(super) fn wants_in(&mut self, strategy: StrategyId, plugin: Plugin) {
        let older = self.swaps.iter().find(|waiting| waiting.strategy == strategy);
        let since = older.and_then(|older| older.since);
        self.swaps.retain(|waiting| waiting.strategy != strategy);
        self.swaps.push_back(Waiting { strategy, plugin, since });
    }

    /// What a trial must know of a strategy.
    pub(super) fn known_of(&self, strategy: StrategyId, hash: &str) -> Told {
        let (host, engine) = (self.host.host(), self.host.engine());
        Told {
            recent: host.recent(strategy),
            state_version: host.state_version(strategy),
            in_use: host.in_use(),
            failed: engine.failed_before(strategy, hash).map(str::to_owned),
            runs: host.plugin(strategy).is_some_and(|plugin| plugin.hash == hash),
            refused: engine.is_refused(strategy),
        }
    }

    /// What failed in a strategy's place may be tried again: its file is looked at anew.
    pub(super) fn retry(&mut self, strategy: StrategyId, why: &str) -> Result<(), Failure> {
        let (step, hash, detail) = (PluginStep::Retried, String::new(), printable(why, 1_000));
        self.host.note(Fact::Plugin { strategy, step, hash, detail })?;
        self.reload.look_again(strategy);
        Ok(())
    }

    pub(super) fn swap_if_ready(&mut self) -> Result<(), Failure> {
        self.tell_swapped();
        if self.cut.is_some() {
            return Ok(());
        }
        // nobody waits for one that does not come to rest but its own successor
        for place in 0..self.swaps.len() {
            let waiting = &mut self.swaps[place];
            let strategy = waiting.strategy;
            let since = *waiting.since.get_or_insert_with(Instant::now);
            if self.host.is_ready_to_swap(strategy) {
                return self.swap(place, since);
            }
            let steps = [
                (ALL_AFTER, Held::Everything),
                (LATER_AFTER, Held::Later),
                (TIMERS_AFTER, Held::Timers),
            ];
            if let Some((_, what)) = steps.into_iter().find(|(at, _)| since.elapsed() >= *at) {
                self.host.insist(strategy, what);
            }
        }
        Ok(())
    }

    fn swap(&mut self, place: usize, since: Instant) -> Result<(), Failure> {
        let Some(Waiting { strategy, plugin, .. }) = self.swaps.remove(place) else {
            return Ok(());
        };
        let component = plugin.hash.clone();
        self.cut = Some((component.clone(), since));
        self.host.host_mut().set_candidate(strategy, plugin);
        let (calls, time) = self.probation;
        let terms = Swap { component, calls, time };
        Ok(self.host.swap(strategy, terms)?)
    }

    fn tell_swapped(&mut self) {
        while let Some((strategy, what)) = self.host.take_swapped() {
            let Some((hash, began)) = self.cut.take() else { continue };
            match what {
                Swapped::Done => {
                    let pause = began.elapsed();
                    self.ended.pauses.push(pause);
                    let pause_us = pause.as_micros();
                    tracing::info!(%strategy, %hash, pause_us, "component swapped in");
                }
                Swapped::Refused(why) => {
                    tracing::warn!(%strategy, %hash, %why, "component refused");
                }
            }
        }
    }
}
