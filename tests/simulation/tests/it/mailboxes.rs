//! Strategies on threads of their own, quick or slow by a seed: what they are given is in order and
//! complete, or held back and told so; replacing them in between loses nothing; the ledger is the
//! venue's.

use hedgerow_driver::{Batching, Progress, Swapped};
use hedgerow_model::{
    AccountId, Duration, Event, Fact, Held, HostTime, InstrumentId, MarketStatus, OperatorCommand,
    OrderFact, PLAN_ORDERS, Scope, Side, Stamped, StrategyId, Swap, Tick, TickKind, TradeId,
    TradingMode,
};
use hedgerow_ports::StopReason;
use hedgerow_simulation::market::{Taste, tape};
use hedgerow_simulation::native::Read;
use hedgerow_simulation::scene::{Scene, driver};
use hedgerow_simulator::TapeFeed;
use hedgerow_store::MemoryJournal;
use proptest::prelude::*;

pub(crate) fn scene(seed: u64, strategies: u32, credit: u32, slowest: u32) -> Scene {
    let taste = Taste {
        seed,
        instruments: strategies,
        levels: true,
        quotes: seed.is_multiple_of(2),
        updates: 2_000,
        ..Taste::default()
    };
    Scene {
        taste,
        strategies: (0..strategies).map(|id| (seed + u64::from(id), 10)).collect(),
        threads: Some((credit, slowest)),
        ..Scene::default()
    }
}

struct Ran {
    /// What each strategy read, in order.
    read: Vec<Vec<Read>>,
    /// Trades that came in, by instrument.
    trades: Vec<Vec<Tick>>,
    /// Trades of each strategy's own orders, as booked.
    fills: Vec<Vec<TradeId>>,
    swaps: u32,
}

/// Runs a scene; `every` so many turns a strategy is replaced by itself, and what comes from then
/// on is for its successor, if one is not to `wait` until it is at rest.
fn run(scene: &Scene, every: u64, wait: bool) -> Ran {
    let mut driver = driver(scene, MemoryJournal::default(), Batching::Adaptive, |venue| venue);
    driver.start().unwrap();
    let count = u32::try_from(scene.strategies.len()).unwrap();
    let (component, time) = ("native".to_owned(), Duration::from_millis(200));
    let terms = Swap { component, calls: 10, time };
    let (mut turn, mut swaps, mut wanted) = (0, 0, None);
    loop {
        turn += 1;
        if turn % every == 0 {
            wanted.get_or_insert(StrategyId(u32::try_from(turn / every).unwrap() % count));
        }
        if let Some(strategy) = wanted {
            if driver.is_ready_to_swap(strategy) {
                driver.swap(strategy, terms.clone()).unwrap();
                wanted = None;
            } else if !wait {
                driver.insist(strategy, Held::Later);
            }
        }
        while let Some((_, what)) = driver.take_swapped() {
            assert_eq!(what, Swapped::Done);
            swaps += 1;
        }
        if driver.advance(HostTime::NEVER).unwrap() == Progress::Finished {
            break;
        }
    }
    for id in (0..count).map(StrategyId) {
        // a barrier that its strategy's own orders keep from closing is stuck: then it only reduces
        let stuck = driver.engine().plan_views(id).iter().any(|plan| plan.is_over());
        let mode = driver.engine().mode_of(id);
        assert!(mode == TradingMode::Running || (stuck && mode == TradingMode::ReduceOnly));
        for (spec, position, _) in driver.engine().positions(id) {
            assert_eq!(driver.venue().position(AccountId(id.0), spec.id), *position);
            if wanted != Some(id) {
                same_book(&driver, id, spec.id);
                let known = driver.host().context(id).map(|ctx| ctx.position(spec.id));
                assert_eq!(known, Some(position.quantity), "{id}");
            }
        }
        let ours = driver.engine().live_orders_of(id).map(|o| (o.request.number, o.filled));
        let ours: Vec<_> = ours.filter(|(number, _)| *number < PLAN_ORDERS).collect();
        let theirs = driver.host().context(id).map(|ctx| {
            let own = ctx.orders().filter(|order| order.number < PLAN_ORDERS);
            own.map(|order| (order.number, order.filled)).collect()
        });
        assert!(wanted == Some(id) || theirs == Some(ours), "{id}");
    }
    let read = driver.host().read();
    let of = |id: u32| {
        let mine = |read: &&Read| match read {
            Read::Tick(strategy, _) | Read::Event(strategy, _) => strategy.0 == id,
        };
        read.iter().filter(mine).cloned().collect()
    };
    let read = (0..count).map(of).collect();
    let fills = booked(scene.strategies.len(), &driver.into_parts().3.facts);
    Ran { read, trades: traded(scene), fills, swaps }
}

