//! Fall from the highest profit since the measures began.

/// Whether a profit is further below its peak than allowed.
pub(crate) fn trips(limit: Option<i128>, profit: i128, peak: i128) -> bool {
    super::loss::trips(limit, profit.saturating_sub(peak))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fall_is_measured_from_the_peak() {
        for (limit, profit, peak, expected) in [
            (Some(30), 70, 100, false),
            (Some(30), 69, 100, true),
            (Some(30), -30, 0, false),
            (Some(30), -31, 0, true),
            (None, -31, 0, false),
        ] {
            assert_eq!(trips(limit, profit, peak), expected, "{profit} below {peak}");
        }
    }
}
