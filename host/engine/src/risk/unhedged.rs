//! Hedges, and what of them is unhedged: how long the base of one leg may stand without the other.
//!
//! A hedge is one that the config names, or a pair that a plan has opened, for as long as anything
//! of it is held. Hedges that share an instrument are one: what is bought of one leg may be sold in
//! several. The base of a linear leg is its quantity, of an inverse one the coins its contracts
//! were worth when they were entered, so no mark moves it. Since when something is unhedged follows
//! from the fills, and survives a restart.

use super::hedge_gap::{Gap, Leg};
use crate::execution::{common_step, lot_base};
use crate::strategy::StrategySlot;
use crate::{Effects, Engine};
use hedgerow_model::{
    Decimal, Guard, GuardAction, GuardKey, HostTime, Instrument, InstrumentId, Quantity, Rounding,
    Scope, StrategyId,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Whose, and the two legs, the smaller id first.
pub(crate) type Hedge = (StrategyId, InstrumentId, InstrumentId);

/// Digits after the point of base units where they are compared as whole numbers.
const PARTS: u32 = 12;

/// All hedges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hedges {
    /// Those of the config.
    #[serde(skip)]
    named: BTreeSet<Hedge>,
    /// Those that plans have opened.
    opened: BTreeSet<Hedge>,
    /// Since when they are not level.
    unhedged: BTreeMap<Hedge, HostTime>,
}

impl Hedges {
    pub(crate) fn new(config: &crate::EngineConfig) -> Self {
        let mut this = Self::default();
        for strategy in &config.strategies {
            for (a, b) in &strategy.guards.hedges {
                this.named.insert((strategy.id, *a.min(b), *a.max(b)));
            }
        }
        this
    }

    /// A plan opens one.
    pub(crate) fn insert(&mut self, strategy: StrategyId, a: InstrumentId, b: InstrumentId) {
        self.opened.insert((strategy, a.min(b), a.max(b)));
    }

    /// What a snapshot knew beside what the config names.
    pub(crate) fn take_up(&mut self, known: Self) {
        self.opened = known.opened;
        self.unhedged = known.unhedged;
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Hedge> {
        self.named.union(&self.opened).copied()
    }

    fn of(&self, strategy: StrategyId) -> impl Iterator<Item = Hedge> {
        self.all().filter(move |(whose, ..)| *whose == strategy)
    }

    /// The instruments of a hedge and of all that share one with it, and so on.
    pub(crate) fn together(&self, (strategy, a, b): Hedge) -> BTreeSet<InstrumentId> {
        let mut all = BTreeSet::from([a, b]);
        loop {
            let touched = self.of(strategy).filter(|(_, a, b)| all.contains(a) != all.contains(b));
            let more: Vec<InstrumentId> = touched.flat_map(|(_, a, b)| [a, b]).collect();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }
}

/// Legs that differ by less than both can trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dust {
    /// Beside as much of both.
    Beside,
    /// That is all that is held.
    Alone,
}

fn key(guard: Guard, (strategy, a, b): Hedge) -> GuardKey {
    GuardKey { guard, scope: Scope::Strategy(strategy), of: vec![a, b] }
}

pub(super) fn hedge_of(key: &GuardKey) -> Option<Hedge> {
    match (key.scope, key.of.as_slice()) {
        (Scope::Strategy(strategy), [a, b]) => Some((strategy, *a, *b)),
        _ => None,
    }
}

/// Base units of a leg, signed, and of one of its lots; of an inverse one at its average entry.
pub(super) fn base_of(spec: &Instrument, slot: &StrategySlot) -> Option<(Decimal, Decimal)> {
    let position = &slot.holding(spec.id)?.position;
    if !spec.kind.is_inverse() {
        let base = spec.quantity(position.quantity).checked_mul(spec.multiplier)?;
        return Some((base, lot_base(spec, Decimal::ONE)?));
    }
    let lot = match position.entry(spec) {
        Some(entry) => lot_base(spec, entry)?,
        None => Decimal::ZERO,
    };
    Some((position.cost, lot))
}

/// Base units in whole trillionths, rounded half-even: what two legs are compared by.
fn whole(base: Decimal) -> Option<i128> {
    let mut parts = Rounding::HalfEven.decimal(base, PARTS);
    parts.rescale(PARTS);
    (parts.scale() == PARTS).then(|| parts.mantissa())
}

impl Engine {
    /// Base units bought beyond those sold in a hedge and those it shares a leg with, and the step
    /// within which that is level.
    pub(crate) fn residual(&self, hedge: Hedge) -> Option<(Decimal, Decimal)> {
        let slot = self.strategies.get(hedge.0.index())?;
        let all = self.hedges.together(hedge);
        let specs: Option<Vec<_>> = all.iter().map(|id| self.config.instrument(*id)).collect();
        let specs = specs?;
        let inverse = specs.iter().any(|spec| spec.kind.is_inverse());
        let mut sums: Option<(Decimal, Decimal)> = None;
        for spec in specs {
            let (base, lot) = base_of(spec, slot)?;
            sums = Some(match sums {
                None => (base, lot),
                Some((sum, step)) if inverse => (sum.checked_add(base)?, step.max(lot)),
                Some((sum, step)) => (sum.checked_add(base)?, common_step(step, lot)?),
            });
        }
        sums
    }

