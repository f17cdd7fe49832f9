//! The rules of an answer, broken by a component that was written against the contract alone.

use crate::hostile::{faults, probe};
use crate::rig::{FIRST, Rig, SECOND};
use hedgerow_model::{
    Fact, FaultKind, Header, HostTime, Stamped, Tick, TickSlice, TradingMode, flag,
};
use hedgerow_plugins::{Instance, Limits, Mode};
use std::sync::Arc;

/// Every rule of an answer, broken by a component that was written without the SDK: its fault, the
/// host's words, and nothing of the call happens.
#[test]
fn each_rule_of_an_answer_is_a_fault_when_broken() {
    for (lie, words) in [
        ("nothing", "0 ticks consumed of "),
        ("beyond", " ticks consumed of "),
        ("less", " ticks consumed without acting"),
        ("needless", "a checkpoint with an answer that acts on no order"),
        ("forgotten", "an answer on orders without a checkpoint"),
        ("heavy", "state of 8388609 bytes, 8388608 allowed"),
        ("hole", "where 2 was next"),
        ("twice", "order 1 where 2 was next"),
        ("side", "side 9"),
        ("leverage", "without asking for the capability set-leverage"),
        ("event", "ticks consumed by an event"),
    ] {
        for mode in [Mode::Backtest, Mode::Live] {
            let liar = ("hedgerow-guest-liar", format!("lie = \"{lie}\""));
            let sandbox = "call_hard_cpu_ms = 2000\ncrossing_mib_max = 64";
            let mut rig = Rig::within(sandbox, mode, 2_000, &[probe(), liar]);
            rig.run(4_000);
            let seen = faults(&rig);
            let (kind, detail) = seen.first().unwrap_or_else(|| panic!("{lie} {mode:?}: taken"));
            assert_eq!(*kind, FaultKind::BadAnswer, "{lie}: {detail}");
            assert!(detail.contains(words), "{lie}: {detail}");
            let its = |fact: &Fact| match fact {
                Fact::Order { id, .. } => id.strategy == SECOND,
                Fact::Checkpoint { strategy, .. } | Fact::Said { strategy, .. } => {
                    *strategy == SECOND
                }
                _ => false,
            };
            let done = rig.facts().into_iter().find(|stamped| its(&stamped.fact));
            assert_eq!(done, None, "{lie} {mode:?}");
            rig.assert_sound(FIRST);
        }
    }
    // the same component, telling the truth
    let liar = ("hedgerow-guest-liar", String::new());
    let mut rig = Rig::within("", Mode::Live, 2_000, &[probe(), liar]);
    rig.run(4_000);
    assert_eq!(faults(&rig), []);
}

/// The generated market has no updates of several ticks: called by hand.
#[test]
fn to_act_in_the_middle_of_an_update_is_a_fault() {
    let rig = Rig::within("", Mode::Live, 100, &[("hedgerow-guest-liar", String::new())]);
    let (engine, limits) = (&rig.loaded.engine, Limits::default());
    let plugin = rig.host.host().plugin(FIRST).unwrap();
    let mut setup = rig.setup(FIRST);
    setup.parameters = r#"{"lie":"middle"}"#.into();
    let mut instance = Instance::start(engine, plugin, &setup, &limits, None).unwrap();
    let header = Header { now: HostTime::EPOCH, next_order: 1, mode: TradingMode::Running };
    let (last, more) = (Tick { flags: flag::LAST, ..Tick::default() }, Tick::default());
    let slice = |ticks: &[Tick]| TickSlice::new(Arc::new(ticks.to_vec()));
    let mut answer = |ticks: &[Tick]| instance.on_market(header, &slice(ticks));
    // whole updates leave it no room for its lie
    (0..3).for_each(|_| assert_eq!(answer(&[last, last]).unwrap().consumed, 2));
    let fault = answer(&[last, more, last]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::BadAnswer, "{fault:?}");
    assert!(fault.detail.contains("it acted in the middle of an update"), "{fault:?}");
}

/// A fault in a batch is of the first tick that was shown: nobody knows at which one it went wrong.
/// It is shown one of two instruments, so that batches begin with ticks that are not for it.
#[test]
fn a_fault_in_a_batch_is_dated_at_its_first_tick() {
    let mut seen = 0;
    for seed in 7..12 {
        let liar = ("hedgerow-guest-liar", "lie = \"when\"".to_owned());
        let mut rig = Rig::of_seed(seed, "", Mode::Backtest, 2_000, &[liar]);
        rig.run(4_000);
        let dated = |stamped: Stamped| match stamped.fact {
            Fact::Fault { fault, .. } => Some((stamped.time, fault.detail)),
            _ => None,
        };
        for (time, detail) in rig.facts().into_iter().filter_map(dated) {
            let claimed: u64 = detail.split(' ').next().unwrap().parse().unwrap();
            let shown = claimed - 100_000;
            assert_eq!(shown, time.as_nanos() / 1_000 % 4_000_000_000, "seed {seed}: {detail}");
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen} faults");
}
