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

/// Keeps a component and forgets the oldest, but none of those `in_use`. A full disk costs a
/// restart its component, nothing now.
pub fn keep(state: &Path, hash: &str, bytes: &[u8], in_use: &[String]) {
    keep_for_ever(state, hash, bytes);
    if let Some(folder) = path(state, hash).parent() {
        forget_old(folder, in_use);
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
    let written = std::fs::write(&partial, bytes).and_then(|()| std::fs::rename(&partial, path));
    // half a file would take what little room there is
    written.inspect_err(|_| drop(std::fs::remove_file(&partial)))
}

fn forget_old(folder: &Path, in_use: &[String]) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let aged = |entry: std::fs::DirEntry| {
        let modified = entry.metadata().and_then(|meta| meta.modified());
        (modified.unwrap_or(SystemTime::UNIX_EPOCH), entry.path())
    };
    let mut all: Vec<(SystemTime, PathBuf)> = entries.flatten().map(aged).collect();
    all.sort();
    let is_used = |path: &Path| {
        let hash = path.file_stem().and_then(|stem| stem.to_str());
        in_use.iter().any(|used| Some(used.as_str()) == hash)
    };
    for (_, old) in all.iter().rev().skip(KEPT).filter(|(_, path)| !is_used(path)) {
        let _ = std::fs::remove_file(old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_is_never_forgotten_however_old_it_is() {
        let state = tempfile::tempdir().unwrap();
        let keep =
            |n: usize| keep(state.path(), &format!("{n:064}"), b"x", &[format!("{:064}", 0)]);
        keep(0);
        let old = File::options().append(true).open(path(state.path(), &format!("{:064}", 0)));
        old.unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        (1..KEPT + 10).for_each(keep);
        let names = std::fs::read_dir(state.path().join("components")).unwrap();
        assert_eq!(names.count(), KEPT + 1);
        assert!(path(state.path(), &format!("{:064}", 0)).exists());
    }
}
