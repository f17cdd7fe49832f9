//! Readers of recordings: files to one sorted stream of ticks, and a report of all that was odd.
//!
//! A reader never guesses silently. Bad rows are left out and counted with their first place;
//! holes, disorder, repeated rows and clock steps are counted; what was assumed is written into the
//! report.

mod bench;
mod binance;
mod hyperliquid;
mod lighter;
mod room;
mod rows;
mod text;

pub use bench::read as bench_csv;
pub use binance::read as binance_raw;
pub use hyperliquid::{is_there as in_hyperliquid_csv, read as hyperliquid_csv};
pub use lighter::read as lighter_csv;

use crate::tape::{Chunk, Tape};
use hedgerow_model::{Instrument, Tick, TickKind};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whether an instrument is in a recording of Binance's raw streams; nothing of it is read.
pub fn in_binance_raw(folder: &Path, instrument: &Instrument) -> Result<(), ReadError> {
    binance::path_of(folder, instrument).map(|_| ())
}

/// The same of Lighter's.
pub fn in_lighter_csv(folder: &Path, instrument: &Instrument) -> Result<(), ReadError> {
    lighter::path_of(folder, instrument).map(|_| ())
}

/// Why a recording cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file or folder.
    #[error("reading {path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// More than there is room for.
    #[error(
        "{folder}: {ticks} ticks so far, which take {needed_mib} MiB of memory while they are \
         sorted; half of what there is are {room_mib} MiB: split the folder into shorter \
         recordings, or configure fewer instruments"
    )]
    TooLarge {
        /// Where.
        folder: PathBuf,
        /// How many were read.
        ticks: u64,
        /// What they take, MiB.
        needed_mib: u64,
        /// What there is, MiB.
        room_mib: u64,
    },
    /// More than one file for a configured instrument.
    #[error("there are several recordings of {symbol} in {folder}: {found}: leave one")]
    Several {
        /// The venue's text.
        symbol: String,
        /// Where.
        folder: PathBuf,
        /// Their names.
        found: String,
    },
    /// No file for a configured instrument.
    #[error("there is no recording of {symbol} in {folder}: looked for {wanted}")]
    Missing {
        /// The venue's text.
        symbol: String,
        /// Where.
        folder: PathBuf,
        /// What the file would be called.
        wanted: String,
    },
    /// A file of which more is bad than good: the config does not describe it.
    #[error("{file}: {bad} of {rows} rows are bad, first in line {line}: {reason}")]
    MostlyBad {
        /// Which file.
        file: String,
        /// Rows left out.
        bad: u64,
        /// All rows.
        rows: u64,
        /// The commonest reason.
        reason: String,
        /// Its first line.
        line: u64,
    },
}

/// What one file contained.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Its name.
    pub file: String,
    /// Rows or messages.
    pub rows: u64,
    /// Ticks made, by kind.
    pub ticks: BTreeMap<String, u64>,
    /// Rows left out, by reason.
    pub bad: BTreeMap<String, u64>,
    /// The first bad row of each reason, by line.
    pub first_bad: BTreeMap<String, u64>,
    /// Sequence gaps in book updates.
    pub gaps: u64,
    /// Rows that were earlier than the one before.
    pub disorder: u64,
    /// Rows that repeat a known trade.
    pub repeated: u64,
    /// Holes of more than five seconds.
    pub holes: u64,
    /// Other figures by name.
    pub figures: BTreeMap<String, i64>,
    /// What was assumed, in words.
    pub notes: Vec<String>,
}

impl FileReport {
    pub(crate) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    /// What of it is not as a recording should be, in words; nothing when it is whole.
    #[must_use]
    pub fn odd(&self) -> Option<String> {
        let bad: u64 = self.bad.values().sum();
        if self.rows == 0 {
            return Some(format!("{}: it is empty", self.file));
        }
        if bad == 0 && self.gaps == 0 && self.disorder == 0 {
            return None;
        }
        let first = self.first_bad.iter().min_by_key(|(_, line)| **line);
        let first = first.map(|(reason, line)| format!(" (first in line {line}: {reason})"));
        Some(format!(
            "{}: {bad} of {} rows are bad{}, {} sequence gaps, {} rows out of order",
            self.file,
            self.rows,
            first.unwrap_or_default(),
            self.gaps,
            self.disorder
        ))
    }

    pub(crate) fn bad(&mut self, reason: &str, line: u64) {
        *self.bad.entry(reason.to_owned()).or_default() += 1;
        self.first_bad.entry(reason.to_owned()).or_insert(line);
    }

    pub(crate) fn count(&mut self, kind: TickKind) {
        *self.ticks.entry(format!("{kind:?}").to_lowercase()).or_default() += 1;
    }

    pub(crate) fn figure(&mut self, name: &str, value: i64) {
        *self.figures.entry(name.to_owned()).or_default() += value;
    }
}

/// A tick and when it took effect at the venue, host clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) tick: Tick,
    pub(crate) at: u64,
}

/// A recording, sorted.
#[derive(Debug, Default)]
pub struct Recording {
    ticks: Vec<Tick>,
    /// The same as the venue saw them, if that is another order; and when.
    at_venue: Option<Vec<Tick>>,
    at: Vec<u64>,
    /// What each file contained.
    pub files: Vec<FileReport>,
}

impl Recording {
    /// Sorts rows of all sources by receive time; rows of equal time keep the order of their
    /// sources.
    pub(crate) fn from_rows(mut rows: Vec<Row>, files: Vec<FileReport>) -> Self {
        rows.sort_by_key(|row| row.tick.recv_ts);
        let ticks: Vec<Tick> = rows.iter().map(|row| row.tick).collect();
        let mut latest: BTreeMap<u32, u64> = BTreeMap::new();
        for row in &mut rows {
            // effect never after receipt, and of one instrument in the order of receipt
            let latest = latest.entry(row.tick.instrument).or_default();
            *latest = row.at.min(row.tick.recv_ts).max(*latest);
            row.at = *latest;
        }
        let same = rows.is_sorted_by_key(|row| row.at);
        rows.sort_by_key(|row| row.at);
        let at = rows.iter().map(|row| row.at).collect();
        // of one instrument both orders are one: the ticks need not be there twice
        let at_venue = (!same).then(|| rows.into_iter().map(|row| row.tick).collect());
        Self { ticks, at_venue, at, files }
    }

    /// Refuses a recording with a file that is mostly bad: what is left of it is no market.
    pub fn whole(self) -> Result<Self, ReadError> {
        for file in &self.files {
            let bad: u64 = file.bad.values().sum();
            if bad <= file.rows / 2 {
                continue;
            }
            let worst = file.bad.iter().max_by_key(|(_, count)| **count);
            let reason = worst.map(|(reason, _)| reason.clone()).unwrap_or_default();
            let line = file.first_bad.get(&reason).copied().unwrap_or(0);
            let (name, rows) = (file.file.clone(), file.rows);
            return Err(ReadError::MostlyBad { file: name, bad, rows, reason, line });
        }
        Ok(self)
    }

    /// Ticks in it.
    #[must_use]
    pub fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    /// Sequence gaps over all files.
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.files.iter().map(|file| file.gaps).sum()
    }

    /// The recording as a tape.
    #[must_use]
    pub fn into_tape(self) -> Tape {
        let at_venue = self.at_venue.map(Arc::new);
        let chunk = Chunk { ticks: Arc::new(self.ticks), at_venue, at: Some(Arc::new(self.at)) };
        Tape::new(Box::new(vec![chunk].into_iter()))
    }
}

#[cfg(test)]
mod tests;
