//! Binance raw combined-stream messages, one per line: `<local ns> <JSON>`, spot, USD-M and COIN-M.
//!
//! Book rule (Binance, "How to manage a local order book correctly"): diffs are kept back for a
//! snapshot; of those and of what comes after it, spot drops `u <= lastUpdateId`, futures drop `u <
//! lastUpdateId`; what is left follows. A later snapshot is older than the newest diffs too, so the
//! last minute of them is always kept. What of them is newer belongs to the snapshot's own update,
//! so that nobody sees a book as it was before; only what breaks the chain follows as a hole for
//! all to see. Sequence ids travel in the ticks (`c` = U, `d` = pu), where the engine checks the
//! chain; a diff that changes nothing travels too.

mod wire;

use super::room::Room;
use super::rows::{
    Clock, Delays, Times, TradeIds, align, find, lines, millis, missing, name, no_level, sane, tick,
};
use super::text::units;
use super::{FileReport, ReadError, Recording};
use hedgerow_model::{Instrument, InstrumentKind, LastUpdate, SequenceRule, Tick, TickKind, flag};
use serde::Deserialize;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use wire::{Diff, Envelope, Levels, Snapshot, Ticker, Trade};

/// How long diffs are kept for a snapshot: longer than any answer takes, ns.
const KEPT: u64 = 60_000_000_000;

const UNKNOWN: &str = "not a message this reader knows";
const OTHER: &str = "for another symbol";
const OLDER: &str = "depth_rows_older_than_snapshot";
const NUMBER: &str =
    "a number or time that cannot be read, or is finer than the decimals in the config";

/// The file of an instrument, if there is one and no more.
pub fn path_of(folder: &Path, instrument: &Instrument) -> Result<PathBuf, ReadError> {
    let market = match instrument.kind {
        InstrumentKind::Spot => "spot",
        InstrumentKind::LinearPerpetual | InstrumentKind::LinearFuture { .. } => "usdm",
        InstrumentKind::InversePerpetual | InstrumentKind::InverseFuture { .. } => "cm",
    };
    let begins = format!("{market}_{}_", instrument.symbol.to_lowercase());
    // a quarterly's name goes on with a date of its own: only one of eight digits is the file's
    let is_date = |rest: &str| rest.len() == 8 && rest.bytes().all(|b| b.is_ascii_digit());
    let wanted = |name: &str| name.strip_prefix(&begins).is_some_and(is_date);
    find(folder, &instrument.symbol, wanted)?
        .ok_or_else(|| missing(folder, &instrument.symbol, format!("{begins}<yyyymmdd>")))
}

/// Reads the files of these instruments: `spot_`, `usdm_` or `cm_`, the symbol in lower case, and a
/// date in digits.
pub fn read(folder: &Path, instruments: &[Instrument]) -> Result<Recording, ReadError> {
    let (mut rows, mut files) = (Vec::new(), Vec::new());
    let room = Room::of_machine();
    for instrument in instruments {
        let path = path_of(folder, instrument)?;
        let mut file = File::new(instrument, &name(&path));
        let mut clock = Clock::default();
        for (number, line) in (1_u64..).zip(lines(&path)?) {
            file.line(number, &line?, &mut clock);
            room.hold(rows.len().saturating_add(file.ticks.len()), folder)?;
        }
        let (ticks, mut report) = file.finish();
        clock.finish(&path, &mut report)?;
        let delays = Delays::of(&path, std::iter::once(ticks.as_slice()))?;
        rows.extend(align(ticks, delays, &mut report));
        files.push(report);
    }
    let mut recording = Recording::from_rows(rows, files);
    // there is one file of each, in the same order
    for (place, instrument) in instruments.iter().enumerate() {
        let gaps = gaps(&recording.ticks, instrument);
        if let Some(report) = recording.files.get_mut(place) {
            report.gaps = gaps;
        }
    }
    Ok(recording)
}

/// A diff as read.
struct Kept {
    line: u64,
    received: u64,
    text: String,
    /// Whether it already went into a book.
    applied: bool,
}

/// One file on its way to ticks.
struct File<'i> {
    instrument: &'i Instrument,
    report: FileReport,
    ticks: Vec<Tick>,
    /// The newest diffs.
    recent: VecDeque<Kept>,
    trades: TradeIds,
    /// The id of the last snapshot.
    snapshot: Option<u64>,
    spot: bool,
}

impl<'i> File<'i> {
    fn new(instrument: &'i Instrument, name: &str) -> Self {
        let spot = instrument.kind == InstrumentKind::Spot;
        let report = FileReport::new(name);
        let (ticks, recent, trades) = (Vec::new(), VecDeque::new(), TradeIds::default());
        Self { instrument, report, ticks, recent, trades, snapshot: None, spot }
    }

