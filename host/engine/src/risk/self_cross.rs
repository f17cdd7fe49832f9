//! An order that would trade against one of ours on the same account, whichever strategy's: both
//! sides of a trade with oneself pay fees and nothing else comes of it, and venues punish it.
//!
//! An order whose outcome is unknown still stands. What a plan sends and what is reduce-only is not
//! held up by this: to hold one leg alone, or what is to be closed, is worse.

use hedgerow_model::{Price, RiskRejection, Side};

/// Refuses a price that reaches our own best on the other side.
pub(crate) fn check(side: Side, price: Price, own: Option<Price>) -> Result<(), RiskRejection> {
    match own.filter(|own| side.reaches(price, *own)) {
        Some(own) => Err(RiskRejection::SelfCross { own }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_our_own_price_is_refused() {
        for (side, price, own, refused) in [
            (Side::Buy, 99, Some(100), false),
            (Side::Buy, 100, Some(100), true),
            (Side::Buy, 101, Some(100), true),
            (Side::Sell, 101, Some(100), false),
            (Side::Sell, 100, Some(100), true),
            (Side::Sell, 1, None, false),
        ] {
            let found = check(side, Price::from_units(price), own.map(Price::from_units));
            assert_eq!(found.is_err(), refused, "{side:?} at {price} against {own:?}");
        }
    }
}
