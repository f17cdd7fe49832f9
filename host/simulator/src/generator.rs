//! Later.
use crate::tape::{Chunk, Source};
use hedgerow_model::Instrument;
/// A generated market.
pub struct Market {}
impl Market {
    /// Later.
    #[must_use]
    pub fn new(_: u64, _: u64, _: &[Instrument]) -> Self { Self {} }
}
impl Source for Market { fn next_chunk(&mut self) -> Option<Chunk> { None } }
