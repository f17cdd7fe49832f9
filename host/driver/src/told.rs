//! What of the facts people who watch the log must see, while a host runs: trading that stops, what
//! failed and was rolled back, and what is not as it should be.

use hedgerow_engine::Engine;
use hedgerow_model::{
    Decimal, Fact, FlattenStep, GuardState, PairOutcome, PairResult, PlanStep, PluginStep, Scope,
    SingleOutcome, SingleStep, StrategyId, TradingMode,
};

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
        Fact::Plan { strategy, plan, step } => {
            if let Some(what) = incident(step) {
                tracing::warn!("{}: plan {plan} {what}", name(*strategy));
            }
        }
        _ => {}
    }
}

/// What was not as it was planned, of a plan that ended.
fn incident(step: &PlanStep) -> Option<String> {
    match step {
        PlanStep::Ended(result) if result.is_incident() => Some(repaired(result)),
        PlanStep::Single(SingleStep::Ended(result)) => match &result.outcome {
            SingleOutcome::Stuck { why } => Some(format!("is stuck: {why}")),
            _ => None,
        },
        _ => None,
    }
}

fn repaired(result: &PairResult) -> String {
    let ended = match &result.outcome {
        PairOutcome::Stuck { why } => format!("is stuck: {why}"),
        PairOutcome::Balanced => "was repaired and is balanced".into(),
        PairOutcome::Flat => "was repaired and is flat".into(),
    };
    let both = |[one, other]: [Decimal; 2]| format!("{} / {}", one.normalize(), other.normalize());
    let filled = both(result.legs.each_ref().map(|leg| leg.base));
    let loss =
        result.repairs.as_ref().map_or("?".into(), |legs| both(legs.each_ref().map(|l| l.loss)));
    let (residual, took) = (result.residual, result.took_ms);
    format!("{ended}; filled {filled}, residual {residual}, repair lost {loss}, took {took} ms")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::{LegRepair, LegResult};

    fn ended(outcome: PairOutcome, orders: u32) -> PlanStep {
        let leg = LegResult { base: Decimal::new(166, 3), ..LegResult::default() };
        let repair = LegRepair { orders, completed: None, loss: Decimal::new(17, 2) };
        PlanStep::Ended(Box::new(PairResult {
            outcome,
            legs: [leg, LegResult::default()],
            residual: Decimal::new(166, 3),
            retries: orders,
            orders: orders + 2,
            repair_loss: Decimal::ZERO,
            took_ms: 40,
            repairs: Some([repair, LegRepair::default()]),
        }))
    }

    /// Who watches the log learns of every pair that was repaired or is stuck, and of no other.
    #[test]
    fn a_pair_that_was_repaired_or_is_stuck_is_said() {
        assert_eq!(incident(&ended(PairOutcome::Balanced, 0)), None);
        let said = incident(&ended(PairOutcome::Flat, 2)).unwrap();
        assert!(said.starts_with("was repaired and is flat; filled 0.166 / 0, residual 0.166, "));
        assert!(said.ends_with("repair lost 0.17 / 0, took 40 ms"), "{said}");
        let stuck = PairOutcome::Stuck { why: "no try brought the legs together".into() };
        let said = incident(&ended(stuck, 0)).unwrap();
        assert!(said.starts_with("is stuck: no try brought"), "{said}");
    }
}
