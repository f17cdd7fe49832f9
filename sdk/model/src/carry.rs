//! What a hedge of two funding rates earns, what its round trip costs, and when the one has paid
//! for the other: the one place for these sums (strategies 1.1 to 1.4, vectors F1 to F4, M1, M2).
//!
//! An edge is a fraction of one leg's notional per hour, a cost a fraction paid once. They never
//! meet without a time between them: there is no function here that takes one from the other.

use crate::funding::{FundingRate, RATE_SCALE};
use crate::time::VenueTime;
use rust_decimal::Decimal;

/// Hours of a year of 365 days.
const YEAR_H: Decimal = Decimal::from_parts(8_760, 0, 0, false, 0);

/// Units of 1e-15 as a fraction.
fn fraction(units: i64) -> Decimal {
    Decimal::from_i128_with_scale(i128::from(units), RATE_SCALE).normalize()
}

/// What a hedge earns per hour, a fraction of one leg: the rate of the leg that is short less that
/// of the one that is long, each rounded toward zero at 1e-15. Nothing where an interval is not
/// known.
///
/// ```
/// use hedgerow_model::{Duration, FundingKind, FundingRate, FundingSchedule, VenueTime};
/// use hedgerow_model::carry::edge_per_hour;
/// let rate = |rate, hours: u64| FundingRate {
///     rate,
///     schedule: Some(FundingSchedule::Discrete {
///         next: VenueTime::EPOCH,
///         interval: Duration::from_secs(hours * 3600),
///     }),
///     kind: FundingKind::Predicted,
///     time: VenueTime::EPOCH,
/// };
/// // Vector F2: 0.0001 per 8 h is paid, 0.00008 per hour received.
/// let edge = edge_per_hour(&rate(100_000_000_000, 8), &rate(80_000_000_000, 1));
/// assert_eq!(edge.unwrap().to_string(), "0.0000675");
/// ```
#[must_use]
pub fn edge_per_hour(long: &FundingRate, short: &FundingRate) -> Option<Decimal> {
    let hourly = short.per_hour()?.checked_sub(long.per_hour()?)?;
    Some(fraction(hourly))
}

/// What a hedge carries from `from` (not included) to `until` (included) if both rates stay, a
/// fraction of one leg: settlements one by one. Nothing where a schedule is unknown.
#[must_use]
pub fn carry(
    long: &FundingRate,
    short: &FundingRate,
    (from, until): (VenueTime, VenueTime),
) -> Option<Decimal> {
    let carried = short.carry(from, until)?.checked_sub(long.carry(from, until)?)?;
    Some(fraction(carried))
}

/// A fraction per hour as a simple one per year of 8760 hours: a rate that resets is not
/// compounded.
#[must_use]
pub fn annual(per_hour: Decimal) -> Option<Decimal> {
    Some(per_hour.checked_mul(YEAR_H)?.normalize())
}

/// What opening and closing both legs costs, fractions of one leg's notional; a rebate is negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundTrip {
    /// Fee rates of the leg that is long: entry and exit, each as it will be executed.
    pub long_fees: [Decimal; 2],
    /// Those of the leg that is short.
    pub short_fees: [Decimal; 2],
    /// Slippage, conversion, and of an adverse basis all: what is paid beside fees.
    pub other: Decimal,
}

impl RoundTrip {
    /// Four fills at one rate for each leg, and what is paid beside them.
    #[must_use]
    pub const fn of_rates(long: Decimal, short: Decimal, other: Decimal) -> Self {
        Self { long_fees: [long, long], short_fees: [short, short], other }
    }

    /// All of it; nothing when it does not fit.
    #[must_use]
    pub fn cost(&self) -> Option<Decimal> {
        let fees = self.long_fees.iter().chain(&self.short_fees);
        fees.copied().try_fold(self.other, Decimal::checked_add)
    }

    /// What is left of an edge (per hour) held for so many hours.
    #[must_use]
    pub fn net(&self, edge_per_hour: Decimal, hours: Decimal) -> Option<Decimal> {
        edge_per_hour.checked_mul(hours)?.checked_sub(self.cost()?)
    }

    /// After how many hours an edge (per hour) has paid for it. Nothing: never.
    #[must_use]
    pub fn break_even_hours(&self, edge_per_hour: Decimal) -> Option<Decimal> {
        let cost = self.cost()?;
        if cost <= Decimal::ZERO {
            return Some(Decimal::ZERO);
        }
        let edge = Some(edge_per_hour).filter(|edge| *edge > Decimal::ZERO)?;
        cost.checked_div(edge)
    }

