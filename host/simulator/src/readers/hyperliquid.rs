//! Hyperliquid CSV files: `orderbooks_`, `prices_` and `trades_` and the symbol.
//!
//! Books are whole snapshots of 20 levels; `sequence` there is a time and proves nothing. Quotes
//! come as two rows, bid and ask, with the same two times: applied singly they would cross. Trades
//! repeat after a reconnect and are known by their id.

use super::room::Room;
use super::rows::{
    Clock, Delays, PRICE, SIZE, Times, align, csv, find, millis_text, missing, no_level, sane, tick,
};
use super::text::{seconds, units};
use super::{FileReport, ReadError, Recording};
use hedgerow_model::{Instrument, Tick, TickKind, flag};
use std::collections::BTreeSet;
use std::path::Path;

const HEADER: &str = "timestamp";
const BOOK_COLUMNS: usize = 83;

/// Whether an instrument has a file with prices.
pub fn is_there(folder: &Path, instrument: &Instrument) -> Result<(), ReadError> {
    let symbol = &instrument.symbol;
    let names = ["orderbooks", "prices"].map(|begins| format!("{begins}_{symbol}.csv"));
    for wanted in &names {
        if find(folder, symbol, |name| name == *wanted)?.is_some() {
            return Ok(());
        }
    }
    Err(missing(folder, symbol, names.join(" or ")))
}

/// Reads the files of these instruments.
pub fn read(folder: &Path, instruments: &[Instrument]) -> Result<Recording, ReadError> {
    let mut files: Vec<Made> = Vec::new();
    let room = Room::of_machine();
    let mut any = |begins: &str, instrument: &Instrument, make: Make| {
        let wanted = format!("{begins}_{}.csv", instrument.symbol);
        let Some(path) = find(folder, &instrument.symbol, |name| name == wanted)? else {
            return Ok(());
        };
        files.push(make(&path, instrument)?);
        room.hold(files.iter().map(|(ticks, _)| ticks.len()).sum(), folder)?;
        Ok(())
    };
    for instrument in instruments {
        is_there(folder, instrument)?;
        any("orderbooks", instrument, books)?;
        any("prices", instrument, quotes)?;
        any("trades", instrument, trades)?;
    }
    // one venue's clock and one recorder's: aligned apart, a trade would part from its book
    let delays = Delays::of(folder, files.iter().map(|(ticks, _)| ticks.as_slice()))?;
    let (mut rows, mut reports) = (Vec::new(), Vec::new());
    for (ticks, mut report) in files {
        rows.extend(align(ticks, delays, &mut report));
        reports.push(report);
    }
    Ok(Recording::from_rows(rows, reports))
}

type Made = (Vec<Tick>, FileReport);
type Make = fn(&Path, &Instrument) -> Result<Made, ReadError>;

fn books(path: &Path, instrument: &Instrument) -> Result<Made, ReadError> {
    let mut ticks: Vec<Tick> = Vec::new();
    let mut clock = Clock::default();
    let mut seq = 0;
    let mut report = csv(path, HEADER, |_, fields, report| {
        if fields.len() != BOOK_COLUMNS {
            return Err("wrong number of columns");
        }
        let received = seconds(fields[0]).ok_or("no local time")?;
        let venue = millis_text(fields[2]).ok_or("no venue time")?;
        let received = clock.see(received, report);
        seq += 1;
        let times = Times { venue: Some(venue), received };
        let made = levels(times, instrument, seq, &fields[3..])?;
        report.figure("books", 1);
        made.iter().for_each(|_| report.count(TickKind::Level));
        ticks.extend(made);
        Ok(())
    })?;
    clock.finish(path, &mut report)?;
    Ok((ticks, report))
}

