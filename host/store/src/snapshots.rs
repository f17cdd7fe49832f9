//! Snapshots of what a journal's facts have made: files beside it, the newest two.
//!
//! A file is a line that names the format, the row it stands at and that row's SHA-256, the value
//! as MessagePack in zstd, and the SHA-256 of all that. It is written whole under another name and
//! then renamed. One that is damaged, of another layout, or of another history than the journal's
//! (a power cut took rows that it knows) is passed over, and it is said: facts are the truth, a
//! snapshot only saves time.

use crate::rows::Mark;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{Error, Result, Write as _};
use std::path::{Path, PathBuf};

const FORMAT: &[u8] = b"hedgerow-snapshot-1\n";
const KEPT: usize = 2;
const HASH: usize = 32;
/// Format, row, hash of the row.
const HEAD: usize = FORMAT.len() + 8 + HASH;

/// The folder of a journal's snapshots.
pub(crate) fn folder(journal: &Path) -> PathBuf {
    journal.with_extension("snapshots")
}

/// All snapshots of a folder, the newest first.
pub(crate) fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let snapshots = entries.map(|entry| entry.path());
    let mut all: Vec<PathBuf> =
        snapshots.filter(|path| path.extension().is_some_and(|e| e == "snapshot")).collect();
    // names are rows with leading zeros
    all.sort_unstable_by(|one, other| other.cmp(one));
    all
}

/// Writes a snapshot; older ones are forgotten, and those of a history that is none any more.
pub(crate) fn write(folder: &Path, mark: Mark, value: &[u8]) -> Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let mut bytes = Vec::with_capacity(HEAD + value.len() / 4);
    bytes.extend_from_slice(FORMAT);
    bytes.extend_from_slice(&mark.row.to_le_bytes());
    bytes.extend_from_slice(&mark.hash);
    zstd::stream::copy_encode(value, &mut bytes, 1)?;
    let hash = Sha256::digest(&bytes);
    bytes.extend_from_slice(&hash);
    let path = folder.join(format!("{:020}.snapshot", mark.row));
    let partial = path.with_extension("partial");
    let mut file = File::create(&partial)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&partial, &path)?;
    File::open(folder)?.sync_all()?;
    let (newer, older): (Vec<PathBuf>, Vec<PathBuf>) =
        list(folder).into_iter().partition(|other| *other > path);
    for gone in newer.iter().chain(older.iter().skip(KEPT)) {
        std::fs::remove_file(gone)?;
    }
    Ok(path)
}

/// Reads a snapshot: where it stands, and the value.
pub(crate) fn read(path: &Path) -> Result<(Mark, Vec<u8>)> {
    let damaged = || Error::other("it is damaged");
    let bytes = std::fs::read(path)?;
    let body = bytes.len().checked_sub(HASH).filter(|body| *body >= HEAD).ok_or_else(damaged)?;
    let (body, hash) = bytes.split_at(body);
    if Sha256::digest(body).as_slice() != hash || !body.starts_with(FORMAT) {
        return Err(damaged());
    }
    let (head, value) = body.split_at(HEAD);
    let (row, row_hash) = head[FORMAT.len()..].split_at(8);
    let row = i64::from_le_bytes(row.try_into().map_err(|_| damaged())?);
    let hash = row_hash.try_into().map_err(|_| damaged())?;
    Ok((Mark { row, hash }, zstd::stream::decode_all(value)?))
}
