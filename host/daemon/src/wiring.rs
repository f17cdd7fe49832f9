//! Putting a host together from a config: components, engine, paper venues, loop.

mod components;

pub(crate) use components::goes_on;
pub use components::{Loaded, component_path, go_on_with, load, load_one, wants_no_more};

use crate::check;
use crate::config::{Config, DataSource, StrategyEntry, asking};
use crate::latch::{KillLatch, Latched};
use crate::link::{Market, Trading};
use crate::owners::Owner;
use hedgerow_driver::{BarFeed, Batching, Driver};
use hedgerow_engine::{AccountConfig, Asks, Engine, EngineConfig, StrategyConfig};
use hedgerow_model::{
    AccountId, Bars, Decimal, Instrument, InstrumentId, Interest, MarginBracket, StrategyId,
    VenueId,
};
use hedgerow_plugins::{Plugin, PluginHost, RoleInstrument, Setup, Start, Voice};
use hedgerow_ports::{Journal, Saved};
use hedgerow_simulator::{PaperVenue, Tape, TapeFeed};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The loop as a host runs it.
pub type Host<J> = Driver<BarFeed<Market>, Latched<Trading>, PluginHost, J>;

/// Why a host cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// Something in the config does not fit the components; one screen.
    #[error("{0}")]
    Config(String),
    /// The journal cannot be written.
    #[error("{0}")]
    Journal(String),
    /// wasmtime does not run here.
    #[error("starting the sandbox: {0}")]
    Sandbox(String),
}

