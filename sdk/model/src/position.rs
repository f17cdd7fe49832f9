//! A position built from fills alone, linear and inverse alike.
//!
//! `cost` is the settle-asset value of the open quantity at its entry prices, with the quantity's
//! sign. An inverse contract's value is contracts x c / price, so the average entry that follows is
//! harmonic without a special case. Closing takes a proportional part of the cost, rounded
//! half-even to [`MONEY_DIGITS`]; the last part takes all that is left, so nothing stays behind.

use crate::fee::{Asset, Fee, FeeAsset};
use crate::fixed::{Price, Quantity, Rounding, ValueError};
use crate::instrument::{Instrument, MONEY_DIGITS};
use crate::order::Side;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The largest amount that a ledger holds: beyond it, and below the venue's own idea of money, sums
/// would lose digits. No venue has so much.
const LEDGER_MAX: Decimal = Decimal::from_parts(0x107a_4000, 0x5af3, 0, false, 0);

/// One net position of one account in one instrument, and what it has earned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Signed, in units of the instrument's quantity scale; fees taken in the base asset are off.
    pub quantity: Quantity,
    /// Settle-asset value at entry, signed as the quantity.
    pub cost: Decimal,
    /// Profit of closed parts, settle asset, fees not taken off.
    pub realised: Decimal,
    /// Fees paid, settle asset; negative is a rebate. A fee in the base asset counts at the price
    /// of its fill.
    pub fees: Decimal,
    /// Fees paid in assets that the instrument does not price; not in `fees`.
    #[serde(default)]
    pub other_fees: BTreeMap<Asset, Decimal>,
    /// What of `other_fees` had a rate was worth so much, settle asset, at the rate of its moment.
    #[serde(default)]
    pub other_fees_worth: Decimal,
    /// What of `other_fees` had none: it is in no profit.
    #[serde(default)]
    pub unrated_fees: BTreeMap<Asset, Decimal>,
    /// Base asset taken as fees that does not make a whole unit of quantity yet.
    #[serde(default)]
    pub owed: Decimal,
    /// Funding received (paid is negative), settle asset.
    pub funding: Decimal,
    /// Interest paid for what is borrowed, settle asset, at the mark of its moment.
    #[serde(default)]
    pub interest: Decimal,
    /// Quantity traded in both directions.
    pub traded: i64,
}

/// What one fill did to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booked {
    /// Profit realised by this fill, settle asset, fee not taken off.
    pub realised: Decimal,
    /// The quantity after it.
    pub quantity: Quantity,
}

impl Position {
    /// Books one fill. On an error nothing has changed.
    ///
    /// A fee in the base asset is booked as what it is: as much of the base asset given away, worth
    /// the price of the fill. What of it is finer than a unit of quantity waits in `owed`.
    pub fn book(
        &mut self,
        instrument: &Instrument,
        side: Side,
        price: Price,
        quantity: Quantity,
        fee: Fee,
    ) -> Result<Booked, ValueError> {
        let overflow = ValueError::Overflow;
        let mut after = self.clone();
        let signed = side.sign().checked_mul(quantity.units()).ok_or(overflow)?;
        let mut realised = after.shift(instrument, price, signed)?;
        after.traded = after.traded.checked_add(quantity.units()).ok_or(overflow)?;
        match fee.worth(instrument, price)? {
            Some(worth) => after.fees = after.fees.checked_add(worth).ok_or(overflow)?,
            None => after.charge_elsewhere(fee)?,
        }
        if fee.asset == FeeAsset::Base {
            let amount = after.owed.checked_add(fee.amount).ok_or(overflow)?;
            let units = Fee { amount, ..fee }.base_units(instrument)?;
            let taken = instrument.quantity(units);
            after.owed = amount.checked_sub(taken).ok_or(overflow)?;
            let given = units.units().checked_neg().ok_or(overflow)?;
            let gain = after.shift(instrument, price, given)?;
            realised = realised.checked_add(gain).ok_or(overflow)?;
        }
        *self = after.checked()?;
        Ok(Booked { realised, quantity: self.quantity })
    }

