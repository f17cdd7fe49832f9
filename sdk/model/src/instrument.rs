//! Instruments, and everything that depends on what kind of contract one is.
//!
//! Value, profit, fee, funding and margin are methods here so that linear and inverse contracts can
//! never be confused by a caller. Inverse (coin-margined): a contract is worth a fixed amount of
//! the quote currency, and money is in the coin. Quantities there are whole contracts.
//!
//! Money is rounded half-even to [`MONEY_DIGITS`] decimals wherever a division or a rate makes
//! more.

use crate::band::PriceBand;
use crate::fixed::{Price, Quantity, Rounding, Scale, ValueError};
use crate::grid::PriceGrid;
use crate::id::{InstrumentId, VenueId};
use crate::order::Side;
use crate::time::{HostTime, VenueTime};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Decimals kept in money: enough for a satoshi of a fee of a hundredth of a basis point.
pub const MONEY_DIGITS: u32 = 14;

/// What kind of contract an instrument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum InstrumentKind {
    /// The asset itself.
    Spot,
    /// A perpetual settled in the quote currency.
    LinearPerpetual,
    /// A perpetual settled in the base coin.
    InversePerpetual,
    /// A dated future settled in the quote currency.
    LinearFuture {
        /// Delivery time by the venue's clock.
        expiry: VenueTime,
    },
    /// A dated future settled in the base coin.
    InverseFuture {
        /// Delivery time by the venue's clock.
        expiry: VenueTime,
    },
}

impl InstrumentKind {
    /// Whether money is in the base coin.
    #[must_use]
    pub const fn is_inverse(self) -> bool {
        matches!(self, Self::InversePerpetual | Self::InverseFuture { .. })
    }

    /// When it is delivered, by the venue's clock; nothing: never.
    #[must_use]
    pub const fn expiry(self) -> Option<VenueTime> {
        match self {
            Self::LinearFuture { expiry } | Self::InverseFuture { expiry } => Some(expiry),
            Self::Spot | Self::LinearPerpetual | Self::InversePerpetual => None,
        }
    }

    /// Whether its expiry has come: it trades no more.
    #[must_use]
    pub fn is_over(self, now: HostTime) -> bool {
        self.expiry().is_some_and(|at| now.as_nanos() >= at.as_nanos())
    }

    /// Whether it never expires and pays funding.
    #[must_use]
    pub const fn is_perpetual(self) -> bool {
        matches!(self, Self::LinearPerpetual | Self::InversePerpetual)
    }
}

/// How the venue numbers its book updates, so that a hole is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SequenceRule {
    /// Updates carry no usable number; every book message is a full snapshot.
    Snapshots,
    /// An update names the last id of the one before it (Binance futures `pu`).
    PreviousId,
    /// An update's first id is the last id before it plus one (Binance spot `U`).
    FirstIdFollows,
}

/// One tradable thing at one venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    /// Ours.
    pub id: InstrumentId,
    /// Where it trades.
    pub venue: VenueId,
    /// The venue's text.
    pub symbol: String,
    /// What kind of contract it is.
    pub kind: InstrumentKind,
    /// The asset priced.
    pub base: String,
    /// The asset it is priced in.
    pub quote: String,
    /// The asset money moves in.
    pub settle: String,
    /// Decimals of a price unit; fixed for the life of the id.
    pub price_scale: Scale,
    /// Decimals of a quantity unit; fixed for the life of the id. Zero for contracts.
    pub quantity_scale: Scale,
    /// Which prices the venue accepts.
    pub grid: PriceGrid,
    /// The step of quantities.
    pub lot: Quantity,
    /// The smallest order.
    pub min_quantity: Quantity,
    /// The largest order, if the venue has one.
    pub max_quantity: Option<Quantity>,
    /// The smallest order value in the quote currency, if the venue has one.
    pub min_notional: Option<Decimal>,
    /// How far from the mark its venue lets prices be, if it says so.
    #[serde(default)]
    pub band: Option<PriceBand>,
    /// Linear: base units per unit of quantity. Inverse: quote units per contract.
    pub multiplier: Decimal,
    /// How book updates are numbered.
    pub sequence: SequenceRule,
}

/// What is wrong with the definition of an instrument.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstrumentError {
    /// A number that must be above zero is not.
    #[error("{what} must be above zero")]
    NotPositive {
        /// Which number.
        what: &'static str,
    },
    /// Inverse contracts are counted whole.
    #[error("an inverse contract is counted in whole contracts: quantity scale must be 0")]
    FractionalContracts,
    /// What is bought is the asset itself.
    #[error("a unit of a spot instrument is a unit of its base asset: multiplier must be 1")]
    SpotMultiplier,
    /// Inverse contracts settle in their base coin, linear ones in their quote.
    #[error("{symbol} settles in {settle}, but its kind settles in {expected}")]
    WrongSettle {
        /// The venue's text.
        symbol: String,
        /// As given.
        settle: String,
        /// As the kind demands.
        expected: String,
    },
}

