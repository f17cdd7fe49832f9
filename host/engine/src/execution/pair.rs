//! The pair: two legs opened or closed together. One rule book, applied to what is known whenever
//! something happened; it sends at most one order per leg at a time, and none while the outcome of
//! another order of the plan is not known.
//!
//! - A leg is what its fills say. While an order lives, or its outcome is unknown, nothing is
//!   decided.
//! - Legs equal to less than a step: the plan has ended, balanced or flat.
//! - Otherwise the shorter leg is completed with a wider limit, so often and so long as the plan
//!   allows; then an open takes back what is too much of the longer leg, reduce-only. A close
//!   only completes: it never opens again.
//! - A leg that makes is in a file of its own (`make.rs`); when it is over, what is left is
//!   completed or taken back like everything else.
//! - When that does not succeed either, the plan is stuck: an alarm, and nothing new is opened
//!   until an operator has looked.

use super::left::LESS;
use super::single::CANCEL_AGAIN;
use super::{PlanKey, PlanSlot};
use crate::terms::whole_lots_of;
use crate::{Effects, Engine};
use hedgerow_model::{
    Action, Duration, Give, HostTime, PairKind, PairOutcome, PairPhase, PlanStep, Price, Purpose,
    Quantity, Scope, TradingMode,
};

/// How long it is waited before another try, when the last one brought nothing.
pub(super) const PAUSE: Duration = Duration::from_millis(100);
/// How long taking back is tried where it is not tries that fail but the market that is missing.
const UNWIND: Duration = Duration::from_secs(30);

/// An order that a plan needs next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) leg: u8,
    pub(super) purpose: Purpose,
    pub(super) quantity: Quantity,
    pub(super) price: Asked,
}

/// At which price.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    /// This one: it rests there.
    At(Price),
    /// What it takes, reaching so far.
    Reaching(Give),
}

/// What is to be done about a plan.
pub(super) enum Next {
    Wait(HostTime),
    Send(Wanted),
    /// The order of this number is canceled.
    Cancel(u64),
    Enter(PairPhase),
    /// One leg is held alone for long.
    Alarm,
    End(PairOutcome),
}

impl Engine {
    /// Does whatever follows from what is known now, until there is something to wait for.
    pub(crate) fn go_on(&mut self, now: HostTime, key: PlanKey, effects: &mut Effects) {
        if self.plans.held {
            return;
        }
        // each round ends a phase or uses up a try: there are not many
        for _ in 0..256 {
            let Some(slot) = self.plans.pair(&key) else { return };
            match self.next_of(now, key, slot) {
                Next::Wait(wake) => {
                    if let Some(slot) = self.plans.pair_mut(&key) {
                        slot.wake = wake;
                    }
                    return;
                }
                Next::Send(wanted) => self.send_wanted(now, key, wanted, effects),
                Next::Cancel(number) => {
                    self.cancel(now, key.0, number, effects);
                    if let Some(slot) = self.plans.pair_mut(&key) {
                        slot.canceled = Some((number, now));
                    }
                }
                Next::Enter(phase) => {
                    self.plan_fact(now, key, PlanStep::Phase(phase), effects);
                    self.tell_plan(now, key, effects);
                }
                Next::Alarm => {
                    let why = format!("plan {} holds one leg alone for long", key.1);
                    self.latch(now, key.0, TradingMode::ReduceOnly, why, effects);
                }
                Next::End(outcome) => return self.end_plan(now, key, outcome, effects),
            }
        }
    }

    fn next_of(&self, now: HostTime, key: PlanKey, slot: &PlanSlot) -> Next {
        match self.rule(now, key, slot) {
            Next::Wait(wake) => self.wait_or_tell(now, key, slot, wake),
            next => next,
        }
    }

