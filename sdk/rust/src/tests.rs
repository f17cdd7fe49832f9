//! What a strategy may rely on: its state comes back, its context agrees with what it asked for,
//! and the harness behaves as the host does.

use crate::testing::perpetual;
use crate::*;
use hedgerow_model::InstrumentId;

mod context;
mod harness;
mod instrument;
mod state;

fn bid(units: i64) -> OrderRequest {
    let (price, quantity) = (Price::from_units(units), Quantity::from_units(10));
    OrderRequest::limit(InstrumentId(1), Side::Buy, price, quantity)
}
