//! The parts of a script's run: what the engine is told, what strategies start with, the venues.

mod guards;

use crate::components::{Components, Host};
use crate::fate::SETTLING;
use crate::host::{Native, Start};
use crate::script::{START, Script};
use crate::shared::{STALE, Shared};
use crate::venues::Venues;
use hedgerow_engine::{
    AccountConfig, AccountGuards, Asks, Engine, EngineConfig, HostLimits, OpenOrders, PoolConfig,
    StrategyConfig, StrategyGuards, StrategyLimits, Weights, WriteLimits,
};
use hedgerow_guest_trader::Parameters;
use hedgerow_model::{
    Accounting, Decimal, Duration, InstrumentId, Interest, StrategyId, TickKind, VenueId,
};
use hedgerow_simulator::paper::{DeliveryTerms, FeeIn, Fees};
use hedgerow_simulator::{FillModel, PaperVenue, Tape, VenueConfig};
use std::cell::Cell;
use std::rc::Rc;

const KINDS: [TickKind; 3] = [TickKind::Quote, TickKind::Trade, TickKind::Level];

fn own(script: &Script, strategy: StrategyId) -> Vec<InstrumentId> {
    let all = script.instruments.iter().map(|spec| spec.id);
    all.filter(|id| script.owner(*id) == strategy).collect()
}

/// Wide enough to trade for ten minutes, near enough that guards trip now and then.
fn limits(script: &Script, id: StrategyId) -> StrategyLimits {
    if script.guarded {
        return guards::strategy_limits(script, id);
    }
    StrategyLimits {
        order_notional_max: Decimal::from(3_000),
        position_notional_max: Decimal::from(6_000),
        gross_notional_max: Decimal::from(12_000),
        open_orders_max: 30,
        orders_per_s_max: 50,
        collar_bps: 400,
        loss_max: Decimal::from(400),
        drawdown_max: Decimal::from(300),
        timers_max: 4,
    }
}

/// In every other script as much may be sent as there is; in the others little enough that orders
/// wait.
fn pools(script: &Script) -> Vec<PoolConfig> {
    let pool = || PoolConfig {
        name: "requests".into(),
        burst: 12,
        per: Duration::from_secs(2),
        reserve: 4,
        wait: Duration::from_millis(700),
        weights: Weights { place: 1, cancel: 1, amend: 1, query: 1, reconcile: 2 },
    };
    (script.seed % 2 == 1).then(pool).into_iter().collect()
}

/// What the engine is told.
#[must_use]
pub fn config(script: &Script) -> EngineConfig {
    let strategy = |id: StrategyId| StrategyConfig {
        id,
        name: id.to_string(),
        trades: own(script, id).into_iter().map(|i| (i, script.account(i))).collect(),
        watches: Vec::new(),
        interest: own(script, id)
            .into_iter()
            .fold(Interest::default(), |all, id| all.with(id, &KINDS)),
        limits: limits(script, id),
        may_set_leverage: false,
        guards: match script.guarded {
            true => guards::strategy_guards(script, id),
            false => StrategyGuards::default(),
        },
        on_stop: OpenOrders::Cancel,
        on_quarantine: OpenOrders::Cancel,
        on_fault: if script.seed.is_multiple_of(2) { OpenOrders::Keep } else { OpenOrders::Cancel },
    };
    let account = |spec: &hedgerow_model::Instrument| AccountConfig {
        id: script.account(spec.id),
        name: spec.symbol.clone(),
        reconcile: true,
        settling: Duration::from_nanos(SETTLING),
        guards: match script.guarded {
            true => guards::account_guards(script, spec),
            false => AccountGuards::default(),
        },
        margin: None,
        accept: Vec::new(),
        asks: Asks {
            orders_every: Some(Duration::from_secs(5)),
            positions_every: Some(script.positions_every()),
            ..Asks::default()
        },
        pools: pools(script),
    };
    EngineConfig {
        instruments: script.instruments.clone(),
        no_amends: script.no_amends.into_iter().map(VenueId).collect(),
        venues: (0..script.venues).map(|venue| format!("v{venue}")).collect(),
        accounts: script.instruments.iter().map(account).collect(),
        strategies: (0..script.strategies).map(|id| strategy(StrategyId(id))).collect(),
        host: if script.guarded { guards::host(script) } else { HostLimits::default() },
        instrument_limits: match script.guarded {
            true => guards::instrument_limits(script),
            false => Vec::new(),
        },
        accounting: Accounting { currency: None, same: Vec::new() },
        stale_after: Duration::from_nanos(STALE),
        tick_credit: None,
        writes: WriteLimits::default(),
    }
}

/// The strategies, from where an engine's facts end.
#[must_use]
pub fn host(script: &Script, traps: &[Rc<Cell<u32>>], engine: &Engine) -> Host {
    let start = |(id, traps): (u32, &Rc<Cell<u32>>)| {
        let instruments = own(script, StrategyId(id)).into_iter().map(|instrument| {
            let role = format!("market{instrument}");
            let mut known = hedgerow_sdk::testing::perpetual(instrument.0, &role, 1, 2);
            known.spec = script.instruments[instrument.index()].clone();
            known.account = Some(script.account(instrument));
            known
        });
        let (seed, every) = (script.seed ^ (u64::from(id) << 32), script.every);
        let until = script.calm();
        let attacks = script.guarded;
        let parameters = Parameters { seed, every, until, attacks };
        let parameters = hedgerow_sdk::serde_json::json!(parameters);
        let (parameters, traps) = (parameters.to_string(), Rc::clone(traps));
        Start { parameters, instruments: instruments.collect(), traps }
    };
    let starts = (0..).zip(traps).map(start).collect();
    match script.sandboxed {
        true => Host::Sandboxed(Box::new(Components::start(starts, engine))),
        false => Host::Native(Native::start(starts, engine)),
    }
}

/// The venues before anything has happened.
#[must_use]
pub fn venues(shared: &Rc<Shared>) -> Venues {
    let quick = |venue| VenueConfig {
        amends: shared.script.no_amends != Some(venue),
        latency_out: Duration::ZERO,
        latency_back: Duration::ZERO,
        fills: FillModel::Queue,
    };
    let script = &shared.script;
    let fees =
        Fees { maker: Decimal::new(1, 4), taker: Decimal::new(5, 4), taken_in: FeeIn::Settle };
    let priced: Vec<_> = script.instruments.iter().map(|spec| (spec.clone(), fees)).collect();
    let tape = Tape::of(shared.market.truth.to_vec());
    let mut inner = PaperVenue::new((0..script.venues).map(quick).collect(), &priced, &tape);
    for spec in script.instruments.iter().filter(|_| script.guarded) {
        inner.set_brackets(spec.id, guards::brackets());
        if let Some(amount) = guards::collateral(script, spec) {
            let money = (spec.settle.as_str(), amount);
            inner.set_collateral(script.account(spec.id), spec.venue, money);
        }
    }
    for spec in &script.instruments {
        // a paper venue averages over an hour, which is longer than a run
        let terms = DeliveryTerms { window: Duration::from_secs(60), fee: Decimal::new(2, 4) };
        inner.set_delivery(spec.id, terms);
    }
    let mut venues = Venues::new(inner, Rc::clone(shared));
    venues.connect(START);
    venues
}
