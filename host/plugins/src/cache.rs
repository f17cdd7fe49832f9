//! Compiled components on disk: ours alone, by hash, wasmtime version and compatibility.
//!
//! A precompiled file is native code, so it is never taken from the plugins folder, only from this
//! one, and only with our header and checksum on it. Anything unreadable is a miss, never an error.

use crate::engine::WasmEngine;
use crate::load::hash;
use std::fs::{File, Metadata};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use wasmtime::component::Component;

const HEADER: &[u8] = b"hedgerow-compiled-1\n";
/// How many are kept: they cost a few megabytes each, and only time when they are gone.
const KEPT: usize = 128;
/// A file that is being written is younger.
const TORN: Duration = Duration::from_secs(600);

/// Where it is set, only its owner may rename what lies in a folder.
const STICKY: u32 = 0o1000;

/// A folder of compiled components.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// A cache in a folder, made with access for its owner alone.
    pub fn open(folder: &Path) -> std::io::Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let folder = std::fs::canonicalize(folder)?;
        let refused = |what| Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, what));
        let (meta, me) = (std::fs::metadata(&folder)?, rustix::process::geteuid().as_raw());
        if meta.mode() & 0o022 != 0 || meta.uid() != me {
            return refused("it is not this user's alone: native code is loaded from here");
        }
        // whoever may rename in the folder above could put another in this one's place
        let above = folder.parent().map(std::fs::metadata).transpose()?;
        let is_open = |above: &Metadata| above.mode() & 0o022 != 0 && above.mode() & STICKY == 0;
        if above.is_some_and(|above| is_open(&above) || ![0, me].contains(&above.uid())) {
            return refused("others may write to the folder above it");
        }
        let this = Self { folder };
        this.sweep();
        Ok(this)
    }

    /// Removes what was never finished, and what has not been used for longest.
    fn sweep(&self) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        let aged = |entry: std::fs::DirEntry| {
            let modified = entry.metadata().and_then(|meta| meta.modified());
            (modified.unwrap_or(SystemTime::UNIX_EPOCH), entry.path())
        };
        let (whole, torn): (Vec<_>, Vec<_>) = (entries.flatten().map(aged))
            .partition(|(_, path)| path.extension().is_some_and(|e| e == "cwasm"));
        let is_left = |age: &SystemTime| age.elapsed().is_ok_and(|age| age > TORN);
        let left = torn.into_iter().filter(|(age, _)| is_left(age));
        let mut whole = whole;
        whole.sort();
        let old = whole.into_iter().rev().skip(KEPT);
        for (_, path) in left.chain(old) {
            let _ = std::fs::remove_file(path);
        }
    }

    fn path(&self, engine: &WasmEngine, component: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine.engine.precompile_compatibility_hash().hash(&mut hasher);
        self.folder.join(format!("{component}-{:016x}.cwasm", hasher.finish()))
    }

    #[allow(unsafe_code)]
    pub(crate) fn get(&self, engine: &WasmEngine, component: &str) -> Option<Component> {
        let path = self.path(engine, component);
        let bytes = std::fs::read(&path).ok()?;
        // used again: it is not an old one
        let used = File::options().append(true).open(&path);
        let _ = used.and_then(|file| file.set_modified(SystemTime::now()));
        let rest = bytes.strip_prefix(HEADER)?;
        let (sum, code) = rest.split_at_checked(64)?;
        if hash(code).as_bytes() != sum {
            return None;
        }
        // SAFETY: written by this program into a folder only its user can write to, checksum right;
        // wasmtime itself checks version and configuration.
        unsafe { Component::deserialize(&engine.engine, code) }.ok()
    }

    /// Keeps a compiled component. A full disk costs the next start some time, nothing else.
    pub(crate) fn put(&self, engine: &WasmEngine, component: &str, compiled: &Component) {
        let path = self.path(engine, component);
        let written = compiled.serialize().map_err(std::io::Error::other).and_then(|code| {
            let partial = path.with_extension(format!("tmp{}", std::process::id()));
            // half a file would take what little room there is
            write(&partial, &path, &code).inspect_err(|_| drop(std::fs::remove_file(&partial)))
        });
        self.sweep();
        if let Err(error) = written {
            tracing::warn!(%error, path = %path.display(), "compiled component not kept");
        }
    }
}

fn write(partial: &Path, path: &Path, code: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(partial)?;
    file.write_all(HEADER)?;
    file.write_all(hash(code).as_bytes())?;
    file.write_all(code)?;
    file.sync_all()?;
    std::fs::rename(partial, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_was_never_finished_and_what_is_old_goes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, age: u64| {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        };
        at("torn.tmp7", 5_000);
        at("being-written.tmp8", 1);
        (0..KEPT as u64 + 3).for_each(|n| at(&format!("{n}.cwasm"), 10_000 - n));
        Cache::open(folder.path()).unwrap();
        let is_there = |name: &str| folder.path().join(name).exists();
        assert!(!is_there("torn.tmp7") && is_there("being-written.tmp8"));
        assert!(!is_there("2.cwasm") && is_there("3.cwasm"));
    }

    /// A wrong checksum is a miss, and what was compiled anew takes its place.
    #[test]
    fn a_compiled_file_with_a_flipped_byte_is_not_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("cache")).unwrap();
        let engine = WasmEngine::new(crate::Mode::Backtest).unwrap();
        let compiled = Component::new(&engine.engine, b"\0asm\x0d\0\x01\0").unwrap();
        assert!(cache.get(&engine, "a").is_none());
        cache.put(&engine, "a", &compiled);
        assert!(cache.get(&engine, "a").is_some());
        assert!(cache.get(&engine, "b").is_none(), "of another component");
        let path = cache.path(&engine, "a");
        let whole = std::fs::read(&path).unwrap();
        let places = [0, HEADER.len(), HEADER.len() + 64, whole.len() / 2, whole.len() - 1];
        for place in places {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            assert!(cache.get(&engine, "a").is_none(), "byte {place}");
        }
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(cache.get(&engine, "a").is_none(), "cut short");
        cache.put(&engine, "a", &compiled);
        assert!(cache.get(&engine, "a").is_some());
    }

    #[test]
    fn a_folder_that_others_could_replace_is_not_used() {
        let above = tempfile::tempdir().unwrap();
        let mode = |mode| {
            std::fs::set_permissions(above.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            Cache::open(&above.path().join("cache")).map(drop).map_err(|e| e.to_string())
        };
        assert_eq!(mode(0o777), Err("others may write to the folder above it".to_owned()));
        assert_eq!(mode(0o1777), Ok(()));
        assert_eq!(mode(0o755), Ok(()));
    }
}
