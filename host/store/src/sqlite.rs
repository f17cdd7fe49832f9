//! The journal as an SQLite file: one row per fact, readable with `sqlite3`.
//!
//! WAL, synchronous=NORMAL, one transaction per commit: it survives the death of the process. What
//! a power cut may take is covered by the venue's truth and by the boot number, which is committed
//! with synchronous=FULL, as are modes and what operators say, which no venue can tell again. Rows
//! are facts: they are only ever appended; but of each strategy's states only the newest is kept,
//! or the file would grow by gigabytes a day.

use crate::checkpoints::Checkpoints;
use crate::emergency::{Emergency, Kept};
use crate::error::StoreError;
use crate::restart::{Fold, Restarted, restart};
use crate::rows::Reader;
use crate::{audit, lost, rows, snapshots};
use hedgerow_model::{Fact, HostTime, Stamped, StrategyId};
use hedgerow_ports::{Journal, JournalError};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Numbered steps from an empty file to the present layout.
const MIGRATIONS: [&str; 2] = [
    "
    CREATE TABLE fact (
        seq INTEGER PRIMARY KEY,
        time_ns INTEGER NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX fact_by_kind ON fact (kind, seq);
",
    "
    CREATE TABLE audit (fact INTEGER PRIMARY KEY, hash TEXT NOT NULL) STRICT;
",
];

/// The step that began the audit. What an operator had said before it is part of it.
const AUDITED: usize = 2;

/// A commit that failed is followed by so many times as long without another.
const TRIES: u32 = 20;

/// A journal on disk.
#[derive(Debug)]
pub struct SqliteJournal {
    connection: Connection,
    file: String,
    /// Nothing when it could not be made: then facts of a full disk are in memory alone.
    emergency: Option<Emergency>,
    _checkpoints: Checkpoints,
    path: PathBuf,
    /// When it was last seen that the file is still there.
    seen: Instant,
    /// The row of each strategy's newest state.
    states: BTreeMap<StrategyId, i64>,
    /// A commit failed: none before then. Cancels wait behind each try.
    rests_until: Option<Instant>,
}

impl SqliteJournal {
    /// Opens or makes a journal and brings it to the present layout.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = path.display().to_string();
        let fail = |source| StoreError::Sqlite { file: file.clone(), source };
        let mut connection = Connection::open(path).map_err(fail)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(fail)?;
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(fail)?;
        // the log is moved into the file by another connection, never within a commit
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(fail)?;
        let found: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fail)?;
        let done = usize::try_from(found).unwrap_or(usize::MAX);
        let Some(missing) = MIGRATIONS.get(done..) else {
            return Err(StoreError::Newer { file, found, known: MIGRATIONS.len() });
        };
        for (number, step) in (done + 1..).zip(missing) {
            // the step and its number together: a process killed in between has done neither
            let transaction = connection.transaction().map_err(fail)?;
            let whole = format!("{step} PRAGMA user_version = {number};");
            transaction.execute_batch(&whole).map_err(fail)?;
            if number == AUDITED {
                audit::begin(&transaction).map_err(fail)?;
            }
            transaction.commit().map_err(fail)?;
        }
        let _checkpoints = Checkpoints::start(path).map_err(fail)?;
        let states = BTreeMap::new();
        let (path, seen) = (path.to_owned(), Instant::now());
        let mut this = Self {
            connection,
            file,
            emergency: None,
            path: path.clone(),
            seen,
            states,
            rests_until: None,
            _checkpoints,
        };
        this.find_states()?;
        this.merge_emergency(&path.with_extension("emergency"))?;
        Ok(this)
    }

    /// Takes in what could not be written before.
    fn merge_emergency(&mut self, path: &Path) -> Result<(), StoreError> {
        let (mut emergency, kept) = match Emergency::open(path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                return Err(StoreError::NoRoom {
                    file: path.display().to_string(),
                    why: error.to_string(),
                });
            }
            // one that is there and cannot be read may hold what was done
            Err(error) if path.exists() || error.kind() == std::io::ErrorKind::InvalidData => {
                let (file, why) = (path.display().to_string(), error.to_string());
                return Err(StoreError::Emergency { file, why });
            }
            Err(error) => {
                let path = path.display();
                tracing::warn!(%error, %path, "no emergency file for facts of a full disk");
                return Ok(());
            }
        };
        let last = self.reader().last_row()?;
        let Kept { facts, after } = &kept;
        if self.has_taken(&kept)? {
            // it died before this file was cleared
        } else if !facts.is_empty() && last < *after {
            self.set_aside((path, last), &kept)?;
        } else if !facts.is_empty() && last == *after {
            // they are on the disk where they are, and go from there
            self.insert_durably(facts).map_err(|e| self.fail(e))?;
            let count = facts.len();
            tracing::warn!(count, "facts of a time when the journal could not be written: merged");
        }
        if let Err(error) = emergency.clear() {
            tracing::warn!(%error, "the emergency file cannot be cleared");
        }
        self.emergency = Some(emergency);
        Ok(())
    }

    /// Rows before what was kept aside are lost: it is not merged, and not thrown away. What holds
    /// without them is written with the word of it, all or nothing.
    fn set_aside(&mut self, (path, last): (&Path, i64), kept: &Kept) -> Result<(), StoreError> {
        let file = lost::keep(&self.path, kept).map_err(|error| {
            let (file, why) = (path.display().to_string(), error.to_string());
            StoreError::Emergency { file, why }
        })?;
        let lasting = lost::lasting(&kept.facts);
        let word = lost::word(&file, kept);
        let all: Vec<Stamped> = word.into_iter().chain(lasting.iter().cloned()).collect();
        self.insert_durably(&all).map_err(|e| self.fail(e))?;
        let (missing, taken) = (kept.after - last, lost::in_words(&lasting));
        let (file, holds) = (file.display(), lost::in_words(&kept.facts));
        tracing::error!(
            missing,
            %holds,
            %taken,
            %file,
            "the journal has lost rows that facts of a full disk follow: they are not merged but \
             kept in the file, and of them modes and operators' words are taken over; venues are \
             asked for the rest: compare `hedgerow status` with the file, and `adopt` what differs"
        );
        Ok(())
    }

    /// Whether the journal has the word that these were set aside.
    fn has_taken(&self, kept: &Kept) -> Result<bool, StoreError> {
        let Some(word) = lost::kept_in(&self.path, kept).and_then(|file| lost::word(&file, kept))
        else {
            return Ok(false);
        };
        let mut has = false;
        self.reader().each_of(&["Operator"], &mut |stamped| has |= stamped == word)?;
        Ok(has)
    }

    /// A file that was taken away goes on taking rows that nobody will read again.
    fn is_there(&mut self) -> Result<(), JournalError> {
        if self.seen.elapsed() >= Duration::from_secs(1) {
            std::fs::metadata(&self.path)
                .map_err(|e| JournalError(format!("{}: {e}", self.path.display())))?;
            self.seen = Instant::now();
        }
        Ok(())
    }

    /// Closes the file with everything in it: nothing is left beside it.
    pub fn close(self) -> Result<(), StoreError> {
        let Self { connection, file, _checkpoints, .. } = self;
        drop(_checkpoints);
        let fail = |source| StoreError::Sqlite { file: file.clone(), source };
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(fail)?;
        connection.close().map_err(|(_, source)| fail(source))
    }

    fn fail(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Sqlite { file: self.file.clone(), source }
    }

    /// All facts in order.
    pub fn read(&self) -> Result<Vec<Stamped>, StoreError> {
        let mut facts = Vec::new();
        self.reader().each(0, &mut |_, stamped| facts.push(stamped))?;
        Ok(facts)
    }

    /// What the facts have made: from the newest good snapshot on.
    pub fn restart<F: Fold>(&self, fresh: F) -> Result<Restarted<F>, StoreError> {
        restart(self.reader(), &snapshots::folder(&self.path), fresh)
    }

    /// Whether nothing was ever written.
    pub fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.reader().last_row()? == 0)
    }

    /// How many facts lie beside the journal because it could not be written, and where.
    pub fn aside(&self) -> (usize, PathBuf) {
        let kept = self.emergency.as_ref().map_or(0, Emergency::count);
        (kept, self.path.with_extension("emergency"))
    }

    fn reader(&self) -> Reader<'_> {
        Reader { connection: &self.connection, file: &self.file }
    }

    /// The component that each strategy ran last, SHA-256, from a journal that is only read.
    pub fn components(path: &Path) -> Result<BTreeMap<StrategyId, String>, StoreError> {
        let file = path.display().to_string();
        let fail = |source| StoreError::Sqlite { file: file.clone(), source };
        let connection = rows::open(path)?;
        let steps = "SELECT body FROM fact WHERE kind = 'Plugin' ORDER BY seq";
        let mut statement = connection.prepare(steps).map_err(fail)?;
        let bodies = statement.query_map([], |row| row.get::<_, String>(0)).map_err(fail)?;
        let mut all = BTreeMap::new();
        for body in bodies {
            let fact = serde_json::from_str(&body.map_err(fail)?);
            if let Ok(Fact::Plugin { strategy, step, hash, .. }) = fact
                && step.takes_over()
            {
                all.insert(strategy, hash);
            }
        }
        Ok(all)
    }

    /// Facts of some kinds, from a journal that is only read; its host may be at work.
    pub fn facts_of(path: &Path, kinds: &[&str]) -> Result<Vec<Stamped>, StoreError> {
        let mut facts = Vec::new();
        Self::each_of(path, kinds, &mut |stamped| facts.push(stamped))?;
        Ok(facts)
    }

    /// The same, one after the other.
    pub fn each_of(
        path: &Path,
        kinds: &[&str],
        read: &mut dyn FnMut(Stamped),
    ) -> Result<(), StoreError> {
        let connection = rows::open_whole(path)?;
        let file = path.display().to_string();
        Reader { connection: &connection, file: &file }.each_of(kinds, read)
    }

    /// Counts this boot, on the disk before it returns. Gives its number.
    pub fn boot(&mut self, now: HostTime) -> Result<u64, StoreError> {
        let count = "SELECT count(*) FROM fact WHERE kind = 'Boot'";
        let before: i64 =
            self.connection.query_row(count, [], |row| row.get(0)).map_err(|e| self.fail(e))?;
        let number = u64::try_from(before).unwrap_or(0) + 1;
        let facts = [Stamped { time: now, fact: Fact::Boot { number } }];
        self.insert_durably(&facts).map_err(|e| self.fail(e))?;
        Ok(number)
    }

    /// On the disk before it returns.
    fn insert_durably(&mut self, facts: &[Stamped]) -> Result<(), rusqlite::Error> {
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let written = self.insert(facts);
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        written
    }

    fn insert(&mut self, facts: &[Stamped]) -> Result<(), rusqlite::Error> {
        let mut states = self.states.clone();
        let transaction = self.connection.transaction()?;
        {
            let insert = "INSERT INTO fact (time_ns, kind, body) VALUES (?1, ?2, ?3)";
            let mut statement = transaction.prepare_cached(insert)?;
            let mut forget = transaction.prepare_cached("DELETE FROM fact WHERE seq = ?1")?;
            for stamped in facts {
                // facts are plain data: nothing in them can fail to serialise
                let body = serde_json::to_string(&stamped.fact).unwrap_or_default();
                let time = i64::try_from(stamped.time.as_nanos()).unwrap_or(i64::MAX);
                statement.execute((time, kind(&body), &body))?;
                if audit::belongs(kind(&body)) {
                    audit::append(&transaction, (transaction.last_insert_rowid(), time, &body))?;
                }
                if let Fact::Checkpoint { strategy, .. } = stamped.fact {
                    let row = transaction.last_insert_rowid();
                    if let Some(older) = states.insert(strategy, row) {
                        forget.execute([older])?;
                    }
                }
            }
        }
        transaction.commit()?;
        self.states = states;
        Ok(())
    }

    /// The row of each strategy's newest state; older ones are forgotten.
    fn find_states(&mut self) -> Result<(), StoreError> {
        let fail = |source| StoreError::Sqlite { file: self.file.clone(), source };
        let newest = "SELECT json_extract(body, '$.Checkpoint.strategy'), max(seq) FROM fact
                      WHERE kind = 'Checkpoint' GROUP BY 1";
        let mut statement = self.connection.prepare(newest).map_err(fail)?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get(1)?)));
        let rows = rows.map_err(fail)?.collect::<Result<Vec<(u32, i64)>, _>>().map_err(fail)?;
        drop(statement);
        self.states = rows.into_iter().map(|(id, row)| (StrategyId(id), row)).collect();
        let kept = self.states.values().map(i64::to_string).collect::<Vec<_>>().join(",");
        let forget = format!("DELETE FROM fact WHERE kind = 'Checkpoint' AND seq NOT IN ({kept})");
        self.connection.execute(&forget, []).map_err(fail)?;
        Ok(())
    }
}

