//! Parameters that make no sense, and where levels are.

use super::*;
use hedgerow_sdk::model::PriceGrid;

#[test]
fn the_step_of_significant_figures_is_that_of_the_middle() {
    let mut i = perpetual(1, "market", 4, 2);
    i.spec.grid = PriceGrid::SignificantFigures { figures: 3, max_decimals: 4 };
    let p = parameters(with(g1(), serde_json::json!({ "min_step": "0.0001" })));
    // three figures around 100 are whole numbers: 10 % of range in steps of 1 % of the middle
    assert_eq!(plan(&p, &i.spec, dec("100")).unwrap().prices.len(), 10);
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
    let why = parameters(g1()).check(Decimal::ONE).unwrap_err();
    assert!(why.contains("maker fee of 1"), "{why}");
}
