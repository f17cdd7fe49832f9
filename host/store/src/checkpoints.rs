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

/// The thread. It ends with this.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    pub(crate) fn start(path: &Path) -> Result<Self, rusqlite::Error> {
        let connection = Connection::open(path)?;
        let (stop, stopped) = channel();
        let body = move || run(&connection, &stopped);
        let thread = std::thread::Builder::new().name("journal-checkpoints".into()).spawn(body);
        if let Err(error) = &thread {
            tracing::warn!(%error, "the journal's log is not moved into its file while it runs");
        }
        Ok(Self { stop: Some(stop), thread: thread.ok() })
    }
}

fn run(connection: &Connection, stopped: &Receiver<()>) {
    while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        // passive: it moves what nobody reads or writes, and never holds anybody up
        let pages = |row: &rusqlite::Row<'_>| row.get::<_, i64>(1);
        let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], pages);
        let begun = match moved {
            // nearly all of it is in the file by now: what is left is done while commits wait
            Ok(pages) if pages > PAGES_MAX => {
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            }
            moved => moved.map(|_| ()),
        };
        if let Err(error) = begun {
            tracing::debug!(%error, "journal checkpoint");
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
