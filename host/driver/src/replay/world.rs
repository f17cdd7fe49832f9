//! Market, venue and journal of a replay: what the recording says comes next, and nothing else.

use super::script::Shared;
use hedgerow_model::{
    AccountId, HostTime, Input, Stamped, TickSlice, VenueCommand, VenueEvent, WireId,
};
use hedgerow_ports::{Feed, Journal, JournalError, Recording, SimulatedVenue, Venue};
use std::sync::Arc;

/// Recorded market data, when it is its turn.
pub struct ReplayFeed<R> {
    script: Shared<R>,
}

impl<R: Recording> ReplayFeed<R> {
    pub(super) fn new(script: Shared<R>) -> Self {
        Self { script }
    }
}

impl<R: Recording> Feed for ReplayFeed<R> {
    fn peek(&mut self, max: usize) -> TickSlice {
        let script = self.script.borrow();
        let ticks = script.ticks();
        TickSlice::new(Arc::new(ticks.iter().take(max).copied().collect()))
    }

    fn take(&mut self, n: usize) {
        // what was recorded is passed over when the loop has handled it
        let mut script = self.script.borrow_mut();
        if script.is_free() {
            script.use_ticks(n);
        }
    }

    fn is_live(&self) -> bool {
        !self.script.borrow().is_free()
    }
}

/// Recorded reports, when it is their turn; from a difference on a simulated venue.
pub struct ReplayVenue<R, V> {
    script: Shared<R>,
    free: Option<V>,
    /// What was sent since the difference.
    waiting: Vec<VenueCommand>,
}

impl<R: Recording, V: SimulatedVenue> ReplayVenue<R, V> {
    pub(super) fn new(script: Shared<R>) -> Self {
        Self { script, free: None, waiting: Vec::new() }
    }

    pub(super) fn sent_since(&self) -> Vec<(AccountId, WireId)> {
        let place = |command: &VenueCommand| match command {
            VenueCommand::Place(order) => Some((order.get().account, order.get().wire)),
            _ => None,
        };
        self.waiting.iter().filter_map(place).collect()
    }

    pub(super) fn set_free(&mut self, now: HostTime, mut venue: V) {
        for command in self.waiting.drain(..) {
            venue.send(now, command);
        }
        self.free = Some(venue);
    }

    fn next(&self) -> Option<VenueEvent> {
        match self.script.borrow().input() {
            Some(Input::Venue(event)) => Some(event.clone().into_owned()),
            _ => None,
        }
    }
}

impl<R: Recording, V: SimulatedVenue> Venue for ReplayVenue<R, V> {
    fn send(&mut self, now: HostTime, command: VenueCommand) {
        match &mut self.free {
            Some(venue) => venue.send(now, command),
            // what was sent before a difference was answered in the recording
            None if self.script.borrow().difference().is_some() => self.waiting.push(command),
            None => {}
        }
    }

    fn poll(&mut self, now: HostTime, out: &mut Vec<VenueEvent>) {
        match &mut self.free {
            Some(venue) => venue.poll(now, out),
            None => out.extend(self.next()),
        }
    }

    fn next_time(&self) -> Option<HostTime> {
        match &self.free {
            Some(venue) => venue.next_time(),
            // at the end of the data a report comes before a wake-up that is due earlier
            None => self.next().map(|_| HostTime::EPOCH),
        }
    }
}

impl<R: Recording, V: SimulatedVenue> SimulatedVenue for ReplayVenue<R, V> {
    fn quiet_until(&mut self, last: HostTime) -> HostTime {
        self.free.as_mut().map_or(HostTime::EPOCH, |venue| venue.quiet_until(last))
    }

    fn advance(&mut self, now: HostTime) {
        if let Some(venue) = &mut self.free {
            venue.advance(now);
        }
    }
}

/// A journal that fails when it failed.
pub struct ReplayJournal<R> {
    script: Shared<R>,
    fails: bool,
}

impl<R: Recording> ReplayJournal<R> {
    pub(super) fn new(script: Shared<R>) -> Self {
        Self { script, fails: false }
    }
}

impl<R: Recording> Journal for ReplayJournal<R> {
    fn commit(&mut self, _: &[Stamped]) -> Result<(), JournalError> {
        let mut script = self.script.borrow_mut();
        if script.is_free() {
            return Ok(());
        }
        if let Some(Input::Journal { failed }) = script.input() {
            self.fails = *failed;
            script.taken();
        }
        if self.fails { Err(JournalError("it failed in the recording".into())) } else { Ok(()) }
    }

    /// Ready when the recording says that it took what waited.
    fn is_ready(&mut self) -> Result<(), JournalError> {
        let script = self.script.borrow();
        let still = match script.input() {
            _ if script.is_free() => false,
            Some(Input::Journal { failed }) => *failed,
            _ => self.fails,
        };
        if still { Err(JournalError("it failed in the recording".into())) } else { Ok(()) }
    }
}
