//! Plans of one leg in a contract that ends.

use super::*;
use hedgerow_model::Barrier;

const EXPIRY: u64 = START + 60_000_000_000;

fn dated() -> One {
    let kind = InstrumentKind::LinearFuture { expiry: VenueTime::from_nanos(EXPIRY) };
    let spec = Instrument { kind, ..spec() };
    One::with(spec, wide(), false)
}

fn deliver(one: &mut One, price: i64, quantity: i64) {
    one.rig.report(VenueReport::Delivered {
        instrument: X,
        price: Price::from_units(price),
        quantity: Quantity::from_units(quantity),
        fee: Fee::ZERO,
    });
}

/// What a barrier holds at the expiry waits for the delivery: no exit is tried, nothing is stuck.
#[test]
fn a_barrier_ends_with_the_delivery_of_what_it_holds() {
    let mut one = dated();
    let asked = BarrierRequest::new(X, Side::Buy, (Decimal::ZERO, Decimal::ZERO), 20)
        .stop_loss(dec("0.01"));
    one.begin(asked.enter_at(base("1"), dec("60000")));
    let entry = one.one();
    one.accept(entry);
    one.fill(entry, 600_000, 1_000);
    one.rig.now = EXPIRY;
    one.quote(590_000, 590_002); // far beyond the stop, and too late for it
    one.pass(60_000);
    assert!(one.sent().is_empty() && one.canceled().is_empty());
    deliver(&mut one, 590_000, 1_000);
    assert_eq!(one.outcome(), SingleOutcome::Closed { by: Barrier::Elsewhere });
    let slot = one.rig.engine.plans.single(&(ME, 1)).unwrap();
    let exit = slot.result.as_ref().unwrap().figures.exit.unwrap();
    assert_eq!((exit.held, exit.closed.units()), (Quantity::ZERO, 1_000));
    assert_eq!(exit.average, Some(dec("59000")));
    one.assert_restores();
}

/// A chase in a contract that expires ends with the order that its venue ended, and says why.
#[test]
fn what_works_ends_with_its_contract() {
    let mut one = dated();
    one.rig.now = EXPIRY - 1_000_000_000;
    one.tick();
    one.begin(ChaseRequest::new(X, Side::Buy, base("1"), dec("60100"), 600_000));
    let sent = one.one();
    one.accept(sent);
    one.fill(sent, 599_998, 400);
    one.rig.now = EXPIRY;
    one.rig.report(VenueReport::Expired { wire: WireId(sent.wire), filled: None });
    let why = "the contract has expired".to_owned();
    assert_eq!(one.outcome(), SingleOutcome::Partly { why });
    assert!(one.sent().is_empty());
    one.assert_restores();
}
