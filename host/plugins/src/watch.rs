//! Noticing new component files. An event from the system only means "look again".
//!
//! A candidate is a regular file ending in `.wasm`, not a link, whose inode, size and times were
//! the same in two looks, and whose hash at the first look differs from what runs. One that is put
//! there again is reported again, whatever its bytes: whoever did it waits for a word. It is read
//! once; what is hashed, checked and compiled are those bytes, whatever happens to the file
//! meanwhile.

use crate::file;
use crate::load::hash;
use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A new file, read whole.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Where it lies.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// SHA-256, hex.
    pub hash: String,
}

/// What a look found.
#[derive(Clone, Debug)]
pub enum Sighting {
    /// A file that is new, quiet and readable.
    New(Candidate),
    /// A file that cannot be taken, told once.
    Unusable {
        /// Where it lies.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Another file in its place, which may have kept the time it was made at.
    inode: u64,
    /// When the system saw it change last: nobody sets that. Seconds and nanoseconds.
    changed: (i64, i64),
}

impl Look {
    fn of(meta: &Metadata) -> Self {
        Self {
            bytes: meta.len(),
            modified: meta.modified().ok(),
            inode: meta.ino(),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }
}

#[derive(Debug, Default)]
struct Known {
    last: Option<Look>,
    /// The look whose content was handled.
    handled: Option<Look>,
    hash: Option<String>,
    told: Option<String>,
}

/// Watches one folder by looking at it.
#[derive(Debug)]
pub struct Watcher {
    folder: PathBuf,
    most: u64,
    known: BTreeMap<PathBuf, Known>,
}

impl Watcher {
    /// A watcher of a folder; files above `most` bytes are not read.
    #[must_use]
    pub fn new(folder: &Path, most: u64) -> Self {
        Self { folder: folder.to_owned(), most, known: BTreeMap::new() }
    }

    /// Says that a file's content is known: it runs, or was refused.
    pub fn settle(&mut self, path: &Path, hash: &str) {
        let known = self.known.entry(path.to_owned()).or_default();
        known.hash = Some(hash.to_owned());
    }

    /// Forgets what was handled: the file is reported once more.
    pub fn forget(&mut self, path: &Path) {
        if let Some(known) = self.known.get_mut(path) {
            (known.hash, known.handled) = (None, None);
        }
    }

    /// Looks. What is found in two looks alike, and is new, is reported; a file that vanished is
    /// not an event: stopping a strategy is an operator's command.
    pub fn look(&mut self) -> Vec<Sighting> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else {
            let why = "the plugins folder cannot be read".to_owned();
            let known = self.known.entry(self.folder.clone()).or_default();
            if known.told.replace(why.clone()).is_some() {
                return Vec::new();
            }
            return vec![Sighting::Unusable { path: self.folder.clone(), why }];
        };
        // when it goes again, that is news
        self.known.remove(&self.folder);
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        let wasm = |path: &PathBuf| path.extension().is_some_and(|e| e == "wasm");
        paths.into_iter().filter(wasm).filter_map(|path| self.look_at(path)).collect()
    }

    fn look_at(&mut self, path: PathBuf) -> Option<Sighting> {
        let most = self.most;
        let known = self.known.entry(path.clone()).or_default();
        let tell = |known: &mut Known, why: String| {
            if known.told.as_ref() == Some(&why) {
                return None;
            }
            known.told = Some(why.clone());
            Some(Sighting::Unusable { path: path.clone(), why })
        };
        // of the link itself, not of what it points to
        let meta = match std::fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            Err(_) => return None,
        };
        if meta.file_type().is_symlink() {
            return tell(known, "it is a link: put the file itself here".into());
        }
        if !meta.is_file() {
            return tell(known, "it is not a regular file".into());
        }
        if meta.len() > most {
            return tell(known, format!("it has {} bytes, {most} are allowed", meta.len()));
        }
        let look = Look::of(&meta);
        let quiet = known.last.replace(look) == Some(look);
        if !quiet || known.handled == Some(look) {
            return None;
        }
        let bytes = match file::read(&path, most) {
            Ok(bytes) => bytes,
            // not handled: it is tried at every look
            Err(error) => return tell(known, error.to_string()),
        };
        if u64::try_from(bytes.len()).ok() != Some(look.bytes) {
            return None; // it grew while it was read: look again
        }
        let before = known.handled.replace(look);
        let hash = hash(&bytes);
        // the first look at it, or only its name or its rights are others: nobody put it there
        let same = before.is_none_or(|before| Look { changed: look.changed, ..before } == look);
        if same && known.hash.as_ref() == Some(&hash) {
            return None;
        }
        known.hash = Some(hash.clone());
        known.told = None;
        Some(Sighting::New(Candidate { path, bytes, hash }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What runs when the host starts is no news; the same bytes put there again are.
    #[test]
    fn the_same_file_put_there_again_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wasm");
        let put = |bytes: &[u8], at: u64| {
            std::fs::write(&file, bytes).unwrap();
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(at);
            std::fs::File::options().append(true).open(&file).unwrap().set_modified(at).unwrap();
        };
        let mut watcher = Watcher::new(folder.path(), 1 << 20);
        watcher.settle(&file, &hash(b"one"));
        let mut looks = |n: usize| (0..n).map(|_| watcher.look().len()).sum::<usize>();
        put(b"one", 1);
        assert_eq!(looks(4), 0);
        put(b"two", 2);
        assert_eq!(looks(4), 1);
        put(b"two", 3);
        assert_eq!(looks(4), 1);
    }

    /// As long as the one before and as old, as a copy that keeps times makes it: by these two
    /// alone it would never be seen.
    #[test]
    fn a_file_of_equal_size_and_time_renamed_into_place_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let file = folder.path().join(name);
            std::fs::write(&file, bytes).unwrap();
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(7);
            std::fs::File::options().append(true).open(&file).unwrap().set_modified(at).unwrap();
            file
        };
        let file = put("a.wasm", b"one");
        let mut watcher = Watcher::new(folder.path(), 1 << 20);
        watcher.settle(&file, &hash(b"one"));
        (0..3).for_each(|_| assert!(watcher.look().is_empty()));
        std::fs::rename(put("a.new", b"two"), &file).unwrap();
        let found: Vec<Sighting> = (0..3).flat_map(|_| watcher.look()).collect();
        assert!(matches!(&found[..], [Sighting::New(c)] if c.bytes == b"two"), "{found:?}");
        // the same again, but for its rights: nobody put it there
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
        std::fs::set_permissions(&file, mode).unwrap();
        (0..3).for_each(|_| assert!(watcher.look().is_empty()));
        // written over in place, and its time set back; a system's clock has its steps
        let mut written_over = || {
            put("a.wasm", b"six");
            (0..3).flat_map(|_| watcher.look()).next()
        };
        let found = (0..1_000).find_map(|_| written_over());
        assert!(matches!(&found, Some(Sighting::New(c)) if c.bytes == b"six"), "{found:?}");
    }

    /// A folder that is not there is told once, and again when it went once more.
    #[test]
    fn a_missing_folder_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugins");
        let mut watcher = Watcher::new(&path, 1 << 20);
        let told = |watcher: &mut Watcher| (0..3).map(|_| watcher.look().len()).sum::<usize>();
        assert_eq!(told(&mut watcher), 1);
        std::fs::create_dir(&path).unwrap();
        assert_eq!(told(&mut watcher), 0);
        std::fs::remove_dir(&path).unwrap();
        assert_eq!(told(&mut watcher), 1);
    }
}
