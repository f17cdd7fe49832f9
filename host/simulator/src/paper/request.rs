//! What comes to the venue.

use hedgerow_model::{
    AccountId, Amend, Extent, InstrumentId, Order, VenueCommand, VenueTime, WireId,
};
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
    /// What happened, open orders, positions, and that this is all.
    Reconcile {
        /// Of which account.
        account: AccountId,
        /// Reports from here on are told again.
        since: VenueTime,
        /// Comes back with the end of the answer.
        nonce: u64,
        /// Of what.
        extent: Extent,
    },
    /// How one order stands.
    QueryOrder {
        /// On whose account.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// Which.
        wire: WireId,
        /// Comes back with the answer.
        nonce: u64,
    },
    /// One order's trades and its end again.
    QueryTrades {
        /// On whose account.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// Which.
        wire: WireId,
        /// Comes back with the end of the answer.
        nonce: u64,
    },
}

impl Request {
    /// Whose it is.
    #[must_use]
    pub fn account(&self) -> AccountId {
        match self {
            Self::Place(order) => order.account,
            Self::Cancel { account, .. }
            | Self::Amend { account, .. }
            | Self::SetLeverage { account, .. }
            | Self::QueryOrder { account, .. }
            | Self::QueryTrades { account, .. }
            | Self::Reconcile { account, .. } => *account,
        }
    }

    /// In what; nothing: in everything.
    #[must_use]
    pub fn instrument(&self) -> Option<InstrumentId> {
        match self {
            Self::Place(order) => Some(order.request.instrument),
            Self::Cancel { instrument, .. }
            | Self::Amend { instrument, .. }
            | Self::SetLeverage { instrument, .. }
            | Self::QueryOrder { instrument, .. }
            | Self::QueryTrades { instrument, .. } => Some(*instrument),
            Self::Reconcile { .. } => None,
        }
    }
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
            VenueCommand::Reconcile { account, since, nonce, extent } => {
                Self::Reconcile { account, since, nonce, extent }
            }
            VenueCommand::QueryOrder { account, instrument, wire, nonce } => {
                Self::QueryOrder { account, instrument, wire, nonce }
            }
            VenueCommand::QueryTrades { account, instrument, wire, nonce } => {
                Self::QueryTrades { account, instrument, wire, nonce }
            }
        }
    }
}
