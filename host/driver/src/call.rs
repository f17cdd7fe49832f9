//! Calling strategies and handling their answers, at once or on threads of their own.

use crate::instance::{Stop, StrategyState};
use crate::mailbox::{Busy, Item};
use crate::{Driver, DriverError};
use hedgerow_model::{
    CallFault, Delivered, Delivery, Event, FaultKind, HostTime, Input, StrategyId, TickSlice,
};
use hedgerow_ports::{Called, Done, Feed, Job, JobKind, Journal, SimulatedVenue, StrategyHost};
use std::sync::Arc;

/// A strategy that gets more events than this without time passing feeds itself, and faults.
const EVENTS_AT_ONE_INSTANT: u32 = 10_000;
/// On a thread of its own time passes all the while: one that acts more often than this wakes
/// itself, and each act is a commit that all others wait for.
pub(crate) const ACTS_PER_S: u32 = 5_000;
/// Events that may wait for a strategy to answer them. One that leaves so many, or makes more with
/// every answer, must not fill the memory. Far above where it may only cancel.
const UNANSWERED_MAX: u64 = 16_384;

impl<F: Feed, V: SimulatedVenue, H: StrategyHost, J: Journal> Driver<F, V, H, J> {
    /// One market call.
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
        let called = self.host.on_market(strategy, mode, ticks)?;
        self.stats.delivered += u64::from(called.outcome.consumed);
        Ok(called)
    }

    /// Something on its way to a strategy. One that is down gets nothing: `resumed` will tell it
    /// all there is.
    pub(crate) fn deliver(&mut self, told: Delivery) -> Result<(), DriverError> {
        let Delivery { strategy, time, what } = told;
        let index = strategy.index();
        let Some(instance) = self.instances.get_mut(index) else { return Ok(()) };
        if !instance.is_callable() || instance.overrun {
            return Ok(());
        }
        let is_event = matches!(what, Delivered::Event(_));
        if is_event && self.engine.unanswered(strategy) > UNANSWERED_MAX {
            return self.overrun(index);
        }
        if self.is_live {
            instance.mailbox.push(time, what);
            return Ok(());
        }
        if !instance.is_settled() {
            let what = format!("{what:?} for a strategy that has read ahead");
            return Err(DriverError::Invariant(what));
        }
        match what {
            Delivered::Event(event) => self.deliver_event(index, time, event),
            Delivered::Ticks(ticks) => self.deliver_ticks(index, ticks),
        }
    }

    /// More waits for it than may: a fault, now or when its call ends, which then counts for
    /// nothing. `resumed` will tell it all there is.
    fn overrun(&mut self, index: usize) -> Result<(), DriverError> {
        let instance = &mut self.instances[index];
        if instance.mailbox.busy.is_some() {
            instance.overrun = true;
            instance.mailbox.clear();
            return Ok(());
        }
        let detail = format!("it leaves more than {UNANSWERED_MAX} events unanswered");
        self.on_fault(index, CallFault { kind: FaultKind::Deadline, detail })
    }

    fn deliver_event(
        &mut self,
        index: usize,
        now: HostTime,
        event: Event,
    ) -> Result<(), DriverError> {
        let instance = &mut self.instances[index];
        let (instant, count) = &mut instance.at_instant;
        *count = if *instant == self.now { count.saturating_add(1) } else { 1 };
        *instant = self.now;
        if *count > EVENTS_AT_ONE_INSTANT {
            let detail = format!("more than {EVENTS_AT_ONE_INSTANT} events at one instant");
            return self.on_fault(index, CallFault { kind: FaultKind::Deadline, detail });
        }
        let mode = self.engine.mode_of(instance.strategy);
        self.begin(index, Job::Event { now, mode, event })?;
        self.commit()
    }

    /// Market data of this moment, until all of it is read.
    fn deliver_ticks(
        &mut self,
        index: usize,
        ticks: Vec<hedgerow_model::Tick>,
    ) -> Result<(), DriverError> {
        let mut rest = TickSlice::new(Arc::new(ticks));
        while !rest.is_empty() && self.instances[index].is_callable() {
            let room = self.host.room_in_loop(self.instances[index].strategy).max(1);
            let part = rest.prefix(rest.len().min(room));
            let answer = self.call_market(index, &part);
            let read = answer.as_ref().map_or(rest.len(), |c| c.outcome.consumed.max(1) as usize);
            self.apply_answer(index, answer, false)?;
            self.commit()?;
            rest = rest.suffix(read);
        }
        Ok(())
    }

    /// Has something done with a strategy's instance: now, or on its thread.
    pub(crate) fn begin(&mut self, index: usize, job: Job) -> Result<(), DriverError> {
        let instance = &mut self.instances[index];
        let strategy = instance.strategy;
        match &job {
            Job::Market { .. } => self.stats.market_calls += 1,
            Job::Event { .. } | Job::Stop { .. } => self.stats.event_calls += 1,
            _ => {}
        }
        if job.kind() == JobKind::Call {
            instance.calls += 1;
        }
        if !self.is_live {
            let done = self.host.run(strategy, job);
            return self.finish(index, Busy::Other, done);
        }
        let (busy, asked) = match &job {
            Job::Market { ticks, .. } => {
                (Busy::Market(ticks.clone()), u32::try_from(ticks.len()).ok())
            }
            Job::Event { .. } | Job::Stop { .. } => (Busy::Other, Some(0)),
            _ => (Busy::Other, None),
        };
        instance.mailbox.busy = Some(busy);
        if let Some(ticks) = asked {
            self.handle(Input::Asked { now: self.now, strategy, ticks });
        }
        self.host.post(strategy, job);
        Ok(())
    }

    /// What became of it, and what waited for that.
    fn finish(&mut self, index: usize, busy: Busy, done: Done) -> Result<(), DriverError> {
        let instance = &self.instances[index];
        if instance.state == StrategyState::Stopped {
            return Ok(()); // it was given up before it answered
        }
        if instance.overrun && matches!(done, Done::Called(_)) {
            return self.overrun(index);
        }
        self.conclude(index, busy, done)?;
        let instance = &self.instances[index];
        if instance.overrun && instance.is_callable() {
            return self.overrun(index);
        }
        self.release_one(index)
    }

    fn conclude(&mut self, index: usize, busy: Busy, done: Done) -> Result<(), DriverError> {
        match done {
            Done::Called(answer) => {
                if let (Ok(called), Busy::Market(ticks)) = (&answer, &busy) {
                    let read = called.outcome.consumed;
                    self.stats.delivered += u64::from(read);
                    self.instances[index].mailbox.put_back(ticks.suffix(read as usize));
                }
                let is_event = matches!(busy, Busy::Other);
                self.apply_answer(index, answer, is_event)?;
                if self.instances[index].stop == Some(Stop::Called) {
                    self.stopped(index);
                }
                Ok(())
            }
            Done::Said(Ok(text)) => {
                self.instances[index].said = Some((self.now, text));
                Ok(())
            }
            Done::Said(Err(fault)) => self.on_fault(index, fault),
            Done::Restarted(result) => self.restarted(index, result),
            Done::Swapped(result) => self.swapped(index, result),
            Done::Reverted(result) => self.reverted(index, result),
        }
    }

    /// Takes the answers that have come, and gives every idle strategy what waits for it. `true`
    /// when anything was done.
    pub(crate) fn tend_mailboxes(&mut self) -> Result<bool, DriverError> {
        let mut any = false;
        while let Some((strategy, done)) = self.host.finished() {
            any = true;
            let index = strategy.index();
            let Some(instance) = self.instances.get_mut(index) else { continue };
            let busy = instance.mailbox.busy.take().unwrap_or(Busy::Other);
            self.finish(index, busy, done)?;
            self.drain()?;
        }
        for index in 0..self.instances.len() {
            any |= self.pump(index)?;
        }
        Ok(any)
    }

    /// The next job of an idle strategy.
    fn pump(&mut self, index: usize) -> Result<bool, DriverError> {
        let instance = &mut self.instances[index];
        if instance.mailbox.busy.is_some() || !instance.is_callable() {
            return Ok(false);
        }
        let room = self.host.room(instance.strategy);
        if room == 0 {
            return Ok(false);
        }
        if let Some(Stop::Wanted(reason)) = instance.stop {
            return self.last_call(index, reason).map(|()| true);
        }
        let mode = self.engine.mode_of(instance.strategy);
        let job = if std::mem::take(&mut instance.ask_status) {
            Some(Job::Status)
        } else {
            instance.mailbox.next(room).map(|item| match item {
                Item::Ticks(ticks) => Job::Market { mode, ticks },
                Item::Event(now, event) => Job::Event { now, mode, event },
            })
        };
        match job {
            Some(job) => self.begin(index, job).map(|()| true),
            None => Ok(false),
        }
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
        let Called { first_order, mode, outcome } = match answer {
            Ok(called) => called,
            Err(fault) => return self.on_fault(index, fault),
        };
        let acted = !outcome.intents.is_empty();
        if self.is_live && acted && !self.instances[index].may_act(now) {
            let detail = format!("it acted more than {ACTS_PER_S} times in a second");
            return self.on_fault(index, CallFault { kind: FaultKind::Deadline, detail });
        }
        if let Err(fault) = self.engine.may_write(now, strategy, &outcome) {
            return self.on_fault(index, fault);
        }
        // on a thread of its own every answer gives credit back; an event is heard by its answer
        if acted || outcome.checkpoint.is_some() || self.is_live || is_event {
            let expected = self.engine.next_order(strategy);
            if first_order != expected {
                let what = format!("order numbers: host {first_order}, engine {expected}");
                return Err(DriverError::Invariant(what));
            }
            let state_version = self.host.state_version(strategy);
            let input = Input::Outcome { now, strategy, first_order, mode, state_version, outcome };
            self.handle(input);
        }
        // counted where batches make no difference: events, and market calls that acted
        if acted || is_event {
            self.count_probation(index);
        }
        Ok(())
    }

    /// One tick: the engine first, then every strategy that has not read it yet.
    pub(crate) fn step_market(&mut self, tick: &TickSlice) -> Result<(), DriverError> {
        self.feed.take(tick.len());
        self.handle(Input::Market(tick));
        self.stats.ticks += tick.len() as u64;
        self.venue.advance(self.now);
        self.drain()?;
        if self.is_live {
            return Ok(()); // the engine has handed it out
        }
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

    /// Asks every strategy for its document; the answers show in the next views.
    pub fn ask_status(&mut self) -> Result<(), DriverError> {
        for index in 0..self.instances.len() {
            let instance = &mut self.instances[index];
            if !instance.is_callable() {
                continue;
            }
            if self.is_live {
                instance.ask_status = true;
            } else if instance.is_settled() {
                self.begin(index, Job::Status)?;
                self.drain()?;
            }
        }
        Ok(())
    }

    /// What a strategy last said of itself, and when.
    pub fn said(&self, strategy: StrategyId) -> Option<(HostTime, &str)> {
        let (at, text) = self.instances.get(strategy.index())?.said.as_ref()?;
        Some((*at, text))
    }
}
