//! Data time against wall time.

use hedgerow_model::{Duration, HostTime};
use std::time::Instant;

/// Maps the wall clock to data time at a speed.
#[derive(Debug)]
pub struct Pacer {
    first: HostTime,
    began: Instant,
    /// Data time per wall time, thousandths; nothing: as fast as it goes.
    speed: Option<u64>,
}

impl Pacer {
    /// A pacer that is at `first` now.
    #[must_use]
    pub fn new(first: HostTime, speed_thousandths: Option<u64>) -> Self {
        Self { first, began: Instant::now(), speed: speed_thousandths }
    }

    /// Data time up to which inputs are due.
    #[must_use]
    pub fn horizon(&self) -> HostTime {
        let Some(speed) = self.speed else {
            return HostTime::NEVER;
        };
        let passed = self.began.elapsed().as_nanos().saturating_mul(u128::from(speed)) / 1_000;
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        self.first.after(Duration::from_nanos(passed))
    }

    /// Wall time until a data time is due.
    #[must_use]
    pub fn until(&self, due: HostTime) -> std::time::Duration {
        let Some(speed) = self.speed else {
            return std::time::Duration::ZERO;
        };
        let left = due.since(self.horizon()).as_nanos();
        std::time::Duration::from_nanos(left.saturating_mul(1_000) / speed.max(1))
    }
}
