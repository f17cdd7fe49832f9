//! What a reload does to one strategy: the state of a grid with its orders out is saved, and a new
//! instance begins from it, is told of its orders and shown its market.

use crate::{instance_of, quote};
use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;
use hedgerow_model::{
    Event, Header, HostTime, Intent, OrderStatus, OrderUpdate, ResumedState, TickSlice, TradingMode,
};
use hedgerow_plugins::Instance;
use std::hint::black_box;
use std::sync::Arc;

/// A hundred levels below the market, an order for each.
const GRID: &str = r#"{"direction":"buy","start":"50000","end":"59900","total_quote":"100000",
    "min_step":"0.001","min_order_quote":"10","take_profit":"0.002","max_open":100,
    "max_per_batch":100,"max_levels":100}"#;

pub(crate) fn restore(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (engine, plugin, setup, limits) = instance_of("grid", GRID);
    let mut grid = Instance::start(&engine, &plugin, &setup, &limits, None).unwrap();
    let market = TickSlice::new(Arc::new(vec![quote(1)]));
    let header = |next_order| {
        let (now, mode) = (HostTime::from_nanos(1), TradingMode::Running);
        Header { now, next_order, mode }
    };
    let fresh = Event::Resumed(ResumedState::default());
    let mut intents = grid.on_event(header(1), &fresh).unwrap().intents;
    if intents.is_empty() {
        intents = grid.on_market(header(1), &market).unwrap().intents;
    }
    let order = |intent: &Intent| match intent {
        Intent::Submit(order) => Some(OrderUpdate::unfilled(order, OrderStatus::Open)),
        _ => None,
    };
    let orders: Vec<OrderUpdate> = intents.iter().filter_map(order).collect();
    // a state of nothing would measure nothing
    assert!(orders.len() > 50, "{} orders: {intents:?}", orders.len());
    let next = header(orders.iter().map(|order| order.number).max().unwrap_or(0) + 1);
    for order in &orders {
        grid.on_event(next, &Event::Order(*order)).unwrap();
    }
    let bytes = grid.save().unwrap().data.len();
    assert!(bytes > 1_000, "{bytes} bytes of state");
    let resumed = Event::Resumed(ResumedState { orders, ..ResumedState::default() });
    group.bench_function("save and restore", |b| {
        b.iter(|| {
            let saved = grid.save().unwrap();
            let made = Instance::start(&engine, &plugin, &setup, &limits, Some(&saved));
            let mut new = made.unwrap_or_else(|failure| panic!("{failure}"));
            new.on_event(next, &resumed).unwrap();
            black_box(new.on_market(next, &market).unwrap())
        });
    });
}
