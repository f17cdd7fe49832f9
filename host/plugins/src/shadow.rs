//! Trying a candidate before it is let in: on a throw-away instance, with recent events.
//!
//! A strategy's ring keeps what it was given lately, in two halves, each beginning with a state. A
//! candidate starts from the older half's state and gets everything since. If it fails it is
//! refused; if it wants other things than the running version did, that is reported, not judged.

mod ahead;

pub use ahead::BothWays;

use crate::engine::WasmEngine;
use crate::instance::{InitFailure, Instance, Setup, Voice};
use crate::limits::Limits;
use crate::load::Plugin;
use crate::world::World;
use hedgerow_model::{CallFault, Event, FaultKind, Header, Intent, Tick, TickSlice, printable};
use hedgerow_ports::Saved;
use std::time::{Duration, Instant};

/// Both halves together.
const RING_BYTES: usize = 8 << 20;
const EVENT_BYTES: usize = 256;
/// What is shown of an intent.
const SHOWN: usize = 300;
/// A trial takes no longer.
const LONGEST: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
enum Given {
    Market(TickSlice),
    Event(Box<Event>),
}

/// One call as it was, with what it led to.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    header: Header,
    given: Given,
    intents: Vec<Intent>,
}

impl Entry {
    pub(crate) fn market(ticks: &TickSlice, header: Header, intents: Vec<Intent>) -> Self {
        // a copy: the slice would keep its whole chunk of the tape in memory
        let ticks = TickSlice::new(std::sync::Arc::new(ticks.to_vec()));
        Self { header, given: Given::Market(ticks), intents }
    }

    pub(crate) fn event(header: Header, event: Event, intents: Vec<Intent>) -> Self {
        Self { header, given: Given::Event(Box::new(event)), intents }
    }

    fn bytes(&self) -> usize {
        let bytes = |intent: &Intent| size_of::<Intent>() + intent.text_bytes();
        let intents: usize = self.intents.iter().map(bytes).sum();
        let given = match &self.given {
            Given::Market(ticks) => ticks.len() * size_of::<Tick>(),
            Given::Event(_) => EVENT_BYTES,
        };
        size_of::<Self>() + given + intents
    }
}

#[derive(Clone, Debug, Default)]
struct Half {
    saved: Option<Saved>,
    /// What an instance that starts from this state is told before the rest.
    opening: Vec<Entry>,
    entries: Vec<Entry>,
    bytes: usize,
}

/// Recent calls of one strategy.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    older: Option<Half>,
    newer: Half,
    world: World,
}

impl Ring {
    pub(crate) fn new(saved: Option<Saved>) -> Self {
        Self { newer: Half { saved, ..Half::default() }, ..Self::default() }
    }

    /// Takes a call. When the newer half is full it becomes the older one, and a state is taken.
    pub(crate) fn push(&mut self, entry: Entry, save: impl FnOnce() -> Option<Saved>) {
        match &entry.given {
            Given::Market(ticks) => ticks.iter().for_each(|tick| self.world.see(tick)),
            Given::Event(event) => self.world.hear(event),
        }
        self.world.asked(&entry.intents);
        let header = entry.header;
        self.newer.bytes += entry.bytes();
        self.newer.entries.push(entry);
        if self.newer.bytes >= RING_BYTES / 2 {
            let saved = save();
            let fresh = Half { saved, opening: self.opening(header), ..Half::default() };
            self.older = Some(std::mem::replace(&mut self.newer, fresh));
        }
    }
}

impl Ring {
    /// `resumed` and the markets, as the running version knows them.
    fn opening(&self, header: Header) -> Vec<Entry> {
        let (events, ticks) = self.world.opening(header.now.as_nanos());
        let told = events.into_iter().map(|event| Entry::event(header, event, Vec::new()));
        let mut opening: Vec<Entry> = told.collect();
        if !ticks.is_empty() {
            let ticks = TickSlice::new(std::sync::Arc::new(ticks));
            opening.push(Entry::market(&ticks, header, Vec::new()));
        }
        opening
    }
}

/// What the trial showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShadowReport {
    /// Calls made.
    pub calls: usize,
    /// Calls whose intents differed from the running version's.
    pub different: usize,
    /// Calls that were not made: it took too long.
    pub left_out: usize,
    /// The first difference, in words.
    pub first_difference: Option<String>,
    /// Whether it does the same however many ticks it is shown at once.
    pub both_ways: BothWays,
}

