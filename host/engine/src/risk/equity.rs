//! Equity of an account: the margin that stands behind what it trades, in the quote currency.
//!
//! A pool of margin is of one venue and one settle asset, and stands for nothing else: what lies
//! at a venue where no strategy trades for the account, or in an asset that nothing of its settles
//! in there, cannot be lost before a position is liquidated, and is no equity.

use crate::Engine;
use hedgerow_model::{AccountId, Decimal, Instrument, VenueId};

impl Engine {
    /// What strategies trade for an account.
    fn traded(&self, account: AccountId) -> impl Iterator<Item = &Instrument> {
        let holdings = self.strategies.iter().flat_map(|slot| &slot.holdings);
        let traded = holdings.filter(move |holding| holding.account == account);
        traded.filter_map(|holding| self.config.instrument(holding.instrument))
    }

    /// Whether a strategy trades something at a venue for an account.
    pub(super) fn trades_at(&self, account: AccountId, venue: VenueId) -> bool {
        self.traded(account).any(|spec| spec.venue == venue)
    }

    /// What an account is worth in the quote currency, as its venues told of the pools that it
    /// trades in. Nothing: unknown.
    pub(crate) fn equity(&self, account: AccountId) -> Option<Decimal> {
        let mut sum = None;
        for (venue, asset, pool) in self.margins.pools_at(account) {
            let mut settled = self.traded(account);
            if !settled.any(|spec| spec.venue == venue && spec.settle == asset) {
                continue;
            }
            let worth = self.worth_at(account, (venue, asset), pool.equity)?;
            sum = Some(sum.unwrap_or(Decimal::ZERO).checked_add(worth)?);
        }
        sum
    }

    /// An amount of a settle asset in the quote currency: of a coin at the mark of what it settles.
    fn worth_at(
        &self,
        account: AccountId,
        (venue, asset): (VenueId, &str),
        amount: Decimal,
    ) -> Option<Decimal> {
        let inverse = |spec: &&Instrument| {
            spec.venue == venue && spec.settle == asset && spec.kind.is_inverse()
        };
        match self.traded(account).find(inverse) {
            Some(spec) => self.markets.get(spec.id)?.mark_exact(spec)?.checked_mul(amount),
            None => Some(amount),
        }
    }
}
