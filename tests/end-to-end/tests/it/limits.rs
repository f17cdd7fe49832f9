//! Limits of the system on a host.

use crate::processes::{Processes, assert_ledger, wait};
use hedgerow_end_to_end::{host, run};
use std::process::{Command, Stdio};

/// A file that may not grow any more is a full disk: the host stays, opens nothing, and what it did
/// meanwhile is in the journal of the next.
#[test]
fn a_limit_on_the_size_of_files_is_a_full_disk() {
    let mut all = Processes::new();
    all.start_host();
    let fills = |view: serde_json::Value| view["strategies"][0]["fills"].as_u64() > Some(3);
    wait("it trades", || all.status().is_some_and(fills));
    all.kill_host();
    let length = |name: &str| std::fs::metadata(all.path(name)).map_or(0, |file| file.len());
    let length = length("state/journal.sqlite").max(length("state/journal.sqlite-wal"));
    // of 512 bytes each
    let script = format!("ulimit -f {}; exec \"$0\" \"$@\"", length / 512 + 200);
    let (config, socket) = (all.path("host.toml"), all.path("venue.sock"));
    let mut limited = Command::new("sh");
    limited.args(["-c", &script]).arg(host()).args(["run", "--json", "--config"]);
    limited.arg(config).arg("--venue").arg(socket);
    all.host = Some(limited.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait("its journal cannot be written", || {
        let ended = all.host.as_mut().unwrap().try_wait().unwrap();
        assert_eq!(ended, None, "it ended");
        let banner = all.status().map(|view| view["banner"].to_string()).unwrap_or_default();
        banner.contains("CANNOT BE WRITTEN")
    });
    let state = all.path("state");
    assert!(run(&["stop", "--state", state.to_str().unwrap()]).status.success());
    let ended = all.host.take().unwrap().wait().unwrap();
    // 1 with what the journal could not take; the end of a run may have made room in its files
    assert!(matches!(ended.code(), Some(0 | 1)), "{ended:?}");
    all.start_host();
    wait("it trades again", || all.status().is_some_and(fills));
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
}
