//! A component call, batches of ticks, save and restore, an engine input of each kind, a book
//! update, a journal append.

mod gate;
mod host;
mod restore;

use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main,
};
use hedgerow_engine::{
    AccountConfig, AccountGuards, Asks, Effects, Engine, EngineConfig, GuardAction, HostLimits,
    Input, InstrumentLimits, OpenOrders, StrategyConfig, StrategyGuards, StrategyLimits, Watch,
};
use hedgerow_model::{
    AccountId, Book, Decimal, Duration, Event, Fact, Fee, Header, HostTime, Instrument,
    InstrumentId, InstrumentKind, Intent, Interest, Liquidity, MarginBracket, NewOrder, OrderFlags,
    Outcome, Price, PriceGrid, Quantity, Scale, SequenceRule, Side, Stamped, StrategyId, Tick,
    TickKind, TickSlice, TimeInForce, TimerId, TradeId, TradingMode, VenueEvent, VenueId,
    VenueOrderId, VenueRejection, VenueReport, VenueTime, WireId, flag,
};
use hedgerow_plugins::{Instance, Limits, Mode, Plugin, RoleInstrument, Setup, WasmEngine};
use hedgerow_ports::Journal;
use hedgerow_store::SqliteJournal;
use std::borrow::Cow;
use std::hint::black_box;
use std::sync::Arc;

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
        quantity_scale: Scale::new(3).unwrap(),
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

fn quote(n: u64) -> Tick {
    let bid = 600_000 + i64::try_from(n % 7).unwrap();
    Tick {
        ts: n,
        recv_ts: n,
        seq: n,
        kind: TickKind::Quote.code(),
        flags: flag::LAST,
        a: bid,
        b: 1_000,
        c: bid + 2,
        d: 1_000,
        ..Tick::default()
    }
}

fn instance_of(component: &str, parameters: &str) -> (WasmEngine, Plugin, Setup, Limits) {
    let engine = WasmEngine::new(Mode::Live).unwrap();
    let bytes = std::fs::read(hedgerow_end_to_end::component(component)).unwrap();
    let limits = Limits::default();
    let plugin = Plugin::load(&engine, &bytes, &limits, None).unwrap();
    let market = RoleInstrument {
        role: "market".into(),
        spec: instrument(),
        venue: "v".into(),
        account: Some(AccountId(0)),
        fees: (Decimal::ZERO, Decimal::ZERO),
    };
    let setup = Setup {
        name: component.into(),
        parameters: parameters.into(),
        instruments: vec![market],
        ..Setup::default()
    };
    (engine, plugin, setup, limits)
}

fn component(c: &mut Criterion) {
    let (engine, plugin, setup, limits) = instance_of("hedgerow-rule-noop", "{}");
    let mut noop = Instance::start(&engine, &plugin, &setup, &limits, None).unwrap();
    let header = Header { now: HostTime::EPOCH, next_order: 1, mode: TradingMode::Running };
    let event = Event::Timer(TimerId(1));
    let mut group = c.benchmark_group("component");
    group.bench_function("on-event", |b| b.iter(|| noop.on_event(header, &event).unwrap()));
    for size in [1_u64, 64, 1024] {
        let ticks = TickSlice::new(Arc::new((0..size).map(quote).collect()));
        group.throughput(Throughput::Elements(size));
        group.bench_function(format!("on-market {size}"), |b| {
            b.iter(|| noop.on_market(header, &ticks).unwrap());
        });
    }
    group.throughput(Throughput::Elements(1));
    restore::restore(&mut group);
    group.finish();
}

fn engine() -> Engine {
    engine_over(instrument())
}

