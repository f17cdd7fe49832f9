//! One side of a generated book: few levels, the lower price first.

/// How many levels a side has.
pub const LEVELS: usize = 5;

/// Prices and sizes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Levels(Vec<(i64, i64)>);

impl Levels {
    fn size(&self, price: i64) -> Option<i64> {
        self.0.iter().find(|(known, _)| *known == price).map(|(_, size)| *size)
    }

    /// The side as it is next, from its best price on. What was there keeps its size, but for the
    /// level that changes.
    pub(crate) fn next(
        &self,
        (best, step): (i64, i64),
        changed: i64,
        mut fresh: impl FnMut() -> i64,
    ) -> Self {
        let mut next = Vec::with_capacity(LEVELS);
        for n in (0..).take(LEVELS) {
            let (price, fresh) = (best + n * step, fresh());
            let kept = self.size(price).filter(|_| n != changed);
            next.push((price, kept.unwrap_or(fresh)));
        }
        if step < 0 {
            next.reverse();
        }
        Self(next)
    }

    /// All of it.
    pub(crate) fn all(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.0.iter().copied()
    }

    /// What is other than before: levels that are gone, with nothing, then those that changed.
    pub(crate) fn since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = (i64, i64)> + 'a {
        let gone = before.all().filter(|(price, _)| self.size(*price).is_none());
        let changed = self.all().filter(|(price, size)| before.size(*price) != Some(*size));
        gone.map(|(price, _)| (price, 0)).chain(changed)
    }
}
