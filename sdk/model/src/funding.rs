//! Funding rates, with the interval that belongs to them.
//!
//! Rates are scaled integers, 1e-15. A rate without a known interval cannot be compared and is no
//! trade.

use crate::time::{Duration, VenueTime};
use serde::{Deserialize, Serialize};

/// Rates are whole multiples of ten to the minus this.
pub const RATE_SCALE: u32 = 15;

/// The span a continuously paid rate is quoted over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotePeriod(pub Duration);

/// When funding is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FundingSchedule {
    /// At settlements: the next one, and the interval between them.
    Discrete {
        /// The next settlement, by the venue's clock.
        next: VenueTime,
        /// From one settlement to the next.
        interval: Duration,
    },
    /// All the time; the rate is quoted per period. No feed gives this yet: the ticks of the
    /// contract have an interval and a next settlement only. It comes with the first venue that
    /// pays so.
    Continuous {
        /// The period the rate is quoted over.
        quote_period: QuotePeriod,
    },
}

/// Whether the rate is an estimate or what was, or will be, paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FundingKind {
    /// The venue's running estimate for the next settlement.
    Predicted,
    /// Fixed.
    Final,
}

/// A published funding rate. Positive: longs pay shorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundingRate {
    /// In units of 1e-15 per interval (or quote period).
    pub rate: i64,
    /// When it is paid; nothing when the venue does not say, which means no trade on it.
    pub schedule: Option<FundingSchedule>,
    /// Estimate or fixed.
    pub kind: FundingKind,
    /// When the venue published it.
    pub time: VenueTime,
}

impl FundingRate {
    /// The rate per hour, in units of 1e-15, rounded toward zero; nothing when the interval is
    /// unknown.
    ///
    /// ```
    /// use hedgerow_model::{Duration, FundingKind, FundingRate, FundingSchedule, VenueTime};
    /// // Vector F1: 0.00002234 per 8 h is 0.0000027925 per hour.
    /// let interval = Duration::from_secs(8 * 3600);
    /// let rate = FundingRate {
    ///     rate: 22_340_000_000,
    ///     schedule: Some(FundingSchedule::Discrete { next: VenueTime::EPOCH, interval }),
    ///     kind: FundingKind::Predicted,
    ///     time: VenueTime::EPOCH,
    /// };
    /// assert_eq!(rate.per_hour(), Some(2_792_500_000));
    /// ```
    #[must_use]
    pub fn per_hour(&self) -> Option<i64> {
        let span = match self.schedule? {
            FundingSchedule::Discrete { interval, .. } => interval,
            FundingSchedule::Continuous { quote_period } => quote_period.0,
        };
        let hour = i128::from(Duration::from_secs(3600).as_nanos());
        let hourly =
            i128::from(self.rate).checked_mul(hour)?.checked_div(i128::from(span.as_nanos()))?;
        i64::try_from(hourly).ok()
    }

    /// What a position carries from `from` (not included) to `until` (included) if the rate stays:
    /// the rate at `next` and each settlement after it that lies in between, or the rate over the
    /// time where it is paid continuously. A fraction of the position's value, units of 1e-15,
    /// rounded toward zero; nothing when the schedule is unknown, the window runs backwards, or it
    /// does not fit.
    ///
    /// ```
    /// use hedgerow_model::{Duration, FundingKind, FundingRate, FundingSchedule, VenueTime};
    /// let hours = |n: u64| VenueTime::from_nanos(n * 3_600_000_000_000);
    /// let interval = Duration::from_secs(8 * 3600);
    /// let rate = FundingRate {
    ///     rate: 1_000,
    ///     schedule: Some(FundingSchedule::Discrete { next: hours(16), interval }),
    ///     kind: FundingKind::Predicted,
    ///     time: hours(9),
    /// };
    /// // settlements at 16 and 24 hours
    /// assert_eq!(rate.carry(hours(9), hours(24)), Some(2_000));
    /// ```
    #[must_use]
    pub fn carry(&self, from: VenueTime, until: VenueTime) -> Option<i64> {
        let (from, until) = (i128::from(from.as_nanos()), i128::from(until.as_nanos()));
        let span = until.checked_sub(from).filter(|span| *span >= 0)?;
        let rate = i128::from(self.rate);
        let carried = match self.schedule? {
            FundingSchedule::Discrete { next, interval } => {
                let step = i128::from(interval.as_nanos());
                let next = i128::from(next.as_nanos());
                // how many of next, next + step, ... are not after a time
                let by = |time: i128| match time < next {
                    true => Some(0),
                    false => (time - next).checked_div(step)?.checked_add(1),
                };
                rate.checked_mul(by(until)?.checked_sub(by(from)?)?)?
            }
            FundingSchedule::Continuous { quote_period } => {
                rate.checked_mul(span)?.checked_div(i128::from(quote_period.0.as_nanos()))?
            }
        };
        i64::try_from(carried).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(schedule: Option<FundingSchedule>) -> FundingRate {
        FundingRate { rate: -900, schedule, kind: FundingKind::Final, time: VenueTime::EPOCH }
    }

    fn at(secs: u64) -> VenueTime {
        VenueTime::from_nanos(secs * 1_000_000_000)
    }

    #[test]
    fn a_discrete_rate_is_carried_at_settlements_alone() {
        let interval = Duration::from_secs(100);
        let rate = rate(Some(FundingSchedule::Discrete { next: at(1_000), interval }));
        for (from, until, settlements) in [
            (0, 999, 0),
            (0, 1_000, 1),
            (1_000, 1_099, 0), // the one of its beginning was carried before
            (999, 1_100, 2),
            (1_050, 1_250, 2),
            (1_300, 1_300, 0),
        ] {
            let expected = Some(-900 * settlements);
            assert_eq!(rate.carry(at(from), at(until)), expected, "{from} to {until}");
        }
        assert_eq!(rate.carry(at(2), at(1)), None);
    }

    #[test]
    fn a_continuous_rate_is_carried_by_the_time() {
        let quote_period = QuotePeriod(Duration::from_secs(3_600));
        let rate = rate(Some(FundingSchedule::Continuous { quote_period }));
        assert_eq!(rate.carry(at(0), at(3_600)), Some(-900));
        assert_eq!(rate.carry(at(50), at(50 + 1_800)), Some(-450));
        assert_eq!(rate.carry(at(0), at(3)), Some(0), "rounded toward zero");
        assert_eq!(rate.per_hour(), Some(-900));
    }

    #[test]
    fn what_is_not_known_is_carried_by_nobody() {
        assert_eq!(rate(None).carry(at(0), at(1)), None);
        let none = FundingSchedule::Discrete { next: at(0), interval: Duration::from_nanos(0) };
        assert_eq!(rate(Some(none)).carry(at(0), at(1)), None);
        let none =
            FundingSchedule::Continuous { quote_period: QuotePeriod(Duration::from_nanos(0)) };
        assert_eq!(rate(Some(none)).carry(at(0), at(1)), None);
        let second = QuotePeriod(Duration::from_nanos(1));
        let large = FundingRate {
            rate: i64::MAX,
            ..rate(Some(FundingSchedule::Continuous { quote_period: second }))
        };
        assert_eq!(large.carry(at(0), at(1)), None, "it does not fit");
    }
}
