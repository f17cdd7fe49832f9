//! What the parts of a run share: the script, the disk, whether the process lives, and what was
//! seen. One thread, so cells do.

use crate::cancels::Owed;
use crate::coverage::Coverage;
use crate::ears::Ears;
use crate::fault::Fault;
use crate::market::Market;
use crate::script::{START, Script};
use crate::tracker::Tracker;
use hedgerow_model::{InstrumentId, Stamped};
use std::cell::{Cell, RefCell};
use std::fmt::Display;

/// How old market data may be, ns.
pub const STALE: u64 = 10_000_000_000;

/// What survives the process.
#[derive(Debug, Default)]
pub struct Disk {
    /// Committed facts.
    pub facts: Vec<Stamped>,
    /// Where each commit ended.
    pub ends: Vec<usize>,
    /// What of them no power cut can take: a start writes through.
    pub durable: usize,
    /// Facts that could not be committed, in the emergency file.
    pub aside: Vec<Stamped>,
}

/// What all parts of a run share.
#[derive(Debug)]
pub struct Shared {
    /// What is to be.
    pub script: Script,
    /// The market of it.
    pub market: Market,
    /// The journal's file.
    pub disk: RefCell<Disk>,
    /// The process is dead: nothing leaves it any more.
    pub dead: Cell<bool>,
    /// It dies before one of its next effects.
    pub dies_in: Cell<Option<u64>>,
    /// The journal could not commit when it last tried.
    pub full: Cell<bool>,
    /// What the facts say.
    pub tracker: RefCell<Tracker>,
    /// What strategies are told.
    pub ears: RefCell<Ears>,
    /// What they asked to cancel.
    pub owed: RefCell<Owed>,
    /// What happened, counted.
    pub coverage: RefCell<Coverage>,
    /// The first thing that must not be.
    broken: RefCell<Option<String>>,
    /// What happened, for people; nothing: nobody asked.
    timeline: Option<RefCell<Vec<String>>>,
}

impl Shared {
    /// The shared part of a run that has not begun.
    #[must_use]
    pub fn new(script: Script, market: Market, told: bool) -> Self {
        let coverage = Coverage { faults: market.happened.clone(), ..Coverage::default() };
        let tracker = Tracker::of(&script);
        Self {
            script,
            market,
            disk: RefCell::default(),
            dead: Cell::new(false),
            dies_in: Cell::new(None),
            full: Cell::new(false),
            tracker: RefCell::new(tracker),
            ears: RefCell::default(),
            owed: RefCell::default(),
            coverage: RefCell::new(coverage),
            broken: RefCell::new(None),
            timeline: told.then(RefCell::default),
        }
    }

    /// An effect is about to leave the process; whether it does.
    pub fn effect(&self) -> bool {
        match self.dies_in.get() {
            Some(0) => {
                self.dies_in.set(None);
                self.dead.set(true);
            }
            Some(n) => self.dies_in.set(Some(n - 1)),
            None => {}
        }
        !self.dead.get()
    }

    /// A trouble took effect.
    pub fn happened(&self, fault: Fault) {
        self.coverage.borrow_mut().fault(fault);
    }

    /// Something that must not be is.
    pub fn must_not(&self, now: u64, what: impl Display) {
        self.say(now, "VIOLATION", &what);
        let mut broken = self.broken.borrow_mut();
        if broken.is_none() {
            *broken = Some(format!("{:.3} s: {what}", seconds(now)));
        }
    }

    /// The first thing that must not be.
    #[must_use]
    pub fn broken(&self) -> Option<String> {
        self.broken.borrow().clone()
    }

    /// A line of the timeline, if anybody wants one.
    pub fn say(&self, now: u64, who: &str, what: impl Display) {
        if let Some(timeline) = &self.timeline {
            let line = format!("{:>10.4} {who:<9} {what}", seconds(now));
            timeline.borrow_mut().push(line);
        }
    }

    /// Whether lines are kept.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.timeline.is_some()
    }

    /// The timeline so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.timeline.as_ref().map(|lines| lines.borrow().clone()).unwrap_or_default()
    }

    /// Why nothing may be opened in an instrument at a moment, as far as its market goes.
    #[must_use]
    pub fn blind(&self, instrument: InstrumentId, now: u64) -> Option<String> {
        let times = self.market.times.get(instrument.index())?;
        let heard = times.partition_point(|at| *at <= now);
        let last = heard.checked_sub(1).and_then(|place| times.get(place)).copied();
        if last.is_none_or(|last| last + STALE < now) {
            return Some(format!("data of {instrument} is stale"));
        }
        let holes = self.market.blind.get(instrument.index())?;
        let hole = holes.iter().find(|(from, to)| *from < now && now < *to)?;
        Some(format!("the book of {instrument} has a hole since {:.3} s", seconds(hole.0)))
    }
}

/// Seconds after the start, for people.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn seconds(now: u64) -> f64 {
    now.saturating_sub(START) as f64 / 1e9
}
