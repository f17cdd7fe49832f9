//! What is wrong with a config and the components it names: everything at once, on one screen.
//!
//! A file with problems is looked at as far as it can be read: its components are loaded, and those
//! that fit are started once with their parameters, for no longer than a live host lets them.
//! Nothing here starts a run.

use crate::command::Failure;
use crate::config::problem::{Located, Problems};
use crate::config::schema::{self, Misfit};
use crate::config::{self, Config, ConfigError, DataSource, StrategyEntry};
use crate::owners::{self, Owner};
use crate::wiring::{WiringError, component_path, load_one, setup};
use hedgerow_plugins::{
    Cache, InitFailure, LoadError, Mode, Plugin, PluginHost, Start, WasmEngine,
};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A component and the bytes it was made from.
type File = (Plugin, Vec<u8>);

/// A strategy's component, as far as it can be used.
pub(crate) struct Found {
    pub(crate) plugin: Plugin,
    pub(crate) bytes: Vec<u8>,
    /// Whether it has what it needs to be started.
    fits: bool,
    /// Why it is there in place of the one that ran last, if one did.
    pub(crate) instead: Option<String>,
}

/// The component of a strategy. Where a journal goes on it is the one that ran `last`, whatever
/// lies in the folder by now: a file that was refused, or never tried, must not keep a strategy
/// from its orders. The folder's is taken where that one is gone, or does not fit the config any
/// more.
fn found(
    config: &Config,
    entry: &StrategyEntry,
    load: &dyn Fn(&Path) -> Result<File, LoadError>,
    last: Option<File>,
    problems: &mut Problems,
) -> Option<Found> {
    let judge = |(plugin, bytes): File| {
        let mut own = Problems::default();
        check_roles(entry, &plugin, &mut own);
        check_parameters(entry, &plugin, &mut own);
        let fits = own.0.is_empty() && entry.unplaced.is_empty();
        (Found { plugin, bytes, fits, instead: None }, own)
    };
    let last = last.map(judge);
    if last.as_ref().is_some_and(|(_, own)| own.0.is_empty()) {
        return last.map(|(found, _)| found);
    }
    let path = component_path(&config.plugins, &entry.plugin);
    let (found, own) = match (load(&path), last) {
        (Ok(loaded), None) => judge(loaded),
        (Ok(loaded), Some((_, misfits))) => {
            let (mut found, own) = judge(loaded);
            let why = misfits.0.first().map(|misfit| format!("{} {}", misfit.key, misfit.what));
            let why = why.unwrap_or_default();
            found.instead = Some(format!(
                "the component that ran last does not fit this config ({why}); the one in the \
                 plugins folder was not tried here: resume the strategy to begin with it"
            ));
            (found, own)
        }
        (Err(_), Some(last)) => last,
        (Err(error), None) => {
            let key = format!("strategy {}.plugin", entry.name);
            let what = format!("{}: {error}", path.display());
            let fix = "build it (`cargo xtask build-plugins`) and put the file there";
            problems.add(entry.spans[0].clone(), key, what, fix);
            return None;
        }
    };
    problems.0.extend(own.0);
    Some(found)
}

/// Loads the components of all strategies; those that are missing or broken, and nothing ran `last`
/// in their place, or that do not fit their roles are problems.
pub(crate) fn components(
    config: &Config,
    engine: &WasmEngine,
    cache: Option<&Cache>,
    last: &dyn Fn(usize) -> Option<(Plugin, Vec<u8>)>,
    problems: &mut Problems,
) -> Vec<Option<Found>> {
    check_complete(config, problems);
    let mut all: Vec<Option<Found>> = Vec::new();
    let load = |path: &Path| load_one(engine, path, &config.sandbox, cache);
    for (place, entry) in config.strategies.iter().enumerate() {
        all.push(found(config, entry, &load, last(place), problems));
    }
    check_files(config, &all, problems);
    let known: Vec<Owner<'_>> = (config.strategies.iter().zip(&all))
        .filter_map(|(entry, found)| Some(Owner::new(entry, &found.as_ref()?.plugin.description)))
        .collect();
    owners::check(config, &known, problems);
    owners::check_money(config, &known, problems);
    check_expiry(config, &known, problems);
    check_sockets(config, &known, problems);
    all
}

