//! The few traits at the edge. Model only; nothing here opens, reads or waits for anything.
//!
//! All are synchronous so that virtual time is possible: whoever implements one over a socket puts
//! the waiting behind a bounded channel.

use hedgerow_model::{
    CallFault, Event, HostTime, Outcome, Stamped, StrategyId, TickSlice, TradingMode, VenueCommand,
    VenueEvent,
};

/// A venue's private side: commands out, reports in.
pub trait Venue {
    /// Hands a command over. Never blocks; what cannot be sent comes back as a report.
    fn send(&mut self, now: HostTime, command: VenueCommand);

    /// Appends the reports that have arrived by `now`, oldest first.
    fn poll(&mut self, now: HostTime, out: &mut Vec<VenueEvent>);

    /// When something may happen next, as far as is known.
    fn next_time(&self) -> Option<HostTime>;
}

/// A venue in virtual time.
pub trait SimulatedVenue: Venue {
    /// The earliest time at or before `last` at which anything may be reported, or later than
    /// `last`. A tick received before this time cannot be preceded by a report.
    fn quiet_until(&mut self, last: HostTime) -> HostTime;

    /// Brings the venue to `now`. Within a quiet stretch nothing is reported.
    fn advance(&mut self, now: HostTime);
}

/// One merged stream of market data, sorted by (receive time, source, sequence).
pub trait Feed {
    /// The next ticks, at most `max`; empty at the end of the data.
    fn peek(&mut self, max: usize) -> TickSlice;

    /// Passes over `n` ticks that were peeked.
    fn take(&mut self, n: usize);

    /// Whether more may come when there is nothing to peek: a live feed does not end.
    fn is_live(&self) -> bool {
        false
    }
}

/// The answer of a good call, with the order number it was given.
#[derive(Clone, Debug)]
pub struct Called {
    /// The `next-order` of the call's header.
    pub first_order: u64,
    /// The answer.
    pub outcome: Outcome,
}

/// What a strategy wrote of its state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The state version.
    pub version: u32,
    /// The bytes.
    pub data: Vec<u8>,
}

/// Runs strategies. A call is all or nothing: after a fault the instance is gone until it is
/// restarted.
pub trait StrategyHost {
    /// Delivers market data; at least one tick.
    fn on_market(
        &mut self,
        strategy: StrategyId,
        mode: TradingMode,
        ticks: &TickSlice,
    ) -> Result<Called, CallFault>;

    /// Delivers an event.
    fn on_event(
        &mut self,
        strategy: StrategyId,
        now: HostTime,
        mode: TradingMode,
        event: &Event,
    ) -> Result<Called, CallFault>;

    /// Asks for the state.
    fn save(&mut self, strategy: StrategyId) -> Result<Saved, CallFault>;

    /// The number the next submit of a strategy must carry. Faults use numbers up too.
    fn next_order(&self, strategy: StrategyId) -> u64;

    /// The version of the state that a strategy's component writes.
    fn state_version(&self, strategy: StrategyId) -> u32;

    /// Makes a new instance after a fault, from a state; `next-order` goes on where it was.
    fn restart(&mut self, strategy: StrategyId, saved: Option<Saved>) -> Result<(), CallFault>;

    /// Makes an instance of the prepared candidate from a state and puts it in the old one's place;
    /// the old component is kept until [`Self::accept`] or [`Self::revert`]. Gives the new hash. On
    /// an error the old instance is as it was.
    fn swap(&mut self, strategy: StrategyId, saved: Option<&Saved>) -> Result<String, CallFault>;

    /// The new component is accepted: the old one is dropped.
    fn accept(&mut self, strategy: StrategyId);

    /// Back to the old component, a fresh instance from this state. Gives its hash.
    fn revert(&mut self, strategy: StrategyId, saved: Option<&Saved>) -> Result<String, CallFault>;

    /// Whether an instance exists that can be called.
    fn is_alive(&self, strategy: StrategyId) -> bool;
}

/// Why facts could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the journal cannot be written: {0}")]
pub struct JournalError(pub String);

/// Where facts go. Facts are committed before the effects they permit leave.
pub trait Journal {
    /// Writes all of them or none.
    fn commit(&mut self, facts: &[Stamped]) -> Result<(), JournalError>;
}

/// The wall clock, for whoever paces.
pub trait Clock {
    /// Now.
    fn now(&self) -> HostTime;
}
