//! One leg that is held alone: since when, and who is told.
//!
//! Not to hedge while nobody can say what became of an order is right (T3); not to say so is not.
//! After half a minute, and not before the deadline of the plan, its strategy may only reduce until
//! an operator has looked.

use super::pair::Next;
use super::{PlanKey, PlanSlot};
use crate::Engine;
use hedgerow_model::{Decimal, Duration, HostTime, PairPhase, Scope, TradingMode};

/// What is a step but for the rounding of an inverse leg is one.
pub(super) const NEARLY: Decimal = Decimal::from_parts(999_999_999, 0, 0, false, 9);
/// How long one leg may be ahead of the other before people are told, whatever is waited for.
const ALONE: Duration = Duration::from_secs(30);

impl PlanSlot {
    /// Base units bought beyond those sold.
    pub(crate) fn residual(&self) -> Decimal {
        let [buy, sell] = &self.legs;
        buy.base.saturating_sub(sell.base)
    }

    pub(crate) fn is_level(&self) -> bool {
        self.residual().abs() < self.plan.step.saturating_mul(NEARLY)
    }

    /// Whether as much is left of one leg as of the other: legs that were not equal are not closed
    /// by equal parts.
    pub(super) fn rests_level(&self) -> bool {
        let left = |leg: usize| {
            let planned = self.plan.legs.get(leg).map_or(Decimal::ZERO, |leg| leg.base);
            planned.saturating_sub(self.legs.get(leg).map_or(Decimal::ZERO, |leg| leg.base))
        };
        let apart = left(0).saturating_sub(left(1)).abs();
        apart < self.plan.step.saturating_mul(NEARLY)
    }

    /// Notes since when one leg is ahead of the other.
    pub(super) fn note_apart(&mut self, time: HostTime) {
        self.apart = if self.is_level() { None } else { self.apart.or(Some(time)) };
        self.told &= self.apart.is_some();
    }
}

impl Engine {
    /// Whatever is waited for (an order of which nobody can say what became, a venue that is away,
    /// a market that is missing): that one leg is held alone for long is told, and until an
    /// operator has looked its strategy may only reduce.
    pub(super) fn wait_or_tell(
        &self,
        now: HostTime,
        key: PlanKey,
        slot: &PlanSlot,
        wake: HostTime,
    ) -> Next {
        let mode = self.modes.of(Scope::Strategy(key.0));
        // once it was told an operator's word stands
        let told = slot.told || mode >= TradingMode::ReduceOnly;
        let delivers = self.waits_for_delivery(slot).is_some(); // at a price that is known by then
        let quiet = told || delivers || slot.phase == PairPhase::Ended;
        let Some(apart) = slot.apart.filter(|_| !quiet) else { return Next::Wait(wake) };
        let most = match slot.phase {
            // it may rest for hours, but not unhedged; less than an order can be waits for more
            PairPhase::Making if !self.owes_hedge(slot) => return Next::Wait(wake),
            PairPhase::Making => HostTime::EPOCH,
            _ => slot.plan.deadline,
        };
        let late = apart.after(ALONE).max(most);
        if now >= late { Next::Alarm } else { Next::Wait(wake.min(late)) }
    }
}
