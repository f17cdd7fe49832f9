//! The short form of the fault simulation.

use hedgerow_faults::batch;

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
