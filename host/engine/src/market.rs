//! Markets as the engine sees them: books by their venue's sequence rule, quotes, marks, staleness.
//!
//! A gap makes a book unusable until a snapshot. A mark is the venue's own where it sends one, else
//! the middle of its quotes, else the middle of its book; it is kept doubled so that half ticks are
//! exact. A source that has said nothing for as long as data may be old gives way to the next.

use crate::config::EngineConfig;
use hedgerow_model::{
    Bars, Book, Decimal, Duration, FeedStatus, HostTime, Instrument, InstrumentId, LastUpdate,
    Level, MarketStatus, Price, Quantity, Quote, SequenceRule, Side, Tick, TickKind, flag,
};
use std::collections::VecDeque;

/// Where a mark comes from, the better source last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MarkSource {
    #[default]
    Nothing,
    Book,
    Quote,
    Venue,
}

/// Where data of an instrument stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DataState {
    /// Nothing has come yet.
    #[default]
    Unseen,
    Fresh,
    Stale,
    /// The book has a hole, or the feed is down.
    Gap,
}

/// One instrument's market.
#[derive(Debug)]
pub(crate) struct Market {
    rule: SequenceRule,
    stale_after: Duration,
    pub(crate) book: Book,
    /// Whether the book grew from a snapshot without a hole.
    pub(crate) synced: bool,
    /// Between a snapshot's first level and its last.
    pub(crate) in_snapshot: bool,
    pub(crate) last_update: Option<LastUpdate>,
    has_levels: bool,
    pub(crate) quote: Option<Quote>,
    quote_tick: Option<Tick>,
    pub(crate) quoted: HostTime,
    /// Quotes have ended while the book goes on.
    pub(crate) quotes_lost: bool,
    pub(crate) funding_tick: Option<Tick>,
    mark_tick: Option<Tick>,
    bars: Vec<ClosedBars>,
    pub(crate) mark_doubled: Option<i64>,
    pub(crate) source: MarkSource,
    /// When that source spoke last.
    pub(crate) marked: HostTime,
    /// When a price to trade at came last.
    pub(crate) received: HostTime,
    pub(crate) state: DataState,
}

/// Closed bars of one interval, kept for strategies that start.
#[derive(Debug, Default)]
struct ClosedBars {
    interval: u64,
    most: usize,
    /// Each bar is two ticks.
    ticks: VecDeque<Tick>,
}

impl ClosedBars {
    fn take(&mut self, tick: &Tick) {
        if tick.seq != self.interval {
            return;
        }
        self.ticks.push_back(*tick);
        while self.ticks.len() > self.most.saturating_mul(2) {
            self.ticks.pop_front();
        }
    }
}

/// Whether a source says nothing of the mark while a better one is at work.
pub(crate) fn gives_way(
    source: MarkSource,
    at: HostTime,
    (known, spoke): (MarkSource, HostTime),
    stale_after: Duration,
) -> bool {
    source < known && at.since(spoke) <= stale_after
}

/// What a tick changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) mark: Option<i64>,
    pub(crate) status: Option<MarketStatus>,
    /// Quotes have ended while the book goes on, or came back: for those who read them.
    pub(crate) quotes: Option<MarketStatus>,
}

impl Market {
    fn new(rule: SequenceRule, stale_after: Duration) -> Self {
        Self {
            rule,
            stale_after,
            book: Book::default(),
            synced: false,
            in_snapshot: false,
            last_update: None,
            has_levels: false,
            quote: None,
            quote_tick: None,
            quoted: HostTime::EPOCH,
            quotes_lost: false,
            funding_tick: None,
            mark_tick: None,
            bars: Vec::new(),
            mark_doubled: None,
            source: MarkSource::Nothing,
            marked: HostTime::EPOCH,
            received: HostTime::EPOCH,
            state: DataState::Unseen,
        }
    }

    pub(crate) fn rule(&self) -> SequenceRule {
        self.rule
    }

    /// Takes one tick.
    #[inline]
    pub(crate) fn apply(&mut self, tick: &Tick) -> Change {
        let mut change = Change::default();
        if tick.kind == TickKind::Quote.code() {
            self.refresh(tick, &mut change);
            self.on_quote(tick, &mut change);
        } else if tick.kind != TickKind::Trade.code() {
            self.apply_rarer(tick, &mut change);
        }
        change
    }

