//! What a strategy is given: credit, what is held back, and what is told again.

mod failed;
mod kept;

use super::*;
use hedgerow_model::{CallFault, FaultKind, PluginStep, TimerId};

const CREDIT: u32 = 8;

fn live() -> Rig {
    let mut rig = Rig::new();
    rig.engine = Engine::new(EngineConfig { tick_credit: Some(CREDIT), ..config(limits()) });
    start(&mut rig, false);
    rig.effects = Effects::default();
    rig
}

fn swap() -> hedgerow_model::Swap {
    hedgerow_model::Swap { component: "new".into(), calls: 1, time: Duration::ZERO }
}

fn start(rig: &mut Rig, from_cut: bool) {
    let now = HostTime::from_nanos(rig.now);
    let input = Input::Start { now, strategy: ME, from_cut, fault: None };
    rig.engine.handle(input, &mut rig.effects);
}

/// What was handed out since the last look: prices of ticks, or events.
fn told(rig: &mut Rig) -> Vec<String> {
    let all = std::mem::take(&mut rig.effects.deliveries);
    let say = |told: hedgerow_model::Delivery| match told.what {
        Delivered::Ticks(ticks) => ticks
            .iter()
            .map(|t| format!("{}{}", t.a, if t.has(flag::SNAPSHOT) { " snapshot" } else { "" }))
            .collect(),
        Delivered::Event(Event::Market { status, .. }) => vec![format!("{status:?}")],
        Delivered::Event(Event::Timer(id)) => vec![format!("timer {}", id.0)],
        Delivered::Event(Event::Resumed(_)) => vec!["resumed".into()],
        Delivered::Event(other) => vec![format!("{other:?}")],
    };
    all.into_iter().flat_map(say).collect()
}

/// The strategy has read so many ticks, or an event, and wants nothing.
fn answer(rig: &mut Rig, consumed: u32, intents: Vec<Intent>, checkpoint: bool) {
    let (now, mode) = (HostTime::from_nanos(rig.now), rig.engine.mode_of(ME));
    let first_order = rig.engine.next_order(ME);
    let checkpoint = checkpoint.then(|| b"s".to_vec());
    let outcome = Outcome { consumed, intents, checkpoint };
    let input = Input::Outcome { now, strategy: ME, first_order, mode, state_version: 1, outcome };
    rig.engine.handle(input, &mut rig.effects);
}

fn timer(id: u64, at: u64) -> Intent {
    Intent::SetTimer { id: TimerId(id), at: HostTime::from_nanos(at) }
}

#[test]
fn out_of_credit_data_is_held_back_until_half_of_it_is_back() {
    let mut rig = live();
    for n in 0..10 {
        rig.quote(0, 9_990 + n, 10_010);
    }
    let first: Vec<String> = (0..8).map(|n| (9_990 + n).to_string()).collect();
    let expected: Vec<String> = first.into_iter().chain(["Lagging".to_owned()]).collect();
    assert_eq!(told(&mut rig), expected);
    answer(&mut rig, 3, Vec::new(), false);
    assert!(told(&mut rig).is_empty(), "not half of it");
    answer(&mut rig, 1, Vec::new(), false);
    assert_eq!(told(&mut rig), ["9999 snapshot", "Fresh"], "the newest, not what was missed");
    rig.quote(0, 9_985, 10_010);
    assert_eq!(told(&mut rig), ["9985"]);
}

#[test]
fn credit_is_full_again_at_a_start_and_an_unseen_market_needs_no_snapshot() {
    let mut rig = live();
    for n in 0..20 {
        rig.quote(0, 9_900 + n, 10_010);
    }
    told(&mut rig);
    start(&mut rig, false);
    assert_eq!(told(&mut rig), ["resumed", "9919 snapshot"]);
    rig.quote(0, 9_990, 10_010);
    assert_eq!(told(&mut rig), ["9990"]);
}

#[test]
fn a_successor_is_told_of_the_cut_and_the_rest_waits_behind() {
    let mut rig = live();
    rig.quote(0, 9_990, 10_010);
    let now = HostTime::from_nanos(rig.now);
    rig.engine.handle(Input::Cut { now, strategy: ME, swap: swap() }, &mut rig.effects);
    rig.quote(0, 9_980, 10_010);
    assert_eq!(told(&mut rig), ["9990", "9980"]);
    start(&mut rig, true);
    assert_eq!(told(&mut rig), ["resumed", "9990 snapshot"], "as it was at the cut");
}

