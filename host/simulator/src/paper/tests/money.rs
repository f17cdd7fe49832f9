//! Fees and funding.

use super::*;

/// As spot venues do it: a purchase pays in what was bought, a sale in what was received for it.
#[test]
fn a_fee_is_taken_of_what_was_received() {
    let spot = Instrument { kind: InstrumentKind::Spot, ..instrument() };
    let market = vec![quote(1, (1_000, 500), (1_002, 500)), quote(30, (1_000, 500), (1_002, 500))];
    let mut rig = Rig::with(spot.clone(), market.clone(), 0);
    let fees = Fees { taker: Decimal::new(1, 1), taken_in: FeeIn::Received, ..Fees::default() };
    let venue = rig.venue.venues.clone();
    rig.venue = PaperVenue::new(venue, &[(spot, fees)], &Tape::of(market));
    rig.order(2, Side::Buy, 1_002, 100, PLAIN);
    let paid = |reports: Vec<VenueReport>| {
        reports.into_iter().find_map(|report| match report {
            VenueReport::Fill { fee, .. } => Some(fee),
            _ => None,
        })
    };
    let bought = Fee { amount: Decimal::from(10), asset: FeeAsset::Base };
    assert_eq!(paid(rig.reports(10)), Some(bought));
    let held = |rig: &Rig| rig.venue.position(AccountId(0), InstrumentId(0)).quantity.units();
    assert_eq!(held(&rig), 90);
    // what was taken cannot be sold
    rig.order(11, Side::Sell, 1_000, 91, PLAIN);
    let reports = rig.reports(12);
    assert!(matches!(reports[..], [VenueReport::Rejected { .. }]), "{reports:?}");
    rig.order(13, Side::Sell, 1_000, 90, PLAIN);
    // 90 x 100 x 0.1
    assert_eq!(paid(rig.reports(14)), Some(Fee::in_settle(Decimal::from(900))));
    assert_eq!(held(&rig), 0);
}

/// The venue died after a settlement; the last announcement still names it.
#[test]
fn what_an_earlier_process_paid_is_not_paid_again() {
    let hour = 3_600_000_i64 * 1_000_000;
    let next = 50 * 1_000_000;
    let ticks = vec![
        quote(1, (1_000, 50), (1_002, 50)),
        tick(1, TickKind::Funding, 0, [100_000_000_000, hour, next, 0]),
        quote(90, (1_000, 50), (1_002, 50)),
    ];
    let paid = |reports: Vec<VenueEvent>| -> Vec<VenueEvent> {
        let is = |event: &VenueEvent| matches!(event.report, VenueReport::FundingPayment { .. });
        reports.into_iter().filter(is).collect()
    };
    let mut rig = Rig::new(ticks.clone(), 0);
    rig.order(2, Side::Buy, 1_002, 10, PLAIN);
    let mut told = Vec::new();
    rig.venue.poll(HostTime::from_nanos(60 * MS), &mut told);
    let held = rig.venue.position(AccountId(0), InstrumentId(0));
    assert_eq!(paid(told.clone()).len(), 1);
    let mut again = Rig::new(ticks, 0);
    again.venue.poll(HostTime::from_nanos(61 * MS), &mut Vec::new());
    rig.placed.iter().for_each(|order| again.venue.placed_again(order));
    told.iter().for_each(|event| again.venue.book_again(event).unwrap());
    let mut told = Vec::new();
    again.venue.poll(HostTime::from_nanos(90 * MS), &mut told);
    assert_eq!(paid(told), []);
    assert_eq!(again.venue.position(AccountId(0), InstrumentId(0)), held);
}

#[test]
fn funding_is_paid_once_on_what_is_held_at_the_settlement() {
    let hour = 3_600_000_i64 * 1_000_000;
    let rate = 100_000_000_000; // 0.0001
    let next = 50 * 1_000_000;
    let ticks = vec![
        quote(1, (1_000, 50), (1_002, 50)),
        tick(1, TickKind::Funding, 0, [rate, hour, next, 0]),
        quote(60, (1_000, 50), (1_002, 50)),
        // a late announcement of the settlement that is over
        Tick { ts: 49 * MS, ..tick(61, TickKind::Funding, 0, [rate, hour, next, 0]) },
        quote(90, (1_000, 50), (1_002, 50)),
    ];
    let mut rig = Rig::new(ticks, 0);
    rig.order(2, Side::Buy, 1_002, 10, PLAIN);
    let payments: Vec<Decimal> = rig
        .reports(90)
        .into_iter()
        .filter_map(|report| match report {
            VenueReport::FundingPayment { amount, .. } => Some(amount),
            _ => None,
        })
        .collect();
    // a long pays 10 x 100.1 x 0.0001 at the middle
    assert_eq!(payments, [Decimal::new(-1_001, 4)]);
}

