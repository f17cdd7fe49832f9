//! Plans: what the host carries out over several orders.
//!
//! A plan belongs to the host. Every step is a fact before the order it permits leaves, so after a
//! death the facts and the venue's truth say where it stands; nothing is ever sent again blindly.
//! What is known of a leg is its fills and the final states of its orders; an order whose outcome
//! is unknown is waited for, never counted as nothing.

mod alone;
mod begin;
mod expiry;
mod left;
mod make;
mod opening;
mod own;
mod pair;
mod preflight;
mod price;
mod request;
mod result;
mod send;
mod single;
mod size;
mod slots;
mod told;
mod worth;

use crate::{Effects, Engine};
use hedgerow_model::{
    AccountId, ClientOrderId, Decimal, Fact, Fee, HostTime, InstrumentId, PLAN_ORDERS, PairKind,
    PairLeg, PairPhase, PairPlan, PairResult, PlanStep, Price, Purpose, Quantity, Side, StrategyId,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use single::SingleSlot;
pub(crate) use size::{common_step, lot_base, whole_parts};
use slots::is_of_host;
pub(crate) use slots::{Plans, Slot};

pub(crate) type PlanKey = (StrategyId, u64);

/// What happened on one leg so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LegState {
    /// Filled in the leg's direction less what was taken back.
    pub(crate) filled: i64,
    /// The same in base units.
    pub(crate) base: Decimal,
    /// Units and settle-asset value in the leg's direction.
    forth: (i64, Decimal),
    /// Units and settle-asset value taken back.
    back: (i64, Decimal),
    fees: Decimal,
    /// What was completed after the first order, units and settle-asset value; of `forth`.
    #[serde(default)]
    completed: (i64, Decimal),
    /// What orders that took back paid; of `fees`.
    #[serde(default)]
    repair_fees: Decimal,
}

/// One pair plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanSlot {
    pub(crate) plan: PairPlan,
    pub(crate) phase: PairPhase,
    /// Orders sent or denied in this phase since one last filled.
    pub(crate) tries: u32,
    pub(crate) retries: u32,
    pub(crate) given_up: bool,
    pub(crate) legs: [LegState; 2],
    /// Its orders: which leg, what for.
    pub(crate) orders: BTreeMap<u64, (u8, Purpose)>,
    /// Those that repaired: completed what a first order had left, or took back.
    #[serde(default)]
    repairs: BTreeSet<u64>,
    /// A close of which a leg made in time, both level: what is left of them is taken as planned.
    #[serde(default)]
    takes_rest: bool,
    /// Why the last order was denied.
    pub(crate) denied: Option<String>,
    /// When this phase was entered; a restart begins it anew.
    pub(crate) entered: HostTime,
    /// Since when one leg is ahead of the other.
    #[serde(default)]
    pub(crate) apart: Option<HostTime>,
    /// Its strategy was restricted since: people know.
    #[serde(default)]
    pub(crate) told: bool,
    /// When something was last tried in it.
    pub(crate) tried: Option<HostTime>,
    /// When the leg that makes was last quoted, or its quote denied.
    pub(crate) quoted: Option<HostTime>,
    /// The leg that makes whose cancel was asked for last, and when.
    #[serde(default)]
    pub(crate) canceled: Option<(u64, HostTime)>,
    /// When it is looked at again if nothing happens.
    pub(crate) wake: HostTime,
    pub(crate) result: Option<PairResult>,
    /// How much more the first leg than the second had too much when it ended last, base units.
    #[serde(default)]
    pub(crate) accepted: Decimal,
}

impl PlanSlot {
    fn new(plan: PairPlan) -> Self {
        let makes = plan.maker.is_some();
        Self {
            wake: plan.deadline,
            entered: plan.began,
            plan,
            phase: if makes { PairPhase::Making } else { PairPhase::Opening },
            tries: 0,
            retries: 0,
            given_up: false,
            legs: Default::default(),
            orders: BTreeMap::new(),
            repairs: BTreeSet::new(),
            takes_rest: false,
            denied: None,
            apart: None,
            told: false,
            tried: None,
            quoted: None,
            canceled: None,
            result: None,
            accepted: Decimal::ZERO,
        }
    }

    pub(crate) fn is_stuck(&self) -> bool {
        let outcome = self.result.as_ref().map(|result| &result.outcome);
        matches!(outcome, Some(hedgerow_model::PairOutcome::Stuck { .. }))
    }

    pub(crate) fn trades(&self, instrument: InstrumentId) -> bool {
        self.plan.legs.iter().any(|leg| leg.instrument == instrument)
    }

    fn leg_mut(&mut self, leg: u8) -> Option<(&PairLeg, &mut LegState)> {
        let place = usize::from(leg);
        self.plan.legs.get(place).zip(self.legs.get_mut(place))
    }