fn engine_over(instrument: Instrument) -> Engine {
    let wide = Decimal::from(1_000_000_000_000_i64);
    let limits = StrategyLimits {
        order_notional_max: wide,
        position_notional_max: wide,
        gross_notional_max: wide,
        open_orders_max: 1_000_000,
        orders_per_s_max: 1_000_000,
        collar_bps: 500,
        loss_max: wide,
        drawdown_max: wide,
        timers_max: 100,
    };
    let strategy = StrategyConfig {
        id: StrategyId(0),
        name: "s".into(),
        trades: vec![(InstrumentId(0), AccountId(0))],
        watches: Vec::new(),
        interest: Interest::default(),
        limits,
        may_set_leverage: false,
        on_stop: OpenOrders::Cancel,
        on_fault: OpenOrders::Keep,
        guards: StrategyGuards::default(),
        on_quarantine: OpenOrders::Cancel,
    };
    let mut engine = Engine::new(EngineConfig {
        instruments: vec![instrument],
        no_amends: std::collections::BTreeSet::new(),
        venues: vec!["v".into()],
        accounts: vec![AccountConfig {
            id: AccountId(0),
            name: "a".into(),
            reconcile: false,
            settling: Duration::ZERO,
            guards: AccountGuards::default(),
            margin: None,
            accept: Vec::new(),
            asks: Asks::default(),
            pools: Vec::new(),
        }],
        strategies: vec![strategy],
        host: HostLimits::default(),
        instrument_limits: Vec::new(),
        accounting: hedgerow_model::Accounting::default(),
        stale_after: Duration::from_secs(3_600),
        tick_credit: None,
        writes: hedgerow_engine::WriteLimits::default(),
    });
    engine.handle(Input::Market(&[quote(1)]), &mut Effects::default());
    engine
}

fn submit(engine: &Engine) -> Outcome {
    let order = NewOrder {
        number: engine.next_order(StrategyId(0)),
        instrument: InstrumentId(0),
        side: Side::Buy,
        price: Price::from_units(599_990),
        quantity: Quantity::from_units(10),
        time_in_force: TimeInForce::GoodTillCancel,
        flags: OrderFlags::default(),
    };
    Outcome { consumed: 1, intents: vec![Intent::Submit(order)], checkpoint: Some(vec![0; 64]) }
}

fn outcome(engine: &mut Engine, effects: &mut Effects) {
    let outcome = submit(engine);
    answer(engine, effects, outcome);
}

fn answer(engine: &mut Engine, effects: &mut Effects, outcome: Outcome) {
    let (now, strategy) = (HostTime::from_nanos(2), StrategyId(0));
    let first_order = engine.next_order(strategy);
    let mode = TradingMode::Running;
    let input = Input::Outcome { now, strategy, first_order, mode, state_version: 1, outcome };
    engine.handle(input, effects);
}

fn event(report: VenueReport) -> VenueEvent {
    let (received, happened) = (HostTime::from_nanos(3), VenueTime::from_nanos(3));
    VenueEvent { venue: VenueId(0), account: AccountId(0), received, happened, report }
}

