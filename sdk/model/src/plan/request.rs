//! What a strategy asks for when it asks for a pair, as it crosses the wall in JSON.

use crate::id::InstrumentId;
use crate::leverage::Margin;
use crate::reach::Give;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How much of each leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairSize {
    /// At most so much of the quote currency on the dearer leg.
    Notional(Decimal),
    /// So much of the base asset on each leg, rounded down to what both can trade.
    Base(Decimal),
    /// All that is held; only to close.
    All,
}

/// Which leg goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegOrder {
    /// Both at once.
    #[default]
    Simultaneous,
    /// The buying leg, then the other for what was filled.
    BuyFirst,
    /// The selling leg, then the other for what was filled.
    SellFirst,
    /// The leg with less to trade against at its limit, then the other for what was filled.
    ThinFirst,
    /// The buying leg rests, post-only; what fills of it is sold on the other.
    MakerTaker,
    /// The selling leg rests, post-only; what fills of it is bought on the other.
    TakerMaker,
}

impl LegOrder {
    /// The leg that rests, if one does: 0 the buying, 1 the selling.
    #[must_use]
    pub const fn maker(self) -> Option<u8> {
        match self {
            Self::MakerTaker => Some(0),
            Self::TakerMaker => Some(1),
            _ => None,
        }
    }
}

fn three() -> u32 {
    3
}

fn one() -> u32 {
    1
}

fn half_a_second() -> u32 {
    500
}

/// How the leg rests that makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Making {
    /// How far behind its own touch, ticks; 0 if not given.
    #[serde(default)]
    pub behind_ticks: u32,
    /// It is priced anew when it is off by so many ticks; 1 if not given.
    #[serde(default = "one")]
    pub reprice_ticks: u32,
    /// Not sooner than so long after its last order, ms; 500 if not given.
    #[serde(default = "half_a_second")]
    pub reprice_ms: u32,
    /// How far it follows the market to the worse from where it began.
    pub follow: Give,
    /// How long it rests, ms; what is left of `deadline_ms` is for what must still be hedged.
    pub for_ms: u32,
}

impl Making {
    /// At its own touch for so long, following so far.
    #[must_use]
    pub fn new(for_ms: u32, follow: Give) -> Self {
        let (reprice_ticks, reprice_ms) = (one(), half_a_second());
        Self { behind_ticks: 0, reprice_ticks, reprice_ms, follow, for_ms }
    }
}

/// Parameters of a pair plan, as they cross the wall in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairRequest {
    /// What is bought.
    pub buy: InstrumentId,
    /// What is sold.
    pub sell: InstrumentId,
    /// How much.
    pub size: PairSize,
    /// Which leg goes first.
    #[serde(default)]
    pub legs: LegOrder,
    /// How far the first orders may reach beyond the touch.
    pub first: Give,
    /// How far an order that completes the shorter leg may reach.
    pub hedge: Give,
    /// How far an order that takes back the longer leg may reach.
    pub emergency: Give,
    /// After this long nothing more is completed, ms.
    pub deadline_ms: u32,
    /// How often it is tried to complete, and again to take back, without a fill.
    #[serde(default = "three")]
    pub tries: u32,
    /// What the sold leg must be worth above the bought one at prices that can be had now, basis
    /// points of the bought one; checked before anything is sent.
    #[serde(default)]
    pub min_premium_bps: Option<i32>,
    /// How the leg rests that makes; with `maker-taker` and `taker-maker`, and only with them.
    #[serde(default)]
    pub make: Option<Making>,
    /// Leverage and margin mode, where they are not what the account is expected to have: each one
    /// that the operator accepts there, and what the venue tells, before anything is opened.
    #[serde(default)]
    pub accept: Accept,
}

/// What leverage and margin mode a pair accepts on each leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// Of the buying leg; nothing: what its account is expected to have.
    #[serde(default)]
    pub buy: Option<Margin>,
    /// Of the selling leg; nothing: what its account is expected to have.
    #[serde(default)]
    pub sell: Option<Margin>,
}
