//! What the recording says comes next, and the comparison with what the loop does.

use hedgerow_model::{Delivery, HostTime, Input, Outcome, Stamped, StrategyId, Tick, VenueCommand};
use hedgerow_ports::{Record, Recorder, Recording};
use std::cell::RefCell;
use std::rc::Rc;

/// What is asked of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Every input and every effect is as it was.
    Same,
    /// This strategy runs another component; its intents are compared.
    Compare(StrategyId),
}

/// Where a replay first was not what was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// When, by the recording.
    pub time: HostTime,
    /// What, in words.
    pub what: String,
}

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Ticks that went in.
    pub ticks: u64,
    /// Other inputs.
    pub inputs: u64,
    /// Answers of strategies that acted, all as recorded.
    pub answers: u64,
    /// Times that something followed from an input, all as recorded.
    pub effects: u64,
    /// Faults and other things that cannot be computed again, taken from the recording.
    pub taken: u64,
    /// The time of the last input.
    pub until: HostTime,
    /// The first difference, if there is one; nothing is claimed beyond it.
    pub difference: Option<Difference>,
    /// Why the comparison of another component ends before the recording does, without a
    /// difference.
    pub ended: Option<String>,
}

/// The recording with its place.
pub struct Script<R> {
    recording: R,
    next: Option<Record>,
    /// How many ticks of `next` are used.
    used: usize,
    place: u64,
    /// The time of the turn under way.
    at: HostTime,
    is_live: bool,
    free: bool,
    failure: Option<String>,
    summary: Replayed,
}

/// One script, shared by the stand-ins of one thread.
pub(super) type Shared<R> = Rc<RefCell<Script<R>>>;

impl<R: Recording> Script<R> {
    pub(super) fn shared(recording: R, is_live: bool) -> Shared<R> {
        let summary = Replayed::default();
        let (next, used, place, at) = (None, 0, 0, HostTime::EPOCH);
        let (free, failure) = (false, None);
        let mut this = Self { recording, next, used, place, at, is_live, free, failure, summary };
        this.load();
        Rc::new(RefCell::new(this))
    }

    fn load(&mut self) {
        self.used = 0;
        self.place += 1;
        match self.recording.next() {
            Ok(next) => self.next = next,
            Err(error) => (self.next, self.failure) = (None, Some(error.0)),
        }
    }

    pub(super) fn next(&self) -> Option<&Record> {
        self.next.as_ref()
    }

    pub(super) fn place(&self) -> u64 {
        self.place
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.failure.clone()
    }

    pub(super) fn difference(&self) -> Option<&Difference> {
        self.summary.difference.as_ref()
    }

    /// Whether nothing more is compared.
    pub(super) fn is_over(&self) -> bool {
        self.free || self.summary.difference.is_some() || self.summary.ended.is_some()
    }

    /// Ends the comparison where nothing more can be said.
    pub(super) fn end(&mut self, why: &str) {
        self.summary.ended.get_or_insert_with(|| why.to_owned());
    }

    pub(super) fn summary(&self) -> Replayed {
        self.summary.clone()
    }

    pub(super) fn is_live(&self) -> bool {
        self.is_live
    }

    pub(super) fn is_free(&self) -> bool {
        self.free
    }

    /// From here on only market data is read.
    pub(super) fn set_free(&mut self) {
        self.free = true;
        self.skip_to_market();
    }

    /// Passes over everything that is not market data.
    fn skip_to_market(&mut self) {
        while matches!(self.next, Some(Record::Input(_) | Record::Effects(_))) {
            self.load();
        }
    }

    /// The next ticks, unless something else comes first.
    pub(super) fn ticks(&self) -> &[Tick] {
        match &self.next {
            Some(Record::Ticks(ticks)) => ticks.get(self.used..).unwrap_or_default(),
            _ => &[],
        }
    }

    pub(super) fn use_ticks(&mut self, count: usize) {
        self.used += count;
        self.place += 1;
        if self.ticks().is_empty() {
            self.load();
            if self.free {
                self.skip_to_market();
            }
        }
    }

