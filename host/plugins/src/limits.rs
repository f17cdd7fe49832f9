//! What one instance may use. Most can be set in the config's `[sandbox]`.

use hedgerow_model::Duration;

/// Limits of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory.
    pub memory_bytes: usize,
    /// Elements of all tables together.
    pub table_elements: usize,
    /// A component file.
    pub component_bytes: u64,
    /// Intents in one answer.
    pub intents_per_call: u32,
    /// State of a checkpoint or save.
    pub state_bytes: usize,
    /// Everything that crosses the wall in one call, lists and strings.
    pub crossing_bytes: usize,
    /// One log message with its fields.
    pub log_message_bytes: usize,
    /// Log messages per second.
    pub log_messages_per_s: u32,
    /// CPU time of one call after which it is counted as slow.
    pub call_soft: Duration,
    /// CPU time of one call after which it is ended.
    pub call_hard: Duration,
    /// CPU time of `init` and of a restore.
    pub init_hard: Duration,
    /// Wall time of any call after which it is ended.
    pub call_wall: Duration,
    /// Backtest: fuel per tick or event.
    pub fuel_per_event: u64,
    /// Backtest: fuel of `init`.
    pub fuel_init: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            table_elements: 100_000,
            component_bytes: 64 << 20,
            intents_per_call: 1_000,
            state_bytes: 8 << 20,
            crossing_bytes: 16 << 20,
            log_message_bytes: 4 << 10,
            log_messages_per_s: 100,
            call_soft: Duration::from_millis(2),
            call_hard: Duration::from_millis(100),
            init_hard: Duration::from_secs(2),
            call_wall: Duration::from_secs(2),
            fuel_per_event: 300_000_000,
            fuel_init: 100_000_000_000,
        }
    }
}
