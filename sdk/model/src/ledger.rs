//! What was earned and paid: profit, fees, funding and interest apart, in the asset it moved in,
//! and worth in the accounting currency at the moment it was booked.
//!
//! An amount is converted once, by the rate that a fact noted before it, and never again; one
//! without a rate is kept apart as unconverted, it is never taken for as much of the currency. That
//! two assets are the same is said by the config alone, and the fact says that it was the config.

use crate::fee::{Fee, FeeAsset};
use crate::fixed::{Price, Quantity, Rounding, ValueError};
use crate::id::{AccountId, InstrumentId, StrategyId};
use crate::instrument::{Instrument, MONEY_DIGITS};
use crate::order::Side;
use crate::position::Position;
use crate::time::HostTime;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// In what the host counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounting {
    /// The currency; nothing: amounts stay in their assets.
    pub currency: Option<String>,
    /// Assets that the config says are worth as much.
    pub same: Vec<String>,
}

/// How a rate is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateSource {
    /// It is the currency.
    Currency,
    /// The config says that it is worth as much.
    Config,
    /// The mark of an instrument that trades it against the currency.
    Mark(InstrumentId),
}

/// What one of an asset is worth in a currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// In which.
    pub currency: String,
    /// How much, and how that is known; nothing: it is not.
    pub worth: Option<(Decimal, RateSource)>,
}

/// The rates that facts noted, by asset.
pub type Rates = BTreeMap<String, Rate>;

/// What of an amount for `all` falls on `ours`, both in units of one instrument: nothing where they
/// point in different directions, all of it where ours is all, else by quantity, rounded half-even
/// to [`MONEY_DIGITS`].
#[must_use]
pub fn part_of(amount: Decimal, ours: i64, all: i64) -> Decimal {
    if ours == 0 || ours.signum() != all.signum() {
        return Decimal::ZERO;
    }
    if ours.unsigned_abs() >= all.unsigned_abs() {
        return amount;
    }
    let part = amount.checked_mul(Decimal::from(ours));
    let part = part.and_then(|part| part.checked_div(Decimal::from(all))).unwrap_or_default();
    Rounding::HalfEven.decimal(part, MONEY_DIGITS)
}

/// How much of what pairs have of an instrument, signed units, is more than their strategy holds:
/// something else than their plans has closed it.
#[must_use]
pub fn beyond_held(pairs: i64, held: i64) -> i64 {
    let there = if pairs.signum() == held.signum() { held } else { 0 };
    if pairs.unsigned_abs() > there.unsigned_abs() { pairs.saturating_sub(there) } else { 0 }
}

/// An amount of an asset in another, by the rates of both in one currency, rounded half-even to
/// [`MONEY_DIGITS`]. Nothing when either has none.
#[must_use]
pub fn in_asset(rates: &Rates, (amount, of): (Decimal, &str), to: &str) -> Option<Decimal> {
    let (of, to) = (rates.get(of)?, rates.get(to)?);
    let (from, into) = (of.worth?.0, to.worth?.0);
    let known = of.currency == to.currency && into > Decimal::ZERO;
    let worth = known.then(|| amount.checked_mul(from)?.checked_div(into))??;
    Some(Rounding::HalfEven.decimal(worth, MONEY_DIGITS))
}

/// What an amount is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// Profit of a closed part; a loss is negative.
    Price,
    /// A fee paid; a rebate is negative.
    Fee,
    /// Funding; received is positive.
    Funding,
    /// Interest charged.
    Interest,
}

/// Sums of one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Profit of closed parts.
    pub price: Decimal,
    /// Fees paid.
    pub fees: Decimal,
    /// Funding received.
    pub funding_received: Decimal,
    /// Funding paid.
    pub funding_paid: Decimal,
    /// Interest paid.
    pub interest: Decimal,
}

impl Line {
    /// All of it together.
    #[must_use]
    pub fn net(&self) -> Decimal {
        self.price + self.funding() - self.fees - self.interest
    }

    /// Funding received less funding paid.
    #[must_use]
    pub fn funding(&self) -> Decimal {
        self.funding_received - self.funding_paid
    }

    /// Adds one amount. Sums that no money reaches stay at the largest.
    pub fn enter(&mut self, what: Entry, amount: Decimal) {
        let (sum, amount) = match what {
            Entry::Price => (&mut self.price, amount),
            Entry::Fee => (&mut self.fees, amount),
            Entry::Funding if amount.is_sign_negative() => (&mut self.funding_paid, -amount),
            Entry::Funding => (&mut self.funding_received, amount),
            Entry::Interest => (&mut self.interest, amount),
        };
        *sum = sum.saturating_add(amount);
    }

    /// Adds another's sums.
    pub fn add(&mut self, other: &Self) {
        let Self { price, fees, funding_received, funding_paid, interest } = self;
        let sums = [
            (price, other.price),
            (fees, other.fees),
            (funding_received, other.funding_received),
            (funding_paid, other.funding_paid),
            (interest, other.interest),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
    }
}

/// Everything earned and paid under one heading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earnings {
    /// In each asset that moved.
    pub assets: BTreeMap<String, Line>,
    /// The same, worth in each currency in which it was counted.
    pub worth: BTreeMap<String, Line>,
    /// The part of `assets` that had no rate when it was booked: it is in no worth.
    pub unconverted: BTreeMap<String, Line>,
}

