//! An operator's flatten: whatever the mode, what is held of a scope is closed, reduce-only, by
//! plans of the host's own, and tried again until it is done or an operator resumes.
//!
//! - Strategies of the scope may only cancel from then on, their orders go, their plans give up:
//!   nothing is opened beside it.
//! - What stands in the way is given a while to end. What is not known then closes by itself what
//!   it closes: an order of the flatten is never more than what would be left of the position.
//! - What cannot be closed is said, in words, until it can.

use super::modes::is_of;
use crate::{Effects, Engine};
use hedgerow_model::{
    Action, CloseRequest, Duration, Fact, FlattenStep, HostTime, InstrumentId, OrderStatus,
    Quantity, RiskRejection, Scope, Side, SingleOutcome, StrategyId, TradingMode,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long orders and plans that stand in the way are given to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries for one position.
const AGAIN: Duration = Duration::from_secs(5);
/// How soon where there was no market yet to price it by.
const SOON: Duration = Duration::from_millis(200);
/// How long a try lasts where `limits.reduction` does not say.
const TRY_MS: u32 = 10_000;

/// What a strategy holds in an instrument.
type Key = (StrategyId, InstrumentId);

/// One position that is to be closed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    since: HostTime,
    /// Why it cannot be done now.
    why: Option<String>,
}

/// Tries of this process.
#[derive(Clone, Copy, Debug)]
struct Tried {
    /// The newest plan.
    plan: u64,
    not_before: HostTime,
}

/// All positions that are to be closed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flattening {
    wanted: BTreeMap<Key, Wanted>,
    #[serde(skip)]
    tried: BTreeMap<Key, Tried>,
    /// When each is looked at again if nothing happens.
    #[serde(skip)]
    wake: BTreeMap<Key, HostTime>,
}

impl Flattening {
    pub(crate) fn fold(&mut self, time: HostTime, key: Key, step: &FlattenStep) {
        match step {
            FlattenStep::Asked => {
                self.wanted.insert(key, Wanted { since: time, why: None });
            }
            FlattenStep::Waits { why } => {
                if let Some(wanted) = self.wanted.get_mut(&key) {
                    wanted.why = Some(why.clone());
                }
            }
            FlattenStep::Over { .. } => {
                self.wanted.remove(&key);
                self.tried.remove(&key);
                self.wake.remove(&key);
            }
        }
    }

    /// When something is to be looked at again.
    pub(crate) fn next(&self) -> Option<HostTime> {
        self.wake.values().min().copied()
    }
}

/// What is to be done about one position.
enum Next {
    /// A plan is at it, or something else will happen first.
    Wait,
    /// Not before then.
    WaitUntil(HostTime),
    /// It cannot be done now.
    Cannot(String),
    Begin,
    Over(&'static str),
}

impl Engine {
    /// An operator's word: who is meant, what is stopped, what is to be closed.
    pub(super) fn flatten(
        &mut self,
        now: HostTime,
        scope: Scope,
        reason: &str,
        effects: &mut Effects,
    ) {
        let strategies = self.concerned(scope);
        let keys = strategies.iter().flat_map(|strategy| {
            self.held_in(*strategy, scope).into_iter().map(|instrument| (*strategy, instrument))
        });
        let keys: Vec<Key> = keys.filter(|key| !self.is_all_over(*key)).collect();
        for (strategy, instrument) in keys.iter().copied() {
            let step = FlattenStep::Asked;
            self.record(now, Fact::Flatten { strategy, instrument, step }, effects);
        }
        let mode = TradingMode::CancelOnly;
        if self.modes.of(scope) < mode {
            self.set_mode(now, scope, mode, format!("operator: flatten: {reason}"), effects);
        }
        for (strategy, instrument) in keys {
            self.end_orders_in(now, strategy, Some(instrument), effects);
            let mine = self.plans.flattens(strategy, instrument);
            let others = self.plans.live(|slot| slot.trades(instrument) && !slot.has_given_up());
            let others = others.into_iter().filter(|key| key.0 == strategy && Some(key.1) != mine);
            for key in others {
                self.give_up_plan(now, key, effects);
            }
        }
    }

