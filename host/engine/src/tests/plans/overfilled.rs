//! A leg of which a late fill has brought more than was planned.

use super::*;
use hedgerow_model::VenueRejection;

/// 0.2 of each leg.
fn whole() -> Pair {
    let mut pair = Pair::new();
    pair.open(&PairRequest { size: PairSize::Base(dec("0.2")), ..request() });
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 600_000 } else { 600_299 }, 2_000);
    }
    pair
}

/// A close of half of it, whose first order of S ended without its fills: the next has made up for
/// them. Gives the first orders, S and L.
fn half_closed(pair: &mut Pair) -> Vec<Sent> {
    let close = PairRequest { buy: S, sell: L, size: PairSize::Base(dec("0.1")), ..request() };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    let first = pair.sent();
    pair.expire(first[0]);
    pair.fill(first[1], 599_998, 1_000);
    let again = pair.sent();
    pair.fill(again[0], 600_301, 1_000);
    first
}

/// A fill that comes after the end of its order has one leg closed by more than was asked for: the
/// other follows by as much, while the plan is at work and after its end. What is held of the other
/// leg is the bound.
#[test]
fn a_leg_that_is_closed_by_too_much_is_followed_by_the_other() {
    for (held, late_at_end) in [(2_000, false), (2_000, true), (1_200, true)] {
        let mut pair = whole();
        if held < 2_000 {
            assert_eq!(pair.rig.sell(599_998, 2_000 - held), None);
            let wire = pair.rig.last_wire().0;
            pair.rig.accept(wire);
            pair.rig.fill(wire, 599_998, 2_000 - held);
            pair.taken = pair.rig.effects.commands.len();
        }
        let size = PairSize::Base(dec("0.1"));
        let close = PairRequest { buy: S, sell: L, size, ..request() };
        assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
        let first = pair.sent();
        assert_eq!([first[0].leg, first[1].leg], [S, L]);
        pair.expire(first[0]);
        pair.fill(first[1], 599_998, 1_000);
        let again = pair.sent();
        assert_eq!((again.len(), again[0].leg, again[0].quantity), (1, S, 1_000));
        if late_at_end {
            pair.fill(again[0], 600_301, 1_000);
            pair.fill(first[0], 600_301, 300);
        } else {
            pair.fill(first[0], 600_301, 300);
            pair.fill(again[0], 600_301, 1_000);
        }
        pair.pass(200);
        let next = pair.sent();
        let more = (held - 1_000).min(300);
        assert_eq!((next.len(), next[0].leg, next[0].quantity), (1, L, more));
        assert!(next[0].reduce_only);
        pair.fill(next[0], 599_998, more);
        let slot = &pair.rig.engine.plans.pair(&(ME, 2)).unwrap();
        assert_eq!(slot.result.as_ref().unwrap().outcome, PairOutcome::Flat);
        assert_eq!((pair.held(L), pair.held(S)), (held - 1_000 - more, -700));
        assert!(pair.rig.effects.facts.len() < 80, "{}", pair.rig.effects.facts.len());
        pair.assert_restores();
    }
}

/// Of an open the other leg is not made larger than was asked for: what came too much is taken
/// back.
#[test]
fn what_an_open_has_too_much_is_taken_back_and_not_matched() {
    let mut pair = Pair::new();
    pair.open(&PairRequest { size: PairSize::Base(dec("0.1")), ..request() });
    let first = pair.sent();
    assert_eq!([first[0].leg, first[1].leg], [L, S]);
    pair.expire(first[0]);
    pair.fill(first[1], 600_299, 1_000);
    let again = pair.sent();
    assert_eq!((again.len(), again[0].leg, again[0].quantity), (1, L, 1_000));
    pair.fill(first[0], 600_000, 300);
    pair.fill(again[0], 600_000, 1_000);
    pair.pass(200);
    let back = pair.sent();
    assert_eq!((back.len(), back[0].leg, back[0].side), (1, L, Side::Sell));
    assert_eq!((back[0].quantity, back[0].reduce_only), (300, true));
    pair.fill(back[0], 599_998, 300);
    assert_eq!(pair.result().outcome, PairOutcome::Balanced);
    assert_eq!((pair.held(L), pair.held(S)), (1_000, -1_000));
    pair.assert_restores();
}

