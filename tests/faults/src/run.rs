//! One run: the loop over the parts, what the script does to it from outside, deaths and starts of
//! the process, and the checks.

mod acts;

use crate::check::{Folded, summary};
use crate::dice::Dice;
use crate::fault::Fault;
use crate::feed::Heard;
use crate::journal::Log;
use crate::listening::Listening;
use crate::market::market;
use crate::ran::Ran;
use crate::scene;
use crate::script::{MS, START, Script};
use crate::shared::Shared;
use crate::venues::Venues;
use acts::{Act, timetable};
use hedgerow_driver::{Batching, Driver, OnJournalFailure, Progress};
use hedgerow_engine::Engine;
use hedgerow_model::{Duration, HostTime, StrategyId, Swap};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// How often, in steps of the loop, exposure is compared.
const LOOK: u64 = 16;
/// No instant takes so many steps of the loop.
const STEPS_MAX: u64 = 200_000;

type Loop = Driver<Heard, Venues, Listening, Log>;

struct World {
    shared: Rc<Shared>,
    traps: Vec<Rc<Cell<u32>>>,
    plan: BTreeMap<(u64, usize), Act>,
    dice: Dice,
    steps: u64,
    /// The present instant, and how many steps it took so far.
    instant: (u64, u64),
    /// How many commits the next death loses.
    loses: Option<u64>,
    swaps: Vec<StrategyId>,
    /// The facts so far, folded by an engine that has done nothing else.
    folded: Folded,
}

/// Runs a script to its end, or to the first thing that must not be.
#[must_use]
pub fn run(script: &Script, told: bool) -> Ran {
    let shared = Rc::new(Shared::new(script.clone(), market(script), told));
    let seen = Rc::clone(&shared);
    let went = catch_unwind(AssertUnwindSafe(move || World::new(Rc::clone(&seen)).run()));
    if let Err(panic) = went {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        shared.must_not(0, format!("panic: {}", text.unwrap_or_default()));
    }
    let facts = std::mem::take(&mut shared.disk.borrow_mut().facts);
    let coverage = shared.coverage.take();
    Ran { broken: shared.broken(), coverage, facts, timeline: shared.lines() }
}

impl World {
    fn new(shared: Rc<Shared>) -> Self {
        let script = &shared.script;
        let plan = timetable(script);
        let traps = (0..script.strategies).map(|_| Rc::default()).collect();
        let dice = Dice::of(script.seed, 5);
        let folded = Folded::new(&shared.script);
        Self {
            traps,
            plan,
            dice,
            steps: 0,
            instant: (0, 0),
            loses: None,
            swaps: Vec::new(),
            folded,
            shared,
        }
    }

    fn run(&mut self) {
        let venues = scene::venues(&self.shared);
        let mut driver = self.start(venues, START);
        let end = self.shared.script.end();
        loop {
            let next = self.plan.keys().next().map_or(end, |(at, _)| *at).min(end);
            match driver.advance(HostTime::from_nanos(next)) {
                Err(error) if !self.shared.dead.get() => {
                    self.shared.must_not(driver.now().as_nanos(), format!("the loop: {error}"));
                }
                Ok(Progress::Worked) | Err(_) => self.look(&driver),
                Ok(_) if next >= end => break,
                Ok(_) => {
                    if let Some(((at, _), act)) = self.plan.pop_first() {
                        self.act(&mut driver, at, act);
                    }
                }
            }
            if self.shared.dead.get() {
                driver = self.rise(driver);
            }
            self.swap(&mut driver);
            if self.shared.broken().is_some() {
                return;
            }
        }
        self.finish(&driver);
    }

    /// A process starts over what the disk holds.
    fn start(&self, venues: Venues, now: u64) -> Loop {
        let shared = &self.shared;
        let mut engine = Engine::new(scene::config(&shared.script));
        let begun = !shared.disk.borrow().facts.is_empty();
        engine.restore(&shared.disk.borrow().facts);
        if begun {
            let gap = engine.id_gap();
            engine.restore(&gap);
            let mut disk = shared.disk.borrow_mut();
            disk.facts.extend(gap);
            let end = disk.facts.len();
            disk.ends.push(end);
            disk.durable = end;
        }
        let feed = Heard::from(&shared.market.heard, now);
        let host = scene::host(&shared.script, &self.traps, &engine);
        let host = Listening::new(host, Rc::clone(shared));
        let log = Log(Rc::clone(shared));
        let mut driver = Driver::new(engine, feed, venues, host, log, Batching::Adaptive);
        driver.on_journal_failure(OnJournalFailure::Hold);
        driver.begin_at(HostTime::from_nanos(now));
        if let Err(error) = driver.start()
            && !shared.dead.get()
        {
            shared.must_not(now, format!("the start: {error}"));
        }
        driver
    }

