//! The largest neutral size that free money carries (mission X11, vector M4).
//!
//! Fees are on notional, not on margin: with leverage they take more of what is free than of what
//! is traded. Depth, guards and steps come after this; whoever asks applies them.

use rust_decimal::Decimal;

/// What of the free money is left alone, a fraction: 0.01.
const SAFETY: Decimal = Decimal::from_parts(1, 0, 0, false, 2);
/// Fees of entry and exit together are taken to be at least this, a fraction: 0.001.
const FEES_MIN: Decimal = Decimal::from_parts(1, 0, 0, false, 3);

/// One leg's side of a neutral size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Free money of the account, quote currency.
    pub free: Decimal,
    /// Leverage in force, times.
    pub leverage: Decimal,
    /// Fee rates of entry and exit as they will be executed, fractions of notional.
    pub fees: [Decimal; 2],
}

impl Capacity {
    /// The notional that it carries, quote currency:
    /// free x (1 - 0.01) / (1 / leverage + the larger of 0.001 and both fees). Nothing without
    /// leverage, or when it does not fit; zero when nothing is free.
    ///
    /// ```
    /// use hedgerow_model::{Capacity, Decimal};
    /// // Vector M4: 500 free at leverage 3, taker fees of 0.0005 both ways.
    /// let fee = Decimal::new(5, 4);
    /// let long = Capacity { free: 500.into(), leverage: 3.into(), fees: [fee, fee] };
    /// assert_eq!(long.notional().unwrap().round_dp(4).to_string(), "1480.5583");
    /// ```
    #[must_use]
    pub fn notional(&self) -> Option<Decimal> {
        let leverage = Some(self.leverage).filter(|times| *times > Decimal::ZERO)?;
        let fees = self.fees[0].checked_add(self.fees[1])?.max(FEES_MIN);
        let usable = self.free.max(Decimal::ZERO).checked_mul(Decimal::ONE.checked_sub(SAFETY)?)?;
        // usable / (1 / leverage + fees), with one division
        let most = usable.checked_mul(leverage)?;
        most.checked_div(Decimal::ONE.checked_add(fees.checked_mul(leverage)?)?)
    }

    /// The same in base units at a price, before any step.
    #[must_use]
    pub fn base(&self, price: Decimal) -> Option<Decimal> {
        self.notional()?.checked_div(Some(price).filter(|price| *price > Decimal::ZERO)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn vector_m4_fees_are_on_notional_and_not_on_margin() {
        let fees = [d("0.0005"), d("0.0005")];
        for (free, mid, notional, base) in [
            ("500", "60000", "1480.5583", "0.02467597"),
            ("420", "60030", "1243.6690", "0.02071746"),
        ] {
            let leg = Capacity { free: d(free), leverage: d("3"), fees };
            assert_eq!(leg.notional().unwrap().round_dp(4), d(notional), "{free}");
            assert_eq!(leg.base(d(mid)).unwrap().round_dp(8), d(base), "{free}");
        }
    }

    #[test]
    fn what_is_not_known_or_not_there_carries_nothing() {
        let leg = Capacity { free: d("500"), leverage: d("3"), fees: [Decimal::ZERO; 2] };
        let dearer = Capacity { fees: [d("0.002"), d("0.001")], ..leg };
        assert!(dearer.notional() < leg.notional(), "at least 0.001, and more where more is paid");
        assert_eq!(Capacity { free: d("-1"), ..leg }.notional(), Some(Decimal::ZERO));
        assert_eq!(Capacity { leverage: Decimal::ZERO, ..leg }.notional(), None);
        assert_eq!(leg.base(Decimal::ZERO), None);
    }
}
