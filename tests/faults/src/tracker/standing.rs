//! Guards as the facts have them: what must follow a trip, and what of a strategy's cancels its
//! fills have earned.

use crate::coverage::Coverage;
use crate::script::Script;
use hedgerow_model::{
    ClientOrderId, GuardKey, GuardState, OrderFact, PLAN_ORDERS, Scope, StrategyId, TradingMode,
};
use std::collections::BTreeMap;

/// What docs/guards.md counts together, ns.
const WINDOW: u64 = 600 * 1_000_000_000;
/// So many cancels are let pass before any ratio counts.
const GRACE: u32 = 100;

/// Where guards stand.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// By strategy: cancels and amendments allowed for each fill.
    most: Vec<Option<u32>>,
    /// By strategy: the window, and its cancels, amendments and fills.
    churn: BTreeMap<StrategyId, (u64, u32, u32)>,
    /// What must hold when the commit is whole.
    latches: Vec<(Scope, TradingMode)>,
}

impl Standing {
    pub(super) fn of(script: &Script) -> Self {
        let most = match script.guarded {
            true => crate::scene::config(script).strategies,
            false => Vec::new(),
        };
        let most = most.iter().map(|strategy| strategy.guards.cancels_per_fill_max).collect();
        Self { most, ..Self::default() }
    }

    fn window(&mut self, strategy: StrategyId, now: u64) -> &mut (u64, u32, u32) {
        let window = now / WINDOW;
        let count = self.churn.entry(strategy).or_default();
        if count.0 != window {
            *count = (window, 0, 0);
        }
        count
    }

    pub(super) fn order(&mut self, id: ClientOrderId, fact: &OrderFact, now: u64) {
        let asks = matches!(fact, OrderFact::CancelRequested | OrderFact::AmendRequested(_));
        if asks && id.number < PLAN_ORDERS {
            self.window(id.strategy, now).1 += 1;
        }
    }

    pub(super) fn filled(&mut self, strategy: StrategyId, now: u64) {
        self.window(strategy, now).2 += 1;
    }

    /// Whether a strategy may still open, for what it cancels.
    pub(super) fn may_open(&mut self, strategy: StrategyId, now: u64) -> Result<(), String> {
        let most = self.most.get(strategy.index()).copied().flatten();
        let (_, cancels, fills) = *self.window(strategy, now);
        let allowed = most.map_or(u32::MAX, |most| (most * fills.max(1)).max(GRACE));
        match cancels > allowed {
            true => Err(format!("it opens after {cancels} cancels for {fills} fills")),
            false => Ok(()),
        }
    }

    pub(super) fn guard(&mut self, key: &GuardKey, state: GuardState, coverage: &mut Coverage) {
        let scope = match key.scope {
            Scope::Host => "host",
            Scope::Account(_) => "account",
            Scope::Strategy(_) => "strategy",
            Scope::Instrument(_) => "instrument",
        };
        match state {
            GuardState::Tripped(action) => {
                coverage.guard(&format!("{} of {scope}: {action}", key.guard));
                self.latches.push((key.scope, action.mode()));
            }
            GuardState::AtRest => coverage.guard(&format!("{} of {scope}: at rest", key.guard)),
        }
    }

    pub(super) fn latches(&mut self) -> Vec<(Scope, TradingMode)> {
        std::mem::take(&mut self.latches)
    }
}
