//! Steps that change while a plan of one leg is at work.

use super::*;
use hedgerow_model::Terms;

impl One {
    fn change(&mut self, tick: i64, lot: i64) {
        let (grid, lot) = (PriceGrid::Tick(Price::from_units(tick)), Quantity::from_units(lot));
        let terms = Terms { grid, lot, min_quantity: lot, ..spec().terms() };
        self.rig.report(VenueReport::Terms { instrument: X, terms });
    }
}

/// The rest goes in whole lots at prices on the grid; what is less than a lot ends the plan.
#[test]
fn the_next_order_fits_the_terms_of_now() {
    let mut one = One::new();
    let request = AggressiveRequest::new(X, Side::Buy, base("0.107"));
    one.begin(AggressiveRequest { max_retries: 3, ..request });
    let first = one.one();
    one.accept(first);
    one.change(7, 20);
    one.fill(first, 600_000, 30);
    one.expire(first);
    one.pass(1_000);
    let next = one.sent();
    assert_eq!(next.len(), 1, "{next:?}");
    assert_eq!((next[0].quantity, next[0].price % 7), (60, 0));
    one.fill(next[0], 600_000, 60);
    one.pass(1_000);
    let result = one.result();
    assert_eq!(result.figures.filled.units(), 90);
    assert!(matches!(result.outcome, SingleOutcome::Partly { .. }), "{result:?}");
}
