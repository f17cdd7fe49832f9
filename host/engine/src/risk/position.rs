//! The position in one instrument with all open and unknown orders filled the worst way: of the
//! strategy, and of all who trade the instrument.

use super::Asked;
use super::worst::Worst;
use crate::strategy::Holding;
use hedgerow_model::{Decimal, Instrument, Quantity, RiskRejection};

/// Refuses an order with which a strategy's position could be worth more than its limit.
pub(crate) fn check(
    spec: &Instrument,
    holding: &Holding,
    (mark, limit): (Decimal, Decimal),
    asked: &Asked,
) -> Result<(), RiskRejection> {
    let overflow = |_| RiskRejection::Overflow;
    let worst = asked
        .side
        .sign()
        .checked_mul(holding.position.quantity.units())
        .and_then(|held| held.checked_add(holding.open(asked.side)))
        .and_then(|sum| sum.checked_add(asked.quantity.units()))
        .and_then(|sum| sum.checked_sub(asked.held))
        .ok_or(RiskRejection::Overflow)?;
    let worst = Quantity::from_units(worst);
    if spec.notional_at(mark, worst).map_err(overflow)? <= limit {
        return Ok(());
    }
    let one = spec.notional_at(mark, Quantity::from_units(1)).map_err(overflow)?;
    let units = limit.checked_div(one).unwrap_or_default();
    let limit = Quantity::from_units(i64::try_from(units.trunc().mantissa()).unwrap_or(i64::MAX));
    Err(RiskRejection::PositionAboveMax { worst, limit })
}

/// Refuses an order with which what all hold in the instrument could be worth more than its limit.
pub(crate) fn check_all(all: &Worst, limit: Option<Decimal>) -> Result<(), RiskRejection> {
    let Some(limit) = limit else { return Ok(()) };
    let worst = all.gross()?;
    if worst > limit {
        return Err(RiskRejection::InstrumentAboveMax { worst, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::instrument;
    use hedgerow_model::{Price, Side};

    /// 2000 at a mark of 100 are 20 units, with three decimals.
    #[test]
    fn every_open_and_unknown_order_counts() {
        for (held, open, side, asked, refused) in [
            (0, 0, Side::Buy, 20_000, false),
            (0, 0, Side::Buy, 20_005, true),
            (10_000, 5_000, Side::Buy, 5_000, false),
            (10_000, 5_000, Side::Buy, 5_005, true),
            (10_000, 0, Side::Sell, 30_000, false),
            (10_000, 0, Side::Sell, 30_005, true),
            (-10_000, 0, Side::Sell, 10_005, true),
        ] {
            let mut holding = Holding::default();
            holding.position.quantity = Quantity::from_units(held);
            holding.reserve(side, open, Decimal::ZERO);
            let (price, quantity) = (Price::from_units(10_000), Quantity::from_units(asked));
            let asked = Asked::of(side, price, quantity, false);
            let limits = (Decimal::ONE_HUNDRED, Decimal::from(2_000));
            let found = check(&instrument(0), &holding, limits, &asked);
            let is = matches!(found, Err(RiskRejection::PositionAboveMax { .. }));
            assert_eq!(is, refused, "{held} held, {open} open: {found:?}");
        }
    }

    #[test]
    fn what_all_hold_in_an_instrument_is_limited() {
        let d = Decimal::from;
        let all = Worst { long: d(60), short: d(20), buys: d(15), sells: d(5) };
        assert_eq!(check_all(&all, Some(d(100))), Ok(()));
        let refused = Err(RiskRejection::InstrumentAboveMax { worst: d(100), limit: d(99) });
        assert_eq!(check_all(&all, Some(d(99))), refused);
        assert_eq!(check_all(&all, None), Ok(()));
    }
}
