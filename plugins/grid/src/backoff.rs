//! How long to leave alone what was refused: longer each time, up to a minute.

use hedgerow_sdk::serde;

/// The least wait, whatever the interval of opens.
const LEAST_NS: u64 = 1_000_000_000;
const MOST_NS: u64 = 60_000_000_000;

/// A wait that doubles while what it guards is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde")]
pub struct Backoff {
    /// The last wait, ns; 0 when nothing was refused since the last success.
    wait: u64,
    /// Not before this, ns.
    until: u64,
}

impl Backoff {
    /// Whether the wait is over.
    #[must_use]
    pub fn is_over(self, now: u64) -> bool {
        self.until <= now
    }

    /// It was refused: wait at least `interval` and a second, and twice as long as last time.
    pub(crate) fn refused(&mut self, now: u64, interval: u64) {
        let least = interval.max(LEAST_NS);
        self.wait = self.wait.saturating_mul(2).clamp(least, MOST_NS.max(least));
        self.until = now.saturating_add(self.wait);
    }

    /// It ended without being refused: wait once, no longer than before.
    pub(crate) fn pause(&mut self, now: u64, interval: u64) {
        self.until = now.saturating_add(interval.max(LEAST_NS));
    }

    /// It succeeded.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
