//! What a host goes on with after another process: the components that ran last, whatever lies in
//! the plugins folder by now.

use crate::config::Config;
use crate::kept;
use crate::wiring::{Loaded, id, load_one};
use hedgerow_model::StrategyId;
use hedgerow_plugins::{Cache, Plugin, WasmEngine};
use hedgerow_store::SqliteJournal;
use std::collections::BTreeMap;

/// Whether there is a journal to go on with: one in which a strategy began. A start that failed
/// leaves one in which nothing did, and the next one is told all that the first one was.
pub(crate) fn goes_on(config: &Config) -> bool {
    config.data.is_live() && !ran(config).is_empty()
}

fn ran(config: &Config) -> BTreeMap<StrategyId, String> {
    let journal = config.state.join("journal.sqlite");
    let known = journal.exists().then(|| SqliteJournal::components(&journal).ok());
    known.flatten().unwrap_or_default()
}

/// What a strategy ran last, where a host goes on: a file that is broken or gone by now must not
/// keep it from its orders.
pub(crate) fn last_component(
    config: &Config,
    place: usize,
    engine: &WasmEngine,
    cache: Option<&Cache>,
) -> Option<(Plugin, Vec<u8>)> {
    let ran = config.data.is_live().then(|| ran(config))?;
    let hash = ran.get(&StrategyId(id(place)))?;
    let found = load_one(engine, &kept::path(&config.state, hash), &config.sandbox, cache).ok()?;
    (found.0.hash == *hash).then_some(found)
}

/// Goes on with the components that ran last: those that were at work when the facts end, not those
/// that lie in the folder now. What lies there is tried and swapped in like any other new file; in
/// the place of one that is gone it has nothing to be held against, and may have failed before.
pub fn go_on_with(config: &Config, loaded: &mut Loaded, ran: &BTreeMap<StrategyId, String>) {
    for (place, plugin) in loaded.plugins.iter_mut().enumerate() {
        let me = StrategyId(id(place));
        let Some(hash) = ran.get(&me).filter(|hash| **hash != plugin.hash) else { continue };
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
