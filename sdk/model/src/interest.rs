//! Which market data a strategy gets. The same filter for the host that hands it out and for
//! whoever replays what was handed out.

use crate::id::InstrumentId;
use crate::tick::{Tick, TickKind};
use crate::time::Duration;

/// Bars of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bars {
    /// How long one bar is.
    pub interval: Duration,
    /// How many closed ones are shown before `resumed`.
    pub history: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// Bits by tick kind.
    kinds: u32,
    bars: Option<Bars>,
}

/// Which ticks a strategy gets, by instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    by_instrument: Vec<Wanted>,
}

const fn bit(kind: TickKind) -> u32 {
    1 << kind.code()
}

const BARS: u32 = bit(TickKind::BarPrices) | bit(TickKind::BarVolume);

impl Interest {
    fn of(&mut self, instrument: InstrumentId) -> Option<&mut Wanted> {
        let index = instrument.index();
        if self.by_instrument.len() <= index {
            self.by_instrument.resize(index.saturating_add(1), Wanted::default());
        }
        self.by_instrument.get_mut(index)
    }

    /// The same, and kinds of one instrument. Feed status always comes along.
    #[must_use]
    pub fn with(mut self, instrument: InstrumentId, kinds: &[TickKind]) -> Self {
        if let Some(wanted) = self.of(instrument) {
            let asked = kinds.iter().fold(bit(TickKind::FeedStatus), |all, kind| all | bit(*kind));
            // bars come of one interval or not at all
            wanted.kinds |= asked & !BARS;
        }
        self
    }

    /// The same, and bars of one instrument.
    #[must_use]
    pub fn with_bars(mut self, instrument: InstrumentId, bars: Bars) -> Self {
        if let Some(wanted) = self.of(instrument) {
            wanted.kinds |= BARS | bit(TickKind::FeedStatus);
            wanted.bars = Some(bars);
        }
        self
    }

    /// Whether the strategy gets this tick. A bar's `seq` is its interval.
    #[inline]
    #[must_use]
    pub fn wants(&self, tick: &Tick) -> bool {
        let Some(wanted) = self.by_instrument.get(InstrumentId(tick.instrument).index()) else {
            return false;
        };
        let asked = tick.kind < 32 && wanted.kinds & (1 << tick.kind) != 0;
        if asked && BARS & (1 << tick.kind) != 0 {
            return wanted.bars.is_some_and(|bars| bars.interval.as_nanos() == tick.seq);
        }
        asked
    }

    /// The bars wanted of an instrument.
    #[must_use]
    pub fn bars(&self, instrument: InstrumentId) -> Option<Bars> {
        self.by_instrument.get(instrument.index()).and_then(|wanted| wanted.bars)
    }

    /// Instruments it gets anything of.
    pub fn instruments(&self) -> impl Iterator<Item = InstrumentId> + '_ {
        let some = self.by_instrument.iter().enumerate().filter(|(_, wanted)| wanted.kinds != 0);
        some.filter_map(|(index, _)| u32::try_from(index).ok().map(InstrumentId))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(kind: TickKind, seq: u64) -> Tick {
        Tick { kind: kind.code(), seq, instrument: 2, ..Tick::default() }
    }

    #[test]
    fn what_is_asked_for_and_nothing_else() {
        let minute = Duration::from_secs(60);
        let interest = Interest::default().with(InstrumentId(2), &[TickKind::Quote]);
        assert!(interest.wants(&tick(TickKind::Quote, 7)));
        assert!(interest.wants(&tick(TickKind::FeedStatus, 7)));
        assert!(!interest.wants(&tick(TickKind::Trade, 7)));
        assert!(!interest.wants(&tick(TickKind::BarPrices, minute.as_nanos())));
        assert!(!interest.wants(&Tick { instrument: 1, ..tick(TickKind::Quote, 7) }));
        let bars = Bars { interval: minute, history: 3 };
        let interest = interest.with_bars(InstrumentId(2), bars);
        assert!(interest.wants(&tick(TickKind::BarVolume, minute.as_nanos())));
        assert!(!interest.wants(&tick(TickKind::BarVolume, minute.as_nanos() * 5)));
        assert_eq!(interest.instruments().collect::<Vec<_>>(), [InstrumentId(2)]);
    }
}