/// Why a candidate is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShadowFailure {
    /// It does not start.
    #[error(transparent)]
    Init(#[from] InitFailure),
    /// It failed on a recent event.
    #[error("call {call} of {of} recent ones: {fault}")]
    Call {
        /// Which.
        call: usize,
        /// Of how many.
        of: usize,
        /// How.
        fault: CallFault,
    },
    /// Its state is not a function of what it was given.
    #[error("`save` gives different bytes when called twice")]
    ImpureSave,
}

impl ShadowFailure {
    /// Whether it may have been the machine, busy with something else, and not the component.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        let fault = match self {
            Self::Init(InitFailure::Fault(fault)) | Self::Call { fault, .. } => fault,
            _ => return false,
        };
        fault.kind == FaultKind::Deadline
    }
}

impl Ring {
    /// Tries a candidate on these calls.
    pub fn shadow(
        &self,
        engine: &WasmEngine,
        plugin: &Plugin,
        setup: &Setup,
        limits: &Limits,
    ) -> Result<ShadowReport, ShadowFailure> {
        let first = self.older.as_ref().unwrap_or(&self.newer);
        let as_trial = Setup { voice: Voice::Trial, ..setup.clone() };
        let saved = first.saved.as_ref();
        let mut instance = Instance::start(engine, plugin, &as_trial, limits, saved)?;
        for entry in &first.opening {
            let fail = |fault| ShadowFailure::Call { call: 0, of: 0, fault };
            // what it wants here is not compared: the running version was not asked then
            run(&mut instance, entry).map_err(fail)?;
        }
        let older = self.older.iter().flat_map(|half| &half.entries);
        let entries: Vec<&Entry> = older.chain(&self.newer.entries).collect();
        let mut report = ShadowReport::default();
        let began = Instant::now();
        for (call, entry) in entries.iter().enumerate() {
            if began.elapsed() > LONGEST {
                report.left_out = entries.len() - call;
                break;
            }
            let fail = |fault| ShadowFailure::Call { call, of: entries.len(), fault };
            let intents = run(&mut instance, entry).map_err(fail)?;
            report.calls += 1;
            if intents != entry.intents {
                report.different += 1;
                let was = entry.intents.first();
                let is = intents.first();
                report.first_difference.get_or_insert_with(|| {
                    let (was, is) = (in_short(&was), in_short(&is));
                    format!("call {call}: the running version wanted {was}, this one {is}")
                });
            }
        }
        let fail = |fault| ShadowFailure::Call { call: entries.len(), of: entries.len(), fault };
        let once = instance.save().map_err(fail)?;
        let twice = instance.save().map_err(fail)?;
        if once != twice {
            return Err(ShadowFailure::ImpureSave);
        }
        // it would say the same again
        let silent = Setup { voice: Voice::Silent, ..as_trial };
        let make = || {
            let made = Instance::start(engine, plugin, &silent, limits, saved);
            made.map_err(CallFault::from)
        };
        report.both_ways = self.both_ways(make).map_err(fail)?;
        Ok(report)
    }
}

/// A value's beginning: an intent may carry megabytes of text.
fn in_short(value: &impl std::fmt::Debug) -> String {
    struct Beginning(String);
    impl std::fmt::Write for Beginning {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.extend(text.chars().take(SHOWN));
            // what is enough ends the writing
            if self.0.len() > SHOWN { Err(std::fmt::Error) } else { Ok(()) }
        }
    }
    let mut beginning = Beginning(String::new());
    let _ = std::fmt::write(&mut beginning, format_args!("{value:?}"));
    printable(&beginning.0, SHOWN)
}

/// One call on the throw-away instance; market data until all of it is read.
fn run(instance: &mut Instance, entry: &Entry) -> Result<Vec<Intent>, CallFault> {
    match &entry.given {
        Given::Event(event) => Ok(instance.on_event(entry.header, event)?.intents),
        Given::Market(ticks) => {
            let mut intents = Vec::new();
            let mut rest = ticks.clone();
            let mut header = entry.header;
            while !rest.is_empty() {
                let outcome = instance.on_market(header, &rest)?;
                header.next_order += outcome.submits();
                intents.extend(outcome.intents);
                rest = rest.suffix(outcome.consumed.max(1) as usize);
            }
            Ok(intents)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A difference is told in the journal and on the operator's screen.
    #[test]
    fn an_intent_is_shown_by_its_beginning() {
        let json = "\u{1b}[31m".repeat(1 << 20);
        let intent = Intent::Plan { id: 7, kind: "pair".into(), json };
        let shown = in_short(&Some(&intent));
        assert!(shown.starts_with("Some(Plan { id: 7"), "{shown}");
        assert!(shown.len() <= SHOWN && !shown.chars().any(char::is_control), "{shown:?}");
    }
}
