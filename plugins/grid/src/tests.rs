//! The worked numbers G1 to G5, and what becomes of partial fills, restarts and late fills.

use super::*;
use hedgerow_sdk::model::{InstrumentId, InstrumentKind, PositionUpdate, PriceGrid, ResumedState};
use hedgerow_sdk::testing::{Harness, perpetual};
use hedgerow_sdk::{Fee, FeeAsset, Price, Side, TradingMode};

mod barriers;
mod closes;
mod ending;
mod entry;
mod layout;
mod ledger;
mod neutral;
mod parameters;
mod random;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Tick 0.01, lot 0.01, maker fee 0.0002.
fn market() -> Vec<Instrument> {
    vec![perpetual(1, "market", 2, 2)]
}

fn g1() -> serde_json::Value {
    serde_json::json!({
        "direction": "buy", "start": "95", "end": "105", "total_quote": "1000",
        "min_step": "0.005", "min_order_quote": "5", "take_profit": "0.005",
        "max_open": 30, "max_per_batch": 30,
    })
}

fn with(mut base: serde_json::Value, more: serde_json::Value) -> serde_json::Value {
    let more = more.as_object().unwrap().clone();
    base.as_object_mut().unwrap().extend(more);
    base
}

fn parameters(json: serde_json::Value) -> Parameters {
    serde_json::from_value(json).unwrap()
}

fn prices(plan: &[PlannedLevel], market: &Instrument) -> Vec<String> {
    plan.iter().map(|level| format!("{:.2}", market.spec.price(level.price))).collect()
}

/// G1 with the market around 100: opens from 9950 down.
fn started(parameters: &serde_json::Value) -> Harness<Grid> {
    let mut h = Harness::<Grid>::new(parameters, market());
    h.quote(1, 9_999, 10_001);
    h
}

/// The open order that the market reaches first: number and quantity.
fn nearest(h: &Harness<Grid>) -> (u64, i64) {
    let order = h.open(Side::Buy).into_iter().max_by_key(|order| order.1).unwrap();
    (order.0, order.2)
}

fn live(h: &Harness<Grid>) -> Vec<OrderUpdate> {
    h.context().orders().copied().collect()
}

/// What a host says that knows these orders and this position.
fn resumed(orders: Vec<OrderUpdate>, position: i64, entry: &str) -> ResumedState {
    let instrument = model::InstrumentId(1);
    let (quantity, entry) = (Quantity::from_units(position), dec(entry));
    let held = (position != 0).then_some(PositionUpdate { instrument, quantity, entry });
    ResumedState { orders, positions: held.into_iter().collect(), ..ResumedState::default() }
}

fn said<'a>(status: &'a serde_json::Value, key: &str) -> &'a str {
    status[key].as_str().unwrap_or("nothing")
}

fn canceled(h: &mut Harness<Grid>) -> Vec<u64> {
    let number = |intent: Intent| match intent {
        Intent::Cancel(number) => Some(number),
        _ => None,
    };
    h.intents().into_iter().filter_map(number).collect()
}

#[test]
fn vector_g1_levels_quantity_and_total() {
    let i = perpetual(1, "market", 2, 2);
    let plan = plan(&parameters(g1()), &i.spec, dec("100")).unwrap();
    assert_eq!(plan.len(), 21);
    assert!(plan.iter().all(|level| i.spec.quantity(level.quantity) == dec("0.47")));
    let shown = prices(&plan, &i);
    assert_eq!(shown[..3], ["95.00", "95.50", "96.00"]);
    assert_eq!(shown[20], "105.00");
    let total: Decimal = plan.iter().map(|l| i.spec.quantity(l.quantity) * dec("100")).sum();
    assert_eq!(total, dec("987.00"));
}

#[test]
fn vector_g2_limited_by_the_step() {
    let i = perpetual(1, "market", 1, 4);
    let p = parameters(with(
        g1(),
        serde_json::json!({ "start": "59000", "end": "61000", "min_step": "0.0005" }),
    ));
    let plan = plan(&p, &i.spec, dec("60000")).unwrap();
    assert_eq!(plan.len(), 67);
    assert_eq!(i.spec.quantity(plan[0].quantity), dec("0.0002"));
    let first: Vec<_> = plan[..3].iter().map(|l| i.spec.price(l.price)).collect();
    assert_eq!(first, [dec("59000.0"), dec("59030.3"), dec("59060.6")]);
}

