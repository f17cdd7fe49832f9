//! The market of a script: what truly is at the venues, and what the host hears of it.
//!
//! Both come from one walk. The host's view is later, has the venue's clock in it, and lacks what
//! troubles take away; from what it lacks follows when nothing may be opened.

use crate::dice::Dice;
use crate::fault::Fault;
use crate::levels::{LEVELS, Levels};
use crate::script::{S, START, Script, skewed, spike};
use hedgerow_model::{FeedStatus, InstrumentId, PriceGrid, Tick, TickKind, flag};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// How often a book is told whole.
const SNAPSHOT_EVERY: u64 = 8;
/// Funding settles as often as this.
const FUNDING: u64 = 60 * S;

/// A market.
#[derive(Debug, Default)]
pub struct Market {
    /// What is, at the time it is.
    pub truth: Arc<Vec<Tick>>,
    /// What the host hears, by receive time.
    pub heard: Arc<Vec<Tick>>,
    /// By instrument: when the host heard anything.
    pub times: Vec<Vec<u64>>,
    /// By instrument: marks that the host heard, doubled, and when.
    pub marks: Vec<Vec<(u64, i64)>>,
    /// By instrument: while the host's book had a hole, from when the hole showed to the snapshot.
    pub blind: Vec<Vec<(u64, u64)>>,
    /// How often a trouble took effect.
    pub happened: BTreeMap<Fault, u64>,
}

/// One instrument on its way.
struct Line {
    id: u32,
    venue: u32,
    grid: i64,
    lot: i64,
    perpetual: bool,
    offset: i64,
    seq: u64,
    book: u64,
    updates: u64,
    /// Bids and offers.
    sides: [Levels; 2],
    touch: (i64, i64),
    /// The host lacks something; since when that shows.
    lacks: bool,
    shows: Option<u64>,
}

struct Walk<'s> {
    script: &'s Script,
    dice: Dice,
    lines: Vec<Line>,
    fair: Vec<i64>,
    truth: Vec<Tick>,
    /// As it leaves the venues, and of each message when it is heard and which ticks it has.
    heard: Vec<Tick>,
    messages: Vec<(u64, Range<usize>)>,
    /// By venue: nothing of a stream overtakes what went before.
    last: Vec<u64>,
    /// By venue: whether the host was told that data is gone.
    down: BTreeSet<u32>,
    out: Market,
}

/// The market of a script.
#[must_use]
pub fn market(script: &Script) -> Market {
    let mut walk = Walk::new(script);
    let mut now = START;
    let mut announce = START;
    while now < script.end() {
        now += 1 + walk.dice.below(2 * S / script.rate);
        if now >= announce {
            walk.announce(now);
            announce = now + 9 * S;
        }
        walk.outages(now);
        let place = usize::try_from(walk.dice.below(walk.lines.len() as u64)).unwrap_or(0);
        if script.is_over(place, now) {
            continue;
        }
        let pair = place / usize::try_from(script.venues).unwrap_or(1);
        walk.fair[pair] = (walk.fair[pair] + walk.dice.int(13) - 6).clamp(8_000, 12_500);
        let ticks = walk.update(now, place);
        walk.tell(now, place, ticks);
    }
    walk.finish()
}

impl<'s> Walk<'s> {
    fn new(script: &'s Script) -> Self {
        let mut dice = Dice::of(script.seed, 2);
        let lines = script.instruments.iter().map(|spec| Line {
            id: spec.id.0,
            venue: script.venue_of(spec.id),
            grid: spec
                .grid
                .step_at(hedgerow_model::Price::from_units(10_000), spec.price_scale)
                .unwrap_or(1),
            lot: spec.lot.units(),
            perpetual: spec.kind.is_perpetual(),
            offset: dice.int(31) - 15,
            seq: 0,
            book: 0,
            updates: 0,
            sides: Default::default(),
            touch: (0, 0),
            lacks: false,
            shows: None,
        });
        let lines: Vec<Line> = lines.collect();
        let count = lines.len();
        // about what a book tells with each message
        let room = usize::try_from(script.seconds * script.rate).unwrap_or(0) * LEVELS;
        Self {
            script,
            dice,
            lines,
            fair: vec![10_000; usize::try_from(script.strategies).unwrap_or(1)],
            truth: Vec::with_capacity(room),
            heard: Vec::with_capacity(room),
            messages: Vec::new(),
            last: vec![0; usize::try_from(script.venues).unwrap_or(1)],
            down: BTreeSet::new(),
            out: Market {
                times: vec![Vec::new(); count],
                marks: vec![Vec::new(); count],
                blind: vec![Vec::new(); count],
                ..Market::default()
            },
        }
    }

    fn count(&mut self, fault: Fault) {
        *self.out.happened.entry(fault).or_default() += 1;
    }

