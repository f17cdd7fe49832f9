//! An operator's flatten of one position: in every mode, beside what stands in the way, over
//! restarts and unknown outcomes.

use super::*;
use hedgerow_model::{Action, AskedBy, FlattenStep};

fn flatten(one: &mut One, scope: Scope) {
    one.say(OperatorCommand::Flatten { scope });
}

/// Long 0.050, in a mode.
fn held(mode: TradingMode) -> One {
    let mut one = One::new();
    one.hold(Side::Buy, 600_000, 50);
    if mode != TradingMode::Running {
        one.mode(mode);
    }
    one.taken = one.rig.effects.commands.len();
    one
}

/// Whether the gate sealed the newest order as one that leaves past the kill latch.
fn is_sealed(one: &One) -> bool {
    let placed = one.rig.effects.commands.iter().rev().find_map(|command| match command {
        VenueCommand::Place(order) => Some(order.flattens()),
        _ => None,
    });
    placed.expect("no order left")
}

fn words(one: &One) -> String {
    let all = one.rig.engine.conditions();
    all.into_iter().filter(|condition| condition.contains("flattened")).collect()
}

/// The newest step of it.
fn step(one: &One) -> FlattenStep {
    let steps = one.rig.effects.facts.iter().rev().filter_map(|stamped| match &stamped.fact {
        Fact::Flatten { strategy: ME, instrument: X, step } => Some(step.clone()),
        _ => None,
    });
    steps.into_iter().next().expect("none was asked for")
}

fn is_over(one: &One) -> bool {
    matches!(step(one), FlattenStep::Over { .. })
        && one.rig.engine.plans.flattening.next().is_none()
}

/// After a restart no market was told yet: it is tried again as soon as one may be, not after the
/// pause of what was refused for another reason.
#[test]
fn it_waits_for_a_market_no_longer_than_that_takes() {
    let mut one = held(TradingMode::Halted);
    let mut again = Engine::new(one.rig.engine.config().clone());
    again.restore(&one.rig.effects.facts);
    (one.rig.engine, one.market) = (again, None);
    flatten(&mut one, Scope::Host);
    assert!(words(&one).contains("no market"), "{}", words(&one));
    one.pass(100);
    one.quote(599_998, 600_000);
    one.pass(100);
    let order = one.one();
    assert_eq!((order.side, order.quantity), (Side::Sell, 50));
}

/// The table of DESIGN section 5: in every mode, and no strategy opens by it.
#[test]
fn it_closes_what_is_held_in_every_mode() {
    let scopes =
        [Scope::Host, Scope::Strategy(ME), Scope::Account(AccountId(0)), Scope::Instrument(X)];
    for (mode, scope) in TradingMode::ALL.into_iter().flat_map(|m| scopes.map(|s| (m, s))) {
        for short in [false, true] {
            let mut one = One::new();
            one.hold(if short { Side::Sell } else { Side::Buy }, 600_000, 50);
            one.mode(mode);
            one.taken = one.rig.effects.commands.len();
            flatten(&mut one, scope);
            let order = one.one();
            let (side, price) = if short { (Side::Buy, 600_000) } else { (Side::Sell, 599_998) };
            assert_eq!((order.side, order.quantity), (side, 50), "{mode} {scope:?}");
            assert!(order.reduce_only && !order.rests && is_sealed(&one), "{mode} {scope:?}");
            assert!(words(&one).contains("is being flattened"), "{}", words(&one));
            one.fill(order, price, 50);
            assert_eq!(one.rig.position(), 0);
            assert!(is_over(&one) && words(&one).is_empty(), "{mode} {scope:?}");
            // strategies may only cancel now, or not even reduce
            let forbids = mode.max(TradingMode::CancelOnly);
            let opens = MarketRequest::new(X, Side::Buy, base("0.01"), 10);
            let denied = Some(RiskRejection::ModeForbids { mode: forbids });
            assert_eq!(one.ask_as(2, opens), denied, "{mode} {scope:?}");
            one.pass(60_000);
            assert_eq!(one.sent(), []);
            one.assert_restores();
        }
    }
}

