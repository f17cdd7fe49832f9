//! Barriers over the whole position: B1, B2, and the loss of the whole grid.

use super::*;
use crate::stops::{OpenProfit, trail};

/// The whole position as a share, before fees of closing.
fn holding(share: &str) -> Option<OpenProfit> {
    Some(OpenProfit { gain: dec(share), exit_fee: Decimal::ZERO, cost: Decimal::ONE })
}

/// Vector B1: entry 100, fees 0.0005 each way, bid 102.05.
#[test]
fn vector_b1_the_fee_of_closing_counts() {
    let i = perpetual(1, "market", 2, 2);
    let mut ctx = Harness::<Grid>::new(&g1(), market());
    ctx.quote(1, 10_205, 10_206);
    let mut level = Level::new(PlannedLevel {
        price: Price::from_units(10_000),
        quantity: Quantity::from_units(100),
        side: Side::Buy,
    });
    level.add(&i.spec, Price::from_units(10_000), 100, dec("0.05"));
    let open = stops::open_profit(&[level], &i, ctx.context()).unwrap();
    assert_eq!(open.share(), dec("0.0200"));
    assert_eq!(open.net_share(), dec("0.01948975"));
}

/// Vector B2: activation 0.010, delta 0.004.
#[test]
fn vector_b2_the_trailing_stop() {
    let trailing = serde_json::json!({ "trailing_activation": "0.010", "trailing_delta": "0.004" });
    let p = parameters(with(g1(), trailing));
    let mut trigger = None;
    let steps = [
        ("0.004", None, false),
        ("0.011", Some("0.007"), false),
        ("0.018", Some("0.014"), false),
        ("0.016", Some("0.014"), false),
        ("0.0139", Some("0.014"), true),
    ];
    for (profit, at, fires) in steps {
        assert_eq!(trail(&p, &mut trigger, holding(profit)), fires, "{profit}");
        assert_eq!(trigger, at.map(dec), "{profit}");
    }
    assert!(!trail(&p, &mut trigger, None));
    assert_eq!(trigger, None, "a position that is gone takes it along");
}

/// A trigger of exactly zero is armed.
#[test]
fn a_trigger_at_zero_fires_below_it() {
    let trailing = serde_json::json!({ "trailing_activation": "0.004", "trailing_delta": "0.005" });
    let p = parameters(with(g1(), trailing));
    let mut trigger = None;
    assert!(!trail(&p, &mut trigger, holding("0.005")));
    assert_eq!(trigger, Some(Decimal::ZERO));
    assert!(!trail(&p, &mut trigger, holding("0")));
    assert!(trail(&p, &mut trigger, holding("-0.0001")));
}

/// One level filled at 99.50 and its close far away.
fn holding_one(more: serde_json::Value) -> Harness<Grid> {
    let far = serde_json::json!({ "max_open": 1, "take_profit": "0.2" });
    let mut h = started(&with(with(g1(), far), more));
    let (number, quantity) = nearest(&h);
    h.fill(number, quantity);
    h
}

#[test]
fn the_profit_of_the_position_ends_the_grid_after_all_fees() {
    let mut h = holding_one(serde_json::json!({ "position_take_profit": "0.01" }));
    // 99.50 x 0.47 cost; maker 0.0002 in, taker 0.0005 out: 100.56 is not enough, 100.58 is
    h.quote(1, 10_056, 10_058);
    assert_eq!(h.strategy().state.stopping, None);
    h.quote(1, 10_058, 10_060);
    assert_eq!(h.strategy().state.stopping, Some(Stop::Profit));
}

#[test]
fn the_trailing_stop_ends_the_grid_and_survives_a_restart() {
    let p = serde_json::json!({ "trailing_activation": "0.010", "trailing_delta": "0.004" });
    let mut h = holding_one(p.clone());
    h.quote(1, 10_130, 10_132);
    assert!(h.strategy().state.trailing.is_some());
    let far = serde_json::json!({ "max_open": 1, "take_profit": "0.2" });
    let all = with(with(g1(), far), p);
    let told = resumed(live(&h), 47, "99.5");
    let mut again = Harness::<Grid>::restored(&all, market(), Some(&h.save()), told);
    again.quote(1, 10_095, 10_097);
    assert_eq!(again.strategy().state.stopping, None, "0.4 % below the highest is allowed");
    again.quote(1, 10_080, 10_082);
    assert_eq!(again.strategy().state.stopping, Some(Stop::Trailing));
}

/// 0.1 % of 1000 is 1.
#[test]
fn the_loss_of_the_whole_grid_is_a_share_of_its_money() {
    let p = serde_json::json!({ "stop_loss_total": "0.001" });
    let mut h = holding_one(p);
    h.quote(1, 9_740, 9_742); // 2.10 x 0.47 = 0.987, and the fee of 0.0093
    assert_eq!(h.strategy().state.stopping, None);
    h.quote(1, 9_736, 9_738);
    assert_eq!(h.strategy().state.stopping, Some(Stop::TotalLoss));
    assert!(!h.strategy().keeps(), "a loss is never kept");
}

/// A cycle that earned 0.216247 lets the open position lose as much more.
#[test]
fn what_closed_parts_earned_counts_for_the_whole() {
    let p = serde_json::json!({ "stop_loss_total": "0.001", "max_open": 1 });
    let mut h = started(&with(g1(), p));
    let (number, quantity) = nearest(&h);
    h.fill(number, quantity);
    let [(close, ..)] = h.open(Side::Sell)[..] else { panic!("one close") };
    h.fill(close, quantity);
    assert_eq!(h.strategy().state.realised, dec("0.216247"));
    let (number, 9_900, quantity) = h.open(Side::Buy)[0] else { panic!("the next level") };
    h.fill(number, quantity);
    h.quote(1, 9_660, 9_662); // 2.40 x 0.47: too much without the cycle before
    assert_eq!(h.strategy().state.stopping, None);
    h.quote(1, 9_640, 9_642);
    assert_eq!(h.strategy().state.stopping, Some(Stop::TotalLoss));
}
