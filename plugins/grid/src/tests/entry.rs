//! `immediate_entry`: the levels above the market are bought as one order.

use super::*;

/// 95.0 to 105.0: 21 levels of 0.47, of which 9,999 bid leaves 11 at or above the market.
fn entering(more: serde_json::Value) -> Harness<Grid> {
    started(&with(with(g1(), serde_json::json!({ "immediate_entry": true })), more))
}

fn entry(h: &Harness<Grid>) -> OrderUpdate {
    live(h).into_iter().find(|order| order.price.units() > 10_001).unwrap()
}

#[test]
fn what_the_market_has_passed_is_bought_once_as_one_order() {
    let mut h = entering(serde_json::json!({}));
    let order = entry(&h);
    assert_eq!((order.side, order.quantity.units()), (Side::Buy, 11 * 47));
    // half a percent through 100.01, up to the tick
    assert_eq!(order.price.units(), 10_052);
    h.fill_at(order.number, 10_001, 11 * 47);
    let held = h.strategy().state.levels.iter().filter(|level| level.held() == 47).count();
    assert_eq!(held, 11);
    let mut closes: Vec<i64> = h.open(Side::Sell).into_iter().map(|order| order.1).collect();
    closes.sort_unstable();
    // each at its own profit: 100.00 x 1.005 up to 105.00 x 1.005, the first from its fill
    assert_eq!((closes[0], closes[10]), (10_052, 10_553));
    h.quote(1, 9_999, 10_001);
    assert!(h.open(Side::Buy).iter().all(|order| order.1 < 10_000), "no second entry");
}

#[test]
fn a_part_goes_to_the_nearest_levels_and_the_others_wait() {
    let mut h = entering(serde_json::json!({}));
    let order = entry(&h);
    h.fill_at(order.number, 10_001, 100);
    h.update(order.number, OrderStatus::Expired);
    let held: Vec<i64> = h.strategy().state.levels.iter().map(Level::held).collect();
    assert_eq!(held[10..14], [47, 47, 6, 0]);
    h.advance(100_000_000_000);
    h.quote(1, 9_999, 10_001);
    assert!(live(&h).iter().all(|order| order.side == Side::Sell || order.price.units() < 9_999));
}

#[test]
fn an_entry_that_is_denied_waits_and_is_tried_again() {
    let mut h = entering(serde_json::json!({}));
    let order = entry(&h);
    h.update(order.number, OrderStatus::Denied);
    h.quote(1, 9_999, 10_001);
    assert!(live(&h).iter().all(|order| order.price.units() < 10_001), "not at once");
    h.advance(1_000_000_000);
    h.quote(1, 9_999, 10_001);
    assert_eq!(entry(&h).quantity.units(), 11 * 47);
}

/// The checkpoint knows of the order and not of its fills: they go where they would have gone.
#[test]
fn an_entry_that_filled_unheard_is_known_after_a_restart() {
    let p = with(g1(), serde_json::json!({ "immediate_entry": true }));
    let h = entering(serde_json::json!({}));
    let saved = h.save();
    let told = resumed(vec![], 100, "100.01");
    let mut again = Harness::<Grid>::restored(&p, market(), Some(&saved), told);
    again.quote(1, 9_999, 10_001);
    assert_eq!(again.strategy().held().units(), 100);
    let buys = again.open(Side::Buy);
    assert!(buys.iter().all(|order| order.1 < 9_999), "a second entry: {buys:?}");
    assert_eq!(said(&again.status(), "adopted"), "0");
}

#[test]
fn the_entry_keeps_to_the_position_limit() {
    let h = entering(serde_json::json!({ "max_position_base": "1" }));
    assert_eq!(entry(&h).quantity.units(), 2 * 47);
    assert_eq!(h.open(Side::Buy).len(), 1, "nothing else may open beside it");
}

/// A fee that the venue took of what was bought, over several levels: whole units, nothing lost.
#[test]
fn a_fee_in_the_base_asset_is_spread_in_whole_units() {
    let mut spot = market();
    spot[0].spec.kind = InstrumentKind::Spot;
    let p = with(g1(), serde_json::json!({ "immediate_entry": true }));
    let mut h = Harness::<Grid>::new(&p, spot);
    h.quote(1, 9_999, 10_001);
    let order = entry(&h);
    let fee = Fee { amount: dec("0.07"), asset: FeeAsset::Base };
    h.fill_for(order.number, 11 * 47, fee);
    assert_eq!(h.strategy().held().units(), 11 * 47 - 7);
    assert_eq!(h.context().position(model::InstrumentId(1)), h.strategy().held());
    assert_eq!(said(&h.status(), "adopted"), "0");
}

/// Nothing opens before the venue has said that the leverage is what was asked for.
#[test]
fn nothing_opens_before_the_leverage_is_in_force() {
    let mut h = started(&with(g1(), serde_json::json!({ "leverage": "2.5" })));
    let asks = |h: &mut Harness<Grid>| {
        let asked = |intent: &Intent| {
            matches!(intent, Intent::SetLeverage { leverage_hundredths: 250, .. })
        };
        h.intents().iter().filter(|intent| asked(intent)).count()
    };
    assert_eq!(asks(&mut h), 1);
    let told = |leverage_hundredths| Event::Leverage {
        instrument: model::InstrumentId(1),
        leverage_hundredths,
        max_hundredths: 2_000,
    };
    h.event(&told(1_000));
    h.quote(1, 9_999, 10_001);
    assert!(live(&h).is_empty());
    assert_eq!(asks(&mut h), 0, "asked a moment ago");
    h.advance(60_000_000_000);
    h.quote(1, 9_999, 10_001);
    assert_eq!(asks(&mut h), 1);
    h.event(&told(250));
    assert!(!live(&h).is_empty());
}
