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
    /// All the time; the rate is quoted per period.
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
}
