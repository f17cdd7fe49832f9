//! Folding facts: the only place where state that must survive a restart changes.

mod fills;
mod orders;

use crate::Engine;
use hedgerow_model::{
    AccountId, Decimal, Duration, Entry, Fact, FundingNotice, GuardKey, HostTime, InstrumentId,
    PairKind, PlanStep, Report, Scope, StrategyId, TimerId, TradingMode, VenueTime, WireId,
};

/// How long a finished order is remembered for late fills.
const TOMBSTONE: Duration = Duration::from_secs(24 * 3600);

impl Engine {
    pub(crate) fn apply(&mut self, time: HostTime, fact: &Fact) {
        self.fold(time, fact);
        self.note_positions(time, fact);
    }

    /// What guards look at has changed with some facts.
    fn note_positions(&mut self, time: HostTime, fact: &Fact) {
        let moved = match fact {
            Fact::Fill { id, account, .. } => Some((id.strategy, Some(*account))),
            Fact::Forced { strategy, account, .. } | Fact::Delivered { strategy, account, .. } => {
                Some((*strategy, Some(*account)))
            }
            Fact::Adopted { strategy, account, .. } => Some((*strategy, *account)),
            Fact::Plan { strategy, step: PlanStep::Began(plan), .. } => {
                if plan.kind == PairKind::Open {
                    self.hedges.insert(*strategy, plan.request.buy, plan.request.sell);
                }
                Some((*strategy, None))
            }
            Fact::Plan { strategy, step: PlanStep::Ended(_) | PlanStep::Released, .. } => {
                Some((*strategy, None))
            }
            Fact::Plan { strategy, .. } => {
                self.look_at_pairs(Scope::Strategy(*strategy));
                return;
            }
            Fact::Guard { key: GuardKey { scope, .. }, .. } | Fact::Mode { scope, .. } => {
                self.look_at_pairs(*scope);
                self.duties.try_soon(&self.concerned(*scope));
                return;
            }
            // what was less than an order can be may not be any more
            Fact::Instrument(spec) => {
                self.look_at_pairs(Scope::Instrument(spec.id));
                return;
            }
            _ => return,
        };
        if let Some((strategy, account)) = moved {
            self.look_at_pairs(Scope::Strategy(strategy));
            self.note_hedges(time, strategy);
            if let Some(account) = account {
                self.margins.forget_prices(account);
                self.note_margin_needed(time, account);
            }
        }
    }

    fn fold(&mut self, time: HostTime, fact: &Fact) {
        match fact {
            Fact::Order { id, fact } => self.apply_order(time, *id, fact),
            Fact::Fill { .. } => self.apply_fill(time, fact),
            Fact::Forced { .. } => self.apply_forced(time, fact),
            Fact::Delivered { .. } => self.apply_delivered(time, fact),
            Fact::Funding { account, instrument, settlement, amount, others } => {
                self.apply_funding(*account, *instrument, *settlement, (*amount, *others));
            }
            Fact::Balance { .. }
            | Fact::Rate { .. }
            | Fact::Interest { .. }
            | Fact::BorrowRate { .. } => self.apply_money(fact),
            Fact::Leverage { .. } | Fact::LeverageAsked { .. } => self.apply_leverage(fact),
            Fact::OrderNumbers { strategy, next } => {
                if let Some(slot) = self.strategies.get_mut(strategy.index()) {
                    slot.next_order = slot.next_order.max(*next);
                }
            }
            Fact::WireIds { account, next } => self.use_wires(*account, *next),
            Fact::Adopted { .. } | Fact::Ignored { .. } | Fact::Compared { .. } => {
                self.apply_settled(time, fact);
            }
            Fact::Plan { strategy, plan, step } => self.apply_plan(time, (*strategy, *plan), step),
            Fact::TimerSet { strategy, id, at } => self.apply_timer_set(*strategy, *id, *at),
            Fact::TimerEnded { strategy, id, fired } => {
                self.apply_timer_ended(*strategy, *id, *fired);
            }
            Fact::Mode { scope, mode, reason } => {
                self.modes.set(*scope, *mode, reason);
                if let (Scope::Strategy(strategy), true) = (scope, *mode >= TradingMode::ReduceOnly)
                {
                    self.plans.note_told(*strategy);
                }
            }
            Fact::Flatten { strategy, instrument, step } => {
                self.plans.flattening.fold(time, (*strategy, *instrument), step);
            }
            Fact::Guard { key, state, detail } => self.apply_guard(time, key, *state, detail),
            Fact::Day { scope, day, profit } => {
                self.guards.days.insert(*scope, *day);
                self.exposure.begin_day(*scope, *profit);
            }
            Fact::MeasuresRestarted { scope, profit } => self.exposure.reset(*scope, *profit),
            Fact::Peak { scope, profit } => self.exposure.note_peak(*scope, *profit),
            Fact::Checkpoint { strategy, version, state, unheard } => {
                self.apply_checkpoint(*strategy, (*version, state), unheard);
            }
            Fact::CheckpointDropped { .. } | Fact::Fault { .. } | Fact::Said { .. } => {
                self.apply_of_component(fact);
            }
            Fact::Plugin { strategy, step, hash, detail } => {
                self.apply_step(*strategy, *step, (hash, detail));
            }
            Fact::Instrument(instrument) => self.apply_terms(instrument),
            Fact::Discrepancy { detail, .. } => {
                self.odd = (self.odd.0.saturating_add(1), detail.clone());
            }
            // told to people; nothing to fold
            Fact::Boot { .. }
            | Fact::Named { .. }
            | Fact::Defined(_)
            | Fact::Market { .. }
            | Fact::IntentDenied { .. }
            | Fact::Asked { .. }
            | Fact::Operator { .. } => {}
        }
    }

