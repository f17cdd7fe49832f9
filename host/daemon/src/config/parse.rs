//! From text to a checked config.

use super::problem::Problems;
use super::reader::{At, Section};
use super::{Config, ConfigError, DataSource, NOTHING, StrategyEntry};
use hedgerow_engine::{HostLimits, OpenOrders, StrategyLimits};
use hedgerow_model::{
    Decimal, Duration, Instrument, InstrumentId, InstrumentKind, Price, PriceGrid, Quantity, Scale,
    SequenceRule, VenueId, VenueTime,
};
use hedgerow_simulator::paper::Fees;
use hedgerow_simulator::{FillModel, VenueConfig};
use std::collections::BTreeMap;
use std::path::Path;
use toml::de::DeTable;

const HOUR_MS: u64 = 3_600_000;

pub(super) fn parse(file: &Path, text: String) -> Result<Config, ConfigError> {
    let shown = file.display().to_string();
    let mut problems = Problems::default();
    let made = match DeTable::parse(&text) {
        Ok(document) => read(file, document.get_ref(), &mut problems),
        Err(error) => {
            let span = error.span().unwrap_or(0..1);
            problems.add(span, "syntax", error.message().to_owned(), "mend the TOML here");
            None
        }
    };
    match made {
        Some(config) if problems.0.is_empty() => Ok(Config { text, ..config }),
        _ => Err(ConfigError { screen: problems.render(&shown, &text) }),
    }
}

struct Names<'a> {
    venues: &'a [(String, VenueConfig)],
    instruments: &'a [(Instrument, Fees)],
    accounts: &'a [String],
}

fn read(file: &Path, table: &DeTable<'_>, problems: &mut Problems) -> Option<Config> {
    let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
    let mut root = Section::root(table, problems);
    let plugins = root.text("plugins").map(|at| folder.join(at.value));
    let state = root.text("state").map(|at| folder.join(at.value));
    let stale_ms = root.whole("stale_after_ms", 1..HOUR_MS);
    let data = root.required_table("data", |s| data(s, &folder)).flatten();
    let host = root.table("limits", |s| HostLimits {
        loss_max: s.decimal_or_none("loss_max").map(|at| at.value),
    });
    let sandbox = root.table("sandbox", super::sandbox::limits);
    let venues = root.tables("venue", venue);
    let venues = unique(&mut root, "venue", venues);
    let mut next = 0;
    let instruments = root.tables("instrument", |s| {
        let made = instrument(s, InstrumentId(next), &venues);
        next += u32::from(made.is_some());
        made
    });
    let accounts = root.tables("account", |s| s.text("name"));
    let accounts: Vec<String> = accounts.into_iter().map(|at| at.value).collect();
    let names = Names { venues: &venues, instruments: &instruments, accounts: &accounts };
    let strategies = root.tables("strategy", |s| strategy(s, &names));
    check_owners(&mut root, &strategies, &names);
    root.finish();
    let (data, speed_thousandths) = data?;
    Some(Config {
        file: file.to_owned(),
        text: String::new(),
        plugins: plugins?,
        state: state?,
        data,
        speed_thousandths,
        venues,
        instruments,
        accounts,
        strategies,
        host: host.unwrap_or(HostLimits { loss_max: None }),
        sandbox: sandbox.unwrap_or_default(),
        stale_after: Duration::from_millis(stale_ms?.value),
    })
}

fn data(s: &mut Section<'_, '_>, folder: &Path) -> Option<(DataSource, Option<u64>)> {
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
    let kind = s.word("source", &words);
    let speed = s.decimal_or_none("speed");
    let thousandths = speed.and_then(|at| {
        let exact = (at.value * Decimal::from(1000)).normalize();
        let thousandths = if exact.scale() == 0 { exact.mantissa() } else { -1 };
        let thousandths = u64::try_from(thousandths).ok().filter(|t| *t <= 1_000_000_000);
        if thousandths.is_none() {
            let fix = "write \"1\" for real time, \"60\" for sixty times, \"0\" for no pacing";
            s.problem(
                at.span,
                "speed",
                "is negative, finer than a thousandth, or above a million",
                fix,
            );
        }
        thousandths
    });
    let kind = kind?.value;
    let mut path = || s.text("path").map(|at| folder.join(at.value));
    let source = match kind {
        Kind::Binance => DataSource::BinanceRaw { path: path()? },
        Kind::Hyperliquid => DataSource::HyperliquidCsv { path: path()? },
        Kind::Lighter => DataSource::LighterCsv { path: path()? },
        Kind::Bench => DataSource::BenchCsv { path: path()? },
        Kind::Socket => DataSource::Socket { path: path()? },
        Kind::Generated => {
            let seed = s.whole("seed", 0..u64::MAX)?.value;
            let usual = hedgerow_simulator::generator::EVENTS_PER_S;
            let events_per_s = s.whole_or("events_per_s", 1..1_000_001, usual);
            DataSource::Generated { seed, events_per_s }
        }
    };
    Some((source, thousandths.filter(|t| *t > 0)))
}

