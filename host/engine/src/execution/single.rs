//! Plans of one leg: one rule book, applied to what is known whenever something happened.
//!
//! - What is filled is what fills say. While the outcome of an order of the plan is not known,
//!   nothing is sent; a cancel may always leave.
//! - An order is canceled when its time is over, and what is left is only sent again when it is
//!   known what the canceled one filled. So never more is sent than was asked for.
//! - Refusals that pass by themselves use up time, all others attempts.
//! - Every plan ends: filled, partly, unfilled; a barrier closed, expired, or stuck with an alarm.

mod barrier;
mod begin;
mod check;
mod found;
mod price;
mod send;
mod slot;
mod steps;
mod told;

pub(crate) use slot::SingleSlot;

use crate::execution::PlanKey;
use crate::risk::is_of;
use crate::{Effects, Engine};
use hedgerow_model::{
    Action, AskedBy, Barrier, ClientOrderId, Duration, HostTime, OrderStatus, PlanStep, Price,
    Quantity, Scope, SingleOutcome, SinglePhase, SinglePurpose, SingleRequest, SingleResult,
    SingleStep, StrategyId, TradingMode,
};
use send::Wanted;

/// How long it is waited before another try.
const PAUSE: Duration = Duration::from_millis(100);
/// How long before a cancel that was refused is asked for again.
pub(super) const CANCEL_AGAIN: Duration = Duration::from_secs(1);

/// What is to be done about a plan.
enum Next {
    Wait(HostTime),
    Cancel(Vec<u64>),
    Send(Vec<Wanted>),
    Note(SingleStep),
    End(SingleOutcome),
}

/// An order of a plan that has not ended.
#[derive(Clone, Copy, Debug)]
struct Live {
    number: u64,
    purpose: SinglePurpose,
    at: HostTime,
    price: Price,
    remaining: Quantity,
    /// Its venue has said that it is there, and nothing is on its way for it.
    known: bool,
    /// A cancel may leave for it now, or from then on; nothing: one is on its way.
    cancelable: Option<HostTime>,
}

fn text(why: &str) -> String {
    why.to_owned()
}

impl Engine {
    /// Does whatever follows from what is known now, until there is something to wait for.
    pub(in crate::execution) fn single_goes_on(
        &mut self,
        now: HostTime,
        key: PlanKey,
        effects: &mut Effects,
    ) {
        if self.plans.held {
            return;
        }
        // each round sends, cancels, or moves on by one step: there are not many
        for _ in 0..256 {
            let Some(slot) = self.plans.single(&key) else { return };
            match self.next_single(now, key, slot) {
                Next::Wait(wake) => {
                    if let Some(slot) = self.plans.single_mut(&key) {
                        // never at once again, whatever it waits for
                        slot.wake = if wake > now { wake } else { now.after(PAUSE) };
                    }
                    return;
                }
                Next::Cancel(numbers) => {
                    for number in numbers {
                        self.cancel(now, key.0, number, effects);
                        if let Some(slot) = self.plans.single_mut(&key) {
                            slot.orders.entry(number).and_modify(|o| o.canceled = Some(now));
                        }
                    }
                }
                Next::Send(wanted) => {
                    for wanted in wanted {
                        self.send_single(now, key, wanted, effects);
                    }
                }
                Next::Note(step) => {
                    let raised =
                        matches!(step, SingleStep::Trails { .. }) && slot.trigger.is_some();
                    self.plan_fact(now, key, PlanStep::Single(step), effects);
                    if !raised {
                        self.tell_plan(now, key, effects);
                    }
                }
                Next::End(outcome) => self.end_single(now, key, outcome, effects),
            }
        }
        if let Some(slot) = self.plans.single_mut(&key) {
            slot.wake = now.after(PAUSE);
        }
    }

    fn next_single(&self, now: HostTime, key: PlanKey, slot: &SingleSlot) -> Next {
        if slot.phase == SinglePhase::Ended {
            return self.after_end(key, slot);
        }
        if let SingleRequest::Barrier(request) = &slot.plan.request {
            return self.next_barrier(now, key, slot, request);
        }
        let live = self.live_in_plan(key, slot);
        let over = self.why_over(now, key, slot);
        if !live.is_empty() {
            let pulled = |order: &&Live| over.is_some() || self.is_to_move(now, slot, order);
            let pulled: Vec<Live> = live.iter().filter(pulled).copied().collect();
            let waits = over.is_none() && pulled.is_empty();
            let wake = self.order_deadline(now, slot, &live).min(slot.plan.deadline);
            return pull_or_wait(now, &pulled, if waits { wake } else { HostTime::NEVER });
        }
        self.next_wanted(now, key, slot, over)
    }

    /// Orders of a plan that have not ended.
    fn live_in_plan(&self, key: PlanKey, slot: &SingleSlot) -> Vec<Live> {
        let owner = self.strategies.get(key.0.index());
        let known = |number: &u64| owner?.orders.get(number);
        let orders = slot.orders.iter().filter_map(|(number, sent)| {
            let known = known(number)?;
            let status = known.order.status;
            let again = sent.canceled.map_or(HostTime::EPOCH, |at| at.after(CANCEL_AGAIN));
            let rests = matches!(sent.purpose, SinglePurpose::Make | SinglePurpose::TakeProfit);
            let gone = known.ending.is_some() || status == OrderStatus::PendingCancel;
            let working = matches!(status, OrderStatus::Open | OrderStatus::PartiallyFilled);
            Some(Live {
                number: *number,
                purpose: sent.purpose,
                at: sent.at,
                price: known.order.request.price,
                remaining: known.order.remaining(),
                known: working && known.ending.is_none() && rests,
                cancelable: (rests && !gone).then_some(again),
            })
        });
        orders.collect()
    }

