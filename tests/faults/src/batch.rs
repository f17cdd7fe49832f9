//! Many seeds: over threads, in pieces that can be resumed.

use crate::coverage::Coverage;
use crate::run::run;
use crate::script::Script;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::hash::Hasher as _;
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Seeds that are run, counted and kept together.
const PIECE: u64 = 50;
/// One of so many seeds runs twice, and must give the same bytes.
const TWICE: u64 = 50;

/// What came of many seeds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Found {
    /// How many seeds.
    pub seeds: u64,
    /// How many of them ran now: a file of earlier results holds the others.
    #[serde(skip)]
    pub fresh: u64,
    /// What happened in them.
    pub coverage: Coverage,
    /// Seeds with something that must not be, and what.
    pub broken: BTreeMap<u64, String>,
}

impl Found {
    fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.fresh += other.fresh;
        self.coverage.add(&other.coverage);
        self.broken.extend(other.broken.iter().map(|(seed, what)| (*seed, what.clone())));
    }
}

/// A piece in the file that a later run goes on from.
#[derive(Serialize, Deserialize)]
struct Line {
    /// Which program found it: what another found says nothing of this one.
    #[serde(default)]
    program: u64,
    from: u64,
    to: u64,
    found: Found,
}

/// This program, by its bytes.
fn program() -> std::io::Result<u64> {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(&std::fs::read(std::env::current_exe()?)?);
    Ok(hasher.finish())
}

/// Runs seeds on so many threads. With a file, pieces that it holds are not run again, and what is
/// done is added to it. Ends early when `enough` is found broken; no seed below one that is found
/// is left out.
pub fn seeds(
    range: Range<u64>,
    jobs: usize,
    resume: Option<&Path>,
    enough: usize,
) -> std::io::Result<Found> {
    let mut all = Found::default();
    let (mut done, mut torn) = (BTreeSet::new(), false);
    let program = if resume.is_some() { program()? } else { 0 };
    if let Some(text) = resume.and_then(|path| std::fs::read_to_string(path).ok()) {
        torn = !text.is_empty() && !text.ends_with('\n');
        for line in text.lines() {
            // the last one may be torn
            let Ok(line) = serde_json::from_str::<Line>(line) else { continue };
            // pieces of another range would be counted beside those that overlap them
            let place = line.from.checked_sub(range.start);
            let ours = line.program == program
                && place.is_some_and(|place| place.is_multiple_of(PIECE))
                && line.from < range.end
                && line.to == range.end.min(line.from + PIECE);
            if ours && done.insert((line.from, line.to)) {
                all.add(&line.found);
            }
        }
    }
    let file = resume.map(|path| File::options().create(true).append(true).open(path));
    let mut file = file.transpose()?;
    if let Some(file) = file.as_mut().filter(|_| torn) {
        writeln!(file)?; // or the next line would be part of the torn one
    }
    let shared = Mutex::new((all, file));
    let next = AtomicU64::new(range.start);
    let stop = AtomicBool::new(false);
    let work = || -> std::io::Result<()> {
        while !stop.load(Ordering::Relaxed) {
            let from = next.fetch_add(PIECE, Ordering::Relaxed);
            if from >= range.end {
                break;
            }
            let to = range.end.min(from + PIECE);
            if done.contains(&(from, to)) {
                continue;
            }
            let found = piece(from..to, enough);
            let whole = found.seeds == to - from;
            let mut guard = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let (all, file) = &mut *guard;
            all.add(&found);
            if all.broken.len() >= enough {
                stop.store(true, Ordering::Relaxed);
            }
            if let Some(file) = file.as_mut().filter(|_| whole) {
                let line = serde_json::to_string(&Line { program, from, to, found })?;
                writeln!(file, "{line}")?;
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(ended) => ended,
            Err(_) => Err(std::io::Error::other("a thread of the simulation panicked")),
        })
    })?;
    Ok(shared.into_inner().unwrap_or_else(PoisonError::into_inner).0)
}

fn piece(range: Range<u64>, enough: usize) -> Found {
    let mut found = Found::default();
    for seed in range {
        let script = Script::of(seed);
        let ran = run(&script, false);
        found.seeds += 1;
        found.fresh += 1;
        found.coverage.add(&ran.coverage);
        let mut broken = ran.broken.clone();
        if broken.is_none()
            && seed.is_multiple_of(TWICE)
            && run(&script, false).digest() != ran.digest()
        {
            broken = Some("the same seed gave other bytes".into());
        }
        if let Some(what) = broken {
            found.broken.insert(seed, what);
            if found.broken.len() >= enough {
                break;
            }
        }
    }
    found
}
