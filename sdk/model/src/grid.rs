//! The grid on which a venue accepts prices, apart from the scale in which we keep them.
//!
//! A tick may change while an instrument lives; its scale may not.

use crate::fixed::{Price, Rounding, Scale, ValueError};
use serde::{Deserialize, Serialize};

/// Which prices a venue accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PriceGrid {
    /// Multiples of one step.
    Tick(Price),
    /// At most `figures` significant figures and at most `max_decimals` decimals; whole numbers
    /// always. (Hyperliquid: 5 figures, 6 minus the size decimals for perpetuals.)
    SignificantFigures {
        /// Significant figures allowed.
        figures: u8,
        /// Decimals allowed.
        max_decimals: u8,
    },
}

impl PriceGrid {
    /// The distance between neighbouring prices around `price`, in units of `scale`.
    pub fn step_at(&self, price: Price, scale: Scale) -> Result<i64, ValueError> {
        match *self {
            Self::Tick(tick) if tick.is_positive() => Ok(tick.units()),
            Self::Tick(_) => Err(ValueError::DivisionByZero),
            Self::SignificantFigures { figures, max_decimals } => {
                let unit = scale.unit();
                let finest = match scale.digits().checked_sub(max_decimals) {
                    Some(surplus) => Scale::new(surplus)?.unit(),
                    None => 1,
                };
                // the largest step that still leaves `figures` digits, but never above one whole
                let mut magnitude = price.units().unsigned_abs();
                let mut digits = 0_u8;
                while magnitude > 0 {
                    magnitude /= 10;
                    digits = digits.saturating_add(1);
                }
                let by_figures = match digits.checked_sub(figures) {
                    Some(surplus) => Scale::new(surplus)?.unit(),
                    None => 1,
                };
                Ok(by_figures.min(unit).max(finest))
            }
        }
    }

    /// `price` moved to the grid in the named direction.
    ///
    /// ```
    /// use hedgerow_model::{Price, PriceGrid, Rounding, Scale};
    /// let grid = PriceGrid::Tick(Price::from_units(5));
    /// let scale = Scale::new(1).unwrap();
    /// let down = grid.round(Price::from_units(14), scale, Rounding::Floor).unwrap();
    /// assert_eq!(down.units(), 10);
    /// ```
    pub fn round(&self, price: Price, scale: Scale, by: Rounding) -> Result<Price, ValueError> {
        let step = i128::from(self.step_at(price, scale)?);
        let steps = by.divide(i128::from(price.units()), step).ok_or(ValueError::Overflow)?;
        let units = steps.checked_mul(step).ok_or(ValueError::Overflow)?;
        i64::try_from(units).map(Price::from_units).map_err(|_| ValueError::Overflow)
    }

    /// Whether the venue would accept `price`.
    #[must_use]
    pub fn accepts(&self, price: Price, scale: Scale) -> bool {
        self.step_at(price, scale)
            .ok()
            .and_then(|step| price.units().checked_rem(step))
            .is_some_and(|rest| rest == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_significant_figures_as_hyperliquid_documents_them() {
        let scale = Scale::new(6).unwrap();
        let grid = PriceGrid::SignificantFigures { figures: 5, max_decimals: 6 };
        let price = |text: &str| Price::exact(text.parse().unwrap(), scale).unwrap();
        for (text, accepted) in [
            ("1234.5", true),
            ("1234.56", false),
            ("0.001234", true),
            ("123456", true), // whole numbers are always accepted
            ("0.012345", true),
            ("123456.7", false),
        ] {
            assert_eq!(grid.accepts(price(text), scale), accepted, "{text}");
        }
    }
}
