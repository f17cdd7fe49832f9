//! Orders of a strategy's own that stand in the way of what the host closes.

use super::PlanSlot;
use super::size::whole_lots;
use crate::Engine;
use crate::terms::whole_lots_of;
use hedgerow_model::{Decimal, InstrumentId, OrderStatus, PLAN_ORDERS, Quantity, Side, StrategyId};

/// Which they are.
#[derive(Debug, Default)]
pub(crate) struct OwnReductions {
    pub(crate) cancel: Vec<u64>,
    pub(crate) waits: bool,
}

impl Engine {
    /// The strategy's own orders of a side in an instrument: which can be canceled, and whether
    /// others are there whose end is under way.
    pub(crate) fn own_reductions(
        &self,
        strategy: StrategyId,
        instrument: InstrumentId,
        side: Side,
    ) -> OwnReductions {
        let owner = self.strategies.get(strategy.index());
        let orders = owner.into_iter().flat_map(|slot| slot.orders.values());
        let own = orders.map(|known| &known.order).filter(|order| {
            let request = &order.request;
            let place = request.instrument == instrument;
            place && request.side == side && request.number < PLAN_ORDERS
        });
        // of one whose outcome is unknown the venue tells: it is not asked twice
        let asked = [OrderStatus::PendingCancel, OrderStatus::Unknown];
        let mut found = OwnReductions::default();
        for order in own {
            if asked.contains(&order.status) {
                found.waits = true;
            } else {
                found.cancel.push(order.request.number);
            }
        }
        found
    }
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

    /// By how much a leg of a close follows the other one, which was closed by more than planned:
    /// until both are level, and by no more than is held.
    pub(super) fn follows(&self, slot: &PlanSlot, leg: u8) -> Quantity {
        // what one leg had too much when it ended was looked at then
        let due = slot.residual().saturating_sub(slot.accepted);
        let level = due.abs() < slot.plan.step;
        let behind = u8::from(due.is_sign_positive()) == leg && !level;
        let ahead = usize::from(1 - leg.min(1));
        let too_much = slot.legs.get(ahead).zip(slot.plan.legs.get(ahead));
        let too_much = too_much.is_some_and(|(state, leg)| state.filled > leg.target.units());
        let planned = slot.plan.legs.get(usize::from(leg));
        let Some(planned) = planned.filter(|_| behind && too_much) else { return Quantity::ZERO };
        let owner = self.owner_of(planned.account, planned.instrument);
        let owner = owner.and_then(|id| self.strategies.get(id.index()));
        let held = owner.map_or(0, |slot| slot.position(planned.instrument).units());
        let there = held.saturating_mul(-planned.side.sign()).max(0);
        let missing = self.lots_for(slot, leg, due.abs()).unwrap_or_default();
        missing.min(Quantity::from_units(there))
    }
    /// So much of the base in whole lots of a leg, down.
    pub(super) fn lots_for(&self, slot: &PlanSlot, leg: u8, base: Decimal) -> Option<Quantity> {
        let planned = slot.plan.legs.get(usize::from(leg))?;
        let spec = self.config.instrument(planned.instrument)?;
        let state = slot.legs.get(usize::from(leg))?;
        let price = state.average(spec).unwrap_or(planned.middle);
        let quantity = whole_lots(spec, base, price).ok()?;
        (quantity.is_positive() && quantity >= spec.min_quantity).then_some(quantity)
    }
}
