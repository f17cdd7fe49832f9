//! Calling strategies and handling their answers.

use crate::{Driver, DriverError};
use hedgerow_engine::Input;
use hedgerow_model::{
    CallFault, DeliverEvent, Event, FaultKind, HostTime, InstrumentId, Tick, TickSlice,
};
use hedgerow_ports::{Called, Feed, Journal, SimulatedVenue, StrategyHost};
use std::sync::Arc;

/// A strategy that gets more events than this without time passing feeds itself, and faults.
const EVENTS_AT_ONE_INSTANT: u32 = 10_000;

impl<F: Feed, V: SimulatedVenue, H: StrategyHost, J: Journal> Driver<F, V, H, J> {
    /// One market call. An answer that acts without a checkpoint is given the state of this moment.
    pub(crate) fn call_market(
        &mut self,
        index: usize,
        ticks: &TickSlice,
    ) -> Result<Called, CallFault> {
        let instance = &mut self.instances[index];
        instance.calls += 1;
        self.stats.market_calls += 1;
        let strategy = instance.strategy;
        let mode = self.engine.mode_of(strategy);
        let mut called = self.host.on_market(strategy, mode, ticks)?;
        self.stats.delivered += u64::from(called.outcome.consumed);
        self.complete_checkpoint(index, &mut called)?;
        Ok(called)
    }

    fn complete_checkpoint(&mut self, index: usize, called: &mut Called) -> Result<(), CallFault> {
        let outcome = &mut called.outcome;
        if !outcome.intents.is_empty() && outcome.checkpoint.is_none() {
            outcome.checkpoint = Some(self.host.save(self.instances[index].strategy)?.data);
        }
        Ok(())
    }

    /// An event on its way: called, and the answer handled.
    pub(crate) fn deliver(&mut self, event: &DeliverEvent) -> Result<(), DriverError> {
        let index = event.strategy.index();
        let Some(instance) = self.instances.get_mut(index) else {
            return Ok(());
        };
        if !instance.is_callable() {
            // it is down; `resumed` will tell it all there is, but for timers that are over
            if let Event::Timer(id) = event.event {
                instance.missed_timers.push(id);
            }
            return Ok(());
        }
        if !instance.is_settled() {
            let what = format!("{:?} for a strategy that has read ahead", event.event);
            return Err(DriverError::Invariant(what));
        }
        instance.calls += 1;
        let (instant, count) = &mut instance.at_instant;
        *count = if *instant == self.now { count.saturating_add(1) } else { 1 };
        *instant = self.now;
        if *count > EVENTS_AT_ONE_INSTANT {
            let detail = format!("more than {EVENTS_AT_ONE_INSTANT} events at one instant");
            return self.on_fault(index, CallFault { kind: FaultKind::Deadline, detail });
        }
        self.stats.event_calls += 1;
        let mode = self.engine.mode_of(event.strategy);
        let answer = self.host.on_event(event.strategy, event.time, mode, &event.event);
        let answer = answer.and_then(|mut called| {
            self.complete_checkpoint(index, &mut called)?;
            Ok(called)
        });
        self.apply_answer(index, answer, true)?;
        self.commit()
    }

    /// Handles an answer and all that follows from it.
    pub(crate) fn handle_answer(
        &mut self,
        index: usize,
        answer: Result<Called, CallFault>,
    ) -> Result<(), DriverError> {
        self.apply_answer(index, answer, false)?;
        self.drain()
    }

    fn apply_answer(
        &mut self,
        index: usize,
        answer: Result<Called, CallFault>,
        is_event: bool,
    ) -> Result<(), DriverError> {
        let (now, strategy) = (self.now, self.instances[index].strategy);
        match answer {
            Ok(called) => {
                let Called { first_order, outcome } = called;
                let acted = !outcome.intents.is_empty();
                if acted || outcome.checkpoint.is_some() {
                    let expected = self.engine.next_order(strategy);
                    if first_order != expected {
                        let what = format!("order numbers: host {first_order}, engine {expected}");
                        return Err(DriverError::Invariant(what));
                    }
                    let state_version = self.host.state_version(strategy);
                    let input =
                        Input::Outcome { now, strategy, first_order, state_version, outcome };
                    self.engine.handle(input, &mut self.effects);
                }
                // counted where batches make no difference: events, and market calls that acted
                if acted || is_event { self.count_probation(index) } else { Ok(()) }
            }
            Err(fault) => self.on_fault(index, fault),
        }
    }

    /// One tick: the engine first, then every strategy that has not read it yet.
    pub(crate) fn step_market(&mut self, tick: &TickSlice) -> Result<(), DriverError> {
        self.feed.take(1);
        self.engine.handle(Input::Market(tick), &mut self.effects);
        self.stats.ticks += 1;
        self.venue.advance(self.now);
        self.drain()?;
        for index in 0..self.instances.len() {
            let instance = &mut self.instances[index];
            if instance.ahead > 0 {
                instance.ahead -= 1;
                continue;
            }
            if let Some(pending) = &mut instance.pending {
                pending.left -= 1;
                if pending.left == 0
                    && let Some(pending) = instance.pending.take()
                {
                    self.handle_answer(index, pending.answer)?;
                }
                continue;
            }
            let wanted = tick.first().is_some_and(|tick| instance.interest.wants(tick));
            if wanted && instance.is_callable() {
                let answer = self.call_market(index, tick);
                self.handle_answer(index, answer)?;
            }
        }
        Ok(())
    }

    /// Shows a strategy that starts the markets as they stand.
    pub(crate) fn deliver_snapshots(&mut self, index: usize) -> Result<(), DriverError> {
        let instance = &self.instances[index];
        let now = self.now.as_nanos();
        let interest = instance.interest.clone();
        let mut ticks: Vec<Tick> = Vec::new();
        for id in interest.instruments() {
            let known = self.engine.snapshot_ticks(id).into_iter();
            ticks.extend(known.filter(|t| interest.wants(t)).map(|t| Tick { recv_ts: now, ..t }));
        }
        let mut rest = TickSlice::new(Arc::new(ticks));
        while !rest.is_empty() && self.instances[index].is_callable() {
            let answer = self.call_market(index, &rest);
            let read = answer.as_ref().map_or(rest.len(), |c| c.outcome.consumed.max(1) as usize);
            self.handle_answer(index, answer)?;
            rest = rest.suffix(read);
        }
        Ok(())
    }

    /// After `resumed`: which of its instruments' data is not well, and timers it missed.
    pub(crate) fn tell_troubles(&mut self, index: usize) -> Result<(), DriverError> {
        let (now, strategy) = (self.now, self.instances[index].strategy);
        let ids: Vec<InstrumentId> = self.instances[index].interest.instruments().collect();
        for instrument in ids {
            if let Some(status) = self.engine.market_trouble(instrument) {
                let event = Event::Market { instrument, status };
                self.effects.deliveries.push_back(DeliverEvent { strategy, time: now, event });
            }
        }
        for id in std::mem::take(&mut self.instances[index].missed_timers) {
            let event = Event::Timer(id);
            self.effects.deliveries.push_back(DeliverEvent { strategy, time: now, event });
        }
        self.drain()
    }

    pub(crate) fn time(&self) -> HostTime {
        self.now
    }
}
