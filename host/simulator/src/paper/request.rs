//! What comes to the venue.

use hedgerow_model::{AccountId, Amend, InstrumentId, Order, VenueCommand, VenueTime, WireId};
use serde::{Deserialize, Serialize};

/// A plain request, as it comes over a socket: what the venue itself sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Place an order.
    Place(Order),
    /// Cancel by wire id.
    Cancel {
        /// On whose account.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// Which.
        wire: WireId,
    },
    /// Amend by wire id.
    Amend {
        /// On whose account.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// Which.
        wire: WireId,
        /// To what.
        amend: Amend,
    },
    /// Set leverage.
    SetLeverage {
        /// Of which account.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// To what, hundredths.
        leverage_hundredths: u32,
    },
    /// Open orders, positions, and that this is all.
    Reconcile {
        /// Of which account.
        account: AccountId,
        /// For whoever keeps the reports of the past.
        since: VenueTime,
        /// Comes back with the end of the answer.
        nonce: u64,
    },
}

impl From<VenueCommand> for Request {
    fn from(command: VenueCommand) -> Self {
        match command {
            VenueCommand::Place(order) => Self::Place(order.into_inner()),
            VenueCommand::Cancel { account, instrument, wire } => {
                Self::Cancel { account, instrument, wire }
            }
            VenueCommand::Amend { account, instrument, wire, amend } => {
                Self::Amend { account, instrument, wire, amend: amend.into_inner() }
            }
            VenueCommand::SetLeverage { account, instrument, leverage_hundredths } => {
                Self::SetLeverage { account, instrument, leverage_hundredths }
            }
            VenueCommand::Reconcile { account, since, nonce } => {
                Self::Reconcile { account, since, nonce }
            }
        }
    }
}
