//! `cargo xtask sim`: the fault simulation, release profile of that crate and what it needs.

use crate::command::{cargo, run};
use crate::{components, mutants};
use anyhow::Result;

/// Passes everything on, but the hunt for mutants.
pub(crate) fn sim(args: &[String]) -> Result<()> {
    if args.iter().any(|arg| arg == "--mutants") {
        components::build()?;
        return mutants::hunt(args);
    }
    components::build()?;
    let sim = ["run", "--release", "--quiet", "--package", "hedgerow-faults", "--"];
    run(cargo().args(sim).args(args))
}
