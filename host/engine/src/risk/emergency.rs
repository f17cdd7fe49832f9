//! An operator's cancel-all: everything that rests in a scope goes, and is insisted upon; modes
//! stay, so whoever may open goes on. What protects or closes a position stays: barriers of a plan,
//! and closings under way.

use super::is_of;
use crate::{Effects, Engine};
use hedgerow_model::{HostTime, InstrumentId, Scope, StrategyId};

impl Engine {
    pub(crate) fn cancel_all_in(&mut self, now: HostTime, scope: Scope, effects: &mut Effects) {
        for strategy in self.concerned(scope) {
            match scope {
                Scope::Host | Scope::Strategy(_) => self.end_orders(now, strategy, effects),
                Scope::Account(_) | Scope::Instrument(_) => {
                    for instrument in self.held_in(strategy, scope) {
                        self.end_orders_in(now, strategy, Some(instrument), effects);
                    }
                }
            }
            self.stop_opening_plans(now, strategy, scope, effects);
            self.makers_give_up(now, strategy, (scope, false), effects);
        }
    }

    /// What a strategy trades that belongs to a scope.
    pub(super) fn held_in(&self, strategy: StrategyId, scope: Scope) -> Vec<InstrumentId> {
        let slot = self.strategies.get(strategy.index());
        let held = slot.into_iter().flat_map(|slot| &slot.holdings);
        let meant = held.filter(|h| is_of(scope, h.account, h.instrument));
        meant.map(|holding| holding.instrument).collect()
    }
}
