//! A generated market: seeded, endless, correlated, with bursts and quiet, basis and funding.
//!
//! Instruments of one base asset follow one fair price. Spot trades at it, a perpetual with a basis
//! that reverts to nothing, a dated future with a carry that falls towards delivery. Activity
//! switches between quiet, ordinary and bursts. Floating point lives here alone, and leaves through
//! one function.

use crate::tape::{Chunk, Source};
use hedgerow_model::{Instrument, InstrumentKind, Price, Tick, TickKind, flag};
use std::collections::BTreeMap;
use std::sync::Arc;

const SECOND: u64 = 1_000_000_000;
const YEAR_S: f64 = 365.0 * 86_400.0;
/// What a dated future costs above its fair price, a year before its delivery.
const CARRY: f64 = 0.02;
/// Volatility a year.
const VOLATILITY: f64 = 0.8;
const HOUR: u64 = 3_600 * SECOND;
/// Ticks per second in ordinary times, unless told otherwise.
pub const EVENTS_PER_S: u64 = 200;

/// The one way from a float to a whole number: downwards, and nothing where it does not fit.
fn door(value: f64) -> i64 {
    if value.is_finite() && value.abs() < 9e15 { libm::floor(value) as i64 } else { 0 }
}

/// The premium of a contract that is delivered after so long, ns: none at its delivery and after.
fn carry(left: u64) -> f64 {
    CARRY * (left as f64 / 1e9 / YEAR_S)
}

/// Counter-based random numbers (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal, by the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

struct Line {
    instrument: Instrument,
    /// Premium over fair, a fraction.
    basis: f64,
    seq: u64,
    trades: u64,
    bid: i64,
    ask: i64,
}

/// The market as a source of chunks, a second each.
pub struct Market {
    random: Random,
    now: u64,
    start: u64,
    fair: BTreeMap<String, f64>,
    lines: Vec<Line>,
    /// Activity: a factor on the rate, and until when it holds.
    activity: (f64, u64),
    events_per_s: u64,
    next_funding: u64,
}

impl Market {
    /// A market from a seed, beginning at a host time, ns.
    #[must_use]
    pub fn new(seed: u64, start: u64, instruments: &[Instrument]) -> Self {
        let line = |instrument: &Instrument| Line {
            instrument: instrument.clone(),
            basis: 0.0,
            seq: 0,
            trades: 0,
            bid: 0,
            ask: 0,
        };
        let price = |base: &str| match base {
            "BTC" => 60_000.0,
            "ETH" => 2_500.0,
            "SOL" => 150.0,
            _ => 100.0,
        };
        let fair = instruments.iter().map(|i| (i.base.clone(), price(&i.base))).collect();
        Self {
            random: Random(seed),
            now: start,
            start,
            fair,
            lines: instruments.iter().map(line).collect(),
            activity: (1.0, start),
            events_per_s: EVENTS_PER_S,
            next_funding: start,
        }
    }

    /// The same market with another number of ticks per second in ordinary times.
    #[must_use]
    pub fn with_rate(mut self, events_per_s: u64) -> Self {
        self.events_per_s = events_per_s.max(1);
        self
    }

    fn step(&mut self, ticks: &mut Vec<Tick>) {
        if self.now >= self.activity.1 {
            let draw = self.random.unit();
            let factor = if draw < 0.3 {
                0.2
            } else if draw < 0.9 {
                1.0
            } else {
                3.0
            };
            let seconds = 2 + self.random.below(8);
            self.activity = (factor, self.now + seconds * SECOND);
        }
        let rate = self.events_per_s as f64 * self.activity.0;
        let wait = -libm::log(1.0 - self.random.unit()) / rate;
        self.now += u64::try_from(door(wait * 1e9)).unwrap_or(0) + 1;
        self.move_fair(wait);
        let place = self.random.below(self.lines.len() as u64);
        let index = usize::try_from(place).unwrap_or(0);
        let trades = self.random.unit() < 0.15 && self.lines[index].bid > 0;
        let tick = if trades { self.trade(index) } else { self.quote(index) };
        ticks.push(tick);
    }

