//! From a changed file to a component that may be swapped in: noticed, checked, compiled, tried in
//! the shadow. Off the loop; a failure anywhere leaves the running version alone and says why.

mod folder;
mod trial;

use super::Message;
use crate::config::Config;
use crate::kept;
use crate::wiring::{Loaded, component_path};
use folder::Folder;
use hedgerow_model::{PluginStep, StrategyId};
use hedgerow_plugins::{
    Cache, Candidate, Limits, LoadError, Plugin, Setup, Sighting, WantedRole, WasmEngine, Watcher,
};
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use trial::{No, Trial};

/// A change settles this long before it is looked at; also the time between the two looks.
const QUIET: Duration = Duration::from_millis(200);
/// A file that does not parse is told of when it has been like that for so long.
const STABLE: Duration = Duration::from_secs(3);
/// Network and container mounts send no events: look all the same.
const RESCAN: Duration = Duration::from_secs(2);
/// How far behind all others a compiling thread stands.
const NICE: i32 = 15;
/// How often a file is tried that failed for what may pass by itself.
const TRIES: u32 = 3;

/// The watching thread; it ends with this.
pub(super) struct Reload {
    stop: Arc<AtomicBool>,
    retried: Retried,
}

/// Strategies whose files an operator wants tried again.
type Retried = Arc<Mutex<BTreeSet<StrategyId>>>;

impl Reload {
    /// The file of this strategy is looked at as if it were new.
    pub(super) fn look_again(&self, strategy: StrategyId) {
        self.retried.lock().unwrap_or_else(PoisonError::into_inner).insert(strategy);
    }
}

impl Drop for Reload {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// One strategy whose component may change.
struct Watched {
    strategy: StrategyId,
    path: PathBuf,
    name: String,
    setup: Setup,
    wants: Vec<WantedRole>,
}

struct Worker {
    engine: WasmEngine,
    limits: Limits,
    cache: Option<Cache>,
    state: PathBuf,
    /// Where a recording keeps what may take over.
    recording: Option<PathBuf>,
    watched: Vec<Watched>,
    inbox: Sender<Message>,
    /// Files that may only not be whole yet, why, and since when.
    partial: Vec<(Candidate, String, Instant)>,
    /// Files to be tried again, and how often each was tried, by hash.
    again: Vec<PathBuf>,
    retried: Retried,
    folder: Folder,
    tried: BTreeMap<String, u32>,
}

pub(super) fn watch(
    config: &Config,
    loaded: &Loaded,
    inbox: Sender<Message>,
    record: Option<&Path>,
) -> Reload {
    let stop = Arc::new(AtomicBool::new(false));
    let mut watcher = Watcher::new(&config.plugins, loaded.limits.component_bytes);
    let entries = config.strategies.iter().zip(&loaded.plugins).enumerate();
    let watched: Vec<Watched> = entries
        .map(|(place, (entry, plugin))| {
            let path = component_path(&config.plugins, &entry.plugin);
            Watched {
                strategy: StrategyId(u32::try_from(place).unwrap_or(u32::MAX)),
                path,
                name: plugin.description.name.clone(),
                setup: crate::wiring::setup(config, entry, plugin),
                wants: plugin.description.wants.clone(),
            }
        })
        .collect();
    for one in &watched {
        let mut others = watched.iter().zip(&loaded.plugins).filter(|(w, _)| w.path == one.path);
        // where one of two strategies was rolled back, the file is news for one of them
        let Some((_, first)) = others.next() else { continue };
        if others.all(|(_, plugin)| plugin.hash == first.hash) {
            watcher.settle(&one.path, &first.hash);
        }
    }
    let retried = Retried::default();
    let worker = Worker {
        engine: loaded.engine.clone(),
        limits: loaded.limits.clone(),
        cache: loaded.cache.clone(),
        state: config.state.clone(),
        recording: record.map(Path::to_owned),
        watched,
        inbox,
        partial: Vec::new(),
        again: Vec::new(),
        retried: Arc::clone(&retried),
        folder: Folder::new(config.data.is_live()),
        tried: BTreeMap::new(),
    };
    let (folder, ended) = (config.plugins.clone(), Arc::clone(&stop));
    let body = move || run(worker, watcher, &folder, &ended);
    if let Err(error) = std::thread::Builder::new().name("reload".into()).spawn(body) {
        tracing::error!(%error, "components are not watched");
    }
    Reload { stop, retried }
}

/// What the system tells of a folder, as far as it may be a new file: that somebody opens or reads
/// what is there is our own doing.
fn events(folder: &Path, wake: Sender<()>) -> Option<notify::RecommendedWatcher> {
    let heard = move |event: notify::Result<notify::Event>| {
        let is_read = |event: &notify::Event| {
            let written = AccessKind::Close(AccessMode::Write);
            matches!(event.kind, EventKind::Access(kind) if kind != written)
        };
        if !event.as_ref().is_ok_and(is_read) {
            let _ = wake.send(());
        }
    };
    let mut system = notify::recommended_watcher(heard).ok()?;
    system.watch(folder, notify::RecursiveMode::NonRecursive).ok()?;
    Some(system)
}

fn run(mut worker: Worker, mut watcher: Watcher, folder: &Path, stop: &AtomicBool) {
    let (wake, woken) = channel();
    let system = events(folder, wake);
    if system.is_none() {
        tracing::warn!("no file events here: looking every {} s", RESCAN.as_secs());
    }
    while !stop.load(Ordering::Relaxed) {
        worker.retried().for_each(|path| watcher.forget(&path));
        let mut sightings = watcher.look();
        std::thread::sleep(QUIET);
        sightings.extend(watcher.look());
        for sighting in sightings {
            worker.sighted(sighting);
        }
        worker.tell_stable();
        let named = worker.watched.iter().map(|watched| watched.path.as_path());
        worker.folder.looked(named, &worker.inbox);
        worker.again.drain(..).for_each(|path| watcher.forget(&path));
        // an event only means: look again
        let _ = woken.recv_timeout(RESCAN);
        while woken.try_recv().is_ok() {}
    }
}

/// What may take over is kept: for a restart, and where one is made for the recording. What is in
/// use is known by the trials alone: without one nothing is kept, and nothing is forgotten for it.
fn keep((state, recording): (&Path, Option<&Path>), candidate: &Candidate, in_use: Vec<String>) {
    if in_use.is_empty() {
        return;
    }
    kept::keep(state, &candidate.hash, &candidate.bytes, &in_use);
    if let Some(folder) = recording {
        kept::keep_for_ever(folder, &candidate.hash, &candidate.bytes);
    }
}

impl Worker {
    fn sighted(&mut self, sighting: Sighting) {
        match sighting {
            Sighting::Unusable { path, why } => {
                tracing::warn!(path = %path.display(), %why, "component file not used");
                // a refusal without a hash is of what was being swapped in
                self.tell(&path, PluginStep::Refused, "unread", &why);
            }
            Sighting::New(candidate)
                if self.watched.iter().all(|watched| watched.path != candidate.path) =>
            {
                self.folder.is_unnamed(candidate.path, &self.inbox);
            }
            Sighting::New(candidate) => self.candidate(&candidate),
        }
    }

