//! The components of a config: those in the plugins folder, and those that ran last.

use super::{WiringError, id};
use crate::check;
use crate::config::problem::Problems;
use crate::config::{Config, StrategyEntry};
use crate::kept;
use hedgerow_model::StrategyId;
use hedgerow_plugins::{
    Cache, Limits, LoadError, Plugin, WantedRole, WasmEngine, hash, read_component,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Components of a config, by strategy.
pub struct Loaded {
    /// The sandbox.
    pub engine: WasmEngine,
    /// What every instance may use.
    pub limits: Limits,
    /// By strategy.
    pub plugins: Vec<Plugin>,
    /// Compiled components on disk.
    pub cache: Option<Cache>,
    /// Hashes of the files in the folder, by strategy.
    pub in_folder: Vec<String>,
    /// Strategies whose component was never tried where they are, and why it is there: they wait
    /// for an operator.
    pub untried: Vec<(StrategyId, String)>,
}

/// The file of a strategy's component.
#[must_use]
pub fn component_path(folder: &Path, plugin: &str) -> PathBuf {
    folder.join(format!("{plugin}.wasm"))
}

/// Loads the components of all strategies and checks that roles and components fit.
pub fn load(config: &Config, engine: WasmEngine) -> Result<Loaded, WiringError> {
    let limits = config.sandbox.clone();
    let cache = Cache::open(&config.state.join("compiled"))
        .inspect_err(|error| tracing::warn!(%error, "no cache of compiled components"))
        .ok();
    let mut problems = Problems::default();
    let last = |place: usize| last_component(config, place, &engine, cache.as_ref());
    let all = check::components(config, &engine, cache.as_ref(), &last, &mut problems);
    if !problems.0.is_empty() {
        return Err(WiringError::Config(check::rest(config, &engine, &all, problems).screen));
    }
    let (mut plugins, mut untried) = (Vec::new(), Vec::new());
    for (place, found) in all.into_iter().flatten().enumerate() {
        // nothing is forgotten here: what ran last may be the oldest of all
        kept::keep_for_ever(&config.state, &found.plugin.hash, &found.bytes);
        plugins.push(found.plugin);
        untried.extend(found.instead.map(|why| (StrategyId(id(place)), why)));
    }
    let in_folder = |entry: &StrategyEntry| {
        let path = component_path(&config.plugins, &entry.plugin);
        let bytes = read_component(&path, limits.component_bytes);
        bytes.map(|bytes| hash(&bytes)).unwrap_or_default()
    };
    let in_folder = config.strategies.iter().map(in_folder).collect();
    Ok(Loaded { engine, limits, plugins, cache, in_folder, untried })
}

/// Whether there is a journal to go on with: one in which a strategy began. A start that failed
/// leaves one in which nothing did, and the next one is told all that the first one was.
pub(crate) fn goes_on(config: &Config) -> bool {
    !ran(config).is_empty()
}

fn ran(config: &Config) -> BTreeMap<StrategyId, String> {
    let there = config.data.is_live() && crate::live::goes_on(&config.state);
    there.then(|| crate::live::ran(config).ok()).flatten().unwrap_or_default()
}

/// What a strategy ran last, where a host goes on: a file that is broken or gone by now must not
/// keep it from its orders.
fn last_component(
    config: &Config,
    place: usize,
    engine: &WasmEngine,
    cache: Option<&Cache>,
) -> Option<(Plugin, Vec<u8>)> {
    let ran = ran(config);
    let hash = ran.get(&StrategyId(id(place)))?;
    let found = load_one(engine, &kept::path(&config.state, hash), &config.sandbox, cache).ok()?;
    (found.0.hash == *hash).then_some(found)
}

const FIXED: &str = "what a strategy is given is fixed for the life of its journal; begin with \
                     another state folder, and flat";

/// Whether a component can do with what the one before is given: the same roles, and of each no
/// more.
pub fn wants_no_more(given: &[WantedRole], wants: &[WantedRole]) -> Result<(), String> {
    // what it holds there would be nobody's after a restart
    let has = |role: &String| wants.iter().any(|want| want.role == *role);
    if let Some(WantedRole { role, .. }) = given.iter().find(|known| !has(&known.role)) {
        return Err(format!("it lacks the role {role}, which the one before has: {FIXED}"));
    }
    for want in wants {
        let fits = given.iter().find(|known| known.role == want.role).is_some_and(|known| {
            known.trades == want.trades
                && (want.bars.is_none() || want.bars == known.bars)
                && want.kinds.iter().all(|kind| known.kinds.contains(kind))
        });
        if !fits {
            let role = &want.role;
            return Err(format!("it wants more of the role {role} than is given: {FIXED}"));
        }
    }
    Ok(())
}

/// Loads one component file; gives its bytes too.
pub fn load_one(
    engine: &WasmEngine,
    path: &Path,
    limits: &Limits,
    cache: Option<&Cache>,
) -> Result<(Plugin, Vec<u8>), LoadError> {
    let bytes = read_component(path, limits.component_bytes)?;
    let plugin = Plugin::load(engine, &bytes, limits, cache)?;
    Ok((plugin, bytes))
}

/// Goes on with the components that ran last: those that were at work when the facts end, not those
/// that lie in the folder now. What lies there is tried and swapped in like any other new file; in
/// the place of one that is gone it has nothing to be held against, and may have failed before.
pub fn go_on_with(config: &Config, loaded: &mut Loaded, ran: &BTreeMap<StrategyId, String>) {
    for (place, plugin) in loaded.plugins.iter_mut().enumerate() {
        let me = StrategyId(id(place));
        let Some(hash) = ran.get(&me).filter(|hash| **hash != plugin.hash) else { continue };
        if loaded.untried.iter().any(|(known, _)| *known == me) {
            continue; // it is known why this one is not gone on with
        }
        let path = kept::path(&config.state, hash);
        let lost = match load_one(&loaded.engine, &path, &loaded.limits, loaded.cache.as_ref()) {
            Ok((last, _)) if last.hash == *hash => {
                *plugin = last;
                continue;
            }
            Ok(_) => "is damaged".to_owned(),
            Err(error) => format!("is gone ({error})"),
        };
        let why = format!(
            "the component that ran last, {hash}, {lost}; the one in the plugins folder was not \
             tried here: resume the strategy to begin with it"
        );
        loaded.untried.push((me, why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_strategy_is_given_stays_as_it_is() {
        let of = |role: &str, trades| {
            let role = role.to_owned();
            vec![WantedRole { role, kinds: Vec::new(), bars: None, trades }]
        };
        let given = of("market", true);
        assert_eq!(wants_no_more(&given, &given), Ok(()));
        let why = |wants: &[WantedRole]| wants_no_more(&given, wants).unwrap_err();
        assert!(why(&of("market", false)).contains("more of the role market"));
        assert!(why(&of("elsewhere", true)).contains("lacks the role market"));
        assert!(why(&[of("market", true), of("b", true)].concat()).contains("more of the role b"));
    }
}
