//! Components that misbehave: each costs itself one call and nobody else anything.

use crate::rig::{FIRST, Rig, SECOND, deed};
use hedgerow_driver::StrategyState;
use hedgerow_end_to_end::{component, variant};
use hedgerow_model::{Duration, Fact, FaultKind};
use hedgerow_plugins::{Cache, InitFailure, Limits, Mode, Plugin, Sighting, WasmEngine, Watcher};
use hedgerow_ports::StopReason;

pub(crate) fn probe() -> (&'static str, String) {
    ("hedgerow-guest-probe", String::new())
}

/// The faults of the second strategy.
pub(crate) fn faults(rig: &Rig) -> Vec<(FaultKind, String)> {
    let fault = |stamped: &hedgerow_model::Stamped| match &stamped.fact {
        Fact::Fault { strategy, fault } if *strategy == SECOND => {
            Some((fault.kind, fault.detail.clone()))
        }
        _ => None,
    };
    rig.facts().iter().filter_map(fault).collect()
}

/// Beside a probe, a strategy that does this; both modes of the sandbox.
fn beside(place: &str, what: &str, kind: FaultKind) {
    for mode in [Mode::Backtest, Mode::Live] {
        // the first event comes before any update
        let after = if place == "event" { 0 } else { 50 };
        let hostile = ("hedgerow-guest-hostile", deed(place, what, after));
        // what ends otherwise is given the time for it on a slow machine
        let cpu_ms = if kind == FaultKind::Deadline { 6 } else { 2_000 };
        let sandbox = format!("call_hard_cpu_ms = {cpu_ms}");
        let mut rig = Rig::within(&sandbox, mode, 2_000, &[probe(), hostile]);
        rig.run(4_000);
        let seen = faults(&rig);
        let (first, detail) = seen.first().unwrap_or_else(|| panic!("{place} {what}: no fault"));
        assert_eq!(*first, kind, "{place} {what} {mode:?}: {detail}");
        assert!(!detail.chars().any(char::is_control), "{detail:?}");
        rig.assert_sound(FIRST);
        assert!(rig.figure(FIRST, "seen") > 1_000);
        assert_eq!(rig.host.state(FIRST), StrategyState::Running);
    }
}

#[test]
fn an_endless_loop_is_ended() {
    beside("market", "loop", FaultKind::Deadline);
    beside("event", "loop", FaultKind::Deadline);
}

/// By itself a host gives a call far more: a loop in the middle of a batch ends all the same.
#[test]
fn an_endless_loop_is_ended_at_the_limits_that_a_host_has_by_itself() {
    for what in ["loop", "log"] {
        let hostile = ("hedgerow-guest-hostile", deed("market", what, 50));
        let usual = "call_hard_cpu_ms = 100";
        let mut rig = Rig::within(usual, Mode::Backtest, 2_000, &[probe(), hostile]);
        let began = std::time::Instant::now();
        while faults(&rig).is_empty() {
            rig.run(50);
        }
        assert!(began.elapsed().as_secs() < 120, "{what}: {:?}", began.elapsed());
        assert_eq!(faults(&rig)[0].0, FaultKind::Deadline, "{what}: {:?}", faults(&rig));
        rig.assert_sound(FIRST);
    }
}

/// A line of the log has its price, for what the host does with it.
#[test]
fn a_loop_of_log_lines_is_ended() {
    beside("market", "log", FaultKind::Deadline);
}

/// `status` and `save` are asked by the host: a fault there costs what a fault in a call costs.
#[test]
fn a_loop_in_status_or_save_costs_one_instance() {
    for place in ["status", "save"] {
        let hostile = ("hedgerow-guest-hostile", deed(place, "loop", 50));
        let mut rig = Rig::new(Mode::Live, 2_000, &[probe(), hostile]);
        rig.run(1_000);
        for _ in 0..50 {
            rig.host.ask_status().unwrap();
            rig.run(100); // a ring that is full asks for the state
        }
        let seen = faults(&rig);
        let first = seen.first().map(|(kind, _)| *kind);
        assert_eq!(first, Some(FaultKind::Deadline), "{place}: {seen:?}");
        rig.assert_sound(FIRST);
    }
}

#[test]
fn a_loop_in_stop_does_not_hold_up_the_end() {
    let hostile = ("hedgerow-guest-hostile", deed("stop", "loop", 0));
    let mut rig = Rig::new(Mode::Live, 2_000, &[probe(), hostile]);
    rig.run(1_000);
    rig.settle();
    rig.host.stop_all(StopReason::Shutdown).unwrap();
    assert!(rig.host.is_stopped());
    assert_eq!(faults(&rig)[0].0, FaultKind::Deadline);
}

