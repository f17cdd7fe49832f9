//! Runs with threads, replacements, faults and a process that dies, recorded and done again: every
//! input and every effect follows.

use crate::mailboxes::scene;
use hedgerow_driver::replay::{Aim, Replay, Replayed};
use hedgerow_driver::{Batching, Driver, Progress};
use hedgerow_model::{
    Duration, HostTime, OperatorCommand, Scope, Stamped, StrategyId, Swap, TickSlice, TradingMode,
};
use hedgerow_ports::{Feed, Record, Recording, StopReason};
use hedgerow_simulation::market::tape;
use hedgerow_simulation::native::NativeHost;
use hedgerow_simulation::random::Random;
use hedgerow_simulation::scene::{Scene, driver, engine, go_on, host};
use hedgerow_simulator::{PaperVenue, TapeFeed};
use hedgerow_store::{MemoryJournal, Preface, RecordingReader, RecordingWriter};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::path::Path;

type Loop = Driver<TapeFeed, PaperVenue, NativeHost<Random>, MemoryJournal>;

/// What happens to a run, by turns of its loop.
#[derive(Clone, Copy, Debug)]
struct Happens {
    /// Every so many turns a strategy is replaced by itself; an operator lets all go on at thrice
    /// the distance, and they are asked for their documents at a third.
    every: u64,
    /// Dies after so many turns.
    dies: u64,
    /// What comes after it begins so much later.
    pause: Duration,
}

fn record(driver: &mut Loop, folder: &Path, facts: &[Stamped]) {
    let is_live = driver.engine().config().tick_credit.is_some();
    let preface = Preface {
        config_file: String::new(),
        config: String::new(),
        is_live,
        began: driver.now(),
        state: Vec::new(),
        facts: facts.to_vec(),
        goes_on: !facts.is_empty(),
        components: Vec::new(),
    };
    driver.record(Box::new(RecordingWriter::begin(folder, &preface, 1 << 16).unwrap()));
}

/// Turns until it dies or the data ends.
fn turns(driver: &mut Loop, happens: Happens) {
    let (component, time) = ("native".to_owned(), Duration::from_millis(500));
    let terms = Swap { component, calls: 20, time };
    let mut wanted = None;
    for turn in 1..=happens.dies {
        let strategy = StrategyId(u32::try_from(turn / happens.every % 2).unwrap());
        if turn.is_multiple_of(happens.every) {
            wanted.get_or_insert(strategy);
        }
        if turn.is_multiple_of(happens.every * 3) {
            let mode = TradingMode::Running;
            driver.command(OperatorCommand::SetMode { scope: Scope::Host, mode }, "on".into());
            let strategy = Some(strategy);
            driver.command(OperatorCommand::SetMode { scope: strategy.into(), mode }, "on".into());
        }
        if turn.is_multiple_of(happens.every.div_ceil(3)) {
            driver.ask_status().unwrap();
        }
        if let Some(strategy) = wanted
            && driver.is_ready_to_swap(strategy)
        {
            driver.swap(strategy, terms.clone()).unwrap();
            wanted = None;
        }
        while driver.take_swapped().is_some() {}
        if driver.advance(HostTime::NEVER).unwrap() == Progress::Finished {
            return;
        }
    }
}

fn stop(driver: &mut Loop) {
    while !driver.is_ready_to_stop() {
        driver.advance(HostTime::NEVER).unwrap();
    }
    driver.stop_all(StopReason::Shutdown).unwrap();
    for _ in 0..500 {
        driver.advance(HostTime::NEVER).unwrap();
    }
    driver.stop_now().unwrap();
}

/// Records a run that dies and one that goes on after it.
fn lives(scene: &Scene, happens: Happens, folders: [&Path; 2]) {
    let mut first = driver(scene, MemoryJournal::default(), Batching::Adaptive, |v| v);
    record(&mut first, folders[0], &[]);
    first.start().unwrap();
    turns(&mut first, happens);
    let (read, now) = (first.stats().ticks, first.now());
    let (_, venue, _, journal) = first.into_parts();
    let mut second = go_on(scene, &journal.facts, venue, read, MemoryJournal::default());
    second.begin_at(now.after(happens.pause));
    record(&mut second, folders[1], &journal.facts);
    second.start().unwrap();
    turns(&mut second, Happens { dies: 4_000, ..happens });
    stop(&mut second);
}

