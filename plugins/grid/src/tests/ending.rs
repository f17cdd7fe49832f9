//! A grid that winds down: one close at a time, with patience.

use super::*;
use hedgerow_sdk::model::NewOrder;

const SECOND: u64 = 1_000_000_000;

/// A grid that holds 47 and whose limit price is crossed; its close is under way.
fn closing() -> (Harness<Grid>, NewOrder) {
    let p = with(g1(), serde_json::json!({ "limit_price": "96", "max_open": 1 }));
    let mut h = started(&p);
    let (number, quantity) = nearest(&h);
    h.fill(number, quantity);
    h.quote(1, 9_590, 9_592);
    let resting: Vec<u64> =
        h.open(Side::Buy).into_iter().chain(h.open(Side::Sell)).map(|o| o.0).collect();
    h.intents();
    for number in resting {
        h.update(number, OrderStatus::Canceled);
    }
    let close = h.submitted();
    assert_eq!(close.len(), 1);
    h.intents();
    (h, close[0])
}

/// The close that goes out at this quote, if one does.
fn next_close(h: &mut Harness<Grid>) -> Option<NewOrder> {
    h.intents();
    h.quote(1, 9_590, 9_592);
    h.submitted().first().copied()
}

/// Refuses each close in turn; gives the seconds between them.
fn waits(h: &mut Harness<Grid>, first: NewOrder, how: OrderStatus, times: usize) -> Vec<u64> {
    let mut close = first;
    let mut waits = Vec::new();
    for _ in 0..times {
        h.intents();
        h.update(close.number, how);
        assert!(h.submitted().is_empty(), "sent again in the event that says it was refused");
        let mut waited = 0;
        close = loop {
            h.advance(SECOND);
            waited += 1;
            if let Some(next) = next_close(h) {
                break next;
            }
            assert!(waited < 200, "no close any more");
        };
        waits.push(waited);
    }
    waits
}