    fn base(&self, now: u64, place: usize, kind: TickKind) -> Tick {
        let line = &self.lines[place];
        Tick {
            ts: skewed(self.script, line.venue, now),
            recv_ts: now,
            seq: line.seq,
            instrument: line.id,
            kind: kind.code(),
            flags: flag::LAST,
            ..Tick::default()
        }
    }

    fn size(&mut self, place: usize) -> i64 {
        (1 + self.dice.int(60)) * self.lines[place].lot
    }

    /// One message of an instrument, as it truly is.
    fn update(&mut self, now: u64, place: usize) -> Vec<Tick> {
        let pair = place / usize::try_from(self.script.venues).unwrap_or(1);
        let terms = self.script.terms(InstrumentId(self.lines[place].id), now);
        let line = &mut self.lines[place];
        line.seq += 1;
        line.updates += 1;
        line.lot = terms.lot.units();
        if let PriceGrid::Tick(step) = terms.grid {
            line.grid = step.units();
        }
        let middle = self.fair[pair] + line.offset;
        let (venue, grid, known) = (line.venue, line.grid, line.touch.0 > 0);
        if known && self.dice.percent(25) {
            return vec![self.trade(now, place)];
        }
        let bid = middle.div_euclid(grid) * grid;
        let wide = 1 + self.dice.int(3);
        let crossed = self.script.at(Fault::CrossedBook, now, Some(venue)).next().is_some()
            && self.dice.percent(40);
        let ask = if crossed { bid - grid * self.dice.int(2) } else { bid + wide * grid };
        if crossed {
            self.count(Fault::CrossedBook);
        }
        self.lines[place].touch = (bid, ask);
        if self.script.books[place] {
            return self.book(now, place, (bid, ask));
        }
        let (b, d) = (self.size(place), self.size(place));
        vec![Tick { a: bid, b, c: ask, d, ..self.base(now, place, TickKind::Quote) }]
    }

    fn trade(&mut self, now: u64, place: usize) -> Tick {
        let (bid, ask) = self.lines[place].touch;
        let sell = self.dice.percent(50);
        let through = if self.dice.percent(20) { self.dice.int(3) } else { 0 };
        let through = through * self.lines[place].grid;
        let b = self.size(place);
        let mut tick = self.base(now, place, TickKind::Trade);
        tick.a = if sell { bid - through } else { ask + through };
        tick.b = b;
        tick.c = i64::try_from(tick.seq).unwrap_or(0);
        tick.flags |= if sell { flag::SELL } else { 0 };
        tick
    }

    /// The book as it is now: told whole, or what changed of it.
    fn book(&mut self, now: u64, place: usize, (bid, ask): (i64, i64)) -> Vec<Tick> {
        let whole = self.lines[place].updates % SNAPSHOT_EVERY == 1;
        let mut ticks = Vec::with_capacity(4 * LEVELS);
        let grid = self.lines[place].grid;
        let base = self.base(now, place, TickKind::Level);
        for (side, best, step) in [(0, bid, -grid), (1, ask, grid)] {
            let changed = self.dice.int(5);
            let old = std::mem::take(&mut self.lines[place].sides[side]);
            let new = old.next((best, step), changed, || self.size(place));
            let flags = if side == 1 { flag::SELL } else { 0 };
            let mut tell = |(a, b)| ticks.push(Tick { a, b, flags, ..base });
            match whole {
                true => new.all().for_each(&mut tell),
                false => new.since(&old).for_each(&mut tell),
            }
            self.lines[place].sides[side] = new;
        }
        self.number(place, whole, &mut ticks);
        ticks
    }

    fn number(&mut self, place: usize, whole: bool, ticks: &mut [Tick]) {
        let line = &mut self.lines[place];
        let before = line.book;
        line.book += 1;
        for tick in ticks.iter_mut() {
            tick.seq = line.book;
            if !whole {
                (tick.c, tick.d) =
                    (i64::try_from(line.book).unwrap_or(0), i64::try_from(before).unwrap_or(0));
            }
        }
        if let Some(first) = ticks.first_mut().filter(|_| whole) {
            first.flags |= flag::SNAPSHOT;
        }
        if let Some(last) = ticks.last_mut() {
            last.flags |= flag::LAST;
        }
    }

    /// The venue has it; the host hears of it, later, if nothing is in the way.
    fn tell(&mut self, now: u64, place: usize, ticks: Vec<Tick>) {
        self.truth.extend(&ticks);
        let (venue, is_book) = (self.lines[place].venue, self.script.books[place]);
        let owner = self.script.owner(InstrumentId(self.lines[place].id)).0;
        let frozen = self.script.at(Fault::FrozenBook, now, Some(venue));
        let frozen = frozen.into_iter().any(|episode| episode.strategy == owner);
        let out = self.script.at(Fault::Outage, now, Some(venue)).next().is_some();
        let is_level = ticks.first().is_some_and(|t| t.kind == TickKind::Level.code());
        let gap = is_level
            && self.script.at(Fault::SequenceGap, now, Some(venue)).next().is_some()
            && self.dice.percent(40);
        if frozen {
            self.count(Fault::FrozenBook);
        }
        if gap && !frozen && !out {
            self.count(Fault::SequenceGap);
        }
        if frozen || out || gap {
            self.lines[place].lacks |= is_book && is_level;
            return;
        }
        self.hear(now, place, ticks);
    }

