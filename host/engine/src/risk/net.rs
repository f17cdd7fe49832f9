//! Net exposure in the direction of the order, of a strategy, an account or the host. An order that
//! goes against the net is not refused for what it improves.

use super::worst::Worst;
use hedgerow_model::{Decimal, RiskRejection, Scope, Side};

/// Refuses what could take a scope's net above its limit.
pub(crate) fn check(
    scope: Scope,
    sum: &Worst,
    side: Side,
    limit: Option<Decimal>,
) -> Result<(), RiskRejection> {
    let Some(limit) = limit else { return Ok(()) };
    let worst = sum.net(side)?;
    if worst > limit {
        return Err(RiskRejection::NetAboveMax { scope, worst, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hedge_needs_no_room_and_a_lone_leg_does() {
        let d = Decimal::from;
        let sum = Worst { long: d(150), short: d(30), buys: d(0), sells: d(100) };
        for (side, limit, worst) in [
            (Side::Buy, 120, None),
            (Side::Buy, 119, Some(120)),
            (Side::Sell, 0, None), // short by 20 less at the worst
        ] {
            let found = check(Scope::Host, &sum, side, Some(d(limit)));
            let refused = |worst| RiskRejection::NetAboveMax {
                scope: Scope::Host,
                worst: d(worst),
                limit: d(limit),
            };
            assert_eq!(found, worst.map_or(Ok(()), |worst| Err(refused(worst))));
        }
        assert_eq!(check(Scope::Host, &sum, Side::Buy, None), Ok(()));
    }
}
