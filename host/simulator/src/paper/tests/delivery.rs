//! Dated contracts at their end.

use super::*;
use crate::paper::DeliveryTerms;
use hedgerow_model::Extent;

const EXPIRY_MS: u64 = 4_000_000;

fn dated() -> Instrument {
    let expiry = VenueTime::from_nanos(EXPIRY_MS * MS);
    Instrument { kind: InstrumentKind::LinearFuture { expiry }, ..instrument() }
}

fn mark(ms: u64, mark: i64, index: i64) -> Tick {
    tick(ms, TickKind::Mark, 0, [mark, index, 0, 0])
}

/// Held from the first second on; then what the market did.
fn rig(then: Vec<Tick>) -> Rig {
    let mut ticks = vec![quote(1, (999, 500), (1_001, 500))];
    ticks.extend(then);
    ticks.push(quote(EXPIRY_MS + 60_000, (1_500, 500), (1_502, 500)));
    let mut rig = Rig::with(dated(), ticks, 0);
    rig.order(2, Side::Buy, 1_001, 100, PLAIN);
    assert_eq!(rig.fills(10), [(1, 1_001, 100)]);
    rig
}

fn delivered(reports: &[VenueReport]) -> Vec<(i64, i64, Decimal)> {
    let is = |report: &VenueReport| match report {
        VenueReport::Delivered { price, quantity, fee, .. } => {
            Some((price.units(), quantity.units(), fee.amount))
        }
        _ => None,
    };
    reports.iter().filter_map(is).collect()
}

fn position(rig: &Rig) -> Position {
    rig.venue.position(AccountId(0), InstrumentId(0))
}

/// The last hour is 400 s to 4000 s: 100.0 for a quarter of it, 104.0 for three, what was before
/// and what comes after not. 103.0: 100 bought at 100.1 earn 290, and 0.05 % of 10300 is paid.
#[test]
fn the_delivery_price_is_the_average_of_the_index_over_the_last_hour() {
    let index = vec![
        mark(100_000, 1_700, 900),
        mark(300_000, 1_700, 1_000),
        mark(1_300_000, 1_700, 1_040),
        mark(EXPIRY_MS, 1_700, 2_000),
    ];
    let mut rig = rig(index);
    let resting = rig.order(20, Side::Sell, 9_000, 50, PLAIN);
    assert_eq!(delivered(&rig.reports(EXPIRY_MS - 1)), []);
    let reports = rig.reports(EXPIRY_MS + 1);
    let fee = Decimal::new(515, 2);
    assert_eq!(delivered(&reports), [(1_030, 100, fee)]);
    let ended = VenueReport::Expired { wire: WireId(resting), filled: Some(Quantity::ZERO) };
    assert_eq!(reports.first(), Some(&ended), "what rested ends before");
    let held = position(&rig);
    assert_eq!((held.quantity, held.realised), (Quantity::ZERO, Decimal::from(290)));
    assert_eq!(held.fees, fee + Decimal::new(5_005, 3));
    assert_eq!(delivered(&rig.reports(EXPIRY_MS + 90_000)), [], "once");
    rig.order(EXPIRY_MS + 90_001, Side::Sell, 1_500, 1, PLAIN);
    let reason = VenueRejection::NotTrading;
    let refused = VenueReport::Rejected { wire: WireId(3), reason };
    assert_eq!(rig.reports(EXPIRY_MS + 90_002), [refused]);
}

#[test]
fn without_an_index_the_mark_is_averaged_and_without_a_mark_the_middle() {
    let marks = vec![mark(200_000, 1_000, 0), mark(2_200_000, 1_020, 0)];
    assert_eq!(delivered(&rig(marks).reports(EXPIRY_MS))[0].0, 1_010);
    let quotes = vec![quote(2_200_000, (1_099, 500), (1_101, 500))];
    assert_eq!(delivered(&rig(quotes).reports(EXPIRY_MS))[0].0, 1_050);
}

#[test]
fn window_and_fee_can_be_others() {
    let mut rig = rig(vec![mark(100_000, 0, 1_000), mark(3_100_000, 0, 1_010)]);
    let terms = DeliveryTerms { window: Duration::from_secs(1_800), fee: Decimal::ZERO };
    rig.venue.set_delivery(InstrumentId(0), terms);
    // 2200 s to 4000 s: 900 s each
    assert_eq!(delivered(&rig.reports(EXPIRY_MS)), [(1_005, 100, Decimal::ZERO)]);
}

