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
//! - trip a guard: the linear forms are evaluated on every mark that moves, peaks included;
//! - change where a mark comes from while somebody holds a position.

use crate::Engine;
use crate::market::{DataState, MarkSource, bears_price};
use crate::portfolio::Verdict;
use hedgerow_model::{
    HostTime, InstrumentId, LastUpdate, StrategyId, Tick, TickKind, TradingMode, flag,
};

/// The scan's copy of what moves with one instrument's ticks.
#[derive(Clone, Copy, Debug)]
struct Cursor {
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
    peaks: Vec<i128>,
}

impl Engine {
    /// How many of `ticks` the engine would process without any effect.
    pub fn quiet_prefix(&self, ticks: &[Tick], scan: &mut QuietScan) -> usize {
        scan.cursors.clear();
        scan.cursors.extend(self.markets.iter().map(|market| Cursor {
            received: market.received,
            state: market.state,
            synced: market.synced,
            in_snapshot: market.in_snapshot,
            last_update: market.last_update,
            mark: market.mark_doubled,
        }));
        scan.peaks.clear();
        scan.peaks.extend((0..self.strategies.len()).map(|index| {
            u32::try_from(index).map_or(0, |index| self.exposure.peak(StrategyId(index)))
        }));
        // conservative until it is passed, then computed anew from the cursors
        let mut deadline = self.stale_deadline(scan);
        for (index, tick) in ticks.iter().enumerate() {
            let now = HostTime::from_nanos(tick.recv_ts);
            if now >= deadline {
                deadline = self.stale_deadline(scan);
                if now >= deadline {
                    return index;
                }
            }
            let before = scan.cursors.get(InstrumentId(tick.instrument).index()).map(|c| c.state);
            if !self.is_quiet(tick, scan) {
                return index;
            }
            if before == Some(DataState::Unseen) && bears_price(tick) {
                deadline = deadline.min(self.markets.stale_at(now));
            }
        }
        ticks.len()
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
        let id = InstrumentId(tick.instrument);
        let Some(cursor) = scan.cursors.get_mut(id.index()) else {
            return true; // not ours: ignored
        };
        if bears_price(tick) {
            match cursor.state {
                DataState::Fresh => {}
                DataState::Unseen => cursor.state = DataState::Fresh,
                DataState::Stale | DataState::Gap => return false,
            }
            cursor.received = HostTime::from_nanos(tick.recv_ts);
        }
        match TickKind::from_code(tick.kind) {
            Some(TickKind::Quote) if tick.b > 0 && tick.d > 0 => {
                let mark = tick.a.saturating_add(tick.c);
                self.mark_is_quiet(id, MarkSource::Quote, Some(mark), scan)
            }
            Some(TickKind::Mark) if tick.a != 0 => {
                let mark = tick.a.saturating_mul(2);
                self.mark_is_quiet(id, MarkSource::Venue, Some(mark), scan)
            }
            Some(TickKind::Level) => self.level_is_quiet(id, tick, scan),
            Some(TickKind::FeedStatus) => false,
            _ => true,
        }
    }

    fn level_is_quiet(&self, id: InstrumentId, tick: &Tick, scan: &mut QuietScan) -> bool {
        let Some(rule) = self.markets.get(id).map(crate::market::Market::rule) else {
            return true;
        };
        let Some(cursor) = scan.cursors.get_mut(id.index()) else {
            return true;
        };
        if tick.has(flag::SNAPSHOT) {
            (cursor.synced, cursor.in_snapshot) = (true, true);
        } else if !cursor.synced {
            return true;
        } else if !cursor.in_snapshot && !rule.continues(cursor.last_update, tick) {
            return false;
        }
        cursor.last_update = Some(LastUpdate { id: tick.seq, snapshot: cursor.in_snapshot });
        cursor.in_snapshot &= !tick.is_last();
        // what the book's middle becomes is not followed here; with a position it may matter
        !tick.is_last() || self.mark_is_quiet(id, MarkSource::Book, None, scan)
    }

    /// Whether a mark may move to this value (nothing: to an unknown one) without tripping a guard.
    #[inline]
    fn mark_is_quiet(
        &self,
        id: InstrumentId,
        source: MarkSource,
        mark: Option<i64>,
        scan: &mut QuietScan,
    ) -> bool {
        let holders = self.exposure.holders(id);
        let known = self.markets.get(id).map_or(MarkSource::Nothing, |market| market.source);
        if source < known {
            return true;
        }
        let Some(cursor) = scan.cursors.get_mut(id.index()) else {
            return true;
        };
        if holders.is_empty() {
            cursor.mark = mark.or(cursor.mark);
            return true;
        }
        if source != known {
            return false;
        }
        let Some(mark) = mark else { return false };
        if cursor.mark == Some(mark) {
            return true;
        }
        cursor.mark = Some(mark);
        holders.iter().all(|strategy| self.guards_stay_quiet(*strategy, scan))
            && !self.host_guard_trips(scan)
    }

    fn guards_stay_quiet(&self, strategy: StrategyId, scan: &mut QuietScan) -> bool {
        let cursors = &scan.cursors;
        let mark = |id: InstrumentId| cursors.get(id.index()).and_then(|cursor| cursor.mark);
        let Some(profit) = self.exposure.profit(strategy, mark) else {
            return true;
        };
        let Some(peak) = scan.peaks.get_mut(strategy.index()) else {
            return false;
        };
        if let Some(profit) = profit {
            *peak = (*peak).max(profit);
        }
        let verdict = self.exposure.judge(strategy, profit, *peak);
        self.own_mode(strategy) >= trip_mode(verdict)
    }

    fn host_guard_trips(&self, scan: &QuietScan) -> bool {
        if !self.exposure.couples() || self.host_mode != TradingMode::Running {
            return false;
        }
        let mark = |id: InstrumentId| scan.cursors.get(id.index()).and_then(|cursor| cursor.mark);
        self.host_loss(mark)
    }
}

/// The mode a verdict demands.
pub(crate) const fn trip_mode(verdict: Verdict) -> TradingMode {
    match verdict {
        Verdict::Fine => TradingMode::Running,
        Verdict::Drawdown => TradingMode::ReduceOnly,
        Verdict::Loss => TradingMode::CancelOnly,
    }
}
