//! Pairs of two accounts on two venues, each a paper venue in a process of its own, with the host
//! killed before or after each of its orders and at any moment between: every plan ends balanced or
//! flat, no order is sent twice, the ledger is the venues'.
//! `HEDGEROW_PAIR_KILLS=500` is the long form.

use crate::processes::{Processes, assert_ledger, wait};
use hedgerow_end_to_end::run;
use hedgerow_model::{Fact, OrderFact, PLAN_ORDERS, PairOutcome, PlanStep, Stamped};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

/// Points at which a host may die: four for the orders of one pair that needs no more, and those of
/// the next ones.
const POINTS: u64 = 12;

fn strategy(name: &str, symbols: [&str; 2], legs: &str) -> String {
    let [long, short] = symbols;
    format!(
        "[[strategy]]\nname = \"{name}\"\nplugin = \"hedgerow-guest-pair\"\naccount = \"one\"\n\
         [strategy.roles]\nlong = \"v:{long}\"\nshort = \"w:{short}\"\n\
         [strategy.accounts]\nshort = \"two\"\n\
         [strategy.parameters]\nevery_ms = 120\nlegs = \"{legs}\"\n\
         [strategy.limits]\norder_notional_max = \"100000\"\n\
         position_notional_max = \"1000000\"\ngross_notional_max = \"2000000\"\n\
         open_orders_max = 100\norders_per_s_max = 1000\ncollar_bps = 500\n\
         loss_max = \"1000000\"\ndrawdown_max = \"1000000\"\npair_cooldown_ms = 0\n"
    )
}

/// How each plan of each strategy ended.
type Ends = BTreeMap<(u32, u64), Option<PairOutcome>>;

/// How plans ended, and in which boots one began.
fn plans(facts: &[Stamped]) -> (Ends, BTreeSet<u64>) {
    let mut plans = BTreeMap::new();
    let (mut boots, mut boot) = (BTreeSet::new(), 0);
    for stamped in facts {
        match &stamped.fact {
            Fact::Boot { number } => boot = *number,
            Fact::Plan { strategy, plan, step: PlanStep::Began(_) } => {
                boots.insert(boot);
                assert!(plans.insert((strategy.0, *plan), None).is_none(), "a number used twice");
            }
            Fact::Plan { strategy, plan, step: PlanStep::Ended(result) } => {
                plans.insert((strategy.0, *plan), Some(result.outcome.clone()));
            }
            _ => {}
        }
    }
    (plans, boots)
}

/// Puts B on a venue of its own, which is slower than the other.
fn second_venue(config: &std::path::Path) {
    let text = std::fs::read_to_string(config).unwrap();
    let venue =
        "[[venue]]\nname = \"w\"\nlatency_out_ms = 70\nlatency_back_ms = 10\n[[instrument]]";
    let (on_v, on_w) = ("venue = \"v\"\nsymbol = \"B\"", "venue = \"w\"\nsymbol = \"B\"");
    assert!(text.contains(on_v));
    let text = text.replacen("[[instrument]]", venue, 1).replace(on_v, on_w);
    std::fs::write(config, text).unwrap();
}

/// What a person asks of the journal is what happened.
fn assert_told(state: &str, plans: usize, fills: u64) {
    let query = |what: &str| -> Vec<serde_json::Value> {
        let answer = run(&["journal", "query", what, "--json", "--state", state]);
        let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
        assert_eq!((&answer["schema"], &answer["query"]), (&1.into(), &what.into()));
        answer["rows"].as_array().unwrap().clone()
    };
    let listed = query("plans");
    assert_eq!(listed.len(), plans);
    assert!(listed.iter().all(|plan| plan["legs"][0]["margin"]["mode"] == "cross"), "{listed:?}");
    let incidents = query("incidents");
    assert!(incidents.iter().all(|i| i["retries"].as_u64() > Some(0)), "{incidents:?}");
    assert_eq!(query("fills").len() as u64, fills);
    let slipped = query("quality").into_iter().filter(|row| row["figure"] == "slippage_bps");
    assert!(slipped.map(|row| row["count"].as_u64().unwrap()).sum::<u64>() > 0);
    let typo = run(&["journal", "query", "pnl", "--strategy", "nobody", "--state", state]);
    let said = String::from_utf8_lossy(&typo.stderr).into_owned();
    assert!(!typo.status.success() && said.contains("no strategy is called nobody"), "{said}");
}

