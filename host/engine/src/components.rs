//! What the facts tell of a strategy's components: which runs, and which are not let in again.

use crate::Engine;
use hedgerow_model::{PLAN_ORDERS, PluginStep, StrategyId};

/// Components that failed in a strategy's place and are remembered: the newest of them.
const FAILED_KEPT: usize = 64;

impl Engine {
    /// The component that a strategy last ran, as far as the facts tell: SHA-256, hex.
    #[must_use]
    pub fn component(&self, strategy: StrategyId) -> Option<&str> {
        self.strategies.get(strategy.index())?.component.as_deref()
    }

    /// Whether the newest file that was put in this strategy's place was refused or rolled back.
    #[must_use]
    pub fn is_refused(&self, strategy: StrategyId) -> bool {
        self.strategies.get(strategy.index()).is_some_and(|slot| slot.refused.is_some())
    }

    /// Why a component failed in this strategy's place, as it took over or on probation, unless an
    /// operator has let it be tried again since.
    #[must_use]
    pub fn failed_before(&self, strategy: StrategyId, hash: &str) -> Option<&str> {
        let failed = &self.strategies.get(strategy.index())?.failed;
        failed.iter().find(|(known, _)| known == hash).map(|(_, why)| why.as_str())
    }

    pub(crate) fn apply_step(
        &mut self,
        strategy: StrategyId,
        step: PluginStep,
        (hash, detail): (&str, &str),
    ) {
        // a refusal is of a candidate that never came so far: another may be on probation
        if matches!(step, PluginStep::Accepted | PluginStep::RolledBack | PluginStep::Failed) {
            self.forget_cut(strategy);
        }
        if step == PluginStep::Released {
            // it goes on: what it is told to have open is its own again; plans are the host's
            let slot = self.strategies.get_mut(strategy.index());
            let orders = slot.into_iter().flat_map(|slot| slot.orders.range_mut(..PLAN_ORDERS));
            orders.for_each(|(_, known)| known.must_end = false);
        }
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        match step {
            PluginStep::Refused | PluginStep::Failed => {
                // one that failed was tried; what a trial showed before is of another file
                slot.trial = slot.trial.take().filter(|_| step == PluginStep::Failed);
                slot.refused = Some(format!("a new file is refused: {detail}"));
            }
            PluginStep::RolledBack => slot.refused = Some(format!("rolled back: {detail}")),
            PluginStep::Loaded => slot.refused = None,
            PluginStep::Swapped => {
                slot.refused = None;
                if !detail.is_empty() {
                    let tried = slot.trial.take().map(|tried| format!("{tried}; "));
                    slot.trial = Some(format!("{}{detail}", tried.unwrap_or_default()));
                }
            }
            // the newest file is one that may run
            PluginStep::Shadowed => {
                (slot.trial, slot.refused) = (Some(detail.to_owned()), None);
            }
            PluginStep::Retried => slot.failed.clear(),
            _ => {}
        }
        if step == PluginStep::Failed {
            slot.failed.retain(|(known, _)| known != hash);
            slot.failed.push((hash.to_owned(), detail.to_owned()));
            let over = slot.failed.len().saturating_sub(FAILED_KEPT);
            slot.failed.drain(..over);
        }
        match step {
            PluginStep::Quarantined => {
                slot.quarantined = true;
                slot.quarantine_why = Some(format!("quarantine: {detail}"));
            }
            PluginStep::Released => (slot.quarantined, slot.quarantine_why) = (false, None),
            PluginStep::Loaded | PluginStep::Swapped | PluginStep::RolledBack => {
                slot.component = Some(hash.to_owned());
                if slot.quarantined && step != PluginStep::Loaded {
                    (slot.quarantined, slot.quarantine_why) = (false, None);
                }
            }
            PluginStep::Shadowed
            | PluginStep::Accepted
            | PluginStep::Refused
            | PluginStep::Failed
            | PluginStep::Retried => {}
        }
    }
}
