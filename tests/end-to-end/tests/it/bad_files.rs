//! Bad files dropped beside a host at work with two strategies: each is refused with its reason,
//! the running version goes on, and so does the other strategy.

use crate::processes::{Processes, wait};
use hedgerow_end_to_end::{component, host, root};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// All places of one text replaced by another as long.
pub(crate) fn patched(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let (mut out, mut found) = (bytes.to_vec(), 0);
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            out[at..at + from.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0, "{:?} is not in it", String::from_utf8_lossy(from));
    out
}

/// The probe, told by one of its bytes how to fail.
pub(crate) fn twisted(probe: &[u8], how: u8) -> Vec<u8> {
    let mut to = b"hedgerow-probe-twist:0".to_vec();
    to[21] = how;
    patched(probe, b"hedgerow-probe-twist:0", &to)
}

/// Written aside and moved into place, so that it is never seen half.
pub(crate) fn put(file: &Path, bytes: &[u8]) {
    let aside = file.with_extension("new");
    std::fs::write(&aside, bytes).unwrap();
    std::fs::rename(aside, file).unwrap();
}

/// A way to put something wrong in a file's place, and what the operator is told.
type Case = (&'static str, Box<dyn Fn(&Path)>, &'static str);

fn whole(name: &'static str, bytes: Vec<u8>, told: &'static str) -> Case {
    (name, Box::new(move |file| put(file, &bytes)), told)
}

fn cases(probe: &[u8], twin: &[u8]) -> Vec<Case> {
    const LOG: &[u8] = b"hedgerow:strategy/log@0.1.0";
    let mut all = vec![
        whole("zero bytes", Vec::new(), "the file is empty"),
        whole("half of it", probe[..probe.len() / 2].to_vec(), "damaged or not complete"),
        whole("no wasm", b"#!/bin/sh\n".to_vec(), "not a WebAssembly file"),
        whole("a core module", b"\0asm\x01\0\0\0".to_vec(), "a core module, not a component"),
        whole("an empty component", b"\0asm\x0d\0\x01\0".to_vec(), "it does not export describe"),
        whole(
            "WASI",
            patched(probe, LOG, b"wasi:filesystem/types@0.2.0"),
            "build for wasm32-unknown-unknown",
        ),
        whole(
            "an unknown import",
            patched(probe, LOG, b"hedgerow:strategy/net@0.1.0"),
            "imports hedgerow:strategy/net@0.1.0, which this host does not offer",
        ),
        whole("a table bomb", with_a_table(probe), "more table elements than allowed"),
        whole("another plugin's name", twin.to_vec(), "another file already is the plugin prob2"),
    ];
    for (name, how, told) in [
        ("a loop in describe", b'l', "its `describe` failed"),
        ("a panic in describe", b't', "probe/src/lib.rs:"),
        ("a role that moves the cursor", b'e', "its role \"\\u{1b}]0;mine\\u{7}\" must have"),
        ("another contract", b'c', "built against contract 9.1.0; this host speaks 0.1: build it"),
        ("a hundred thousand roles", b'm', "it has 100001 roles, 256 are allowed"),
        ("one role more", b'w', "it wants more of the role another"),
        ("a loop in init", b'i', "tried 3 times"),
        ("a panic in init", b'p', "in the shadow: trap"),
        ("a loop on a recent tick", b'd', "tried 3 times"),
        ("a panic on a recent tick", b's', "recent ones: trap"),
    ] {
        all.push(whole(name, twisted(probe, how), told));
    }
    all.push(("a link", Box::new(link), "it is a link"));
    all.push(("a gigabyte", Box::new(gigabyte), "has 1073741824 bytes"));
    let secret = twisted(probe, b'x');
    let unreadable = move |file: &Path| {
        let aside = file.with_extension("new");
        std::fs::write(&aside, &secret).unwrap();
        std::fs::set_permissions(&aside, std::fs::Permissions::from_mode(0o000)).unwrap();
        std::fs::rename(aside, file).unwrap();
    };
    all.push(("unreadable", Box::new(unreadable), "it cannot be read"));
    let parts = twisted(probe, b'y');
    all.push(("rewritten while it is read", Box::new(move |f| rewritten(f, &parts)), "damaged"));
    all
}

