//! Who is ahead, what was counted already, what a venue does not take.

use super::*;
use hedgerow_model::Amend;

#[test]
fn beyond_what_is_displayed_nobody_knows_who_is_ahead() {
    let ticks = vec![
        level(1, flag::SNAPSHOT, 1_000, 50),
        level(1, flag::SELL, 1_010, 50),
        // the market comes down to where it was not displayed before
        level(20, flag::SNAPSHOT, 900, 500),
        level(20, flag::SELL, 1_010, 50),
        sold(21, 900, 1),
        sold(22, 900, 499),
        sold(23, 900, 4),
    ];
    let mut rig = Rig::new(ticks, 0);
    let wire = rig.order(2, Side::Buy, 900, 10, PLAIN);
    assert_eq!(rig.fills(22), [], "five hundred stand before it");
    assert_eq!(rig.fills(23), [(wire, 900, 4)]);
}

/// On the way to the end of a snapshot its levels are what they were, not what they are.
#[test]
fn a_snapshot_that_is_not_over_moves_no_queue() {
    let ticks = vec![
        update(1, (0, 1), flag::SNAPSHOT, 1_000, 100),
        update(1, (0, 1), flag::SELL, 1_010, 50),
        // 20 then, and what came since
        Tick { flags: flag::SNAPSHOT, ..update(5, (1, 2), 0, 1_000, 20) },
        Tick { flags: flag::SELL, ..update(5, (1, 2), 0, 1_010, 50) },
        update(5, (2, 3), 0, 1_000, 120),
        sold(6, 1_000, 30),
        sold(7, 1_000, 74),
    ];
    let mut rig = Rig::chained(ticks);
    let wire = rig.order(2, Side::Buy, 1_000, 10, PLAIN);
    assert_eq!(rig.fills(6), [], "a hundred stand before it");
    assert_eq!(rig.fills(7), [(wire, 1_000, 4)]);
}

#[test]
fn a_price_that_becomes_the_best_has_nobody_ahead() {
    let ticks = vec![
        level(1, flag::SNAPSHOT, 1_000, 50),
        level(1, flag::SELL, 1_010, 50),
        level(5, flag::SNAPSHOT, 990, 50), // whoever stood at 1000 is gone
        level(5, flag::SELL, 1_010, 50),
        sold(6, 1_000, 4),
    ];
    let mut rig = Rig::new(ticks, 0);
    let wire = rig.order(2, Side::Buy, 1_000, 10, PLAIN);
    assert_eq!(rig.fills(6), [(wire, 1_000, 4)]);
}

/// The book's update and the trade behind it tell of the same thing, in either order.
#[test]
fn a_trade_that_the_book_has_told_of_already_is_not_counted_twice() {
    let early = Tick { ts: 10 * MS, ..sold(11, 1_000, 30) };
    let orders = [
        [update(10, (1, 2), 0, 1_000, 20), early],
        [sold(10, 1_000, 30), update(11, (1, 2), 0, 1_000, 20)],
    ];
    for told in orders {
        let book = [
            update(1, (0, 1), flag::SNAPSHOT, 1_000, 50),
            update(1, (0, 1), flag::SELL, 1_010, 50),
        ];
        let later = [sold(20, 1_000, 20), sold(21, 1_000, 6)];
        let mut rig = Rig::chained(book.into_iter().chain(told).chain(later).collect());
        let wire = rig.order(2, Side::Buy, 1_000, 10, PLAIN);
        assert_eq!(rig.fills(20), []);
        assert_eq!(rig.fills(21), [(wire, 1_000, 6)]);
    }
}

#[test]
fn what_is_left_of_an_order_fills_when_the_market_goes_on_through_it() {
    let ticks = vec![
        quote(1, (1_000, 50), (1_005, 50)),
        quote(10, (998, 50), (1_001, 4)),
        quote(11, (990, 50), (995, 50)),
    ];
    let mut rig = Rig::new(ticks, 0);
    let wire = rig.order(2, Side::Buy, 1_001, 10, PLAIN);
    assert_eq!(rig.fills(10), [(wire, 1_001, 4)]);
    assert_eq!(rig.fills(11), [(wire, 1_001, 6)]);
}

#[test]
fn what_a_venue_would_not_take_is_refused() {
    let spec = Instrument {
        min_quantity: Quantity::from_units(5),
        max_quantity: Some(Quantity::from_units(100)),
        min_notional: Some(Decimal::from(1_000)),
        ..instrument()
    };
    let refused = |spec: Instrument, side, quantity, flags| {
        let mut rig = Rig::with(spec, vec![quote(1, (1_000, 50), (1_005, 50))], 0);
        rig.order(2, side, 1_000, quantity, flags);
        rig.reports(3).into_iter().find_map(|report| match report {
            VenueReport::Rejected { reason, .. } => Some(reason),
            _ => None,
        })
    };
    let filter = Some(VenueRejection::FilterFailed);
    for (quantity, expected) in [(4, filter), (9, filter), (10, None), (101, filter), (0, filter)] {
        assert_eq!(refused(spec.clone(), Side::Buy, quantity, PLAIN), expected, "{quantity}");
    }
    let spot = Instrument { kind: InstrumentKind::Spot, ..instrument() };
    let short = Some(VenueRejection::InsufficientBalance);
    assert_eq!(refused(spot.clone(), Side::Sell, 1, PLAIN), short);
    assert_eq!(refused(spot, Side::Buy, 1, PLAIN), None);
}