#[test]
fn markets_may_be_cut_before_orders() {
    let mut rig = live();
    let cut = |rig: &mut Rig, markets: bool| {
        let (now, strategy) = (HostTime::from_nanos(rig.now), ME);
        let input = if markets {
            Input::CutMarkets { now, strategy }
        } else {
            Input::Cut { now, strategy, swap: swap() }
        };
        rig.engine.handle(input, &mut rig.effects);
    };
    rig.quote(0, 9_990, 10_010);
    cut(&mut rig, true);
    rig.quote(0, 9_980, 10_010);
    rig.buy(9_970, 100);
    cut(&mut rig, false);
    rig.quote(0, 9_960, 10_010);
    told(&mut rig);
    start(&mut rig, true);
    let Delivered::Event(Event::Resumed(resumed)) = &rig.effects.deliveries[0].what else {
        panic!("{:?}", rig.effects.deliveries)
    };
    assert_eq!(resumed.orders.len(), 1);
    assert_eq!(told(&mut rig), ["resumed", "9990 snapshot"]);
}

#[test]
fn a_strategy_that_leaves_its_events_unanswered_may_only_cancel() {
    let mut rig = live();
    let tell = |rig: &mut Rig| {
        rig.report(VenueReport::Balance {
            asset: "Q".into(),
            total: Decimal::ONE,
            available: Decimal::ONE,
        });
    };
    for _ in 0..4_000 {
        tell(&mut rig);
    }
    assert_eq!(rig.engine.mode_of(ME), TradingMode::Running);
    answer(&mut rig, 0, Vec::new(), false);
    for _ in 0..200 {
        tell(&mut rig);
    }
    assert_eq!(rig.engine.mode_of(ME), TradingMode::CancelOnly);
    assert!(told(&mut rig).len() > 4_200, "and not one of them is dropped");
}

#[test]
fn a_timer_that_no_saved_state_knows_is_told_again() {
    let mut rig = live();
    answer(&mut rig, 0, vec![timer(7, START + 5), timer(8, START + 9)], true);
    rig.now += 5;
    rig.engine.handle(Input::Wake(HostTime::from_nanos(rig.now)), &mut rig.effects);
    assert_eq!(told(&mut rig), ["timer 7"]);
    // it is lost with the instance: the next one starts from a state that does not know it
    start(&mut rig, false);
    assert_eq!(told(&mut rig), ["resumed", "timer 7"]);
    // the facts alone say the same
    let mut again = Engine::new(rig.engine.config().clone());
    again.restore(&rig.effects.facts);
    rig.engine = again;
    start(&mut rig, false);
    assert_eq!(told(&mut rig), ["resumed", "timer 7"]);
    // answered, and in a checkpoint: done
    answer(&mut rig, 0, Vec::new(), false);
    answer(&mut rig, 0, vec![timer(9, START + 99)], true);
    start(&mut rig, false);
    assert_eq!(told(&mut rig), ["resumed"]);
}

#[test]
fn a_checkpoint_before_a_timer_is_heard_does_not_cover_it() {
    let mut rig = live();
    answer(&mut rig, 0, vec![timer(7, START + 5)], true);
    rig.now += 5;
    rig.engine.handle(Input::Wake(HostTime::from_nanos(rig.now)), &mut rig.effects);
    told(&mut rig);
    // an answer to ticks that came before the timer
    answer(&mut rig, 1, vec![timer(8, START + 50)], true);
    start(&mut rig, false);
    assert_eq!(told(&mut rig), ["resumed", "timer 7"]);
}

#[test]
fn a_fault_cancels_what_is_open_where_that_is_the_policy() {
    for (policy, expected) in
        [(OpenOrders::Keep, OrderStatus::Open), (OpenOrders::Cancel, OrderStatus::PendingCancel)]
    {
        let mut known = config(limits());
        known.strategies[0].on_fault = policy;
        let mut rig = Rig::new();
        rig.engine = Engine::new(known);
        rig.quote(0, 9_990, 10_010);
        rig.buy(9_990, 100);
        rig.accept(1);
        let fault = CallFault { kind: FaultKind::Trap, detail: String::new() };
        let now = HostTime::from_nanos(rig.now);
        let input = Input::Fault { now, strategy: ME, fault, next_order: 1_000 };
        rig.engine.handle(input, &mut rig.effects);
        assert_eq!(rig.status(1), Some(expected));
    }
}

