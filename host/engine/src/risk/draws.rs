//! What commands draw from rate pools, and whose turn it is.

use crate::config::Weights;
use hedgerow_model::{AccountId, Input, VenueCommand};

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

/// Whether two questions are about the same.
pub(super) fn is_same_question(a: &VenueCommand, b: &VenueCommand) -> bool {
    use VenueCommand as C;
    match (a, b) {
        (C::Reconcile { extent: a, .. }, C::Reconcile { extent: b, .. }) => a == b,
        (C::QueryOrder { wire: a, .. }, C::QueryOrder { wire: b, .. })
        | (C::QueryTrades { wire: a, .. }, C::QueryTrades { wire: b, .. }) => a == b,
        _ => false,
    }
}