    fn rule(&self, now: HostTime, key: PlanKey, slot: &PlanSlot) -> Next {
        if slot.phase == PairPhase::Ended {
            // a late fill of an ended plan: what it brought is taken back
            let told = slot.result.is_some() && !slot.is_stuck();
            let nothing_left = slot.plan.kind == PairKind::Close && self.is_done(slot);
            let came = told && !slot.is_level() && !nothing_left;
            let reopens = came && !self.is_residual_delivered(slot);
            let outcome = slot.result.as_ref().map(|result| &result.outcome);
            // what was balanced with a part of both may be closed whole by now
            let closed = nothing_left && outcome == Some(&PairOutcome::Balanced);
            let settles = slot.is_level() && slot.is_stuck() || closed;
            return match (reopens, settles) {
                (true, _) => Next::Enter(PairPhase::Unwinding),
                (_, true) => Next::End(self.level_outcome(slot)),
                _ => Next::Wait(HostTime::NEVER),
            };
        }
        if slot.phase == PairPhase::Making {
            return self.make(now, key, slot);
        }
        if self.has_live_orders(key) || !self.is_told_of(slot) {
            return Next::Wait(HostTime::NEVER);
        }
        match slot.phase {
            PairPhase::Opening => self.after_first(now, key, slot),
            PairPhase::Completing => self.complete(now, key, slot),
            _ => self.unwind(now, key, slot),
        }
    }

    /// Whether both venues have told what there is since this process began.
    fn is_told_of(&self, slot: &PlanSlot) -> bool {
        let mut accounts = slot.plan.legs.iter().map(|leg| leg.account);
        accounts.all(|id| self.is_reconciled(id) || self.truth.told.contains(&id))
    }

    /// Whether the venue of a leg has told what there is since it was last away.
    fn is_leg_known(&self, slot: &PlanSlot, leg: u8) -> bool {
        let planned = slot.plan.legs.get(usize::from(leg));
        planned.is_some_and(|leg| self.is_reconciled(leg.account))
    }

    /// The first orders are over; with one leg first, the other follows for what was filled.
    fn after_first(&self, now: HostTime, key: PlanKey, slot: &PlanSlot) -> Next {
        if let Some(first) = slot.plan.first {
            let sent = slot.orders.values().any(|(leg, _)| *leg != first);
            let denied = slot.denied.is_some();
            if !sent && !denied && !slot.is_level() && self.may_complete(now, key, slot) {
                if !self.is_leg_known(slot, 1 - first) {
                    return Next::Wait(slot.plan.deadline);
                }
                let following = slot.plan.legs.get(usize::from(1 - first));
                let whole = following.map_or(Quantity::ZERO, |leg| leg.target);
                return match self.missing(slot, 1 - first).map(|missing| missing.min(whole)) {
                    Some(quantity) => Next::Send(Wanted {
                        leg: 1 - first,
                        purpose: Purpose::First,
                        quantity,
                        price: Asked::Reaching(slot.plan.request.first),
                    }),
                    None => Next::Enter(PairPhase::Completing),
                };
            }
        }
        if self.is_done(slot) {
            return Next::End(self.level_outcome(slot));
        }
        Next::Enter(PairPhase::Completing)
    }

    fn is_done(&self, slot: &PlanSlot) -> bool {
        match slot.plan.kind {
            // an open may end smaller than planned
            PairKind::Open => slot.is_level(),
            // less than a lot of now cannot be closed: it stays
            PairKind::Close => (0..2).all(|leg| self.left_to_close(slot, leg).is_none()),
        }
    }

    fn level_outcome(&self, slot: &PlanSlot) -> PairOutcome {
        let nothing = slot.legs.iter().all(|leg| leg.filled == 0);
        let flat = match slot.plan.kind {
            PairKind::Open => nothing,
            PairKind::Close => self.is_done(slot),
        };
        // one leg is left alone with less than an order can be: nobody can close that by an order
        let alone =
            flat && !nothing && !slot.rests_level() && (0..2).any(|leg| self.has_rest(slot, leg));
        match (alone, flat) {
            (true, _) => PairOutcome::Stuck { why: LESS.into() },
            (false, true) => PairOutcome::Flat,
            (false, false) => PairOutcome::Balanced,
        }
    }