#[test]
fn a_start_in_the_middle_of_a_snapshot_does_not_forget_its_first_half() {
    let mut rig = live();
    let level = |seq: u64, price: i64, flags: u16| Tick {
        recv_ts: START,
        seq,
        kind: TickKind::Level.code(),
        flags,
        a: price,
        b: 100,
        ..Tick::default()
    };
    let feed = |rig: &mut Rig, tick| rig.engine.handle(Input::Market(&[tick]), &mut rig.effects);
    feed(&mut rig, level(1, 9_990, flag::SNAPSHOT | flag::LAST));
    feed(&mut rig, level(9, 9_990, flag::LAST));
    feed(&mut rig, level(12, 9_990, flag::LAST)); // its previous is not 9
    feed(&mut rig, level(20, 9_980, flag::SNAPSHOT));
    start(&mut rig, false);
    let said = |told: &hedgerow_model::Delivery| match &told.what {
        Delivered::Event(Event::Market { status, .. }) => Some(*status),
        _ => None,
    };
    let last = rig.effects.deliveries.iter().filter_map(said).next_back();
    assert_eq!(last, Some(MarketStatus::Stale));
}

#[test]
fn the_venues_mark_is_part_of_what_a_start_shows() {
    let mut rig = Rig::new();
    let interest = Interest::default().with(InstrumentId(0), &[TickKind::Mark]);
    let mut known = config(limits());
    known.strategies[0].interest = interest;
    rig.engine = Engine::new(known);
    let mark = Tick {
        recv_ts: START,
        kind: TickKind::Mark.code(),
        flags: flag::LAST,
        a: 9_995,
        ..Tick::default()
    };
    rig.engine.handle(Input::Market(&[mark]), &mut rig.effects);
    start(&mut rig, false);
    assert_eq!(told(&mut rig), ["resumed", "9995 snapshot"]);
}

fn wake(rig: &mut Rig, later: u64) {
    rig.now += later;
    rig.engine.handle(Input::Wake(HostTime::from_nanos(rig.now)), &mut rig.effects);
}

#[test]
fn a_rollback_tells_again_what_fired_since_the_cut() {
    let mut rig = live();
    answer(&mut rig, 0, vec![timer(7, START + 5), timer(8, START + 6)], true);
    let (now, strategy) = (HostTime::from_nanos(rig.now), ME);
    rig.engine.handle(Input::Cut { now, strategy, swap: swap() }, &mut rig.effects);
    start(&mut rig, true);
    wake(&mut rig, 5);
    // the new version hears timer 7 and writes a state that knows it, then fails
    answer(&mut rig, 0, Vec::new(), false);
    answer(&mut rig, 0, vec![timer(9, START + 99)], true);
    wake(&mut rig, 1);
    let unheard = rig.engine.timers_since_cut(ME);
    let back = Fact::Checkpoint { strategy, version: 1, state: b"old".to_vec(), unheard };
    let (now, fact) = (HostTime::from_nanos(rig.now), Box::new(back));
    rig.engine.handle(Input::Note { now, fact }, &mut rig.effects);
    told(&mut rig);
    start(&mut rig, false);
    assert_eq!(told(&mut rig), ["resumed", "timer 7", "timer 8"]);
}

#[test]
fn a_file_that_is_refused_meanwhile_ends_nobody_elses_probation() {
    let mut rig = live();
    answer(&mut rig, 0, vec![timer(7, START + 5)], true);
    let (now, strategy) = (HostTime::from_nanos(rig.now), ME);
    rig.engine.handle(Input::Cut { now, strategy, swap: swap() }, &mut rig.effects);
    start(&mut rig, true);
    wake(&mut rig, 5);
    answer(&mut rig, 0, Vec::new(), false); // resumed
    answer(&mut rig, 0, vec![timer(9, START + 99)], true); // the timer, in a state of the new one
    assert_eq!(rig.engine.timers_since_cut(ME), [TimerId(7)]);
    let note = |step: PluginStep| {
        let hash = "abc".to_owned();
        let fact = Fact::Plugin { strategy, step, hash, detail: "broken".into() };
        Input::Note { now, fact: Box::new(fact) }
    };
    rig.engine.handle(note(PluginStep::Refused), &mut rig.effects);
    assert_eq!(rig.engine.timers_since_cut(ME), [TimerId(7)]);
    rig.engine.handle(note(PluginStep::Failed), &mut rig.effects);
    assert!(rig.engine.timers_since_cut(ME).is_empty(), "it failed as it took over");
}

