//! Mode latches: of the host, of accounts, of strategies, of instruments. The strictest holds.
//!
//! A latch is set by a guard, the ledger or an operator, is a fact, and is loosened by nobody but
//! an operator.

use super::GUARD;
use crate::{Effects, Engine};
use hedgerow_model::{
    AccountId, ClientOrderId, Event, Fact, HostTime, InstrumentId, OpaqueMessage, Order, PairPlan,
    Scope, StrategyId, TradingMode,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The code of an `other` event that tells the mode of one of a strategy's instruments.
const INSTRUMENT_MODE: u32 = 1_001;

/// One latch that is not at rest.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Latch {
    mode: TradingMode,
    why: String,
    /// A guard has set it since it last ran freely.
    guarded: bool,
}

/// All latches; what is not here runs freely.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Modes(BTreeMap<Scope, Latch>);

impl Modes {
    /// The mode that is latched for a scope alone.
    pub(crate) fn of(&self, scope: Scope) -> TradingMode {
        self.0.get(&scope).map_or(TradingMode::Running, |latch| latch.mode)
    }

    /// Folds a latch.
    pub(crate) fn set(&mut self, scope: Scope, mode: TradingMode, reason: &str) {
        if mode == TradingMode::Running {
            self.0.remove(&scope);
            return;
        }
        let before = self.0.get(&scope).is_some_and(|latch| latch.guarded);
        let guarded = before || reason.starts_with(GUARD);
        self.0.insert(scope, Latch { mode, why: reason.to_owned(), guarded });
    }

    /// Whether it was a guard that set it.
    pub(crate) fn is_guarded(&self, scope: Scope) -> bool {
        self.0.get(&scope).is_some_and(|latch| latch.guarded)
    }

    fn why(&self, scope: Scope) -> Option<&str> {
        self.0.get(&scope).map(|latch| latch.why.as_str())
    }
}

impl Engine {
    /// The mode that holds for a strategy as a whole: the strictest of the host's and its own, and
    /// what holds at least for each instrument it trades.
    #[must_use]
    pub fn mode_of(&self, strategy: StrategyId) -> TradingMode {
        let Some(slot) = self.strategies.get(strategy.index()) else {
            return TradingMode::Halted;
        };
        let own = self.modes.of(Scope::Strategy(strategy)).max(self.modes.of(Scope::Host));
        let mildest = slot.holdings.iter().map(|h| self.mode_on(h.account, h.instrument)).min();
        own.max(mildest.unwrap_or_default())
    }

    /// The mode that holds for a strategy in one instrument on an account.
    pub(crate) fn mode_at(
        &self,
        strategy: StrategyId,
        account: AccountId,
        instrument: InstrumentId,
    ) -> TradingMode {
        let own = self.modes.of(Scope::Strategy(strategy)).max(self.modes.of(Scope::Host));
        own.max(self.mode_on(account, instrument))
    }

    fn mode_on(&self, account: AccountId, instrument: InstrumentId) -> TradingMode {
        self.modes.of(Scope::Account(account)).max(self.modes.of(Scope::Instrument(instrument)))
    }

    /// The mode that holds for a pair plan: what both of its legs may do.
    pub(crate) fn mode_of_pair(&self, strategy: StrategyId, plan: &PairPlan) -> TradingMode {
        let modes = plan.legs.iter().map(|leg| self.mode_at(strategy, leg.account, leg.instrument));
        modes.max().unwrap_or(TradingMode::Halted)
    }

    /// Why a strategy may not do everything.
    pub(crate) fn why(&self, strategy: StrategyId) -> Option<String> {
        self.modes.why(Scope::Strategy(strategy)).map(str::to_owned)
    }

    /// Latches that concern more than one strategy, one sentence each.
    pub(crate) fn modes_in_words(&self) -> Vec<String> {
        let told = self.modes.0.iter().filter_map(|(scope, latch)| {
            let of = match scope {
                Scope::Host => String::new(),
                Scope::Strategy(_) => return None,
                other => format!("{}: ", self.scope_in_words(*other)),
            };
            Some(format!("{of}mode {}: {}", latch.mode, latch.why))
        });
        told.collect()
    }

    /// What a scope is called.
    #[must_use]
    pub fn scope_in_words(&self, scope: Scope) -> String {
        let known = match scope {
            Scope::Host => return "the host".into(),
            Scope::Account(id) => {
                self.config.accounts.get(id.index()).map(|a| format!("account {}", a.name))
            }
            Scope::Strategy(id) => {
                self.config.strategies.get(id.index()).map(|s| format!("strategy {}", s.name))
            }
            Scope::Instrument(id) => {
                self.config.instrument(id).map(|i| format!("instrument {}", self.name(i)))
            }
        };
        known.unwrap_or_else(|| "something unknown".into())
    }

