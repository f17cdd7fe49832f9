//! The ledger beyond positions: rates noted before amounts are booked, pairs, interest, and what
//! funding is expected.
//!
//! A rate is a fact of its own, written before the amount that it converts, so that whoever folds
//! the journal converts the same. It is taken from the mark of an instrument that trades the asset
//! against the accounting currency, if that mark is fresh; else the amount stays unconverted.

mod pairs;

pub(crate) use self::pairs::Pairs;
use crate::market::DataState;
use crate::strategy::Holding;
use crate::{Effects, Engine};
use hedgerow_model::view::ExpectedFunding;
use hedgerow_model::{
    AccountId, Decimal, Entry, Event, Fact, FeeAsset, HostTime, Instrument, InstrumentId,
    InstrumentKind, MONEY_DIGITS, Rate, RateSource, Rounding, StrategyId, VenueEvent, VenueReport,
    VenueTime,
};

/// Funding rates and borrow rates are whole multiples of ten to the minus this.
const RATE_DIGITS: u32 = hedgerow_model::RATE_SCALE;

impl Engine {
    /// What one of an asset is worth now; nothing when nobody asked for a currency.
    fn rate_now(&self, asset: &str) -> Option<Rate> {
        let accounting = &self.config.accounting;
        let currency = accounting.currency.clone()?;
        let is_same = |asset: &str| accounting.same.iter().any(|same| same == asset);
        if asset == currency {
            let worth = Some((Decimal::ONE, RateSource::Currency));
            return Some(Rate { currency, worth });
        }
        if is_same(asset) {
            return Some(Rate { currency, worth: Some((Decimal::ONE, RateSource::Config)) });
        }
        let trades = |spec: &&Instrument| {
            spec.base == asset && (spec.quote == currency || is_same(&spec.quote))
        };
        let fresh = |spec: &Instrument| {
            let market = self.markets.get(spec.id)?;
            let mark = (market.state == DataState::Fresh).then(|| market.mark(spec))??;
            Some((spec.kind != InstrumentKind::Spot, spec.id, mark))
        };
        let marks = self.config.instruments.iter().filter(trades).filter_map(fresh);
        let best = marks.min_by_key(|(derived, id, _)| (*derived, *id));
        let worth = best.map(|(_, id, mark)| (mark, RateSource::Mark(id)));
        Some(Rate { currency, worth })
    }

    /// Notes what an asset is worth before an amount of it is booked.
    fn note_rate(&mut self, now: HostTime, asset: &str, effects: &mut Effects) {
        if let Some(rate) = self.rate_now(asset)
            && self.rates.get(asset) != Some(&rate)
        {
            self.record(now, Fact::Rate { asset: asset.to_owned(), rate }, effects);
        }
    }

    /// The same for what a fill, a payment or an adoption in an instrument moves.
    pub(crate) fn note_rates(
        &mut self,
        now: HostTime,
        instrument: InstrumentId,
        fee: FeeAsset,
        effects: &mut Effects,
    ) {
        if self.config.accounting.currency.is_none() {
            return;
        }
        let spec = self.config.instrument(instrument);
        if let Some(asset) = spec.map(|spec| spec.settle.clone()) {
            self.note_rate(now, &asset, effects);
        }
        if let FeeAsset::Other(asset) = fee {
            self.note_rate(now, &asset, effects);
        }
    }

    /// The next payment of a position at the present rate and mark. It is no figure of the ledger:
    /// when the venue's own comes, it is gone.
    pub(crate) fn expected_funding(
        &self,
        holding: &Holding,
        spec: &Instrument,
    ) -> Option<ExpectedFunding> {
        let market = self.markets.get(spec.id)?;
        let tick = market.funding_tick?;
        let settlement = VenueTime::from_nanos(u64::try_from(tick.c).ok().filter(|at| *at > 0)?);
        let paid = self.funding_seen.get(&(holding.account, spec.id));
        if paid.is_some_and(|seen| seen.is_booked(settlement)) {
            return None;
        }
        let value = spec.value_at(market.mark(spec)?, holding.position.quantity).ok()?;
        let rate = Decimal::try_from_i128_with_scale(i128::from(tick.a), RATE_DIGITS).ok()?;
        let amount = Rounding::HalfEven.decimal(-value.checked_mul(rate)?, MONEY_DIGITS);
        let as_of = HostTime::from_nanos(tick.recv_ts);
        Some(ExpectedFunding { amount: amount.normalize(), settlement, as_of })
    }

