//! What a strategy has written, and what of it is kept over a fault, a cut and a restart.

use super::*;

/// In virtual time too: two timers fire at once, the answer to the first carries a state, and the
/// call for the second fails.
#[test]
fn a_timer_that_nobody_heard_is_told_after_a_restart_in_virtual_time() {
    let mut rig = Rig::new();
    start(&mut rig, false);
    answer(&mut rig, 0, vec![timer(1, START + 5), timer(2, START + 5)], true); // resumed
    wake(&mut rig, 5);
    answer(&mut rig, 0, vec![timer(3, START + 99)], true);
    assert_eq!(rig.engine.unheard_timers(ME), [TimerId(2)]);
    let facts = rig.effects.facts.clone();
    let now = HostTime::from_nanos(rig.now);
    let fault = CallFault { kind: FaultKind::Trap, detail: "it failed".into() };
    let fault = Input::Fault { now, strategy: ME, fault, next_order: 1 };
    rig.engine.handle(fault, &mut rig.effects);
    told(&mut rig);
    start(&mut rig, false);
    assert_eq!(told(&mut rig), ["resumed", "9990 snapshot", "timer 2"]);
    let mut again = Rig::new();
    again.engine = Engine::new(config(limits()));
    again.engine.restore(&facts);
    start(&mut again, false);
    assert!(told(&mut again).contains(&"timer 2".to_owned()), "after a death too");
}

#[test]
fn a_timer_that_waits_at_a_cut_is_told_again_by_a_way_back() {
    let mut rig = live();
    answer(&mut rig, 0, vec![timer(7, START + 5)], true); // resumed
    wake(&mut rig, 5); // it waits: the old instance is at a call
    let (now, strategy) = (HostTime::from_nanos(rig.now), ME);
    rig.engine.handle(Input::Cut { now, strategy, swap: swap() }, &mut rig.effects);
    start(&mut rig, true);
    answer(&mut rig, 0, Vec::new(), false); // the successor's `resumed`
    answer(&mut rig, 0, vec![timer(9, START + 99)], true); // the timer, in a state of the new one
    assert_eq!(rig.engine.timers_since_cut(ME), [TimerId(7)]);
}

#[test]
fn setting_a_timer_to_what_it_is_writes_nothing() {
    let mut rig = live();
    answer(&mut rig, 0, vec![timer(7, START + 5)], true);
    let before = rig.effects.facts.len();
    answer(&mut rig, 0, vec![timer(7, START + 5); 1_000], false);
    assert_eq!(rig.effects.facts.len(), before);
    // what is due already is due now
    answer(&mut rig, 0, vec![timer(7, START - 5), timer(7, START - 6)], false);
    assert_eq!(rig.effects.facts.len(), before + 1);
}

#[test]
fn what_a_strategy_may_have_written_in_a_second_has_an_end() {
    let mut rig = live();
    rig.engine.config.writes = WriteLimits { intents_per_s: 3, state_bytes_per_s: 10 };
    let outcome = |intents: usize, state: Option<usize>| Outcome {
        consumed: 0,
        intents: vec![timer(7, START + 5); intents],
        checkpoint: state.map(|bytes| vec![0; bytes]),
    };
    let may = |rig: &Rig, outcome: &Outcome| {
        let fault = rig.engine.may_write(HostTime::from_nanos(rig.now), ME, outcome).err();
        fault.map(|fault| fault.detail)
    };
    assert_eq!(may(&rig, &outcome(3, Some(10))), None);
    assert_eq!(
        may(&rig, &outcome(4, None)).as_deref(),
        Some("4 intents in a second, 3 are allowed")
    );
    assert_eq!(
        may(&rig, &outcome(0, Some(11))).as_deref(),
        Some("checkpoints of 11 bytes in a second, 10 are allowed")
    );
    answer(&mut rig, 0, vec![timer(7, START + 5); 2], true); // and a state of one byte
    assert_eq!(may(&rig, &outcome(1, Some(9))), None);
    assert!(may(&rig, &outcome(2, None)).is_some() && may(&rig, &outcome(0, Some(10))).is_some());
    rig.advance(1_000);
    assert_eq!(may(&rig, &outcome(3, Some(10))), None, "another second");
}

#[test]
fn a_state_that_is_dropped_leaves_the_timers_that_nobody_heard() {
    let mut rig = live();
    answer(&mut rig, 0, vec![timer(7, START + 5)], true);
    wake(&mut rig, 5);
    answer(&mut rig, 0, Vec::new(), true);
    let (now, strategy, unheard) = (HostTime::from_nanos(rig.now), ME, vec![TimerId(7)]);
    let fact = Box::new(Fact::CheckpointDropped { strategy, unheard });
    rig.engine.handle(Input::Note { now, fact }, &mut rig.effects);
    assert_eq!(rig.engine.checkpoint(ME), None);
    let mut again = Engine::new(config(limits()));
    again.restore(&rig.effects.facts);
    assert_eq!(again.checkpoint(ME), None);
    assert!(again.has_fired(ME, TimerId(7)));
}

#[test]
fn in_quarantine_open_orders_are_left_or_canceled_as_was_said() {
    for (policy, cancels) in [(OpenOrders::Cancel, 1), (OpenOrders::Keep, 0)] {
        let mut rig = Rig::new();
        let mut known = config(limits());
        known.strategies[0].on_quarantine = policy;
        rig.engine = Engine::new(known);
        rig.quote(0, 9_990, 10_010);
        assert_eq!(rig.buy(9_990, 100), None);
        rig.accept(1);
        rig.effects.commands.clear();
        let now = HostTime::from_nanos(rig.now);
        let input = Input::Quarantine { now, strategy: ME, why: "it fails".into() };
        rig.engine.handle(input, &mut rig.effects);
        assert_eq!(rig.effects.commands.len(), cancels, "{policy:?}");
    }
}

/// Deltas count from a snapshot on: whoever starts while nothing rests in the book is given one of
/// nothing. Its time is the host's, and says so.
#[test]
fn an_empty_book_is_told_to_who_starts() {
    let mut rig = live();
    let mut known = config(limits());
    known.strategies[0].interest = Interest::default().with(InstrumentId(0), &[TickKind::Level]);
    rig.engine = Engine::new(known);
    let level = |seq: u64, quantity: i64, flags: u16| Tick {
        ts: 3,
        recv_ts: START,
        seq,
        kind: TickKind::Level.code(),
        flags: flags | flag::LAST,
        a: 9_990,
        b: quantity,
        d: 1,
        ..Tick::default()
    };
    let ticks = [level(1, 100, flag::SNAPSHOT), level(2, 0, 0)];
    rig.now = START + 7;
    for (fed, price, quantity) in [(&ticks[..1], 9_990, 100), (&ticks[1..], 0, 0)] {
        rig.engine.handle(Input::Market(fed), &mut rig.effects);
        rig.effects = Effects::default();
        start(&mut rig, false);
        let shown = |told: &hedgerow_model::Delivery| match &told.what {
            Delivered::Ticks(ticks) => ticks.to_vec(),
            Delivered::Event(_) => Vec::new(),
        };
        let shown: Vec<Tick> = rig.effects.deliveries.iter().flat_map(shown).collect();
        let [tick] = shown[..] else { panic!("{shown:?}") };
        assert_eq!((tick.a, tick.b), (price, quantity));
        assert_eq!(tick.flags, flag::SNAPSHOT | flag::LAST | flag::NO_VENUE_TIME);
        assert_eq!((tick.ts, tick.recv_ts), (rig.now, rig.now));
    }
}
