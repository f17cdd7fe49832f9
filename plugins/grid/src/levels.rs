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
//!
//! That is for equal base quantities. With equal worth each level trades floor_lot(total / n / its
//! price), and n is made smaller until that is at least the venue's minimum on every level.

use crate::parameters::{Direction, Parameters, Sizing, Spacing};
use hedgerow_sdk::model::Instrument;
use hedgerow_sdk::{Decimal, Price, Quantity, Rounding, Side, decimal_from_f64, math, to_f64};
use std::fmt;

/// One level of a laid-out grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedLevel {
    /// Where it opens.
    pub price: Price,
    /// What it trades.
    pub quantity: Quantity,
    /// How it opens.
    pub side: Side,
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

/// What the venue and the money allow.
struct Money<'a> {
    p: &'a Parameters,
    spec: &'a Instrument,
    /// Least worth of one order, with room.
    least: Decimal,
}

impl Money<'_> {
    /// What one unit of quantity is worth at a price: the price for linear contracts, the contract
    /// for inverse ones.
    fn unit_value(&self, price: Decimal) -> Result<Decimal, GridError> {
        let one = Quantity::from_units(self.spec.quantity_scale.unit());
        let worth = self.spec.notional_at(price, one).map_err(|_| GridError::Overflow)?;
        if worth > Decimal::ZERO { Ok(worth) } else { Err(GridError::Overflow) }
    }

    /// The smallest order at a price.
    fn smallest(&self, price: Decimal) -> Result<Quantity, GridError> {
        let asked = self.least / self.unit_value(price)?;
        let lots = self.spec.round_quantity(asked, Rounding::Ceil);
        Ok(lots.map_err(|_| GridError::Overflow)?.max(self.spec.min_quantity))
    }

    fn not_enough(&self, mid: Decimal) -> GridError {
        let smallest = self
            .smallest(mid)
            .and_then(|least| self.spec.notional_at(mid, least).map_err(|_| GridError::Overflow));
        let total = self.p.total_quote;
        smallest
            .map_or(GridError::Overflow, |smallest| GridError::NotEnoughMoney { smallest, total })
    }
}

/// Lays out the grid around `mid`, lowest level first.
pub fn plan(
    p: &Parameters,
    spec: &Instrument,
    mid: Decimal,
) -> Result<Vec<PlannedLevel>, GridError> {
    let overflow = |_| GridError::Overflow;
    let least = p.min_order_quote.max(spec.min_notional.unwrap_or_default()) * Decimal::new(105, 2);
    let money = Money { p, spec, least };
    let (unit_value, base0) = (money.unit_value(mid)?, money.smallest(mid)?);
    let smallest = spec.notional_at(mid, base0).map_err(overflow)?;
    let n1 = whole(p.total_quote / smallest);
    if n1 == 0 {
        return Err(money.not_enough(mid));
    }
    // on a grid of significant figures the step depends on the price
    let at = Price::rounded(mid, spec.price_scale, Rounding::HalfEven).map_err(overflow)?;
    let tick = spec.grid.step_at(at, spec.price_scale).map_err(overflow)?;
    let tick = spec.price(Price::from_units(tick));
    let step = p.min_step.max(tick / mid);
    let n2 = whole((p.end - p.start) / p.start / step);
    let mut n = n1.min(n2).min(p.max_levels).max(1);
    let sized = match p.sizing {
        Sizing::EqualBase => {
            let share = p.total_quote / (unit_value * Decimal::from(n));
            let quantity = spec.quantity_on_grid(share).map_err(overflow)?.max(base0);
            let worth = spec.notional_at(mid, quantity).map_err(overflow)?;
            n = n.min(whole(p.total_quote / worth)).max(1);
            prices(p, spec, n)?.into_iter().map(|price| (price, quantity)).collect()
        }
        Sizing::EqualQuote => equal_worth(&money, n)?.ok_or_else(|| money.not_enough(mid))?,
    };
    let centre = p.centre.unwrap_or(mid);
    let planned = |(price, quantity)| {
        let side = match p.direction {
            Direction::Buy => Side::Buy,
            Direction::Sell => Side::Sell,
            Direction::Neutral if spec.price(price) > centre => Side::Sell,
            Direction::Neutral => Side::Buy,
        };
        PlannedLevel { price, quantity, side }
    };
    // a level on the centre itself is neither below nor above it
    let on_centre = |level: &PlannedLevel| {
        p.direction == Direction::Neutral && spec.price(level.price) == centre
    };
    let all: Vec<_> = sized.into_iter().map(planned).collect();
    let only = all.len() == 1;
    Ok(all.into_iter().filter(|level| only || !on_centre(level)).collect())
}

/// As many levels of equal worth as the money gives; nothing when not even one.
fn equal_worth(money: &Money<'_>, most: u32) -> Result<Option<Vec<(Price, Quantity)>>, GridError> {
    let (p, spec) = (money.p, money.spec);
    for n in (1..=most).rev() {
        let share = p.total_quote / Decimal::from(n);
        let size = |price: Price| {
            let at = spec.price(price);
            let quantity = spec.quantity_on_grid(share / money.unit_value(at)?);
            let quantity = quantity.map_err(|_| GridError::Overflow)?;
            Ok((quantity >= money.smallest(at)?).then_some((price, quantity)))
        };
        let sized: Result<Option<Vec<_>>, GridError> =
            prices(p, spec, n)?.into_iter().map(size).collect();
        if let Some(sized) = sized? {
            return Ok(Some(sized));
        }
    }
    Ok(None)
}

/// The prices of `n` levels, on the venue's grid, each once.
fn prices(p: &Parameters, spec: &Instrument, n: u32) -> Result<Vec<Price>, GridError> {
    let mut prices = Vec::new();
    for i in 0..n {
        let price = spec.price_on_grid(level(p, i, n), Rounding::HalfEven);
        let price = price.map_err(|_| GridError::Overflow)?;
        if prices.last() != Some(&price) {
            prices.push(price);
        }
    }
    Ok(prices)
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
