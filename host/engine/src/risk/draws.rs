//! What commands draw from rate pools, and whose turn it is.

use crate::Engine;
use crate::config::Weights;
use crate::risk::pools::{Rank, Rations, Waiting};
use hedgerow_model::{
    AccountId, Action, AskedBy, ClientOrderId, HostTime, Input, Order, PLAN_ORDERS, VenueCommand,
    WireId,
};

/// Whose turn it is. What waits leaves at its own wake-up, or when something of its account
/// happens: an input that is another's, or a tick that says nothing, may lie in a stretch that a
/// strategy has read ahead.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    /// Everybody's.
    All,
    /// That of this account, and of those for which something is to leave.
    Of(Option<AccountId>),
}

impl Due {
    pub(crate) fn of(input: &Input<'_>) -> Self {
        match input {
            Input::Venue(event) => Self::Of(Some(event.account)),
            Input::Wake(_) | Input::Operator { .. } => Self::All,
            _ => Self::Of(None),
        }
    }
}

/// How much a command draws.
pub(super) const fn weight(weights: &Weights, command: &VenueCommand) -> u32 {
    match command {
        VenueCommand::Place(_) | VenueCommand::SetLeverage { .. } => weights.place,
        VenueCommand::Cancel { .. } => weights.cancel,
        VenueCommand::Amend { .. } => weights.amend,
        VenueCommand::QueryOrder { .. } | VenueCommand::QueryTrades { .. } => weights.query,
        VenueCommand::Reconcile { .. } => weights.reconcile,
    }
}

/// Whether two commands ask for the same.
pub(super) fn is_same_question(a: &VenueCommand, b: &VenueCommand) -> bool {
    use VenueCommand as C;
    match (a, b) {
        (C::Reconcile { extent: a, .. }, C::Reconcile { extent: b, .. }) => a == b,
        (C::Cancel { wire: a, .. }, C::Cancel { wire: b, .. }) => a == b,
        (C::QueryOrder { wire: a, .. }, C::QueryOrder { wire: b, .. })
        | (C::QueryTrades { wire: a, .. }, C::QueryTrades { wire: b, .. }) => a == b,
        _ => false,
    }
}

impl Rations {
    fn waits(&self, account: AccountId, is_it: impl Fn(&VenueCommand) -> bool) -> bool {
        let all = (account, Rank::Cancel, 0)..=(account, Rank::Question, u64::MAX);
        self.waiting.range(all).any(|(_, waiting)| is_it(&waiting.command))
    }

    /// Whether an order has not left yet.
    pub(crate) fn holds_back(&self, account: AccountId, wire: WireId) -> bool {
        let is_it = |command: &VenueCommand| {
            matches!(command,
            VenueCommand::Place(order) if order.get().wire == wire)
        };
        self.waits(account, is_it)
    }

    /// Whether an amendment of an order has not left yet.
    pub(crate) fn holds_amendment(&self, account: AccountId, of: WireId) -> bool {
        let is_it = |command: &VenueCommand| {
            matches!(command,
            VenueCommand::Amend { wire, .. } if *wire == of)
        };
        self.waits(account, is_it)
    }
}

impl Engine {
    /// Whether nothing of an order's plan may leave any more: where all is halted no plan unwinds,
    /// but an operator's flatten goes on. Orders of a strategy's own are canceled then.
    pub(super) fn is_held_by_halt(&self, id: ClientOrderId, order: &Order) -> bool {
        if id.number < PLAN_ORDERS {
            return false;
        }
        let mode = self.mode_at(id.strategy, order.account, order.request.instrument);
        let single = self.plans.of_order(id).and_then(|key| self.plans.single(&key));
        let flattens = single.is_some_and(|single| single.plan.asked_by == AskedBy::Operator);
        !flattens && !mode.permits(Action::PlanUnwinds)
    }

    /// What has waited is as old as it is on its way: the time that its venue may take begins now.
    pub(super) fn note_left(&mut self, now: HostTime, waiting: &Waiting) {
        if waiting.since >= now {
            return;
        }
        let (account, wire, amends) = match &waiting.command {
            VenueCommand::Place(order) => (order.get().account, order.get().wire, false),
            VenueCommand::Amend { account, wire, .. } => (*account, *wire, true),
            _ => return,
        };
        let Some(id) = self.by_wire.get(&(account, wire)).copied() else { return };
        if let Some(known) = self.known_mut(id) {
            known.touched = known.touched.max(now);
            known.amended_at = if amends { now } else { known.amended_at };
        }
    }

    /// What a process finds in its journal may have left in the last moment of the one before.
    pub(crate) fn note_begun(&mut self, now: HostTime) {
        let orders = self.strategies.iter_mut().flat_map(|slot| slot.orders.values_mut());
        for known in orders {
            known.touched = known.touched.max(now);
            if known.amending.is_some() {
                known.amended_at = known.amended_at.max(now);
            }
        }
    }
}
