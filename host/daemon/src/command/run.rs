//! `hedgerow run`, `status`, `pause`, `resume`, `kill`, `stop`: a host at work, and talking to it.

use super::{Failure, exit, show};
use crate::config::Config;
use crate::live::{self, Ended, Options, Reply, Request};
use crate::wiring::{self, WiringError};
use hedgerow_model::TradingMode;
use hedgerow_model::view::HostView;
use hedgerow_plugins::{Mode, WasmEngine};
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs a host; on a terminal it shows itself once a second.
pub fn host(
    config: &Config,
    limit: Option<Duration>,
    quiet: bool,
    footer: &str,
    record: Option<&Path>,
) -> Result<Ended, Failure> {
    let engine = WasmEngine::new(Mode::Live).map_err(|e| WiringError::Sandbox(e.to_string()))?;
    let loaded = wiring::load(config, engine)?;
    let screen = std::io::stdout().is_terminal() && !quiet;
    let mut shown: Option<Instant> = None;
    let mut show = |view: &HostView| {
        if !screen || shown.is_some_and(|at| at.elapsed() < Duration::from_secs(1)) {
            return;
        }
        shown = Some(Instant::now());
        let mut out = std::io::stdout().lock();
        // home, then clear what is below: no flicker
        let _ = write!(out, "\x1b[H\x1b[2J{}\n{footer}\n", show::view(view));
        let _ = out.flush();
    };
    live::run(config, loaded, Options { limit, record, show: &mut show })
}

/// Prints a running host's view.
pub fn status(state: &Path, json: bool) -> Result<(), Failure> {
    match live::ask(state, &Request::Status)? {
        Reply::Status(view) if json => super::print_json(&view),
        Reply::Status(view) => {
            super::print(&show::view(&view));
            Ok(())
        }
        other => Err(Failure::new(format!("unexpected answer: {other:?}"))),
    }
}

/// Hands a command to a running host; what it answers is printed.
pub fn tell(state: &Path, json: bool, request: &Request) -> Result<(), Failure> {
    let reply = live::ask(state, request)?;
    let why = match &reply {
        Reply::Accepted => None,
        Reply::Refused { why } => Some(why.clone()),
        Reply::Status(_) => return Err(Failure::new("unexpected answer")),
    };
    if json {
        super::print_json(&reply)?;
    } else if why.is_none() {
        super::print("accepted\n");
    }
    why.map_or(Ok(()), |message| Err(Failure { code: exit::REFUSED, message }))
}

/// A request for a mode.
#[must_use]
pub fn mode(strategy: Option<String>, mode: TradingMode, reason: &str) -> Request {
    Request::SetMode { strategy, mode, reason: reason.to_owned() }
}