    /// After whatever happened: what is to be closed goes on.
    pub(crate) fn flattening_goes_on(&mut self, effects: &mut Effects) {
        let now = self.now;
        for key in self.plans.flattening.wanted.keys().copied().collect::<Vec<_>>() {
            let wake = match self.next_of_flatten(now, key) {
                Next::Wait => None,
                Next::WaitUntil(until) => Some(until),
                Next::Cannot(why) => {
                    self.cannot_flatten(now, key, why, effects);
                    Some(now.after(AGAIN))
                }
                Next::Begin => {
                    self.try_to_flatten(now, key, effects);
                    let tried = self.plans.flattening.tried.get(&key);
                    Some(tried.map_or(now.after(AGAIN), |tried| tried.not_before))
                }
                Next::Over(why) => {
                    self.end_flatten(now, key, why, effects);
                    None
                }
            };
            match wake {
                Some(at) => self.plans.flattening.wake.insert(key, at),
                None => self.plans.flattening.wake.remove(&key),
            };
        }
    }

    fn next_of_flatten(&self, now: HostTime, key: Key) -> Next {
        let (strategy, instrument) = key;
        let owner = self.strategies.get(strategy.index());
        let holding = owner.and_then(|slot| slot.holding(instrument));
        let spec = self.config.instrument(instrument);
        let (Some(holding), Some(spec)) = (holding, spec) else {
            return Next::Over("it is not traded here any more");
        };
        let mode = self.mode_at(strategy, holding.account, instrument);
        if mode.permits(Action::StrategyReduces) {
            return Next::Over("an operator lets it go on");
        }
        // what is not reconciled says so by itself, and goes on when it is
        let waits = self.plans.held || !self.is_reconciled(holding.account);
        if waits || self.plans.flattens(strategy, instrument).is_some() {
            return Next::Wait;
        }
        if self.is_all_over(key) {
            return Next::Over("nothing is held");
        }
        let Some(wanted) = self.plans.flattening.wanted.get(&key) else { return Next::Wait };
        let patient = wanted.since.after(PATIENCE);
        if now < patient && self.is_in_the_way(key) {
            return Next::WaitUntil(patient);
        }
        let tried = self.plans.flattening.tried.get(&key);
        if let Some(until) = tried.map(|tried| tried.not_before).filter(|until| now < *until) {
            return Next::WaitUntil(until);
        }
        let held = holding.position.quantity;
        if held.is_zero() {
            return Next::Cannot("what became of an order of it is not known".into());
        }
        let side = if held.is_positive() { Side::Sell } else { Side::Buy };
        let others = holding.open(side);
        if others > 0 && held.abs().units().saturating_sub(others) < spec.min_quantity.units() {
            return Next::Cannot("orders that may close it have not ended".into());
        }
        Next::Begin
    }

    /// Whether nothing is held, and nothing is under way that could change that.
    fn is_all_over(&self, (strategy, instrument): Key) -> bool {
        let Some(slot) = self.strategies.get(strategy.index()) else { return true };
        let mut orders = slot.orders.values().map(|known| &known.order);
        let replaces = self.waiting_replacements(strategy).any(|o| o.instrument == instrument);
        slot.position(instrument).is_zero()
            && !orders.any(|order| order.request.instrument == instrument)
            && !replaces
            && !self.plans.is_busy(strategy, &[instrument])
    }

    /// Whether others' orders and plans are still at work: with them less could be closed.
    fn is_in_the_way(&self, (strategy, instrument): Key) -> bool {
        let slot = self.strategies.get(strategy.index());
        let orders = slot.into_iter().flat_map(|slot| slot.orders.values());
        let mut mine = orders.filter(|known| known.order.request.instrument == instrument);
        mine.any(|known| known.order.status != OrderStatus::Unknown)
            || self.plans.is_pair_at_work(strategy, instrument)
    }