    /// Makes the position what it is said to be; the difference is valued at a price. On an error
    /// nothing has changed.
    pub fn adopt(
        &mut self,
        instrument: &Instrument,
        quantity: Quantity,
        price: Price,
    ) -> Result<(), ValueError> {
        let mut after = self.clone();
        let by = quantity.units().checked_sub(self.quantity.units()).ok_or(ValueError::Overflow)?;
        after.shift(instrument, price, by)?;
        *self = after.checked()?;
        Ok(())
    }

    /// A fill that was booked was worth this much more than it was booked at, settle asset, as it
    /// turns out: what is still open of it cost more, what is closed earned less. On an error
    /// nothing has changed.
    pub fn correct(
        &mut self,
        instrument: &Instrument,
        (side, quantity): (Side, Quantity),
        more: Decimal,
    ) -> Result<(), ValueError> {
        let more = more.checked_mul(Decimal::from(side.sign())).ok_or(ValueError::Overflow)?;
        let mut after = self.clone();
        let open = self.quantity.units().checked_mul(side.sign()).ok_or(ValueError::Overflow)?;
        if open >= quantity.units() {
            after.cost = self.cost.checked_add(more).ok_or(ValueError::Overflow)?;
        } else {
            let lost = instrument.profit_from_values(more, Decimal::ZERO)?;
            after.realised = self.realised.checked_add(lost).ok_or(ValueError::Overflow)?;
        }
        *self = after.checked()?;
        Ok(())
    }

    /// Books a funding payment. On an error nothing has changed.
    pub fn fund(&mut self, amount: Decimal) -> Result<(), ValueError> {
        let funding = self.funding.checked_add(amount).ok_or(ValueError::Overflow)?;
        let after = Self { funding, ..self.clone() };
        *self = after.checked()?;
        Ok(())
    }

    /// Books interest that was charged, settle asset. On an error nothing has changed.
    pub fn charge(&mut self, amount: Decimal) -> Result<(), ValueError> {
        let interest = self.interest.checked_add(amount).ok_or(ValueError::Overflow)?;
        let after = Self { interest, ..self.clone() };
        *self = after.checked()?;
        Ok(())
    }

    /// Counts a fee in another asset, which [`Self::book`] has noted, at its worth in the settle
    /// asset; nothing: no rate says what it is worth, and it stays apart. On an error nothing has
    /// changed.
    pub fn rate_fee(
        &mut self,
        asset: Asset,
        amount: Decimal,
        worth: Option<Decimal>,
    ) -> Result<(), ValueError> {
        let mut after = self.clone();
        let sum = match worth {
            Some(_) => &mut after.other_fees_worth,
            None => after.unrated_fees.entry(asset).or_default(),
        };
        *sum = sum.checked_add(worth.unwrap_or(amount)).ok_or(ValueError::Overflow)?;
        *self = after.checked()?;
        Ok(())
    }

    /// Every amount is one that a ledger holds, so that sums of them are exact; and a zero has no
    /// sign, so that what is equal is written alike.
    fn checked(mut self) -> Result<Self, ValueError> {
        let Self { cost, realised, fees, other_fees_worth, funding, interest, .. } = &mut self;
        for amount in [cost, realised, fees, other_fees_worth, funding, interest] {
            if amount.abs() > LEDGER_MAX {
                return Err(ValueError::Overflow);
            }
            if amount.is_zero() {
                amount.set_sign_positive(true);
            }
        }
        let fits = |amount: &Decimal| amount.abs() <= LEDGER_MAX;
        let mut elsewhere = self.other_fees.values().chain(self.unrated_fees.values());
        if elsewhere.all(fits) { Ok(self) } else { Err(ValueError::Overflow) }
    }

    fn charge_elsewhere(&mut self, fee: Fee) -> Result<(), ValueError> {
        if let FeeAsset::Other(asset) = fee.asset {
            let paid = self.other_fees.entry(asset).or_default();
            *paid = paid.checked_add(fee.amount).ok_or(ValueError::Overflow)?;
        }
        Ok(())
    }

