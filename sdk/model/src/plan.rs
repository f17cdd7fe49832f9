//! Plans: what the host carries out over several orders, whatever becomes of the strategy that
//! asked: the pair, two legs opened or closed together, and what is common to all kinds. Plans of
//! one leg are in `single`.
//!
//! A plan ends in one of four ways and no other: balanced, flat, stuck with an alarm, or it never
//! began. Units: `base` figures are units of the common base asset; quantities are the
//! instrument's own units.

mod request;

pub use request::{Accept, LegOrder, Making, PairRequest, PairSize};

use crate::fixed::{Price, Quantity, Rounding};
use crate::id::{AccountId, InstrumentId};
use crate::instrument::{Instrument, MONEY_DIGITS};
use crate::leverage::Margin;
use crate::order::Side;
use crate::reach::{PriceSource, Reach};
use crate::rejection::RiskRejection;
use crate::single::{SinglePhase, SingleStep, SingleUpdate};
use crate::time::HostTime;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// From here on order numbers belong to plans; strategies number from below.
pub const PLAN_ORDERS: u64 = 1 << 63;

/// What the two legs of a pair are to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PairKind {
    /// Both legs are opened.
    #[serde(rename = "pair-open")]
    Open,
    /// Both legs are closed, reduce-only.
    #[serde(rename = "pair-close")]
    Close,
}

impl PairKind {
    /// The kind's word in the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "pair-open",
            Self::Close => "pair-close",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Open, Self::Close].into_iter().find(|kind| kind.word() == word)
    }
}

/// One leg, fixed when the plan begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairLeg {
    /// In what.
    pub instrument: InstrumentId,
    /// On whose account.
    pub account: AccountId,
    /// Which way it goes.
    pub side: Side,
    /// How much of it.
    pub target: Quantity,
    /// The same in base units: of an inverse contract at the middle, of one that is closed at its
    /// average entry.
    pub base: Decimal,
    /// Its first limit.
    pub limit: Price,
    /// What that was made from; of a leg that makes, its own touch.
    pub source: PriceSource,
    /// How far it reaches; nothing of a leg that makes.
    pub reach: Option<Reach>,
    /// The middle of its market when it began; of a close without one, what stood in for it.
    pub middle: Decimal,
    /// From best bid to best offer, basis points of the middle; nothing without both.
    pub spread_bps: Option<Decimal>,
    /// What the target would have cost against what was displayed, per unit; of a leg that makes,
    /// its limit.
    pub expected: Decimal,
    /// That against the middle, as a cost, basis points.
    pub estimate_bps: Decimal,
    /// The last price that takes.
    pub worst: Price,
    /// How much of the target could be had at the limit or better, from 0 to 1.
    pub fillable: Decimal,
    /// Everything displayed at the limit or better.
    pub displayed: Quantity,
    /// Leverage and margin mode as the venue told them when it began; nothing: spot, or not told.
    pub margin: Option<Margin>,
}

impl PairLeg {
    /// Base units of a fill of this leg: of an inverse contract at the price of the fill, of one
    /// that is closed the part of what it was entered for, rounded half-even to
    /// [`MONEY_DIGITS`].
    #[must_use]
    pub fn base_of(
        &self,
        kind: PairKind,
        spec: &Instrument,
        (price, quantity): (Price, Quantity),
    ) -> Decimal {
        if kind == PairKind::Open || !spec.kind.is_inverse() {
            // a fill that fits the ledger fits here: the same products
            return spec.base_quantity(price, quantity).unwrap_or_default();
        }
        let part = self.base.checked_mul(quantity.units().into());
        let part = part.and_then(|part| part.checked_div(self.target.units().into()));
        Rounding::HalfEven.decimal(part.unwrap_or_default(), MONEY_DIGITS)
    }
}

/// A pair plan as it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairPlan {
    /// The strategy's number for it.
    pub id: u64,
    /// To open or to close.
    pub kind: PairKind,
    /// As it was asked for.
    pub request: PairRequest,
    /// The buying leg and the selling leg.
    pub legs: [PairLeg; 2],
    /// Which leg goes first; nothing: both at once.
    pub first: Option<u8>,
    /// Which leg makes; nothing: none.
    pub maker: Option<u8>,
    /// The order of legs that the books speak for: both at once, or the thin one first.
    pub advised: LegOrder,
    /// What the sold leg was worth above the bought one at prices that could be had, basis points.
    pub premium_bps: Decimal,
    /// Until when a leg makes.
    pub making_until: Option<HostTime>,
    /// Legs that differ by less are balanced: the common step of linear legs, else a lot of the
    /// coarser leg; base units.
    pub step: Decimal,
    /// When it began.
    pub began: HostTime,
    /// When completing ends.
    pub deadline: HostTime,
}

/// What an order of a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// The leg as planned.
    First,
    /// The leg as it rests.
    Make,
    /// What is missing of it.
    Complete,
    /// What is too much of it, taken back.
    TakeBack,
}

/// Where a pair plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairPhase {
    /// The first orders are out.
    Opening,
    /// One leg rests; what fills of it is hedged on the other.
    Making,
    /// What is missing is being completed.
    Completing,
    /// What is too much is being taken back.
    Unwinding,
    /// Over.
    Ended,
}

