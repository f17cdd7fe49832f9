//! The real loop, engine and paper venue over generated markets and random strategies, on virtual
//! time.
//!
//! Strategies run natively through the SDK's own frame, which is the same code as inside a
//! component.

pub mod fuzz;
pub mod market;
pub mod native;
pub mod random;
pub mod scene;
