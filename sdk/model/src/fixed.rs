//! Prices and quantities as whole numbers of a fixed scale, and the named roundings between them.
//!
//! | operation | result |
//! |---|---|
//! | `Price` + or - `Price`, `Quantity` + or - `Quantity` | checked, same type |
//! | `Price` x `Quantity` | only through [`crate::Instrument`], which knows scales and multiplier |
//! | `Decimal` to either | needs a [`Scale`] and a [`Rounding`], or `exact` |
//!
//! The scale is not stored in the value: it belongs to the instrument and never changes while its
//! id lives.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The number of decimal digits after the point that one unit stands for, at most 18.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Scale(u8);

impl Scale {
    /// Whole numbers.
    pub const ZERO: Self = Self(0);
    /// The finest scale.
    pub const MAX: Self = Self(18);

    /// A scale of `digits` decimals; more than 18 is an error.
    pub const fn new(digits: u8) -> Result<Self, ValueError> {
        if digits > Self::MAX.0 {
            Err(ValueError::ScaleTooFine { digits })
        } else {
            Ok(Self(digits))
        }
    }

    /// Decimals after the point.
    #[must_use]
    pub const fn digits(self) -> u8 {
        self.0
    }

    /// Ten to the number of digits.
    #[must_use]
    pub const fn unit(self) -> i64 {
        let (mut unit, mut left) = (1_i64, self.0);
        while left > 0 {
            unit *= 10;
            left -= 1;
        }
        unit
    }
}

impl TryFrom<u8> for Scale {
    type Error = ValueError;
    fn try_from(digits: u8) -> Result<Self, ValueError> {
        Self::new(digits)
    }
}

impl From<Scale> for u8 {
    fn from(scale: Scale) -> u8 {
        scale.0
    }
}

/// Which neighbour is taken when a value does not fall on the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rounding {
    /// Toward minus infinity: a passive buy, an aggressive sell.
    Floor,
    /// Toward plus infinity: a passive sell, an aggressive buy.
    Ceil,
    /// Toward zero: every quantity.
    TowardZero,
    /// To the nearest, ties to the even neighbour: money.
    HalfEven,
}

impl Rounding {
    fn strategy(self) -> RoundingStrategy {
        match self {
            Self::Floor => RoundingStrategy::ToNegativeInfinity,
            Self::Ceil => RoundingStrategy::ToPositiveInfinity,
            Self::TowardZero => RoundingStrategy::ToZero,
            Self::HalfEven => RoundingStrategy::MidpointNearestEven,
        }
    }

    /// `value` rounded to `digits` decimals.
    ///
    /// ```
    /// use hedgerow_model::{Decimal, Rounding};
    /// let value = Decimal::new(-12_345, 3); // -12.345
    /// assert_eq!(Rounding::Floor.decimal(value, 2), Decimal::new(-1_235, 2));
    /// assert_eq!(Rounding::TowardZero.decimal(value, 2), Decimal::new(-1_234, 2));
    /// assert_eq!(Rounding::HalfEven.decimal(value, 2), Decimal::new(-1_234, 2));
    /// ```
    #[must_use]
    pub fn decimal(self, value: Decimal, digits: u32) -> Decimal {
        value.round_dp_with_strategy(digits, self.strategy())
    }

    /// `value / step` as a whole number in this rounding; `None` when `step` is zero or on
    /// overflow.
    #[must_use]
    pub fn divide(self, value: i128, step: i128) -> Option<i128> {
        let (whole, rest) = (value.checked_div_euclid(step)?, value.checked_rem_euclid(step)?);
        if rest == 0 {
            return Some(whole);
        }
        let up = match self {
            // div_euclid rounds down for a positive step
            Self::Floor => false,
            Self::Ceil => true,
            Self::TowardZero => value < 0,
            Self::HalfEven => match rest.checked_mul(2)?.cmp(&step.checked_abs()?) {
                std::cmp::Ordering::Less => false,
                std::cmp::Ordering::Greater => true,
                std::cmp::Ordering::Equal => whole.rem_euclid(2) == 1,
            },
        };
        if up { whole.checked_add(1) } else { Some(whole) }
    }
}

