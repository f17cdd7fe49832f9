//! What the successor of a strategy that is never at rest is told first.
//!
//! Such a strategy always has events waiting, because its answers make more. They must be read
//! once, and `resumed` must not know of what is told behind it. So a line is drawn: the old
//! instance reads what waited at that moment, the successor is told of everything after it, and
//! `resumed` is how things stood at the line, with what the old instance has asked for since, as it
//! sees that itself.

use crate::Engine;
use hedgerow_model::{
    Event, Held, Intent, OrderEvent, OrderStatus, OrderUpdate, PLAN_ORDERS, ResumedState,
    StrategyId,
};

/// As the SDK's context does when it is asked for.
fn asked_for(known: &mut ResumedState, intent: &Intent) {
    let cancel = |order: &mut OrderUpdate| {
        let filled = order.filled.is_positive();
        if let Ok(next) = order.status.apply(OrderEvent::CancelRequested, filled) {
            order.status = next;
        }
    };
    let own = known.orders.iter_mut().filter(|order| order.number < PLAN_ORDERS);
    match intent {
        Intent::Submit(order) => {
            known.orders.push(OrderUpdate::unfilled(order, OrderStatus::PendingNew));
        }
        Intent::Cancel(number) => own.filter(|order| order.number == *number).for_each(cancel),
        Intent::CancelAll(id) => own.filter(|order| order.instrument == *id).for_each(cancel),
        Intent::SetTimer { id, at } => {
            known.timers.retain(|(known, _)| known != id);
            known.timers.push((*id, *at));
        }
        Intent::CancelTimer(id) => known.timers.retain(|(known, _)| known != id),
        _ => {}
    }
}

impl Engine {
    /// Part of what waits for a strategy is kept for its successor.
    pub(crate) fn on_hold(&mut self, strategy: StrategyId, what: Held) {
        if what == Held::Timers {
            return; // told after whatever a successor is told first
        }
        let resumed = self.resumed(strategy);
        if let Some(slot) = self.strategies.get_mut(strategy.index())
            && !slot.credit.down
        {
            slot.credit.line.get_or_insert(resumed);
        }
    }

    /// What a strategy asks for behind the line, where there is one.
    pub(crate) fn note_asked(&mut self, strategy: StrategyId, intents: &[Intent]) {
        let slot = self.strategies.get_mut(strategy.index());
        if let Some(known) = slot.and_then(|slot| slot.credit.line.as_mut()) {
            intents.iter().for_each(|intent| asked_for(known, intent));
        }
    }

    /// `resumed` as an instance that takes over now is told it.
    pub(crate) fn resumed_at_cut(&mut self, strategy: StrategyId) -> Event {
        let slot = self.strategies.get_mut(strategy.index());
        let line = slot.and_then(|slot| slot.credit.line.take());
        Event::Resumed(line.unwrap_or_else(|| self.resumed(strategy)))
    }
}
