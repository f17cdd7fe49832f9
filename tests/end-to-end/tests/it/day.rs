//! The day of the throughput comparison, made here: what its generator writes for the seed that
//! every engine was measured with, to the byte. Random numbers are counted, not chained, so the
//! same stream comes from any language.

use std::fmt::Write as _;

const SEED: u64 = 20_240_607;
const QUOTES: usize = 1_000_000;
const TRADES: usize = 200_000;
const FIRST_NS: i64 = 1_717_718_400_000_000_000;
/// The middle it begins with, and is drawn to, in half ticks.
const START: i64 = 1_200_000;

/// The `count`-th number of a seed, from one on.
fn number(seed: u64, count: u64) -> u64 {
    let mut z = seed.wrapping_add(count.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The numbers that one figure of all rows is drawn from.
struct Stream(u64);

impl Stream {
    fn new(which: u64) -> Self {
        Self(number(SEED + which, 1))
    }

    fn at(&self, place: usize) -> u64 {
        number(self.0, place as u64 + 1)
    }
}

/// A figure below `below`, from the bits of a number above `shift`.
fn drawn(number: u64, shift: u32, below: u64) -> i64 {
    i64::try_from((number >> shift) % below).unwrap()
}

/// Which rows are trades: those with the smallest keys, never the first.
fn trades() -> Vec<bool> {
    let keys = Stream::new(0);
    let rows = QUOTES + TRADES;
    let mut order: Vec<usize> = (0..rows - 1).collect();
    order.sort_by_key(|place| keys.at(*place));
    let mut is_trade = vec![false; rows];
    order.iter().take(TRADES).for_each(|place| is_trade[place + 1] = true);
    is_trade
}

/// `events.csv`, whole.
pub(crate) fn csv() -> String {
    let [gaps, moves, pulls, prints] = [1, 2, 3, 4].map(Stream::new);
    let mut text = String::with_capacity(64 * (QUOTES + TRADES));
    text.push_str("kind,ts_ns,a,b,c,d,e\n");
    let (mut time, mut middle, mut bid, mut ask) = (FIRST_NS, START, 0, 0);
    let (mut quotes, mut traded) = (0, 0);
    let price = |ticks: i64| format!("{}.{}", ticks / 10, ticks % 10);
    let size = |lots: i64| format!("{}.{:03}", lots / 1_000, lots % 1_000);
    for (row, is_trade) in trades().into_iter().enumerate() {
        time += 1_000 + drawn(gaps.at(row), 0, 144_000_000);
        if is_trade {
            let print = prints.at(traded);
            traded += 1;
            let through = if drawn(print, 8, 8) == 0 { 1 + drawn(print, 16, 4) } else { 0 };
            let (at, side) =
                if print & 1 == 1 { (ask + through, 'B') } else { (bid - through, 'S') };
            let lots = 1 + drawn(print, 24, 800);
            let _ = writeln!(text, "T,{time},{},{},{side},{traded},", price(at), size(lots));
            continue;
        }
        let step = moves.at(quotes);
        middle += drawn(step, 0, 7) - 3;
        if pulls.at(quotes) % 64 == 0 {
            middle += if middle < START { 4 } else { -4 };
        }
        quotes += 1;
        let spread = 1 + drawn(step, 20, 4);
        bid = (middle - spread).div_euclid(2);
        ask = bid + spread;
        let (left, right) = (size(1 + drawn(step, 30, 5_000)), size(1 + drawn(step, 45, 5_000)));
        let _ = writeln!(text, "Q,{time},{},{left},{},{right},", price(bid), price(ask));
    }
    text
}
