//! What is fixed when a plan of one leg begins, its steps as facts, where it stands, and what came
//! of it.

use super::{SingleKind, SingleRequest};
use crate::fixed::{Price, Quantity};
use crate::id::AccountId;
use crate::order::Side;
use crate::reach::{PriceSource, Reach};
use crate::rejection::RiskRejection;
use crate::time::HostTime;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A plan of one leg as it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinglePlan {
    /// The strategy's number for it.
    pub id: u64,
    /// As it was asked for.
    pub request: SingleRequest,
    /// On whose account.
    pub account: AccountId,
    /// Which way it goes; of a barrier the way of its entry.
    pub side: Side,
    /// How much it may trade in that direction.
    pub target: Quantity,
    /// How much a slice trades; the target where there are none.
    pub slice: Quantity,
    /// What of a position that was there it is about, and the value of its entry, settle asset.
    pub adopted: (Quantity, Decimal),
    /// The middle of its market when it began, or what stood in for it.
    pub middle: Decimal,
    /// What the target would have cost against what was displayed, per unit; where it takes.
    pub expected: Option<Decimal>,
    /// What its first price was made from.
    pub source: PriceSource,
    /// How far its first price reaches.
    pub reach: Option<Reach>,
    /// No order that opens is ever beyond it.
    pub bound: Option<Price>,
    /// When it began.
    pub began: HostTime,
    /// When it ends, or gives up to begin.
    pub deadline: HostTime,
    /// Who asked for it; journals of earlier hosts do not say it.
    #[serde(default)]
    pub asked_by: AskedBy,
}

/// On whose word a plan began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AskedBy {
    /// Its strategy's, or a guard's.
    #[default]
    Strategy,
    /// An operator's, who flattens: every mode permits it, and it can only reduce.
    Operator,
}

/// What an order of a plan of one leg is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SinglePurpose {
    /// It rests.
    Make,
    /// It takes.
    Take,
    /// The reduce-only order of the other side, where a venue wants both.
    Other,
    /// It rests where profit is taken.
    TakeProfit,
    /// It closes what a barrier ended.
    Exit,
}

/// Where a plan of one leg stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SinglePhase {
    /// At work.
    Working,
    /// A barrier fired: what is held is being closed.
    Closing,
    /// Over.
    Ended,
}

/// What ended a barrier plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Barrier {
    /// The loss.
    Stop,
    /// The stop that follows.
    Trailing,
    /// The profit.
    TakeProfit,
    /// The time.
    Time,
    /// The strategy gave it up.
    GivenUp,
    /// What it watched was closed by other orders, or by the delivery of its contract.
    Elsewhere,
}

/// How a plan of one leg ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SingleOutcome {
    /// All of it.
    Filled,
    /// Some of it.
    Partly {
        /// Why not all.
        why: String,
    },
    /// Nothing.
    Unfilled {
        /// Why.
        why: String,
    },
    /// A barrier ended it and nothing is held of it any more.
    Closed {
        /// Which.
        by: Barrier,
    },
    /// Its time was over before anything filled.
    Expired,
    /// What is held could not be closed: an operator must look.
    Stuck {
        /// Why nothing more can be done.
        why: String,
    },
}

/// What a barrier plan has closed and still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitFigures {
    /// What is held of it.
    pub held: Quantity,
    /// What was closed.
    pub closed: Quantity,
    /// At which average price; nothing when nothing was.
    pub average: Option<Decimal>,
    /// Entry to exit, net of the fees that were paid, as a fraction of the value that entered; of
    /// the part that was closed.
    pub profit: Option<Decimal>,
}

/// What came of a plan so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SingleFigures {
    /// Filled in its direction.
    pub filled: Quantity,
    /// The same in base units.
    pub base: Decimal,
    /// What it was to fill and did not.
    pub left: Quantity,
    /// Average price; nothing when nothing filled.
    pub average: Option<Decimal>,
    /// That price against the middle when it began, as a cost: positive is worse, basis points.
    pub slippage_bps: Option<Decimal>,
    /// Fees in the settle asset.
    pub fees: Decimal,
    /// Orders sent.
    pub attempts: u32,
    /// How far the newest taking price reached.
    pub reach: Option<Reach>,
    /// What prices were made from.
    pub sources: Vec<PriceSource>,
    /// What was closed of it, if it is a barrier.
    pub exit: Option<ExitFigures>,
}

/// How a plan of one leg ended and what it cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SingleResult {
    /// How.
    pub outcome: SingleOutcome,
    /// What came of it.
    pub figures: SingleFigures,
    /// How long it took, ms.
    pub took_ms: u64,
}

impl SingleResult {
    /// Whether an operator must look.
    #[must_use]
    pub const fn is_stuck(&self) -> bool {
        matches!(self.outcome, SingleOutcome::Stuck { .. })
    }
}

/// A stop that follows, as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// Whether it is armed; a trigger of exactly zero is.
    pub armed: bool,
    /// The profit below which it fires, a fraction; nothing while it is not armed.
    pub trigger: Option<Decimal>,
}

/// Where a plan of one leg stands, as its strategy is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SingleUpdate {
    /// The strategy's number for it.
    pub plan: u64,
    /// Its kind.
    pub kind: SingleKind,
    /// Where it stands.
    pub phase: SinglePhase,
    /// What came of it so far.
    pub figures: SingleFigures,
    /// Its stop that follows, if it has one.
    pub trail: Option<Trail>,
    /// What ended it, if it is a barrier that fired.
    pub fired: Option<Barrier>,
    /// How it ended, once it has.
    pub outcome: Option<SingleOutcome>,
}

/// A step of a plan of one leg, as a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SingleStep {
    /// It passed every check and begins.
    Began(Box<SinglePlan>),
    /// An order leaves for it.
    Sends {
        /// What for.
        purpose: SinglePurpose,
        /// The order's number.
        number: u64,
        /// What its price was made from.
        source: PriceSource,
        /// How far its price reaches, where it takes.
        reach: Option<Reach>,
    },
    /// An order it needed was denied.
    Denied {
        /// What for.
        purpose: SinglePurpose,
        /// Why.
        reason: RiskRejection,
    },
    /// The stop that follows is armed, or raised, to this trigger.
    Trails {
        /// The profit below which it fires, a fraction.
        trigger: Decimal,
    },
    /// A barrier ends it: what is held is closed.
    Fires {
        /// Which.
        barrier: Barrier,
        /// The profit at which it fired, a fraction, if one was known.
        profit: Option<Decimal>,
    },
    /// It ended; again when a late fill changed what came of it.
    Ended(Box<SingleResult>),
}
