//! The vocabulary of Hedgerow: instruments, prices, orders, fills, and the messages that cross
//! walls.
//!
//! Pure: no IO, no clock, no async, no logging, no floating point. It compiles natively and for
//! wasm32, so the host and a sandboxed strategy mean the same thing by the same word. Every product
//! goes through 128 bits; what does not fit is an error value, never a wrap.
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::float_arithmetic
    )
)]

mod answer;
mod approved;
mod band;
mod book;
mod borrow;
mod capacity;
pub mod carry;
mod event;
mod fact;
mod fee;
mod fixed;
mod funding;
mod grid;
mod guard;
mod id;
mod input;
mod instrument;
mod interest;
mod ledger;
mod leverage;
mod message;
mod mode;
mod order;
mod plan;
mod position;
mod printable;
mod reach;
mod rejection;
mod sequence;
mod single;
mod state_bytes;
mod status;
mod terms;
mod tick;
mod time;
mod venue;
pub mod view;

pub use answer::{AnswerKind, Meaning, RequestKind, meaning};
pub use approved::Approved;
pub use band::PriceBand;
pub use book::{Book, Level, Quote, Walk};
pub use borrow::{BorrowRate, BorrowSource};
pub use capacity::Capacity;
pub use event::{
    BalanceUpdate, Delivered, Delivery, Event, FillNotice, FundingNotice, MarketStatus,
    OrderUpdate, PositionUpdate, ResumedState, VenueStatus,
};
pub use fact::{Fact, FlattenStep, OrderFact, PluginStep, Stamped};
pub use fee::{Asset, Fee, FeeAsset};
pub use fixed::{Price, Quantity, Rounding, Scale, ValueError};
pub use funding::{FundingKind, FundingRate, FundingSchedule, QuotePeriod, RATE_SCALE};
pub use grid::PriceGrid;
pub use guard::{Guard, GuardAction, GuardKey, GuardState, MarginGrade};
pub use id::{
    AccountId, ClientOrderId, InstrumentId, StrategyId, TradeId, VenueId, VenueOrderId, WireId,
};
pub use input::{Held, Input, OperatorCommand, Swap};
pub use instrument::{Instrument, InstrumentError, InstrumentKind, MONEY_DIGITS, SequenceRule};
pub use interest::{Bars, Interest};
pub use ledger::{
    Accounting, Earnings, Entry, Line, PairLegRecord, PairRecord, Rate, RateSource, Rates,
    beyond_held, part_of,
};
pub use leverage::{Margin, MarginMode};
pub use message::{CallFault, FaultKind, Header, Intent, OpaqueMessage, Outcome, Report, TimerId};
pub use mode::{Action, Scope, TradingMode};
pub use order::{Amend, NewOrder, Order, OrderFlags, Replacement, Side, TimeInForce};
pub use plan::{
    Accept, LegOrder, LegRepair, LegResult, Making, PLAN_ORDERS, PairKind, PairLeg, PairOutcome,
    PairPhase, PairPlan, PairRequest, PairResult, PairSize, PairUpdate, PlanStep, PlanUpdate,
    Purpose,
};
pub use position::{Booked, Position};
pub use printable::{is_hidden, printable};
pub use reach::{Give, PriceSource, Reach};
pub use rejection::{RiskRejection, VenueRejection};
pub use rust_decimal::Decimal;
pub use sequence::LastUpdate;
pub use single::{
    AggressiveRequest, AskedBy, Barrier, BarrierEntry, BarrierRequest, ChaseRequest, CloseRequest,
    ExitFigures, InsideSpreadRequest, LimitRequest, MarketRequest, OnCancel, OrderSize,
    SingleFigures, SingleKind, SingleOutcome, SinglePhase, SinglePlan, SinglePurpose,
    SingleRequest, SingleResult, SingleStep, SingleUpdate, TieredRequest, Trail, Trailing,
    TwapRequest,
};
pub use status::{IllegalTransition, OrderEvent, OrderStatus};
pub use terms::Terms;
pub use tick::{FeedStatus, Tick, TickKind, TickSlice, flag};
pub use time::{Duration, HostTime, VenueTime};
pub use venue::{
    Extent, ForcedKind, Liquidity, MarginBracket, OrderPhase, OrderState, PositionMode,
    QueryAnswer, VenueCommand, VenueEvent, VenueReport,
};
