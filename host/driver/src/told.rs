//! What of the facts people who watch the log must see, while a host runs: trading that stops, what
//! failed and was rolled back, and what is not as it should be.

use hedgerow_engine::Engine;
use hedgerow_model::{Fact, FlattenStep, GuardState, PluginStep, Scope, StrategyId, TradingMode};

/// Says a fact in the log, if it is one of those.
pub(crate) fn tell(engine: &Engine, fact: &Fact) {
    let name = |id: StrategyId| engine.scope_in_words(Scope::Strategy(id));
    match fact {
        Fact::Fault { strategy, fault } => {
            let of = name(*strategy);
            tracing::warn!(%fault, "{of} failed");
        }
        Fact::Plugin { strategy, step, hash, detail } => {
            let (of, why) = (name(*strategy), detail);
            match step {
                PluginStep::Quarantined => tracing::error!(%why, "{of} is in quarantine"),
                PluginStep::RolledBack => tracing::warn!(%hash, %why, "{of} is rolled back"),
                PluginStep::Failed => tracing::warn!(%hash, %why, "{of}: its component failed"),
                PluginStep::Accepted => tracing::info!(%hash, "{of}: its component is accepted"),
                PluginStep::Released => tracing::info!(%why, "{of} goes on"),
                _ => {}
            }
        }
        Fact::Mode { scope, mode, reason } => {
            let of = engine.scope_in_words(*scope);
            match mode {
                TradingMode::Running => tracing::info!(%reason, "{of}: mode {mode}"),
                _ => tracing::warn!(%reason, "{of}: mode {mode}"),
            }
        }
        Fact::Flatten { strategy, instrument, step } => {
            let (of, what) =
                (name(*strategy), engine.scope_in_words(Scope::Instrument(*instrument)));
            match step {
                FlattenStep::Asked => tracing::warn!("{of}: {what} is being flattened"),
                FlattenStep::Waits { why } => {
                    tracing::error!(%why, "{of}: {what} cannot be flattened");
                }
                FlattenStep::Over { why } => tracing::warn!(%why, "{of}: {what}: flatten is over"),
            }
        }
        Fact::Guard { key, state, detail } => {
            let (of, guard) = (engine.scope_in_words(key.scope), key.guard);
            match state {
                GuardState::Tripped(action) => {
                    tracing::warn!(%guard, %action, "{of}: {detail}");
                }
                GuardState::AtRest => tracing::info!(%guard, "{of}: at rest again: {detail}"),
            }
        }
        Fact::Discrepancy { account, detail } => {
            let of = engine.scope_in_words(Scope::Account(*account));
            tracing::warn!("{of}: {detail}");
        }
        Fact::Asked { command, by, result, .. } => {
            tracing::info!(%by, %result, "{command}");
        }
        _ => {}
    }
}
