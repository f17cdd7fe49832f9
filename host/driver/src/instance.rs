//! What the loop keeps of one strategy.

use crate::call::ACTS_PER_S;
use crate::mailbox::Mailbox;
use hedgerow_model::{CallFault, FaultKind, HostTime, Interest, StrategyId, Tick};
use hedgerow_ports::{Called, StopReason};
use std::sync::Arc;

pub use hedgerow_model::view::StrategyState;

/// An answer that waits until the engine has come to its tick.
#[derive(Debug)]
pub(crate) struct Pending {
    /// Ticks of the feed until then.
    pub(crate) left: usize,
    pub(crate) answer: Result<Called, CallFault>,
}

/// Faults since the last minute of health.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    pub(crate) count: u32,
    pub(crate) last: HostTime,
    pub(crate) kind: FaultKind,
}

/// The end of a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Wanted(StopReason),
    Called,
}

/// One strategy in the loop.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) strategy: StrategyId,
    pub(crate) interest: Interest,
    pub(crate) state: StrategyState,
    /// Ticks it has already read and the engine has not.
    pub(crate) ahead: usize,
    pub(crate) pending: Option<Pending>,
    /// Filtered ticks, reused; and their places in the batch.
    pub(crate) scratch: Arc<Vec<Tick>>,
    pub(crate) places: Vec<usize>,
    /// What waits for it where it runs on a thread of its own.
    pub(crate) mailbox: Mailbox,
    pub(crate) calls: u64,
    pub(crate) faults: Option<Faults>,
    pub(crate) restart_at: Option<HostTime>,
    /// Events given at one instant, to end a strategy that feeds itself.
    pub(crate) at_instant: (HostTime, u32),
    /// How often it acted in this second, by number.
    acts: (u64, u32),
    /// Its last call is to come when the one it is at is answered; or it is at its last call.
    pub(crate) stop: Option<Stop>,
    /// A replacement under way.
    pub(crate) swapping: Option<crate::replace::Swapping>,
    /// Probation of a replaced component.
    pub(crate) probation: Option<crate::probation::Probation>,
    /// What it last said of itself, and when; and whether it is to be asked again.
    pub(crate) said: Option<(HostTime, String)>,
    pub(crate) ask_status: bool,
    /// More waited than may while it was at a call: that call is its last.
    pub(crate) overrun: bool,
    /// An operator let it go on while something was being done with it.
    pub(crate) release: bool,
}

impl Instance {
    pub(crate) fn new(strategy: StrategyId, interest: Interest) -> Self {
        Self {
            strategy,
            interest,
            state: StrategyState::Running,
            ahead: 0,
            pending: None,
            scratch: Arc::default(),
            places: Vec::new(),
            mailbox: Mailbox::default(),
            calls: 0,
            faults: None,
            restart_at: None,
            at_instant: (HostTime::EPOCH, 0),
            acts: (0, 0),
            stop: None,
            swapping: None,
            probation: None,
            said: None,
            ask_status: false,
            overrun: false,
            release: false,
        }
    }

    /// Counts an act; `false` when there were too many in this second.
    pub(crate) fn may_act(&mut self, now: HostTime) -> bool {
        let this = now.as_nanos() / 1_000_000_000;
        let (second, count) = &mut self.acts;
        *count = if *second == this { count.saturating_add(1) } else { 1 };
        *second = this;
        *count <= ACTS_PER_S
    }

    /// Whether it has read nothing that the engine has not.
    pub(crate) fn is_settled(&self) -> bool {
        self.ahead == 0 && self.pending.is_none()
    }

    /// Whether nothing waits for it that it could be given.
    pub(crate) fn is_idle(&self) -> bool {
        self.mailbox.busy.is_none() && (self.mailbox.is_idle() || !self.is_callable())
    }

    /// Whether nothing waits for it nor for its successor.
    pub(crate) fn has_nothing(&self) -> bool {
        self.is_idle() && self.mailbox.aside.is_none()
    }

    /// Whether it can be called.
    pub(crate) fn is_callable(&self) -> bool {
        matches!(
            self.state,
            StrategyState::Running | StrategyState::Probation | StrategyState::Stopping
        )
    }
}