    fn trades_on(&self, account: AccountId) -> bool {
        self.plan.legs.iter().any(|leg| leg.account == account)
    }
}

impl Engine {
    fn fold_plan(&mut self, time: HostTime, key: PlanKey, step: &PlanStep) {
        if let PlanStep::Began(plan) = step {
            self.pairs.began(key.0, plan);
            self.plans.insert(key, Slot::Pair(Box::new(PlanSlot::new((**plan).clone()))));
            if plan.maker.is_some() {
                self.plans.watch(key, plan.legs.iter().map(|leg| leg.instrument));
            }
            return;
        }
        if matches!(step, PlanStep::Phase(_) | PlanStep::Ended(_)) {
            self.plans.unwatch(key);
        }
        match step {
            PlanStep::Single(step) => return self.apply_single(time, key, step),
            PlanStep::GivenUp => self.apply_single_word(key, false),
            PlanStep::Released => self.apply_single_word(key, true),
            PlanStep::Refused { kind, reason } => {
                // people look for why nothing happens where they find denied orders
                self.apply_denied(time, key.0, (PLAN_ORDERS, format!("{kind}: {reason}")));
            }
            _ => {}
        }
        let denied = self.leg_refusal(key, step);
        let Some(slot) = self.plans.pair_mut(&key) else { return };
        match step {
            PlanStep::Sends { leg, purpose, number, .. } => {
                slot.orders.insert(*number, (*leg, *purpose));
                if *purpose == Purpose::Make {
                    slot.quoted = Some(time);
                } else {
                    if slot.phase == PairPhase::Making {
                        slot.denied = None;
                    }
                    slot.tries = slot.tries.saturating_add(1);
                }
                let again = *purpose != Purpose::First && slot.phase != PairPhase::Making;
                slot.retries = slot.retries.saturating_add(u32::from(again));
                let planned = slot.takes_rest && slot.phase == PairPhase::Completing;
                if again && !planned {
                    slot.repairs.insert(*number);
                }
            }
            PlanStep::Denied { reason, .. } => {
                // what may be otherwise in a moment uses up time, not tries
                slot.tries = slot.tries.saturating_add(u32::from(!reason.is_passing()));
                slot.denied = denied;
            }
            PlanStep::Phase(phase) => {
                let makes = slot.plan.kind == PairKind::Close && slot.phase == PairPhase::Making;
                slot.takes_rest = makes && slot.is_level();
                (slot.phase, slot.tries, slot.denied) = (*phase, 0, None);
                (slot.entered, slot.tried, slot.result) = (time, None, None);
            }
            PlanStep::GivenUp => slot.given_up = true,
            PlanStep::Ended(result) => {
                (slot.phase, slot.apart) = (PairPhase::Ended, None);
                (slot.accepted, slot.result) = (slot.overfilled(), Some((**result).clone()));
                self.plans.ended(time, key);
                self.pairs.ended(key.0, key.1);
            }
            PlanStep::Released => slot.result = None,
            PlanStep::Began(_) | PlanStep::Refused { .. } | PlanStep::Single(_) => {}
        }
    }

    /// Counts a fill for the plan whose order it is.
    pub(crate) fn count_for_plan(
        &mut self,
        time: HostTime,
        id: ClientOrderId,
        (instrument, side): (InstrumentId, Side),
        (price, quantity, fee): (Price, Quantity, Fee),
    ) {
        if id.number < PLAN_ORDERS {
            return;
        }
        let Some(key) = self.plans.of_order(id) else { return };
        self.count_for_single(time, (key, id.number), (price, quantity, fee));
        let Some(spec) = self.config.instruments.get(instrument.index()) else { return };
        let Some(slot) = self.plans.pair_mut(&key) else { return };
        let Some((leg, purpose)) = slot.orders.get(&id.number).copied() else { return };
        if purpose != Purpose::Make {
            slot.tries = 0; // it can be had: what failed before does not count
        }
        let (repairs, kind) = (slot.repairs.contains(&id.number), slot.plan.kind);
        let Some((planned, state)) = slot.leg_mut(leg) else { return };
        let base = planned.base_of(kind, spec, (price, quantity));
        let value = spec.value(price, quantity).unwrap_or_default();
        let sign = if planned.side == side { 1 } else { -1 };
        let signed = |units: i64| units.saturating_mul(sign);
        let signed_base = |base: Decimal| if sign < 0 { -base } else { base };
        state.filled = state.filled.saturating_add(signed(quantity.units()));
        state.base = state.base.saturating_add(signed_base(base));
        let sum = if sign > 0 { &mut state.forth } else { &mut state.back };
        *sum = (sum.0.saturating_add(quantity.units()), sum.1.saturating_add(value));
        let fee_worth = fee.worth(spec, price).ok().flatten().unwrap_or_default();
        state.fees = state.fees.saturating_add(fee_worth);
        if repairs && sign > 0 {
            let (units, before) = state.completed;
            let units = units.saturating_add(quantity.units());
            state.completed = (units, before.saturating_add(value));
        } else if repairs {
            // what completes would have paid its fee in any case
            state.repair_fees = state.repair_fees.saturating_add(fee_worth);
        }
        // a fee taken in the base asset is not there to balance the other leg
        let taken = fee.base_units(spec).unwrap_or_default();
        if !taken.is_zero() {
            state.filled = state.filled.saturating_sub(signed(taken.units()));
            state.base = state.base.saturating_sub(signed_base(spec.quantity(taken)));
        }
        slot.note_apart(time);
    }

