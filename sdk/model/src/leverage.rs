//! Leverage and margin mode of an account in one instrument, as its venue has them.
//!
//! Leverage is counted in hundredths: 300 is three times. Spot has none.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What stands for the losses of a position.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum MarginMode {
    /// The whole account.
    #[default]
    Cross,
    /// What was put beside this position alone.
    Isolated,
}

impl fmt::Display for MarginMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cross => "cross",
            Self::Isolated => "isolated",
        })
    }
}

/// Leverage and margin mode: what is in force, or what is accepted.
///
/// ```
/// use hedgerow_model::{Margin, MarginMode};
/// let margin = Margin { leverage_hundredths: 250, mode: MarginMode::Cross };
/// assert_eq!(margin.to_string(), "2.5x cross");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Margin {
    /// Hundredths.
    pub leverage_hundredths: u32,
    /// Which margin mode.
    pub mode: MarginMode,
}

impl Margin {
    /// One time, with the whole account behind it: what nobody is surprised by.
    pub const ONE: Self = Self { leverage_hundredths: 100, mode: MarginMode::Cross };

    /// The leverage as a number.
    #[must_use]
    pub fn leverage(self) -> rust_decimal::Decimal {
        rust_decimal::Decimal::new(i64::from(self.leverage_hundredths), 2).normalize()
    }
}

impl fmt::Display for Margin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x {}", self.leverage(), self.mode)
    }
}
