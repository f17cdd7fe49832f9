//! `hedgerow plugin install`: puts a component where a host looks for it, and waits for what that
//! makes of it.

use super::{Failure, exit};
use crate::kept;
use crate::live::{self, Reply, Request};
use crate::wiring;
use hedgerow_model::view::{HostView, StrategyState, StrategyView};
use hedgerow_plugins::{Limits, Mode, Plugin, WasmEngine, hash};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A host looks, compiles, tries, and tries again within this time, or is not asked any longer.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(200);
/// Whoever has judged nothing for so long does not know the file.
const SILENCE: Duration = Duration::from_secs(20);

/// What became of it for one strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It runs there; on probation, maybe.
    Runs {
        /// Where it stands.
        state: StrategyState,
    },
    /// It does not run there.
    Refused {
        /// Why.
        why: String,
    },
}

/// What was put where, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Installed {
    schema: u32,
    file: PathBuf,
    hash: String,
    /// Whether a host runs that could be asked.
    asked: bool,
    strategies: Vec<(String, Outcome)>,
}

impl Installed {
    /// Whether a host runs, and does not know of it.
    #[must_use]
    pub fn is_ignored(&self) -> bool {
        self.asked && self.strategies.is_empty()
    }

    /// Whether somebody refused it.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.strategies.iter().any(|(_, outcome)| matches!(outcome, Outcome::Refused { .. }))
    }

    /// For a person.
    #[must_use]
    pub fn words(&self) -> String {
        let mut out = format!("{} is in place: {}\n", self.file.display(), self.hash);
        for (name, outcome) in &self.strategies {
            out.push_str(&match outcome {
                Outcome::Runs { state: StrategyState::Probation } => {
                    format!("{name} runs it, on probation\n")
                }
                Outcome::Runs { state } => format!("{name} runs it ({state:?})\n"),
                Outcome::Refused { why } => format!("{name} does not run it: {why}\n"),
            });
        }
        out.push_str(match (self.asked, self.strategies.is_empty()) {
            (false, _) => "no host runs: one that is started finds it\n",
            (true, true) => {
                "the host has not taken it up: does it watch this folder (its config's \
                 `plugins`), and does a strategy name the file? see `status`\n"
            }
            (true, false) => "",
        });
        out
    }
}

fn view(state: &Path) -> Option<HostView> {
    match live::ask(state, &Request::Status) {
        Ok(Reply::Status(view)) => Some(*view),
        _ => None,
    }
}

fn judged(strategy: &StrategyView) -> u64 {
    strategy.candidate.as_ref().map_or(0, |(_, count)| *count)
}

/// What became of a file for a strategy that had judged so many before, as soon as that is known.
fn outcome(strategy: &StrategyView, hash: &str, before: u64) -> Option<Outcome> {
    if strategy.hash == hash {
        return Some(Outcome::Runs { state: strategy.state });
    }
    let candidate = strategy.candidate.as_ref()?;
    let is_new = candidate.0 == hash && candidate.1 > before;
    let why = strategy.refused.clone().filter(|_| is_new)?;
    Some(Outcome::Refused { why })
}

/// What is no component takes the place of none: a host that is started next needs the one that
/// lies there. What a host allows of it, the host says.
fn usable(file: &Path) -> Result<(Plugin, Vec<u8>), Failure> {
    let engine = WasmEngine::new(Mode::Live).map_err(Failure::new)?;
    let limits = Limits {
        memory_bytes: 4 << 30,
        table_elements: 10_000_000,
        init_hard: hedgerow_model::Duration::from_secs(60),
        component_bytes: 1 << 30,
        code_bytes: 1 << 30,
        functions: 1_000_000,
        function_bytes: 8 << 20,
        ..Limits::default()
    };
    wiring::load_one(&engine, file, &limits, None).map_err(|error| Failure {
        code: exit::REFUSED,
        message: format!("{}: {error}; nothing was put in place", file.display()),
    })
}

/// Puts a file into the folder so that a watcher never sees half of it.
fn put(from: &Path, folder: &Path) -> Result<(PathBuf, String), Failure> {
    let fail = |path: &Path, e: std::io::Error| Failure::new(format!("{}: {e}", path.display()));
    let name = from.file_name().unwrap_or_default();
    let to = folder.join(name);
    if to.extension().is_none_or(|extension| extension != "wasm") {
        return Err(Failure::new(format!("{}: a component ends in .wasm", from.display())));
    }
    if !folder.is_dir() {
        let folder = folder.display();
        return Err(Failure::new(format!(
            "{folder}: there is no such folder: name the `plugins` of the config"
        )));
    }
    let (_, bytes) = usable(from)?;
    kept::write(&to, &bytes).map_err(|e| fail(&to, e))?;
    Ok((to, hash(&bytes)))
}

/// Installs a component; where a host runs, what each strategy that took it up made of it.
pub fn install(file: &Path, plugins: &Path, state: &Path) -> Result<Installed, Failure> {
    let before = view(state);
    let (file, hash) = put(file, plugins)?;
    let mut installed =
        Installed { schema: 1, file, hash, asked: before.is_some(), strategies: Vec::new() };
    let Some(before) = before else { return Ok(installed) };
    let counted = |strategy: &StrategyView| {
        before.strategies.iter().find(|known| known.name == strategy.name).map_or(0, judged)
    };
    let began = Instant::now();
    let mut last = began;
    while began.elapsed() < PATIENCE && last.elapsed() < SILENCE {
        std::thread::sleep(LOOK);
        let Some(now) = view(state) else { break };
        let concerned = |s: &&StrategyView| {
            let is_new = judged(s) > counted(s);
            s.hash == installed.hash
                || is_new && s.candidate.as_ref().is_some_and(|(hash, _)| *hash == installed.hash)
        };
        let all: Vec<&StrategyView> = now.strategies.iter().filter(concerned).collect();
        let known: Vec<(String, Outcome)> = (all.iter())
            .filter_map(|s| Some((s.name.clone(), outcome(s, &installed.hash, counted(s))?)))
            .collect();
        if known != installed.strategies {
            last = Instant::now();
        }
        let done = !all.is_empty() && known.len() == all.len();
        installed.strategies = known;
        if done {
            break;
        }
    }
    Ok(installed)
}
