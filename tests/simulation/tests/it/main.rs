//! Simulations that CI runs in their short form.

mod bars;
mod batches;
mod down;
mod fuzz;
mod held;
mod journal;
mod large;
mod mailboxes;
mod mutants;
mod pnl;
mod replay;
mod snapshots;
