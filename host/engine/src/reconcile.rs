//! The venue's truth against ours: after every loss of the private stream, and before the first
//! order.
//!
//! On `Up` the venue is asked. It tells again what happened lately (fills are booked once, by their
//! key), then its open orders and positions, then that this is all. What we thought alive and it
//! does not know has ended; what it has open and we thought on its way is open; a position that
//! differs is a discrepancy that stops opening. Nothing is ever sent again but cancels.

use crate::{Effects, Engine};
use hedgerow_model::{
    AccountId, ClientOrderId, Duration, Fact, HostTime, InstrumentId, OrderEvent, OrderFact,
    OrderStatus, Quantity, VenueCommand, VenueEvent, VenueReport, VenueTime, WireId,
};
use std::collections::BTreeMap;

/// How far back the venue is asked to tell again: longer than any clock differs.
const OVERLAP: Duration = Duration::from_secs(60);

/// What the venue has told so far.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// When we asked; nothing: not yet.
    asked: Option<HostTime>,
    open: BTreeMap<WireId, (hedgerow_model::Price, Quantity)>,
    positions: BTreeMap<InstrumentId, Quantity>,
}

impl Engine {
    /// Whether an account may open.
    pub(crate) fn is_reconciled(&self, account: AccountId) -> bool {
        !self.unreconciled.contains_key(&account)
    }

    /// The private stream is confirmed: ask.
    pub(crate) fn begin_reconcile(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let (account, now) = (event.account, event.received);
        let answer = Answer { asked: Some(now), ..Answer::default() };
        self.unreconciled.insert(account, answer);
        // everything is told again after a start; later only what may have been missed
        let last = self.last_fill.get(&account).copied().unwrap_or(VenueTime::EPOCH);
        let since = last.as_nanos().saturating_sub(OVERLAP.as_nanos());
        let since = VenueTime::from_nanos(since);
        effects.commands.push(VenueCommand::Reconcile { account, since });
    }

    /// The private stream is lost: nothing opens until it is back and compared.
    pub(crate) fn lose_reconcile(&mut self, account: AccountId) {
        let must = self.config.accounts.get(account.index()).is_some_and(|known| known.reconcile);
        if must {
            self.unreconciled.insert(account, Answer::default());
        }
    }

    /// One part of the venue's answer.
    pub(crate) fn on_answer(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let Some(answer) = self.unreconciled.get_mut(&event.account) else { return };
        match &event.report {
            VenueReport::OpenOrder { wire, price, quantity, .. } => {
                answer.open.insert(*wire, (*price, *quantity));
            }
            VenueReport::Position { instrument, quantity } => {
                answer.positions.insert(*instrument, *quantity);
            }
            VenueReport::Reconciled => {
                if let Some(answer) = self.unreconciled.remove(&event.account) {
                    self.finish_reconcile(event, &answer, effects);
                }
            }
            _ => {}
        }
    }

    fn finish_reconcile(&mut self, event: &VenueEvent, answer: &Answer, effects: &mut Effects) {
        let account = event.account;
        let asked = answer.asked.unwrap_or(HostTime::EPOCH);
        let ours: Vec<(ClientOrderId, WireId, OrderStatus, InstrumentId)> = self
            .strategies
            .iter()
            .flat_map(|slot| slot.orders.values())
            .map(|known| &known.order)
            .filter(|order| order.account == account && order.created <= asked)
            .map(|order| (order.id, order.wire, order.status, order.request.instrument))
            .collect();
        for (id, wire, status, instrument) in ours {
            match answer.open.get(&wire) {
                Some(_) if status == OrderStatus::PendingCancel => {
                    effects.commands.push(VenueCommand::Cancel { account, instrument, wire });
                }
                Some((price, quantity)) => self.found_open(event, id, (*price, *quantity), effects),
                None => self.found_gone(event, id, status, effects),
            }
        }
        self.compare_positions(event, answer, effects);
    }

    fn found_open(
        &mut self,
        event: &VenueEvent,
        id: ClientOrderId,
        (price, quantity): (hedgerow_model::Price, Quantity),
        effects: &mut Effects,
    ) {
        let now = event.received;
        let Some(order) = self.order(id.strategy, id.number) else { return };
        let fact = match order.status {
            OrderStatus::PendingAmend => OrderFact::Amended { price, quantity },
            OrderStatus::PendingNew | OrderStatus::Unknown => {
                let (event, venue_id, reason) = (OrderEvent::Accepted, None, None);
                OrderFact::Moved { event, venue_id, reason }
            }
            _ => return,
        };
        self.record(now, Fact::Order { id, fact }, effects);
        self.tell_order(now, id, 0, effects);
    }

    /// The venue does not have it, and has told all that happened: it never arrived, or has ended.
    fn found_gone(
        &mut self,
        event: &VenueEvent,
        id: ClientOrderId,
        status: OrderStatus,
        effects: &mut Effects,
    ) {
        let never = matches!(status, OrderStatus::PendingNew | OrderStatus::Unknown);
        let moved = if never { OrderEvent::Rejected } else { OrderEvent::Canceled };
        let fact = OrderFact::Moved { event: moved, venue_id: None, reason: None };
        self.record(event.received, Fact::Order { id, fact }, effects);
        self.tell_order(event.received, id, 0, effects);
    }

    fn compare_positions(&mut self, event: &VenueEvent, answer: &Answer, effects: &mut Effects) {
        let account = event.account;
        let mut different = Vec::new();
        for (index, slot) in self.strategies.iter().enumerate() {
            if slot.account != account {
                continue;
            }
            for holding in &slot.holdings {
                let ours = holding.position.quantity;
                let theirs = answer.positions.get(&holding.instrument).copied().unwrap_or_default();
                if ours != theirs
                    && let Ok(index) = u32::try_from(index)
                {
                    different.push((index, holding.instrument, ours, theirs));
                }
            }
        }
        for (index, instrument, ours, theirs) in different {
            let strategy = hedgerow_model::StrategyId(index);
            let detail =
                format!("position in {instrument}: the venue has {theirs}, the ledger {ours}");
            self.record(event.received, Fact::Discrepancy { account, detail }, effects);
            self.stop_strategy(event.received, strategy, "it differs from the venue's", effects);
        }
    }
}
