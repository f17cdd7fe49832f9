//! The command line: what can be asked, and how.

mod emergency;
mod plugin;

pub(crate) use emergency::Emergency;
pub(crate) use plugin::PluginCommand;

use clap::{Parser, Subcommand, ValueEnum};
use hedgerow_daemon::command::query;
use hedgerow_driver::Batching;
use hedgerow_model::HostTime;
use hedgerow_report::By;
use std::path::PathBuf;

/// A strategy host for crypto trading: one binary owns connections, orders and risk; strategies are
/// WebAssembly components.
#[derive(Parser)]
#[command(name = "hedgerow", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Batch {
    /// One tick at a time.
    #[value(name = "1")]
    One,
    /// As many as are quiet.
    Adaptive,
}

impl From<Batch> for Batching {
    fn from(batch: Batch) -> Self {
        match batch {
            Batch::One => Self::One,
            Batch::Adaptive => Self::Adaptive,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs a config's strategies over a recording and reports.
    Backtest {
        /// The config file.
        config: PathBuf,
        /// The folder of the recording, in place of the config's.
        #[arg(long)]
        data: Option<PathBuf>,
        /// Ticks per call.
        #[arg(long, value_enum, default_value = "adaptive")]
        batch: Batch,
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Shows a host at work: generated market, paper venues, no credentials, no network.
    Demo {
        /// The folder it lives in.
        #[arg(long, default_value = ".hedgerow/demo")]
        home: PathBuf,
        /// The folder of built components.
        #[arg(long, default_value = "target/guests/components")]
        components: PathBuf,
        /// Ends by itself after this long.
        #[arg(long)]
        seconds: Option<u64>,
        /// A recording in place of the generated market: a folder with Binance's raw streams,
        /// `usdm_btcusdt_<yyyymmdd>.gz` and `usdm_ethusdt_<yyyymmdd>.gz`.
        #[arg(long)]
        data: Option<PathBuf>,
        /// Prints one JSON object at the end.
        #[arg(long)]
        json: bool,
    },
    /// Runs a host: paper trading over the config's data, paced as it says.
    Run {
        /// The config file.
        #[arg(long)]
        config: PathBuf,
        /// The folder of the recording, in place of the config's.
        #[arg(long)]
        data: Option<PathBuf>,
        /// The socket of a paper venue, in place of the config's data; `name=socket` for one venue
        /// of several, given once for each.
        #[arg(long, conflicts_with = "data")]
        venue: Vec<String>,
        /// Records every input and what followed into this new folder, for `hedgerow replay`.
        #[arg(long)]
        record: Option<PathBuf>,
        /// Ends by itself after this long.
        #[arg(long)]
        seconds: Option<u64>,
        /// Prints the last view as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Serves a config's venues and data as a paper venue of its own, behind a Unix socket.
    PaperVenue {
        /// The config file.
        #[arg(long)]
        config: PathBuf,
        /// Where to listen.
        #[arg(long)]
        socket: PathBuf,
        /// Serves this venue of the config, and no other; may be given several times.
        #[arg(long)]
        venue: Vec<String>,
        /// A folder in which it keeps its books over its own death; without it, it forgets.
        #[arg(long)]
        state: Option<PathBuf>,
        /// Ends by itself after this long.
        #[arg(long)]
        seconds: Option<u64>,
        /// One JSON object instead of a line.
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    Operate(Operate),
    /// Looks at a config.
    Config {
        #[command(subcommand)]
        what: ConfigCommand,
    },
    /// Does a recorded run again: every effect must follow.
    ///
    /// With another component: its intents are compared up to the first difference (`--compare`, as
    /// is usual), or a simulated venue answers it from there on (`--simulate`).
    Replay {
        /// The folder of a `run --record`.
        recording: PathBuf,
        /// A component file in place of a strategy's.
        #[arg(long)]
        plugin: Option<PathBuf>,
        /// In whose place; needed where there are several strategies.
        #[arg(long, requires = "plugin")]
        strategy: Option<String>,
        /// Compares intents and ends at the first difference.
        #[arg(long, requires = "plugin", conflicts_with = "simulate")]
        compare: bool,
        /// Goes on from the first difference with a simulated venue.
        #[arg(long, requires = "plugin")]
        simulate: bool,
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Looks at components.
    Plugin {
        #[command(subcommand)]
        what: PluginCommand,
    },
    /// Measures.
    Bench {
        #[command(subcommand)]
        what: BenchCommand,
    },
}

/// What an operator asks or tells a host.
#[derive(Subcommand)]
pub(crate) enum Operate {
    /// Shows what a running host does.
    Status {
        #[command(flatten)]
        host: Running,
    },
    /// Stops opening: for a strategy, an account or an instrument, or for all.
    Pause {
        /// Its name, an instrument's as venue:symbol; none: the host.
        what: Option<String>,
        #[command(flatten)]
        host: Running,
        /// Why.
        #[arg(long, default_value = "paused by hand")]
        reason: String,
    },
    /// Lets trading go on, and clears the guards.
    Resume {
        /// The name of a strategy, an account or an instrument (venue:symbol); none: the host.
        what: Option<String>,
        /// Lets it reduce again, and no more; guards stay as they are.
        #[arg(long)]
        reduce_only: bool,
        #[command(flatten)]
        host: Running,
        /// Why; it is journaled.
        #[arg(long)]
        reason: String,
    },
    /// Makes the ledger of a strategy take over its venue's positions, where they differ.
    Adopt {
        /// Which.
        strategy: String,
        /// Take over what was ignored before, instead of what differs now.
        #[arg(long)]
        ignored: bool,
        #[command(flatten)]
        host: Running,
        /// Why; it is journaled.
        #[arg(long)]
        reason: String,
    },
    /// Says that what a venue has beyond the ledger is somebody else's: of one strategy, or all on
    /// an account that nobody here accounts for.
    Ignore {
        /// The strategy or the account.
        strategy: String,
        #[command(flatten)]
        host: Running,
        /// Why; it is journaled.
        #[arg(long)]
        reason: String,
    },
    /// Halts everything but cancels, and cancels all orders.
    Kill {
        #[command(flatten)]
        host: Running,
        /// Why.
        #[arg(long, default_value = "killed by hand")]
        reason: String,
    },
    #[command(flatten)]
    Emergency(Emergency),
    /// Ends a running host.
    Stop {
        #[command(flatten)]
        host: Running,
    },
    /// The audit: every word of an operator, chained by hashes.
    Audit {
        /// What of it.
        what: AuditCommand,
        #[command(flatten)]
        host: Running,
    },
    /// Shows what a state folder's journal tells, whether its host runs or not.
    Journal {
        #[command(subcommand)]
        what: JournalCommand,
    },
}

/// Which host, and how it is printed.
#[derive(clap::Args)]
pub(crate) struct Running {
    /// The state folder of the host.
    #[arg(long, default_value = ".hedgerow/demo/state")]
    pub(crate) state: PathBuf,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum AuditCommand {
    /// Recomputes it, and names the first row that is not as it was written.
    Verify,
    /// Its newest rows: who asked what, from where, why, and what was answered.
    Tail,
}

#[derive(Subcommand)]
pub(crate) enum JournalCommand {
    /// Answers a question from it; the answer's schema is versioned.
    Query {
        /// What is asked for.
        what: QueryWhat,
        /// Of this strategy alone.
        #[arg(long)]
        strategy: Option<String>,
        /// From then on: 2026-11-29, 2026-11-29T12:00:00Z, or ns.
        #[arg(long, value_parser = query::time)]
        since: Option<HostTime>,
        /// Before then.
        #[arg(long, value_parser = query::time)]
        until: Option<HostTime>,
        /// Tells quality apart by day.
        #[arg(long)]
        daily: bool,
        /// Of `pnl`: what its sums are told apart by, always by asset.
        #[arg(long, value_enum, value_delimiter = ',', default_value = "strategy")]
        by: Vec<Apart>,
        #[command(flatten)]
        host: Running,
    },
}

/// What a journal is asked for.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum QueryWhat {
    /// How well plans went, by venue, instrument and kind.
    Quality,
    /// Pairs that were repaired, or are stuck.
    Incidents,
    /// Every pair: what was asked, what became of it, what it cost.
    Plans,
    /// Every fill, and what a venue traded of ours by itself: liquidations, deleveraging.
    Fills,
    /// Every order and how it ended.
    Orders,
    /// Every funding payment.
    Funding,
    /// Profit and loss: price, fees, funding and interest apart, by asset and worth at their time.
    Pnl,
}

/// What sums are told apart by.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Apart {
    /// The strategy.
    Strategy,
    /// The account.
    Account,
    /// The instrument.
    Instrument,
    /// The day, UTC.
    Day,
    /// The pair: what plans opened together; `-` is what is in none.
    Pair,
}

impl From<Apart> for By {
    fn from(apart: Apart) -> Self {
        match apart {
            Apart::Strategy => Self::Strategy,
            Apart::Account => Self::Account,
            Apart::Instrument => Self::Instrument,
            Apart::Pair => Self::Pair,
            Apart::Day => Self::Day,
        }
    }
}

impl QueryWhat {
    /// What rows are asked for; nothing: sums of profit and loss.
    pub(crate) fn rows(self) -> Option<query::What> {
        Some(match self {
            Self::Quality => query::What::Quality,
            Self::Incidents => query::What::Incidents,
            Self::Plans => query::What::Plans,
            Self::Fills => query::What::Fills,
            Self::Orders => query::What::Orders,
            Self::Funding => query::What::Funding,
            Self::Pnl => return None,
        })
    }
}

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Checks a config as `run` would, and starts nothing.
    Check {
        /// The config file.
        config: PathBuf,
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    /// A rule of the throughput comparison through the whole path.
    Engine {
        /// noop, ema or maker.
        #[arg(long)]
        rule: String,
        /// The folder of `events.csv`.
        #[arg(long)]
        data: PathBuf,
        /// The folder of components.
        #[arg(long, default_value = "target/guests/components")]
        components: PathBuf,
        /// Ticks per call.
        #[arg(long, value_enum, default_value = "adaptive")]
        batch: Batch,
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
}
