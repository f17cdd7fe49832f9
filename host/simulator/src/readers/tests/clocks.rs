//! Recorders' clocks that step back, and what is missing in what is played.

use super::*;

/// The recorder's clock steps back by a second between two updates of a book: they stay in their
/// order, no gap is made, and the report says by how much and how often.
#[test]
fn a_clock_that_steps_back_does_not_reorder_a_book() {
    const S: u64 = 1_000_000_000;
    let text = snapshot(10 * S, 10)
        + &diff(11 * S, (9, 12, 8), ONE, "[]")
        + &diff(12 * S, (13, 15, 12), ONE, "[]")
        + &diff(11 * S, (16, 18, 15), ONE, "[]")
        + &diff(11 * S + S / 2, (19, 20, 18), ONE, "[]")
        + &diff(13 * S, (21, 22, 20), ONE, "[]");
    let recording = binance(&text);
    let report = &recording.files[0];
    let ids: Vec<u64> = levels(&recording).iter().map(|level| level.0).collect();
    assert_eq!(ids, [10, 10, 12, 15, 18, 20, 22]);
    assert!(recording.ticks().is_sorted_by_key(|tick| tick.recv_ts));
    assert_eq!((report.gaps, report.disorder), (0, 2), "{report:?}");
    assert_eq!(report.figures["clock_back_ns_max"], 1_000_000_000);
    assert!(report.notes.iter().any(|note| note.contains("2 rows")), "{report:?}");
}

/// Gaps are counted in what is played, of each instrument by itself.
#[test]
fn a_missing_update_is_one_gap_of_its_own_file() {
    let one = snapshot(1, 10) + &diff(2, (11, 12, 10), ONE, "[]");
    let hole = one.clone() + &diff(3, (15, 16, 14), ONE, "[]");
    let other = one.replace("btcusdt@", "ethusdt@");
    let files = [("usdm_ethusdt_20240808", &other[..]), ("usdm_btcusdt_20240808", &hole[..])];
    let second = Instrument { id: InstrumentId(1), ..perpetual("BTCUSDT") };
    let read = binance_raw(folder(&files).path(), &[perpetual("ETHUSDT"), second]).unwrap();
    let gaps: Vec<u64> = read.files.iter().map(|file| file.gaps).collect();
    assert_eq!(gaps, [0, 1], "{:?}", read.files);
}

/// One wrong time in front would make the market stand still: said with its row, not played.
#[test]
fn a_time_far_ahead_of_all_others_is_refused_with_its_row() {
    let minutes = |m: u64| m * 60_000_000_000;
    let text = snapshot(minutes(100), 10) + &diff(minutes(1), (11, 12, 10), ONE, "[]");
    let folder = folder(&[("usdm_btcusdt_20240808", &text)]);
    let said = binance_raw(folder.path(), &[perpetual("BTCUSDT")]).unwrap_err().to_string();
    assert!(said.contains("row 2") && said.contains("5940000 ms"), "{said}");
}

#[test]
fn a_hyperliquid_clock_that_steps_back_keeps_the_order_of_each_file() {
    let row = |at: &str, id: u64| format!("{at},100.0,1,buy,{id},1000\n");
    let trades = "timestamp\n".to_owned() + &row("12", 1) + &row("11.5", 2) + &row("13", 3);
    let prices = "timestamp\n11,99.0,1,bid,1000\n11,101.0,1,ask,1000\n\
                  10,98.0,1,bid,1000\n10,99.5,1,ask,1000\n";
    let folder = folder(&[("prices_BTC.csv", prices), ("trades_BTC.csv", &trades)]);
    let recording = hyperliquid_csv(folder.path(), &[perpetual("BTC")]).unwrap();
    let of = |kind: TickKind| recording.ticks().iter().filter(move |t| t.kind == kind.code());
    assert_eq!(of(TickKind::Trade).map(|tick| tick.c).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(of(TickKind::Quote).map(|tick| tick.a).collect::<Vec<_>>(), [990, 980]);
    let most: Vec<i64> = recording.files.iter().map(|f| f.figures["clock_back_ns_max"]).collect();
    assert_eq!(most, [1_000_000_000, 500_000_000]);
}

/// What a run says of its recording in a sentence.
#[test]
fn a_recording_that_is_not_whole_is_told_in_words() {
    let whole = snapshot(1, 10) + &diff(2, (11, 12, 10), ONE, "[]");
    assert_eq!(binance(&whole).files[0].odd(), None);
    let text = whole + "3 nothing\n" + &diff(2, (15, 16, 14), ONE, "[]");
    let said = binance(&text).files[0].odd().unwrap();
    for part in ["1 of 4 rows are bad", "line 3", "1 sequence gaps", "1 rows out of order"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}
