//! The 64-byte market event that crosses the sandbox wall in one copy.
//!
//! The layout is the contract's `record tick`: scalars only, no padding. Unknown kinds are ignored.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// One market event. What `a` to `d` mean depends on `kind`, see [`TickKind`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tick {
    /// Venue time, ns; equal to `recv_ts` when [`flag::NO_VENUE_TIME`] is set.
    pub ts: u64,
    /// When the host received it, ns. Never decreases in one feed.
    pub recv_ts: u64,
    /// The venue's sequence number of the update, or a counter.
    pub seq: u64,
    /// Which instrument.
    pub instrument: u32,
    /// One of [`TickKind`].
    pub kind: u16,
    /// Bits of [`flag`].
    pub flags: u16,
    /// By kind.
    pub a: i64,
    /// By kind.
    pub b: i64,
    /// By kind.
    pub c: i64,
    /// By kind.
    pub d: i64,
}

const _: () = assert!(size_of::<Tick>() == 64 && align_of::<Tick>() == 8);

/// Bits of [`Tick::flags`].
pub mod flag {
    /// Trade: the seller aggressed. Level: the ask side.
    pub const SELL: u16 = 1;
    /// Level: the first of a full snapshot; the book is emptied before it.
    pub const SNAPSHOT: u16 = 1 << 1;
    /// The last tick of its update: only after one of these may a strategy act.
    pub const LAST: u16 = 1 << 2;
    /// Warm-up history, before `resumed`: intents are void.
    pub const HISTORY: u16 = 1 << 3;
    /// The venue gave no time of its own.
    pub const NO_VENUE_TIME: u16 = 1 << 4;
}

/// What a tick tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum TickKind {
    /// a bid price, b bid quantity, c ask price, d ask quantity; a side that is empty has quantity
    /// 0.
    Quote = 1,
    /// a price, b quantity, c trade id.
    Trade = 2,
    /// a price, b quantity (0 removes), c first update id, d previous last update id. A snapshot of
    /// an empty book is one of price and quantity 0.
    Level = 3,
    /// Bar, first part: a open, b high, c low, d close.
    BarPrices = 4,
    /// Bar, second part: a volume, b trades, c interval ns, d open time ns.
    BarVolume = 5,
    /// a mark price, b index price, both in units of the price scale; 0 is absent.
    Mark = 6,
    /// a rate 1e-15 per interval, b interval ns, c next settlement ns, d 0 predicted, 1 final.
    Funding = 7,
    /// a one of [`FeedStatus`].
    FeedStatus = 8,
}

impl TickKind {
    /// The kind of a number, if we know it.
    #[must_use]
    pub const fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            1 => Self::Quote,
            2 => Self::Trade,
            3 => Self::Level,
            4 => Self::BarPrices,
            5 => Self::BarVolume,
            6 => Self::Mark,
            7 => Self::Funding,
            8 => Self::FeedStatus,
            _ => return None,
        })
    }

    /// The number the contract carries.
    #[must_use]
    #[allow(clippy::as_conversions)] // a fieldless repr(u16) enum
    pub const fn code(self) -> u16 {
        self as u16
    }
}

/// What a feed says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub enum FeedStatus {
    /// Data flows.
    Up = 1,
    /// The connection is lost; data is stale from now on.
    Down = 2,
    /// Something is missing: the book is stale until a snapshot.
    Gap = 3,
}

impl FeedStatus {
    /// The status of a number; what we do not know is a gap.
    #[must_use]
    pub const fn from_code(code: i64) -> Self {
        match code {
            1 => Self::Up,
            2 => Self::Down,
            _ => Self::Gap,
        }
    }

    /// The number the contract carries.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Up => 1,
            Self::Down => 2,
            Self::Gap => 3,
        }
    }
}

