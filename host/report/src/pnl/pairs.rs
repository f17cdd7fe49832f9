//! Pairs from facts: which plans are about the same two legs, which orders are theirs, and what of
//! each amount is their part. The same rules as the engine's ledger: a pair lasts from the plan
//! that opened it until both its legs are flat, a payment belongs to the pair that held the
//! instrument at the settlement, and pairs that share an instrument have their parts by quantity.
//!
//! What something else than its plans closes of a pair (another order, the venue, an adoption) is
//! closed in it too; what such a trade opens is in no pair.

use hedgerow_model::{
    AccountId, ClientOrderId, Decimal, Earnings, Entry, Fee, HostTime, Instrument, InstrumentId,
    PairKind, PairLegRecord, PairPlan, PairRecord, PlanStep, Price, Quantity, Rates, Side,
    StrategyId, VenueTime, beyond_held, part_of,
};
use std::collections::{BTreeMap, VecDeque};

/// How many closed pairs are remembered for late payments: as many as the engine does.
const CLOSED: usize = 256;

type Held = (StrategyId, AccountId, InstrumentId);
type Trade = (Side, Price, Quantity);
/// What of something is of which pair.
type Parts = Vec<(usize, Earnings)>;

/// All pairs that there ever were.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    all: Vec<PairRecord>,
    /// Those of which something is held, or may still be bought.
    open: Vec<usize>,
    /// The last that were closed.
    closed: VecDeque<usize>,
    of_plan: BTreeMap<(StrategyId, u64), usize>,
    /// Plans of orders.
    of_order: BTreeMap<(StrategyId, u64), u64>,
}

impl Pairs {
    pub(super) fn get(&self, place: usize) -> Option<&PairRecord> {
        self.all.get(place)
    }

    /// A step of a plan.
    pub(super) fn plan(&mut self, (strategy, id): (StrategyId, u64), step: &PlanStep) {
        match step {
            PlanStep::Began(plan) => self.began(strategy, plan),
            PlanStep::Sends { number, .. } => {
                self.of_order.insert((strategy, *number), id);
            }
            PlanStep::Ended(_) => self.ended(strategy, id),
            _ => {}
        }
    }

    /// A plan begins: it opens a pair, adds to one, or closes one.
    fn began(&mut self, strategy: StrategyId, plan: &PairPlan) {
        let [bought, sold] = &plan.legs;
        let (long, short) = match plan.kind {
            PairKind::Open => (bought, sold),
            PairKind::Close => (sold, bought),
        };
        let keys = [long, short].map(|leg| (leg.instrument, leg.account));
        let same = |place: &&usize| {
            let record = self.all.get(**place).filter(|record| record.strategy == strategy);
            let legs = record.map(|r| r.legs.each_ref().map(|leg| (leg.instrument, leg.account)));
            legs == Some(keys)
        };
        let place = match self.open.iter().find(same) {
            Some(place) => *place,
            None if plan.kind == PairKind::Open => {
                let leg = |(what, account), side| PairLegRecord::new(what, account, side);
                let legs = [leg(keys[0], Side::Buy), leg(keys[1], Side::Sell)];
                let (plans, opened) = (Vec::new(), plan.began);
                self.all.push(PairRecord { strategy, plans, opened, closed: None, legs });
                self.open.push(self.all.len() - 1);
                self.all.len() - 1
            }
            None => return,
        };
        if let Some(record) = self.all.get_mut(place) {
            record.plans.push(plan.id);
        }
        self.of_plan.insert((strategy, plan.id), place);
    }

    /// A plan ended: where nothing of its pair was ever filled it was none of its plans, and what
    /// has no plan was no pair.
    fn ended(&mut self, strategy: StrategyId, plan: u64) {
        let place = self.of_plan.get(&(strategy, plan)).copied();
        let Some(place) = place.filter(|place| self.open.contains(place)) else { return };
        let Some(record) = self.all.get_mut(place) else { return };
        if record.legs.iter().any(|leg| leg.position.traded != 0) {
            return;
        }
        record.plans.retain(|known| *known != plan);
        self.of_plan.remove(&(strategy, plan));
        if record.plans.is_empty() {
            self.open.retain(|open| *open != place);
        }
    }

    fn of(&self, order: ClientOrderId) -> Option<usize> {
        let plan = self.of_order.get(&(order.strategy, order.number))?;
        self.of_plan.get(&(order.strategy, *plan)).copied()
    }

    /// Does something to a leg of a pair; gives what it earned by that.
    fn earn(
        &mut self,
        (place, instrument): (usize, InstrumentId),
        change: impl FnOnce(&mut PairLegRecord),
    ) -> Parts {
        let record = self.all.get_mut(place);
        let leg = record.and_then(|r| r.legs.iter_mut().find(|leg| leg.instrument == instrument));
        let Some(leg) = leg else { return Vec::new() };
        change(leg);
        let earned = std::mem::take(&mut leg.earned);
        let nothing = earned == Earnings::default();
        if nothing { Vec::new() } else { vec![(place, earned)] }
    }

    /// Puts a pair whose legs are flat away; a late fill takes it out again.
    fn settle(&mut self, now: HostTime, place: usize) {
        let Some(record) = self.all.get_mut(place) else { return };
        let flat = record.is_flat();
        record.closed = flat.then_some(now);
        let is_open = self.open.contains(&place);
        if flat && is_open {
            self.open.retain(|open| *open != place);
            self.closed.push_back(place);
            if self.closed.len() > CLOSED {
                self.closed.pop_front();
            }
        } else if !flat && !is_open {
            self.closed.retain(|closed| *closed != place);
            self.open.push(place);
        }
    }

