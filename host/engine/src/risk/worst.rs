//! What a scope could come to hold: its positions at their marks, with all open and unknown orders
//! filled the worst way.

use crate::Engine;
use crate::market::Market;
use crate::strategy::Holding;
use hedgerow_model::{
    AccountId, Decimal, Instrument, InstrumentId, RiskRejection, Scope, Side, StrategyId,
};

/// Sums in the quote currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Worst {
    pub(crate) long: Decimal,
    pub(crate) short: Decimal,
    pub(crate) buys: Decimal,
    pub(crate) sells: Decimal,
}

fn add(sum: Decimal, more: Decimal) -> Result<Decimal, RiskRejection> {
    sum.checked_add(more).ok_or(RiskRejection::Overflow)
}

impl Worst {
    /// Adds what an order could still fill.
    pub(crate) fn with_order(mut self, side: Side, worth: Decimal) -> Result<Self, RiskRejection> {
        let open = match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        };
        *open = add(*open, worth)?;
        Ok(self)
    }

    fn with_position(mut self, worth: Decimal) -> Result<Self, RiskRejection> {
        let sum = if worth.is_sign_negative() { &mut self.short } else { &mut self.long };
        *sum = add(*sum, worth.abs())?;
        Ok(self)
    }

    /// All of it, whatever the direction.
    pub(crate) fn gross(&self) -> Result<Decimal, RiskRejection> {
        add(add(self.long, self.short)?, add(self.buys, self.sells)?)
    }

    /// How far the net could go in the direction of a side.
    pub(crate) fn net(&self, side: Side) -> Result<Decimal, RiskRejection> {
        let held = add(self.long, -self.short)?;
        match side {
            Side::Buy => add(held, self.buys),
            Side::Sell => add(self.sells, -held),
        }
    }
}

/// Whose sums are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) strategy: StrategyId,
    pub(crate) account: AccountId,
    pub(crate) instrument: InstrumentId,
    /// Whether any of account, host or instrument is limited.
    pub(crate) beyond: bool,
}

/// Of everything an order belongs to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) strategy: Worst,
    pub(crate) account: Worst,
    pub(crate) instrument: Worst,
    pub(crate) host: Worst,
}

impl Sums {
    /// The sums of one scope.
    pub(crate) fn of(&self, scope: Scope) -> &Worst {
        match scope {
            Scope::Strategy(_) => &self.strategy,
            Scope::Account(_) => &self.account,
            Scope::Instrument(_) => &self.instrument,
            Scope::Host => &self.host,
        }
    }

    /// Adds an order everywhere.
    pub(crate) fn with_order(self, side: Side, worth: Decimal) -> Result<Self, RiskRejection> {
        Ok(Self {
            strategy: self.strategy.with_order(side, worth)?,
            account: self.account.with_order(side, worth)?,
            instrument: self.instrument.with_order(side, worth)?,
            host: self.host.with_order(side, worth)?,
        })
    }
}

/// Orders that leave together with the one that is judged: the other leg of a pair.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Beside {
    pub(crate) orders: u32,
    pub(crate) worth: Decimal,
    /// Where they are sent to; nothing: there are none.
    pub(crate) account: Option<AccountId>,
}

impl Market {
    /// The mark as a price, with all its digits.
    pub(crate) fn mark_exact(&self, spec: &Instrument) -> Option<Decimal> {
        let digits = u32::from(spec.price_scale.digits()) + 1;
        let tenths = i128::from(self.mark_doubled?).checked_mul(5)?;
        Decimal::try_from_i128_with_scale(tenths, digits).ok()
    }
}

