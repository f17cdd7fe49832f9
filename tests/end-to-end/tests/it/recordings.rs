//! The main job on recorded market data of real venues.

use hedgerow_daemon::command::backtest;
use hedgerow_daemon::config::{self, Config};
use hedgerow_driver::Batching;
use hedgerow_end_to_end::{reference, root};
use hedgerow_engine::{Effects, Engine, EngineConfig, HostLimits, Input};
use hedgerow_model::{
    Duration, Instrument, InstrumentId, PriceGrid, Scale, SequenceRule, Tick, TickKind, flag,
};
use hedgerow_simulator::readers;
use std::collections::BTreeMap;

fn binance() -> Option<Config> {
    let data = reference("binance-raw-l2-20240808")?;
    let file = root().join("examples/backtest-binance/host.toml");
    let config = config::load(&file).and_then(|config| config.with_data(&data));
    Some(config.unwrap_or_else(|e| panic!("{e}")))
}

#[test]
fn a_backtest_on_binance_is_repeatable_and_loses_no_depth_row() {
    let Some(config) = binance() else { return };
    let loaded = backtest::load(&config).unwrap_or_else(|e| panic!("{}", e.message));
    let run = |batching| {
        let finished = backtest::run(&config, &loaded, batching);
        finished.unwrap_or_else(|e| panic!("{}", e.message))
    };
    let first = run(Batching::Adaptive);
    let again = run(Batching::Adaptive);
    let single = run(Batching::One);
    let json =
        |finished: &backtest::Finished| serde_json::to_string_pretty(&finished.backtest).unwrap();
    assert_eq!(json(&first), json(&again), "a run repeated gives the same bytes");
    assert_eq!(json(&first), json(&single), "batches change nothing");
    assert_eq!(first.journal.bytes(), single.journal.bytes());
    let run = &first.backtest.run;
    assert_eq!(run.gaps, 0, "false gaps");
    assert!(run.fills > 50, "{} fills", run.fills);
    // counted on import: rows, those before the snapshot that are older than it, those kept back
    for (file, rows, older, kept, levels) in [
        ("spot_btcusdt", 3451, 2, 1, 124_073 + 2_000),
        ("usdm_btcusdt", 6551, 4, 2, 443_262 + 2_000),
        ("cm_btcusd_perp", 26_847, 23, 2, 295_747 + 2_000),
    ] {
        let found = first.backtest.data.iter().find(|report| report.file.starts_with(file));
        let report = found.unwrap_or_else(|| panic!("no {file}"));
        let figure = |name: &str| report.figures.get(name).copied().unwrap_or(0);
        assert_eq!(figure("depth_rows"), rows, "{file}");
        assert_eq!(figure("depth_rows_older_than_snapshot"), older, "{file}");
        assert_eq!(figure("depth_rows_kept_back"), kept, "{file}");
        assert_eq!(figure("depth_rows_applied"), rows - older, "{file}");
        assert_eq!(report.ticks["level"], levels, "{file}");
        assert!(report.bad.is_empty() && report.gaps == 0, "{report:?}");
    }
}

fn usdm(symbol: &str, price: u8) -> Instrument {
    let mut instrument = binance_instrument();
    instrument.symbol = symbol.into();
    instrument.price_scale = Scale::new(price).unwrap();
    instrument
}

fn binance_instrument() -> Instrument {
    let file = root().join("examples/backtest-binance/host.toml");
    let config = config::load(&file).unwrap_or_else(|e| panic!("{e}"));
    let mut instrument = config.instruments[1].0.clone();
    instrument.id = InstrumentId(0);
    instrument
}

/// Prices and quantities of five levels a side, as text without trailing zeros.
type Five = Vec<(String, String)>;

fn engine_levels(engine: &Engine, instrument: &Instrument) -> (Five, Five) {
    let (mut bids, mut asks) = (Vec::new(), Vec::new());
    for tick in engine.snapshot_ticks(instrument.id) {
        // a level of nothing is an empty book
        if tick.kind != TickKind::Level.code() || tick.b == 0 {
            continue;
        }
        let price = instrument.price(hedgerow_model::Price::from_units(tick.a));
        let quantity = instrument.quantity(hedgerow_model::Quantity::from_units(tick.b));
        let level = (price.normalize().to_string(), quantity.normalize().to_string());
        if tick.has(flag::SELL) { asks.push(level) } else { bids.push(level) }
    }
    bids.truncate(5);
    asks.truncate(5);
    (bids, asks)
}

fn oracle_levels(levels: &serde_json::Value) -> Five {
    let text = |value: &serde_json::Value| {
        let decimal: hedgerow_model::Decimal = value.to_string().parse().unwrap();
        decimal.normalize().to_string()
    };
    levels.as_array().unwrap().iter().map(|level| (text(&level[0]), text(&level[1]))).collect()
}

