//! The short form of the fault simulation.

use hedgerow_faults::batch;
use hedgerow_faults::run::run;
use hedgerow_faults::script::Script;
use hedgerow_model::{Fact, Stamped};

/// Five hundred seeds and nothing that must not be; every kind of trouble takes effect.
#[test]
fn five_hundred_seeds_break_nothing() {
    let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let found = batch::seeds(0..500, jobs, None, 5).unwrap();
    let words: Vec<String> = found
        .broken
        .iter()
        .map(|(seed, what)| {
            format!("{what}\n  cargo xtask sim --seeds {seed}..{} --timeline", seed + 1)
        })
        .collect();
    assert!(words.is_empty(), "{}", words.join("\n"));
    let rare = found.coverage.rare(5);
    assert!(rare.is_empty(), "{rare:?}\n{}", found.coverage.table());
}

/// What a file holds is not run again, and counts once: also after it was torn, and never for
/// another range.
#[test]
fn a_range_goes_on_from_its_file_and_counts_every_seed_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("done");
    let seeds = |range| batch::seeds(range, 1, Some(&file), 5).unwrap();
    let counts = |found: &batch::Found| (found.seeds, found.fresh);
    assert_eq!(counts(&seeds(0..3)), (3, 3));
    assert_eq!(counts(&seeds(0..3)), (3, 0));
    assert_eq!(counts(&seeds(0..2)), (2, 2), "the piece of three is not one of this range");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &text[..text.len() - 10]).unwrap();
    assert_eq!(counts(&seeds(0..2)), (2, 2));
    assert_eq!(counts(&seeds(0..2)), (2, 0), "the line after the torn one is whole");
}

/// A strategy in the sandbox does what the same strategy does as native code, to the fact: traps,
/// reloads and deaths included. Only what a trap is called and a component's hash are its own.
#[test]
fn a_seed_is_the_same_in_the_sandbox() {
    let mut scripts = (0..).map(Script::of).filter(|script| script.sandboxed);
    for script in scripts.by_ref().take(3) {
        let native = Script { sandboxed: false, ..script.clone() };
        let [native, sandboxed] = [native, script].map(|script| run(&script, false));
        assert_eq!((&native.broken, &sandboxed.broken), (&None, &None));
        let plain = |facts: Vec<Stamped>| -> Vec<Stamped> {
            let of = |stamped: Stamped| match stamped.fact {
                Fact::Fault { .. } | Fact::Plugin { .. } => None,
                _ => Some(stamped),
            };
            facts.into_iter().filter_map(of).collect()
        };
        let (native, sandboxed) = (plain(native.facts), plain(sandboxed.facts));
        let differs = native.iter().zip(&sandboxed).find(|(a, b)| a != b);
        assert_eq!(differs, None);
        assert_eq!(native.len(), sandboxed.len());
    }
}
