//! `cargo xtask demo`: builds what is needed and starts the host; `install` swaps a component in.

use crate::command::{cargo, from_here, output, root, run, target_folder};
use crate::components;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Within what time of the host's start the first paper fill comes.
const FIRST_FILL_MS_MAX: u64 = 10_000;

fn build_host() -> Result<std::path::PathBuf> {
    eprintln!("building the host (the first time takes some minutes)");
    run(cargo().args(["build", "--workspace", "--bins"]))?;
    // CARGO_TARGET_DIR or a config of cargo's may put it anywhere
    Ok(target_folder()?.join("debug/hedgerow"))
}

/// `cargo xtask demo`, with the demo's own arguments.
pub(crate) fn demo(args: &[String]) -> Result<()> {
    components::build()?;
    let host = build_host()?;
    run(start(&host).args(from_here(args)?))
}

fn start(host: &Path) -> Command {
    let mut command = Command::new(host);
    command.arg("demo").current_dir(root());
    command
}

/// The demo as a newcomer sees it, in a folder of its own, with the host that was built with the
/// tests: built by itself it would compile wasmtime twice. The first fill comes in time, counted
/// from the start of its process.
pub(crate) fn prove() -> Result<()> {
    let target = target_folder()?;
    let home = target.join("demo-of-the-tests");
    let _ = std::fs::remove_dir_all(&home);
    let args = ["--seconds", "12", "--json", "--home"];
    let said = output(start(&target.join("debug/hedgerow")).args(args).arg(&home))?;
    let summary: Value = serde_json::from_str(&said).context("the demo's summary")?;
    check(&summary)?;
    eprintln!("first paper fill after {} ms", summary["first_fill_ms"]);
    Ok(std::fs::remove_dir_all(&home)?)
}

fn check(summary: &Value) -> Result<()> {
    match summary["first_fill_ms"].as_u64() {
        Some(ms) if ms <= FIRST_FILL_MS_MAX => Ok(()),
        Some(ms) => bail!(
            "the demo's first fill came after {ms} ms: within {FIRST_FILL_MS_MAX} is promised"
        ),
        None => bail!("the demo had no fill: {summary}"),
    }
}

/// `cargo xtask install <name>`: builds the components, puts one into the demo's plugins folder and
/// says what the demo makes of it.
pub(crate) fn install(args: &[String]) -> Result<()> {
    let [name] = args else { bail!("usage: cargo xtask install <name of the plugin>") };
    components::build()?;
    let from = components::folder().join(format!("{name}.wasm"));
    let folder = root().join(".hedgerow/demo/plugins");
    if !folder.is_dir() {
        bail!("there is no demo yet: start `cargo xtask demo` first");
    }
    // it asks the demo, if one runs, what became of it
    let host = build_host()?;
    let mut install = Command::new(host);
    install.args(["plugin", "install"]).arg(from).arg("--plugins").arg(folder);
    run(install.arg("--state").arg(root().join(".hedgerow/demo/state")))
}

#[cfg(test)]
mod tests {
    use super::check;
    use serde_json::json;

    #[test]
    fn a_demo_without_a_fill_in_time_is_a_failure() {
        assert!(check(&json!({ "first_fill_ms": 2_000 })).is_ok());
        for (bad, why) in [(json!({ "first_fill_ms": 10_001 }), "10001 ms"), (json!({}), "no fill")]
        {
            let said = check(&bad).unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
    }
}