/// What no venue can tell again after a power cut.
fn is_word(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Mode { .. } | Fact::Operator { .. } | Fact::Asked { .. } | Fact::Flatten { .. }
    )
}

/// The kind of a fact: the one key of its JSON.
fn kind(body: &str) -> &str {
    body.split('"').nth(1).unwrap_or("?")
}

impl Journal for SqliteJournal {
    fn commit(&mut self, facts: &[Stamped]) -> Result<(), JournalError> {
        self.is_there()?;
        let began = Instant::now();
        // an operator's word and a latch are rare, and nobody could tell them again; neither could
        // anybody what goes from the emergency file
        let aside = self.emergency.as_ref().is_some_and(|kept| kept.count() > 0);
        let rare = aside || facts.iter().any(|stamped| is_word(&stamped.fact));
        let written = if rare { self.insert_durably(facts) } else { self.insert(facts) };
        if let Err(error) = written {
            // all that waits was tried in vain: no more than a twentieth of the time goes there
            self.rests_until = Some(Instant::now() + began.elapsed() * TRIES);
            return Err(JournalError(error.to_string()));
        }
        self.rests_until = None;
        // in this order: what is in both is known by the journal's last row
        if let Some(Err(error)) = self.emergency.as_mut().map(Emergency::clear) {
            tracing::warn!(%error, "the emergency file cannot be cleared");
        }
        Ok(())
    }

    fn keep_aside(&mut self, facts: &[Stamped]) {
        let last = self.reader().last_row();
        let why = last.as_ref().err().map(|error| format!(": {error}")).unwrap_or_default();
        let kept = match &mut self.emergency {
            Some(emergency) => {
                emergency.keep(facts, last.ok()).map_err(|error| format!("{error}{why}"))
            }
            None => Err("there is no emergency file".to_owned()),
        };
        if let Err(error) = kept {
            tracing::error!(%error, "facts are kept in memory alone");
        }
    }

    /// Writes a page that changes nothing.
    fn is_ready(&mut self) -> Result<(), JournalError> {
        self.is_there()?;
        if self.rests_until.is_some_and(|until| Instant::now() < until) {
            return Err(JournalError(format!("{}: it failed just now", self.file)));
        }
        let layout = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        let written = self.connection.pragma_update(None, "user_version", layout);
        written.map_err(|e| JournalError(self.fail(e).to_string()))
    }
}

#[cfg(test)]
mod tests;
