//! Exact batches: strategies first, over a stretch in which nothing can happen; then the engine
//! over what they consumed.

use crate::instance::{Instance, Pending};
use crate::{Driver, DriverError};
use hedgerow_engine::EngineConfig;
use hedgerow_model::{HostTime, Input, Tick, TickSlice};
use hedgerow_ports::{Feed, Journal, SimulatedVenue, StrategyHost};
use std::sync::Arc;

/// Batch size after a strategy acted, doubling while none does.
pub(crate) const AFTER_ACT: usize = 64;
const LARGEST: usize = 1024;

/// Whether strategies can influence each other within a batch: by account, traded instrument or a
/// guard over all. Then batches are of one.
pub(crate) fn coupled(config: &EngineConfig) -> bool {
    let all = &config.strategies;
    let pairs = all.iter().enumerate().flat_map(|(i, a)| all[i + 1..].iter().map(move |b| (a, b)));
    let shared = |(a, b): (&hedgerow_engine::StrategyConfig, &hedgerow_engine::StrategyConfig)| {
        let meets = |(id, account): &(_, _)| {
            b.trades.iter().any(|(other, on)| id == other || account == on)
        };
        a.trades.iter().any(meets)
    };
    (all.len() > 1 && config.host.couples()) || pairs.into_iter().any(shared)
}

impl<F: Feed, V: SimulatedVenue, H: StrategyHost, J: Journal> Driver<F, V, H, J> {
    /// Handles one batch if the next stretch is quiet; `false` when it is not.
    pub(crate) fn try_batch(
        &mut self,
        horizon: HostTime,
        wake: Option<HostTime>,
    ) -> Result<bool, DriverError> {
        let slice = self.feed.peek(self.batch);
        let n = self.quiet_stretch(&slice, (horizon, wake));
        if n == 0 {
            return Ok(false);
        }
        let slice = slice.prefix(n);
        let mut m = n;
        for index in 0..self.instances.len() {
            if let Some(limit) = self.run_ahead(index, &slice) {
                m = m.min(limit);
            }
        }
        self.stats.batches += 1;
        self.handle_quietly(&slice.prefix(m))?;
        let acted = self.settle_answers(m)?;
        self.batch = if acted { AFTER_ACT } else { (self.batch * 2).min(LARGEST) };
        Ok(true)
    }

    /// How many of these ticks come before anything else can happen.
    fn quiet_stretch(
        &mut self,
        slice: &TickSlice,
        (horizon, wake): (HostTime, Option<HostTime>),
    ) -> usize {
        // at equal times a tick (rank 1) comes before a wake-up (rank 2)
        let wake = [wake, self.next_restart()].into_iter().flatten().min();
        let latest = wake.unwrap_or(HostTime::NEVER).min(horizon).as_nanos();
        let (Some(first), Some(last)) = (slice.first(), slice.last()) else { return 0 };
        // late data is stepped through
        if first.recv_ts > latest || first.recv_ts < self.now.as_nanos() {
            return 0;
        }
        // and after a venue's report (rank 0)
        let last = HostTime::from_nanos(last.recv_ts.min(latest));
        let quiet = self.venue.quiet_until(last).as_nanos();
        let n = leading(slice, |recv_ts| recv_ts <= latest && recv_ts < quiet);
        self.engine.quiet_prefix(&slice[..n], &mut self.scan)
    }

