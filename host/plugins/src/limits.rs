//! What one instance may use. Most can be set in the config's `[sandbox]`.

use hedgerow_model::Duration;

/// Fuel that stands for a nanosecond of CPU time in a backtest. Nearly every instruction of a
/// component costs one, also those that cost a machine nothing; a fast one comes to 10 or 20 in a
/// nanosecond. What a live call may do must pass in a backtest, so it is far more than that.
const FUEL_PER_NS: u64 = 50;

/// Fuel of one call of the log, and of a byte of it: what the host does for it costs the component
/// nothing. It stands for 200 ns, and for half of one.
const LOG_CALL: u64 = 10_000;
const LOG_BYTE: u64 = 25;

/// The fuel of a call that may live take so much CPU time; however many ticks it is given, or an
/// endless loop would go on for hours.
pub(crate) fn fuel(cpu: Duration) -> u64 {
    cpu.as_nanos().saturating_mul(FUEL_PER_NS)
}

/// In a backtest a call is given no more ticks than it is expected to read in this part of its
/// fuel: the rest is for those that cost more than the ones before.
pub(crate) const EXPECTED_PART: u64 = 4;

/// The time that burned fuel stands for, ns.
pub(crate) fn stands_for(fuel: u64) -> u64 {
    fuel / FUEL_PER_NS
}

/// What a field of a line comes to beside its text, bytes.
const LOG_FIELD: usize = 48;

/// What a line of the log costs.
pub(crate) fn log_fuel(bytes: usize, fields: usize) -> u64 {
    let bytes = bytes.saturating_add(fields.saturating_mul(LOG_FIELD));
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    bytes.saturating_mul(LOG_BYTE).saturating_add(LOG_CALL)
}

/// Limits of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory.
    pub memory_bytes: usize,
    /// Elements of all tables together.
    pub table_elements: usize,
    /// A component file.
    pub component_bytes: u64,
    /// The code in it, of all its modules: what compiling takes grows with it.
    pub code_bytes: u64,
    /// Functions in it, of all its modules.
    pub functions: u64,
    /// One of them: what compiling it takes grows faster than it does.
    pub function_bytes: u64,
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
    /// CPU time of one call after which it is ended; in a backtest far more, as fuel.
    pub call_hard: Duration,
    /// CPU time of `init` and of a restore.
    pub init_hard: Duration,
    /// Wall time of any call after which it is ended; of `init` and of a restore
    /// [`Self::init_wall`].
    pub call_wall: Duration,
}

impl Limits {
    /// Wall time of `init` and of a restore: on a busy machine twice its CPU time, or what any call
    /// has if that is more.
    #[must_use]
    pub fn init_wall(&self) -> Duration {
        let twice = self.init_hard.as_nanos().saturating_mul(2);
        self.call_wall.max(Duration::from_nanos(twice))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            table_elements: 100_000,
            component_bytes: 64 << 20,
            code_bytes: 8 << 20,
            functions: 50_000,
            function_bytes: 256 << 10,
            intents_per_call: 1_000,
            state_bytes: 8 << 20,
            crossing_bytes: 16 << 20,
            log_message_bytes: 4 << 10,
            log_messages_per_s: 100,
            call_soft: Duration::from_millis(2),
            call_hard: Duration::from_millis(100),
            init_hard: Duration::from_secs(2),
            call_wall: Duration::from_secs(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four instructions in each cycle of a machine of 5 GHz, every second of them for nothing.
    #[test]
    fn fuel_is_more_than_any_machine_burns_in_the_time_that_it_stands_for() {
        let hard = Limits::default().call_hard;
        assert!(fuel(hard) >= hard.as_nanos() * 4 * 5 * 2);
        assert_eq!(fuel(Duration::from_nanos(u64::MAX)), u64::MAX);
    }

    #[test]
    fn fuel_and_the_time_that_it_stands_for_are_the_same() {
        let hard = Limits::default().call_hard;
        assert_eq!(stands_for(fuel(hard)), hard.as_nanos());
        assert_eq!(log_fuel(usize::MAX, 1), u64::MAX);
        // what has no text is not free
        assert!(log_fuel(0, 1_000) > 100 * log_fuel(0, 0));
    }
}
