//! Margin and liquidation: the price where it happens, that it is told, and that nothing before it
//! is called quiet past it.

use super::*;
use hedgerow_model::{ForcedKind, MarginBracket};

/// 10 bought at 100.2 with 100 behind them and 0.5 % to stay: equity is the maintenance at
/// (1002 - 99.499) / 9.95 = 90.7036.
fn rig() -> Rig {
    let touch = |ms, bid| quote(ms, (bid, 500), (bid + 2, 500));
    let ticks = vec![
        touch(1, 1_000),
        touch(10, 950),
        quote(20, (907, 500), (908, 500)), // 90.75
        quote(30, (906, 500), (908, 500)), // 90.70
        touch(40, 1_000),
    ];
    let mut rig = Rig::new(ticks, 0);
    let rate = Decimal::new(5, 3);
    let bracket =
        MarginBracket { notional_max: None, maintenance_rate: rate, deduction: Decimal::ZERO };
    rig.venue.set_brackets(InstrumentId(0), vec![bracket]);
    rig.venue.set_collateral(AccountId(0), VenueId(0), ("Q", Decimal::ONE_HUNDRED));
    rig
}

#[test]
fn a_position_dies_at_its_maintenance_and_not_before() {
    let mut rig = rig();
    rig.order(2, Side::Buy, 1_002, 10, PLAIN);
    let price = rig.reports(19).into_iter().rev().find_map(|report| match report {
        VenueReport::LiquidationPrice { price, .. } => price,
        _ => None,
    });
    assert_eq!(price.map(|price| price.round_dp(4)), Some(Decimal::new(907_036, 4)));
    let resting = rig.order(19, Side::Sell, 1_100, 10, PLAIN);
    let forced = |reports: Vec<VenueReport>| {
        let is = |report: &VenueReport| matches!(report, VenueReport::Forced { .. });
        reports.into_iter().filter(is).collect::<Vec<_>>()
    };
    let last = HostTime::from_nanos(40 * MS);
    assert_eq!(rig.venue.quiet_until(last).as_nanos(), 19 * MS, "the order on its way");
    assert_eq!(forced(rig.reports(29)), []);
    assert_eq!(rig.venue.quiet_until(last).as_nanos(), 30 * MS, "not past the liquidation");
    let reports = rig.reports(30);
    let canceled = reports
        .iter()
        .any(|report| matches!(report, VenueReport::Canceled { wire, .. } if wire.0 == resting));
    assert!(canceled, "{reports:?}");
    let found = forced(reports);
    let [VenueReport::Forced { kind, side, price, quantity, .. }] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!((*kind, *side), (ForcedKind::Liquidation, Side::Sell));
    assert_eq!((price.units(), quantity.units()), (906, 10));
    let position = rig.venue.position(AccountId(0), InstrumentId(0));
    assert_eq!(position.quantity, Quantity::ZERO);
    assert_eq!(forced(rig.reports(50)), [], "once");
}

/// What is told adds up: equity with the fee paid and the loss, all of it used at one time.
#[test]
fn margin_is_told_after_a_fill_and_every_ten_seconds() {
    let ticks = (0..30).map(|s| quote(1 + s * 1_000, (1_000, 500), (1_002, 500))).collect();
    let mut rig = Rig::new(ticks, 0);
    rig.venue.set_collateral(AccountId(0), VenueId(0), ("Q", Decimal::ONE_HUNDRED));
    rig.order(2, Side::Buy, 1_002, 10, PLAIN);
    let margins = |reports: Vec<VenueReport>| {
        let of = |report| match report {
            VenueReport::Margin { equity, used, .. } => Some((equity, used)),
            _ => None,
        };
        reports.into_iter().filter_map(of).collect::<Vec<_>>()
    };
    // 100 - 0.501 - 1, of a worth of 1001
    let told = (Decimal::new(98_499, 3), Decimal::from(1_001));
    assert_eq!(margins(rig.reports(9_000)), [told]);
    assert_eq!(margins(rig.reports(21_000)), [told, told]);
    let nobody = Rig::new(vec![quote(1, (1_000, 500), (1_002, 500))], 0);
    assert!(nobody.venue.margins_of(AccountId(0)).is_none(), "without collateral nothing is told");
}

