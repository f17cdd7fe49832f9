//! What is known of one plan of one leg, as its facts fold.

use crate::Engine;
use crate::execution::PlanKey;
use crate::execution::expiry::fee_of;
use crate::risk::HOST_PLANS;
use hedgerow_model::{
    AccountId, Barrier, Decimal, Fee, HostTime, Instrument, InstrumentId, Price, PriceSource,
    Quantity, Reach, RiskRejection, SingleFigures, SinglePhase, SinglePlan, SinglePurpose,
    SingleRequest, SingleResult, SingleStep,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What was filled in one direction.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    pub(crate) units: i64,
    /// In the settle asset.
    pub(super) value: Decimal,
    /// In the settle asset, estimated where the venue took another.
    pub(super) fees: Decimal,
    /// Units that a fee in the base asset took.
    pub(super) gone: i64,
}

impl Part {
    /// Average price of it.
    pub(super) fn average(&self, spec: &Instrument) -> Option<Decimal> {
        (self.units != 0).then_some(())?;
        spec.average_entry(self.value, Quantity::from_units(self.units))
    }
}

/// One order of a plan.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SentOrder {
    pub(super) purpose: SinglePurpose,
    pub(super) at: HostTime,
    /// When its cancel was last asked for; a restart begins it anew.
    pub(super) canceled: Option<HostTime>,
}

/// One plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SingleSlot {
    pub(crate) plan: SinglePlan,
    pub(crate) phase: SinglePhase,
    pub(in crate::execution) given_up: bool,
    /// Attempts of this phase: orders sent, or denied for good; of what closes, since one last
    /// filled.
    pub(crate) tries: u32,
    /// Orders sent in all, but those beside another.
    pub(super) attempts: u32,
    /// In the plan's direction, and back.
    pub(crate) ins: Part,
    pub(crate) outs: Part,
    pub(super) first_fill: Option<HostTime>,
    pub(super) orders: BTreeMap<u64, SentOrder>,
    /// When an order that rests, and one that takes, was last sent or denied for good.
    pub(super) made: Option<HostTime>,
    pub(super) taken: Option<HostTime>,
    /// Why the last order was denied.
    pub(super) denied: Option<RiskRejection>,
    /// The profit below which the stop that follows fires: it is armed.
    pub(crate) trigger: Option<Decimal>,
    pub(super) fired: Option<Barrier>,
    reach: Option<Reach>,
    sources: BTreeSet<PriceSource>,
    /// When this phase was entered; a restart begins it anew.
    pub(crate) entered: HostTime,
    /// When something was last tried in it.
    pub(super) tried: Option<HostTime>,
    /// When it is looked at again if nothing happens.
    pub(crate) wake: HostTime,
    pub(crate) result: Option<SingleResult>,
}

impl SingleSlot {
    pub(super) fn new(plan: SinglePlan) -> Self {
        Self {
            phase: SinglePhase::Working,
            given_up: false,
            tries: 0,
            attempts: 0,
            ins: Part::default(),
            outs: Part::default(),
            first_fill: None,
            orders: BTreeMap::new(),
            made: None,
            taken: None,
            denied: None,
            trigger: None,
            fired: None,
            reach: plan.reach,
            sources: BTreeSet::from([plan.source]),
            entered: plan.began,
            tried: None,
            wake: plan.began,
            result: None,
            plan,
        }
    }

    pub(crate) fn instrument(&self) -> InstrumentId {
        self.plan.request.instrument()
    }

    pub(crate) fn account(&self) -> AccountId {
        self.plan.account
    }

    pub(crate) fn is_stuck(&self) -> bool {
        self.result.as_ref().is_some_and(SingleResult::is_stuck)
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.orders.keys().copied()
    }

    pub(crate) fn owns(&self, number: u64) -> bool {
        self.orders.contains_key(&number)
    }

    /// Whether it closes what nobody else looks after: the host's own, and every one after its
    /// first try. Then it is no reduction of the strategy's that a mode could forbid.
    pub(super) fn unwinds(&self) -> bool {
        let closes = matches!(self.plan.request, SingleRequest::ClosePosition(_));
        closes && (self.attempts > 0 || self.plan.id >= HOST_PLANS)
    }

