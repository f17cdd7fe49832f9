//! Orders that rest, to look at: for whoever compares the venue's truth with what it believes.

use super::PaperVenue;
use hedgerow_model::{AccountId, InstrumentId, Side, WireId};

/// An order that rests, as the venue has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rests {
    /// Whose.
    pub account: AccountId,
    /// In what.
    pub instrument: InstrumentId,
    /// Which.
    pub wire: WireId,
    /// Which way.
    pub side: Side,
    /// What is left of it, units.
    pub remaining: i64,
    /// What is filled of it, units.
    pub filled: i64,
}

impl PaperVenue {
    /// Orders that rest, with what is left of them.
    pub fn resting(&self) -> impl Iterator<Item = Rests> + '_ {
        self.pits.iter().flat_map(|pit| {
            pit.resting.iter().map(|resting| Rests {
                account: resting.account,
                instrument: pit.spec.id,
                wire: resting.wire,
                side: resting.side,
                remaining: resting.remaining,
                filled: resting.filled,
            })
        })
    }
}