#[test]
fn a_timer_that_fired_during_a_swap_is_not_heard_with_the_opening() {
    let mut rig = live();
    answer(&mut rig, 0, vec![timer(7, START + 5)], true); // resumed
    let (now, strategy) = (HostTime::from_nanos(rig.now), ME);
    rig.engine.handle(Input::Cut { now, strategy, swap: swap() }, &mut rig.effects);
    wake(&mut rig, 5); // it waits for the successor
    start(&mut rig, true);
    answer(&mut rig, 0, vec![timer(8, START + 99)], true); // the successor's `resumed`
    assert_eq!(rig.engine.unheard_timers(ME), [TimerId(7)]);
    answer(&mut rig, 0, Vec::new(), true);
    assert!(rig.engine.unheard_timers(ME).is_empty());
}

#[test]
fn after_waiting_ticks_were_dropped_every_instrument_starts_again_from_a_snapshot() {
    let mut rig = live();
    rig.quote(0, 9_990, 10_010);
    told(&mut rig);
    let now = HostTime::from_nanos(rig.now);
    rig.engine.handle(Input::Shed { now, strategy: ME, ticks: 1 }, &mut rig.effects);
    assert_eq!(told(&mut rig), ["Lagging", "9990 snapshot", "Fresh"]);
}

#[test]
fn a_strategy_that_never_began_is_not_stopped_for_what_it_was_not_told() {
    let mut rig = Rig::new();
    let known = EngineConfig { tick_credit: Some(CREDIT), ..config(limits()) };
    rig.engine = Engine::new(known);
    for _ in 0..3_000 {
        rig.report(VenueReport::Down);
        rig.report(VenueReport::Up);
    }
    assert_eq!(rig.engine.mode_of(ME), TradingMode::Running);
}

#[test]
fn reports_are_bounded_by_their_bytes() {
    let mut rig = Rig::new();
    let report = hedgerow_model::Report::Status { text: "x".repeat(300_000) };
    rig.want(vec![Intent::Report(report.clone()); 9]);
    let count = |rig: &Rig| {
        let said = |f: &&hedgerow_model::Stamped| matches!(f.fact, Fact::Said { .. });
        let denied = |f: &&hedgerow_model::Stamped| matches!(f.fact, Fact::IntentDenied { .. });
        let facts = &rig.effects.facts;
        (facts.iter().filter(said).count(), facts.iter().filter(denied).count())
    };
    assert_eq!(count(&rig), (3, 1), "what is too much is refused, and said once");
    rig.advance(1_000);
    rig.want(vec![Intent::Report(report)]);
    assert_eq!(count(&rig), (4, 1));
}

#[test]
fn the_notice_of_a_fault_is_an_event_like_any_other() {
    let mut rig = live();
    answer(&mut rig, 0, vec![timer(7, START + 5)], true);
    let (now, strategy) = (HostTime::from_nanos(rig.now), ME);
    let fault = Some((FaultKind::Trap, 1));
    let input = Input::Start { now, strategy, from_cut: false, fault };
    rig.engine.handle(input, &mut rig.effects);
    wake(&mut rig, 5);
    // `resumed` and the notice are answered, the timer is not
    answer(&mut rig, 0, Vec::new(), false);
    answer(&mut rig, 0, Vec::new(), false);
    answer(&mut rig, 1, vec![timer(8, START + 50)], true);
    told(&mut rig);
    start(&mut rig, false);
    assert_eq!(told(&mut rig), ["resumed", "timer 7"]);
}

#[test]
fn what_happens_while_a_strategy_is_down_is_not_held_against_it() {
    let mut rig = live();
    let fault = CallFault { kind: FaultKind::Trap, detail: String::new() };
    let (now, strategy) = (HostTime::from_nanos(rig.now), ME);
    rig.engine.handle(Input::Fault { now, strategy, fault, next_order: 9 }, &mut rig.effects);
    for _ in 0..5_000 {
        rig.report(VenueReport::Balance {
            asset: "Q".into(),
            total: Decimal::ONE,
            available: Decimal::ONE,
        });
    }
    assert_eq!(rig.engine.mode_of(ME), TradingMode::Running);
    assert!(told(&mut rig).is_empty());
}
