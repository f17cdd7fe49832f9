//! The few traits at the edge. Model only; nothing here opens, reads or waits for anything.
//!
//! All are synchronous so that virtual time is possible: whoever implements one over a socket puts
//! the waiting behind a bounded channel.

use hedgerow_model::{
    CallFault, Delivery, Event, HostTime, Input, Outcome, Stamped, StrategyId, Tick, TickSlice,
    TradingMode, VenueCommand, VenueEvent,
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

/// The answer of a good call, with what it was given.
#[derive(Clone, Debug)]
pub struct Called {
    /// The `next-order` of the call's header.
    pub first_order: u64,
    /// The mode of the call's header.
    pub mode: TradingMode,
    /// The answer. One that acts carries a checkpoint: the strategy's own, or what `save` gave.
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

/// Why a strategy is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// An operator said so.
    Operator,
    /// The host ends.
    Shutdown,
}

impl StopReason {
    /// The number the contract carries.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Operator => 1,
            Self::Shutdown => 2,
        }
    }

    /// What such a number means; one that nobody knows is the host's end.
    #[must_use]
    pub const fn from_code(code: u32) -> Self {
        match code {
            1 => Self::Operator,
            _ => Self::Shutdown,
        }
    }
}

/// Something to be done with a strategy's instance. One at a time.
#[derive(Clone, Debug)]
pub enum Job {
    /// Market data; at least one tick.
    Market {
        /// The mode that holds.
        mode: TradingMode,
        /// In order.
        ticks: TickSlice,
    },
    /// An event.
    Event {
        /// When it happened for the host.
        now: HostTime,
        /// The mode that holds.
        mode: TradingMode,
        /// What.
        event: Event,
    },
    /// The last call.
    Stop {
        /// Now.
        now: HostTime,
        /// The mode that holds.
        mode: TradingMode,
        /// Why.
        reason: StopReason,
    },
    /// The document for people.
    Status,
    /// A new instance after a fault, from a state.
    Restart {
        /// From which state.
        saved: Option<Saved>,
        /// `next-order` goes on from here at least.
        next_order: u64,
    },
    /// Asks the running instance for its state, makes one of the prepared candidate from it and
    /// puts that in its place; the old component is kept until it is accepted or reverted. On an
    /// error the old instance is as it was.
    Swap {
        /// The state to start from when the running instance is not to be asked, or fails.
        fallback: Option<Saved>,
        /// Whether the running instance can be asked.
        ask: bool,
        /// `next-order` goes on from here at least.
        next_order: u64,
    },
    /// Back to the old component, a fresh instance from this state.
    Revert {
        /// From which state.
        saved: Option<Saved>,
        /// `next-order` goes on from here at least.
        next_order: u64,
    },
}

/// What kind of answer a job has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// A call that may want something.
    Call,
    /// The document for people.
    Status,
    /// A restart.
    Restart,
    /// A swap.
    Swap,
    /// A way back.
    Revert,
}

impl Job {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> JobKind {
        match self {
            Self::Market { .. } | Self::Event { .. } | Self::Stop { .. } => JobKind::Call,
            Self::Status => JobKind::Status,
            Self::Restart { .. } => JobKind::Restart,
            Self::Swap { .. } => JobKind::Swap,
            Self::Revert { .. } => JobKind::Revert,
        }
    }
}

impl JobKind {
    /// The answer of a job that failed.
    #[must_use]
    pub const fn failed(self, fault: CallFault) -> Done {
        match self {
            Self::Call => Done::Called(Err(fault)),
            Self::Status => Done::Said(Err(fault)),
            Self::Restart => Done::Restarted(Err(fault)),
            Self::Swap => Done::Swapped(Err(fault)),
            Self::Revert => Done::Reverted(Err(fault)),
        }
    }
}

/// A new component in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// SHA-256 of the component, hex.
    pub hash: String,
    /// The state it started from.
    pub saved: Option<Saved>,
    /// Whether that is what the old instance said when it was asked.
    pub asked: Asked,
}

/// What became of asking an instance for its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It said.
    Said,
    /// It was not asked: there is none, or it is down.
    Not,
    /// It failed.
    Failed(CallFault),
}

