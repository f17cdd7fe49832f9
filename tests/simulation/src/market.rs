//! Hard markets from a seed: quotes and books with holes in their sequence, trades through the
//! touch, silences longer than the limit of staleness, times that coincide, lost feeds, funding.

use hedgerow_model::{FeedStatus, Tick, TickKind, flag};
use hedgerow_simulator::{Chunk, Tape};
use std::sync::Arc;

/// What a market is like.
#[derive(Clone, Copy, Debug)]
pub struct Taste {
    /// Its random numbers.
    pub seed: u64,
    /// How many instruments.
    pub instruments: u32,
    /// Whether books come, and not only quotes.
    pub levels: bool,
    /// Whether quotes come beside books.
    pub quotes: bool,
    /// Whether the venue sends marks of its own, from the middle of the market on.
    pub marks: bool,
    /// Times are rounded down to this, ns, so that many coincide.
    pub coarse: u64,
    /// How much later than at the venue a tick is received, ns.
    pub delay: u64,
    /// Updates.
    pub updates: usize,
    /// Ticks per chunk of the tape.
    pub chunk: usize,
}

impl Default for Taste {
    fn default() -> Self {
        Self {
            seed: 1,
            instruments: 1,
            levels: false,
            quotes: true,
            marks: false,
            coarse: 0,
            delay: 0,
            updates: 3_000,
            chunk: 500,
        }
    }
}

struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn int(&mut self, n: u64) -> i64 {
        i64::try_from(self.below(n)).unwrap_or(0)
    }
}

struct Line {
    middle: i64,
    seq: u64,
    /// The last update of the book: a chain of its own, which quotes and trades do not break.
    book: u64,
}

/// When a market begins, ns.
pub const START: u64 = 1_700_000_000_000_000_000;

/// The ticks of a market, as (tick, time of effect).
#[must_use]
pub fn ticks(taste: Taste) -> Vec<(Tick, u64)> {
    let mut dice = Dice(taste.seed);
    let mut lines: Vec<Line> =
        (0..taste.instruments).map(|_| Line { middle: 10_000, seq: 1, book: 1 }).collect();
    let mut now = START;
    let mut out = Vec::new();
    for _ in 0..taste.updates {
        // mostly milliseconds, at times a silence
        now += if dice.below(200) == 0 { 700_000_000 } else { 1 + dice.below(20_000_000) };
        let instrument = u32::try_from(dice.below(u64::from(taste.instruments))).unwrap_or(0);
        let index = usize::try_from(instrument).unwrap_or(0);
        let at = if taste.coarse > 0 { now - now % taste.coarse } else { now };
        let line = &mut lines[index];
        line.middle += dice.int(9) - 4;
        line.seq += 1;
        let base = Tick {
            ts: at,
            recv_ts: at + taste.delay,
            seq: line.seq,
            instrument,
            flags: flag::LAST,
            ..Tick::default()
        };
        let first = taste.levels && line.seq == 2;
        match dice.below(100) {
            _ if first => snapshot(base, &mut lines[index], &mut dice, at, &mut out),
            0 => out.push((funding(base, at, &mut dice), at)),
            1 if dice.below(4) == 0 => out.push((status(base, FeedStatus::Gap), at)),
            2..=3 if taste.levels => snapshot(base, &mut lines[index], &mut dice, at, &mut out),
            4..=45 if taste.levels => levels(base, &mut lines[index], &mut dice, at, &mut out),
            46..=49 if taste.marks && out.len() > taste.updates => {
                let mark = Tick { kind: TickKind::Mark.code(), a: lines[index].middle, ..base };
                let b = if taste.seed.is_multiple_of(2) { mark.a + dice.int(5) - 2 } else { 0 };
                out.push((Tick { b, ..mark }, at));
            }
            46..=70 if taste.quotes => out.push((trade(base, &lines[index], &mut dice), at)),
            _ if taste.levels && !taste.quotes => {
                levels(base, &mut lines[index], &mut dice, at, &mut out);
            }
            _ => out.push((quote(base, &lines[index], &mut dice), at)),
        }
    }
    out
}

fn quote(base: Tick, line: &Line, dice: &mut Dice) -> Tick {
    let spread = 1 + dice.int(4);
    let bid = line.middle - spread / 2;
    let (b, d) = (dice.int(60), 1 + dice.int(60));
    Tick { kind: TickKind::Quote.code(), a: bid, b, c: bid + spread, d, ..base }
}

