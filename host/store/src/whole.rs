//! Whether a journal that is only read is whole: what lies in a torn page of an index is not found,
//! and not missed. A host that goes on from a journal meets the damage; whoever only asks would get
//! an answer that is short.

use crate::StoreError;
use rusqlite::{Connection, ffi};
use std::path::Path;

/// A file up to this size is looked at whole: it takes a tenth of a second. A larger one only where
/// its length says that it was cut.
const LOOKED_AT: u64 = 32 << 20;

/// Refuses a journal that is damaged.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let fail = |source| StoreError::Sqlite { file: path.display().to_string(), source };
    let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0)).map_err(fail)?;
    let page = u64::try_from(page).unwrap_or(0).max(1);
    let length = std::fs::metadata(path).map_or(0, |file| file.len());
    // of a full disk the log may have the whole of a page that is half in the file: SQLite decides
    if length > LOOKED_AT && length.is_multiple_of(page) {
        return Ok(());
    }
    let found: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(fail)?;
    if found == "ok" {
        return Ok(());
    }
    let corrupt = ffi::Error::new(ffi::SQLITE_CORRUPT);
    let why = format!("database disk image is malformed ({})", found.replace('\n', " "));
    Err(fail(rusqlite::Error::SqliteFailure(corrupt, Some(why))))
}
