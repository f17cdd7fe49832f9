//! Moving what is in the write-ahead log into the journal's file, from a connection and a thread of
//! its own: it waits for the disk, and whoever commits must not, or only for a moment.

use rusqlite::Connection;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(1);
/// From this many pages on (of 4 KiB) the log is begun anew, which commits wait for: without that
/// it grows for ever while somebody commits at every moment.
const PAGES_MAX: i64 = 4_096;
/// Beginning anew takes the lock of whoever writes first, and only then waits for whoever reads: as
/// long as it waits, a commit does too. Long enough to come between two commits; what did not
/// succeed is tried again with the next turn.
const PATIENCE: Duration = Duration::from_millis(20);

/// The thread. It ends with this.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    pub(crate) fn start(path: &Path) -> Result<Self, rusqlite::Error> {
        let connection = open(path)?;
        let (stop, stopped) = channel();
        let body = move || run(&connection, &stopped);
        let thread = std::thread::Builder::new().name("journal-checkpoints".into()).spawn(body);
        if let Err(error) = &thread {
            tracing::warn!(%error, "the journal's log is not moved into its file while it runs");
        }
        Ok(Self { stop: Some(stop), thread: thread.ok() })
    }
}

fn open(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

fn run(connection: &Connection, stopped: &Receiver<()>) {
    while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        if let Err(error) = turn(connection) {
            tracing::debug!(%error, "journal checkpoint");
        }
    }
}

fn turn(connection: &Connection) -> Result<(), rusqlite::Error> {
    let pages = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
    // passive: it moves what nobody reads or writes, and never holds anybody up
    let (logged, moved) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], pages)?;
    // nearly all of it is in the file by now: what is left is done while commits wait. Where much
    // is left somebody reads an old state of the journal, and nothing can begin anew
    if logged > PAGES_MAX && logged - moved < PAGES_MAX {
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    Ok(())
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// Whoever reads for long lets the log grow, and nothing else: a commit waits for nobody.
    #[test]
    fn a_long_look_at_the_journal_holds_up_no_commit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let writer = Connection::open(&path).unwrap();
        writer.pragma_update(None, "journal_mode", "WAL").unwrap();
        writer.pragma_update(None, "synchronous", "OFF").unwrap();
        writer.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        writer.execute_batch("CREATE TABLE t (x BLOB)").unwrap();
        let grow = "INSERT INTO t SELECT randomblob(20000000)";
        writer.execute_batch(grow).unwrap();
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
        let log = || std::fs::metadata(folder.path().join("journal.sqlite-wal")).unwrap().len();
        let connection = open(&path).unwrap();
        let most = Duration::from_secs(2);
        for rows in ["", grow] {
            // a reader of the newest state, and one of an older state
            writer.execute_batch(rows).unwrap();
            let began = Instant::now();
            turn(&connection).unwrap();
            assert!(began.elapsed() < most, "it waited for a reader: {:?}", began.elapsed());
            assert!(log() > 0, "the reader still needs it");
        }
        reader.execute_batch("COMMIT").unwrap();
        turn(&connection).unwrap();
        assert_eq!(log(), 0, "begun anew as soon as nobody reads");
    }
}