    /// Latches a mode, tells whom it concerns and cancels what is open unless all is well again.
    pub(crate) fn set_mode(
        &mut self,
        now: HostTime,
        scope: Scope,
        mode: TradingMode,
        reason: String,
        effects: &mut Effects,
    ) {
        self.record(now, Fact::Mode { scope, mode, reason }, effects);
        for id in self.concerned(scope) {
            self.deliver(id, now, Event::Mode(self.mode_of(id)), effects);
            self.tell_instrument_modes(now, id, scope, effects);
            self.cancel_in(now, id, (scope, mode), effects);
            self.plans_of_go_on(now, id, effects);
        }
    }

    /// The modes of instruments, where they are not that of the whole.
    fn tell_instrument_modes(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        scope: Scope,
        effects: &mut Effects,
    ) {
        if !matches!(scope, Scope::Account(_) | Scope::Instrument(_)) {
            return;
        }
        let slot = self.strategies.get(strategy.index());
        let meant = slot.into_iter().flat_map(|slot| &slot.holdings);
        let meant = meant.filter(|h| is_of(scope, h.account, h.instrument));
        let modes = meant.map(|h| (h.instrument, self.mode_at(strategy, h.account, h.instrument)));
        for (instrument, mode) in modes.collect::<Vec<_>>() {
            let json = format!("{{\"instrument\":{instrument},\"mode\":{}}}", mode.code());
            let told = OpaqueMessage { code: INSTRUMENT_MODE, json };
            self.deliver(strategy, now, Event::Other(told), effects);
        }
    }

    /// Cancels what a mode does not leave open: what can only reduce stays where that is what is
    /// left to do.
    fn cancel_in(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        (scope, mode): (Scope, TradingMode),
        effects: &mut Effects,
    ) {
        if mode == TradingMode::Running {
            return;
        }
        let Some(slot) = self.strategies.get(strategy.index()) else { return };
        let goes = |order: &Order| {
            let meant = is_of(scope, order.account, order.request.instrument);
            meant && (mode != TradingMode::ReduceOnly || !self.is_reduction(order))
        };
        let orders = slot.cancelable(None).into_iter();
        let orders = orders.filter(|n| slot.orders.get(n).is_none_or(|known| goes(&known.order)));
        for number in orders.collect::<Vec<_>>() {
            let id = ClientOrderId { strategy, number };
            self.cancel(now, id.strategy, id.number, effects);
        }
    }

    /// A position has become smaller by no order of ours: what rests and could turn it goes, where
    /// only reductions may rest.
    pub(crate) fn recap(
        &mut self,
        now: HostTime,
        (strategy, instrument): (StrategyId, InstrumentId),
        effects: &mut Effects,
    ) {
        let Some(account) = self.account_of(strategy, instrument) else { return };
        let mode = self.mode_at(strategy, account, instrument);
        self.cancel_in(now, strategy, (Scope::Instrument(instrument), mode), effects);
    }

    /// Nothing but cancels until an operator has looked.
    pub(crate) fn stop_strategy(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        why: &str,
        effects: &mut Effects,
    ) {
        let scope = Scope::Strategy(strategy);
        if self.modes.of(scope) < TradingMode::CancelOnly {
            let mode = TradingMode::CancelOnly;
            self.set_mode(now, scope, mode, format!("ledger: {why}"), effects);
        }
    }

    /// Latches a mode that only an operator loosens, as a guard does.
    pub(crate) fn latch(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        mode: TradingMode,
        why: String,
        effects: &mut Effects,
    ) {
        self.set_mode(now, Scope::Strategy(strategy), mode, format!("{GUARD}{why}"), effects);
    }

    /// Strategies that a scope is about.
    pub(crate) fn concerned(&self, scope: Scope) -> Vec<StrategyId> {
        let all = (0_u32..).map(StrategyId).zip(&self.strategies);
        let is = |(id, slot): &(StrategyId, &crate::strategy::StrategySlot)| match scope {
            Scope::Host => true,
            Scope::Strategy(one) => *id == one,
            other => slot.holdings.iter().any(|h| is_of(other, h.account, h.instrument)),
        };
        all.filter(is).map(|(id, _)| id).collect()
    }
}

/// Whether something on an account in an instrument belongs to a scope; a strategy's and the host's
/// are not told apart here.
pub(crate) fn is_of(scope: Scope, account: AccountId, instrument: InstrumentId) -> bool {
    match scope {
        Scope::Host | Scope::Strategy(_) => true,
        Scope::Account(id) => id == account,
        Scope::Instrument(id) => id == instrument,
    }
}
