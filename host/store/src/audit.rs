//! The audit: every word of an operator, and every mode, chained by SHA-256, so that a row that was
//! changed or taken out is seen. What is cut off at the end is seen by whoever wrote the last hash
//! down; `hedgerow audit verify` says it.

use crate::{StoreError, rows};
use rusqlite::Transaction;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// Kinds of facts that belong to the audit.
pub const KINDS: [&str; 5] = ["Asked", "Operator", "Mode", "Adopted", "Ignored"];

/// What a check of the audit found.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Audit {
    /// Rows that are as they were written.
    pub rows: u64,
    /// The hash of the last of them: keep it elsewhere, and no later row can be cut off unseen.
    pub last: String,
    /// The first row that is not what was written, and why.
    pub broken: Option<String>,
}

pub(crate) fn belongs(kind: &str) -> bool {
    KINDS.contains(&kind)
}

fn link(before: &str, (row, time, body): (i64, i64, &str)) -> String {
    let mut hash = Sha256::new();
    for part in [before.as_bytes(), &row.to_le_bytes(), &time.to_le_bytes(), body.as_bytes()] {
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Chains a row that was just written.
pub(crate) fn append(
    transaction: &Transaction<'_>,
    row: (i64, i64, &str),
) -> Result<(), rusqlite::Error> {
    let last = "SELECT coalesce((SELECT hash FROM audit ORDER BY fact DESC LIMIT 1), '')";
    let before: String = transaction.prepare_cached(last)?.query_row([], |row| row.get(0))?;
    let insert = "INSERT INTO audit (fact, hash) VALUES (?1, ?2)";
    transaction.prepare_cached(insert)?.execute((row.0, link(&before, row)))?;
    Ok(())
}

/// Chains what a host without an audit wrote: rows outside the chain look like forged ones.
pub(crate) fn begin(transaction: &Transaction<'_>) -> Result<(), rusqlite::Error> {
    let kinds = KINDS.map(|kind| format!("'{kind}'")).join(",");
    let known = format!("SELECT seq, time_ns, body FROM fact WHERE kind IN ({kinds}) ORDER BY seq");
    let mut statement = transaction.prepare(&known)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (number, time, body) = rows::columns(row)?;
        append(transaction, (number, time, &body))?;
    }
    Ok(())
}

/// Checks the chain of a journal that is only read.
pub fn verify(path: &Path) -> Result<Audit, StoreError> {
    let connection = rows::open_whole(path)?;
    let fail = |source| StoreError::Sqlite { file: path.display().to_string(), source };
    let kinds = KINDS.map(|kind| format!("'{kind}'")).join(",");
    let wanted = format!(
        "SELECT coalesce(fact.seq, audit.fact), fact.time_ns, fact.body, audit.hash
         FROM (SELECT * FROM fact WHERE kind IN ({kinds}) AND seq > ?1 AND seq <= ?2) AS fact
         FULL JOIN (SELECT * FROM audit WHERE fact > ?1 AND fact <= ?2) AS audit
         ON audit.fact = fact.seq ORDER BY 1"
    );
    let mut statement = connection.prepare(&wanted).map_err(fail)?;
    // of both: whoever cuts facts off at the end may leave their links
    let last = "SELECT max(coalesce((SELECT max(seq) FROM fact), 0),
                           coalesce((SELECT max(fact) FROM audit), 0))";
    let last: i64 = connection.query_row(last, [], |row| row.get(0)).map_err(fail)?;
    let mut audit = Audit { rows: 0, last: String::new(), broken: None };
    for piece in rows::pieces(last) {
        let found = statement.query_map(<[i64; 2]>::from(piece), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        });
        let rows = found.and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(fail)?;
        audit.broken = rows.into_iter().find_map(|row| audit.goes_on(row));
        if audit.broken.is_some() {
            break;
        }
    }
    Ok(audit)
}

/// A row's number, its time and body unless it is gone, its hash unless it has none.
type Linked = (i64, Option<i64>, Option<String>, Option<String>);

impl Audit {
    /// Takes a row in, or says what is wrong with it.
    fn goes_on(&mut self, (number, time, body, hash): Linked) -> Option<String> {
        let why = match (time.zip(body), hash) {
            (None, _) => "the row is gone",
            (_, None) => "the row was put in later",
            (Some((time, body)), Some(hash)) => {
                if link(&self.last, (number, time, &body)) == hash {
                    (self.rows, self.last) = (self.rows + 1, hash);
                    return None;
                }
                "the row, or one before it, is not as it was written"
            }
        };
        Some(format!("row {number}: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteJournal;
    use hedgerow_model::{Fact, HostTime, Scope, Stamped, StrategyId, TimerId, TradingMode};
    use hedgerow_ports::Journal as _;
    use rusqlite::Connection;

    fn said(number: u64) -> [Stamped; 3] {
        let time = HostTime::from_nanos(number);
        let reason = format!("reason {number}");
        let strategy = StrategyId(0);
        [
            Fact::Operator { command: "pause".into(), reason: reason.clone() },
            Fact::TimerEnded { strategy, id: TimerId(number), fired: true },
            Fact::Mode { scope: Scope::Host, mode: TradingMode::ReduceOnly, reason },
        ]
        .map(|fact| Stamped { time, fact })
    }

    #[test]
    fn whoever_changes_what_was_said_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let mut journal = SqliteJournal::open(&path).unwrap();
        for number in 0..10 {
            journal.commit(&said(number)).unwrap();
        }
        journal.close().unwrap();
        let mut journal = SqliteJournal::open(&path).unwrap();
        journal.commit(&said(10)).unwrap();
        journal.close().unwrap();
        let good = verify(&path).unwrap();
        assert_eq!((good.rows, &good.broken), (22, &None));
        assert_eq!(good.last.len(), 64);
        for (deed, told) in [
            (
                "UPDATE fact SET body = replace(body, 'reason 3', 'reason x') WHERE seq = 10",
                "row 10",
            ),
            ("UPDATE fact SET time_ns = 7 WHERE seq = 12", "row 12"),
            ("DELETE FROM fact WHERE seq = 16", "row 16: the row is gone"),
            ("INSERT INTO fact (time_ns, kind, body) VALUES (9, 'Operator', '{}')", "put in later"),
            ("DELETE FROM audit WHERE fact = 4; DELETE FROM fact WHERE seq = 4", "row 6"),
        ] {
            let copy = folder.path().join("copy.sqlite");
            std::fs::copy(&path, &copy).unwrap();
            Connection::open(&copy).unwrap().execute_batch(deed).unwrap();
            let broken = verify(&copy).unwrap().broken.unwrap_or_default();
            assert!(broken.contains(told), "{deed}: {broken}");
        }
        // cut off at the end: nothing is broken, but the last hash is another
        let copy = folder.path().join("copy.sqlite");
        std::fs::copy(&path, &copy).unwrap();
        let cut = "DELETE FROM fact WHERE seq > 30; DELETE FROM audit WHERE fact > 30";
        Connection::open(&copy).unwrap().execute_batch(cut).unwrap();
        let short = verify(&copy).unwrap();
        assert!(short.broken.is_none() && short.last != good.last && short.rows < good.rows);
    }
}