    /// Files that an operator wants tried again.
    fn retried(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let all = std::mem::take(&mut *self.retried.lock().unwrap_or_else(PoisonError::into_inner));
        let of = move |strategy| self.watched.iter().find(|w| w.strategy == strategy);
        all.into_iter().filter_map(of).map(|watched| watched.path.clone())
    }

    fn tell(&self, path: &std::path::Path, step: PluginStep, hash: &str, detail: &str) {
        for watched in self.watched.iter().filter(|watched| watched.path == path) {
            self.tell_one(watched.strategy, step, hash, detail);
        }
    }

    fn tell_one(&self, strategy: StrategyId, step: PluginStep, hash: &str, detail: &str) {
        let message = Message::Plugin(strategy, step, hash.to_owned(), detail.to_owned());
        let _ = self.inbox.send(message);
    }

    fn refuse(&self, candidate: &Candidate, why: &str) {
        let path = candidate.path.display();
        tracing::warn!(%path, hash = %candidate.hash, %why, "component refused");
        self.tell(&candidate.path, PluginStep::Refused, &candidate.hash, why);
    }

    /// A file that has not been whole for a while is not being written any more.
    fn tell_stable(&mut self) {
        let all = std::mem::take(&mut self.partial).into_iter();
        let (stable, partial): (Vec<_>, Vec<_>) =
            all.partition(|(_, _, since)| since.elapsed() >= STABLE);
        self.partial = partial;
        for (candidate, why, _) in stable {
            self.refuse(&candidate, &why);
        }
    }

