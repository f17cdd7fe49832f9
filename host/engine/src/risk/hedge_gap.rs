//! Hedge gap (R7): by how much the legs of a hedge differ in worth at their marks, percent of the
//! larger; where one is inverse, in the base units they were entered for. A linear form of both
//! marks in whole numbers, so that a scan of ticks and the engine say the same.

use hedgerow_model::{Decimal, InstrumentId};

/// One leg: its worth is a constant and a coefficient times the doubled mark, signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) instrument: InstrumentId,
    pub(crate) constant: i128,
    pub(crate) coefficient: i128,
}

impl Leg {
    fn worth(&self, mark: Option<i64>) -> Option<Option<i128>> {
        if self.coefficient == 0 {
            return Some(Some(self.constant));
        }
        let moved = self.coefficient.checked_mul(i128::from(mark?));
        Some(moved.and_then(|moved| moved.checked_add(self.constant)))
    }
}

/// Both legs and how far apart they may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) legs: [Leg; 2],
    /// The limit as a whole number of so many parts of a percent.
    limit: i128,
    parts: i128,
}

impl Gap {
    pub(crate) fn new(legs: [Leg; 2], percent: Decimal) -> Option<Self> {
        let parts = 10_i128.checked_pow(percent.scale())?;
        Some(Self { legs, limit: percent.mantissa(), parts })
    }

    /// Whether the legs are too far apart at these marks, seen from how the guard stands: it rests
    /// at four fifths of its limit. Nothing when a mark is missing; what does not fit is too far.
    pub(crate) fn is_wide(
        &self,
        mark: impl Fn(InstrumentId) -> Option<i64>,
        tripped: bool,
    ) -> Option<bool> {
        let [a, b] = &self.legs;
        let (a, b) = (a.worth(mark(a.instrument))?, b.worth(mark(b.instrument))?);
        let (limit, of) = if tripped { (4, 5) } else { (1, 1) };
        let wide = || {
            let (a, b) = (a?, b?);
            let differ = a.checked_add(b)?.checked_abs()?;
            let larger = a.checked_abs()?.max(b.checked_abs()?);
            let left = differ.checked_mul(100)?.checked_mul(self.parts)?.checked_mul(of)?;
            let right = larger.checked_mul(self.limit)?.checked_mul(limit)?;
            Some(left > right)
        };
        Some(wide().unwrap_or(true))
    }

    /// The gap in percent, for people.
    pub(crate) fn percent(&self, mark: impl Fn(InstrumentId) -> Option<i64>) -> Option<Decimal> {
        let [a, b] = &self.legs;
        let (a, b) = (a.worth(mark(a.instrument))??, b.worth(mark(b.instrument))??);
        let larger = a.checked_abs()?.max(b.checked_abs()?);
        let share = a.checked_add(b)?.checked_abs()?.checked_mul(10_000)?.checked_div(larger)?;
        Decimal::try_from_i128_with_scale(share, 2).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legs_further_apart_than_the_limit_trip() {
        let leg = |instrument, constant, coefficient| Leg {
            instrument: InstrumentId(instrument),
            constant,
            coefficient,
        };
        let mark = |id: InstrumentId| [Some(200), Some(202), None].get(id.index()).copied()?;
        let far = i128::MAX;
        for (a, b, percent, tripped, expected) in [
            // 1000 at 200 against 1000 at 202: 0.99 %
            (leg(0, 0, 1_000), leg(1, 0, -1_000), "5", false, Some(false)),
            (leg(0, 0, 1_000), leg(1, 0, -1_000), "0.99", false, Some(true)),
            (leg(0, 0, 1_000), leg(1, 0, -1_000), "1", false, Some(false)),
            (leg(0, 0, 1_000), leg(1, 0, -1_000), "1.2", true, Some(true)),
            // inverse contracts are worth the same at every mark
            (leg(0, -190_000, 0), leg(1, 0, 1_000), "5", false, Some(true)),
            (leg(0, -200_000, 0), leg(1, 0, 1_000), "5", false, Some(false)),
            // one leg alone, and both on one side
            (leg(0, 0, 1_000), leg(1, 0, 0), "99", false, Some(true)),
            (leg(0, 0, 1_000), leg(1, 0, 1_000), "150", false, Some(true)),
            (leg(0, 0, 1_000), leg(2, 0, -1_000), "5", false, None),
            (leg(0, far, 1), leg(1, 0, 0), "5", false, Some(true)),
        ] {
            let gap = Gap::new([a, b], percent.parse().unwrap()).unwrap();
            assert_eq!(gap.is_wide(mark, tripped), expected, "{a:?} {b:?} {percent}");
        }
        let gap = Gap::new([leg(0, 0, 1_000), leg(1, 0, -1_000)], Decimal::from(5)).unwrap();
        assert_eq!(gap.percent(mark), Some(Decimal::new(99, 2)));
    }
}