fn again(scene: &Scene, folder: &Path) -> Replayed {
    let (reader, preface) = RecordingReader::open(folder).unwrap();
    let engine = engine(scene, &preface.facts);
    let host = if preface.goes_on { host(scene).go_on(&engine) } else { host(scene) };
    let mut replay: Replay<_, PaperVenue, _> =
        Replay::new(engine, preface.began, host, reader, Aim::Same);
    replay.run(&mut |_, _, _| Ok(())).unwrap()
}

/// What was recorded just before a difference, for a person.
fn timeline(folder: &Path, replayed: &Replayed) -> String {
    let Some(difference) = &replayed.difference else { return String::new() };
    let (mut reader, _) = RecordingReader::open(folder).unwrap();
    let (mut lines, mut inputs) = (VecDeque::new(), 0);
    while let Some(record) = reader.next().unwrap() {
        let line = match record {
            Record::Ticks(ticks) => format!("{} ticks", ticks.len()),
            Record::Input(input) => {
                inputs += 1;
                format!("{input:?}")
            }
            Record::Effects(effects) => format!("    -> {}", reader.words(&effects)),
        };
        lines.push_back(line.chars().take(400).collect::<String>());
        if lines.len() > 40 {
            lines.pop_front();
        }
        if inputs > replayed.inputs {
            break;
        }
    }
    lines.push_back(difference.what.clone());
    Vec::from(lines).join("\n")
}

/// A market that comes by itself.
struct Live(TapeFeed);

impl Feed for Live {
    fn peek(&mut self, max: usize) -> TickSlice {
        self.0.peek(max)
    }

    fn take(&mut self, n: usize) {
        self.0.take(n);
    }

    fn is_live(&self) -> bool {
        true
    }
}

/// Ticks that arrive while a host starts may be later than what its venues say first: where it
/// began with those, a wake-up came at another place when the recording was done again.
#[test]
fn a_live_host_does_not_begin_with_the_first_tick_that_has_arrived() {
    let scene = scene(1, 2, 100, 1);
    let parts = driver(&scene, MemoryJournal::default(), Batching::Adaptive, |v| v).into_parts();
    let (engine, venue, host, journal) = parts;
    let feed = Live(TapeFeed::new(&tape(scene.taste)));
    let mut live = Driver::new(engine, feed, venue, host, journal, Batching::Adaptive);
    let first = live.due().unwrap();
    let began = HostTime::from_nanos(first.as_nanos() - 1);
    live.begin_at(began);
    live.start().unwrap();
    assert_eq!(live.now(), began);
    live.advance(first).unwrap();
    assert_eq!(live.now(), first);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_is_done_again_to_the_byte(
        seed in any::<u32>(), credit in 20_u32..2_000, slowest in 1_u32..60,
        faulty in 5_u64..2_000, every in 20_u64..800, dies in 1_u64..4_000, pause in 0_u64..3_000,
    ) {
        let scene = Scene { faulty, ..scene(u64::from(seed), 2, credit, slowest) };
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let happens = Happens { every, dies, pause: Duration::from_millis(pause) };
        lives(&scene, happens, [folders[0].path(), folders[1].path()]);
        for folder in &folders {
            let replayed = again(&scene, folder.path());
            let said = timeline(folder.path(), &replayed);
            prop_assert_eq!(&replayed.difference, &None, "{}", said);
            prop_assert!(replayed.inputs > 0);
        }
    }

    #[test]
    fn a_run_in_virtual_time_is_done_again_to_the_byte(
        seed in any::<u32>(), every in 20_u64..800, dies in 1_u64..4_000, shared in any::<bool>(),
    ) {
        let scene = Scene { threads: None, shared, ..scene(u64::from(seed), 2, 1, 1) };
        let folder = tempfile::tempdir().unwrap();
        let mut run = driver(&scene, MemoryJournal::default(), Batching::Adaptive, |v| v);
        record(&mut run, folder.path(), &[]);
        run.start().unwrap();
        turns(&mut run, Happens { every, dies, pause: Duration::ZERO });
        stop(&mut run);
        drop(run);
        let replayed = again(&scene, folder.path());
        let said = timeline(folder.path(), &replayed);
        prop_assert_eq!(&replayed.difference, &None, "{}", said);
    }
}