#[test]
fn unbounded_recursion_traps() {
    beside("market", "recursion", FaultKind::Trap);
}

#[test]
fn a_panic_is_a_trap_with_its_words_made_printable() {
    beside("market", "trap", FaultKind::Trap);
}

#[test]
fn memory_without_end_is_refused() {
    beside("market", "memory", FaultKind::Memory);
}

#[test]
fn too_many_intents_are_a_bad_answer_and_a_million_do_not_fit() {
    beside("market", "many", FaultKind::BadAnswer);
    beside("market", "intents", FaultKind::Memory);
}

/// With room for all of them they are counted, and refused whole.
#[test]
fn a_million_intents_are_a_bad_answer() {
    let room = "memory_mib_max = 1024\ncrossing_mib_max = 1024\ncall_hard_cpu_ms = 10000";
    let hostile = ("hedgerow-guest-hostile", deed("market", "intents", 50));
    let mut rig = Rig::within(room, Mode::Live, 2_000, &[probe(), hostile]);
    rig.run(1_000);
    let (kind, detail) = faults(&rig).into_iter().next().expect("they were taken");
    assert_eq!(kind, FaultKind::BadAnswer, "{detail}");
    assert!(detail.contains("1000000 intents in one answer, 1000 allowed"), "{detail}");
    rig.assert_sound(FIRST);
}

/// A backtest must not end what a live host lets pass.
#[test]
fn what_is_slow_and_allowed_live_is_allowed_in_a_backtest() {
    for mode in [Mode::Live, Mode::Backtest] {
        // a call may bring many ticks, and its time is for all of them
        let slow = ("hedgerow-guest-hostile", deed("market", "slow", 50));
        let mut rig = Rig::within("call_hard_cpu_ms = 1900", mode, 2_000, &[probe(), slow]);
        rig.run(200);
        assert_eq!(faults(&rig), [], "{mode:?}");
    }
}

#[test]
fn order_numbers_of_its_own_invention_are_a_bad_answer() {
    beside("market", "number", FaultKind::BadAnswer);
}

#[test]
fn a_huge_string_does_not_cross() {
    beside("market", "huge", FaultKind::Trap);
}

#[test]
fn a_strategy_that_wakes_itself_without_end_is_ended() {
    // each timer sets the next one for now
    let hostile = ("hedgerow-guest-hostile", deed("any", "timers", 0));
    let mut rig = Rig::new(Mode::Backtest, 2_000, &[probe(), hostile]);
    rig.run(4_000);
    rig.assert_sound(FIRST);
    let (kind, detail) = faults(&rig).into_iter().next().expect("it was let on for ever");
    assert_eq!(kind, FaultKind::Deadline, "{detail}");
    assert!(detail.contains("at one instant"), "{detail}");
}

/// Facts and states are committed before anything else happens: who writes without end would fill
/// the disk and make all others wait.
#[test]
fn what_a_strategy_has_written_in_a_second_has_an_end() {
    beside("market", "resets", FaultKind::BadAnswer);
    beside("market", "heavy", FaultKind::BadAnswer);
    let hostile = ("hedgerow-guest-hostile", deed("market", "heavy", 50));
    let mut rig = Rig::new(Mode::Backtest, 2_000, &[probe(), hostile]);
    rig.run(3_000);
    assert!(faults(&rig)[0].1.contains("bytes in a second"), "{:?}", faults(&rig));
}

/// A thousand denials in answer to each denial.
#[test]
fn events_that_a_strategy_makes_for_itself_do_not_fill_the_memory() {
    for mode in [Mode::Backtest, Mode::Live] {
        let hostile = ("hedgerow-guest-hostile", deed("any", "flood", 0));
        let mut rig = Rig::new(mode, 2_000, &[probe(), hostile]);
        rig.run(10_000);
        let seen = faults(&rig);
        assert_eq!(seen.first().map(|(kind, _)| *kind), Some(FaultKind::Deadline), "{seen:?}");
        assert!(seen[0].1.contains("events unanswered"), "{seen:?}");
        assert_eq!(rig.host.state(SECOND), StrategyState::Quarantined);
        rig.assert_sound(FIRST);
    }
}

