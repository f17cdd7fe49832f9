//! How long a call may take: CPU time of the calling thread, looked at once per millisecond of
//! epoch.
//!
//! Wall time alone would end innocent calls on a busy machine; it is only the outer limit.

use hedgerow_model::Duration;
use rustix::time::{ClockId, clock_gettime};
use std::time::Instant;

/// CPU time of this thread, ns.
fn thread_cpu() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    u64::try_from(time.tv_sec).unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// The clock of one call. It starts at the first epoch that falls into the call, so that short
/// calls, nearly all of them, never read a clock.
#[derive(Debug, Default)]
pub(crate) struct CallClock {
    started: Option<(u64, Instant)>,
    hard: Duration,
    wall: Duration,
    /// CPU time used, as last looked at.
    pub(crate) used: Duration,
}

impl CallClock {
    pub(crate) fn begin(&mut self, hard: Duration, wall: Duration) {
        self.started = None;
        (self.hard, self.wall) = (hard, wall);
        self.used = Duration::ZERO;
    }

    /// Whether the call may go on.
    pub(crate) fn on_epoch(&mut self) -> bool {
        let (cpu, wall) = *self.started.get_or_insert_with(|| (thread_cpu(), Instant::now()));
        self.used = Duration::from_nanos(thread_cpu().saturating_sub(cpu));
        let passed = u64::try_from(wall.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.used <= self.hard && passed <= self.wall.as_nanos()
    }
}