/// LEB128, as in every count of a component.
fn leb(mut n: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = u8::try_from(n & 0x7f).unwrap();
        n >>= 7;
        out.push(if n > 0 { low | 0x80 } else { low });
        if n == 0 {
            return out;
        }
    }
}

/// The same component with a core module more, which has a table of fifty million elements and is
/// instantiated with it. Sections may follow each other in any order.
fn with_a_table(component: &[u8]) -> Vec<u8> {
    let section = |id: u8, body: &[u8]| [&[id][..], &leb(body.len()), body].concat();
    // its index is the number of core modules before it: sections of kind 1
    let (mut at, mut modules) = (8, 0);
    while at < component.len() {
        modules += usize::from(component[at] == 1);
        let digits = component[at + 1..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        let size = component[at + 1..at + 1 + digits].iter().rev();
        let size = size.fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        at += 1 + digits + size;
    }
    let table = [&[1, 0x70, 0][..], &leb(50_000_000)].concat();
    let module = [&b"\0asm\x01\0\0\0"[..], &section(4, &table)].concat();
    let instance = [&[1, 0][..], &leb(modules), &[0]].concat();
    [component, &section(1, &module), &section(2, &instance)].concat()
}

fn link(file: &Path) {
    let target = file.with_extension("elsewhere");
    std::fs::write(&target, b"x").unwrap();
    std::fs::remove_file(file).unwrap();
    std::os::unix::fs::symlink(target, file).unwrap();
}

fn gigabyte(file: &Path) {
    let aside = file.with_extension("new");
    std::fs::File::create(&aside).unwrap().set_len(1 << 30).unwrap();
    std::fs::rename(aside, file).unwrap();
}

/// Never whole, and never the same for long; at the end half a file stays.
fn rewritten(file: &Path, bytes: &[u8]) {
    std::fs::remove_file(file).unwrap();
    let began = Instant::now();
    let mut length = 1;
    while began.elapsed() < Duration::from_secs(2) {
        length = length * 7 % (bytes.len() - 1) + 1;
        std::fs::write(file, &bytes[..length]).unwrap();
    }
    std::fs::write(file, &bytes[..bytes.len() / 3]).unwrap();
}

#[test]
fn every_bad_file_is_refused_with_its_reason_and_both_strategies_go_on() {
    let mut all = Processes::at(2_000, (1, 1));
    let plugins = all.own_plugins();
    let probe = std::fs::read(component("hedgerow-guest-probe")).unwrap();
    // the same under another name, so that what concerns the one does not concern the other
    let twin = patched(&probe, b"probe", b"prob2");
    std::fs::write(plugins.join("twin.wasm"), &twin).unwrap();
    let config = std::fs::read_to_string(all.path("host.toml")).unwrap();
    let (first, second) = config.split_at(config.rfind("[[strategy]]").unwrap());
    let second = second.replace("\"hedgerow-guest-probe\"", "\"twin\"");
    // what waits for a deadline waits less
    let sandbox = "[sandbox]\ninit_hard_cpu_ms = 200\ncall_hard_cpu_ms = 50\n";
    std::fs::write(all.path("host.toml"), format!("{first}{second}\n{sandbox}")).unwrap();
    all.give_up_root();
    all.start_host();
    let strategy = |all: &Processes, place: usize| -> serde_json::Value {
        all.status().map_or(serde_json::Value::Null, |view| view["strategies"][place].clone())
    };
    for place in [0, 1] {
        wait("it trades", || strategy(&all, place)["fills"].as_u64() > Some(0));
    }
    let runs = strategy(&all, 0)["hash"].clone();
    let file = plugins.join("hedgerow-guest-probe.wasm");
    for (name, act, told) in cases(&probe, &twin) {
        let before = [0, 1].map(|place| strategy(&all, place)["fills"].as_u64().unwrap());
        act(&file);
        let (mut said, mut in_shadow) = (String::new(), false);
        let began = Instant::now();
        while !said.contains(told) {
            let now = strategy(&all, 0);
            in_shadow |= now["state"] == "Shadow";
            said = now["refused"].as_str().unwrap_or_default().to_owned();
            assert!(began.elapsed() < Duration::from_secs(60), "{name}: {told:?} not in {said:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(!said.chars().any(char::is_control) && said.len() < 2_000, "{name}: {said:?}");
        // what takes until a deadline is seen while it is tried
        assert!(in_shadow || name != "a loop in init", "{name}: never in the shadow");
        for place in [0, 1] {
            wait("it goes on trading", || {
                strategy(&all, place)["fills"].as_u64() > Some(before[place])
            });
        }
        let now = strategy(&all, 0);
        assert_eq!((&now["hash"], &now["state"]), (&runs, &"Running".into()), "{name}");
    }
    // nothing can be kept of what is compiled: that costs time alone
    let cache = all.path("state").join("compiled");
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o500)).unwrap();
    // whoever lets the host read the file changes neither its size nor its time
    let good = twisted(&probe, b'z');
    put(&file, &good);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    wait("it cannot be read", || strategy(&all, 0)["refused"].to_string().contains("cannot be"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let is_new = |s: &serde_json::Value| s["hash"] != runs && s["status"].is_string();
    wait("it runs, and was asked", || is_new(&strategy(&all, 0)));
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o700)).unwrap();
    let log = std::fs::read_to_string(all.path("log")).unwrap();
    assert!(log.contains("not kept"), "{log}");
    for place in [0, 1] {
        let status = strategy(&all, place)["status"].as_str().unwrap_or("null").to_owned();
        let said: serde_json::Value = serde_json::from_str(&status).unwrap();
        assert_eq!((&said["missing"], &said["repeated"]), (&0.into(), &0.into()), "{said}");
        assert_eq!(strategy(&all, place)["faults"], 0);
    }
}

/// A real end of the disk: no file may grow beyond a hundred kilobytes, and none is left half.
#[test]
fn a_full_disk_costs_the_cache_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let quote = |n: u64| format!("Q,{},100.0,1,100.1,1,\n", n * 1_000_000_000);
    let rows: String = (1..500).map(quote).collect();
    std::fs::write(data.join("events.csv"), format!("kind,ts_ns,a,b,c,d,e\n{rows}")).unwrap();
    let plugins = component("hedgerow-guest-probe").parent().unwrap().to_owned();
    let strategies = [("one", "hedgerow-guest-probe", "one", "A", "")];
    let run = |name: &str, limit: &str| {
        let state = folder.path().join(name);
        let config = hedgerow_end_to_end::generated(&plugins, &state, 100, &strategies)
            .replace(
                "source = \"generated\"\nseed = 7\nevents_per_s = 100",
                "source = \"bench-csv\"",
            )
            .replace("source = \"bench-csv\"", &format!("source = \"bench-csv\"\npath = {data:?}"));
        let file = folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, config).unwrap();
        // a file that may not grow says so by a signal, unless it is ignored: then by an error
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" backtest --json \"$1\"");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).arg(host()).arg(&file).current_dir(root());
        let output = shell.stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        (state, String::from_utf8(output.stdout).unwrap(), said)
    };
    let (roomy, report, _) = run("roomy", "unlimited");
    let (full, again, said) = run("full", "100");
    assert_eq!(report, again);
    assert!(said.contains("compiled component not kept"), "{said}");
    let files = |state: &Path, folder: &str| -> Vec<String> {
        let all = std::fs::read_dir(state.join(folder)).unwrap();
        all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!((files(&roomy, "compiled").len(), files(&roomy, "components").len()), (1, 1));
    assert_eq!(files(&full, "compiled"), Vec::<String>::new(), "half a file was left");
    assert_eq!(files(&full, "components"), Vec::<String>::new(), "half a file was left");
}
