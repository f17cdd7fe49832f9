//! wasmtime's configuration, in one place for live and backtest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wasmtime::{Config, Engine};

/// How runaway calls are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By the clock: epochs and CPU time.
    Live,
    /// By fuel: exact and repeatable.
    Backtest,
}

/// A wasmtime engine and, live, the thread that drives its epochs.
#[derive(Clone)]
pub struct WasmEngine {
    pub(crate) engine: Engine,
    pub(crate) mode: Mode,
    _ticker: Option<Arc<Ticker>>,
}

/// The one configuration. What is off: anything nondeterministic or young.
fn config(mode: Mode) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .epoch_interruption(mode == Mode::Live)
        .consume_fuel(mode == Mode::Backtest)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .memory_may_move(false)
        // a component that comes while others trade is compiled on the one thread that asks for it
        .parallel_compilation(mode == Mode::Backtest);
    config
}

impl WasmEngine {
    /// An engine for one mode. Fails only where wasmtime does not support the machine.
    pub fn new(mode: Mode) -> Result<Self, wasmtime::Error> {
        let engine = Engine::new(&config(mode))?;
        let ticker = match mode {
            Mode::Live => Some(Arc::new(Ticker::start(engine.clone())?)),
            Mode::Backtest => None,
        };
        Ok(Self { engine, mode, _ticker: ticker })
    }
}

/// One epoch per millisecond, for as long as an engine lives.
struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: Engine) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let tick = move || {
            while !seen.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
                engine.increment_epoch();
            }
        };
        let thread = std::thread::Builder::new().name("epochs".into()).spawn(tick)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
