//! Strategies to components: every package of the workspace that says
//! `metadata.hedgerow.component`.

use crate::command::{cargo, output, root, run};
use crate::toolchain::{self, TARGET};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use wit_component::ComponentEncoder;

/// Where the components are put.
pub(crate) fn folder() -> PathBuf {
    root().join("target/guests/components")
}

/// The packages to build.
fn packages() -> Result<Vec<String>> {
    let text = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let all = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    Ok(all
        .iter()
        .filter(|p| p["metadata"]["hedgerow"]["component"] == true)
        .filter_map(|p| p["name"].as_str().map(str::to_owned))
        .collect())
}

/// Compiles all of them; gives the files made.
pub(crate) fn build() -> Result<Vec<PathBuf>> {
    let guest = toolchain::find()?;
    let packages = packages()?;
    eprintln!("building {} components with {}", packages.len(), guest.origin);
    for package in &packages {
        // as a component alone: beside an rlib, which tests link, cargo optimises nothing across
        // crates
        let mut build = cargo();
        build.args(["rustc", "--quiet", "--profile", "guest", "--target", TARGET, "--lib"]);
        build.args(["--crate-type", "cdylib", "--target-dir", "target/guests"]);
        build.args(["--package", package]);
        // flags meant for the host's build would change the guest's
        build.envs(guest.env.clone());
        build.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        run(&mut build)?;
    }
    std::fs::create_dir_all(folder())?;
    packages.iter().map(|package| encode(package)).collect()
}

fn encode(package: &str) -> Result<PathBuf> {
    let file = format!("{}.wasm", package.replace('-', "_"));
    let module_path = root().join("target/guests").join(TARGET).join("guest").join(&file);
    let module = std::fs::read(&module_path)
        .with_context(|| format!("reading {}", module_path.display()))?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|mut encoder| encoder.encode())
        .with_context(|| format!("making a component of {package}"))?;
    if component.is_empty() {
        bail!("the component of {package} is empty");
    }
    let name = package.strip_prefix("hedgerow-plugin-").unwrap_or(package);
    let path = folder().join(format!("{name}.wasm"));
    // a watcher must never see half a file
    let partial = path.with_extension("wasm.tmp");
    std::fs::write(&partial, component)?;
    std::fs::rename(&partial, &path)?;
    Ok(path)
}
