//! The shipped strategies as components and as native code: the same journal, to the byte.

use hedgerow_daemon::command::demo;
use hedgerow_daemon::config::Config;
use hedgerow_daemon::latch::KillLatch;
use hedgerow_daemon::wiring::{self, Loaded, Plan};
use hedgerow_daemon::{config, data};
use hedgerow_driver::{Batching, Driver};
use hedgerow_end_to_end::component;
use hedgerow_engine::Engine;
use hedgerow_model::HostTime;
use hedgerow_plugin_grid::Grid;
use hedgerow_plugins::{Mode, WasmEngine};
use hedgerow_ports::{Feed, Journal, SimulatedVenue, StrategyHost};
use hedgerow_simulation::native::NativeHost;
use hedgerow_simulator::TapeFeed;
use hedgerow_store::MemoryJournal;

const TICKS: u64 = 60_000;
const BEGAN: u64 = 1_700_000_000_000_000_000;

fn played<F, V, H, J>(mut driver: Driver<F, V, H, J>) -> J
where
    F: Feed,
    V: SimulatedVenue,
    H: StrategyHost,
    J: Journal,
{
    driver.start().unwrap();
    while driver.stats().ticks < TICKS {
        driver.advance(HostTime::NEVER).unwrap();
    }
    driver.into_parts().3
}

fn as_component(config: &Config, loaded: &Loaded) -> MemoryJournal {
    let tape = data::open(config, BEGAN).unwrap().tape;
    let (journal, engine, latch) = (MemoryJournal::default(), None, KillLatch::absent());
    let (goes_on, rings, wake) = (false, false, None);
    let batching = Batching::Adaptive;
    let plan = Plan { journal, engine, goes_on, batching, rings, latch, wake };
    played(wiring::build(config, loaded, &tape, plan).unwrap_or_else(|e| panic!("{e}")))
}

fn as_native_code(config: &Config, loaded: &Loaded) -> MemoryJournal {
    let tape = data::open(config, BEGAN).unwrap().tape;
    let entries = config.strategies.iter().zip(&loaded.plugins);
    let starts = entries.map(|(entry, plugin)| {
        let setup = wiring::setup(config, entry, plugin);
        let given = |i: hedgerow_plugins::RoleInstrument| hedgerow_sdk::Instrument {
            spec: i.spec,
            role: i.role,
            venue: i.venue,
            account: i.account,
            maker_fee: i.fees.0,
            taker_fee: i.fees.1,
        };
        (setup.parameters, setup.instruments.into_iter().map(given).collect())
    });
    let host = NativeHost::<Grid>::start(starts.collect());
    let mut venue = wiring::paper_venue(config, &tape);
    venue.tell_leverages();
    let engine = Engine::new(wiring::engine_config(config, loaded));
    let (feed, journal) = (TapeFeed::new(&tape), MemoryJournal::default());
    played(Driver::new(engine, feed, venue, host, journal, Batching::Adaptive))
}

#[test]
fn the_grid_is_the_same_as_a_component_and_as_native_code() {
    let home = tempfile::tempdir().unwrap();
    let options = demo::Options {
        home: home.path().to_owned(),
        components: component("grid").parent().unwrap().to_owned(),
        seconds: None,
        data: None,
        json: true,
    };
    demo::lay_out(&options).unwrap_or_else(|e| panic!("{}", e.message));
    let config = config::load(&home.path().join("host.toml")).unwrap_or_else(|e| panic!("{e}"));
    let loaded = wiring::load(&config, WasmEngine::new(Mode::Backtest).unwrap()).unwrap();
    let (component, native) = (as_component(&config, &loaded), as_native_code(&config, &loaded));
    let fills = |journal: &MemoryJournal| {
        let is = |f: &&hedgerow_model::Stamped| matches!(f.fact, hedgerow_model::Fact::Fill { .. });
        journal.facts.iter().filter(is).count()
    };
    assert!(fills(&component) > 50, "{} fills", fills(&component));
    let pairs = component.facts.iter().zip(&native.facts);
    if let Some((place, (a, b))) = pairs.enumerate().find(|(_, (a, b))| a != b) {
        let show = |fact: &hedgerow_model::Stamped| serde_json::to_string(fact).unwrap();
        panic!("fact {place}: component {}, native {}", show(a), show(b));
    }
    assert_eq!(component.bytes(), native.bytes());
}
