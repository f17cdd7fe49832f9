//! One run: the loop over the parts, what the script does to it from outside, deaths and starts of
//! the process, and the checks.

use crate::check::{Folded, summary};
use crate::dice::Dice;
use crate::fault::Fault;
use crate::feed::Heard;
use crate::journal::Log;
use crate::listening::Listening;
use crate::market::market;
use crate::ran::Ran;
use crate::scene;
use crate::script::{Episode, MS, S, START, Script};
use crate::shared::Shared;
use crate::venues::Venues;
use hedgerow_driver::{Batching, Driver, OnJournalFailure, Progress};
use hedgerow_engine::{Engine, OperatorCommand};
use hedgerow_model::{AccountId, Duration, HostTime, Scope, StrategyId, Swap, TradingMode};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// How often, in steps of the loop, exposure is compared.
const LOOK: u64 = 16;
/// No instant takes so many steps of the loop.
const STEPS_MAX: u64 = 200_000;

type Loop = Driver<Heard, Venues, Listening, Log>;

/// Something the world does at a time.
#[derive(Clone, Copy, Debug)]
enum Act {
    Begin(usize),
    End(usize),
    Operator,
    Look,
    Reconnect,
    Adopt,
    /// An operator flattens a strategy, an account or the host; the next release ends it.
    Flatten(u64),
}

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
        let mut acts: Vec<(u64, Act)> = Vec::new();
        for (place, episode) in script.episodes.iter().enumerate() {
            acts.push((START + episode.from, Act::Begin(place)));
            acts.push((START + episode.to, Act::End(place)));
        }
        let calm = script.calm();
        acts.extend(
            (1..).map(|n| (START + n * 20 * S, Act::Operator)).take_while(|(at, _)| *at < calm),
        );
        acts.extend(
            (1..).map(|n| (START + n * 97 * S, Act::Look)).take_while(|(at, _)| *at < calm),
        );
        for n in (1..).take_while(|n| START + (n * 150 + 20) * S < calm) {
            acts.push((START + n * 150 * S, Act::Reconnect));
            acts.push((START + (n * 150 + 12) * S, Act::Adopt));
        }
        let flattens = shared.script.seed % 4 == 2;
        acts.extend(
            (0..)
                .map(|n| (START + (75 + n * 130) * S, Act::Flatten(n)))
                .take_while(|(at, _)| flattens && *at < calm),
        );
        let after = [
            (5, Act::Operator),
            (10, Act::Reconnect),
            (25, Act::Adopt),
            (26, Act::Operator),
            (65, Act::Reconnect),
            (80, Act::Adopt),
            (81, Act::Operator),
            // somebody may not have been at rest
            (83, Act::Adopt),
            (86, Act::Adopt),
            (87, Act::Operator),
        ];
        acts.extend(after.map(|(s, act)| (calm + s * S, act)));
        let plan = (0..).zip(acts).map(|(n, (at, act))| ((at, n), act)).collect();
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
        let folded = tracker.take_all(&shared.disk.borrow().facts);
        if let Err(what) = folded {
            shared.must_not(now, format!("facts at a start: {what}"));
        }
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

    /// What the script does from outside.
    fn act(&mut self, driver: &mut Loop, now: u64, act: Act) {
        let shared = Rc::clone(&self.shared);
        match act {
            Act::Begin(place) => {
                let episode = shared.script.episodes[place];
                let (word, venue) = (episode.fault.word(), episode.venue);
                shared.say(now, "trouble", format_args!("{word} at venue {venue} begins"));
                self.begin(driver, now, &episode);
            }
            Act::End(place) => {
                let episode = shared.script.episodes[place];
                shared.say(now, "trouble", format_args!("{} ends", episode.fault.word()));
                if episode.fault == Fault::ModeChange {
                    self.release(driver);
                }
                if matches!(episode.fault, Fault::TickChange | Fault::LotChange) {
                    driver.venue_mut().change_terms(now, &episode);
                }
                if episode.fault == Fault::StreamDead {
                    // the heart beat is missed at last
                    let venues = driver.venue_mut();
                    venues.reset_all(now, Some(episode.venue));
                }
            }
            Act::Operator => self.release(driver),
            Act::Flatten(n) => {
                let strategies = u64::from(shared.script.strategies);
                let one = StrategyId(u32::try_from(n % strategies).unwrap_or(0));
                let account = AccountId(one.0 * shared.script.venues);
                let scopes = [Scope::Strategy(one), Scope::Host, Scope::Account(account)];
                let scope = scopes[usize::try_from((n + shared.script.seed / 4) % 3).unwrap_or(0)];
                driver.command(OperatorCommand::Flatten { scope }, "the script".into());
            }
            Act::Look => self.compare(driver, now),
            Act::Reconnect => driver.venue_mut().reset_all(now, None),
            Act::Adopt => {
                for id in (0..shared.script.strategies).map(StrategyId) {
                    let venues = driver.venue();
                    // in every fourth seed whether anything differs or not: it must not matter
                    let asked = shared.script.seed.is_multiple_of(4);
                    if venues.is_still(id) && (asked || venues.differs(driver.engine(), id)) {
                        let command = OperatorCommand::Adopt { strategy: id, ignored: false };
                        driver.command(command, "the venue is right".into());
                    }
                }
            }
        }
    }

    fn begin(&mut self, driver: &mut Loop, now: u64, episode: &Episode) {
        let shared = Rc::clone(&self.shared);
        let (venue, strategy) = (episode.venue, StrategyId(episode.strategy));
        match episode.fault {
            Fault::Kill => shared.dies_in.set(Some(episode.dice % 12)),
            Fault::PowerCut => {
                shared.dies_in.set(Some(episode.dice % 12));
                self.loses = Some(1 + episode.dice % 9);
            }
            Fault::Trap => {
                shared.happened(Fault::Trap);
                self.traps[strategy.index()].set(1 + u32::try_from(episode.dice % 4).unwrap_or(0));
            }
            Fault::Reload => self.swaps.push(strategy),
            Fault::ModeChange => {
                shared.happened(Fault::ModeChange);
                let modes = [TradingMode::ReduceOnly, TradingMode::CancelOnly, TradingMode::Halted];
                let mode = modes[usize::try_from(episode.dice % 3).unwrap_or(0)];
                let instrument = shared.script.instruments.iter().find(|spec| {
                    let id = spec.id;
                    shared.script.owner(id) == strategy && shared.script.venue_of(id) == venue
                });
                let scopes = [
                    Scope::Host,
                    Scope::Strategy(strategy),
                    instrument.map_or(Scope::Host, |spec| Scope::Instrument(spec.id)),
                    instrument.map_or(Scope::Host, |s| Scope::Account(shared.script.account(s.id))),
                ];
                let scope = scopes[usize::try_from((episode.dice >> 8) % 4).unwrap_or(0)];
                let command = OperatorCommand::SetMode { scope, mode };
                driver.command(command, "the script".into());
            }
            Fault::TickChange | Fault::LotChange => driver.venue_mut().change_terms(now, episode),
            Fault::Outage => driver.venue_mut().outage(now, venue),
            Fault::Delisting => driver.venue_mut().delist(now, episode),
            Fault::Deleveraging => driver.venue_mut().deleverage(now, episode),
            Fault::Liquidation => driver.venue_mut().liquidate(now, episode),
            Fault::ClockSkew => shared.happened(Fault::ClockSkew),
            _ => {}
        }
    }

    /// An operator lets everything run again.
    fn release(&self, driver: &mut Loop) {
        let mode = TradingMode::Running;
        let script = &self.shared.script;
        let strategies = (0..script.strategies).map(|id| Scope::Strategy(StrategyId(id)));
        let accounts =
            script.instruments.iter().map(|spec| Scope::Account(script.account(spec.id)));
        let instruments = script.instruments.iter().map(|spec| Scope::Instrument(spec.id));
        let all = strategies.chain(accounts).chain(instruments);
        for scope in std::iter::once(Scope::Host).chain(all) {
            driver.command(OperatorCommand::SetMode { scope, mode }, "go on".into());
        }
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