/// Trades that come in, by instrument.
fn traded(scene: &Scene) -> Vec<Vec<Tick>> {
    let mut feed = TapeFeed::new(&tape(scene.taste));
    let mut trades = vec![Vec::new(); scene.taste.instruments as usize];
    loop {
        use hedgerow_ports::Feed as _;
        let ticks = feed.peek(1_000);
        if ticks.is_empty() {
            break;
        }
        for tick in ticks.iter().filter(|tick| is_trade(tick)) {
            trades[tick.instrument as usize].push(*tick);
        }
        feed.take(ticks.len());
    }
    trades
}

/// Trades of each strategy's own orders.
fn booked(strategies: usize, facts: &[Stamped]) -> Vec<Vec<TradeId>> {
    let mut fills = vec![Vec::new(); strategies];
    for stamped in facts {
        if let Fact::Fill { id, trade, .. } = &stamped.fact
            && id.number < PLAN_ORDERS
        {
            fills[id.strategy.index()].push(*trade);
        }
    }
    fills
}

fn is_trade(tick: &Tick) -> bool {
    tick.kind == TickKind::Trade.code()
}

/// When all is read, the strategy's book is the engine's.
fn same_book(
    driver: &hedgerow_driver::Driver<
        TapeFeed,
        hedgerow_simulator::PaperVenue,
        hedgerow_simulation::native::NativeHost<hedgerow_simulation::random::Random>,
        MemoryJournal,
    >,
    strategy: StrategyId,
    instrument: InstrumentId,
) {
    let Some(market) = driver.host().market(strategy, instrument) else { return };
    let mut book = hedgerow_model::Book::default();
    for tick in driver.engine().snapshot_ticks(instrument) {
        if tick.kind == TickKind::Level.code() {
            book.apply(&tick);
        }
    }
    for side in [Side::Buy, Side::Sell] {
        let theirs: Vec<_> = market.book.levels(side).collect();
        let ours: Vec<_> = book.levels(side).collect();
        assert_eq!(theirs, ours, "{strategy} {instrument} {side:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn every_trade_and_fill_is_read_once_and_in_order_over_any_number_of_replacements(
        seed in any::<u32>(), strategies in 1_u32..4, slowest in 1_u32..30, every in 50_u64..2_000,
        wait in any::<bool>(),
    ) {
        let ran = run(&scene(u64::from(seed), strategies, 100_000, slowest), every, wait);
        prop_assert!(ran.swaps > 0);
        for (id, read) in ran.read.iter().enumerate() {
            let trades = read.iter().filter_map(|read| match read {
                Read::Tick(_, tick) if is_trade(tick) => Some(tick.seq),
                _ => None,
            });
            let trades: Vec<u64> = trades.collect();
            let all: Vec<u64> = ran.trades[id].iter().map(|tick| tick.seq).collect();
            let differ = trades.iter().zip(&all).position(|(read, known)| read != known);
            prop_assert_eq!((trades.len(), differ), (all.len(), None));
            let fills = read.iter().filter_map(|read| match read {
                Read::Event(_, Event::Fill(fill)) if fill.number < PLAN_ORDERS => Some(fill.trade),
                _ => None,
            });
            prop_assert_eq!(fills.collect::<Vec<_>>(), ran.fills[id].clone());
        }
    }

    #[test]
    fn who_does_not_keep_up_is_told_so_and_starts_again_from_a_snapshot(
        seed in any::<u32>(), credit in 1_u32..60, slowest in 30_u32..200, every in 300_u64..3_000,
    ) {
        let ran = run(&scene(u64::from(seed), 2, credit, slowest), every, true);
        for (id, read) in ran.read.iter().enumerate() {
            let mut all = ran.trades[id].iter();
            let (mut missed, mut lagging) = (0, 0);
            for read in read {
                match read {
                    Read::Tick(_, tick) if is_trade(tick) => {
                        // in order, each at most once
                        let before = all.len();
                        prop_assert!(all.any(|known| known == tick), "{tick:?} again or too late");
                        missed += before - all.len() - 1;
                    }
                    Read::Event(_, Event::Market { status: MarketStatus::Lagging, .. }) => {
                        lagging += 1;
                    }
                    _ => {}
                }
            }
            prop_assert!(missed == 0 || lagging > 0, "{missed} missed in silence");
        }
    }
}

#[test]
fn a_stop_waits_for_the_call_under_way_and_cancels_what_is_open() {
    for seed in 0..40 {
        let scene = scene(seed, 2, 100_000, 20);
        let mut driver = driver(&scene, MemoryJournal::default(), Batching::Adaptive, |v| v);
        driver.start().unwrap();
        for _ in 0..600 {
            driver.advance(HostTime::NEVER).unwrap();
        }
        driver.stop_all(StopReason::Shutdown).unwrap();
        assert!(seed > 0 || !driver.is_stopped(), "somebody was at work");
        while !driver.is_stopped() || driver.engine().cancels_under_way() > 0 {
            assert_ne!(driver.advance(HostTime::NEVER).unwrap(), Progress::Finished);
        }
        for id in [StrategyId(0), StrategyId(1)] {
            // but for what takes profit of a plan that goes on
            for order in driver.engine().live_orders_of(id) {
                assert!(order.request.number >= PLAN_ORDERS, "seed {seed}: {order:?}");
                assert!(order.request.flags.reduce_only, "seed {seed}: {order:?}");
            }
        }
    }
}

/// Turns of a scene whose strategies fail, are replaced, refused, rolled back, put in quarantine
/// and let go on, in any order.
fn run_with_faults(scene: &Scene, every: u64) -> (u64, u64) {
    let mut driver = driver(scene, MemoryJournal::default(), Batching::Adaptive, |venue| venue);
    driver.start().unwrap();
    let (component, time) = ("native".to_owned(), Duration::from_millis(500));
    let terms = Swap { component, calls: 20, time };
    let (mut turn, mut wanted, mut swaps) = (0_u64, None, 0);
    loop {
        turn += 1;
        let strategy = StrategyId(u32::try_from(turn / every % 2).unwrap());
        if turn.is_multiple_of(every) {
            let strategy = *wanted.get_or_insert(strategy);
            // one that waited for so long is not waited for any more
            let all = [Held::Timers, Held::Later, Held::Everything];
            driver.insist(strategy, all[usize::try_from(turn % 3).unwrap()]);
        }
        if turn.is_multiple_of(every * 3) {
            let mode = TradingMode::Running;
            driver.command(OperatorCommand::SetMode { scope: Scope::Host, mode }, "on".into());
            let strategy = Some(strategy);
            driver.command(OperatorCommand::SetMode { scope: strategy.into(), mode }, "on".into());
        }
        if let Some(strategy) = wanted
            && driver.is_ready_to_swap(strategy)
        {
            driver.swap(strategy, terms.clone()).unwrap();
            wanted = None;
        }
        while driver.take_swapped().is_some() {
            swaps += 1;
        }
        if driver.advance(HostTime::NEVER).unwrap() == Progress::Finished {
            break;
        }
    }
    for id in [StrategyId(0), StrategyId(1)] {
        for (spec, position, _) in driver.engine().positions(id) {
            assert_eq!(driver.venue().position(AccountId(id.0), spec.id), *position);
        }
    }
    let (.., journal) = driver.into_parts();
    let (mut faults, mut numbers) = (0, std::collections::BTreeSet::new());
    for stamped in &journal.facts {
        match &stamped.fact {
            Fact::Fault { .. } => faults += 1,
            Fact::Order { id, fact: OrderFact::Approved(_) } => {
                assert!(numbers.insert(*id), "{id} approved twice");
            }
            Fact::Discrepancy { detail, .. } => panic!("{detail}"),
            _ => {}
        }
    }
    (faults, swaps)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn faults_in_any_order_with_replacements_leave_the_ledger_the_venues(
        seed in any::<u32>(), credit in 20_u32..2_000, slowest in 1_u32..60,
        faulty in 5_u64..200, every in 40_u64..800,
    ) {
        let scene = Scene { faulty, ..scene(u64::from(seed), 2, credit, slowest) };
        let (faults, swaps) = run_with_faults(&scene, every);
        prop_assert!(faults + swaps > 0);
    }
}