impl Instrument {
    /// Checks what must hold between the fields; all problems at once.
    pub fn check(&self) -> Vec<InstrumentError> {
        let mut problems = Vec::new();
        let mut positive = |what, ok: bool| {
            if !ok {
                problems.push(InstrumentError::NotPositive { what });
            }
        };
        positive("lot", self.lot.is_positive());
        positive("min_quantity", self.min_quantity.is_positive());
        positive("multiplier", self.multiplier > Decimal::ZERO);
        positive("tick", self.grid.step_at(Price::from_units(1), self.price_scale).is_ok());
        if self.kind == InstrumentKind::Spot && self.multiplier != Decimal::ONE {
            problems.push(InstrumentError::SpotMultiplier);
        }
        if self.kind.is_inverse() && self.quantity_scale != Scale::ZERO {
            problems.push(InstrumentError::FractionalContracts);
        }
        let expected = if self.kind.is_inverse() { &self.base } else { &self.quote };
        if &self.settle != expected {
            problems.push(InstrumentError::WrongSettle {
                symbol: self.symbol.clone(),
                settle: self.settle.clone(),
                expected: expected.clone(),
            });
        }
        problems
    }

    /// A price as a decimal.
    #[must_use]
    pub fn price(&self, price: Price) -> Decimal {
        price.to_decimal(self.price_scale)
    }

    /// A quantity as a decimal.
    #[must_use]
    pub fn quantity(&self, quantity: Quantity) -> Decimal {
        quantity.to_decimal(self.quantity_scale)
    }

    /// Exposure in the quote currency: linear price x quantity x multiplier; inverse quantity x
    /// contract value, whatever the price. Carries the quantity's sign.
    pub fn notional(&self, price: Price, quantity: Quantity) -> Result<Decimal, ValueError> {
        self.notional_at(self.price(price), quantity)
    }

    /// [`Self::notional`] at a price that need not be on the grid, such as an average.
    pub fn notional_at(&self, price: Decimal, quantity: Quantity) -> Result<Decimal, ValueError> {
        let units = product(self.quantity(quantity), self.multiplier)?;
        if self.kind.is_inverse() { Ok(units) } else { product(units, price) }
    }

    /// The position's value in the settle asset at a price: linear the notional, inverse
    /// notional / price. Carries the quantity's sign.
    pub fn value_at(&self, price: Decimal, quantity: Quantity) -> Result<Decimal, ValueError> {
        let units = product(self.quantity(quantity), self.multiplier)?;
        if self.kind.is_inverse() { quotient(units, price) } else { money_product(units, price) }
    }

    /// [`Self::value_at`] for a price on the grid.
    pub fn value(&self, price: Price, quantity: Quantity) -> Result<Decimal, ValueError> {
        self.value_at(self.price(price), quantity)
    }

    /// Profit in the settle asset of a signed quantity carried from `entry` to `exit`.
    /// Linear: q m (exit - entry). Inverse: q c (1/entry - 1/exit).
    pub fn profit(
        &self,
        entry: Decimal,
        exit: Decimal,
        quantity: Quantity,
    ) -> Result<Decimal, ValueError> {
        let (at_entry, at_exit) = (self.value_at(entry, quantity)?, self.value_at(exit, quantity)?);
        self.profit_from_values(at_entry, at_exit)
    }

    /// Profit between two values of one signed position, both in the settle asset.
    pub(crate) fn profit_from_values(
        &self,
        at_entry: Decimal,
        at_exit: Decimal,
    ) -> Result<Decimal, ValueError> {
        let gain = at_exit.checked_sub(at_entry).ok_or(ValueError::Overflow)?;
        Ok(if self.kind.is_inverse() { -gain } else { gain })
    }

    /// A fee in the settle asset: positive is paid, negative a rebate.
    pub fn fee(
        &self,
        price: Price,
        quantity: Quantity,
        rate: Decimal,
    ) -> Result<Decimal, ValueError> {
        let value = self.value(price, quantity.abs())?;
        money_product(value, rate)
    }

    /// A funding payment to a signed position, in the settle asset: minus value at mark x rate.
    pub fn funding_payment(
        &self,
        mark: Decimal,
        quantity: Quantity,
        rate: Decimal,
    ) -> Result<Decimal, ValueError> {
        let value = self.value_at(mark, quantity)?;
        Ok(-money_product(value, rate)?)
    }

    /// Initial margin in the settle asset at a leverage.
    pub fn initial_margin(
        &self,
        price: Price,
        quantity: Quantity,
        leverage: Decimal,
    ) -> Result<Decimal, ValueError> {
        quotient(self.value(price, quantity.abs())?, leverage)
    }

    /// The average entry that a value of `value` (settle asset) stands for: arithmetic for linear,
    /// harmonic for inverse. Nothing when the quantity is zero.
    pub fn average_entry(&self, value: Decimal, quantity: Quantity) -> Option<Decimal> {
        let units = product(self.quantity(quantity), self.multiplier).ok()?;
        if self.kind.is_inverse() { quotient(units, value) } else { quotient(value, units) }.ok()
    }

