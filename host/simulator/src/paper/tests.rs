//! Matching by hand: queue, parts, latency, taking, conditions, amendments, funding.

use super::*;
use crate::tape::Tape;
use hedgerow_model::{
    Amend, ClientOrderId, Decimal, Fee, FeeAsset, InstrumentKind, Liquidity, Margin, NewOrder,
    Order, OrderFlags, OrderStatus, Price, PriceGrid, Quantity, Scale, SequenceRule, Side,
    StrategyId, Tick, TimeInForce, VenueRejection, WireId, flag,
};

mod delivery;
mod margin;
mod money;
mod queries;
mod queue;
mod reductions;
mod terms;

const MS: u64 = 1_000_000;

fn instrument() -> Instrument {
    Instrument {
        id: InstrumentId(0),
        venue: VenueId(0),
        symbol: "X".into(),
        kind: InstrumentKind::LinearPerpetual,
        base: "B".into(),
        quote: "Q".into(),
        settle: "Q".into(),
        price_scale: Scale::new(1).unwrap(),
        quantity_scale: Scale::new(0).unwrap(),
        grid: PriceGrid::Tick(Price::from_units(1)),
        lot: Quantity::from_units(1),
        min_quantity: Quantity::from_units(1),
        max_quantity: None,
        min_notional: None,
        band: None,
        multiplier: Decimal::ONE,
        sequence: SequenceRule::Snapshots,
    }
}

fn tick(ms: u64, kind: TickKind, flags: u16, values: [i64; 4]) -> Tick {
    let [a, b, c, d] = values;
    let at = ms * MS;
    let (kind, flags) = (kind.code(), flags | flag::LAST);
    Tick { ts: at, recv_ts: at, kind, flags, a, b, c, d, ..Tick::default() }
}

fn quote(ms: u64, bid: (i64, i64), ask: (i64, i64)) -> Tick {
    tick(ms, TickKind::Quote, 0, [bid.0, bid.1, ask.0, ask.1])
}

fn sold(ms: u64, price: i64, quantity: i64) -> Tick {
    tick(ms, TickKind::Trade, flag::SELL, [price, quantity, 0, 0])
}

fn level(ms: u64, flags: u16, price: i64, quantity: i64) -> Tick {
    tick(ms, TickKind::Level, flags, [price, quantity, 0, 0])
}

/// One level of update `seq`, which follows update `previous`.
fn update(ms: u64, (previous, seq): (i64, u64), flags: u16, price: i64, quantity: i64) -> Tick {
    let values = [price, quantity, previous, previous];
    Tick { seq, ..tick(ms, TickKind::Level, flags, values) }
}

struct Rig {
    venue: PaperVenue,
    wire: u64,
    placed: Vec<Order>,
}

impl Rig {
    fn new(ticks: Vec<Tick>, latency_ms: u64) -> Self {
        Self::with(instrument(), ticks, latency_ms)
    }

    /// A book whose updates name the one before them.
    fn chained(ticks: Vec<Tick>) -> Self {
        Self::with(Instrument { sequence: SequenceRule::PreviousId, ..instrument() }, ticks, 0)
    }

    fn with(instrument: Instrument, ticks: Vec<Tick>, latency_ms: u64) -> Self {
        let config = VenueConfig {
            amends: true,
            latency_out: Duration::from_millis(latency_ms),
            latency_back: Duration::from_millis(latency_ms),
            fills: FillModel::Queue,
        };
        let fees = Fees { maker: Decimal::new(1, 4), taker: Decimal::new(5, 4), ..Fees::default() };
        let tape = Tape::of(ticks);
        let venue = PaperVenue::new(vec![config], &[(instrument, fees)], &tape);
        Self { venue, wire: 0, placed: Vec::new() }
    }

    fn order(&mut self, ms: u64, side: Side, price: i64, quantity: i64, flags: OrderFlags) -> u64 {
        self.send(ms, side, price, quantity, flags, TimeInForce::GoodTillCancel)
    }