    /// Folds since when hedges of a strategy are not level, after its positions changed.
    pub(crate) fn note_hedges(&mut self, time: HostTime, strategy: StrategyId) {
        for hedge in self.hedges.of(strategy).collect::<Vec<_>>() {
            let (_, a, b) = hedge;
            if self.is_flat(hedge) && !self.plans.is_concerned(strategy, &[a, b]) {
                // a pair that is closed is no hedge any more; one of the config stays, and one of
                // which a stuck plan may still bring a leg alone
                self.hedges.opened.remove(&hedge);
                self.hedges.unhedged.remove(&hedge);
                continue;
            }
            // what cannot be computed is not level
            let level = self
                .residual(hedge)
                .is_some_and(|(residual, step)| residual.is_zero() || residual.abs() < step);
            if level {
                self.hedges.unhedged.remove(&hedge);
            } else {
                self.hedges.unhedged.entry(hedge).or_insert(time);
            }
        }
    }

    fn unhedged_guard(
        &self,
        (strategy, ..): Hedge,
    ) -> Option<(hedgerow_model::Duration, GuardAction)> {
        self.config.strategies.get(strategy.index())?.guards.unhedged
    }

    /// When the first of what is unhedged has been so for too long.
    pub(crate) fn next_unhedged(&self) -> Option<HostTime> {
        let due = self.hedges.unhedged.iter().filter_map(|(hedge, since)| {
            let (most, _) = self.unhedged_guard(*hedge)?;
            let tripped = self.guards.has_tripped(&key(Guard::Unhedged, *hedge));
            (!tripped).then(|| since.after(most))
        });
        due.min()
    }

    /// What has been unhedged for too long trips.
    pub(crate) fn guard_unhedged(&mut self, now: HostTime, effects: &mut Effects) {
        let due = self.hedges.unhedged.iter().filter_map(|(hedge, since)| {
            let (most, action) = self.unhedged_guard(*hedge)?;
            (since.after(most) <= now).then_some((*hedge, action, now.since(*since)))
        });
        for (hedge, action, age) in due.collect::<Vec<_>>() {
            let residual = self.residual(hedge).map(|(residual, _)| residual.normalize());
            let residual = residual.map_or("an unknown amount".into(), |r| r.to_string());
            let detail = format!("{residual} has been unhedged for {} ms", age.as_millis());
            self.trip(now, &key(Guard::Unhedged, hedge), action, detail, effects);
        }
    }

    pub(crate) fn is_unhedged(&self, key: &GuardKey) -> bool {
        hedge_of(key).is_some_and(|hedge| self.hedges.unhedged.contains_key(&hedge))
    }

    pub(crate) fn is_flat_hedge(&self, key: &GuardKey) -> bool {
        hedge_of(key).is_none_or(|hedge| self.is_flat(hedge))
    }

