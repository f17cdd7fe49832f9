//! `hedgerow backtest`: a config's strategies over a recording, as fast as it goes, with a report.

use super::Failure;
use crate::config::Config;
use crate::data;
use crate::latch::KillLatch;
use crate::wiring::{self, Loaded, Plan, WiringError};
use hedgerow_driver::Batching;
use hedgerow_model::{Duration, HostTime, StrategyId};
use hedgerow_plugins::{Mode, WasmEngine};
use hedgerow_report::{Ran, RunReport, summarise};
use hedgerow_simulator::readers::FileReport;
use hedgerow_store::MemoryJournal;
use serde::Serialize;

/// A finished backtest.
#[derive(Debug, Serialize)]
pub struct Backtest {
    /// What it did.
    pub run: RunReport,
    /// What the recording contained.
    pub data: Vec<FileReport>,
}

/// What a backtest leaves behind for tests.
pub struct Finished {
    /// The report.
    pub backtest: Backtest,
    /// Its journal.
    pub journal: MemoryJournal,
    /// Calls and batches.
    pub stats: hedgerow_driver::Stats,
}

/// Loads components for a backtest.
pub fn load(config: &Config) -> Result<Loaded, Failure> {
    let engine =
        WasmEngine::new(Mode::Backtest).map_err(|e| WiringError::Sandbox(e.to_string()))?;
    Ok(wiring::load(config, engine)?)
}

/// Runs a backtest.
pub fn run(config: &Config, loaded: &Loaded, batching: Batching) -> Result<Finished, Failure> {
    let opened = data::open(config, 0)?;
    if opened.ticks.is_none() {
        let message = "a generated market never ends: give a recording, or use `hedgerow run`";
        return Err(Failure::new(message));
    }
    data::check_warm_up(config, &opened)?;
    let journal = MemoryJournal::default();
    let (engine, latch) = (None, KillLatch::absent());
    let (goes_on, rings, wake) = (false, false, None);
    let plan = Plan { journal, engine, goes_on, batching, rings, latch, wake };
    let mut host = wiring::build(config, loaded, &opened.tape, plan)?;
    if let (Some((first, _)), true) = (opened.span, config.warm_up > Duration::ZERO) {
        host.warm_up(HostTime::from_nanos(first).after(config.warm_up))?;
    }
    host.start()?;
    host.run()?;
    let report = report(config, &host, opened.span);
    let stats = host.stats();
    let (.., journal) = host.into_parts();
    let run = RunReport { journal: journal.hash(), facts: journal.facts.len() as u64, ..report };
    Ok(Finished { backtest: Backtest { run, data: opened.files }, journal, stats })
}

fn report(
    config: &Config,
    host: &wiring::Host<MemoryJournal>,
    span: Option<(u64, u64)>,
) -> RunReport {
    let ran: Vec<Ran> = (0..config.strategies.len())
        .filter_map(|place| {
            let strategy = StrategyId(u32::try_from(place).ok()?);
            let view = host.engine().strategy_view(strategy)?;
            let plugin = hedgerow_plugins::PluginHost::plugin(host.host(), strategy)?;
            let description = &plugin.description;
            Some(Ran {
                name: view.name,
                component: format!("{} {}", description.name, description.version),
                hash: plugin.hash.clone(),
                positions: view.positions,
            })
        })
        .collect();
    let instruments: Vec<_> = config.instruments.iter().map(|(i, _)| i.clone()).collect();
    let mut report =
        summarise(&host.journal().facts, &instruments, &ran, super::assumed::by(config));
    report.ticks = host.stats().ticks;
    report.earned = host.engine().earned_views();
    (report.from_ns, report.to_ns) = span.unwrap_or_default();
    report
}

/// What was read, file by file.
fn read(out: &mut String, files: &[FileReport]) {
    use std::fmt::Write as _;
    for file in files {
        let bad: u64 = file.bad.values().sum();
        let _ = writeln!(
            out,
            "  {}: {} rows, {bad} bad, {} gaps, {} out of order, {} repeated, {} holes",
            file.file, file.rows, file.gaps, file.disorder, file.repeated, file.holes
        );
        for (reason, line) in &file.first_bad {
            let _ = writeln!(out, "    bad: {reason}, first at line {line}");
        }
        for note in &file.notes {
            let _ = writeln!(out, "    note: {note}");
        }
    }
}

/// The report for a person.
#[must_use]
pub fn table(finished: &Finished) -> String {
    use std::fmt::Write as _;
    let run = &finished.backtest.run;
    let mut out = String::new();
    let seconds = run.to_ns.saturating_sub(run.from_ns) / 1_000_000_000;
    let RunReport { ticks, fills, deliveries, gaps, .. } = run;
    let _ = writeln!(
        out,
        "{ticks} ticks over {seconds} s, {fills} fills, {deliveries} deliveries, {gaps} times a \
         book could not be used after a gap, journal {}",
        run.journal.get(..16).unwrap_or("")
    );
    out.push_str(&super::money::earned(&run.earned));
    for assumed in &run.assumptions {
        let _ = writeln!(out, "  assumed: {assumed}");
    }
    read(&mut out, &finished.backtest.data);
    for strategy in &run.strategies {
        let denied: u64 = strategy.denied.values().sum();
        let _ = writeln!(
            out,
            "{} ({}): {} orders, {denied} denied, {} rejected, {} canceled, {} faults",
            strategy.name,
            strategy.component,
            strategy.orders,
            strategy.rejected,
            strategy.canceled,
            strategy.faults
        );
        for (reason, count) in &strategy.denied {
            let _ = writeln!(out, "    denied {count} x {reason}");
        }
        for mode in &strategy.modes {
            let _ = writeln!(out, "    mode {mode}");
        }
        for i in &strategy.instruments {
            let shown = |value: Option<hedgerow_model::Decimal>| {
                value.map_or_else(|| "?".into(), |value| value.round_dp(8).normalize().to_string())
            };
            let _ = writeln!(
                out,
                "  {}: {} maker and {} taker fills, turnover {}, realised {}, unrealised {}, \
                 fees {}, funding {}, net {} {}; position {}",
                i.name,
                i.maker_fills,
                i.taker_fills,
                shown(Some(i.turnover)),
                shown(Some(i.realised)),
                shown(i.unrealised),
                i.fees_in_words(),
                shown(Some(i.funding)),
                shown(i.net),
                i.settle,
                i.position
            );
        }
    }
    out
}
