//! Pairs of which one leg is ahead of the other, by the facts: for how long, and whether people
//! were told. Pairs with an inverse leg are left out: how far apart they are follows from prices.

use super::Tracker;
use crate::script::S;
use hedgerow_model::{
    AskedBy, ClientOrderId, Decimal, Order, PairPhase, Purpose, Quantity, Scope, StrategyId,
    TradingMode,
};

/// How long one leg may be alone before it is told, and what its host has for that, ns.
const ALONE: u64 = 30 * S;
const SOON: u64 = 3 * S;

impl Tracker {
    /// An order of a plan has filled.
    pub(super) fn note_apart(&mut self, id: ClientOrderId, now: u64) {
        let own = self.plans.range((id.strategy, 0)..=(id.strategy, u64::MAX));
        let mut own = own.rev().filter(|(_, plan)| plan.orders.contains_key(&id.number));
        let Some((key, plan)) = own.next() else { return };
        let (key, mut net) = (*key, [Decimal::ZERO; 2]);
        for (number, (leg, purpose)) in &plan.orders {
            let id = ClientOrderId { strategy: id.strategy, number: *number };
            let Some(known) = self.alive.get(&id).or_else(|| self.over.get(&id)) else { continue };
            let spec = &self.instruments[known.order.request.instrument.index()];
            if spec.kind.is_inverse() {
                return;
            }
            let filled = spec.quantity(Quantity::from_units(known.order.filled.units()));
            let back = *purpose == Purpose::TakeBack;
            net[usize::from(*leg)] += if back { -filled } else { filled };
        }
        // while a leg makes, what no order can hedge waits for more
        let least = plan.plan.legs.iter().filter(|_| plan.phase == PairPhase::Making).map(|leg| {
            let spec = &self.instruments[leg.instrument.index()];
            spec.quantity(spec.min_quantity)
        });
        let least = least.fold(plan.plan.step, Decimal::max);
        let level = (net[0] - net[1]).abs() < least;
        if let Some(plan) = self.plans.get_mut(&key) {
            plan.apart = if level { None } else { plan.apart.or(Some(now)) };
        }
    }

    /// A mode of a strategy: until when it was one in which it may not open.
    pub(super) fn note_restricted(&mut self, scope: Scope, mode: TradingMode, now: u64) {
        let Scope::Strategy(strategy) = scope else { return };
        let until = if mode >= TradingMode::ReduceOnly { u64::MAX } else { now };
        self.restricted.insert(strategy, until);
    }

    /// A plan that has held one leg alone for too long with nobody told.
    pub(crate) fn alone_and_untold(&self, now: u64) -> Option<(StrategyId, u64)> {
        let late = self.plans.iter().find(|((strategy, _), plan)| {
            let ended = plan.phase == PairPhase::Ended;
            let Some(since) = plan.apart.filter(|_| !ended) else { return false };
            let over = plan.plan.legs.iter().any(|leg| {
                let expiry = self.instruments[leg.instrument.index()].kind.expiry();
                expiry.is_some_and(|at| now >= at.as_nanos())
            });
            let making = plan.phase == PairPhase::Making;
            let deadline = if making { 0 } else { plan.plan.deadline.as_nanos() };
            let late = (since + ALONE).max(deadline).max(self.began) + SOON;
            let told = self.restricted.get(strategy).is_some_and(|until| *until >= since);
            !over && !told && now > late
        });
        late.map(|(key, _)| *key)
    }

    /// Whether an order that was approved before leaves though all is halted by now: none of a
    /// plan does, but an operator's flatten.
    pub(crate) fn leaves_halted(&self, now: u64, order: &Order) -> bool {
        let mode = self.mode(&[
            Scope::Strategy(order.id.strategy),
            Scope::Account(order.account),
            Scope::Instrument(order.request.instrument),
        ]);
        let single = self.of_order.get(&order.id).and_then(|key| self.singles.get(key));
        let flattens = single.is_some_and(|single| single.plan.asked_by == AskedBy::Operator);
        mode == TradingMode::Halted && !flattens && order.created.as_nanos() < now
    }
}
