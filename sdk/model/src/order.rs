//! Orders: what a strategy asks for, and what we have taken responsibility for.

use crate::fixed::{Price, Quantity, Rounding};
use crate::id::{AccountId, ClientOrderId, InstrumentId, VenueOrderId, WireId};
use crate::status::OrderStatus;
use crate::time::HostTime;
use serde::{Deserialize, Serialize};

/// Which way an order trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Takes the asset.
    Buy,
    /// Gives the asset.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// +1 for a buy, -1 for a sell.
    #[must_use]
    pub const fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }

    /// How a resting price of this side rounds: a buy down, a sell up.
    #[must_use]
    pub const fn passive_rounding(self) -> Rounding {
        match self {
            Self::Buy => Rounding::Floor,
            Self::Sell => Rounding::Ceil,
        }
    }

    /// Whether `a` is at least as good for the resting side as `b` would need: a buy at `price`
    /// is reached by a seller at `other` when `other <= price`.
    #[must_use]
    pub fn reaches(self, price: Price, other: Price) -> bool {
        match self {
            Self::Buy => other <= price,
            Self::Sell => other >= price,
        }
    }
}

/// How long an order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeInForce {
    /// Until canceled.
    GoodTillCancel,
    /// Fills what it can at once; the rest is canceled.
    ImmediateOrCancel,
    /// All at once or nothing.
    FillOrKill,
}

/// Conditions on an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFlags {
    /// Rejected rather than taking.
    pub post_only: bool,
    /// May never increase the position.
    pub reduce_only: bool,
}

/// A limit order as a strategy asks for it. There is no naked market order: a bounded IOC is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOrder {
    /// The strategy's number for it: the call's `next-order`, then one more for each further
    /// submit.
    pub number: u64,
    /// What to trade.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// The limit.
    pub price: Price,
    /// How much, above zero.
    pub quantity: Quantity,
    /// How long.
    pub time_in_force: TimeInForce,
    /// Conditions.
    pub flags: OrderFlags,
}

/// A change of a live order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amend {
    /// The strategy's number of the live order.
    pub order: u64,
    /// The new limit.
    pub price: Price,
    /// The new total quantity, fills included.
    pub quantity: Quantity,
}

/// A change of a live order that keeps its meaning whatever its venue can do: where the venue
/// amends, an amendment; elsewhere the order is canceled, and what is left of it once that is
/// proven goes out as a new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// The strategy's number of the live order.
    pub order: u64,
    /// The number of the new order, the next of the strategy's; spent as well where the venue
    /// amends.
    pub number: u64,
    /// The new limit.
    pub price: Price,
    /// The new total quantity, fills of the live order included.
    pub quantity: Quantity,
}

impl Replacement {
    /// As its venue amends it.
    #[must_use]
    pub const fn amend(&self) -> Amend {
        Amend { order: self.order, price: self.price, quantity: self.quantity }
    }
}

/// An order we have taken responsibility for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Ours.
    pub id: ClientOrderId,
    /// The id the venue carries for us.
    pub wire: WireId,
    /// The venue's own, once it has told.
    pub venue_id: Option<VenueOrderId>,
    /// On whose account.
    pub account: AccountId,
    /// As it was asked for, with amendments applied.
    pub request: NewOrder,
    /// Where it stands.
    pub status: OrderStatus,
    /// Filled so far; never decreases.
    pub filled: Quantity,
    /// When we accepted it.
    pub created: HostTime,
}

impl Order {
    /// What may still fill.
    #[must_use]
    pub fn remaining(&self) -> Quantity {
        Quantity::from_units(
            self.request.quantity.units().saturating_sub(self.filled.units()).max(0),
        )
    }
}
