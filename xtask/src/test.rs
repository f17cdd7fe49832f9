//! `cargo xtask test`: everything that is checked, in the order that fails soonest; the tests last.

use crate::command::{cargo, from_here, run};
use crate::{components, demo};
use anyhow::Result;
use std::time::Instant;

const LEFT_OUT: &str = "\
HEDGEROW_REFERENCE_DATA is not set: left out are the tests over real recordings (books of Binance
against the five levels recorded beside them, Hyperliquid, Lighter); everything else is tested";

/// Property tests draw the same cases in every run, so that a check which passes here passes
/// elsewhere. Other cases: set the variable to another number.
const SEED: &str = "PROPTEST_RNG_SEED";

fn seed() -> String {
    std::env::var(SEED).unwrap_or_else(|_| "1".into())
}

fn step(name: &str, act: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("== {name}");
    let began = Instant::now();
    act()?;
    eprintln!("== {name}: {} s", began.elapsed().as_secs());
    Ok(())
}

/// All checks; `--quick` leaves out lints and docs.
pub(crate) fn test(args: &[String]) -> Result<()> {
    let quick = args.iter().any(|arg| arg == "--quick");
    // a test that passes has no say in what is printed
    let left_out = std::env::var_os("HEDGEROW_REFERENCE_DATA").is_none();
    if left_out {
        eprintln!("{LEFT_OUT}");
    }
    step("format", || run(cargo().args(["fmt", "--all", "--check"])))?;
    step("components", || components::build().map(drop))?;
    if !quick {
        step("lints", || {
            let clippy = ["clippy", "--quiet", "--workspace", "--all-targets"];
            run(cargo().args(clippy).args(["--", "-D", "warnings"]))
        })?;
        step("docs", || {
            let doc = ["doc", "--quiet", "--workspace", "--no-deps"];
            run(cargo().args(doc).env("RUSTDOCFLAGS", "-D warnings"))
        })?;
    }
    // with the tests, not by itself: another set of features would compile wasmtime twice
    step("host", || run(cargo().args(["build", "--workspace", "--bins", "--tests"])))?;
    step("demo", demo::prove)?;
    step("tests", || run(cargo().args(["test", "--workspace"]).env(SEED, seed())))?;
    if left_out {
        eprintln!("{LEFT_OUT}");
    }
    Ok(())
}

/// The benchmarks, release profile.
pub(crate) fn bench(args: &[String]) -> Result<()> {
    components::build()?;
    let host = ["run", "--release", "--quiet", "--package", "hedgerow-daemon", "--", "bench"];
    run(cargo().args(host).args(from_here(args)?))
}
