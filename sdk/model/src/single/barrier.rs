//! Parameters of the triple barrier: an entry and/or what is held already, and barriers around
//! whatever part is filled. Percentages are fractions of the entry value, net of the fees of the
//! entry and of the estimated fee of the exit.

use super::request::{OrderSize, three};
use crate::id::InstrumentId;
use crate::order::Side;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The order that enters: at a price, resting, or at once within a bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BarrierEntry {
    /// How much.
    pub size: OrderSize,
    /// The limit of an order that rests until a barrier ends it.
    #[serde(default)]
    pub price: Option<Decimal>,
    /// Refused rather than taking; only with a price.
    #[serde(default)]
    pub post_only: bool,
    /// Without a price: how far an immediate order may reach beyond the touch, basis points.
    #[serde(default)]
    pub slippage_bps: Option<u32>,
}

/// A stop that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trailing {
    /// It arms when the profit is above this, a fraction.
    pub activation: Decimal,
    /// It then fires when the profit falls so far below its highest, a fraction.
    pub delta: Decimal,
}

/// What becomes of what is held when the strategy gives the plan up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnCancel {
    /// It is closed.
    #[default]
    Close,
    /// It stays, without barriers.
    Keep,
}

/// A triple barrier with a trailing stop. At least one barrier must be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BarrierRequest {
    /// In what.
    pub instrument: InstrumentId,
    /// `buy`: long.
    pub side: Side,
    /// The order that enters, if one does.
    #[serde(default)]
    pub entry: Option<BarrierEntry>,
    /// What of the position held already it is about, at the average entry of the ledger.
    #[serde(default)]
    pub held: Option<OrderSize>,
    /// It fires when the loss is as much or more, a fraction.
    #[serde(default)]
    pub stop_loss: Option<Decimal>,
    /// It fires when the profit is as much or more, a fraction.
    #[serde(default)]
    pub take_profit: Option<Decimal>,
    /// Profit is taken by a resting order, as long as the strategy's collar lets it rest.
    #[serde(default)]
    pub resting_take_profit: bool,
    /// The stop that follows.
    #[serde(default)]
    pub trailing: Option<Trailing>,
    /// It fires so long after the first fill, or after the beginning while nothing is filled, ms.
    #[serde(default)]
    pub time_limit_ms: Option<u64>,
    /// Fee rate of the entry where fills do not tell it, a fraction.
    pub entry_fee_rate: Decimal,
    /// Fee rate that the exit is estimated with, a fraction.
    pub exit_fee_rate: Decimal,
    /// How far an order that exits may reach beyond the touch, basis points.
    pub exit_bps: u32,
    /// How often the exit is tried without a fill; 3 if not given.
    #[serde(default = "three")]
    pub tries: u32,
    /// What becomes of what is held when the plan is given up.
    #[serde(default)]
    pub on_cancel: OnCancel,
}

impl BarrierRequest {
    /// Without barriers yet, about nothing yet: fee rates of entry and exit, and the reach of the
    /// exit.
    #[must_use]
    pub fn new(
        instrument: InstrumentId,
        side: Side,
        (entry_fee_rate, exit_fee_rate): (Decimal, Decimal),
        exit_bps: u32,
    ) -> Self {
        Self {
            instrument,
            side,
            entry: None,
            held: None,
            stop_loss: None,
            take_profit: None,
            resting_take_profit: false,
            trailing: None,
            time_limit_ms: None,
            entry_fee_rate,
            exit_fee_rate,
            exit_bps,
            tries: three(),
            on_cancel: OnCancel::Close,
        }
    }

    /// Enters by an order that rests at a price.
    #[must_use]
    pub fn enter_at(self, size: OrderSize, price: Decimal) -> Self {
        let (price, post_only, slippage_bps) = (Some(price), false, None);
        Self { entry: Some(BarrierEntry { size, price, post_only, slippage_bps }), ..self }
    }

    /// Enters at once, within so many basis points.
    #[must_use]
    pub fn enter_now(self, size: OrderSize, slippage_bps: u32) -> Self {
        let (price, post_only, slippage_bps) = (None, false, Some(slippage_bps));
        Self { entry: Some(BarrierEntry { size, price, post_only, slippage_bps }), ..self }
    }

    /// About a part of what is held already, or all of it.
    #[must_use]
    pub fn holding(self, size: OrderSize) -> Self {
        Self { held: Some(size), ..self }
    }

    /// Stops at such a loss, a fraction.
    #[must_use]
    pub fn stop_loss(self, loss: Decimal) -> Self {
        Self { stop_loss: Some(loss), ..self }
    }

    /// Takes such a profit, a fraction.
    #[must_use]
    pub fn take_profit(self, profit: Decimal) -> Self {
        Self { take_profit: Some(profit), ..self }
    }

    /// Stops when the profit, once above `activation`, falls by `delta`.
    #[must_use]
    pub fn trailing(self, activation: Decimal, delta: Decimal) -> Self {
        Self { trailing: Some(Trailing { activation, delta }), ..self }
    }

    /// Ends after so many ms.
    #[must_use]
    pub fn time_limit_ms(self, ms: u64) -> Self {
        Self { time_limit_ms: Some(ms), ..self }
    }
}
