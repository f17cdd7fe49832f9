//! What a Hedgerow strategy in Rust depends on.
//!
//! A strategy is an ordinary struct. It implements [`Strategy`], reads the market from its
//! [`Context`] and asks for orders through it; [`export!`] makes a component of it. The same struct
//! runs natively in a unit test through [`testing::Harness`], in milliseconds and without wasm.
//!
//! A strategy has no clock, network, files or randomness: everything it knows arrives in its
//! events, and everything it wants is in the answer. Read [`Context::now`] for the time and use
//! [`math`] instead of the standard library's functions, so that native and sandboxed runs agree to
//! the bit.
//!
//! Start with `docs/your-first-strategy.md`; its code is compiled and run with the tests.
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::cast_possible_truncation)
)]

mod context;
#[cfg(target_arch = "wasm32")]
mod convert;
mod describe;
pub mod estimate;
#[doc(hidden)]
pub mod guest;
mod instrument;
mod log;
mod market;
pub mod math;
mod number;
mod request;
mod runtime;
mod state;
mod strategy;
pub mod testing;
#[cfg(test)]
mod tests;

pub use context::{Context, LiveOrder};
pub use describe::{Description, Want};
pub use hedgerow_model as model;
pub use hedgerow_model::{
    Accept, AggressiveRequest, Barrier, BarrierEntry, BarrierRequest, ChaseRequest, CloseRequest,
    Decimal, Event, Fee, FeeAsset, FillNotice, Give, InsideSpreadRequest, Intent, LegOrder,
    LimitRequest, Making, MarketRequest, OnCancel, OrderSize, OrderStatus, OrderUpdate,
    PairOutcome, PairPhase, PairRequest, PairSize, PairUpdate, PlanUpdate, Price, Quantity,
    Rounding, Side, SingleKind, SingleOutcome, SinglePhase, SingleRequest, SingleUpdate, Tick,
    TickKind, TieredRequest, TimeInForce, TimerId, TradingMode, Trailing, TwapRequest,
};
pub use instrument::Instrument;
pub use log::Level;
pub use market::{Bar, Funding, Market};
pub use number::{NumberError, decimal_from_f64, price_from_f64, to_f64};
pub use request::OrderRequest;
pub use runtime::Runtime;
pub use schemars;
pub use serde;
pub use serde_json;
pub use state::{SavedState, save_json};
pub use strategy::{InitError, NoParameters, StopReason, Strategy};

/// The bindings that [`export!`] uses. Not for strategies.
#[doc(hidden)]
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, missing_docs, clippy::all)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "strategy",
        pub_export_macro: true,
        default_bindings_module: "hedgerow_sdk::bindings",
    });
}

/// The page `docs/your-first-strategy.md`, compiled and run with the tests.
#[doc = include_str!("../../../docs/your-first-strategy.md")]
#[cfg(doctest)]
pub struct YourFirstStrategy;
