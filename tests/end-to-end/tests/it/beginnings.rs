//! What a run that begins, or does not, makes of what lies in its state folder.

use crate::processes::{Processes, assert_ledger, wait};
use crate::rig::deed;
use hedgerow_end_to_end::{component, generated, host, root, run};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The journals in a state folder, and how long each is.
fn journals(state: &Path) -> Vec<(String, u64)> {
    let entries = std::fs::read_dir(state).unwrap().map(|entry| entry.unwrap());
    let mut all: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, entry.metadata().unwrap().len())
        })
        .filter(|(name, _)| name.starts_with("journal") && name.ends_with(".sqlite"))
        .collect();
    all.sort();
    all
}

/// Five journals of earlier runs are kept: starts that come to nothing must not use them up.
#[test]
fn a_run_that_does_not_begin_takes_no_journal() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = component("grid").parent().unwrap().to_owned();
    let (state, file) = (folder.path().join("state"), folder.path().join("host.toml"));
    let recording = folder.path().join("recording");
    let (file, recording) = (file.to_str().unwrap(), recording.to_str().unwrap());
    let write = |parameters: &str| {
        let strategies = [("one", "hedgerow-guest-hostile", "one", "A", parameters)];
        std::fs::write(file, generated(&plugins, &state, 200, &strategies)).unwrap();
    };
    let begin =
        || run(&["run", "--json", "--seconds", "1", "--config", file, "--record", recording]);
    write(&deed("nowhere", "nothing", 0));
    assert!(begin().status.success());
    let before = journals(&state);
    assert_eq!(before.len(), 1);
    for n in 0..14 {
        let why = if n < 7 { "already holds a recording" } else { "a deliberate panic" };
        if n == 7 {
            write(&deed("init", "trap", 0));
            std::fs::remove_dir_all(recording).unwrap();
        }
        let output = begin();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{said}");
        assert_eq!(journals(&state), before, "{why}");
    }
}

/// A venue in another process knows nothing of orders and positions of one that was part of a host.
#[test]
fn the_journal_of_a_venue_in_the_process_is_not_gone_on_with() {
    let mut all = Processes::at(2_000, (5, 5));
    let (state, file) = (all.path("state"), all.path("host.toml"));
    let alone = run(&["run", "--json", "--seconds", "2", "--config", file.to_str().unwrap()]);
    let view: serde_json::Value = serde_json::from_slice(&alone.stdout).unwrap();
    assert!(view["strategies"][0]["fills"].as_u64() > Some(0), "{view}");
    let [(name, length)] = &journals(&state)[..] else { panic!("one journal") };
    assert_eq!(name, "journal.sqlite");
    let (file, socket) = (file.to_str().unwrap(), all.path("venue.sock"));
    let venue = socket.to_str().unwrap();
    let refused = run(&["run", "--seconds", "1", "--config", file, "--venue", venue]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("part of its host's process"), "{said}");
    assert_eq!(journals(&state), [(name.clone(), *length)], "it is as it was");
    std::fs::rename(state.join(name), state.join("of-the-first-run")).unwrap();
    all.start_host();
    let fills = |view: serde_json::Value| view["strategies"][0]["fills"].as_u64() > Some(3);
    wait("it trades", || all.status().is_some_and(fills));
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
    // from here on the folder is that venue's, and gone on with
    let before = facts.len();
    all.start_host();
    wait("it trades again", || all.status().is_some_and(fills));
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
    assert!(facts.len() > before);
}

/// Nothing is under way while the past is read: whoever ends the process does not wait for it.
#[test]
fn a_signal_ends_a_warm_up_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = component("grid").parent().unwrap().to_owned();
    let (state, file) = (folder.path().join("state"), folder.path().join("host.toml"));
    let strategies = [("one", "hedgerow-guest-probe", "one", "A", "")];
    let config = generated(&plugins, &state, 10_000, &strategies)
        .replace("seed = 7", "seed = 7\nspeed = \"1\"\nwarm_up_s = 600000");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(host());
    command.args(["run", "--json", "--config", file.to_str().unwrap()]).current_dir(root());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait("it begins", || {
        assert!(child.try_wait().unwrap().is_none(), "it does not begin");
        state.join("journal.sqlite").exists()
    });
    // it has what it needs, and reads
    std::thread::sleep(Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    let term = ["-TERM".to_owned(), child.id().to_string()];
    assert!(Command::new("kill").args(term).status().unwrap().success());
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it went on reading");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// As soon as a host can be asked it knows who is there: a word for one of them waits its turn.
#[test]
fn a_word_to_a_host_that_starts_is_for_whom_it_names() {
    let mut all = Processes::new();
    all.start_host();
    let state = all.path("state");
    let state = state.to_str().unwrap();
    let began = Instant::now();
    let answer = loop {
        let said = run(&["pause", "strategy/one", "--reason", "not yet", "--state", state]);
        if said.status.code() != Some(4) {
            break said;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "no host runs");
    };
    let words = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert!(answer.status.success(), "{words}");
    let paused = |view: serde_json::Value| view["strategies"][0]["mode"] == "reduce-only";
    wait("it is paused", || all.status().is_some_and(paused));
}
