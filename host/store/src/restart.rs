//! A restart in bounded time: the newest good snapshot, and the rows after it.
//!
//! Snapshots are made by a thread of its own from what is committed, by folding as a restart does:
//! it reads over a connection of its own, so whoever commits waits for nothing, and what it writes
//! was just read. What cannot be written costs the next restart time, nothing else.

use crate::rows::{self, Mark, Reader};
use crate::{StoreError, snapshots};
use hedgerow_model::{Fact, Stamped};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the thread looks at the journal.
const EVERY: Duration = Duration::from_secs(1);

/// A state that facts make.
pub trait Fold {
    /// The state as a value that can be written.
    type Kept: Serialize + DeserializeOwned;

    /// Takes a state up instead of the facts that made it. On an error nothing has changed.
    fn take_up(&mut self, kept: Self::Kept) -> Result<(), String>;

    /// Folds one fact.
    fn fold(&mut self, fact: &Stamped);

    /// The state.
    fn keep(&self) -> Self::Kept;
}

/// A state as a journal tells it.
#[derive(Debug)]
pub struct Restarted<F> {
    /// The state.
    pub state: F,
    /// The row of the snapshot that it began with; 0: there was none.
    pub from: i64,
    /// The last row that was folded.
    pub row: i64,
    /// Rows that were folded.
    pub folded: u64,
    /// Snapshots that were passed over, and why.
    pub skipped: Vec<String>,
    mark: Mark,
}

/// Folds a journal: from its newest good snapshot on.
pub(crate) fn restart<F: Fold>(
    journal: Reader<'_>,
    folder: &Path,
    mut state: F,
) -> Result<Restarted<F>, StoreError> {
    let (mut mark, mut skipped) = (Mark::NONE, Vec::new());
    for path in snapshots::list(folder) {
        match begin_with(journal, &path, &mut state)? {
            Ok(found) => {
                mark = found;
                break;
            }
            Err(why) => skipped.push(format!("{}: {why}", path.display())),
        }
    }
    for why in &skipped {
        tracing::warn!(%why, "a snapshot of the journal is not used");
    }
    let from = mark.row;
    let (mut row, mut folded) = (from, 0);
    journal.each(from, &mut |read, stamped| {
        state.fold(&stamped);
        (row, folded) = (read.0, folded + 1);
        // rows of states go away when newer ones come: no snapshot stands at one
        if !matches!(stamped.fact, Fact::Checkpoint { .. }) {
            mark = Mark::of(read);
        }
    })?;
    Ok(Restarted { state, from, row, folded, skipped, mark })
}

/// Takes up one snapshot; or why not.
fn begin_with<F: Fold>(
    journal: Reader<'_>,
    path: &Path,
    state: &mut F,
) -> Result<Result<Mark, String>, StoreError> {
    let (mark, value) = match snapshots::read(path) {
        Ok(read) => read,
        Err(error) => return Ok(Err(error.to_string())),
    };
    if !mark.is_in(&journal)? {
        return Ok(Err(format!("the journal has no such row {}: rows were lost", mark.row)));
    }
    let kept: Result<F::Kept, _> = rmp_serde::from_slice(&value);
    let taken = kept.map_err(|e| e.to_string()).and_then(|kept| state.take_up(kept));
    Ok(taken.map(|()| mark))
}

/// Brings the snapshots of a journal up to its present end; gives the row they stand at.
pub fn snapshot<F: Fold>(journal: &Path, fresh: F) -> Result<i64, StoreError> {
    let (file, folder) = (journal.display().to_string(), snapshots::folder(journal));
    let connection = rows::open(journal)?;
    let reader = Reader { connection: &connection, file: &file };
    let restarted = restart(reader, &folder, fresh)?;
    if restarted.mark.row > restarted.from {
        let failed =
            |why: String| StoreError::Snapshot { folder: folder.display().to_string(), why };
        let value = rmp_serde::to_vec_named(&restarted.state.keep());
        let value = value.map_err(|e| failed(e.to_string()))?;
        let mark = restarted.mark;
        snapshots::write(&folder, mark, &value).map_err(|e| failed(e.to_string()))?;
    }
    Ok(restarted.mark.row)
}

/// The thread that makes snapshots. It ends with this, after a last one.
#[derive(Debug)]
pub struct Snapshots {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Snapshots {
    /// Makes one whenever the journal has grown by so many rows beyond the last. `fresh` gives a
    /// state that no fact has touched.
    pub fn start<F: Fold>(
        journal: &Path,
        rows: u64,
        fresh: impl Fn() -> F + Send + 'static,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let path = journal.to_owned();
        let body = move || run(&path, i64::try_from(rows).unwrap_or(i64::MAX), &fresh, &stopped);
        let thread = std::thread::Builder::new().name("journal-snapshots".into()).spawn(body)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Snapshots {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run<F: Fold>(journal: &Path, rows: i64, fresh: &dyn Fn() -> F, stopped: &Receiver<()>) {
    let newest = |path: &PathBuf| Some(snapshots::read(path).ok()?.0.row);
    let mut at = snapshots::list(&snapshots::folder(journal)).iter().find_map(newest).unwrap_or(0);
    loop {
        let ends = stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout);
        let last = last_row(journal).unwrap_or_else(|error| {
            tracing::debug!(%error, "looking at the journal");
            at
        });
        if last.saturating_sub(at) >= rows || (ends && last > at) {
            // one that failed is tried again when the journal has grown as much again
            at = last;
            match snapshot(journal, fresh()) {
                Ok(row) => tracing::debug!(row, "snapshot of the journal"),
                Err(error) => tracing::warn!(%error, "no snapshot: the next start takes longer"),
            }
        }
        if ends {
            return;
        }
    }
}

fn last_row(journal: &Path) -> Result<i64, StoreError> {
    let connection = rows::open(journal)?;
    Reader { connection: &connection, file: &journal.display().to_string() }.last_row()
}

#[cfg(test)]
mod tests;