fn engine_inputs(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine");
    group.bench_function("market, one quote", |b| {
        let (mut engine, mut effects, mut n) = (engine(), Effects::default(), 1);
        b.iter(|| {
            n += 1;
            engine.handle(Input::Market(&[quote(n)]), &mut effects);
        });
    });
    group.bench_function("outcome, one order through the gate", |b| {
        b.iter_batched_ref(
            || (engine(), Effects::default()),
            |(engine, effects)| outcome(engine, effects),
            BatchSize::SmallInput,
        );
    });
    let placed = || {
        let (mut engine, mut effects) = (engine(), Effects::default());
        outcome(&mut engine, &mut effects);
        (engine, effects)
    };
    group.bench_function("venue, accepted", |b| {
        let accepted = VenueReport::Accepted { wire: WireId(1), order: VenueOrderId(1) };
        let report = event(accepted);
        b.iter_batched_ref(
            placed,
            |(engine, effects)| engine.handle(Input::Venue(Cow::Borrowed(&report)), effects),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("venue, fill", |b| {
        let report = event(VenueReport::Fill {
            wire: WireId(1),
            trade: TradeId(1),
            instrument: InstrumentId(0),
            price: Price::from_units(599_990),
            quantity: Quantity::from_units(10),
            liquidity: Liquidity::Maker,
            fee: Fee::in_settle(Decimal::new(12, 4)),
        });
        b.iter_batched_ref(
            placed,
            |(engine, effects)| engine.handle(Input::Venue(Cow::Borrowed(&report)), effects),
            BatchSize::SmallInput,
        );
    });
    let rejected =
        VenueReport::Rejected { wire: WireId(1), reason: VenueRejection::PostOnlyWouldTake };
    once(&mut group, "venue, rejected", placed, &Input::Venue(Cow::Owned(event(rejected))));
    let canceled = VenueReport::Canceled { wire: WireId(1), filled: Some(Quantity::ZERO) };
    once(&mut group, "venue, canceled", placed, &Input::Venue(Cow::Owned(event(canceled))));
    host::inputs(&mut group, placed);
    group.bench_function("wake, nothing due", |b| {
        let (mut engine, mut effects) = (engine(), Effects::default());
        b.iter(|| engine.handle(Input::Wake(HostTime::from_nanos(2)), &mut effects));
    });
    group.finish();
}

/// An input that an engine hears once, on one that is ready for it.
fn once(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    ready: impl Fn() -> (Engine, Effects),
    input: &Input<'_>,
) {
    group.bench_function(name, |b| {
        b.iter_batched_ref(
            &ready,
            |(engine, effects)| engine.handle(input.clone(), effects),
            BatchSize::SmallInput,
        );
    });
}

/// Market data but quotes: a trade, and a change of a book whose updates are numbered.
fn market_inputs(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine");
    group.bench_function("market, one trade", |b| {
        let (mut engine, mut effects, mut n) = (engine(), Effects::default(), 1);
        b.iter(|| {
            n += 1;
            let trade = Tick { kind: TickKind::Trade.code(), c: 1, d: 0, ..quote(n) };
            engine.handle(Input::Market(&[trade]), &mut effects);
        });
    });
    group.bench_function("market, one level", |b| {
        let numbered = Instrument { sequence: SequenceRule::PreviousId, ..instrument() };
        let (mut engine, mut effects, mut n) = (engine_over(numbered), Effects::default(), 1);
        let level = |n: u64, flags: u16| Tick {
            kind: TickKind::Level.code(),
            flags,
            a: 599_000 + i64::try_from(n % 40).unwrap(),
            b: 1 + i64::try_from(n % 3).unwrap(),
            c: i64::try_from(n).unwrap(),
            d: i64::try_from(n).unwrap() - 1,
            ..quote(n)
        };
        let first = level(n, flag::SNAPSHOT | flag::LAST);
        engine.handle(Input::Market(&[first]), &mut effects);
        b.iter(|| {
            n += 1;
            engine.handle(Input::Market(&[level(n, flag::LAST)]), &mut effects);
        });
    });
    group.finish();
}

fn book(c: &mut Criterion) {
    let mut book = Book::default();
    for n in 0..2_000 {
        book.set(Side::Buy, Price::from_units(100_000 - n), Quantity::from_units(1 + n));
        book.set(Side::Sell, Price::from_units(100_001 + n), Quantity::from_units(1 + n));
    }
    let mut n = 0_i64;
    c.bench_function("book, one level of 4000", |b| {
        b.iter(|| {
            n = (n * 48_271 + 11) % 2_147_483_647;
            let (price, quantity) = (100_000 - n % 40, n % 3);
            book.set(Side::Buy, Price::from_units(price), Quantity::from_units(quantity));
        });
    });
}

fn journal(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(&folder.path().join("journal.sqlite")).unwrap();
    let fact =
        Fact::TimerSet { strategy: StrategyId(0), id: TimerId(1), at: HostTime::from_nanos(1) };
    let facts = [Stamped { time: HostTime::from_nanos(1), fact }];
    c.bench_function("journal, one fact in one commit", |b| {
        b.iter(|| journal.commit(&facts).unwrap());
    });
}

criterion_group!(paths, component, engine_inputs, market_inputs, gate::gate, book, journal);
criterion_main!(paths);
