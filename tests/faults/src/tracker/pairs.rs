//! Pairs as the facts have them: where each stands, and whether an order of it may be sent.

use super::{Plan, Tracker};
use crate::coverage::Coverage;
use hedgerow_model::{
    ClientOrderId, Decimal, Instrument, InstrumentKind, Order, PairKind, PairOutcome, PairPhase,
    PlanStep, Purpose, Quantity, StrategyId,
};
use std::collections::BTreeMap;

impl Tracker {
    /// No leg is sent more than is planned of it, nor more taken back than there is.
    pub(super) fn within_plan(&self, id: ClientOrderId, units: i64) -> Result<(), String> {
        let own = self.plans.range((id.strategy, 0)..=(id.strategy, u64::MAX));
        let mut own = own.rev().filter(|(_, plan)| plan.orders.contains_key(&id.number));
        let Some(((_, number), plan)) = own.next() else {
            return Err("an order of no plan".into());
        };
        let Some((leg, purpose)) = plan.orders.get(&id.number).copied() else { return Ok(()) };
        let (mut forth, mut back, mut going_forth, mut going_back) = (0, 0, 0, 0);
        for (number, (other, what)) in &plan.orders {
            let id = ClientOrderId { strategy: id.strategy, number: *number };
            let Some(known) = self.alive.get(&id).or_else(|| self.over.get(&id)) else { continue };
            if *other != leg {
                continue;
            }
            let open = if self.alive.contains_key(&id) { known.open() } else { 0 };
            let (done, going) = match what {
                Purpose::TakeBack => (&mut back, &mut going_back),
                _ => (&mut forth, &mut going_forth),
            };
            *done += known.order.filled.units();
            *going += open;
        }
        let net = forth - back;
        let target = plan.plan.legs[usize::from(leg)].target.units();
        // of a close one leg follows the other, where that was closed by more than planned
        let target = target.max(self.closed_there(plan, leg));
        let (sent, most) = match purpose {
            Purpose::TakeBack => (going_back + units, net),
            _ => (net + going_forth + units, target),
        };
        if sent > most {
            return Err(format!("plan {number} sends {sent} of at most {most} on leg {leg}"));
        }
        Ok(())
    }

    /// Notes a fill that comes after the end of its order.
    pub(super) fn pair_filled(&mut self, id: ClientOrderId, units: i64) {
        if units == 0 || !self.over.contains_key(&id) || self.of_order.contains_key(&id) {
            return;
        }
        let own = self.plans.range_mut((id.strategy, 0)..=(id.strategy, u64::MAX));
        let plan = own.rev().find(|(_, plan)| plan.orders.contains_key(&id.number));
        plan.into_iter().for_each(|(_, plan)| plan.late = true);
    }

    /// How much of a leg of a close goes with what was closed of the other one, where that was more
    /// than planned: the same part of the hedge, and a lot more for what is rounded.
    fn closed_there(&self, plan: &Plan, leg: u8) -> i64 {
        if plan.plan.kind != PairKind::Close || !plan.late {
            return 0;
        }
        let (own, other) =
            (&plan.plan.legs[usize::from(leg)], &plan.plan.legs[1 - usize::from(leg)]);
        let there = plan.orders.iter().filter(|(_, (at, _))| *at != leg);
        let units: i64 = there
            .filter_map(|(number, _)| {
                let id = ClientOrderId { strategy: plan.strategy, number: *number };
                let known = self.alive.get(&id).or_else(|| self.over.get(&id))?;
                Some(known.order.filled.units())
            })
            .sum();
        let more = units - other.target.units();
        if more <= 0 {
            return 0;
        }
        let base = other.base * Decimal::from(more) / Decimal::from(other.target.units());
        let follows = base * Decimal::from(own.target.units()) / own.base;
        let follows = i64::try_from(follows.ceil().mantissa()).unwrap_or(i64::MAX);
        own.target.units() + follows + self.instruments[own.instrument.index()].lot.units()
    }

