//! A run: some random strategies, on separate or shared accounts, over one market.

use crate::market::{START, Taste, tape};
use crate::native::NativeHost;
use crate::random::{Parameters, Random};
use hedgerow_driver::{Batching, Driver, Stats};
use hedgerow_engine::{
    AccountConfig, AccountGuards, Asks, Engine, EngineConfig, FundingGuard, GuardAction,
    HostLimits, InstrumentLimits, OpenOrders, OperatorCommand, PoolConfig, ProfitGuards, Reduction,
    StrategyConfig, StrategyGuards, StrategyLimits, Watch, Weights,
};
use hedgerow_model::{
    AccountId, Accounting, Decimal, Duration, HostTime, Instrument, InstrumentId, InstrumentKind,
    Interest, MarginBracket, Price, PriceGrid, Quantity, Scale, Scope, SequenceRule, Stamped,
    StrategyId, Terms, TickKind, TradingMode, VenueId,
};
use hedgerow_ports::{Journal, SimulatedVenue};
use hedgerow_simulator::paper::{FeeIn, Fees};
use hedgerow_simulator::{FillModel, PaperVenue, TapeFeed, VenueConfig};
use hedgerow_store::MemoryJournal;

/// What a run is like.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The market.
    pub taste: Taste,
    /// Strategies: seed, acts on one of so many updates.
    pub strategies: Vec<(u64, u64)>,
    /// Whether they share one account.
    pub shared: bool,
    /// Limits near enough to be met.
    pub tight: bool,
    /// A limit on the loss of all together.
    pub host_limit: bool,
    /// Latency to the venue and back, ns.
    pub latency: (u64, u64),
    /// How resting orders fill.
    pub fills: FillModel,
    /// Everybody trades the first instrument, on accounts of their own.
    pub overlap: bool,
    /// What every instrument is.
    pub kind: InstrumentKind,
    /// Strategies on threads of their own: their credit for ticks, and how many looks the slowest
    /// answer takes. Nothing: within the loop.
    pub threads: Option<(u32, u32)>,
    /// One of so many calls on such a thread fails; none: never.
    pub faulty: u64,
    /// Venues that limit how much may be sent, so that some of it waits.
    pub pooled: bool,
}

impl Default for Scene {
    /// Some minutes of quotes, a millisecond to the venue and back, far limits, and nobody who
    /// trades.
    fn default() -> Self {
        Self {
            taste: Taste::default(),
            strategies: Vec::new(),
            shared: false,
            tight: false,
            host_limit: false,
            latency: (1_000_000, 1_000_000),
            fills: FillModel::Queue,
            overlap: false,
            kind: InstrumentKind::LinearPerpetual,
            threads: None,
            faulty: 0,
            pooled: false,
        }
    }
}

/// A limit that is met when several orders leave at once.
fn pool() -> PoolConfig {
    PoolConfig {
        name: "sent".into(),
        burst: 6,
        per: Duration::from_millis(300),
        reserve: 2,
        wait: Duration::from_millis(100),
        weights: Weights { place: 1, cancel: 1, amend: 1, query: 0, reconcile: 0 },
    }
}

/// What a run left.
pub struct Ran {
    /// Its journal.
    pub journal: MemoryJournal,
    /// Calls and batches.
    pub stats: Stats,
    /// The venue's own position, and the engine's, per strategy and instrument.
    pub positions: Vec<(i64, i64)>,
}

/// An instrument of a scene.
#[must_use]
pub fn instrument(id: u32, scene: &Scene) -> Instrument {
    let inverse = scene.kind.is_inverse();
    Instrument {
        id: InstrumentId(id),
        venue: VenueId(0),
        symbol: format!("X{id}"),
        kind: scene.kind,
        base: "B".into(),
        quote: "Q".into(),
        settle: if inverse { "B" } else { "Q" }.into(),
        price_scale: Scale::new(1).unwrap_or(Scale::ZERO),
        quantity_scale: Scale::new(if inverse { 0 } else { 2 }).unwrap_or(Scale::ZERO),
        grid: PriceGrid::Tick(Price::from_units(1)),
        lot: Quantity::from_units(1),
        min_quantity: Quantity::from_units(1),
        max_quantity: None,
        min_notional: None,
        band: None,
        multiplier: Decimal::from(if inverse { 10 } else { 1 }),
        sequence: SequenceRule::PreviousId,
    }
}

fn limits(tight: bool) -> StrategyLimits {
    let pick = |near: i64, far: i64| Decimal::from(if tight { near } else { far });
    StrategyLimits {
        order_notional_max: pick(380, 1_000_000),
        position_notional_max: pick(1_500, 100_000_000),
        gross_notional_max: pick(2_500, 100_000_000),
        open_orders_max: if tight { 12 } else { 1_000 },
        orders_per_s_max: if tight { 20 } else { 10_000 },
        collar_bps: if tight { 15 } else { 9_000 },
        loss_max: pick(6, 100_000_000),
        drawdown_max: pick(3, 100_000_000),
        timers_max: 4,
    }
}

