//! The project's own commands: guest toolchain, components, checks, demo and tests.
//!
//! Run as `cargo xtask <command>`. Every command does its own set-up; none needs another first.

mod command;
mod components;
mod demo;
mod mutants;
mod sim;
mod test;
mod tidy;
mod toolchain;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask <command>

  demo [--seconds N] [--data DIR] [--json]   start the host on a generated market and watch it
  test [--quick]                             everything that is checked, as CI does
  install <plugin>                           build a strategy and swap it into the running demo
  build-plugins                              compile all strategies in this repository to components
  toolchain                                  find or make the compiler for strategies and say which
  tidy                                       budgets, dependency rules, licences, banned words
  sim [--seeds A..B] [--shrink SEED] ...     the fault simulation, docs/simulation.md
  sim --mutants [--only NAME] [--seeds A..B] whether it finds bugs that are planted on purpose
  bench engine --rule R --data DIR [--json]  the throughput comparison, release profile
";

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    match command.as_str() {
        "demo" => demo::demo(&rest),
        "install" => demo::install(&rest),
        "test" => test::test(&rest),
        "build-plugins" => components::build().map(drop),
        "toolchain" => {
            println!("{}", toolchain::find()?.origin);
            Ok(())
        }
        "tidy" => tidy::run(),
        "bench" => test::bench(&rest),
        "sim" => sim::sim(&rest),
        "" | "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        other => bail!("unknown command {other:?}\n\n{USAGE}"),
    }
}