    /// Whether an order takes back spot that a plan has sold: no position makes it a reduction, and
    /// every mode that lets a plan unwind lets it go.
    pub(super) fn buys_back(&self, order: &Order) -> bool {
        let spec = &self.instruments[order.request.instrument.index()];
        let id = order.id;
        let own = self.plans.range((id.strategy, 0)..=(id.strategy, u64::MAX));
        let mut purposes = own.filter_map(|(_, plan)| plan.orders.get(&id.number));
        spec.kind == InstrumentKind::Spot && purposes.any(|(_, what)| *what == Purpose::TakeBack)
    }

    /// Legs are level within what both can trade, in the lots of then.
    pub(super) fn changed(&mut self, spec: &Instrument) {
        self.instruments[spec.id.index()] = spec.clone();
        for known in self.plans.values_mut() {
            let legs = known.plan.legs.iter().map(|leg| &self.instruments[leg.instrument.index()]);
            let legs: Vec<&Instrument> = legs.collect();
            let concerns = legs.iter().any(|leg| leg.id == spec.id);
            if !concerns || legs.iter().any(|leg| leg.kind.is_inverse()) {
                continue;
            }
            let [a, b] = [0, 1].map(|leg: usize| legs[leg].lot.units());
            let whole = (1..).map(|n| n * a).find(|lots| lots % b == 0).unwrap_or(a);
            let step = legs[0].quantity(Quantity::from_units(whole));
            known.plan.step = known.plan.step.max(step);
        }
    }

    pub(super) fn pair_step(
        &mut self,
        key: (StrategyId, u64),
        step: &PlanStep,
        coverage: &mut Coverage,
    ) {
        match step {
            PlanStep::Refused { reason, .. } => {
                coverage.total("plans refused");
                coverage.refused(reason);
            }
            PlanStep::Denied { reason, .. } => coverage.refused(reason),
            PlanStep::GivenUp => coverage.total("plans given up"),
            PlanStep::Released => coverage.total("plans released"),
            _ => {}
        }
        self.single_word(key, step);
        let Some(known) = self.plans.get_mut(&key) else { return };
        let from = format!("{:?} {:?}", known.plan.kind, known.phase);
        match step {
            PlanStep::Sends { leg, purpose, number, .. } => {
                known.orders.insert(*number, (*leg, *purpose));
            }
            PlanStep::Phase(phase) => {
                coverage.plan(&from, &format!("{phase:?}"));
                known.phase = *phase;
            }
            PlanStep::Ended(result) => {
                (known.phase, known.apart) = (PairPhase::Ended, None);
                known.outcome = Some(result.outcome.clone());
                known.left =
                    known.plan.legs.each_ref().map(|leg| {
                        self.positions.get(&(key.0, leg.instrument)).copied().unwrap_or(0)
                    });
                known.least = known.plan.legs.each_ref().map(|leg| {
                    let spec = &self.instruments[leg.instrument.index()];
                    (spec.lot, spec.min_quantity)
                });
                let stuck = matches!(result.outcome, PairOutcome::Stuck { .. });
                let to = if stuck { "Stuck".into() } else { format!("{:?}", result.outcome) };
                coverage.plan(&from, &to);
                if stuck {
                    self.stuck.push(key);
                }
            }
            PlanStep::Released => known.released = true,
            _ => {}
        }
    }

    /// Folds a step of a plan.
    pub(super) fn plan(
        &mut self,
        key: (StrategyId, u64),
        step: &PlanStep,
        coverage: &mut Coverage,
    ) -> Result<(), String> {
        match step {
            PlanStep::Began(plan) => {
                let phase = match plan.maker {
                    Some(_) => PairPhase::Making,
                    None => PairPhase::Opening,
                };
                coverage.plan("asked", &format!("{:?} {phase:?}", plan.kind));
                for leg in &plan.legs {
                    self.is_free(key, leg.instrument, false)?;
                }
                let plan = (**plan).clone();
                let (orders, outcome, released) = (BTreeMap::new(), None, false);
                let (strategy, left, least) = (key.0, [0; 2], Default::default());
                let (late, apart) = (false, None);
                let known = Plan {
                    plan,
                    apart,
                    strategy,
                    orders,
                    phase,
                    outcome,
                    left,
                    least,
                    released,
                    late,
                };
                self.plans.insert(key, known);
            }
            PlanStep::Single(step) => return self.single(key, step, coverage),
            _ => self.pair_step(key, step, coverage),
        }
        Ok(())
    }
}