/// What of the strategy's own stands in the way of a leg that follows goes first.
#[test]
fn a_leg_that_follows_is_not_kept_from_it_by_a_resting_order() {
    let mut pair = whole();
    let first = half_closed(&mut pair);
    assert_eq!(pair.rig.sell(600_500, 1_000), None);
    let wire = pair.rig.last_wire();
    pair.rig.accept(wire.0);
    pair.taken = pair.rig.effects.commands.len();
    pair.fill(first[0], 600_301, 300);
    pair.pass(200);
    assert_eq!((pair.sent(), &pair.canceled), (Vec::new(), &vec![(L, wire.0)]));
    pair.rig.report(VenueReport::Canceled { wire, filled: Some(Quantity::ZERO) });
    pair.pass(200);
    let next = pair.sent();
    assert_eq!((next.len(), next[0].leg, next[0].quantity), (1, L, 300));
}

/// What could not be followed when the plan ended is not made up for with what is held later: only
/// what comes too much from then on is.
#[test]
fn a_later_position_does_not_make_up_for_what_was_looked_at() {
    let mut pair = whole();
    assert_eq!(pair.rig.sell(599_998, 1_000), None);
    let wire = pair.rig.last_wire().0;
    pair.rig.accept(wire);
    pair.rig.fill(wire, 599_998, 1_000);
    pair.taken = pair.rig.effects.commands.len();
    let close = PairRequest { buy: S, sell: L, size: PairSize::Base(dec("0.1")), ..request() };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    let first = pair.sent();
    pair.expire(first[0]);
    pair.fill(first[0], 600_301, 300);
    pair.fill(first[1], 599_998, 1_000);
    pair.pass(200);
    let again = pair.sent();
    assert_eq!((again.len(), again[0].leg, again[0].quantity), (1, S, 700));
    pair.fill(first[0], 600_301, 300);
    pair.fill(again[0], 600_301, 700);
    pair.pass(200);
    assert_eq!((pair.sent(), pair.held(L), pair.held(S)), (Vec::new(), 0, -700));
    // L is held again, for another reason
    assert_eq!(pair.rig.buy(600_000, 500), None);
    let wire = pair.rig.last_wire().0;
    pair.rig.accept(wire);
    pair.rig.fill(wire, 600_000, 500);
    pair.taken = pair.rig.effects.commands.len();
    pair.pass(200);
    assert_eq!(pair.sent(), []);
    pair.fill(first[0], 600_301, 50);
    pair.pass(200);
    let next = pair.sent();
    assert_eq!((next.len(), next[0].leg, next[0].quantity), (1, L, 50));
}

/// Only as many of the strategy's own orders go as are in the way.
#[test]
fn no_more_of_a_strategys_orders_go_than_are_in_the_way() {
    let mut pair = whole();
    let first = half_closed(&mut pair);
    for price in [600_500, 600_510] {
        assert_eq!(pair.rig.sell(price, 500), None);
        let wire = pair.rig.last_wire().0;
        pair.rig.accept(wire);
    }
    pair.taken = pair.rig.effects.commands.len();
    pair.fill(first[0], 600_301, 300);
    pair.pass(200);
    assert_eq!((pair.sent(), pair.canceled.len()), (Vec::new(), 1), "half of it is enough");
    let wire = WireId(pair.canceled[0].1);
    // its venue refuses that: it is asked again after a second, and not every moment
    pair.rig.report(VenueReport::CancelRejected { wire, reason: VenueRejection::Other(1) });
    pair.pass(300);
    assert_eq!((pair.sent(), pair.canceled.len()), (Vec::new(), 1));
    pair.pass(800);
    assert_eq!((pair.sent(), pair.canceled.len()), (Vec::new(), 2));
    pair.rig.report(VenueReport::Canceled { wire, filled: Some(Quantity::ZERO) });
    pair.pass(200);
    let next = pair.sent();
    assert_eq!((next.len(), next[0].leg, next[0].quantity), (1, L, 300));
}

/// One leg is closed and of the other less is left than an order can be: it is alone, which people
/// are told.
#[test]
fn a_leg_that_is_left_with_less_than_an_order_is_stuck() {
    let mut specs = legs();
    specs[0].min_quantity = Quantity::from_units(300);
    let mut pair = Pair::with(specs, wide(), false);
    pair.open(&PairRequest { size: PairSize::Base(dec("0.1")), ..request() });
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 600_000 } else { 600_299 }, 1_000);
    }
    let close = PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    let sent = pair.sent();
    pair.fill(sent[0], 600_301, 1_000);
    pair.fill(sent[1], 599_998, 800);
    pair.expire(sent[1]);
    pair.pass(200);
    assert_eq!(pair.sent(), []);
    let slot = &pair.rig.engine.plans.pair(&(ME, 2)).unwrap();
    let outcome = &slot.result.as_ref().unwrap().outcome;
    let why = "what differs is less than an order can be".to_owned();
    assert_eq!(*outcome, PairOutcome::Stuck { why });
    assert_eq!(pair.rig.engine.mode_of(ME), TradingMode::ReduceOnly);
}