#[test]
fn vector_g3_geometric_levels() {
    let i = perpetual(1, "market", 2, 2);
    let p = parameters(with(g1(), serde_json::json!({ "spacing": "geometric", "max_levels": 11 })));
    let plan = plan(&p, &i.spec, dec("100")).unwrap();
    let expected = [
        "95.00", "95.96", "96.92", "97.90", "98.88", "99.87", "100.88", "101.89", "102.92",
        "103.95", "105.00",
    ];
    assert_eq!(prices(&plan, &i), expected);
}

#[test]
fn vector_g4_one_cycle_nets_what_it_should() {
    let mut h = Harness::<Grid>::new(&g1(), market());
    h.quote(1, 9_999, 10_001);
    let (number, price, quantity) = h.open(Side::Buy).into_iter().max_by_key(|o| o.1).unwrap();
    assert_eq!((price, quantity), (9_950, 47));
    h.fill(number, 47);
    let close = h.open(Side::Sell);
    assert_eq!(close.len(), 1);
    assert_eq!((close[0].1, close[0].2), (10_000, 47));
    h.fill(close[0].0, 47);
    // 0.5 x 0.47 - 0.0002 x (100.00 + 99.50) x 0.47
    let realised = h.strategy().state.realised;
    assert_eq!(realised, dec("0.216247"));
    assert_eq!(h.strategy().state.cycles, 1);
}

/// A fee in the base asset leaves less to close; the level knows it, and the close asks for it.
#[test]
fn what_a_fee_took_of_the_base_is_not_closed() {
    let mut spot = market();
    for i in &mut spot {
        i.spec.kind = InstrumentKind::Spot;
    }
    let mut h = Harness::<Grid>::new(&g1(), spot);
    h.quote(1, 9_999, 10_001);
    let (number, price, quantity) = h.open(Side::Buy).into_iter().max_by_key(|o| o.1).unwrap();
    assert_eq!((price, quantity), (9_950, 47));
    let fee = Fee { amount: dec("0.02"), asset: FeeAsset::Base };
    h.fill_for(number, 47, fee);
    assert_eq!(h.strategy().held(), Quantity::from_units(45));
    let close = h.open(Side::Sell);
    assert_eq!((close.len(), close[0].2), (1, 45));
    h.fill(close[0].0, 45);
    let state = &h.strategy().state;
    // 0.45 x 100 - 0.47 x 99.5, less the maker fee of the sale
    assert_eq!(state.realised, dec("-1.765") - dec("0.009"));
    assert_eq!((state.cycles, h.strategy().held()), (1, Quantity::ZERO));
}

/// Less than a lot is left: the level has closed its cycle, opens again, and closes it with the
/// next.
#[test]
fn what_is_left_below_a_lot_goes_with_the_next_cycle() {
    let mut spot = market();
    for i in &mut spot {
        i.spec.kind = InstrumentKind::Spot;
        i.spec.quantity_scale = hedgerow_sdk::model::Scale::new(4).unwrap();
        i.spec.lot = Quantity::from_units(100);
        i.spec.min_quantity = Quantity::from_units(100);
    }
    let mut h = Harness::<Grid>::new(&g1(), spot);
    let fee = Fee { amount: dec("0.0047"), asset: FeeAsset::Base };
    for (cycle, closed, left) in [(1, 4_600, 53), (2, 4_700, 6), (3, 4_600, 59)] {
        h.quote(1, 9_999, 10_001);
        let (number, _, quantity) = h.open(Side::Buy).into_iter().max_by_key(|o| o.1).unwrap();
        assert_eq!(quantity, 4_700);
        h.fill_for(number, 4_700, fee);
        let close = h.open(Side::Sell);
        assert_eq!((close.len(), close[0].2), (1, closed));
        h.fill(close[0].0, closed);
        assert_eq!(h.strategy().state.cycles, cycle);
        assert_eq!(h.strategy().held().units(), left);
    }
}

