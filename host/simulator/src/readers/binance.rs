//! Binance raw combined-stream messages, one per line: `<local ns> <JSON>`, spot, USD-M and COIN-M.
//!
//! Book rule (Binance, "How to manage a local order book correctly"): diffs before the snapshot are
//! kept back; after it, spot drops `u <= lastUpdateId`, futures drop `u < lastUpdateId`; what is
//! left follows. Sequence ids travel in the ticks (`c` = U, `d` = pu), where the engine checks the
//! chain.

use super::rows::{Clock, Times, align, find, lines, name, tick};
use super::text::units;
use super::{FileReport, ReadError, Recording};
use hedgerow_model::{Instrument, InstrumentKind, Tick, TickKind, flag};
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    stream: Option<&'a str>,
    #[serde(borrow)]
    data: Option<&'a serde_json::value::RawValue>,
}

type Levels<'a> = Vec<(&'a str, &'a str)>;

#[derive(Deserialize)]
struct Diff<'a> {
    #[serde(rename = "E")]
    event: u64,
    #[serde(rename = "T")]
    transaction: Option<u64>,
    #[serde(rename = "U")]
    first: u64,
    u: u64,
    pu: Option<u64>,
    #[serde(borrow)]
    b: Levels<'a>,
    #[serde(borrow)]
    a: Levels<'a>,
}

#[derive(Deserialize)]
struct Snapshot<'a> {
    #[serde(rename = "lastUpdateId")]
    last: u64,
    #[serde(rename = "T")]
    transaction: Option<u64>,
    #[serde(borrow)]
    bids: Levels<'a>,
    #[serde(borrow)]
    asks: Levels<'a>,
}

#[derive(Deserialize)]
struct Ticker<'a> {
    #[serde(rename = "E")]
    event: Option<u64>,
    #[serde(rename = "T")]
    transaction: Option<u64>,
    u: u64,
    b: &'a str,
    #[serde(rename = "B")]
    bid_size: &'a str,
    a: &'a str,
    #[serde(rename = "A")]
    ask_size: &'a str,
}

#[derive(Deserialize)]
struct Trade<'a> {
    #[serde(rename = "T")]
    time: u64,
    t: u64,
    p: &'a str,
    q: &'a str,
    m: bool,
    #[serde(rename = "X")]
    kind: Option<&'a str>,
}

const MILLI: u64 = 1_000_000;

/// Reads the files of these instruments: `spot_`, `usdm_` or `cm_` and the symbol in lower case.
pub fn read(folder: &Path, instruments: &[Instrument]) -> Result<Recording, ReadError> {
    let (mut rows, mut files) = (Vec::new(), Vec::new());
    for instrument in instruments {
        let market = match instrument.kind {
            InstrumentKind::Spot => "spot",
            InstrumentKind::LinearPerpetual | InstrumentKind::LinearFuture { .. } => "usdm",
            InstrumentKind::InversePerpetual | InstrumentKind::InverseFuture { .. } => "cm",
        };
        let begins = format!("{market}_{}_", instrument.symbol.to_lowercase());
        let path = find(folder, &begins).ok_or_else(|| ReadError::Missing {
            symbol: instrument.symbol.clone(),
            folder: folder.to_owned(),
            wanted: format!("{begins}*"),
        })?;
        let mut file = File::new(instrument, &name(&path));
        let mut clock = Clock::default();
        for (number, line) in (1_u64..).zip(lines(&path)?) {
            file.line(number, &line?, &mut clock);
        }
        let (ticks, mut report) = file.finish();
        rows.extend(align(ticks, &mut report));
        files.push(report);
    }
    Ok(Recording::from_rows(rows, files))
}

/// One file on its way to ticks.
struct File<'i> {
    instrument: &'i Instrument,
    report: FileReport,
    ticks: Vec<Tick>,
    /// Diffs before the snapshot, as read.
    waiting: Vec<(u64, String)>,
    /// The last id of the book, once there is one.
    last: Option<u64>,
    spot: bool,
}

impl<'i> File<'i> {
    fn new(instrument: &'i Instrument, name: &str) -> Self {
        let spot = instrument.kind == InstrumentKind::Spot;
        let report = FileReport::new(name);
        Self { instrument, report, ticks: Vec::new(), waiting: Vec::new(), last: None, spot }
    }

