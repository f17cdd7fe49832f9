//! The proof that the risk gate has passed an order. It cannot be read from anywhere: no
//! `Deserialize`. Only `engine/risk/gate.rs` may make one; tidy fails the build on any other
//! caller.

use serde::Serialize;

/// Something the risk gate has passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Approved<T> {
    value: T,
    #[serde(skip)]
    flattens: bool,
}

impl<T> Approved<T> {
    /// For the risk gate alone.
    #[doc(hidden)]
    pub fn seal_by_gate(value: T) -> Self {
        Self { value, flattens: false }
    }

    /// For the risk gate alone: a reduction of an operator's flatten.
    #[doc(hidden)]
    pub fn flattening_seal_by_gate(value: T) -> Self {
        Self { value, flattens: true }
    }

    /// What was approved.
    pub fn get(&self) -> &T {
        &self.value
    }

    /// Whether it is a reduction of an operator's flatten: it leaves past the kill latch too.
    pub fn flattens(&self) -> bool {
        self.flattens
    }

    /// Takes what was approved.
    pub fn into_inner(self) -> T {
        self.value
    }
}