    fn send(
        &mut self,
        ms: u64,
        side: Side,
        price: i64,
        quantity: i64,
        flags: OrderFlags,
        time_in_force: TimeInForce,
    ) -> u64 {
        self.wire += 1;
        let request = NewOrder {
            number: self.wire,
            instrument: InstrumentId(0),
            side,
            price: Price::from_units(price),
            quantity: Quantity::from_units(quantity),
            time_in_force,
            flags,
        };
        let order = Order {
            id: ClientOrderId { strategy: StrategyId(0), number: self.wire },
            wire: WireId(self.wire),
            venue_id: None,
            account: AccountId(0),
            request,
            status: OrderStatus::PendingNew,
            filled: Quantity::ZERO,
            created: HostTime::EPOCH,
        };
        self.placed.push(order.clone());
        self.venue.submit(HostTime::from_nanos(ms * MS), Request::Place(order));
        self.wire
    }

    fn reports(&mut self, ms: u64) -> Vec<VenueReport> {
        let mut out = Vec::new();
        self.venue.poll(HostTime::from_nanos(ms * MS), &mut out);
        out.into_iter().map(|event| event.report).collect()
    }

    /// Fills until then, as (wire, price, quantity).
    fn fills(&mut self, ms: u64) -> Vec<(u64, i64, i64)> {
        let fill = |report: VenueReport| match report {
            VenueReport::Fill { wire, price, quantity, .. } => {
                Some((wire.0, price.units(), quantity.units()))
            }
            _ => None,
        };
        self.reports(ms).into_iter().filter_map(fill).collect()
    }
}

const PLAIN: OrderFlags = OrderFlags { post_only: false, reduce_only: false };

#[test]
fn a_resting_order_waits_behind_what_was_displayed_and_fills_in_parts() {
    let ticks = vec![
        quote(1, (1_000, 50), (1_002, 50)),
        sold(10, 1_000, 30), // of the 50 ahead, 20 are left
        sold(11, 1_000, 25), // 20 of them, then 5 of ours
        sold(12, 1_000, 100),
    ];
    let mut rig = Rig::new(ticks, 0);
    let wire = rig.order(2, Side::Buy, 1_000, 10, PLAIN);
    assert_eq!(rig.fills(10), []);
    assert_eq!(rig.fills(11), [(wire, 1_000, 5)]);
    assert_eq!(rig.fills(12), [(wire, 1_000, 5)]);
    assert!(rig.venue.open_orders().is_empty());
}

#[test]
fn what_shrinks_at_our_price_was_ahead_of_us_and_a_trade_through_fills() {
    let ticks = vec![
        quote(1, (1_000, 50), (1_002, 50)),
        quote(5, (1_000, 10), (1_002, 50)), // cancels ahead
        sold(10, 1_000, 12),
        sold(11, 999, 4),
    ];
    let mut rig = Rig::new(ticks, 0);
    let wire = rig.order(2, Side::Buy, 1_000, 10, PLAIN);
    assert_eq!(rig.fills(10), [(wire, 1_000, 2)]);
    assert_eq!(rig.fills(11), [(wire, 1_000, 4)], "by the volume of the trade");
}

#[test]
fn an_order_travels_and_so_does_its_answer() {
    let ticks = vec![quote(1, (1_000, 50), (1_002, 50)), quote(30, (1_000, 50), (1_002, 50))];
    let mut rig = Rig::new(ticks, 5);
    rig.order(2, Side::Buy, 1_002, 10, PLAIN);
    assert_eq!(rig.reports(11), []);
    let reports = rig.reports(12);
    assert!(matches!(reports[0], VenueReport::Accepted { .. }), "{reports:?}");
    let VenueReport::Fill { liquidity, fee, .. } = reports[1] else { panic!("{reports:?}") };
    // 10 x 100.2 x 0.0005
    assert_eq!((liquidity, fee), (Liquidity::Taker, Fee::in_settle(Decimal::new(501, 3))));
}

