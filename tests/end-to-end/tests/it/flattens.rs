//! The operator's flatten after a kill, against a paper venue in another process: positions go
//! while the latch stays set, over a death of the host in the middle too.

use crate::processes::{Processes, assert_ledger, wait};
use hedgerow_end_to_end::run;
use hedgerow_model::view::HostView;
use hedgerow_model::{
    AskedBy, Fact, FlattenStep, OrderFact, PLAN_ORDERS, PlanStep, Scope, SingleStep, Stamped,
    TradingMode,
};

fn view(all: &Processes) -> Option<HostView> {
    serde_json::from_value(all.status()?).ok()
}

/// How many positions are not zero.
fn held(all: &Processes) -> Option<usize> {
    let view = view(all)?;
    let positions = view.strategies.iter().flat_map(|strategy| &strategy.positions);
    Some(positions.filter(|position| !position.quantity.is_zero()).count())
}

fn say(all: &Processes, words: &[&str]) {
    let state = all.path("state");
    let rest = ["--state", state.to_str().unwrap(), "--reason", "the test"];
    let output = run(&[words, &rest[..]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // on a machine whose disk is busy the journal may take longer than a caller waits for
    if output.status.code() == Some(6) && said.contains("has not come round to it") {
        return std::thread::sleep(std::time::Duration::from_secs(5));
    }
    assert_eq!(output.status.code(), Some(0), "{words:?}: {said}");
}

fn is_latched(all: &Processes) -> bool {
    std::fs::read(all.path("state/kill.latch")).unwrap()[0] != 0
}

/// A host that was killed while it held something.
fn killed_with_a_position() -> Processes {
    let mut all = Processes::new();
    all.start_host();
    for _ in 0..20 {
        wait("something is held", || held(&all).is_some_and(|held| held > 0));
        all.halt();
        // what was under way may have closed it
        if held(&all).is_some_and(|held| held > 0) {
            assert!(is_latched(&all));
            return all;
        }
        say(&all, &["resume"]);
    }
    panic!("it never held anything when it was killed");
}

fn until_flat(all: &Processes) {
    wait("all is flat, and said to be", || {
        let words = view(all).map(|view| view.conditions.join("\n")).unwrap_or_default();
        held(all) == Some(0) && !words.contains("flattened")
    });
    assert!(is_latched(all), "the latch stays set");
    assert_eq!(view(all).unwrap().mode, TradingMode::Halted);
}

/// The venue's books are flat; after the halt nothing was approved but what an operator asked for.
fn assert_flat(mut all: Processes) {
    let (truth, facts) = all.end();
    assert_ledger(&truth, &facts, &all);
    assert!(truth.positions.iter().all(|(_, _, units, ..)| *units == 0), "{:?}", truth.positions);
    let halted = |stamped: &Stamped| {
        let fact = &stamped.fact;
        matches!(fact, Fact::Mode { scope: Scope::Host, mode: TradingMode::Halted, .. })
    };
    let last = facts.iter().rposition(halted).unwrap();
    let (mut orders, mut plans, mut over) = (0, 0, 0);
    for stamped in &facts[last..] {
        match &stamped.fact {
            Fact::Order { fact: OrderFact::Approved(order), .. } => {
                assert!(order.request.number >= PLAN_ORDERS && order.request.flags.reduce_only);
                orders += 1;
            }
            Fact::Plan { step: PlanStep::Single(SingleStep::Began(plan)), .. } => {
                assert_eq!(plan.asked_by, AskedBy::Operator);
                plans += 1;
            }
            Fact::Flatten { step: FlattenStep::Over { .. }, .. } => over += 1,
            _ => {}
        }
    }
    assert!(orders > 0 && plans > 0 && over > 0, "{orders} orders, {plans} plans, {over} over");
    println!("{plans} plans, {orders} orders until all was flat");
}

#[test]
fn a_flatten_after_a_kill_closes_everything_while_the_latch_stays_set() {
    let all = killed_with_a_position();
    say(&all, &["cancel-all"]);
    say(&all, &["flatten"]);
    until_flat(&all);
    assert_flat(all);
}

#[test]
fn a_host_that_dies_in_the_middle_of_a_flatten_goes_on_with_it() {
    let mut all = killed_with_a_position();
    say(&all, &["flatten"]);
    all.kill_host();
    all.start_host();
    until_flat(&all);
    assert_flat(all);
}

/// From the halt to reducing, without opening in between; the latch of the host is released by it.
#[test]
fn a_killed_host_may_be_let_reduce_and_no_more() {
    let mut all = killed_with_a_position();
    let orders = |view: &HostView| view.strategies.iter().map(|s| s.orders).sum::<u64>();
    say(&all, &["resume", "--reduce-only"]);
    wait("it may reduce", || view(&all).is_some_and(|view| view.mode == TradingMode::ReduceOnly));
    wait("its latch is released", || !is_latched(&all));
    let before = view(&all).unwrap();
    wait("the market goes on", || view(&all).is_some_and(|now| now.ticks > before.ticks + 2_000));
    println!("{} orders while it may reduce", orders(&view(&all).unwrap()) - orders(&before));
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
    let of_host = |stamped: &Stamped| match &stamped.fact {
        Fact::Mode { scope: Scope::Host, mode, .. } => Some(*mode),
        _ => None,
    };
    let modes: Vec<TradingMode> = facts.iter().filter_map(of_host).collect();
    let end = &modes[modes.len() - 3..];
    let (halted, reduces) = (TradingMode::Halted, TradingMode::ReduceOnly);
    assert_eq!(end, [halted, reduces, halted], "never running in between");
}

/// What is still held when nobody looks after its flatten any more is told, as a plan is.
#[test]
fn a_stop_in_the_middle_of_a_flatten_says_what_is_left() {
    let mut all = killed_with_a_position();
    all.end_venue();
    say(&all, &["flatten"]);
    let state = all.path("state");
    assert!(run(&["stop", "--state", state.to_str().unwrap()]).status.success());
    assert_eq!(all.host.take().unwrap().wait().unwrap().code(), Some(1));
    let log = std::fs::read_to_string(all.path("log")).unwrap();
    let told = log.lines().find(|line| line.contains("the run has ended with"));
    let told = told.unwrap_or_else(|| panic!("{log}"));
    assert!(told.contains("positions that are not closed: strategy "), "{told}");
}
