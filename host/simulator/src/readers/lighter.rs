//! Lighter CSV files: `prices_` and `trades_` and the symbol. Local stamps only.
//!
//! The recorder's clock may step back between sessions of one file. Files are kept in their own
//! order, which trade ids prove right; rows after a step are moved on by one shift, the same for
//! all files: the smallest that lets every file go on after what came before. The shift is in the
//! report. Files that do not show the same steps are refused: which of their rows belong together
//! would be a guess.

use super::room::Room;
use super::rows::{Clock, PRICE, SIZE, Times, csv, find, missing, rows_of, sane, tick};
use super::text::{iso, units};
use super::{FileReport, ReadError, Recording};
use hedgerow_model::{Instrument, Tick, TickKind, flag};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A step back of more than this begins a new session; less is disorder within one.
const SESSION: u64 = 60_000_000_000;

/// Rows with the session they belong to.
struct Sessions {
    ticks: Vec<(usize, Tick)>,
    report: FileReport,
    steps: Vec<Step>,
}

/// The clock stepped back between two rows of a file.
#[derive(Clone, Copy)]
struct Step {
    from: u64,
    to: u64,
}

impl Step {
    /// How far a new session is moved on: it begins just after the old one ended, at the earliest.
    fn back(self) -> u64 {
        self.from.saturating_sub(self.to).saturating_add(1)
    }
}

/// The file with the prices of an instrument.
pub fn path_of(folder: &Path, instrument: &Instrument) -> Result<PathBuf, ReadError> {
    let symbol = &instrument.symbol;
    let wanted = format!("prices_{symbol}.csv");
    let found = find(folder, symbol, |name| name == wanted)?;
    found.ok_or_else(|| missing(folder, symbol, wanted))
}

/// Reads the files of these instruments.
pub fn read(folder: &Path, instruments: &[Instrument]) -> Result<Recording, ReadError> {
    let mut all = Vec::new();
    for instrument in instruments {
        let symbol = &instrument.symbol;
        let named = |wanted: String| find(folder, symbol, |name| name == wanted);
        let path = path_of(folder, instrument)?;
        all.push(file(&path, instrument, quote)?);
        if let Some(path) = named(format!("trades_{symbol}.csv"))? {
            let mut known = BTreeSet::new();
            all.push(file(&path, instrument, |fields, times, instrument, report| {
                trade(fields, times, instrument, report, &mut known)
            })?);
        }
    }
    let ticks = all.iter().map(|file| file.ticks.len()).sum();
    Room::of_machine().hold(ticks, folder)?;
    let steps = same_steps(folder, &all)?;
    let shift = |session: usize| -> u64 {
        let of =
            |place: usize| all.iter().filter_map(move |f| f.steps.get(place)).map(|s| s.back());
        (0..session).filter_map(|place| of(place).max()).fold(0, u64::saturating_add)
    };
    let shifts: Vec<u64> = (0..=steps).map(shift).collect();
    let (mut rows, mut files) = (Vec::new(), Vec::new());
    for Sessions { ticks, mut report, steps } in all {
        report.notes.push("its stamps name no zone: they were taken for UTC".into());
        for (number, shift) in shifts.iter().enumerate().skip(1).take(steps.len()) {
            report.figure("clock_steps", 1);
            let ms = shift / 1_000_000;
            report.notes.push(format!(
                "the clock stepped back, rows are in order: session {number} moved on by {ms} ms"
            ));
        }
        let moved = |(session, tick): (usize, Tick)| {
            let by = shifts.get(session).copied().unwrap_or(0);
            let later = |time: u64| time.saturating_add(by);
            Tick { ts: later(tick.ts), recv_ts: later(tick.recv_ts), ..tick }
        };
        rows.extend(rows_of(ticks.into_iter().map(moved).collect()));
        files.push(report);
    }
    Ok(Recording::from_rows(rows, files))
}

