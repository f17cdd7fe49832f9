//! Bars of trades: a warm-up is shown as history before `resumed`, a restart shows it again, and
//! every bar is that of the trades.

use hedgerow_driver::{BarFeed, Batching, Driver, Progress};
use hedgerow_engine::Engine;
use hedgerow_model::{
    Bars, Duration, HostTime, InstrumentId, Interest, StrategyId, Tick, TickKind,
};
use hedgerow_sdk::{
    Bar, Context, Event, InitError, NoParameters, SavedState, Strategy, Want, serde_json,
};
use hedgerow_simulation::market::{Taste, tape};
use hedgerow_simulation::native::NativeHost;
use hedgerow_simulation::scene::{Scene, config, instrument};
use hedgerow_simulator::paper::Fees;
use hedgerow_simulator::{FillModel, PaperVenue, TapeFeed, VenueConfig};
use hedgerow_store::MemoryJournal;
use std::cell::RefCell;

const INTERVAL: u64 = 500_000_000;

thread_local! {
    static SEEN: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Bar { bar: Bar, history: bool },
    Resumed,
}

/// Tells what it sees.
struct Watcher;

impl Strategy for Watcher {
    type Parameters = NoParameters;
    const NAME: &'static str = "watcher";
    const VERSION: &'static str = "1";

    fn wants() -> Vec<Want> {
        vec![Want::watched("market", &[TickKind::Quote]).with_bars(INTERVAL, 3)]
    }

    fn init(_: NoParameters, _: &Context, _: Option<&SavedState>) -> Result<Self, InitError> {
        Ok(Self)
    }

    fn on_tick(&mut self, ctx: &mut Context, tick: &Tick) {
        if tick.kind == TickKind::BarVolume.code() {
            let bar = ctx.market(InstrumentId(0)).and_then(|market| market.bar).unwrap();
            SEEN.with_borrow_mut(|seen| seen.push(Seen::Bar { bar, history: ctx.is_history() }));
            // void while it is history, and no order anyway
            ctx.metric("close", &bar.close.units());
        }
    }

    fn on_event(&mut self, _: &mut Context, event: &Event) {
        if matches!(event, Event::Resumed(_)) {
            SEEN.with_borrow_mut(|seen| seen.push(Seen::Resumed));
        }
    }

    fn save(&self) -> Vec<u8> {
        serde_json::to_vec(&()).unwrap()
    }
}

fn scene() -> Scene {
    Scene {
        taste: Taste { seed: 5, updates: 4_000, ..Taste::default() },
        strategies: vec![(1, 1)],
        latency: (0, 0),
        fills: FillModel::Touch,
        ..Scene::default()
    }
}

/// The bars of the tape, cut by hand.
fn expected() -> Vec<Bar> {
    let mut feed = TapeFeed::new(&tape(scene().taste));
    let mut bars: Vec<Bar> = Vec::new();
    let mut open: Option<Bar> = None;
    loop {
        use hedgerow_ports::Feed as _;
        let next = feed.peek(1);
        let Some(tick) = next.first().copied() else { return bars };
        feed.take(1);
        let began = tick.recv_ts - tick.recv_ts % INTERVAL;
        while let Some(bar) = open.filter(|bar| bar.opened < began) {
            bars.push(bar);
            let flat = (bar.close, bar.close, bar.close);
            open = Some(Bar {
                opened: bar.opened + INTERVAL,
                open: flat.0,
                high: flat.1,
                low: flat.2,
                volume: hedgerow_sdk::Quantity::ZERO,
                trades: 0,
                ..bar
            });
        }
        if tick.kind != TickKind::Trade.code() {
            continue;
        }
        let price = hedgerow_sdk::Price::from_units(tick.a);
        let fresh = Bar { opened: began, interval: INTERVAL, ..Bar::default() };
        let bar = open.get_or_insert(fresh);
        if bar.trades == 0 {
            (bar.open, bar.high, bar.low) = (price, price, price);
        }
        (bar.high, bar.low, bar.close) = (bar.high.max(price), bar.low.min(price), price);
        let volume = bar.volume.units() + tick.b;
        (bar.volume, bar.trades) = (hedgerow_sdk::Quantity::from_units(volume), bar.trades + 1);
    }
}

fn run(batching: Batching) -> (Vec<Seen>, String) {
    SEEN.with_borrow_mut(Vec::clear);
    let scene = scene();
    let bars = Bars { interval: Duration::from_nanos(INTERVAL), history: 3 };
    let known = instrument(0, &scene);
    let mut told = config(&scene, std::slice::from_ref(&known));
    let interest = Interest::default().with(InstrumentId(0), &[TickKind::Quote]);
    told.strategies[0].interest = interest.with_bars(InstrumentId(0), bars);
    let tape = tape(scene.taste);
    let venue = VenueConfig {
        amends: true,
        latency_out: Duration::ZERO,
        latency_back: Duration::ZERO,
        fills: FillModel::Touch,
    };
    let fees = Fees::default();
    let mut given = hedgerow_sdk::testing::perpetual(0, "market", 1, 2);
    given.spec = known.clone();
    let mut driver = Driver::new(
        Engine::new(told),
        BarFeed::new(TapeFeed::new(&tape), [(InstrumentId(0), bars)]),
        PaperVenue::new(vec![venue], &[(known, fees)], &tape),
        NativeHost::<Watcher>::start(vec![("{}".into(), vec![given])]),
        MemoryJournal::default(),
        batching,
    );
    let first = expected()[0].opened;
    driver.warm_up(HostTime::from_nanos(first + 9 * INTERVAL)).unwrap();
    driver.start().unwrap();
    let half = HostTime::from_nanos(first + 14 * INTERVAL);
    while driver.advance(half).unwrap() == Progress::Worked {}
    while !driver.is_ready_to_swap(StrategyId(0)) {
        driver.advance(half).unwrap();
    }
    let (component, calls) = ("same".into(), 1);
    let terms = hedgerow_model::Swap { component, calls, time: Duration::ZERO };
    driver.swap(StrategyId(0), terms).unwrap();
    while driver.advance(HostTime::NEVER).unwrap() != Progress::Finished {}
    let (.., journal) = driver.into_parts();
    (SEEN.with_borrow(Clone::clone), journal.hash())
}

#[test]
fn a_strategy_sees_history_then_every_bar_and_history_again_after_a_restart() {
    let all = expected();
    let (seen, journal) = run(Batching::Adaptive);
    let bar = |bar: &Bar, history| Seen::Bar { bar: *bar, history };
    // a bar comes with the first tick after it: eight had come when it started, and the last three
    // of them are its history
    let mut wanted: Vec<Seen> = all[5..8].iter().map(|b| bar(b, true)).collect();
    wanted.push(Seen::Resumed);
    wanted.extend(all[8..13].iter().map(|b| bar(b, false)));
    wanted.extend(all[10..13].iter().map(|b| bar(b, true)));
    wanted.push(Seen::Resumed);
    wanted.extend(all[13..].iter().map(|b| bar(b, false)));
    assert!(all.len() > 20 && all.iter().any(|bar| bar.trades == 0), "{}", all.len());
    assert_eq!(seen, wanted);
    let (again, same) = run(Batching::One);
    assert_eq!((again, same), (seen, journal), "and one tick at a time shows the same");
}
