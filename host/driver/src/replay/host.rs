//! Strategies of a replay: called for real, answers in the order of the recording.

use super::script::{Aim, Shared};
use super::words::Words;
use hedgerow_model::{
    CallFault, Fact, FaultKind, Input, Intent, Outcome, PluginStep, StrategyId, TickSlice,
    TradingMode,
};
use hedgerow_ports::{Called, Done, Job, JobKind, Recording, StrategyHost};
use std::collections::BTreeMap;

/// A host whose answers come when the recording says so.
pub struct ReplayHost<R, H> {
    script: Shared<R>,
    inner: H,
    aim: Aim,
    is_live: bool,
    posted: BTreeMap<StrategyId, Job>,
    words: Words,
}

impl<R: Recording, H: StrategyHost> ReplayHost<R, H> {
    pub(super) fn new(script: Shared<R>, inner: H, aim: Aim, words: Words) -> Self {
        let is_live = script.borrow().is_live();
        Self { script, inner, aim, is_live, posted: BTreeMap::new(), words }
    }

    /// What a strategy wants, in words.
    pub(super) fn words(&self, intents: &[Intent]) -> String {
        self.words.of(intents)
    }

    /// The host behind it.
    pub fn inner_mut(&mut self) -> &mut H {
        &mut self.inner
    }

    fn is_tested(&self, strategy: StrategyId) -> bool {
        self.aim == Aim::Compare(strategy)
    }

    /// A fault that was recorded and comes next: it may have been the clock's.
    fn fault_of(&self, whose: StrategyId) -> Option<CallFault> {
        let mut script = self.script.borrow_mut();
        let fault = match script.input()? {
            Input::Fault { strategy, fault, .. } if *strategy == whose => fault.clone(),
            _ => return None,
        };
        script.taken();
        Some(fault)
    }

    /// The answer of the strategy under test against the recorded one. The same intents: the run
    /// goes on as it was recorded.
    fn judge(&mut self, strategy: StrategyId, called: Called) -> Called {
        let mut script = self.script.borrow_mut();
        if !self.is_tested(strategy) || script.is_over() {
            return called;
        }
        if script.next().is_none() {
            return called; // it ends in the middle of what follows from its last input
        }
        let quiet = called.outcome.intents.is_empty() && called.outcome.consumed > 0;
        if !self.is_live && quiet {
            // the next recorded answer may be that of a later call; if this one never gives it, the
            // recording goes on with it and nothing follows
            return called;
        }
        let recorded = script.outcome_of(strategy).cloned();
        let was = recorded.as_ref().map_or(&[][..], |outcome| &outcome.intents);
        // on a thread of its own it read so many ticks, and what it did not read came again
        let read = self.is_live.then_some(called.outcome.consumed);
        let read_as_many = |outcome: &Outcome| read.is_none_or(|read| outcome.consumed == read);
        let as_far = recorded.as_ref().is_none_or(read_as_many);
        if was == called.outcome.intents && !as_far {
            script.differ("it wants the same, at another tick");
            return called;
        }
        if was != called.outcome.intents {
            let (was, is) = (self.words.of(was), self.words.of(&called.outcome.intents));
            script.differ(format!("recorded, it wanted {was}; this one wants {is}"));
            return called;
        }
        self.words.see(was);
        match recorded {
            Some(outcome) => Called { outcome, ..called },
            None => called,
        }
    }

    fn judged(
        &mut self,
        strategy: StrategyId,
        answer: Result<Called, CallFault>,
    ) -> Result<Called, CallFault> {
        answer.map(|called| self.judge(strategy, called))
    }

    /// Where the recorded component failed or was replaced, there is nothing to compare any more.
    fn end_of_comparison(&self, strategy: StrategyId, job: &Job) -> Option<Done> {
        let mut script = self.script.borrow_mut();
        let instead = job.kind() != JobKind::Call && job.kind() != JobKind::Status;
        if !instead || !self.is_tested(strategy) || script.is_free() {
            return None;
        }
        script.end("here the recorded run restarted or replaced this component");
        let detail = "the comparison ends here".into();
        Some(job.kind().failed(CallFault { kind: FaultKind::Init, detail }))
    }

    /// A swap that was refused may have been refused by the clock: that is taken as it was.
    fn refusal_of(&self, whose: StrategyId, job: &Job) -> Option<Done> {
        if job.kind() != JobKind::Swap {
            return None;
        }
        let mut script = self.script.borrow_mut();
        let Input::Note { fact, .. } = script.input()? else { return None };
        let Fact::Plugin { strategy, step: PluginStep::Failed, detail, .. } = &**fact else {
            return None;
        };
        let fault = FaultKind::ALL.into_iter().find_map(|kind| {
            let detail = detail.strip_prefix(&format!("{kind}: "))?.to_owned();
            Some(CallFault { kind, detail })
        });
        let refused = (*strategy == whose).then_some(fault).flatten()?;
        script.taken();
        Some(Done::Swapped(Err(refused)))
    }

