//! An instrument as a strategy gets it, and prices counted in its ticks.

use hedgerow_model::{AccountId, Decimal, Price, Rounding, Side};

/// One instrument as the strategy got it.
#[derive(Clone, Debug)]
pub struct Instrument {
    /// The definition, with all its arithmetic.
    pub spec: hedgerow_model::Instrument,
    /// The role of [`crate::Strategy::wants`] it fills.
    pub role: String,
    /// The venue's name.
    pub venue: String,
    /// The account it trades on; nothing when it is only watched.
    pub account: Option<AccountId>,
    /// Maker fee, a fraction of value; a rebate is negative.
    pub maker_fee: Decimal,
    /// Taker fee, a fraction of value.
    pub taker_fee: Decimal,
}

impl Instrument {
    /// `price` moved by so many steps of the venue's grid to where an order of `side` gives less: a
    /// buy down, a sell up; negative: to where it gives more. A price off the grid is first brought
    /// onto it in the same direction. Nothing when there is no such price.
    ///
    /// ```
    /// use hedgerow_sdk::model::PriceGrid;
    /// use hedgerow_sdk::{Price, Side};
    /// let mut market = hedgerow_sdk::testing::perpetual(1, "market", 4, 3);
    /// market.spec.grid = PriceGrid::Tick(Price::from_units(1_000)); // a tick of 0.1
    /// let bid = Price::from_units(600_000_000); // 60,000.0
    /// let behind = market.ticks_away(bid, Side::Buy, 2).unwrap();
    /// assert_eq!(market.spec.price(behind), "59999.8".parse().unwrap());
    /// let through = market.ticks_away(bid, Side::Sell, -1).unwrap();
    /// assert_eq!(market.spec.price(through), "59999.9".parse().unwrap());
    /// ```
    #[must_use]
    pub fn ticks_away(&self, price: Price, side: Side, ticks: i16) -> Option<Price> {
        let (grid, scale) = (&self.spec.grid, self.spec.price_scale);
        let up = (side == Side::Sell) == (ticks >= 0);
        let by = if up { Rounding::Ceil } else { Rounding::Floor };
        let mut at = grid.round(price, scale, by).ok()?;
        // step by step: on a grid of significant figures the step changes at powers of ten
        for _ in 0..ticks.unsigned_abs() {
            let units = if up {
                at.units().checked_add(grid.step_at(at, scale).ok()?)?
            } else {
                let below = Price::from_units(at.units().checked_sub(1)?);
                at.units().checked_sub(grid.step_at(below, scale).ok()?)?
            };
            at = Price::from_units(units);
            if !at.is_positive() {
                return None;
            }
        }
        at.is_positive().then_some(at)
    }
}
