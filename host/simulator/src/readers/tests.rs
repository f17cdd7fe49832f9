//! Recordings by hand, with what goes wrong in real ones.

use super::*;
use hedgerow_model::{
    Decimal, Instrument, InstrumentId, InstrumentKind, Price, PriceGrid, Quantity, Scale,
    SequenceRule, VenueId, flag,
};
use std::path::Path;

mod clocks;

fn instrument(symbol: &str, kind: InstrumentKind) -> Instrument {
    Instrument {
        id: InstrumentId(0),
        venue: VenueId(0),
        symbol: symbol.into(),
        kind,
        base: "B".into(),
        quote: "Q".into(),
        settle: "Q".into(),
        price_scale: Scale::new(1).unwrap(),
        quantity_scale: Scale::new(0).unwrap(),
        grid: PriceGrid::Tick(Price::from_units(1)),
        lot: Quantity::from_units(1),
        min_quantity: Quantity::from_units(1),
        max_quantity: None,
        min_notional: None,
        band: None,
        multiplier: Decimal::ONE,
        sequence: SequenceRule::Snapshots,
    }
}

fn perpetual(symbol: &str) -> Instrument {
    instrument(symbol, InstrumentKind::LinearPerpetual)
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// A futures diff: bids and asks as JSON.
fn diff(at: u64, (first, last, previous): (u64, u64, u64), b: &str, a: &str) -> String {
    format!(
        "{at} {{\"stream\":\"btcusdt@depth@0ms\",\"data\":{{\"E\":{at},\"U\":{first},\"u\":{last},\
         \"pu\":{previous},\"b\":{b},\"a\":{a}}}}}\n"
    )
}

fn snapshot(at: u64, id: u64) -> String {
    format!(
        "{at} {{\"lastUpdateId\":{id},\"bids\":[[\"100.0\",\"1\"]],\"asks\":[[\"101.0\",\"1\"]]}}\n"
    )
}

const ONE: &str = "[[\"100.0\",\"2\"]]";

fn binance(text: &str) -> Recording {
    let folder = folder(&[("usdm_btcusdt_20240808", text)]);
    binance_raw(folder.path(), &[perpetual("BTCUSDT")]).unwrap()
}

/// (update id, snapshot, price, quantity) of all levels.
fn levels(recording: &Recording) -> Vec<(u64, bool, i64, i64)> {
    let level = TickKind::Level.code();
    let ticks = recording.ticks().iter().filter(|tick| tick.kind == level);
    ticks.map(|tick| (tick.seq, tick.has(flag::SNAPSHOT), tick.a, tick.b)).collect()
}

#[test]
fn a_file_is_its_instruments_own_and_the_only_one() {
    let read = |files: &[(&str, &str)]| {
        let folder = folder(files);
        binance_raw(folder.path(), &[perpetual("BTCUSDT")]).map_err(|e| e.to_string())
    };
    let quarter = ("usdm_btcusdt_240927_20240808", "");
    let said = read(&[quarter]).unwrap_err();
    assert!(said.contains("there is no recording of BTCUSDT"), "{said}");
    let found = read(&[quarter, ("usdm_btcusdt_20240808", "")]).unwrap();
    assert_eq!(found.files[0].file, "usdm_btcusdt_20240808");
    let two = [("usdm_btcusdt_20240808", ""), ("usdm_btcusdt_20240809.gz", "")];
    let said = read(&two).unwrap_err();
    assert!(said.contains("several") && said.contains("20240809.gz"), "{said}");
    let folder = folder(&[("prices_BTC.old.csv", ""), ("prices_BTC.csv.bak", "")]);
    let said = lighter_csv(folder.path(), &[perpetual("BTC")]).unwrap_err().to_string();
    assert!(said.contains("there is no recording of BTC"), "{said}");
}

/// A recorder that was killed: the row where its file ends, and how to play what is before it.
#[test]
fn a_torn_gzip_is_refused_with_its_row_and_what_to_do() {
    let folder = folder(&[]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    let row = "1700000000000,100.0,1\n";
    std::io::Write::write_all(&mut packed, row.repeat(20_000).as_bytes()).unwrap();
    let bytes = packed.finish().unwrap();
    let path = folder.path().join("prices_BTC.csv.gz");
    std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    let said = lighter_csv(folder.path(), &[perpetual("BTC")]).unwrap_err().to_string();
    let row: u64 = said.split("row ").nth(1).unwrap().split(':').next().unwrap().parse().unwrap();
    assert!(row > 1_000 && said.contains(&format!("head -n {}`", row - 1)), "{said}");
}

#[test]
fn binance_messages_for_another_symbol_are_counted_and_left_out() {
    let trade = |symbol: &str| {
        format!(
            "5 {{\"stream\":\"{symbol}@trade\",\"data\":{{\"T\":5,\"t\":1,\"p\":\"100.0\",\
             \"q\":\"1\",\"m\":true}}}}\n"
        )
    };
    let recording = binance(&(trade("btcusdt") + &trade("ethusdt") + &trade("btcusdt_240927")));
    assert_eq!(recording.ticks().len(), 1);
    assert_eq!(recording.files[0].bad["for another symbol"], 2);
    assert_eq!(recording.files[0].first_bad["for another symbol"], 2);
}

#[test]
fn a_snapshot_in_the_middle_is_followed_by_what_came_before_it_and_is_newer() {
    let text = snapshot(1, 10)
        + &diff(2, (9, 12, 8), ONE, "[]")
        + &diff(3, (13, 15, 12), ONE, "[]")
        + &diff(4, (16, 18, 15), ONE, "[]")
        + &snapshot(5, 14)
        + &diff(6, (19, 20, 18), ONE, "[]");
    let recording = binance(&text);
    let report = &recording.files[0];
    assert_eq!(report.gaps, 0, "{report:?}");
    let ids: Vec<u64> = levels(&recording).iter().map(|level| level.0).collect();
    assert_eq!(ids, [10, 10, 12, 15, 18, 14, 14, 15, 18, 20]);
    assert_eq!(report.figures["depth_rows_applied"], 4);
    assert_eq!(report.figures["depth_rows_again"], 2);
    // the book of the snapshot alone is older than what was known: it is never whole by itself
    assert_eq!(ends(&recording), [10, 12, 15, 18, 18, 20]);
}

/// What was missed stays a hole, after what can be made of the snapshot.
#[test]
fn a_hole_in_what_was_kept_for_a_snapshot_is_seen() {
    let text = diff(1, (11, 12, 9), ONE, "[]")
        + &diff(2, (15, 16, 14), ONE, "[]")
        + &snapshot(3, 11)
        + &diff(4, (17, 18, 16), ONE, "[]");
    let recording = binance(&text);
    assert_eq!(recording.files[0].gaps, 1);
    assert_eq!(ends(&recording), [12, 16, 18]);
}

/// The ids of the ticks that end an update of the book.
fn ends(recording: &Recording) -> Vec<u64> {
    let level = TickKind::Level.code();
    let ends = recording.ticks().iter().filter(|tick| tick.kind == level && tick.is_last());
    ends.map(|tick| tick.seq).collect()
}

#[test]
fn changes_that_a_snapshot_already_has_are_no_gap() {
    let text = snapshot(1, 20)
        + &diff(2, (9, 12, 8), ONE, "[]")
        + &diff(3, (13, 18, 12), ONE, "[]")
        + &diff(4, (19, 22, 18), ONE, "[]")
        + &diff(5, (23, 25, 22), ONE, "[]");
    let recording = binance(&text);
    let report = &recording.files[0];
    assert_eq!(report.gaps, 0, "{report:?}");
    assert_eq!(report.figures["depth_rows_older_than_snapshot"], 2);
    assert_eq!(levels(&recording).len(), 4);
}

#[test]
fn a_change_of_nothing_keeps_its_place_in_the_chain() {
    let text = snapshot(1, 10)
        + &diff(2, (9, 12, 8), ONE, "[]")
        + &diff(3, (13, 15, 12), "[]", "[]")
        + &diff(4, (16, 18, 15), ONE, "[]");
    let recording = binance(&text);
    assert_eq!(recording.gaps(), 0, "{:?}", recording.files);
    let tick = recording.ticks().iter().find(|tick| tick.seq == 15).unwrap();
    assert_eq!((tick.a, tick.b, tick.is_last()), (0, 0, true), "it removes what is not there");
}

#[test]
fn an_unreadable_row_before_the_snapshot_costs_only_itself() {
    let text = diff(1, (1, 5, 0), "[[\"x\",\"1\"]]", "[]")
        + &diff(2, (6, 12, 5), "[[\"100.05\",\"1\"]]", "[]")
        + &diff(3, (13, 15, 12), ONE, "[]")
        + &snapshot(4, 14)
        + &diff(5, (16, 18, 15), ONE, "[]");
    let recording = binance(&text);
    let report = &recording.files[0];
    assert_eq!(report.gaps, 0, "{report:?}");
    let ids: Vec<u64> = levels(&recording).iter().map(|level| level.0).collect();
    assert_eq!(ids, [14, 14, 15, 18]);
    // of those that the snapshot does not have, one that cannot be read is told by its own line
    let text = diff(1, (9, 12, 8), "[[\"x\",\"1\"]]", "[]") + &snapshot(2, 10);
    let report = &binance(&text).files[0];
    assert_eq!(report.first_bad.values().collect::<Vec<_>>(), [&1], "{report:?}");
}

#[test]
fn times_beyond_all_bounds_are_bad_rows() {
    let huge = u64::MAX;
    let message = |stream: &str, data: &str| {
        format!("5 {{\"stream\":\"btcusdt@{stream}\",\"data\":{{{data}}}}}\n")
    };
    let text =
        message("trade", &format!("\"T\":{huge},\"t\":1,\"p\":\"1\",\"q\":\"1\",\"m\":true"))
            + &message(
                "bookTicker",
                &format!("\"E\":{huge},\"u\":1,\"b\":\"1\",\"B\":\"1\",\"a\":\"2\",\"A\":\"1\""),
            )
            + &message(
                "depth",
                &format!("\"E\":{huge},\"U\":1,\"u\":2,\"pu\":0,\"b\":[],\"a\":[]"),
            )
            + &format!("6 {{\"lastUpdateId\":9,\"T\":{huge},\"bids\":[],\"asks\":[]}}\n")
            + &snapshot(7, 1)
            + &message(
                "depth",
                &format!("\"E\":{huge},\"U\":1,\"u\":2,\"pu\":0,\"b\":[],\"a\":[]"),
            );
    let report = &binance(&text).files[0];
    assert_eq!(report.bad.values().sum::<u64>(), 5, "{report:?}");
    let folder = folder(&[
        ("orderbooks_BTC.csv", &format!("timestamp\n1,1,{huge}{}\n", ",".repeat(80))),
        ("prices_BTC.csv", &format!("timestamp\n1,100.0,1,bid,{huge}\n")),
        ("trades_BTC.csv", &format!("timestamp\n1,100.0,1,buy,1,{huge}\n")),
    ]);
    let recording = hyperliquid_csv(folder.path(), &[perpetual("BTC")]).unwrap();
    let bad: Vec<u64> = recording.files.iter().map(|file| file.bad.values().sum()).collect();
    assert_eq!(bad, [1, 1, 1], "{:?}", recording.files);
}

#[test]
fn lighter_files_that_do_not_share_their_clock_steps_are_refused() {
    let quote = |stamp: &str| format!("2025-09-15T{stamp},100.0,1,100.1,1\n");
    let trade = |stamp: &str, id: u32| format!("2025-09-15T{stamp},100.0,1,buy,{id},100\n");
    let header = "timestamp\n".to_owned();
    let prices = header.clone() + &quote("22:00:00") + &quote("21:00:00");
    let read = |trades: &str| {
        let folder = folder(&[("prices_BTC.csv", &prices), ("trades_BTC.csv", trades)]);
        lighter_csv(folder.path(), &[perpetual("BTC")]).map_err(|e| e.to_string())
    };
    // begins after the step: nothing in it says so
    let said = read(&(header.clone() + &trade("21:00:01", 1))).unwrap_err();
    assert!(said.contains("prices_BTC.csv 1") && said.contains("trades_BTC.csv 0"), "{said}");
    // a step of its own, somewhere else
    let other = header.clone() + &trade("10:00:00", 1) + &trade("09:00:00", 2);
    let said = read(&other).unwrap_err();
    assert!(said.contains("not the same"), "{said}");
    let same = header + &trade("21:59:59", 1) + &trade("21:00:01", 2);
    let recording = read(&same).unwrap();
    assert!(recording.ticks().is_sorted_by_key(|tick| tick.recv_ts));
    for report in &recording.files {
        assert!(report.notes.iter().any(|note| note.contains("UTC")), "{report:?}");
    }
}

#[test]
fn a_first_line_that_is_no_header_is_a_row() {
    let rows = "1.5,100.0,1,bid,1000\n1.5,100.1,1,ask,1000\n";
    let folder = folder(&[("prices_BTC.csv", rows), ("events.csv", "Q,1,100.0,1,100.1,2,\n")]);
    let recording = hyperliquid_csv(folder.path(), &[perpetual("BTC")]).unwrap();
    assert_eq!(recording.ticks().len(), 1, "{:?}", recording.files);
    assert_eq!(recording.files[0].rows, 2);
    assert!(recording.files[0].notes.iter().any(|note| note.contains("no header")));
    let recording = bench_csv(folder.path(), &[perpetual("BTC")]).unwrap();
    assert_eq!(recording.ticks().len(), 1, "{:?}", recording.files);
    assert!(recording.files[0].notes.iter().any(|note| note.contains("no header")));
}

#[test]
fn an_empty_hyperliquid_book_clears_the_book() {
    let level = format!("2.5,1,2000,100.0,1,101.0,1{}\n", ",".repeat(76));
    let text = format!("timestamp\n{level}3.5,1,3000{}\n", ",".repeat(80));
    let folder = folder(&[("orderbooks_BTC.csv", &text)]);
    let recording = hyperliquid_csv(folder.path(), &[perpetual("BTC")]).unwrap();
    let mut book = hedgerow_model::Book::default();
    for tick in recording.ticks() {
        book.apply(tick);
    }
    assert_eq!(recording.ticks().len(), 3, "{:?}", recording.files);
    assert_eq!(book, hedgerow_model::Book::default());
    assert!(recording.ticks()[2].is_last());
}

#[test]
fn the_bench_reader_takes_two_sides_and_counts_what_is_odd() {
    let text = "kind,ts_ns,a,b,c,d,e\nT,7000000000,100.0,1,B,1,\nT,6000000000,100.0,1,S,2,\n\
                T,60000000000,100.0,1,X,3,\nT,60000000000,100.0,1,buy,4,\n\
                T,60000000000,100.0,1,B,5,\n";
    let folder = folder(&[("events.csv", text)]);
    let recording = bench_csv(folder.path(), &[perpetual("BTC")]).unwrap();
    let report = &recording.files[0];
    let sides: Vec<bool> = recording.ticks().iter().map(|tick| tick.has(flag::SELL)).collect();
    assert_eq!(sides, [false, true, false], "in the order of the file, whatever its clock says");
    assert_eq!(report.bad.values().sum::<u64>(), 2, "{report:?}");
    assert_eq!((report.disorder, report.holes), (1, 1), "{report:?}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let said = binance_raw(Path::new("/nowhere/at/all"), &[perpetual("BTCUSDT")]);
    let said = said.unwrap_err().to_string();
    assert!(said.starts_with("reading /nowhere/at/all"), "{said}");
}

/// Trades one second apart, each received 100 ms after its venue's time, but for those that `ahead`
/// names: there the venue's time is an hour ahead.
fn trades(rows: u64, ahead: impl Fn(u64) -> bool) -> String {
    let row = |n: u64| {
        let second = 1_000_000 + n;
        let venue = second * 1_000 - 100 + if ahead(n) { 3_600_000 } else { 0 };
        format!("{second},100.0,1,buy,{n},{venue}\n")
    };
    let quotes = "timestamp\n".to_owned();
    (0..rows).map(row).fold(quotes, |all, row| all + &row)
}

#[test]
fn one_wrong_venue_time_gives_no_sight_of_the_future() {
    let prices = "timestamp\n1000000,99.0,1,bid,999999900\n1000000,101.0,1,ask,999999900\n";
    let read = |ahead: fn(u64) -> bool| {
        let files = [("prices_BTC.csv", prices), ("trades_BTC.csv", &trades(200, ahead))];
        hyperliquid_csv(folder(&files).path(), &[perpetual("BTC")])
    };
    let effects = |recording: &Recording| -> Vec<u64> {
        let at_venue = recording.at_venue.as_ref().unwrap_or(&recording.ticks);
        recording.at.iter().zip(at_venue).map(|(at, tick)| tick.recv_ts - at).collect()
    };
    let right = read(|_| false).unwrap();
    let wrong = read(|n| n == 100).unwrap();
    // by the smallest delay, which is what all have, each took effect when it was received
    assert_eq!(effects(&right), vec![0; 201]);
    assert_eq!(effects(&wrong), vec![0; 201], "an hour before it was received");
    let report = &wrong.files[1];
    assert_eq!(report.figures["smallest_delay_ns"], 100_000_000);
    assert_eq!(report.figures["ticks_with_a_wrong_venue_time"], 1, "{report:?}");
    let odd = wrong.ticks().iter().find(|tick| tick.has(flag::NO_VENUE_TIME)).unwrap();
    assert_eq!(odd.ts, odd.recv_ts, "the strategy is not shown it either");
    // too many: the two clocks moved, and nothing says which rows are right
    let said = read(|n| n >= 180).unwrap_err().to_string();
    assert!(said.contains("20 of 201 rows") && said.contains("ahead"), "{said}");
}

#[test]
fn quotes_of_one_side_are_counted_each() {
    let rows = "timestamp\n1,99.0,1,bid,1000\n2,101.0,1,ask,2000\n3,99.0,1,bid,3000\n\
                3,1,1,middle,3000\n3,101.0,1,ask,3000\n";
    let folder = folder(&[("prices_BTC.csv", rows)]);
    let recording = hyperliquid_csv(folder.path(), &[perpetual("BTC")]).unwrap();
    let report = &recording.files[0];
    assert_eq!(recording.ticks().len(), 1, "a row of neither side takes no bid away: {report:?}");
    assert_eq!(report.bad["a bid without its ask"], 1, "{report:?}");
    assert_eq!(report.bad["an ask without its bid"], 1, "{report:?}");
    assert_eq!(report.bad["neither bid nor ask"], 1, "{report:?}");
}

#[test]
fn a_level_with_a_size_and_no_price_is_a_bad_row() {
    let text = format!("timestamp\n2.5,1,2000,100.0,1,,1{}\n", ",".repeat(76));
    let folder = folder(&[("orderbooks_BTC.csv", &text)]);
    let recording = hyperliquid_csv(folder.path(), &[perpetual("BTC")]).unwrap();
    assert!(recording.ticks().is_empty());
    assert_eq!(recording.files[0].bad["a size without a price"], 1, "{:?}", recording.files);
}

#[test]
fn binance_trades_count_once_and_missing_ones_are_told() {
    let trade = |id: u64| {
        format!(
            "5 {{\"stream\":\"btcusdt@trade\",\"data\":{{\"T\":5,\"t\":{id},\"p\":\"100.0\",\
             \"q\":\"1\",\"m\":true}}}}\n"
        )
    };
    let recording = binance(&[7, 8, 8, 12, 7, 11].map(trade).concat());
    let report = &recording.files[0];
    assert_eq!(recording.ticks().len(), 4, "{report:?}");
    assert_eq!(report.repeated, 2);
    assert_eq!(report.figures["trade_ids_missing"], 2, "9 and 10");
}