fn id(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// One account, and how its venue is asked: one in this process forgets nothing and loses nothing.
fn account_config(config: &Config, place: usize, name: &str) -> AccountConfig {
    let entry = config.account_entries.get(place).cloned().unwrap_or_default();
    let remote = matches!(config.data, DataSource::Socket { .. });
    let (settling, asks) = entry.asks.unwrap_or_else(asking::usual);
    let asks = match remote {
        true => asks,
        false => Asks { orders_every: None, positions_every: None, ..asks },
    };
    AccountConfig {
        id: AccountId(id(place)),
        name: name.to_owned(),
        reconcile: remote,
        settling,
        guards: config.account_guards.get(place).cloned().unwrap_or_default(),
        margin: config.leverages.get(place).map(|leverage| leverage.margin),
        accept: entry.accept,
        asks,
        pools: entry.pools,
    }
}

/// What the engine is told.
#[must_use]
pub fn engine_config(config: &Config, loaded: &Loaded) -> EngineConfig {
    let strategy = |(place, (entry, plugin)): (usize, (&StrategyEntry, &Plugin))| {
        let of = |trades: bool| {
            let wants = plugin.description.wants.iter().filter(move |want| want.trades == trades);
            wants.filter_map(|want| {
                let instrument = InstrumentId(id(*entry.roles.get(&want.role)?));
                Some((instrument, AccountId(id(entry.account_of(&want.role)))))
            })
        };
        StrategyConfig {
            id: StrategyId(id(place)),
            name: entry.name.clone(),
            trades: of(true).collect(),
            watches: of(false).map(|(instrument, _)| instrument).collect(),
            interest: interest(entry, plugin),
            limits: entry.limits.clone(),
            may_set_leverage: entry.may_set_leverage,
            on_stop: entry.on_stop,
            on_fault: entry.on_fault,
            guards: entry.guards.clone(),
            on_quarantine: entry.on_quarantine,
        }
    };
    let accounts = config.accounts.iter().enumerate();
    let strategies = config.strategies.iter().zip(&loaded.plugins).enumerate();
    EngineConfig {
        instruments: config.instruments.iter().map(|(instrument, _)| instrument.clone()).collect(),
        no_amends: config.no_amends(),
        venues: config.venues.iter().map(|(name, _)| name.clone()).collect(),
        accounts: accounts.map(|(place, name)| account_config(config, place, name)).collect(),
        strategies: strategies.map(strategy).collect(),
        host: config.host.clone(),
        instrument_limits: config.instrument_limits.clone(),
        accounting: config.accounting.clone(),
        stale_after: config.stale_after,
        // where time is the wall clock, a slow strategy must not hold up the others
        tick_credit: config.data.is_live().then_some(config.ticks_waiting_max),
        writes: config.writes,
    }
}

/// What all strategies trade: instruments and accounts, by place.
#[must_use]
pub fn trades(config: &Config, loaded: &Loaded) -> Vec<(usize, usize)> {
    let strategies = config.strategies.iter().zip(&loaded.plugins);
    strategies.flat_map(|(entry, plugin)| Owner::new(entry, &plugin.description).trades).collect()
}

/// What a strategy's component is started with.
#[must_use]
pub fn setup(config: &Config, entry: &StrategyEntry, plugin: &Plugin) -> Setup {
    let instrument = |want: &hedgerow_plugins::WantedRole| {
        let place = *entry.roles.get(&want.role)?;
        let (spec, fees): &(Instrument, _) = config.instruments.get(place)?;
        let (venue, _) = config.venues.get(spec.venue.index())?;
        Some(RoleInstrument {
            role: want.role.clone(),
            spec: spec.clone(),
            venue: venue.clone(),
            account: want.trades.then_some(AccountId(id(entry.account_of(&want.role)))),
            fees: (fees.maker, fees.taker),
        })
    };
    let places: BTreeSet<usize> = entry.accounts.values().copied().chain([entry.account]).collect();
    let named = |place| Some((AccountId(id(place)), config.accounts.get(place)?.clone()));
    Setup {
        name: entry.name.clone(),
        parameters: entry.parameters.to_string(),
        instruments: plugin.description.wants.iter().filter_map(instrument).collect(),
        accounts: places.into_iter().filter_map(named).collect(),
        voice: Voice::Own,
    }
}

fn interest(entry: &StrategyEntry, plugin: &Plugin) -> Interest {
    let mut interest = Interest::default();
    for want in &plugin.description.wants {
        let Some(place) = entry.roles.get(&want.role) else { continue };
        let instrument = InstrumentId(id(*place));
        interest = interest.with(instrument, &want.kinds);
        if let Some(bars) = want.bars {
            interest = interest.with_bars(instrument, bars);
        }
    }
    interest
}

/// How a host is put together.
pub struct Plan<J> {
    /// Where facts go.
    pub journal: J,
    /// The engine with what earlier runs left; nothing: a new one.
    pub engine: Option<Engine>,
    /// Whether this goes on after a process that may have lost its last commits: then ids are taken
    /// from beyond anything it can have used.
    pub goes_on: bool,
    /// How ticks are handed out.
    pub batching: Batching,
    /// Whether candidates will be tried on recent events.
    pub rings: bool,
    /// What an operator sets to end all opening.
    pub latch: KillLatch,
    /// Called when a strategy on a thread of its own has answered.
    pub wake: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// The paper venues of a config: every account has the leverage that it is expected to have.
#[must_use]
pub fn paper_venue(config: &Config, tape: &Tape) -> PaperVenue {
    let venues = config.venues.iter().map(|(_, venue)| venue.clone()).collect();
    let mut venue = PaperVenue::new(venues, &config.instruments, tape);
    for entry in &config.strategies {
        for (role, place) in &entry.roles {
            let account = entry.account_of(role);
            if let Some(leverage) = config.leverages.get(account) {
                venue.set_leverage(AccountId(id(account)), InstrumentId(id(*place)), *leverage);
            }
        }
    }
    give_collateral(config, &mut venue);
    (0..config.accounts.len()).for_each(|account| venue.tells(AccountId(id(account))));
    for (instrument, at, terms) in &config.changes {
        venue.change_terms(*at, *instrument, *terms);
    }
    venue
}

/// What accounts begin with at paper venues, and what must stay of it for what they hold.
fn give_collateral(config: &Config, venue: &mut PaperVenue) {
    for (place, (instrument, _)) in config.instruments.iter().enumerate() {
        let Some(Some(rate)) = config.maintenance_rates.get(place) else { continue };
        let bracket =
            MarginBracket { notional_max: None, maintenance_rate: *rate, deduction: Decimal::ZERO };
        venue.set_brackets(instrument.id, vec![bracket]);
    }
    for (account, all) in config.collateral.iter().enumerate() {
        for (asset, amount) in all {
            for at in 0..config.venues.len() {
                let whose = (AccountId(id(account)), VenueId(id(at)));
                venue.set_collateral(whose.0, whose.1, (asset, *amount));
            }
        }
    }
}

/// Puts a host together. Components that refuse to start are reported like config problems.
pub fn build<J: Journal>(
    config: &Config,
    loaded: &Loaded,
    tape: &Tape,
    plan: Plan<J>,
) -> Result<Host<J>, WiringError> {
    let (market, venue) = paper(config, tape);
    assemble(config, loaded, market, venue, plan)
}

/// Puts a host together over paper venues, with strategies that have started already.
pub fn over_paper<J: Journal>(
    config: &Config,
    tape: &Tape,
    started: (Engine, PluginHost),
    plan: Plan<J>,
) -> Result<Host<J>, WiringError> {
    join(config, started, paper(config, tape), plan)
}

fn paper(config: &Config, tape: &Tape) -> (Market, Trading) {
    let mut venue = paper_venue(config, tape);
    venue.tell_leverages();
    venue.tell_margins();
    (Market::Tape(TapeFeed::new(tape)), Trading::Paper(Box::new(venue)))
}

/// Puts a host together over any market and venue.
pub fn assemble<J: Journal>(
    config: &Config,
    loaded: &Loaded,
    feed: Market,
    venue: Trading,
    mut plan: Plan<J>,
) -> Result<Host<J>, WiringError> {
    let fresh = || Engine::new(engine_config(config, loaded));
    let engine = plan.engine.take().unwrap_or_else(fresh);
    let host = start(config, loaded, &engine, (plan.rings, plan.goes_on))?;
    join(config, (engine, host), (feed, venue), plan)
}

fn join<J: Journal>(
    config: &Config,
    (engine, host): (Engine, PluginHost),
    (feed, venue): (Market, Trading),
    plan: Plan<J>,
) -> Result<Host<J>, WiringError> {
    let host = match plan.wake {
        Some(wake) => {
            host.with_threads(threads(), wake).map_err(|e| WiringError::Sandbox(e.to_string()))?
        }
        None => host,
    };
    let wanted: Vec<(InstrumentId, Bars)> = (engine.config().strategies.iter())
        .flat_map(|s| s.interest.instruments().map(|id| (id, s.interest.bars(id))))
        .filter_map(|(id, bars)| Some((id, bars?)))
        .collect();
    let feed = BarFeed::new(feed, wanted);
    let venues = config.instruments.iter().map(|(instrument, _)| instrument.venue).collect();
    let venue = Latched::new(venue, plan.latch, venues);
    Ok(Driver::new(engine, feed, venue, host, plan.journal, plan.batching))
}

/// Starts the components where the engine's facts end. Where a journal goes on, one that does not
/// start must not keep the others, and the orders of all, from a host: it is left without an
/// instance, which [`PluginHost::take_refused`] tells.
pub fn start(
    config: &Config,
    loaded: &Loaded,
    engine: &Engine,
    (rings, goes_on): (bool, bool),
) -> Result<PluginHost, WiringError> {
    let mut starts = Vec::new();
    for (place, (entry, plugin)) in config.strategies.iter().zip(&loaded.plugins).enumerate() {
        let strategy = StrategyId(id(place));
        let checkpoint = engine.checkpoint(strategy);
        starts.push(Start {
            plugin: plugin.clone(),
            setup: setup(config, entry, plugin),
            saved: checkpoint.map(|(version, data)| Saved { version, data: data.to_vec() }),
            next_order: engine.next_order(strategy),
            held: engine.is_quarantined(strategy),
        });
    }
    let (engine, limits) = (loaded.engine.clone(), loaded.limits.clone());
    if goes_on {
        return Ok(PluginHost::start_those_that_do(engine, limits, starts, rings));
    }
    PluginHost::start(engine, limits, starts, rings)
        .map_err(|refused| check::refusals(config, &refused))
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8))
}
