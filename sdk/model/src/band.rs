//! How far from the mark a venue lets a price be.

use crate::fixed::Price;
use crate::order::Side;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One in basis points.
const BPS: u32 = 10_000;

/// A venue's own bound of prices around its mark: it refuses to buy above one and to sell below the
/// other, whatever a book shows. Source: Binance, filter `PERCENT_PRICE`, `multiplierUp` and
/// `multiplierDown`: 1.05 and 0.95 are 500 basis points each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceBand {
    /// How far above the mark one may buy, basis points.
    pub above_bps: u32,
    /// How far below the mark one may sell, basis points, fewer than 10000.
    pub below_bps: u32,
}

impl PriceBand {
    /// The mark in basis points, at the edge for a side.
    const fn edge_bps(self, side: Side) -> u32 {
        match side {
            Side::Buy => BPS.saturating_add(self.above_bps),
            Side::Sell => BPS.saturating_sub(self.below_bps),
        }
    }

    /// How far from the mark a side may go, basis points.
    #[must_use]
    pub const fn bps(self, side: Side) -> u32 {
        match side {
            Side::Buy => self.above_bps,
            Side::Sell => self.below_bps,
        }
    }

    /// The worst price for a taker of `side` around a mark; not rounded to the grid. Nothing where
    /// it is too large a number.
    #[must_use]
    pub fn edge(self, side: Side, mark: Decimal) -> Option<Decimal> {
        mark.checked_mul(Decimal::from(self.edge_bps(side)))?.checked_div(Decimal::from(BPS))
    }

    /// Whether the venue takes a price, exactly. `mark_doubled`: twice the mark, in price units.
    #[must_use]
    pub fn allows(self, side: Side, price: Price, mark_doubled: i64) -> bool {
        let asked = i128::from(price.units()) * 2 * i128::from(BPS);
        let edge = i128::from(mark_doubled) * i128::from(self.edge_bps(side));
        match side {
            Side::Buy => asked <= edge,
            Side::Sell => asked >= edge,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_is_allowed_and_the_next_price_is_not() {
        let band = PriceBand { above_bps: 500, below_bps: 250 };
        let mark = Decimal::from(10_000);
        for (side, edge) in [(Side::Buy, 10_500), (Side::Sell, 9_750)] {
            let worse = Price::from_units(edge + side.sign());
            assert!(band.allows(side, Price::from_units(edge), 20_000));
            assert!(!band.allows(side, worse, 20_000));
            assert!(band.allows(side.opposite(), worse, 20_000), "the other way is not bound");
            assert_eq!(band.edge(side, mark), Some(Decimal::from(edge)));
        }
    }
}
