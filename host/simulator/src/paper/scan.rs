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
    /// Whether a tick can fill nothing of ours and moves no settlement.
    #[inline]
    fn is_quiet(&self, tick: &Tick) -> bool {
        if !self.keeps_margin(tick) {
            return false;
        }
        if tick.kind == TickKind::Quote.code() {
            // also where there is a book: a hole further on would leave only the quotes
            return tick.c > self.low && tick.a < self.high;
        }
        match TickKind::from_code(tick.kind) {
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
        let (from, last) = (self.scan.place, last.as_nanos());
        let ahead = chunk.at_venue().get(from..).unwrap_or_default();
        let stop = ahead.iter().zip(from..).find_map(|(tick, place)| {
            let at = chunk.effect(place, tick);
            let pit = usize::try_from(tick.instrument).ok().and_then(|index| self.pits.get(index));
            let touches = at <= last && pit.is_some_and(|pit| !pit.is_quiet(tick));
            (touches || at > last).then_some((place, at, touches))
        });
        self.scan.place = stop.map_or(chunk.ticks.len(), |(place, ..)| place);
        let contact = match stop {
            Some((_, at, touches)) => touches.then_some(at),
            // the tape goes on in another chunk: quiet is only known up to its first tick
            None => self.cursor.after_this_chunk(),
        };
        contact.map_or(HostTime::NEVER, HostTime::from_nanos)
    }
}