    fn move_fair(&mut self, seconds: f64) {
        let scale = VOLATILITY * libm::sqrt(seconds / YEAR_S) * libm::sqrt(self.activity.0);
        let common = self.random.normal();
        for price in self.fair.values_mut() {
            // correlated 0.8 with each other
            let own = self.random.normal();
            *price *= 1.0 + scale * (0.8 * common + 0.6 * own);
        }
    }

    fn tick(&self, index: usize, kind: TickKind) -> Tick {
        let line = &self.lines[index];
        Tick {
            ts: self.now,
            recv_ts: self.now,
            seq: line.seq,
            instrument: line.instrument.id.0,
            kind: kind.code(),
            flags: flag::LAST,
            ..Tick::default()
        }
    }

    fn lots(&mut self, index: usize, most: u64) -> i64 {
        let lots = 1 + self.random.below(most) + self.random.below(most);
        let lot = self.lines[index].instrument.lot.units();
        i64::try_from(lots).unwrap_or(1).saturating_mul(lot)
    }

    fn quote(&mut self, index: usize) -> Tick {
        let noise = self.random.normal();
        let spread = 1 + i64::try_from(self.random.below(4)).unwrap_or(0);
        let line = &mut self.lines[index];
        let fair = self.fair.get(&line.instrument.base).copied().unwrap_or(100.0);
        line.basis = match line.instrument.kind {
            InstrumentKind::Spot => 0.0,
            kind => match kind.expiry() {
                Some(expiry) => carry(expiry.as_nanos().saturating_sub(self.now)),
                None => line.basis * 0.999 + noise * 0.000_002,
            },
        };
        let unit = line.instrument.price_scale.unit();
        let middle = door(fair * (1.0 + line.basis) * unit as f64);
        let step =
            line.instrument.grid.step_at(Price::from_units(middle), line.instrument.price_scale);
        let step = step.unwrap_or(1);
        let bid = middle.div_euclid(step) * step - (spread / 2) * step;
        (line.bid, line.ask) = (bid, bid + spread * step);
        line.seq += 1;
        let (b, d) = (self.lots(index, 400), self.lots(index, 400));
        let line = &self.lines[index];
        Tick { a: line.bid, b, c: line.ask, d, ..self.tick(index, TickKind::Quote) }
    }

    fn trade(&mut self, index: usize) -> Tick {
        let sell = self.random.next() & 1 == 1;
        let b = self.lots(index, 200);
        let line = &mut self.lines[index];
        line.seq += 1;
        line.trades += 1;
        let c = i64::try_from(line.trades).unwrap_or(i64::MAX);
        let a = if sell { line.bid } else { line.ask };
        let mut tick = Tick { a, b, c, ..self.tick(index, TickKind::Trade) };
        tick.flags |= if sell { flag::SELL } else { 0 };
        tick
    }

    /// Announces the next settlements: every hour, the first half a minute after the start.
    fn announce(&mut self, ticks: &mut Vec<Tick>) {
        let first = self.start + 30 * SECOND;
        let passed = self.now.saturating_sub(first).div_ceil(HOUR);
        let next = if self.now < first { first } else { first + passed * HOUR };
        for index in 0..self.lines.len() {
            if !self.lines[index].instrument.kind.is_perpetual() {
                continue;
            }
            // an eighth of the basis an hour, around the usual hundredth of a percent in eight
            // hours
            let rate = door((0.000_012_5 + self.lines[index].basis / 8.0) * 1e15);
            let (b, c) = (i64::try_from(HOUR), i64::try_from(next));
            let (b, c) = (b.unwrap_or(i64::MAX), c.unwrap_or(i64::MAX));
            ticks.push(Tick { a: rate, b, c, ..self.tick(index, TickKind::Funding) });
        }
        self.next_funding = self.now + 10 * SECOND;
    }
}

