//! Where the levels are and how much each buys, from prices, money and the venue's minima.
//!
//! ```text
//!     minq  = max(min_order_quote, venue minimum) x 1.05
//!     base0 = ceil_lot(minq / mid)
//!     n1    = floor(total / (base0 x mid))          n1 = 0: not enough money
//!     n2    = floor(((end - start) / start) / max(min_step, tick / mid))
//!     n     = min(n1, n2, max_levels), at least 1
//!     b     = max(base0, floor_lot(total / (mid x n))), then n = min(n, floor(total / (b x mid)))
//! ```

use crate::parameters::{Parameters, Spacing};
use hedgerow_sdk::model::Instrument;
use hedgerow_sdk::{Decimal, Price, Quantity, Rounding, decimal_from_f64, math, to_f64};
use std::fmt;

/// A laid-out grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Level prices, lowest first.
    pub prices: Vec<Price>,
    /// What each level trades.
    pub quantity: Quantity,
}

/// Why there is no grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GridError {
    /// The money does not buy the smallest order.
    NotEnoughMoney {
        /// What one level costs.
        smallest: Decimal,
        /// What there is.
        total: Decimal,
    },
    /// A figure does not fit.
    Overflow,
}

impl fmt::Display for GridError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEnoughMoney { smallest, total } => {
                write!(f, "total_quote {total} does not pay one level of {smallest}")
            }
            Self::Overflow => f.write_str("a figure is too large"),
        }
    }
}

fn whole(value: Decimal) -> u32 {
    u32::try_from(value.floor().mantissa().max(0)).unwrap_or(u32::MAX)
}

/// Lays out the grid around `mid`.
pub fn plan(p: &Parameters, spec: &Instrument, mid: Decimal) -> Result<Plan, GridError> {
    let overflow = |_| GridError::Overflow;
    let least = p.min_order_quote.max(spec.min_notional.unwrap_or_default()) * Decimal::new(105, 2);
    // what one unit of quantity is worth: the price for linear contracts, the contract for inverse
    // ones
    let one = Quantity::from_units(spec.quantity_scale.unit());
    let unit_value = spec.notional_at(mid, one).map_err(overflow)?;
    if unit_value <= Decimal::ZERO {
        return Err(GridError::Overflow);
    }
    let base0 = spec.round_quantity(least / unit_value, Rounding::Ceil).map_err(overflow)?;
    let base0 = base0.max(spec.min_quantity);
    let smallest = spec.notional_at(mid, base0).map_err(overflow)?;
    let n1 = whole(p.total_quote / smallest);
    if n1 == 0 {
        return Err(GridError::NotEnoughMoney { smallest, total: p.total_quote });
    }
    // on a grid of significant figures the step depends on the price
    let at = Price::rounded(mid, spec.price_scale, Rounding::HalfEven).map_err(overflow)?;
    let tick = spec.grid.step_at(at, spec.price_scale).map_err(overflow)?;
    let tick = spec.price(Price::from_units(tick));
    let step = p.min_step.max(tick / mid);
    let n2 = whole((p.end - p.start) / p.start / step);
    let mut n = n1.min(n2).min(p.max_levels).max(1);
    let share = p.total_quote / (unit_value * Decimal::from(n));
    let quantity = spec.quantity_on_grid(share).map_err(overflow)?.max(base0);
    let worth = spec.notional_at(mid, quantity).map_err(overflow)?;
    n = n.min(whole(p.total_quote / worth)).max(1);
    let mut prices = Vec::new();
    for i in 0..n {
        let price = spec.price_on_grid(level(p, i, n), Rounding::HalfEven).map_err(overflow)?;
        if prices.last() != Some(&price) {
            prices.push(price);
        }
    }
    Ok(Plan { prices, quantity })
}

fn level(p: &Parameters, i: u32, n: u32) -> Decimal {
    if n == 1 {
        return (p.start + p.end) / Decimal::TWO;
    }
    let (at, steps) = (Decimal::from(i), Decimal::from(n - 1));
    match p.spacing {
        Spacing::Arithmetic => p.start + at * (p.end - p.start) / steps,
        Spacing::Geometric => {
            let ratio = to_f64(p.end / p.start);
            let factor = math::pow(ratio, to_f64(at / steps));
            // rounded once more to the grid; 12 decimals are far below any tick
            let factor = decimal_from_f64(factor, 12, Rounding::HalfEven).unwrap_or(Decimal::ONE);
            p.start * factor
        }
    }
}

/// Distance of a price from the middle as a fraction of it.
pub(crate) fn distance(price: Price, mid_doubled: i64) -> Decimal {
    if mid_doubled <= 0 {
        return Decimal::MAX;
    }
    let gap = price.units().saturating_mul(2).saturating_sub(mid_doubled).saturating_abs();
    Decimal::from(gap) / Decimal::from(mid_doubled)
}
