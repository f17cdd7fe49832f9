//! What crosses the wall between host and strategy: events in, intents out, and the frame around a
//! call.
//!
//! These mirror the contract in `wit/` one to one; `wit/README.md` has every field, unit and scale.

use crate::fixed::{Price, Quantity};
use crate::id::{AccountId, InstrumentId, StrategyId, TradeId, VenueId};
use crate::instrument::Instrument;
use crate::mode::TradingMode;
use crate::order::{Amend, NewOrder, Side};
use crate::status::OrderStatus;
use crate::time::{HostTime, VenueTime};
use crate::venue::Liquidity;
use rust_decimal::Decimal;
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

/// What a strategy wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    /// Place an order.
    Submit(NewOrder),
    /// Change a live order at the venue; refused where the venue cannot.
    Amend(Amend),
    /// Change a live order by whatever way keeps its meaning. Today the host treats it as
    /// [`Self::Amend`]; where the venue cannot amend it is refused.
    Replace(Amend),
    /// Cancel an order by its number.
    Cancel(u64),
    /// Cancel all orders of this strategy in an instrument.
    CancelAll(InstrumentId),
    /// Something the host carries out over several orders, by kind and JSON parameters.
    Plan {
        /// The strategy's number for it.
        id: u64,
        /// pair-open, pair-close, close-position, chase, twap or triple-barrier.
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Ticks read; the last one read is the one acted on. Zero for an event.
    pub consumed: u32,
    /// In the order they are judged.
    pub intents: Vec<Intent>,
    /// The strategy's state after this call, when it acted on orders.
    pub checkpoint: Option<Vec<u8>>,
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

/// What the host knows about a strategy when it starts or starts again; it outranks saved state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumedState {
    /// Live orders.
    pub orders: Vec<OrderUpdate>,
    /// Positions that are not flat.
    pub positions: Vec<PositionUpdate>,
    /// Timers that are set.
    pub timers: Vec<(TimerId, HostTime)>,
    /// The mode that holds.
    pub mode: TradingMode,
}

/// An order as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderUpdate {
    /// The strategy's number.
    pub number: u64,
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// Where it stands.
    pub status: OrderStatus,
    /// The limit.
    pub price: Price,
    /// The total quantity.
    pub quantity: Quantity,
    /// Filled so far.
    pub filled: Quantity,
    /// 0, or the code of a denial or rejection.
    pub reason: u32,
}

/// One trade of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillNotice {
    /// The strategy's number of the order.
    pub number: u64,
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// At what price.
    pub price: Price,
    /// How much.
    pub quantity: Quantity,
    /// Made or took.
    pub liquidity: Liquidity,
    /// Fee in the settle asset; negative is a rebate.
    pub fee: Decimal,
    /// The venue's key.
    pub trade: TradeId,
    /// The position after it, signed.
    pub position: Quantity,
}

/// A position as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionUpdate {
    /// In what.
    pub instrument: InstrumentId,
    /// Signed.
    pub quantity: Quantity,
    /// Average entry price; zero when flat.
    pub entry: Decimal,
}

/// What happened, for one strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// An order changed, or was denied.
    Order(OrderUpdate),
    /// One trade of ours.
    Fill(FillNotice),
    /// A timer is due.
    Timer(TimerId),
    /// A plan went on or ended.
    Plan(OpaqueMessage),
    /// A position was adjusted by something other than a fill.
    Position(PositionUpdate),
    /// A balance.
    Balance {
        /// Whose.
        account: AccountId,
        /// Which asset.
        asset: String,
        /// Everything.
        total: Decimal,
        /// Not bound.
        available: Decimal,
    },
    /// Funding moved cash.
    FundingPayment {
        /// In what.
        instrument: InstrumentId,
        /// Received is positive; settle asset.
        amount: Decimal,
        /// The settlement it belongs to.
        settlement: VenueTime,
    },
    /// Tick, lot, minima or state of an instrument changed.
    Instrument(Instrument),
    /// Fee rates of an account in an instrument.
    FeeTier {
        /// In what.
        instrument: InstrumentId,
        /// Making, a fraction.
        maker: Decimal,
        /// Taking, a fraction.
        taker: Decimal,
    },
    /// Leverage in force and the most allowed.
    Leverage {
        /// In what.
        instrument: InstrumentId,
        /// In force, hundredths.
        leverage_hundredths: u32,
        /// The most allowed, hundredths.
        max_hundredths: u32,
    },
    /// What borrowing costs.
    BorrowRate {
        /// Whose.
        account: AccountId,
        /// Which asset.
        asset: String,
        /// Per hour, 1e-15.
        hourly: i64,
    },
    /// Open interest.
    OpenInterest {
        /// In what.
        instrument: InstrumentId,
        /// In units of the quantity scale.
        quantity: Quantity,
    },
    /// A venue came, went or lags.
    Venue {
        /// Which.
        venue: VenueId,
        /// What.
        status: VenueStatus,
    },
    /// An instrument's data became stale or fresh again.
    Market {
        /// Which.
        instrument: InstrumentId,
        /// What.
        status: MarketStatus,
    },
    /// The mode that holds changed.
    Mode(TradingMode),
    /// The parameters changed; JSON as in `init`.
    Parameters(String),
    /// An earlier call of this strategy failed; the state is that of the last checkpoint.
    Fault {
        /// Its class.
        kind: FaultKind,
        /// How many in the window.
        count: u32,
    },
    /// The strategy starts, or starts again. The first event of every instance.
    Resumed(ResumedState),
    /// Anything newer than this contract.
    Other(OpaqueMessage),
}

/// How a venue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VenueStatus {
    /// Ready.
    Up,
    /// Lost.
    Down,
    /// Behind: data was thinned to a snapshot.
    Lagging,
}

/// How an instrument's data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarketStatus {
    /// Fresh and, if there is a book, complete.
    Fresh,
    /// Older than the limit.
    Stale,
    /// The book has a hole and waits for a snapshot.
    Gap,
    /// The strategy fell behind; the next ticks are a snapshot.
    Lagging,
}

/// An event on its way to one strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverEvent {
    /// To whom.
    pub strategy: StrategyId,
    /// When it happened for the host.
    pub time: HostTime,
    /// What.
    pub event: Event,
}
