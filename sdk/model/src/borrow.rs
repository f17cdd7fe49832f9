//! What borrowing costs: the venue's own rate, or, in backtests alone, one that is assumed.

use crate::funding::RATE_SCALE;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How a borrow rate is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BorrowSource {
    /// The venue said it.
    Venue,
    /// Nobody said it: the usual rate of such an asset. Never a reason to trade.
    Assumed,
}

/// What borrowing one of an asset costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BorrowRate {
    /// Per hour, 1e-15.
    pub hourly: i64,
    /// How that is known.
    pub source: BorrowSource,
}

const STABLE: [&str; 7] = ["USDT", "USDC", "DAI", "FDUSD", "TUSD", "USDE", "USDS"];

impl BorrowRate {
    /// What is assumed of an asset where no venue says anything: 0.005 % per 8 hours of a
    /// stablecoin, 0.01 % of BTC and ETH, 0.015 % of all else.
    ///
    /// ```
    /// use hedgerow_model::BorrowRate;
    /// // Vector M6, per hour: 0.00000625, 0.0000125, 0.00001875.
    /// let hourly = |asset| BorrowRate::assumed(asset).hourly;
    /// assert_eq!(hourly("USDT"), 6_250_000_000);
    /// assert_eq!((hourly("BTC"), hourly("ETH")), (12_500_000_000, 12_500_000_000));
    /// assert_eq!(hourly("DOGE"), 18_750_000_000);
    /// // a long perpetual at -0.0001 per 8 hours is paid as much as a borrowed BTC short costs
    /// let paid_to_us = 100_000_000_000 / 8;
    /// assert_eq!(paid_to_us - hourly("BTC"), 0);
    /// assert_eq!(paid_to_us - hourly("DOGE"), -6_250_000_000);
    /// ```
    #[must_use]
    pub fn assumed(asset: &str) -> Self {
        // per 8 hours, 1e-15
        let rate: i64 = match asset {
            _ if STABLE.contains(&asset) => 50_000_000_000,
            "BTC" | "ETH" => 100_000_000_000,
            _ => 150_000_000_000,
        };
        Self { hourly: rate / 8, source: BorrowSource::Assumed }
    }

    /// The interest of an amount over some hours; nothing when it does not fit.
    #[must_use]
    pub fn interest(&self, amount: Decimal, hours: u32) -> Option<Decimal> {
        let rate = Decimal::from_i128_with_scale(i128::from(self.hourly), RATE_SCALE);
        amount.checked_mul(rate)?.checked_mul(Decimal::from(hours))
    }
}
