//! `hedgerow plugin info`: what a component says of itself, before it is trusted with anything.

use super::Failure;
use crate::wiring;
use hedgerow_plugins::{Limits, Mode, Plugin, WasmEngine};
use serde::Serialize;
use std::path::Path;

/// What is shown.
#[derive(Debug, Serialize)]
pub struct Info {
    schema: u32,
    name: String,
    version: String,
    contract: String,
    hash: String,
    bytes: usize,
    state_version: u32,
    oldest_readable_state: u32,
    capabilities: Vec<String>,
    wants: Vec<Want>,
    parameters: serde_json::Value,
}

#[derive(Debug, Serialize)]
struct Want {
    role: String,
    kinds: Vec<String>,
    bar_seconds: Option<u64>,
    bar_history: Option<u32>,
    trades: bool,
}

/// Loads and checks a component file.
pub fn load(engine: &WasmEngine, limits: &Limits, file: &Path) -> Result<Plugin, Failure> {
    let loaded = wiring::load_one(engine, file, limits, None);
    let fail = |e| Failure::new(format!("{}: {e}", file.display()));
    loaded.map(|(plugin, _)| plugin).map_err(fail)
}

/// Asks a component who it is.
pub fn info(file: &Path) -> Result<Info, Failure> {
    // by the clock: a file that is not trusted yet must not keep anybody waiting
    let engine = WasmEngine::new(Mode::Live).map_err(Failure::new)?;
    let plugin = load(&engine, &Limits::default(), file)?;
    let known = plugin.description;
    let want = |want: hedgerow_plugins::WantedRole| Want {
        role: want.role,
        kinds: want.kinds.iter().map(|kind| format!("{kind:?}")).collect(),
        bar_seconds: want.bars.map(|bars| bars.interval.as_millis() / 1_000),
        bar_history: want.bars.map(|bars| bars.history),
        trades: want.trades,
    };
    Ok(Info {
        schema: 1,
        name: known.name,
        version: known.version,
        contract: known.contract,
        hash: plugin.hash,
        bytes: plugin.bytes,
        state_version: known.state_version,
        oldest_readable_state: known.oldest_readable_state,
        capabilities: known.capabilities,
        wants: known.wants.into_iter().map(want).collect(),
        parameters: (*known.parameters).clone(),
    })
}

/// For a person.
#[must_use]
pub fn table(info: &Info) -> String {
    use std::fmt::Write as _;
    let mut out = format!(
        "{} {}  contract {}  {} KiB  sha256 {}\n",
        info.name,
        info.version,
        info.contract,
        info.bytes >> 10,
        info.hash
    );
    let _ = writeln!(
        out,
        "state: writes version {}, reads from {}",
        info.state_version, info.oldest_readable_state
    );
    for want in &info.wants {
        let bars = want.bar_seconds.map_or_else(String::new, |s| format!(", bars of {s} s"));
        let what = if want.trades { "trades" } else { "watches" };
        let _ = writeln!(out, "role {}: {what}; {}{bars}", want.role, want.kinds.join(", "));
    }
    if !info.capabilities.is_empty() {
        let _ = writeln!(out, "asks for: {}", info.capabilities.join(", "));
    }
    let schema = serde_json::to_string_pretty(&info.parameters).unwrap_or_default();
    let _ = writeln!(out, "parameters:\n{schema}");
    out
}
