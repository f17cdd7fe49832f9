//! Fills that were not heard, or heard after their order had left its level.

use super::*;

fn one_open() -> serde_json::Value {
    with(g1(), serde_json::json!({ "max_open": 1 }))
}

fn again(saved: &SavedState, told: ResumedState) -> Harness<Grid> {
    Harness::<Grid>::restored(&one_open(), market(), Some(saved), told)
}

#[test]
fn what_a_live_order_filled_unheard_is_booked_to_its_level() {
    let mut h = started(&one_open());
    let (number, _) = nearest(&h);
    let saved = h.save(); // the last checkpoint: it placed the order
    h.fill(number, 20);
    let mut again = again(&saved, resumed(live(&h), 20, "99.5"));
    assert_eq!(said(&again.status(), "held"), "0.2");
    again.quote(1, 9_999, 10_001);
    again.fill(number, 27);
    let [(_, price, quantity)] = again.open(Side::Sell)[..] else { panic!("one close") };
    assert_eq!((price, quantity), (10_000, 47));
    assert_eq!(said(&again.status(), "adopted"), "0");
}

#[test]
fn an_open_that_filled_unheard_is_closed_and_not_opened_again() {
    let h = started(&one_open());
    let saved = h.save();
    // it filled, and what the strategy made of that was never committed
    let mut again = again(&saved, resumed(vec![], 47, "99.5"));
    again.quote(1, 9_999, 10_001);
    let [(_, price, quantity)] = again.open(Side::Sell)[..] else { panic!("one close") };
    assert_eq!((price, quantity), (10_000, 47));
    assert!(again.open(Side::Buy).iter().all(|order| order.1 < 9_950));
    assert_eq!(said(&again.status(), "adopted"), "0");
}

#[test]
fn a_close_that_filled_unheard_completes_its_cycle() {
    let mut h = started(&one_open());
    let (number, quantity) = nearest(&h);
    h.fill(number, quantity);
    let saved = h.save();
    let opens = live(&h).into_iter().filter(|order| order.side == Side::Buy).collect();
    let mut again = again(&saved, resumed(opens, 0, "0"));
    assert_eq!(again.status()["cycles"], 1);
    // 0.5 x 0.47 - 0.0002 x (100.00 + 99.50) x 0.47, as if it had been heard
    assert_eq!(dec(said(&again.status(), "realised")), dec("0.216247"));
    again.advance(2_000_000_000);
    again.quote(1, 9_999, 10_001);
    assert!(again.open(Side::Sell).is_empty());
}

#[test]
fn a_position_that_no_level_explains_is_adopted_and_only_closed() {
    let told = resumed(vec![], 47, "99.5");
    let mut h = Harness::<Grid>::restored(&one_open(), market(), None, told);
    assert_eq!(said(&h.status(), "adopted"), "0.47");
    h.quote(1, 9_999, 10_001);
    let [(number, price, quantity)] = h.open(Side::Sell)[..] else { panic!("one close") };
    assert_eq!((price, quantity), (10_000, 47));
    assert!(h.submitted().iter().any(|order| order.flags.reduce_only));
    h.fill(number, 47);
    h.quote(1, 9_999, 10_001);
    assert_eq!(said(&h.status(), "adopted"), "0");
    assert_eq!(h.status()["levels"], 21);
    assert!(h.open(Side::Sell).is_empty());
}

#[test]
fn what_was_adopted_is_closed_even_where_there_is_no_grid() {
    let poor = with(g1(), serde_json::json!({ "total_quote": "3" }));
    let told = resumed(vec![], 47, "99.5");
    let mut h = Harness::<Grid>::restored(&poor, market(), None, told);
    h.quote(1, 9_999, 10_001);
    assert_eq!(h.status()["done"], true);
    assert_eq!(h.open(Side::Sell).len(), 1);
}

#[test]
fn a_position_against_the_grid_is_bought_back() {
    let told = resumed(vec![], -30, "100.5");
    let mut h = Harness::<Grid>::restored(&one_open(), market(), None, told);
    h.quote(1, 10_001, 10_003);
    let closes: Vec<_> =
        h.submitted().into_iter().filter(|order| order.flags.reduce_only).collect();
    assert_eq!(closes.len(), 1);
    assert_eq!((closes[0].side, closes[0].quantity.units()), (Side::Buy, 30));
    assert_eq!(closes[0].price.units(), 9_999); // 100.5 x 0.995 = 99.9975, rounded down
}

#[test]
fn orders_that_no_level_owns_are_canceled() {
    let h = started(&one_open());
    let saved = h.save();
    let mut orders = live(&h);
    orders.push(OrderUpdate { number: 77, price: Price::from_units(9_100), ..orders[0] });
    let mut again = again(&saved, resumed(orders, 0, "0"));
    assert_eq!(canceled(&mut again), [77]);
    // it fills before the cancel gets there
    again.quote(1, 9_999, 10_001);
    again.fill(77, 10);
    assert_eq!(said(&again.status(), "adopted"), "0.1");
    assert_eq!(again.open(Side::Sell).iter().map(|order| order.2).sum::<i64>(), 10);
}

