//! Leverage of an account: all positions and open orders for each unit of equity that its venues
//! have told. What is not told is not safe.

use hedgerow_model::{Decimal, RiskRejection};

/// Gross for each unit of equity; without equity there is no end to it.
pub(crate) fn of(gross: Decimal, equity: Decimal) -> Decimal {
    if gross.is_zero() {
        return Decimal::ZERO;
    }
    let whole = Some(equity).filter(|equity| *equity > Decimal::ZERO);
    whole.and_then(|equity| gross.checked_div(equity)).unwrap_or(Decimal::MAX)
}

/// Refuses what could take the leverage above its limit.
pub(crate) fn check(
    gross: Decimal,
    equity: Option<Decimal>,
    limit: Option<Decimal>,
) -> Result<(), RiskRejection> {
    let Some(limit) = limit else { return Ok(()) };
    let worst = of(gross, equity.ok_or(RiskRejection::MarginUnknown)?);
    if worst > limit {
        return Err(RiskRejection::LeverageAboveMax { worst, limit });
    }
    Ok(())
}

/// How much of a gross of `gross` must be closed for the leverage to be `target` afterwards, when
/// closing pays `fee` of it from the equity (vector M8).
pub(crate) fn to_close(
    gross: Decimal,
    equity: Decimal,
    target: Decimal,
    fee: Decimal,
) -> Option<Decimal> {
    let over = gross.checked_sub(target.checked_mul(equity)?)?;
    let left = Decimal::ONE.checked_sub(target.checked_mul(fee)?)?;
    if over <= Decimal::ZERO {
        return Some(Decimal::ZERO);
    }
    // where fees eat what is closed, all of it is
    let closes = Some(left).filter(|left| *left > Decimal::ZERO);
    let closes = closes.and_then(|left| over.checked_div(left)).unwrap_or(gross);
    Some(closes.min(gross))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn leverage_above_its_limit_or_unknown_is_refused() {
        let above = |worst: Decimal| RiskRejection::LeverageAboveMax { worst, limit: d("4") };
        for (gross, equity, limit, expected) in [
            ("20000", Some("5000"), Some("4"), Ok(())),
            ("20001", Some("5000"), Some("4"), Err(above(d("4.0002")))),
            ("1", Some("0"), Some("4"), Err(above(Decimal::MAX))),
            ("1", Some("-3"), Some("4"), Err(above(Decimal::MAX))),
            ("0", Some("0"), Some("4"), Ok(())),
            ("1", None, Some("4"), Err(RiskRejection::MarginUnknown)),
            ("1", None, None, Ok(())),
        ] {
            assert_eq!(check(d(gross), equity.map(d), limit.map(d)), expected, "{gross}");
        }
    }

    /// Vector M8: notional 30 000, equity 5000, leverage 6, target 4.
    #[test]
    fn vector_m8_what_is_closed_pays_its_fee_too() {
        let (gross, equity, target) = (d("30000"), d("5000"), d("4"));
        assert_eq!(to_close(gross, equity, target, Decimal::ZERO), Some(d("10000")));
        let fee = d("0.0005");
        let closes = to_close(gross, equity, target, fee).unwrap();
        assert_eq!(closes.round_dp(4), d("10020.0401"));
        let after = of(gross - closes, equity - closes * fee);
        assert_eq!(after.round_dp(20), target);
        assert_eq!(to_close(d("20000"), equity, target, fee), Some(Decimal::ZERO));
        assert_eq!(to_close(gross, d("-1"), target, fee), Some(gross));
    }
}