#[test]
fn a_denied_close_waits_twice_as_long_each_time_up_to_a_minute() {
    let (mut h, close) = closing();
    let waits = waits(&mut h, close, OrderStatus::Denied, 9);
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[test]
fn a_close_that_found_nobody_waits_and_a_fill_ends_the_wait() {
    let (mut h, close) = closing();
    assert_eq!(waits(&mut h, close, OrderStatus::Expired, 3), [1, 2, 4]);
    let [(number, ..)] = h.open(Side::Sell)[..] else { panic!("one close") };
    h.intents();
    h.fill(number, 7);
    h.update(number, OrderStatus::Expired);
    let rest = h.submitted();
    assert_eq!(rest.len(), 1, "it closes: the rest goes at once");
    assert_eq!(rest[0].quantity.units(), 40);
    assert_eq!(waits(&mut h, rest[0], OrderStatus::Expired, 2), [1, 2], "and waits anew");
}

#[test]
fn the_wait_survives_a_restart() {
    let (mut h, close) = closing();
    waits(&mut h, close, OrderStatus::Denied, 4);
    let [(number, ..)] = h.open(Side::Sell)[..] else { panic!("one close") };
    h.update(number, OrderStatus::Denied);
    let saved = h.save();
    let p = with(g1(), serde_json::json!({ "limit_price": "96", "max_open": 1 }));
    let mut again =
        Harness::<Grid>::restored(&p, market(), Some(&saved), resumed(vec![], 47, "99.5"));
    again.advance(30 * SECOND); // 15 s of it had passed
    assert_eq!(next_close(&mut again), None);
    again.advance(2 * SECOND);
    assert!(next_close(&mut again).is_some());
}

#[test]
fn nothing_is_sent_that_the_mode_forbids() {
    for mode in [TradingMode::CancelOnly, TradingMode::Halted] {
        let (mut h, close) = closing();
        h.set_mode(mode);
        h.update(close.number, OrderStatus::Denied);
        h.advance(100 * SECOND);
        assert_eq!(next_close(&mut h), None, "{mode}");
        h.set_mode(TradingMode::ReduceOnly);
        assert!(next_close(&mut h).is_some());
    }
    let mut h = started(&with(g1(), serde_json::json!({ "max_open": 1 })));
    h.set_mode(TradingMode::CancelOnly);
    let (number, quantity) = nearest(&h);
    h.fill(number, quantity);
    assert!(h.open(Side::Sell).is_empty(), "a close at profit is an order too");
}

#[test]
fn a_cancel_that_the_venue_refuses_is_not_repeated_at_once() {
    let p = with(g1(), serde_json::json!({ "limit_price": "96", "max_open": 1 }));
    let mut h = started(&p);
    let (number, _) = nearest(&h);
    h.intents();
    h.quote(1, 9_590, 9_592);
    assert_eq!(canceled(&mut h), [number]);
    h.quote(1, 9_590, 9_592);
    assert!(canceled(&mut h).is_empty(), "it is under way");
    h.update(number, OrderStatus::Open);
    assert!(canceled(&mut h).is_empty(), "refused just now");
    h.advance(SECOND);
    h.quote(1, 9_590, 9_592);
    assert_eq!(canceled(&mut h), [number]);
}

#[test]
fn a_fill_after_the_end_is_closed_too() {
    let (mut h, close) = closing();
    h.fill(close.number, 47);
    h.quote(1, 9_590, 9_592);
    assert_eq!(h.status()["done"], true);
    let stopped = (hedgerow_sdk::Level::Info, "stopped: Some(LimitPrice)".to_owned());
    assert!(h.logs().contains(&stopped), "{:?}", h.logs());
    h.intents();
    // the first open was canceled long ago; four of it traded all the same
    let late = FillNotice {
        number: 1,
        instrument: model::InstrumentId(1),
        side: Side::Buy,
        price: Price::from_units(9_900),
        quantity: Quantity::from_units(4),
        liquidity: model::Liquidity::Maker,
        fee: Fee::ZERO,
        trade: model::TradeId(900),
        position: Quantity::from_units(4),
    };
    h.event(&Event::Fill(late));
    let closes = h.submitted();
    assert_eq!(closes.len(), 1);
    assert_eq!((closes[0].side, closes[0].quantity.units()), (Side::Sell, 4));
}

#[test]
fn a_close_is_cut_to_what_the_venue_takes_at_once() {
    let mut instruments = market();
    instruments[0].spec.max_quantity = Some(Quantity::from_units(30));
    let p = with(g1(), serde_json::json!({ "limit_price": "96", "total_quote": "500" }));
    let mut h = Harness::<Grid>::new(&p, instruments);
    h.quote(1, 9_999, 10_001);
    let (one, quantity) = nearest(&h);
    h.fill(one, quantity);
    let (two, quantity) = nearest(&h);
    h.fill(two, quantity);
    let held = 2 * quantity;
    h.quote(1, 9_590, 9_592);
    let resting: Vec<u64> = live(&h).iter().map(|order| order.number).collect();
    h.intents();
    for number in resting {
        h.update(number, OrderStatus::Canceled);
    }
    let mut closed = 0;
    while let [(number, _, quantity)] = h.open(Side::Sell)[..] {
        assert!(quantity <= 30);
        closed += quantity;
        h.fill(number, quantity);
    }
    assert_eq!(closed, held);
    assert_eq!(h.status()["done"], true);
}

/// What a spot venue does not take for its worth is left, and the grid is done all the same.
#[test]
fn dust_does_not_keep_a_grid_from_its_end() {
    let mut spot = market();
    (spot[0].spec.kind, spot[0].spec.min_notional) = (InstrumentKind::Spot, Some(dec("10")));
    let p = with(g1(), serde_json::json!({ "limit_price": "96", "max_open": 1 }));
    let mut h = Harness::<Grid>::new(&p, spot);
    h.quote(1, 9_999, 10_001);
    let (number, _) = nearest(&h);
    h.fill(number, 9);
    h.quote(1, 9_590, 9_592);
    h.intents();
    h.update(number, OrderStatus::Canceled);
    h.quote(1, 9_590, 9_592);
    assert!(h.submitted().is_empty());
    assert_eq!(h.status()["done"], true);
    assert_eq!(said(&h.status(), "held"), "0.09");
}

/// An expired contract trades no more: what its end canceled is not placed again, however long the
/// market still speaks.
#[test]
fn after_the_expiry_nothing_is_placed() {
    let expiry = model::VenueTime::from_nanos(SECOND);
    let mut market = market();
    market[0].spec.kind = InstrumentKind::LinearFuture { expiry };
    let mut h = Harness::<Grid>::new(&g1(), market);
    h.quote(1, 9_999, 10_001);
    let resting: Vec<u64> = live(&h).iter().map(|order| order.number).collect();
    assert!(!resting.is_empty());
    h.advance(SECOND);
    for number in resting {
        h.update(number, OrderStatus::Expired);
    }
    h.intents();
    h.quote(1, 9_990, 9_992);
    assert!(h.intents().is_empty() && live(&h).is_empty());
}