#[test]
fn a_late_fill_belongs_to_the_level_its_order_had() {
    let mut h = started(&one_open());
    let (number, _) = nearest(&h);
    h.update(number, OrderStatus::Canceled);
    h.fill(number, 20);
    let [(_, price, quantity)] = h.open(Side::Sell)[..] else { panic!("one close") };
    assert_eq!((price, quantity), (10_000, 20));
    assert_eq!(said(&h.status(), "adopted"), "0");
}

#[test]
fn a_late_fill_of_a_close_takes_back_what_would_close_it_again() {
    let mut h = started(&one_open());
    let (number, quantity) = nearest(&h);
    h.fill(number, quantity);
    let [(first, ..)] = h.open(Side::Sell)[..] else { panic!("one close") };
    h.fill(first, 7);
    h.update(first, OrderStatus::Canceled);
    let [(second, _, 40)] = h.open(Side::Sell)[..] else { panic!("the rest") };
    h.intents();
    h.fill(first, 40);
    assert_eq!(said(&h.status(), "held"), "0");
    assert_eq!(canceled(&mut h), [second]);
}

#[test]
fn a_position_changed_from_outside_is_followed() {
    let mut h = started(&one_open());
    let (number, quantity) = nearest(&h);
    h.fill(number, quantity);
    let [(close, ..)] = h.open(Side::Sell)[..] else { panic!("one close") };
    h.intents();
    let (instrument, entry) = (model::InstrumentId(1), Decimal::ZERO);
    let flat = PositionUpdate { instrument, quantity: Quantity::ZERO, entry };
    h.event(&Event::Position(flat));
    assert_eq!(said(&h.status(), "held"), "0");
    assert_eq!(canceled(&mut h), [close]);
}

#[test]
fn state_of_version_1_is_read() {
    let level = |price: i64, state: &str, order: u64, held: i64, cost: &str| {
        serde_json::json!({
            "price": price, "quantity": 47, "state": state, "order": order, "armed": true,
            "retry_at": 0, "held": held, "cost": cost, "fees": "0",
        })
    };
    let state = serde_json::json!({
        // 30 of 47 left to close, and 20 of 47 opened
        "levels": [
            level(9_900, "OpenPlaced", 6, 20, "19.8"),
            level(9_950, "ClosePlaced", 5, 30, "29.85"),
        ],
        "last_open": 1, "started": 1, "realised": "0.2", "fees": "0.1", "cycles": 3,
        "stopping": null, "close_order": null, "done": false,
    });
    let saved = SavedState { version: 1, data: save_json(&state) };
    let order = |number, side, price, filled| OrderUpdate {
        number,
        instrument: model::InstrumentId(1),
        side,
        status: OrderStatus::PartiallyFilled,
        price: Price::from_units(price),
        quantity: Quantity::from_units(47),
        filled: Quantity::from_units(filled),
        reason: 0,
    };
    let orders = vec![order(5, Side::Sell, 10_000, 17), order(6, Side::Buy, 9_900, 25)];
    let mut again = again(&saved, resumed(orders, 55, "99"));
    let status = again.status();
    assert_eq!((said(&status, "held"), &status["cycles"]), ("0.55", &3.into()));
    assert_eq!((&status["levels"], &status["closing"]), (&2.into(), &1.into()));
    again.fill(5, 30);
    assert_eq!(again.status()["cycles"], 4);
}

/// Levels of version 2 did not say how they open: those of a sell grid are read as selling.
#[test]
fn state_of_version_2_of_a_sell_grid_is_read() {
    let p = with(one_open(), serde_json::json!({ "direction": "sell" }));
    let h = started(&p);
    let mut state: serde_json::Value = serde_json::from_slice(&h.save().data).unwrap();
    for level in state["levels"].as_array_mut().unwrap() {
        assert_eq!(level.as_object_mut().unwrap().remove("sells"), Some(true.into()));
    }
    let saved = SavedState { version: 2, data: save_json(&state) };
    let told = resumed(live(&h), 0, "0");
    let mut again = Harness::<Grid>::restored(&p, market(), Some(&saved), told);
    again.quote(1, 9_999, 10_001);
    let [(number, price, quantity)] = again.open(Side::Sell)[..] else { panic!("one open") };
    again.fill(number, quantity);
    let [(_, close, _)] = again.open(Side::Buy)[..] else { panic!("one close") };
    assert!(close < price, "{close} closes {price}");
    assert_eq!(again.strategy().held().units(), -quantity);
    assert_eq!(said(&again.status(), "adopted"), "0");
}
