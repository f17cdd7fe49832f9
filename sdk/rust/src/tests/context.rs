//! The context against what was asked for and heard.

use super::*;
use hedgerow_model::{HostTime, OpaqueMessage, PositionUpdate, ResumedState, RiskRejection, flag};

fn context() -> Context {
    let mut ctx = Context::new(vec![perpetual(1, "market", 2, 2)]);
    ctx.begin(0, 1, TradingMode::Running);
    ctx.hear(&Event::Resumed(ResumedState::default()));
    ctx
}

fn status(ctx: &Context, number: u64) -> Option<OrderStatus> {
    ctx.order(number).map(|order| order.status)
}

fn update(ctx: &Context, number: u64, status: OrderStatus) -> Event {
    Event::Order(OrderUpdate { status, ..*ctx.order(number).unwrap() })
}

#[test]
fn an_order_under_cancel_looks_so_until_the_venue_refuses() {
    let mut ctx = context();
    let (one, two) = (ctx.submit(bid(100)), ctx.submit(bid(90)));
    for number in [one, two] {
        let open = update(&ctx, number, OrderStatus::Open);
        ctx.hear(&open);
    }
    ctx.cancel(one);
    assert_eq!(status(&ctx, one), Some(OrderStatus::PendingCancel));
    assert_eq!(status(&ctx, two), Some(OrderStatus::Open));
    ctx.cancel_all(InstrumentId(1));
    assert_eq!(status(&ctx, two), Some(OrderStatus::PendingCancel));
    let refused = update(&ctx, one, OrderStatus::Open);
    ctx.hear(&refused);
    assert_eq!(status(&ctx, one), Some(OrderStatus::Open));
}

#[test]
fn a_cancel_under_way_is_not_asked_for_again() {
    let mut ctx = context();
    let number = ctx.submit(bid(100));
    for _ in 0..3 {
        ctx.cancel(number);
    }
    let cancels = |intent: &&Intent| matches!(intent, Intent::Cancel(_));
    assert_eq!(ctx.take_intents().iter().filter(cancels).count(), 1);
}

#[test]
fn a_cancel_during_history_changes_nothing() {
    let mut ctx = context();
    let number = ctx.submit(bid(100));
    ctx.take_intents();
    ctx.see(&Tick { instrument: 1, flags: flag::LAST | flag::HISTORY, ..Tick::default() });
    ctx.cancel(number);
    ctx.cancel_all(InstrumentId(1));
    ctx.cancel_timer(TimerId(1));
    assert_eq!(status(&ctx, number), Some(OrderStatus::PendingNew));
    assert!(!ctx.acted());
}

#[test]
fn what_is_wanted_in_the_contract_s_words_is_seen_in_the_context_too() {
    let mut ctx = context();
    let number = ctx.submit(bid(100));
    ctx.want(Intent::Cancel(number));
    assert_eq!(status(&ctx, number), Some(OrderStatus::PendingCancel));
    let (id, at) = (TimerId(7), HostTime::from_nanos(5));
    ctx.want(Intent::SetTimer { id, at });
    assert_eq!(ctx.timers().collect::<Vec<_>>(), [(id, at)]);
    ctx.want(Intent::CancelTimer(id));
    assert_eq!(ctx.timers().count(), 0);
}

#[test]
fn one_order_and_all_orders_agree_on_what_is_finished() {
    let mut ctx = context();
    let number = ctx.submit(bid(100));
    let gone = update(&ctx, number, OrderStatus::Canceled);
    ctx.hear(&gone);
    assert_eq!(ctx.orders().count(), 0);
    assert_eq!(status(&ctx, number), None);
}

#[test]
fn a_denied_timer_is_not_set() {
    let mut ctx = context();
    let at = HostTime::from_nanos(1_000);
    let denied = |id: u64| {
        let code = RiskRejection::TooManyTimers.code();
        let json = format!(r#"{{"denied":"set-timer","id":{id},"reason":23}}"#);
        Event::Other(OpaqueMessage { code, json })
    };
    for id in 1..=4 {
        ctx.set_timer(TimerId(id), at);
    }
    ctx.hear(&denied(2));
    ctx.hear(&denied(4));
    let left: Vec<_> = ctx.timers().map(|(id, _)| id.0).collect();
    assert_eq!(left, [1, 3]);
}

fn fill(side: Side, price: i64, quantity: i64, position: i64) -> Event {
    Event::Fill(FillNotice {
        number: 1,
        instrument: InstrumentId(1),
        side,
        price: Price::from_units(price),
        quantity: Quantity::from_units(quantity),
        liquidity: hedgerow_model::Liquidity::Maker,
        fee: Fee::ZERO,
        trade: hedgerow_model::TradeId(1),
        position: Quantity::from_units(position),
    })
}

#[test]
fn the_average_entry_is_told_and_moves_with_fills() {
    let mut ctx = context();
    let id = InstrumentId(1);
    assert_eq!(ctx.entry(id), None);
    let at = |entry: i64, quantity| PositionUpdate {
        instrument: id,
        quantity: Quantity::from_units(quantity),
        entry: Decimal::from(entry),
    };
    let positions = vec![at(100, 200)];
    ctx.hear(&Event::Resumed(ResumedState { positions, ..ResumedState::default() }));
    assert_eq!(ctx.entry(id), Some(Decimal::from(100)));
    ctx.hear(&fill(Side::Buy, 13_000, 100, 300));
    assert_eq!(ctx.entry(id), Some(Decimal::from(110)));
    ctx.hear(&fill(Side::Sell, 15_000, 150, 150));
    assert_eq!(ctx.entry(id), Some(Decimal::from(110)), "closing a part moves no entry");
    ctx.hear(&fill(Side::Sell, 12_000, 250, -100));
    assert_eq!(ctx.entry(id), Some(Decimal::from(120)), "through zero: the new part's price");
    ctx.hear(&Event::Position(at(90, 50)));
    assert_eq!((ctx.entry(id), ctx.position(id).units()), (Some(Decimal::from(90)), 50));
    // the host's quantity is the truth even where fills were not heard
    ctx.hear(&fill(Side::Buy, 9_000, 10, 100));
    assert_eq!((ctx.entry(id), ctx.position(id).units()), (Some(Decimal::from(90)), 100));
    ctx.hear(&fill(Side::Sell, 9_000, 100, 0));
    assert_eq!(ctx.entry(id), None);
}
