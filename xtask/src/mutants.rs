//! `cargo xtask sim --mutants`: bugs planted on purpose, each by itself, in a scratch copy of the
//! tree; the fault simulation has to find every one. With `--batches` the bugs are bounds of a
//! batch that are forgotten; the comparison of batches with one tick at a time has to find them.
//!
//! A mutant is a file in `xtask/mutants` or its folder `batches`: what it does in a line, where,
//! the text that is to be found there, and what takes its place. The checkout itself is never
//! changed.

mod scratch;

use crate::command::{cargo, root, run, target_folder};
use anyhow::{Context, Result, bail};
use scratch::Scratch;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

/// One bug.
#[derive(Debug)]
struct Mutant {
    name: String,
    /// What it does, in a line.
    what: String,
    /// Of the root of the checkout.
    file: String,
    find: String,
    replace: String,
}

impl Mutant {
    /// `what`, then `== file`, the text to find, `==`, and what takes its place.
    fn parse(name: &str, text: &str) -> Result<Self> {
        let parts = || {
            let (what, rest) = text.split_once("\n== ")?;
            let (file, rest) = rest.split_once('\n')?;
            let (find, replace) = rest.split_once("==\n")?;
            Some((what, file, find, replace))
        };
        let (what, file, find, replace) =
            parts().with_context(|| format!("mutant {name} lacks a part"))?;
        if what.contains('\n') || find.is_empty() || find == replace {
            bail!("mutant {name} is not one line, a text and another text");
        }
        let (name, what, file) = (name.into(), what.into(), file.into());
        Ok(Self { name, what, file, find: find.into(), replace: replace.into() })
    }

    /// The file with the bug in it.
    fn planted(&self, text: &str) -> Result<String> {
        let times = text.matches(&self.find).count();
        if times != 1 {
            bail!("mutant {}: its text is {times} times in {}", self.name, self.file);
        }
        Ok(text.replacen(&self.find, &self.replace, 1))
    }
}

const FOLDERS: [&str; 2] = ["xtask/mutants", "xtask/mutants/batches"];

/// All of a folder, by name.
fn all(folder: &str) -> Result<Vec<Mutant>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root().join(folder))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.retain(|path| path.is_file());
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        Mutant::parse(name, &std::fs::read_to_string(path)?)
    };
    paths.iter().map(read).collect()
}

const SEEDS: &str = "0..5000";

/// What is asked for.
struct Asked {
    only: Option<String>,
    batches: bool,
    from: u64,
    seeds: String,
    /// For the simulation as they are.
    rest: Vec<String>,
}

fn asked(args: &[String]) -> Result<Asked> {
    let (only, batches, from, rest) = (None, false, 0, Vec::new());
    let mut asked = Asked { only, batches, from, seeds: SEEDS.into(), rest };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().cloned().with_context(|| format!("{arg} wants a value"));
        match arg.as_str() {
            "--mutants" => {}
            "--batches" => asked.batches = true,
            "--only" => asked.only = Some(value()?),
            "--seeds" => asked.seeds = value()?,
            "--jobs" => asked.rest.extend([arg.clone(), value()?]),
            other => bail!("{other} does not go with --mutants; --only, --seeds and --jobs do"),
        }
    }
    if asked.batches && (asked.seeds != SEEDS || !asked.rest.is_empty()) {
        bail!("--seeds and --jobs do not go with --batches: its scenes are always the same");
    }
    let from = asked.seeds.split_once("..").and_then(|(from, _)| from.parse().ok());
    asked.from = from.with_context(|| format!("{} is not A..B", asked.seeds))?;
    Ok(asked)
}

/// Plants one after the other and has the simulation look for it.
pub(crate) fn hunt(args: &[String]) -> Result<()> {
    let asked = asked(args)?;
    let mut mutants = all(FOLDERS[usize::from(asked.batches)])?;
    if let Some(only) = &asked.only {
        let names: Vec<String> = mutants.iter().map(|mutant| mutant.name.clone()).collect();
        mutants.retain(|mutant| mutant.name == *only);
        if mutants.is_empty() {
            bail!("there is no mutant {only}; there are {}", names.join(", "));
        }
    }
    let scratch = Scratch::new(&target_folder()?.join("mutants"))?;
    scratch.sync()?;
    println!("{:<28}{:>8}{:>10}  found by", "mutant", "seeds", "seconds");
    let hunt = || match asked.batches {
        true => compare(&scratch),
        false => build(&scratch).and_then(|()| look(&scratch, &asked)),
    };
    // what is found without a bug would be found with each
    if let Some((seed, why)) = hunt()? {
        bail!("without any bug something is found, in seed {seed}: {why}");
    }
    let mut alive = Vec::new();
    for mutant in &mutants {
        scratch.sync()?;
        let planted = mutant.planted(&scratch.read(&mutant.file)?)?;
        scratch.write(&mutant.file, planted.as_bytes())?;
        let began = Instant::now();
        let found = hunt().with_context(|| format!("building mutant {}", mutant.name));
        // whatever came of it, the next one is alone
        scratch.sync()?;
        let (times, by) = match found? {
            Some((seed, by)) => ((seed.saturating_sub(asked.from) + 1).to_string(), by),
            None => {
                alive.push(mutant.name.as_str());
                ("-".into(), "nothing".into())
            }
        };
        let seconds = began.elapsed().as_secs();
        println!("{:<28}{times:>8}{seconds:>10}  {by}", mutant.name);
        println!("{:<48}{}", "", mutant.what);
    }
    if !alive.is_empty() {
        bail!("not found in seeds {}: {}", asked.seeds, alive.join(", "));
    }
    println!("{} of {} mutants found", mutants.len(), mutants.len());
    Ok(())
}

