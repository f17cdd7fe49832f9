//! The binary as a person or a program uses it.

use hedgerow_daemon::command::demo;
use hedgerow_end_to_end::{component, generated, root, run};
use hedgerow_model::SequenceRule;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_wrong_config_shows_every_problem_at_once_and_exits_with_three() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = component("grid").parent().unwrap().to_owned();
    let strategies = [
        ("one", "grid", "one", "A", "direction = \"buy\""),
        ("two", "grid", "one", "A", "direction = \"buy\""),
    ];
    let good = generated(&plugins, &folder.path().join("state"), 100, &strategies);
    let wrong = good
        .replace("stale_after_ms", "stale_afer_ms")
        .replace("latency_out_ms = 1", "latency_out_ms = \"fast\"")
        .replacen("tick = \"0.1\"", "tick = 0.1", 1)
        .replacen("loss_max = \"1000000\"\n", "", 1)
        .replacen("market = \"v:A\"", "market = \"v:Z\"", 1)
        .replacen("account = \"one\"", "account = \"three\"", 1);
    let file = folder.path().join("wrong.toml");
    std::fs::write(&file, wrong).unwrap();
    let output = run(&["config", "check", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    for part in [
        "stale_afer_ms: is not a known key",
        "did you mean `stale_after_ms`?",
        "stale_after_ms: is missing",
        "latency_out_ms: is a text, not a whole number",
        "tick: is a binary float, not an exact number in quotes",
        "loss_max: is missing",
        "there is no instrument \"v:Z\"",
        "there is no account \"three\"",
    ] {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
    // file, line and column of each
    assert!(said.contains("wrong.toml:3:1: stale_afer_ms"), "{said}");
    assert!(said.lines().count() < 60, "more than a screen:\n{said}");
}

/// What is wrong with the file hides nothing of what is wrong with a component or its parameters.
#[test]
fn file_components_and_parameters_are_told_in_one_go_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    for name in ["grid", "again"] {
        std::fs::copy(component("grid"), plugins.join(format!("{name}.wasm"))).unwrap();
    }
    let state = folder.path().join("state");
    let strategies = [
        ("one", "grid", "one", "A", "nonsense = 1"),
        ("two", "absent", "two", "A", ""),
        ("three", "again", "two", "B", "direction = \"up\"\nstop_loss = inf"),
    ];
    let wrong = generated(&plugins, &state, 100, &strategies)
        .replace("stale_after_ms", "stale_afer_ms")
        .replacen("loss_max = \"1000000\"\n", "", 1);
    let file = folder.path().join("wrong.toml");
    std::fs::write(&file, &wrong).unwrap();
    for command in [&["config", "check"][..], &["backtest"], &["run", "--config"]] {
        let output = run(&[command, &[file.to_str().unwrap()]].concat());
        assert_eq!(output.status.code(), Some(3), "{command:?}");
        let said = text(&output.stderr);
        for part in [
            "stale_afer_ms: is not a known key",
            "loss_max: is missing",
            "strategy one.parameters: ",
            "nonsense",
            "strategy two.plugin: ",
            "absent.wasm",
            "again.wasm is the plugin \"grid\", and so is",
            "strategy three.parameters: ",
            "parameters: is a number that cannot be handed over",
        ] {
            assert!(said.contains(part), "{command:?}: {part:?} is not in\n{said}");
        }
        assert!(!state.exists(), "{command:?} wrote something");
    }
    let output = run(&["config", "check", "--json", file.to_str().unwrap()]);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = &said["problems"][1];
    assert_eq!((&first["line"], &first["key"]), (&3.into(), &"stale_afer_ms".into()), "{said}");
    std::fs::write(&state, "a file").unwrap();
    std::fs::write(&file, wrong.replace(plugins.to_str().unwrap(), "nowhere")).unwrap();
    let said = text(&run(&["config", "check", file.to_str().unwrap()]).stderr);
    assert!(said.contains("nowhere is no folder") && said.contains("is not a folder"), "{said}");
}

#[test]
fn two_owners_of_one_instrument_and_a_missing_role_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = component("grid").parent().unwrap().to_owned();
    let check = |config: String| {
        let file = folder.path().join("host.toml");
        std::fs::write(&file, config).unwrap();
        let output = run(&["config", "check", file.to_str().unwrap()]);
        (output.status.code(), text(&output.stderr))
    };
    let state = folder.path().join("state");
    let two = [("one", "grid", "one", "A", ""), ("two", "grid", "one", "A", "")];
    let (code, said) = check(generated(&plugins, &state, 100, &two));
    assert_eq!(code, Some(3));
    assert!(said.contains("both claim A on account \"one\""), "{said}");
    let one = generated(&plugins, &state, 100, &[("one", "grid", "one", "A", "")]);
    let (code, said) = check(one.replace("market = \"v:A\"", "merket = \"v:A\""));
    assert_eq!(code, Some(3));
    assert!(said.contains("needs an instrument for the role \"market\""), "{said}");
    assert!(said.contains("has no role \"merket\""), "{said}");
    let (code, said) = check(one.replace("plugin = \"grid\"", "plugin = \"absent\""));
    assert_eq!(code, Some(3));
    assert!(said.contains("absent.wasm") && said.contains("xtask build-plugins"), "{said}");
}