    fn apply_rarer(&mut self, tick: &Tick, change: &mut Change) {
        match TickKind::from_code(tick.kind) {
            Some(TickKind::Level) => {
                self.refresh(tick, change);
                self.on_level(tick, change);
            }
            Some(TickKind::Mark) if tick.a != 0 => {
                self.mark_tick = Some(*tick);
                let at = HostTime::from_nanos(tick.recv_ts);
                self.set_mark(MarkSource::Venue, tick.a.saturating_mul(2), at, change);
            }
            Some(TickKind::Funding) => self.funding_tick = Some(*tick),
            Some(TickKind::BarPrices | TickKind::BarVolume) => {
                self.bars.iter_mut().for_each(|bars| bars.take(tick));
            }
            Some(TickKind::FeedStatus) => match FeedStatus::from_code(tick.a) {
                FeedStatus::Up => {}
                FeedStatus::Down | FeedStatus::Gap => self.gap(change),
            },
            _ => {}
        }
    }

    /// A price to trade at came: the data is fresh, unless it has a gap. Nothing else keeps it
    /// fresh: trades, marks or funding that still come do not revive a dead book.
    #[inline]
    fn refresh(&mut self, tick: &Tick, change: &mut Change) {
        self.received = HostTime::from_nanos(tick.recv_ts);
        if matches!(self.state, DataState::Unseen | DataState::Stale) {
            // what nobody has seen yet, nobody was told is stale
            change.status = (self.state == DataState::Stale).then_some(MarketStatus::Fresh);
            self.state = DataState::Fresh;
        }
    }

    #[inline]
    fn on_quote(&mut self, tick: &Tick, change: &mut Change) {
        if tick.b <= 0 || tick.d <= 0 {
            // one side is missing: nothing to judge an opening order by
            self.quote = None;
            self.quote_tick = None;
            return;
        }
        let (price, quantity) = (Price::from_units, Quantity::from_units);
        let level = |p, q| Level { price: price(p), quantity: quantity(q) };
        self.quote = Some(Quote { bid: level(tick.a, tick.b), ask: level(tick.c, tick.d) });
        self.quote_tick = Some(*tick);
        self.quoted = HostTime::from_nanos(tick.recv_ts);
        if std::mem::take(&mut self.quotes_lost) {
            change.quotes = Some(MarketStatus::Fresh);
        }
        if self.state == DataState::Gap && !self.has_levels {
            // there is no book to wait for
            self.state = DataState::Fresh;
            change.status = Some(MarketStatus::Fresh);
        }
        self.set_mark(MarkSource::Quote, tick.a.saturating_add(tick.c), self.quoted, change);
    }

    fn on_level(&mut self, tick: &Tick, change: &mut Change) {
        self.has_levels = true;
        if tick.has(flag::SNAPSHOT) {
            self.synced = true;
            self.in_snapshot = true;
        } else if !self.synced {
            return; // deltas without a snapshot mean nothing
        } else if !self.in_snapshot && !self.rule.continues(self.last_update, tick) {
            self.gap(change);
            return;
        }
        self.last_update = Some(LastUpdate { id: tick.seq, snapshot: self.in_snapshot });
        self.book.apply(tick);
        if !tick.is_last() {
            return;
        }
        self.in_snapshot = false;
        if self.state == DataState::Gap {
            self.state = DataState::Fresh;
            change.status = Some(MarketStatus::Fresh);
        }
        let at = HostTime::from_nanos(tick.recv_ts);
        if self.quote.is_some() && at.since(self.quoted) > self.stale_after {
            // quotes have ended while the book goes on: it says what can be traded at
            (self.quote, self.quote_tick) = (None, None);
            self.quotes_lost = true;
            change.quotes = Some(MarketStatus::Stale);
        }
        if let Some(quote) = self.book.quote() {
            self.set_mark(MarkSource::Book, quote.mid_doubled(), at, change);
        }
    }

    fn gap(&mut self, change: &mut Change) {
        self.book.clear();
        self.synced = false;
        self.in_snapshot = false;
        self.last_update = None;
        self.quote = None;
        self.quote_tick = None;
        if self.source != MarkSource::Venue {
            // whatever is whole again first says what it is worth
            self.source = MarkSource::Nothing;
        }
        if self.state != DataState::Gap {
            self.state = DataState::Gap;
            change.status = Some(MarketStatus::Gap);
        }
    }

    #[inline]
    fn set_mark(&mut self, source: MarkSource, doubled: i64, at: HostTime, change: &mut Change) {
        if gives_way(source, at, (self.source, self.marked), self.stale_after) {
            return;
        }
        (self.source, self.marked) = (source, at);
        if self.mark_doubled != Some(doubled) {
            self.mark_doubled = Some(doubled);
            change.mark = Some(doubled);
        }
    }

