//! The paper venue and the data it runs on: matching with queue position, latency, fees and
//! funding; generated markets; readers of recordings.
//!
//! Deterministic: no wall clock, no randomness but a seed's. It never opens a socket. Matching,
//! fees and the ledger hold no floating point.

pub mod generator;
pub mod paper;
pub mod readers;
mod tape;

pub use paper::{FillModel, PaperVenue, Request, VenueConfig};
pub use tape::{Chunk, Source, Tape, TapeFeed};
