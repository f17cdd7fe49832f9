//! Plans as a strategy asks for them and sees them.

use super::Context;
use hedgerow_model::{Intent, OpaqueMessage, PairKind, PairRequest, PlanUpdate};

/// Ended plans are forgotten beyond so many.
const PLANS_KEPT: usize = 64;

impl Context {
    /// Asks for both legs of a pair to be opened; gives the plan's number. The host carries it out
    /// whatever becomes of this strategy; where it stands is in [`Self::plan`] and comes as
    /// [`crate::Event::Plan`]. One that does not begin is refused with [`crate::Event::Other`].
    pub fn pair_open(&mut self, request: &PairRequest) -> u64 {
        self.begin_plan(PairKind::Open, request)
    }

    /// Asks for both legs of a pair to be closed, reduce-only: `buy` is what was sold.
    pub fn pair_close(&mut self, request: &PairRequest) -> u64 {
        self.begin_plan(PairKind::Close, request)
    }

    fn begin_plan(&mut self, kind: PairKind, request: &PairRequest) -> u64 {
        // the moment it is asked for: no other run has used it
        let id = self.now.max(self.next_plan);
        self.next_plan = id.saturating_add(1);
        let json = serde_json::to_string(request).unwrap_or_default();
        self.push(Intent::Plan { id, kind: kind.word().into(), json });
        id
    }

    /// Gives a plan up: nothing more is completed, what one leg has too much is taken back.
    pub fn cancel_plan(&mut self, plan: u64) {
        self.push(Intent::CancelPlan(plan));
    }

    /// Where a plan stands: one that is under way or stuck, or ended since this instance began.
    #[must_use]
    pub fn plan(&self, id: u64) -> Option<&PlanUpdate> {
        self.plans.get(&id)
    }

    /// All of them.
    pub fn plans(&self) -> impl Iterator<Item = &PlanUpdate> {
        self.plans.values()
    }

    pub(super) fn plan_is(&mut self, message: &OpaqueMessage) {
        let Ok(update) = serde_json::from_str::<PlanUpdate>(&message.json) else { return };
        self.plans.insert(update.plan(), update);
        while self.plans.len() > PLANS_KEPT {
            let over = self.plans.values().find(|update| update.is_over());
            let Some(oldest) = over.map(PlanUpdate::plan) else { return };
            self.plans.remove(&oldest);
        }
    }
}
