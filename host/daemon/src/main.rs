//! `hedgerow`: the command line.

use clap::{Parser, Subcommand, ValueEnum};
use hedgerow_daemon::command::{
    Failure, backtest, bench, demo, exit, journal, plugin, print, print_json, replay, run, show,
};
use hedgerow_daemon::link;
use hedgerow_daemon::live::Request;
use hedgerow_daemon::{check, config};
use hedgerow_driver::Batching;
use hedgerow_model::TradingMode;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

/// A strategy host for crypto trading: one binary owns connections, orders and risk; strategies are
/// WebAssembly components.
#[derive(Parser)]
#[command(name = "hedgerow", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, ValueEnum)]
enum Batch {
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
enum Command {
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
        /// The socket of a paper venue, in place of the config's data.
        #[arg(long, conflicts_with = "data")]
        venue: Option<PathBuf>,
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
    /// Shows what a running host does.
    Status {
        #[command(flatten)]
        host: Running,
    },
    /// Stops opening: for one strategy, or for all.
    Pause {
        /// Which; none: the host.
        strategy: Option<String>,
        #[command(flatten)]
        host: Running,
        /// Why.
        #[arg(long, default_value = "paused by hand")]
        reason: String,
    },
    /// Lets trading go on, and clears the guards.
    Resume {
        /// Which; none: the host.
        strategy: Option<String>,
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
    /// Ends a running host.
    Stop {
        #[command(flatten)]
        host: Running,
    },
    /// Shows what a state folder's journal tells, whether its host runs or not.
    Journal {
        /// What of it.
        what: JournalCommand,
        #[command(flatten)]
        host: Running,
    },
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

/// Which host, and how it is printed.
#[derive(clap::Args)]
struct Running {
    /// The state folder of the host.
    #[arg(long, default_value = ".hedgerow/demo/state")]
    state: PathBuf,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

impl Running {
    fn tell(&self, request: &Request) -> Result<(), Failure> {
        run::tell(&self.state, self.json, request)
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum JournalCommand {
    /// Every pair: what was asked, what became of it, what it cost.
    Plans,
    /// Pairs that were repaired, or are stuck.
    Incidents,
}

#[derive(Subcommand)]
enum ConfigCommand {
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
enum PluginCommand {
    /// Shows what a component says of itself: version, hash, roles, states, parameter schema.
    Info {
        /// The component file.
        file: PathBuf,
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
enum BenchCommand {
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

fn main() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("HEDGEROW_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours);
    log.with_writer(std::io::stderr).init();
    let code = match execute(Cli::parse()) {
        Ok(()) => exit::OK,
        Err(Failure { code, message }) => {
            eprint!("{}", message.trim_end());
            eprintln!();
            code
        }
    };
    std::process::exit(code);
}

/// One JSON object, or words.
fn say<T: serde::Serialize>(
    value: &T,
    as_json: bool,
    words: impl FnOnce(&T) -> String,
) -> Result<(), Failure> {
    if as_json {
        return print_json(value);
    }
    print(&words(value));
    Ok(())
}

fn pairs(what: JournalCommand, host: &Running) -> Result<(), Failure> {
    let asked = match what {
        JournalCommand::Plans => journal::Asked::Plans,
        JournalCommand::Incidents => journal::Asked::Incidents,
    };
    say(&journal::plans(&host.state, asked)?, host.json, |plans| journal::table(plans))
}

fn execute(cli: Cli) -> Result<(), Failure> {
    let for_seconds = |seconds: Option<u64>| seconds.map(std::time::Duration::from_secs);
    match cli.command {
        Command::Backtest { config, data, batch, json } => {
            let config = with_data(load(&config)?, data)?;
            let loaded = backtest::load(&config)?;
            let finished = backtest::run(&config, &loaded, batch.into())?;
            say(&finished.backtest, json, |_| backtest::table(&finished))
        }
        Command::Demo { home, components, seconds, data, json } => {
            demo::demo(&demo::Options { home, components, seconds, data, json })
        }
        Command::PaperVenue { config, socket, state, seconds, json } => {
            let (config, limit) = (load(&config)?, for_seconds(seconds));
            let state = state.as_deref();
            link::serve(&link::Serve { config: &config, socket: &socket, state, limit, json })
        }
        Command::Run { config, data, venue, record, seconds, json } => {
            let mut config = load(&config)?;
            if let Some(path) = venue {
                config.data = config::DataSource::Socket { path };
            }
            let (config, limit) = (with_data(config, data)?, for_seconds(seconds));
            let ended = run::host(&config, limit, json, "Ctrl-C ends.", record.as_deref())?;
            say(&ended.view, json, show::view)
        }
        Command::Status { host } => run::status(&host.state, host.json),
        Command::Pause { strategy, host, reason } => {
            host.tell(&run::mode(strategy, TradingMode::ReduceOnly, &reason))
        }
        Command::Resume { strategy, host, reason } => {
            host.tell(&run::mode(strategy, TradingMode::Running, &reason))
        }
        Command::Kill { host, reason } => run::kill(&host.state, host.json, &reason),
        Command::Stop { host } => host.tell(&Request::Stop),
        Command::Config { what: ConfigCommand::Check { config, json } } => {
            let (report, screen) = check::report(&config)?;
            let strategies = report.strategies.unwrap_or(0);
            let well = format!("{}: {strategies} strategies, all well\n", config.display());
            match screen {
                None => say(&report, json, |_| well),
                Some(message) => {
                    if json {
                        print_json(&report)?;
                    }
                    Err(Failure { code: exit::CONFIG, message })
                }
            }
        }
        Command::Replay { recording, plugin, strategy, compare: _, simulate, json } => {
            let plugin = plugin.map(|file| (file, strategy));
            let options = replay::Options { recording, plugin, simulate };
            let said = replay::replay(&options)?;
            say(&said, json, replay::Said::table)?;
            match said.code(&options) {
                exit::OK => Ok(()),
                code => Err(Failure { code, message: said.failure().into() }),
            }
        }
        Command::Journal { what, host } => pairs(what, &host),
        Command::Plugin { what: PluginCommand::Info { file, json } } => {
            say(&plugin::info(&file)?, json, plugin::table)
        }
        Command::Bench { what: BenchCommand::Engine { rule, data, components, batch, json } } => {
            let measured = bench::engine(&rule, &data, &components, batch.into())?;
            say(&measured, json, bench::table)
        }
    }
}

/// A config file, or all that is wrong with it and its components.
fn load(file: &Path) -> Result<config::Config, Failure> {
    Ok(config::load(file).map_err(check::whole)?)
}

fn with_data(config: config::Config, folder: Option<PathBuf>) -> Result<config::Config, Failure> {
    match folder {
        Some(folder) => Ok(config.with_data(&folder)?),
        None => Ok(config),
    }
}
