//! What the host reads of the market: from wherever it is when it starts.

use hedgerow_model::{Tick, TickSlice};
use hedgerow_ports::Feed;
use std::sync::Arc;

/// Ticks that are all in memory.
pub struct Heard {
    ticks: Arc<Vec<Tick>>,
    place: usize,
}

impl Heard {
    /// From a moment on: what came while nobody listened is lost.
    #[must_use]
    pub fn from(ticks: &Arc<Vec<Tick>>, now: u64) -> Self {
        let place = ticks.partition_point(|tick| tick.recv_ts < now);
        Self { ticks: Arc::clone(ticks), place }
    }
}

impl Feed for Heard {
    fn peek(&mut self, max: usize) -> TickSlice {
        let range = self.place..self.place.saturating_add(max);
        TickSlice::of(Arc::clone(&self.ticks), range)
    }

    fn take(&mut self, n: usize) {
        self.place += n;
    }
}