/// A plan that cannot be read is a denial like others: cut, and journaled only so often.
#[test]
fn plans_of_nonsense_are_cut_and_journaled_only_so_often() {
    let hostile = ("hedgerow-guest-hostile", deed("market", "plans", 50));
    let mut rig = Rig::new(Mode::Backtest, 2_000, &[probe(), hostile]);
    rig.run(4_000);
    let facts = rig.facts();
    let of = |fact: &Fact| matches!(fact, Fact::Plan { strategy: SECOND, .. });
    let plans: Vec<_> = facts.iter().filter(|stamped| of(&stamped.fact)).collect();
    assert!(!plans.is_empty());
    let per_s = plans.iter().fold(std::collections::BTreeMap::new(), |mut seconds, plan| {
        *seconds.entry(plan.time.as_nanos() / 1_000_000_000).or_insert(0) += 1;
        seconds
    });
    assert!(per_s.values().all(|count| *count <= 1_000), "{per_s:?}");
    let longest = plans.iter().map(|plan| format!("{:?}", plan.fact).len()).max();
    assert!(longest < Some(1_000), "{longest:?}");
    rig.assert_sound(FIRST);
}

#[test]
fn the_third_fault_quarantines() {
    let hostile = ("hedgerow-guest-hostile", deed("market", "trap", 1));
    let mut rig = Rig::new(Mode::Backtest, 500, &[probe(), hostile]);
    rig.run(10_000);
    assert_eq!(rig.host.state(SECOND), StrategyState::Quarantined);
    assert_eq!(faults(&rig).len(), 3);
    rig.assert_sound(FIRST);
}

#[test]
fn a_restarted_strategy_is_told_what_its_fault_was() {
    for (what, kind) in [("loop", FaultKind::Deadline), ("memory", FaultKind::Memory)] {
        let hostile = ("hedgerow-guest-hostile", deed("market", what, 1_000));
        let mut rig = Rig::new(Mode::Backtest, 2_000, &[probe(), hostile]);
        for state in [StrategyState::Paused, StrategyState::Running] {
            while rig.host.state(SECOND) != state {
                rig.run(50);
            }
        }
        assert_eq!(rig.status(SECOND)["told"], kind.to_string());
    }
}

#[test]
fn faults_without_a_minute_of_health_between_them_add_up() {
    // a fault every 40 seconds or so: never three within a minute, and never a healthy minute
    let hostile = ("hedgerow-guest-hostile", deed("market", "trap", 10_000));
    let mut rig = Rig::new(Mode::Backtest, 500, &[probe(), hostile]);
    while rig.host.state(SECOND) != StrategyState::Quarantined {
        rig.run(1_000);
        assert!(faults(&rig).len() < 4, "not quarantined");
    }
    let times: Vec<_> = rig
        .facts()
        .into_iter()
        .filter(|f| matches!(f.fact, Fact::Fault { strategy: SECOND, .. }))
        .map(|f| f.time)
        .collect();
    let gaps: Vec<u64> = times.windows(2).map(|t| t[1].since(t[0]).as_millis()).collect();
    assert!(gaps.iter().all(|ms| (30_000..60_000).contains(ms)), "{gaps:?}");
}

#[test]
fn a_component_that_fails_in_init_is_refused_and_named() {
    for (what, kind) in [
        ("loop", FaultKind::Deadline),
        ("trap", FaultKind::Trap),
        ("memory", FaultKind::Memory),
        ("recursion", FaultKind::Trap),
    ] {
        let engine = WasmEngine::new(Mode::Backtest).unwrap();
        let bytes = std::fs::read(component("hedgerow-guest-hostile")).unwrap();
        // what ends otherwise is given the time for it
        let time = if kind == FaultKind::Deadline { 2 } else { 2_000 };
        let limits = Limits { init_hard: Duration::from_millis(time), ..Limits::default() };
        let plugin = Plugin::load(&engine, &bytes, &limits, None).unwrap();
        let parameters = format!("{{\"place\":\"init\",\"deed\":\"{what}\"}}");
        let setup = hedgerow_plugins::Setup { parameters, ..hedgerow_plugins::Setup::default() };
        let made = hedgerow_plugins::Instance::start(&engine, &plugin, &setup, &limits, None);
        let Err(InitFailure::Fault(fault)) = made else { panic!("{what}: it started or refused") };
        assert_eq!(fault.kind, kind, "{what}: {fault}");
        assert!(fault.detail.starts_with("in `init`: "), "{what}: {fault}");
    }
}