    /// Base units that a quantity stands for at a price.
    pub fn base_quantity(&self, price: Price, quantity: Quantity) -> Result<Decimal, ValueError> {
        if self.kind.is_inverse() {
            self.value(price, quantity)
        } else {
            product(self.quantity(quantity), self.multiplier)
        }
    }

    /// A price moved to the venue's grid.
    pub fn round_price(&self, price: Price, by: Rounding) -> Result<Price, ValueError> {
        self.grid.round(price, self.price_scale, by)
    }

    /// A decimal price moved to the venue's grid.
    ///
    /// The value is brought to the scale in the same direction first, so no direction is lost.
    pub fn price_on_grid(&self, price: Decimal, by: Rounding) -> Result<Price, ValueError> {
        self.round_price(Price::rounded(price, self.price_scale, by)?, by)
    }

    /// The price a resting order of `side` may use without giving more than asked:
    /// a buy rounds down, a sell up.
    pub fn passive_price(&self, side: Side, price: Decimal) -> Result<Price, ValueError> {
        self.price_on_grid(price, side.passive_rounding())
    }

    /// The price a taking order of `side` needs to reach `price`: a buy rounds up, a sell down.
    pub fn aggressive_price(&self, side: Side, price: Decimal) -> Result<Price, ValueError> {
        self.price_on_grid(price, side.opposite().passive_rounding())
    }

    /// A decimal quantity moved to the lot grid, toward zero.
    pub fn quantity_on_grid(&self, quantity: Decimal) -> Result<Quantity, ValueError> {
        self.round_quantity(quantity, Rounding::TowardZero)
    }

    /// A decimal quantity moved to the lot grid in a named direction.
    pub fn round_quantity(&self, quantity: Decimal, by: Rounding) -> Result<Quantity, ValueError> {
        let units = Quantity::rounded(quantity, self.quantity_scale, by)?;
        let lot = i128::from(self.lot.units());
        let lots = by.divide(i128::from(units.units()), lot).ok_or(ValueError::DivisionByZero)?;
        let whole = lots.checked_mul(lot).ok_or(ValueError::Overflow)?;
        i64::try_from(whole).map(Quantity::from_units).map_err(|_| ValueError::Overflow)
    }

    /// Whether a quantity is a whole number of lots.
    #[must_use]
    pub fn is_whole_lots(&self, quantity: Quantity) -> bool {
        quantity.units().checked_rem(self.lot.units()).is_some_and(|rest| rest == 0)
    }
}

/// The product with all its digits, or an error: nothing is rounded here.
fn product(a: Decimal, b: Decimal) -> Result<Decimal, ValueError> {
    let (mantissa, scale) = whole_product(a, b)?;
    if let Ok(exact) = Decimal::try_from_i128_with_scale(mantissa, scale) {
        return Ok(exact);
    }
    let (mut mantissa, mut scale) = (mantissa, scale);
    while scale > 0 && mantissa % 10 == 0 {
        (mantissa, scale) = (mantissa / 10, scale - 1);
    }
    Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| ValueError::Overflow)
}

/// The product as a whole number and the digits of it that are decimals.
fn whole_product(a: Decimal, b: Decimal) -> Result<(i128, u32), ValueError> {
    let of = |a: Decimal, b: Decimal| {
        Some((a.mantissa().checked_mul(b.mantissa())?, a.scale() + b.scale()))
    };
    // zeros at the end need room that the digits may not have
    of(a, b).or_else(|| of(a.normalize(), b.normalize())).ok_or(ValueError::Overflow)
}

/// The product rounded once, half-even, to [`MONEY_DIGITS`].
pub(crate) fn money_product(a: Decimal, b: Decimal) -> Result<Decimal, ValueError> {
    let (mantissa, scale) = whole_product(a, b)?;
    let overflow = ValueError::Overflow;
    let Some(more) = scale.checked_sub(MONEY_DIGITS).filter(|more| *more > 0) else {
        return Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| overflow);
    };
    let rounded = match 10_i128.checked_pow(more) {
        Some(step) => Rounding::HalfEven.divide(mantissa, step).ok_or(overflow)?,
        // a whole number of 128 bits over more than that: far below half a unit
        None => 0,
    };
    Decimal::try_from_i128_with_scale(rounded, MONEY_DIGITS).map_err(|_| overflow)
}

fn quotient(a: Decimal, b: Decimal) -> Result<Decimal, ValueError> {
    if b.is_zero() {
        return Err(ValueError::DivisionByZero);
    }
    let exact = a.checked_div(b).ok_or(ValueError::Overflow)?;
    Ok(Rounding::HalfEven.decimal(exact, MONEY_DIGITS))
}

#[cfg(test)]
pub(crate) mod tests;
