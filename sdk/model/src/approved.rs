//! The proof that the risk gate has passed an order. It cannot be read from anywhere: no
//! `Deserialize`. Only `engine/risk/gate.rs` may make one; tidy fails the build on any other
//! caller.

use serde::Serialize;

/// Something the risk gate has passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Approved<T>(T);

impl<T> Approved<T> {
    /// For the risk gate alone.
    #[doc(hidden)]
    pub fn seal_by_gate(value: T) -> Self {
        Self(value)
    }

    /// What was approved.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Takes what was approved.
    pub fn into_inner(self) -> T {
        self.0
    }
}