#[test]
fn files_that_are_not_plugins_are_refused_with_what_is_wrong() {
    let engine = WasmEngine::new(Mode::Backtest).unwrap();
    let limits = Limits::default();
    let good = std::fs::read(component("hedgerow-guest-probe")).unwrap();
    let load = |bytes: &[u8]| Plugin::load(&engine, bytes, &limits, None).unwrap_err().to_string();
    assert!(load(b"").contains("empty"));
    assert!(load(b"not wasm at all").contains("not a WebAssembly file"));
    assert!(load(&good[..good.len() / 2]).contains("damaged or not complete"));
    assert!(load(b"\0asm\x01\0\0\0").contains("core module, not a component"));
    // an empty component: every missing export in one message
    let empty = load(b"\0asm\x0d\0\x01\0");
    assert!(empty.contains("describe, init, on-market, on-event, save, status, stop"), "{empty}");
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    // damage may hide in a constant; it must not panic
    let _ = Plugin::load(&engine, &flipped, &limits, None);
    let small = Limits { component_bytes: 1_000, ..Limits::default() };
    let large = Plugin::load(&engine, &good, &small, None).unwrap_err().to_string();
    assert!(large.contains("1000 are allowed"), "{large}");
}

#[test]
fn the_watcher_takes_quiet_regular_files_and_tells_of_others_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut watcher = Watcher::new(folder.path(), 1 << 20);
    std::fs::write(path("a.wasm"), b"one").unwrap();
    assert!(watcher.look().is_empty(), "one look is not enough");
    let found = watcher.look();
    assert!(matches!(&found[..], [Sighting::New(c)] if c.bytes == b"one"), "{found:?}");
    assert!(watcher.look().is_empty(), "the same bytes are not new");
    watcher.forget(&path("a.wasm"));
    assert_eq!(watcher.look().len(), 1, "unless they are to be tried again");
    // put there again with the same bytes: whoever did it waits for a word
    std::fs::write(path("a.wasm"), b"one").unwrap();
    assert!(watcher.look().is_empty(), "it may not be whole yet");
    assert_eq!(watcher.look().len(), 1);
    std::os::unix::fs::symlink(path("a.wasm"), path("b.wasm")).unwrap();
    std::fs::File::create(path("c.wasm")).unwrap().set_len(1 << 30).unwrap();
    std::fs::create_dir(path("d.wasm")).unwrap();
    let told = watcher.look();
    let why = |part: &str| {
        told.iter().any(|s| matches!(s, Sighting::Unusable { why, .. } if why.contains(part)))
    };
    assert!(why("a link") && why("1073741824 bytes") && why("not a regular file"), "{told:?}");
    assert!(watcher.look().is_empty(), "told once");
    std::fs::remove_file(path("a.wasm")).unwrap();
    assert!(watcher.look().is_empty(), "a vanished file stops nothing");
}

#[test]
fn a_cache_that_cannot_be_written_or_was_tampered_with_costs_nothing_but_time() {
    let folder = tempfile::tempdir().unwrap();
    let engine = WasmEngine::new(Mode::Backtest).unwrap();
    let good = std::fs::read(component("hedgerow-guest-probe")).unwrap();
    let limits = Limits::default();
    let cache = Cache::open(&folder.path().join("cache")).unwrap();
    let load = |cache: &Cache, bytes: &[u8]| {
        Plugin::load(&engine, bytes, &limits, Some(cache)).unwrap().hash
    };
    let hash = load(&cache, &good);
    let entries = || std::fs::read_dir(folder.path().join("cache")).unwrap();
    let kept: Vec<_> = entries().map(|entry| entry.unwrap().path()).collect();
    let [file] = &kept[..] else { panic!("{kept:?}") };
    let whole = std::fs::read(file).unwrap();
    let mut bytes = whole.clone();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(file, &bytes).unwrap();
    assert_eq!(load(&cache, &good), hash);
    let again = std::fs::read(file).unwrap();
    assert!(again != bytes, "it was taken as it is: a wrong checksum is a miss");
    assert_eq!(again.len(), whole.len(), "it was compiled again");
    std::fs::remove_dir_all(folder.path().join("cache")).unwrap();
    assert_ne!(load(&cache, &variant(&good, 9)), hash, "no folder to write to: compiled, not kept");
}

/// A strategy that takes its time for each tick is given fewer at once, in a host whose calls are
/// on the clock: as many as a backtest gives would be one fault after the other.
#[test]
fn one_that_is_slow_within_the_loop_is_not_given_more_than_it_can_read() {
    let slow = ("hedgerow-guest-hostile", deed("market", "slow", 0));
    let mut rig = Rig::within("call_hard_cpu_ms = 100", Mode::Live, 2_000, &[slow]);
    rig.run(1_500);
    let fault = |stamped: &hedgerow_model::Stamped| match &stamped.fact {
        Fact::Fault { fault, .. } => Some(fault.to_string()),
        _ => None,
    };
    assert_eq!(rig.facts().iter().find_map(fault), None);
    assert_eq!(rig.host.state(FIRST), StrategyState::Running);
}