    fn hear(&mut self, now: u64, place: usize, ticks: Vec<Tick>) {
        let venue = usize::try_from(self.lines[place].venue).unwrap_or(0);
        let way = self.script.latency[venue].2 + spike(self.script, self.lines[place].venue, now);
        let at = (now + way).max(self.last[venue]);
        self.last[venue] = at;
        let is_level = ticks.first().is_some_and(|t| t.kind == TickKind::Level.code());
        if is_level {
            let whole = ticks.first().is_some_and(|t| t.has(flag::SNAPSHOT));
            let line = &mut self.lines[place];
            if whole {
                if let Some(since) = line.shows.take() {
                    self.out.blind[place].push((since, at));
                }
                line.lacks = false;
            } else if line.lacks {
                line.shows = line.shows.or(Some(at));
            }
        }
        let is_quote = ticks.first().is_some_and(|t| t.kind == TickKind::Quote.code());
        if is_level || is_quote {
            let (bid, ask) = self.lines[place].touch;
            self.out.marks[place].push((at, bid + ask));
        }
        self.out.times[place].push(at);
        let from = self.heard.len();
        self.heard.extend(ticks.into_iter().map(|tick| Tick { recv_ts: at, ..tick }));
        self.messages.push((at, from..self.heard.len()));
    }

    /// The session notices that a venue's data is gone, and that it is back.
    fn outages(&mut self, now: u64) {
        for venue in 0..self.script.venues {
            let noticed = self.script.at(Fault::Outage, now, Some(venue));
            let gone = noticed.into_iter().any(|e| START + e.from + S <= now);
            let known = self.down.contains(&venue);
            if gone == known {
                continue;
            }
            let status = if gone { FeedStatus::Down } else { FeedStatus::Up };
            if gone {
                self.down.insert(venue)
            } else {
                self.down.remove(&venue)
            };
            for place in 0..self.lines.len() {
                if self.lines[place].venue != venue {
                    continue;
                }
                let tick = Tick { a: status.code(), ..self.base(now, place, TickKind::FeedStatus) };
                self.hear(now, place, vec![tick]);
                if !gone && self.script.books[place] && !self.script.is_over(place, now) {
                    self.told_whole(now, place);
                }
            }
        }
    }

    /// The book as it stands, for the host alone.
    fn told_whole(&mut self, now: u64, place: usize) {
        let base = self.base(now, place, TickKind::Level);
        let line = &self.lines[place];
        let mut ticks = Vec::new();
        for (side, flags) in [(0, 0), (1, flag::SELL)] {
            let levels = line.sides[side].all();
            ticks.extend(levels.map(|(a, b)| Tick { a, b, flags, seq: line.book, ..base }));
        }
        if let Some(first) = ticks.first_mut() {
            first.flags |= flag::SNAPSHOT;
        }
        if let Some(last) = ticks.last_mut() {
            last.flags |= flag::LAST;
            self.hear(now, place, ticks);
        }
    }

    /// The next settlements of funding.
    fn announce(&mut self, now: u64) {
        for place in 0..self.lines.len() {
            if !self.lines[place].perpetual {
                continue;
            }
            let venue = self.lines[place].venue;
            let flips = self.script.at(Fault::FundingFlip, now, Some(venue)).next().is_some();
            let size = if flips { 40_000 } else { 2_000 };
            let rate = (self.dice.int(2 * size) - i64::try_from(size).unwrap_or(0)) * 1_000_000_000;
            if flips {
                self.count(Fault::FundingFlip);
            }
            self.lines[place].seq += 1;
            // none falls on the very end
            let next = (now - START + FUNDING / 3) / FUNDING * FUNDING + FUNDING * 2 / 3 + START;
            let next = skewed(self.script, venue, next);
            let (b, c) = (i64::try_from(FUNDING), i64::try_from(next));
            let (b, c) = (b.unwrap_or(0), c.unwrap_or(0));
            let tick = Tick { a: rate, b, c, ..self.base(now, place, TickKind::Funding) };
            self.tell(now, place, vec![tick]);
        }
    }

    fn finish(mut self) -> Market {
        for (place, line) in self.lines.iter().enumerate() {
            if let Some(since) = line.shows {
                self.out.blind[place].push((since, u64::MAX));
            }
        }
        // messages, not ticks: there are fewer of them, and they are smaller
        self.messages.sort_by_key(|(at, _)| *at);
        let messages = self.messages.iter().map(|(_, ticks)| ticks.clone());
        let heard = messages.flat_map(|ticks| self.heard[ticks].iter().copied()).collect();
        Market { truth: Arc::new(self.truth), heard: Arc::new(heard), ..self.out }
    }
}
