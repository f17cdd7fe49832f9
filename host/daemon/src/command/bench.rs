//! `hedgerow bench engine`: the throughput comparison's three rules through the whole path.
//!
//! Data is in memory and components are loaded before the clock starts. CPU seconds of the process
//! are the fair figure on a shared machine.

use super::{Failure, backtest};
use crate::config::sandbox::Sandbox;
use crate::config::{Config, DataSource, StrategyEntry};
use crate::data;
use crate::latch::KillLatch;
use crate::wiring::{self, Plan};
use hedgerow_driver::Batching;
use hedgerow_engine::{HostLimits, OpenOrders, StrategyGuards, StrategyLimits};
use hedgerow_model::{
    Decimal, Duration, Instrument, InstrumentId, InstrumentKind, Price, PriceGrid, Quantity, Scale,
    SequenceRule, StrategyId, VenueId,
};
use hedgerow_simulator::paper::Fees;
use hedgerow_simulator::{FillModel, VenueConfig};
use hedgerow_store::MemoryJournal;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What one run measured.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// Which rule.
    pub rule: String,
    /// Ticks delivered to the strategy.
    pub events: u64,
    /// Orders approved.
    pub orders: u64,
    /// Fills booked.
    pub filled: u64,
    /// Wall time of the run.
    pub run_s: f64,
    /// CPU time of the run.
    pub run_cpu_s: f64,
    /// The comparison's figure.
    pub events_per_cpu_s: f64,
    /// The most memory the process had resident.
    pub peak_rss_mib: f64,
    /// Calls into the component.
    pub calls: u64,
    /// SHA-256 of the journal.
    pub journal: String,
}

/// The figures for a person.
#[must_use]
pub fn table(measured: &Measured) -> String {
    // the one list of names is that of the JSON
    let json = serde_json::to_value(measured).unwrap_or_default();
    let lines = json.as_object().into_iter().flatten();
    lines
        .map(|(name, value)| format!("{name}: {}\n", value.to_string().trim_matches('"')))
        .collect()
}

fn wide() -> StrategyLimits {
    let wide = Decimal::from(1_000_000_000_000_i64);
    StrategyLimits {
        order_notional_max: wide,
        position_notional_max: wide,
        gross_notional_max: wide,
        open_orders_max: 1_000,
        orders_per_s_max: 1_000,
        collar_bps: 500,
        loss_max: wide,
        drawdown_max: wide,
        timers_max: 100,
    }
}

fn instrument() -> (Instrument, Fees) {
    let instrument = Instrument {
        id: InstrumentId(0),
        venue: VenueId(0),
        symbol: "PERP".into(),
        kind: InstrumentKind::LinearPerpetual,
        base: "BTC".into(),
        quote: "USD".into(),
        settle: "USD".into(),
        price_scale: Scale::new(1).unwrap_or(Scale::ZERO),
        quantity_scale: Scale::new(3).unwrap_or(Scale::ZERO),
        grid: PriceGrid::Tick(Price::from_units(1)),
        lot: Quantity::from_units(1),
        min_quantity: Quantity::from_units(1),
        max_quantity: None,
        min_notional: None,
        band: None,
        multiplier: Decimal::ONE,
        sequence: SequenceRule::Snapshots,
    };
    let fees = Fees { maker: Decimal::new(2, 4), taker: Decimal::new(5, 4), ..Fees::default() };
    (instrument, fees)
}

fn config(rule: &str, data: &Path, components: &Path, state: &Path) -> Config {
    let venue = VenueConfig {
        amends: true,
        latency_out: Duration::ZERO,
        latency_back: Duration::ZERO,
        fills: FillModel::Touch,
    };
    let strategy = StrategyEntry {
        accounts: BTreeMap::new(),
        name: rule.into(),
        plugin: format!("hedgerow-rule-{rule}"),
        account: 0,
        roles: BTreeMap::from([("market".to_owned(), 0)]),
        unplaced: Vec::new(),
        parameters: serde_json::json!({}),
        places: BTreeMap::new(),
        limits: wide(),
        may_set_leverage: false,
        on_stop: OpenOrders::Keep,
        guards: StrategyGuards::default(),
        on_fault: OpenOrders::Keep,
        on_quarantine: OpenOrders::Cancel,
        span: 0..0,
        spans: [0..0, 0..0, 0..0],
        role_places: BTreeMap::new(),
    };
    let Sandbox { limits: sandbox, ticks_waiting_max, probation, writes } = Sandbox::default();
    Config {
        file: PathBuf::from("bench"),
        text: String::new(),
        plugins: components.to_owned(),
        state: state.to_owned(),
        data: DataSource::BenchCsv { path: data.to_owned() },
        speed_thousandths: None,
        warm_up: Duration::ZERO,
        venues: vec![("bench".into(), venue)],
        instruments: vec![instrument()],
        instrument_limits: Vec::new(),
        maintenance_rates: Vec::new(),
        changes: Vec::new(),
        account_guards: Vec::new(),
        collateral: Vec::new(),
        accounts: vec!["bench".into()],
        leverages: Vec::new(),
        account_entries: Vec::new(),
        strategies: vec![strategy],
        host: HostLimits::default(),
        sandbox,
        ticks_waiting_max,
        probation,
        accounting: hedgerow_model::Accounting::default(),
        writes,
        stale_after: Duration::from_secs(5),
        snapshot_rows: crate::config::SNAPSHOT_ROWS,
    }
}

fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Peak resident memory in MiB, from the kernel; zero where it does not say.
fn peak_rss_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Runs one rule.
pub fn engine(
    rule: &str,
    data: &Path,
    components: &Path,
    batching: Batching,
) -> Result<Measured, Failure> {
    // native code is kept there: beside what it is made from, never where anybody may write
    let state = components.parent().unwrap_or(components).join("bench");
    let config = config(rule, data, components, &state);
    let loaded = backtest::load(&config)?;
    let opened = data::open(&config, 0)?;
    let journal = MemoryJournal::default();
    let (engine, latch) = (None, KillLatch::absent());
    let (goes_on, rings, wake) = (false, false, None);
    let plan = Plan { journal, engine, goes_on, batching, rings, latch, wake };
    let mut host = wiring::build(&config, &loaded, &opened.tape, plan)?;
    let (wall, cpu) = (std::time::Instant::now(), cpu_seconds());
    host.start()?;
    host.run()?;
    let (run_s, run_cpu_s) = (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let stats = host.stats();
    let (orders, _, filled) = host.engine().counts(StrategyId(0));
    Ok(Measured {
        rule: rule.into(),
        events: stats.delivered,
        orders,
        filled,
        run_s,
        run_cpu_s,
        events_per_cpu_s: stats.delivered as f64 / run_cpu_s,
        peak_rss_mib: peak_rss_mib(),
        calls: stats.market_calls + stats.event_calls,
        journal: host.journal().hash(),
    })
}
