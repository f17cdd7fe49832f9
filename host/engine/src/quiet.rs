//! The quiet prefix: how many of the next ticks cannot make the engine emit anything.
//!
//! A strategy may be shown such a prefix before the engine has processed it; what it then answers
//! is what it would have answered one tick at a time. The scan keeps its own copies of what moves
//! with the ticks (receive times, sequence ids, marks, peaks) and stops before the first tick that
//! could:
//!
//! - refresh or break an instrument's data (it was stale, has a gap, its sequence breaks, feed
//!   status);
//! - come later than another instrument's data grows stale;
//! - trip a guard, or raise a peak so far that it becomes a fact: the linear forms are evaluated on
//!   every mark that moves, but for marks between two of which the guards have already said that
//!   nothing happens;
//! - move a plan that looks at every price (a leg of a pair that makes, a chase, a barrier): while
//!   one does, no price of its instruments is quiet, and of a barrier's no mark, which its stop
//!   reads where there is no touch;
//! - change the mind of a guard that looks at marks alone (distance to liquidation, hedge gap);
//! - bring a funding rate that a guard looks at;
//! - change where a mark comes from while somebody holds a position.

use crate::Engine;
use crate::market::{DataState, MarkSource, Market, gives_way};
use crate::portfolio::{FormId, Gauge};
use hedgerow_model::{HostTime, InstrumentId, LastUpdate, SequenceRule, Tick, TickKind, flag};

/// The scan's copy of what it needs of one instrument, and of what moves with its ticks.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    rule: SequenceRule,
    source: MarkSource,
    marked: HostTime,
    /// When the quote came that holds, if one does; and whether quotes have ended.
    quoted: Option<HostTime>,
    quotes_lost: bool,
    received: HostTime,
    state: DataState,
    synced: bool,
    in_snapshot: bool,
    last_update: Option<LastUpdate>,
    mark: Option<i64>,
}

/// Working memory of the scan, kept to spare allocations.
#[derive(Debug, Default)]
pub struct QuietScan {
    cursors: Vec<Cursor>,
    gauges: Vec<Gauge>,
    /// Before this no data grows stale; computed anew from the cursors when it is passed.
    deadline: HostTime,
}

impl Cursor {
    fn new(market: &Market) -> Self {
        Self {
            rule: market.rule(),
            source: market.source,
            marked: market.marked,
            quoted: market.quote.map(|_| market.quoted),
            quotes_lost: market.quotes_lost,
            received: market.received,
            state: market.state,
            synced: market.synced,
            in_snapshot: market.in_snapshot,
            last_update: market.last_update,
            mark: market.mark_doubled,
        }
    }

    /// Whether a level only continues its book.
    fn continues(&mut self, tick: &Tick) -> bool {
        if tick.has(flag::SNAPSHOT) {
            (self.synced, self.in_snapshot) = (true, true);
        } else if self.synced && !self.in_snapshot && !self.rule.continues(self.last_update, tick) {
            return false;
        }
        if self.synced {
            self.last_update = Some(LastUpdate { id: tick.seq, snapshot: self.in_snapshot });
            self.in_snapshot &= !tick.is_last();
        }
        true
    }
}

impl Engine {
    /// How many of `ticks` the engine would process without any effect.
    pub fn quiet_prefix(&self, ticks: &[Tick], scan: &mut QuietScan) -> usize {
        scan.cursors.clear();
        scan.cursors.extend(self.markets.iter().map(Cursor::new));
        scan.gauges.clear();
        scan.gauges.extend_from_slice(self.exposure.gauges());
        scan.deadline = self.stale_deadline(scan);
        if self.awaits_day() || self.sights.stale {
            return 0; // what is made anew may say something
        }
        ticks.iter().position(|tick| !self.is_quiet(tick, scan)).unwrap_or(ticks.len())
    }

    fn stale_deadline(&self, scan: &QuietScan) -> HostTime {
        scan.cursors
            .iter()
            .filter(|cursor| cursor.state == DataState::Fresh)
            .map(|cursor| self.markets.stale_at(cursor.received))
            .min()
            .unwrap_or(HostTime::NEVER)
    }

