//! Facts first, then what they permit. While the journal cannot be written nothing that opens
//! leaves.

use crate::{Driver, DriverError};
use hedgerow_model::{
    AccountId, Duration, Fact, Input, InstrumentId, Order, Stamped, VenueCommand, VenueEvent,
    VenueRejection, VenueReport, VenueTime,
};
use hedgerow_ports::{Feed, Journal, SimulatedVenue, StrategyHost};
use std::collections::BTreeMap;

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

    /// Whether the journal could not be written lately.
    pub fn is_journal_down(&self) -> bool {
        self.engine.is_journal_failed()
    }

    /// How many facts the journal has not taken yet.
    pub fn unwritten(&self) -> usize {
        self.unwritten.len() + self.effects.facts.len()
    }

    pub(crate) fn commit(&mut self) -> Result<(), DriverError> {
        self.count_for_probations();
        // what could not be written before goes first
        self.unwritten.append(&mut self.effects.facts);
        self.keep_aside();
        if !self.unwritten.is_empty() && self.may_try() {
            match self.journal.commit(&self.unwritten) {
                Ok(()) => {
                    self.stats.facts += self.unwritten.len() as u64;
                    self.unwritten.clear();
                    (self.aside, self.failed_at) = (0, None);
                    self.set_journal_down(false);
                }
                Err(error) if self.on_journal_failure == OnJournalFailure::End => {
                    return Err(error.into());
                }
                Err(_) => {
                    self.failed_at = Some(self.now);
                    self.set_journal_down(true);
                    self.keep_aside();
                    forget_superseded(&mut self.unwritten);
                    self.aside = self.unwritten.len();
                }
            }
        }
        for command in std::mem::take(&mut self.effects.commands) {
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
        Ok(())
    }

    /// A journal that fails is tried again after a while, not with every input: it holds all that
    /// could not be written, and cancels wait behind it.
    fn may_try(&self) -> bool {
        self.failed_at.is_none_or(|failed| self.now.since(failed) >= RETRY)
    }

    /// Tries the journal once more whatever the time is: the run ends.
    pub fn try_journal(&mut self) -> Result<(), DriverError> {
        self.failed_at = None;
        self.drain()?;
        // that it can be written again is a fact too
        self.drain()
    }

    /// While the journal is down, new facts go where they survive this process.
    fn keep_aside(&mut self) {
        if self.is_journal_down() {
            let new = self.unwritten.get(self.aside..).unwrap_or_default();
            if !new.is_empty() {
                self.journal.keep_aside(new);
                self.aside = self.unwritten.len();
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

/// Of each strategy's states only the newest counts, and each may be of megabytes: a journal that
/// is down for hours must not fill the memory with those before it.
fn forget_superseded(facts: &mut Vec<Stamped>) {
    let mut newest = BTreeMap::new();
    for (place, stamped) in facts.iter().enumerate() {
        if let Fact::Checkpoint { strategy, .. } = stamped.fact {
            newest.insert(strategy, place);
        }
    }
    let mut place = 0..;
    facts.retain(|stamped| {
        let place = place.next();
        match &stamped.fact {
            Fact::Checkpoint { strategy, .. } => newest.get(strategy).copied() == place,
            _ => true,
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::{HostTime, StrategyId, TimerId};

    /// While the journal is down one state of each strategy waits, and every other fact.
    #[test]
    fn of_the_states_that_wait_only_the_newest_is_kept() {
        let stamped = |fact| Stamped { time: HostTime::EPOCH, fact };
        let state = |strategy, byte| {
            let (strategy, unheard) = (StrategyId(strategy), Vec::new());
            stamped(Fact::Checkpoint { strategy, version: 1, state: vec![byte], unheard })
        };
        let other = |number| {
            let (strategy, id) = (StrategyId(1), TimerId(number));
            stamped(Fact::TimerEnded { strategy, id, fired: true })
        };
        let mut facts =
            vec![state(1, 1), other(1), state(2, 1), state(1, 2), other(2), state(1, 3), other(3)];
        forget_superseded(&mut facts);
        let kept = [other(1), state(2, 1), other(2), state(1, 3), other(3)];
        assert_eq!(facts, kept);
        forget_superseded(&mut facts);
        assert_eq!(facts, kept);
    }
}
