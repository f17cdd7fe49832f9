//! `cargo xtask demo`: builds what is needed and starts the host; `install` swaps a component in.

use crate::command::{cargo, from_here, root, run, target_folder};
use crate::components;
use anyhow::{Result, bail};
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
