//! A component that fails where nobody trades for it in a trial: on probation.

use crate::bad_files::{put, twisted};
use crate::processes::{Processes, assert_ledger, wait};
use crate::rig::{FIRST, Rig, deed};
use hedgerow_driver::{StrategyState, Swapped};
use hedgerow_end_to_end::{component, run, variant};
use hedgerow_engine::OperatorCommand;
use hedgerow_model::{Duration, Fact, PluginStep, Scope, Stamped, StrategyId, TradingMode};
use hedgerow_plugins::Mode;

/// Rolled back once, it stays out: a restart of the host does not let it in again, nor does the
/// same file put there again, which is told; an operator's `plugin retry` does.
#[test]
fn what_was_rolled_back_comes_back_by_an_operators_word_alone() {
    let mut all = Processes::at(2_000, (5, 5));
    let plugins = all.own_plugins();
    let file = plugins.join("hedgerow-guest-probe.wasm");
    all.start_host();
    let of = |view: &serde_json::Value, place: usize, key: &str| {
        view["strategies"][place][key].as_str().unwrap_or_default().to_owned()
    };
    let trades = |view: &serde_json::Value| {
        (0..2).all(|place| view["strategies"][place]["fills"].as_u64() > Some(0))
    };
    wait("both trade", || all.status().is_some_and(|view| trades(&view)));
    let good = of(&all.status().unwrap(), 0, "hash");
    let bad = twisted(&std::fs::read(component("hedgerow-guest-probe")).unwrap(), b'q');
    let said = |what: &str| {
        wait(what, || {
            all.status().is_some_and(|view| {
                (0..2).all(|place| {
                    of(&view, place, "refused").contains(what) && of(&view, place, "hash") == good
                })
            })
        });
    };
    put(&file, &bad);
    said("rolled back: on probation: trap");
    said("; since it took over: ");
    put(&file, &bad);
    said("it failed here before (on probation: trap");
    all.kill_host();
    all.start_host();
    wait("both trade again", || all.status().is_some_and(|view| trades(&view)));
    wait("the file is told of", || {
        all.status().is_some_and(|view| of(&view, 1, "refused").contains("failed here before"))
    });
    let state = all.path("state");
    let state = state.to_str().unwrap();
    let retry = ["plugin", "retry", "one", "--reason", "it was the machine", "--state", state];
    assert!(run(&retry).status.success());
    wait("it is tried again", || {
        all.status().is_some_and(|view| of(&view, 0, "refused").contains("rolled back"))
    });
    let unknown = run(&["plugin", "retry", "three", "--reason", "so", "--state", state]);
    assert_eq!(unknown.status.code(), Some(5), "{unknown:?}");
    let log = std::fs::read_to_string(all.path("log")).unwrap();
    // each begins on a thread of its own
    let begun = |line: &&str| line.contains("begun 1 times") && line.contains("strategy=one");
    let line = log.lines().find(begun).unwrap();
    assert!(line.contains("now=1"), "{line}");
    put_under_another_name(&all, &bad);
    install(&all, &bad, &good);
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
    let steps = |place: u32, wanted: PluginStep| {
        let is = |stamped: &&Stamped| {
            let (of, wanted) = (StrategyId(place), wanted);
            matches!(&stamped.fact, Fact::Plugin { strategy, step, .. }
                if (*strategy, *step) == (of, wanted))
        };
        facts.iter().filter(is).count()
    };
    for (place, times) in [(0, 2), (1, 1)] {
        for step in [PluginStep::Swapped, PluginStep::Failed, PluginStep::RolledBack] {
            assert_eq!(steps(place, step), times, "{place} {step:?}");
        }
    }
}