    #[inline]
    fn is_quiet(&self, tick: &Tick, scan: &mut QuietScan) -> bool {
        let now = HostTime::from_nanos(tick.recv_ts);
        if now >= scan.deadline {
            scan.deadline = self.stale_deadline(scan);
            if now >= scan.deadline {
                return false;
            }
        }
        let id = InstrumentId(tick.instrument);
        if id.index() >= scan.cursors.len() {
            return true; // not ours: ignored
        }
        let prices = [TickKind::Quote.code(), TickKind::Level.code()].contains(&tick.kind);
        let marks = tick.kind == TickKind::Mark.code();
        if (prices && self.plans.is_watched(id)) || (marks && self.plans.reads_marks(id)) {
            return false; // a plan follows every price
        }
        if tick.kind == TickKind::Quote.code() {
            let mark = tick.a.saturating_add(tick.c);
            let whole = tick.b > 0 && tick.d > 0;
            if let Some(cursor) = scan.cursors.get_mut(id.index()) {
                if cursor.quotes_lost {
                    return false;
                }
                cursor.quoted = whole.then_some(now);
            }
            return self.stays_fresh(id, now, scan)
                && (!whole || self.mark_is_quiet(id, (MarkSource::Quote, now), Some(mark), scan));
        }
        match TickKind::from_code(tick.kind) {
            Some(TickKind::Mark) => {
                let mark = tick.a.saturating_mul(2);
                tick.a == 0 || self.mark_is_quiet(id, (MarkSource::Venue, now), Some(mark), scan)
            }
            Some(TickKind::Level) => {
                self.stays_fresh(id, now, scan) && self.level_is_quiet(id, tick, scan)
            }
            Some(TickKind::FeedStatus) => false,
            Some(TickKind::Funding) => !self.sights.looks_at_funding(id),
            _ => true,
        }
    }

    /// Takes note of a price; false if the instrument was without good data until now.
    #[inline]
    fn stays_fresh(&self, id: InstrumentId, now: HostTime, scan: &mut QuietScan) -> bool {
        let Some(cursor) = scan.cursors.get_mut(id.index()) else {
            return true;
        };
        cursor.received = now;
        if cursor.state == DataState::Unseen {
            cursor.state = DataState::Fresh;
            scan.deadline = scan.deadline.min(self.markets.stale_at(now));
        }
        cursor.state == DataState::Fresh
    }

    fn level_is_quiet(&self, id: InstrumentId, tick: &Tick, scan: &mut QuietScan) -> bool {
        let Some(cursor) = scan.cursors.get_mut(id.index()) else {
            return true;
        };
        if !cursor.continues(tick) {
            return false;
        }
        // what the book's middle becomes is not followed here; with a position it may matter
        let moves = cursor.synced && tick.is_last();
        let now = HostTime::from_nanos(tick.recv_ts);
        let stale_after = self.markets.stale_after;
        if moves && cursor.quoted.is_some_and(|quoted| now.since(quoted) > stale_after) {
            return false; // those who read quotes are told that they have ended
        }
        !moves || self.mark_is_quiet(id, (MarkSource::Book, now), None, scan)
    }

    /// Whether a mark may move to this value (nothing: to an unknown one) without tripping a guard.
    #[inline]
    fn mark_is_quiet(
        &self,
        id: InstrumentId,
        (source, now): (MarkSource, HostTime),
        mark: Option<i64>,
        scan: &mut QuietScan,
    ) -> bool {
        let stale_after = self.markets.stale_after;
        let speaks = |c: &&mut Cursor| !gives_way(source, now, (c.source, c.marked), stale_after);
        let Some(cursor) = scan.cursors.get_mut(id.index()).filter(speaks) else {
            return true;
        };
        let before = std::mem::replace(&mut cursor.source, source);
        cursor.marked = now;
        let holders = self.exposure.holders(id);
        if holders.is_empty() && !self.sights.any_on(id) {
            cursor.mark = mark.or(cursor.mark);
            return true;
        }
        if source != before {
            return false;
        }
        let Some(mark) = mark else { return false };
        let moved = cursor.mark.replace(mark) != Some(mark);
        let calm = |id: &FormId| scan.gauges.get(id.0).is_some_and(|g| g.is_calm(mark));
        if !moved {
            return true;
        }
        (holders.iter().all(calm) || holders.iter().all(|form| self.stays_quiet(*form, scan)))
            && self.sights_stay_quiet(id, scan)
    }

    /// Whether the guards of a form have nothing to say to the marks of the scan.
    fn stays_quiet(&self, form: FormId, scan: &mut QuietScan) -> bool {
        let Some(gauge) = scan.gauges.get_mut(form.0) else {
            return false;
        };
        let cursors = &scan.cursors;
        let mark = |id: InstrumentId| cursors.get(id.index()).and_then(|cursor| cursor.mark);
        let news = self.exposure.judge(form, mark, gauge);
        !self.exposure.is_peak_due(form, gauge) && news.is_none_or(|news| !news.any())
    }

    /// Whether no guard that looks at marks alone would change its mind.
    fn sights_stay_quiet(&self, id: InstrumentId, scan: &QuietScan) -> bool {
        let mark = |id: InstrumentId| scan.cursors.get(id.index()).and_then(|cursor| cursor.mark);
        self.sights.on(id).all(|sight| !sight.changes_mind(mark))
    }
}