impl Tick {
    /// Whether a strategy may act after this tick.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.flags & flag::LAST != 0
    }

    /// The 64 bytes of the contract's layout, little endian.
    ///
    /// ```
    /// use hedgerow_model::Tick;
    /// let tick = Tick { recv_ts: 7, a: -1, flags: 0x8001, ..Tick::default() };
    /// assert_eq!(Tick::from_le_bytes(&tick.to_le_bytes()), tick);
    /// ```
    #[must_use]
    pub fn to_le_bytes(&self) -> [u8; 64] {
        let words = [self.ts, self.recv_ts, self.seq].map(u64::to_le_bytes);
        let small = u64::from(self.instrument)
            | (u64::from(self.kind) << 32)
            | (u64::from(self.flags) << 48);
        let values = [self.a, self.b, self.c, self.d].map(i64::to_le_bytes);
        let all = words.into_iter().chain([small.to_le_bytes()]).chain(values);
        let mut bytes = [0; 64];
        for (place, byte) in bytes.iter_mut().zip(all.flatten()) {
            *place = byte;
        }
        bytes
    }

    /// The tick of these bytes.
    #[must_use]
    pub fn from_le_bytes(bytes: &[u8; 64]) -> Self {
        let mut words = [[0_u8; 8]; 8];
        for (word, part) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            word.copy_from_slice(part);
        }
        let [ts, recv_ts, seq, small, a, b, c, d] = words;
        let [i0, i1, i2, i3, k0, k1, f0, f1] = small;
        Self {
            ts: u64::from_le_bytes(ts),
            recv_ts: u64::from_le_bytes(recv_ts),
            seq: u64::from_le_bytes(seq),
            instrument: u32::from_le_bytes([i0, i1, i2, i3]),
            kind: u16::from_le_bytes([k0, k1]),
            flags: u16::from_le_bytes([f0, f1]),
            a: i64::from_le_bytes(a),
            b: i64::from_le_bytes(b),
            c: i64::from_le_bytes(c),
            d: i64::from_le_bytes(d),
        }
    }

    /// The same told again at a later host time, ns.
    #[must_use]
    pub const fn told_at(self, now: u64) -> Self {
        let ts = if self.has(flag::NO_VENUE_TIME) { now } else { self.ts };
        Self { ts, recv_ts: now, ..self }
    }

    /// Whether `bit` of [`flag`] is set.
    #[must_use]
    pub const fn has(&self, bit: u16) -> bool {
        self.flags & bit != 0
    }
}

/// An owned range of ticks: cheap to cut and to hand to the sandbox without a lifetime.
#[derive(Clone, Debug)]
pub struct TickSlice {
    ticks: Arc<Vec<Tick>>,
    range: Range<usize>,
}

impl TickSlice {
    /// All of `ticks`.
    #[must_use]
    pub fn new(ticks: Arc<Vec<Tick>>) -> Self {
        let range = 0..ticks.len();
        Self { ticks, range }
    }

    /// A part of `ticks`; a range beyond the end is cut.
    #[must_use]
    pub fn of(ticks: Arc<Vec<Tick>>, range: Range<usize>) -> Self {
        let end = range.end.min(ticks.len());
        let range = range.start.min(end)..end;
        Self { ticks, range }
    }

    /// The first `n` ticks of this slice, or all of it.
    #[must_use]
    pub fn prefix(&self, n: usize) -> Self {
        let end = self.range.end.min(self.range.start.saturating_add(n));
        Self { ticks: Arc::clone(&self.ticks), range: self.range.start..end }
    }

    /// What is left after the first `n` ticks.
    #[must_use]
    pub fn suffix(&self, n: usize) -> Self {
        let start = self.range.end.min(self.range.start.saturating_add(n));
        Self { ticks: Arc::clone(&self.ticks), range: start..self.range.end }
    }

    /// Gives the storage back, for reuse when nobody else holds it.
    #[must_use]
    pub fn into_inner(self) -> Arc<Vec<Tick>> {
        self.ticks
    }
}

impl Deref for TickSlice {
    type Target = [Tick];
    fn deref(&self) -> &[Tick] {
        self.ticks.get(self.range.clone()).unwrap_or_default()
    }
}