#[test]
fn nothing_held_is_nothing_to_close_and_another_scope_is_left_alone() {
    let mut one = One::new();
    flatten(&mut one, Scope::Host);
    one.pass(60_000);
    assert_eq!((one.sent(), words(&one)), (vec![], String::new()));
    let mut one = held(TradingMode::Running);
    for scope in [Scope::Account(AccountId(3)), Scope::Instrument(InstrumentId(3))] {
        flatten(&mut one, scope);
    }
    one.pass(60_000);
    assert_eq!(one.sent(), []);
    assert_eq!(one.rig.engine.mode_of(ME), TradingMode::Running);
}

/// Goods that are held are sold: no strategy may, and the venue knows no reduce-only.
#[test]
fn spot_that_is_held_is_sold() {
    let spot = Instrument { kind: InstrumentKind::Spot, ..spec() };
    let mut one = One::with(spot, wide(), false);
    one.hold(Side::Buy, 600_000, 50);
    one.mode(TradingMode::Halted);
    one.taken = one.rig.effects.commands.len();
    flatten(&mut one, Scope::Host);
    let order = one.one();
    assert_eq!((order.side, order.quantity), (Side::Sell, 50));
    assert!(is_sealed(&one));
    one.fill(order, 599_998, 50);
    assert!(is_over(&one));
}

#[test]
fn what_a_try_leaves_is_tried_again_when_its_outcome_is_known() {
    let mut one = held(TradingMode::Halted);
    flatten(&mut one, Scope::Host);
    let first = one.one();
    one.unknown(first);
    one.pass(30_000);
    assert_eq!(one.sent(), [], "nothing is known of the last try");
    one.fill(first, 599_998, 30);
    one.expire(first);
    one.pass(10_000);
    let second = one.one();
    assert_eq!(second.quantity, 20);
    // nobody takes it: said, and tried again for as long as it takes
    one.expire(second);
    let mut tries = 0;
    for _ in 0..60 {
        one.pass(1_000);
        for again in one.sent() {
            assert_eq!((again.quantity, again.reduce_only), (20, true));
            assert!(is_sealed(&one));
            one.expire(again);
            tries += 1;
        }
    }
    assert!((10..60).contains(&tries), "{tries}");
    assert!(words(&one).contains("0.02 in v:X0 cannot be flattened: "), "{}", words(&one));
    one.pass(6_000);
    let last = one.sent().pop().expect("it gave up");
    one.fill(last, 599_998, 20);
    assert!(is_over(&one) && words(&one).is_empty());
    one.assert_restores();
}

/// Whoever asked is in the facts: the next process goes on with it, in the mode there was.
#[test]
fn a_restart_in_the_middle_goes_on_with_it() {
    for mode in [TradingMode::Running, TradingMode::Halted] {
        let mut one = held(mode);
        flatten(&mut one, Scope::Host);
        let first = one.one();
        one.restart();
        assert!(words(&one).contains("is being flattened"), "{}", words(&one));
        one.fill(first, 599_998, 20);
        one.expire(first);
        one.pass(1_000);
        let second = one.one();
        assert_eq!((second.quantity, is_sealed(&one)), (30, true), "{mode}");
        let plans = one.rig.engine.plans.singles().map(|(_, slot)| slot.plan.asked_by);
        assert_eq!(plans.collect::<Vec<_>>(), [AskedBy::Operator]);
        one.fill(second, 599_998, 30);
        assert!(is_over(&one));
        one.assert_restores();
    }
    // before its plan began: the order in its way has not ended
    let mut one = held(TradingMode::Running);
    let own = own_sell(&mut one, 50);
    flatten(&mut one, Scope::Host);
    assert_eq!(one.sent(), []);
    one.restart();
    one.rig.report(VenueReport::Canceled { wire: WireId(own), filled: None });
    assert_eq!(one.one().quantity, 50);
}

