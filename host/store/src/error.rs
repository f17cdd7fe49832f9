//! What can be wrong with a journal, and what to do about it.

use rusqlite::ErrorCode;

/// What to do about a file that is no journal, or none any more.
fn remedy(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "; keep a copy and move it away, with what lies beside it under its name: a host \
             beside a venue then asks what is, and `hedgerow adopt STRATEGY` takes it over"
        }
        Some(ErrorCode::CannotOpen) => "; its folder must be there and writable, and it a file",
        _ => "",
    }
}

/// Why the journal file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite says no.
    #[error("journal {file}: {source}{}", remedy(source))]
    Sqlite {
        /// Which file.
        file: String,
        /// What it said.
        #[source]
        source: rusqlite::Error,
    },
    /// The file was written by a newer host.
    #[error("journal {file} has layout {found}, this host knows {known}: use the newer host")]
    Newer {
        /// Which file.
        file: String,
        /// Its layout.
        found: i64,
        /// Ours.
        known: usize,
    },
    /// The space that is kept for a full disk cannot be had.
    #[error("{file}, which is kept for facts of a full disk: {why}")]
    NoRoom {
        /// Which file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// The facts of a full disk cannot be read.
    #[error(
        "{file}, which holds what the journal could not take: {why}; move it away to start without \
         what it holds, the venue will be asked"
    )]
    Emergency {
        /// Which file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A snapshot cannot be written.
    #[error("snapshots in {folder}: {why}")]
    Snapshot {
        /// Where.
        folder: String,
        /// What is wrong.
        why: String,
    },
    /// A row that this host cannot read.
    #[error("journal {file}, row {row}: {why}")]
    Row {
        /// Which file.
        file: String,
        /// Which row.
        row: i64,
        /// Why.
        why: String,
    },
}
