//! Exactness of batches: any strategy, any market, any latency: the journal is that of one tick at
//! a time, to the byte; and the engine's ledger is the venue's.

use hedgerow_driver::Batching;
use hedgerow_model::{Fact, InstrumentKind, OrderEvent, OrderFact, Stamped, VenueTime};
use hedgerow_simulation::market::{START, Taste};
use hedgerow_simulation::scene::{Ran, Scene, run};
use hedgerow_simulator::FillModel;
use proptest::prelude::*;

/// A scene is over after some forty seconds: dated futures end in the midst of it.
pub(crate) const EXPIRY: VenueTime = VenueTime::from_nanos(START + 20_000_000_000);

pub(crate) const KINDS: [InstrumentKind; 5] = [
    InstrumentKind::InversePerpetual,
    InstrumentKind::LinearPerpetual,
    InstrumentKind::Spot,
    InstrumentKind::LinearFuture { expiry: EXPIRY },
    InstrumentKind::InverseFuture { expiry: EXPIRY },
];

pub(crate) fn scene() -> impl Strategy<Value = Scene> {
    let data = (any::<bool>(), prop::sample::select(vec![true, true, false]), any::<bool>());
    let taste = (any::<u64>(), 1_u32..4, data, 0_usize..4, 0_usize..3, 1_usize..3);
    let rest = (
        prop::collection::vec((any::<u64>(), prop::sample::select(vec![1_u64, 10, 1_000])), 1..4),
        any::<bool>(),
        prop::sample::select(vec![true, true, false]),
        prop::sample::select(vec![false, false, true]),
        prop::sample::select(vec![
            (0, 0),
            (5_000_000, 5_000_000),
            (1_000_000, 0),
            (0, 120_000_000),
        ]),
        any::<bool>(),
        prop::sample::select(KINDS.to_vec()),
        prop::sample::select(vec![false, false, true]),
    );
    (taste, rest).prop_map(|(taste, rest)| {
        let (seed, instruments, (levels, quotes, marks), coarse, delay, chunk) = taste;
        let (strategies, shared, tight, host_limit, latency, queue, kind, overlap) = rest;
        let count = u32::try_from(strategies.len()).unwrap();
        let taste = Taste {
            seed,
            instruments: instruments.max(count),
            levels,
            quotes,
            marks,
            coarse: [0, 0, 50_000_000, 5_000_000][coarse],
            delay: [0, 3_000_000, 50_000_000][delay],
            updates: 3_000,
            chunk: [0, 500, 100_000][chunk],
        };
        let fills = if queue { FillModel::Queue } else { FillModel::Touch };
        let pooled = seed % 3 == 0;
        Scene {
            pooled,
            taste,
            strategies,
            shared,
            tight,
            host_limit,
            latency,
            fills,
            kind,
            overlap,
            ..Scene::default()
        }
    })
}

/// The first fact that differs, for a person.
fn difference(one: &Ran, many: &Ran) -> Option<String> {
    let (a, b) = (&one.journal.facts, &many.journal.facts);
    let place = a.iter().zip(b).position(|(a, b)| a != b);
    let place = place.or((a.len() != b.len()).then(|| a.len().min(b.len())))?;
    let from = place.saturating_sub(3);
    let show = |facts: &[hedgerow_model::Stamped]| {
        facts.iter().skip(from).take(6).map(|f| format!("  {f:?}\n")).collect::<String>()
    };
    Some(format!("at fact {place}\none tick at a time:\n{}in batches:\n{}", show(a), show(b)))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("HEDGEROW_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(96),
        ..ProptestConfig::default()
    })]

    #[test]
    fn batches_change_nothing(scene in scene()) {
        let one = run(&scene, Batching::One);
        let many = run(&scene, Batching::Adaptive);
        if let Some(difference) = difference(&one, &many) {
            prop_assert!(false, "{difference}");
        }
        prop_assert_eq!(one.journal.bytes(), many.journal.bytes());
        prop_assert_eq!(one.stats.ticks, many.stats.ticks);
        prop_assert_eq!(one.stats.delivered, many.stats.delivered);
        prop_assert_eq!(&one.positions, &many.positions);
        for (venue, engine) in &one.positions {
            prop_assert_eq!(venue, engine, "the ledger is not the venue's");
        }
    }
}

