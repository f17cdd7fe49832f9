//! Simulations that CI runs in their short form.

mod batches;
mod journal;
mod mailboxes;
