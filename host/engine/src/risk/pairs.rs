//! What guards do about pairs: make them smaller until the account's leverage is at its target
//! (R2), or close them. Always both legs, reduce-only, by a pair plan of the host's own; what does
//! not succeed is tried again while the guard stands.

use super::leverage;
use super::unhedged::{Hedge, base_of, hedge_of};
use crate::execution::whole_parts;
use crate::{Effects, Engine};
use hedgerow_model::{
    AccountId, Decimal, Duration, GuardAction, GuardKey, HostTime, InstrumentId, PlanStep,
    Quantity, Rounding, Scope, Side, StrategyId,
};
use std::collections::{BTreeMap, BTreeSet};

/// How long orders that stand in the way are given to end.
const CLEARED: Duration = Duration::from_millis(100);
/// Between two tries for one pair: twice as long after each that changed nothing, up to the
/// longest.
const AGAIN: Duration = Duration::from_secs(5);
const AGAIN_MAX: Duration = Duration::from_secs(30);
/// Plans from here on are the host's; strategies number theirs from below.
pub(crate) const HOST_PLANS: u64 = 1 << 63;

/// Whose pairs guards look at next, and when they try again.
///
/// A strategy's pairs are looked at only for causes of its own: its facts, its accounts, its times.
/// Were they looked at whenever anything happens, one strategy would move another's plan, and two
/// that share nothing could not be batched apart.
#[derive(Debug, Default)]
pub(crate) struct Duties {
    of: BTreeSet<StrategyId>,
    tried: BTreeMap<Hedge, Tried>,
    again: BTreeMap<Hedge, HostTime>,
}

/// The last try for one pair.
#[derive(Clone, Copy, Debug)]
struct Tried {
    at: HostTime,
    /// What was asked for, and what was held then.
    what: (GuardAction, [Quantity; 2]),
    /// How long after it the next may come while that is so.
    pause: Duration,
}

impl Tried {
    fn next(last: Option<&Self>, at: HostTime, what: (GuardAction, [Quantity; 2])) -> Self {
        let same = last.filter(|last| last.what == what);
        let longer = |last: &Self| Duration::from_nanos(last.pause.as_nanos().saturating_mul(2));
        Self { at, what, pause: same.map_or(AGAIN, |last| longer(last).min(AGAIN_MAX)) }
    }

    fn not_before(&self, what: (GuardAction, [Quantity; 2])) -> HostTime {
        self.at.after(if self.what == what { self.pause } else { AGAIN })
    }
}

impl Duties {
    /// Those of an engine that has not looked yet.
    pub(crate) fn unseen(strategies: impl Iterator<Item = StrategyId>) -> Self {
        Self { of: strategies.collect(), ..Self::default() }
    }

    pub(crate) fn look_at(&mut self, strategies: impl IntoIterator<Item = StrategyId>) {
        self.of.extend(strategies);
    }

    /// A mode or a guard of theirs has changed: what could not be done may be possible now.
    pub(crate) fn try_soon(&mut self, strategies: &[StrategyId]) {
        let mine = self.tried.iter_mut().filter(|(hedge, _)| strategies.contains(&hedge.0));
        mine.for_each(|(_, tried)| tried.pause = AGAIN);
    }

    fn forget(&mut self, hedge: Hedge) {
        self.tried.remove(&hedge);
        self.again.remove(&hedge);
    }
}

impl Engine {
    /// When something is to be tried again.
    pub(crate) fn next_duty(&self) -> Option<HostTime> {
        self.duties.again.values().min().copied()
    }

    /// What is to be tried again now.
    pub(crate) fn duty_due(&mut self, now: HostTime) {
        let due = self.duties.again.iter().filter(|(_, at)| **at <= now).map(|(hedge, _)| *hedge);
        for hedge in due.collect::<Vec<_>>() {
            self.duties.again.remove(&hedge);
            self.duties.of.insert(hedge.0);
            self.sights.stale = true;
        }
    }

