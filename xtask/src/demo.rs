//! `cargo xtask demo`: builds what is needed and starts the host; `install` swaps a component in.

use crate::command::{cargo, from_here, root, run, target_folder};
use crate::components;
use anyhow::{Context, Result, bail};
use std::process::Command;

fn build_host() -> Result<std::path::PathBuf> {
    eprintln!("building the host (the first time takes some minutes)");
    run(cargo().args(["build", "--package", "hedgerow-daemon"]))?;
    // CARGO_TARGET_DIR or a config of cargo's may put it anywhere
    Ok(target_folder()?.join("debug/hedgerow"))
}

/// `cargo xtask demo`, with the demo's own arguments.
pub(crate) fn demo(args: &[String]) -> Result<()> {
    components::build()?;
    let host = build_host()?;
    run(Command::new(host).arg("demo").args(from_here(args)?).current_dir(root()))
}

/// `cargo xtask install <name>`: builds the components and puts one into the demo's plugins folder.
pub(crate) fn install(args: &[String]) -> Result<()> {
    let [name] = args else { bail!("usage: cargo xtask install <name of the plugin>") };
    components::build()?;
    let from = components::folder().join(format!("{name}.wasm"));
    let folder = root().join(".hedgerow/demo/plugins");
    if !folder.is_dir() {
        bail!("there is no demo yet: start `cargo xtask demo` first");
    }
    let bytes = std::fs::read(&from).with_context(|| format!("reading {}", from.display()))?;
    let to = folder.join(format!("{name}.wasm"));
    let partial = to.with_extension("wasm.tmp");
    std::fs::write(&partial, bytes)?;
    std::fs::rename(&partial, &to)?;
    println!("{} is in place: a running demo whose strategies use it swaps it in", to.display());
    Ok(())
}
