//! Refusals in words for people: prices and quantities as decimals, which takes the instrument.

use super::RiskRejection;
use crate::fixed::{Price, Quantity};
use crate::instrument::Instrument;
use crate::mode::Scope;

/// Whose figure it is, where it is not the strategy's own.
pub(super) const fn of(scope: Option<Scope>) -> &'static str {
    match scope {
        Some(Scope::Host) => " on the host",
        Some(Scope::Account(_)) => " on the account",
        Some(Scope::Instrument(_)) => " in the instrument",
        Some(Scope::Strategy(_)) | None => "",
    }
}

impl RiskRejection {
    /// What it says, with prices and quantities of an instrument as people write them.
    #[must_use]
    pub fn in_words(&self, spec: &Instrument) -> String {
        let p = |price: &Price| spec.price(*price).normalize();
        let q = |quantity: &Quantity| spec.quantity(*quantity).normalize();
        match self {
            Self::QuantityOffGrid { quantity, lot } => {
                format!("quantity {} is not a positive number of lots of {}", q(quantity), q(lot))
            }
            Self::PriceOffGrid { price } => {
                format!("price {} is not on the venue's grid", p(price))
            }
            Self::BelowMinQuantity { quantity, minimum } => {
                format!("quantity {} is below the venue's minimum {}", q(quantity), q(minimum))
            }
            Self::AboveMaxQuantity { quantity, maximum } => {
                format!("quantity {} is above the venue's maximum {}", q(quantity), q(maximum))
            }
            Self::OutsideBand { price, bps } => {
                let what = "worse than the mark: the venue would refuse it";
                format!("price {} is more than {bps} bps {what}", p(price))
            }
            Self::OutsideCollar { price, low, high } => {
                format!("price {} is outside the collar {} to {}", p(price), p(low), p(high))
            }
            Self::PositionAboveMax { worst, limit } => {
                format!("the position could reach {}, above the limit {}", q(worst), q(limit))
            }
            Self::SelfCross { own } => {
                format!("it would trade against an order of ours at {}", p(own))
            }
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::tests::linear;

    /// No refusal that has a price or a quantity in it shows units to people.
    #[test]
    fn figures_are_decimals() {
        let (price, quantity) = (Price::from_units(60_284_000), Quantity::from_units(5));
        let all = [
            RiskRejection::QuantityOffGrid { quantity, lot: quantity },
            RiskRejection::PriceOffGrid { price },
            RiskRejection::BelowMinQuantity { quantity, minimum: quantity },
            RiskRejection::AboveMaxQuantity { quantity, maximum: quantity },
            RiskRejection::OutsideBand { price, bps: 5 },
            RiskRejection::OutsideCollar { price, low: price, high: price },
            RiskRejection::SelfCross { own: price },
        ];
        for refusal in all {
            let (units, words) = (refusal.to_string(), refusal.in_words(&linear()));
            assert!(units.contains("000u") || units.contains("5u"), "{units}");
            assert!(!words.contains("000u") && !words.contains("5u"), "{words}");
        }
    }
}