    /// Does what the guards that have tripped ask for.
    pub(crate) fn see_to_pairs(&mut self, now: HostTime, effects: &mut Effects) {
        let whose = std::mem::take(&mut self.duties.of);
        let acts = |action| matches!(action, GuardAction::Reduce | GuardAction::ClosePair);
        let asked = self.guards.tripped.iter().filter(|(_, tripped)| acts(tripped.action));
        let asked: Vec<(GuardKey, GuardAction)> =
            asked.map(|(key, tripped)| (key.clone(), tripped.action)).collect();
        let mine = |hedge: &Hedge| whose.contains(&hedge.0);
        for hedge in self.hedges.all().filter(mine).collect::<Vec<_>>() {
            // of several the one that asks for most
            let meant = asked.iter().filter(|(key, _)| self.is_meant(key, hedge));
            match meant.map(|(_, action)| *action).max() {
                Some(action) => self.see_to_pair(now, (hedge, action), effects),
                None => self.duties.forget(hedge),
            }
        }
    }

    fn try_again(&mut self, hedge: Hedge, at: HostTime) {
        let known = self.duties.again.entry(hedge).or_insert(at);
        *known = at.min(*known);
    }

    /// Whether a guard is about a hedge.
    fn is_meant(&self, key: &GuardKey, hedge: Hedge) -> bool {
        if let Some(one) = hedge_of(key) {
            return one == hedge;
        }
        let (strategy, a, b) = hedge;
        let on = |account| [a, b].iter().any(|id| self.account_of(strategy, *id) == Some(account));
        match key.scope {
            Scope::Host => true,
            Scope::Strategy(id) => id == strategy,
            Scope::Account(account) => on(account),
            Scope::Instrument(id) => id == a || id == b,
        }
    }

    fn see_to_pair(
        &mut self,
        now: HostTime,
        (hedge, action): (Hedge, GuardAction),
        effects: &mut Effects,
    ) {
        let (strategy, a, b) = hedge;
        let held = [a, b].map(|id| self.closable(strategy, id));
        let [one, other] = held;
        if (one.is_zero() && other.is_zero()) || self.plans.is_busy(strategy, &[a, b]) {
            return;
        }
        let Some(size) = self.closing_size(hedge, action, held) else {
            // small enough, or what it is worth is not known: marks move that
            return self.try_again(hedge, now.after(AGAIN));
        };
        let last = self.duties.tried.get(&hedge);
        let again = last.map(|tried| tried.not_before((action, held)));
        let again = again.filter(|again| *again > now);
        // what is held is not sure before its venues have told
        let known = |id| self.account_of(strategy, id).is_some_and(|a| self.is_reconciled(a));
        let waits = self.plans.held || ![a, b].into_iter().all(known);
        let again = again.or_else(|| waits.then(|| now.after(Duration::from_secs(1))));
        if let Some(again) = again {
            self.try_again(hedge, again);
            return;
        }
        if self.clear_legs(now, strategy, [(a, one), (b, other)], effects) {
            self.try_again(hedge, now.after(CLEARED));
            return;
        }
        let tried = Tried::next(self.duties.tried.get(&hedge), now, (action, held));
        self.duties.tried.insert(hedge, tried);
        let lone = match (one.is_zero(), other.is_zero()) {
            (true, _) => Some(b),
            (_, true) => Some(a),
            _ => None,
        };
        if let Some(leg) = lone {
            self.begin_closing_alone(now, (strategy, leg), size, effects);
        } else {
            // the long leg is sold
            let long = one.is_positive() || other.units() < 0;
            let (buy, sell) = if long { (b, a) } else { (a, b) };
            self.begin_closing(now, hedge, ((buy, sell), size), effects);
        }
        self.try_again(hedge, now.after(AGAIN));
    }