/// How many steps all files show, at the same place of the clock.
fn same_steps(folder: &Path, all: &[Sessions]) -> Result<usize, ReadError> {
    let refuse = |why: &str| {
        let counts = all.iter().map(|file| format!("{} {}", file.report.file, file.steps.len()));
        let counts: Vec<String> = counts.collect();
        let why = format!("the clock stepped back, {why}; steps by file: {}", counts.join(", "));
        ReadError::File { path: folder.to_owned(), why }
    };
    let steps = all.first().map_or(0, |file| file.steps.len());
    if all.iter().any(|file| file.steps.len() != steps) {
        return Err(refuse("not in every file: their sessions cannot be told apart"));
    }
    for place in 0..steps {
        let of = || all.iter().filter_map(|file| file.steps.get(place));
        let from = of().map(|step| step.from).min().unwrap_or(0);
        let to = of().map(|step| step.to).max().unwrap_or(0);
        if to > from {
            return Err(refuse("but not the same step in every file"));
        }
    }
    Ok(steps)
}

fn file(
    path: &Path,
    instrument: &Instrument,
    mut make: impl FnMut(
        &[&str],
        Times,
        &Instrument,
        &mut FileReport,
    ) -> Result<Option<Tick>, &'static str>,
) -> Result<Sessions, ReadError> {
    let mut ticks = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    let mut last = 0;
    let mut clock = Clock::default();
    let mut report = csv(path, "timestamp", |_, fields, report| {
        let stamp = fields.first().and_then(|text| iso(text)).ok_or("no local time")?;
        if stamp.saturating_add(SESSION) < last {
            steps.push(Step { from: last, to: stamp });
            clock.restart();
        }
        let received = clock.see(stamp, report);
        last = received;
        let times = Times { venue: None, received };
        if let Some(mut tick) = make(fields, times, instrument, report)? {
            tick.seq = if tick.seq == 0 { report.rows } else { tick.seq };
            ticks.push((steps.len(), tick));
        }
        Ok(())
    })?;
    clock.finish(path, &mut report)?;
    Ok(Sessions { ticks, report, steps })
}

fn quote(
    fields: &[&str],
    times: Times,
    instrument: &Instrument,
    report: &mut FileReport,
) -> Result<Option<Tick>, &'static str> {
    // the market id is missing from rows of later recorder versions, whatever the header says
    let [_, bid, bid_size, ask, ask_size, rest @ ..] = fields else {
        return Err("wrong number of columns");
    };
    if rest.is_empty() {
        report.figure("rows_without_market_id", 1);
    } else if rest.len() > 1 {
        return Err("wrong number of columns");
    }
    let price = |text: &str| units(text, instrument.price_scale.digits()).ok_or(PRICE);
    let size = |text: &str| units(text, instrument.quantity_scale.digits()).ok_or(SIZE);
    let mut tick = tick(times, instrument.id.0, TickKind::Quote, 0);
    (tick.a, tick.b) = (price(bid)?, size(bid_size)?);
    (tick.c, tick.d) = (price(ask)?, size(ask_size)?);
    let tick = sane(tick)?;
    report.count(TickKind::Quote);
    Ok(Some(tick))
}

fn trade(
    fields: &[&str],
    times: Times,
    instrument: &Instrument,
    report: &mut FileReport,
    known: &mut BTreeSet<i64>,
) -> Result<Option<Tick>, &'static str> {
    let [_, price, size, side, id, _usd] = fields else {
        return Err("wrong number of columns");
    };
    let id: i64 = id.parse().map_err(|_| "no trade id")?;
    if known.contains(&id) {
        report.repeated += 1;
        return Ok(None);
    }
    let seq = u64::try_from(id).map_err(|_| "negative trade id")?;
    let mut tick = tick(times, instrument.id.0, TickKind::Trade, seq);
    tick.a = units(price, instrument.price_scale.digits()).ok_or(PRICE)?;
    tick.b = units(size, instrument.quantity_scale.digits()).ok_or(SIZE)?;
    tick.c = id;
    tick.flags |= match *side {
        "sell" => flag::SELL,
        "buy" => 0,
        _ => return Err("neither buy nor sell"),
    };
    let tick = sane(tick)?;
    known.insert(id);
    report.count(TickKind::Trade);
    Ok(Some(tick))
}