    /// What a fill of a plan's order was worth was corrected by so much, settle asset.
    pub(crate) fn correct_for_plan(&mut self, id: ClientOrderId, side: Side, more: Decimal) {
        if id.number < PLAN_ORDERS || more.is_zero() {
            return;
        }
        let Some(key) = self.plans.of_order(id) else { return };
        self.correct_for_single((key, id.number), more);
        let Some(slot) = self.plans.pair_mut(&key) else { return };
        let Some((leg, _)) = slot.orders.get(&id.number).copied() else { return };
        let (repairs, kind) = (slot.repairs.contains(&id.number), slot.plan.kind);
        let Some((planned, state)) = slot.leg_mut(leg) else { return };
        let forth = planned.side == side;
        let sum = if forth { &mut state.forth } else { &mut state.back };
        sum.1 += more;
        if forth && repairs {
            state.completed.1 += more;
        }
        let spec = self.config.instruments.get(planned.instrument.index());
        if kind == PairKind::Open && spec.is_some_and(|spec| spec.kind.is_inverse()) {
            // what an inverse contract is worth is what it stands for
            state.base += if forth { more } else { -more };
        }
    }

    /// Whether an order of a plan has not ended.
    pub(crate) fn has_live_orders(&self, key: PlanKey) -> bool {
        let Some(slot) = self.plans.get(&key) else { return false };
        slot.numbers().into_iter().any(|number| self.order(key.0, number).is_some())
    }

    /// Does whatever follows for a plan from what is known now.
    pub(crate) fn plan_goes_on(&mut self, now: HostTime, key: PlanKey, effects: &mut Effects) {
        match self.plans.get(&key) {
            Some(Slot::Pair(_)) => self.go_on(now, key, effects),
            Some(Slot::Single(_)) => self.single_goes_on(now, key, effects),
            None => {}
        }
    }

    /// The strategy gives a plan up; `false` when there is none at work.
    pub(crate) fn give_up_plan(
        &mut self,
        now: HostTime,
        key: PlanKey,
        effects: &mut Effects,
    ) -> bool {
        if self.plans.get(&key).is_none_or(Slot::is_over) {
            return false;
        }
        self.plan_fact(now, key, PlanStep::GivenUp, effects);
        self.plan_goes_on(now, key, effects);
        true
    }

    /// After anything that happened to an order: its plan goes on.
    pub(crate) fn plan_of_order_goes_on(
        &mut self,
        now: HostTime,
        id: ClientOrderId,
        effects: &mut Effects,
    ) {
        if id.number >= PLAN_ORDERS
            && let Some(key) = self.plans.of_order(id)
        {
            self.plan_goes_on(now, key, effects);
        }
    }

    /// After an account was reconciled: what waited for its truth goes on.
    pub(crate) fn plans_on_go_on(
        &mut self,
        now: HostTime,
        account: AccountId,
        effects: &mut Effects,
    ) {
        for key in self.plans.live(|slot| slot.trades_on(account)) {
            if let Some(slot) = self.plans.pair_mut(&key) {
                slot.entered = now;
            }
            if let Some(slot) = self.plans.single_mut(&key) {
                slot.entered = now;
            }
            self.plan_goes_on(now, key, effects);
        }
    }

    /// After a mode changed.
    pub(crate) fn plans_of_go_on(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        effects: &mut Effects,
    ) {
        let own = self.plans.live(|_| true).into_iter().filter(|key| key.0 == strategy);
        for key in own.collect::<Vec<_>>() {
            self.plan_goes_on(now, key, effects);
        }
    }

    /// An operator lets a strategy go on: what is stuck is theirs from now on.
    pub(crate) fn release_plans(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        effects: &mut Effects,
    ) {
        for key in self.plans.stuck(strategy) {
            self.plan_fact(now, key, PlanStep::Released, effects);
        }
    }

    /// How many plans are under way.
    #[must_use]
    pub fn plans_under_way(&self) -> usize {
        self.plans.live(|_| true).len()
    }

    pub(crate) fn plan_fact(
        &mut self,
        now: HostTime,
        (strategy, plan): PlanKey,
        step: PlanStep,
        effects: &mut Effects,
    ) {
        self.record(now, Fact::Plan { strategy, plan, step }, effects);
    }
}
