//! Orders that may only reduce a position.

use super::*;

const REDUCE: OrderFlags = OrderFlags { post_only: false, reduce_only: true };

#[test]
fn a_resting_reduction_never_outgrows_the_position() {
    let ticks =
        vec![quote(1, (1_000, 50), (1_002, 50)), tick(20, TickKind::Trade, 0, [1_010, 100, 0, 0])];
    let mut rig = Rig::new(ticks, 0);
    rig.order(2, Side::Buy, 1_002, 10, PLAIN);
    rig.reports(2);
    let resting = rig.order(3, Side::Sell, 1_005, 10, REDUCE);
    rig.order(4, Side::Sell, 1_000, 7, PLAIN);
    // the whole life of the reduction as a host keeps it: what it was told must add up
    let mut life = rig.reports(4);
    life.extend(rig.reports(20));
    let (mut quantity, mut filled, mut told) = (10, 0, Vec::new());
    for report in life {
        match report {
            VenueReport::Accepted { wire, .. } if wire.0 == resting => told.push("accepted"),
            VenueReport::Amended { wire, price, quantity: now } if wire.0 == resting => {
                assert_eq!(price.units(), 1_005);
                quantity = now.units();
                told.push("amended");
            }
            VenueReport::Fill { wire, price, quantity: now, .. } if wire.0 == resting => {
                assert_eq!(price.units(), 1_005);
                filled += now.units();
                told.push("filled");
            }
            _ => {}
        }
    }
    assert_eq!(told, ["accepted", "amended", "filled"]);
    assert_eq!((quantity, filled), (3, 3), "nothing is left of it on either side");
    assert!(rig.venue.open_orders().is_empty());
    assert_eq!(rig.venue.position(AccountId(0), InstrumentId(0)).quantity.units(), 0);
}

#[test]
fn a_reduction_cut_after_a_part_of_it_filled_keeps_that_part() {
    let buys = |ms, quantity| tick(ms, TickKind::Trade, 0, [1_005, quantity, 0, 0]);
    // 50 are thought to be ahead
    let ticks = vec![quote(1, (1_000, 50), (1_002, 50)), buys(10, 54), buys(20, 100)];
    let mut rig = Rig::new(ticks, 0);
    rig.order(2, Side::Buy, 1_002, 10, PLAIN);
    let resting = rig.order(3, Side::Sell, 1_005, 10, REDUCE);
    let queue = rig.fills(10);
    assert_eq!(queue.last(), Some(&(resting, 1_005, 4)), "{queue:?}");
    rig.order(11, Side::Sell, 1_000, 4, PLAIN);
    let reports = rig.reports(20);
    let amended = reports.iter().find_map(|report| match report {
        VenueReport::Amended { quantity, .. } => Some(quantity.units()),
        _ => None,
    });
    assert_eq!(amended, Some(6), "the 4 that filled and the 2 that are held: {reports:?}");
    assert!(rig.venue.open_orders().is_empty());
}

#[test]
fn reductions_that_one_trade_reaches_together_do_not_turn_the_position() {
    let through = tick(20, TickKind::Trade, 0, [1_010, 100, 0, 0]);
    let mut rig = Rig::new(vec![quote(1, (1_000, 50), (1_002, 50)), through], 0);
    rig.order(2, Side::Buy, 1_002, 10, PLAIN);
    let first = rig.order(3, Side::Sell, 1_005, 10, REDUCE);
    let second = rig.order(3, Side::Sell, 1_006, 10, REDUCE);
    rig.reports(4);
    let reports = rig.reports(20);
    let [VenueReport::Fill { wire, quantity, .. }, VenueReport::Expired { wire: ended, .. }] =
        reports[..]
    else {
        panic!("{reports:?}")
    };
    assert_eq!((wire.0, quantity.units(), ended.0), (first, 10, second));
    assert_eq!(rig.venue.position(AccountId(0), InstrumentId(0)).quantity.units(), 0);
}

#[test]
fn a_reduction_is_not_amended_beyond_the_position() {
    let ticks = vec![quote(1, (1_000, 50), (1_002, 50)), quote(20, (1_000, 50), (1_002, 50))];
    let mut rig = Rig::new(ticks, 0);
    rig.order(2, Side::Buy, 1_002, 10, PLAIN);
    let resting = rig.order(3, Side::Sell, 1_005, 5, REDUCE);
    rig.reports(4);
    let mut amended = |ms, quantity| {
        let quantity = Quantity::from_units(quantity);
        let amend = Amend { order: resting, price: Price::from_units(1_005), quantity };
        let (account, instrument, wire) = (AccountId(0), InstrumentId(0), WireId(resting));
        let request = Request::Amend { account, instrument, wire, amend };
        rig.venue.submit(HostTime::from_nanos(ms * MS), request);
        rig.reports(ms).remove(0)
    };
    assert!(matches!(amended(5, 10), VenueReport::Amended { .. }));
    let reason = VenueRejection::WouldIncrease;
    let wire = WireId(resting);
    assert_eq!(amended(6, 11), VenueReport::AmendRejected { wire, reason });
}