    /// A fill of an order.
    pub(super) fn filled(
        &mut self,
        (now, order): (HostTime, ClientOrderId),
        spec: &Instrument,
        ((what, fee), rates): ((Trade, Fee), &Rates),
    ) -> Parts {
        let Some(place) = self.of(order) else { return Vec::new() };
        // one that does not fit was not booked by the host either
        let parts = self.earn((place, spec.id), |leg| {
            let _ = leg.fill(spec, what, fee, rates);
        });
        self.settle(now, place);
        parts
    }

    /// What something else than their plans has closed of pairs, `held` being what their strategy
    /// holds after it: of several the oldest first.
    pub(super) fn trimmed(
        &mut self,
        now: HostTime,
        ((strategy, account, instrument), held): (Held, i64),
        spec: &Instrument,
        ((price, quantity, fee), rates): ((Price, Quantity, Fee), &Rates),
    ) -> Parts {
        let leg_of = |record: &PairRecord| {
            let own = record.strategy == strategy;
            let mut legs = record.legs.iter().filter(|_| own);
            let leg = legs.find(|leg| (leg.instrument, leg.account) == (instrument, account));
            leg.map_or(0, |leg| leg.position.quantity.units())
        };
        let open = self.open.clone();
        let have = |place: &usize| self.all.get(*place).map_or(0, leg_of);
        let mut beyond = beyond_held(open.iter().map(have).sum(), held);
        let mut parts = Vec::new();
        for place in open {
            let mine = self.all.get(place).map_or(0, leg_of);
            let same = mine.signum() == beyond.signum();
            let part = if same { mine.abs().min(beyond.abs()) } else { 0 };
            if part == 0 {
                continue;
            }
            let side = if mine > 0 { Side::Sell } else { Side::Buy };
            let amount = part_of(fee.amount, part, quantity.units().abs());
            let (what, fee) = ((side, price, Quantity::from_units(part)), Fee { amount, ..fee });
            parts.extend(self.earn((place, instrument), |leg| {
                let _ = leg.fill(spec, what, fee, rates);
            }));
            beyond -= beyond.signum() * part;
            self.settle(now, place);
        }
        parts
    }

    /// A fill that was inferred turns out to have been worth so much more.
    pub(super) fn corrected(
        &mut self,
        order: ClientOrderId,
        spec: &Instrument,
        ((side, quantity, more), rates): ((Side, Quantity, Decimal), &Rates),
    ) -> Parts {
        let Some(place) = self.of(order) else { return Vec::new() };
        self.earn((place, spec.id), |leg| {
            let _ = leg.correct(spec, (side, quantity), more, rates);
        })
    }

    /// Pairs that had a leg of this at a time.
    fn there_at(&self, (strategy, account, instrument): Held, at: u64) -> Vec<usize> {
        let holds = |leg: &PairLegRecord| {
            let same = leg.instrument == instrument && leg.account == account;
            same && leg.position.traded != 0
        };
        let was_there = |record: &PairRecord| {
            let closed = record.closed.is_some_and(|closed| closed.as_nanos() < at);
            record.strategy == strategy && record.opened.as_nanos() <= at && !closed
        };
        let there = |place: &usize| {
            let record = self.all.get(*place);
            record.is_some_and(|record| was_there(record) && record.legs.iter().any(holds))
        };
        self.closed.iter().chain(&self.open).copied().filter(there).collect()
    }

    /// A payment on all `units` that a strategy holds.
    pub(super) fn funded(
        &mut self,
        held: Held,
        (settle, amount, settlement): (&str, Decimal, VenueTime),
        (units, rates): (i64, &Rates),
    ) -> Parts {
        let there = self.there_at(held, settlement.as_nanos());
        let alone = there.len() == 1;
        let mut parts = Vec::new();
        for place in there {
            parts.extend(self.earn((place, held.2), |leg| {
                let mine = leg.position.quantity.units();
                // closed since, and it alone was there
                let all = alone && mine == 0;
                let part = if all { amount } else { part_of(amount, mine, units) };
                leg.earned.enter(settle, Entry::Funding, part, rates);
            }));
        }
        parts
    }

    /// What is held of a contract was closed at its delivery price.
    pub(super) fn delivered(
        &mut self,
        now: HostTime,
        (strategy, account, instrument): Held,
        spec: &Instrument,
        ((price, quantity, fee), rates): ((Price, Quantity, Fee), &Rates),
    ) -> Parts {
        let mut parts = Vec::new();
        for place in self.open.clone() {
            let record = self.all.get(place).filter(|record| record.strategy == strategy);
            let mut legs = record.into_iter().flat_map(|record| &record.legs);
            let mine = legs.find(|leg| (leg.instrument, leg.account) == (instrument, account));
            let held = mine.map_or(Quantity::ZERO, |leg| leg.position.quantity);
            if held.is_zero() {
                continue;
            }
            let side = if held.is_positive() { Side::Sell } else { Side::Buy };
            let amount = part_of(fee.amount, held.units(), quantity.units());
            let (what, fee) = ((side, price, held.abs()), Fee { amount, ..fee });
            parts.extend(self.earn((place, instrument), |leg| {
                let _ = leg.fill(spec, what, fee, rates);
            }));
            self.settle(now, place);
        }
        parts
    }
}

#[cfg(test)]
mod tests;