fn levels(
    times: Times,
    instrument: &Instrument,
    seq: u64,
    fields: &[&str],
) -> Result<Vec<Tick>, &'static str> {
    let mut made: Vec<Tick> = Vec::with_capacity(40);
    // bid price, bid size, ask price, ask size, best first
    for four in fields.chunks_exact(4) {
        for (pair, side) in [(&four[..2], 0), (&four[2..], flag::SELL)] {
            match pair {
                // fewer levels than columns
                ["", ""] => continue,
                ["", _] => return Err("a size without a price"),
                _ => {}
            }
            let mut tick = tick(times, instrument.id.0, TickKind::Level, seq);
            tick.flags = (tick.flags & !flag::LAST) | side;
            let price = units(pair[0], instrument.price_scale.digits());
            let quantity = units(pair[1], instrument.quantity_scale.digits());
            (tick.a, tick.b) = (price.ok_or(PRICE)?, quantity.ok_or(SIZE)?);
            made.push(sane(tick)?);
        }
    }
    if made.is_empty() {
        made.push(no_level(times, instrument.id.0, seq, true));
    }
    if let Some(first) = made.first_mut() {
        first.flags |= flag::SNAPSHOT;
    }
    if let Some(last) = made.last_mut() {
        last.flags |= flag::LAST;
    }
    Ok(made)
}

fn quotes(path: &Path, instrument: &Instrument) -> Result<Made, ReadError> {
    let mut ticks: Vec<Tick> = Vec::new();
    let mut clock = Clock::default();
    let mut half: Option<((u64, u64), i64, i64, u64)> = None;
    let mut seq = 0;
    let mut report = csv(path, HEADER, |number, fields, report| {
        let [local, price, size, side, exchange] = fields else {
            return Err("wrong number of columns");
        };
        let stamp = seconds(local).ok_or("no local time")?;
        let venue = millis_text(exchange).ok_or("no venue time")?;
        let received = clock.see(stamp, report);
        let price = units(price, instrument.price_scale.digits()).ok_or(PRICE)?;
        let size = units(size, instrument.quantity_scale.digits()).ok_or(SIZE)?;
        let is_ask = match *side {
            "bid" => false,
            "ask" => true,
            _ => return Err("neither bid nor ask"),
        };
        let bid = half.take();
        match bid {
            Some((bid, a, b, _)) if is_ask && bid == (stamp, venue) => {
                seq += 1;
                let times = Times { venue: Some(venue), received };
                let mut tick = tick(times, instrument.id.0, TickKind::Quote, seq);
                (tick.a, tick.b, tick.c, tick.d) = (a, b, price, size);
                let tick = sane(tick)?;
                report.count(TickKind::Quote);
                ticks.push(tick);
                return Ok(());
            }
            Some((.., line)) => report.bad("a bid without its ask", line),
            None => {}
        }
        if is_ask {
            return Err("an ask without its bid");
        }
        half = Some(((stamp, venue), price, size, number));
        Ok(())
    })?;
    clock.finish(path, &mut report)?;
    if let Some((.., line)) = half {
        report.bad("a bid without its ask", line);
    }
    Ok((ticks, report))
}

fn trades(path: &Path, instrument: &Instrument) -> Result<Made, ReadError> {
    let mut ticks: Vec<Tick> = Vec::new();
    let mut clock = Clock::default();
    let mut known = BTreeSet::new();
    let mut report = csv(path, HEADER, |_, fields, report| {
        let [local, price, size, side, id, exchange] = fields else {
            return Err("wrong number of columns");
        };
        let received = seconds(local).ok_or("no local time")?;
        let venue = millis_text(exchange).ok_or("no venue time")?;
        let received = clock.see(received, report);
        let id: i64 = id.parse().map_err(|_| "no trade id")?;
        if known.contains(&id) {
            report.repeated += 1;
            return Ok(());
        }
        let seq = u64::try_from(id).map_err(|_| "negative trade id")?;
        let times = Times { venue: Some(venue), received };
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
        ticks.push(tick);
        Ok(())
    })?;
    clock.finish(path, &mut report)?;
    if report.holes > 0 && report.repeated == 0 {
        let note = "after a hole no trade was repeated: some may be missing, nothing can tell";
        report.notes.push(note.into());
    }
    Ok((ticks, report))
}
