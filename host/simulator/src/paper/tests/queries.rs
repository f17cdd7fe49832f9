//! What the venue answers about orders and the past: its own truth, however little of it was heard.

use super::*;
use hedgerow_model::{Extent, OrderPhase, OrderState, QueryAnswer};

const ACCOUNT: AccountId = AccountId(0);
const IN: InstrumentId = InstrumentId(0);

fn ask(rig: &mut Rig, ms: u64, request: Request) -> Vec<VenueReport> {
    rig.venue.submit(HostTime::from_nanos(ms * MS), request);
    rig.reports(ms)
}

fn query(rig: &mut Rig, ms: u64, wire: u64) -> QueryAnswer {
    let (account, instrument, wire) = (ACCOUNT, IN, WireId(wire));
    let request = Request::QueryOrder { account, instrument, wire, nonce: ms };
    match ask(rig, ms, request).pop() {
        Some(VenueReport::OrderState { nonce, wire: of, answer }) => {
            assert_eq!((nonce, of), (Some(ms), wire));
            answer
        }
        other => panic!("{other:?}"),
    }
}

fn state(rig: &mut Rig, ms: u64, wire: u64) -> OrderState {
    match query(rig, ms, wire) {
        QueryAnswer::Found(state) => state,
        QueryAnswer::NotFound => panic!("{wire} is not found"),
    }
}

fn market() -> Vec<Tick> {
    vec![quote(1, (1_000, 50), (1_002, 50)), sold(10, 1_000, 54), sold(20, 999, 1)]
}

#[test]
fn one_order_is_told_as_it_stands_with_all_that_filled_and_at_what_average() {
    let mut rig = Rig::new(market(), 0);
    let wire = rig.order(2, Side::Buy, 1_000, 10, PLAIN);
    assert_eq!(query(&mut rig, 3, wire + 1), QueryAnswer::NotFound);
    let open = state(&mut rig, 4, wire);
    assert_eq!((open.phase, open.filled, open.average), (OrderPhase::Open, Quantity::ZERO, None));
    let partly = state(&mut rig, 11, wire);
    assert_eq!((partly.phase, partly.filled.units()), (OrderPhase::Open, 4));
    assert_eq!(partly.average, Some(Decimal::new(1_000, 1).normalize()));
    let request = Request::Cancel { account: ACCOUNT, instrument: IN, wire: WireId(wire) };
    ask(&mut rig, 12, request);
    let over = state(&mut rig, 13, wire);
    assert_eq!((over.phase, over.filled.units()), (OrderPhase::Canceled, 4));
}

#[test]
fn the_trades_of_an_order_and_its_end_are_told_again_with_their_own_times() {
    let mut rig = Rig::new(market(), 0);
    let wire = rig.order(2, Side::Buy, 1_000, 5, PLAIN);
    let first: Vec<_> = rig.reports(30).into_iter().filter(is_fill).collect();
    assert_eq!(first.len(), 2);
    let (account, instrument, of) = (ACCOUNT, IN, WireId(wire));
    let request = Request::QueryTrades { account, instrument, wire: of, nonce: 7 };
    rig.venue.submit(HostTime::from_nanos(40 * MS), request);
    let mut again = Vec::new();
    rig.venue.poll(HostTime::from_nanos(40 * MS), &mut again);
    let end = again.pop().map(|event| event.report);
    assert_eq!(end, Some(VenueReport::TradesTold { nonce: 7, wire: of }));
    assert_eq!(again.iter().map(|event| event.report.clone()).collect::<Vec<_>>(), first);
    let times: Vec<u64> = again.iter().map(|event| event.happened.as_nanos() / MS).collect();
    assert_eq!(times, [10, 20]);
    assert_eq!(state(&mut rig, 50, wire).phase, OrderPhase::Filled);
}

fn is_fill(report: &VenueReport) -> bool {
    matches!(report, VenueReport::Fill { .. })
}

#[test]
fn a_question_is_answered_within_its_scope_and_the_past_first() {
    let mut rig = Rig::new(market(), 0);
    let filled = rig.order(2, Side::Buy, 1_000, 4, PLAIN);
    let open = rig.order(3, Side::Buy, 900, 1, PLAIN);
    rig.reports(15);
    let kinds = |reports: Vec<VenueReport>| -> Vec<String> {
        let kind = |report: &VenueReport| match report {
            VenueReport::Fill { wire, .. } => format!("fill {}", wire.0),
            VenueReport::OpenOrder { wire, .. } => format!("open {}", wire.0),
            VenueReport::Position { quantity, .. } => format!("position {}", quantity.units()),
            VenueReport::Reconciled { nonce } => format!("end {nonce}"),
            other => format!("{other:?}"),
        };
        reports.iter().map(kind).collect()
    };
    let mut asked = |extent, since: u64| {
        let since = VenueTime::from_nanos(since * MS);
        let request = Request::Reconcile { account: ACCOUNT, since, nonce: 5, extent };
        kinds(ask(&mut rig, 16, request))
    };
    let (fill, open) = (format!("fill {filled}"), format!("open {open}"));
    let all = [fill, open.clone(), "position 4".into(), "end 5".into()];
    assert_eq!(asked(Extent::All, 0), all);
    assert_eq!(asked(Extent::All, 11), all[1..]);
    assert_eq!(asked(Extent::Orders, 0), [open, "end 5".into()]);
    assert_eq!(asked(Extent::Positions, 0), all[2..]);
}

/// What a venue says to an id that it knows means that it has the order, not that it refused it.
#[test]
fn an_order_placed_twice_is_one_order() {
    let mut rig = Rig::new(market(), 0);
    let wire = rig.order(2, Side::Buy, 990, 4, PLAIN);
    rig.reports(3);
    rig.wire -= 1;
    rig.order(4, Side::Buy, 990, 4, PLAIN);
    let reason = VenueRejection::DuplicateId;
    assert_eq!(rig.reports(4), [VenueReport::Rejected { wire: WireId(wire), reason }]);
    assert_eq!(state(&mut rig, 5, wire).phase, OrderPhase::Open);
    assert_eq!(rig.venue.open_orders().len(), 1);
}

/// Whoever keeps books of what is reported would count it twice.
#[test]
fn what_is_told_again_is_marked_so() {
    let mut rig = Rig::new(market(), 0);
    let wire = rig.order(2, Side::Buy, 1_000, 4, PLAIN);
    let mut marked = Vec::new();
    let mut hear = |rig: &mut Rig, ms: u64| {
        rig.venue.poll_marked(HostTime::from_nanos(ms * MS), |event, again| {
            marked.extend(is_fill(&event.report).then_some(again));
        });
    };
    hear(&mut rig, 15);
    let (account, instrument, of) = (ACCOUNT, IN, WireId(wire));
    let request = Request::QueryTrades { account, instrument, wire: of, nonce: 7 };
    rig.venue.submit(HostTime::from_nanos(16 * MS), request);
    hear(&mut rig, 16);
    assert_eq!(marked, [false, true]);
}
