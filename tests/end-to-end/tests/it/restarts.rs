//! What a host goes on with: the component that ran, whatever lies in the folder by now.

use crate::bad_files::{patched, put, twisted};
use crate::processes::{Processes, assert_ledger, wait};
use hedgerow_end_to_end::{component, run};
use hedgerow_model::{Fact, OrderFact, PluginStep, StrategyId};
use hedgerow_store::SqliteJournal;

/// A new component may be put in while the venue is away: it begins when the account is known.
#[test]
fn what_is_swapped_in_while_the_venue_is_away_waits_for_it() {
    let mut all = Processes::new();
    all.start_host();
    let first = |view: &serde_json::Value, key: &str| view["strategies"][0][key].clone();
    wait("it trades", || {
        all.status().is_some_and(|view| first(&view, "orders").as_u64() > Some(0))
    });
    let before = first(&all.status().unwrap(), "hash");
    all.kill_host();
    let mut venue = all.venue.take().unwrap();
    venue.kill().unwrap();
    venue.wait().unwrap();
    std::fs::remove_file(all.path("venue.sock")).unwrap();
    let plugins = all.own_plugins();
    let bytes = std::fs::read(component("hedgerow-guest-probe")).unwrap();
    let new = hedgerow_end_to_end::variant(&bytes, 4);
    std::fs::write(plugins.join("hedgerow-guest-probe.wasm"), &new).unwrap();
    // nobody may mix it with a market of its own by forgetting the venue
    let (file, socket) = (all.path("host.toml"), all.path("venue.sock"));
    let file = file.to_str().unwrap();
    let output = run(&["run", "--seconds", "1", "--config", file]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("give --venue"), "{said}");
    assert!(!socket.exists());
    all.start_host();
    // what ran last goes on; the file in the folder is swapped in
    wait("the swap", || {
        let other = |view| first(&view, "hash").as_str().is_some_and(|hash| *hash != before);
        all.status().is_some_and(other)
    });
    let waits = |view: &serde_json::Value| {
        assert_eq!((first(view, "state"), first(view, "calls")), ("Loading".into(), 0.into()));
    };
    waits(&all.status().unwrap());
    // one more meanwhile: nothing was proved, nothing begins
    let swapped = first(&all.status().unwrap(), "hash");
    std::fs::write(
        plugins.join("hedgerow-guest-probe.wasm"),
        hedgerow_end_to_end::variant(&bytes, 5),
    )
    .unwrap();
    wait("the second swap", || {
        let other = |view| first(&view, "hash").as_str().is_some_and(|hash| *hash != swapped);
        all.status().is_some_and(other)
    });
    waits(&all.status().unwrap());
    all.start_venue();
    let filled = |view: serde_json::Value| first(&view, "fills").as_u64() > Some(3);
    wait("it begins", || all.status().is_some_and(filled));
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
    let accepted = |stamped: &&hedgerow_model::Stamped| {
        let fact = &stamped.fact;
        matches!(fact, Fact::Plugin { step: PluginStep::Accepted, strategy: StrategyId(0), .. })
    };
    assert!(facts.iter().filter(accepted).count() <= 1, "one that was never called");
}

/// A file that is broken by now does not keep a host from its orders, and is told of.
#[test]
fn a_broken_file_does_not_stop_a_restart() {
    let mut all = Processes::new();
    let plugins = all.own_plugins();
    all.start_host();
    let fills = |view: serde_json::Value| view["strategies"][0]["fills"].as_u64() > Some(3);
    wait("it trades", || all.status().is_some_and(fills));
    all.kill_host();
    let file = plugins.join("hedgerow-guest-probe.wasm");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    all.start_host();
    wait("it trades again", || all.status().is_some_and(fills));
    wait("the file is told of", || {
        let view = all.status().unwrap_or_default();
        view["strategies"][0]["refused"].as_str().is_some_and(|why| why.contains("not complete"))
    });
    all.kill_host();
    std::fs::remove_file(&file).unwrap();
    all.start_host();
    wait("it trades once more", || all.status().is_some_and(fills));
    // one that is whole and asks for more than its place has: refused, and no matter at a restart
    put(&file, &twisted(&bytes, b'w'));
    let refused = |view: serde_json::Value| {
        view["strategies"][0]["refused"].as_str().is_some_and(|why| why.contains("another"))
    };
    wait("the file is refused", || all.status().is_some_and(refused));
    all.kill_host();
    all.start_host();
    wait("it trades beside it", || all.status().is_some_and(fills));
    wait("it is told of again", || all.status().is_some_and(refused));
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
}

