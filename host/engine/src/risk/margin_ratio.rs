//! Maintenance margin of equity, percent: at a hundred the venue liquidates.

use super::HYSTERESIS;
use hedgerow_model::Decimal;

/// Percent of a part in a whole; of nothing, no end.
pub(crate) fn percent(part: Decimal, whole: Decimal) -> Decimal {
    if part <= Decimal::ZERO {
        return Decimal::ZERO;
    }
    let whole = Some(whole).filter(|whole| *whole > Decimal::ZERO);
    let share = whole.and_then(|whole| part.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(whole));
    share.unwrap_or(Decimal::MAX)
}

/// Whether a share trips a limit, seen from how the guard stands.
pub(crate) fn trips(percent: Decimal, limit: Decimal, tripped: bool) -> bool {
    let edge = if tripped { limit - HYSTERESIS } else { limit };
    percent > edge
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_trips_above_its_limit_and_rests_five_points_below() {
        let d = Decimal::from;
        for (maintenance, equity, tripped, expected) in [
            (40, 80, false, false),
            (41, 80, false, true),
            (40, 80, true, true),
            (36, 80, true, false),
            (1, 0, false, true),
            (1, -5, false, true),
            (0, -5, false, false),
        ] {
            let share = percent(d(maintenance), d(equity));
            assert_eq!(trips(share, d(50), tripped), expected, "{maintenance} of {equity}");
        }
    }
}