/// Where the old component does not start either, whoever lets the strategy go on begins with the
/// old one all the same, and from the state of the cut-over: the new one has failed.
#[test]
fn a_way_back_that_fails_leaves_the_old_component_in_place() {
    let quiet = deed("nowhere", "nothing", 0);
    let mut rig = Rig::new(Mode::Live, 5_000, &[("hedgerow-guest-hostile", quiet)]);
    let old = rig.host.host().plugin(FIRST).unwrap().hash.clone();
    let (step, hash, detail) = (PluginStep::Loaded, old.clone(), String::new());
    rig.host.note(Fact::Plugin { strategy: FIRST, step, hash, detail }).unwrap();
    rig.run(2_000);
    let bytes = std::fs::read(component("hedgerow-guest-hostile")).unwrap();
    let new = rig.load(&variant(&bytes, 3));
    let parameters = |rig: &mut Rig, text: &str| rig.host.host_mut().set_parameters(FIRST, text);
    parameters(&mut rig, r#"{"place":"market","deed":"trap","after":300}"#);
    assert_eq!(rig.swap(new, (u64::MAX, Duration::from_secs(600))), Swapped::Done);
    parameters(&mut rig, r#"{"place":"init","deed":"trap"}"#);
    rig.run(2_000);
    assert_eq!(rig.host.state(FIRST), StrategyState::Quarantined);
    // what a restart goes on with, and what a word of an operator begins
    assert_eq!(rig.host.engine().component(FIRST), Some(old.as_str()));
    parameters(&mut rig, r#"{"place":"nowhere","deed":"nothing"}"#);
    let (scope, mode) = (Scope::Strategy(FIRST), TradingMode::Running);
    rig.host.command(OperatorCommand::SetMode { scope, mode }, "go on".into());
    rig.run(2_000);
    assert_eq!(rig.host.state(FIRST), StrategyState::Running);
    assert_eq!(rig.host.host().plugin(FIRST).unwrap().hash, old);
    assert_eq!(rig.host.engine().component(FIRST), Some(old.as_str()));
    let step = |stamped: &Stamped| match &stamped.fact {
        Fact::Plugin { step, .. } => Some(*step),
        _ => None,
    };
    let steps: Vec<PluginStep> = rig.facts().iter().filter_map(step).collect();
    use PluginStep::{Failed, Loaded, Quarantined, Released, RolledBack, Swapped as In};
    assert_eq!(steps, [Loaded, In, Failed, RolledBack, Quarantined, Released]);
}

/// One that nobody asked for is told as long as it lies there.
fn put_under_another_name(all: &Processes, bytes: &[u8]) {
    let other = all.path("plugins").join("grid-v2.wasm");
    std::fs::write(&other, bytes).unwrap();
    let told = |view: &serde_json::Value| {
        view["conditions"].to_string().contains("no strategy names the plugin grid-v2.wasm")
    };
    wait("it is told of", || all.status().is_some_and(|view| told(&view)));
    std::fs::remove_file(&other).unwrap();
    wait("it is gone", || all.status().is_some_and(|view| !told(&view)));
}

/// Whoever installs a file hears what became of it.
fn install(all: &Processes, bad: &[u8], good: &str) {
    let file = all.path("hedgerow-guest-probe.wasm");
    let paths = [all.path("plugins"), all.path("state")];
    let [plugins, state] = paths.each_ref().map(|path| path.to_str().unwrap());
    let install = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        let args = ["plugin", "install", file.to_str().unwrap(), "--plugins", plugins];
        let output = run(&[&args[..], &["--json", "--state", state]].concat());
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), said)
    };
    let (code, said) = install(bad);
    assert_eq!((code, &said["asked"]), (Some(5), &true.into()), "{said}");
    assert!(said["strategies"].to_string().contains("failed here before"), "{said}");
    let probe = std::fs::read(component("hedgerow-guest-probe")).unwrap();
    let (code, said) = install(&probe);
    assert_eq!((code, &said["hash"]), (Some(0), &good.into()), "{said}");
    assert!(said["strategies"].to_string().contains("runs"), "{said}");
    let (code, said) = install(&twisted(&probe, b'c'));
    assert_eq!(code, Some(5), "{said}");
    assert!(said["error"].to_string().contains("contract 9.1.0"), "{said}");
    let there = std::fs::read(all.path("plugins").join("hedgerow-guest-probe.wasm")).unwrap();
    assert!(there == probe, "what is no component takes the place of none");
}
