//! Simulations that CI runs in their short form.

mod bars;
mod batches;
mod held;
mod journal;
mod mailboxes;
mod replay;
