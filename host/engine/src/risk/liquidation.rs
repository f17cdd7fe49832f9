//! Distance to liquidation (R1): positive is safe, negative is past it, and without a price of
//! liquidation it is unknown, which is not safe.
//!
//! The price is the venue's where it tells one. Where it tells none it is computed from the margin
//! it tells: of an account in cross margin what the account has beyond what its other positions
//! need, of an isolated position its own margin; linear and inverse.

use super::margin::Tier;
use hedgerow_model::{Decimal, RiskRejection, Side};

/// A position as far as its liquidation goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) side: Side,
    /// Linear: base units. Inverse: worth of all contracts in the quote currency.
    pub(crate) size: Decimal,
    pub(crate) inverse: bool,
    /// The maintenance that its size needs.
    pub(crate) tier: Tier,
}

/// Percent of the mark by which it may go against the position.
pub(crate) fn distance(side: Side, mark: Decimal, price: Decimal) -> Option<Decimal> {
    let away = match side {
        Side::Buy => mark.checked_sub(price)?,
        Side::Sell => price.checked_sub(mark)?,
    };
    away.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(mark)
}

impl Held {
    /// The price at which `equity` (settle asset, at `mark`, less what other positions need) is
    /// just the maintenance of this position. `Some(None)`: no price does that.
    pub(crate) fn price(&self, equity: Decimal, mark: Decimal) -> Option<Option<Decimal>> {
        let Tier { rate, deduction } = self.tier;
        let one = Decimal::ONE;
        let positive = |x: Decimal| Some(x).filter(|x| *x > Decimal::ZERO);
        if self.inverse {
            // E + s Kc (1/mark - 1/p) = m Kc / p, s = 1 long, -1 short
            let value = self.size.checked_div(mark)?;
            let (numerator, denominator) = match self.side {
                Side::Buy => (one.checked_add(rate)?, equity.checked_add(value)?),
                Side::Sell => (one.checked_sub(rate)?, value.checked_sub(equity)?),
            };
            let Some(denominator) = positive(denominator) else { return Some(None) };
            return Some(self.size.checked_mul(numerator)?.checked_div(denominator));
        }
        // E + s q (p - mark) = m q p - deduction
        let worth = self.size.checked_mul(mark)?;
        let equity = equity.checked_add(deduction)?;
        let (numerator, share) = match self.side {
            Side::Buy => (worth.checked_sub(equity)?, one.checked_sub(rate)?),
            Side::Sell => (worth.checked_add(equity)?, one.checked_add(rate)?),
        };
        let Some(numerator) = positive(numerator) else { return Some(None) };
        let base = positive(self.size.checked_mul(share)?)?;
        Some(numerator.checked_div(base))
    }
}

/// Marks (doubled) between which a position is further from its liquidation than a percentage, and
/// those where it is well so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Band {
    side: Side,
    trips: i64,
    rests: i64,
}

/// A guard that has tripped rests when the distance is so many points above its limit.
const HYSTERESIS: Decimal = Decimal::ONE;

impl Band {
    /// Of a price of liquidation in doubled units of the mark.
    pub(crate) fn new(side: Side, price_doubled: Decimal, percent: Decimal) -> Option<Self> {
        let edge = |percent: Decimal| -> Option<i64> {
            let hundred = Decimal::ONE_HUNDRED;
            let share = match side {
                Side::Buy => hundred.checked_sub(percent)?,
                Side::Sell => hundred.checked_add(percent)?,
            };
            if share <= Decimal::ZERO {
                return Some(i64::MAX); // no mark is so far away
            }
            let exact = price_doubled.checked_mul(hundred)?.checked_div(share)?;
            let whole = match side {
                Side::Buy => exact.ceil(),
                Side::Sell => exact.floor(),
            };
            i64::try_from(whole.trunc().mantissa() / 10_i128.checked_pow(whole.scale())?).ok()
        };
        let (trips, rests) = (edge(percent)?, edge(percent.checked_add(HYSTERESIS)?)?);
        Some(Self { side, trips, rests })
    }

    /// Whether it is too near at a mark, seen from how the guard stands.
    pub(crate) fn is_near(&self, mark_doubled: i64, tripped: bool) -> bool {
        let edge = if tripped { self.rests } else { self.trips };
        match self.side {
            Side::Buy => mark_doubled < edge,
            Side::Sell => mark_doubled > edge,
        }
    }
}