    fn try_to_flatten(&mut self, now: HostTime, key: Key, effects: &mut Effects) {
        let plan = self.next_host_plan(now, key.0);
        // what the last try came to, before it is tried once more
        let last =
            self.plans.flattening.tried.get(&key).and_then(|tried| self.came_to(key, tried.plan));
        if let Some(why) = last {
            self.cannot_flatten(now, key, why, effects);
        }
        let begun = self.begin_flatten_of(now, key, plan, effects);
        // a market that is only about to be told is waited for, no longer than that takes
        let no_market = matches!(begun, Err(RiskRejection::NoMarket));
        let pause = if no_market { SOON } else { AGAIN };
        self.plans.flattening.tried.insert(key, Tried { plan, not_before: now.after(pause) });
        if let Err(reason) = begun {
            let why = self.refusal_in_words(key.1, &reason);
            self.cannot_flatten(now, key, why, effects);
        }
    }

    /// Why a try that is over did not close all.
    fn came_to(&self, (strategy, _): Key, plan: u64) -> Option<String> {
        let result = self.plans.single(&(strategy, plan))?.result.as_ref()?;
        match &result.outcome {
            SingleOutcome::Partly { why } | SingleOutcome::Unfilled { why } => Some(why.clone()),
            _ => None,
        }
    }

    /// As far as plans of guards may reach; where that is not said, as far as orders may.
    fn begin_flatten_of(
        &mut self,
        now: HostTime,
        (strategy, instrument): Key,
        plan: u64,
        effects: &mut Effects,
    ) -> Result<(), RiskRejection> {
        let owner = self.strategies.get(strategy.index());
        let collar = owner.map_or(0, |slot| slot.limits.collar_bps).min(9_999);
        let budget = self.config.host.reduction;
        let (bps, timeout_ms) =
            budget.map_or((collar, TRY_MS), |budget| (budget.emergency_bps, budget.deadline_ms));
        let request = CloseRequest { timeout_ms, ..CloseRequest::new(instrument, bps) };
        self.begin_flatten(now, (strategy, plan), request, effects)
    }

    /// Told once for each reason.
    fn cannot_flatten(
        &mut self,
        now: HostTime,
        (strategy, instrument): Key,
        why: String,
        effects: &mut Effects,
    ) {
        let wanted = self.plans.flattening.wanted.get(&(strategy, instrument));
        if wanted.is_some_and(|wanted| wanted.why.as_ref() != Some(&why)) {
            let step = FlattenStep::Waits { why };
            self.record(now, Fact::Flatten { strategy, instrument, step }, effects);
        }
    }

    fn end_flatten(
        &mut self,
        now: HostTime,
        (strategy, instrument): Key,
        why: &str,
        effects: &mut Effects,
    ) {
        if let Some(plan) = self.plans.flattens(strategy, instrument) {
            self.give_up_plan(now, (strategy, plan), effects);
        }
        let step = FlattenStep::Over { why: why.into() };
        self.record(now, Fact::Flatten { strategy, instrument, step }, effects);
    }

    /// An operator who halts a scope after a flatten of it ends that too: whoever wants it then
    /// asks for it again.
    pub(super) fn end_flattens_in(&mut self, now: HostTime, scope: Scope, effects: &mut Effects) {
        let meant = |(strategy, instrument): &Key| {
            let account = self.account_of(*strategy, *instrument);
            let theirs = matches!(scope, Scope::Strategy(other) if other != *strategy);
            !theirs && account.is_some_and(|account| is_of(scope, account, *instrument))
        };
        let keys: Vec<Key> = self.plans.flattening.wanted.keys().copied().filter(meant).collect();
        for key in keys {
            self.end_flatten(now, key, "an operator halted it", effects);
        }
    }

    /// What is to be closed and is not, one sentence each.
    #[must_use]
    pub fn flattening_in_words(&self) -> Vec<String> {
        let told = self.plans.flattening.wanted.iter().map(|((strategy, instrument), wanted)| {
            let held = self.strategies.get(strategy.index());
            let held = held.map_or(Quantity::ZERO, |slot| slot.position(*instrument));
            let (name, held) = self.in_words(*instrument, held);
            let of = self.scope_in_words(Scope::Strategy(*strategy));
            match &wanted.why {
                Some(why) => format!("{of}: {held} in {name} cannot be flattened: {why}"),
                None => format!("{of}: {held} in {name} is being flattened"),
            }
        });
        told.collect()
    }
}
