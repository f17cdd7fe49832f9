//! Worth of one order: of the strategy, and of the instrument whoever trades it.

use hedgerow_model::{Decimal, RiskRejection};

/// Refuses an order that is worth more than one of its limits.
pub(crate) fn check(requested: Decimal, limits: [Option<Decimal>; 2]) -> Result<(), RiskRejection> {
    match limits.into_iter().flatten().find(|limit| requested > *limit) {
        Some(limit) => Err(RiskRejection::NotionalAboveMax { limit, requested }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_above_either_limit_is_refused() {
        let d = |n: i64| Decimal::from(n);
        for (requested, limits, refused_by) in [
            (100, [Some(100), None], None),
            (101, [Some(100), None], Some(100)),
            (101, [Some(200), Some(50)], Some(50)),
            (101, [None, None], None),
        ] {
            let found = check(d(requested), limits.map(|limit| limit.map(d)));
            let expected = refused_by.map_or(Ok(()), |limit| {
                Err(RiskRejection::NotionalAboveMax { limit: d(limit), requested: d(requested) })
            });
            assert_eq!(found, expected, "{requested} against {limits:?}");
        }
    }
}
