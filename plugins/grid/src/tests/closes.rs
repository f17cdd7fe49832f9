//! Closes near the market only, in sizes the venue takes.

use super::*;
use hedgerow_sdk::model::VenueRejection;

const SECOND: u64 = 1_000_000_000;

#[test]
fn closes_stay_within_the_bound_with_room_before_they_are_taken_back() {
    let bound = serde_json::json!({ "activation_bound": "0.01", "max_open": 1 });
    let mut h = started(&with(g1(), bound));
    let (number, quantity) = nearest(&h);
    h.quote(1, 9_849, 9_851); // 99.50 filled in a fall: its close at 100.00 is 1.5 % away
    h.fill(number, quantity);
    assert!(h.open(Side::Sell).is_empty());
    h.advance(SECOND);
    h.quote(1, 9_904, 9_906);
    let [(close, 10_000, 47)] = h.open(Side::Sell)[..] else { panic!("near enough now") };
    h.intents();
    h.quote(1, 9_889, 9_891);
    assert!(!canceled(&mut h).contains(&close), "within bound x 1.2");
    h.quote(1, 9_879, 9_881);
    assert!(canceled(&mut h).contains(&close));
}

#[test]
fn a_denied_order_of_a_level_waits_twice_as_long_each_time() {
    let mut h = started(&with(g1(), serde_json::json!({ "max_open": 1 })));
    let (number, quantity) = nearest(&h);
    h.fill(number, quantity);
    let mut waits = Vec::new();
    for _ in 0..8 {
        let [(close, ..)] = h.open(Side::Sell)[..] else { panic!("one close") };
        h.update(close, OrderStatus::Denied);
        let mut waited = 0;
        while h.open(Side::Sell).is_empty() {
            h.advance(SECOND);
            h.quote(1, 9_999, 10_001);
            waited += 1;
        }
        waits.push(waited);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
}

#[test]
fn a_post_only_order_that_would_take_waits_no_longer_than_before() {
    let mut h = started(&with(g1(), serde_json::json!({ "max_open": 1 })));
    let (number, quantity) = nearest(&h);
    h.fill(number, quantity);
    for _ in 0..3 {
        let close = live(&h).into_iter().find(|order| order.side == Side::Sell).unwrap();
        let reason = VenueRejection::PostOnlyWouldTake.code();
        h.event(&Event::Order(OrderUpdate { status: OrderStatus::Rejected, reason, ..close }));
        h.update(close.number, OrderStatus::Rejected); // the harness learns it, the grid twice
        let sells = || live(&h).iter().filter(|order| order.side == Side::Sell).count();
        assert_eq!(sells(), 0);
        h.advance(SECOND);
        h.quote(1, 9_999, 10_001);
        assert_eq!(live(&h).iter().filter(|order| order.side == Side::Sell).count(), 1);
    }
}

#[test]
fn a_part_too_small_to_close_goes_with_the_next() {
    let mut instruments = market();
    instruments[0].spec.min_quantity = Quantity::from_units(10);
    let mut h =
        Harness::<Grid>::new(&with(g1(), serde_json::json!({ "max_open": 2 })), instruments);
    h.quote(1, 9_999, 10_001);
    let (number, _) = nearest(&h);
    h.fill(number, 4);
    h.update(number, OrderStatus::Canceled);
    assert!(h.open(Side::Sell).is_empty(), "below the venue's least");
    h.quote(1, 9_894, 9_896);
    let (next, quantity) = nearest(&h);
    h.fill(next, quantity);
    let [(close, price, 51)] = h.open(Side::Sell)[..] else { panic!("{:?}", h.open(Side::Sell)) };
    // 4 at 99.50 and 47 at 99.00 average 99.04: worse than the level, so the profit is from there
    assert_eq!(price, 9_954);
    h.fill(close, 51);
    assert_eq!(said(&h.status(), "held"), "0");
    h.advance(SECOND);
    h.quote(1, 9_999, 10_001);
    assert_eq!(h.open(Side::Buy).len(), 2, "both levels open again");
}

/// What the gate and the venue would refuse again and again.
#[test]
fn a_part_worth_too_little_to_close_goes_with_the_next() {
    let neutral = serde_json::json!({ "max_open": 2, "direction": "neutral", "centre": "104.9" });
    let buy = serde_json::json!({ "max_open": 2 });
    for (kind, more) in [(InstrumentKind::Spot, buy), (InstrumentKind::LinearPerpetual, neutral)] {
        let mut instruments = market();
        (instruments[0].spec.kind, instruments[0].spec.min_notional) = (kind, Some(dec("10")));
        let mut h = Harness::<Grid>::new(&with(g1(), more), instruments);
        h.quote(1, 9_999, 10_001);
        let (number, _) = nearest(&h);
        h.fill(number, 9);
        h.update(number, OrderStatus::Canceled);
        assert!(h.open(Side::Sell).is_empty(), "{kind:?}: 9 at 100.00 are not worth 10");
        h.quote(1, 9_894, 9_896);
        let (next, quantity) = nearest(&h);
        h.fill(next, quantity);
        let [(close, _, 56)] = h.open(Side::Sell)[..] else { panic!("{:?}", h.open(Side::Sell)) };
        h.fill(close, 56);
        assert_eq!(said(&h.status(), "held"), "0");
    }
}

/// What can only reduce is worth what it is: derivatives make an exception for it.
#[test]
fn a_reduction_of_a_derivative_may_be_worth_little() {
    let mut instruments = market();
    instruments[0].spec.min_notional = Some(dec("10"));
    let mut h =
        Harness::<Grid>::new(&with(g1(), serde_json::json!({ "max_open": 1 })), instruments);
    h.quote(1, 9_999, 10_001);
    let (number, _) = nearest(&h);
    h.fill(number, 9);
    h.update(number, OrderStatus::Canceled);
    assert_eq!(h.open(Side::Sell).iter().map(|order| order.2).collect::<Vec<_>>(), [9]);
}

#[test]
fn two_small_parts_make_one_that_can_be_closed() {
    let mut instruments = market();
    instruments[0].spec.min_quantity = Quantity::from_units(10);
    let mut h =
        Harness::<Grid>::new(&with(g1(), serde_json::json!({ "max_open": 2 })), instruments);
    h.quote(1, 9_999, 10_001);
    for _ in 0..2 {
        let (number, _) = nearest(&h);
        h.fill(number, 6);
        h.update(number, OrderStatus::Canceled);
    }
    assert_eq!(h.open(Side::Sell).iter().map(|order| order.2).collect::<Vec<_>>(), [12]);
}
