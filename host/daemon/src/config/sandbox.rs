//! `[sandbox]`: what one instance of a component may use. Every key has a default.

use super::reader::Section;
use hedgerow_engine::WriteLimits;
use hedgerow_model::Duration;
use hedgerow_plugins::Limits;

/// How many ticks may wait for a strategy, where it runs on a thread of its own.
const TICKS_WAITING_MAX: u32 = 16_384;

/// A new component is watched for so many calls, or so many seconds if those are over first.
const PROBATION: (u64, u64) = (1_000, 10);

/// What the section says.
pub(crate) struct Sandbox {
    pub(crate) limits: Limits,
    pub(crate) ticks_waiting_max: u32,
    pub(crate) probation: (u64, Duration),
    pub(crate) writes: WriteLimits,
}

impl Default for Sandbox {
    fn default() -> Self {
        let (calls, seconds) = PROBATION;
        Self {
            limits: Limits::default(),
            ticks_waiting_max: TICKS_WAITING_MAX,
            probation: (calls, Duration::from_secs(seconds)),
            writes: WriteLimits::default(),
        }
    }
}

pub(super) fn section(s: &mut Section<'_, '_>) -> Sandbox {
    let usual = Limits::default();
    let mib = |bytes: usize| bytes as u64 >> 20;
    let megabytes = |mib: u64| usize::try_from(mib << 20).unwrap_or(usize::MAX);
    let ms = |time: Duration| time.as_millis();
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let memory = s.whole_or("memory_mib_max", 1..4_097, mib(usual.memory_bytes));
    let component = s.whole_or("component_mib_max", 1..1_025, usual.component_bytes >> 20);
    let code = s.whole_or("code_mib_max", 1..1_025, usual.code_bytes >> 20);
    let functions = s.whole_or("functions_max", 1..1_000_001, usual.functions);
    let function = s.whole_or("function_kib_max", 1..8_193, usual.function_bytes >> 10);
    let state = s.whole_or("state_mib_max", 1..257, mib(usual.state_bytes));
    let crossing = s.whole_or("crossing_mib_max", 1..1_025, mib(usual.crossing_bytes));
    let tables = s.whole_or("table_elements_max", 1..10_000_001, usual.table_elements as u64);
    let intents = s.whole_or("intents_per_call_max", 1..100_001, u64::from(usual.intents_per_call));
    let logs =
        s.whole_or("log_messages_per_s_max", 0..100_001, u64::from(usual.log_messages_per_s));
    let soft = s.whole_or("call_soft_cpu_ms", 1..10_001, ms(usual.call_soft));
    let hard = s.whole_or("call_hard_cpu_ms", 1..10_001, ms(usual.call_hard));
    let init = s.whole_or("init_hard_cpu_ms", 1..60_001, ms(usual.init_hard));
    let wall = s.whole_or("call_wall_ms", 1..60_001, ms(usual.call_wall));
    let waiting = s.whole_or("ticks_waiting_max", 64..1_000_001, u64::from(TICKS_WAITING_MAX));
    let calls = s.whole_or("probation_calls", 1..1_000_001, PROBATION.0);
    let seconds = s.whole_or("probation_s", 1..86_401, PROBATION.1);
    let writes = writes(s, state);
    if soft > hard {
        let what = format!("is {soft}, above call_hard_cpu_ms, which is {hard}");
        let fix = "write at most that: it is the time from which a call is warned of";
        s.problem(s.span_of("call_soft_cpu_ms"), "call_soft_cpu_ms", what, fix);
    }
    let limits = Limits {
        memory_bytes: megabytes(memory),
        table_elements: usize::try_from(tables).unwrap_or(usize::MAX),
        component_bytes: component << 20,
        code_bytes: code << 20,
        functions,
        function_bytes: function << 10,
        intents_per_call: small(intents),
        state_bytes: megabytes(state),
        crossing_bytes: megabytes(crossing),
        log_messages_per_s: small(logs),
        call_soft: Duration::from_millis(soft),
        call_hard: Duration::from_millis(hard),
        init_hard: Duration::from_millis(init),
        call_wall: Duration::from_millis(wall),
        ..usual
    };
    Sandbox {
        limits,
        ticks_waiting_max: small(waiting),
        probation: (calls, Duration::from_secs(seconds)),
        writes,
    }
}

/// What it may make the host write in a second: a state as large as it may be must fit.
fn writes(s: &mut Section<'_, '_>, state_mib: u64) -> WriteLimits {
    let usual = WriteLimits::default();
    let intents = s.whole_or("intents_per_s_max", 1..10_000_001, u64::from(usual.intents_per_s));
    let key = "checkpoint_mib_per_s_max";
    let checkpoints = s.whole_or(key, 1..100_001, (usual.state_bytes_per_s >> 20).max(state_mib));
    if checkpoints < state_mib {
        let what = format!("is {checkpoints}, below state_mib_max, which is {state_mib}");
        s.problem(s.span_of(key), key, what, "write at least that: one state must fit");
    }
    WriteLimits {
        intents_per_s: u32::try_from(intents).unwrap_or(u32::MAX),
        state_bytes_per_s: checkpoints << 20,
    }
}
