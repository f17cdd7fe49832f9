//! The throughput comparison's rules through the whole path give what a bare loop over the events
//! gives: what was seen, orders, fills; and the same journal with batches and with one tick at a
//! time.

use hedgerow_daemon::command::bench::{self, Measured};
use hedgerow_driver::Batching;
use hedgerow_end_to_end::component;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::path::Path;

/// One row of `events.csv`, prices in ticks of 0.1.
#[derive(Clone, Copy)]
enum Row {
    Quote { bid: i64, ask: i64 },
    Trade { price: i64 },
}

/// A market of our own, from a seed.
fn market(rows: usize) -> Vec<Row> {
    let mut state = 42_u64;
    let mut dice = |below: u64| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    };
    let signed = |n: u64, by: i64| i64::try_from(n).unwrap() - by;
    let (mut bid, mut ask) = (600_000, 600_001);
    (0..rows)
        .map(|row| {
            if row > 0 && dice(6) == 0 {
                let through = signed(dice(4), 0);
                let price = if dice(2) == 0 { bid - through } else { ask + through };
                return Row::Trade { price };
            }
            bid += signed(dice(7), 3);
            ask = bid + 1 + signed(dice(3), 0);
            Row::Quote { bid, ask }
        })
        .collect()
}

fn write(rows: &[Row], folder: &Path) {
    let mut text = "kind,ts_ns,a,b,c,d,e\n".to_owned();
    let price = |ticks: i64| format!("{}.{}", ticks / 10, ticks % 10);
    for (n, row) in (1_u64..).zip(rows) {
        let time = 1_717_718_400_000_000_000 + n * 70_000_000;
        let _ = match row {
            Row::Quote { bid, ask } => {
                writeln!(text, "Q,{time},{},1.000,{},1.000,", price(*bid), price(*ask))
            }
            Row::Trade { price: at } => writeln!(text, "T,{time},{},0.010,B,{n},", price(*at)),
        };
    }
    std::fs::write(folder.join("events.csv"), text).unwrap();
}

/// Orders and fills of the maker: what rests fills whole when a trade prints at or through it, or
/// when the other side's quote touches it.
fn maker(rows: &[Row]) -> (u64, u64) {
    let (mut orders, mut fills, mut quotes) = (0, 0, 0_u64);
    let (mut buy, mut sell): (Option<i64>, Option<i64>) = (None, None);
    for row in rows {
        let (low, high) = match row {
            Row::Quote { bid, ask } => (*ask, *bid),
            Row::Trade { price } => (*price, *price),
        };
        for filled in [buy.take_if(|at| low <= *at), sell.take_if(|at| high >= *at)] {
            fills += u64::from(filled.is_some());
        }
        let Row::Quote { bid, ask } = row else { continue };
        quotes += 1;
        if quotes.is_multiple_of(100) {
            (buy, sell) = (Some(bid - 2), Some(ask + 2));
            orders += 2;
        }
    }
    (orders, fills)
}

/// Orders of the averages; each takes what it wants at once.
fn ema(rows: &[Row]) -> u64 {
    let (mut orders, mut quotes, mut side) = (0, 0_u64, None);
    let (mut fast, mut slow) = (0.0, 0.0);
    for row in rows {
        let Row::Quote { bid, ask } = row else { continue };
        let mid = 0.5 * (*bid as f64 / 10.0 + *ask as f64 / 10.0);
        quotes += 1;
        if quotes == 1 {
            (fast, slow) = (mid, mid);
            continue;
        }
        fast += 2.0 / 501.0 * (mid - fast);
        slow += 2.0 / 2001.0 * (mid - slow);
        if quotes >= 2_000 && side != Some(fast > slow) {
            side = Some(fast > slow);
            orders += 1;
        }
    }
    orders
}

fn both_ways(rule: &str, data: &Path) -> Measured {
    let components = component("hedgerow-rule-noop").parent().unwrap().to_owned();
    let run = |batching| {
        bench::engine(rule, data, &components, batching).unwrap_or_else(|e| panic!("{}", e.message))
    };
    let (batched, single) = (run(Batching::Adaptive), run(Batching::One));
    let figures = |m: &Measured| (m.events, m.orders, m.filled, m.journal.clone());
    assert_eq!(figures(&batched), figures(&single), "{rule}");
    assert!(batched.calls < single.calls, "{rule}: {} calls in batches", batched.calls);
    batched
}

#[test]
fn the_three_rules_give_what_a_bare_loop_gives_with_batches_and_without() {
    let rows = market(24_000);
    let folder = tempfile::tempdir().unwrap();
    write(&rows, folder.path());
    let (orders, fills) = maker(&rows);
    let turns = ema(&rows);
    assert!(orders > 300 && fills > 100 && fills < orders && turns > 5, "no market to speak of");
    for (rule, orders, fills) in [("noop", 0, 0), ("ema", turns, turns), ("maker", orders, fills)] {
        let measured = both_ways(rule, folder.path());
        assert_eq!(measured.events, rows.len() as u64, "{rule}");
        assert_eq!((measured.orders, measured.filled), (orders, fills), "{rule}");
    }
}

/// The day that other engines were measured on.
#[test]
fn the_check_values_of_the_comparison_hold() {
    let folder = tempfile::tempdir().unwrap();
    let text = crate::day::csv();
    // the same events to the byte: other events would have other check values
    let digest = Sha256::digest(text.as_bytes());
    assert_eq!(digest[..4], [0x89, 0x5b, 0x61, 0xfa], "another day");
    std::fs::write(folder.path().join("events.csv"), text).unwrap();
    for (rule, orders, fills) in [("noop", 0, 0), ("ema", 1_054, 1_054), ("maker", 20_000, 15_617)]
    {
        let measured = both_ways(rule, folder.path());
        assert_eq!(measured.events, 1_200_000, "{rule}");
        assert_eq!((measured.orders, measured.filled), (orders, fills), "{rule}");
    }
}