#[test]
fn the_rebuilt_book_equals_the_snapshots_beside_the_recording() {
    let Some(folder) = reference("binance-raw-l2-20240808") else { return };
    let mut equal = 0;
    for (symbol, file, price, shift) in [
        ("BTCUSDT", "usdm_btcusdt_20240808", 4, 1_272_156_851_u64),
        ("ETHUSDT", "usdm_ethusdt_20240808", 4, 1_272_228_703),
    ] {
        let instrument = usdm(symbol, price);
        assert_eq!(instrument.sequence, SequenceRule::PreviousId);
        assert!(matches!(instrument.grid, PriceGrid::Tick(_)));
        let recording = readers::binance_raw(&folder, std::slice::from_ref(&instrument)).unwrap();
        let mut engine = Engine::new(EngineConfig {
            instruments: vec![instrument.clone()],
            no_amends: std::collections::BTreeSet::new(),
            venues: vec!["binance-usdm".into()],
            accounts: Vec::new(),
            strategies: Vec::new(),
            host: HostLimits::default(),
            instrument_limits: Vec::new(),
            accounting: hedgerow_model::Accounting::default(),
            stale_after: Duration::from_secs(5),
            tick_credit: None,
            writes: hedgerow_engine::WriteLimits::default(),
        });
        let path = folder.join(format!("{file}.hftbacktest_depth5_every10s.json"));
        let samples: Vec<serde_json::Value> =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(samples.len(), 34);
        let mut effects = Effects::default();
        let mut ticks = recording.ticks().iter().peekable();
        for sample in &samples {
            let until = sample["local_ts_ns"].as_u64().unwrap();
            while let Some(tick) = ticks.next_if(|tick: &&Tick| tick.recv_ts + shift <= until) {
                engine.handle(Input::Market(std::slice::from_ref(tick)), &mut effects);
            }
            let (bids, asks) = engine_levels(&engine, &instrument);
            assert_eq!(bids, oracle_levels(&sample["bids"]), "{symbol} bids at {until}");
            assert_eq!(asks, oracle_levels(&sample["asks"]), "{symbol} asks at {until}");
            equal += 1;
        }
        assert!(effects.facts.is_empty(), "no gap was seen");
    }
    println!("{equal} of 68 snapshots equal");
    assert_eq!(equal, 68);
}

#[test]
fn a_lost_depth_row_is_exactly_one_gap() {
    let Some(folder) = reference("binance-raw-l2-20240808") else { return };
    let instrument = usdm("BTCUSDT", 4);
    let recording = readers::binance_raw(&folder, std::slice::from_ref(&instrument)).unwrap();
    let mut engine = Engine::new(EngineConfig {
        instruments: vec![instrument],
        no_amends: std::collections::BTreeSet::new(),
        venues: vec!["v".into()],
        accounts: Vec::new(),
        strategies: Vec::new(),
        host: HostLimits::default(),
        instrument_limits: Vec::new(),
        accounting: hedgerow_model::Accounting::default(),
        stale_after: Duration::from_secs(5),
        tick_credit: None,
        writes: hedgerow_engine::WriteLimits::default(),
    });
    let levels: Vec<u64> = recording
        .ticks()
        .iter()
        .filter(|tick| tick.kind == TickKind::Level.code())
        .map(|tick| tick.seq)
        .collect();
    let lost = levels[levels.len() / 2];
    let mut effects = Effects::default();
    for tick in recording.ticks() {
        if !(tick.kind == TickKind::Level.code() && tick.seq == lost) {
            engine.handle(Input::Market(std::slice::from_ref(tick)), &mut effects);
        }
    }
    let gaps: Vec<_> = effects.facts.iter().map(|fact| format!("{:?}", fact.fact)).collect();
    assert_eq!(gaps, ["Market { instrument: InstrumentId(0), status: Gap }"]);
}

fn csv_instrument(symbol: &str, price: u8, quantity: u8) -> Instrument {
    let mut instrument = usdm(symbol, price);
    instrument.quantity_scale = Scale::new(quantity).unwrap();
    instrument.sequence = SequenceRule::Snapshots;
    instrument
}

#[test]
fn hyperliquid_pairs_quotes_and_drops_trades_that_a_reconnect_repeats() {
    let Some(folder) = reference("hyperliquid-l2-trades-20250904") else { return };
    for (symbol, price, quantity, quotes, trades, repeated) in [
        ("BTC", 0, 5, 13_896, 6_675, 0),
        ("ETH", 1, 4, 15_259, 6_867, 17),
        ("SOL", 2, 2, 13_211, 4_427, 10),
        ("WLFI", 5, 0, 8_853, 2_555, 8),
    ] {
        let instrument = csv_instrument(symbol, price, quantity);
        let recording = readers::hyperliquid_csv(&folder, &[instrument]).unwrap();
        let mut made = BTreeMap::new();
        for report in &recording.files {
            assert!(report.bad.is_empty(), "{report:?}");
            made.extend(report.ticks.clone());
        }
        assert_eq!(made["level"], 151_400, "{symbol}");
        assert_eq!((made["quote"], made["trade"]), (quotes, trades), "{symbol}");
        let again: u64 = recording.files.iter().map(|report| report.repeated).sum();
        assert_eq!(again, repeated, "{symbol}");
        let crossed = recording
            .ticks()
            .iter()
            .filter(|tick| tick.kind == TickKind::Quote.code() && tick.a >= tick.c)
            .count();
        assert_eq!(crossed, 0, "{symbol}: rows applied singly would cross");
    }
}