impl Engine {
    /// What is held and open now. The cost grows with what is held, not with orders.
    pub(crate) fn sums(&self, wanted: Wanted) -> Result<Sums, RiskRejection> {
        let mut sums = Sums::default();
        if !wanted.beyond {
            let slot = self.strategies.get(wanted.strategy.index());
            for holding in slot.into_iter().flat_map(|slot| &slot.holdings) {
                sums.strategy = self.with_holding(sums.strategy, holding)?;
            }
            return Ok(sums);
        }
        for (id, slot) in (0_u32..).map(StrategyId).zip(&self.strategies) {
            for holding in &slot.holdings {
                let own = self.with_holding(Worst::default(), holding)?;
                let sum = |known: Worst, is_of: bool| {
                    if !is_of {
                        return Ok(known);
                    }
                    Ok(Worst {
                        long: add(known.long, own.long)?,
                        short: add(known.short, own.short)?,
                        buys: add(known.buys, own.buys)?,
                        sells: add(known.sells, own.sells)?,
                    })
                };
                sums.strategy = sum(sums.strategy, id == wanted.strategy)?;
                sums.account = sum(sums.account, holding.account == wanted.account)?;
                sums.instrument = sum(sums.instrument, holding.instrument == wanted.instrument)?;
                sums.host = sum(sums.host, true)?;
            }
        }
        self.with_foreign(wanted, sums)
    }

    /// What is held and open on accounts and is nobody's here is part of their risk, at the mark.
    fn with_foreign(&self, wanted: Wanted, mut sums: Sums) -> Result<Sums, RiskRejection> {
        for (account, id) in self.foreign_keys() {
            let (held, buy, sell) = self.foreign(account, id);
            if [held, buy, sell].iter().all(|quantity| quantity.is_zero()) {
                continue; // it was there once: no mark is needed for it
            }
            let known = self.config.instrument(id).ok_or(RiskRejection::UnknownInstrument)?;
            let mark = self.markets.get(id).and_then(|market| market.mark_exact(known));
            let mark = mark.ok_or(RiskRejection::NoMarket)?;
            let worth =
                |quantity| known.notional_at(mark, quantity).map_err(|_| RiskRejection::Overflow);
            let (held, buy, sell) = (worth(held)?, worth(buy)?, worth(sell)?);
            let sum = |known: Worst, is_of: bool| match is_of {
                true => known
                    .with_position(held)?
                    .with_order(Side::Buy, buy)?
                    .with_order(Side::Sell, sell),
                false => Ok(known),
            };
            sums.account = sum(sums.account, account == wanted.account)?;
            sums.instrument = sum(sums.instrument, id == wanted.instrument)?;
            sums.host = sum(sums.host, true)?;
        }
        Ok(sums)
    }

    fn with_holding(&self, sum: Worst, holding: &Holding) -> Result<Worst, RiskRejection> {
        let open = sum
            .with_order(Side::Buy, holding.open_notional(Side::Buy))?
            .with_order(Side::Sell, holding.open_notional(Side::Sell))?;
        if holding.position.quantity.is_zero() {
            return Ok(open);
        }
        let id = holding.instrument;
        let known = self.config.instrument(id).ok_or(RiskRejection::UnknownInstrument)?;
        let market = self.markets.get(id).ok_or(RiskRejection::NoMarket)?;
        let mark = market.mark_exact(known).ok_or(RiskRejection::NoMarket)?;
        let worth = known.notional_at(mark, holding.position.quantity);
        open.with_position(worth.map_err(|_| RiskRejection::Overflow)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_way_is_that_of_the_order() {
        let d = Decimal::from;
        let held = Worst { long: d(100), short: d(30), buys: d(20), sells: d(50) };
        assert_eq!(held.gross(), Ok(d(200)));
        assert_eq!(held.net(Side::Buy), Ok(d(90)));
        assert_eq!(held.net(Side::Sell), Ok(d(-20)));
        let more = held.with_order(Side::Sell, d(40)).unwrap();
        assert_eq!((more.gross(), more.net(Side::Sell)), (Ok(d(240)), Ok(d(20))));
        assert_eq!(more.net(Side::Buy), Ok(d(90)), "it does not worsen the other direction");
    }
}
