//! What came of a pair: each leg's figures, and what its repair lost.

use super::{LegState, PlanSlot};
use crate::Engine;
use hedgerow_model::{
    Decimal, HostTime, Instrument, LegRepair, LegResult, PairLeg, PairOutcome, PairResult,
    Quantity, Rounding,
};

fn average(spec: Option<&Instrument>, (units, value): (i64, Decimal)) -> Option<Decimal> {
    (units != 0).then(|| spec?.average_entry(value, Quantity::from_units(units)))?
}

impl LegState {
    /// Average price in the leg's direction.
    pub(crate) fn average(&self, spec: &Instrument) -> Option<Decimal> {
        let (units, value) = self.forth;
        (units != 0).then(|| spec.average_entry(value, Quantity::from_units(units)))?
    }
}

/// What so much more of a value is as a loss, settle asset: dearer where it buys, cheaper where it
/// sells, and the other way of values in a coin.
fn as_loss(spec: &Instrument, planned: &PairLeg, more: Decimal) -> Option<Decimal> {
    let sign = planned.side.sign() * if spec.kind.is_inverse() { -1 } else { 1 };
    more.checked_mul(Decimal::from(sign))
}

/// What taking back lost: its value against that of the same units as bought.
fn lost(spec: &Instrument, planned: &PairLeg, state: &LegState) -> Option<Decimal> {
    let ((forth, cost), (back, got)) = (state.forth, state.back);
    if forth == 0 || back == 0 {
        return None;
    }
    let part = cost.checked_mul(Decimal::from(back))?.checked_div(Decimal::from(forth))?;
    as_loss(spec, planned, part.checked_sub(got)?)
}

/// What completing cost beyond what was expected when the plan began.
fn dearer(spec: &Instrument, planned: &PairLeg, state: &LegState) -> Option<Decimal> {
    let (units, value) = state.completed;
    let expected = (units != 0 && planned.expected > Decimal::ZERO).then_some(planned.expected)?;
    let expected = spec.value_at(expected, Quantity::from_units(units)).ok()?;
    as_loss(spec, planned, value.checked_sub(expected)?)
}

impl Engine {
    pub(super) fn pair_result(
        &self,
        now: HostTime,
        slot: &PlanSlot,
        outcome: PairOutcome,
    ) -> PairResult {
        PairResult {
            legs: [self.leg_result(slot, 0), self.leg_result(slot, 1)],
            residual: Rounding::HalfEven.decimal(slot.residual(), 14).normalize(),
            retries: slot.retries,
            orders: u32::try_from(slot.orders.len()).unwrap_or(u32::MAX),
            repair_loss: self.repair_loss(slot),
            took_ms: now.since(slot.plan.began).as_millis(),
            outcome,
            repairs: Some([self.leg_repair(slot, 0), self.leg_repair(slot, 1)]),
        }
    }

    pub(super) fn leg_result(&self, slot: &PlanSlot, leg: usize) -> LegResult {
        let (Some(planned), Some(state)) = (slot.plan.legs.get(leg), slot.legs.get(leg)) else {
            return LegResult::default();
        };
        let spec = self.config.instrument(planned.instrument);
        let bought_at = average(spec, state.forth);
        let cost = bought_at.and_then(|price| {
            let over = price.checked_sub(planned.middle)?.checked_div(planned.middle)?;
            let bps = over.checked_mul(Decimal::from(10_000 * planned.side.sign()))?;
            Some(bps.round_dp(4))
        });
        LegResult {
            filled: Quantity::from_units(state.filled),
            base: state.base,
            average: bought_at,
            slippage_bps: cost,
            taken_back: average(spec, state.back),
            fees: state.fees,
        }
    }

    fn leg_repair(&self, slot: &PlanSlot, leg: usize) -> LegRepair {
        let orders = slot.repairs.iter().filter_map(|number| slot.orders.get(number));
        let orders = orders.filter(|(of, _)| usize::from(*of) == leg).count();
        let orders = u32::try_from(orders).unwrap_or(u32::MAX);
        let (Some(planned), Some(state)) = (slot.plan.legs.get(leg), slot.legs.get(leg)) else {
            return LegRepair::default();
        };
        let spec = self.config.instrument(planned.instrument);
        let of = |figure: fn(&Instrument, &PairLeg, &LegState) -> Option<Decimal>| {
            spec.and_then(|spec| figure(spec, planned, state)).unwrap_or_default()
        };
        let loss = of(lost).saturating_add(of(dearer)).saturating_add(state.repair_fees);
        let completed = average(spec, state.completed);
        LegRepair { orders, completed, loss: loss.round_dp(14).normalize() }
    }

    /// What taking back lost, fees not counted.
    fn repair_loss(&self, slot: &PlanSlot) -> Decimal {
        let lost = |(planned, state): (&PairLeg, &LegState)| {
            lost(self.config.instrument(planned.instrument)?, planned, state)
        };
        let legs = slot.plan.legs.iter().zip(&slot.legs).filter_map(lost);
        legs.fold(Decimal::ZERO, Decimal::saturating_add).round_dp(14).normalize()
    }
}
