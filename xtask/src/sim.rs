//! `cargo xtask sim`: the fault simulation, release profile of that crate and what it needs.

use crate::command::{cargo, run};
use anyhow::Result;

/// Passes everything on.
pub(crate) fn sim(args: &[String]) -> Result<()> {
    let sim = ["run", "--release", "--quiet", "--package", "hedgerow-faults", "--"];
    run(cargo().args(sim).args(args))
}