/// The strategy's own order that would close a part, as its venue has it.
fn own_sell(one: &mut One, quantity: i64) -> u64 {
    let order = one.rig.order(Side::Sell, 600_500, quantity);
    assert_eq!(one.rig.submit(order), None);
    let wire = one.rig.last_wire().0;
    one.rig.accept(wire);
    one.taken = one.rig.effects.commands.len();
    wire
}

#[test]
fn orders_in_the_way_go_first_and_one_of_unknown_outcome_counts_as_what_it_may_close() {
    let mut one = held(TradingMode::Running);
    let own = own_sell(&mut one, 20);
    flatten(&mut one, Scope::Instrument(X));
    assert_eq!((one.sent(), one.canceled()), (vec![], vec![own]));
    one.pass(1_000);
    assert_eq!(one.sent(), [], "its cancel is on its way");
    // a refused cancel is asked for again
    let reason = hedgerow_model::VenueRejection::Other(429);
    one.rig.report(VenueReport::CancelRejected { wire: WireId(own), reason });
    one.pass(1_000);
    assert_eq!(one.canceled(), [own, own]);
    one.unknown(Sent { wire: own, ..ANY });
    let order = one.one();
    assert_eq!(order.quantity, 30, "the other may close 20");
    one.fill(order, 599_998, 30);
    one.pass(20_000);
    assert_eq!(one.sent(), []);
    assert!(words(&one).contains("orders that may close it have not ended"), "{}", words(&one));
    one.fill(Sent { wire: own, ..ANY }, 600_500, 15);
    one.gone(Sent { wire: own, ..ANY });
    one.pass(6_000);
    let rest = one.one();
    assert_eq!(rest.quantity, 5);
    one.fill(rest, 599_998, 5);
    assert!(is_over(&one));
}

const ANY: Sent = Sent {
    wire: 0,
    side: Side::Sell,
    price: 0,
    quantity: 0,
    rests: true,
    post_only: false,
    reduce_only: false,
};

#[test]
fn plans_of_the_strategy_give_up_and_what_they_brought_is_closed() {
    let mut one = One::new();
    one.begin(LimitRequest::new(X, Side::Buy, base("0.05"), dec("59990"), 60_000));
    let entry = one.one();
    one.accept(entry);
    one.fill(entry, 599_900, 20);
    flatten(&mut one, Scope::Host);
    assert_eq!(one.canceled(), [entry.wire]);
    assert_eq!(one.sent(), []);
    one.fill(entry, 599_900, 10);
    one.gone(entry);
    assert!(one.is_over());
    let order = one.one();
    assert_eq!((order.side, order.quantity), (Side::Sell, 30));
    one.fill(order, 599_998, 30);
    assert!(is_over(&one));
    // a fill that comes late of what was canceled is not held either
    one.fill(entry, 599_900, 5);
    assert_eq!(one.rig.position(), 5);
}

#[test]
fn without_a_market_it_says_so_and_goes_on_when_there_is_one() {
    let mut one = held(TradingMode::Halted);
    one.market = None;
    one.restart();
    flatten(&mut one, Scope::Host);
    assert_eq!(one.sent(), []);
    let said = words(&one);
    assert!(said.contains("strategy me: 0.05 in v:X0 cannot be flattened: "), "{said}");
    assert!(matches!(step(&one), FlattenStep::Waits { .. }));
    let facts = one.rig.effects.facts.len();
    one.pass(60_000);
    assert_eq!(one.rig.effects.facts.len(), facts, "told once");
    one.market = Some((599_998, 600_000));
    one.pass(6_000);
    assert_eq!(one.one().quantity, 50);
}

