//! Loss since the day began, UTC, with funding and fees.
//!
//! What the day is measured from is a fact of the first moment of the day, so that a restart does
//! not forgive what was lost before it. While something held has no mark, the day begins as soon as
//! it has one.

use crate::{Effects, Engine};
use hedgerow_model::{Duration, Fact, Guard, GuardKey, HostTime};

const DAY: u64 = 24 * 3_600 * 1_000_000_000;
/// How long it is waited for a missing mark.
const AGAIN: Duration = Duration::from_secs(1);

/// Whether a profit is further below that of the day's beginning than allowed.
pub(crate) fn trips(limit: Option<i128>, profit: i128, began: i128) -> bool {
    super::loss::trips(limit, profit.saturating_sub(began))
}

impl Engine {
    /// When the next day begins, if anything is measured by the day. Before the first input nobody
    /// knows which day it is.
    pub(crate) fn next_day(&self) -> Option<HostTime> {
        let begins = |form| {
            let known = self.guards.days.get(&self.exposure.scope_of(form)).copied();
            known.map_or(0, |day| day.saturating_add(1).saturating_mul(DAY))
        };
        let first = self.exposure.by_day().into_iter().map(begins).min()?;
        let known = self.now != HostTime::EPOCH;
        known.then(|| HostTime::from_nanos(first).max(self.guards.day_again))
    }

    /// Whether the next input says which day it is.
    pub(crate) fn awaits_day(&self) -> bool {
        self.now == HostTime::EPOCH && self.exposure.has_days()
    }

    /// Days that began: their losses are measured from now on.
    pub(crate) fn begin_days(&mut self, now: HostTime, effects: &mut Effects) {
        if self.next_day().is_none_or(|at| at > now) {
            return;
        }
        let day = now.as_nanos() / DAY;
        for form in self.exposure.by_day() {
            let scope = self.exposure.scope_of(form);
            if self.guards.days.get(&scope).is_some_and(|known| *known >= day) {
                continue;
            }
            let profit = self.profit_now(form).flatten();
            let Some(profit) = profit.and_then(|profit| self.exposure.money(profit)) else {
                self.guards.day_again = now.after(AGAIN);
                continue;
            };
            self.rest(now, &GuardKey::whole(Guard::LossDay, scope), "a new day", effects);
            self.record(now, Fact::Day { scope, day, profit }, effects);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_measured_from_its_beginning() {
        for (limit, profit, began, expected) in [
            (Some(50), -100, -60, false),
            (Some(50), -111, -60, true),
            (Some(50), 49, 100, true),
            (Some(50), 50, 100, false),
            (None, -1_000, 0, false),
        ] {
            assert_eq!(trips(limit, profit, began), expected, "{profit} since {began}");
        }
    }
}
