//! `hedgerow`: the command line.

mod cli;
mod files;
mod memory;

use clap::Parser as _;
use cli::{
    AuditCommand, BenchCommand, Cli, Command, ConfigCommand, JournalCommand, Operate,
    PluginCommand, Running,
};
use hedgerow_daemon::command::{
    Failure, backtest, bench, demo, exit, install, journal as audit, money, plugin, print,
    print_failure, print_json, query, replay, run, show,
};
use hedgerow_daemon::link;
use hedgerow_daemon::live::{Request, since_start};
use hedgerow_daemon::{check, config};
use hedgerow_model::TradingMode;
use hedgerow_report::By;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

impl Running {
    fn tell(&self, request: &Request) -> Result<(), Failure> {
        run::tell(&self.state, self.json, request)
    }
}

fn main() {
    memory::keep_together();
    files::outlive_their_limit();
    // what is told of the first fill counts from here, compiling and catching up included
    since_start();
    let filter = tracing_subscriber::EnvFilter::try_from_env("HEDGEROW_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours);
    log.with_writer(std::io::stderr).init();
    let code = match execute(Cli::parse()) {
        Ok(()) => exit::OK,
        Err(failure) => {
            eprintln!("{}", failure.message.trim_end());
            if std::env::args_os().any(|arg| arg == "--json") {
                print_failure(&failure);
            }
            failure.code
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

fn journal(what: JournalCommand) -> Result<(), Failure> {
    let JournalCommand::Query { what, strategy, since, until, daily, by, host } = what;
    let filter = query::Filter { strategy, since, until, daily };
    match what.rows() {
        Some(what) => say(&query::query(&host.state, what, &filter)?, host.json, query::table),
        None => {
            let by: Vec<By> = by.into_iter().map(By::from).collect();
            say(&money::pnl(&host.state, &by, &filter)?, host.json, money::rows)
        }
    }
}

fn operate(what: Operate) -> Result<(), Failure> {
    match what {
        Operate::Status { host } => run::status(&host.state, host.json),
        Operate::Pause { what, host, reason } => {
            host.tell(&run::mode(what, TradingMode::ReduceOnly, &reason))
        }
        Operate::Resume { what, reduce_only: true, host, reason } => {
            host.tell(&Request::ResumeReducing { what, reason })
        }
        Operate::Resume { what, reduce_only: false, host, reason } => {
            host.tell(&run::mode(what, TradingMode::Running, &reason))
        }
        Operate::Adopt { strategy, ignored, host, reason } => {
            host.tell(&Request::Settle { strategy, adopt: true, ignored, reason })
        }
        Operate::Ignore { strategy, host, reason } => {
            host.tell(&Request::Settle { strategy, adopt: false, ignored: false, reason })
        }
        Operate::Kill { host, reason } => run::kill(&host.state, host.json, &reason),
        Operate::Emergency(what) => {
            let (host, request) = what.request();
            host.tell(&request)
        }
        Operate::Stop { host } => host.tell(&Request::Stop),
        Operate::Audit { what: AuditCommand::Verify, host } => audit::audit(&host.state, host.json),
        Operate::Audit { what: AuditCommand::Tail, host } => {
            say(&audit::tail(&host.state)?, host.json, |rows| audit::tail_lines(rows))
        }
        Operate::Journal { what } => journal(what),
    }
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
        Command::PaperVenue { config, socket, venue, state, seconds, json } => {
            let (config, limit) = (load(&config)?, for_seconds(seconds));
            let state = state.as_deref();
            let (config, socket) = (&config, &socket);
            link::serve(&link::Serve { config, socket, venues: &venue, state, limit, json })
        }
        Command::Run { config, data, venue, record, seconds, json } => {
            let mut config = load(&config)?;
            if !venue.is_empty() {
                let sockets = venue.iter().map(|text| link::socket_entry(text)).collect();
                config.data = config::DataSource::Socket { sockets };
            }
            let (config, limit) = (with_data(config, data)?, for_seconds(seconds));
            let ended = run::host(&config, limit, json, "Ctrl-C ends.", record.as_deref())?;
            say(&run::Whole::of(&ended), json, |_| show::view(&ended.view))
        }
        Command::Operate(what) => operate(what),
        Command::Config { what: ConfigCommand::Check { config, json } } => {
            let (report, screen) = check::report(&config)?;
            let strategies = report.strategies.unwrap_or(0);
            let needs = report.needs.iter().map(|need| {
                format!("  not there now: {need} (`--data DIR` names another to a run)\n")
            });
            let needs = needs.collect::<String>();
            let well = format!("{}: {strategies} strategies, all well\n{needs}", config.display());
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
        Command::Plugin { what } => of_plugins(what),
        Command::Bench { what: BenchCommand::Engine { rule, data, components, batch, json } } => {
            let measured = bench::engine(&rule, &data, &components, batch.into())?;
            say(&measured, json, bench::table)
        }
    }
}

fn of_plugins(what: PluginCommand) -> Result<(), Failure> {
    match what {
        PluginCommand::Info { file, json } => say(&plugin::info(&file)?, json, plugin::table),
        PluginCommand::Retry { strategy, host, reason } => {
            host.tell(&Request::Retry { strategy, reason })
        }
        PluginCommand::Install { file, plugins, host } => {
            let installed = install::install(&file, &plugins, &host.state)?;
            say(&installed, host.json, install::Installed::words)?;
            match installed.is_refused() || installed.is_ignored() {
                true => Err(Failure { code: exit::REFUSED, message: "it does not run".into() }),
                false => Ok(()),
            }
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