/// What is set is told, and what cannot be set is told as it is; spot has none.
#[test]
fn leverage_is_told_at_the_start_after_a_change_and_when_asked() {
    let margin = |leverage_hundredths| Margin { leverage_hundredths, ..Margin::ONE };
    let market =
        || vec![quote(1, (1_000, 500), (1_002, 500)), quote(90, (1_000, 500), (1_002, 500))];
    let (me, it) = (AccountId(0), InstrumentId(0));
    let mut rig = Rig::new(market(), 0);
    let leverage = Leverage { margin: margin(300), max_hundredths: 1_000 };
    rig.venue.set_leverage(me, it, leverage);
    rig.venue.tell_leverages();
    let told = |margin| VenueReport::Leverage { instrument: it, margin, max_hundredths: 1_000 };
    assert_eq!(rig.reports(1), [told(margin(300))]);
    let ask = |rig: &mut Rig, at: u64, leverage_hundredths| {
        let (account, instrument) = (me, it);
        let request = Request::SetLeverage { account, instrument, leverage_hundredths };
        rig.venue.submit(HostTime::from_nanos(at * MS), request);
        rig.reports(at)
    };
    assert_eq!(ask(&mut rig, 2, 500), [told(margin(500))]);
    for none in [99, 1_001] {
        assert_eq!(ask(&mut rig, 3, none), [told(margin(500))]);
    }
    let since = VenueTime::from_nanos(0);
    let question =
        Request::Reconcile { account: me, since, nonce: 7, extent: hedgerow_model::Extent::All };
    rig.venue.submit(HostTime::from_nanos(4 * MS), question);
    assert_eq!(rig.reports(4), [told(margin(500)), VenueReport::Reconciled { nonce: 7 }]);
    let spot = Instrument { kind: InstrumentKind::Spot, ..instrument() };
    let mut rig = Rig::with(spot, market(), 0);
    rig.venue.set_leverage(me, it, leverage);
    rig.venue.tell_leverages();
    assert_eq!(rig.reports(5), []);
}

/// Ninety of the hundred trillion that a ledger holds; a second as large does not fit beside it.
const LARGE: i64 = 900_000_000_000;

fn told(reports: &[VenueReport]) -> i64 {
    let fill = |report: &VenueReport| match report {
        VenueReport::Fill { quantity, .. } => quantity.units(),
        _ => 0,
    };
    reports.iter().map(fill).sum()
}

fn held(rig: &Rig) -> i64 {
    rig.venue.position(AccountId(0), InstrumentId(0)).quantity.units()
}

#[test]
fn an_order_that_the_ledger_could_not_hold_is_refused_and_fills_nothing() {
    let market = vec![quote(1, (1_000, i64::MAX), (1_002, i64::MAX))];
    let mut rig = Rig::new(market, 0);
    rig.order(2, Side::Buy, 1_002, LARGE, PLAIN);
    assert_eq!(told(&rig.reports(2)), LARGE);
    for price in [1_002, 1_000] {
        rig.order(3, Side::Buy, price, LARGE, PLAIN);
        let reports = rig.reports(3);
        let [VenueReport::Rejected { reason, .. }] = &reports[..] else { panic!("{reports:?}") };
        assert_eq!(*reason, VenueRejection::FilterFailed);
    }
    // less goes on, and so does the way out
    let smaller = rig.order(4, Side::Buy, 1_000, 10, PLAIN);
    let amend = Amend {
        order: smaller,
        price: Price::from_units(1_002),
        quantity: Quantity::from_units(LARGE),
    };
    let (account, instrument, wire) = (AccountId(0), InstrumentId(0), WireId(smaller));
    let request = Request::Amend { account, instrument, wire, amend };
    rig.venue.submit(HostTime::from_nanos(5 * MS), request);
    let reports = rig.reports(5);
    let refused = |r: &VenueReport| matches!(r, VenueReport::AmendRejected { .. });
    assert!(reports.iter().any(refused), "{reports:?}");
    assert_eq!((told(&reports), held(&rig)), (0, LARGE));
    rig.order(6, Side::Sell, 1_000, LARGE, PLAIN);
    assert_eq!(told(&rig.reports(6)), LARGE);
    assert_eq!(held(&rig), 0);
}

