//! What guards of profit remember of the marks so far, and what they may say.

/// What the guards of a form may say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trips {
    pub(crate) loss: bool,
    pub(crate) day: bool,
    pub(crate) drawdown: bool,
}

impl Trips {
    /// What is here and not there.
    pub(crate) fn beyond(self, known: Self) -> Self {
        Self {
            loss: self.loss && !known.loss,
            day: self.day && !known.day,
            drawdown: self.drawdown && !known.drawdown,
        }
    }

    pub(crate) fn any(self) -> bool {
        self.loss || self.day || self.drawdown
    }
}

/// What the guards of one form remember of the marks so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gauge {
    /// Highest profit since the measures began.
    pub(super) peak: i128,
    /// Lowest and highest mark at which nothing happens: no guard trips, no new peak. The form is
    /// linear, so between two such marks nothing happens either. Only with a single mark to watch.
    pub(super) calm: Option<(i64, i64)>,
}

impl Gauge {
    /// Whether a mark is known to change nothing.
    #[inline]
    pub(crate) fn is_calm(&self, mark: i64) -> bool {
        self.calm.is_some_and(|(low, high)| low <= mark && mark <= high)
    }

    /// A higher peak brings every drawdown nearer: what was calm below it need not be any more.
    pub(super) fn raise(&mut self, profit: i128) {
        if profit > self.peak {
            *self = Self { peak: profit, calm: None };
        }
    }

    pub(super) fn widen(&mut self, mark: i64) {
        let (low, high) = self.calm.unwrap_or((mark, mark));
        self.calm = Some((low.min(mark), high.max(mark)));
    }
}
