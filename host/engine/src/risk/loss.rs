//! Loss since the measures began, with funding and fees, of a strategy, an account or the host.

/// Whether a profit is further below zero than allowed.
pub(crate) fn trips(limit: Option<i128>, profit: i128) -> bool {
    limit.is_some_and(|limit| profit < limit.saturating_neg())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_trips_beyond_its_limit_and_not_at_it() {
        for (limit, profit, expected) in [
            (Some(50), -50, false),
            (Some(50), -51, true),
            (Some(50), 1_000, false),
            (Some(0), -1, true),
            (Some(i128::MAX), i128::MIN, true),
            (None, i128::MIN, false),
        ] {
            assert_eq!(trips(limit, profit), expected, "{profit} against {limit:?}");
        }
    }
}