#[test]
fn taking_walks_the_book_and_the_rest_expires_or_rests() {
    let book = vec![
        level(1, flag::SNAPSHOT, 1_000, 9),
        level(1, flag::SELL, 1_002, 5),
        level(1, flag::SELL, 1_003, 5),
        level(1, flag::SELL, 1_010, 50),
    ];
    let mut rig = Rig::new(book.clone(), 0);
    let ioc = TimeInForce::ImmediateOrCancel;
    let wire = rig.send(2, Side::Buy, 1_005, 20, PLAIN, ioc);
    let reports = rig.reports(2);
    assert_eq!(reports.len(), 4, "{reports:?}");
    assert!(matches!(reports[3], VenueReport::Expired { .. }));
    assert_eq!(rig.venue.position(AccountId(0), InstrumentId(0)).quantity.units(), 10);
    let mut rig = Rig::new(book.clone(), 0);
    let kill = rig.send(2, Side::Buy, 1_005, 20, PLAIN, TimeInForce::FillOrKill);
    assert_eq!(kill, wire);
    assert!(matches!(
        rig.reports(2)[..],
        [VenueReport::Accepted { .. }, VenueReport::Expired { .. }]
    ));
    // a far change of the book does not fill the rest from what it already took
    let mut more = book;
    more.push(level(9, 0, 990, 3));
    more.push(level(12, flag::SELL, 1_002, 0));
    more.push(level(12, flag::SELL, 1_003, 0));
    more.push(level(15, flag::SELL, 1_004, 4));
    let mut rig = Rig::new(more, 0);
    let wire = rig.order(2, Side::Buy, 1_005, 20, PLAIN);
    assert_eq!(rig.fills(2).len(), 2);
    assert_eq!(rig.fills(12), []);
    assert_eq!(rig.fills(15), [(wire, 1_005, 10)], "new size came to its price");
}

#[test]
fn post_only_and_reduce_only_are_refused_with_their_reasons() {
    let mut rig = Rig::new(vec![quote(1, (1_000, 50), (1_002, 50))], 0);
    let post = OrderFlags { post_only: true, ..PLAIN };
    let reduce = OrderFlags { reduce_only: true, ..PLAIN };
    rig.order(2, Side::Buy, 1_002, 10, post);
    rig.order(2, Side::Sell, 1_005, 10, reduce);
    let reasons: Vec<VenueRejection> = rig
        .reports(2)
        .into_iter()
        .filter_map(|report| match report {
            VenueReport::Rejected { reason, .. } => Some(reason),
            _ => None,
        })
        .collect();
    assert_eq!(reasons, [VenueRejection::PostOnlyWouldTake, VenueRejection::WouldIncrease]);
}

#[test]
fn a_book_with_a_hole_fills_nothing_until_a_snapshot() {
    let sell = flag::SELL;
    let book = |ms, seq| {
        vec![update(ms, (0, seq), flag::SNAPSHOT, 1_000, 5), update(ms, (0, seq), sell, 1_003, 5)]
    };
    let lost = tick(5, TickKind::FeedStatus, 0, [hedgerow_model::FeedStatus::Gap.code(), 0, 0, 0]);
    // update 11 is missing; or the feed says itself that something is
    for hole in [update(5, (11, 12), sell, 1_004, 7), Tick { seq: 12, ..lost }] {
        let mut ticks = book(1, 10);
        ticks.extend([
            hole,
            update(10, (12, 13), sell, 1_001, 9),
            quote(15, (1_000, 5), (1_001, 4)),
            update(16, (13, 14), sell, 1_001, 9),
        ]);
        ticks.extend(book(20, 20));
        ticks.push(update(25, (20, 21), sell, 1_001, 9));
        let mut rig = Rig::chained(ticks);
        let wire = rig.order(2, Side::Buy, 1_001, 10, PLAIN);
        assert_eq!(rig.fills(10), [], "on a book with a hole");
        assert_eq!(rig.fills(16), [(wire, 1_001, 4)], "quotes are all there is");
        assert_eq!(rig.fills(20), [], "the snapshot has nothing at its price");
        assert_eq!(rig.fills(25), [(wire, 1_001, 6)]);
    }
    // what follows without a hole goes on, and changes without a snapshot are no book
    let mut ticks = book(1, 10);
    ticks.push(update(10, (10, 11), sell, 1_001, 9));
    let mut rig = Rig::chained(ticks);
    let wire = rig.order(2, Side::Buy, 1_001, 10, PLAIN);
    assert_eq!(rig.fills(10), [(wire, 1_001, 9)]);
    let mut rig = Rig::chained(vec![update(5, (4, 5), sell, 1_001, 9)]);
    rig.order(2, Side::Buy, 1_001, 10, PLAIN);
    assert_eq!(rig.fills(5), []);
}

