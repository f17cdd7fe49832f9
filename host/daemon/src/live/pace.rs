//! Data time against wall time.

use hedgerow_model::{Duration, HostTime};
use std::time::Instant;

/// Maps the wall clock to data time.
#[derive(Debug)]
pub struct Pacer {
    first: HostTime,
    began: Instant,
    speed: Speed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speed {
    /// As fast as it goes.
    Free,
    /// Data time per wall time, thousandths.
    Paced(u64),
    /// Data comes by itself: data time is the wall clock.
    Live,
}

impl Pacer {
    /// A pacer that is at `first` now; without a speed, as fast as it goes.
    #[must_use]
    pub fn new(first: HostTime, speed_thousandths: Option<u64>) -> Self {
        let speed = speed_thousandths.map_or(Speed::Free, Speed::Paced);
        Self { first, began: Instant::now(), speed }
    }

    /// A pacer for data that comes by itself.
    #[must_use]
    pub fn live() -> Self {
        Self { first: HostTime::EPOCH, began: Instant::now(), speed: Speed::Live }
    }

    /// The end of a warm-up of this length, if there is one. Pacing begins there.
    pub fn warm_until(&self, warm_up: Duration) -> Option<HostTime> {
        (warm_up > Duration::ZERO).then(|| self.first.after(warm_up))
    }

    /// From here on it is this time now: a warm-up has passed over what came before.
    pub fn begin_at(&mut self, now: HostTime) {
        (self.first, self.began) = (now, Instant::now());
    }

    /// Whether inputs are due at a time of the wall clock.
    #[must_use]
    pub fn is_paced(&self) -> bool {
        self.speed != Speed::Free
    }

    /// Data time up to which inputs are due.
    #[must_use]
    pub fn horizon(&self) -> HostTime {
        match self.speed {
            Speed::Free => HostTime::NEVER,
            Speed::Live => HostTime::from_nanos(super::wall()),
            Speed::Paced(speed) => {
                let passed = self.began.elapsed().as_nanos().saturating_mul(u128::from(speed));
                let passed = u64::try_from(passed / 1_000).unwrap_or(u64::MAX);
                self.first.after(Duration::from_nanos(passed))
            }
        }
    }

    /// Wall time until a data time is due.
    #[must_use]
    pub fn until(&self, due: HostTime) -> std::time::Duration {
        match self.speed {
            Speed::Free => std::time::Duration::ZERO,
            // what comes next comes by itself: look again soon
            Speed::Live => std::time::Duration::from_millis(1),
            Speed::Paced(speed) => {
                let left = due.since(self.horizon()).as_nanos().saturating_mul(1_000);
                std::time::Duration::from_nanos(left / speed.max(1))
            }
        }
    }
}
