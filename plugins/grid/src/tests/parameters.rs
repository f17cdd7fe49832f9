//! Parameters that make no sense, and where levels are.

use super::*;
use hedgerow_sdk::model::PriceGrid;

#[test]
fn the_step_of_significant_figures_is_that_of_the_middle() {
    let mut i = perpetual(1, "market", 4, 2);
    i.spec.grid = PriceGrid::SignificantFigures { figures: 3, max_decimals: 4 };
    let p = parameters(with(g1(), serde_json::json!({ "min_step": "0.0001" })));
    // three figures around 100 are whole numbers: 10 % of range in steps of 1 % of the middle
    assert_eq!(plan(&p, &i.spec, dec("100")).unwrap().len(), 10);
}

#[test]
fn parameters_that_make_no_sense_are_refused_with_a_sentence() {
    let fee = dec("0.0002");
    let check = |more: serde_json::Value| parameters(with(g1(), more)).check(fee).unwrap_err();
    for key in ["close_slippage", "safe_extra_spread", "min_step"] {
        for value in ["-0.001", "1"] {
            let why = check(serde_json::json!({ key: value }));
            assert!(why.starts_with(&format!("{key} is {value}")), "{why}");
        }
    }
    for key in ["stop_loss", "activation_bound", "limit_price"] {
        for value in ["-0.1", "0"] {
            let why = check(serde_json::json!({ key: value }));
            assert!(why.starts_with(&format!("{key} is {value}")), "{why}");
        }
    }
    let why = check(serde_json::json!({ "direction": "sell", "take_profit": "1" }));
    assert!(why.contains("take_profit is 1"), "{why}");
    let buys = with(g1(), serde_json::json!({ "take_profit": "1" }));
    assert_eq!(parameters(buys).check(fee), Ok(()));
    let refused = [
        (serde_json::json!({ "trailing_delta": "0.01" }), "trailing_activation and"),
        (serde_json::json!({ "leverage": "2.505" }), "leverage is 2.505"),
        (serde_json::json!({ "centre": "100" }), "centre is for neutral"),
        (serde_json::json!({ "upper_limit_price": "110" }), "upper_limit_price is for neutral"),
        (serde_json::json!({ "direction": "neutral", "centre": "105" }), "centre is 105"),
        (serde_json::json!({ "max_position_base": "0" }), "max_position_base is 0"),
    ];
    for (more, begins) in refused {
        let why = check(more);
        assert!(why.starts_with(begins), "{why}");
    }
    let why = parameters(g1()).check(Decimal::ONE).unwrap_err();
    assert!(why.contains("maker fee of 1"), "{why}");
}

/// A spot market is neither sold short nor levered.
#[test]
fn what_a_spot_market_cannot_do_is_refused() {
    let mut spot = perpetual(1, "market", 2, 2);
    let neutral = parameters(with(g1(), serde_json::json!({ "direction": "neutral" })));
    let levered = parameters(with(g1(), serde_json::json!({ "leverage": "3" })));
    assert_eq!(neutral.check_market(&spot.spec), Ok(()));
    assert_eq!(levered.check_market(&spot.spec), Ok(()));
    spot.spec.kind = InstrumentKind::Spot;
    assert!(neutral.check_market(&spot.spec).unwrap_err().contains("use buy"));
    assert!(levered.check_market(&spot.spec).unwrap_err().contains("leave it out"));
    assert_eq!(parameters(g1()).check_market(&spot.spec), Ok(()));
}

/// 1000 over 21 levels: 47.62 each, in lots of 0.01 at its own price, never more than that.
#[test]
fn levels_of_equal_worth_trade_less_where_the_price_is_higher() {
    let i = perpetual(1, "market", 2, 2);
    let p = parameters(with(g1(), serde_json::json!({ "sizing": "equal-quote" })));
    let plan = plan(&p, &i.spec, dec("100")).unwrap();
    assert_eq!(plan.len(), 21);
    let sizes: Vec<_> = plan.iter().map(|l| i.spec.quantity(l.quantity)).collect();
    assert_eq!((sizes[0], sizes[10], sizes[20]), (dec("0.50"), dec("0.47"), dec("0.45")));
    let worth = |l: &PlannedLevel| i.spec.notional(l.price, l.quantity).unwrap();
    assert!(plan.iter().map(worth).all(|worth| worth <= dec("1000") / dec("21")));
    assert!(plan.iter().map(worth).all(|worth| worth > dec("46.5")));
}

/// Rounded down to lots the share of a level would be below the venue's least: fewer levels.
#[test]
fn levels_of_equal_worth_are_never_below_the_least_order() {
    let mut i = perpetual(1, "market", 2, 2);
    i.spec.lot = Quantity::from_units(10);
    i.spec.min_quantity = Quantity::from_units(10);
    let more = serde_json::json!({
        "sizing": "equal-quote", "total_quote": "300", "min_order_quote": "20",
    });
    let plan = plan(&parameters(with(g1(), more)), &i.spec, dec("100")).unwrap();
    let least = dec("20") * dec("1.05");
    assert!(!plan.is_empty());
    for level in &plan {
        assert!(i.spec.notional(level.price, level.quantity).unwrap() >= least, "{level:?}");
    }
    let total: Decimal = plan.iter().map(|l| i.spec.notional(l.price, l.quantity).unwrap()).sum();
    assert!(total <= dec("300"), "{total}");
}