    fn candidate(&mut self, candidate: &Candidate) {
        self.partial.retain(|(known, ..)| known.path != candidate.path);
        let plugin = match self.load(candidate) {
            Ok(plugin) => plugin,
            Err(error) if error.maybe_partial => {
                let why = error.to_string();
                self.partial.push((candidate.clone(), why, Instant::now()));
                return;
            }
            Err(error) => return self.refuse(candidate, &error.to_string()),
        };
        let name = plugin.description.name.clone();
        let elsewhere = self.watched.iter().any(|w| w.name == name && w.path != candidate.path);
        if elsewhere {
            return self.refuse(candidate, &format!("another file already is the plugin {name}"));
        }
        let mut accepted = Vec::new();
        for watched in self.watched.iter().filter(|w| w.path == candidate.path) {
            match self.prepare(watched, &plugin) {
                Ok(trial) => accepted.push((watched.strategy, trial)),
                Err(No::Never(why)) => return self.refuse(candidate, &why),
                Err(No::NotNow(why)) => return self.try_again(candidate, &why),
                Err(No::Before(why)) => {
                    let (path, hash) = (candidate.path.display(), &candidate.hash);
                    tracing::warn!(%path, %hash, %why, "component refused");
                    self.tell_one(watched.strategy, PluginStep::Refused, hash, &why);
                }
                Err(No::Runs(is_news)) => {
                    let hash = &candidate.hash;
                    tracing::info!(%hash, "this component runs already");
                    if is_news {
                        let again = "the file in the folder is the one that runs";
                        self.tell_one(watched.strategy, PluginStep::Shadowed, hash, again);
                    }
                }
                Err(No::Busy(why)) => {
                    tracing::info!(hash = %candidate.hash, %why, "component not tried: again");
                    return self.again.push(candidate.path.clone());
                }
            }
        }
        self.tried.remove(&candidate.hash);
        let in_use = accepted.iter().flat_map(|(_, trial)| trial.in_use.clone()).collect();
        keep((&self.state, self.recording.as_deref()), candidate, in_use);
        for (strategy, Trial { detail, .. }) in accepted {
            let hash = plugin.hash.clone();
            let _ = self.inbox.send(Message::Plugin(strategy, PluginStep::Shadowed, hash, detail));
            let _ = self.inbox.send(Message::Swap(strategy, Box::new(plugin.clone())));
        }
    }

    /// Checked and compiled on a thread that everything else goes before: others trade meanwhile.
    fn load(&self, candidate: &Candidate) -> Result<Plugin, LoadError> {
        let load = || {
            if let Err(error) = rustix::process::nice(NICE) {
                tracing::debug!(%error, "components are compiled at full speed");
            }
            Plugin::load(&self.engine, &candidate.bytes, &self.limits, self.cache.as_ref())
        };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("compile".into());
            let failed = |why: &str| LoadError::one(format!("it cannot be looked at: {why}"));
            match thread.spawn_scoped(scope, load) {
                Ok(thread) => thread.join().unwrap_or_else(|_| Err(failed("the host panicked"))),
                Err(error) => Err(failed(&error.to_string())),
            }
        })
    }

    fn try_again(&mut self, candidate: &Candidate, why: &str) {
        let tried = self.tried.entry(candidate.hash.clone()).or_default();
        *tried += 1;
        if *tried < TRIES {
            tracing::info!(hash = %candidate.hash, %why, "component not tried to its end: again");
            self.again.push(candidate.path.clone());
            return;
        }
        let why = format!("{why}; tried {tried} times");
        self.tried.remove(&candidate.hash);
        self.refuse(candidate, &why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Our own looks are no news: each would wake the next.
    #[test]
    fn looking_at_the_folder_wakes_nobody_and_a_new_file_does() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wasm");
        std::fs::write(&file, b"one").unwrap();
        let (wake, woken) = channel();
        let system = events(folder.path(), wake);
        assert!(system.is_some());
        let mut watcher = Watcher::new(folder.path(), 1 << 20);
        for _ in 0..10 {
            watcher.look();
        }
        let quiet = woken.recv_timeout(Duration::from_millis(500));
        assert!(quiet.is_err(), "{quiet:?}");
        std::fs::write(&file, b"two").unwrap();
        assert_eq!(woken.recv_timeout(Duration::from_secs(60)), Ok(()));
    }

    /// A file that every strategy runs already says nothing of what the others run.
    #[test]
    fn nothing_is_forgotten_for_a_file_that_nobody_takes() {
        let state = tempfile::tempdir().unwrap();
        let hash = |n: usize| format!("{n:064}");
        for n in 0..kept::KEPT + 2 {
            kept::keep_for_ever(state.path(), &hash(n), b"x");
        }
        let (path, bytes) = (PathBuf::from("a.wasm"), b"x".to_vec());
        let candidate = Candidate { path, bytes, hash: hash(1) };
        keep((state.path(), None), &candidate, Vec::new());
        assert!((0..kept::KEPT + 2).all(|n| kept::path(state.path(), &hash(n)).exists()));
        keep((state.path(), None), &candidate, vec![hash(0)]);
        assert!(kept::path(state.path(), &hash(0)).exists());
        assert!(!kept::path(state.path(), &hash(2)).exists());
    }
}
