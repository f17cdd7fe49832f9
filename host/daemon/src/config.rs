//! The host's config: one TOML file, checked whole before anything starts.
//!
//! [`load`] gives either a config that only holds valid values, or one screen with every problem.
//! Keys that risk money have no default.

mod account;
pub(crate) mod asking;
mod change;
mod guards;
mod instrument;
mod money;
mod nearest;
mod parse;
pub mod problem;
pub mod reader;
pub(crate) mod sandbox;
pub(crate) mod schema;
mod strategy;
mod value;

use hedgerow_engine::{
    AccountGuards, HostLimits, InstrumentLimits, OpenOrders, StrategyGuards, StrategyLimits,
    WriteLimits,
};
use hedgerow_model::{
    Accounting, Decimal, Duration, HostTime, Instrument, InstrumentId, Terms, VenueId,
};
use hedgerow_simulator::VenueConfig;
use hedgerow_simulator::paper::{Fees, Leverage};
use parse::Folders;
use problem::Problems;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A snapshot of the journal is made when it has grown by so many rows: half a second's folding.
pub(crate) const SNAPSHOT_ROWS: u64 = 100_000;

/// Where the market comes from.
#[derive(Clone, Debug)]
pub enum DataSource {
    /// Generated, endless, from a seed.
    Generated {
        /// The seed.
        seed: u64,
        /// Ticks per second in ordinary times.
        events_per_s: u64,
    },
    /// Binance raw combined-stream files.
    BinanceRaw {
        /// The folder.
        path: PathBuf,
    },
    /// Paper venues in other processes.
    Socket {
        /// Their Unix sockets.
        sockets: Vec<SocketEntry>,
    },
    /// Hyperliquid CSV files: books, quotes, trades.
    HyperliquidCsv {
        /// The folder.
        path: PathBuf,
    },
    /// Lighter CSV files: quotes, trades.
    LighterCsv {
        /// The folder.
        path: PathBuf,
    },
    /// `events.csv` of the throughput comparison.
    BenchCsv {
        /// The folder.
        path: PathBuf,
    },
}

impl DataSource {
    /// Whether data comes by itself, at the time of the wall clock.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Socket { .. })
    }
}

/// The Unix socket of a paper venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketEntry {
    /// Which venue it serves; nothing: all of them.
    pub venue: Option<String>,
    /// Where it listens.
    pub path: PathBuf,
}

/// One strategy as configured.
#[derive(Clone, Debug)]
pub struct StrategyEntry {
    /// Its name.
    pub name: String,
    /// The component file, without folder and ending.
    pub plugin: String,
    /// The account it trades on, by place.
    pub account: usize,
    /// Roles that trade on another one.
    pub accounts: BTreeMap<String, usize>,
    /// Role to instrument, by place.
    pub roles: BTreeMap<String, usize>,
    /// Where each of them stands, by its path among them: `/role`.
    pub role_places: BTreeMap<String, std::ops::Range<usize>>,
    /// Roles whose instrument could not be read; none in a checked config.
    pub unplaced: Vec<String>,
    /// Parameters as JSON.
    pub parameters: serde_json::Value,
    /// Where each of them stands, by its path among them: `/a/b/0`.
    pub places: BTreeMap<String, std::ops::Range<usize>>,
    /// Its limits.
    pub limits: StrategyLimits,
    /// Whether it may change the leverage of what it trades.
    pub may_set_leverage: bool,
    /// Its guards beside them.
    pub guards: StrategyGuards,
    /// What becomes of its open orders when it is stopped.
    pub on_stop: OpenOrders,
    /// What becomes of its open orders when it fails, until it runs again.
    pub on_fault: OpenOrders,
    /// What becomes of them when it is not called any more: what `on_fault` says, if it was said.
    pub on_quarantine: OpenOrders,
    /// Where it stands in the file.
    pub span: std::ops::Range<usize>,
    /// Where its component is named, and where its parameters and its roles stand.
    pub spans: [std::ops::Range<usize>; 3],
}

impl StrategyEntry {
    /// The account that a role trades on, by place.
    #[must_use]
    pub fn account_of(&self, role: &str) -> usize {
        self.accounts.get(role).copied().unwrap_or(self.account)
    }
}

