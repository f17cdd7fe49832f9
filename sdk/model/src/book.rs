//! An order book by price: levels in, depth out. No sequence rules here.
//!
//! Both sides are sorted vectors with the best price last, so that the busy end is cheap to change.

use crate::fixed::{Price, Quantity};
use crate::order::Side;
use crate::tick::{Tick, TickKind, flag};

/// One price and what rests there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Where.
    pub price: Price,
    /// How much, above zero.
    pub quantity: Quantity,
}

/// Best bid and offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The best buyer.
    pub bid: Level,
    /// The best seller.
    pub ask: Level,
}

impl Quote {
    /// Twice the middle, exact.
    #[must_use]
    pub fn mid_doubled(&self) -> i64 {
        self.bid.price.units().saturating_add(self.ask.price.units())
    }
}

/// What a quantity would cost against one side of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    /// How much is there, at most what was asked for.
    pub filled: Quantity,
    /// Sum of price x quantity over the levels taken, in units of both scales.
    pub cost_units: i128,
    /// The last level touched.
    pub worst: Price,
}

/// Depth of one instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    bids: Vec<Level>,
    asks: Vec<Level>,
}

impl Book {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }

    /// Takes a level tick: empties the book first when a snapshot begins.
    pub fn apply(&mut self, tick: &Tick) {
        if tick.has(flag::SNAPSHOT) {
            self.clear();
        }
        let side = if tick.has(flag::SELL) { Side::Sell } else { Side::Buy };
        self.set(side, Price::from_units(tick.a), Quantity::from_units(tick.b));
    }

    /// Sets what rests at a price; nothing or less removes the level.
    pub fn set(&mut self, side: Side, price: Price, quantity: Quantity) {
        let levels = match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        };
        let found = match side {
            Side::Buy => levels.binary_search_by(|level| level.price.cmp(&price)),
            Side::Sell => levels.binary_search_by(|level| price.cmp(&level.price)),
        };
        match found {
            Ok(at) if quantity.is_positive() => {
                if let Some(level) = levels.get_mut(at) {
                    level.quantity = quantity;
                }
            }
            Ok(at) => {
                levels.remove(at);
            }
            Err(at) if quantity.is_positive() => levels.insert(at, Level { price, quantity }),
            Err(_) => {}
        }
    }

    /// The best level of a side.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Level> {
        match side {
            Side::Buy => self.bids.last(),
            Side::Sell => self.asks.last(),
        }
        .copied()
    }

    /// Both best levels, when there are both.
    #[must_use]
    pub fn quote(&self) -> Option<Quote> {
        Some(Quote { bid: self.best(Side::Buy)?, ask: self.best(Side::Sell)? })
    }

    /// What rests at a price.
    #[must_use]
    pub fn at(&self, side: Side, price: Price) -> Quantity {
        let levels = match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        };
        let found = match side {
            Side::Buy => levels.binary_search_by(|level| level.price.cmp(&price)),
            Side::Sell => levels.binary_search_by(|level| price.cmp(&level.price)),
        };
        found.ok().and_then(|at| levels.get(at)).map_or(Quantity::ZERO, |level| level.quantity)
    }

    /// Levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        match side {
            Side::Buy => self.bids.iter(),
            Side::Sell => self.asks.iter(),
        }
        .rev()
        .copied()
    }

    /// Ticks that give another reader this book, each like `base` but for its level. An empty book
    /// is one level of nothing, price and quantity 0: without it the reader would wait for a
    /// snapshot and take no delta.
    #[must_use]
    pub fn snapshot(&self, base: Tick) -> Vec<Tick> {
        let kept = base.flags & flag::NO_VENUE_TIME;
        let base = Tick { kind: TickKind::Level.code(), flags: kept, a: 0, b: 0, ..base };
        let mut ticks = Vec::new();
        for (side, flags) in [(Side::Buy, kept), (Side::Sell, kept | flag::SELL)] {
            ticks.extend(self.levels(side).map(|level| Tick {
                flags,
                a: level.price.units(),
                b: level.quantity.units(),
                ..base
            }));
        }
        if ticks.is_empty() {
            ticks.push(base);
        }
        if let Some(first) = ticks.first_mut() {
            first.flags |= flag::SNAPSHOT;
        }
        if let Some(last) = ticks.last_mut() {
            last.flags |= flag::LAST;
        }
        ticks
    }

    /// How many levels a side has.
    #[must_use]
    pub fn depth(&self, side: Side) -> usize {
        match side {
            Side::Buy => self.bids.len(),
            Side::Sell => self.asks.len(),
        }
    }

    /// Whether the best bid is at or above the best ask.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        self.quote().is_some_and(|quote| quote.bid.price >= quote.ask.price)
    }

    /// What `quantity` of an order of side `taker` would take from the other side, down to `limit`.
    ///
    /// ```
    /// use hedgerow_model::{Book, Price, Quantity, Side};
    /// // Vector L1: 60 000.0 x 0.05, 60 000.5 x 0.08, 60 003.0 x 0.40; 0.166 costs 9960.148.
    /// let mut book = Book::default();
    /// for (price, quantity) in [(600_000, 50), (600_005, 80), (600_030, 400)] {
    ///     book.set(Side::Sell, Price::from_units(price), Quantity::from_units(quantity));
    /// }
    /// let walk = book.walk(Side::Buy, Quantity::from_units(166), None).unwrap();
    /// assert_eq!(walk.cost_units, 99_601_480);
    /// assert_eq!(walk.worst, Price::from_units(600_030));
    /// ```
    #[must_use]
    pub fn walk(&self, taker: Side, quantity: Quantity, limit: Option<Price>) -> Option<Walk> {
        let mut walk = Walk {
            filled: Quantity::ZERO,
            cost_units: 0,
            worst: self.best(taker.opposite())?.price,
        };
        for level in self.levels(taker.opposite()) {
            let left = quantity.units().saturating_sub(walk.filled.units());
            let reachable = limit.is_none_or(|limit| taker.reaches(limit, level.price));
            if left <= 0 || !reachable {
                break;
            }
            let take = left.min(level.quantity.units());
            walk.filled = Quantity::from_units(walk.filled.units().saturating_add(take));
            walk.cost_units = walk
                .cost_units
                .saturating_add(i128::from(level.price.units()).saturating_mul(i128::from(take)));
            walk.worst = level.price;
        }
        Some(walk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn a_book_equals_a_plain_map_of_its_levels(
            changes in prop::collection::vec((any::<bool>(), 1_i64..60, 0_i64..4), 0..300),
        ) {
            let mut book = Book::default();
            let mut maps = [BTreeMap::new(), BTreeMap::new()];
            for (sell, price, quantity) in changes {
                let side = if sell { Side::Sell } else { Side::Buy };
                book.set(side, Price::from_units(price), Quantity::from_units(quantity));
                let map = &mut maps[usize::from(sell)];
                if quantity == 0 { map.remove(&price); } else { map.insert(price, quantity); }
            }
            let levels = |side| book.levels(side).map(|l| (l.price.units(), l.quantity.units()));
            prop_assert!(levels(Side::Buy).eq(maps[0].iter().rev().map(|(p, q)| (*p, *q))));
            prop_assert!(levels(Side::Sell).eq(maps[1].iter().map(|(p, q)| (*p, *q))));
        }
    }
    /// Told again from nothing a book is the same, an empty one too.
    #[test]
    fn a_snapshot_makes_the_same_book() {
        let base =
            Tick { ts: 1, seq: 3, flags: flag::NO_VENUE_TIME, a: 9, b: 9, ..Tick::default() };
        let mut book = Book::default();
        for sides in [&[][..], &[Side::Sell], &[Side::Buy, Side::Sell]] {
            for (units, side) in (7..).zip(sides) {
                book.set(*side, Price::from_units(units), Quantity::from_units(1));
            }
            let ticks = book.snapshot(base);
            let mut other = Book::default();
            other.set(Side::Buy, Price::from_units(1), Quantity::from_units(1));
            ticks.iter().for_each(|tick| other.apply(tick));
            assert_eq!(other, book);
            let last = ticks.len() - 1;
            for (place, tick) in ticks.iter().enumerate() {
                assert_eq!(tick.has(flag::SNAPSHOT), place == 0);
                assert_eq!(tick.is_last(), place == last);
                assert!(tick.has(flag::NO_VENUE_TIME) && tick.seq == 3);
                assert_eq!(tick.kind, TickKind::Level.code());
            }
        }
    }
}
