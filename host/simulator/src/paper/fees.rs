//! What the paper venue charges.

use hedgerow_model::Decimal;

/// Which asset a venue takes its fees in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeeIn {
    /// The settle asset.
    #[default]
    Settle,
    /// What was received: of a purchase the base asset, of a sale the quote asset. Spot only.
    Received,
}

/// Fee rates of one instrument.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fees {
    /// Making, a fraction of value; a rebate is negative.
    pub maker: Decimal,
    /// Taking, a fraction of value.
    pub taker: Decimal,
    /// In which asset.
    pub taken_in: FeeIn,
}
