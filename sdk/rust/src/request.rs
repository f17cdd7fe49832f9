//! An order as a strategy asks for it, before it has a number.

use hedgerow_model::{InstrumentId, Price, Quantity, Side, TimeInForce};

/// An order to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRequest {
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// The limit.
    pub price: Price,
    /// How much.
    pub quantity: Quantity,
    /// How long; [`TimeInForce::GoodTillCancel`] rests.
    pub time_in_force: TimeInForce,
    /// Rejected rather than taking.
    pub post_only: bool,
    /// May only reduce the position.
    pub reduce_only: bool,
}

impl OrderRequest {
    /// A resting limit order.
    #[must_use]
    pub fn limit(instrument: InstrumentId, side: Side, price: Price, quantity: Quantity) -> Self {
        let time_in_force = TimeInForce::GoodTillCancel;
        let (post_only, reduce_only) = (false, false);
        Self { instrument, side, price, quantity, time_in_force, post_only, reduce_only }
    }

    /// The same, rejected rather than taking.
    #[must_use]
    pub fn post_only(mut self) -> Self {
        self.post_only = true;
        self
    }

    /// The same, never increasing the position.
    #[must_use]
    pub fn reduce_only(mut self) -> Self {
        self.reduce_only = true;
        self
    }

    /// The same, filling at once what it can.
    #[must_use]
    pub fn immediate(mut self) -> Self {
        self.time_in_force = TimeInForce::ImmediateOrCancel;
        self
    }
}