    /// What is held, if it is enough for an order: if not, a fill changes that, or other terms.
    fn closable(&self, strategy: StrategyId, id: InstrumentId) -> Quantity {
        let slot = self.strategies.get(strategy.index());
        let held = slot.map_or(Quantity::ZERO, |slot| slot.position(id));
        let least = self.config.instrument(id).map_or(Quantity::ZERO, |spec| spec.min_quantity);
        if held.abs() < least { Quantity::ZERO } else { held }
    }

    /// The strategy's own orders that reduce the same legs go first: beside them a plan could not
    /// be reduce-only. Whether there are any.
    fn clear_legs(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        legs: [(InstrumentId, Quantity); 2],
        effects: &mut Effects,
    ) -> bool {
        let mut any = false;
        for (id, held) in legs.into_iter().filter(|(_, held)| !held.is_zero()) {
            let side = if held.is_positive() { Side::Sell } else { Side::Buy };
            let own = self.own_reductions(strategy, id, side);
            any |= own.waits || !own.cancel.is_empty();
            for number in own.cancel {
                self.cancel(now, strategy, number, effects);
            }
        }
        any
    }

    /// How much of a hedge goes. Where others share a leg with it, no more than both legs have.
    fn closing_size(
        &self,
        hedge: Hedge,
        action: GuardAction,
        held: [Quantity; 2],
    ) -> Option<serde_json::Value> {
        let base = match action {
            GuardAction::ClosePair if self.hedges.together(hedge).len() == 2 => {
                return Some(serde_json::json!("all"));
            }
            GuardAction::ClosePair => {
                let [one, other] = self.bases(hedge, held)?;
                let less = one.min(other);
                if less.is_zero() {
                    return None; // what is held belongs to another hedge
                }
                less
            }
            _ => self.reduction(hedge, held)?,
        };
        Some(serde_json::json!({ "base": base }))
    }

    /// One leg is held and not the other: it is closed by itself.
    fn begin_closing_alone(
        &mut self,
        now: HostTime,
        (strategy, instrument): (StrategyId, InstrumentId),
        size: serde_json::Value,
        effects: &mut Effects,
    ) {
        let Some(budget) = self.config.host.reduction else { return };
        let size = self.in_contracts(strategy, instrument, &size).unwrap_or(size);
        let json = serde_json::json!({
            "instrument": instrument, "size": size,
            "slippage_bps": budget.emergency_bps,
            "timeout_ms": budget.deadline_ms,
        });
        let legs = [instrument];
        self.begin_of_host(now, (strategy, &legs), ("close-position", &json.to_string()), effects);
    }

    /// A part of an inverse leg, base units at its entry, as the worth of as many contracts: a plan
    /// of one leg goes by the prices of now.
    pub(crate) fn in_contracts(
        &self,
        strategy: StrategyId,
        instrument: InstrumentId,
        size: &serde_json::Value,
    ) -> Option<serde_json::Value> {
        let spec = self.config.instrument(instrument).filter(|spec| spec.kind.is_inverse())?;
        let part: Decimal = serde_json::from_value(size.get("base")?.clone()).ok()?;
        let slot = self.strategies.get(strategy.index())?;
        let (base, held) = (base_of(spec, slot)?.0.abs(), slot.position(instrument).abs());
        let contracts = whole_parts(part.checked_mul(held.units().into())?, base)?;
        let contracts = i64::try_from(contracts.mantissa()).ok()?;
        let worth = spec.notional_at(Decimal::ONE, Quantity::from_units(contracts)).ok()?;
        Some(serde_json::json!({ "quote": worth }))
    }

    fn begin_closing(
        &mut self,
        now: HostTime,
        (strategy, ..): Hedge,
        ((buy, sell), size): ((InstrumentId, InstrumentId), serde_json::Value),
        effects: &mut Effects,
    ) {
        let Some(budget) = self.config.host.reduction else { return };
        let json = serde_json::json!({
            "buy": buy, "sell": sell, "size": size,
            "first": { "bps": budget.slippage_bps },
            "hedge": { "bps": budget.hedge_bps },
            "emergency": { "bps": budget.emergency_bps },
            "deadline_ms": budget.deadline_ms,
        });
        let legs = [buy, sell];
        self.begin_of_host(now, (strategy, &legs), ("pair-close", &json.to_string()), effects);
    }

