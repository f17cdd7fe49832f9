//! Orders of a strategy's own that stand in the way of what the host closes.

use crate::Engine;
use hedgerow_model::{InstrumentId, OrderStatus, PLAN_ORDERS, Side, StrategyId};

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
}