/// A checked config.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it was read.
    pub file: PathBuf,
    /// Its text, for messages about later findings.
    pub text: String,
    /// Folder of components.
    pub plugins: PathBuf,
    /// Folder of journal, cache and control socket.
    pub state: PathBuf,
    /// The market.
    pub data: DataSource,
    /// Data time per wall time in thousandths; nothing: as fast as it goes.
    pub speed_thousandths: Option<u64>,
    /// The beginning of the market that strategies are shown as history of bars, before they start.
    pub warm_up: Duration,
    /// Venues: name and behaviour.
    pub venues: Vec<(String, VenueConfig)>,
    /// Instruments and their fees, ids in order.
    pub instruments: Vec<(Instrument, Fees)>,
    /// Limits of instruments, ids in order.
    pub instrument_limits: Vec<InstrumentLimits>,
    /// What of a position's worth must stay at paper venues, ids of instruments in order.
    pub maintenance_rates: Vec<Option<Decimal>>,
    /// What paper venues accept from some time on.
    pub changes: Vec<(InstrumentId, HostTime, Terms)>,
    /// Account names, ids in order.
    pub accounts: Vec<String>,
    /// What accounts begin with at each paper venue: asset and amount. Nothing: no end of money.
    pub collateral: Vec<Vec<(String, Decimal)>>,
    /// Of each account: the leverage its venue is expected to have, and the most a paper venue
    /// allows it.
    pub leverages: Vec<Leverage>,
    /// Limits and guards of accounts, ids in order.
    pub account_guards: Vec<AccountGuards>,
    /// What they say of their venues, in the same order.
    pub account_entries: Vec<asking::AccountEntry>,
    /// Strategies, ids in order.
    pub strategies: Vec<StrategyEntry>,
    /// Limits over all.
    pub host: HostLimits,
    /// What one instance of a component may use.
    pub sandbox: hedgerow_plugins::Limits,
    /// How many ticks may wait for a strategy that runs on a thread of its own; what comes beyond
    /// is not told to it, but a snapshot of the books once it has read on.
    pub ticks_waiting_max: u32,
    /// A new component is on probation for so many calls, or for so long if that is over first.
    pub probation: (u64, Duration),
    /// In what earnings are counted.
    pub accounting: Accounting,
    /// What each strategy may make the host write.
    pub writes: WriteLimits,
    /// Data older than this is stale.
    pub stale_after: Duration,
    /// A snapshot of the journal is made when it has grown by so many rows.
    pub snapshot_rows: u64,
}

impl Config {
    /// Venues that cannot amend an order.
    pub(crate) fn no_amends(&self) -> std::collections::BTreeSet<VenueId> {
        let all = (0_u32..).map(VenueId).zip(&self.venues);
        all.filter(|(_, (_, venue))| !venue.amends).map(|(id, _)| id).collect()
    }

    /// The same config over another recording of its kind.
    pub fn with_data(mut self, folder: &Path) -> Result<Self, ConfigError> {
        let path = match &mut self.data {
            DataSource::Generated { .. } => return Err(self.without_folder("generated")),
            DataSource::Socket { .. } => return Err(self.without_folder("socket")),
            DataSource::BinanceRaw { path }
            | DataSource::HyperliquidCsv { path }
            | DataSource::LighterCsv { path }
            | DataSource::BenchCsv { path } => path,
        };
        *path = folder.to_owned();
        Ok(self)
    }

    fn without_folder(&self, source: &str) -> ConfigError {
        let file = self.file.display();
        let screen = format!(
            "{file}: --data names a recording, but data.source is \"{source}\", which reads none: \
             leave --data out, or set data.source to the recording's kind\n"
        );
        ConfigError::new(screen)
    }
}

/// Why there is no config.
#[derive(Debug, thiserror::Error)]
#[error("{screen}")]
pub struct ConfigError {
    /// One screen for a person.
    pub screen: String,
    /// The same for a program; none when there is no text to point into.
    pub problems: Vec<problem::Located>,
    /// What could be read all the same, and what is wrong with it: to find the rest.
    pub(crate) draft: Option<Box<(Config, Problems)>>,
}

impl ConfigError {
    fn new(screen: String) -> Self {
        Self { screen, problems: Vec::new(), draft: None }
    }

    /// Everything that is wrong with a config.
    pub(crate) fn of(file: &Path, text: &str, problems: &Problems) -> Self {
        let screen = problems.render(&file.display().to_string(), text);
        Self { screen, problems: problems.located(text), draft: None }
    }
}

/// Reads and checks a config file.
pub fn load(file: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| ConfigError::new(format!("{}: cannot be read: {e}\n", file.display())))?;
    parse::parse(file, text, Folders::Checked)
}

/// Checks a config's text that was kept; `file` is for messages and relative paths.
pub fn from_text(file: &Path, text: String) -> Result<Config, ConfigError> {
    parse::parse(file, text, Folders::Unseen)
}

/// What each instrument is, in words: two hosts mean the same by an id if these are equal.
#[must_use]
pub fn definitions(config: &Config) -> Vec<String> {
    let define = |(i, _): &(Instrument, Fees)| {
        let name = instrument_name(config, i);
        let (price, quantity) = (i.price_scale, i.quantity_scale);
        format!("{name} {:?} {price:?} {quantity:?} x{}", i.kind, i.multiplier)
    };
    config.instruments.iter().map(define).collect()
}

/// The name of an instrument in a config.
#[must_use]
pub fn instrument_name(config: &Config, instrument: &Instrument) -> String {
    let venue = config.venues.get(instrument.venue.index()).map_or("?", |(name, _)| name);
    format!("{venue}:{}", instrument.symbol)
}

#[cfg(test)]
pub(crate) mod tests;