    fn begin_of_host(
        &mut self,
        now: HostTime,
        (strategy, legs): (StrategyId, &[InstrumentId]),
        (kind, json): (&str, &str),
        effects: &mut Effects,
    ) {
        let number = self.next_host_plan(now, strategy);
        // a refusal is a fact; it is tried again
        if self.begin_plan(now, strategy, (number, kind, json), effects).is_err() {
            return;
        }
        // what an earlier one could not close is this one's to close; what of it still fills is
        // the guard's
        for leg in legs.iter().copied() {
            for key in self.plans.stuck_of_host(strategy, leg) {
                if key.1 != number {
                    self.plan_fact(now, key, PlanStep::Released, effects);
                }
            }
        }
    }

    /// A number for a plan of the host's own.
    pub(super) fn next_host_plan(&self, now: HostTime, strategy: StrategyId) -> u64 {
        let mut number = HOST_PLANS | now.as_nanos();
        while self.plans.get(&(strategy, number)).is_some() {
            number = number.saturating_add(1);
        }
        number
    }

    /// Base units of what is held of both legs, whatever their signs, an inverse one's at its
    /// entry: so much of the other it was to hedge.
    fn bases(&self, (strategy, a, b): Hedge, held: [Quantity; 2]) -> Option<[Decimal; 2]> {
        let slot = self.strategies.get(strategy.index())?;
        let of = |id: InstrumentId, held: Quantity| {
            let (base, _) = base_of(self.config.instrument(id)?, slot)?;
            Some(if held.is_zero() { Decimal::ZERO } else { base.abs() })
        };
        let [one, other] = held;
        Some([of(a, one)?, of(b, other)?])
    }

    /// Base units by which both legs of a pair shrink so that neither account is above its target:
    /// the larger of the accounts' needs, on the common step rounded up (M8).
    fn reduction(&self, hedge: Hedge, held: [Quantity; 2]) -> Option<Decimal> {
        let (strategy, a, b) = hedge;
        let accounts = [a, b].map(|id| self.account_of(strategy, id));
        let needs = accounts.into_iter().flatten().filter_map(|account| self.need(account));
        let share = needs.max().filter(|share| *share > Decimal::ZERO)?;
        let [one, other] = self.bases(hedge, held)?;
        // one leg alone shrinks by itself
        let lone = one.is_zero() || other.is_zero();
        let held = if lone { one.max(other) } else { one.min(other) };
        let (_, step) = self.residual(hedge)?;
        let step = Some(step).filter(|step| *step > Decimal::ZERO)?;
        let wanted = held.checked_mul(share)?.checked_div(step)?;
        let most = whole_parts(held, step)?;
        let steps = Rounding::Ceil.decimal(Rounding::HalfEven.decimal(wanted, 9), 0).min(most);
        steps.checked_mul(step).filter(|base| *base > Decimal::ZERO)
    }

    /// Which share of an account's gross must be closed. Nothing: it is not known, or has no
    /// target.
    fn need(&self, account: AccountId) -> Option<Decimal> {
        let guards = &self.config.accounts.get(account.index())?.guards;
        let target = guards.leverage_target?;
        let mut gross = Decimal::ZERO;
        for (spec, holding) in self.derivatives(account) {
            let mark = self.markets.get(spec.id)?.mark_exact(spec)?;
            let worth = spec.notional_at(mark, holding.position.quantity.abs()).ok()?;
            gross = gross.checked_add(worth)?;
        }
        let equity = self.equity(account)?;
        let closes = leverage::to_close(gross, equity, target, guards.taker_fee)?;
        closes.checked_div(Some(gross).filter(|gross| *gross > Decimal::ZERO)?)
    }
}
