//! Inputs of the host itself.

use crate::{answer, engine, once};
use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;
use hedgerow_engine::{Effects, Engine, Input, OperatorCommand};
use hedgerow_model::{
    CallFault, Duration, Fact, FaultKind, Held, HostTime, Intent, Outcome, PluginStep, Scope,
    StrategyId, Swap, TimerId,
};

/// What comes from the host itself: words of an operator, faults, starts, cuts, timers.
pub(crate) fn inputs(
    group: &mut BenchmarkGroup<'_, WallTime>,
    placed: impl Fn() -> (Engine, Effects),
) {
    let (now, strategy) = (HostTime::from_nanos(4), StrategyId(0));
    let command = OperatorCommand::CancelAll { scope: Scope::Strategy(strategy) };
    let operator = Input::Operator { now, command, reason: "bench".into() };
    once(group, "operator, cancel all", &placed, &operator);
    let fault = CallFault { kind: FaultKind::Trap, detail: "bench".into() };
    let fault = Input::Fault { now, strategy, fault, next_order: 1_000 };
    once(group, "fault", &placed, &fault);
    let start = Input::Start { now, strategy, from_cut: false, fault: None };
    once(group, "start", &placed, &start);
    let time = Duration::from_secs(1);
    let swap = Swap { component: "bench".into(), calls: 1, time };
    once(group, "cut", &placed, &Input::Cut { now, strategy, swap });
    once(group, "cut markets", &placed, &Input::CutMarkets { now, strategy });
    once(group, "shed", &placed, &Input::Shed { now, strategy, ticks: 64 });
    let what = Held::Later;
    once(group, "hold", &placed, &Input::Hold { now, strategy, what });
    once(group, "asked", &placed, &Input::Asked { now, strategy, ticks: 64 });
    let why = "bench".to_owned();
    once(group, "quarantine", &placed, &Input::Quarantine { now, strategy, why });
    once(group, "stopping", &placed, &Input::Stopping { now, strategy, reason: 2 });
    once(group, "stopped", &placed, &Input::Stopped { now, strategy });
    let (step, hash, detail) = (PluginStep::Shadowed, "bench".into(), "bench".into());
    let fact = Box::new(Fact::Plugin { strategy, step, hash, detail });
    once(group, "note", &placed, &Input::Note { now, fact });
    once(group, "journal", &placed, &Input::Journal { failed: true });
    let waiting = || {
        let (mut engine, mut effects) = (engine(), Effects::default());
        let timer = Intent::SetTimer { id: TimerId(1), at: now };
        let set = Outcome { consumed: 1, intents: vec![timer], checkpoint: None };
        answer(&mut engine, &mut effects, set);
        (engine, effects)
    };
    once(group, "wake, one timer due", waiting, &Input::Wake(now));
}
