//! What answers of a strategy may make the host write: every fact and every state is committed
//! before its effect leaves, so one that writes without end fills the disk and makes all others
//! wait.
//!
//! Counted by the second of the input, so that the same inputs are judged the same again. Whoever
//! hands an answer in asks first: nothing of one that is too much happens.

use crate::Engine;
use hedgerow_model::{CallFault, FaultKind, HostTime, Outcome, StrategyId};

const SECOND: u64 = 1_000_000_000;

/// What one strategy may make the host write in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteLimits {
    /// Intents.
    pub intents_per_s: u32,
    /// Bytes of state in checkpoints.
    pub state_bytes_per_s: u64,
}

impl Default for WriteLimits {
    fn default() -> Self {
        Self { intents_per_s: 20_000, state_bytes_per_s: 32 << 20 }
    }
}

/// What a strategy made the host write lately.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    second: u64,
    intents: u64,
    bytes: u64,
}

impl Written {
    fn with(self, now: HostTime, outcome: &Outcome) -> Self {
        let second = now.as_nanos() / SECOND;
        let so_far = if second == self.second { self } else { Self::default() };
        let intents = u64::try_from(outcome.intents.len()).unwrap_or(u64::MAX);
        let state = outcome.checkpoint.as_ref().map_or(0, Vec::len);
        let bytes = u64::try_from(state).unwrap_or(u64::MAX);
        Self {
            second,
            intents: so_far.intents.saturating_add(intents),
            bytes: so_far.bytes.saturating_add(bytes),
        }
    }
}

impl Engine {
    /// Whether an answer of now may be handed in; if not, it is this fault of the strategy's.
    pub fn may_write(
        &self,
        now: HostTime,
        strategy: StrategyId,
        outcome: &Outcome,
    ) -> Result<(), CallFault> {
        let Some(slot) = self.strategies.get(strategy.index()) else { return Ok(()) };
        let after = slot.written.with(now, outcome);
        let WriteLimits { intents_per_s, state_bytes_per_s } = self.config.writes;
        let detail = if after.intents > u64::from(intents_per_s) {
            format!("{} intents in a second, {intents_per_s} are allowed", after.intents)
        } else if after.bytes > state_bytes_per_s {
            let bytes = after.bytes;
            format!("checkpoints of {bytes} bytes in a second, {state_bytes_per_s} are allowed")
        } else {
            return Ok(());
        };
        Err(CallFault { kind: FaultKind::BadAnswer, detail })
    }

    pub(crate) fn count_writes(&mut self, now: HostTime, strategy: StrategyId, outcome: &Outcome) {
        if let Some(slot) = self.strategies.get_mut(strategy.index()) {
            slot.written = slot.written.with(now, outcome);
        }
    }
}