/// Whether the sockets of a config serve it.
fn check_sockets(config: &Config, owners: &[Owner<'_>], problems: &mut Problems) {
    let DataSource::Socket { sockets } = &config.data else { return };
    let trades = owners.iter().flat_map(|owner| owner.trades.iter().copied()).collect::<Vec<_>>();
    if let Err(why) = crate::link::check_sockets(config, sockets, &trades) {
        let at = config.text.find("[data").unwrap_or(0);
        let fix = "correct the sockets, or the accounts of strategies";
        problems.add(at..at + 1, "data", why, fix);
    }
}

/// A host with nothing to do is a mistake.
fn check_complete(config: &Config, problems: &mut Problems) {
    for (key, missing, fix) in [
        ("venue", config.venues.is_empty(), "add [[venue]] with its name and latencies"),
        ("instrument", config.instruments.is_empty(), "add [[instrument]] of one of the venues"),
        ("account", config.accounts.is_empty(), "add [[account]] with its name"),
        ("strategy", config.strategies.is_empty(), "add [[strategy]] with its component"),
    ] {
        // one that is there and wrong was told where it stands
        if missing && !config.text.contains(&format!("[[{key}]]")) {
            problems.add(0..1, key, "there is none", fix);
        }
    }
}

/// In a market of now, what was delivered cannot be traded any more.
pub(crate) fn check_expiry(config: &Config, owners: &[Owner<'_>], problems: &mut Problems) {
    let goes_on = crate::wiring::goes_on(config);
    let now_is = matches!(config.data, DataSource::Generated { .. } | DataSource::Socket { .. });
    // host time has not begun: it goes on from the journal's, which may be ahead of the system's
    let now = crate::live::system();
    for owner in owners.iter().filter(|_| now_is) {
        for (place, _) in &owner.trades {
            let Some((spec, _)) = config.instruments.get(*place) else { continue };
            let expiry = spec.kind.expiry();
            if expiry.is_some_and(|at| at.as_nanos() <= now) {
                if goes_on {
                    // what is held there, and all else, still needs a host
                    let (strategy, symbol) = (&owner.entry.name, &spec.symbol);
                    tracing::warn!(%strategy, %symbol, "has expired: nothing opens there");
                    continue;
                }
                let what = format!("trades {}, which has expired", spec.symbol);
                let fix = "give it a contract that has not, or correct its expiry_unix_s";
                problems.add(owner.entry.span.clone(), "strategy", what, fix);
            }
        }
    }
}

/// Starts each component that fits by itself, without a state, and drops it again: what it says of
/// its parameters is a problem.
fn trial(config: &Config, engine: &WasmEngine, all: &[Option<Found>], problems: &mut Problems) {
    for (entry, found) in config.strategies.iter().zip(all) {
        let Some(Found { plugin, fits: true, .. }) = found else { continue };
        let plugin = plugin.clone();
        let setup = setup(config, entry, &plugin);
        let start = Start { plugin, setup, saved: None, next_order: 1, held: false };
        let started = PluginHost::start(engine.clone(), config.sandbox.clone(), vec![start], false);
        for (_, failure) in started.err().unwrap_or_default() {
            refused(entry, &failure, problems);
        }
    }
}

/// All that is wrong with a config, where something is: with its components as they were found, and
/// what those that fit say of their parameters.
pub(crate) fn rest(
    config: &Config,
    engine: &WasmEngine,
    all: &[Option<Found>],
    mut problems: Problems,
) -> ConfigError {
    trial(config, engine, all, &mut problems);
    ConfigError::of(&config.file, &config.text, &problems)
}

/// A file that was refused, with what is wrong beyond the file itself.
#[must_use]
pub fn whole(mut error: ConfigError) -> ConfigError {
    let Some(draft) = error.draft.take() else { return error };
    let (config, mut problems) = *draft;
    let Ok(engine) = WasmEngine::new(Mode::Live) else { return error };
    let all = components(&config, &engine, None, &|_| None, &mut problems);
    rest(&config, &engine, &all, problems)
}

/// What a check came to, for a program.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Layout version of this document.
    pub schema: u32,
    /// The file.
    pub file: PathBuf,
    /// How many strategies it has, when all is well.
    pub strategies: Option<usize>,
    /// What is wrong, in the order of the file.
    pub problems: Vec<Located>,
    /// What a run needs beside the file and does not find now: it may be named to the run, or come.
    pub needs: Vec<String>,
}

/// Checks all of a config file as a run would; writes nothing and starts nothing. With problems
/// there is a screen for a person too.
pub fn report(file: &Path) -> Result<(Report, Option<String>), Failure> {
    let report = |strategies, problems| {
        let (file, needs) = (file.to_owned(), Vec::new());
        Report { schema: 1, file, strategies, problems, needs }
    };
    let wrong = match config::load(file).map_err(whole) {
        Ok(config) => {
            let engine = WasmEngine::new(Mode::Live).map_err(Failure::new)?;
            let mut problems = Problems::default();
            let all = components(&config, &engine, None, &|_| None, &mut problems);
            let wrong = rest(&config, &engine, &all, problems);
            if wrong.problems.is_empty() {
                let needs = crate::data::absent(&config);
                return Ok((Report { needs, ..report(Some(all.len()), Vec::new()) }, None));
            }
            wrong
        }
        // a file that cannot be read is not judged
        Err(error) if error.problems.is_empty() => return Err(error.into()),
        Err(error) => error,
    };
    Ok((report(None, wrong.problems), Some(wrong.screen)))
}

fn check_roles(entry: &StrategyEntry, plugin: &Plugin, problems: &mut Problems) {
    let wants = &plugin.description.wants;
    let given = |role: &String| entry.roles.contains_key(role) || entry.unplaced.contains(role);
    for want in wants.iter().filter(|want| !given(&want.role)) {
        let key = format!("strategy {}.roles.{}", entry.name, want.role);
        let what = format!("the component needs an instrument for the role \"{}\"", want.role);
        let fix = format!("add `{} = \"venue:symbol\"` to its roles", want.role);
        problems.add(entry.spans[2].clone(), key, what, fix);
    }
    let known: Vec<&str> = wants.iter().map(|want| want.role.as_str()).collect();
    let roles = entry.roles.keys().chain(&entry.unplaced);
    for role in roles.filter(|role| !known.contains(&role.as_str())) {
        let key = format!("strategy {}.roles.{role}", entry.name);
        let what = format!("the component has no role \"{role}\"");
        let fix = format!("remove it; its roles are {}", known.join(", "));
        let span = entry.role_places.get(&format!("/{role}")).unwrap_or(&entry.spans[2]);
        problems.add(span.clone(), key, what, fix);
    }
}

/// Against the component's own schema: all at once, which its `init` cannot, and each where it
/// stands.
fn check_parameters(entry: &StrategyEntry, plugin: &Plugin, problems: &mut Problems) {
    let misfits = schema::misfits(&plugin.description.parameters, &entry.parameters);
    let takes = plugin.description.parameters["properties"].as_object();
    if misfits.len() > 1 && takes.is_none_or(serde_json::Map::is_empty) {
        let (name, file) = (&plugin.description.name, &entry.plugin);
        let key = format!("strategy {}.parameters", entry.name);
        let what = format!("{file}.wasm is the plugin \"{name}\", which takes no parameters");
        let fix = "put the component that is meant there, or remove them all";
        problems.add(entry.spans[1].clone(), key, what, fix);
        return;
    }
    for misfit in misfits {
        let Misfit { path, what, fix } = misfit;
        let span = entry.places.get(&path).unwrap_or(&entry.spans[1]);
        let key = format!("strategy {}.parameters{}", entry.name, path.replace('/', "."));
        problems.add(span.clone(), key, what, fix);
    }
}

/// A plugin is one file: with two of them nobody could say which one an update is for.
fn check_files(config: &Config, all: &[Option<Found>], problems: &mut Problems) {
    let mut known: Vec<(&str, PathBuf)> = Vec::new();
    for (entry, found) in config.strategies.iter().zip(all) {
        let Some(found) = found else { continue };
        let (name, file) = (found.plugin.description.name.as_str(), &entry.plugin);
        let path = component_path(&config.plugins, file);
        match known.iter().find(|(other, _)| *other == name) {
            Some((_, other)) if *other != path => {
                let key = format!("strategy {}.plugin", entry.name);
                let (this, other) = (path.display(), other.display());
                let what = format!("{this} is the plugin \"{name}\", and so is {other}");
                let fix = "name one file in both strategies, or give one its own name and build it";
                problems.add(entry.spans[0].clone(), key, what, fix);
            }
            Some(_) => {}
            None => known.push((name, path)),
        }
    }
}

/// Where to look after a component did not start, and what to do.
fn remedy(failure: &InitFailure) -> (&'static str, &'static str) {
    match failure {
        InitFailure::BadParameters(_) => {
            (".parameters", "correct them; `hedgerow plugin info FILE` shows their schema")
        }
        InitFailure::BadState(_) => (
            ".plugin",
            "its parameters are not the reason: put back the version that saved the state, or one \
             that reads it; `hedgerow plugin info FILE` shows which states it reads",
        ),
        InitFailure::Refused(_) => {
            ("", "see the component's reason: what it is given does not suit it")
        }
        InitFailure::Fault(_) => {
            (".plugin", "the component failed while it started: mend it and build it again")
        }
    }
}

/// A component that did not start.
pub(crate) fn refused(entry: &StrategyEntry, failure: &InitFailure, problems: &mut Problems) {
    let (key, fix) = remedy(failure);
    let span = match key {
        ".plugin" => &entry.spans[0],
        ".parameters" => &entry.spans[1],
        _ => &entry.span,
    };
    let key = format!("strategy {}{key}", entry.name);
    problems.add(span.clone(), key, failure.to_string(), fix);
}

/// Why a run does not start: what its components say of their parameters.
pub(crate) fn refusals(config: &Config, refused: &[(usize, InitFailure)]) -> WiringError {
    let mut problems = Problems::default();
    for (place, failure) in refused {
        if let Some(entry) = config.strategies.get(*place) {
            self::refused(entry, failure, &mut problems);
        }
    }
    WiringError::Config(problems.render(&config.file.display().to_string(), &config.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a component says decides what the operator is told to do.
    #[test]
    fn each_kind_of_failure_has_its_own_remedy() {
        let (key, fix) = remedy(&InitFailure::BadParameters("x".into()));
        assert!(key == ".parameters" && fix.contains("plugin info FILE"));
        let (key, fix) = remedy(&InitFailure::BadState("x".into()));
        assert!(key == ".plugin" && fix.contains("saved the state"), "{fix}");
        let (key, _) = remedy(&InitFailure::Refused("x".into()));
        assert_eq!(key, "");
    }
}
