//! Releasing the latch's file, and never what somebody wrote since it was looked at.
//!
//! Whoever kills from outside writes to the file at the path, and then looks whether that file is
//! still there. A release puts another, whose space was taken before, in its place, and then looks
//! whether the old one is as it was. Whichever comes first, one of the two sees the other.

use super::{BYTES, open_at, path, said, write};
use std::fs::File;
use std::io::{Error, Result};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// What the file held; nothing: it was not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(Option<Vec<u8>>);

impl Seen {
    /// What it holds now.
    pub(super) fn at(state: &Path) -> Self {
        Self(File::open(path(state)).and_then(|file| contents(&file)).ok())
    }

    fn is(&self, held: &[u8]) -> bool {
        self.0.as_deref().unwrap_or(&[0; BYTES]) == held
    }
}

/// The file that the next release puts in place.
pub(super) fn spare(state: &Path) -> PathBuf {
    state.join("kill.latch.spare")
}

fn contents(file: &File) -> Result<Vec<u8>> {
    let mut bytes = vec![0; BYTES];
    let length = file.read_at(&mut bytes, 0)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// Puts an empty file in the place of the one at the path, if that holds what was seen.
pub(super) fn release(state: &Path, file: &mut File, seen: &Seen) -> Result<()> {
    let since = || Error::other("it was set since: look why, and ask again");
    let next = open_at(&spare(state))?;
    next.write_all_at(&[0; BYTES], 0)?;
    next.sync_data()?;
    if !seen.is(&contents(file)?) {
        return Err(since());
    }
    let old = state.join("kill.latch.old");
    let _ = std::fs::remove_file(&old);
    // its space is for the next release; where there are no links that takes its own
    let kept = std::fs::hard_link(path(state), &old).is_ok();
    std::fs::rename(spare(state), path(state))?;
    if kept {
        let _ = std::fs::rename(&old, spare(state));
    }
    let old = std::mem::replace(file, next);
    let written = contents(&old)?;
    if !seen.is(&written) {
        // a kill went to the file that was there when it came
        write(file, &said(&written))?;
        return Err(since());
    }
    // a power cut that brings the old one back leaves it set
    let _ = File::open(state).and_then(|folder| folder.sync_all());
    Ok(())
}
