//! A host in this process, over a generated market, with components of our choice.

use hedgerow_daemon::config;
use hedgerow_daemon::data;
use hedgerow_daemon::latch::KillLatch;
use hedgerow_daemon::wiring::{self, Host, Loaded, Plan};
use hedgerow_driver::{Batching, Progress, Swapped};
use hedgerow_end_to_end::{component, generated};
use hedgerow_model::{Duration, HostTime, Stamped, StrategyId, Swap};
use hedgerow_plugins::{Limits, Mode, Plugin, WasmEngine};
use hedgerow_store::SqliteJournal;
use std::path::PathBuf;

pub(crate) const FIRST: StrategyId = StrategyId(0);
pub(crate) const SECOND: StrategyId = StrategyId(1);

pub(crate) struct Rig {
    pub(crate) host: Host<SqliteJournal>,
    pub(crate) loaded: Loaded,
    config: config::Config,
    _folder: tempfile::TempDir,
}

/// Parameters of the hostile strategy.
pub(crate) fn deed(place: &str, deed: &str, after: u64) -> String {
    format!("place = \"{place}\"\ndeed = \"{deed}\"\nafter = {after}")
}

impl Rig {
    /// `strategies`: plugin and parameters; the first trades A, the second B.
    pub(crate) fn new(mode: Mode, events_per_s: u32, strategies: &[(&str, String)]) -> Self {
        // fuel is far above the time that is allowed live: an endless loop would take long to end
        Self::within("call_hard_cpu_ms = 6", mode, events_per_s, strategies)
    }

    /// The same, with a sandbox of its own.
    pub(crate) fn within(
        sandbox: &str,
        mode: Mode,
        events_per_s: u32,
        strategies: &[(&str, String)],
    ) -> Self {
        Self::of_seed(7, sandbox, mode, events_per_s, strategies)
    }

    /// The same, over another market.
    pub(crate) fn of_seed(
        seed: u64,
        sandbox: &str,
        mode: Mode,
        events_per_s: u32,
        strategies: &[(&str, String)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plugins: PathBuf = component("hedgerow-guest-probe").parent().unwrap().to_owned();
        let state = folder.path().join("state");
        let places = [("s0", "one", "A"), ("s1", "two", "B")];
        let entries: Vec<_> = strategies
            .iter()
            .zip(places)
            .map(|((plugin, parameters), (name, account, symbol))| {
                (name, *plugin, account, symbol, parameters.as_str())
            })
            .collect();
        let file = folder.path().join("host.toml");
        let config = generated(&plugins, &state, events_per_s, &entries);
        let config = config.replace("seed = 7\n", &format!("seed = {seed}\n"));
        std::fs::write(&file, format!("{config}\n[sandbox]\n{sandbox}\n")).unwrap();
        let config = config::load(&file).unwrap_or_else(|e| panic!("{e}"));
        let loaded = wiring::load(&config, WasmEngine::new(mode).unwrap()).unwrap();
        let tape = data::open(&config, 1_700_000_000_000_000_000).unwrap().tape;
        let journal = SqliteJournal::open(&folder.path().join("rig.sqlite")).unwrap();
        let batching = Batching::Adaptive;
        let latch = KillLatch::absent();
        let (engine, goes_on, rings, wake) = (None, false, true, None);
        let plan = Plan { journal, engine, goes_on, batching, rings, latch, wake };
        let mut host =
            wiring::build(&config, &loaded, &tape, plan).unwrap_or_else(|e| panic!("{e}"));
        host.start().unwrap();
        Self { host, loaded, config, _folder: folder }
    }

    /// What a strategy's component is started with.
    pub(crate) fn setup(&self, strategy: StrategyId) -> hedgerow_plugins::Setup {
        let place = strategy.index();
        wiring::setup(&self.config, &self.config.strategies[place], &self.loaded.plugins[place])
    }

    /// All facts, from the file: kept in memory they would hide what the host itself holds.
    pub(crate) fn facts(&self) -> Vec<Stamped> {
        self.host.journal().read().unwrap()
    }

    /// Runs until so many more ticks are handled.
    pub(crate) fn run(&mut self, ticks: u64) {
        let end = self.host.stats().ticks + ticks;
        while self.host.stats().ticks < end {
            let progress = self.host.advance(HostTime::NEVER).unwrap();
            assert_eq!(progress, Progress::Worked);
        }
    }

    /// Loads a component as the reload thread does.
    pub(crate) fn load(&self, bytes: &[u8]) -> Plugin {
        let cache = self.loaded.cache.as_ref();
        Plugin::load(&self.loaded.engine, bytes, &Limits::default(), cache).unwrap()
    }

    pub(crate) fn status(&mut self, strategy: StrategyId) -> serde_json::Value {
        self.settle();
        self.host.ask_status().unwrap();
        let (_, text) = self.host.said(strategy).unwrap();
        serde_json::from_str(text).unwrap()
    }

    /// Puts a component in place of a strategy's.
    pub(crate) fn swap(&mut self, plugin: Plugin, (calls, time): (u64, Duration)) -> Swapped {
        self.settle();
        let component = plugin.hash.clone();
        self.host.host_mut().set_candidate(FIRST, plugin);
        self.host.swap(FIRST, Swap { component, calls, time }).unwrap();
        self.host.take_swapped().unwrap().1
    }

    /// Comes to a moment at which a swap may be made.
    pub(crate) fn settle(&mut self) {
        while !self.host.is_ready_to_swap(FIRST) {
            self.host.advance(HostTime::NEVER).unwrap();
        }
    }

    pub(crate) fn figure(&mut self, strategy: StrategyId, name: &str) -> u64 {
        self.status(strategy)[name].as_u64().unwrap()
    }

    /// The strategy saw every update once, and the ledger is the venue's.
    pub(crate) fn assert_sound(&mut self, strategy: StrategyId) {
        self.settle();
        let status = self.status(strategy);
        assert_eq!(status["missing"], 0, "{status}");
        assert_eq!(status["repeated"], 0, "{status}");
        assert_eq!(status["seen"], status["last"], "{status}");
        let account = hedgerow_model::AccountId(strategy.0);
        for (spec, position, _) in self.host.engine().positions(strategy) {
            let venue = self.host.venue().inner().position(account, spec.id);
            // at most one report of each of the two orders it ever has is on its way to us
            let on_its_way = venue.traded - position.traded;
            assert!((0..=200).contains(&on_its_way), "{venue:?} {position:?}");
            if on_its_way == 0 {
                assert_eq!(venue, *position);
            }
        }
    }
}
