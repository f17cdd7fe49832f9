//! Host time, and the clock of the system it begins at.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Host time: the wall clock at the first call, and the monotonic clock since. A step of the
/// system's clock never moves it.
#[must_use]
pub fn wall() -> u64 {
    clock(0)
}

/// Since this process began, as far as it can tell: since the first call, which `main` makes before
/// anything else.
pub fn since_start() -> Duration {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed()
}

/// The system's clock, which may step: for whoever looks before host time has begun.
pub(crate) fn system() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Host time, begun at `at_least` if the system's clock is behind it: time never falls over a
/// restart.
pub(crate) fn clock(at_least: u64) -> u64 {
    static BEGAN: OnceLock<(Instant, u64)> = OnceLock::new();
    let (began, first) = BEGAN.get_or_init(|| (Instant::now(), system().max(at_least)));
    let passed = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    first.saturating_add(passed)
}
