//! Parameters of plans that work an order over time: chase, TWAP, close-position.

use super::request::{OrderSize, second, ten_seconds, three};
use crate::id::InstrumentId;
use crate::order::Side;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A post-only order that follows the touch, never past a hard limit price; it may step across the
/// spread, the last step taking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChaseRequest {
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much.
    pub size: OrderSize,
    /// No order is ever beyond it.
    pub limit_price: Decimal,
    /// How long the whole may last, ms.
    pub timeout_ms: u32,
    /// How far behind the touch it rests, ticks; 0 if not given.
    #[serde(default)]
    pub distance_ticks: u32,
    /// It is moved when it is off by so many ticks; 1 if not given.
    #[serde(default = "one")]
    pub refresh_ticks: u32,
    /// In how many steps it crosses the spread; 0, if not given: never.
    #[serde(default)]
    pub cross_steps: u32,
    /// How long it rests before each step, ms; 1000 if not given.
    #[serde(default = "second")]
    pub step_ms: u32,
    /// May only reduce the position.
    #[serde(default)]
    pub reduce_only: bool,
}

impl ChaseRequest {
    /// At the touch, for so long.
    #[must_use]
    pub fn new(
        instrument: InstrumentId,
        side: Side,
        size: OrderSize,
        limit_price: Decimal,
        timeout_ms: u32,
    ) -> Self {
        Self {
            instrument,
            side,
            size,
            limit_price,
            timeout_ms,
            distance_ticks: 0,
            refresh_ticks: one(),
            cross_steps: 0,
            step_ms: second(),
            reduce_only: false,
        }
    }

    /// Crosses the spread in so many steps, each after so long.
    #[must_use]
    pub fn crossing(self, cross_steps: u32, step_ms: u32) -> Self {
        Self { cross_steps, step_ms, ..self }
    }
}

/// Slices of equal size on the lot grid, the remainder on the last: `horizon_ms / interval_ms` of
/// them, rounded down. What a slice did not bring is added to the next, never beyond the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwapRequest {
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much in all.
    pub size: OrderSize,
    /// Over how long, ms.
    pub horizon_ms: u32,
    /// A slice begins every so many ms.
    pub interval_ms: u32,
    /// How far a slice that takes may reach beyond the touch, basis points.
    pub slippage_bps: u32,
    /// A slice first rests at the own touch for so long, ms, and then takes; below `interval_ms`.
    #[serde(default)]
    pub maker_ms: Option<u32>,
    /// May only reduce the position.
    #[serde(default)]
    pub reduce_only: bool,
}

impl TwapRequest {
    /// Slices that take.
    #[must_use]
    pub fn new(
        instrument: InstrumentId,
        side: Side,
        size: OrderSize,
        (horizon_ms, interval_ms): (u32, u32),
        slippage_bps: u32,
    ) -> Self {
        let (maker_ms, reduce_only) = (None, false);
        Self {
            instrument,
            side,
            size,
            horizon_ms,
            interval_ms,
            slippage_bps,
            maker_ms,
            reduce_only,
        }
    }

    /// Each slice rests so long before it takes.
    #[must_use]
    pub fn making(self, maker_ms: u32) -> Self {
        Self { maker_ms: Some(maker_ms), ..self }
    }
}

/// What is held is closed, reduce-only, as much as is known to be held at each try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    /// In what.
    pub instrument: InstrumentId,
    /// How much; all if not given.
    #[serde(default)]
    pub size: OrderSize,
    /// How far an order may reach beyond the touch, basis points.
    pub slippage_bps: u32,
    /// How often it is tried without a fill; 3 if not given.
    #[serde(default = "three")]
    pub tries: u32,
    /// How long the whole may last, ms; 10000 if not given.
    #[serde(default = "ten_seconds")]
    pub timeout_ms: u32,
    /// A reduce-only order of each side is sent at once, for a venue that wants it so: only the one
    /// that offsets acts, whatever the position really is. Not for spot.
    #[serde(default)]
    pub dual: bool,
}

impl CloseRequest {
    /// Everything that is held.
    #[must_use]
    pub fn new(instrument: InstrumentId, slippage_bps: u32) -> Self {
        Self {
            instrument,
            size: OrderSize::All,
            slippage_bps,
            tries: three(),
            timeout_ms: ten_seconds(),
            dual: false,
        }
    }

    /// With an order of each side.
    #[must_use]
    pub fn dual(self) -> Self {
        Self { dual: true, ..self }
    }
}

fn one() -> u32 {
    1
}
