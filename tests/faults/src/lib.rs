//! The fault simulation: the real loop, engine and paper venues on virtual time, with everything
//! going wrong that a seed says, and the invariants checked against the venues' own truth.
//!
//! A run follows from its script alone, a script from its seed alone: the same seed gives the same
//! bytes. Nothing here reads a clock, except to say how long it took.

mod answers;
mod apart;
pub mod batch;
mod beside;
mod cancels;
mod check;
mod components;
pub mod coverage;
mod deliveries;
pub mod dice;
mod ears;
mod fate;
pub mod fault;
mod feed;
pub mod guards;
mod harm;
mod host;
mod journal;
mod kinds;
mod leaving;
mod levels;
mod limits;
mod listening;
mod margins;
mod market;
mod ran;
pub mod run;
mod scene;
pub mod script;
mod session;
mod shared;
mod shares;
pub mod shrink;
mod singles;
pub mod steps;
mod terms;
mod tracker;
mod venues;
