//! The host itself: config, wiring, commands. The only crate that knows all the others.

pub mod check;
pub mod command;
pub mod config;
pub mod data;
pub mod folded;
pub mod kept;
pub mod latch;
pub mod link;
pub mod live;
mod owners;
mod recording;
pub mod wiring;