    fn line(&mut self, number: u64, line: &str, clock: &mut Clock) {
        self.report.rows += 1;
        let split = line.split_once(' ').and_then(|(t, json)| Some((t.parse().ok()?, json)));
        let Some((received, json)): Option<(u64, &str)> = split else {
            return self.report.bad("no local time", number);
        };
        clock.see(received, &mut self.report);
        let known = match serde_json::from_str::<Envelope<'_>>(json) {
            Ok(Envelope { stream: Some(stream), data: Some(data) }) => {
                self.message(received, stream, data.get())
            }
            Ok(_) => self.snapshot(received, json),
            Err(_) => None,
        };
        if known.is_none() {
            self.report.bad("not a message this reader knows", number);
        }
    }

    fn message(&mut self, received: u64, stream: &str, data: &str) -> Option<()> {
        let (_, kind) = stream.split_once('@')?;
        match kind {
            "trade" => self.trade(received, &serde_json::from_str(data).ok()?),
            "bookTicker" => self.ticker(received, &serde_json::from_str(data).ok()?),
            kind if kind.starts_with("depth") => {
                self.report.figure("depth_rows", 1);
                if self.last.is_none() {
                    self.waiting.push((received, data.to_owned()));
                    return Some(());
                }
                self.diff(received, &serde_json::from_str(data).ok()?)
            }
            _ => None,
        }
    }

    fn price(&self, text: &str) -> Option<i64> {
        units(text, self.instrument.price_scale.digits())
    }

    fn quantity(&self, text: &str) -> Option<i64> {
        units(text, self.instrument.quantity_scale.digits())
    }

    fn push(&mut self, kind: TickKind, tick: Tick) {
        self.report.count(kind);
        self.ticks.push(tick);
    }

    fn trade(&mut self, received: u64, trade: &Trade<'_>) -> Option<()> {
        if trade.kind.is_some_and(|kind| kind != "MARKET") {
            // insurance fund and settlement trades never met the book
            self.report.figure("trades_off_book", 1);
            return Some(());
        }
        let times = Times { venue: Some(trade.time * MILLI), received };
        let mut tick = tick(times, self.instrument.id.0, TickKind::Trade, trade.t);
        (tick.a, tick.b) = (self.price(trade.p)?, self.quantity(trade.q)?);
        tick.c = i64::try_from(trade.t).ok()?;
        tick.flags |= if trade.m { flag::SELL } else { 0 };
        self.push(TickKind::Trade, tick);
        Some(())
    }

    fn ticker(&mut self, received: u64, ticker: &Ticker<'_>) -> Option<()> {
        let venue = ticker.transaction.or(ticker.event).map(|ms| ms * MILLI);
        let mut tick =
            tick(Times { venue, received }, self.instrument.id.0, TickKind::Quote, ticker.u);
        (tick.a, tick.b) = (self.price(ticker.b)?, self.quantity(ticker.bid_size)?);
        (tick.c, tick.d) = (self.price(ticker.a)?, self.quantity(ticker.ask_size)?);
        self.push(TickKind::Quote, tick);
        Some(())
    }

    fn snapshot(&mut self, received: u64, json: &str) -> Option<()> {
        let snapshot: Snapshot<'_> = serde_json::from_str(json).ok()?;
        self.report.figure("snapshots", 1);
        let venue = snapshot.transaction.map(|ms| ms * MILLI);
        let times = Times { venue, received };
        self.levels(times, snapshot.last, (0, 0), &snapshot.bids, &snapshot.asks, true)?;
        self.last = Some(snapshot.last);
        for (_, data) in std::mem::take(&mut self.waiting) {
            let diff: Diff<'_> = serde_json::from_str(&data).ok()?;
            let old = if self.spot { diff.u <= snapshot.last } else { diff.u < snapshot.last };
            if old {
                self.report.figure("depth_rows_older_than_snapshot", 1);
            } else {
                self.report.figure("depth_rows_kept_back", 1);
                // known to us only now, with the snapshot
                self.diff(received, &diff)?;
            }
        }
        Some(())
    }

    fn diff(&mut self, received: u64, diff: &Diff<'_>) -> Option<()> {
        let venue = Some(diff.transaction.unwrap_or(diff.event) * MILLI);
        let chain = (i64::try_from(diff.first).ok()?, i64::try_from(diff.pu.unwrap_or(0)).ok()?);
        self.levels(Times { venue, received }, diff.u, chain, &diff.b, &diff.a, false)?;
        self.report.figure("depth_rows_applied", 1);
        Some(())
    }

    /// All levels of one message; nothing of it when one cannot be read.
    fn levels(
        &mut self,
        times: Times,
        seq: u64,
        (first, previous): (i64, i64),
        bids: &Levels<'_>,
        asks: &Levels<'_>,
        snapshot: bool,
    ) -> Option<()> {
        let mut made = Vec::with_capacity(bids.len() + asks.len());
        for (levels, side) in [(bids, 0), (asks, flag::SELL)] {
            for (price, quantity) in levels {
                let mut tick = tick(times, self.instrument.id.0, TickKind::Level, seq);
                tick.flags = (tick.flags & !flag::LAST) | side;
                (tick.a, tick.b) = (self.price(price)?, self.quantity(quantity)?);
                (tick.c, tick.d) = (first, previous);
                made.push(tick);
            }
        }
        if let Some(begins) = made.first_mut().filter(|_| snapshot) {
            begins.flags |= flag::SNAPSHOT;
        }
        if let Some(ends) = made.last_mut() {
            ends.flags |= flag::LAST;
        }
        for tick in made {
            self.push(TickKind::Level, tick);
        }
        Some(())
    }

    fn finish(mut self) -> (Vec<Tick>, FileReport) {
        if !self.waiting.is_empty() {
            let left = i64::try_from(self.waiting.len()).unwrap_or(i64::MAX);
            self.report.figure("depth_rows_without_snapshot", left);
            self.report.notes.push("book updates came, but no snapshot: there is no book".into());
        }
        let mut chain = Chain::default();
        for tick in self.ticks.iter().filter(|t| t.kind == TickKind::Level.code()) {
            self.report.gaps += u64::from(chain.breaks(tick, self.spot));
        }
        (self.ticks, self.report)
    }
}

/// The chain of update ids, counted here so that a report exists without an engine.
#[derive(Default)]
struct Chain {
    last: Option<(u64, bool)>,
}

impl Chain {
    fn breaks(&mut self, tick: &Tick, spot: bool) -> bool {
        if tick.has(flag::SNAPSHOT) {
            self.last = Some((tick.seq, true));
            return false;
        }
        let Some((last, fresh)) = self.last else {
            return false;
        };
        if tick.seq == last {
            return false;
        }
        self.last = Some((tick.seq, false));
        let id = |value: i64| u64::try_from(value).unwrap_or(0);
        let (first, previous) = (id(tick.c), id(tick.d));
        match (spot, fresh) {
            (true, true) => first > last + 1,
            (true, false) => first != last + 1,
            (false, true) => first > last,
            (false, false) => previous != last,
        }
    }
}