#[test]
fn changes_after_a_hole_do_not_move_a_queue() {
    let sell = flag::SELL;
    let trade = |ms| tick(ms, TickKind::Trade, sell, [1_000, 4, 1, 0]);
    // 5 are ahead of us; then one change says that 1 is left of them, the second that follows it
    for (whole, filled) in [(true, 3), (false, 0)] {
        let mut ticks =
            vec![update(1, (0, 10), flag::SNAPSHOT, 1_000, 5), update(1, (0, 10), sell, 1_003, 5)];
        let before = if whole { 10 } else { 11 };
        ticks.push(update(5, (before, 12), 0, 1_000, 1));
        ticks.push(trade(8));
        let mut rig = Rig::chained(ticks);
        rig.order(2, Side::Buy, 1_000, 10, PLAIN);
        let got: i64 = rig.fills(8).iter().map(|(_, _, quantity)| quantity).sum();
        assert_eq!(got, filled, "whole: {whole}");
    }
}

#[test]
fn what_is_displayed_is_shared_by_price_and_then_by_time() {
    let ticks = vec![quote(1, (1_000, 50), (1_005, 50)), quote(9, (1_000, 50), (1_001, 12))];
    let mut rig = Rig::new(ticks.clone(), 0);
    let first = rig.order(2, Side::Buy, 1_001, 10, PLAIN);
    let second = rig.order(3, Side::Buy, 1_001, 10, PLAIN);
    rig.order(4, Side::Buy, 1_001, 10, PLAIN);
    assert_eq!(rig.fills(9), [(first, 1_001, 10), (second, 1_001, 2)]);
    // a better price comes first and is done whole; the other gets what it left
    let mut rig = Rig::new(ticks, 0);
    let early = rig.order(2, Side::Buy, 1_001, 10, PLAIN);
    let better = rig.order(3, Side::Buy, 1_002, 10, PLAIN);
    assert_eq!(rig.fills(9), [(better, 1_002, 10), (early, 1_001, 2)]);
}

#[test]
fn a_smaller_size_keeps_its_place_and_a_new_price_loses_it() {
    for (price, quantity, expected) in [(1_000, 5, 5), (999, 10, 0)] {
        let ticks = vec![
            quote(1, (1_000, 50), (1_002, 50)),
            sold(5, 1_000, 45), // 5 left ahead
            sold(10, 1_000, 11),
        ];
        let mut rig = Rig::new(ticks, 0);
        let wire = rig.order(2, Side::Buy, 1_000, 10, PLAIN);
        rig.reports(5);
        let amend = Amend {
            order: wire,
            price: Price::from_units(price),
            quantity: Quantity::from_units(quantity),
        };
        let (account, instrument, wire) = (AccountId(0), InstrumentId(0), WireId(wire));
        let request = Request::Amend { account, instrument, wire, amend };
        rig.venue.submit(HostTime::from_nanos(6 * MS), request);
        let filled: i64 = rig.fills(10).iter().map(|fill| fill.2).sum();
        assert_eq!(filled, expected, "{price} {quantity}");
    }
}
