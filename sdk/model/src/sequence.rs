//! Whether an update of a book follows the one before it: the one meaning of each venue's rule, for
//! everybody who keeps a book.

use crate::instrument::SequenceRule;
use crate::tick::Tick;

/// The newest update of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastUpdate {
    /// The update's id.
    pub id: u64,
    /// A snapshot's id lies within the first update after it, not at its edge.
    pub snapshot: bool,
}

impl SequenceRule {
    /// Whether a level tick continues what came before it. Every tick of an update carries the
    /// proof. (Binance: the first update after a snapshot spans its id, `U <= id <= u`, on spot `U
    /// <= id + 1 <= u`; later ones follow exactly, futures by `pu`, spot by `U = u + 1`. What
    /// follows a snapshot exactly follows it too.)
    #[must_use]
    pub fn continues(self, last: Option<LastUpdate>, tick: &Tick) -> bool {
        let Some(LastUpdate { id: last, snapshot }) = last else {
            return true;
        };
        if tick.seq == last && !snapshot {
            return true; // a further level of the same update
        }
        let id = |value: i64| u64::try_from(value).unwrap_or(0);
        let (first, previous) = (id(tick.c), id(tick.d));
        let next = last.saturating_add(1);
        match self {
            Self::Snapshots => true,
            Self::PreviousId if snapshot && previous != last => first <= last && last <= tick.seq,
            Self::PreviousId => previous == last,
            Self::FirstIdFollows if snapshot => first <= next && last < tick.seq,
            Self::FirstIdFollows => first == next,
        }
    }
}
