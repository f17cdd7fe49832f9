//! What all readers share: opening files, making ticks, watching the order of time.

use super::{FileReport, ReadError, Row};
use hedgerow_model::{Tick, TickKind, flag};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

const HOLE: u64 = 5_000_000_000;
/// A recorder's clock that steps back further makes its file unreadable, ns.
const BACK: u64 = 60_000_000_000;
/// No venue's time is this far ahead of where the usual delay puts it, ns.
const AHEAD: u64 = 2_000_000_000;
/// Nor is it this far ahead of where one row in a hundred is, ns.
const BELOW_LOW: u64 = 250_000_000;
/// So many that are do not condemn a short recording.
const AHEAD_ROWS: usize = 10;
pub(crate) const PRICE: &str = "a price that cannot be read, or is finer than price_decimals";
pub(crate) const SIZE: &str = "a size that cannot be read, or is finer than quantity_decimals";

/// The file of a folder whose name, without `.gz`, is what `wanted` says; which of several would be
/// a guess.
pub(crate) fn find(
    folder: &Path,
    symbol: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<Option<PathBuf>, ReadError> {
    let error = |e: std::io::Error| ReadError::File { path: folder.into(), why: e.to_string() };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(error)? {
        let path = entry.map_err(error)?.path();
        let name = name(&path);
        if wanted(name.strip_suffix(".gz").unwrap_or(&name)) {
            found.push(path);
        }
    }
    if found.len() > 1 {
        let mut names: Vec<String> = found.iter().map(|path| name(path)).collect();
        names.sort();
        let (symbol, found) = (symbol.to_owned(), names.join(", "));
        return Err(ReadError::Several { symbol, folder: folder.to_owned(), found });
    }
    Ok(found.pop())
}

/// What a file that is not there is answered with.
pub(crate) fn missing(folder: &Path, symbol: &str, wanted: String) -> ReadError {
    ReadError::Missing { symbol: symbol.to_owned(), folder: folder.to_owned(), wanted }
}

/// Goes through the rows of a CSV file whose header begins with `header`; `row` says why one is
/// bad.
pub(crate) fn csv(
    path: &Path,
    header: &str,
    mut row: impl FnMut(u64, &[&str], &mut FileReport) -> Result<(), &'static str>,
) -> Result<FileReport, ReadError> {
    let mut report = FileReport::new(&name(path));
    for (number, line) in (1_u64..).zip(lines(path)?) {
        let line = line?;
        let fields: Vec<&str> = line.trim_end_matches('\r').split(',').collect();
        if number == 1 && is_header(&line, header, &mut report) {
            continue;
        }
        report.rows += 1;
        if let Err(reason) = row(number, &fields, &mut report) {
            report.bad(reason, number);
        }
    }
    Ok(report)
}

/// Whether a first line is a header. One that is not is a row like any other.
pub(crate) fn is_header(line: &str, header: &str, report: &mut FileReport) -> bool {
    let is_header = line.split(',').next() == Some(header);
    if !is_header {
        report.notes.push("there is no header: the first line was read as a row".into());
    }
    is_header
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
    Ok((1_u64..).zip(lines).map(move |(row, line)| {
        line.map_err(|e| {
            let remedy = match e.kind() {
                std::io::ErrorKind::UnexpectedEof => {
                    format!("; its beginning can be played: `zcat FILE | head -n {}`", row - 1)
                }
                _ => String::new(),
            };
            error(&path, format!("row {row}: {e}{remedy}"))
        })
    }))
}

/// The name of a file.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Watches the times of one file. Its rows are in the order in which they came, whatever the
/// recorder's clock says of it: a book whose updates changed places is lost.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    last: Option<u64>,
    /// The most that any row was moved on by, ns, and in which row of the file.
    most: (u64, u64),
}

impl Clock {
    /// Takes the next row's time and gives when it came: never before the row before it. Counts
    /// disorder and holes.
    pub(crate) fn see(&mut self, time: u64, report: &mut FileReport) -> u64 {
        let last = self.last.unwrap_or(time);
        report.disorder += u64::from(time < last);
        report.holes += u64::from(time > last.saturating_add(HOLE));
        let back = last.saturating_sub(time);
        if back > self.most.0 {
            self.most = (back, report.rows);
        }
        let came = time.max(last);
        self.last = Some(came);
        came
    }

