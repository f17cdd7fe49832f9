//! Trading modes and what each permits: the one table that the gate, the driver and every surface
//! share.

use crate::id::{AccountId, InstrumentId, StrategyId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a mode, a limit or a guard is about.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Everything.
    #[default]
    Host,
    /// One credential set.
    Account(AccountId),
    /// One strategy.
    Strategy(StrategyId),
    /// One instrument, whoever trades it.
    Instrument(InstrumentId),
}

impl From<Option<StrategyId>> for Scope {
    /// A strategy, or without one the host.
    fn from(strategy: Option<StrategyId>) -> Self {
        strategy.map_or(Self::Host, Self::Strategy)
    }
}

/// What is allowed now. The strictest of host, account, strategy and instrument holds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum TradingMode {
    /// Everything the limits allow.
    #[default]
    Running,
    /// No strategy opens; reductions and cancels go on.
    ReduceOnly,
    /// Strategies may only cancel; a plan may still unwind.
    CancelOnly,
    /// Only cancels and the operator's flatten.
    Halted,
}

/// Something a mode permits or forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A strategy's order that may increase a position.
    StrategyOpens,
    /// A strategy's order that can only reduce.
    StrategyReduces,
    /// A plan finishing what it opened.
    PlanCompletes,
    /// A plan taking back what it opened.
    PlanUnwinds,
    /// The operator's flatten.
    OperatorFlattens,
    /// Any cancel.
    Cancel,
}

impl TradingMode {
    /// All of them, mildest first.
    pub const ALL: [Self; 4] = [Self::Running, Self::ReduceOnly, Self::CancelOnly, Self::Halted];

    /// Whether `action` may happen.
    ///
    /// ```
    /// use hedgerow_model::{Action, TradingMode};
    /// assert!(!TradingMode::ReduceOnly.permits(Action::StrategyOpens));
    /// assert!(TradingMode::Halted.permits(Action::Cancel));
    /// ```
    #[must_use]
    pub const fn permits(self, action: Action) -> bool {
        match action {
            Action::Cancel | Action::OperatorFlattens => true,
            Action::PlanUnwinds => !matches!(self, Self::Halted),
            Action::StrategyReduces => matches!(self, Self::Running | Self::ReduceOnly),
            Action::StrategyOpens | Action::PlanCompletes => matches!(self, Self::Running),
        }
    }

    /// The number the contract uses: 0 Running, 1 ReduceOnly, 2 CancelOnly, 3 Halted.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Running => 0,
            Self::ReduceOnly => 1,
            Self::CancelOnly => 2,
            Self::Halted => 3,
        }
    }

    /// The mode of a contract number; one we do not know is the strictest.
    #[must_use]
    pub const fn from_code(code: u32) -> Self {
        match code {
            0 => Self::Running,
            1 => Self::ReduceOnly,
            2 => Self::CancelOnly,
            _ => Self::Halted,
        }
    }
}

impl fmt::Display for TradingMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "Running",
            Self::ReduceOnly => "ReduceOnly",
            Self::CancelOnly => "CancelOnly",
            Self::Halted => "Halted",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_design() {
        use Action as A;
        let columns = [
            A::StrategyOpens,
            A::StrategyReduces,
            A::PlanCompletes,
            A::PlanUnwinds,
            A::OperatorFlattens,
            A::Cancel,
        ];
        let rows = [
            (TradingMode::Running, [true, true, true, true, true, true]),
            (TradingMode::ReduceOnly, [false, true, false, true, true, true]),
            (TradingMode::CancelOnly, [false, false, false, true, true, true]),
            (TradingMode::Halted, [false, false, false, false, true, true]),
        ];
        for (mode, expected) in rows {
            assert_eq!(columns.map(|action| mode.permits(action)), expected, "{mode}");
            assert_eq!(TradingMode::from_code(mode.code()), mode);
        }
    }
}