    /// What became of a component's state, and what it said.
    fn apply_of_component(&mut self, fact: &Fact) {
        let (Fact::CheckpointDropped { strategy, .. }
        | Fact::Fault { strategy, .. }
        | Fact::Said { strategy, .. }) = fact
        else {
            return;
        };
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        match fact {
            Fact::CheckpointDropped { unheard, .. } => {
                slot.checkpoint = None;
                slot.credit.fired = unheard.iter().map(|id| (*id, 0)).collect();
            }
            Fact::Fault { .. } => slot.faults = slot.faults.saturating_add(1),
            Fact::Said { report: Report::Status { text }, .. } => slot.said = Some(text.clone()),
            _ => {}
        }
    }

    fn apply_checkpoint(
        &mut self,
        strategy: StrategyId,
        (version, state): (u32, &[u8]),
        unheard: &[TimerId],
    ) {
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        slot.checkpoint = Some((version, state.to_vec()));
        slot.credit.fired.retain(|id, _| unheard.contains(id));
        for id in unheard {
            slot.credit.fired.entry(*id).or_insert(0);
        }
    }

    fn apply_timer_set(&mut self, strategy: StrategyId, id: TimerId, at: HostTime) {
        let known = self.timers.contains(strategy, id);
        self.timers.set(strategy, id, at);
        if let Some(slot) = self.strategies.get_mut(strategy.index()) {
            slot.credit.fired.remove(&id);
            slot.timers = slot.timers.saturating_add(u32::from(!known));
        }
    }

    fn apply_timer_ended(&mut self, strategy: StrategyId, id: TimerId, fired: bool) {
        let known = self.timers.contains(strategy, id);
        self.timers.end(strategy, id);
        if let Some(slot) = self.strategies.get_mut(strategy.index()) {
            slot.timers = slot.timers.saturating_sub(u32::from(known));
            if fired {
                slot.credit.fired.insert(id, 0);
            } else {
                slot.credit.fired.remove(&id);
            }
        }
    }

    fn use_wires(&mut self, account: AccountId, next: WireId) {
        let known = self.next_wire.entry(account).or_insert(1);
        *known = (*known).max(next.0);
    }

    fn apply_funding(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        settlement: VenueTime,
        (amount, others): (Decimal, Decimal),
    ) {
        let seen = self.funding_seen.entry((account, instrument)).or_default();
        seen.remember(settlement);
        let mut paid = Vec::new();
        let Some(spec) = self.config.instruments.get(instrument.index()) else {
            return;
        };
        if !others.is_zero() {
            let unowned = self.unowned.entry(account).or_default();
            unowned.enter(&spec.settle, Entry::Funding, others, &self.rates);
        }
        let amount = amount.saturating_sub(others);
        for (index, slot) in self.strategies.iter_mut().enumerate() {
            let holding = slot.holding_mut(instrument);
            let Some(holding) = holding.filter(|holding| holding.account == account) else {
                continue;
            };
            if holding.position.fund(amount).is_err() {
                continue; // `funded` has stopped the strategy
            }
            holding.earned.enter(&spec.settle, Entry::Funding, amount, &self.rates);
            holding.funding = Some(FundingNotice { instrument, amount, settlement });
            if let Ok(index) = u32::try_from(index) {
                let strategy = StrategyId(index);
                self.exposure.update(strategy, spec, &holding.position);
                paid.push((strategy, holding.position.quantity.units()));
            }
        }
        for (strategy, held) in paid {
            self.fund_pairs((strategy, account, instrument), (amount, settlement), held);
        }
    }

    pub(crate) fn is_new_funding(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        settlement: VenueTime,
    ) -> bool {
        let seen = self.funding_seen.get(&(account, instrument));
        !seen.is_some_and(|seen| seen.is_booked(settlement))
    }
}