    /// A session begins whose clock has nothing to do with the one before.
    pub(crate) fn restart(&mut self) {
        self.last = None;
    }

    /// Tells what was moved on. Refused where it is so much that the market would stand still: one
    /// wrong time in front would do that to all the rows after it.
    pub(crate) fn finish(self, path: &Path, report: &mut FileReport) -> Result<(), ReadError> {
        let (back, row) = self.most;
        if back == 0 {
            return Ok(());
        }
        let (ms, times) = (back.div_ceil(1_000_000), report.disorder);
        if back > BACK {
            let why = format!(
                "row {row} has a time {ms} ms before that of a row above it: which of the two is \
                 wrong would be a guess; take the wrong one out, or split the file there"
            );
            return Err(ReadError::File { path: path.to_owned(), why });
        }
        report.figures.insert("clock_back_ns_max".into(), i64::try_from(back).unwrap_or(i64::MAX));
        report.notes.push(format!(
            "{times} rows are earlier than one above them, by up to {ms} ms: they were kept in \
             their place, as if received with it"
        ));
        Ok(())
    }
}

/// Watches the ids of one file's trades, which a venue counts without holes.
#[derive(Debug, Default)]
pub(crate) struct TradeIds {
    known: BTreeSet<u64>,
}

impl TradeIds {
    /// Whether a trade was not there before; one that was is counted.
    pub(crate) fn is_new(&mut self, id: u64, report: &mut FileReport) -> bool {
        let new = self.known.insert(id);
        report.repeated += u64::from(!new);
        new
    }

    /// Counts the ids between the first and the last that never came.
    pub(crate) fn finish(&self, report: &mut FileReport) {
        let (Some(first), Some(last)) = (self.known.first(), self.known.last()) else { return };
        let came = u64::try_from(self.known.len()).unwrap_or(u64::MAX);
        let missing = (last - first).saturating_add(1).saturating_sub(came);
        if missing > 0 {
            report.figure("trade_ids_missing", i64::try_from(missing).unwrap_or(i64::MAX));
            report.notes.push(format!("{missing} trades are missing, by their ids"));
        }
    }
}

/// Milliseconds since the epoch in ns, when they fit.
pub(crate) fn millis(ms: u64) -> Option<u64> {
    ms.checked_mul(1_000_000)
}

/// The same from text.
pub(crate) fn millis_text(text: &str) -> Option<u64> {
    text.parse().ok().and_then(millis)
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

/// A level that removes what is not there: for updates that change nothing, whose place in the
/// sequence counts nevertheless, and for snapshots of an empty book.
pub(crate) fn no_level(times: Times, instrument: u32, seq: u64, snapshot: bool) -> Tick {
    let mut tick = tick(times, instrument, TickKind::Level, seq);
    tick.flags |= if snapshot { flag::SNAPSHOT } else { 0 };
    tick
}

/// Rows that took effect when they were received.
pub(crate) fn rows_of(ticks: Vec<Tick>) -> Vec<Row> {
    ticks.into_iter().map(|tick| Row { at: tick.recv_ts, tick }).collect()
}

/// Between the two clocks of a recording, as its rows show it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delays {
    /// The smallest one that is to be believed, ns: what the alignment is made by.
    smallest: i128,
    /// A venue's time with a smaller one is wrong: moved by it, all others would be shown what had
    /// not been received yet.
    least: i128,
}