/// What differs from the release profile: nothing of it changes what a run does, and all of it is
/// built once more for every mutant.
const QUICKER: [(&str, &str); 5] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
    ("CARGO_PROFILE_RELEASE_INCREMENTAL", "true"),
    // a mutant leaves things unused
    ("RUSTFLAGS", "--cap-lints allow"),
];

/// The simulation as it is in the scratch copy; what does not change with a mutant is compiled once
/// for all of them.
fn build(scratch: &Scratch) -> Result<()> {
    let build = ["build", "--release", "--quiet", "--package", "hedgerow-faults"];
    let mut cargo = cargo();
    cargo.args(build).current_dir(scratch.tree()).env("CARGO_TARGET_DIR", scratch.target());
    run(cargo.envs(QUICKER))
}

/// The first seed in which something must not be, and what.
fn look(scratch: &Scratch, asked: &Asked) -> Result<Option<(u64, String)>> {
    let mut sim = Command::new(scratch.target().join("release/hedgerow-sim"));
    // the strategies are those of this tree: bugs are planted in the host
    sim.env("HEDGEROW_COMPONENTS", root().join("target/guests/components"));
    sim.args(["--first", "--json", "--seeds", &asked.seeds]).args(&asked.rest);
    let output = sim.stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    let found: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("what the simulation found")?;
    let broken = found["broken"].as_object().context("the simulation says nothing")?;
    let seeds = broken.iter().filter_map(|(seed, what)| Some((seed.parse().ok()?, what)));
    let first = seeds.min_by_key(|(seed, _): &(u64, _)| *seed);
    Ok(first.map(|(seed, what)| (seed, short(what.as_str().unwrap_or_default()))))
}

/// How many scenes are compared.
const SCENES: &str = "400";

/// Whether batches differ from one tick at a time in some scene, and what.
fn compare(scratch: &Scratch) -> Result<Option<(u64, String)>> {
    let tests = |more: &[&str]| {
        let mut cargo = cargo();
        cargo.args(["test", "--quiet", "--package", "hedgerow-simulation", "--test", "it"]);
        cargo.args(more).current_dir(scratch.tree());
        cargo.env("CARGO_TARGET_DIR", scratch.target()).env("RUSTFLAGS", "--cap-lints allow");
        cargo.env("HEDGEROW_CASES", SCENES).env("PROPTEST_RNG_SEED", "1");
        cargo.env("PROPTEST_MAX_SHRINK_ITERS", "0");
        cargo
    };
    run(&mut tests(&["--no-run"]))?;
    let output = tests(&["batches"]).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_why = |line: &&str| line.contains("Test failed") || line.contains("panicked");
    let why = said.lines().skip_while(|line| !is_why(line)).take(2).collect::<Vec<_>>().join(" ");
    Ok(Some((0, short(&why))))
}

/// The beginning of what is wrong, without the time.
fn short(what: &str) -> String {
    let what = what.split_once(" s: ").map_or(what, |(_, what)| what);
    what.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MUTANTS: usize = 19;

    /// What mutants change is still there, once: none rots while the code goes on.
    #[test]
    fn every_mutant_fits_the_tree() {
        let all = FOLDERS.map(|folder| all(folder).unwrap());
        assert_eq!(all.each_ref().map(Vec::len), [17, MUTANTS]);
        for mutant in all.into_iter().flatten() {
            let text = std::fs::read_to_string(root().join(&mutant.file)).unwrap();
            assert_ne!(mutant.planted(&text).unwrap(), text, "{}", mutant.name);
        }
    }

    #[test]
    fn a_mutant_is_a_line_a_place_and_two_texts() {
        let mutant = Mutant::parse("m", "it forgets\n== a/b.rs\n  one;\n==\n  two;\n").unwrap();
        assert_eq!((mutant.what.as_str(), mutant.file.as_str()), ("it forgets", "a/b.rs"));
        assert_eq!(mutant.planted("x\n  one;\ny\n").unwrap(), "x\n  two;\ny\n");
        assert!(mutant.planted("  one;\n  one;\n").is_err(), "which one is meant?");
        assert!(mutant.planted("three;\n").is_err(), "gone");
        assert!(Mutant::parse("m", "it forgets\n== a/b.rs\n  one;\n").is_err());
        assert!(Mutant::parse("m", "it forgets\n== a/b.rs\n==\n  two;\n").is_err());
    }
}