    /// The venue charged interest. Booked once.
    pub(crate) fn interest_charged(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let VenueReport::Interest { asset, settlement, amount } = &event.report else { return };
        let (now, account, settlement, amount) =
            (event.received, event.account, *settlement, *amount);
        let seen = self.interest_seen.get(&(account, asset.clone()));
        if seen.is_some_and(|seen| seen.is_booked(settlement)) {
            return;
        }
        let of = self.debtor(account, asset);
        let asset = asset.clone();
        self.note_rate(now, &asset, effects);
        let worth = of.and_then(|(_, instrument)| self.in_settle(instrument, &asset, amount));
        let of = of.map(|(strategy, instrument)| (strategy, instrument, worth));
        let of = of.filter(|(strategy, instrument, worth)| {
            let slot = self.strategies.get(strategy.index());
            let holding = slot.and_then(|slot| slot.holding(*instrument));
            let charged = worth.unwrap_or_default();
            holding.is_some_and(|holding| holding.position.clone().charge(charged).is_ok())
        });
        let fact = Fact::Interest { account, asset, settlement, amount, of };
        self.record(now, fact, effects);
        if let Some((strategy, ..)) = of {
            self.guard(now, strategy, effects);
            self.note_peak(now, strategy, effects);
        }
        self.guard_host(now, effects);
    }

    /// Whose position borrows an asset on an account: who is short of it, else who buys with it.
    fn debtor(&self, account: AccountId, asset: &str) -> Option<(StrategyId, InstrumentId)> {
        let slots = (0_u32..).map(StrategyId).zip(&self.strategies);
        let all = slots.flat_map(|(id, slot)| slot.holdings.iter().map(move |held| (id, held)));
        let on = all.filter(|(_, held)| held.account == account);
        let rank = |(id, held): (StrategyId, &Holding)| {
            let spec = self.config.instrument(held.instrument)?;
            let spot = spec.kind == InstrumentKind::Spot;
            let quantity = held.position.quantity.units();
            let rank = match (spot && spec.base == asset, spot && spec.quote == asset) {
                (true, _) if quantity < 0 => 0,
                (_, true) if quantity > 0 => 1,
                (true, _) | (_, true) => 2,
                _ if spec.settle == asset => 3,
                _ => return None,
            };
            Some((rank, id, held.instrument))
        };
        on.filter_map(rank).min().map(|(_, id, instrument)| (id, instrument))
    }

    /// An amount in the asset that an instrument's profit is counted in.
    fn in_settle(&self, id: InstrumentId, asset: &str, amount: Decimal) -> Option<Decimal> {
        let spec = self.config.instrument(id)?;
        if spec.settle == asset {
            return Some(amount);
        }
        let market = self.markets.get(id).filter(|_| spec.base == asset)?;
        let worth = amount.checked_mul(market.mark(spec)?)?;
        Some(Rounding::HalfEven.decimal(worth, MONEY_DIGITS))
    }

    /// Folds balances, rates and interest.
    pub(crate) fn apply_money(&mut self, fact: &Fact) {
        match fact {
            Fact::Rate { asset, rate } => {
                self.rates.insert(asset.clone(), rate.clone());
            }
            Fact::Balance { account, asset, total, available } => {
                self.balances.insert((*account, asset.clone()), (*total, *available));
            }
            Fact::BorrowRate { account, asset, hourly } => {
                self.borrow.insert((*account, asset.clone()), *hourly);
            }
            fact => self.apply_interest(fact),
        }
    }

    fn apply_interest(&mut self, fact: &Fact) {
        let Fact::Interest { account, asset, settlement, amount, of } = fact else { return };
        let seen = self.interest_seen.entry((*account, asset.clone())).or_default();
        seen.remember(*settlement);
        let Some((strategy, instrument, worth)) = of else {
            let unowned = self.unowned.entry(*account).or_default();
            unowned.enter(asset, Entry::Interest, *amount, &self.rates);
            return;
        };
        let Some(spec) = self.config.instruments.get(instrument.index()) else { return };
        let slot = self.strategies.get_mut(strategy.index());
        let Some(holding) = slot.and_then(|slot| slot.holding_mut(*instrument)) else { return };
        holding.earned.enter(asset, Entry::Interest, *amount, &self.rates);
        if holding.position.charge(worth.unwrap_or_default()).is_err() {
            return; // `interest_charged` has said so
        }
        self.exposure.update(*strategy, spec, &holding.position);
    }

    /// The venue says what borrowing costs.
    pub(crate) fn borrow_rate(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let VenueReport::BorrowRate { asset, hourly } = &event.report else { return };
        let (now, account, hourly) = (event.received, event.account, *hourly);
        if self.borrow.get(&(account, asset.clone())) == Some(&hourly) {
            return;
        }
        let asset = asset.clone();
        let fact = Fact::BorrowRate { account, asset: asset.clone(), hourly };
        self.record(now, fact, effects);
        for strategy in self.on_account(account) {
            let asset = asset.clone();
            self.deliver(strategy, now, Event::BorrowRate { account, asset, hourly }, effects);
        }
        self.guard_borrowing(now, (account, &asset), effects);
    }

    /// What borrowing an asset costs on an account per hour, 1e-15, as its venue said last.
    #[must_use]
    pub fn borrow_rate_of(&self, account: AccountId, asset: &str) -> Option<i64> {
        self.borrow.get(&(account, asset.to_owned())).copied()
    }
}

#[cfg(test)]
mod tests;