    /// Whether it looks at every new price of its instrument.
    pub(crate) fn watches(&self) -> bool {
        let reads =
            matches!(self.plan.request, SingleRequest::Chase(_) | SingleRequest::Barrier(_));
        reads && self.phase != SinglePhase::Ended
    }

    /// Whether it looks at marks too: a stop does where there is no touch.
    pub(crate) fn reads_marks(&self) -> bool {
        matches!(self.plan.request, SingleRequest::Barrier(_)) && self.watches()
    }

    /// What of its target has not filled.
    pub(crate) fn left(&self) -> i64 {
        self.plan.target.units().saturating_sub(self.ins.units).max(0)
    }

    /// What it holds by its own fills and what it began with.
    pub(super) fn holds(&self) -> i64 {
        let came = self.plan.adopted.0.units().saturating_add(self.ins.units - self.ins.gone);
        came.saturating_sub(self.outs.units).max(0)
    }

    /// What it holds of a contract that was delivered was closed at the delivery price.
    pub(in crate::execution) fn deliver(
        &mut self,
        spec: &Instrument,
        price: Price,
        (quantity, fee): (Quantity, Fee),
    ) {
        let closes = quantity.units().signum() == self.plan.side.sign();
        let barrier = matches!(self.plan.request, SingleRequest::Barrier(_));
        let units = self.holds().min(quantity.units().saturating_abs());
        if !barrier || !closes || units == 0 {
            return;
        }
        let part = Quantity::from_units(units);
        // what fits the ledger fits here: the same products, or smaller ones
        let value = spec.value(price, part).unwrap_or_default();
        let fees = fee_of(fee, part, quantity);
        self.outs.units = self.outs.units.saturating_add(units);
        self.outs.value = self.outs.value.saturating_add(value);
        self.outs.fees = self.outs.fees.saturating_add(fees);
    }

    fn fold(&mut self, time: HostTime, step: &SingleStep) {
        match step {
            SingleStep::Sends { purpose, number, source, reach } => {
                let sent = SentOrder { purpose: *purpose, at: time, canceled: None };
                self.orders.insert(*number, sent);
                let counts = u32::from(*purpose != SinglePurpose::Other);
                self.attempts = self.attempts.saturating_add(counts);
                self.sources.insert(*source);
                self.reach = reach.or(self.reach);
                self.denied = None;
                self.count(time, *purpose);
            }
            SingleStep::Denied { purpose, reason } => {
                // what may be otherwise in a moment uses up time, not tries
                if !reason.is_passing() {
                    self.count(time, *purpose);
                }
                self.denied = Some(reason.clone());
            }
            SingleStep::Trails { trigger } => self.trigger = Some(*trigger),
            SingleStep::Fires { barrier, .. } => {
                self.phase = SinglePhase::Closing;
                self.fired = Some(*barrier);
                (self.tries, self.denied, self.result) = (0, None, None);
                (self.entered, self.tried) = (time, None);
            }
            SingleStep::Ended(result) => {
                self.phase = SinglePhase::Ended;
                self.result = Some((**result).clone());
            }
            SingleStep::Began(_) => {}
        }
    }

    fn count(&mut self, time: HostTime, purpose: SinglePurpose) {
        match purpose {
            SinglePurpose::Make => self.made = Some(time),
            SinglePurpose::Take => self.taken = Some(time),
            SinglePurpose::Exit => {}
            // beside the order that counts
            SinglePurpose::Other | SinglePurpose::TakeProfit => return,
        }
        self.tries = self.tries.saturating_add(1);
    }

    /// Orders sent in all.
    pub(super) fn tries_in_all(&self) -> u32 {
        self.attempts
    }

    /// What is known of its prices.
    pub(super) fn priced(&self) -> (Option<Reach>, Vec<PriceSource>) {
        (self.reach, self.sources.iter().copied().collect())
    }

