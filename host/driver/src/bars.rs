//! Bars of trades, put into the market data where each one closes.
//!
//! A bar is cut by the host's receive time at whole multiples of its interval since the epoch. It
//! comes before the first tick of the merged stream that is received at or after its end, whatever
//! instrument that tick is of, with that tick's receive time: nobody sees a bar before it is over.
//! An interval without trades repeats the last price with no volume, once there has been a trade.

use hedgerow_model::{Bars, InstrumentId, Tick, TickKind, TickSlice, flag};
use hedgerow_ports::Feed;
use std::sync::Arc;

/// A silence longer than so many bars is not filled with them.
const EMPTY_MOST: u64 = 1_000;
const CHUNK: usize = 1_024;

#[derive(Clone, Copy, Debug)]
struct Open {
    prices: [i64; 4],
    volume: i64,
    trades: i64,
}

#[derive(Clone, Copy, Debug)]
struct Builder {
    instrument: InstrumentId,
    interval: u64,
    /// When the bar under way began.
    began: u64,
    bar: Option<Open>,
}

impl Builder {
    fn flat(price: i64) -> Open {
        Open { prices: [price; 4], volume: 0, trades: 0 }
    }

    /// Bars that are over at `now`.
    fn close(&mut self, now: u64, out: &mut Vec<Tick>) {
        let began = now - now % self.interval;
        let Some(mut bar) = self.bar else {
            self.began = began;
            return;
        };
        let over = (began.saturating_sub(self.began)) / self.interval;
        for number in 0..over.min(EMPTY_MOST) {
            let opened = self.began + number * self.interval;
            out.extend(self.ticks(opened, now, bar));
            bar = Self::flat(bar.prices[3]);
        }
        if over > 0 {
            (self.began, self.bar) = (began, Some(bar));
        }
    }

    fn ticks(&self, opened: u64, now: u64, bar: Open) -> [Tick; 2] {
        let [a, b, c, d] = bar.prices;
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let first = Tick {
            ts: opened,
            recv_ts: now,
            seq: self.interval,
            instrument: self.instrument.0,
            kind: TickKind::BarPrices.code(),
            flags: 0,
            a,
            b,
            c,
            d,
        };
        let second = Tick {
            kind: TickKind::BarVolume.code(),
            flags: flag::LAST,
            a: bar.volume,
            b: bar.trades,
            c: signed(self.interval),
            d: signed(opened),
            ..first
        };
        [first, second]
    }

    fn trade(&mut self, price: i64, quantity: i64) {
        let bar = self.bar.get_or_insert(Self::flat(price));
        if bar.trades == 0 {
            bar.prices = [price; 4];
        }
        let [_, high, low, close] = &mut bar.prices;
        (*high, *low, *close) = ((*high).max(price), (*low).min(price), price);
        bar.volume = bar.volume.saturating_add(quantity);
        bar.trades += 1;
    }
}

/// A feed with bars in it.
pub struct BarFeed<F> {
    inner: F,
    builders: Vec<Builder>,
    current: TickSlice,
}

impl<F: Feed> BarFeed<F> {
    /// The same feed with these bars; an instrument may have several intervals.
    pub fn new(inner: F, wanted: impl IntoIterator<Item = (InstrumentId, Bars)>) -> Self {
        let mut builders: Vec<Builder> = Vec::new();
        for (instrument, Bars { interval, .. }) in wanted {
            let interval = interval.as_nanos().max(1);
            if !builders.iter().any(|b| (b.instrument, b.interval) == (instrument, interval)) {
                builders.push(Builder { instrument, interval, began: 0, bar: None });
            }
        }
        builders.sort_by_key(|builder| (builder.instrument, builder.interval));
        Self { inner, builders, current: TickSlice::new(Arc::default()) }
    }

    fn refill(&mut self) {
        let ticks = self.inner.peek(CHUNK);
        let mut out = Vec::with_capacity(ticks.len() + 8);
        for tick in ticks.iter() {
            for builder in &mut self.builders {
                builder.close(tick.recv_ts, &mut out);
            }
            out.push(*tick);
            if tick.kind == TickKind::Trade.code() {
                let mine = self.builders.iter_mut();
                mine.filter(|builder| builder.instrument.0 == tick.instrument)
                    .for_each(|builder| builder.trade(tick.a, tick.b));
            }
        }
        self.inner.take(ticks.len());
        self.current = TickSlice::new(Arc::new(out));
    }
}

impl<F: Feed> Feed for BarFeed<F> {
    fn peek(&mut self, max: usize) -> TickSlice {
        if self.builders.is_empty() {
            return self.inner.peek(max);
        }
        if self.current.is_empty() {
            self.refill();
        }
        self.current.prefix(max)
    }

    fn take(&mut self, n: usize) {
        if self.builders.is_empty() {
            return self.inner.take(n);
        }
        self.current = self.current.suffix(n);
    }

    fn is_live(&self) -> bool {
        self.inner.is_live()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::Duration;

    struct List(Vec<Tick>);

    impl Feed for List {
        fn peek(&mut self, max: usize) -> TickSlice {
            // little by little: bars must not depend on how the data comes
            TickSlice::new(Arc::new(self.0.iter().take(max.min(2)).copied().collect()))
        }

        fn take(&mut self, n: usize) {
            self.0.drain(..n);
        }
    }

    fn trade(at: u64, price: i64, quantity: i64) -> Tick {
        let kind = TickKind::Trade.code();
        Tick { recv_ts: at, kind, flags: flag::LAST, a: price, b: quantity, ..Tick::default() }
    }

    #[test]
    fn a_bar_comes_when_it_is_over_and_silence_is_flat() {
        let other = |at| Tick { recv_ts: at, instrument: 1, kind: 1, ..Tick::default() };
        let list = vec![
            trade(12, 100, 1),
            trade(14, 90, 2),
            trade(19, 95, 1),
            trade(20, 97, 5),
            other(45),
            trade(51, 80, 1),
        ];
        let wanted = Bars { interval: Duration::from_nanos(10), history: 0 };
        let mut feed = BarFeed::new(List(list), [(InstrumentId(0), wanted)]);
        let mut seen = Vec::new();
        loop {
            let next = feed.peek(1);
            let Some(tick) = next.first() else { break };
            seen.push((tick.recv_ts, tick.kind, [tick.a, tick.b, tick.c, tick.d]));
            feed.take(1);
        }
        let bars: Vec<_> = seen.iter().filter(|(_, kind, _)| (4..=5).contains(kind)).collect();
        let expected = [
            (20, 4, [100, 100, 90, 95]),
            (20, 5, [4, 3, 10, 10]),
            (45, 4, [97, 97, 97, 97]),
            (45, 5, [5, 1, 10, 20]),
            (45, 4, [97, 97, 97, 97]),
            (45, 5, [0, 0, 10, 30]),
            (51, 4, [97, 97, 97, 97]),
            (51, 5, [0, 0, 10, 40]),
        ];
        assert!(bars.iter().copied().eq(expected.iter()), "{bars:?}");
        assert!(seen.windows(2).all(|pair| pair[0].0 <= pair[1].0), "time never falls");
    }
}