    /// The best price of a side: from quotes when there are any, else from the book.
    pub(crate) fn touch(&self, side: Side) -> Option<Price> {
        match (self.quote, side) {
            (Some(quote), Side::Buy) => Some(quote.bid.price),
            (Some(quote), Side::Sell) => Some(quote.ask.price),
            (None, side) => self.book.best(side).map(|level| level.price),
        }
    }

    /// Ticks that give another reader the same market.
    pub(crate) fn snapshot(&self, instrument: InstrumentId) -> Vec<Tick> {
        let now = self.received.as_nanos();
        let mut ticks = Vec::new();
        if self.synced {
            // levels are of many updates: no one time of the venue is theirs
            ticks = self.book.snapshot(Tick {
                ts: now,
                recv_ts: now,
                seq: self.last_update.map_or(0, |update| update.id),
                instrument: instrument.0,
                flags: flag::NO_VENUE_TIME,
                ..Tick::default()
            });
        }
        for tick in [self.quote_tick, self.mark_tick, self.funding_tick].into_iter().flatten() {
            ticks.push(Tick { flags: tick.flags | flag::SNAPSHOT, ..tick.told_at(now) });
        }
        ticks
    }

    /// The newest closed bars, oldest first, each of two ticks.
    pub(crate) fn history(&self, wanted: Bars) -> Vec<Tick> {
        let interval = wanted.interval.as_nanos();
        let Some(bars) = self.bars.iter().find(|bars| bars.interval == interval) else {
            return Vec::new();
        };
        let most = usize::try_from(wanted.history).unwrap_or(usize::MAX).saturating_mul(2);
        bars.ticks.iter().skip(bars.ticks.len().saturating_sub(most)).copied().collect()
    }

    /// Keeps so many closed bars.
    fn keep(&mut self, wanted: Bars) {
        let interval = wanted.interval.as_nanos();
        let most = usize::try_from(wanted.history).unwrap_or(usize::MAX);
        match self.bars.iter_mut().find(|bars| bars.interval == interval) {
            Some(known) => known.most = known.most.max(most),
            None => self.bars.push(ClosedBars { interval, most, ticks: VecDeque::new() }),
        }
    }

    /// The mark as a price.
    pub(crate) fn mark(&self, spec: &Instrument) -> Option<Decimal> {
        let digits = u32::from(spec.price_scale.digits()) + 1;
        let tenths = i128::from(self.mark_doubled?).checked_mul(5)?;
        Some(Decimal::from_i128_with_scale(tenths, digits).normalize())
    }
}

/// All markets.
#[derive(Debug)]
pub(crate) struct Markets {
    markets: Vec<Market>,
    pub(crate) stale_after: Duration,
}

impl Markets {
    pub(crate) fn new(config: &EngineConfig) -> Self {
        let wanted =
            |id| config.strategies.iter().filter_map(move |strategy| strategy.interest.bars(id));
        let market = |i: &Instrument| {
            let mut market = Market::new(i.sequence, config.stale_after);
            wanted(i.id).for_each(|bars| market.keep(bars));
            market
        };
        let markets = config.instruments.iter().map(market).collect();
        Self { markets, stale_after: config.stale_after }
    }

    pub(crate) fn get(&self, id: InstrumentId) -> Option<&Market> {
        self.markets.get(id.index())
    }

    pub(crate) fn get_mut(&mut self, id: InstrumentId) -> Option<&mut Market> {
        self.markets.get_mut(id.index())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Market> {
        self.markets.iter()
    }

    /// When the first fresh market becomes stale if nothing comes.
    pub(crate) fn next_staleness(&self) -> Option<HostTime> {
        self.markets
            .iter()
            .filter(|market| market.state == DataState::Fresh)
            .map(|market| self.stale_at(market.received))
            .min()
    }

    /// The first moment at which data received at `received` is older than allowed.
    pub(crate) fn stale_at(&self, received: HostTime) -> HostTime {
        received.after(self.stale_after).after(Duration::from_nanos(1))
    }

    /// Marks what is too old; gives which.
    pub(crate) fn grow_stale(&mut self, now: HostTime) -> Vec<InstrumentId> {
        let stale_after = self.stale_after;
        let mut stale = Vec::new();
        for (index, market) in self.markets.iter_mut().enumerate() {
            let old = now.since(market.received) > stale_after;
            if market.state == DataState::Fresh && old {
                market.state = DataState::Stale;
                stale.extend(u32::try_from(index).ok().map(InstrumentId));
            }
        }
        stale
    }
}
