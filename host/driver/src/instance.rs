//! What the loop keeps of one strategy.

use hedgerow_model::{CallFault, FaultKind, HostTime, StrategyId, Tick, TickKind};
use hedgerow_ports::Called;
use std::sync::Arc;

pub use hedgerow_model::view::StrategyState;

/// Which ticks a strategy gets.
#[derive(Clone, Debug)]
pub struct Interest {
    /// Whose.
    pub strategy: StrategyId,
    /// Bits by tick kind, per instrument id; feed status always comes.
    masks: Vec<u32>,
}

impl Interest {
    /// An interest in nothing yet.
    #[must_use]
    pub fn new(strategy: StrategyId) -> Self {
        Self { strategy, masks: Vec::new() }
    }

    /// Adds kinds of one instrument.
    #[must_use]
    pub fn with(mut self, instrument: hedgerow_model::InstrumentId, kinds: &[TickKind]) -> Self {
        let index = instrument.index();
        if self.masks.len() <= index {
            self.masks.resize(index + 1, 0);
        }
        let bit = |kind: TickKind| 1_u32 << kind.code();
        self.masks[index] |=
            kinds.iter().fold(bit(TickKind::FeedStatus), |mask, kind| mask | bit(*kind));
        self
    }

    /// Whether the strategy gets this tick.
    #[inline]
    #[must_use]
    pub fn wants(&self, tick: &Tick) -> bool {
        let mask = self.masks.get(tick.instrument as usize).copied().unwrap_or(0);
        tick.kind < 32 && mask & (1 << tick.kind) != 0
    }

    /// Instruments it gets anything of.
    pub fn instruments(&self) -> impl Iterator<Item = hedgerow_model::InstrumentId> + '_ {
        let some = self.masks.iter().enumerate().filter(|(_, mask)| **mask != 0);
        some.filter_map(|(index, _)| u32::try_from(index).ok().map(hedgerow_model::InstrumentId))
    }
}

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
    pub(crate) calls: u64,
    pub(crate) faults: Option<Faults>,
    pub(crate) restart_at: Option<HostTime>,
    /// Events given at one instant, to end a strategy that feeds itself.
    pub(crate) at_instant: (HostTime, u32),
    /// Timers that came due while it was down.
    pub(crate) missed_timers: Vec<hedgerow_model::TimerId>,
    /// Probation of a replaced component.
    pub(crate) probation: Option<crate::replace::Probation>,
}

impl Instance {
    pub(crate) fn new(interest: Interest) -> Self {
        Self {
            strategy: interest.strategy,
            interest,
            state: StrategyState::Running,
            ahead: 0,
            pending: None,
            scratch: Arc::default(),
            places: Vec::new(),
            calls: 0,
            faults: None,
            restart_at: None,
            at_instant: (HostTime::EPOCH, 0),
            missed_timers: Vec::new(),
            probation: None,
        }
    }

    /// Whether it has read nothing that the engine has not.
    pub(crate) fn is_settled(&self) -> bool {
        self.ahead == 0 && self.pending.is_none()
    }

    /// Whether it can be called.
    pub(crate) fn is_callable(&self) -> bool {
        matches!(self.state, StrategyState::Running | StrategyState::Probation)
    }
}