/// What lies in the folder is not begun with in the place of one that is gone: it was tried by
/// nobody here. An operator may.
#[test]
fn a_file_that_nobody_tried_waits_for_an_operator() {
    let mut all = Processes::new();
    let plugins = all.own_plugins();
    all.start_host();
    let first = |view: &serde_json::Value, key: &str| view["strategies"][0][key].clone();
    let fills = |view: serde_json::Value| first(&view, "fills").as_u64() > Some(3);
    wait("it trades", || all.status().is_some_and(fills));
    all.kill_host();
    let state = all.path("state");
    std::fs::remove_dir_all(state.join("components")).unwrap();
    let file = plugins.join("hedgerow-guest-probe.wasm");
    let new = hedgerow_end_to_end::variant(&std::fs::read(&file).unwrap(), 9);
    std::fs::write(&file, new).unwrap();
    all.start_host();
    wait("it is kept out", || {
        all.status().is_some_and(|view| first(&view, "state") == "Quarantined")
    });
    let said = all.status().unwrap()["strategies"][0].to_string();
    assert!(said.contains("ran last") && said.contains("not tried here"), "{said}");
    let state = state.to_str().unwrap();
    for name in ["strategy/one", "strategy/two"] {
        let said = run(&["resume", name, "--reason", "it is known", "--state", state]);
        assert!(said.status.success(), "{said:?}");
    }
    wait("it trades again", || all.status().is_some_and(fills));
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
}

