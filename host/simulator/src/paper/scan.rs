//! Looking ahead: the first tick that could touch one of our resting orders.
//!
//! Conservative: what it stops at may fill nothing, but nothing before it can. Where it has looked
//! is remembered until a resting order comes or goes.

use super::PaperVenue;
use super::pit::Pit;
use hedgerow_model::{HostTime, Tick, TickKind, flag};

/// Up to where the tape was found quiet: a chunk and a place in it.
#[derive(Debug, Default)]
pub(super) struct ScanMemory {
    chunk: usize,
    place: usize,
    valid: bool,
}

impl ScanMemory {
    pub(super) fn forget(&mut self) {
        self.valid = false;
    }
}

impl Pit {
    #[inline]
    fn is_quiet(&self, tick: &Tick) -> bool {
        match TickKind::from_code(tick.kind) {
            // also where there is a book: a hole further on would leave only the quotes
            Some(TickKind::Quote) => tick.c > self.low && tick.a < self.high,
            Some(TickKind::Trade) => tick.a > self.low && tick.a < self.high,
            Some(TickKind::Level) if tick.b > 0 => {
                if tick.has(flag::SELL) {
                    tick.a > self.low
                } else {
                    tick.a < self.high
                }
            }
            // a new settlement time may lie within the stretch
            Some(TickKind::Funding) => !self.is_held(),
            _ => true,
        }
    }
}

impl PaperVenue {
    /// When the first tick takes effect that could fill something, looking no further than `last`.
    pub(super) fn first_contact(&mut self, last: HostTime) -> HostTime {
        let Some((chunk, offset)) = self.cursor.here() else {
            return HostTime::NEVER;
        };
        let number = self.cursor.chunk_number();
        if !self.scan.valid || self.scan.chunk != number || self.scan.place < offset {
            self.scan = super::scan::ScanMemory { chunk: number, place: offset, valid: true };
        }
        let mut place = self.scan.place;
        let end = chunk.ticks.len();
        while place < end {
            let at = chunk.effect(place);
            if at > last.as_nanos() {
                break;
            }
            let Some(tick) = chunk.ticks.get(place) else {
                break;
            };
            let index = usize::try_from(tick.instrument).unwrap_or(usize::MAX);
            if self.pits.get(index).is_some_and(|pit| !pit.is_quiet(tick)) {
                self.scan.place = place;
                return HostTime::from_nanos(at);
            }
            place += 1;
        }
        self.scan.place = place;
        if place < end {
            return HostTime::NEVER;
        }
        // the tape goes on in another chunk: quiet is only known up to its first tick
        self.cursor
            .after_this_chunk()
            .map_or(HostTime::NEVER, |next| HostTime::from_nanos(next.effect(0)))
    }
}