/// A venue that died and goes on from its books liquidates as before: at once what the market took
/// meanwhile, and later what it takes then.
#[test]
fn a_venue_that_goes_on_from_its_books_liquidates() {
    let events = |venue: &mut PaperVenue, ms: u64| {
        let mut out = Vec::new();
        venue.poll(HostTime::from_nanos(ms * MS), &mut out);
        out
    };
    let forced = |events: &[VenueEvent]| {
        events.iter().filter(|e| matches!(e.report, VenueReport::Forced { .. })).count()
    };
    for (back_ms, before, at_once, later) in [(19, 0, 0, 1), (35, 0, 1, 0)] {
        let mut first = rig();
        first.order(2, Side::Buy, 1_002, 10, PLAIN);
        let log = events(&mut first.venue, 9);
        let mut again = rig();
        assert_eq!(forced(&events(&mut again.venue, back_ms)), before);
        first.placed.iter().for_each(|order| again.venue.placed_again(order));
        log.iter().for_each(|event| again.venue.book_again(event).unwrap());
        let now = HostTime::from_nanos(back_ms * MS);
        again.venue.booked_again(now);
        assert_eq!(forced(&events(&mut again.venue, back_ms)), at_once, "back at {back_ms} ms");
        if later > 0 {
            let last = HostTime::from_nanos(40 * MS);
            assert_eq!(again.venue.quiet_until(last).as_nanos(), 30 * MS, "not past it");
        }
        assert_eq!(forced(&events(&mut again.venue, 50)), later, "back at {back_ms} ms");
    }
}

/// A position that is taken over as it is has a band of its own.
#[test]
fn a_position_that_is_taken_over_can_be_liquidated() {
    let mut first = rig();
    first.order(2, Side::Buy, 1_002, 10, PLAIN);
    first.reports(9);
    let position = first.venue.position(AccountId(0), InstrumentId(0));
    let mut again = rig();
    again.reports(9);
    again.venue.hold(AccountId(0), InstrumentId(0), position);
    let reports = again.reports(50);
    assert!(reports.iter().any(|r| matches!(r, VenueReport::Forced { .. })), "{reports:?}");
}

/// Two processes, a venue each: what one does not trade it does not tell of, as it would say that
/// nothing is held there. The end of its answer is of a venue of its own, though another is slower.
#[test]
fn a_process_of_one_venue_tells_of_that_one_only() {
    for served in [vec![], vec![1]] {
        let config = |latency_ms| VenueConfig {
            amends: true,
            latency_out: Duration::ZERO,
            latency_back: Duration::from_millis(latency_ms),
            fills: FillModel::Queue,
        };
        let at = |id| Instrument { id: InstrumentId(id), venue: VenueId(id), ..instrument() };
        let instruments = [(at(0), Fees::default()), (at(1), Fees::default())];
        let tape = Tape::of(vec![quote(1, (1_000, 500), (1_002, 500))]);
        let mut venue = PaperVenue::new(vec![config(9), config(1)], &instruments, &tape);
        let me = AccountId(0);
        let margin = Margin { leverage_hundredths: 500, ..Margin::ONE };
        for id in [0, 1] {
            venue.set_collateral(me, VenueId(id), ("Q", Decimal::ONE_HUNDRED));
            let leverage = Leverage { margin, max_hundredths: 1_000 };
            venue.set_leverage(me, InstrumentId(id), leverage);
        }
        let all: Vec<u32> = if served.is_empty() { vec![0, 1] } else { served.clone() };
        venue.serve(&served.iter().copied().map(VenueId).collect());
        let (since, extent) = (VenueTime::EPOCH, hedgerow_model::Extent::All);
        let question = Request::Reconcile { account: me, since, nonce: 3, extent };
        venue.submit(HostTime::from_nanos(2 * MS), question);
        let mut told = Vec::new();
        venue.poll(HostTime::from_nanos(50 * MS), &mut told);
        let of = |kind: fn(&VenueReport) -> bool| -> Vec<u32> {
            let mut all: Vec<u32> =
                told.iter().filter(|e| kind(&e.report)).map(|event| event.venue.0).collect();
            all.sort_unstable();
            all
        };
        assert_eq!(of(|report| matches!(report, VenueReport::Margin { .. })), all);
        assert_eq!(of(|report| matches!(report, VenueReport::Leverage { .. })), all);
        let end = of(|report| matches!(report, VenueReport::Reconciled { nonce: 3 }));
        assert_eq!(end, all[..1], "the slowest that it serves");
        assert!(matches!(told.last().unwrap().report, VenueReport::Reconciled { .. }));
    }
}