/// What became of a [`Job`].
#[derive(Clone, Debug)]
pub enum Done {
    /// Of a call.
    Called(Result<Called, CallFault>),
    /// Of `status`.
    Said(Result<String, CallFault>),
    /// Of a restart.
    Restarted(Result<(), CallFault>),
    /// Of a swap.
    Swapped(Result<Cut, CallFault>),
    /// Of a way back.
    Reverted(Result<String, CallFault>),
}

/// Runs strategies. A call is all or nothing: after a fault the instance is gone until it is
/// restarted.
pub trait StrategyHost {
    /// Delivers market data now, at least one tick: the path that must be fast.
    fn on_market(
        &mut self,
        strategy: StrategyId,
        mode: TradingMode,
        ticks: &TickSlice,
    ) -> Result<Called, CallFault>;

    /// Does a job now.
    fn run(&mut self, strategy: StrategyId, job: Job) -> Done;

    /// Has a job done on another thread; [`Self::finished`] tells. At most one at a time for each
    /// strategy. Never waits.
    fn post(&mut self, strategy: StrategyId, job: Job);

    /// How many ticks a posted call may be given now, so that it stays far below its deadline;
    /// none: no call may be posted. A replay says none until the recording says how many.
    fn room(&self, _: StrategyId) -> usize {
        1_024
    }

    /// How many ticks a market call within the loop may be given, so that it stays far below its
    /// deadline. What comes of a run does not depend on it.
    fn room_in_loop(&self, _: StrategyId) -> usize {
        usize::MAX
    }

    /// Takes a job that was posted and is done.
    fn finished(&mut self) -> Option<(StrategyId, Done)>;

    /// The number the next submit of a strategy must carry. Faults use numbers up too.
    fn next_order(&self, strategy: StrategyId) -> u64;

    /// The version of the state that a strategy's component writes.
    fn state_version(&self, strategy: StrategyId) -> u32;

    /// The new component is accepted: the old one is dropped.
    fn accept(&mut self, strategy: StrategyId);
}

/// What the loop does, for whoever wants to do it again.
pub trait Recorder {
    /// An input, before it is handled.
    fn input(&mut self, input: &Input<'_>);

    /// What followed from the newest input: facts, commands, events for strategies. Ticks that are
    /// handed on follow from the ticks that came in.
    fn effects(&mut self, facts: &[Stamped], commands: &[VenueCommand], events: &[&Delivery]);

    /// Why nothing is recorded any more, if that is so.
    fn ended(&self) -> Option<&str> {
        None
    }
}

/// One thing of a recording, in the order it was recorded.
#[derive(Clone, Debug)]
pub enum Record {
    /// Market data that went in. Only from the last tick may anything have followed.
    Ticks(Vec<Tick>),
    /// Any other input.
    Input(Box<Input<'static>>),
    /// What followed from the input before, in the recording's own form.
    Effects(Vec<u8>),
}

/// Why a recording cannot be read on.
#[derive(Debug, thiserror::Error)]
#[error("the recording cannot be read on: {0}")]
pub struct RecordingError(pub String);

/// A recording, read from its beginning.
pub trait Recording {
    /// The next thing; nothing at its end.
    fn next(&mut self) -> Result<Option<Record>, RecordingError>;

    /// Effects in the recording's form, to be compared.
    fn form(&self, facts: &[Stamped], commands: &[VenueCommand], events: &[&Delivery]) -> Vec<u8>;

    /// Effects in words, for a person.
    fn words(&self, effects: &[u8]) -> String;
}

/// Why facts could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the journal cannot be written: {0}")]
pub struct JournalError(pub String);

/// Where facts go. Facts are committed before the effects they permit leave.
pub trait Journal {
    /// Writes all of them or none.
    fn commit(&mut self, facts: &[Stamped]) -> Result<(), JournalError>;

    /// Keeps facts that could not be committed where they survive this process. The next commit
    /// that succeeds begins with them.
    fn keep_aside(&mut self, _: &[Stamped]) {}

    /// Whether a commit is worth trying after one that failed; asking costs little, however much
    /// waits.
    fn is_ready(&mut self) -> Result<(), JournalError> {
        Ok(())
    }
}
