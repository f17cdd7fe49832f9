//! Gross exposure: all positions and open orders, of a strategy, an account or the host.

use super::worst::Worst;
use hedgerow_model::{Decimal, RiskRejection, Scope};

/// Refuses what could take a scope's gross above its limit.
pub(crate) fn check(
    scope: Scope,
    sum: &Worst,
    limit: Option<Decimal>,
) -> Result<(), RiskRejection> {
    let Some(limit) = limit else { return Ok(()) };
    let worst = sum.gross()?;
    if worst > limit {
        return Err(RiskRejection::GrossAboveMax { scope, worst, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::AccountId;

    #[test]
    fn both_directions_and_open_orders_count() {
        let d = Decimal::from;
        let sum = Worst { long: d(50), short: d(30), buys: d(15), sells: d(5) };
        for scope in [Scope::Host, Scope::Account(AccountId(1))] {
            assert_eq!(check(scope, &sum, Some(d(100))), Ok(()));
            let refused = RiskRejection::GrossAboveMax { scope, worst: d(100), limit: d(99) };
            assert_eq!(check(scope, &sum, Some(d(99))), Err(refused));
            assert_eq!(check(scope, &sum, None), Ok(()));
        }
    }
}
