//! `hedgerow demo`: no credentials, no network. A generated market, paper venues, two grids from
//! one component, a live status, and a component to be swapped while it runs.

use super::{Failure, exit, run, show};
use crate::config::{self, Config};
use hedgerow_model::{InstrumentKind, SequenceRule};
use hedgerow_simulator::readers::FileReport;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

const CONFIG: &str = include_str!("demo.toml");

/// What the demo is asked.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder it lives in.
    pub home: PathBuf,
    /// The folder of built components.
    pub components: PathBuf,
    /// End after this long.
    pub seconds: Option<u64>,
    /// A recording in place of the generated market: a folder with Binance's raw streams of USD-M
    /// BTCUSDT and ETHUSDT.
    pub data: Option<PathBuf>,
    /// One JSON object at the end, nothing else.
    pub json: bool,
}

/// What the demo says at its end.
#[derive(Debug, Serialize)]
struct Summary {
    schema: u32,
    ticks: u64,
    calls: u64,
    first_fill_ms: Option<u128>,
    swaps: usize,
    strategies: Vec<hedgerow_model::view::StrategyView>,
    /// What each file of a recording contained.
    data: Vec<FileReport>,
}

/// Lays the demo's folder out: config and component.
pub fn lay_out(options: &Options) -> Result<Config, Failure> {
    let plugins = options.home.join("plugins");
    std::fs::create_dir_all(&plugins).map_err(Failure::new)?;
    install(&options.components, &plugins, "grid")?;
    let file = options.home.join("host.toml");
    if !file.exists() {
        // a quarter ahead, at eight in the morning, as quarterlies are
        let day = 24 * 3_600;
        let expiry = (crate::live::wall() / 1_000_000_000 / day + 91) * day + 8 * 3_600;
        let config = CONFIG.replace("EXPIRY", &expiry.to_string());
        std::fs::write(&file, config).map_err(Failure::new)?;
    }
    let config = config::load(&file)?;
    match &options.data {
        None => Ok(config),
        Some(folder) => over_recording(config, folder),
    }
}

/// The demo's strategies over a recording that has the same symbols.
fn over_recording(mut config: Config, folder: &Path) -> Result<Config, Failure> {
    // what the recording does not have is left out; ids are places, so only the end may be cut
    config.instruments.truncate(2);
    let ours = config.instruments.iter().map(|(instrument, _)| instrument);
    let same = ours
        .map(|instrument| (instrument.kind, instrument.symbol.as_str()))
        .eq(["BTCUSDT", "ETHUSDT"].map(|symbol| (InstrumentKind::LinearPerpetual, symbol)));
    let roles = config.strategies.iter().flat_map(|strategy| strategy.roles.values());
    if !same || roles.max().is_some_and(|place| *place >= config.instruments.len()) {
        let message = format!(
            "{}: `demo --data` plays USD-M BTCUSDT and ETHUSDT to the demo's own strategies, and \
             this config has others: use `hedgerow run --config FILE`, or remove the file",
            config.file.display()
        );
        return Err(Failure { code: exit::CONFIG, message });
    }
    config.data = config::DataSource::BinanceRaw { path: folder.to_owned() };
    for (instrument, _) in &mut config.instruments {
        // generated books come whole, recorded ones as numbered changes
        instrument.sequence = SequenceRule::PreviousId;
    }
    // ranges around the recording's prices, 2024-08-08
    for (strategy, range) in
        config.strategies.iter_mut().zip([("61500", "62100"), ("2650", "2710")])
    {
        strategy.parameters["start"] = range.0.into();
        strategy.parameters["end"] = range.1.into();
    }
    Ok(config)
}

/// Puts a component into a plugins folder so that a watcher never sees half of it.
pub fn install(components: &Path, plugins: &Path, name: &str) -> Result<(), Failure> {
    let from = components.join(format!("{name}.wasm"));
    let to = plugins.join(format!("{name}.wasm"));
    let fail = |e: std::io::Error| {
        Failure::new(format!("{}: {e}: build it with `cargo xtask build-plugins`", from.display()))
    };
    let bytes = std::fs::read(&from).map_err(fail)?;
    let partial = to.with_extension("wasm.tmp");
    std::fs::write(&partial, bytes).map_err(Failure::new)?;
    std::fs::rename(&partial, &to).map_err(Failure::new)
}

/// Runs the demo.
pub fn demo(options: &Options) -> Result<(), Failure> {
    let config = lay_out(options)?;
    let footer = format!(
        "Try it: change a constant in plugins/grid/src, for instance the 2 bps of `two_bps` in\n\
         parameters.rs, then in another terminal:   cargo xtask install grid\n\
         and watch the component's hash change above while its orders stay. Ctrl-C ends.\n\
         State: {}",
        options.home.display()
    );
    let limit = options.seconds.map(Duration::from_secs);
    let ended = run::host(&config, limit, options.json, &footer, None)?;
    let summary = Summary {
        schema: 1,
        ticks: ended.view.ticks,
        calls: ended.view.calls,
        first_fill_ms: ended.first_fill.map(|d| d.as_millis()),
        swaps: ended.pauses.len(),
        strategies: ended.view.strategies.clone(),
        data: ended.files,
    };
    if options.json {
        return super::print_json(&summary);
    }
    let fill = match summary.first_fill_ms {
        Some(ms) => format!("first paper fill {ms} ms after the start, {} swaps", summary.swaps),
        None => "no fill yet: give it a few seconds more".to_owned(),
    };
    let journal = config.state.join("journal.sqlite");
    let view = show::view(&ended.view);
    super::print(&format!("{view}\n{fill}\njournal: {}\n", journal.display()));
    Ok(())
}
