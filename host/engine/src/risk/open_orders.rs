//! Live orders of a strategy, of an account and of all.

use hedgerow_model::{RiskRejection, Scope};

/// Refuses one more order where there are as many as may be.
pub(crate) fn check(scope: Scope, open: u32, limit: Option<u32>) -> Result<(), RiskRejection> {
    let scope = Some(scope);
    match limit.filter(|limit| open >= *limit) {
        Some(limit) => Err(RiskRejection::OpenOrdersAboveMax { scope, open, limit }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_still_fits() {
        let scope = Some(Scope::Host);
        let refused = |open, limit| Err(RiskRejection::OpenOrdersAboveMax { scope, open, limit });
        for (open, limit, expected) in [
            (2, Some(3), Ok(())),
            (3, Some(3), refused(3, 3)),
            (u32::MAX, Some(3), refused(u32::MAX, 3)),
            (0, Some(0), refused(0, 0)),
            (9, None, Ok(())),
        ] {
            assert_eq!(check(Scope::Host, open, limit), expected);
        }
    }
}