#[test]
fn a_config_check_asks_the_components_too() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = component("grid").parent().unwrap().to_owned();
    let state = folder.path().join("state");
    let file = folder.path().join("host.toml");
    let check = |parameters: &str| {
        let config = generated(&plugins, &state, 100, &[("one", "grid", "one", "A", parameters)]);
        std::fs::write(&file, config).unwrap();
        run(&["config", "check", file.to_str().unwrap()])
    };
    // against its schema: all at once, each at its own key
    let output = check("directon = \"buy\"\nstart = 59000.5\nmax_open = 5000000000");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for part in [
        "strategy one.parameters.directon: is not a known parameter",
        "fix: did you mean `direction`?",
        "strategy one.parameters.start: is a number with a fraction, not a text in quotes",
        "strategy one.parameters.max_open: is 5000000000, outside 0 to 4294967295",
        "direction, end, total_quote",
    ] {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
    let config = std::fs::read_to_string(&file).unwrap();
    let line = config.lines().position(|line| line.starts_with("directon")).unwrap() + 1;
    assert!(said.contains(&format!("host.toml:{line}:1: strategy one")), "{said}");
    assert!(!said.contains("at line 1"), "{said}");
    let good = "direction = \"buy\"\nstart = \"59000\"\nend = \"61000\"\ntotal_quote = \"50000\"\n\
                min_step = \"0.0002\"\nmin_order_quote = \"50\"\ntake_profit = \"0.0004\"";
    // what no schema says the component says itself
    let output = check(&good.replace("59000", "99000"));
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("strategy one.parameters: it refuses its parameters"), "{said}");
    assert!(said.contains("hedgerow plugin info FILE"), "{said}");
    let output = check(good);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // a host with nothing to do is a mistake
    std::fs::write(&file, generated(&plugins, &state, 100, &[])).unwrap();
    let output = run(&["config", "check", file.to_str().unwrap()]);
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(3) && said.contains("strategy: there is none"), "{said}");
    assert!(!state.join("journal.sqlite").exists(), "a check starts nothing");
}

#[test]
fn a_recording_is_not_silently_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = component("grid").parent().unwrap().to_owned();
    let state = folder.path().join("state");
    let config = generated(&plugins, &state, 100, &[("one", "grid", "one", "A", "")]);
    let file = folder.path().join("host.toml");
    std::fs::write(&file, config).unwrap();
    let file = file.to_str().unwrap();
    let commands = [vec!["backtest", file], vec!["run", "--seconds", "1", "--config", file]];
    for mut command in commands {
        command.extend(["--data", "somewhere"]);
        let output = run(&command);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{command:?}: {said}");
        assert!(said.contains("--data") && said.contains("\"generated\""), "{said}");
    }
    // the demo plays one to its own config only, and by the recording's own sequence rule
    let options = demo::Options {
        home: folder.path().join("demo"),
        components: plugins,
        seconds: None,
        data: Some("somewhere".into()),
        json: true,
    };
    let config = demo::lay_out(&options).unwrap();
    let rules: Vec<_> = config.instruments.iter().map(|(i, _)| i.sequence).collect();
    assert_eq!(rules, [SequenceRule::PreviousId; 2]);
    let file = options.home.join("host.toml");
    let changed = std::fs::read_to_string(&file).unwrap();
    let changed = changed.replace("\"paper-perp:ETHUSDT\"", "\"paper-spot:BTCUSDT\"");
    std::fs::write(&file, changed).unwrap();
    let failure = demo::lay_out(&options).unwrap_err();
    assert_eq!(failure.code, 3);
    assert!(failure.message.contains("this config has others"), "{}", failure.message);
}