/// A config that what ran last cannot do any more is begun with what lies in the folder, once an
/// operator says so.
#[test]
fn a_component_that_does_not_fit_the_config_any_more_is_replaced_at_a_word() {
    let mut all = Processes::new();
    let plugins = all.own_plugins();
    // one whose schema lacks a parameter that the next has
    let file = plugins.join("hedgerow-guest-probe.wasm");
    let probe = std::fs::read(&file).unwrap();
    put(&file, &patched(&probe, b"every", b"evory"));
    all.start_host();
    let first = |view: &serde_json::Value, key: &str| view["strategies"][0][key].clone();
    let fills = |view: serde_json::Value| first(&view, "fills").as_u64() > Some(3);
    wait("it trades", || all.status().is_some_and(fills));
    let before = first(&all.status().unwrap(), "hash");
    all.kill_host();
    put(&file, &probe);
    let config = all.path("host.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let named = "[strategy.parameters]\n";
    assert!(text.contains(named));
    std::fs::write(&config, text.replace(named, &format!("{named}every = 300\n"))).unwrap();
    all.start_host();
    wait("it is kept out", || {
        all.status().is_some_and(|view| first(&view, "state") == "Quarantined")
    });
    let said = all.status().unwrap()["strategies"][0].to_string();
    assert!(
        said.contains("does not fit this config") && said.contains("parameters.every"),
        "{said}"
    );
    let state = all.path("state");
    let state = state.to_str().unwrap();
    for name in ["strategy/one", "strategy/two"] {
        let said = run(&["resume", name, "--reason", "it is known", "--state", state]);
        assert!(said.status.success(), "{said:?}");
    }
    wait("it trades again", || all.status().is_some_and(fills));
    assert_ne!(first(&all.status().unwrap(), "hash"), before);
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
}

/// A paper venue serves one host; another one is told so, and is served when the first has gone.
#[test]
fn a_venue_that_serves_another_host_says_so() {
    let mut all = Processes::new();
    all.start_host();
    let venue = |view: &serde_json::Value| view["venues"][0]["connection"].clone();
    wait("it is connected", || all.status().is_some_and(|view| venue(&view) == "connected"));
    let (config, socket, other) =
        (all.path("host.toml"), all.path("venue.sock"), all.path("other"));
    let text = std::fs::read_to_string(&config).unwrap();
    let state = all.path("state");
    let second = all.path("second.toml");
    std::fs::write(&second, text.replace(state.to_str().unwrap(), other.to_str().unwrap()))
        .unwrap();
    let (second, socket) = (second.to_str().unwrap(), socket.to_str().unwrap());
    let mut child = all.spawn(&["run", "--json", "--config", second, "--venue", socket]);
    let status = || -> Option<serde_json::Value> {
        let output = run(&["status", "--json", "--state", other.to_str().unwrap()]);
        serde_json::from_slice(&output.stdout).ok()
    };
    let is = |wanted: &str| status().is_some_and(|view| venue(&view) == wanted);
    wait("it is told", || is("busy"));
    all.kill_host();
    wait("it is its turn", || is("connected"));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A journal that is lost takes no id and no fill of before with it; what the venue has is the
/// operator's to say.
#[test]
fn a_lost_journal_is_made_good_by_adopting_what_the_venue_has() {
    let mut all = Processes::new();
    all.start_host();
    let each = |view: &serde_json::Value, good: &dyn Fn(&serde_json::Value) -> bool| {
        view["strategies"].as_array().is_some_and(|all| all.len() == 2 && all.iter().all(good))
    };
    let traded = |s: &serde_json::Value| s["fills"].as_u64() > Some(3);
    wait("both trade", || all.status().is_some_and(|view| each(&view, &traded)));
    let (before, _) = all.end();
    std::fs::remove_dir_all(all.path("state")).unwrap();
    all.start_host();
    let stopped = |s: &serde_json::Value| s["mode"] == "cancel-only";
    let held = |place: usize| before.positions.iter().any(|p| p.0.0 as usize == place && p.2 != 0);
    wait("what differs stops the strategies that it concerns", || {
        all.status().is_some_and(|view| {
            (0..2).all(|place| stopped(&view["strategies"][place]) == held(place))
                && view["strategies"][0]["state"] == "Running"
        })
    });
    let state = all.path("state");
    let state = state.to_str().unwrap();
    for name in ["one", "two"] {
        // only a strategy can adopt, an account of the same name can be resumed too
        for (command, name) in [("adopt", name.to_owned()), ("resume", format!("strategy/{name}"))]
        {
            let said = run(&[command, &name, "--reason", "the journal was lost", "--state", state]);
            assert!(said.status.success(), "{said:?}");
        }
    }
    wait("both trade again", || all.status().is_some_and(|view| each(&view, &traded)));
    let (truth, facts) = all.settle();
    let ours = |account: u32, instrument: u32| {
        let mut units = 0;
        for stamped in &facts {
            match &stamped.fact {
                Fact::Adopted { strategy, instrument: id, quantity, .. }
                    if (strategy.0, id.0) == (account, instrument) =>
                {
                    units = quantity.units();
                }
                Fact::Fill { account: whose, instrument: id, side, quantity, .. }
                    if (whose.0, id.0) == (account, instrument) =>
                {
                    units += side.sign() * quantity.units();
                }
                _ => {}
            }
        }
        units
    };
    for (account, instrument, units, ..) in &truth.positions {
        assert_eq!(ours(account.0, instrument.0), *units);
    }
    assert!(truth.repeated.is_empty(), "{:?}", truth.repeated);
}

/// One whose newest state it refuses itself keeps nobody else from a host: it is in quarantine, and
/// `status` says why.
#[test]
fn a_strategy_that_does_not_start_keeps_nobody_else_from_a_host() {
    let mut all = Processes::at(2_000, (5, 5));
    let text = std::fs::read_to_string(all.path("host.toml")).unwrap();
    let place = text.rfind("plugin = \"hedgerow-guest-probe\"").unwrap();
    let (before, after) = text.split_at(place);
    let after = after.replacen("hedgerow-guest-probe", "hedgerow-guest-hostile", 1).replacen(
        "[strategy.parameters]",
        "[strategy.parameters]\nplace = \"market\"\ndeed = \"refuse\"\nafter = 50",
        1,
    );
    std::fs::write(all.path("host.toml"), format!("{before}{after}")).unwrap();
    let of =
        |view: &serde_json::Value, place: usize, key: &str| view["strategies"][place][key].clone();
    all.start_host();
    wait("it has acted", || {
        all.status().is_some_and(|view| of(&view, 1, "calls").as_u64() > Some(100))
    });
    assert_eq!(of(&all.status().unwrap(), 1, "state"), "Running");
    all.kill_host();
    all.start_host();
    wait("the other trades", || {
        all.status().is_some_and(|view| of(&view, 0, "orders").as_u64() > Some(0))
    });
    let view = all.status().unwrap();
    assert_eq!(
        (of(&view, 0, "state"), of(&view, 1, "state")),
        ("Running".into(), "Quarantined".into())
    );
    assert!(of(&view, 1, "why").to_string().contains("does not like it"), "{view}");
    all.kill_host();
    all.start_host();
    wait("after another death too", || {
        all.status().is_some_and(|view| of(&view, 1, "state") == "Quarantined")
    });
}

/// An answer to `adopt` says whether there was anything to adopt; what a venue that is away has is
/// not known, and nothing is made of it.
#[test]
fn what_a_venue_has_not_told_is_not_taken_for_equal() {
    let mut all = Processes::new();
    all.start_host();
    let fills = |view: serde_json::Value| view["strategies"][0]["fills"].as_u64() > Some(3);
    wait("it trades", || all.status().is_some_and(fills));
    let state = all.path("state");
    let adopt = || run(&["adopt", "one", "--reason", "so", "--state", state.to_str().unwrap()]);
    let said = adopt();
    assert_eq!(said.status.code(), Some(0));
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("nothing was adopted: nothing differs"), "{said}");
    all.end_venue();
    wait("the venue is away", || {
        let view = all.status().unwrap_or_default();
        view["conditions"].to_string().contains("account one: its venue has not told")
    });
    let said = adopt();
    assert_eq!(said.status.code(), Some(5));
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("nothing was adopted") && said.contains("has not told"), "{said}");
}