    /// Whether an open may still be completed: in time, permitted, and still worth it where the
    /// plan says what it must be worth.
    pub(super) fn may_complete(&self, now: HostTime, key: PlanKey, slot: &PlanSlot) -> bool {
        let late = now >= slot.plan.deadline || slot.given_up;
        match slot.plan.kind {
            PairKind::Close => !late,
            PairKind::Open => {
                !late && self.mode_of_pair(key.0, &slot.plan).permits(Action::PlanCompletes)
            }
        }
    }

    fn complete(&self, now: HostTime, key: PlanKey, slot: &PlanSlot) -> Next {
        if self.is_done(slot) {
            return Next::End(self.level_outcome(slot));
        }
        let over = slot.tries >= slot.plan.request.tries
            || !self.may_complete(now, key, slot)
            || self.cannot_be_completed(key, slot);
        let last = Next::Enter(PairPhase::Unwinding);
        if over {
            return last;
        }
        if let Some(wait) = self.pause(now, slot) {
            return Next::Wait(wait.min(slot.plan.deadline));
        }
        let price = Asked::Reaching(slot.plan.request.hedge);
        match self.shorter(slot) {
            Some((leg, _)) if !self.is_leg_known(slot, leg) => Next::Wait(slot.plan.deadline),
            Some((leg, _)) if !self.is_worth_completing(now, slot, leg) => last,
            Some((leg, quantity)) => {
                Next::Send(Wanted { leg, purpose: Purpose::Complete, quantity, price })
            }
            None => match self.waits_for_delivery(slot) {
                Some(until) => Next::Wait(until.min(slot.plan.deadline)),
                None => last,
            },
        }
    }

    fn unwind(&self, now: HostTime, key: PlanKey, slot: &PlanSlot) -> Next {
        if self.is_done(slot) {
            return Next::End(self.level_outcome(slot));
        }
        if let Some(until) = self.waits_for_delivery(slot) {
            return Next::Wait(until);
        }
        let (repair, purpose) = match slot.plan.kind {
            PairKind::Open => (self.longer(slot), Purpose::TakeBack),
            PairKind::Close => (self.shorter(slot), Purpose::Complete),
        };
        let stuck = |why: &str| Next::End(PairOutcome::Stuck { why: why.into() });
        if !self.mode_of_pair(key.0, &slot.plan).permits(Action::PlanUnwinds) {
            return stuck("the mode forbids to take it back");
        }
        let over = now >= slot.entered.after(UNWIND);
        if repair.is_some_and(|(leg, _)| !self.is_leg_known(slot, leg)) {
            // neither a try nor its time is used up while nobody can know
            return Next::Wait(HostTime::NEVER);
        }
        if slot.tries >= slot.plan.request.tries || over {
            if slot.plan.kind == PairKind::Close && slot.is_level() {
                return Next::End(PairOutcome::Balanced); // less than all of both is closed
            }
            return stuck(slot.denied.as_deref().unwrap_or("no try brought the legs together"));
        }
        if let Some(wait) = self.pause(now, slot) {
            return Next::Wait(wait);
        }
        if let Some(next) = self.clears_the_way(now, key, (slot, repair)) {
            return next;
        }
        let price = Asked::Reaching(slot.plan.request.emergency);
        let wanted = repair.map(|(leg, quantity)| Wanted { leg, purpose, quantity, price });
        wanted.map_or_else(|| stuck(LESS), Next::Send)
    }

    /// The strategy's own resting orders on the side of what is taken back or closed reduce the
    /// same position: where with them it could not be reduce-only, they go first.
    fn clears_the_way(
        &self,
        now: HostTime,
        key: PlanKey,
        (slot, repair): (&PlanSlot, Option<(u8, Quantity)>),
    ) -> Option<Next> {
        let (leg, quantity) = repair?;
        let planned = slot.plan.legs.get(usize::from(leg))?;
        if slot.plan.kind == PairKind::Close {
            let asked = |number| slot.canceled.filter(|(of, _)| *of == number);
            return Some(match self.in_the_way(now, key.0, (planned, quantity))? {
                Err(until) => Next::Wait(until),
                // one that was refused is asked for again after a while
                Ok(number) => match asked(number).map(|(_, at)| at.after(CANCEL_AGAIN)) {
                    Some(again) if now < again => Next::Wait(again),
                    _ => Next::Cancel(number),
                },
            });
        }
        let own = self.own_reductions(key.0, planned.instrument, planned.side.opposite());
        match (own.cancel.first(), own.waits) {
            (Some(number), _) => Some(Next::Cancel(*number)),
            (None, true) => Some(Next::Wait(now.after(PAUSE))),
            (None, false) => None,
        }
    }