    fn is_flat(&self, (strategy, a, b): Hedge) -> bool {
        let slot = self.strategies.get(strategy.index());
        slot.is_none_or(|slot| [a, b].iter().all(|id| slot.position(*id).is_zero()))
    }

    /// How both legs compare where they differ by less than both can trade. Nothing: by more, or
    /// it is not known by how much.
    fn dust(&self, hedge: Hedge) -> Option<Dust> {
        if self.hedges.together(hedge).len() > 2 {
            return None; // the rest of it may be in a hedge beside this one
        }
        let (residual, step) = self.residual(hedge)?;
        let slot = self.strategies.get(hedge.0.index())?;
        let base = |id| Some(base_of(self.config.instrument(id)?, slot)?.0);
        let [a, b] = [base(hedge.1)?, base(hedge.2)?];
        if residual.abs() >= step {
            return None;
        }
        let both = a.is_sign_positive() != b.is_sign_positive() && !a.is_zero() && !b.is_zero();
        // what is left of a finer leg alone can be closed, if it is an order's size
        let closable = |id: InstrumentId| {
            let least = self.config.instrument(id).map_or(Quantity::ZERO, |s| s.min_quantity);
            let held = slot.position(id).abs();
            held.is_positive() && held >= least
        };
        let alone = !closable(hedge.1) && !closable(hedge.2);
        (both || alone).then_some(if both { Dust::Beside } else { Dust::Alone })
    }

    /// Whether all that is left of a hedge is less than both legs can trade: nobody can close it.
    pub(crate) fn is_dust(&self, key: &GuardKey) -> bool {
        hedge_of(key).is_some_and(|hedge| self.dust(hedge) == Some(Dust::Alone))
    }

    /// Gaps of hedges that are held and at which no plan is at work. Of those that share a leg no
    /// two legs are to be worth the same: what of them is unhedged is watched.
    pub(crate) fn gaps(&self) -> Vec<(GuardKey, Gap, GuardAction)> {
        let of = |hedge: Hedge| {
            let (strategy, a, b) = hedge;
            let shares = self.hedges.together(hedge).len() > 2;
            if shares || self.is_flat(hedge) || self.plans.is_busy(strategy, &[a, b]) {
                return None;
            }
            let watch = self.config.strategies.get(strategy.index())?.guards.hedge_gap;
            let gap = Gap::new(self.gap_legs(hedge)?, watch.limit)?;
            Some((key(Guard::HedgeGap, hedge), gap, watch.action))
        };
        self.hedges.all().filter_map(of).collect()
    }

    /// What both legs of a hedge are worth. Nothing: nothing can differ.
    fn gap_legs(&self, hedge: Hedge) -> Option<[Leg; 2]> {
        let (strategy, a, b) = hedge;
        let slot = self.strategies.get(strategy.index())?;
        let specs = [self.config.instrument(a)?, self.config.instrument(b)?];
        let inverse = specs.iter().any(|spec| spec.kind.is_inverse());
        let dust = self.dust(hedge);
        if dust == Some(Dust::Alone) {
            return None;
        }
        let digits = specs.iter().map(|spec| spec.price_scale.digits()).max()?;
        let leg = |spec: &Instrument| {
            let held = slot.position(spec.id);
            let side = if held.is_positive() { 1_i128 } else { -1 };
            let (constant, coefficient) = match (inverse, dust) {
                // contracts worth a fixed amount of the quote hedge the coins they were
                // entered for: at other marks neither leg is worth what the other is
                (true, None) => (whole(base_of(spec, slot)?.0)?, 0),
                (true, Some(_)) => (side, 0),
                (false, None) => self.exposure.worth(spec, held)?,
                // what one holds beyond the other cannot be traded: they differ as their marks do
                (false, Some(_)) => {
                    let finer = digits.checked_sub(spec.price_scale.digits())?;
                    (0, 10_i128.checked_pow(u32::from(finer))?.checked_mul(side)?)
                }
            };
            Some(Leg { instrument: spec.id, constant, coefficient })
        };
        let [a, b] = specs;
        Some([leg(a)?, leg(b)?])
    }
}