    /// Whether what was inferred of its fills has turned out to be worth something else than its
    /// result says.
    pub(super) fn is_corrected(&self, spec: &Instrument, figures: &SingleFigures) -> bool {
        let left = figures.exit.and_then(|exit| exit.average);
        figures.fees != self.ins.fees.saturating_add(self.outs.fees)
            || figures.average != self.ins.average(spec)
            || figures.exit.is_some() && left != self.outs.average(spec)
    }

    /// Whether a late fill changed what its result says.
    pub(super) fn outgrew(&self, figures: &SingleFigures) -> bool {
        let closed = figures.exit.map_or(0, |exit| exit.closed.units());
        figures.filled.units() != self.ins.units
            || figures.exit.is_some_and(|_| closed != self.outs.units)
    }
}

impl Engine {
    /// Folds one step of a plan of one leg.
    pub(in crate::execution) fn apply_single(
        &mut self,
        time: HostTime,
        key: PlanKey,
        step: &SingleStep,
    ) {
        if let SingleStep::Began(plan) = step {
            self.plans.insert_single(key, SingleSlot::new((**plan).clone()));
        }
        if let Some(slot) = self.plans.single_mut(&key) {
            slot.fold(time, step);
        }
        if matches!(step, SingleStep::Ended(_)) {
            self.plans.ended(time, key);
        }
        self.plans.note_watch(key);
    }

    /// Folds that the strategy gave a plan up, or an operator took it over.
    pub(in crate::execution) fn apply_single_word(&mut self, key: PlanKey, released: bool) {
        let Some(slot) = self.plans.single_mut(&key) else { return };
        match released {
            true => slot.result = None,
            false => slot.given_up = true,
        }
    }

    /// Counts a fill for the plan whose order it is.
    pub(in crate::execution) fn count_for_single(
        &mut self,
        time: HostTime,
        (key, number): (PlanKey, u64),
        (price, quantity, fee): (Price, Quantity, Fee),
    ) {
        let Some(slot) = self.plans.single_mut(&key) else { return };
        let Some(sent) = slot.orders.get(&number).copied() else { return };
        let Some(spec) = self.config.instruments.get(slot.plan.request.instrument().index()) else {
            return;
        };
        // a fill that fits the ledger fits here: the same products
        let value = spec.value(price, quantity).unwrap_or_default();
        let rate = match (&slot.plan.request, sent.purpose) {
            (SingleRequest::Barrier(r), SinglePurpose::Exit | SinglePurpose::TakeProfit) => {
                r.exit_fee_rate
            }
            (SingleRequest::Barrier(r), _) => r.entry_fee_rate,
            _ => Decimal::ZERO,
        };
        let worth = fee.worth(spec, price).ok().flatten();
        let fees = worth.or_else(|| value.checked_mul(rate)).unwrap_or_default();
        let gone = fee.base_units(spec).unwrap_or_default().units();
        let part = match sent.purpose {
            SinglePurpose::Make | SinglePurpose::Take => &mut slot.ins,
            _ => &mut slot.outs,
        };
        // of what opens tries say where it stands
        if matches!(
            (&slot.plan.request, sent.purpose),
            (SingleRequest::ClosePosition(_), SinglePurpose::Take)
                | (SingleRequest::Barrier(_), SinglePurpose::Exit)
        ) {
            slot.tries = 0; // it can be had: what failed before does not count
        }
        part.units = part.units.saturating_add(quantity.units());
        part.value = part.value.saturating_add(value);
        part.fees = part.fees.saturating_add(fees);
        part.gone = part.gone.saturating_add(gone);
        slot.first_fill.get_or_insert(time);
    }

    /// What a fill of an order of a plan was worth was corrected by so much, settle asset.
    pub(in crate::execution) fn correct_for_single(
        &mut self,
        (key, number): (PlanKey, u64),
        more: Decimal,
    ) {
        let Some(slot) = self.plans.single_mut(&key) else { return };
        let Some(sent) = slot.orders.get(&number).copied() else { return };
        let part = match sent.purpose {
            SinglePurpose::Make | SinglePurpose::Take => &mut slot.ins,
            _ => &mut slot.outs,
        };
        part.value = part.value.saturating_add(more);
    }
}
