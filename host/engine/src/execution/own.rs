//! Orders of a strategy's own that stand in the way of what the host closes.

use super::pair::PAUSE;
use crate::Engine;
use hedgerow_model::{
    HostTime, InstrumentId, Order, OrderStatus, PLAN_ORDERS, PairLeg, Quantity, Side, StrategyId,
};

/// Which they are.
#[derive(Debug, Default)]
pub(crate) struct OwnReductions {
    pub(crate) cancel: Vec<u64>,
    pub(crate) waits: bool,
}

impl Engine {
    fn own_orders(
        &self,
        strategy: StrategyId,
        instrument: InstrumentId,
        side: Side,
    ) -> impl Iterator<Item = &Order> {
        let owner = self.strategies.get(strategy.index());
        let orders = owner.into_iter().flat_map(|slot| slot.orders.range(..PLAN_ORDERS));
        orders.map(|(_, known)| &known.order).filter(move |order| {
            order.request.instrument == instrument && order.request.side == side
        })
    }

    /// The strategy's own orders of a side in an instrument: which can be canceled, and whether
    /// others are there whose end is under way.
    pub(crate) fn own_reductions(
        &self,
        strategy: StrategyId,
        instrument: InstrumentId,
        side: Side,
    ) -> OwnReductions {
        let own = self.own_orders(strategy, instrument, side);
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

    /// Whether the strategy's own orders keep an order of a close from reducing: which is canceled
    /// first, or until when is waited for those whose cancel is under way.
    pub(super) fn in_the_way(
        &self,
        now: HostTime,
        strategy: StrategyId,
        (leg, quantity): (&PairLeg, Quantity),
    ) -> Option<Result<u64, HostTime>> {
        let owner = self.strategies.get(strategy.index())?;
        let holding = owner.holding(leg.instrument)?;
        let held = holding.position.quantity.abs().units();
        let free = held.saturating_sub(holding.open(leg.side));
        if free >= quantity.units() || held < quantity.units() {
            return None; // nothing is, or without them it could not either
        }
        let orders = self.own_orders(strategy, leg.instrument, leg.side);
        let ends = [OrderStatus::PendingCancel, OrderStatus::Unknown];
        let (ending, stays): (Vec<_>, Vec<_>) = orders.partition(|o| ends.contains(&o.status));
        let freed: i64 = ending.iter().map(|order| order.remaining().units()).sum();
        let next = stays.first().filter(|_| free.saturating_add(freed) < quantity.units());
        match next {
            Some(order) => Some(Ok(order.request.number)),
            None => (freed > 0).then(|| Err(now.after(PAUSE))),
        }
    }
}