/// What a host did since a copy was made is known to its venue, and to nobody here: no id of it is
/// used again, however far back the copy is.
#[test]
fn a_copy_of_a_state_folder_that_is_put_back_uses_no_id_again() {
    let mut all = Processes::new();
    let trades = |all: &Processes, more: u64| {
        let orders = |view: &serde_json::Value| view["strategies"][0]["orders"].as_u64();
        wait("it trades", || all.status().is_some_and(|view| orders(&view) > Some(more)));
    };
    let wires = |journal: &std::path::Path| -> Vec<u64> {
        let approved = |fact: &Fact| match fact {
            Fact::Order { fact: OrderFact::Approved(order), .. } => Some(order.wire.0),
            _ => None,
        };
        let facts = SqliteJournal::facts_of(journal, &["Order"]).unwrap();
        facts.iter().filter_map(|stamped| approved(&stamped.fact)).collect()
    };
    let (state, copy, journal) = (all.path("state"), all.path("copy"), "journal.sqlite");
    all.start_host();
    trades(&all, 3);
    all.kill_host();
    let copied = std::process::Command::new("cp").arg("-r").args([&state, &copy]).status();
    assert!(copied.unwrap().success());
    all.start_host();
    trades(&all, 10);
    all.kill_host();
    let lost = wires(&state.join(journal));
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::rename(&copy, &state).unwrap();
    let before = wires(&state.join(journal));
    all.start_host();
    wait("the venue has told", || {
        all.status().is_some_and(|view| view["accounts"][0]["is_told"] == true)
    });
    all.kill_host();
    let next = SqliteJournal::facts_of(&state.join(journal), &["WireIds"]).unwrap();
    let next = next.iter().filter_map(|stamped| match &stamped.fact {
        Fact::WireIds { next, .. } => Some(next.0),
        _ => None,
    });
    let (next, most) = (next.max().unwrap(), *lost.iter().max().unwrap());
    assert!(next > most, "{next} is to come, {most} was used");
    let after = wires(&state.join(journal)).into_iter().filter(|wire| !before.contains(wire));
    assert!(after.clone().all(|wire| wire > most), "{:?}", after.collect::<Vec<_>>());
}
