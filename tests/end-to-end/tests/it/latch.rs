//! The kill switch: whatever state the host is in, and through a restart.

use crate::processes::{Processes, assert_ledger, wait};
use hedgerow_end_to_end::run;
use hedgerow_model::{Fact, OrderFact, Scope, Stamped, TradingMode};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn tell(all: &Processes, command: &[&str]) -> (Option<i32>, Value) {
    let state = all.path("state");
    let output = run(&[command, &["--json", "--state", state.to_str().unwrap()]].concat());
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default())
}

fn is_halted(all: &Processes) -> bool {
    all.status().is_some_and(|view| view["mode"] == "halted")
}

fn orders(all: &Processes) -> u64 {
    let view = all.status().unwrap_or_default();
    view["strategies"].as_array().into_iter().flatten().filter_map(|s| s["orders"].as_u64()).sum()
}

fn at_work() -> Processes {
    let mut all = Processes::new();
    all.start_host();
    let fills = |view: serde_json::Value| view["strategies"][0]["fills"].as_u64() > Some(3);
    wait("it trades", || orders(&all) > 10 && all.status().is_some_and(fills));
    all
}

#[test]
fn a_kill_holds_through_a_restart_until_an_operator_releases_it() {
    let mut all = at_work();
    let began = Instant::now();
    assert_eq!(tell(&all, &["kill", "--reason", "enough"]).1["answer"], "accepted");
    println!("kill answered within {} ms, its process included", began.elapsed().as_millis());
    wait("it is halted", || is_halted(&all));
    let before = orders(&all);
    all.kill_host();
    all.start_host();
    wait("it is there", || all.status().is_some_and(|view| view["ticks"].as_u64() > Some(100)));
    let view = all.status().unwrap();
    assert!(is_halted(&all) && view["conditions"].to_string().contains("enough"), "{view}");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(orders(&all), before, "it opened something");
    // a pause is no release
    assert_eq!(tell(&all, &["pause"]).0, Some(0));
    std::thread::sleep(Duration::from_millis(300));
    assert!(is_halted(&all));
    assert_eq!(tell(&all, &["resume", "--reason", "looked into it"]).0, Some(0));
    wait("it trades again", || orders(&all) > before + 10);
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
    let (code, audit) = tell(&all, &["audit", "verify"]);
    assert_eq!((code, audit["broken"].is_null()), (Some(0), true), "{audit}");
    assert!(audit["rows"].as_u64() > Some(5), "{audit}");
    // what ends the run is in the audit too
    let asked = |wanted: &str| {
        facts.iter().any(|s| matches!(&s.fact, Fact::Asked { command, .. } if command == wanted))
    };
    assert!(asked("stop") && asked("Running for the host"));
    // nothing was approved between the halt and the release
    let mut halted = false;
    for stamped in &facts {
        match &stamped.fact {
            Fact::Mode { scope: Scope::Host, mode, .. } => halted = *mode == TradingMode::Halted,
            Fact::Order { fact: OrderFact::Approved(order), .. } => assert!(!halted, "{order:?}"),
            _ => {}
        }
    }
}

#[test]
fn a_host_that_does_not_answer_is_killed_by_its_file() {
    let mut all = at_work();
    let host = all.host.as_ref().unwrap().id().to_string();
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, &host]).status().unwrap().success());
    };
    signal("-STOP");
    // a release that waits in the socket since before the kill: it must not undo it
    let state = all.path("state");
    let mut resume = Command::new(hedgerow_end_to_end::host())
        .args(["resume", "--reason", "old", "--state", state.to_str().unwrap()])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let (code, said) = tell(&all, &["kill", "--reason", "it hangs"]);
    assert_eq!((code, &said["answer"]), (Some(0), &"latched".into()));
    signal("-CONT");
    wait("it is halted", || is_halted(&all));
    assert_eq!(resume.wait().unwrap().code(), Some(5), "refused");
    let before = orders(&all);
    std::thread::sleep(Duration::from_millis(500));
    assert!(is_halted(&all) && orders(&all) == before);
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
}

#[test]
fn a_signal_kills_and_the_audit_says_so() {
    let mut all = at_work();
    let host = all.host.as_ref().unwrap().id().to_string();
    assert!(Command::new("kill").args(["-USR1", &host]).status().unwrap().success());
    wait("it is halted", || is_halted(&all));
    let before = orders(&all);
    all.kill_host();
    all.start_host();
    wait("it is there", || all.status().is_some_and(|view| view["ticks"].as_u64() > Some(100)));
    assert!(is_halted(&all), "{:?}", all.status());
    assert_eq!(orders(&all), before);
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
    let asked = |stamped: &Stamped| match &stamped.fact {
        Fact::Asked { from, reason, .. } => from == "signal" && reason == "SIGUSR1",
        _ => false,
    };
    assert!(facts.iter().any(asked), "it is in the audit");
}

#[test]
fn a_host_that_is_not_there_starts_halted() {
    let mut all = at_work();
    all.kill_host();
    let (code, said) = tell(&all, &["kill", "--reason", "not today"]);
    assert_eq!((code, &said["answer"]), (Some(0), &"latched".into()));
    all.start_host();
    wait("it is there", || all.status().is_some_and(|view| view["ticks"].as_u64() > Some(100)));
    assert!(is_halted(&all));
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
}

#[test]
fn a_signal_while_a_host_starts_is_a_kill_too() {
    let mut all = Processes::new();
    all.start_host();
    let host = all.host.as_ref().unwrap().id();
    // long before the control socket, while components are compiled
    wait("signals are caught", || {
        let status = std::fs::read_to_string(format!("/proc/{host}/status")).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:\t"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        caught.is_some_and(|mask| mask & (1 << 9) != 0)
    });
    assert!(Command::new("kill").args(["-USR1", &host.to_string()]).status().unwrap().success());
    wait("it is there", || all.status().is_some_and(|view| view["ticks"].as_u64() > Some(100)));
    assert!(is_halted(&all), "{:?}", all.status());
    assert_eq!(orders(&all), 0);
    all.kill_host();
}
