//! Moving what is in the write-ahead log into the journal's file, from a connection and a thread of
//! its own: it waits for the disk, and whoever commits must not.

use rusqlite::Connection;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(1);

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
        let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = moved {
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
