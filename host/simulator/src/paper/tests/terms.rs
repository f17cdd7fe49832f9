//! What the venue accepts changes.

use super::*;

fn coarser() -> Terms {
    let own = instrument().terms();
    let lot = Quantity::from_units(own.lot.units() * 10);
    Terms { grid: PriceGrid::Tick(Price::from_units(10)), lot, min_quantity: lot, ..own }
}

#[test]
fn from_then_on_orders_are_judged_by_the_new_terms_and_what_rests_stays() {
    let lot = instrument().lot.units();
    let quote = |ms| tick(ms, TickKind::Quote, 0, [1_000, 100 * lot, 1_010, 100 * lot]);
    let mut rig = Rig::new((0..20).map(|n| quote(n * 10)).collect(), 0);
    let id = InstrumentId(0);
    rig.venue.change_terms(HostTime::from_nanos(50 * MS), id, coarser());
    let rests = rig.order(10, Side::Buy, 991, lot, OrderFlags::default());
    let early = rig.reports(49);
    assert!(matches!(early[..], [VenueReport::Accepted { .. }]), "{early:?}");
    let told = rig.reports(50);
    assert_eq!(told, [VenueReport::Terms { instrument: id, terms: coarser() }]);
    for (price, quantity) in [(991, 10 * lot), (990, lot)] {
        let wire = WireId(rig.order(60, Side::Buy, price, quantity, OrderFlags::default()));
        let reason = VenueRejection::FilterFailed;
        assert_eq!(rig.reports(60), [VenueReport::Rejected { wire, reason }]);
    }
    rig.order(70, Side::Buy, 990, 10 * lot, OrderFlags::default());
    assert!(matches!(rig.reports(70)[..], [VenueReport::Accepted { .. }]));
    assert!(rig.venue.open_orders().iter().any(|(.., wire)| *wire == rests));
    // whoever asks later is told before what is open
    let ask = Request::Reconcile {
        account: AccountId(0),
        since: VenueTime::default(),
        nonce: 1,
        extent: hedgerow_model::Extent::All,
    };
    rig.venue.submit(HostTime::from_nanos(80 * MS), ask);
    let answer = rig.reports(80);
    let place = |what: fn(&VenueReport) -> bool| answer.iter().position(what).unwrap();
    let terms = place(|report| matches!(report, VenueReport::Terms { .. }));
    assert!(terms < place(|report| matches!(report, VenueReport::OpenOrder { .. })));
}

/// As real venues do: a purchase far above the mark is refused, whatever the book shows.
#[test]
fn a_price_outside_the_band_of_the_venue_is_refused() {
    let quote = |ms| tick(ms, TickKind::Quote, 0, [1_000, 100, 1_010, 100]);
    let mut rig = Rig::new((0..20).map(|n| quote(n * 10)).collect(), 0);
    let band = Some(hedgerow_model::PriceBand { above_bps: 100, below_bps: 100 });
    rig.venue.pits[0].spec.band = band;
    let reason = VenueRejection::FilterFailed;
    // the mark is 1 005
    for (side, price, taken) in [
        (Side::Buy, 1_016, false),
        (Side::Sell, 994, false),
        (Side::Buy, 994, true),
        (Side::Sell, 1_015, true),
    ] {
        let lot = instrument().lot.units();
        let wire = WireId(rig.order(60, side, price, lot, OrderFlags::default()));
        let told = rig.reports(60);
        let refused = told == [VenueReport::Rejected { wire, reason }];
        assert_eq!(!refused, taken, "{side:?} at {price}: {told:?}");
    }
}

/// Time that is quiet for a batch ends where something changes.
#[test]
fn a_change_is_a_bound_of_what_is_quiet() {
    use hedgerow_ports::SimulatedVenue as _;
    let quote = |ms| tick(ms, TickKind::Quote, 0, [1_000, 100, 1_010, 100]);
    let mut rig = Rig::new((0..20).map(|n| quote(n * 10)).collect(), 0);
    let at = HostTime::from_nanos(50 * MS);
    rig.venue.change_terms(at, InstrumentId(0), coarser());
    assert_eq!(rig.venue.quiet_until(HostTime::from_nanos(150 * MS)), at);
}

/// Books of an earlier process change nothing: the config says what holds when.
#[test]
fn terms_told_by_an_earlier_process_are_not_taken_from_its_books() {
    let quote = |ms| tick(ms, TickKind::Quote, 0, [1_000, 100, 1_010, 100]);
    let mut rig = Rig::new((0..20).map(|n| quote(n * 10)).collect(), 0);
    let (id, account) = (InstrumentId(0), AccountId(0));
    rig.venue.tells(account);
    rig.venue.change_terms(HostTime::from_nanos(10 * MS), id, coarser());
    rig.venue.change_terms(HostTime::from_nanos(20 * MS), id, instrument().terms());
    rig.reports(30);
    let at = HostTime::from_nanos(10 * MS);
    let event = VenueEvent {
        venue: VenueId(0),
        account,
        received: at,
        happened: VenueTime::from_nanos(at.as_nanos()),
        report: VenueReport::Terms { instrument: id, terms: coarser() },
    };
    rig.venue.book_again(&event).unwrap();
    rig.order(40, Side::Buy, 991, 1, OrderFlags::default());
    assert!(matches!(rig.reports(40)[..], [VenueReport::Accepted { .. }]));
}
