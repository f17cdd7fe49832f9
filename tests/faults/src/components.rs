//! The same strategies as components in the sandbox. They trap where the script says so, by
//! themselves; a reload puts the same component in again.

use crate::host::{NUMBERS, Native, Start};
use hedgerow_engine::Engine;
use hedgerow_guest_trader::TRAP;
use hedgerow_model::{
    CallFault, Event, HostTime, OpaqueMessage, StrategyId, TickSlice, TradingMode,
};
use hedgerow_plugins::{
    Limits, Mode, Plugin, PluginHost, RoleInstrument, Setup, Start as Begin, WasmEngine,
};
use hedgerow_ports::{Called, Done, Job, Saved, StrategyHost};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::OnceLock;

/// Strategies of a run, native or in the sandbox.
pub enum Host {
    /// As native code.
    Native(Native),
    /// As components.
    Sandboxed(Box<Components>),
}

/// Strategies in the sandbox.
pub struct Components {
    inner: PluginHost,
    plugin: Plugin,
    traps: Vec<Rc<Cell<u32>>>,
}

/// Where components lie, if not in this checkout: a simulation of a copy of it has none.
const FOLDER: &str = "HEDGEROW_COMPONENTS";

fn file() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."));
    let here = || root.join("target/guests/components");
    let folder = std::env::var_os(FOLDER).map_or_else(here, PathBuf::from);
    folder.join("hedgerow-guest-trader.wasm")
}

fn limits() -> Limits {
    // as many numbers as a failed native call uses up
    let intents_per_call = u32::try_from(NUMBERS).unwrap_or(u32::MAX);
    Limits { intents_per_call, ..Limits::default() }
}

/// The sandbox and the component, compiled once.
fn sandbox() -> (WasmEngine, Plugin) {
    static MADE: OnceLock<(WasmEngine, Plugin)> = OnceLock::new();
    let make = || {
        let path = file();
        let bytes = std::fs::read(&path).unwrap_or_else(|error| {
            panic!("{}: {error}: run `cargo xtask build-plugins`", path.display())
        });
        let engine = WasmEngine::new(Mode::Backtest).unwrap_or_else(|e| panic!("{e}"));
        let plugin = Plugin::load(&engine, &bytes, &limits(), None);
        (engine, plugin.unwrap_or_else(|e| panic!("{e}")))
    };
    MADE.get_or_init(make).clone()
}

impl Components {
    /// Starts every strategy from where an engine's facts end.
    ///
    /// # Panics
    /// When the component is not built, or refuses its state.
    #[must_use]
    pub fn start(starts: Vec<Start>, engine: &Engine) -> Self {
        let (sandbox, plugin) = sandbox();
        let traps = starts.iter().map(|start| Rc::clone(&start.traps)).collect();
        let begin = |(id, start): (u32, Start)| {
            let id = StrategyId(id);
            let saved = engine.checkpoint(id);
            let instruments = start.instruments.into_iter().map(|known| RoleInstrument {
                role: known.role,
                spec: known.spec,
                venue: known.venue,
                account: known.account,
                fees: (known.maker_fee, known.taker_fee),
            });
            let setup = Setup {
                name: "trader".into(),
                parameters: start.parameters,
                instruments: instruments.collect(),
                ..Setup::default()
            };
            Begin {
                plugin: plugin.clone(),
                setup,
                saved: saved.map(|(version, data)| Saved { version, data: data.to_vec() }),
                next_order: engine.next_order(id),
                held: false,
            }
        };
        let starts = (0..).zip(starts).map(begin).collect();
        let inner = PluginHost::start(sandbox, limits(), starts, false);
        Self { inner: inner.unwrap_or_else(|e| panic!("{e:?}")), plugin, traps }
    }

    /// Whether the script has this call fail; then the component did.
    fn trapped(
        &mut self,
        strategy: StrategyId,
        (now, mode): (HostTime, TradingMode),
    ) -> Option<CallFault> {
        let traps = self.traps.get(strategy.index())?;
        traps.set(traps.get().checked_sub(1)?);
        let message = OpaqueMessage { code: TRAP, json: "{}".into() };
        let event = Event::Other(message);
        match self.inner.run(strategy, Job::Event { now, mode, event }) {
            Done::Called(Err(fault)) => Some(fault),
            other => panic!("it did not trap: {other:?}"),
        }
    }
}

impl StrategyHost for Components {
    fn on_market(
        &mut self,
        strategy: StrategyId,
        mode: TradingMode,
        ticks: &TickSlice,
    ) -> Result<Called, CallFault> {
        let now = HostTime::from_nanos(ticks.first().map_or(0, |tick| tick.recv_ts));
        match self.trapped(strategy, (now, mode)) {
            Some(fault) => Err(fault),
            None => self.inner.on_market(strategy, mode, ticks),
        }
    }

    fn run(&mut self, strategy: StrategyId, job: Job) -> Done {
        match &job {
            Job::Market { mode, ticks } => {
                return Done::Called(self.on_market(strategy, *mode, ticks));
            }
            Job::Event { now, mode, .. } | Job::Stop { now, mode, .. } => {
                if let Some(fault) = self.trapped(strategy, (*now, *mode)) {
                    return Done::Called(Err(fault));
                }
            }
            Job::Swap { .. } => self.inner.set_candidate(strategy, self.plugin.clone()),
            _ => {}
        }
        self.inner.run(strategy, job)
    }

    fn post(&mut self, _: StrategyId, _: Job) {
        unreachable!("strategies run within the loop");
    }

    fn finished(&mut self) -> Option<(StrategyId, Done)> {
        None
    }

    fn next_order(&self, strategy: StrategyId) -> u64 {
        self.inner.next_order(strategy)
    }

    fn state_version(&self, strategy: StrategyId) -> u32 {
        self.inner.state_version(strategy)
    }

    fn accept(&mut self, strategy: StrategyId) {
        self.inner.accept(strategy);
    }
}

/// The host that a run has.
macro_rules! of {
    ($this:expr, $host:ident => $what:expr) => {
        match $this {
            Host::Native($host) => $what,
            Host::Sandboxed($host) => $what,
        }
    };
}

impl StrategyHost for Host {
    fn on_market(
        &mut self,
        strategy: StrategyId,
        mode: TradingMode,
        ticks: &TickSlice,
    ) -> Result<Called, CallFault> {
        of!(self, host => host.on_market(strategy, mode, ticks))
    }

    fn run(&mut self, strategy: StrategyId, job: Job) -> Done {
        of!(self, host => host.run(strategy, job))
    }

    fn post(&mut self, strategy: StrategyId, job: Job) {
        of!(self, host => host.post(strategy, job));
    }

    fn finished(&mut self) -> Option<(StrategyId, Done)> {
        of!(self, host => host.finished())
    }

    fn next_order(&self, strategy: StrategyId) -> u64 {
        of!(self, host => host.next_order(strategy))
    }

    fn state_version(&self, strategy: StrategyId) -> u32 {
        of!(self, host => host.state_version(strategy))
    }

    fn accept(&mut self, strategy: StrategyId) {
        of!(self, host => host.accept(strategy));
    }
}
