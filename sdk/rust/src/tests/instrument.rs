//! Prices counted in ticks stay on the venue's grid.

use super::*;
use hedgerow_model::PriceGrid;

#[test]
fn ticks_are_steps_of_the_grid_and_not_units() {
    let mut market = perpetual(1, "market", 4, 3);
    market.spec.grid = PriceGrid::Tick(Price::from_units(1_000));
    let away = |price: i64, side, ticks| {
        market.ticks_away(Price::from_units(price), side, ticks).map(Price::units)
    };
    assert_eq!(away(50_000, Side::Buy, 1), Some(49_000));
    assert_eq!(away(50_000, Side::Sell, 3), Some(53_000));
    assert_eq!(away(50_000, Side::Buy, -1), Some(51_000));
    assert_eq!(away(50_500, Side::Buy, 0), Some(50_000), "onto the grid, the same way");
    assert_eq!(away(50_500, Side::Sell, 1), Some(52_000));
    assert_eq!(away(2_000, Side::Buy, 2), None, "there is no price of zero");
    assert_eq!(away(i64::MAX, Side::Sell, 1), None);
}

#[test]
fn on_significant_figures_the_step_changes_at_powers_of_ten() {
    let mut market = perpetual(1, "market", 4, 3);
    market.spec.grid = PriceGrid::SignificantFigures { figures: 5, max_decimals: 4 };
    let start = Price::from_units(10_000_000); // 1,000.0: steps of 0.1 above, of 0.01 below
    let below = market.ticks_away(start, Side::Buy, 2).unwrap();
    assert_eq!(below.units(), 9_999_800);
    assert_eq!(market.ticks_away(below, Side::Sell, 3).unwrap().units(), 10_001_000);
    for price in [below, start] {
        assert!(market.spec.grid.accepts(price, market.spec.price_scale));
    }
}