#[test]
fn lighter_goes_on_over_a_clock_that_stepped_back_and_says_so() {
    let Some(folder) = reference("lighter-bbo-trades-20250915") else { return };
    for (symbol, price, quantity, quotes, trades, without_id) in [
        ("BTC", 1, 5, 17_974, 456, 11_635),
        ("ETH", 2, 4, 17_361, 448, 11_296),
        ("PAXG", 2, 4, 1_334, 147, 668),
    ] {
        let instrument = csv_instrument(symbol, price, quantity);
        let recording = readers::lighter_csv(&folder, &[instrument]).unwrap();
        let [prices, fills] = &recording.files[..] else { panic!("{:?}", recording.files) };
        assert_eq!((prices.ticks["quote"], fills.ticks["trade"]), (quotes, trades), "{symbol}");
        assert_eq!(prices.figures["rows_without_market_id"], without_id, "{symbol}");
        for report in &recording.files {
            assert!(report.bad.is_empty(), "{report:?}");
            assert_eq!(report.figures["clock_steps"], 1, "{symbol}");
            assert!(report.notes.iter().any(|note| note.contains("stepped back")));
        }
        let times: Vec<u64> = recording.ticks().iter().map(|tick| tick.recv_ts).collect();
        assert!(times.is_sorted(), "{symbol}");
        // ids rise in the order of the file: no trade changed its place
        let ids: Vec<i64> = recording
            .ticks()
            .iter()
            .filter(|tick| tick.kind == TickKind::Trade.code())
            .map(|tick| tick.c)
            .collect();
        assert!(ids.is_sorted(), "{symbol}");
    }
    // one recorder, one clock: all files show the same step
    let all = [("BTC", 1, 5), ("ETH", 2, 4), ("PAXG", 2, 4)];
    let all = all.map(|(symbol, price, quantity)| csv_instrument(symbol, price, quantity));
    assert_eq!(readers::lighter_csv(&folder, &all).unwrap().files.len(), 6);
}

#[test]
fn a_run_over_the_recording_gives_the_fills_of_the_backtest() {
    let Some(config) = binance() else { return };
    let loaded = backtest::load(&config).unwrap_or_else(|e| panic!("{}", e.message));
    let finished = backtest::run(&config, &loaded, Batching::Adaptive);
    let expected = fills(&finished.unwrap_or_else(|e| panic!("{}", e.message)).journal.facts);
    let data = reference("binance-raw-l2-20240808").unwrap();
    // as fast as it goes, and paced at sixty times real time
    for speed in ["0", "60"] {
        let folder = tempfile::tempdir().unwrap();
        let text = std::fs::read_to_string(&config.file).unwrap();
        let plugins = config.plugins.display().to_string();
        let text = text
            .replace("../../target/guests/components", &plugins)
            .replace("../../.hedgerow/backtest-binance", "state")
            .replace("path = \"data\"", &format!("path = \"data\"\nspeed = \"{speed}\""));
        let file = folder.path().join("host.toml");
        std::fs::write(&file, text).unwrap();
        let (file, data) = (file.to_str().unwrap(), data.to_str().unwrap());
        let output = hedgerow_end_to_end::run(&["run", "--json", "--config", file, "--data", data]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let journal = folder.path().join("state/journal.sqlite");
        let facts = hedgerow_store::SqliteJournal::open(&journal).unwrap().read().unwrap();
        assert_eq!(fills(&facts), expected, "speed {speed}");
    }
}

fn fills(facts: &[hedgerow_model::Stamped]) -> Vec<String> {
    let fill = |stamped: &hedgerow_model::Stamped| match &stamped.fact {
        fact @ hedgerow_model::Fact::Fill { .. } => Some(format!("{} {fact:?}", stamped.time)),
        _ => None,
    };
    facts.iter().filter_map(fill).collect()
}

/// A config that does not describe its recording is told so: what is left would be no market.
#[test]
fn a_file_that_is_mostly_bad_is_refused_with_the_reason() {
    let Some(mut config) = binance() else { return };
    for (instrument, _) in &mut config.instruments {
        instrument.price_scale = Scale::ZERO;
    }
    let Err(error) = hedgerow_daemon::data::open(&config, 0) else { panic!("it was taken") };
    let said = error.to_string();
    assert!(said.contains("rows are bad") && said.contains("finer than"), "{said}");
}