    fn line(&mut self, number: u64, line: &str, clock: &mut Clock) {
        self.report.rows += 1;
        let split = line.split_once(' ').and_then(|(t, json)| Some((t.parse().ok()?, json)));
        let Some((received, json)): Option<(u64, &str)> = split else {
            return self.report.bad("no local time", number);
        };
        let received = clock.see(received, &mut self.report);
        let read = match serde_json::from_str::<Envelope<'_>>(json) {
            Ok(Envelope { stream: Some(stream), data: Some(data) }) => {
                self.message((number, received), stream, data.get())
            }
            Ok(_) => self.take_snapshot(received, json),
            Err(_) => Err(UNKNOWN),
        };
        if let Err(reason) = read {
            self.report.bad(reason, number);
        }
    }

    fn message(
        &mut self,
        (line, received): (u64, u64),
        stream: &str,
        data: &str,
    ) -> Result<(), &'static str> {
        let (symbol, kind) = stream.split_once('@').ok_or(UNKNOWN)?;
        if !symbol.eq_ignore_ascii_case(&self.instrument.symbol) {
            return Err(OTHER);
        }
        match kind {
            "trade" => self.trade(received, &parse(data)?),
            "bookTicker" => self.ticker(received, &parse(data)?),
            kind if kind.starts_with("depth") => self.depth(line, received, data),
            _ => Err(UNKNOWN),
        }
    }

    fn depth(&mut self, line: u64, received: u64, data: &str) -> Result<(), &'static str> {
        self.report.figure("depth_rows", 1);
        let diff: Diff<'_> = parse(data)?;
        let is_past = |kept: &Kept| kept.received.saturating_add(KEPT) < received;
        while self.recent.front().is_some_and(is_past) {
            if self.recent.pop_front().is_some_and(|kept| !kept.applied) {
                self.report.figure("depth_rows_without_snapshot", 1);
            }
        }
        let applied = match self.snapshot {
            None => false,
            Some(last) if self.is_older(&diff, last) => {
                self.report.figure(OLDER, 1);
                return Ok(());
            }
            Some(_) => {
                self.diff(received, &diff)?;
                self.report.figure("depth_rows_applied", 1);
                true
            }
        };
        self.recent.push_back(Kept { line, received, text: data.to_owned(), applied });
        Ok(())
    }

    /// Whether a snapshot already has what a diff brings.
    fn is_older(&self, diff: &Diff<'_>, snapshot: u64) -> bool {
        if self.spot { diff.u <= snapshot } else { diff.u < snapshot }
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

    fn trade(&mut self, received: u64, trade: &Trade<'_>) -> Result<(), &'static str> {
        if !self.trades.is_new(trade.t, &mut self.report) {
            return Ok(());
        }
        if trade.kind.is_some_and(|kind| kind != "MARKET") {
            // insurance fund and settlement trades never met the book
            self.report.figure("trades_off_book", 1);
            return Ok(());
        }
        let times = Times { venue: Some(millis(trade.time).ok_or(NUMBER)?), received };
        let mut tick = tick(times, self.instrument.id.0, TickKind::Trade, trade.t);
        (tick.a, tick.b) =
            (self.price(trade.p).ok_or(NUMBER)?, self.quantity(trade.q).ok_or(NUMBER)?);
        tick.c = i64::try_from(trade.t).map_err(|_| NUMBER)?;
        tick.flags |= if trade.m { flag::SELL } else { 0 };
        self.push(TickKind::Trade, sane(tick)?);
        Ok(())
    }

    fn ticker(&mut self, received: u64, ticker: &Ticker<'_>) -> Result<(), &'static str> {
        let venue = match ticker.transaction.or(ticker.event) {
            Some(ms) => Some(millis(ms).ok_or(NUMBER)?),
            None => None,
        };
        let mut tick =
            tick(Times { venue, received }, self.instrument.id.0, TickKind::Quote, ticker.u);
        (tick.a, tick.b) =
            (self.price(ticker.b).ok_or(NUMBER)?, self.quantity(ticker.bid_size).ok_or(NUMBER)?);
        (tick.c, tick.d) =
            (self.price(ticker.a).ok_or(NUMBER)?, self.quantity(ticker.ask_size).ok_or(NUMBER)?);
        self.push(TickKind::Quote, sane(tick)?);
        Ok(())
    }

    fn take_snapshot(&mut self, received: u64, json: &str) -> Result<(), &'static str> {
        let snapshot: Snapshot<'_> = parse(json)?;
        if snapshot.symbol.is_some_and(|s| !s.eq_ignore_ascii_case(&self.instrument.symbol)) {
            return Err(OTHER);
        }
        let venue = match snapshot.transaction {
            Some(ms) => Some(millis(ms).ok_or(NUMBER)?),
            None => None,
        };
        let times = Times { venue, received };
        let levels = (&snapshot.bids, &snapshot.asks);
        self.levels(times, snapshot.last, (0, 0), levels, true)?;
        self.report.figure("snapshots", 1);
        self.snapshot = Some(snapshot.last);
        let mut whole = Some(LastUpdate { id: snapshot.last, snapshot: true });
        for mut kept in std::mem::take(&mut self.recent) {
            let Ok(diff) = parse::<Diff<'_>>(&kept.text) else {
                continue; // it was readable when it came
            };
            if self.is_older(&diff, snapshot.last) {
                if !kept.applied {
                    self.report.figure(OLDER, 1);
                }
                continue;
            }
            let end = self.ticks.len();
            // known to us only now, with the snapshot
            if let Err(reason) = self.diff(received, &diff) {
                self.report.bad(reason, kept.line);
                continue;
            }
            if kept.applied {
                self.report.figure("depth_rows_again", 1);
            } else {
                self.report.figure("depth_rows_kept_back", 1);
                self.report.figure("depth_rows_applied", 1);
            }
            whole = self.join(whole, end, diff.u);
            kept.applied = true;
            self.recent.push_back(kept);
        }
        Ok(())
    }

    /// Makes the diff that begins at `begin` a part of the update before it, if that is a snapshot
    /// as far as it goes and the diff continues it. Gives what it goes to now; nothing after a
    /// hole.
    fn join(&mut self, last: Option<LastUpdate>, begin: usize, id: u64) -> Option<LastUpdate> {
        let next = self.ticks.get(begin)?;
        if !rule(self.instrument).continues(Some(last?), next) {
            return None;
        }
        if let Some(end) = begin.checked_sub(1).and_then(|place| self.ticks.get_mut(place)) {
            end.flags &= !flag::LAST;
        }
        Some(LastUpdate { id, snapshot: false })
    }

    fn diff(&mut self, received: u64, diff: &Diff<'_>) -> Result<(), &'static str> {
        let venue = Some(millis(diff.transaction.unwrap_or(diff.event)).ok_or(NUMBER)?);
        let chain = (
            i64::try_from(diff.first).map_err(|_| NUMBER)?,
            i64::try_from(diff.pu.unwrap_or(0)).map_err(|_| NUMBER)?,
        );
        self.levels(Times { venue, received }, diff.u, chain, (&diff.b, &diff.a), false)
    }

    /// All levels of one message; nothing of it when one cannot be read.
    fn levels(
        &mut self,
        times: Times,
        seq: u64,
        (first, previous): (i64, i64),
        (bids, asks): (&Levels<'_>, &Levels<'_>),
        snapshot: bool,
    ) -> Result<(), &'static str> {
        let mut made = Vec::with_capacity(bids.len() + asks.len());
        for (levels, side) in [(bids, 0), (asks, flag::SELL)] {
            for (price, quantity) in levels {
                let mut tick = tick(times, self.instrument.id.0, TickKind::Level, seq);
                tick.flags = (tick.flags & !flag::LAST) | side;
                (tick.a, tick.b) =
                    (self.price(price).ok_or(NUMBER)?, self.quantity(quantity).ok_or(NUMBER)?);
                (tick.c, tick.d) = (first, previous);
                made.push(sane(tick)?);
            }
        }
        if made.is_empty() {
            let mut tick = no_level(times, self.instrument.id.0, seq, snapshot);
            (tick.c, tick.d) = (first, previous);
            made.push(tick);
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
        Ok(())
    }

    fn finish(mut self) -> (Vec<Tick>, FileReport) {
        if self.snapshot.is_none() && self.report.figures.contains_key("depth_rows") {
            let left = i64::try_from(self.recent.len()).unwrap_or(i64::MAX);
            self.report.figure("depth_rows_without_snapshot", left);
            self.report.notes.push("book updates came, but no snapshot: there is no book".into());
        }
        self.trades.finish(&mut self.report);
        (self.ticks, self.report)
    }
}

/// Which rule the ids of an instrument's updates follow.
fn rule(instrument: &Instrument) -> SequenceRule {
    match instrument.kind {
        InstrumentKind::Spot => SequenceRule::FirstIdFollows,
        _ => SequenceRule::PreviousId,
    }
}

/// An instrument's gaps in what is played, counted here so that a report exists without an engine.
fn gaps(ticks: &[Tick], instrument: &Instrument) -> u64 {
    let rule = rule(instrument);
    let (mut last, mut in_snapshot, mut gaps) = (None, false, 0);
    let of =
        |tick: &&Tick| tick.instrument == instrument.id.0 && tick.kind == TickKind::Level.code();
    for tick in ticks.iter().filter(of) {
        in_snapshot |= tick.has(flag::SNAPSHOT);
        gaps += u64::from(!in_snapshot && !rule.continues(last, tick));
        last = Some(LastUpdate { id: tick.seq, snapshot: in_snapshot });
        in_snapshot &= !tick.is_last();
    }
    gaps
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, &'static str> {
    serde_json::from_str(json).map_err(|_| UNKNOWN)
}
