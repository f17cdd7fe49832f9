//! A plan as a strategy asks for it: it begins, or is refused with a reason; by its kind.

use crate::{Effects, Engine};
use hedgerow_model::{HostTime, PairKind, PlanStep, RiskRejection, SingleKind, StrategyId};

impl Engine {
    /// A plan as it was asked for: it begins, or is refused with a reason.
    pub(crate) fn begin_plan(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        (id, kind, json): (u64, &str, &str),
        effects: &mut Effects,
    ) -> Result<(), RiskRejection> {
        let begun = match (PairKind::from_word(kind), SingleKind::from_word(kind)) {
            (Some(kind), _) => self.begin_pair(now, strategy, (id, kind, json), effects),
            (_, Some(kind)) => self.begin_single(now, strategy, (id, kind, json), effects),
            _ => Err(RiskRejection::NotSupported),
        };
        begun.inspect_err(|reason| {
            if !self.is_denial_journaled(now, strategy) {
                return; // as the denial that follows
            }
            let (kind, reason) = (kind.chars().take(64).collect(), reason.clone());
            let step = PlanStep::Refused { kind, reason };
            self.plan_fact(now, (strategy, id), step, effects);
        })
    }

    fn begin_pair(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        what: (u64, PairKind, &str),
        effects: &mut Effects,
    ) -> Result<(), RiskRejection> {
        let key = (strategy, what.0);
        let plan = self.plan_pair(now, strategy, what)?;
        self.plan_fact(now, key, PlanStep::Began(Box::new(plan)), effects);
        self.tell_plan(now, key, effects);
        self.send_first(now, key, effects);
        self.go_on(now, key, effects);
        Ok(())
    }
}