#[test]
fn the_demo_fills_within_ten_seconds_and_ends_by_itself() {
    let home = tempfile::tempdir().unwrap();
    let components = component("grid").parent().unwrap().to_owned();
    let output = run(&[
        "demo",
        "--home",
        home.path().to_str().unwrap(),
        "--components",
        components.to_str().unwrap(),
        "--seconds",
        "11",
        "--json",
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = summary["first_fill_ms"].as_u64().unwrap_or(u64::MAX);
    assert!(first <= 10_000, "the first fill came after {first} ms");
    assert_eq!(summary["strategies"].as_array().unwrap().len(), 2);
    assert!(home.path().join("state/journal.sqlite").is_file());
}

/// What programs are told by a running host with a strategy called "one".
fn answers(state: &str) {
    // who reads may go away
    let piped = std::process::Stdio::piped;
    let mut reader = std::process::Command::new(hedgerow_end_to_end::host())
        .args(["status", "--json", "--state", state])
        .stdout(piped())
        .stderr(piped())
        .spawn()
        .unwrap();
    drop(reader.stdout.take());
    let output = reader.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    for (command, code, answer) in [
        // a strategy and an account have this name
        (&["pause", "one"][..], 5, "refused"),
        (&["pause", "strategy/one"], 0, "accepted"),
        (&["resume", "strategy/one", "--reason", "on"], 0, "accepted"),
        (&["pause", "account/one"], 0, "accepted"),
        (&["resume", "account/one", "--reason", "on"], 0, "accepted"),
        (&["pause", "nobody"], 5, "refused"),
    ] {
        let output = run(&[command, &["--json", "--state", state]].concat());
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), &said["answer"]), (Some(code), &answer.into()));
    }
    // what is let go on and held by something else is said to be
    let tell = |words: &[&str]| text(&run(&[words, &["--state", state]].concat()).stdout);
    assert_eq!(tell(&["pause", "account/one"]), "accepted\n");
    let said = tell(&["resume", "strategy/one", "--reason", "on"]);
    assert!(said.contains("\nstill held: account one is ReduceOnly"), "{said}");
    assert!(said.contains("\nstill held: strategy one is ReduceOnly"), "{said}");
    assert_eq!(tell(&["resume", "account/one", "--reason", "on"]), "accepted\n");
}

#[test]
fn a_running_host_answers_obeys_and_swaps_a_changed_file() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    let probe = std::fs::read(component("hedgerow-guest-probe")).unwrap();
    let file = plugins.join("probe.wasm");
    std::fs::write(&file, &probe).unwrap();
    let state = folder.path().join("state");
    let config = generated(&plugins, &state, 500, &[("one", "probe", "one", "A", "")]);
    let config = config.replace("seed = 7", "seed = 7\nspeed = \"1\"");
    let path = folder.path().join("host.toml");
    std::fs::write(&path, config).unwrap();
    let mut host = std::process::Command::new(hedgerow_end_to_end::host())
        .args(["run", "--json", "--seconds", "60", "--config"])
        .arg(&path)
        .current_dir(root())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let state = state.to_str().unwrap();
    let status = || -> Option<serde_json::Value> {
        let output = run(&["status", "--json", "--state", state]);
        serde_json::from_slice(&output.stdout).ok()
    };
    let until = |what: &str, check: &dyn Fn(&serde_json::Value) -> bool| {
        for _ in 0..200 {
            if let Some(view) = status().filter(|view| check(&view["strategies"][0])) {
                return view;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("{what}: {:?}", status());
    };
    let first = until("it runs", &|s| s["calls"].as_u64() > Some(10));
    let hash = first["strategies"][0]["hash"].as_str().unwrap().to_owned();
    // half a file, then the whole: the running version goes on, then is replaced
    let next = hedgerow_end_to_end::variant(&probe, 1);
    std::fs::write(&file, &next[..next.len() / 2]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    let view = until("still the old one", &|s| s["state"] == "Running");
    assert_eq!(view["strategies"][0]["hash"].as_str(), Some(hash.as_str()));
    std::fs::write(&file, &next).unwrap();
    let view = until("swapped, and asked", &|s| {
        s["hash"].as_str() != Some(hash.as_str()) && s["status"].is_string()
    });
    // what it says of itself has its time
    let (as_of, said_at) = (view["as_of"].as_u64(), view["status_as_of"]["one"].as_u64());
    assert!(said_at > Some(0) && said_at <= as_of, "{view}");
    let probe: serde_json::Value =
        serde_json::from_str(view["strategies"][0]["status"].as_str().unwrap()).unwrap();
    assert_eq!((&probe["missing"], &probe["repeated"]), (&0.into(), &0.into()), "{probe}");
    assert_eq!(view["venues"][0]["connection"], "in-process");
    assert!(view["age_ms"].as_u64() < Some(5_000), "{view}");
    answers(state);
    assert!(run(&["kill", "--state", state]).status.success());
    until("halted", &|s| s["mode"] == "halted");
    let refused = run(&["pause", "nobody", "--state", state]);
    assert_eq!(refused.status.code(), Some(5));
    assert!(run(&["stop", "--state", state]).status.success());
    assert!(host.wait().unwrap().success());
    let absent = run(&["status", "--state", state]);
    assert_eq!(absent.status.code(), Some(4));
}

/// A warm-up passes over the beginning of the data at once; the clock goes on from its end.
#[test]
fn after_a_warm_up_the_market_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = component("grid").parent().unwrap().to_owned();
    let state = folder.path().join("state");
    let strategies = [("one", "hedgerow-guest-probe", "one", "A", "")];
    let config = generated(&plugins, &state, 200, &strategies)
        .replace("seed = 7", "seed = 7\nspeed = \"1\"\nwarm_up_s = 60");
    let file = folder.path().join("host.toml");
    std::fs::write(&file, config).unwrap();
    let output = run(&["run", "--json", "--seconds", "4", "--config", file.to_str().unwrap()]);
    let view: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(view["strategies"][0]["calls"].as_u64() > Some(100), "{view}");
}