/// Instruments are dealt out: each has one owner on an account.
fn dealt(scene: &Scene, strategy: u32) -> Vec<InstrumentId> {
    let count = u32::try_from(scene.strategies.len()).unwrap_or(1);
    let common = scene.overlap && !scene.shared;
    let own =
        (0..scene.taste.instruments).filter(|id| id % count == strategy || common && *id == 0);
    own.map(InstrumentId).collect()
}

/// Of one scene in three everybody watches what it does not trade, within the loop.
fn watched(scene: &Scene, strategy: u32) -> Vec<InstrumentId> {
    if scene.threads.is_some() || !scene.taste.seed.is_multiple_of(3) {
        return Vec::new();
    }
    let own = dealt(scene, strategy);
    (0..scene.taste.instruments).map(InstrumentId).filter(|id| !own.contains(id)).collect()
}

fn account(scene: &Scene, strategy: u32) -> AccountId {
    AccountId(if scene.shared { 0 } else { strategy })
}

/// What the engine of a scene is told.
#[must_use]
pub fn config(scene: &Scene, instruments: &[Instrument]) -> EngineConfig {
    let count = u32::try_from(scene.strategies.len()).unwrap_or(0);
    let strategy = |id: u32| StrategyConfig {
        id: StrategyId(id),
        name: id.to_string(),
        trades: dealt(scene, id).into_iter().map(|i| (i, account(scene, id))).collect(),
        watches: watched(scene, id),
        interest: interest(scene, id),
        limits: limits(scene.tight),
        may_set_leverage: false,
        guards: guards(scene, id),
        on_stop: OpenOrders::Cancel,
        on_fault: OpenOrders::Keep,
        on_quarantine: OpenOrders::Cancel,
    };
    let named = |id: u32| AccountConfig {
        id: AccountId(id),
        name: id.to_string(),
        reconcile: false,
        settling: Duration::ZERO,
        guards: account_guards(scene),
        margin: None,
        accept: Vec::new(),
        asks: Asks::default(),
        pools: if scene.pooled { vec![pool()] } else { Vec::new() },
    };
    EngineConfig {
        instruments: instruments.to_vec(),
        no_amends: if amends(scene) { [].into() } else { [VenueId(0)].into() },
        venues: vec!["sim".into()],
        accounts: (0..count).map(named).collect(),
        strategies: (0..count).map(strategy).collect(),
        host: host_limits(scene),
        instrument_limits: match scene.tight {
            true => instruments.iter().map(|_| near_limits()).collect(),
            false => Vec::new(),
        },
        // where profit is in coin, it is worth what the mark says then
        accounting: Accounting { currency: Some("Q".into()), same: Vec::new() },
        stale_after: Duration::from_millis(500),
        tick_credit: scene.threads.map(|(credit, _)| credit),
        writes: hedgerow_engine::WriteLimits::default(),
    }
}

/// Guards near enough to be met: pairs that stand alone for a second are closed.
fn guards(scene: &Scene, id: u32) -> StrategyGuards {
    if !scene.tight {
        return StrategyGuards::default();
    }
    let hedges = match dealt(scene, id).as_slice() {
        [one, other, ..] => vec![(*one, *other)],
        _ => Vec::new(),
    };
    StrategyGuards {
        net_notional_max: Some(Decimal::from(2_000)),
        cancels_per_fill_max: Some(2),
        loss_day: watch(4, GuardAction::Alert),
        hedges,
        unhedged: Some((Duration::from_secs(1), GuardAction::ClosePair)),
        funding: Some(FundingGuard {
            edge_per_h_min: Decimal::ZERO,
            times: 2,
            action: GuardAction::Alert,
        }),
        ..StrategyGuards::default()
    }
}

fn watch(limit: i64, action: GuardAction) -> Option<Watch> {
    Some(Watch { limit: Decimal::from(limit), action })
}

fn account_guards(scene: &Scene) -> AccountGuards {
    if !scene.tight {
        return AccountGuards::default();
    }
    AccountGuards {
        gross_notional_max: Some(Decimal::from(2_300)),
        net_notional_max: Some(Decimal::from(1_900)),
        open_orders_max: Some(11),
        orders_per_s_max: Some(18),
        answer_max: Some(Duration::from_millis(60)),
        profit: ProfitGuards {
            loss: watch(7, GuardAction::Pause),
            loss_day: watch(5, GuardAction::Alert),
            drawdown: watch(4, GuardAction::Alert),
        },
        margin_ratio: watch(60, GuardAction::Alert),
        liquidation_distance_min: watch(1, GuardAction::Pause),
        ..AccountGuards::default()
    }
}

