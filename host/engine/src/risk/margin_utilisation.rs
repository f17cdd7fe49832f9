//! Used of all margin, percent (R4): above eighty it is told, if nothing else is configured.

use super::margin_ratio::{percent, trips as above};
use hedgerow_model::Decimal;

/// Percent of the equity that is bound as initial margin.
pub(crate) fn of(used: Decimal, equity: Decimal) -> Decimal {
    percent(used, equity)
}

/// Whether a utilisation trips its limit, seen from how the guard stands.
pub(crate) fn trips(utilisation: Decimal, limit: Decimal, tripped: bool) -> bool {
    above(utilisation, limit, tripped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_eighty_percent_it_trips() {
        let d = Decimal::from;
        let limit = crate::AccountGuards::default().margin_utilisation.limit;
        for (used, equity, tripped, expected) in [
            (800, 1_000, false, false),
            (801, 1_000, false, true),
            (760, 1_000, true, true),
            (750, 1_000, true, false),
            (1, 0, false, true),
        ] {
            assert_eq!(trips(of(d(used), d(equity)), limit, tripped), expected, "{used}");
        }
    }
}
