//! Plans in a contract that ends: what it delivered of them counts as closed at the delivery price,
//! and what cannot be sent any more waits for that.
//!
//! Only plans at work: one that has ended did what it was asked for, and the other leg of a pair
//! that was held to delivery is its owner's to sell, through the window or at leisure.

use super::{PlanKey, PlanSlot};
use crate::Engine;
use crate::expiry::part_of_fee;
use hedgerow_model::{Fee, HostTime, InstrumentId, PairKind, PairLeg, Price, Quantity, StrategyId};

impl Engine {
    /// Folds a delivery into the plans at work in its contract.
    pub(crate) fn deliver_plans(
        &mut self,
        (strategy, instrument): (StrategyId, InstrumentId),
        price: Price,
        (quantity, fee): (Quantity, Fee),
    ) {
        let Some(spec) = self.config.instruments.get(instrument.index()) else { return };
        for key in self.plans.live(|slot| slot.trades(instrument)) {
            if key.0 != strategy {
                continue;
            }
            if let Some(single) = self.plans.single_mut(&key) {
                single.deliver(spec, price, (quantity, fee));
            }
            let Some(pair) = self.plans.pair_mut(&key) else { continue };
            let legs = pair.plan.legs.iter().zip(&mut pair.legs);
            for (planned, state) in legs.filter(|(leg, _)| leg.instrument == instrument) {
                let (units, opens) = match pair.plan.kind {
                    PairKind::Open => (state.filled, true),
                    PairKind::Close => (planned.target.units().saturating_sub(state.filled), false),
                };
                if units <= 0 {
                    continue;
                }
                let part = Quantity::from_units(units);
                // what fits the ledger fits here: the same products, or smaller ones
                let value = spec.value(price, part).unwrap_or_default();
                let base = planned.base_of(pair.plan.kind, spec, (price, part));
                let sum = if opens { &mut state.back } else { &mut state.forth };
                *sum = (sum.0.saturating_add(units), sum.1.saturating_add(value));
                state.fees = state.fees.saturating_add(fee_of(fee, part, quantity));
                if opens {
                    (state.filled, state.base) = (0, hedgerow_model::Decimal::ZERO);
                } else {
                    state.filled = planned.target.units();
                    state.base = state.base.saturating_add(base);
                }
            }
            pair.apart = pair.apart.filter(|_| !pair.is_level());
            pair.told &= pair.apart.is_some();
        }
    }

    fn leg_waits(&self, leg: &PairLeg) -> Option<HostTime> {
        self.awaits_delivery(leg.account, leg.instrument)
    }

    /// Whether a leg can only be closed by its delivery, which is to come.
    pub(super) fn awaits_leg(&self, slot: &PlanSlot, leg: u8) -> Option<HostTime> {
        self.leg_waits(slot.plan.legs.get(usize::from(leg))?)
    }

    /// Whether what is missing of an open is of a contract that trades no more.
    pub(super) fn cannot_be_completed(&self, key: PlanKey, slot: &PlanSlot) -> bool {
        let shorter = usize::from(slot.residual().is_sign_positive());
        let leg = slot.plan.legs.get(shorter).filter(|_| slot.plan.kind == PairKind::Open);
        leg.is_some_and(|leg| self.has_ended(key.0, leg.instrument))
    }

    /// Until when a pair waits for a delivery: it is of the leg that has too much, or of all that
    /// is left to close.
    pub(super) fn waits_for_delivery(&self, slot: &PlanSlot) -> Option<HostTime> {
        match slot.plan.kind {
            PairKind::Open => self.awaits_leg(slot, u8::from(slot.residual().is_sign_negative())),
            PairKind::Close => {
                let left = (0..2).filter(|leg| self.left_to_close(slot, *leg).is_some());
                let waits: Vec<_> = left.map(|leg| self.awaits_leg(slot, leg)).collect();
                waits.into_iter().min().flatten()
            }
        }
    }

    /// Whether what a pair has too much is of a contract that was delivered: nothing is held of it.
    pub(super) fn is_residual_delivered(&self, slot: &PlanSlot) -> bool {
        let longer = usize::from(slot.residual().is_sign_negative());
        let leg = slot.plan.legs.get(longer);
        leg.is_some_and(|leg| {
            let owner = self.owner_of(leg.account, leg.instrument);
            let slot = owner.and_then(|id| self.strategies.get(id.index()));
            let holding = slot.and_then(|slot| slot.holding(leg.instrument));
            let known = holding.zip(self.config.instrument(leg.instrument));
            known.is_some_and(|(holding, spec)| Self::is_delivered(holding, spec))
        })
    }
}

/// A part of a delivery's fee, settle asset.
pub(super) fn fee_of(fee: Fee, part: Quantity, all: Quantity) -> hedgerow_model::Decimal {
    part_of_fee(fee, part, all.abs()).amount
}
