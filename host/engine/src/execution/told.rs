//! What strategies and people are told of plans.

use super::{PlanKey, PlanSlot, Slot};
use crate::{Effects, Engine};
use hedgerow_model::{
    Event, HostTime, OpaqueMessage, PairUpdate, PlanStep, PlanUpdate, StrategyId,
};

/// Event codes of `plan` events: it began or went on, it ended.
const GOES_ON: u32 = 1;
const ENDED: u32 = 2;

impl Engine {
    /// Tells the strategy where its plan stands.
    pub(crate) fn tell_plan(&mut self, now: HostTime, key: PlanKey, effects: &mut Effects) {
        if let Some(message) = self.plan_message(key) {
            self.deliver(key.0, now, Event::Plan(message), effects);
        }
    }

    fn plan_message(&self, key: PlanKey) -> Option<OpaqueMessage> {
        let update = self.plan_update(key)?;
        let code = if update.is_over() { ENDED } else { GOES_ON };
        let json = serde_json::to_string(&update).ok()?;
        Some(OpaqueMessage { code, json })
    }

    fn plan_update(&self, key: PlanKey) -> Option<PlanUpdate> {
        Some(match self.plans.get(&key)? {
            Slot::Pair(slot) => PlanUpdate::Pair(self.pair_update(key, slot)),
            Slot::Single(slot) => PlanUpdate::Single(self.single_update(key, slot)),
        })
    }

    fn pair_update(&self, key: PlanKey, slot: &PlanSlot) -> PairUpdate {
        PairUpdate {
            plan: key.1,
            kind: slot.plan.kind,
            phase: slot.phase,
            planned: Box::new(slot.plan.legs.clone()),
            advised: slot.plan.advised,
            legs: [self.leg_result(slot, 0), self.leg_result(slot, 1)],
            residual: slot.residual(),
            outcome: slot.result.as_ref().map(|result| result.outcome.clone()),
        }
    }

    /// Plans of a strategy that are under way or stuck, for people.
    #[must_use]
    pub fn plan_views(&self, strategy: StrategyId) -> Vec<PlanUpdate> {
        self.plans.concerning(strategy).filter_map(|key| self.plan_update(key)).collect()
    }

    /// The same as the strategy is told.
    pub(crate) fn plan_messages(&self, strategy: StrategyId) -> Vec<OpaqueMessage> {
        self.plans.concerning(strategy).filter_map(|key| self.plan_message(key)).collect()
    }

    /// Why an order of a plan was refused, in words.
    pub(super) fn leg_refusal(&self, key: PlanKey, step: &PlanStep) -> Option<String> {
        let PlanStep::Denied { leg, reason } = step else { return None };
        let planned = self.plans.pair(&key)?.plan.legs.get(usize::from(*leg))?;
        Some(self.refusal_in_words(planned.instrument, reason))
    }
}
