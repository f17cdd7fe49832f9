//! What a venue took for a fill, and in which asset.
//!
//! Venues take a spot fee in what was received (a purchase in the base asset, a sale in the quote
//! asset) or in a token of their own; a derivative's in its settle asset. Which it was decides what
//! is held afterwards, so a fill says it.

use crate::fixed::{Rounding, ValueError};
use crate::instrument::{Instrument, InstrumentKind, money_product};
use crate::{Price, Quantity};
use arrayvec::ArrayString;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The name of an asset as a venue writes it, at most 24 bytes.
pub type Asset = ArrayString<24>;

/// Which asset a fee was taken in, seen from the instrument of the fill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeeAsset {
    /// The asset that profit is counted in.
    #[default]
    Settle,
    /// The asset bought: less is held than was filled. Only a spot fill can have it.
    Base,
    /// Another, such as the venue's own token.
    Other(Asset),
}

/// A fee of one fill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// How much of the asset; negative is a rebate.
    pub amount: Decimal,
    /// Of which asset.
    pub asset: FeeAsset,
}

impl Fee {
    /// None at all.
    pub const ZERO: Self = Self::in_settle(Decimal::ZERO);

    /// A fee in the settle asset.
    #[must_use]
    pub const fn in_settle(amount: Decimal) -> Self {
        Self { amount, asset: FeeAsset::Settle }
    }

    /// A fee as a venue names its asset. A name of more than 24 bytes is an error.
    pub fn named(
        amount: Decimal,
        asset: &str,
        instrument: &Instrument,
    ) -> Result<Self, ValueError> {
        let asset = if asset == instrument.settle {
            FeeAsset::Settle
        } else if asset == instrument.base && instrument.kind == InstrumentKind::Spot {
            FeeAsset::Base
        } else {
            FeeAsset::Other(Asset::from(asset).map_err(|_| ValueError::Overflow)?)
        };
        Ok(Self { amount, asset })
    }

    /// Its worth in the settle asset at the price of the fill, rounded half-even to
    /// [`crate::MONEY_DIGITS`]; nothing for an asset that the instrument does not price.
    pub fn worth(&self, instrument: &Instrument, at: Price) -> Result<Option<Decimal>, ValueError> {
        match self.asset {
            FeeAsset::Settle => Ok(Some(self.amount)),
            FeeAsset::Base if instrument.kind != InstrumentKind::Spot => {
                Err(ValueError::NoBaseAsset)
            }
            FeeAsset::Base => Ok(Some(money_product(self.amount, instrument.price(at))?)),
            FeeAsset::Other(_) => Ok(None),
        }
    }

    /// Whole units of the instrument's quantity that it took; zero unless it is in the base asset.
    /// What is finer than a unit is cut off.
    pub fn base_units(&self, instrument: &Instrument) -> Result<Quantity, ValueError> {
        match self.asset {
            FeeAsset::Base => {
                Quantity::rounded(self.amount, instrument.quantity_scale, Rounding::TowardZero)
            }
            _ => Ok(Quantity::ZERO),
        }
    }
}
