//! What all readers share: opening files, making ticks, watching the order of time.

use super::{FileReport, ReadError, Row};
use hedgerow_model::{Tick, TickKind, flag};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

const HOLE: u64 = 5_000_000_000;

/// The file of a folder whose name begins so, plain or gzip.
pub(crate) fn find(folder: &Path, begins: &str) -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(begins) && !name.ends_with(".json") && !name.ends_with(".md")
        })
        .collect();
    found.sort();
    found.into_iter().next()
}

/// Lines of a file, unpacked when it is gzip, without their ends (CRLF included).
pub(crate) fn lines(
    path: &Path,
) -> Result<impl Iterator<Item = Result<String, ReadError>> + use<>, ReadError> {
    let error = |path: &Path, why: String| ReadError::File { path: path.to_owned(), why };
    let file = std::fs::File::open(path).map_err(|e| error(path, e.to_string()))?;
    let plain: Box<dyn Read> = if path.extension().is_some_and(|e| e == "gz") {
        Box::new(flate2::read::MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let path = path.to_owned();
    let lines = BufReader::with_capacity(1 << 16, plain).lines();
    Ok(lines.map(move |line| line.map_err(|e| error(&path, e.to_string()))))
}

/// The name of a file.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Watches the times of one file.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    last: Option<u64>,
}

impl Clock {
    /// Takes the next row's time; counts disorder and holes.
    pub(crate) fn see(&mut self, time: u64, report: &mut FileReport) {
        if let Some(last) = self.last {
            report.disorder += u64::from(time < last);
            report.holes += u64::from(time > last.saturating_add(HOLE));
        }
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }
}

/// Times of a row: the venue's, if it gave one, and ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) venue: Option<u64>,
    pub(crate) received: u64,
}

/// An empty tick of a kind.
pub(crate) fn tick(times: Times, instrument: u32, kind: TickKind, seq: u64) -> Tick {
    let bare = if times.venue.is_none() { flag::NO_VENUE_TIME } else { 0 };
    Tick {
        ts: times.venue.unwrap_or(times.received),
        recv_ts: times.received,
        seq,
        instrument,
        kind: kind.code(),
        flags: flag::LAST | bare,
        ..Tick::default()
    }
}

/// Sets when each tick took effect: the venue's time on our clock, by the smallest delay seen.
pub(crate) fn align(ticks: Vec<Tick>, report: &mut FileReport) -> Vec<Row> {
    let delay = |tick: &Tick| i128::from(tick.recv_ts) - i128::from(tick.ts);
    let timed = ticks.iter().filter(|tick| !tick.has(flag::NO_VENUE_TIME));
    let smallest = timed.map(delay).min().unwrap_or(0);
    if let Ok(nanos) = i64::try_from(smallest) {
        report.figures.insert("smallest_delay_ns".into(), nanos);
        if nanos < 0 {
            report.notes.push(format!(
                "the recorder's clock ran {} ms behind the venue's: the smallest delay is none",
                -nanos / 1_000_000
            ));
        }
    }
    let at = |tick: &Tick| {
        if tick.has(flag::NO_VENUE_TIME) {
            return tick.recv_ts;
        }
        u64::try_from(i128::from(tick.ts) + smallest).unwrap_or(tick.recv_ts)
    };
    ticks.into_iter().map(|tick| Row { at: at(&tick), tick }).collect()
}
