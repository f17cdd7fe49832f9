//! `cargo xtask sim`: runs seeds of the fault simulation, repeats one, shrinks one.

use anyhow::{Context, Result, bail};
use hedgerow_faults::batch;
use hedgerow_faults::run::run;
use hedgerow_faults::script::{SECONDS, Script};
use hedgerow_faults::shrink::shrink;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "\
usage: cargo xtask sim [--seeds A..B] [--jobs N] [--resume FILE] [--first] [--json]
                       [--require-coverage N] [--timeline] [--shrink SEED]
       cargo xtask sim --mutants [--only NAME] [--seeds A..B] [--jobs N]

  --seeds A..B          which seeds; 0..500 if not given. Ranges are independent of each other
  --jobs N              on how many threads; as many as there are cores if not given
  --resume FILE         keeps what is done in a file, and goes on from what it holds
  --first               ends with the first seed that breaks something
  --json                what was found as JSON
  --require-coverage N  fails when a fault took effect fewer than N times, or no order or plan took
                        a step that it can take
  --timeline            prints all that happened in a seed that breaks something; in a single seed
                        whatever came of it
  --shrink SEED         finds a shorter way to what a seed breaks, and prints it
  --mutants             plants bugs in a copy of the tree, each by itself, and says after how many
                        seeds it is found (0..5000 if not given)
";

struct Asked {
    seeds: Range<u64>,
    jobs: usize,
    resume: Option<PathBuf>,
    first: bool,
    json: bool,
    coverage: Option<u64>,
    timeline: bool,
    shrink: Option<u64>,
}

fn main() -> ExitCode {
    // a panic in a run is one of its results
    std::panic::set_hook(Box::new(|_| {}));
    match asked().and_then(|asked| act(&asked)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn asked() -> Result<Asked> {
    let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut asked = Asked {
        seeds: 0..500,
        jobs,
        resume: None,
        first: false,
        json: false,
        coverage: None,
        timeline: false,
        shrink: None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} wants a value"));
        match arg.as_str() {
            "--seeds" => asked.seeds = range(&value()?)?,
            "--jobs" => asked.jobs = value()?.parse().context("--jobs")?,
            "--resume" => asked.resume = Some(value()?.into()),
            "--first" => asked.first = true,
            "--json" => asked.json = true,
            "--require-coverage" => {
                asked.coverage = Some(value()?.parse().context("--require-coverage")?);
            }
            "--timeline" => asked.timeline = true,
            "--shrink" => asked.shrink = Some(value()?.parse().context("--shrink")?),
            other => bail!("unknown option {other}"),
        }
    }
    Ok(asked)
}

fn range(text: &str) -> Result<Range<u64>> {
    let (from, to) = text.split_once("..").with_context(|| format!("{text} is not A..B"))?;
    let number = |text: &str| text.parse().with_context(|| format!("{text:?} is not a number"));
    let range: Range<u64> = number(from)?..number(to)?;
    if range.is_empty() {
        bail!("there is no seed in {text}: A must be below B");
    }
    Ok(range)
}

/// Whether nothing was broken.
fn act(asked: &Asked) -> Result<bool> {
    if let Some(seed) = asked.shrink {
        return Ok(shorten(seed));
    }
    let began = Instant::now();
    let enough = if asked.first { 1 } else { 20 };
    let resume = asked.resume.as_deref();
    let found = batch::seeds(asked.seeds.clone(), asked.jobs, resume, enough)?;
    let took = began.elapsed().as_secs_f64();
    if asked.json {
        println!("{}", serde_json::to_string(&found)?);
    } else {
        print!("{}", found.coverage.table());
    }
    for (seed, what) in &found.broken {
        eprintln!("seed {seed}: {}", short(what, 600));
        eprintln!("  repeat: cargo xtask sim --seeds {seed}..{} --timeline", seed + 1);
        eprintln!("  shorten: cargo xtask sim --shrink {seed}");
    }
    let single = asked.seeds.end - asked.seeds.start == 1;
    if asked.timeline {
        let only = single.then_some(asked.seeds.start);
        if let Some(seed) = found.broken.keys().next().copied().or(only) {
            tell(&Script::of(seed));
        }
    }
    let mut rare = asked.coverage.map(|least| found.coverage.rare(least)).unwrap_or_default();
    if asked.coverage.is_some() {
        rare.extend(found.coverage.untaken());
    }
    rare.iter().for_each(|line| eprintln!("{line}"));
    let hours = found.fresh as f64 * SECONDS as f64 / 3_600.0;
    let speed = hours / (took / 60.0) / asked.jobs as f64;
    eprintln!(
        "{} seeds, {} broken, {took:.1} s on {} threads: {speed:.0} simulated hours a minute and \
         thread",
        found.seeds,
        found.broken.len(),
        asked.jobs
    );
    Ok(found.broken.is_empty() && rare.is_empty())
}

fn short(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// All that happened in a script.
fn tell(script: &Script) {
    println!("episodes:");
    for e in &script.episodes {
        let (from, to) = (e.from as f64 / 1e9, e.to as f64 / 1e9);
        println!("  {:<20} {from:>8.3} to {to:>8.3} s, venue {}", e.fault.word(), e.venue);
    }
    for line in run(script, true).timeline {
        println!("{line}");
    }
}

fn shorten(seed: u64) -> bool {
    match shrink(seed) {
        None => {
            eprintln!("seed {seed} breaks nothing");
            true
        }
        Some((script, ran, runs)) => {
            tell(&script);
            let (troubles, s) = (script.episodes.len(), script.seconds);
            eprintln!("seed {seed}: {}", short(&ran.broken.unwrap_or_default(), 600));
            eprintln!("{troubles} troubles in {s} s, found in {runs} runs");
            false
        }
    }
}