/// An amendment to a price across the spread takes, as a new order would, unless it may only make.
#[test]
fn an_amendment_across_the_spread_takes_what_is_there_and_rests_with_the_rest() {
    let ticks = || vec![quote(1, (1_000, 50), (1_002, 4)), quote(30, (1_000, 50), (1_002, 4))];
    let amend = |flags: OrderFlags| {
        let mut rig = Rig::new(ticks(), 0);
        let order = rig.order(2, Side::Buy, 999, 10, flags);
        rig.reports(3);
        let quantity = Quantity::from_units(10);
        let amend = Amend { order, price: Price::from_units(1_002), quantity };
        let (account, instrument, wire) = (AccountId(0), InstrumentId(0), WireId(order));
        let request = Request::Amend { account, instrument, wire, amend };
        rig.venue.submit(HostTime::from_nanos(4 * MS), request);
        (rig.reports(5), rig)
    };
    let (told, mut rig) = amend(PLAIN);
    let [VenueReport::Amended { .. }, VenueReport::Fill { quantity, liquidity, .. }] = told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((quantity.units(), liquidity), (4, Liquidity::Taker));
    assert_eq!(rig.venue.pits[0].resting[0].remaining, 6);
    // the same offer is not there twice
    assert_eq!(rig.fills(29), []);
    let (told, rig) = amend(OrderFlags { post_only: true, ..PLAIN });
    let reason = VenueRejection::PostOnlyWouldTake;
    assert_eq!(told, [VenueReport::AmendRejected { wire: WireId(1), reason }]);
    assert_eq!(rig.venue.open_orders().len(), 1);
}

#[test]
fn a_spot_order_cannot_be_amended_to_sell_more_than_is_held() {
    let spot = Instrument { kind: InstrumentKind::Spot, ..instrument() };
    let mut rig = Rig::with(spot, vec![quote(1, (1_000, 50), (1_005, 50))], 0);
    rig.order(2, Side::Buy, 1_005, 10, PLAIN);
    let wire = WireId(rig.order(3, Side::Sell, 1_010, 6, PLAIN));
    let amend = |rig: &mut Rig, ms: u64, quantity: i64| {
        let quantity = Quantity::from_units(quantity);
        let amend = Amend { order: 2, price: Price::from_units(1_010), quantity };
        let (account, instrument) = (AccountId(0), InstrumentId(0));
        let request = Request::Amend { account, instrument, wire, amend };
        rig.venue.submit(HostTime::from_nanos(ms * MS), request);
        let refused = |r: &VenueReport| matches!(r, VenueReport::AmendRejected { .. });
        rig.reports(ms).iter().any(refused)
    };
    assert!(!amend(&mut rig, 4, 10));
    assert!(amend(&mut rig, 5, 11));
}

/// After a hole in the book nobody knows who stands at a price, until a snapshot shows them.
#[test]
fn an_order_that_arrives_in_a_gap_is_not_the_first_in_its_queue() {
    let ticks = vec![
        update(1, (0, 1), flag::SNAPSHOT, 1_000, 50),
        update(1, (0, 1), flag::SELL, 1_010, 50),
        update(2, (7, 8), 0, 999, 5), // what came between is missing
        sold(4, 1_000, 5),
        update(5, (0, 9), flag::SNAPSHOT, 1_000, 50),
        update(5, (0, 9), flag::SELL, 1_010, 50),
        sold(6, 1_000, 20),
        sold(7, 1_000, 34),
    ];
    let mut rig = Rig::chained(ticks);
    let wire = rig.order(3, Side::Buy, 1_000, 10, PLAIN);
    assert_eq!(rig.fills(6), [], "fifty stand before it");
    assert_eq!(rig.fills(7), [(wire, 1_000, 4)]);
}

#[test]
fn what_rests_of_an_expired_contract_ends_and_fills_no_more() {
    let kind = InstrumentKind::LinearFuture { expiry: VenueTime::from_nanos(10 * MS) };
    let future = Instrument { kind, ..instrument() };
    let ticks = vec![
        quote(1, (1_000, 50), (1_005, 50)),
        quote(10, (990, 50), (995, 50)),
        quote(20, (990, 50), (995, 50)),
    ];
    let mut rig = Rig::with(future, ticks, 0);
    let wire = WireId(rig.order(2, Side::Buy, 1_000, 10, PLAIN));
    assert_eq!(rig.reports(9).len(), 1);
    assert_eq!(rig.venue.next_time(), Some(HostTime::from_nanos(10 * MS)));
    let expired = VenueReport::Expired { wire, filled: Some(Quantity::ZERO) };
    assert_eq!(rig.reports(30), [expired]);
    assert!(rig.venue.open_orders().is_empty());
}
