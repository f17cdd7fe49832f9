//! What crosses the wall between host and strategy: the frame around a call and intents out. Events
//! are in their own file.
//!
//! These mirror the contract in `wit/` one to one; `wit/README.md` has every field, unit and scale.

use crate::id::InstrumentId;
use crate::mode::TradingMode;
use crate::order::{Amend, NewOrder, Replacement};
use crate::time::HostTime;
use serde::{Deserialize, Serialize};

/// The frame of every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The first tick's receive time, or the event's.
    pub now: HostTime,
    /// The number the first submit of this call must carry.
    pub next_order: u64,
    /// The mode that holds for this strategy.
    pub mode: TradingMode,
}

/// A timer's number, chosen by the strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimerId(pub u64);

/// Something outside the contract's vocabulary, by code and JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpaqueMessage {
    /// What it is; the table is the host's documentation.
    pub code: u32,
    /// Its content.
    pub json: String,
}

/// What a strategy wants said about itself. Never an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "kebab-case")]
pub enum Report {
    /// A figure by name. The only place where a strategy's binary float leaves it, as text.
    Metric {
        /// Name.
        name: String,
        /// Value, in decimal text.
        value: String,
    },
    /// One line for people.
    Status {
        /// The line.
        text: String,
    },
    /// A record for a stream of the strategy's own, such as scanned opportunities.
    Record {
        /// Which stream.
        stream: String,
        /// One JSON object.
        json: String,
    },
}

impl Report {
    /// Bytes of its texts.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Metric { name, value } => name.len() + value.len(),
            Self::Status { text } => text.len(),
            Self::Record { stream, json } => stream.len() + json.len(),
        }
    }
}

/// What a strategy wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    /// Place an order.
    Submit(NewOrder),
    /// Change a live order at the venue; refused where the venue cannot.
    Amend(Amend),
    /// Change a live order by whatever way keeps its meaning; takes an order number.
    Replace(Replacement),
    /// Cancel an order by its number.
    Cancel(u64),
    /// Cancel all orders of this strategy in an instrument.
    CancelAll(InstrumentId),
    /// Something the host carries out over several orders, by kind and JSON parameters.
    Plan {
        /// The strategy's number for it.
        id: u64,
        /// pair-open, pair-close, limit, market, aggressive-limit, inside-spread, tiered, chase,
        /// twap, close-position or barrier.
        kind: String,
        /// Parameters, see `wit/README.md`.
        json: String,
    },
    /// Give a plan up; it completes or unwinds what it began.
    CancelPlan(u64),
    /// Be woken; an existing timer of the same id moves.
    SetTimer {
        /// Which.
        id: TimerId,
        /// When, host time; a time that has passed means at once.
        at: HostTime,
    },
    /// Do not be woken.
    CancelTimer(TimerId),
    /// Set leverage; needs an explicit grant.
    SetLeverage {
        /// In what.
        instrument: InstrumentId,
        /// To what, in hundredths.
        leverage_hundredths: u32,
    },
    /// Say something.
    Report(Report),
    /// Anything newer than this contract.
    Other(OpaqueMessage),
}

impl Intent {
    /// Bytes of its texts.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Report(report) => report.text_bytes(),
            Self::Plan { kind, json, .. } => kind.len() + json.len(),
            Self::Other(message) => message.json.len(),
            _ => 0,
        }
    }
}

impl Intent {
    /// Whether this touches orders, so that the call must carry a checkpoint.
    #[must_use]
    pub const fn needs_checkpoint(&self) -> bool {
        matches!(
            self,
            Self::Submit(_)
                | Self::Amend(_)
                | Self::Replace(_)
                | Self::Cancel(_)
                | Self::CancelAll(_)
                | Self::Plan { .. }
                | Self::CancelPlan(_)
        )
    }
}

/// The answer of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Ticks read; the last one read is the one acted on. Zero for an event.
    pub consumed: u32,
    /// In the order they are judged.
    pub intents: Vec<Intent>,
    /// The strategy's state after this call, when it acted on orders.
    pub checkpoint: Option<Vec<u8>>,
}

impl Outcome {
    /// The numbers of its new orders, in the order they are judged.
    pub fn order_numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.intents.iter().filter_map(|intent| match intent {
            Intent::Submit(order) => Some(order.number),
            Intent::Replace(replacement) => Some(replacement.number),
            _ => None,
        })
    }

    /// How many order numbers it uses up.
    #[must_use]
    pub fn submits(&self) -> u64 {
        u64::try_from(self.order_numbers().count()).unwrap_or(u64::MAX)
    }
}

/// Why a call counts as a fault and nothing of it happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct CallFault {
    /// The class of the fault.
    pub kind: FaultKind,
    /// What exactly, bounded in length.
    pub detail: String,
}

/// Classes of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The component trapped.
    Trap,
    /// It used more time or fuel than allowed.
    Deadline,
    /// It used more memory than allowed.
    Memory,
    /// Its answer breaks the contract.
    BadAnswer,
    /// It refused to start.
    Init,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Trap, Self::Deadline, Self::Memory, Self::BadAnswer, Self::Init];
}

impl std::fmt::Display for FaultKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Trap => "trap",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::BadAnswer => "bad answer",
            Self::Init => "init refused",
        })
    }
}
