//! What is left of a leg: of an open no more than was asked for, of a close also what follows the
//! other one where that was closed by too much (decision 0010).

use super::PlanSlot;
use super::alone::NEARLY;
use super::size::{whole_lots, whole_parts};
use crate::Engine;
use crate::terms::whole_lots_of;
use hedgerow_model::{Decimal, PairKind, Quantity, part_of};

/// Why nothing is sent.
pub(super) const LESS: &str = "what differs is less than an order can be";

impl PlanSlot {
    /// How much more the first leg than the second has beyond what was planned, base units.
    pub(super) fn overfilled(&self) -> Decimal {
        let mut too_much = self.legs.iter().zip(&self.plan.legs).map(|(state, planned)| {
            let more = state.filled.saturating_sub(planned.target.units());
            if more > 0 { part_of(state.base, more, state.filled) } else { Decimal::ZERO }
        });
        let (first, second) = (too_much.next(), too_much.next());
        first.unwrap_or_default().saturating_sub(second.unwrap_or_default())
    }
}

impl Engine {
    /// What of a leg of an open may still be had: no more than was asked for, whatever a late fill
    /// has brought of the other one; that is taken back. With an inverse leg how much that is
    /// follows from the prices.
    pub(super) fn left_to_open(&self, slot: &PlanSlot, leg: u8) -> Option<Quantity> {
        let specs = slot.plan.legs.iter().map(|leg| self.config.instrument(leg.instrument));
        if specs.flatten().any(|spec| spec.kind.is_inverse()) {
            return Some(Quantity::from_units(i64::MAX));
        }
        let place = usize::from(leg);
        let (planned, state) = (slot.plan.legs.get(place)?, slot.legs.get(place)?);
        let left = planned.target.units().saturating_sub(state.filled);
        let spec = self.config.instrument(planned.instrument)?;
        let left = whole_lots_of(spec, Quantity::from_units(left));
        (left.is_positive() && left >= spec.min_quantity).then_some(left)
    }

    /// By how much a leg of a close follows the other one, which late fills have closed by more
    /// than was planned since the plan last ended: until it is level with that, and by no more than
    /// is held beyond what is left of it anyway.
    pub(super) fn follows(&self, slot: &PlanSlot, leg: u8) -> Quantity {
        let sign = if leg == 0 { Decimal::NEGATIVE_ONE } else { Decimal::ONE };
        let apart = slot.overfilled().saturating_mul(sign);
        // what one leg had too much when the plan ended was looked at then
        let due = apart.min(apart.saturating_sub(slot.accepted.saturating_mul(sign)));
        let place = usize::from(leg);
        let known = slot.plan.legs.get(place).zip(slot.legs.get(place));
        let Some((planned, state)) = known.filter(|_| due >= slot.plan.step.saturating_mul(NEARLY))
        else {
            return Quantity::ZERO;
        };
        let owner = self.owner_of(planned.account, planned.instrument);
        let owner = owner.and_then(|id| self.strategies.get(id.index()));
        let held = owner.map_or(0, |slot| slot.position(planned.instrument).units());
        let there = held.saturating_mul(-planned.side.sign());
        let left = planned.target.units().saturating_sub(state.filled).max(0);
        let due = self.lots_of_base(slot, leg, due).unwrap_or_default();
        due.min(Quantity::from_units(there.saturating_sub(left).max(0)))
    }

    /// Whether whole lots of a leg are left to close, fewer than an order can be.
    pub(super) fn has_rest(&self, slot: &PlanSlot, leg: u8) -> bool {
        let place = usize::from(leg);
        let known = slot.plan.legs.get(place).zip(slot.legs.get(place));
        known.is_some_and(|(planned, state)| {
            let left = planned.target.units().saturating_sub(state.filled);
            let spec = self.config.instrument(planned.instrument);
            spec.is_some_and(|s| whole_lots_of(s, Quantity::from_units(left)).is_positive())
        })
    }

    /// So much of the base in whole lots of a leg, down, if that is an order's size.
    pub(super) fn lots_for(&self, slot: &PlanSlot, leg: u8, base: Decimal) -> Option<Quantity> {
        let spec = self.config.instrument(slot.plan.legs.get(usize::from(leg))?.instrument)?;
        let lots = self.lots_of_base(slot, leg, base)?;
        (lots.is_positive() && lots >= spec.min_quantity).then_some(lots)
    }

    fn lots_of_base(&self, slot: &PlanSlot, leg: u8, base: Decimal) -> Option<Quantity> {
        let planned = slot.plan.legs.get(usize::from(leg))?;
        let spec = self.config.instrument(planned.instrument)?;
        if slot.plan.kind == PairKind::Close && spec.kind.is_inverse() {
            // as many contracts as were entered for so much
            let units = base.checked_mul(planned.target.units().into())?;
            let units = i64::try_from(whole_parts(units, planned.base)?.mantissa()).ok()?;
            return Some(whole_lots_of(spec, Quantity::from_units(units)));
        }
        let state = slot.legs.get(usize::from(leg))?;
        let price = state.average(spec).unwrap_or(planned.middle);
        whole_lots(spec, base, price).ok()
    }
}
