//! The largest leverage of which a stated adverse move leaves the maintenance margin (R6).

use hedgerow_model::{Decimal, RiskRejection, Side};

/// 1 / (move x (1 - m) + m) of a long, (1 + m) of a short, floored to hundredths; `move` and `m`
/// are fractions.
pub(crate) fn of(side: Side, adverse: Decimal, maintenance: Decimal) -> Option<Decimal> {
    let share = match side {
        Side::Buy => Decimal::ONE.checked_sub(maintenance)?,
        Side::Sell => Decimal::ONE.checked_add(maintenance)?,
    };
    let bound = adverse.checked_mul(share)?.checked_add(maintenance)?;
    let exact = Decimal::ONE.checked_div(Some(bound).filter(|bound| *bound > Decimal::ZERO)?)?;
    Some(exact.trunc_with_scale(2))
}

/// Of an account that is long, short or both: the smaller.
pub(crate) fn of_both(
    (long, short): (bool, bool),
    adverse: Decimal,
    maintenance: Decimal,
) -> Option<Decimal> {
    let sides = [(long, Side::Buy), (short, Side::Sell)];
    let all = sides.into_iter().filter(|(is, _)| *is);
    all.map(|(_, side)| of(side, adverse, maintenance)).min().unwrap_or(Some(Decimal::MAX))
}

/// Refuses what could take the leverage above what is safe.
pub(crate) fn check(worst: Decimal, safe: Option<Decimal>) -> Result<(), RiskRejection> {
    let safe = safe.ok_or(RiskRejection::MarginUnknown)?;
    if worst > safe {
        return Err(RiskRejection::LeverageUnsafe { worst, safe });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    /// R6 and vector M7: a move of 25 % with m = 0.005 is survived below 3.9409 long, 3.9024 short.
    #[test]
    fn r6_the_leverage_that_a_move_leaves_alive() {
        let m = d("0.005");
        for (side, adverse, expected) in [
            (Side::Buy, "0.25", "3.94"),
            (Side::Sell, "0.25", "3.90"),
            // F5: leverage 3 dies at -32.998 % and +32.670 %, leverage 5 at -19.598 % and +19.403 %
            (Side::Buy, "0.32998", "3.00"),
            (Side::Sell, "0.32670", "2.99"),
            (Side::Buy, "0.19598", "4.99"),
            (Side::Sell, "0.19403", "4.99"),
        ] {
            assert_eq!(of(side, d(adverse), m), Some(d(expected)), "{side:?} {adverse}");
        }
        assert_eq!(of_both((true, true), d("0.25"), m), Some(d("3.90")));
        assert_eq!(of_both((true, false), d("0.25"), m), Some(d("3.94")));
        let refused = RiskRejection::LeverageUnsafe { worst: d("4"), safe: d("3.90") };
        assert_eq!(check(d("4"), Some(d("3.90"))), Err(refused));
        assert_eq!(check(d("3.9"), Some(d("3.90"))), Ok(()));
        assert_eq!(check(d("1"), None), Err(RiskRejection::MarginUnknown));
    }
}
