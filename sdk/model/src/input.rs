//! What goes into the engine. With a recording of these everything that followed can be computed
//! again.

use crate::fact::Fact;
use crate::id::{AccountId, StrategyId};
use crate::message::{CallFault, FaultKind, Outcome};
use crate::mode::{Scope, TradingMode};
use crate::tick::Tick;
use crate::time::{Duration, HostTime};
use crate::venue::VenueEvent;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Everything that can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input<'a> {
    /// Market data, in order. Must be quiet or a single tick. Recorded as ticks, not as text.
    #[serde(skip)]
    Market(&'a [Tick]),
    /// A venue's report.
    Venue(Cow<'a, VenueEvent>),
    /// The time of a wake-up has come.
    Wake(HostTime),
    /// A strategy answered.
    Outcome {
        /// When: the time of the tick or event acted on; live, the time of the answer.
        now: HostTime,
        /// Who.
        strategy: StrategyId,
        /// The number its first submit must carry.
        first_order: u64,
        /// The mode it was told.
        mode: TradingMode,
        /// The version of the state in its checkpoint.
        state_version: u32,
        /// What it wants.
        outcome: Outcome,
    },
    /// A strategy's call failed.
    Fault {
        /// When.
        now: HostTime,
        /// Who.
        strategy: StrategyId,
        /// How.
        fault: CallFault,
        /// Numbers below this are used up.
        next_order: u64,
    },
    /// A strategy's component is about to be replaced: market data from here on is for its
    /// successor, which will be shown the markets of this moment.
    CutMarkets {
        /// When.
        now: HostTime,
        /// Whose.
        strategy: StrategyId,
    },
    /// It has answered everything that is for it: its successor will be told of the orders,
    /// positions and timers of this moment, and of the markets, unless they were cut before.
    Cut {
        /// When.
        now: HostTime,
        /// Whose.
        strategy: StrategyId,
        /// The successor.
        swap: Swap,
    },
    /// A strategy that has fallen behind is about to be replaced: ticks that wait for it are
    /// dropped, for its successor is shown the markets of the cut.
    Shed {
        /// When.
        now: HostTime,
        /// Whose.
        strategy: StrategyId,
        /// How many.
        ticks: u32,
    },
    /// A strategy that is about to be replaced never comes to an end of what waits for it: from
    /// here
    /// on this part of it is kept for its successor. Nothing else follows from it.
    Hold {
        /// When.
        now: HostTime,
        /// Whose.
        strategy: StrategyId,
        /// What is kept.
        what: Held,
    },
    /// A strategy on a thread of its own is given something to read. Nothing follows from it; it
    /// says what the next answer is an answer to.
    Asked {
        /// When.
        now: HostTime,
        /// Who.
        strategy: StrategyId,
        /// How many ticks; none: an event.
        ticks: u32,
    },
    /// A strategy starts, or starts again: it gets history, `resumed` and the markets, as they were
    /// at the cut if that was the last thing before, else as they stand.
    Start {
        /// When.
        now: HostTime,
        /// Who.
        strategy: StrategyId,
        /// Whether it takes over at the cut, and everything after the cut comes behind.
        from_cut: bool,
        /// The fault it starts again after, and how many there were in the window.
        fault: Option<(FaultKind, u32)>,
    },
    /// A strategy is not called any more until a new component or an operator: nobody looks after
    /// its orders, so they are canceled.
    Quarantine {
        /// When.
        now: HostTime,
        /// Who.
        strategy: StrategyId,
        /// Why.
        why: String,
    },
    /// A strategy is about to have its last call: what waits for it is dropped.
    Stopping {
        /// When.
        now: HostTime,
        /// Who.
        strategy: StrategyId,
        /// The contract's number of the reason.
        reason: u32,
    },
    /// A strategy had its last call: its orders are left or canceled by policy.
    Stopped {
        /// When.
        now: HostTime,
        /// Who.
        strategy: StrategyId,
    },
    /// An operator's command.
    Operator {
        /// When.
        now: HostTime,
        /// What.
        command: OperatorCommand,
        /// Why, in the operator's words.
        reason: String,
    },
    /// Something the daemon wants journaled in order: plugin steps, checkpoints, names.
    Note {
        /// When.
        now: HostTime,
        /// What.
        fact: Box<Fact>,
    },
    /// Whether the journal can be written. While not, nothing opens.
    Journal {
        /// Whether it fails.
        failed: bool,
    },
}

/// A component that is to take over, and how long it is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    /// SHA-256 of the component, hex.
    pub component: String,
    /// Calls without a fault.
    pub calls: u64,
    /// Or this long, whichever comes first.
    pub time: Duration,
}

/// What of that which waits for a strategy is kept for its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Held {
    /// Its timers, which it sets itself, over and over.
    Timers,
    /// Everything that comes from then on: the old instance reads what waits already, and the
    /// successor begins with how things stood then, as far as it did nothing more.
    Later,
    /// Everything: the successor begins as after a restart, from the newest state.
    Everything,
}

/// What an operator can tell the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperatorCommand {
    /// Sets a mode; Running also clears the guards' latches and starts their measures anew.
    SetMode {
        /// Of what.
        scope: Scope,
        /// To what.
        mode: TradingMode,
    },
    /// Cancels all open orders of a scope; modes stay as they are.
    CancelAll {
        /// Of what.
        scope: Scope,
    },
    /// The ledger takes over the positions that its venue has, where they differ.
    Adopt {
        /// Whose.
        strategy: StrategyId,
        /// What was ignored before instead of what differs now.
        #[serde(default)]
        ignored: bool,
    },
    /// What its venue has on an account and nobody here accounts for is somebody else's from now
    /// on.
    IgnoreOn {
        /// On which account.
        account: AccountId,
    },
    /// What its venue has beyond the ledger is somebody else's from now on.
    Ignore {
        /// Whose.
        strategy: StrategyId,
    },
    /// Lets a scope reduce again, and no more than that, whatever held it; guards stay as they are.
    ResumeReducing {
        /// Of what.
        scope: Scope,
    },
    /// Closes all that is held of a scope, in whatever mode it is; strategies may only cancel from
    /// then on.
    Flatten {
        /// Of what.
        scope: Scope,
    },
}
