//! `events.csv` of the throughput comparison: quotes and trades of one instrument.

use super::room::Room;
use super::rows::{Clock, is_header, rows_of, sane};
use super::text::units;
use super::{FileReport, ReadError, Recording};
use hedgerow_model::{Instrument, Tick, TickKind, flag};
use std::path::Path;

/// Reads `events.csv` (`kind,ts_ns,a,b,c,d,e`) for the first instrument.
pub fn read(folder: &Path, instruments: &[Instrument]) -> Result<Recording, ReadError> {
    let path = folder.join("events.csv");
    let fail = |why: String| ReadError::File { path: path.clone(), why };
    let Some(instrument) = instruments.first() else {
        return Err(fail("the config has no instrument".into()));
    };
    let text = std::fs::read_to_string(&path).map_err(|e| fail(e.to_string()))?;
    let mut report = FileReport::new("events.csv");
    let mut clock = Clock::default();
    let mut ticks = Vec::with_capacity(text.len() / 48);
    for (line, text) in (1_u64..).zip(text.lines()) {
        if line == 1 && is_header(text, "kind", &mut report) {
            continue;
        }
        report.rows += 1;
        match row(text, line, instrument) {
            Some(tick) => {
                let recv_ts = clock.see(tick.recv_ts, &mut report);
                ticks.push(Tick { recv_ts, ..tick });
            }
            None => report.bad("not a quote or trade row, or figures that no market has", line),
        }
    }
    Room::of_machine().hold(ticks.len(), folder)?;
    clock.finish(&path, &mut report)?;
    Ok(Recording::from_rows(rows_of(ticks), vec![report]))
}

fn row(text: &str, line: u64, instrument: &Instrument) -> Option<Tick> {
    sane(tick_of(text, line, instrument)?).ok()
}

fn tick_of(text: &str, line: u64, instrument: &Instrument) -> Option<Tick> {
    let mut fields = text.split(',');
    let kind = fields.next()?;
    let time: u64 = fields.next()?.parse().ok()?;
    let price = |text: &str| units(text, instrument.price_scale.digits());
    let quantity = |text: &str| units(text, instrument.quantity_scale.digits());
    let (a, b) = (price(fields.next()?)?, quantity(fields.next()?)?);
    let tick = Tick {
        ts: time,
        recv_ts: time,
        seq: line,
        instrument: instrument.id.0,
        flags: flag::LAST,
        a,
        b,
        ..Tick::default()
    };
    match kind {
        "Q" => {
            let (c, d) = (price(fields.next()?)?, quantity(fields.next()?)?);
            Some(Tick { kind: TickKind::Quote.code(), c, d, ..tick })
        }
        "T" => {
            let sell = match fields.next()? {
                "S" => flag::SELL,
                "B" => 0,
                _ => return None,
            };
            let c = fields.next()?.parse().ok()?;
            let flags = flag::LAST | sell;
            Some(Tick { kind: TickKind::Trade.code(), flags, c, ..tick })
        }
        _ => None,
    }
}
