//! Components that ran, by hash, in the state folder: what a restart goes on with, whatever lies in
//! the plugins folder by then.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How many are kept: far more than are tried in between two restarts.
pub(crate) const KEPT: usize = 256;

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
        Ok(file) if holds(&path, bytes) => file.set_modified(SystemTime::now()),
        // or there is none, or half of one that power failed for
        _ => write(&path, bytes),
    };
    if let Err(error) = kept {
        tracing::warn!(%error, path = %path.display(), "component not kept");
    }
}

fn holds(path: &Path, bytes: &[u8]) -> bool {
    let length = std::fs::metadata(path).ok().and_then(|meta| usize::try_from(meta.len()).ok());
    length == Some(bytes.len()) && std::fs::read(path).is_ok_and(|known| known == bytes)
}

/// Writes a component so that nobody sees half of it, whatever dies meanwhile: the file is on the
/// disk before it has its name, and the name before this returns.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let partial = path.with_extension(format!("tmp{}", std::process::id()));
    let whole = |mut file: File| file.write_all(bytes).and_then(|()| file.sync_all());
    let written = File::create(&partial)
        .and_then(whole)
        .and_then(|()| std::fs::rename(&partial, path))
        .and_then(|()| File::open(folder)?.sync_all());
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

    /// What power failed for is made whole by whoever has the bytes.
    #[test]
    fn a_torn_component_is_healed() {
        let state = tempfile::tempdir().unwrap();
        let (hash, bytes) = ("a".repeat(64), b"all of it");
        let kept = path(state.path(), &hash);
        for torn in [&b"all"[..], b"", b"all ofXit"] {
            keep_for_ever(state.path(), &hash, bytes);
            std::fs::write(&kept, torn).unwrap();
            keep_for_ever(state.path(), &hash, bytes);
            assert_eq!(std::fs::read(&kept).unwrap(), bytes);
        }
        let names = std::fs::read_dir(kept.parent().unwrap()).unwrap();
        assert_eq!(names.count(), 1);
    }

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