    /// Lets a strategy read the stretch; how many ticks it is good for, or nothing if it does not
    /// care.
    fn run_ahead(&mut self, index: usize, slice: &TickSlice) -> Option<usize> {
        let instance = &mut self.instances[index];
        if !instance.is_callable() {
            return None;
        }
        if let Some(pending) = &instance.pending {
            return Some(pending.left);
        }
        if instance.ahead > 0 {
            return Some(instance.ahead);
        }
        let whole = slice.iter().all(|tick| instance.interest.wants(tick));
        let own = if whole { slice.clone() } else { filter(instance, slice) };
        if own.is_empty() {
            instance.ahead = slice.len();
            return Some(slice.len());
        }
        // no more than it can read in the time of one call
        let room = self.host.room_in_loop(instance.strategy).max(1).min(own.len());
        let answer = self.call_market(index, &own.prefix(room));
        let instance = &mut self.instances[index];
        let place_of =
            |nth: usize| if whole { Some(nth) } else { instance.places.get(nth).copied() };
        let read = match room < own.len() {
            true => place_of(room - 1).map_or(slice.len(), |place| place + 1),
            false => slice.len(),
        };
        let left = match &answer {
            // a fault is dated at the first tick that it was shown
            Err(_) if whole => 1,
            Err(_) => instance.places.first().map_or(1, |place| place + 1),
            Ok(called) if called.outcome.intents.is_empty() => read,
            Ok(called) => {
                let last = (called.outcome.consumed as usize).saturating_sub(1);
                place_of(last).map_or(read, |place| place + 1)
            }
        };
        let acted = answer.as_ref().map_or(true, |called| !called.outcome.intents.is_empty());
        if !whole {
            // keep the storage for the next filtered batch
            instance.scratch = own.into_inner();
        }
        if acted {
            instance.pending = Some(Pending { left, answer });
        } else {
            instance.ahead = left;
        }
        Some(left)
    }

    /// The engine and the venue pass over ticks in which nothing may happen.
    fn handle_quietly(&mut self, slice: &TickSlice) -> Result<(), DriverError> {
        self.feed.take(slice.len());
        self.handle(Input::Market(slice));
        if !self.effects.is_quiet() {
            let what = format!("{:?}", self.effects);
            return Err(DriverError::Invariant(format!("effects in a quiet stretch: {what}")));
        }
        self.stats.ticks += slice.len() as u64;
        if let Some(last) = slice.last() {
            self.now = self.now.max(HostTime::from_nanos(last.recv_ts));
            self.venue.advance(self.now);
            if self.venue.next_time().is_some_and(|next| next < self.now) {
                let what = format!("a venue's report before {} in a quiet stretch", self.now);
                return Err(DriverError::Invariant(what));
            }
        }
        Ok(())
    }

    /// After `m` ticks: answers whose tick has come are handled, in the order of strategies.
    pub(crate) fn settle_answers(&mut self, m: usize) -> Result<bool, DriverError> {
        let mut acted = false;
        for index in 0..self.instances.len() {
            let instance = &mut self.instances[index];
            instance.ahead = instance.ahead.saturating_sub(m);
            if let Some(pending) = &mut instance.pending {
                pending.left = pending.left.saturating_sub(m);
                if pending.left == 0 {
                    acted = true;
                    if let Some(pending) = instance.pending.take() {
                        self.handle_answer(index, pending.answer)?;
                    }
                }
            }
        }
        Ok(acted)
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.instances.iter().all(Instance::is_settled)
    }
}

/// How many ticks from the first on are received within something, sought from the near end: often
/// only a few of many.
fn leading(ticks: &[Tick], within: impl Fn(u64) -> bool) -> usize {
    let is = |place: usize| ticks.get(place).is_some_and(|tick| within(tick.recv_ts));
    let (mut known, mut step) = (0, 1);
    while is(known + step - 1) {
        known += step;
        step *= 2;
    }
    let rest = &ticks[known..ticks.len().min(known + step - 1)];
    known + rest.partition_point(|tick| within(tick.recv_ts))
}

/// The ticks of a stretch that a strategy wants, in its own reused storage.
fn filter(instance: &mut Instance, slice: &TickSlice) -> TickSlice {
    let mut storage = std::mem::take(&mut instance.scratch);
    // somebody still holds the last batch: leave it to them
    if Arc::get_mut(&mut storage).is_none() {
        storage = Arc::default();
    }
    instance.places.clear();
    if let Some(ticks) = Arc::get_mut(&mut storage) {
        ticks.clear();
        for (place, tick) in slice.iter().enumerate() {
            if instance.interest.wants(tick) {
                ticks.push(*tick);
                instance.places.push(place);
            }
        }
    }
    TickSlice::new(storage)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wherever the end of it is, it is found.
    #[test]
    fn leading_ticks_are_counted_up_to_the_first_that_is_not_within() {
        for len in 0..40_u64 {
            let at = |recv_ts| Tick { recv_ts, ..Tick::default() };
            let ticks: Vec<Tick> = (0..len).map(at).collect();
            for end in 0..=len {
                assert_eq!(leading(&ticks, |at| at < end) as u64, end, "of {len}");
            }
        }
    }
}