    fn mode_of_single(&self, key: PlanKey, slot: &SingleSlot) -> TradingMode {
        self.mode_at(key.0, slot.account(), slot.instrument())
    }

    /// Why nothing more may be sent for a plan that is not a barrier.
    fn why_over(&self, now: HostTime, key: PlanKey, slot: &SingleSlot) -> Option<&'static str> {
        if slot.given_up {
            return Some("given up");
        }
        if now >= slot.plan.deadline {
            return Some("timed out");
        }
        if self.has_ended(key.0, slot.instrument()) {
            return Some("the contract has expired");
        }
        let action = match slot.plan.asked_by {
            AskedBy::Operator => Action::OperatorFlattens,
            AskedBy::Strategy => send::action_of(slot.unwinds(), slot.plan.request.reduces()),
        };
        (!self.mode_of_single(key, slot).permits(action)).then_some("the mode forbids it")
    }

    /// An ended plan: a late fill, or the real one of what was inferred, changes its result; what a
    /// late one brought to a barrier is closed.
    fn after_end(&self, key: PlanKey, slot: &SingleSlot) -> Next {
        let Some(result) = &slot.result else { return Next::Wait(HostTime::NEVER) };
        if !slot.outgrew(&result.figures) {
            let spec = self.config.instrument(slot.instrument());
            return match spec.is_some_and(|spec| slot.is_corrected(spec, &result.figures)) {
                true => Next::End(result.outcome.clone()),
                false => Next::Wait(HostTime::NEVER),
            };
        }
        if let SingleRequest::Barrier(request) = &slot.plan.request {
            let kept = slot.given_up && request.on_cancel == hedgerow_model::OnCancel::Keep;
            if self.held_of(key, slot) > 0 && !slot.is_stuck() && !kept {
                let barrier = slot.fired.unwrap_or(Barrier::GivenUp);
                return Next::Note(SingleStep::Fires { barrier, profit: None });
            }
            let nothing =
                matches!(result.outcome, SingleOutcome::Unfilled { .. } | SingleOutcome::Expired);
            if !(nothing && slot.ins.units > 0) {
                return Next::End(result.outcome.clone());
            }
        }
        Next::End(self.outcome_of(slot, "a fill came late"))
    }

    /// How a plan that is not a barrier ends now.
    fn outcome_of(&self, slot: &SingleSlot, why: &str) -> SingleOutcome {
        let why = text(why);
        if slot.left() == 0 {
            SingleOutcome::Filled
        } else if slot.ins.units > 0 {
            SingleOutcome::Partly { why }
        } else {
            SingleOutcome::Unfilled { why }
        }
    }

    fn end_single(
        &mut self,
        now: HostTime,
        key: PlanKey,
        outcome: SingleOutcome,
        effects: &mut Effects,
    ) {
        let Some(slot) = self.plans.single(&key) else { return };
        let took = slot.result.as_ref().map(|result| result.took_ms);
        let took_ms = took.unwrap_or_else(|| now.since(slot.plan.began).as_millis());
        let stuck = matches!(outcome, SingleOutcome::Stuck { .. });
        let figures = self.single_figures(key, slot);
        let result = Box::new(SingleResult { outcome, figures, took_ms });
        let step = PlanStep::Single(SingleStep::Ended(result));
        self.plan_fact(now, key, step, effects);
        self.tell_plan(now, key, effects);
        if stuck && self.modes.of(Scope::Strategy(key.0)) < TradingMode::ReduceOnly {
            let why = format!("plan {} is stuck: what it holds could not be closed", key.1);
            self.latch(now, key.0, TradingMode::ReduceOnly, why, effects);
        }
    }

    /// Every plan of a strategy in a scope that would open gives up: what it has resting is
    /// canceled. What closes goes on.
    pub(crate) fn stop_opening_plans(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        scope: Scope,
        effects: &mut Effects,
    ) {
        for key in self.plans.singles_of(strategy) {
            let Some(slot) = self.plans.single(&key) else { continue };
            let meant = is_of(scope, slot.account(), slot.instrument());
            if !meant || slot.plan.request.reduces() {
                continue;
            }
            if !matches!(slot.plan.request, SingleRequest::Barrier(_)) {
                self.give_up_plan(now, key, effects);
                continue;
            }
            // its barriers stay
            let entries = self.live_in_plan(key, slot).into_iter();
            let entries = entries.filter(|live| live.purpose == SinglePurpose::Make);
            for number in entries.map(|live| live.number).collect::<Vec<_>>() {
                self.must_be_over(now, ClientOrderId { strategy, number }, effects);
                self.cancel(now, strategy, number, effects);
            }
        }
    }
}

/// Cancels what is to be pulled, as far as no cancel is on its way; else waits.
fn pull_or_wait(now: HostTime, pulled: &[Live], wake: HostTime) -> Next {
    let mut again = wake;
    let mut numbers = Vec::new();
    for order in pulled {
        match order.cancelable {
            Some(at) if at <= now => numbers.push(order.number),
            Some(at) => again = again.min(at),
            None => {}
        }
    }
    if numbers.is_empty() { Next::Wait(again) } else { Next::Cancel(numbers) }
}
