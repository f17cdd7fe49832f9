//! Components that ran, by hash, in the state folder: what a restart goes on with, whatever lies in
//! the plugins folder by then.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How many are kept.
const KEPT: usize = 32;

/// Where a component lies.
#[must_use]
pub fn path(state: &Path, hash: &str) -> PathBuf {
    state.join("components").join(format!("{hash}.wasm"))
}

/// Keeps a component. A full disk costs a restart its component, nothing now.
pub fn keep(state: &Path, hash: &str, bytes: &[u8]) {
    let path = path(state, hash);
    if path.exists() {
        return;
    }
    if let Err(error) = write(&path, bytes) {
        tracing::warn!(%error, path = %path.display(), "component not kept");
    }
    if let Some(folder) = path.parent() {
        forget_old(folder);
    }
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let partial = path.with_extension(format!("tmp{}", std::process::id()));
    std::fs::write(&partial, bytes)?;
    std::fs::rename(&partial, path)
}

fn forget_old(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let aged = |entry: std::fs::DirEntry| {
        let modified = entry.metadata().and_then(|meta| meta.modified());
        (modified.unwrap_or(SystemTime::UNIX_EPOCH), entry.path())
    };
    let mut all: Vec<(SystemTime, PathBuf)> = entries.flatten().map(aged).collect();
    all.sort();
    for (_, old) in all.iter().rev().skip(KEPT) {
        let _ = std::fs::remove_file(old);
    }
}