/// One that does next to nothing reads many ticks a call, between timers and what a feed says of
/// itself; one that acts on all of them reads them one by one.
#[test]
fn batches_grow_while_nobody_acts() {
    // it acts on one update of so many
    let run = |one_of| {
        let taste = Taste { updates: 20_000, chunk: 4_096, ..Taste::default() };
        let scene = Scene { taste, strategies: vec![(7, one_of)], ..Scene::default() };
        run(&scene, Batching::Adaptive).stats
    };
    let idle = run(u64::MAX);
    assert!(idle.ticks >= 20_000 && idle.market_calls > 0, "{idle:?}");
    assert!(idle.ticks > idle.market_calls * 20, "{idle:?}");
    let busy = run(1);
    assert!(busy.ticks < busy.market_calls * 3, "{busy:?}");
}

/// Of several that rest over the end of their contract each is ended there, and told.
#[test]
fn orders_rest_over_the_end_of_a_dated_future() {
    let mut ended = 0;
    for seed in 0..12 {
        let taste = Taste { seed, instruments: 1, quotes: true, chunk: 500, ..Taste::default() };
        let kind = KINDS[3 + usize::try_from(seed % 2).unwrap()];
        let scene = Scene { taste, strategies: vec![(seed, 10)], kind, ..Scene::default() };
        let one = run(&scene, Batching::One);
        let many = run(&scene, Batching::Adaptive);
        assert_eq!(difference(&one, &many), None, "seed {seed}");
        ended += one.journal.facts.iter().filter(|f| is_end(f)).count();
    }
    assert!(ended > 3, "{ended} orders rested at the end of their contract");
}

/// Whether an order was told to have ended with its contract, a millisecond after.
fn is_end(stamped: &Stamped) -> bool {
    let expired = OrderEvent::Expired;
    let ended = match &stamped.fact {
        Fact::Order { fact: OrderFact::Moved { event, .. }, .. }
        | Fact::Order { fact: OrderFact::Ends { event, .. }, .. } => *event == expired,
        _ => false,
    };
    ended && stamped.time.as_nanos() == EXPIRY.as_nanos() + 1_000_000
}

#[test]
fn the_scenes_are_lively_and_batches_are_used() {
    let mut facts = std::collections::BTreeMap::<String, u32>::new();
    let (mut batched, mut ticks) = (0, 0);
    for seed in 0..25 {
        let taste = Taste {
            seed,
            instruments: 2,
            levels: seed % 2 == 0,
            quotes: true,
            marks: false,
            coarse: 0,
            delay: 3_000_000,
            updates: 3_000,
            chunk: 500,
        };
        let scene = Scene {
            taste,
            strategies: vec![(seed, 30)],
            tight: true,
            latency: (5_000_000, 5_000_000),
            kind: KINDS[usize::try_from(seed % 5).unwrap()],
            ..Scene::default()
        };
        let ran = run(&scene, Batching::Adaptive);
        batched += ran.stats.ticks - ran.stats.steps.min(ran.stats.ticks);
        ticks += ran.stats.ticks;
        for stamped in &ran.journal.facts {
            let text = format!("{:?}", stamped.fact);
            let kind = text.split([' ', '{', '(']).next().unwrap_or_default().to_owned();
            let inner = [
                "Began",
                "Refused",
                "Sends",
                "Phase",
                "Ended(",
                "Approved",
                "Denied",
                "Amended",
                "Moved",
                "CancelRequested",
            ];
            let inner = inner.iter().find(|word| text.contains(*word)).copied().unwrap_or("");
            *facts.entry(format!("{kind} {inner}")).or_default() += 1;
        }
    }
    for kind in [
        "Order Approved",
        "Order Denied",
        "Order Amended",
        "Order CancelRequested",
        "Fill ",
        "Funding ",
        "Mode ",
        "Market ",
        "TimerEnded ",
        "MeasuresRestarted ",
        "Guard ",
        "Day ",
        "Plan Began",
        "Plan Sends",
        "Plan Phase",
        "Plan Ended(",
    ] {
        assert!(facts.contains_key(kind), "no {kind} in {facts:?}");
    }
    assert!(batched * 10 > ticks, "{batched} of {ticks} ticks in batches");
}