/// Refuses what opens on an account with a position whose liquidation is not known.
pub(crate) fn check(unknown: bool) -> Result<(), RiskRejection> {
    if unknown { Err(RiskRejection::LiquidationUnknown) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn held(side: Side, size: &str, inverse: bool) -> Held {
        let tier = Tier { rate: d("0.005"), deduction: Decimal::ZERO };
        Held { side, size: d(size), inverse, tier }
    }

    /// R1 and vector M7: long 60 000, liquidated at 40 200: 33 %; short, at 79 600: 32.6667 %.
    #[test]
    fn vector_m7_distance_in_percent_of_the_mark() {
        for (side, mark, price, expected) in [
            (Side::Buy, "60000", "40200", "33"),
            (Side::Sell, "60000", "79600", "32.6667"),
            (Side::Buy, "40200", "40200", "0"),
            (Side::Buy, "40000", "40200", "-0.5"),
            (Side::Sell, "80000", "79600", "-0.5"),
        ] {
            let found = distance(side, d(mark), d(price)).map(|x| x.round_dp(4));
            assert_eq!(found, Some(d(expected)), "{side:?} {mark}");
        }
    }

    /// Vector F5: m 0.005, isolated: leverage 3 long -32.998 %, short +32.670 %; leverage 5
    /// -19.598 %, +19.403 %.
    #[test]
    fn vector_f5_an_isolated_position_dies_by_its_own_margin() {
        for (side, leverage, expected) in [
            (Side::Buy, 3, "32.998"),
            (Side::Sell, 3, "32.670"),
            (Side::Buy, 5, "19.598"),
            (Side::Sell, 5, "19.403"),
        ] {
            let (entry, leverage) = (d("60000"), Decimal::from(leverage));
            let held = held(side, "0.166", false);
            // an isolated position has its own margin and nothing else
            let equity = d("0.166") * entry / leverage;
            let price = held.price(equity, entry).flatten().unwrap();
            let found = distance(side, entry, price).unwrap().round_dp(3);
            assert_eq!(found, d(expected), "{side:?} {leverage}");
        }
    }

    /// At the price found, equity is the maintenance: inverse, both sides.
    #[test]
    fn an_inverse_position_dies_where_its_coins_are_the_maintenance() {
        let (mark, equity, worth) = (d("60000"), d("0.05"), d("12000"));
        for side in [Side::Buy, Side::Sell] {
            let held = held(side, "12000", true);
            let price = held.price(equity, mark).flatten().unwrap();
            let sign = Decimal::from(side.sign());
            let coins = equity + sign * (worth / mark - worth / price);
            let needs = d("0.005") * worth / price;
            assert!((coins - needs).abs() < d("0.000000000001"), "{side:?}: {coins} {needs}");
            assert_eq!(price > mark, side == Side::Sell);
        }
        // a short of no more than its coins never dies
        assert_eq!(held(Side::Sell, "12000", true).price(d("0.2"), mark), Some(None));
        // nor does a long that is paid in full
        assert_eq!(held(Side::Buy, "0.1", false).price(d("6000"), mark), Some(None));
    }

    #[test]
    fn a_band_is_the_distance_in_whole_marks() {
        // long, liquidated at 100.00, 10 %: near below 111.111; rests from 112.3595 on
        let long = Band::new(Side::Buy, d("20000"), d("10")).unwrap();
        for (mark, tripped, near) in [
            (22_222, false, true),
            (22_223, false, false),
            (22_223, true, true),
            (22_471, true, true),
            (22_472, true, false),
        ] {
            assert_eq!(long.is_near(mark, tripped), near, "{mark} {tripped}");
        }
        // short, at 100.00: near above 90.909
        let short = Band::new(Side::Sell, d("20000"), d("10")).unwrap();
        for (mark, near) in [(18_181, false), (18_182, true)] {
            assert_eq!(short.is_near(mark, false), near, "{mark}");
        }
        assert!(Band::new(Side::Buy, d("20000"), d("100")).unwrap().is_near(i64::MAX - 1, false));
    }

    #[test]
    fn unknown_is_not_safe() {
        assert_eq!(check(true), Err(RiskRejection::LiquidationUnknown));
        assert_eq!(check(false), Ok(()));
    }
}
