//! Cancels and amendments for each fill, of a strategy and of an account, in windows of ten
//! minutes: what makes a venue shut an account out. Only what opens is refused; a cancel never is.

use crate::{AccountConfig, Engine};
use hedgerow_model::{AccountId, HostTime, RiskRejection, Scope};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long is counted together.
const WINDOW_NS: u64 = 600 * 1_000_000_000;
/// So many are let pass in a window before any ratio is looked at.
const GRACE: u32 = 100;

/// How many cancels and amendments, and fills.
type Counts = (u32, u32);

/// What a strategy canceled, amended and had filled in the present window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelCount {
    window: u64,
    cancels: u32,
    fills: u32,
    /// The same of each account that it trades on.
    #[serde(default)]
    accounts: BTreeMap<AccountId, Counts>,
}

impl CancelCount {
    fn at(&mut self, now: HostTime) -> &mut Self {
        let window = now.as_nanos() / WINDOW_NS;
        if window != self.window {
            *self = Self { window, ..Self::default() };
        }
        self
    }

    pub(crate) fn count_cancel(&mut self, now: HostTime, account: AccountId) {
        let count = self.at(now);
        count.cancels = count.cancels.saturating_add(1);
        let (cancels, _) = count.accounts.entry(account).or_default();
        *cancels = cancels.saturating_add(1);
    }

    pub(crate) fn count_fill(&mut self, now: HostTime, account: AccountId) {
        let count = self.at(now);
        count.fills = count.fills.saturating_add(1);
        let (_, fills) = count.accounts.entry(account).or_default();
        *fills = fills.saturating_add(1);
    }

    fn is_present(&self, now: HostTime) -> bool {
        self.window == now.as_nanos() / WINDOW_NS
    }

    /// Of the present window, on all accounts.
    pub(crate) fn of_all(&self, now: HostTime) -> Counts {
        if self.is_present(now) { (self.cancels, self.fills) } else { (0, 0) }
    }

    /// Of the present window, on one account.
    fn on(&self, now: HostTime, account: AccountId) -> Counts {
        let known = self.accounts.get(&account).filter(|_| self.is_present(now));
        known.copied().unwrap_or_default()
    }
}

/// Refuses what opens while there are too many cancels for the fills.
pub(crate) fn check(
    scope: Scope,
    (cancels, fills): Counts,
    limit: Option<u32>,
) -> Result<(), RiskRejection> {
    let Some(limit) = limit else { return Ok(()) };
    if cancels > limit.saturating_mul(fills.max(1)).max(GRACE) {
        let scope = Some(scope);
        return Err(RiskRejection::CancelRatioAboveMax { scope, cancels, fills, limit });
    }
    Ok(())
}

impl Engine {
    /// The same for what all strategies do on an account.
    pub(super) fn check_cancels(
        &self,
        now: HostTime,
        account: &AccountConfig,
    ) -> Result<(), RiskRejection> {
        if account.guards.cancels_per_fill_max.is_none() {
            return Ok(());
        }
        let all = self.strategies.iter().map(|slot| slot.cancels.on(now, account.id));
        let sum = all.fold((0_u32, 0_u32), |sum, (cancels, fills)| {
            (sum.0.saturating_add(cancels), sum.1.saturating_add(fills))
        });
        check(Scope::Account(account.id), sum, account.guards.cancels_per_fill_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_earn_cancels_and_a_new_window_forgives() {
        let now = HostTime::from_nanos(WINDOW_NS * 3 + 5);
        for (cancels, fills, limit, refused) in [
            (100, 0, Some(5), false), // the grace
            (101, 0, Some(5), true),
            (150, 30, Some(5), false),
            (151, 30, Some(5), true),
            (100_000, 0, None, false),
        ] {
            let mut count = CancelCount::default();
            let on = AccountId(1);
            (0..cancels).for_each(|_| count.count_cancel(now, on));
            (0..fills).for_each(|_| count.count_fill(now, on));
            let found = check(Scope::Host, count.of_all(now), limit);
            let is = matches!(found, Err(RiskRejection::CancelRatioAboveMax { .. }));
            assert_eq!(is, refused, "{cancels} for {fills}: {found:?}");
            let later = HostTime::from_nanos(WINDOW_NS * 4);
            assert_eq!(check(Scope::Host, count.of_all(later), limit), Ok(()));
            assert_eq!((count.on(now, on), count.on(later, on)), ((cancels, fills), (0, 0)));
            assert_eq!(count.on(now, AccountId(0)), (0, 0), "another account");
        }
    }
}
