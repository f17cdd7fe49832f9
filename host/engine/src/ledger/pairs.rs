//! Pairs: what plans opened together, until both legs are flat. Each has what its own orders made,
//! its part of payments and of deliveries, and what inferred fills turn out to have been worth.

use crate::Engine;
use crate::expiry::{closing, part_of_fee};
use hedgerow_model::{
    AccountId, ClientOrderId, Decimal, Entry, Fee, HostTime, InstrumentId, PLAN_ORDERS, PairKind,
    PairLegRecord, PairPlan, PairRecord, Price, Quantity, Side, StrategyId, VenueTime, beyond_held,
    part_of,
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How many closed pairs are remembered, for late fills and payments and for people.
const CLOSED: usize = 256;

/// Pairs: open ones, and the last that were closed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pairs {
    open: Vec<PairRecord>,
    closed: VecDeque<PairRecord>,
}

impl Pairs {
    /// A plan begins: it opens a pair, adds to one, or closes one.
    pub(crate) fn began(&mut self, strategy: StrategyId, plan: &PairPlan) {
        let [bought, sold] = &plan.legs;
        let (long, short) = match plan.kind {
            PairKind::Open => (bought, sold),
            PairKind::Close => (sold, bought),
        };
        let keys = [long, short].map(|leg| (leg.instrument, leg.account));
        let same = |record: &&mut PairRecord| {
            let legs = record.legs.each_ref().map(|leg| (leg.instrument, leg.account));
            record.strategy == strategy && legs == keys
        };
        if let Some(record) = self.open.iter_mut().find(same) {
            record.plans.push(plan.id);
        } else if plan.kind == PairKind::Open {
            let leg = |(instrument, account), side| PairLegRecord::new(instrument, account, side);
            let legs = [leg(keys[0], Side::Buy), leg(keys[1], Side::Sell)];
            let (plans, opened) = (vec![plan.id], plan.began);
            self.open.push(PairRecord { strategy, plans, opened, closed: None, legs });
        }
    }

    /// A plan ended: a pair of which nothing was ever filled, and for which no other plan is at
    /// work, was none.
    pub(crate) fn ended(&mut self, strategy: StrategyId, plan: u64) {
        self.open.retain_mut(|record| {
            let traded = record.legs.iter().any(|leg| leg.position.traded != 0);
            if traded || record.strategy != strategy || !record.plans.contains(&plan) {
                return true;
            }
            record.plans.retain(|known| *known != plan);
            !record.plans.is_empty()
        });
    }

    /// The pair of a plan, open again if it was closed.
    fn of_plan(&mut self, strategy: StrategyId, plan: u64) -> Option<usize> {
        let is_it =
            |record: &PairRecord| record.strategy == strategy && record.plans.contains(&plan);
        if let Some(place) = self.open.iter().position(is_it) {
            return Some(place);
        }
        let place = self.closed.iter().rposition(is_it)?;
        let mut record = self.closed.remove(place)?;
        record.closed = None;
        self.open.push(record);
        self.open.len().checked_sub(1)
    }

    /// The leg of a plan's pair in an instrument, as it stands: open or closed.
    fn leg_of_plan(
        &mut self,
        (strategy, plan): (StrategyId, u64),
        instrument: InstrumentId,
    ) -> Option<&mut PairLegRecord> {
        let is_it =
            |record: &&mut PairRecord| record.strategy == strategy && record.plans.contains(&plan);
        let record = self.open.iter_mut().chain(self.closed.iter_mut().rev()).find(is_it)?;
        record.legs.iter_mut().find(|leg| leg.instrument == instrument)
    }

    /// Puts a pair whose legs are flat away.
    fn settle(&mut self, now: HostTime, place: usize) {
        if self.open.get(place).is_some_and(PairRecord::is_flat) {
            let mut record = self.open.remove(place);
            record.closed = Some(now);
            self.closed.push_back(record);
            if self.closed.len() > CLOSED {
                self.closed.pop_front();
            }
        }
    }

    /// Pairs of a strategy, closed ones first.
    pub(crate) fn of(&self, strategy: StrategyId) -> impl Iterator<Item = &PairRecord> {
        let all = self.closed.iter().chain(&self.open);
        all.filter(move |record| record.strategy == strategy)
    }

    /// Legs in an instrument of one account that were there at a settlement.
    fn legs_at(
        &mut self,
        (strategy, account, instrument): (StrategyId, AccountId, InstrumentId),
        settlement: VenueTime,
    ) -> Vec<&mut PairLegRecord> {
        let at = settlement.as_nanos();
        let was_there = |record: &&mut PairRecord| {
            let closed = record.closed.is_some_and(|closed| closed.as_nanos() < at);
            record.strategy == strategy && record.opened.as_nanos() <= at && !closed
        };
        let all = self.closed.iter_mut().chain(&mut self.open).filter(was_there);
        let legs = all.flat_map(|record| &mut record.legs);
        let held = |leg: &&mut PairLegRecord| {
            leg.instrument == instrument && leg.account == account && leg.position.traded != 0
        };
        legs.filter(held).collect()
    }
}

/// A pair's part of a payment on all that is held: all of it when the pair holds all, or when it
/// alone was there and is closed by now.
pub(super) fn share(amount: Decimal, leg: i64, held: i64, alone: bool) -> Decimal {
    if leg == 0 {
        return if alone { amount } else { Decimal::ZERO };
    }
    part_of(amount, leg, held)
}

