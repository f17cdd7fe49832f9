//! What commands draw from rate pools.

use crate::config::Weights;
use hedgerow_model::VenueCommand;

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
