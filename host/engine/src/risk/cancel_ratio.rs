//! Cancels and amendments for each fill, of a strategy, in windows of ten minutes: what makes a
//! venue shut an account out. Only what opens is refused; a cancel never is.

use hedgerow_model::{HostTime, RiskRejection};
use serde::{Deserialize, Serialize};

/// How long is counted together.
const WINDOW_NS: u64 = 600 * 1_000_000_000;
/// So many are let pass in a window before any ratio is looked at.
const GRACE: u32 = 100;

/// What a strategy canceled, amended and had filled in the present window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelCount {
    window: u64,
    cancels: u32,
    fills: u32,
}

impl CancelCount {
    fn at(&mut self, now: HostTime) -> &mut Self {
        let window = now.as_nanos() / WINDOW_NS;
        if window != self.window {
            *self = Self { window, cancels: 0, fills: 0 };
        }
        self
    }

    pub(crate) fn count_cancel(&mut self, now: HostTime) {
        let count = self.at(now);
        count.cancels = count.cancels.saturating_add(1);
    }

    pub(crate) fn count_fill(&mut self, now: HostTime) {
        let count = self.at(now);
        count.fills = count.fills.saturating_add(1);
    }

    /// Refuses what opens while there are too many cancels for the fills.
    pub(crate) fn check(&self, now: HostTime, limit: Option<u32>) -> Result<(), RiskRejection> {
        let Some(limit) = limit else { return Ok(()) };
        let Self { window, cancels, fills } = *self;
        let present = window == now.as_nanos() / WINDOW_NS;
        let allowed = limit.saturating_mul(fills.max(1)).max(GRACE);
        if present && cancels > allowed {
            return Err(RiskRejection::CancelRatioAboveMax { cancels, fills, limit });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_earn_cancels_and_a_new_window_forgives() {
        let now = HostTime::from_nanos(WINDOW_NS * 3 + 5);
        for (cancels, fills, limit, refused) in [
            (100, 0, Some(5), false), // the grace
            (101, 0, Some(5), true),
            (150, 30, Some(5), false),
            (151, 30, Some(5), true),
            (100_000, 0, None, false),
        ] {
            let mut count = CancelCount::default();
            (0..cancels).for_each(|_| count.count_cancel(now));
            (0..fills).for_each(|_| count.count_fill(now));
            let found = count.check(now, limit);
            let is = matches!(found, Err(RiskRejection::CancelRatioAboveMax { .. }));
            assert_eq!(is, refused, "{cancels} for {fills}: {found:?}");
            let later = HostTime::from_nanos(WINDOW_NS * 4);
            assert_eq!(count.check(later, limit), Ok(()));
        }
    }
}
