//! Compiled components on disk: ours alone, by hash, wasmtime version and compatibility.
//!
//! A precompiled file is native code, so it is never taken from the plugins folder, only from this
//! one, and only with our header and checksum on it. Anything unreadable is a miss, never an error.

use crate::engine::WasmEngine;
use crate::load::hash;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use wasmtime::component::Component;

const HEADER: &[u8] = b"hedgerow-compiled-1\n";

/// A folder of compiled components.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// A cache in a folder, made with access for its owner alone.
    pub fn open(folder: &Path) -> std::io::Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let meta = std::fs::metadata(folder)?;
        if meta.mode() & 0o022 != 0 || meta.uid() != rustix::process::geteuid().as_raw() {
            let what = "it is not this user's alone: native code is loaded from here";
            return Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, what));
        }
        Ok(Self { folder: folder.to_owned() })
    }

    fn path(&self, engine: &WasmEngine, component: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine.engine.precompile_compatibility_hash().hash(&mut hasher);
        self.folder.join(format!("{component}-{:016x}.cwasm", hasher.finish()))
    }

    #[allow(unsafe_code)]
    pub(crate) fn get(&self, engine: &WasmEngine, component: &str) -> Option<Component> {
        let bytes = std::fs::read(self.path(engine, component)).ok()?;
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
            let mut file = std::fs::File::create(&partial)?;
            file.write_all(HEADER)?;
            file.write_all(hash(&code).as_bytes())?;
            file.write_all(&code)?;
            file.sync_all()?;
            std::fs::rename(&partial, &path).inspect_err(|_| {
                let _ = std::fs::remove_file(&partial);
            })
        });
        if let Err(error) = written {
            tracing::warn!(%error, path = %path.display(), "compiled component not kept");
        }
    }
}
