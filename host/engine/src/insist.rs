//! Cancels that must come true. Where a mode, a quarantine, the end of a run or an operator says
//! that orders go, a venue that refuses a cancel (it limits us, it is busy) is asked again, with
//! back-off, as long as the order lives and the reason holds: nobody else would.

use crate::doubts::back_off;
use crate::{Effects, Engine, OpenOrders};
use hedgerow_model::{
    AccountId, ClientOrderId, Fact, HostTime, InstrumentId, Order, OrderFact, OrderStatus,
    PLAN_ORDERS, StrategyId, TradingMode,
};

/// After so many refusals people are told.
const TOLD: u8 = 3;

impl Engine {
    /// The host itself ends a strategy's orders; those of plans their plans end.
    pub(crate) fn end_orders(&mut self, now: HostTime, strategy: StrategyId, fx: &mut Effects) {
        self.end_orders_in(now, strategy, None, fx);
    }

    /// The same in one instrument, or in all.
    pub(crate) fn end_orders_in(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        instrument: Option<InstrumentId>,
        fx: &mut Effects,
    ) {
        let slot = self.strategies.get(strategy.index());
        let own = slot.into_iter().flat_map(|slot| slot.orders.values()).map(|known| &known.order);
        let own = own.filter(|order| order.id.number < PLAN_ORDERS);
        let meant = own.filter(|o| instrument.is_none_or(|id| o.request.instrument == id));
        for id in meant.map(|order| order.id).collect::<Vec<_>>() {
            self.must_be_over(now, id, fx);
        }
        self.cancel_many(now, strategy, instrument, fx);
    }

    /// The host ends an order; a fact, so that a restart goes on with it.
    pub(crate) fn must_be_over(&mut self, now: HostTime, id: ClientOrderId, fx: &mut Effects) {
        if !self.is_to_end(id) {
            self.record(now, Fact::Order { id, fact: OrderFact::MustEnd }, fx);
        }
    }

    fn is_to_end(&self, id: ClientOrderId) -> bool {
        let slot = self.strategies.get(id.strategy.index());
        slot.and_then(|slot| slot.orders.get(&id.number)).is_some_and(|known| known.must_end)
    }

    /// Whether an order may not rest as things stand, whoever wants it.
    fn must_end(&self, order: &Order) -> bool {
        let id = order.id;
        if id.number >= PLAN_ORDERS {
            // plans see to their own, but for an entry that an operator ended and its barriers stay
            return self.is_to_end(id);
        }
        let mode = self.mode_at(id.strategy, order.account, order.request.instrument);
        let forbidden = match mode {
            TradingMode::Running => false,
            TradingMode::ReduceOnly => !self.is_reduction(order),
            _ => true,
        };
        let ends = self.policy(id.strategy, |slot| slot.on_quarantine) == OpenOrders::Cancel;
        let kept_out = self.is_quarantined(id.strategy) && ends;
        forbidden || kept_out || self.is_to_end(id)
    }

    /// Its venue refused to cancel an order.
    pub(crate) fn cancel_refused(&mut self, now: HostTime, id: ClientOrderId, fx: &mut Effects) {
        let Some(order) = self.order(id.strategy, id.number).filter(|order| self.must_end(order))
        else {
            return;
        };
        let account = order.account;
        let pause = self.asks(account).pause;
        let (refused, at) = self.truth.again.entry(id).or_default();
        *at = now.after(back_off(pause, *refused));
        *refused = refused.saturating_add(1);
        if *refused == TOLD {
            let detail = format!("order {id} must end, and its venue refuses to cancel it");
            self.record(now, Fact::Discrepancy { account, detail }, fx);
        }
    }

    /// What was refused and is due is asked for again.
    pub(crate) fn cancels_due(&mut self, now: HostTime, effects: &mut Effects) {
        let due = self.truth.again.iter().filter(|(_, (_, at))| *at <= now);
        for id in due.map(|(id, _)| *id).collect::<Vec<_>>() {
            let order = self.order(id.strategy, id.number);
            if order.is_some_and(|order| self.must_end(order)) {
                // what comes of it says whether there is another time
                if let Some((_, at)) = self.truth.again.get_mut(&id) {
                    *at = HostTime::NEVER;
                }
                self.cancel(now, id.strategy, id.number, effects);
            } else {
                self.truth.again.remove(&id);
            }
        }
    }

    /// After an account was compared: what may not rest and does, goes.
    pub(crate) fn end_what_may_not_rest(
        &mut self,
        now: HostTime,
        account: AccountId,
        effects: &mut Effects,
    ) {
        let resting = |order: &&Order| order.status != OrderStatus::PendingCancel;
        let live = self.live_orders(account).filter(resting).filter(|order| self.must_end(order));
        for id in live.map(|order| order.id).collect::<Vec<_>>() {
            self.cancel(now, id.strategy, id.number, effects);
        }
    }

    /// An order is over: nothing of it is asked for again.
    pub(crate) fn ends_no_more(&mut self, id: ClientOrderId) {
        self.truth.again.remove(&id);
    }
}