#[test]
fn an_operator_who_resumes_ends_it() {
    let resumes = [
        OperatorCommand::SetMode { scope: Scope::Host, mode: TradingMode::Running },
        OperatorCommand::ResumeReducing { scope: Scope::Host },
    ];
    for command in resumes {
        let mut one = held(TradingMode::Halted);
        flatten(&mut one, Scope::Host);
        let order = one.one();
        one.say(command);
        assert!(is_over(&one) && words(&one).is_empty());
        one.fill(order, 599_998, 20);
        one.expire(order);
        one.pass(60_000);
        assert_eq!((one.sent(), one.rig.position()), (vec![], 30), "it is the strategy's again");
    }
}

/// Only the operator's word makes such a plan, and only what reduces is sealed.
#[test]
fn nobody_but_the_gate_seals_and_only_what_can_do_nothing_but_reduce() {
    let mut one = held(TradingMode::Halted);
    let json = "{\"instrument\":0,\"slippage_bps\":10,\"asked_by\":\"operator\"}";
    let refused = one.ask_json(5, "close-position", json);
    assert!(matches!(refused, Some(RiskRejection::PlanUnreadable { .. })), "{refused:?}");
    let now = HostTime::from_nanos(one.rig.now);
    let reduce_only = OrderFlags { post_only: false, reduce_only: true };
    let flattens = Some(Action::OperatorFlattens);
    let close = NewOrder { flags: reduce_only, ..one.rig.order(Side::Sell, 599_998, 50) };
    let engine = &mut one.rig.engine;
    let sealed = engine.approve(now, ME, &close, flattens).map(|order| order.flattens());
    assert_eq!(sealed, Ok(true));
    // more than is held, the other way, beside what closes already
    let more = NewOrder { quantity: Quantity::from_units(51), ..close };
    let opens = NewOrder { side: Side::Buy, price: Price::from_units(600_000), ..close };
    for order in [more, opens, NewOrder { flags: OrderFlags::default(), ..more }] {
        let refused = engine.approve(now, ME, &order, flattens);
        assert_eq!(refused, Err(RiskRejection::WouldIncrease));
    }
    // without the flag a venue would not hold it to that
    let bare = NewOrder { flags: OrderFlags::default(), ..close };
    let bare = engine.approve(now, ME, &bare, flattens).map(|order| order.flattens());
    assert_eq!(bare, Ok(false));
    // whatever else reduces bears no such seal
    one.mode(TradingMode::Running);
    for action in [None, Some(Action::PlanUnwinds), Some(Action::StrategyReduces)] {
        let sealed = one.rig.engine.approve(now, ME, &close, action).map(|o| o.flattens());
        assert_eq!(sealed, Ok(false), "{action:?}");
    }
}

/// An operator who halts after a flatten stops that too; one that a guard halts goes on.
#[test]
fn a_halt_of_an_operator_ends_it_and_it_can_be_asked_for_again() {
    let mut one = held(TradingMode::Running);
    flatten(&mut one, Scope::Host);
    let order = one.one();
    one.expire(order);
    one.say(OperatorCommand::SetMode { scope: Scope::Host, mode: TradingMode::Halted });
    assert!(is_over(&one));
    one.pass(60_000);
    assert_eq!(one.sent(), []);
    one.assert_restores();
    flatten(&mut one, Scope::Host);
    let order = one.one();
    one.fill(order, 599_998, 50);
    assert!(is_over(&one));
}

/// What is held may be more than the largest order of now: it goes in parts.
#[test]
fn more_than_the_largest_order_is_closed_in_parts() {
    let mut one = held(TradingMode::Running);
    let most = Some(Quantity::from_units(20));
    let terms = hedgerow_model::Terms { max_quantity: most, ..spec().terms() };
    one.rig.report(VenueReport::Terms { instrument: X, terms });
    flatten(&mut one, Scope::Host);
    for part in [20, 20, 10] {
        let order = one.one();
        assert_eq!(order.quantity, part);
        one.fill(order, 599_998, part);
        one.pass(200);
    }
    assert!(is_over(&one));
}