/// So little money that a loss which the guards just let pass is liquidated.
fn give_collateral(scene: &Scene, instruments: &[Instrument], venue: &mut PaperVenue) {
    let bracket = MarginBracket {
        notional_max: None,
        maintenance_rate: Decimal::new(1, 2),
        deduction: Decimal::ZERO,
    };
    for instrument in instruments {
        venue.set_brackets(instrument.id, vec![bracket]);
    }
    let (asset, amount) = match scene.kind.is_inverse() {
        true => ("B", Decimal::new(16, 3)),
        false => ("Q", Decimal::from(16)),
    };
    for id in 0..u32::try_from(scene.strategies.len()).unwrap_or(0) {
        venue.set_collateral(account(scene, id), VenueId(0), (asset, amount));
    }
    venue.tell_margins();
}

fn near_limits() -> InstrumentLimits {
    InstrumentLimits {
        order_notional_max: Some(Decimal::from(370)),
        position_notional_max: Some(Decimal::from(2_200)),
    }
}

fn host_limits(scene: &Scene) -> HostLimits {
    let near = |limit: i64| scene.host_limit.then(|| Decimal::from(limit));
    HostLimits {
        gross_notional_max: near(4_000),
        net_notional_max: near(3_000),
        profit: match scene.host_limit {
            true => ProfitGuards {
                loss: watch(2, GuardAction::Pause),
                loss_day: watch(1, GuardAction::Alert),
                drawdown: watch(2, GuardAction::Alert),
            },
            false => ProfitGuards::default(),
        },
        reduction: Some(Reduction {
            slippage_bps: 50,
            hedge_bps: 100,
            emergency_bps: 200,
            deadline_ms: 500,
        }),
        ..HostLimits::default()
    }
}

fn interest(scene: &Scene, id: u32) -> Interest {
    let mut kinds = vec![TickKind::Quote, TickKind::Trade, TickKind::Level];
    if scene.taste.seed.is_multiple_of(5) {
        kinds.extend([TickKind::Mark, TickKind::Funding]);
    }
    let add = |interest: Interest, instrument| interest.with(instrument, &kinds);
    dealt(scene, id).into_iter().chain(watched(scene, id)).fold(Interest::default(), add)
}

/// What strategy `id` is started with: its parameters, its instruments.
fn start(
    scene: &Scene,
    instruments: &[Instrument],
    id: u32,
    (seed, every): (u64, u64),
) -> (String, Vec<hedgerow_sdk::Instrument>) {
    let mut given = Vec::new();
    let own = dealt(scene, id);
    for instrument in own.iter().copied().chain(watched(scene, id)) {
        let role = format!("market{instrument}");
        let mut known = hedgerow_sdk::testing::perpetual(instrument.0, &role, 1, 2);
        known.spec = instruments[instrument.index()].clone();
        known.account = own.contains(&instrument).then(|| account(scene, id));
        given.push(known);
    }
    let parameters = hedgerow_sdk::serde_json::json!(Parameters { seed, every });
    (parameters.to_string(), given)
}

/// The loop over a scene, with a venue and a journal of the caller's making.
#[must_use]
pub fn driver<V: SimulatedVenue, J: Journal>(
    scene: &Scene,
    journal: J,
    batching: Batching,
    wrap: impl FnOnce(PaperVenue) -> V,
) -> Driver<TapeFeed, V, NativeHost<Random>, J> {
    let tape = tape(scene.taste);
    let instruments = instruments(scene);
    let fees = match scene.kind {
        // so high that the base asset taken makes whole units soon
        InstrumentKind::Spot => Fees {
            maker: Decimal::new(1, 2),
            taker: Decimal::new(25, 3),
            taken_in: FeeIn::Received,
        },
        _ => Fees { maker: Decimal::new(2, 4), taker: Decimal::new(5, 4), ..Fees::default() },
    };
    let priced: Vec<_> = instruments.iter().map(|i| (i.clone(), fees)).collect();
    let venue = VenueConfig {
        amends: amends(scene),
        latency_out: Duration::from_nanos(scene.latency.0),
        latency_back: Duration::from_nanos(scene.latency.1),
        fills: scene.fills,
    };
    let mut venue = PaperVenue::new(vec![venue], &priced, &tape);
    if scene.tight {
        give_collateral(scene, &instruments, &mut venue);
    }
    change_terms(scene, &instruments, &mut venue);
    let venue = wrap(venue);
    let (engine, host) = (engine(scene, &[]), threaded(scene, host(scene)));
    Driver::new(engine, TapeFeed::new(&tape), venue, host, journal, batching)
}

