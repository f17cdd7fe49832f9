//! Plans of one leg: what a strategy asks for, what is fixed when one begins, where it stands and
//! what came of it.
//!
//! Prices are decimals in the quote currency; quantities are the instrument's own units; rates and
//! barrier percentages are fractions (0.01 is 1 %); basis points and milliseconds say so in their
//! names.

mod barrier;
mod record;
mod request;
mod working;

pub use barrier::{BarrierEntry, BarrierRequest, OnCancel, Trailing};
pub use record::{
    AskedBy, Barrier, ExitFigures, SingleFigures, SingleOutcome, SinglePhase, SinglePlan,
    SinglePurpose, SingleResult, SingleStep, SingleUpdate, Trail,
};
pub use request::{
    AggressiveRequest, InsideSpreadRequest, LimitRequest, MarketRequest, OrderSize, TieredRequest,
};
pub use working::{ChaseRequest, CloseRequest, TwapRequest};

use crate::id::InstrumentId;
use serde::{Deserialize, Serialize};

/// The kinds of plans of one leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SingleKind {
    /// A limit order with a time-out.
    Limit,
    /// One immediate-or-cancel order within a bound.
    Market,
    /// A limit beyond the touch, again for what is left.
    AggressiveLimit,
    /// From the own touch to the other in steps.
    InsideSpread,
    /// A limit order, then an immediate one within a bound.
    Tiered,
    /// A post-only order that follows the touch.
    Chase,
    /// Slices over time.
    Twap,
    /// What is held is closed.
    ClosePosition,
    /// An entry, and barriers around what is filled of it.
    Barrier,
}

impl SingleKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Limit,
        Self::Market,
        Self::AggressiveLimit,
        Self::InsideSpread,
        Self::Tiered,
        Self::Chase,
        Self::Twap,
        Self::ClosePosition,
        Self::Barrier,
    ];

    /// The kind's word in the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Market => "market",
            Self::AggressiveLimit => "aggressive-limit",
            Self::InsideSpread => "inside-spread",
            Self::Tiered => "tiered",
            Self::Chase => "chase",
            Self::Twap => "twap",
            Self::ClosePosition => "close-position",
            Self::Barrier => "barrier",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A plan of one leg as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SingleRequest {
    /// See [`LimitRequest`].
    Limit(LimitRequest),
    /// See [`MarketRequest`].
    Market(MarketRequest),
    /// See [`AggressiveRequest`].
    AggressiveLimit(AggressiveRequest),
    /// See [`InsideSpreadRequest`].
    InsideSpread(InsideSpreadRequest),
    /// See [`TieredRequest`].
    Tiered(TieredRequest),
    /// See [`ChaseRequest`].
    Chase(ChaseRequest),
    /// See [`TwapRequest`].
    Twap(TwapRequest),
    /// See [`CloseRequest`].
    ClosePosition(CloseRequest),
    /// See [`BarrierRequest`].
    Barrier(BarrierRequest),
}

impl SingleRequest {
    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> SingleKind {
        match self {
            Self::Limit(_) => SingleKind::Limit,
            Self::Market(_) => SingleKind::Market,
            Self::AggressiveLimit(_) => SingleKind::AggressiveLimit,
            Self::InsideSpread(_) => SingleKind::InsideSpread,
            Self::Tiered(_) => SingleKind::Tiered,
            Self::Chase(_) => SingleKind::Chase,
            Self::Twap(_) => SingleKind::Twap,
            Self::ClosePosition(_) => SingleKind::ClosePosition,
            Self::Barrier(_) => SingleKind::Barrier,
        }
    }

    /// In what.
    #[must_use]
    pub const fn instrument(&self) -> InstrumentId {
        match self {
            Self::Limit(r) => r.instrument,
            Self::Market(r) => r.instrument,
            Self::AggressiveLimit(r) => r.instrument,
            Self::InsideSpread(r) => r.instrument,
            Self::Tiered(r) => r.instrument,
            Self::Chase(r) => r.instrument,
            Self::Twap(r) => r.instrument,
            Self::ClosePosition(r) => r.instrument,
            Self::Barrier(r) => r.instrument,
        }
    }

    /// Whether its orders may only reduce the position.
    #[must_use]
    pub const fn reduces(&self) -> bool {
        match self {
            Self::Limit(r) => r.reduce_only,
            Self::Market(r) => r.reduce_only,
            Self::AggressiveLimit(r) => r.reduce_only,
            Self::InsideSpread(r) => r.reduce_only,
            Self::Tiered(r) => r.reduce_only,
            Self::Chase(r) => r.reduce_only,
            Self::Twap(r) => r.reduce_only,
            Self::ClosePosition(_) => true,
            Self::Barrier(r) => r.entry.is_none(),
        }
    }
}

macro_rules! from {
    ($($request:ident => $kind:ident),* $(,)?) => {
        $(impl From<$request> for SingleRequest {
            fn from(request: $request) -> Self {
                Self::$kind(request)
            }
        })*
    };
}

from! {
    LimitRequest => Limit,
    MarketRequest => Market,
    AggressiveRequest => AggressiveLimit,
    InsideSpreadRequest => InsideSpread,
    TieredRequest => Tiered,
    ChaseRequest => Chase,
    TwapRequest => Twap,
    CloseRequest => ClosePosition,
    BarrierRequest => Barrier,
}
