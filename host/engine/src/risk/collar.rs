//! Distance of a price from the mark.

use hedgerow_model::{Price, RiskRejection};

/// Refuses a price further from the mark (doubled) than so many basis points.
pub(crate) fn check(price: Price, mark_doubled: i64, bps: u32) -> Result<(), RiskRejection> {
    let mark = i128::from(mark_doubled);
    let width = mark * i128::from(bps) / 10_000;
    let doubled = i128::from(price.units()) * 2;
    if (doubled - mark).abs() <= width {
        return Ok(());
    }
    let edge = |doubled: i128| Price::from_units(i64::try_from(doubled / 2).unwrap_or(i64::MAX));
    let (low, high) = (edge(mark - width), edge(mark + width));
    Err(RiskRejection::OutsideCollar { price, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_at_the_edge_passes_and_one_beyond_does_not() {
        for (price, refused) in
            [(9_900, false), (9_899, true), (10_100, false), (10_101, true), (1, true)]
        {
            let found = check(Price::from_units(price), 20_000, 100);
            let (low, high) = (Price::from_units(9_900), Price::from_units(10_100));
            let price = Price::from_units(price);
            let expected = if refused {
                Err(RiskRejection::OutsideCollar { price, low, high })
            } else {
                Ok(())
            };
            assert_eq!(found, expected);
        }
    }
}