impl Engine {
    /// Counts a fill for the pair whose order it is.
    pub(crate) fn count_for_pair(
        &mut self,
        now: HostTime,
        id: ClientOrderId,
        instrument: InstrumentId,
        (what, fee): ((Side, Price, Quantity), Fee),
    ) {
        let plan = (id.number >= PLAN_ORDERS).then(|| self.plans.of_order(id)).flatten();
        let Some((strategy, plan)) = plan else { return };
        let Some(place) = self.pairs.of_plan(strategy, plan) else { return };
        let Some(spec) = self.config.instruments.get(instrument.index()) else { return };
        let record = self.pairs.open.get_mut(place);
        let leg = record.and_then(|r| r.legs.iter_mut().find(|leg| leg.instrument == instrument));
        if let Some(leg) = leg {
            // what fits the ledger fits here: the same sums, or smaller ones
            let _ = leg.fill(spec, what, fee, &self.rates);
        }
        self.pairs.settle(now, place);
    }

    /// Gives pairs their part of a payment.
    pub(crate) fn fund_pairs(
        &mut self,
        whose: (StrategyId, AccountId, InstrumentId),
        (amount, settlement): (Decimal, VenueTime),
        held: i64,
    ) {
        let Some(spec) = self.config.instruments.get(whose.2.index()) else { return };
        let legs = self.pairs.legs_at(whose, settlement);
        let alone = legs.len() == 1;
        for leg in legs {
            let part = share(amount, leg.position.quantity.units(), held, alone);
            leg.position.funding = leg.position.funding.saturating_add(part);
            leg.earned.enter(&spec.settle, Entry::Funding, part, &self.rates);
        }
    }

    /// Closes what pairs hold of a contract that was delivered.
    pub(crate) fn deliver_pairs(
        &mut self,
        now: HostTime,
        (strategy, account, instrument): (StrategyId, AccountId, InstrumentId),
        price: Price,
        (quantity, fee): (Quantity, Fee),
    ) {
        let Some(spec) = self.config.instruments.get(instrument.index()) else { return };
        for place in (0..self.pairs.open.len()).rev() {
            let record = self.pairs.open.get_mut(place).filter(|r| r.strategy == strategy);
            let legs = record.into_iter().flat_map(|record| &mut record.legs);
            let mut mine =
                legs.filter(|leg| (leg.instrument, leg.account) == (instrument, account));
            let Some(leg) = mine.find(|leg| !leg.position.quantity.is_zero()) else { continue };
            let held = leg.position.quantity;
            let what = (closing(held), price, held.abs());
            // what fits the ledger fits here: the same sums, or smaller ones
            let _ = leg.fill(spec, what, part_of_fee(fee, held, quantity), &self.rates);
            self.pairs.settle(now, place);
        }
    }

    /// What something else than its plans has closed of a pair (another order of its strategy, its
    /// venue, an adoption) is closed in its record too, at that price and with its part of the fee:
    /// of several the oldest first.
    pub(crate) fn trim_pairs(
        &mut self,
        now: HostTime,
        (strategy, account, instrument): (StrategyId, AccountId, InstrumentId),
        price: Price,
        (quantity, fee): (Quantity, Fee),
    ) {
        let slot = self.strategies.get(strategy.index());
        let held = slot.map_or(0, |slot| slot.position(instrument).units());
        let Some(spec) = self.config.instruments.get(instrument.index()) else { return };
        let is_it =
            |leg: &&mut PairLegRecord| (leg.instrument, leg.account) == (instrument, account);
        let own = self.pairs.open.iter_mut().filter(|record| record.strategy == strategy);
        let legs = own.flat_map(|record| record.legs.iter_mut()).filter(is_it);
        let all: i64 = legs.map(|leg| leg.position.quantity.units()).sum();
        let mut beyond = beyond_held(all, held);
        let mut place = 0;
        while beyond != 0 && place < self.pairs.open.len() {
            let record = self.pairs.open.get_mut(place).filter(|r| r.strategy == strategy);
            let leg = record.and_then(|record| record.legs.iter_mut().find(is_it));
            if let Some(leg) = leg {
                let mine = leg.position.quantity.units();
                let same = mine.signum() == beyond.signum();
                let part = if same { mine.abs().min(beyond.abs()) } else { 0 };
                if part > 0 {
                    let closed = Quantity::from_units(part);
                    let what = (closing(leg.position.quantity), price, closed);
                    let fee = part_of_fee(fee, closed, quantity.abs());
                    // what fits the ledger fits here: the same sums, or smaller ones
                    let _ = leg.fill(spec, what, fee, &self.rates);
                    beyond -= beyond.signum() * part;
                }
            }
            let before = self.pairs.open.len();
            self.pairs.settle(now, place);
            place += usize::from(self.pairs.open.len() == before);
        }
    }

    /// What of an order was inferred turns out to have been worth so much more.
    pub(crate) fn correct_for_pair(
        &mut self,
        id: ClientOrderId,
        instrument: InstrumentId,
        (side, quantity, more): (Side, Quantity, Decimal),
    ) {
        if id.number < PLAN_ORDERS || more.is_zero() {
            return;
        }
        let Some((strategy, plan)) = self.plans.of_order(id) else { return };
        let Some(spec) = self.config.instruments.get(instrument.index()) else { return };
        let leg = self.pairs.leg_of_plan((strategy, plan), instrument);
        if let Some(leg) = leg {
            // what fits the ledger fits here: the same sums, or smaller ones
            let _ = leg.correct(spec, (side, quantity), more, &self.rates);
        }
    }
}
