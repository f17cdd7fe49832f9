//! Saved levels against changed parameters.

use super::*;
use hedgerow_sdk::Runtime;

fn moved() -> serde_json::Value {
    with(g1(), serde_json::json!({ "start": "90", "end": "110" }))
}

fn prices_of(h: &Harness<Grid>) -> Vec<i64> {
    let mut prices: Vec<i64> = h.open(Side::Buy).into_iter().map(|order| order.1).collect();
    prices.sort_unstable();
    prices
}

#[test]
fn changed_parameters_are_laid_out_anew_when_all_is_flat() {
    let saved = started(&g1()).save();
    let told = resumed(vec![], 0, "0");
    let mut h = Harness::<Grid>::restored(&moved(), market(), Some(&saved), told);
    h.quote(1, 9_999, 10_001);
    assert_eq!(prices_of(&h)[0], 9_000);
    assert_eq!(h.status()["waits_for_new_levels"], false);
}

#[test]
fn unchanged_parameters_keep_their_levels() {
    let h = started(&g1());
    let told = resumed(live(&h), 0, "0");
    let mut again = Harness::<Grid>::restored(&g1(), market(), Some(&h.save()), told);
    again.quote(1, 9_999, 10_001);
    assert_eq!(prices_of(&again), prices_of(&h));
    assert!(again.intents().is_empty());
}

#[test]
fn a_position_refuses_changed_parameters_and_names_them() {
    let mut h = started(&g1());
    let (number, quantity) = nearest(&h);
    h.fill(number, quantity);
    let p = moved().to_string();
    let refused = Runtime::<Grid>::init(&p, market(), Some(&h.save())).err();
    let Some(InitError::BadParameters(why)) = refused else { panic!("{refused:?}") };
    assert!(why.starts_with("start, end changed"), "{why}");
    // what does not move levels may change
    let p = with(g1(), serde_json::json!({ "take_profit": "0.01", "stop_loss": "0.1" }));
    assert!(Runtime::<Grid>::init(&p.to_string(), market(), Some(&h.save())).is_ok());
}

#[test]
fn live_orders_are_taken_back_before_the_levels_change() {
    let h = started(&with(g1(), serde_json::json!({ "max_open": 2 })));
    let orders = live(&h);
    let p = with(moved(), serde_json::json!({ "max_open": 2 }));
    let told = resumed(orders.clone(), 0, "0");
    let mut again = Harness::<Grid>::restored(&p, market(), Some(&h.save()), told);
    let numbers: Vec<u64> = orders.iter().map(|order| order.number).collect();
    let mut taken_back = canceled(&mut again);
    taken_back.sort_unstable();
    assert_eq!(taken_back, numbers);
    again.quote(1, 9_999, 10_001);
    assert!(again.submitted().is_empty(), "the old ones may still fill");
    // one does: it is closed at its profit, and only then are there new levels
    again.fill(numbers[0], 47);
    let [(close, _, 47)] = again.open(Side::Sell)[..] else { panic!("one close") };
    again.update(numbers[1], OrderStatus::Canceled);
    again.quote(1, 9_999, 10_001);
    assert!(again.open(Side::Buy).is_empty());
    again.fill(close, 47);
    again.quote(1, 9_999, 10_001);
    assert_eq!(again.open(Side::Buy).len(), 2);
    assert_eq!(again.status()["waits_for_new_levels"], false);
}

#[test]
fn a_grid_that_could_not_be_is_tried_again() {
    let poor = with(g1(), serde_json::json!({ "total_quote": "3" }));
    let mut h = Harness::<Grid>::new(&poor, market());
    h.quote(1, 9_999, 10_001);
    assert_eq!(h.status()["done"], true);
    let told = resumed(vec![], 0, "0");
    let mut again = Harness::<Grid>::restored(&g1(), market(), Some(&h.save()), told);
    again.quote(1, 9_999, 10_001);
    assert_eq!(again.status()["done"], false);
    assert!(!again.open(Side::Buy).is_empty());
}

#[test]
fn a_grid_that_was_stopped_stays_so_until_its_levels_change() {
    let p = with(g1(), serde_json::json!({ "limit_price": "96", "max_open": 1 }));
    let mut h = started(&p);
    let (number, _) = nearest(&h);
    h.quote(1, 9_590, 9_592);
    h.update(number, OrderStatus::Canceled);
    assert_eq!(h.status()["done"], true);
    let start = |p: &serde_json::Value| {
        let told = resumed(vec![], 0, "0");
        let mut again = Harness::<Grid>::restored(p, market(), Some(&h.save()), told);
        again.quote(1, 9_999, 10_001);
        again.open(Side::Buy).len()
    };
    assert_eq!(start(&p), 0);
    assert_eq!(start(&with(p, serde_json::json!({ "start": "94" }))), 1);
}
