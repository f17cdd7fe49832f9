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
            after.owed = amount - instrument.quantity(units);
            let given = units.units().checked_neg().ok_or(overflow)?;
            let gain = after.shift(instrument, price, given)?;
            realised = realised.checked_add(gain).ok_or(overflow)?;
        }
        *self = after;
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
        *self = after;
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
        let open = self.quantity.units().checked_mul(side.sign()).ok_or(ValueError::Overflow)?;
        if open >= quantity.units() {
            self.cost = self.cost.checked_add(more).ok_or(ValueError::Overflow)?;
        } else {
            let lost = instrument.profit_from_values(more, Decimal::ZERO)?;
            self.realised = self.realised.checked_add(lost).ok_or(ValueError::Overflow)?;
        }
        Ok(())
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
            let closed_signed = i64::try_from(closed).map_err(|_| overflow)? * before.signum();
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
        let part = self
            .cost
            .checked_mul(Decimal::from(closed))
            .and_then(|all| all.checked_div(Decimal::from(open)))
            .ok_or(ValueError::Overflow)?;
        Ok(Rounding::HalfEven.decimal(part, MONEY_DIGITS))
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

    /// Realised profit and funding less fees and interest, settle asset.
    #[must_use]
    pub fn net_realised(&self) -> Decimal {
        self.realised + self.funding - self.fees - self.interest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::*;
    use proptest::prelude::*;

    fn contract(inverse: bool) -> Instrument {
        Instrument {
            id: InstrumentId(0),
            venue: VenueId(0),
            symbol: "X".into(),
            kind: if inverse {
                InstrumentKind::InversePerpetual
            } else {
                InstrumentKind::LinearPerpetual
            },
            base: "B".into(),
            quote: "Q".into(),
            settle: if inverse { "B" } else { "Q" }.into(),
            price_scale: Scale::new(1).unwrap(),
            quantity_scale: Scale::new(if inverse { 0 } else { 3 }).unwrap(),
            grid: PriceGrid::Tick(Price::from_units(1)),
            lot: Quantity::from_units(1),
            min_quantity: Quantity::from_units(1),
            max_quantity: None,
            min_notional: None,
            multiplier: Decimal::from(if inverse { 100 } else { 1 }),
            sequence: SequenceRule::Snapshots,
        }
    }

    proptest! {
        /// Whatever the order of fills: quantity is their sum, and when flat all profit is the
        /// difference of values bought and sold.
        #[test]
        fn a_closed_position_earned_what_was_sold_less_what_was_bought(
            inverse: bool,
            fills in prop::collection::vec(
                (any::<bool>(), 1_000_i64..2_000_000, 1_i64..5_000), 1..40,
            ),
        ) {
            let i = contract(inverse);
            let mut position = Position::default();
            let mut value = Decimal::ZERO;
            let mut net = 0_i64;
            let mut book = |position: &mut Position, side: Side, price: i64, quantity: i64| {
                let (price, quantity) = (Price::from_units(price), Quantity::from_units(quantity));
                position.book(&i, side, price, quantity, Fee::ZERO).unwrap();
                net += side.sign() * quantity.units();
                value += Decimal::from(side.sign()) * i.value(price, quantity).unwrap();
                assert_eq!(position.quantity.units(), net);
                net
            };
            for (buy, price, quantity) in fills {
                let side = if buy { Side::Buy } else { Side::Sell };
                book(&mut position, side, price, quantity);
            }
            let left = position.quantity.units();
            if left != 0 {
                let side = if left > 0 { Side::Sell } else { Side::Buy };
                book(&mut position, side, 777_777, left.abs());
            }
            prop_assert_eq!(position.quantity, Quantity::ZERO);
            prop_assert_eq!(position.cost, Decimal::ZERO);
            let expected = if inverse { value } else { -value };
            // an inverse value is rounded to 14 decimals per fill, twice when a fill flips the side
            let tolerance = Decimal::new(100, 14);
            prop_assert!((position.realised - expected).abs() <= tolerance);
        }

        #[test]
        fn rounding_never_moves_past_the_neighbour(
            value in -1_000_000_i64..1_000_000, step in 1_i64..5_000,
        ) {
            let (v, s) = (i128::from(value), i128::from(step));
            let down = Rounding::Floor.divide(v, s).unwrap() * s;
            let up = Rounding::Ceil.divide(v, s).unwrap() * s;
            let zero = Rounding::TowardZero.divide(v, s).unwrap() * s;
            let near = Rounding::HalfEven.divide(v, s).unwrap() * s;
            prop_assert!(down <= v && v < down + s);
            prop_assert!(up >= v && v > up - s);
            prop_assert!(zero.abs() <= v.abs() && (zero == down || zero == up));
            prop_assert!((near - v).abs() * 2 <= s);
        }

        #[test]
        fn a_decimal_survives_the_round_trip_through_units(units: i64, digits in 0_u8..=18) {
            let scale = Scale::new(digits).unwrap();
            let price = Price::from_units(units);
            prop_assert_eq!(Price::exact(price.to_decimal(scale), scale), Ok(price));
        }
    }

    #[test]
    fn a_fill_through_zero_realises_one_part_and_opens_the_other() {
        let i = contract(false);
        let mut p = Position::default();
        let fill = |p: &mut Position, side, price, quantity| {
            p.book(&i, side, Price::from_units(price), Quantity::from_units(quantity), Fee::ZERO)
                .unwrap()
        };
        fill(&mut p, Side::Buy, 1_000, 2_000);
        let booked = fill(&mut p, Side::Sell, 1_100, 3_000);
        assert_eq!(booked.realised, Decimal::from(20));
        assert_eq!(booked.quantity, Quantity::from_units(-1_000));
        assert_eq!(p.entry(&i), Some(Decimal::from(110)));
        assert_eq!(p.unrealised(&i, Price::from_units(1_000)), Ok(Decimal::from(10)));
    }

    /// 1 bought at 100 with 0.1 % in the base asset: 0.999 held, 0.1 paid, nothing gained; sold at
    /// 110 with the fee in the quote asset.
    #[test]
    fn a_fee_in_the_base_asset_leaves_less_to_sell() {
        let spot = Instrument { kind: InstrumentKind::Spot, ..contract(false) };
        let base = |amount: i64, digits| Fee::named(Decimal::new(amount, digits), "B", &spot);
        let mut p = Position::default();
        let (at, one) = (Price::from_units(1_000), Quantity::from_units(1_000));
        p.book(&spot, Side::Buy, at, one, base(1, 3).unwrap()).unwrap();
        assert_eq!((p.quantity.units(), p.traded), (999, 1_000));
        assert_eq!((p.fees, p.realised), (Decimal::new(1, 1), Decimal::ZERO));
        assert_eq!(p.entry(&spot), Some(Decimal::from(100)));
        let quote = Fee::named(Decimal::new(11, 2), "Q", &spot).unwrap();
        p.book(&spot, Side::Sell, Price::from_units(1_100), Quantity::from_units(999), quote)
            .unwrap();
        // -100 + 0.999 x 110 - 0.11
        assert_eq!(p.net_realised(), Decimal::new(978, 2));
        assert_eq!((p.quantity, p.cost), (Quantity::ZERO, Decimal::ZERO));
    }

    /// What is finer than a unit is owed until it makes one.
    #[test]
    fn fees_finer_than_a_unit_are_taken_when_they_make_one() {
        let spot = Instrument { kind: InstrumentKind::Spot, ..contract(false) };
        let fee = Fee { amount: Decimal::new(4, 4), asset: FeeAsset::Base };
        let mut p = Position::default();
        let mut held = Vec::new();
        for _ in 0..5 {
            let (at, ten) = (Price::from_units(1_000), Quantity::from_units(10));
            held.push(p.book(&spot, Side::Buy, at, ten, fee).unwrap().quantity.units());
        }
        assert_eq!((held, p.owed), (vec![10, 20, 29, 39, 48], Decimal::ZERO));
    }

    #[test]
    fn a_fee_in_a_venue_s_token_is_kept_apart_and_moves_no_position() {
        let i = contract(false);
        let fee = Fee::named(Decimal::new(5, 3), "TOKEN", &i).unwrap();
        let mut p = Position::default();
        let (at, one) = (Price::from_units(1_000), Quantity::from_units(1_000));
        for side in [Side::Buy, Side::Sell] {
            p.book(&i, side, at, one, fee).unwrap();
        }
        assert_eq!((p.fees, p.quantity), (Decimal::ZERO, Quantity::ZERO));
        assert_eq!(p.other_fees[&Asset::from("TOKEN").unwrap()], Decimal::new(1, 2));
        assert!(Fee::named(Decimal::ONE, &"X".repeat(25), &i).is_err());
        // a contract's base is not what it holds
        let wrong = Fee { amount: Decimal::ONE, asset: FeeAsset::Base };
        assert_eq!(p.book(&i, Side::Buy, at, one, wrong), Err(ValueError::NoBaseAsset));
        let base = Fee::named(Decimal::ONE, "B", &i).unwrap();
        assert_eq!(base.asset, FeeAsset::Other(Asset::from("B").unwrap()));
    }
}