#[test]
fn vector_g5_a_fall_without_a_bounce_fires_the_stop() {
    let p = with(g1(), serde_json::json!({ "stop_loss": "0.015", "max_open": 30 }));
    let mut h = Harness::<Grid>::new(&p, market());
    h.quote(1, 10_000, 10_000);
    let mut opens = h.open(Side::Buy);
    opens.sort_by_key(|order| -order.1);
    for (number, _, quantity) in opens.into_iter().take(7) {
        h.fill(number, quantity);
    }
    let grid = h.strategy();
    let cost: Decimal = grid.state.levels.iter().map(|l| l.cost()).sum();
    assert_eq!(cost, dec("322.42"));
    assert_eq!(grid.held(), Quantity::from_units(329));
    assert_eq!(grid.state.fees, dec("0.064484"));
    assert_eq!(grid.state.stopping, None);
    h.quote(1, 9_620, 9_621);
    assert_eq!(h.strategy().state.stopping, Some(Stop::Loss));
}

#[test]
fn vector_g5_loses_what_it_says() {
    let mut h = Harness::<Grid>::new(&g1(), market());
    h.quote(1, 10_000, 10_000);
    let mut opens = h.open(Side::Buy);
    opens.sort_by_key(|order| -order.1);
    for (number, _, quantity) in opens.into_iter().take(7) {
        h.fill(number, quantity);
    }
    h.quote(1, 9_620, 9_621);
    let (levels, ctx) = (&h.strategy().state.levels, h.context());
    let share = stops::open_profit(levels, &ctx.instruments()[0], ctx).unwrap().share();
    assert_eq!(share.round_dp(6), dec("-0.018567"));
    assert_eq!((share * dec("322.42")).round_dp(6), dec("-5.986484"));
}

#[test]
fn too_little_money_is_an_error_and_not_one_large_level() {
    let i = perpetual(1, "market", 2, 2);
    let p = parameters(with(g1(), serde_json::json!({ "total_quote": "3" })));
    let error = plan(&p, &i.spec, dec("100")).unwrap_err();
    assert!(matches!(error, GridError::NotEnoughMoney { .. }));
}

#[test]
fn a_profit_that_does_not_pay_the_fees_is_refused() {
    let fee = dec("0.0002");
    let p = |take: &str| parameters(with(g1(), serde_json::json!({ "take_profit": take })));
    assert!(p("0.0004").check(fee).unwrap_err().contains("0.00040008"));
    assert!(p("0.00040009").check(fee).is_ok());
}

#[test]
fn levels_above_the_market_wait_until_it_has_been_there() {
    let mut h = Harness::<Grid>::new(&g1(), market());
    h.quote(1, 9_999, 10_001);
    let highest = h.open(Side::Buy).into_iter().map(|o| o.1).max().unwrap();
    assert!(highest < 9_999, "{highest}");
    h.quote(1, 10_099, 10_101);
    let highest = h.open(Side::Buy).into_iter().map(|o| o.1).max().unwrap();
    assert_eq!(highest, 10_050);
}

#[test]
fn opens_never_exceed_the_free_slots() {
    let p = with(g1(), serde_json::json!({ "max_open": 4, "max_per_batch": 3 }));
    let mut h = Harness::<Grid>::new(&p, market());
    for _ in 0..5 {
        h.advance(1_000_000_000);
        h.quote(1, 9_999, 10_001);
        assert!(h.open(Side::Buy).len() <= 4);
    }
    assert_eq!(h.open(Side::Buy).len(), 4);
}

#[test]
fn a_canceled_open_goes_on_with_its_filled_part() {
    let mut h = Harness::<Grid>::new(&g1(), market());
    h.quote(1, 9_999, 10_001);
    let (number, ..) = h.open(Side::Buy).into_iter().max_by_key(|o| o.1).unwrap();
    h.fill(number, 20);
    h.update(number, OrderStatus::Canceled);
    let close = h.open(Side::Sell);
    assert_eq!((close[0].1, close[0].2), (10_000, 20));
}

#[test]
fn a_canceled_close_goes_on_with_what_is_left() {
    let mut h = Harness::<Grid>::new(&g1(), market());
    h.quote(1, 9_999, 10_001);
    let (number, ..) = h.open(Side::Buy).into_iter().max_by_key(|o| o.1).unwrap();
    h.fill(number, 47);
    let close = h.open(Side::Sell)[0].0;
    h.fill(close, 17);
    h.update(close, OrderStatus::Canceled);
    let again = h.open(Side::Sell);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].2, 30);
}