fn venue(s: &mut Section<'_, '_>) -> Option<At<(String, VenueConfig)>> {
    let name = s.text("name");
    let out = s.whole("latency_out_ms", 0..60_000);
    let back = s.whole("latency_back_ms", 0..60_000);
    let models = [("queue", FillModel::Queue), ("touch", FillModel::Touch)];
    let fills = s.word_or("fill_model", &models, FillModel::Queue);
    let name = name?;
    let config = VenueConfig {
        latency_out: Duration::from_millis(out?.value),
        latency_back: Duration::from_millis(back?.value),
        fills,
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

fn scale(s: &mut Section<'_, '_>, key: &'static str) -> Option<Scale> {
    let at = s.whole(key, 0..19)?;
    u8::try_from(at.value).ok().and_then(|digits| Scale::new(digits).ok())
}

/// A decimal that must fall on a scale.
fn on_scale<T>(
    s: &mut Section<'_, '_>,
    key: &'static str,
    scale: Option<Scale>,
    make: impl Fn(Decimal, Scale) -> Result<T, hedgerow_model::ValueError>,
) -> Option<T> {
    let at = s.positive(key)?;
    match make(at.value, scale?) {
        Ok(value) => Some(value),
        Err(e) => {
            s.problem(at.span, key, e.to_string(), "raise the decimals, or round the number");
            None
        }
    }
}

fn kind(s: &mut Section<'_, '_>) -> Option<InstrumentKind> {
    let never = VenueTime::NEVER;
    let words = [
        ("spot", InstrumentKind::Spot),
        ("linear-perpetual", InstrumentKind::LinearPerpetual),
        ("inverse-perpetual", InstrumentKind::InversePerpetual),
        ("linear-future", InstrumentKind::LinearFuture { expiry: never }),
        ("inverse-future", InstrumentKind::InverseFuture { expiry: never }),
    ];
    let kind = s.word("kind", &words)?.value;
    let dated =
        matches!(kind, InstrumentKind::LinearFuture { .. } | InstrumentKind::InverseFuture { .. });
    if !dated {
        return Some(kind);
    }
    let seconds = s.whole("expiry_unix_s", 1..10_000_000_000)?.value;
    let expiry = VenueTime::from_nanos(seconds.saturating_mul(1_000_000_000));
    Some(match kind {
        InstrumentKind::LinearFuture { .. } => InstrumentKind::LinearFuture { expiry },
        _ => InstrumentKind::InverseFuture { expiry },
    })
}

fn grid(s: &mut Section<'_, '_>, price_scale: Option<Scale>) -> Option<PriceGrid> {
    let byte = |at: At<u64>| u8::try_from(at.value).ok();
    if let Some(figures) = s
        .text_or_none("grid")
        .filter(|at| at.value == "significant-figures")
        .and_then(|_| s.whole("figures", 1..19).and_then(byte))
    {
        let max_decimals = s.whole("max_decimals", 0..19).and_then(byte)?;
        return Some(PriceGrid::SignificantFigures { figures, max_decimals });
    }
    on_scale(s, "tick", price_scale, Price::exact).map(PriceGrid::Tick)
}

fn instrument(
    s: &mut Section<'_, '_>,
    id: InstrumentId,
    venues: &[(String, VenueConfig)],
) -> Option<(Instrument, Fees)> {
    let venue_name = s.text("venue");
    let venue = venue_name.and_then(|at| {
        let place = venues.iter().position(|(name, _)| *name == at.value);
        if place.is_none() {
            let what = format!("there is no venue \"{}\"", at.value);
            s.problem(at.span, "venue", what, "name a [[venue]] of this file");
        }
        place.and_then(|place| u32::try_from(place).ok()).map(VenueId)
    });
    let symbol = s.text("symbol");
    let kind = kind(s);
    let (base, quote) = (s.text("base"), s.text("quote"));
    let price_scale = scale(s, "price_decimals");
    let quantity_scale = scale(s, "quantity_decimals");
    let grid = grid(s, price_scale);
    let lot = on_scale(s, "lot", quantity_scale, Quantity::exact);
    let min_quantity = on_scale(s, "min_quantity", quantity_scale, Quantity::exact);
    let min_notional = s.decimal_or_none("min_notional").map(|at| at.value);
    let multiplier = s.decimal_or_none("multiplier").map_or(Decimal::ONE, |at| at.value);
    let sequences = [
        ("snapshots", SequenceRule::Snapshots),
        ("previous-id", SequenceRule::PreviousId),
        ("first-id-follows", SequenceRule::FirstIdFollows),
    ];
    let sequence = s.word_or("sequence", &sequences, SequenceRule::Snapshots);
    let maker = s.decimal("maker_fee");
    let taker = s.decimal("taker_fee");
    let (base, quote, kind) = (base?.value, quote?.value, kind?);
    let settle = if kind.is_inverse() { base.clone() } else { quote.clone() };
    let made = Instrument {
        id,
        venue: venue?,
        symbol: symbol?.value,
        kind,
        base,
        quote,
        settle,
        price_scale: price_scale?,
        quantity_scale: quantity_scale?,
        grid: grid?,
        lot: lot?,
        min_quantity: min_quantity?,
        max_quantity: None,
        min_notional: min_notional.filter(|m| *m > NOTHING),
        multiplier,
        sequence,
    };
    for problem in made.check() {
        let span = s.span();
        s.problem(span, "kind", problem.to_string(), "correct the instrument's definition");
    }
    Some((made, Fees { maker: maker?.value, taker: taker?.value }))
}

fn limits(s: &mut Section<'_, '_>) -> Option<StrategyLimits> {
    let money = |at: Option<At<Decimal>>| at.map(|at| at.value);
    let small = |at: Option<At<u64>>| at.and_then(|at| u32::try_from(at.value).ok());
    let order_notional_max = money(s.positive("order_notional_max"));
    let position_notional_max = money(s.positive("position_notional_max"));
    let gross_notional_max = money(s.positive("gross_notional_max"));
    let open_orders_max = small(s.whole("open_orders_max", 1..100_001));
    let orders_per_s_max = small(s.whole("orders_per_s_max", 1..100_001));
    let collar_bps = small(s.whole("collar_bps", 1..10_000));
    let loss_max = money(s.positive("loss_max"));
    let drawdown_max = money(s.positive("drawdown_max"));
    let timers_max = s.whole_or("timers_max", 0..10_001, 100);
    Some(StrategyLimits {
        order_notional_max: order_notional_max?,
        position_notional_max: position_notional_max?,
        gross_notional_max: gross_notional_max?,
        open_orders_max: open_orders_max?,
        orders_per_s_max: orders_per_s_max?,
        collar_bps: collar_bps?,
        loss_max: loss_max?,
        drawdown_max: drawdown_max?,
        timers_max: u32::try_from(timers_max).ok()?,
    })
}

fn find_instrument(names: &Names<'_>, text: &str) -> Option<usize> {
    let (venue, symbol) = text.split_once(':')?;
    names.instruments.iter().position(|(i, _)| {
        i.symbol == symbol && names.venues.get(i.venue.index()).is_some_and(|(n, _)| n == venue)
    })
}

fn strategy(s: &mut Section<'_, '_>, names: &Names<'_>) -> Option<StrategyEntry> {
    let name = s.text("name");
    let plugin = s.text("plugin");
    let account = s.text("account").and_then(|at| {
        let place = names.accounts.iter().position(|known| *known == at.value);
        if place.is_none() {
            let what = format!("there is no account \"{}\"", at.value);
            s.problem(at.span, "account", what, "name an [[account]] of this file");
        }
        place
    });
    let roles = s.required_table("roles", |roles| {
        let mut map = BTreeMap::new();
        for (role, instrument) in roles.pairs() {
            match find_instrument(names, &instrument.value) {
                Some(place) => {
                    map.insert(role.value, place);
                }
                None => {
                    let what = format!("there is no instrument \"{}\"", instrument.value);
                    let fix = "write \"venue:symbol\" of an [[instrument]] of this file";
                    roles.problem(instrument.span, &role.value, what, fix);
                }
            }
        }
        map
    });
    let policies = [("cancel", OpenOrders::Cancel), ("keep", OpenOrders::Keep)];
    let on_stop = s.word_or("on_stop", &policies, OpenOrders::Cancel);
    let on_fault = s.word_or("on_fault", &policies, OpenOrders::Keep);
    let parameters = s.table("parameters", |p| p.json());
    let limits = s.required_table("limits", limits).flatten();
    let name = name?;
    Some(StrategyEntry {
        name: name.value,
        plugin: plugin?.value,
        account: account?,
        roles: roles?,
        parameters: parameters.unwrap_or_else(|| serde_json::json!({})),
        limits: limits?,
        on_stop,
        on_fault,
        span: name.span,
    })
}

/// One owner per account and instrument, and one name per strategy.
fn check_owners(root: &mut Section<'_, '_>, all: &[StrategyEntry], names: &Names<'_>) {
    for (place, later) in all.iter().enumerate() {
        for earlier in all.get(..place).unwrap_or_default() {
            if earlier.name == later.name {
                let what = format!("\"{}\" is defined twice", later.name);
                root.problem(later.span.clone(), "strategy", what, "give each its own name");
            }
            if earlier.account != later.account {
                continue;
            }
            let shared = later.roles.values().find(|id| earlier.roles.values().any(|e| e == *id));
            if let Some((instrument, _)) = shared.and_then(|id| names.instruments.get(*id)) {
                let account = names.accounts.get(later.account).map_or("?", String::as_str);
                let what = format!(
                    "\"{}\" and \"{}\" both claim {} on account \"{account}\"",
                    earlier.name, later.name, instrument.symbol
                );
                let fix = "one strategy owns an instrument on an account: use another account";
                root.problem(later.span.clone(), "strategy", what, fix);
            }
        }
    }
}