/// Why a number could not become a value of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// A scale beyond 18 digits.
    #[error("a scale of {digits} digits is finer than the 18 that are supported")]
    ScaleTooFine {
        /// The digits asked for.
        digits: u8,
    },
    /// The value has digits that the scale cannot hold.
    #[error("{value} has more than {digits} decimals")]
    Inexact {
        /// What was given.
        value: Decimal,
        /// The decimals available.
        digits: u8,
    },
    /// The value does not fit into 64 bits at its scale, or a product not into 96.
    #[error("a number is too large for its representation")]
    Overflow,
    /// A division by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A contract has no base asset to pay a fee with.
    #[error("only a spot fill can pay its fee in the base asset")]
    NoBaseAsset,
}

fn mantissa(value: Decimal, scale: Scale) -> Result<i64, ValueError> {
    let unit = i128::from(scale.unit());
    let whole = value.mantissa().checked_mul(unit).ok_or(ValueError::Overflow)?;
    let divisor = 10_i128.checked_pow(value.scale()).ok_or(ValueError::Overflow)?;
    if whole % divisor != 0 {
        return Err(ValueError::Inexact { value, digits: scale.digits() });
    }
    i64::try_from(whole / divisor).map_err(|_| ValueError::Overflow)
}

macro_rules! fixed {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize,
            Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// From whole units of the instrument's scale.
            #[must_use]
            pub const fn from_units(units: i64) -> Self {
                Self(units)
            }

            /// Whole units of the instrument's scale.
            #[must_use]
            pub const fn units(self) -> i64 {
                self.0
            }

            /// From a decimal that the scale can hold; lost digits are an error.
            pub fn exact(value: Decimal, scale: Scale) -> Result<Self, ValueError> {
                mantissa(value, scale).map(Self)
            }

            /// From any decimal, rounded to the scale in the named direction.
            pub fn rounded(value: Decimal, scale: Scale, by: Rounding) -> Result<Self, ValueError> {
                mantissa(by.decimal(value, u32::from(scale.digits())), scale).map(Self)
            }

            /// The value as a decimal.
            #[must_use]
            pub fn to_decimal(self, scale: Scale) -> Decimal {
                let digits = u32::from(scale.digits());
                Decimal::from_i128_with_scale(i128::from(self.0), digits).normalize()
            }

            /// The sum, or nothing on overflow.
            #[must_use]
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self)
            }

            /// The difference, or nothing on overflow.
            #[must_use]
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self)
            }

            /// The value without its sign, saturating.
            #[must_use]
            pub fn abs(self) -> Self {
                Self(self.0.saturating_abs())
            }

            /// Whether the value is above zero.
            #[must_use]
            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }

            /// Whether the value is zero.
            #[must_use]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}u", self.0)
            }
        }
    };
}

fixed! {
    /// A price in units of the instrument's price scale.
    ///
    /// ```
    /// use hedgerow_model::{Decimal, Price, Rounding, Scale};
    /// let scale = Scale::new(2).unwrap();
    /// let price = Price::exact("60000.1".parse().unwrap(), scale).unwrap();
    /// assert_eq!(price.units(), 6_000_010);
    /// assert!(Price::exact("0.001".parse().unwrap(), scale).is_err());
    /// let up = Price::rounded("0.001".parse().unwrap(), scale, Rounding::Ceil).unwrap();
    /// assert_eq!(up.to_decimal(scale), "0.01".parse::<Decimal>().unwrap());
    /// ```
    Price
}
fixed! {
    /// A quantity in units of the instrument's quantity scale: base units, or whole contracts.
    /// Orders carry it positive; a position carries its sign.
    ///
    /// ```
    /// use hedgerow_model::{Quantity, Scale};
    /// let scale = Scale::new(3).unwrap();
    /// let lots = Quantity::exact("0.166".parse().unwrap(), scale).unwrap();
    /// assert_eq!(lots.units(), 166);
    /// assert_eq!(Quantity::from_units(i64::MAX).checked_add(lots), None);
    /// ```
    Quantity
}
