//! Grades of margin health by the share that is used (R3): Healthy below 60 %, Watch below 70,
//! Warning below 80, Danger below 90, Critical from there on. A grade is left for a better one only
//! five points below where it begins.

use super::HYSTERESIS;
use hedgerow_model::{Decimal, MarginGrade};

/// Whether a grade holds at a share, seen from whether it did.
pub(crate) fn holds(grade: MarginGrade, used_percent: Decimal, held: bool) -> bool {
    let begins = Decimal::from(grade.begins_percent());
    let edge = if held { begins - HYSTERESIS } else { begins };
    used_percent >= edge
}

#[cfg(test)]
mod tests {
    use super::*;
    use MarginGrade as G;

    /// The grade that holds: the worst of those that do.
    fn grade(used: i64, before: G) -> G {
        let used = Decimal::from(used);
        let all = G::ALL.into_iter().filter(|grade| holds(*grade, used, *grade <= before));
        all.max().unwrap_or_default()
    }

    #[test]
    fn grades_worsen_at_once_and_improve_five_points_later() {
        for (used, before, expected) in [
            (59, G::Healthy, G::Healthy),
            (60, G::Healthy, G::Watch),
            (69, G::Healthy, G::Watch),
            (70, G::Watch, G::Warning),
            (80, G::Watch, G::Danger),
            (90, G::Healthy, G::Critical),
            (85, G::Critical, G::Critical),
            (84, G::Critical, G::Danger),
            (75, G::Danger, G::Danger),
            (74, G::Danger, G::Warning),
            (54, G::Critical, G::Healthy),
            (55, G::Watch, G::Watch),
        ] {
            assert_eq!(grade(used, before), expected, "{used} after {before:?}");
        }
    }
}
