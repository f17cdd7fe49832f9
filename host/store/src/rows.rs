//! Reading rows of a journal, in pieces: nobody who reads ten million of them holds all in memory
//! or keeps the log from ending.

use crate::{StoreError, whole};
use hedgerow_model::{Fact, HostTime, Stamped};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, ToSql, params_from_iter};
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// Rows that are read at once.
const PIECE: i64 = 16_384;

/// Ranges of rows, each read by a look of its own: one look at all of a large journal keeps the log
/// from beginning anew for as long as it takes. Over numbers and not over counts, so that finding
/// the kinds that are wanted takes one walk of their index altogether.
pub(crate) fn pieces(last: i64) -> impl Iterator<Item = (i64, i64)> {
    let begin = |number| number * PIECE;
    (0..=last / PIECE).map(move |number| (begin(number), begin(number + 1).min(last)))
}

/// One row as it is stored.
pub(crate) type Row = (i64, i64, String);

/// Which row a snapshot stands at, so that one of another history is known for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) row: i64,
    pub(crate) hash: [u8; 32],
}

impl Mark {
    pub(crate) const NONE: Self = Self { row: 0, hash: [0; 32] };

    pub(crate) fn of((row, time, body): &Row) -> Self {
        let mut hash = Sha256::new();
        for part in [&row.to_le_bytes()[..], &time.to_le_bytes(), body.as_bytes()] {
            hash.update(part);
        }
        Self { row: *row, hash: hash.finalize().into() }
    }

    /// Whether a journal has this row as it was.
    pub(crate) fn is_in(&self, journal: &Reader<'_>) -> Result<bool, StoreError> {
        let wanted = "SELECT seq, time_ns, body FROM fact WHERE seq = ?1";
        let found = journal.connection.query_row(wanted, [self.row], columns).optional();
        Ok(found.map_err(|e| journal.fail(e))?.is_some_and(|row| Self::of(&row) == *self))
    }
}

pub(crate) fn columns(row: &rusqlite::Row<'_>) -> Result<Row, rusqlite::Error> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// A journal that is only read; its host may be at work.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    let fail = |source| StoreError::Sqlite { file: path.display().to_string(), source };
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(fail)
}

/// The same for whoever answers a person: one that is damaged is refused.
pub(crate) fn open_whole(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(path)?;
    whole::check(&connection, path)?;
    Ok(connection)
}

/// A connection and the name of its file.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'c> {
    pub(crate) connection: &'c Connection,
    pub(crate) file: &'c str,
}

impl Reader<'_> {
    fn fail(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Sqlite { file: self.file.to_owned(), source }
    }

    pub(crate) fn last_row(&self) -> Result<i64, StoreError> {
        let last = "SELECT coalesce(max(seq), 0) FROM fact";
        self.connection.query_row(last, [], |row| row.get(0)).map_err(|e| self.fail(e))
    }

    /// Gives every row of some kinds to a reader, in order.
    pub(crate) fn each_of(
        &self,
        kinds: &[&str],
        read: &mut dyn FnMut(Stamped),
    ) -> Result<(), StoreError> {
        let marks = vec!["?"; kinds.len()].join(",");
        let wanted = format!(
            "SELECT seq, time_ns, body FROM fact
             WHERE kind IN ({marks}) AND seq > ? AND seq <= ? ORDER BY seq"
        );
        let mut statement = self.connection.prepare(&wanted).map_err(|e| self.fail(e))?;
        for (after, to) in pieces(self.last_row()?) {
            let kinds = kinds.iter().map(|kind| kind as &dyn ToSql);
            let given = kinds.chain([&after as &dyn ToSql, &to]);
            let found = statement.query_map(params_from_iter(given), columns);
            let rows = found.and_then(Iterator::collect::<Result<Vec<Row>, _>>);
            // the look is over before what reads is called: it may take its time
            for row in rows.map_err(|e| self.fail(e))? {
                read(stamped(self.file, &row)?);
            }
        }
        Ok(())
    }

    /// Gives every row after one to a reader, in order.
    pub(crate) fn each(
        &self,
        after: i64,
        read: &mut dyn FnMut(&Row, Stamped),
    ) -> Result<(), StoreError> {
        let wanted = "SELECT seq, time_ns, body FROM fact WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let mut statement = self.connection.prepare(wanted).map_err(|e| self.fail(e))?;
        let mut last = after;
        loop {
            let mut rows = statement.query([last, PIECE]).map_err(|e| self.fail(e))?;
            let mut count = 0;
            while let Some(row) = rows.next().map_err(|e| self.fail(e))? {
                let row = columns(row).map_err(|e| self.fail(e))?;
                read(&row, stamped(self.file, &row)?);
                (last, count) = (row.0, count + 1);
            }
            if count < PIECE {
                return Ok(());
            }
        }
    }
}

/// A row as a fact.
pub(crate) fn stamped(file: &str, (row, time, body): &Row) -> Result<Stamped, StoreError> {
    let fact: Fact = serde_json::from_str(body).map_err(|e| {
        let (file, why) = (file.to_owned(), e.to_string());
        StoreError::Row { file, row: *row, why }
    })?;
    let time = HostTime::from_nanos(u64::try_from(*time).unwrap_or(0));
    Ok(Stamped { time, fact })
}
