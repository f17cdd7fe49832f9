//! One instrument's market, kept up to date from ticks.

use hedgerow_model::{
    Book, FeedStatus, Level, MarketStatus, Price, Quantity, Quote, Side, Tick, TickKind, flag,
};

/// A funding rate as it was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Funding {
    /// 1e-15 per interval; positive: longs pay.
    pub rate: i64,
    /// Interval in ns; 0 when the venue does not say, which means no trade on it.
    pub interval: u64,
    /// The next settlement, venue time, ns.
    pub next: u64,
    /// Whether it is fixed.
    pub is_final: bool,
}

/// One closed bar of trades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// Venue time at which it began, ns.
    pub opened: u64,
    /// How long it is, ns.
    pub interval: u64,
    /// The first price.
    pub open: Price,
    /// The highest.
    pub high: Price,
    /// The lowest.
    pub low: Price,
    /// The last.
    pub close: Price,
    /// Traded in it.
    pub volume: Quantity,
    /// How many trades; none: nothing traded, and the prices are the last one before.
    pub trades: u64,
}

/// What is known of one instrument's market.
#[derive(Clone, Debug, Default)]
pub struct Market {
    /// Depth, when the strategy wants levels. Not saved state: a snapshot follows every start.
    pub book: Book,
    /// The newest quote message; nothing once quotes have ended while the book goes on.
    pub quote: Option<Quote>,
    /// The last trade: price and quantity.
    pub last_trade: Option<(Price, Quantity)>,
    /// The venue's mark price.
    pub mark: Option<Price>,
    /// The venue's index price.
    pub index: Option<Price>,
    /// The newest funding rate.
    pub funding: Option<Funding>,
    /// The newest closed bar. Its tick is the second of two: [`TickKind::BarVolume`].
    pub bar: Option<Bar>,
    /// The first half of a bar.
    coming: Bar,
    /// Set while the host says that data is stale or the book has a gap.
    pub stale: bool,
    /// Whether the book grew from a snapshot; levels before one mean nothing.
    synced: bool,
    /// Host receive time of the newest tick, ns.
    pub updated: u64,
}

fn level(price: i64, quantity: i64) -> Level {
    Level { price: Price::from_units(price), quantity: Quantity::from_units(quantity) }
}

impl Market {
    /// Best bid and offer: from quotes when there are any, else from the book.
    #[must_use]
    pub fn best(&self) -> Option<Quote> {
        self.quote.or_else(|| self.book.quote())
    }

    /// The best price of a side.
    #[must_use]
    pub fn touch(&self, side: Side) -> Option<Price> {
        match (self.quote, side) {
            (Some(quote), Side::Buy) => Some(quote.bid.price),
            (Some(quote), Side::Sell) => Some(quote.ask.price),
            (None, side) => self.book.best(side).map(|level| level.price),
        }
    }

    /// Takes one tick. Quotes and trades are most of them and a few stores each; the rest is kept
    /// out of the loop that they run in.
    #[inline]
    pub(crate) fn apply(&mut self, tick: &Tick) {
        self.updated = tick.recv_ts;
        if tick.kind == TickKind::Quote.code() {
            let whole = tick.b > 0 && tick.d > 0;
            let quote = Quote { bid: level(tick.a, tick.b), ask: level(tick.c, tick.d) };
            self.quote = whole.then_some(quote);
        } else if tick.kind == TickKind::Trade.code() {
            self.last_trade = Some((Price::from_units(tick.a), Quantity::from_units(tick.b)));
        } else {
            self.apply_other(tick);
        }
        // a mark or a funding rate shown again says nothing of what can be traded at
        let trades = [TickKind::Quote.code(), TickKind::Level.code()].contains(&tick.kind);
        if trades && tick.has(flag::SNAPSHOT) {
            self.stale = false;
        }
    }

    #[inline(never)]
    fn apply_other(&mut self, tick: &Tick) {
        match TickKind::from_code(tick.kind) {
            Some(TickKind::Level) => {
                self.synced |= tick.has(flag::SNAPSHOT);
                if self.synced {
                    self.book.apply(tick);
                    // a book that goes on is not stale, whatever became of the quotes
                    self.stale &= !tick.is_last();
                }
            }
            Some(TickKind::Mark) => {
                let price = |units| (units != 0).then_some(Price::from_units(units));
                self.mark = price(tick.a).or(self.mark);
                self.index = price(tick.b).or(self.index);
            }
            Some(TickKind::Funding) => {
                self.funding = Some(Funding {
                    rate: tick.a,
                    interval: u64::try_from(tick.b).unwrap_or(0),
                    next: u64::try_from(tick.c).unwrap_or(0),
                    is_final: tick.d == 1,
                });
            }
            Some(TickKind::FeedStatus) => match FeedStatus::from_code(tick.a) {
                FeedStatus::Up => {}
                FeedStatus::Down | FeedStatus::Gap => self.forget(),
            },
            Some(TickKind::BarPrices) => {
                let [open, high, low, close] =
                    [tick.a, tick.b, tick.c, tick.d].map(Price::from_units);
                self.coming = Bar { open, high, low, close, ..Bar::default() };
            }
            Some(TickKind::BarVolume) => {
                self.bar = Some(Bar {
                    opened: u64::try_from(tick.d).unwrap_or(0),
                    interval: u64::try_from(tick.c).unwrap_or(0),
                    volume: Quantity::from_units(tick.a),
                    trades: u64::try_from(tick.b).unwrap_or(0),
                    ..self.coming
                });
            }
            Some(TickKind::Quote | TickKind::Trade) | None => {}
        }
    }

    pub(crate) fn status(&mut self, status: MarketStatus) {
        match status {
            MarketStatus::Fresh => self.stale = false,
            MarketStatus::Stale => {
                self.stale = true;
                if self.synced {
                    // quotes may have ended while the book goes on: from here on that says what
                    // can be traded at, and its next update that it lives
                    self.quote = None;
                }
            }
            MarketStatus::Gap | MarketStatus::Lagging => self.forget(),
        }
    }

    /// What was known of depth is wrong from now on.
    fn forget(&mut self) {
        self.book.clear();
        self.synced = false;
        self.quote = None;
        self.stale = true;
    }
}