fn trade(base: Tick, line: &Line, dice: &mut Dice) -> Tick {
    let sell = dice.below(2) == 0;
    let through = if dice.below(6) == 0 { dice.int(6) } else { 1 };
    let a = if sell { line.middle - through } else { line.middle + through };
    let flags = base.flags | if sell { flag::SELL } else { 0 };
    let c = i64::try_from(base.seq).unwrap_or(0);
    Tick { kind: TickKind::Trade.code(), flags, a, b: 1 + dice.int(50), c, ..base }
}

fn funding(base: Tick, at: u64, dice: &mut Dice) -> Tick {
    let interval = 20_000_000_000_u64;
    let next = at + 1 + dice.below(interval);
    let (b, c) = (i64::try_from(interval).unwrap_or(0), i64::try_from(next).unwrap_or(0));
    let a = (dice.int(2_000) - 1_000) * 1_000_000_000;
    Tick { kind: TickKind::Funding.code(), a, b, c, ..base }
}

fn status(base: Tick, status: FeedStatus) -> Tick {
    Tick { kind: TickKind::FeedStatus.code(), a: status.code(), ..base }
}

fn snapshot(base: Tick, line: &mut Line, dice: &mut Dice, at: u64, out: &mut Vec<(Tick, u64)>) {
    line.book += 1;
    let base = Tick { seq: line.book, ..base };
    let begin = out.len();
    for away in 1..6 {
        for (price, side) in [(line.middle - away, 0), (line.middle + away, flag::SELL)] {
            let tick = Tick {
                kind: TickKind::Level.code(),
                flags: side,
                a: price,
                b: 1 + dice.int(30),
                ..base
            };
            out.push((tick, at));
        }
    }
    out[begin].0.flags |= flag::SNAPSHOT;
    let last = out.len() - 1;
    out[last].0.flags |= flag::LAST;
}

fn levels(base: Tick, line: &mut Line, dice: &mut Dice, at: u64, out: &mut Vec<(Tick, u64)>) {
    let before = line.book;
    line.book += 1;
    let base = Tick { seq: line.book, ..base };
    // a hole now and then
    let previous = if dice.below(60) == 0 { before.saturating_sub(1) } else { before };
    let count = 1 + dice.below(4);
    for n in 0..count {
        let sell = dice.below(2) == 0;
        let away = dice.int(5);
        let price = if sell { line.middle + away } else { line.middle - away };
        let last = if n + 1 == count { flag::LAST } else { 0 };
        let tick = Tick {
            kind: TickKind::Level.code(),
            flags: last | if sell { flag::SELL } else { 0 },
            a: price,
            b: dice.int(3) * dice.int(20),
            c: i64::try_from(before).unwrap_or(0),
            d: i64::try_from(previous).unwrap_or(0),
            ..base
        };
        out.push((tick, at));
    }
}

/// The market as a tape.
#[must_use]
pub fn tape(taste: Taste) -> Tape {
    let all = ticks(taste);
    if taste.delay > 0 && taste.seed.is_multiple_of(2) {
        return uneven(all, taste.delay);
    }
    let chunks: Vec<Chunk> = all
        .chunks(taste.chunk.max(1))
        .map(|part| Chunk {
            ticks: Arc::new(part.iter().map(|(tick, _)| *tick).collect()),
            at_venue: None,
            at: Some(Arc::new(part.iter().map(|(_, at)| *at).collect())),
        })
        .collect();
    Tape::new(Box::new(chunks.into_iter()))
}

/// Each instrument's data is under way for as long as it is: the venue sees another order than the
/// host.
fn uneven(mut all: Vec<(Tick, u64)>, delay: u64) -> Tape {
    let ticks = all.iter().map(|(tick, _)| *tick).collect();
    for (tick, at) in &mut all {
        let sooner = delay / 3 * u64::from(2 - tick.instrument % 3);
        *at = tick.recv_ts.saturating_sub(sooner);
    }
    all.sort_by_key(|(_, at)| *at);
    let at = Some(Arc::new(all.iter().map(|(_, at)| *at).collect()));
    let at_venue = Some(Arc::new(all.into_iter().map(|(tick, _)| tick).collect()));
    Tape::new(Box::new(vec![Chunk { ticks: Arc::new(ticks), at_venue, at }].into_iter()))
}
