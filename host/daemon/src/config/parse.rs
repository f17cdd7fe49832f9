//! From text to a checked config.

use super::asking::AccountEntry;
use super::guards;
use super::instrument::{Venues, instrument};
use super::money;
use super::problem::Problems;
use super::reader::{At, Section};
use super::sandbox::Sandbox;
use super::strategy::{Names, strategy};
use super::{Config, ConfigError, DataSource, SNAPSHOT_ROWS, SocketEntry, StrategyEntry};
use hedgerow_engine::{AccountGuards, InstrumentLimits};
use hedgerow_model::{Decimal, Duration, HostTime, Instrument, InstrumentId, Terms, VenueId};
use hedgerow_simulator::paper::{Fees, Leverage};
use hedgerow_simulator::{FillModel, VenueConfig};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// A generated price of some ten thousands fits with room to move.
const GENERATED_DIGITS: u8 = 10;
const HOUR_MS: u64 = 3_600_000;
const WEEK_S: u64 = 7 * 24 * 3_600 + 1;

/// Whether the folders it names are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folders {
    Checked,
    Unseen,
}

pub(super) fn parse(file: &Path, text: String, folders: Folders) -> Result<Config, ConfigError> {
    let mut problems = Problems::default();
    let made = match DeTable::parse(&text) {
        Ok(document) => read(file, document.get_ref(), folders, &mut problems),
        Err(error) => {
            let span = error.span().unwrap_or(0..1);
            problems.add(span, "syntax", error.message().to_owned(), "mend the TOML here");
            None
        }
    };
    let wrong = ConfigError::of(file, &text, &problems);
    match made {
        Some(config) if problems.0.is_empty() => Ok(Config { text, ..config }),
        Some(config) => {
            let draft = Some(Box::new((Config { text, ..config }, problems)));
            Err(ConfigError { draft, ..wrong })
        }
        None => Err(wrong),
    }
}

fn read(
    file: &Path,
    table: &DeTable<'_>,
    folders: Folders,
    problems: &mut Problems,
) -> Option<Config> {
    let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
    let mut root = Section::root(table, problems);
    let (plugins, state) = places(&mut root, &folder, folders);
    let stale_ms = root.whole("stale_after_ms", 1..HOUR_MS);
    let data = root.required_table("data", |s| data(s, &folder)).unwrap_or_default();
    let host = root.table("limits", guards::host).unwrap_or_default();
    let sandbox = root.table("sandbox", super::sandbox::section);
    let Sandbox { limits: sandbox, ticks_waiting_max, probation, writes } =
        sandbox.unwrap_or_default();
    let venues = root.tables("venue", venue);
    let venues = unique(&mut root, "venue", venues);
    let around = Venues { known: &venues, declared: declared(table, "venue", &["name"]) };
    let Markets { instruments, limits: instrument_limits, maintenance_rates, changes } =
        markets(&mut root, &around, &data);
    let accounting = root.table("accounting", |s| money::accounting(s, &instruments));
    let accounting = accounting.unwrap_or_default();
    let settles = instruments.iter().map(|(spec, _)| spec.settle.clone()).collect();
    let taker = instruments.iter().map(|(_, fees)| fees.taker).max().unwrap_or_default();
    let Accounts { names: accounts, leverages, guards: account_guards, collateral, entries } =
        accounts(&mut root, taker, &settles);
    let names = Names {
        declared: declared(table, "instrument", &["venue", "symbol"]),
        venues: &venues,
        instruments: &instruments,
        accounts: &accounts,
    };
    let strategies = root.tables("strategy", |s| strategy(s, &names));
    check_names(&mut root, &strategies);
    let snapshot_rows = root.whole_or("snapshot_rows", 100..100_000_001, SNAPSHOT_ROWS);
    let guarded: Vec<_> = accounts.iter().zip(&account_guards).collect();
    guards::check(&mut root, &host, &guarded, &strategies);
    root.finish();
    Some(Config {
        file: file.to_owned(),
        text: String::new(),
        plugins: plugins?,
        // what is missing from here on is a problem that was told
        state: state.unwrap_or_default(),
        data: data.source.unwrap_or(DataSource::Generated { seed: 0, events_per_s: 1 }),
        speed_thousandths: data.speed_thousandths,
        warm_up: Duration::from_secs(data.warm_up_s),
        venues,
        instruments,
        instrument_limits,
        maintenance_rates,
        changes,
        accounts,
        collateral,
        leverages,
        account_guards,
        account_entries: entries,
        strategies,
        host,
        accounting,
        sandbox,
        ticks_waiting_max,
        probation,
        writes,
        stale_after: Duration::from_millis(stale_ms.map_or(1, |at| at.value)),
        snapshot_rows,
    })
}

/// What stands under `[[instrument]]`, each list in the order of ids.
struct Markets {
    instruments: Vec<(Instrument, Fees)>,
    limits: Vec<InstrumentLimits>,
    maintenance_rates: Vec<Option<Decimal>>,
    changes: Vec<(InstrumentId, HostTime, Terms)>,
}

