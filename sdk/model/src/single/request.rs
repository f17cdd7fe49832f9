//! Parameters of plans of one leg, as they cross the wall in JSON, each with what it must have as
//! arguments of `new` and what it may have as fields with a usual value.

use crate::id::InstrumentId;
use crate::order::Side;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How much. Fixed in whole lots, rounded down, when the plan begins; a size in the quote currency
/// at the price that the plan begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderSize {
    /// So much of the base asset.
    Base(Decimal),
    /// At most so much of the quote currency.
    Quote(Decimal),
    /// All that is held; only where something is held that the plan is about.
    #[default]
    All,
}

/// A limit order, canceled at its time-out: one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitRequest {
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much.
    pub size: OrderSize,
    /// The limit; moved to the grid without giving more than asked.
    pub price: Decimal,
    /// When what is left of it is canceled, ms.
    pub timeout_ms: u32,
    /// Refused rather than taking.
    #[serde(default)]
    pub post_only: bool,
    /// May only reduce the position.
    #[serde(default)]
    pub reduce_only: bool,
}

impl LimitRequest {
    /// A limit order for so long.
    #[must_use]
    pub fn new(
        instrument: InstrumentId,
        side: Side,
        size: OrderSize,
        price: Decimal,
        timeout_ms: u32,
    ) -> Self {
        let (post_only, reduce_only) = (false, false);
        Self { instrument, side, size, price, timeout_ms, post_only, reduce_only }
    }

    /// Refused rather than taking.
    #[must_use]
    pub fn post_only(self) -> Self {
        Self { post_only: true, ..self }
    }

    /// Only to reduce the position.
    #[must_use]
    pub fn reduce_only(self) -> Self {
        Self { reduce_only: true, ..self }
    }
}

/// One immediate-or-cancel order within a bound: there is no naked market order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketRequest {
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much.
    pub size: OrderSize,
    /// How far it may reach beyond the touch, basis points.
    pub slippage_bps: u32,
    /// How long it is tried to send it where only time is needed, ms; 1000 if not given.
    #[serde(default = "second")]
    pub timeout_ms: u32,
    /// May only reduce the position.
    #[serde(default)]
    pub reduce_only: bool,
}

impl MarketRequest {
    /// A bounded immediate order.
    #[must_use]
    pub fn new(instrument: InstrumentId, side: Side, size: OrderSize, slippage_bps: u32) -> Self {
        let (timeout_ms, reduce_only) = (second(), false);
        Self { instrument, side, size, slippage_bps, timeout_ms, reduce_only }
    }

    /// Only to reduce the position.
    #[must_use]
    pub fn reduce_only(self) -> Self {
        Self { reduce_only: true, ..self }
    }
}

/// A limit beyond the touch, canceled after a while and sent again at the touch of then for what
/// is left. The price reaches by ticks or by basis points, not both; by 10 ticks if neither is
/// given. Its record says both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AggressiveRequest {
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much.
    pub size: OrderSize,
    /// How far the price is beyond the touch, ticks.
    #[serde(default)]
    pub cross_ticks: Option<u32>,
    /// How far the price is beyond the touch, basis points.
    #[serde(default)]
    pub bps: Option<u32>,
    /// How often it is sent again; 3 if not given.
    #[serde(default = "three")]
    pub max_retries: u32,
    /// How long an attempt may last, ms; 1000 if not given.
    #[serde(default = "second")]
    pub attempt_ms: u32,
    /// How long the whole may last, ms; 10000 if not given.
    #[serde(default = "ten_seconds")]
    pub timeout_ms: u32,
    /// May only reduce the position.
    #[serde(default)]
    pub reduce_only: bool,
}

impl AggressiveRequest {
    /// Ten ticks beyond the touch, up to four times.
    #[must_use]
    pub fn new(instrument: InstrumentId, side: Side, size: OrderSize) -> Self {
        Self {
            instrument,
            side,
            size,
            cross_ticks: None,
            bps: None,
            max_retries: three(),
            attempt_ms: second(),
            timeout_ms: ten_seconds(),
            reduce_only: false,
        }
    }

    /// So many ticks beyond the touch.
    #[must_use]
    pub fn cross_ticks(self, ticks: u32) -> Self {
        Self { cross_ticks: Some(ticks), bps: None, ..self }
    }

    /// So many basis points beyond the touch.
    #[must_use]
    pub fn bps(self, bps: u32) -> Self {
        Self { bps: Some(bps), cross_ticks: None, ..self }
    }

    /// Only to reduce the position.
    #[must_use]
    pub fn reduce_only(self) -> Self {
        Self { reduce_only: true, ..self }
    }
}

/// Attempt k of 0 to n is at the own touch and k/n of the spread toward the other side; the last
/// takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsideSpreadRequest {
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much.
    pub size: OrderSize,
    /// n; 3 if not given.
    #[serde(default = "three")]
    pub steps: u32,
    /// How far beyond the other touch of the beginning the last may reach, basis points.
    pub slippage_bps: u32,
    /// Attempts before the last are refused rather than taking.
    #[serde(default)]
    pub post_only: bool,
    /// How long an attempt may last, ms; 1000 if not given.
    #[serde(default = "second")]
    pub attempt_ms: u32,
    /// How long the whole may last, ms; 10000 if not given.
    #[serde(default = "ten_seconds")]
    pub timeout_ms: u32,
    /// May only reduce the position.
    #[serde(default)]
    pub reduce_only: bool,
}

impl InsideSpreadRequest {
    /// Four attempts of a second each.
    #[must_use]
    pub fn new(instrument: InstrumentId, side: Side, size: OrderSize, slippage_bps: u32) -> Self {
        Self {
            instrument,
            side,
            size,
            steps: three(),
            slippage_bps,
            post_only: false,
            attempt_ms: second(),
            timeout_ms: ten_seconds(),
            reduce_only: false,
        }
    }
}

/// A limit order for a while, then one immediate order within a bound for what is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TieredRequest {
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much.
    pub size: OrderSize,
    /// The limit of the first order; the own touch if not given.
    #[serde(default)]
    pub price: Option<Decimal>,
    /// The first order is refused rather than taking.
    #[serde(default)]
    pub post_only: bool,
    /// How long the first order rests, ms.
    pub limit_ms: u32,
    /// How far the second may reach beyond the touch, basis points.
    pub slippage_bps: u32,
    /// How long the whole may last, ms; longer than `limit_ms`; 10000 if not given.
    #[serde(default = "ten_seconds")]
    pub timeout_ms: u32,
    /// May only reduce the position.
    #[serde(default)]
    pub reduce_only: bool,
}

impl TieredRequest {
    /// At the own touch for so long, then within so many basis points.
    #[must_use]
    pub fn new(
        instrument: InstrumentId,
        side: Side,
        size: OrderSize,
        limit_ms: u32,
        slippage_bps: u32,
    ) -> Self {
        Self {
            instrument,
            side,
            size,
            price: None,
            post_only: false,
            limit_ms,
            slippage_bps,
            timeout_ms: limit_ms.saturating_add(ten_seconds()),
            reduce_only: false,
        }
    }
}

pub(super) fn three() -> u32 {
    3
}

pub(super) fn second() -> u32 {
    1_000
}

pub(super) fn ten_seconds() -> u32 {
    10_000
}
