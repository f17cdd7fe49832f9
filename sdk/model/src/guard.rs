//! Watching guards: their names, what they are about, and what follows when one trips.

use crate::id::InstrumentId;
use crate::mode::{Scope, TradingMode};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What follows when a watching guard trips, the mildest first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum GuardAction {
    /// It is told.
    #[default]
    Alert,
    /// Nothing opens until an operator releases it.
    Pause,
    /// Nothing opens, and pairs are made smaller until the account's leverage is at its target.
    Reduce,
    /// Nothing opens, and pairs are closed.
    ClosePair,
    /// Nothing but cancels, and plans that take back.
    CancelOnly,
    /// Nothing but cancels and the operator's flatten.
    Halt,
}

impl GuardAction {
    /// All of them with their words, the mildest first.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("alert", Self::Alert),
        ("pause", Self::Pause),
        ("reduce", Self::Reduce),
        ("close-pair", Self::ClosePair),
        ("cancel-only", Self::CancelOnly),
        ("halt", Self::Halt),
    ];

    /// The mode it latches.
    #[must_use]
    pub const fn mode(self) -> TradingMode {
        match self {
            Self::Alert => TradingMode::Running,
            Self::Pause | Self::Reduce | Self::ClosePair => TradingMode::ReduceOnly,
            Self::CancelOnly => TradingMode::CancelOnly,
            Self::Halt => TradingMode::Halted,
        }
    }
}

impl fmt::Display for GuardAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::WORDS.iter().find(|(_, action)| action == self);
        f.write_str(word.map_or("", |(word, _)| word))
    }
}

/// Grades of margin health, by the share of it that is used.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum MarginGrade {
    /// Below 60 %.
    #[default]
    Healthy,
    /// Below 70 %.
    Watch,
    /// Below 80 %.
    Warning,
    /// Below 90 %.
    Danger,
    /// From 90 % on.
    Critical,
}

impl MarginGrade {
    /// All of them, the best first.
    pub const ALL: [Self; 5] =
        [Self::Healthy, Self::Watch, Self::Warning, Self::Danger, Self::Critical];

    /// The share of the margin, percent, from which it holds.
    #[must_use]
    pub const fn begins_percent(self) -> u32 {
        match self {
            Self::Healthy => 0,
            Self::Watch => 60,
            Self::Warning => 70,
            Self::Danger => 80,
            Self::Critical => 90,
        }
    }

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Watch => "watch",
            Self::Warning => "warning",
            Self::Danger => "danger",
            Self::Critical => "critical",
        }
    }
}

/// A watching guard by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// Loss since the measures began.
    Loss,
    /// Loss since the day began, UTC.
    LossDay,
    /// Fall from the highest profit.
    Drawdown,
    /// Maintenance margin of equity.
    MarginRatio,
    /// Used of all margin.
    MarginUtilisation,
    /// The margin's health is of this grade or a worse one.
    MarginHealth(MarginGrade),
    /// Distance of a mark to the price of liquidation.
    LiquidationDistance,
    /// Leverage that an adverse move leaves alive.
    SafeLeverage,
    /// The legs of a hedge differ.
    HedgeGap,
    /// Something has been unhedged for too long.
    Unhedged,
    /// What a hedge earns in funding is about to turn.
    FundingFlip,
    /// The venue has liquidated something.
    Liquidated,
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::MarginHealth(grade) = self {
            return write!(f, "margin-health {}", grade.word());
        }
        f.write_str(match self {
            Self::Loss => "loss",
            Self::LossDay => "loss-day",
            Self::Drawdown => "drawdown",
            Self::MarginRatio => "margin-ratio",
            Self::MarginUtilisation => "margin-utilisation",
            Self::MarginHealth(_) => "margin-health",
            Self::LiquidationDistance => "liquidation-distance",
            Self::SafeLeverage => "safe-leverage",
            Self::HedgeGap => "hedge-gap",
            Self::Unhedged => "unhedged",
            Self::FundingFlip => "funding-flip",
            Self::Liquidated => "liquidated",
        })
    }
}

/// One guard of one thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GuardKey {
    /// Which.
    pub guard: Guard,
    /// Of what.
    pub scope: Scope,
    /// The instrument it looks at, or both legs of a hedge; otherwise none.
    pub of: Vec<InstrumentId>,
}

impl GuardKey {
    /// A guard of a scope as a whole.
    #[must_use]
    pub const fn whole(guard: Guard, scope: Scope) -> Self {
        Self { guard, scope, of: Vec::new() }
    }
}

/// How a guard stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardState {
    /// It has tripped, and this follows.
    Tripped(GuardAction),
    /// It is at rest again: what it looks at is well within its limit, or an operator released it.
    AtRest,
}
