//! What strategies and people are told of plans.

use super::PlanKey;
use crate::{Effects, Engine};
use hedgerow_model::{Event, HostTime, OpaqueMessage, PairPhase, PlanUpdate, StrategyId};

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
        let slot = self.plans.all.get(&key)?;
        Some(PlanUpdate {
            plan: key.1,
            kind: slot.plan.kind,
            phase: slot.phase,
            legs: [self.leg_result(slot, 0), self.leg_result(slot, 1)],
            residual: slot.residual(),
            outcome: slot.result.as_ref().map(|result| result.outcome.clone()),
        })
    }

    /// Plans of a strategy that are under way or stuck.
    fn live_plans(&self, strategy: StrategyId) -> impl Iterator<Item = PlanKey> + '_ {
        let own = self.plans.all.range((strategy, 0)..=(strategy, u64::MAX));
        let live = own.filter(|(_, slot)| slot.phase != PairPhase::Ended || slot.is_stuck());
        live.map(|(key, _)| *key)
    }

    /// The same for people.
    #[must_use]
    pub fn plan_views(&self, strategy: StrategyId) -> Vec<PlanUpdate> {
        self.live_plans(strategy).filter_map(|key| self.plan_update(key)).collect()
    }

    /// The same as the strategy is told.
    pub(crate) fn plan_messages(&self, strategy: StrategyId) -> Vec<OpaqueMessage> {
        self.live_plans(strategy).filter_map(|key| self.plan_message(key)).collect()
    }
}
