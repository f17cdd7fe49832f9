//! What the compiler does not check: budgets, who may depend on whom, licences, words in the wrong
//! room, worked numbers without a test.
//!
//! Every rule gives all its findings. The rules run as tests of this package and by `cargo xtask
//! tidy`.

mod graph;
mod text;
mod vectors;

use anyhow::{Result, bail};

/// Files above 400 lines, each with the reason why it is not cut.
pub(crate) const LONG_FILES: &[(&str, &str)] = &[
    ("host/engine/src/lib.rs", "the one door of the engine, and what it holds"),
    ("host/engine/src/tests/plans/random.rs", "one random world and its invariants"),
    ("host/engine/src/tests/singles/kinds.rs", "one test for each kind of plan"),
    ("host/engine/src/tests/truth.rs", "one story for each rule of order truth"),
    ("sdk/model/src/fact.rs", "one enum: all that a journal can hold"),
    ("sdk/model/src/rejection.rs", "one enum: all refusals and their stable codes"),
    ("sdk/model/src/venue.rs", "one enum: all that a venue can say"),
    ("tests/simulation/src/scene.rs", "one scene: everything a run is told"),
];

/// All findings.
fn findings() -> Result<Vec<String>> {
    let mut all = text::findings()?;
    all.extend(graph::findings()?);
    all.extend(vectors::findings()?);
    Ok(all)
}

/// `cargo xtask tidy`.
pub(crate) fn run() -> Result<()> {
    let all = findings()?;
    for finding in &all {
        eprintln!("{finding}");
    }
    if !all.is_empty() {
        bail!("{} findings", all.len());
    }
    println!("tidy: no findings");
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_is_tidy() {
        let all = super::findings().unwrap();
        assert!(all.is_empty(), "\n{}", all.join("\n"));
    }
}
