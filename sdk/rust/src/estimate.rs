//! Estimates for screening, where exact figures do not exist: how an edge fades, and what an order
//! costs where no levels are displayed. Signals, never amounts: what leaves here for an order goes
//! through [`crate::decimal_from_f64`].
//!
//! Fractions and hours throughout. Nothing here is a permission to trade live: a book is walked
//! where there is one.

use crate::math::{exp, exp2, ln, log2};

const LN_2: f64 = std::f64::consts::LN_2;
/// An estimate beyond this is no estimate: 2 %.
const SLIPPAGE_MAX: f64 = 0.02;

/// An edge that falls by half in a given time (strategies 1.4).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FadingEdge {
    /// What it earns per hour now, a fraction of one leg.
    pub per_hour: f64,
    /// In how many hours half of it is gone.
    pub half_life_h: f64,
}

impl FadingEdge {
    /// What it carries in so many hours.
    #[must_use]
    pub fn carry(&self, hours: f64) -> f64 {
        self.carry_at_most() * (1.0 - exp2(-hours / self.half_life_h))
    }

    /// What it carries if it is never closed: where that is no more than the cost, never enter.
    #[must_use]
    pub fn carry_at_most(&self) -> f64 {
        self.per_hour * self.half_life_h / LN_2
    }

    /// After how many hours it has paid for a cost. Nothing: never.
    #[must_use]
    pub fn break_even_hours(&self, cost: f64) -> Option<f64> {
        let most = self.carry_at_most();
        (most > cost).then(|| -self.half_life_h * log2(1.0 - cost / most))
    }
}

/// What an order costs beside half the spread, a fraction, by its share of what is visible, where
/// no levels are: 0.01 % up to a tenth, in proportion to a half, from there on exponentially. Above
/// 2 % (a share of 1.42222) nothing: refuse, it is no 2 %.
#[must_use]
pub fn coarse_slippage(share: f64) -> Option<f64> {
    let cost = if share <= 0.1 {
        0.0001
    } else if share <= 0.5 {
        0.0001 * share / 0.1
    } else {
        0.0005 * exp(4.0 * (share - 0.5))
    };
    (cost <= SLIPPAGE_MAX).then_some(cost)
}

/// The share of what is visible at which [`coarse_slippage`] gives up.
#[must_use]
pub fn coarse_share_max() -> f64 {
    0.5 + ln(SLIPPAGE_MAX / 0.0005) / 4.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, within: f64) {
        assert!((found - expected).abs() <= within, "{found} is not {expected}");
    }

    #[test]
    fn vector_f3_an_edge_that_fades_may_never_pay_for_its_entry() {
        let cost = 0.0019;
        let day = FadingEdge { per_hour: 0.000_067_5, half_life_h: 24.0 };
        near(day.carry_at_most(), 0.002_337_17, 5e-9);
        near(day.break_even_hours(cost).unwrap(), 58.04, 0.005);
        near(day.carry(58.04), cost, 1e-7);
        near(day.carry_at_most() - cost, 0.000_437_17, 5e-9);
        let short = FadingEdge { half_life_h: 16.0, ..day };
        near(short.carry_at_most(), 0.001_558_11, 5e-9);
        assert_eq!(short.break_even_hours(cost), None, "no entry");
    }

    #[test]
    fn vector_m5_the_coarse_model_and_where_it_gives_up() {
        for (share, expected) in
            [(0.05, 0.0001), (0.3, 0.0003), (0.5, 0.0005), (0.8, 0.001_660_06), (1.0, 0.003_694_53)]
        {
            near(coarse_slippage(share).unwrap(), expected, 5e-9);
        }
        near(coarse_share_max(), 1.422_22, 5e-6);
        assert!(coarse_slippage(1.422).is_some() && coarse_slippage(1.423).is_none());
        // of the book of L1, which costs 0.165 basis points when it is walked
        near(coarse_slippage(0.166 / 0.53).unwrap() * 10_000.0, 3.132, 0.0005);
    }
}