impl Delays {
    /// Of all files of the same two clocks. Refused where too many rows contradict the others:
    /// which of them are right would be a guess.
    pub(crate) fn of<'t>(
        folder: &Path,
        files: impl Iterator<Item = &'t [Tick]>,
    ) -> Result<Self, ReadError> {
        let timed = files.flatten().filter(|tick| !tick.has(flag::NO_VENUE_TIME));
        // eight bytes a tick are enough for any delay that is to be believed
        let short = |delay: i128| {
            i64::try_from(delay).unwrap_or(if delay < 0 { i64::MIN } else { i64::MAX })
        };
        let mut all: Vec<i64> = timed.map(|tick| short(delay(tick))).collect();
        if all.is_empty() {
            return Ok(Self::default());
        }
        all.sort_unstable();
        let at = |place: usize| all.get(place).copied().map_or(0, i128::from);
        let (median, low) = (at(all.len() / 2), at(all.len() / 100));
        let least = (median - i128::from(AHEAD)).max(low - i128::from(BELOW_LOW));
        let ahead = all.iter().filter(|delay| i128::from(**delay) < least).count();
        if ahead > AHEAD_ROWS && ahead > all.len() / 100 {
            let (rows, s) = (all.len(), AHEAD / 1_000_000_000);
            let why = format!(
                "{ahead} of {rows} rows have a venue's time more than {s} s ahead of where \
                 the others put it: its clock and the recorder's moved against each other"
            );
            return Err(ReadError::File { path: folder.to_owned(), why });
        }
        let believed = all.into_iter().map(i128::from).filter(|delay| *delay >= least);
        let smallest = believed.min().unwrap_or(median);
        Ok(Self { smallest, least })
    }
}

fn delay(tick: &Tick) -> i128 {
    i128::from(tick.recv_ts) - i128::from(tick.ts)
}

/// Sets when each tick took effect: the venue's time on our clock, by the smallest delay seen in
/// any file of the same two clocks. One whose venue's time is wrong took effect when it was
/// received.
pub(crate) fn align(mut ticks: Vec<Tick>, delays: Delays, report: &mut FileReport) -> Vec<Row> {
    let Delays { smallest, least } = delays;
    if let Ok(nanos) = i64::try_from(smallest) {
        report.figures.insert("smallest_delay_ns".into(), nanos);
        if nanos < 0 {
            report.notes.push(format!(
                "the recorder's clock ran {} ms behind the venue's: the smallest delay is none",
                nanos.unsigned_abs() / 1_000_000
            ));
        }
    }
    let mut wrong = 0;
    let timed = |tick: &&mut Tick| !tick.has(flag::NO_VENUE_TIME);
    for tick in ticks.iter_mut().filter(timed).filter(|tick| delay(tick) < least) {
        tick.ts = tick.recv_ts;
        tick.flags |= flag::NO_VENUE_TIME;
        wrong += 1;
    }
    if wrong > 0 {
        report.figure("ticks_with_a_wrong_venue_time", wrong);
        report.notes.push(format!(
            "{wrong} ticks have a venue's time far ahead of all others: it was left out"
        ));
    }
    let at = |tick: &Tick| {
        if tick.has(flag::NO_VENUE_TIME) {
            return tick.recv_ts;
        }
        u64::try_from(i128::from(tick.ts) + smallest).unwrap_or(tick.recv_ts)
    };
    let mut rows: Vec<Row> = ticks.into_iter().map(|tick| Row { at: at(&tick), tick }).collect();
    // an update of a book takes effect as one, when the last of it does
    let mut end = None;
    for row in rows.iter_mut().rev().filter(|row| row.tick.kind == TickKind::Level.code()) {
        if row.tick.is_last() {
            end = Some(row.at);
        }
        row.at = end.unwrap_or(row.at);
    }
    rows
}

/// Whether a tick's prices and sizes are ones that a market can have. A zero that looks real would
/// fill every order that rests.
pub(crate) fn sane(tick: Tick) -> Result<Tick, &'static str> {
    match TickKind::from_code(tick.kind) {
        Some(TickKind::Trade) if tick.a <= 0 => Err("a price of zero or below"),
        Some(TickKind::Trade) if tick.b <= 0 => Err("a size of zero or below"),
        Some(TickKind::Level) if tick.a <= 0 => Err("a price of zero or below"),
        Some(TickKind::Level) if tick.b < 0 => Err("a size below zero"),
        Some(TickKind::Quote) => {
            let sides = [(tick.a, tick.b), (tick.c, tick.d)];
            if sides.iter().any(|(_, size)| *size < 0) {
                return Err("a size below zero");
            }
            if sides.iter().any(|(price, size)| *size > 0 && *price <= 0) {
                return Err("a price of zero or below");
            }
            let whole = tick.b > 0 && tick.d > 0;
            if whole && tick.a >= tick.c { Err("a bid at or above the ask") } else { Ok(tick) }
        }
        _ => Ok(tick),
    }
}
