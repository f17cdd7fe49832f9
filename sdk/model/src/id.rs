//! Identities. Small integers stand for things with names; the names are journaled beside them.
//!
//! An id is never reused for another thing within one journal.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! index_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize,
            Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The id as a position in a table.
            #[must_use]
            // u32 to usize is lossless on every target we build for
            #[allow(clippy::as_conversions)]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

index_id! {
    /// One tradable thing at one venue. Its scales are fixed for the life of the id.
    InstrumentId
}
index_id! {
    /// One credential set.
    AccountId
}
index_id! {
    /// One configured, running instance of a plugin.
    StrategyId
}
index_id! {
    /// One venue of the host's configuration.
    VenueId
}

/// The id the venue carries on our order. Allocated per account, journaled before it is sent.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct WireId(pub u64);

/// The venue's own id of an order.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct VenueOrderId(pub u64);

/// The venue's id of one trade of ours: the key under which a fill is booked once.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TradeId(pub u64);

/// Our id of an order: the strategy and the number it gave the order. 128 bits wide on disk, never
/// reused.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ClientOrderId {
    /// Whose order it is.
    pub strategy: StrategyId,
    /// The strategy's own number, from the `next-order` of the call that made it.
    pub number: u64,
}

impl fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.strategy, self.number)
    }
}