impl Source for Market {
    fn next_chunk(&mut self) -> Option<Chunk> {
        if self.lines.is_empty() {
            return None;
        }
        let end = self.now + SECOND;
        let mut ticks = Vec::new();
        if self.now >= self.next_funding {
            self.announce(&mut ticks);
        }
        while self.now < end {
            self.step(&mut ticks);
        }
        Some(Chunk { ticks: Arc::new(ticks), at_venue: None, at: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::{
        Decimal, InstrumentId, PriceGrid, Quantity, Scale, SequenceRule, VenueId, VenueTime,
    };

    fn instrument(id: u32, base: &str, kind: InstrumentKind) -> Instrument {
        Instrument {
            id: InstrumentId(id),
            venue: VenueId(0),
            symbol: base.into(),
            kind,
            base: base.into(),
            quote: "USD".into(),
            settle: "USD".into(),
            price_scale: Scale::new(2).unwrap(),
            quantity_scale: Scale::new(3).unwrap(),
            grid: PriceGrid::Tick(Price::from_units(10)),
            lot: Quantity::from_units(1),
            min_quantity: Quantity::from_units(1),
            max_quantity: None,
            min_notional: None,
            band: None,
            multiplier: Decimal::ONE,
            sequence: SequenceRule::Snapshots,
        }
    }

    #[test]
    fn a_seed_is_a_market_and_its_quotes_are_sound() {
        let all = [
            instrument(0, "BTC", InstrumentKind::LinearPerpetual),
            instrument(1, "ETH", InstrumentKind::Spot),
        ];
        let run = |seed| {
            let mut market = Market::new(seed, 1_000, &all);
            let mut ticks = Vec::new();
            for _ in 0..60 {
                ticks.extend(market.next_chunk().unwrap().ticks.iter().copied());
            }
            ticks
        };
        let ticks = run(7);
        assert_eq!(ticks, run(7));
        assert_ne!(ticks, run(8));
        assert!(ticks.windows(2).all(|pair| pair[0].recv_ts <= pair[1].recv_ts));
        let quotes: Vec<_> = ticks.iter().filter(|t| t.kind == TickKind::Quote.code()).collect();
        assert!(quotes.len() > 3_000);
        for quote in quotes {
            assert!(quote.a > 0 && quote.c > quote.a && quote.b > 0 && quote.d > 0);
            assert!(quote.a % 10 == 0 && quote.c % 10 == 0);
        }
        assert!(ticks.iter().any(|t| t.kind == TickKind::Funding.code()));
    }
    /// Towards its delivery the premium only falls, is never a discount, and ends at nothing.
    #[test]
    fn the_premium_of_a_dated_future_falls_to_nothing_at_its_delivery() {
        let mut random = Random(1);
        for bits in 0..64 {
            let (one, other) = (random.next() >> bits, random.next() >> bits);
            let (far, near) = (carry(one.max(other)), carry(one.min(other)));
            assert!(far >= near && near >= 0.0, "{one} {other}");
        }
        assert_eq!(carry(0), 0.0);
    }

    /// Two contracts of one asset: the later one is the dearer, and at its delivery one costs what
    /// the asset does, however old the market is.
    #[test]
    fn dated_futures_are_priced_by_the_time_that_is_left_to_each() {
        let start = 1_000 * SECOND;
        let dated = |id, days: u64| {
            let expiry = VenueTime::from_nanos(start + days * 86_400 * SECOND);
            instrument(id, "BTC", InstrumentKind::LinearFuture { expiry })
        };
        let all = [instrument(0, "BTC", InstrumentKind::Spot), dated(1, 90), dated(2, 900)];
        let mut market = Market::new(3, start, &all);
        market.quote(1);
        market.quote(2);
        let (near, far) = (market.lines[1].basis, market.lines[2].basis);
        assert!((near - 0.02 * 90.0 / 365.0).abs() < 1e-9, "{near}");
        assert!((far - 0.02 * 900.0 / 365.0).abs() < 1e-9, "{far}");
        for (days, near_is_over) in [(89, false), (90, true), (400, true)] {
            market.now = start + days * 86_400 * SECOND;
            market.quote(1);
            market.quote(2);
            assert_eq!(market.lines[1].basis == 0.0, near_is_over, "day {days}");
            assert!(market.lines[1].basis >= 0.0 && market.lines[2].basis > 0.0);
        }
    }
}