/// In one scene of four the first instrument's steps become coarser, and in part finer again.
fn change_terms(scene: &Scene, instruments: &[Instrument], venue: &mut PaperVenue) {
    let Some(spec) = instruments.first().filter(|_| scene.taste.seed % 4 == 1) else { return };
    let count = u32::try_from(scene.strategies.len()).unwrap_or(0);
    (0..count).for_each(|id| venue.tells(account(scene, id)));
    for (seconds, tick, lot) in [(6, 5, 3), (15, 1, 3), (22, 2, 1)] {
        let lot = Quantity::from_units(lot);
        let grid = PriceGrid::Tick(Price::from_units(tick));
        let terms = Terms { grid, lot, min_quantity: lot, ..spec.terms() };
        let at = HostTime::from_nanos(START + seconds * 1_000_000_000);
        venue.change_terms(at, spec.id, terms);
    }
}

/// The loop over what is left of a scene by a process that is gone: its facts, the venue as it is
/// now, the market from where it was.
#[must_use]
pub fn go_on<J: Journal>(
    scene: &Scene,
    facts: &[Stamped],
    venue: PaperVenue,
    read: u64,
    journal: J,
) -> Driver<TapeFeed, PaperVenue, NativeHost<Random>, J> {
    let engine = engine(scene, facts);
    let host = threaded(scene, host(scene).go_on(&engine));
    let mut feed = TapeFeed::new(&tape(scene.taste));
    hedgerow_ports::Feed::take(&mut feed, usize::try_from(read).unwrap_or(usize::MAX));
    Driver::new(engine, feed, venue, host, journal, Batching::Adaptive)
}

fn instruments(scene: &Scene) -> Vec<Instrument> {
    (0..scene.taste.instruments).map(|id| instrument(id, scene)).collect()
}

/// A scene's engine, with the facts of before and ids from beyond them.
#[must_use]
pub fn engine(scene: &Scene, facts: &[Stamped]) -> Engine {
    let mut engine = Engine::new(config(scene, &instruments(scene)));
    if !facts.is_empty() {
        engine.restore(facts);
        let gap = engine.id_gap();
        engine.restore(&gap);
    }
    engine
}

/// Every other venue can amend orders.
fn amends(scene: &Scene) -> bool {
    scene.taste.seed.is_multiple_of(2)
}

/// A scene's strategies, called at once.
#[must_use]
pub fn host(scene: &Scene) -> NativeHost<Random> {
    let instruments = instruments(scene);
    let strategies = (0_u32..).zip(scene.strategies.iter().copied());
    NativeHost::start(strategies.map(|(id, dice)| start(scene, &instruments, id, dice)).collect())
}

fn threaded(scene: &Scene, host: NativeHost<Random>) -> NativeHost<Random> {
    match scene.threads {
        Some((_, slowest)) => {
            host.with_threads(scene.taste.seed, slowest).with_faults(scene.faulty)
        }
        None => host,
    }
}

/// Runs a scene.
///
/// # Panics
/// When the loop reports a broken invariant.
#[must_use]
pub fn run(scene: &Scene, batching: Batching) -> Ran {
    let mut driver = driver(scene, MemoryJournal::default(), batching, |venue| venue);
    drive(&mut driver).unwrap_or_else(|e| panic!("{e}"));
    let mut positions = Vec::new();
    for id in 0..u32::try_from(scene.strategies.len()).unwrap_or(0) {
        for (spec, position, _) in driver.engine().positions(StrategyId(id)) {
            let venue = driver.venue().position(account(scene, id), spec.id);
            positions.push((venue.quantity.units(), position.quantity.units()));
        }
    }
    let stats = driver.stats();
    let (.., journal) = driver.into_parts();
    Ran { journal, stats, positions }
}

/// To the end, with an operator who clears the guards at fixed times of the data.
///
/// # Errors
/// Those of the loop.
pub fn drive<V: SimulatedVenue, J: Journal>(
    driver: &mut Driver<TapeFeed, V, NativeHost<Random>, J>,
) -> Result<(), hedgerow_driver::DriverError> {
    use hedgerow_driver::Progress;
    driver.start()?;
    let minute = Duration::from_secs(20);
    let mut next = driver.now().after(minute);
    loop {
        match driver.advance(next)? {
            Progress::Worked => {}
            Progress::Finished => return Ok(()),
            Progress::Waiting(_) => {
                let mode = TradingMode::Running;
                let command = OperatorCommand::SetMode { scope: Scope::Host, mode };
                driver.command(command, "on".into());
                for id in 0..8 {
                    let scope = Scope::Account(AccountId(id));
                    driver.command(OperatorCommand::SetMode { scope, mode }, "on".into());
                    let strategy = Some(StrategyId(id));
                    driver.command(
                        OperatorCommand::SetMode { scope: strategy.into(), mode },
                        "on".into(),
                    );
                }
                next = next.after(minute);
            }
        }
    }
}
