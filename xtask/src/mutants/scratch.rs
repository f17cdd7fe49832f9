//! A copy of the checkout to plant bugs in: what git tracks, with local changes.

use crate::command::{output, root};
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A tree, and where what is built of it goes.
pub(super) struct Scratch {
    tree: PathBuf,
    target: PathBuf,
}

impl Scratch {
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let (tree, target) = (folder.join("tree"), folder.join("target"));
        std::fs::create_dir_all(&tree)?;
        Ok(Self { tree, target })
    }

    pub(super) fn tree(&self) -> &Path {
        &self.tree
    }

    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Makes the tree what the checkout is. Files that are the same stay untouched: they are not
    /// compiled again.
    pub(super) fn sync(&self) -> Result<()> {
        let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = output(Command::new("git").args(list).current_dir(root()))?;
        let mut kept = BTreeSet::new();
        for file in listed.split('\0').filter(|file| !file.is_empty()) {
            // listed and gone: deleted here, and not committed yet
            let Ok(bytes) = std::fs::read(root().join(file)) else { continue };
            kept.insert(self.tree.join(file));
            self.write(file, &bytes)?;
        }
        remove_others(&self.tree, &kept)
    }

    pub(super) fn read(&self, file: &str) -> Result<String> {
        let path = self.tree.join(file);
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }

    /// Writes a file if that changes it.
    pub(super) fn write(&self, file: &str, bytes: &[u8]) -> Result<()> {
        let path = self.tree.join(file);
        if std::fs::read(&path).is_ok_and(|known| known == bytes) {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))
    }
}

fn remove_others(folder: &Path, kept: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            remove_others(&path, kept)?;
        } else if !kept.contains(&path) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}