    /// Until when the next try waits: the first of a phase goes at once, later ones after a pause.
    pub(super) fn pause(&self, now: HostTime, slot: &PlanSlot) -> Option<HostTime> {
        let until = slot.tried?.after(PAUSE);
        (now < until).then_some(until)
    }

    /// The leg of which something is missing against the other, and how much; of a close, against
    /// its target.
    fn shorter(&self, slot: &PlanSlot) -> Option<(u8, Quantity)> {
        if slot.plan.kind == PairKind::Open {
            let leg = u8::from(slot.residual().is_sign_positive());
            return Some((leg, self.missing(slot, leg)?.min(self.left_to_open(slot, leg)?)));
        }
        // the leg that is behind first, and only so far that both are level: whatever fails then,
        // no leg is further alone than it was
        let behind = u8::from(slot.residual().is_sign_positive());
        let trades = |leg: &u8| self.awaits_leg(slot, *leg).is_none();
        if let (false, Some(missing)) = (slot.is_level(), self.missing(slot, behind))
            && trades(&behind)
        {
            let left = self.left_to_close(slot, behind).unwrap_or_default();
            let quantity = missing.min(left);
            if quantity.is_positive() {
                return Some((behind, quantity));
            }
        }
        (0..2).filter(trades).find_map(|leg| Some((leg, self.left_to_close(slot, leg)?)))
    }

    /// What is left of a leg; where a late fill has closed more of the other one than was planned,
    /// this one follows.
    pub(super) fn left_to_close(&self, slot: &PlanSlot, leg: u8) -> Option<Quantity> {
        let (planned, state) =
            (slot.plan.legs.get(usize::from(leg))?, slot.legs.get(usize::from(leg))?);
        let left = planned.target.units().saturating_sub(state.filled).max(0);
        let left = left.saturating_add(self.follows(slot, leg).units());
        let spec = self.config.instrument(planned.instrument)?;
        let left = whole_lots_of(spec, Quantity::from_units(left));
        (left.is_positive() && left >= spec.min_quantity).then_some(left)
    }

    /// What one leg has too much, and never more than it has: where a late fill took back more of a
    /// leg than there was, the other one has nothing to give for that.
    fn longer(&self, slot: &PlanSlot) -> Option<(u8, Quantity)> {
        let leg = u8::from(slot.residual().is_sign_negative());
        let (planned, state) =
            (slot.plan.legs.get(usize::from(leg))?, slot.legs.get(usize::from(leg))?);
        let spec = self.config.instrument(planned.instrument)?;
        let there = whole_lots_of(spec, Quantity::from_units(state.filled));
        let quantity = self.missing(slot, leg)?.min(there);
        (quantity.is_positive() && quantity >= spec.min_quantity).then_some((leg, quantity))
    }

    /// The residual in whole lots of a leg: never more than is missing.
    pub(super) fn missing(&self, slot: &PlanSlot, leg: u8) -> Option<Quantity> {
        self.lots_for(slot, leg, slot.residual().abs())
    }

    fn end_plan(
        &mut self,
        now: HostTime,
        key: PlanKey,
        outcome: PairOutcome,
        effects: &mut Effects,
    ) {
        let Some(slot) = self.plans.pair(&key) else { return };
        let result = self.pair_result(now, slot, outcome);
        let stuck = matches!(result.outcome, PairOutcome::Stuck { .. });
        self.plan_fact(now, key, PlanStep::Ended(Box::new(result)), effects);
        self.tell_plan(now, key, effects);
        if stuck && self.modes.of(Scope::Strategy(key.0)) < TradingMode::ReduceOnly {
            let why = format!("plan {} is stuck: one leg is held alone", key.1);
            self.latch(now, key.0, TradingMode::ReduceOnly, why, effects);
        }
    }
}