/// As builds with debug assertions can.
fn dies_by_itself(all: &mut Processes) {
    let mut ended = None;
    wait("it dies by itself", || {
        ended = all.host.as_mut().unwrap().try_wait().unwrap();
        ended.is_some()
    });
    all.host = None;
    assert_eq!(ended.and_then(|ended| ended.signal()), Some(9));
}

fn killed(kills: u64, legs: &str) {
    let mut all = Processes::at(2_000, (40, 20));
    all.strategies(&strategy("pair", ["A", "B"], legs));
    all.end_venue();
    second_venue(&all.path("host.toml"));
    all.start_one_venue("v");
    all.start_one_venue("w");
    let (mut dice, mut points) = (0x9E37_79B9_u64, 0..POINTS.min(kills.div_ceil(2)));
    for kill in 0..kills {
        // a death at each point in turn, beginning with that before the first order of a pair
        all.dies_at = (kill % 2 == 0).then(|| points.next().unwrap_or(dice % POINTS) + 1);
        all.start_host();
        if all.dies_at.is_some() {
            dies_by_itself(&mut all);
            continue;
        }
        wait("a plan is under way", || {
            all.status().is_some_and(|view| {
                view["strategies"][0]["plans"].as_array().is_some_and(|plans| !plans.is_empty())
            })
        });
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_millis((dice >> 33) % 400));
        all.kill_host();
    }
    all.dies_at = None;
    all.start_host();
    wait("it goes on", || {
        all.status().is_some_and(|view| view["strategies"][0]["fills"].as_u64() > Some(0))
    });
    let state = all.path("state");
    let state = state.to_str().unwrap();
    wait("no new pair is opened", || run(&["pause", "--state", state]).status.success());
    wait("no plan is under way", || {
        all.status().is_some_and(|view| {
            let s = &view["strategies"][0];
            let none = |key: &str| s[key].as_array().is_some_and(Vec::is_empty);
            view["mode"] == "reduce-only" && none("plans") && none("open_orders")
        })
    });
    let (truth, facts) = all.end();
    assert_ledger(&truth, &facts, &all);
    let (plans, boots) = plans(&facts);
    for (plan, outcome) in &plans {
        let good = matches!(outcome, Some(PairOutcome::Balanced | PairOutcome::Flat));
        assert!(good, "plan {plan:?} ended as {outcome:?}");
    }
    assert!(boots.len() as u64 * 4 > kills, "plans in {} of {kills} boots", boots.len());
    // every order of a plan was announced by it, and none belongs to two
    let mut announced = BTreeSet::new();
    for stamped in &facts {
        match &stamped.fact {
            Fact::Plan { step: PlanStep::Sends { number, .. }, .. } => {
                assert!(announced.insert(*number), "order {number} announced twice");
            }
            Fact::Order { id, fact: OrderFact::Approved(_) } => {
                assert!(id.number < PLAN_ORDERS || announced.contains(&id.number), "{id}");
            }
            _ => {}
        }
    }
    let held: Vec<i64> = truth.positions.iter().map(|(_, _, units, ..)| *units).collect();
    assert_eq!(held.iter().sum::<i64>(), 0, "one leg is held alone: {held:?}");
    assert_told(state, plans.len(), truth.fills.values().sum());
    println!("{kills} kills, {} plans, {} fills", plans.len(), truth.fills.values().sum::<u64>());
}

/// Orders are longer on their way than a host waits at its end.
#[test]
fn a_run_that_ends_with_a_plan_under_way_says_so_and_fails() {
    let mut all = Processes::at(2_000, (1_700, 1_700));
    all.strategies(&strategy("pair", ["A", "B"], "simultaneous"));
    all.end_venue();
    second_venue(&all.path("host.toml"));
    all.start_one_venue("v");
    all.start_one_venue("w");
    all.start_host();
    wait("a plan is under way", || {
        all.status().is_some_and(|view| {
            view["strategies"][0]["plans"].as_array().is_some_and(|plans| !plans.is_empty())
        })
    });
    let state = all.path("state");
    assert!(run(&["stop", "--state", state.to_str().unwrap()]).status.success());
    let ended = all.host.take().unwrap().wait().unwrap();
    assert_eq!(ended.code(), Some(1));
}

fn kills() -> u64 {
    std::env::var("HEDGEROW_PAIR_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20)
}

#[test]
fn a_pair_survives_the_death_of_the_host_at_any_moment() {
    killed(kills().div_ceil(3), "simultaneous");
}

#[test]
fn a_pair_with_one_leg_first_survives_it_too() {
    killed(kills() / 3, "buy-first");
}

#[test]
fn a_pair_of_which_one_leg_makes_survives_it_too() {
    killed(kills() / 3, "maker-taker");
}
