//! `hedgerow run`, `status`, `pause`, `resume`, `kill`, `stop`: a host at work, and talking to it.

use super::{Failure, exit, show};
use crate::config::Config;
use crate::latch;
use crate::live::{self, Ended, Options, Reply, Request};
use crate::wiring::{self, WiringError};
use hedgerow_model::TradingMode;
use hedgerow_model::view::HostView;
use hedgerow_plugins::{Mode, WasmEngine};
use hedgerow_simulator::readers::FileReport;
use serde::Serialize;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// How a host stood at its end, and what it ran on.
#[derive(Serialize)]
pub struct Whole<'e> {
    #[serde(flatten)]
    view: &'e HostView,
    /// What each file of a recording contained.
    data: &'e [FileReport],
}

impl<'e> Whole<'e> {
    /// Of a run that is over.
    #[must_use]
    pub fn of(ended: &'e Ended) -> Self {
        Self { view: &ended.view, data: &ended.files }
    }
}

/// Runs a host; on a terminal it shows itself once a second.
pub fn host(
    config: &Config,
    limit: Option<Duration>,
    quiet: bool,
    footer: &str,
    record: Option<&Path>,
) -> Result<Ended, Failure> {
    // components are compiled first, which takes seconds
    live::catch_kills(&config.state);
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
    let failure = match &reply {
        Reply::Accepted | Reply::Nothing { .. } => None,
        Reply::Refused { why } => Some(Failure { code: exit::REFUSED, message: why.clone() }),
        Reply::NotKept { why } => Some(Failure {
            code: exit::NOT_KEPT,
            message: format!("accepted, but a restart may forget it: {why}"),
        }),
        Reply::Status(_) => return Err(Failure::new("unexpected answer")),
    };
    let still = if failure.is_none() { still_held(state, request) } else { Vec::new() };
    if json {
        let mut document = serde_json::json!(reply);
        if let (false, Some(fields)) = (still.is_empty(), document.as_object_mut()) {
            fields.insert("still".into(), still.into());
        }
        super::print_done(&format!("{document:#}\n"));
    } else if failure.is_none() {
        let still: String = still.iter().map(|line| format!("{line}\n")).collect();
        let done = match &reply {
            Reply::Nothing { why } => why.as_str(),
            _ => "accepted",
        };
        super::print_done(&format!("{done}\n{still}"));
    }
    failure.map_or(Ok(()), Err)
}

/// What a resume has not let go on, a sentence each: strategies by their own word, and whatever
/// else is held, since a strategy is as strict as what it trades on.
fn still_held(state: &Path, request: &Request) -> Vec<String> {
    let Request::SetMode { mode: TradingMode::Running, .. } = request else {
        return Vec::new();
    };
    let Ok(Reply::Status(view)) = live::ask(state, &Request::Status) else { return Vec::new() };
    let host = ("the host".to_owned(), view.mode, None);
    let accounts = view.accounts.iter().map(|a| (format!("account {}", a.name), a.mode, None));
    let instruments =
        view.instruments.iter().map(|i| (format!("instrument {}", i.name), i.mode, None));
    let strategies =
        view.strategies.iter().map(|s| (format!("strategy {}", s.name), s.mode, s.why.as_deref()));
    let all = std::iter::once(host).chain(accounts).chain(instruments).chain(strategies);
    let held = all.filter(|(_, mode, _)| *mode != TradingMode::Running);
    let said = held.map(|(what, mode, why)| {
        let why = why.map_or(String::new(), |why| format!(": {why}"));
        format!("still held: {what} is {mode}{why}")
    });
    said.collect()
}

fn not_kept(why: &str) -> Failure {
    let message =
        format!("set: nothing that opens leaves any more; but not kept over a restart: {why}");
    Failure { code: exit::NOT_KEPT, message }
}

/// A host that says nothing for so long is killed by its file: a kill waits for nobody's answer.
const UNHEARD: Duration = Duration::from_millis(500);

/// Kills: nothing opens any more, whatever state the host is in.
pub fn kill(state: &Path, json: bool, reason: &str) -> Result<(), Failure> {
    let request = mode(None, TradingMode::Halted, reason);
    let unheard = match live::ask_within(state, &request, UNHEARD) {
        Ok(Reply::Accepted) => {
            return answer(json, "accepted", "accepted: nothing that opens leaves any more\n");
        }
        Ok(Reply::NotKept { why }) => {
            if json {
                super::print_json(&Reply::NotKept { why: why.clone() })?;
            }
            return Err(not_kept(&why));
        }
        Ok(other) => Failure::new(format!("unexpected answer: {other:?}")),
        Err(failure) => failure,
    };
    if !state.is_dir() {
        return Err(unheard);
    }
    latch::set_at(state, reason)
        .map_err(|e| Failure::new(format!("{}; and its latch: {e}", unheard.message)))?;
    let words = format!(
        "{}\nthe latch is set in its file: a host that is at work sees it within a tenth of a \
         second, one that is started begins halted\n",
        unheard.message
    );
    answer(json, "latched", &words)
}

fn answer(json: bool, answer: &str, words: &str) -> Result<(), Failure> {
    if json {
        return super::print_json(&serde_json::json!({ "answer": answer }));
    }
    super::print(words);
    Ok(())
}

/// A request for a mode.
#[must_use]
pub fn mode(what: Option<String>, mode: TradingMode, reason: &str) -> Request {
    Request::SetMode { what, mode, reason: reason.to_owned() }
}
