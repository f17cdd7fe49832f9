//! Components that ran, by hash, in the state folder: what a restart goes on with, whatever lies in
//! the plugins folder by then.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How many are kept: far more than are tried in between two restarts.
const KEPT: usize = 256;

/// Where a component lies.
#[must_use]
pub fn path(state: &Path, hash: &str) -> PathBuf {
    state.join("components").join(format!("{hash}.wasm"))
}

/// Keeps a component. A full disk costs a restart its component, nothing now.
pub fn keep(state: &Path, hash: &str, bytes: &[u8]) {
    keep_for_ever(state, hash, bytes);
    if let Some(folder) = path(state, hash).parent() {
        forget_old(folder);
    }
}

/// Keeps a component with what needs it as long as it exists.
pub fn keep_for_ever(folder: &Path, hash: &str, bytes: &[u8]) {
    let path = path(folder, hash);
    let kept = match File::options().append(true).open(&path) {
        // used again: it is not an old one
        Ok(file) => file.set_modified(SystemTime::now()),
        Err(_) => write(&path, bytes),
    };
    if let Err(error) = kept {
        tracing::warn!(%error, path = %path.display(), "component not kept");
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