fn markets(root: &mut Section<'_, '_>, around: &Venues<'_>, data: &Data) -> Markets {
    let mut known: Vec<(VenueId, String)> = Vec::new();
    let (mut limits, mut maintenance_rates) = (Vec::new(), Vec::new());
    let mut changes = Vec::new();
    let instruments = root.tables("instrument", |s| {
        let id = InstrumentId(u32::try_from(known.len()).unwrap_or(u32::MAX));
        let own = s.table("limits", guards::instrument).unwrap_or_default();
        let maintenance = guards::maintenance(s);
        let Some(made) = instrument(s, id, around, data.numbered) else {
            s.known(&["change"]);
            return None;
        };
        let own_changes = s.tables("change", |s| super::change::change(s, &made.0));
        changes.extend(own_changes.into_iter().map(|(at, terms)| (id, at, terms)));
        limits.push(own);
        maintenance_rates.push(maintenance);
        let name = (made.0.venue, made.0.symbol.clone());
        if known.contains(&name) {
            let what = format!("\"{}\" of this venue is defined twice", name.1);
            s.problem(s.span(), "symbol", what, "remove one of the two");
        }
        known.push(name);
        if matches!(data.source, Some(DataSource::Generated { .. })) {
            check_generated(s, &made.0);
        }
        Some(made)
    });
    Markets { instruments, limits, maintenance_rates, changes }
}

/// What stands under `[[account]]`, each list in the order of ids.
#[derive(Default)]
struct Accounts {
    names: Vec<String>,
    leverages: Vec<Leverage>,
    guards: Vec<AccountGuards>,
    collateral: Vec<Vec<(String, Decimal)>>,
    entries: Vec<AccountEntry>,
}

fn accounts(root: &mut Section<'_, '_>, taker: Decimal, settles: &BTreeSet<String>) -> Accounts {
    let told = root.tables("account", |s| super::account::account(s, settles));
    let mut all = Accounts::default();
    for (name, account) in unique(root, "account", told) {
        all.names.push(name);
        all.leverages.push(account.leverage);
        // a guard that closes pays as a taker
        let taker_fee = taker.max(Decimal::ZERO);
        all.guards.push(AccountGuards { taker_fee, ..account.guards });
        all.collateral.push(account.collateral);
        all.entries.push(account.entry);
    }
    all
}

/// The folders of components and of state. Components must be there; the state folder is made if it
/// is not.
fn places(
    root: &mut Section<'_, '_>,
    folder: &Path,
    folders: Folders,
) -> (Option<PathBuf>, Option<PathBuf>) {
    let place = |at: At<String>| At { value: folder.join(at.value), span: at.span };
    let (plugins, state) = (root.text("plugins").map(place), root.text("state").map(place));
    if let Some(At { value, span }) = plugins.as_ref().filter(|at| !at.value.is_dir())
        && folders == Folders::Checked
    {
        let what = format!("{} is no folder", value.display());
        root.problem(span.clone(), "plugins", what, "name the folder of the component files");
    }
    if let Some(At { value, span }) =
        state.as_ref().filter(|at| at.value.exists() && !at.value.is_dir())
        && folders == Folders::Checked
    {
        let what = format!("{} is not a folder", value.display());
        root.problem(span.clone(), "state", what, "name a folder; it is made if it is missing");
    }
    (plugins.map(|at| at.value), state.map(|at| at.value))
}

fn check_generated(s: &mut Section<'_, '_>, instrument: &Instrument) {
    if instrument.price_scale.digits() > GENERATED_DIGITS {
        let what = format!("is more than {GENERATED_DIGITS}, which generated prices have");
        let fix = "write fewer: two more than the tick has are enough";
        s.problem(s.span_of("price_decimals"), "price_decimals", what, fix);
    }
}

/// The names that a list of tables declares, whatever else is wrong with them.
fn declared(table: &DeTable<'_>, list: &str, keys: &[&str]) -> Vec<String> {
    let text = |table: &DeTable<'_>, key: &str| {
        let found = table.iter().find(|(known, _)| known.get_ref() == key);
        found.and_then(|(_, value)| value.get_ref().as_str().map(str::to_owned))
    };
    let found = table.iter().find(|(known, _)| known.get_ref() == list);
    let items = found.and_then(|(_, value)| value.get_ref().as_array());
    let tables = items.into_iter().flatten().filter_map(|item| item.get_ref().as_table());
    tables
        .filter_map(|table| {
            let parts: Option<Vec<String>> = keys.iter().map(|key| text(table, key)).collect();
            parts.map(|parts| parts.join(":"))
        })
        .collect()
}

/// What `[data]` says.
#[derive(Default)]
struct Data {
    source: Option<DataSource>,
    speed_thousandths: Option<u64>,
    /// How much of it is only shown to strategies as history.
    warm_up_s: u64,
    /// Whether its books come as numbered updates.
    numbered: bool,
}

