//! What strategies and people are told of a plan of one leg.

use super::SingleSlot;
use crate::Engine;
use crate::execution::PlanKey;
use hedgerow_model::{
    Decimal, ExitFigures, Instrument, Quantity, SingleFigures, SingleRequest, SingleUpdate, Trail,
};

impl Engine {
    /// What came of a plan so far.
    pub(super) fn single_figures(&self, key: PlanKey, slot: &SingleSlot) -> SingleFigures {
        let spec = self.config.instrument(slot.instrument());
        let average = spec.and_then(|spec| slot.ins.average(spec));
        let (reach, sources) = slot.priced();
        let barrier = matches!(slot.plan.request, SingleRequest::Barrier(_));
        SingleFigures {
            filled: Quantity::from_units(slot.ins.units),
            base: spec.map(|spec| base(spec, slot)).unwrap_or_default(),
            left: Quantity::from_units(slot.left()),
            average,
            slippage_bps: average.and_then(|average| slippage(slot, average)),
            fees: slot.ins.fees.saturating_add(slot.outs.fees),
            attempts: slot.tries_in_all(),
            reach,
            sources,
            exit: spec.filter(|_| barrier).map(|spec| self.exit_figures(key, slot, spec)),
        }
    }

    fn exit_figures(&self, key: PlanKey, slot: &SingleSlot, spec: &Instrument) -> ExitFigures {
        ExitFigures {
            held: Quantity::from_units(self.held_of(key, slot)),
            closed: Quantity::from_units(slot.outs.units),
            average: slot.outs.average(spec),
            profit: closed_profit(slot, spec),
        }
    }

    /// Where a plan stands.
    pub(in crate::execution) fn single_update(
        &self,
        key: PlanKey,
        slot: &SingleSlot,
    ) -> SingleUpdate {
        let trails = match &slot.plan.request {
            SingleRequest::Barrier(request) => request.trailing.is_some(),
            _ => false,
        };
        SingleUpdate {
            plan: key.1,
            kind: slot.plan.request.kind(),
            phase: slot.phase,
            figures: self.single_figures(key, slot),
            trail: trails.then(|| Trail { armed: slot.trigger.is_some(), trigger: slot.trigger }),
            fired: slot.fired,
            outcome: slot.result.as_ref().map(|result| result.outcome.clone()),
        }
    }
}

fn base(spec: &Instrument, slot: &SingleSlot) -> Decimal {
    if spec.kind.is_inverse() {
        return slot.ins.value;
    }
    let units = spec.quantity(Quantity::from_units(slot.ins.units));
    units.checked_mul(spec.multiplier).unwrap_or_default()
}

/// An average against the middle when the plan began, as a cost, basis points.
fn slippage(slot: &SingleSlot, average: Decimal) -> Option<Decimal> {
    let middle = slot.plan.middle;
    let over = average.checked_sub(middle)?.checked_div(middle)?;
    let bps = over.checked_mul(Decimal::from(10_000 * slot.plan.side.sign()))?;
    Some(bps.round_dp(4))
}

/// Profit of the part that was closed, as a fraction of what entered for it, net of fees.
fn closed_profit(slot: &SingleSlot, spec: &Instrument) -> Option<Decimal> {
    let (adopted, worth) = slot.plan.adopted;
    let units = adopted.units().checked_add(slot.ins.units)?;
    let closed = Decimal::from(slot.outs.units);
    let part = |whole: Decimal| whole.checked_mul(closed)?.checked_div(Decimal::from(units));
    let cost = part(worth.checked_add(slot.ins.value)?)?;
    let gain = slot.outs.value.checked_sub(cost)?;
    let inverse = spec.kind.is_inverse();
    let sign = slot.plan.side.sign() * if inverse { -1 } else { 1 };
    let fees = part(slot.ins.fees)?.checked_add(slot.outs.fees)?;
    let net = gain.checked_mul(Decimal::from(sign))?.checked_sub(fees)?;
    Some(net.checked_div(cost)?.round_dp(10).normalize())
}
