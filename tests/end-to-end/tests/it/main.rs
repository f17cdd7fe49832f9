//! The real binary, the real components, recorded and generated markets.

mod commands;
mod hostile;
mod recordings;
mod reload;
mod rig;
