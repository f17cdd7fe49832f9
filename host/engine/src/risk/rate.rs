//! A token bucket in whole numbers: thousandths of an order, refilled by the millisecond.

use hedgerow_model::HostTime;

const ORDER: u64 = 1_000;
const MILLI: u64 = 1_000_000;

/// How many orders may leave now.
#[derive(Clone, Debug)]
pub(crate) struct TokenBucket {
    per_s: u32,
    tokens: u64,
    filled: HostTime,
}

impl TokenBucket {
    pub(crate) fn new(per_s: u32) -> Self {
        Self { per_s, tokens: u64::from(per_s) * ORDER, filled: HostTime::EPOCH }
    }

    /// Takes one order's worth; `false` when there is none and `must` is not set. What must leave
    /// (a reduction) leaves, and still counts.
    pub(crate) fn take(&mut self, now: HostTime, must: bool) -> bool {
        let passed = now.since(self.filled).as_nanos() / MILLI;
        let full = u64::from(self.per_s) * ORDER;
        self.tokens =
            passed.saturating_mul(u64::from(self.per_s)).saturating_add(self.tokens).min(full);
        self.filled = HostTime::from_nanos(
            self.filled.as_nanos().saturating_add(passed.saturating_mul(MILLI)),
        );
        let enough = self.tokens >= ORDER;
        if enough || must {
            self.tokens = self.tokens.saturating_sub(ORDER);
        }
        enough || must
    }

    /// Whether so many orders could leave now.
    pub(crate) fn has(&self, now: HostTime, orders: u64) -> bool {
        let mut later = self.clone();
        (0..orders).all(|_| later.take(now, false))
    }

    /// One order's worth per second and the limit.
    pub(crate) const fn per_s(&self) -> u32 {
        self.per_s
    }
}

/// What a strategy may report in a second, bytes of text: it goes into the journal.
pub(crate) const TALK_BYTES_PER_S: u32 = 1 << 20;
const SECOND: u64 = 1_000_000_000;

/// How much a strategy said lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct TalkLimit {
    second: u64,
    bytes: u64,
    told: bool,
}

/// Denials of a strategy that are journaled in a second; one with more of them is stopped.
const DENIALS_PER_S: u32 = 1_000;

/// How often a strategy was denied lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct DenialLimit {
    second: u64,
    count: u32,
}

impl DenialLimit {
    /// Whether one more would be journaled.
    pub(crate) fn has_room(&self, now: HostTime) -> bool {
        now.as_nanos() / SECOND != self.second || self.count < DENIALS_PER_S
    }

    /// Counts a denial: how it stands to what is journaled.
    pub(crate) fn count(&mut self, now: HostTime) -> std::cmp::Ordering {
        let second = now.as_nanos() / SECOND;
        if second != self.second {
            *self = Self { second, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count.cmp(&DENIALS_PER_S)
    }
}

/// What becomes of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    Heard,
    /// The first that is too much in this second.
    TooMuch,
    StillTooMuch,
}

impl TalkLimit {
    /// Counts a report; even an empty one takes room in the journal.
    pub(crate) fn say(&mut self, now: HostTime, bytes: u64) -> Talk {
        let second = now.as_nanos() / SECOND;
        if second != self.second {
            *self = Self { second, ..Self::default() };
        }
        let after = self.bytes.saturating_add(bytes).saturating_add(64);
        if after <= u64::from(TALK_BYTES_PER_S) {
            self.bytes = after;
            return Talk::Heard;
        }
        if std::mem::replace(&mut self.told, true) { Talk::StillTooMuch } else { Talk::TooMuch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::Duration;

    #[test]
    fn one_second_of_burst_then_the_sustained_rate() {
        let mut bucket = TokenBucket::new(5);
        let mut now = HostTime::from_nanos(1_000_000_000_000);
        let granted = (0..20).filter(|_| bucket.take(now, false)).count();
        assert_eq!(granted, 5);
        now = now.after(Duration::from_millis(199));
        assert!(!bucket.take(now, false));
        now = now.after(Duration::from_millis(1));
        assert!(bucket.take(now, false));
        assert!(!bucket.take(now, false));
        assert!(bucket.take(now, true), "a reduction is never refused");
    }
}