#[test]
fn a_restart_keeps_levels_orders_and_partial_fills() {
    let mut h = Harness::<Grid>::new(&g1(), market());
    h.quote(1, 9_999, 10_001);
    let (number, ..) = h.open(Side::Buy).into_iter().max_by_key(|o| o.1).unwrap();
    h.fill(number, 20);
    let saved = h.save();
    // while it was down its orders were canceled: none is among those that are told
    let orders = h.open(Side::Buy).len() - 1;
    let resumed = resumed(Vec::new(), 20, "99.50");
    let mut again = Harness::<Grid>::restored(&g1(), market(), Some(&saved), resumed);
    again.quote(1, 9_999, 10_001);
    let close = again.open(Side::Sell);
    assert_eq!((close[0].1, close[0].2), (10_000, 20), "the filled part is closed");
    assert_eq!(again.open(Side::Buy).len(), orders, "the other levels open again");
}

#[test]
fn winding_down_sends_one_close_and_waits_for_late_fills() {
    let p = with(g1(), serde_json::json!({ "limit_price": "96" }));
    let mut h = Harness::<Grid>::new(&p, market());
    h.quote(1, 9_999, 10_001);
    let opens = h.open(Side::Buy);
    let (number, ..) = *opens.iter().max_by_key(|o| o.1).unwrap();
    h.fill(number, 47);
    h.intents();
    h.quote(1, 9_590, 9_592);
    let cancels =
        h.intents().iter().filter(|i| matches!(i, hedgerow_sdk::Intent::Cancel(_))).count();
    assert_eq!(cancels, opens.len(), "the rest and the resting close");
    // a late fill on one of them, then all are gone
    let (late, ..) = *opens.iter().min_by_key(|o| o.1).unwrap();
    h.fill(late, 10);
    let live: Vec<u64> =
        h.open(Side::Buy).into_iter().chain(h.open(Side::Sell)).map(|o| o.0).collect();
    for number in live {
        h.update(number, OrderStatus::Canceled);
    }
    let closes = h.submitted();
    assert_eq!(closes.len(), 1);
    assert_eq!(closes[0].quantity, Quantity::from_units(57));
    assert!(closes[0].flags.reduce_only);
    h.quote(1, 9_590, 9_592);
    assert_eq!(h.submitted().len(), 1, "no second close while one is not known to be over");
    h.fill(closes[0].number, 57);
    h.quote(1, 9_590, 9_592);
    assert!(h.strategy().state.done);
    assert_eq!(h.strategy().held(), Quantity::ZERO);
}

/// A lot or a tick that grows: what waits is laid on it, and goes on; what is too small then says
/// so and is not sent.
#[test]
fn levels_follow_the_steps_of_the_venue() {
    let mut h = started(&g1());
    let before = h.open(Side::Buy).len();
    let change = |h: &mut Harness<Grid>, lot: i64, tick: i64| {
        let mut spec = h.context().instrument(InstrumentId(1)).unwrap().spec.clone();
        (spec.lot, spec.min_quantity) = (Quantity::from_units(lot), Quantity::from_units(lot));
        spec.grid = PriceGrid::Tick(Price::from_units(tick));
        h.event(&Event::Instrument(spec));
    };
    let quantity = nearest(&h).1;
    let lot = quantity / 2;
    change(&mut h, lot, 7);
    let resting: Vec<u64> = h.open(Side::Buy).iter().map(|order| order.0).collect();
    resting.into_iter().for_each(|number| h.update(number, OrderStatus::Canceled));
    h.advance(120_000_000_000);
    h.quote(1, 9_999, 10_001);
    let laid = h.open(Side::Buy);
    assert!(laid.len() >= before, "{laid:?}");
    assert!(laid.iter().all(|order| order.2 % lot == 0 && order.1 % 7 == 0), "{laid:?}");
    change(&mut h, quantity * 3, 7);
    let resting: Vec<u64> = laid.iter().map(|order| order.0).collect();
    resting.into_iter().for_each(|number| h.update(number, OrderStatus::Canceled));
    h.advance(120_000_000_000);
    h.quote(1, 9_999, 10_001);
    assert!(h.open(Side::Buy).is_empty());
    let status = h.status();
    assert!(status["too_small"].as_u64() > Some(3), "{status}");
}