/// It is told with what happened, to whoever asks for payments too.
#[test]
fn a_delivery_is_told_again_to_whoever_asks() {
    let mut rig = rig(vec![mark(100_000, 0, 1_000)]);
    rig.reports(EXPIRY_MS);
    for extent in [Extent::All, Extent::Positions] {
        let since = VenueTime::from_nanos((EXPIRY_MS - 1) * MS);
        let question = Request::Reconcile { account: AccountId(0), since, nonce: 7, extent };
        rig.venue.submit(HostTime::from_nanos((EXPIRY_MS + 5) * MS), question);
        let reports = rig.reports(EXPIRY_MS + 5);
        assert_eq!(delivered(&reports).len(), 1, "{reports:?}");
        let flat = VenueReport::Position {
            nonce: 7,
            instrument: InstrumentId(0),
            quantity: Quantity::ZERO,
        };
        assert!(reports.contains(&flat), "{reports:?}");
    }
}

/// The bound of a batch: nothing is shown past the expiry while anything is held.
#[test]
fn the_expiry_bounds_what_is_quiet() {
    let mut rig = rig(Vec::new());
    let (last, at) = (HostTime::from_nanos(u64::MAX), HostTime::from_nanos(EXPIRY_MS * MS));
    assert_eq!(rig.venue.quiet_until(last), at);
    rig.reports(EXPIRY_MS);
    assert_eq!(rig.venue.quiet_until(last), HostTime::NEVER);
}

/// A venue that died and goes on in the same market: before the expiry, after it without having
/// told, and after having told.
#[test]
fn a_delivery_survives_the_venue() {
    let index = || vec![mark(300_000, 0, 1_000), mark(1_300_000, 0, 1_040)];
    for dies_at in [2_000_000, EXPIRY_MS - 1, EXPIRY_MS] {
        let mut first = rig(index());
        first.venue.poll(HostTime::from_nanos(dies_at * MS), &mut Vec::new());
        let fills = first.venue.records.since(AccountId(0), VenueTime::from_nanos(0), true);
        let mut ticks = vec![quote(1, (999, 500), (1_001, 500))];
        ticks.extend(index());
        ticks.push(quote(EXPIRY_MS + 60_000, (1_500, 500), (1_502, 500)));
        let mut again = Rig::with(dated(), ticks, 0);
        let starts = (EXPIRY_MS + 10) * MS;
        again.venue.keep_all();
        again.venue.poll(HostTime::from_nanos(starts), &mut Vec::new());
        first.placed.iter().for_each(|order| again.venue.placed_again(order));
        for past in fills {
            let event = VenueEvent {
                venue: past.venue,
                account: AccountId(0),
                received: HostTime::from_nanos(past.happened.as_nanos()),
                happened: past.happened,
                report: past.report,
            };
            again.venue.book_again(&event).unwrap();
        }
        again.venue.booked_again(HostTime::from_nanos(starts));
        let told = delivered(&again.reports(EXPIRY_MS + 11));
        let already = dies_at == EXPIRY_MS;
        assert_eq!(told.first().map(|told| told.0), (!already).then_some(1_030), "{dies_at}");
        first.reports(EXPIRY_MS + 11);
        assert_eq!(position(&again), position(&first), "{dies_at}");
    }
}

/// A coin-margined short over its delivery: vector C4, 120 x 100 from 61 200 to 63 000.
#[test]
fn an_inverse_short_is_delivered_in_its_coin() {
    let expiry = VenueTime::from_nanos(EXPIRY_MS * MS);
    let spec = Instrument {
        kind: InstrumentKind::InverseFuture { expiry },
        settle: "B".into(),
        multiplier: Decimal::ONE_HUNDRED,
        ..instrument()
    };
    let ticks = vec![
        quote(1, (612_000, 500), (612_010, 500)),
        mark(100_000, 0, 630_000),
        quote(EXPIRY_MS + 60_000, (612_000, 500), (612_010, 500)),
    ];
    let mut rig = Rig::with(spec, ticks, 0);
    rig.order(2, Side::Sell, 612_000, 120, PLAIN);
    let reports = rig.reports(EXPIRY_MS);
    // 120 x 100 / 63 000 x 0.05 %
    assert_eq!(delivered(&reports), [(630_000, -120, "0.00009523809524".parse().unwrap())]);
    let realised = position(&rig).realised.round_dp(8);
    assert_eq!(realised, "-0.00560224".parse().unwrap());
}
