//! Facts first, then what they permit. While the journal cannot be written nothing that opens
//! leaves.

mod held;

use crate::{Driver, DriverError, told};
use hedgerow_model::{
    AccountId, Duration, Input, InstrumentId, Order, VenueCommand, VenueEvent, VenueRejection,
    VenueReport, VenueTime,
};
use hedgerow_ports::{Feed, Journal, JournalError, SimulatedVenue, StrategyHost};
pub(crate) use held::Held;
pub use held::LeftOut;
use held::thin;

/// How long a journal that failed is left alone.
const RETRY: Duration = Duration::from_millis(100);

/// What becomes of a run whose journal cannot be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnJournalFailure {
    /// It ends: a backtest has nothing to protect.
    #[default]
    End,
    /// It goes on without opening anything. Cancels, questions and reductions leave; their facts
    /// are kept in memory and aside, in order, and written as soon as that is possible.
    Hold,
}

impl<F: Feed, V: SimulatedVenue, H: StrategyHost, J: Journal> Driver<F, V, H, J> {
    /// Says what becomes of the run when the journal cannot be written.
    pub fn on_journal_failure(&mut self, what: OnJournalFailure) {
        self.on_journal_failure = what;
    }

    /// Says in the log what people must see, from now on: a run of now, not one done again.
    pub fn tell_people(&mut self) {
        self.tells = true;
    }

    /// Says how many facts are held for a journal that cannot be written; beyond them the run ends.
    pub fn hold_at_most(&mut self, facts: usize) {
        self.held.most = facts;
    }

    /// Whether the journal could not be written lately.
    pub fn is_journal_down(&self) -> bool {
        self.engine.is_journal_failed()
    }

    /// How many facts the journal has not taken yet.
    pub fn unwritten(&self) -> usize {
        self.held.facts.len() + self.effects.facts.len()
    }

    pub(crate) fn commit(&mut self) -> Result<(), DriverError> {
        self.count_for_probations();
        if self.tells {
            self.effects.facts.iter().for_each(|stamped| told::tell(&self.engine, &stamped.fact));
        }
        // what follows from a journal that goes or comes back waits for the commit of its own facts
        let commands = std::mem::take(&mut self.effects.commands);
        // what could not be written before goes first
        self.held.facts.append(&mut self.effects.facts);
        self.keep_aside();
        if !self.held.facts.is_empty() && self.may_try() {
            match self.try_commit() {
                Ok(()) => {
                    self.stats.facts += self.held.facts.len() as u64;
                    self.held.facts.clear();
                    (self.held.aside, self.held.failed_at) = (0, None);
                    self.set_journal_down(false);
                }
                Err(error) if self.on_journal_failure == OnJournalFailure::End => {
                    return Err(error.into());
                }
                Err(error) => {
                    if self.tells && self.held.failed_at.is_none() {
                        tracing::error!(%error, "the journal cannot be written: nothing opens");
                    }
                    self.held.failed_at = Some(self.now);
                    self.set_journal_down(true);
                    self.keep_aside();
                    thin(&mut self.held.facts, &mut self.held.left_out);
                    self.held.aside = self.held.facts.len();
                }
            }
        }
        self.let_out(commands);
        let facts = self.held.facts.len();
        if facts > self.held.most { Err(DriverError::TooMuchHeld { facts }) } else { Ok(()) }
    }

    /// One that failed is asked first whether it is worth it: trying costs the more the more waits,
    /// and cancels wait behind it.
    fn try_commit(&mut self) -> Result<(), JournalError> {
        if self.held.failed_at.is_some() {
            self.journal.is_ready()?;
        }
        self.journal.commit(&self.held.facts)
    }

    /// What the journal will never know of the time in which it could not be written, once that is
    /// over.
    pub fn take_left_out(&mut self) -> Option<LeftOut> {
        if self.is_journal_down() {
            return None;
        }
        Some(std::mem::take(&mut self.held.left_out)).filter(|left| *left != LeftOut::default())
    }

    /// Commands leave, as far as they may.
    fn let_out(&mut self, commands: Vec<VenueCommand>) {
        for command in commands {
            match &command {
                VenueCommand::Place(order) if self.is_journal_down() => {
                    if self.engine.is_reduction(order.get()) {
                        self.venue.send(self.now, command);
                    } else {
                        self.refuse_unsent(&order.get().clone());
                    }
                }
                // an amendment may open
                VenueCommand::Amend { account, instrument, wire, .. } if self.is_journal_down() => {
                    let (wire, reason) = (*wire, VenueRejection::NotTrading);
                    let report = VenueReport::AmendRejected { wire, reason };
                    self.report_unsent(*account, *instrument, report);
                }
                // not known until the venue tells it again, and so nothing opens by it
                VenueCommand::SetLeverage { .. } if self.is_journal_down() => {}
                _ => self.venue.send(self.now, command),
            }
        }
    }

    /// A journal that fails is tried again after a while, not with every input: it holds all that
    /// could not be written, and cancels wait behind it.
    fn may_try(&self) -> bool {
        self.held.failed_at.is_none_or(|failed| self.now.since(failed) >= RETRY)
    }

    /// Tries the journal once more whatever the time is: the run ends.
    pub fn try_journal(&mut self) -> Result<(), DriverError> {
        self.held.failed_at = None;
        self.drain()?;
        // that it can be written again is a fact too
        self.drain()
    }

    /// While the journal is down, new facts go where they survive this process.
    fn keep_aside(&mut self) {
        if self.is_journal_down() {
            let new = self.held.facts.get(self.held.aside..).unwrap_or_default();
            if !new.is_empty() {
                self.journal.keep_aside(new);
                self.held.aside = self.held.facts.len();
            }
        }
    }

    fn set_journal_down(&mut self, failed: bool) {
        if self.is_journal_down() != failed {
            self.handle(Input::Journal { failed });
        }
    }

    /// It provably never left, so it is over.
    fn refuse_unsent(&mut self, order: &Order) {
        let (wire, reason) = (order.wire, VenueRejection::NotTrading);
        let instrument = order.request.instrument;
        self.report_unsent(order.account, instrument, VenueReport::Rejected { wire, reason });
    }

    fn report_unsent(&mut self, account: AccountId, instrument: InstrumentId, report: VenueReport) {
        let (received, happened) = (self.now, VenueTime::from_nanos(self.now.as_nanos()));
        // the gate has approved nothing in an instrument that has no venue
        let Some(venue) = self.engine.config().venue_of(instrument) else { return };
        let event = VenueEvent { venue, account, received, happened, report };
        self.handle(Input::Venue(std::borrow::Cow::Owned(event)));
    }
}