fn data(s: &mut Section<'_, '_>, folder: &Path) -> Data {
    #[derive(Clone, Copy)]
    enum Kind {
        Generated,
        Binance,
        Hyperliquid,
        Lighter,
        Bench,
        Socket,
    }
    let words = [
        ("generated", Kind::Generated),
        ("binance-raw", Kind::Binance),
        ("hyperliquid-csv", Kind::Hyperliquid),
        ("lighter-csv", Kind::Lighter),
        ("bench-csv", Kind::Bench),
        ("socket", Kind::Socket),
    ];
    let kind = s.word("source", &words).map(|at| at.value);
    let speed_thousandths = speed(s).filter(|t| *t > 0);
    let warm_up_s = s.whole_or("warm_up_s", 0..WEEK_S, 0);
    let numbered = matches!(kind, Some(Kind::Binance));
    if matches!(kind, Some(Kind::Socket)) && warm_up_s > 0 {
        let what = "is of a recording: the market of a socket has no beginning";
        s.problem(s.span_of("warm_up_s"), "warm_up_s", what, "remove it");
    }
    let source = match kind {
        None => {
            s.known(&["path", "paths", "seed", "events_per_s"]);
            None
        }
        Some(Kind::Generated) => {
            let seed = s.whole("seed", 0..u64::MAX);
            let usual = hedgerow_simulator::generator::EVENTS_PER_S;
            let events_per_s = s.whole_or("events_per_s", 1..1_000_001, usual);
            seed.map(|seed| DataSource::Generated { seed: seed.value, events_per_s })
        }
        Some(Kind::Socket) => sockets(s, folder).map(|sockets| DataSource::Socket { sockets }),
        Some(kind) => s.text("path").map(|at| folder.join(at.value)).map(|path| match kind {
            Kind::Binance => DataSource::BinanceRaw { path },
            Kind::Hyperliquid => DataSource::HyperliquidCsv { path },
            Kind::Lighter => DataSource::LighterCsv { path },
            Kind::Bench | Kind::Socket | Kind::Generated => DataSource::BenchCsv { path },
        }),
    };
    Data { source, speed_thousandths, warm_up_s, numbered }
}

/// One socket for all venues, or one for each.
fn sockets(s: &mut Section<'_, '_>, folder: &Path) -> Option<Vec<SocketEntry>> {
    let each = s.table("paths", |paths| {
        let entry = |(name, path): (At<String>, At<String>)| SocketEntry {
            venue: Some(name.value),
            path: folder.join(path.value),
        };
        paths.pairs().into_iter().map(entry).collect::<Vec<_>>()
    });
    if each.is_some() {
        return each;
    }
    let all = s.text("path")?;
    Some(vec![SocketEntry { venue: None, path: folder.join(all.value) }])
}

/// Data time per wall time, in thousandths.
fn speed(s: &mut Section<'_, '_>) -> Option<u64> {
    let At { value, span } = s.decimal_or_none("speed")?;
    let exact = value.checked_mul(Decimal::from(1000)).map(|exact| exact.normalize());
    let exact = exact.filter(|exact| exact.scale() == 0).map(|exact| exact.mantissa());
    let thousandths = exact.and_then(|t| u64::try_from(t).ok()).filter(|t| *t <= 1_000_000_000);
    if thousandths.is_none() {
        let what = "is negative, finer than a thousandth, or above a million";
        let fix = "write \"1\" for real time, \"60\" for sixty times, \"0\" for no pacing";
        s.problem(span, "speed", what, fix);
    }
    thousandths
}

fn venue(s: &mut Section<'_, '_>) -> Option<At<(String, VenueConfig)>> {
    let name = s.name("name", &[':']);
    let out = s.whole("latency_out_ms", 0..60_000);
    let back = s.whole("latency_back_ms", 0..60_000);
    let models = [("queue", FillModel::Queue), ("touch", FillModel::Touch)];
    let fills = s.word_or("fill_model", &models, FillModel::Queue);
    let ways = [("amend", true), ("cancel", false)];
    let amends = s.word_or("replaces_by", &ways, true);
    let name = name?;
    let config = VenueConfig {
        latency_out: Duration::from_millis(out?.value),
        latency_back: Duration::from_millis(back?.value),
        fills,
        amends,
    };
    Some(At { value: (name.value, config), span: name.span })
}

fn unique<T>(root: &mut Section<'_, '_>, key: &str, all: Vec<At<(String, T)>>) -> Vec<(String, T)> {
    let mut out: Vec<(String, T)> = Vec::new();
    for At { value: (name, rest), span } in all {
        if out.iter().any(|(known, _)| *known == name) {
            let what = format!("\"{name}\" is defined twice");
            root.problem(span, key, what, "give each its own name");
        }
        out.push((name, rest));
    }
    out
}

/// One name per strategy. Who trades what is known when the components are loaded.
fn check_names(root: &mut Section<'_, '_>, all: &[StrategyEntry]) {
    for (place, later) in all.iter().enumerate() {
        if all.iter().take(place).any(|earlier| earlier.name == later.name) {
            let what = format!("\"{}\" is defined twice", later.name);
            root.problem(later.span.clone(), "strategy", what, "give each its own name");
        }
    }
}