/// Each of two orders that rest fits by itself.
#[test]
fn of_two_that_rest_and_do_not_fit_together_the_second_ends_without_a_fill() {
    let market = vec![
        quote(1, (1_000, 1), (1_002, 1)),
        sold(10, 990, i64::MAX / 2),
        sold(11, 990, i64::MAX / 2),
    ];
    let mut rig = Rig::new(market, 0);
    let first = rig.order(2, Side::Buy, 1_000, LARGE, PLAIN);
    let second = rig.order(3, Side::Buy, 999, LARGE, PLAIN);
    let reports = rig.reports(20);
    assert_eq!(told(&reports), held(&rig), "a fill that the ledger does not hold: {reports:?}");
    let fill = |r: &VenueReport| matches!(r, VenueReport::Fill { wire, .. } if wire.0 == first);
    let none = Some(Quantity::ZERO);
    let end = |r: &VenueReport| match r {
        VenueReport::Expired { wire, filled } => wire.0 == second && *filled == none,
        _ => false,
    };
    assert!(reports.iter().any(fill) && reports.iter().any(end), "{reports:?}");
    assert!(rig.venue.open_orders().is_empty());
}

#[test]
fn funding_that_the_ledger_does_not_hold_is_not_told() {
    let hour = 3_600_000_i64 * 1_000_000;
    let market = vec![
        quote(1, (1_000, i64::MAX), (1_002, i64::MAX)),
        tick(1, TickKind::Funding, 0, [i64::MAX, hour, 50 * 1_000_000, 0]),
        quote(90, (1_000, 50), (1_002, 50)),
    ];
    let mut rig = Rig::new(market, 0);
    rig.order(2, Side::Buy, 1_002, LARGE, PLAIN);
    let reports = rig.reports(90);
    let paid = |r: &VenueReport| matches!(r, VenueReport::FundingPayment { .. });
    assert!(!reports.iter().any(paid), "{reports:?}");
    let position = rig.venue.position(AccountId(0), InstrumentId(0));
    assert_eq!((position.quantity.units(), position.funding), (LARGE, Decimal::ZERO));
}

/// Damage in what an earlier process wrote is said, not left out.
#[test]
fn what_cannot_be_booked_again_is_an_error() {
    let mut rig = Rig::new(vec![quote(1, (1_000, 50), (1_002, 50))], 0);
    rig.order(2, Side::Buy, 1_002, 10, PLAIN);
    let mut told = Vec::new();
    rig.venue.poll(HostTime::from_nanos(2 * MS), &mut told);
    let again = |change: &dyn Fn(&mut VenueReport)| {
        let mut again = Rig::new(Vec::new(), 0);
        rig.placed.iter().for_each(|order| again.venue.placed_again(order));
        let said = told.iter().cloned().try_for_each(|mut event| {
            change(&mut event.report);
            again.venue.book_again(&event)
        });
        (said.map_err(|e| e.to_string()), held(&again))
    };
    assert_eq!(again(&|_| ()), (Ok(()), 10));
    let too_much = again(&|report| {
        if let VenueReport::Fill { quantity, .. } = report {
            *quantity = Quantity::from_units(i64::MAX);
        }
    });
    assert_eq!(too_much, (Err("it does not fit into the position".into()), 0));
    let unknown = again(&|report| {
        if let VenueReport::Fill { wire, .. } = report {
            *wire = WireId(77);
        }
    });
    assert_eq!(unknown, (Err("a fill of order 77, which was not placed".into()), 0));
    let last = again(&|report| {
        if let VenueReport::Fill { trade, .. } = report {
            *trade = TradeId(u64::MAX);
        }
    });
    assert_eq!(last, (Err("the last of all ids is used".into()), 0));
}

/// T1: what is taken back, 0.006 at 59 998.0, pays 0.00045 of its value.
#[test]
fn vector_t1_taking_back_costs_its_fee() {
    let scales = (Scale::new(1).unwrap(), Scale::new(4).unwrap());
    let spec = Instrument { price_scale: scales.0, quantity_scale: scales.1, ..instrument() };
    let book = ((599_980, 5_000), (600_000, 5_000));
    let market = vec![quote(1, book.0, book.1), quote(30, book.0, book.1)];
    let mut rig = Rig::with(spec.clone(), market.clone(), 0);
    let fees = Fees { taker: Decimal::new(45, 5), ..Fees::default() };
    let venue = rig.venue.venues.clone();
    rig.venue = PaperVenue::new(venue, &[(spec, fees)], &Tape::of(market));
    rig.order(2, Side::Buy, 600_000, 60, PLAIN);
    rig.reports(3);
    rig.order(4, Side::Sell, 599_980, 60, PLAIN);
    let fee = rig.reports(10).into_iter().find_map(|report| match report {
        VenueReport::Fill { fee, .. } => Some(fee),
        _ => None,
    });
    assert_eq!(fee, Some(Fee::in_settle("0.1619946".parse().unwrap())));
}
