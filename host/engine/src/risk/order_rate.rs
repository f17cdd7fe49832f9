//! Orders and amendments per second, of a strategy and of an account: all buckets give at once or
//! none does. What must leave leaves, and still counts.

use crate::Engine;
use hedgerow_model::{AccountId, HostTime, RiskRejection, StrategyId};

impl Engine {
    /// Whether every bucket has one order's worth.
    pub(crate) fn has_tokens(
        &self,
        now: HostTime,
        (strategy, account): (StrategyId, AccountId),
        must: bool,
    ) -> Result<(), RiskRejection> {
        let own = self.strategies.get(strategy.index()).map(|slot| &slot.bucket);
        let both = [self.buckets.get(&account), own];
        let empty = both.into_iter().flatten().find(|bucket| !must && !bucket.has(now, 1));
        match empty {
            Some(bucket) => Err(RiskRejection::RateLimited { limit_per_s: bucket.per_s() }),
            None => Ok(()),
        }
    }

    /// Takes one order's worth from every bucket.
    pub(crate) fn take_tokens(
        &mut self,
        now: HostTime,
        (strategy, account): (StrategyId, AccountId),
        must: bool,
    ) -> Result<(), RiskRejection> {
        let slot = self.strategies.get_mut(strategy.index());
        let slot = slot.ok_or(RiskRejection::UnknownInstrument)?;
        let theirs = self.buckets.get_mut(&account);
        if let Some(limit_per_s) = theirs.as_ref().filter(|bucket| !must && !bucket.has(now, 1)) {
            return Err(RiskRejection::RateLimited { limit_per_s: limit_per_s.per_s() });
        }
        if !slot.bucket.take(now, must) {
            return Err(RiskRejection::RateLimited { limit_per_s: slot.bucket.per_s() });
        }
        if let Some(bucket) = theirs {
            bucket.take(now, must);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{config, limits};
    use hedgerow_model::{AccountId, StrategyId};

    /// A strategy may 5 a second, its account 3: the third of them is the last, and the strategy's
    /// own bucket is not touched by what the account refuses.
    #[test]
    fn the_account_s_rate_holds_for_all_on_it() {
        let mut config = config(limits());
        config.accounts[0].guards.orders_per_s_max = Some(3);
        let mut engine = Engine::new(config);
        let whose = (StrategyId(0), AccountId(0));
        let at = |ms: u64| HostTime::from_nanos(1_000_000_000_000 + ms * 1_000_000);
        let refused = |limit_per_s| Err(RiskRejection::RateLimited { limit_per_s });
        for expected in [Ok(()), Ok(()), Ok(()), refused(3), refused(3), refused(3)] {
            assert_eq!(engine.take_tokens(at(0), whose, false), expected);
        }
        assert_eq!(engine.take_tokens(at(0), whose, true), Ok(()), "a reduction leaves");
        assert_eq!(engine.take_tokens(at(333), whose, false), refused(3), "and has counted");
        assert_eq!(engine.take_tokens(at(1_000), whose, false), Ok(()));
    }
}
