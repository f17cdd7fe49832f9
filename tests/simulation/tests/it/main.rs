//! Simulations that CI runs in their short form.

mod bars;
mod batches;
mod journal;
mod mailboxes;
mod replay;
