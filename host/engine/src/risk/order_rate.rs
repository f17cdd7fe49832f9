//! Orders and amendments per second, of a strategy, of an account and of all: all buckets give at
//! once or none does. What must leave leaves, and still counts.

use super::TokenBucket;
use crate::{Engine, EngineConfig};
use hedgerow_model::{AccountId, HostTime, RiskRejection, Scope, StrategyId};
use std::collections::BTreeMap;

/// The buckets of the accounts that are limited, and of the host where it is.
pub(crate) fn buckets(config: &EngineConfig) -> BTreeMap<Scope, TokenBucket> {
    let accounts = config.accounts.iter();
    let limits = accounts.map(|a| (Scope::Account(a.id), a.guards.orders_per_s_max));
    let all = limits.chain([(Scope::Host, config.host.orders_per_s_max)]);
    all.filter_map(|(scope, per_s)| Some((scope, TokenBucket::new(per_s?)))).collect()
}

impl Engine {
    /// Whether every bucket has one order's worth.
    pub(crate) fn has_tokens(
        &self,
        now: HostTime,
        (strategy, account): (StrategyId, AccountId),
        must: bool,
    ) -> Result<(), RiskRejection> {
        if must {
            return Ok(());
        }
        let slot = self.strategies.get(strategy.index());
        if let Some(slot) = slot.filter(|slot| !slot.bucket.has(now, 1)) {
            return Err(RiskRejection::RateLimited { limit_per_s: slot.bucket.per_s() });
        }
        self.have(now, [(Scope::Account(account), 1), (Scope::Host, 1)])
    }

    /// Whether both legs of a pair would find their orders' worth, one after the other.
    pub(crate) fn have_tokens(
        &self,
        now: HostTime,
        [one, other]: [AccountId; 2],
    ) -> Result<(), RiskRejection> {
        let each = if one == other { 2 } else { 1 };
        self.have(
            now,
            [(Scope::Account(one), each), (Scope::Account(other), each), (Scope::Host, 2)],
        )
    }

    /// Whether the buckets of these scopes have so many orders' worth; the first that has not.
    fn have<const N: usize>(
        &self,
        now: HostTime,
        scopes: [(Scope, u64); N],
    ) -> Result<(), RiskRejection> {
        for (scope, orders) in scopes {
            let bucket = self.buckets.get(&scope);
            if let Some(bucket) = bucket.filter(|bucket| !bucket.has(now, orders)) {
                let limit_per_s = bucket.per_s();
                return Err(RiskRejection::OrderRateAboveMax { scope, limit_per_s });
            }
        }
        Ok(())
    }

    /// Takes one order's worth from every bucket.
    pub(crate) fn take_tokens(
        &mut self,
        now: HostTime,
        whose: (StrategyId, AccountId),
        must: bool,
    ) -> Result<(), RiskRejection> {
        self.has_tokens(now, whose, must)?;
        let slot = self.strategies.get_mut(whose.0.index());
        slot.ok_or(RiskRejection::UnknownInstrument)?.bucket.take(now, must);
        for scope in [Scope::Account(whose.1), Scope::Host] {
            if let Some(bucket) = self.buckets.get_mut(&scope) {
                bucket.take(now, must);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{config, limits};

    /// A strategy may 5 a second, its account or all 3: the third of them is the last, and the
    /// strategy's own bucket is not touched by what the other refuses.
    #[test]
    fn the_rate_of_an_account_and_of_all_holds_for_everybody() {
        for scope in [Scope::Account(AccountId(0)), Scope::Host] {
            let mut config = config(limits());
            match scope {
                Scope::Host => config.host.orders_per_s_max = Some(3),
                _ => config.accounts[0].guards.orders_per_s_max = Some(3),
            }
            let mut engine = Engine::new(config);
            let whose = (StrategyId(0), AccountId(0));
            let at = |ms: u64| HostTime::from_nanos(1_000_000_000_000 + ms * 1_000_000);
            let refused =
                |limit_per_s| Err(RiskRejection::OrderRateAboveMax { scope, limit_per_s });
            for expected in [Ok(()), Ok(()), Ok(()), refused(3), refused(3), refused(3)] {
                assert_eq!(engine.has_tokens(at(0), whose, false), expected);
                assert_eq!(engine.take_tokens(at(0), whose, false), expected);
            }
            assert_eq!(engine.take_tokens(at(0), whose, true), Ok(()), "a reduction leaves");
            assert_eq!(engine.take_tokens(at(333), whose, false), refused(3), "and has counted");
            assert_eq!(engine.take_tokens(at(1_000), whose, false), Ok(()));
        }
    }
}
