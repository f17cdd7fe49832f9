//! What live orders are, counted as they come and go: how many an account has, at which prices they
//! stand, and which of them their venue has not answered. So the gate looks at sums and never
//! through orders.

use crate::Engine;
use hedgerow_model::{AccountId, ClientOrderId, HostTime, InstrumentId, OrderStatus, Price, Side};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What of an order is counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counted {
    id: ClientOrderId,
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    /// Its limit, and the one an amendment under way would give it.
    prices: (Price, Option<Price>),
    /// Since when its venue owes an answer.
    waits: Option<HostTime>,
}

/// Prices of our orders in one instrument on one account, and how many stand at each.
#[derive(Clone, Debug, Default)]
struct Standing {
    buys: BTreeMap<Price, u32>,
    sells: BTreeMap<Price, u32>,
}

/// All counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    open: BTreeMap<AccountId, u32>,
    standing: BTreeMap<(AccountId, InstrumentId), Standing>,
    waiting: BTreeMap<AccountId, BTreeSet<(HostTime, ClientOrderId)>>,
}

impl Tally {
    /// Live orders of an account.
    pub(crate) fn open(&self, account: AccountId) -> u32 {
        self.open.get(&account).copied().unwrap_or(0)
    }

    /// Live orders of all accounts.
    pub(crate) fn open_of_all(&self) -> u32 {
        self.open.values().fold(0, |sum, open| sum.saturating_add(*open))
    }

    /// Since when a venue owes its oldest answer.
    pub(crate) fn waits_since(&self, account: AccountId) -> Option<HostTime> {
        self.waiting.get(&account)?.first().map(|(since, _)| *since)
    }

    /// Our best price on a side: the highest bid, the lowest offer.
    pub(crate) fn best(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
    ) -> Option<Price> {
        let standing = self.standing.get(&(account, instrument))?;
        match side {
            Side::Buy => standing.buys.last_key_value().map(|(price, _)| *price),
            Side::Sell => standing.sells.first_key_value().map(|(price, _)| *price),
        }
    }

    pub(crate) fn add(&mut self, order: &Counted) {
        let open = self.open.entry(order.account).or_default();
        *open = open.saturating_add(1);
        for price in [Some(order.prices.0), order.prices.1].into_iter().flatten() {
            let count = self.side(order).entry(price).or_default();
            *count = count.saturating_add(1);
        }
        if let Some(since) = order.waits {
            self.waiting.entry(order.account).or_default().insert((since, order.id));
        }
    }

    pub(crate) fn remove(&mut self, order: &Counted) {
        match self.open.get_mut(&order.account).filter(|open| **open > 1) {
            Some(open) => *open -= 1,
            None => drop(self.open.remove(&order.account)),
        }
        for price in [Some(order.prices.0), order.prices.1].into_iter().flatten() {
            let side = self.side(order);
            let left = side.get(&price).map_or(0, |count| count.saturating_sub(1));
            if left == 0 {
                side.remove(&price);
            } else {
                side.insert(price, left);
            }
        }
        let key = (order.account, order.instrument);
        if self.standing.get(&key).is_some_and(|s| s.buys.is_empty() && s.sells.is_empty()) {
            self.standing.remove(&key);
        }
        if let (Some(since), Some(waiting)) = (order.waits, self.waiting.get_mut(&order.account)) {
            waiting.remove(&(since, order.id));
            if waiting.is_empty() {
                self.waiting.remove(&order.account);
            }
        }
    }

    fn side(&mut self, order: &Counted) -> &mut BTreeMap<Price, u32> {
        let standing = self.standing.entry((order.account, order.instrument)).or_default();
        match order.side {
            Side::Buy => &mut standing.buys,
            Side::Sell => &mut standing.sells,
        }
    }
}

impl Engine {
    /// Counts a live order as it is now.
    pub(crate) fn count_order(&mut self, id: ClientOrderId) {
        let now = self.now;
        let slot = self.strategies.get_mut(id.strategy.index());
        let Some(known) = slot.and_then(|slot| slot.orders.get_mut(&id.number)) else { return };
        let order = &known.order;
        let waits = matches!(
            order.status,
            OrderStatus::PendingNew
                | OrderStatus::PendingCancel
                | OrderStatus::PendingAmend
                | OrderStatus::Unknown
        );
        let since = known.counted.as_ref().and_then(|counted| counted.waits).unwrap_or(now);
        let fresh = Counted {
            id,
            account: order.account,
            instrument: order.request.instrument,
            side: order.request.side,
            prices: (order.request.price, known.amending.map(|amend| amend.price)),
            waits: waits.then_some(since),
        };
        if known.counted.as_ref() == Some(&fresh) {
            return;
        }
        if let Some(before) = known.counted.replace(fresh.clone()) {
            self.tally.remove(&before);
        }
        self.tally.add(&fresh);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::StrategyId;

    fn order(number: u64, side: Side, price: i64, waits: Option<u64>) -> Counted {
        Counted {
            id: ClientOrderId { strategy: StrategyId(0), number },
            account: AccountId(0),
            instrument: InstrumentId(0),
            side,
            prices: (Price::from_units(price), None),
            waits: waits.map(HostTime::from_nanos),
        }
    }

    #[test]
    fn what_comes_and_goes_leaves_nothing() {
        let mut tally = Tally::default();
        let all = [
            order(1, Side::Buy, 100, Some(7)),
            order(2, Side::Buy, 100, None),
            order(3, Side::Buy, 99, Some(5)),
            order(4, Side::Sell, 105, None),
        ];
        all.iter().for_each(|order| tally.add(order));
        let best =
            |tally: &Tally, side| tally.best(AccountId(0), InstrumentId(0), side).map(Price::units);
        let since = |tally: &Tally| tally.waits_since(AccountId(0)).map(HostTime::as_nanos);
        assert_eq!((best(&tally, Side::Buy), best(&tally, Side::Sell)), (Some(100), Some(105)));
        assert_eq!((tally.open(AccountId(0)), since(&tally)), (4, Some(5)));
        let other = Counted { account: AccountId(1), ..order(5, Side::Buy, 100, None) };
        tally.add(&other);
        assert_eq!((tally.open(AccountId(0)), tally.open_of_all()), (4, 5));
        tally.remove(&other);
        tally.remove(&all[0]);
        assert_eq!(best(&tally, Side::Buy), Some(100), "the other one still stands there");
        all[1..].iter().for_each(|order| tally.remove(order));
        assert_eq!((best(&tally, Side::Buy), best(&tally, Side::Sell)), (None, None));
        assert_eq!((tally.open(AccountId(0)), since(&tally)), (0, None));
    }
}