impl Earnings {
    /// Books an amount of an asset.
    pub fn enter(&mut self, asset: &str, what: Entry, amount: Decimal, rates: &Rates) {
        if amount.is_zero() {
            return;
        }
        let line = |map: &mut BTreeMap<String, Line>, key: &str, amount| match map.get_mut(key) {
            Some(line) => line.enter(what, amount),
            None => map.entry(key.to_owned()).or_default().enter(what, amount),
        };
        line(&mut self.assets, asset, amount);
        let rate = rates.get(asset);
        let worth = rate.and_then(|rate| Some((&rate.currency, rate.worth?.0)));
        match worth.and_then(|(currency, rate)| Some((currency, amount.checked_mul(rate)?))) {
            Some((currency, worth)) => {
                let worth = Rounding::HalfEven.decimal(worth, MONEY_DIGITS);
                line(&mut self.worth, currency, worth);
            }
            None => line(&mut self.unconverted, asset, amount),
        }
    }

    /// Adds another's sums.
    pub fn add(&mut self, other: &Self) {
        let Self { assets, worth, unconverted } = self;
        let all =
            [(assets, &other.assets), (worth, &other.worth), (unconverted, &other.unconverted)];
        for (sums, more) in all {
            for (key, line) in more {
                sums.entry(key.clone()).or_default().add(line);
            }
        }
    }

    /// Books a fill into a position, and here what it earned and cost. On an error nothing has
    /// changed.
    pub fn fill(
        &mut self,
        position: &mut Position,
        instrument: &Instrument,
        (side, price, quantity): (Side, Price, Quantity),
        fee: Fee,
        rates: &Rates,
    ) -> Result<(), ValueError> {
        let mut after = position.clone();
        after.book(instrument, side, price, quantity, fee)?;
        let settle = instrument.settle.as_str();
        if let FeeAsset::Other(asset) = fee.asset {
            let worth = in_asset(rates, (fee.amount, &asset), settle);
            after.rate_fee(asset, fee.amount, worth)?;
            self.enter(&asset, Entry::Fee, fee.amount, rates);
        }
        self.enter(settle, Entry::Price, after.realised - position.realised, rates);
        self.enter(settle, Entry::Fee, after.fees - position.fees, rates);
        *position = after;
        Ok(())
    }
}

/// One leg of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairLegRecord {
    /// In what.
    pub instrument: InstrumentId,
    /// On whose account.
    pub account: AccountId,
    /// Which way it was opened.
    pub side: Side,
    /// What the pair's own orders have made.
    pub position: Position,
    /// What it earned and paid.
    pub earned: Earnings,
    /// Opened: units, and their value in the settle asset.
    pub entered: (i64, Decimal),
    /// Closed: the same.
    pub left: (i64, Decimal),
}

impl PairLegRecord {
    /// A leg of which nothing is filled.
    #[must_use]
    pub fn new(instrument: InstrumentId, account: AccountId, side: Side) -> Self {
        let (position, earned) = (Position::default(), Earnings::default());
        let none = (0, Decimal::ZERO);
        Self { instrument, account, side, position, earned, entered: none, left: none }
    }

    /// Books a fill of one of the pair's orders. On an error nothing has changed.
    pub fn fill(
        &mut self,
        instrument: &Instrument,
        what: (Side, Price, Quantity),
        fee: Fee,
        rates: &Rates,
    ) -> Result<(), ValueError> {
        let (side, price, quantity) = what;
        let value = instrument.value(price, quantity)?;
        self.earned.fill(&mut self.position, instrument, what, fee, rates)?;
        let sum = if side == self.side { &mut self.entered } else { &mut self.left };
        *sum = (sum.0.saturating_add(quantity.units()), sum.1.saturating_add(value));
        Ok(())
    }

    /// What was booked of a fill turns out to have been worth so much more, settle asset. On an
    /// error nothing has changed.
    pub fn correct(
        &mut self,
        instrument: &Instrument,
        (side, quantity): (Side, Quantity),
        more: Decimal,
        rates: &Rates,
    ) -> Result<(), ValueError> {
        let before = self.position.realised;
        self.position.correct(instrument, (side, quantity), more)?;
        let gain = self.position.realised.saturating_sub(before);
        self.earned.enter(&instrument.settle, Entry::Price, gain, rates);
        let sum = if side == self.side { &mut self.entered } else { &mut self.left };
        sum.1 = sum.1.saturating_add(more);
        Ok(())
    }

    /// Average price of an `entered` or `left`; nothing when there is none.
    #[must_use]
    pub fn average(instrument: &Instrument, (units, value): (i64, Decimal)) -> Option<Decimal> {
        (units != 0).then_some(())?;
        instrument.average_entry(value, Quantity::from_units(units))
    }
}

/// A pair: what was opened together, until both legs are flat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairRecord {
    /// Whose.
    pub strategy: StrategyId,
    /// Its plans, the one that opened it first.
    pub plans: Vec<u64>,
    /// When that began.
    pub opened: HostTime,
    /// When both legs were flat after a close.
    pub closed: Option<HostTime>,
    /// The leg that was bought, and the one that was sold.
    pub legs: [PairLegRecord; 2],
}

impl PairRecord {
    /// Whether both legs are flat after something was filled.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        let flat = |leg: &PairLegRecord| leg.position.quantity.is_zero();
        self.legs.iter().all(flat) && self.legs.iter().any(|leg| leg.position.traded != 0)
    }

    /// What both legs earned and paid.
    #[must_use]
    pub fn earned(&self) -> Earnings {
        let mut earned = Earnings::default();
        self.legs.iter().for_each(|leg| earned.add(&leg.earned));
        earned
    }
}

#[cfg(test)]
mod tests;