    /// Whether the recording goes on with what follows from this job.
    fn is_due(&self, whose: StrategyId, job: &Job) -> bool {
        let script = self.script.borrow();
        if script.is_free() {
            return true;
        }
        let Some(next) = script.of_this_turn() else { return false };
        let calls = job.kind() == JobKind::Call;
        match next {
            Input::Fault { strategy, .. } => *strategy == whose,
            Input::Outcome { strategy, .. } => *strategy == whose && calls,
            Input::Start { strategy, .. } | Input::Quarantine { strategy, .. } => {
                *strategy == whose && !calls
            }
            Input::Note { fact, .. } => match &**fact {
                Fact::Checkpoint { strategy, .. } | Fact::CheckpointDropped { strategy, .. } => {
                    *strategy == whose && !calls
                }
                Fact::Plugin { strategy, step, .. } => {
                    let follows = matches!(
                        step,
                        PluginStep::Swapped | PluginStep::Failed | PluginStep::RolledBack
                    );
                    *strategy == whose && !calls && follows
                }
                _ => false,
            },
            _ => false,
        }
    }
}

impl<R: Recording, H: StrategyHost> StrategyHost for ReplayHost<R, H> {
    fn on_market(
        &mut self,
        strategy: StrategyId,
        mode: TradingMode,
        ticks: &TickSlice,
    ) -> Result<Called, CallFault> {
        if let Some(fault) = self.fault_of(strategy) {
            return Err(fault);
        }
        let answer = self.inner.on_market(strategy, mode, ticks);
        self.judged(strategy, answer)
    }

    fn run(&mut self, strategy: StrategyId, job: Job) -> Done {
        if let Some(fault) = self.fault_of(strategy) {
            return job.kind().failed(fault);
        }
        let taken = self.end_of_comparison(strategy, &job);
        if let Some(done) = taken.or_else(|| self.refusal_of(strategy, &job)) {
            return done;
        }
        match self.inner.run(strategy, job) {
            Done::Called(answer) => Done::Called(self.judged(strategy, answer)),
            done => done,
        }
    }

    fn post(&mut self, strategy: StrategyId, job: Job) {
        self.posted.insert(strategy, job);
    }

    fn room(&self, whose: StrategyId) -> usize {
        let script = self.script.borrow();
        match script.of_this_turn() {
            Some(Input::Asked { strategy, ticks, .. }) if *strategy == whose => {
                usize::try_from(*ticks).unwrap_or(usize::MAX).max(1)
            }
            _ if script.is_free() => self.inner.room(whose),
            _ => 0,
        }
    }

    fn room_in_loop(&self, whose: StrategyId) -> usize {
        self.inner.room_in_loop(whose)
    }

    fn finished(&mut self) -> Option<(StrategyId, Done)> {
        {
            let script = self.script.borrow();
            if script.is_over() && !script.is_free() {
                return None; // nothing that was recorded is passed over any more
            }
        }
        let due = self.posted.iter().find(|(strategy, job)| self.is_due(**strategy, job));
        if let Some(strategy) = due.map(|(strategy, _)| *strategy) {
            let job = self.posted.remove(&strategy)?;
            return Some((strategy, self.run(strategy, job)));
        }
        // a fault of nothing that was asked: of `status`
        let asker = match self.script.borrow().of_this_turn() {
            Some(Input::Fault { strategy, .. }) => *strategy,
            _ => return None,
        };
        let fault = self.fault_of(asker)?;
        self.posted.remove(&asker);
        Some((asker, Done::Said(Err(fault))))
    }

    fn next_order(&self, whose: StrategyId) -> u64 {
        match self.script.borrow().input() {
            Some(Input::Fault { strategy, next_order, .. }) if *strategy == whose => *next_order,
            _ => self.inner.next_order(whose),
        }
    }

    fn state_version(&self, whose: StrategyId) -> u32 {
        match self.script.borrow().input() {
            Some(Input::Outcome { strategy, state_version, .. })
                if *strategy == whose && self.is_tested(whose) =>
            {
                *state_version
            }
            _ => self.inner.state_version(whose),
        }
    }

    fn accept(&mut self, strategy: StrategyId) {
        self.inner.accept(strategy);
    }
}
