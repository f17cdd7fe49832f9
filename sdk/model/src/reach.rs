//! How far a price reaches beyond what it was made from: as it is asked for, in one measure, and as
//! it was sent, in both.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How far an order that takes may reach beyond the touch.
///
/// ```
/// use hedgerow_model::Give;
/// let asked: Give = serde_json::from_str("{\"ticks\":10}").unwrap();
/// assert_eq!(asked, Give::Ticks(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Give {
    /// So many basis points of the touch.
    Bps(u32),
    /// So many ticks.
    Ticks(u32),
}

/// What the price of an order was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriceSource {
    /// It was given.
    Asked,
    /// The touch of a market with two sides.
    Touch,
    /// The only side there was; only to reduce.
    PresentSide,
    /// The last mark: there was no side; only to reduce.
    Mark,
}

/// How far a price reaches beyond what it was made from, in both measures; as it was sent, after
/// every rounding and bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// In ticks.
    pub ticks: Decimal,
    /// In basis points, to four decimals.
    pub bps: Decimal,
}