    /// The process is dead; after a while another starts over what is left.
    fn rise(&mut self, driver: Loop) -> Loop {
        let shared = Rc::clone(&self.shared);
        let died = driver.now().as_nanos();
        let (_, mut venues, _, _) = driver.into_parts();
        let mut lost = Vec::new();
        if let Some(commits) = self.loses.take() {
            let committed;
            (lost, committed) = shared.disk.borrow_mut().lose(commits);
            if committed > 0 {
                shared.happened(Fault::PowerCut);
            }
            shared.say(died, "power", format_args!("{committed} facts are lost"));
        } else {
            shared.happened(Fault::Kill);
        }
        shared.disk.borrow_mut().merge();
        let now = died + self.dice.between(50, 6_000) * MS;
        shared.say(died, "killed", format_args!("until {:.3} s", crate::shared::seconds(now)));
        let mut tracker = crate::tracker::Tracker::of(&shared.script);
        tracker.cut = shared.tracker.borrow().cut || !lost.is_empty();
        let folded = tracker.take_all(&shared.disk.borrow().facts);
        if let Err(what) = folded {
            shared.must_not(now, format!("facts at a start: {what}"));
        }
        tracker.began = now;
        *shared.tracker.borrow_mut() = tracker;
        // what is lost may have left the house
        venues.forget(now, &lost);
        shared.dead.set(false);
        shared.full.set(false);
        venues.disconnect();
        venues.pass(now);
        venues.connect(now);
        self.swaps.clear();
        // a part of what it folded may be lost
        self.folded = Folded::new(&shared.script);
        self.start(venues, now)
    }

    /// A component is replaced at the next moment at which that is possible.
    fn swap(&mut self, driver: &mut Loop) {
        let Some(strategy) = self.swaps.first().copied() else { return };
        if driver.is_ready_to_swap(strategy) {
            self.swaps.remove(0);
            self.shared.happened(Fault::Reload);
            let time = Duration::from_secs(10);
            let terms = Swap { component: "again".into(), calls: 50, time };
            if let Err(error) = driver.swap(strategy, terms)
                && !self.shared.dead.get()
            {
                self.shared.must_not(driver.now().as_nanos(), format!("the swap: {error}"));
            }
            driver.take_swapped();
        }
    }

    fn look(&mut self, driver: &Loop) {
        self.steps += 1;
        let now = driver.now().as_nanos();
        self.instant = (now, if self.instant.0 == now { self.instant.1 + 1 } else { 0 });
        if self.instant.1 > STEPS_MAX {
            self.shared.must_not(now, "the loop never comes to an end of this instant");
        }
        if self.steps.is_multiple_of(LOOK) && !self.shared.dead.get() {
            driver.venue().check_exposure(driver.engine(), now);
            driver.venue().check_cancels(now);
            driver.venue().check_alone(now);
        }
    }

    /// While the journal can be written, its facts are the engine.
    fn compare(&mut self, driver: &Loop, now: u64) {
        if !self.shared.dead.get() && !driver.is_journal_down() {
            self.folded.compare(driver.engine(), &self.shared, now);
        }
    }

    fn finish(&mut self, driver: &Loop) {
        let now = driver.now().as_nanos();
        let (engine, venues) = (driver.engine(), driver.venue());
        if self.shared.is_told() {
            for line in summary(engine, &self.shared) {
                self.shared.say(now, "at last", line);
            }
        }
        venues.check_exposure(engine, now);
        venues.check_ledger(engine, now);
        venues.check_facts(now);
        venues.check_pairs(engine, now);
        venues.check_singles(now);
        self.compare(driver, now);
    }
}