/// How a plan ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairOutcome {
    /// Both legs, equal to less than a step.
    Balanced,
    /// Nothing is held of it (an open that came to nothing, a close that is complete).
    Flat,
    /// The legs differ and nothing more can be done: an operator must look.
    Stuck {
        /// Why nothing more can be done.
        why: String,
    },
}

/// What became of one leg.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegResult {
    /// Filled in the leg's direction less what was taken back.
    pub filled: Quantity,
    /// The same in base units.
    pub base: Decimal,
    /// Average price in the leg's direction; nothing when nothing filled.
    pub average: Option<Decimal>,
    /// That price against the middle when it began, as a cost: positive is worse, basis points.
    pub slippage_bps: Option<Decimal>,
    /// Average price of what was taken back.
    pub taken_back: Option<Decimal>,
    /// Fees in the settle asset.
    pub fees: Decimal,
}

/// What repaired one leg: it was completed after its first order had failed, or taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegRepair {
    /// Orders that were sent for it.
    pub orders: u32,
    /// Average price of what was completed; nothing when nothing was.
    pub completed: Option<Decimal>,
    /// What taking back lost, and what completing cost beyond what the leg was expected to cost
    /// when the plan began; with the fees of what took back, settle asset of the leg.
    pub loss: Decimal,
}

/// How a plan ended and what it cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairResult {
    /// How.
    pub outcome: PairOutcome,
    /// The buying leg and the selling leg.
    pub legs: [LegResult; 2],
    /// Base units bought beyond those sold: dust, or what is stuck.
    pub residual: Decimal,
    /// Orders that repaired or completed, beyond the first of each leg and the hedges of a leg that
    /// makes.
    pub retries: u32,
    /// Orders in all.
    pub orders: u32,
    /// What taking back lost, settle asset of the leg, fees not counted.
    pub repair_loss: Decimal,
    /// How long it took, ms.
    pub took_ms: u64,
    /// What repaired the buying leg and the selling leg; nothing in what an earlier host wrote.
    #[serde(default)]
    pub repairs: Option<[LegRepair; 2]>,
}

impl PairResult {
    /// Whether a leg had to be completed after its first order, or was taken back.
    #[must_use]
    pub fn is_repaired(&self) -> bool {
        let back = self.legs.iter().any(|leg| leg.taken_back.is_some());
        back || self.repairs.iter().flatten().any(|leg| leg.orders > 0)
    }

    /// Whether it needed repair, or is stuck: an incident.
    #[must_use]
    pub fn is_incident(&self) -> bool {
        self.is_repaired() || matches!(self.outcome, PairOutcome::Stuck { .. })
    }
}

/// Where a plan stands, as its strategy is told in the JSON of a `plan` event: `kind` says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PlanUpdate {
    /// Two legs.
    Pair(PairUpdate),
    /// One leg.
    Single(SingleUpdate),
}

impl PlanUpdate {
    /// The strategy's number for it.
    #[must_use]
    pub fn plan(&self) -> u64 {
        match self {
            Self::Pair(pair) => pair.plan,
            Self::Single(single) => single.plan,
        }
    }

    /// Whether nothing more comes of it by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Pair(pair) => pair.phase == PairPhase::Ended,
            Self::Single(single) => single.phase == SinglePhase::Ended,
        }
    }

    /// As a pair, if it is one.
    #[must_use]
    pub fn pair(&self) -> Option<&PairUpdate> {
        match self {
            Self::Pair(pair) => Some(pair),
            Self::Single(_) => None,
        }
    }

    /// As a plan of one leg, if it is one.
    #[must_use]
    pub fn single(&self) -> Option<&SingleUpdate> {
        match self {
            Self::Pair(_) => None,
            Self::Single(single) => Some(single),
        }
    }
}

/// Where a pair stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairUpdate {
    /// The strategy's number for it.
    pub plan: u64,
    /// `pair-open` or `pair-close`.
    pub kind: PairKind,
    /// Where it stands.
    pub phase: PairPhase,
    /// The buying leg and the selling leg, as fixed when it began.
    pub planned: Box<[PairLeg; 2]>,
    /// The order of legs that the books spoke for.
    pub advised: LegOrder,
    /// The buying leg and the selling leg.
    pub legs: [LegResult; 2],
    /// Base units bought beyond those sold.
    pub residual: Decimal,
    /// How it ended, once it has.
    pub outcome: Option<PairOutcome>,
}

/// A step of a plan, as a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanStep {
    /// It passed every check and begins.
    Began(Box<PairPlan>),
    /// It did not begin.
    Refused {
        /// Of which kind, as asked.
        kind: String,
        /// Why.
        reason: RiskRejection,
    },
    /// An order leaves for it.
    Sends {
        /// 0 the buying leg, 1 the selling leg.
        leg: u8,
        /// What for.
        purpose: Purpose,
        /// The order's number.
        number: u64,
        /// At which limit.
        limit: Price,
        /// What that was made from.
        source: PriceSource,
        /// How far it reaches; nothing where it makes.
        reach: Option<Reach>,
    },
    /// An order it needed was denied.
    Denied {
        /// 0 the buying leg, 1 the selling leg.
        leg: u8,
        /// Why.
        reason: RiskRejection,
    },
    /// It goes on with another phase.
    Phase(PairPhase),
    /// The strategy gave it up: it completes nothing more.
    GivenUp,
    /// It ended.
    Ended(Box<PairResult>),
    /// An operator took responsibility for what was stuck.
    Released,
    /// A step of a plan of one leg.
    Single(SingleStep),
}