    /// The simple yearly rate that pays for it within so many hours, a fraction.
    #[must_use]
    pub fn break_even_annual(&self, hours: Decimal) -> Option<Decimal> {
        let hours = Some(hours).filter(|hours| *hours > Decimal::ZERO)?;
        annual(self.cost()?.checked_div(hours)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::funding::{FundingKind, FundingSchedule};
    use crate::time::Duration;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    /// A rate per so many hours, next settled at `next` minutes after midnight.
    fn rate(rate: &str, hours: u64, next: u64) -> FundingRate {
        let units = d(rate) * Decimal::from(10_i64.pow(RATE_SCALE));
        let schedule = FundingSchedule::Discrete {
            next: at(next),
            interval: Duration::from_secs(hours * 3_600),
        };
        FundingRate {
            rate: i64::try_from(units.normalize().mantissa()).unwrap(),
            schedule: Some(schedule),
            kind: FundingKind::Predicted,
            time: VenueTime::EPOCH,
        }
    }

    fn at(minutes: u64) -> VenueTime {
        VenueTime::from_nanos(minutes * 60_000_000_000)
    }

    #[test]
    fn vector_f1_the_smaller_number_pays_more_per_hour() {
        let (b, h) = (rate("0.00002234", 8, 0), rate("0.0000125", 1, 0));
        let hourly = |rate: &FundingRate| fraction(rate.per_hour().unwrap());
        assert_eq!((hourly(&b), hourly(&h)), (d("0.0000027925"), d("0.0000125")));
        assert_eq!((hourly(&h) / hourly(&b)).round_dp(4), d("4.4763"));
        assert_eq!(annual(hourly(&b)).unwrap(), d("0.0244623"));
        assert_eq!(annual(hourly(&h)).unwrap(), d("0.1095"));
    }

    #[test]
    fn vector_f2_the_edge_has_the_sign_of_the_hourly_rates() {
        let (l, s) = (rate("0.0001", 8, 0), rate("0.00008", 1, 0));
        let edge = edge_per_hour(&l, &s).unwrap();
        assert_eq!((edge, annual(edge).unwrap()), (d("0.0000675"), d("0.5913")));
        assert_eq!(edge * Decimal::from(24), d("0.00162"));
        // the other way around it is opened backwards
        assert_eq!(edge_per_hour(&s, &l), Some(d("-0.0000675")));
        let unknown = FundingRate { schedule: None, ..s };
        assert_eq!(edge_per_hour(&l, &unknown), None);
    }

    /// The constant edge; that of a half-life needs a logarithm and is a signal: the SDK has it.
    #[test]
    fn vector_f3_time_makes_edge_and_cost_meet() {
        let trip = RoundTrip::of_rates(d("0.00045"), d("0.0004"), d("0.0002"));
        let edge = d("0.0000675");
        assert_eq!(trip.cost(), Some(d("0.0019")));
        for (hours, expected) in [("6", "-0.001495"), ("24", "-0.00028"), ("72", "0.00296")] {
            assert_eq!(trip.net(edge, d(hours)), Some(d(expected)), "{hours} h");
        }
        assert_eq!(trip.net(edge, d("72")).map(|net| net * d("10000")), Some(d("29.6")));
        assert_eq!(trip.break_even_hours(edge).unwrap().round_dp(3), d("28.148"));
        assert_eq!(trip.break_even_hours(Decimal::ZERO), None, "never");
        assert_eq!(trip.break_even_hours(d("-1")), None, "never");
    }

    #[test]
    fn vector_f4_a_planned_window_is_a_sum_of_settlements() {
        let (l, s) = (rate("0.0001", 8, 8 * 60), rate("0.00008", 1, 6 * 60));
        let window = (at(5 * 60 + 30), at(15 * 60 + 30));
        assert_eq!(carry(&l, &s, window), Some(d("0.0007")));
        // the continuous approximation
        assert_eq!(edge_per_hour(&l, &s).map(|edge| edge * d("10")), Some(d("0.000675")));
    }

    #[test]
    fn vector_m1_the_leg_with_the_higher_hourly_rate_is_short() {
        let (lighter, grvt) = (rate("0.01", 1, 0), rate("0.005", 8, 0));
        let hourly = |rate: &FundingRate| fraction(rate.per_hour().unwrap());
        assert_eq!((hourly(&lighter), hourly(&grvt)), (d("0.01"), d("0.000625")));
        let edge = edge_per_hour(&grvt, &lighter).unwrap();
        assert_eq!((edge, annual(edge).unwrap()), (d("0.009375"), d("82.125")));
        let trip = RoundTrip::of_rates(d("0.0004"), d("0.0005"), Decimal::ZERO);
        assert_eq!(trip.cost(), Some(d("0.0018")));
        assert_eq!(trip.break_even_hours(edge), Some(d("0.192")));
    }

    #[test]
    fn vector_m2_fees_decide_how_long_must_be_held() {
        let trip = RoundTrip::of_rates(d("0.00045"), d("0.0004"), Decimal::ZERO);
        assert_eq!(trip.cost(), Some(d("0.0017")));
        let edge = d("0.05") / YEAR_H;
        assert_eq!((edge * d("8")).round_dp(8), d("0.00004566"));
        assert_eq!(trip.break_even_hours(edge).unwrap().round_dp(2), d("297.84"));
        assert_eq!(trip.break_even_annual(d("8")), Some(d("1.8615")));
    }
}