    /// Moves the quantity at a price; gives the profit that this realises.
    fn shift(
        &mut self,
        instrument: &Instrument,
        price: Price,
        signed: i64,
    ) -> Result<Decimal, ValueError> {
        let overflow = ValueError::Overflow;
        let before = self.quantity.units();
        let after = before.checked_add(signed).ok_or(overflow)?;
        let mut realised = Decimal::ZERO;
        let opposite = before.signum() * signed.signum() < 0;
        let closed = if opposite { before.unsigned_abs().min(signed.unsigned_abs()) } else { 0 };
        if closed > 0 {
            let part = self.part_of_cost(closed)?;
            let closed_signed = i64::try_from(closed).map_err(|_| overflow)?;
            let closed_signed = closed_signed.checked_mul(before.signum()).ok_or(overflow)?;
            let proceeds = instrument.value(price, Quantity::from_units(closed_signed))?;
            realised = instrument.profit_from_values(part, proceeds)?;
            self.cost = self.cost.checked_sub(part).ok_or(overflow)?;
        }
        let opened = i64::try_from(signed.unsigned_abs() - closed).map_err(|_| overflow)?;
        if opened > 0 {
            let opened_signed = Quantity::from_units(opened * signed.signum());
            let value = instrument.value(price, opened_signed)?;
            self.cost = self.cost.checked_add(value).ok_or(overflow)?;
        }
        self.realised = self.realised.checked_add(realised).ok_or(overflow)?;
        self.quantity = Quantity::from_units(after);
        Ok(realised)
    }

    /// The share of the cost that `closed` units of the open quantity carry.
    fn part_of_cost(&self, closed: u64) -> Result<Decimal, ValueError> {
        let open = self.quantity.units().unsigned_abs();
        if closed == open {
            return Ok(self.cost);
        }
        let part = || -> Option<Decimal> {
            let more = 10_i128.checked_pow(MONEY_DIGITS.checked_sub(self.cost.scale())?)?;
            let cost = self.cost.mantissa().checked_mul(more)?;
            let (closed, open) = (i128::from(closed), i128::from(open));
            // in two parts, each of which fits: what of the cost is whole units, and the rest
            let whole = cost.checked_div(open)?.checked_mul(closed)?;
            let rest = cost.checked_rem(open)?.checked_mul(closed)?;
            // half-even asks whether the sum is even, so an odd unit is rounded with the rest
            let odd = whole.checked_rem(2)?;
            let rest = rest.checked_add(odd.checked_mul(open)?)?;
            let units = Rounding::HalfEven.divide(rest, open)?;
            let units = whole.checked_sub(odd)?.checked_add(units)?;
            Decimal::try_from_i128_with_scale(units, MONEY_DIGITS).ok().map(|part| part.normalize())
        };
        part().ok_or(ValueError::Overflow)
    }

    /// The average entry price; nothing when flat.
    #[must_use]
    pub fn entry(&self, instrument: &Instrument) -> Option<Decimal> {
        if self.quantity.is_zero() {
            None
        } else {
            instrument.average_entry(self.cost, self.quantity)
        }
    }

    /// Profit of the open part at a mark, settle asset, no exit fee counted.
    pub fn unrealised(&self, instrument: &Instrument, mark: Price) -> Result<Decimal, ValueError> {
        if self.quantity.is_zero() {
            return Ok(Decimal::ZERO);
        }
        instrument.profit_from_values(self.cost, instrument.value(mark, self.quantity)?)
    }

    /// Realised profit and funding less fees and interest, settle asset. Fees in other assets are
    /// in it as far as a rate said what they were worth.
    #[must_use]
    pub fn net_realised(&self) -> Decimal {
        // amounts that a ledger holds always fit; a position that was read from elsewhere may not
        let gains = self.realised.saturating_add(self.funding);
        let fees = self.fees.saturating_add(self.other_fees_worth);
        gains.saturating_sub(fees).saturating_sub(self.interest)
    }
}

#[cfg(test)]
mod tests;