    /// The next input, if it is one and not market data.
    pub(super) fn input(&self) -> Option<&Input<'static>> {
        match &self.next {
            Some(Record::Input(input)) if !self.free => Some(input),
            _ => None,
        }
    }

    /// Begins a turn at the time of an input.
    pub(super) fn turn(&mut self, input: &Input<'_>) -> HostTime {
        self.at = self.at.max(time_of(input));
        self.at
    }

    /// The next input, if it belongs to this turn.
    pub(super) fn of_this_turn(&self) -> Option<&Input<'static>> {
        self.input().filter(|input| time_of(input) <= self.at)
    }

    /// The recorded answer of a strategy, if that comes next.
    pub(super) fn outcome_of(&self, whose: StrategyId) -> Option<&Outcome> {
        match self.input()? {
            Input::Outcome { strategy, outcome, .. } if *strategy == whose => Some(outcome),
            _ => None,
        }
    }

    pub(super) fn taken(&mut self) {
        self.summary.taken += 1;
    }

    pub(super) fn differ(&mut self, what: impl Into<String>) {
        let time = self.summary.until;
        self.summary.difference.get_or_insert(Difference { time, what: what.into() });
    }

    fn saw_tick(&mut self, ticks: &[Tick]) {
        if self.next.is_none() {
            return;
        }
        if self.ticks().get(..ticks.len()) != Some(ticks) {
            self.differ("market data that was not recorded here");
            return;
        }
        self.summary.ticks += ticks.len() as u64;
        if let Some(last) = ticks.last() {
            self.summary.until = self.summary.until.max(HostTime::from_nanos(last.recv_ts));
        }
        self.use_ticks(ticks.len());
    }

    fn saw_input(&mut self, input: &Input<'_>) {
        let recorded = match &self.next {
            Some(Record::Input(recorded)) => recorded,
            Some(Record::Effects(effects)) => {
                let words = self.recording.words(effects);
                return self.differ(format!("recorded effects did not follow: {words}"));
            }
            Some(Record::Ticks(_)) => {
                return self
                    .differ(format!("an input where only ticks were recorded: {}", brief(input)));
            }
            // it ends in the middle of what follows from its last input
            None => return,
        };
        if !same(recorded, input, self.is_live) {
            let what = format!("recorded: {}; now: {}", brief(recorded), brief(input));
            return self.differ(what);
        }
        self.summary.inputs += 1;
        let acted = matches!(input, Input::Outcome { outcome, .. } if !outcome.intents.is_empty());
        self.summary.answers += u64::from(acted);
        self.summary.until = self.summary.until.max(time_of(input));
        self.load();
    }

    fn saw_effects(&mut self, facts: &[Stamped], commands: &[VenueCommand], events: &[&Delivery]) {
        let now = self.recording.form(facts, commands, events);
        match &self.next {
            Some(Record::Effects(recorded)) if *recorded == now => {
                self.summary.effects += 1;
                self.load();
            }
            Some(Record::Effects(recorded)) => {
                let (was, is) = (self.recording.words(recorded), self.recording.words(&now));
                self.differ(format!("recorded: {was}; now: {is}"));
            }
            None => {}
            Some(_) => {
                let is = self.recording.words(&now);
                self.differ(format!("effects that were not recorded: {is}"));
            }
        }
    }
}

/// Whether an input is the recorded one. How many ticks a strategy was shown at once is no part of
/// what it wants, where the loop calls it.
fn same(recorded: &Input<'_>, input: &Input<'_>, is_live: bool) -> bool {
    if recorded == input {
        return true;
    }
    let (Input::Outcome { outcome: was, .. }, Input::Outcome { outcome: is, .. }) =
        (recorded, input)
    else {
        return false;
    };
    let mut again = input.clone();
    if let Input::Outcome { outcome, .. } = &mut again {
        outcome.consumed = was.consumed;
    }
    !is_live && (was.consumed == 0) == (is.consumed == 0) && *recorded == again
}

/// The time at which an input was handled, where it says.
fn time_of(input: &Input<'_>) -> HostTime {
    match input {
        Input::Market(_) | Input::Journal { .. } => HostTime::EPOCH,
        Input::Venue(event) => event.received,
        Input::Wake(now)
        | Input::Outcome { now, .. }
        | Input::Fault { now, .. }
        | Input::CutMarkets { now, .. }
        | Input::Cut { now, .. }
        | Input::Hold { now, .. }
        | Input::Asked { now, .. }
        | Input::Shed { now, .. }
        | Input::Start { now, .. }
        | Input::Quarantine { now, .. }
        | Input::Stopping { now, .. }
        | Input::Stopped { now, .. }
        | Input::Operator { now, .. }
        | Input::Note { now, .. } => *now,
    }
}

/// Compares what the loop does with the recording.
pub(super) struct Checker<R>(pub(super) Shared<R>);

impl<R: Recording> Checker<R> {
    fn is_over(&self) -> bool {
        self.0.borrow().is_over()
    }
}

impl<R: Recording> Recorder for Checker<R> {
    fn input(&mut self, input: &Input<'_>) {
        if self.is_over() {
            return;
        }
        let mut script = self.0.borrow_mut();
        match input {
            Input::Market(ticks) => script.saw_tick(ticks),
            other => script.saw_input(other),
        }
    }

    fn effects(&mut self, facts: &[Stamped], commands: &[VenueCommand], events: &[&Delivery]) {
        if !self.is_over() {
            self.0.borrow_mut().saw_effects(facts, commands, events);
        }
    }
}

/// An input for a person: states are told by their size.
fn brief(input: &Input<'_>) -> String {
    const LONGEST: usize = 2_000;
    let text = match input {
        Input::Outcome { strategy, outcome, .. } => {
            let state = outcome.checkpoint.as_ref().map_or(0, Vec::len);
            let (read, intents) = (outcome.consumed, &outcome.intents);
            format!(
                "strategy {strategy} read {read} ticks, wants {intents:?}, state of {state} bytes"
            )
        }
        other => format!("{other:?}"),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
