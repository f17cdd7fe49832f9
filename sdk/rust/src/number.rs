//! The one door from binary floats back to exact numbers. It names its rounding and refuses what is
//! not a number.

use crate::instrument::Instrument;
use hedgerow_model::{Decimal, Price, Rounding, ValueError};
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use std::fmt;

/// Why a float could not become an exact number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// NaN or infinite.
    NotFinite,
    /// Too large or too fine.
    Value(ValueError),
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite => f.write_str("not a finite number"),
            Self::Value(e) => e.fmt(f),
        }
    }
}

/// A float as a decimal of at most `digits` decimals, rounded as named.
///
/// ```
/// use hedgerow_sdk::{Rounding, decimal_from_f64};
/// assert_eq!(decimal_from_f64(99.999, 2, Rounding::Floor).unwrap().to_string(), "99.99");
/// assert!(decimal_from_f64(f64::NAN, 2, Rounding::Floor).is_err());
/// ```
pub fn decimal_from_f64(value: f64, digits: u32, by: Rounding) -> Result<Decimal, NumberError> {
    if !value.is_finite() {
        return Err(NumberError::NotFinite);
    }
    let exact = Decimal::from_f64(value).ok_or(NumberError::Value(ValueError::Overflow))?;
    Ok(by.decimal(exact, digits))
}

/// A float as a price on an instrument's grid, rounded as named.
pub fn price_from_f64(
    instrument: &Instrument,
    value: f64,
    by: Rounding,
) -> Result<Price, NumberError> {
    let digits = u32::from(instrument.spec.price_scale.digits());
    let decimal = decimal_from_f64(value, digits, by)?;
    instrument.spec.price_on_grid(decimal, by).map_err(NumberError::Value)
}

/// A decimal as a float, for signals only; the nearest.
#[must_use]
pub fn to_f64(value: Decimal) -> f64 {
    value.to_f64().unwrap_or(f64::NAN)
}
