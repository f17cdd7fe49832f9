//! Both ways around a centre: one position at the venue, long and short levels here.

use super::*;

fn neutral(more: serde_json::Value) -> serde_json::Value {
    let base = serde_json::json!({
        "direction": "neutral", "start": "98", "end": "102", "min_step": "0.01", "centre": "100",
    });
    with(with(g1(), base), more)
}

/// 98, 99.33, 100.67, 102: buys below 100, sells above.
#[test]
fn levels_below_the_centre_buy_and_those_above_sell() {
    let h = started(&neutral(serde_json::json!({})));
    let prices = |side| {
        let mut prices: Vec<i64> = h.open(side).into_iter().map(|order| order.1).collect();
        prices.sort_unstable();
        prices
    };
    assert_eq!(prices(Side::Buy), [9_800, 9_933]);
    assert_eq!(prices(Side::Sell), [10_067, 10_200]);
}

/// A level on the centre itself is neither below nor above it.
#[test]
fn a_level_on_the_centre_is_left_out() {
    let i = perpetual(1, "market", 2, 2);
    let p = neutral(serde_json::json!({ "max_levels": 3 }));
    let plan = plan(&parameters(p), &i.spec, dec("100")).unwrap();
    assert_eq!(prices(&plan, &i), ["98.00", "102.00"]);
}

fn number(h: &Harness<Grid>, side: Side, price: i64) -> u64 {
    h.open(side).into_iter().find(|order| order.1 == price).unwrap().0
}

/// Long and short levels are one position at the venue: their closes may not be reduce-only, for
/// there is nothing to reduce when they are equal.
#[test]
fn a_long_and_a_short_level_are_closed_each_at_its_profit() {
    let mut h = started(&neutral(serde_json::json!({ "take_profit": "0.02" })));
    let quantity = h.open(Side::Buy)[0].2;
    let low = number(&h, Side::Buy, 9_933);
    h.fill(low, quantity);
    let high = number(&h, Side::Sell, 10_067);
    h.fill(high, quantity);
    assert_eq!(h.strategy().held(), Quantity::ZERO);
    let opens = [9_800, 10_200];
    let mut closes = live(&h);
    closes.retain(|order| !opens.contains(&order.price.units()));
    let mut asked: Vec<_> = closes.iter().map(|o| (o.side, o.price.units())).collect();
    asked.sort_by_key(|close| close.1);
    assert_eq!(asked, [(Side::Buy, 9_865), (Side::Sell, 10_132)]);
    for close in closes {
        h.fill(close.number, quantity);
    }
    assert_eq!(h.strategy().state.cycles, 2);
    // (101.32 - 99.33 + 100.67 - 98.65) x quantity, less four maker fees
    let size = Decimal::new(quantity, 2);
    let fees = (dec("101.32") + dec("99.33") + dec("100.67") + dec("98.65")) * dec("0.0002");
    assert_eq!(h.strategy().state.realised, (dec("4.01") - fees) * size);
}

#[test]
fn both_ends_have_a_limit_price() {
    for (bid, ask) in [(9_600, 9_602), (10_400, 10_402)] {
        let ends = serde_json::json!({ "limit_price": "97", "upper_limit_price": "103" });
        let mut h = started(&neutral(ends));
        h.quote(1, bid, ask);
        assert_eq!(h.strategy().state.stopping, Some(Stop::LimitPrice));
    }
    let mut h = started(&neutral(serde_json::json!({})));
    h.quote(1, 10_400, 10_402);
    assert_eq!(h.strategy().state.stopping, None, "it waits until the market comes back");
}

/// What is long in one level and short in another is closed against itself, and only the rest goes
/// to the venue.
#[test]
fn a_neutral_grid_that_ends_closes_the_net_position() {
    let ends = serde_json::json!({ "limit_price": "97", "take_profit": "0.05" });
    let mut h = started(&neutral(ends));
    let quantity = h.open(Side::Buy)[0].2;
    for (side, price) in [(Side::Buy, 9_933), (Side::Buy, 9_800), (Side::Sell, 10_067)] {
        let number = number(&h, side, price);
        h.fill(number, quantity);
    }
    h.quote(1, 9_600, 9_602);
    let resting: Vec<u64> = live(&h).iter().map(|order| order.number).collect();
    h.intents();
    for number in resting {
        h.update(number, OrderStatus::Canceled);
    }
    let [(close, _, left)] = h.open(Side::Sell)[..] else { panic!("one close") };
    assert_eq!(left, quantity);
    h.fill(close, quantity);
    h.quote(1, 9_600, 9_602);
    assert_eq!(h.status()["done"], true);
    assert!(h.strategy().state.levels.iter().all(|level| level.held() == 0));
}

#[test]
fn the_position_stays_within_its_limit_on_both_sides() {
    let i = perpetual(1, "market", 2, 2);
    let p = neutral(serde_json::json!({}));
    let one = i.spec.quantity(plan(&parameters(p), &i.spec, dec("100")).unwrap()[0].quantity);
    let most = serde_json::json!({ "max_position_base": one.to_string() });
    let h = started(&neutral(most));
    assert_eq!((h.open(Side::Buy).len(), h.open(Side::Sell).len()), (1, 1));
    assert_eq!(h.open(Side::Buy)[0].1, 9_933, "the nearest first");
}
