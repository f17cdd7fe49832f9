//! What the driver publishes for people and programs to look at. Every figure carries its time.

use crate::fee::Asset;
use crate::id::{AccountId, InstrumentId, StrategyId};
use crate::ledger::Line;
use crate::mode::TradingMode;
use crate::order::Side;
use crate::plan::PlanUpdate;
use crate::status::OrderStatus;
use crate::time::{HostTime, VenueTime};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a strategy stands, the same words on every surface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StrategyState {
    /// Being compiled and checked.
    #[default]
    Loading,
    /// A candidate is being tried beside it.
    Shadow,
    /// Newly swapped in, watched.
    Probation,
    /// At work.
    Running,
    /// Held by an operator, or waiting out a back-off.
    Paused,
    /// Too many faults; waits for a new component or an operator.
    Quarantined,
    /// Being stopped.
    Stopping,
    /// At rest.
    Stopped,
}

/// The host as it was at one moment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HostView {
    /// Layout version of this document.
    pub schema: u32,
    /// Host time of the newest input handled.
    pub as_of: HostTime,
    /// SIM, PAPER or LIVE.
    pub banner: String,
    /// The host's mode.
    pub mode: TradingMode,
    /// What is not well with the host as a whole, one sentence each.
    pub conditions: Vec<String>,
    /// Ticks handled since the start.
    pub ticks: u64,
    /// Component calls since the start.
    pub calls: u64,
    /// How long ago this was made when it was answered, ms of the wall clock.
    pub age_ms: u64,
    /// How far the oldest input that waits for the loop is behind the time it is due, ms.
    pub behind_ms: u64,
    /// Every venue.
    pub venues: Vec<VenueView>,
    /// Every account.
    pub accounts: Vec<AccountView>,
    /// Every instrument.
    pub instruments: Vec<InstrumentView>,
    /// Every strategy.
    pub strategies: Vec<StrategyView>,
    /// When each strategy that is asked for its status gave the one that is shown, by name.
    #[serde(default)]
    pub status_as_of: BTreeMap<String, HostTime>,
    /// What was earned and paid, per strategy, account and asset.
    #[serde(default)]
    pub earned: Vec<EarnedView>,
}

/// One venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenueView {
    /// Its name in the config.
    pub name: String,
    /// How it is reached.
    pub connection: Connection,
    /// Since when it is so, host time; nothing for a venue within the host.
    pub since: Option<HostTime>,
}

/// How a venue is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// A paper venue in the same process.
    InProcess,
    /// Over a connection that stands.
    Connected,
    /// The connection is lost or was never made; it is tried again.
    Disconnected,
    /// The venue serves another host, and one at a time; it is tried again.
    Busy,
}

impl std::fmt::Display for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::InProcess => "in process",
            Self::Connected => "connected",
            Self::Disconnected => "DISCONNECTED",
            Self::Busy => "BUSY WITH ANOTHER HOST",
        })
    }
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Ours.
    pub id: AccountId,
    /// Its name in the config.
    pub name: String,
    /// The mode latched for it alone.
    pub mode: TradingMode,
    /// Equity as its venues last told, quote currency; nothing: not known.
    pub equity: Option<Decimal>,
    /// Worth of its derivatives for each unit of equity.
    pub leverage: Option<Decimal>,
    /// The leverage that the configured adverse move leaves alive.
    pub safe_leverage: Option<Decimal>,
    /// Distance of each derivative it holds to its liquidation, percent; nothing: not known.
    pub liquidation_distances: Vec<(InstrumentId, Option<Decimal>)>,
    /// Whether its venue has told what is held and open; until then nothing opens.
    #[serde(default)]
    pub is_told: bool,
    /// What is held there and is not by the facts, by instrument; it waits for `adopt` or `ignore`.
    #[serde(default)]
    pub unknown: Vec<InstrumentId>,
    /// What is held there and is ignored, as somebody else's, by instrument.
    #[serde(default)]
    pub ignored: Vec<InstrumentId>,
}

/// One instrument's market.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InstrumentView {
    /// Ours.
    pub id: InstrumentId,
    /// Venue and symbol.
    pub name: String,
    /// Best bid.
    pub bid: Option<Decimal>,
    /// Best ask.
    pub ask: Option<Decimal>,
    /// The price positions are valued at.
    pub mark: Option<Decimal>,
    /// When the newest data came.
    pub as_of: HostTime,
    /// Whether it is too old or has a gap.
    pub stale: bool,
    /// The mode latched for it alone.
    pub mode: TradingMode,
    /// When it trades no more and is delivered; nothing: never.
    #[serde(default)]
    pub expiry: Option<VenueTime>,
}

/// One strategy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StrategyView {
    /// Ours.
    pub id: StrategyId,
    /// Its name in the config.
    pub name: String,
    /// Where it stands.
    pub state: StrategyState,
    /// The mode that holds for it.
    pub mode: TradingMode,
    /// Why it may not do everything, if it may not.
    pub why: Option<String>,
    /// Why the newest file of its component does not run, if one was refused or rolled back.
    pub refused: Option<String>,
    /// The newest file that was judged for it since this host started, SHA-256, and how many were.
    #[serde(default)]
    pub candidate: Option<(String, u64)>,
    /// What the trial of its newest candidate on recent events showed.
    pub trial: Option<String>,
    /// Why its newest denied order was denied, or its newest refused plan refused.
    pub last_denial: Option<String>,
    /// When that was.
    pub denied_at: HostTime,
    /// Name and version from the component.
    pub component: String,
    /// SHA-256 of the running component, hex.
    pub hash: String,
    /// Calls made.
    pub calls: u64,
    /// Faults so far.
    pub faults: u32,
    /// Orders approved.
    pub orders: u64,
    /// Orders denied and plans refused.
    pub denied: u64,
    /// Fills booked.
    pub fills: u64,
    /// Its positions.
    pub positions: Vec<PositionView>,
    /// Its live orders.
    pub open_orders: Vec<OrderView>,
    /// When it last did anything.
    pub as_of: HostTime,
    /// Pairs: open ones and the last that were closed.
    #[serde(default)]
    pub pairs: Vec<PairView>,
    /// Plans under way or stuck.
    pub plans: Vec<PlanUpdate>,
    /// What it last said of itself; when it was asked for that is in [`HostView::status_as_of`].
    pub status: Option<String>,
}

/// One position and what it earned, in the settle asset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PositionView {
    /// In what.
    pub instrument: InstrumentId,
    /// Venue and symbol.
    pub name: String,
    /// Signed.
    pub quantity: Decimal,
    /// Average entry.
    pub entry: Option<Decimal>,
    /// The settle asset of the figures below.
    pub settle: String,
    /// Closed parts.
    pub realised: Decimal,
    /// The open part at the mark.
    pub unrealised: Option<Decimal>,
    /// Paid, fees in the base asset at the price of their fill.
    pub fees: Decimal,
    /// Paid in assets that the instrument does not price, such as a venue's token; not in `fees`.
    pub other_fees: BTreeMap<Asset, Decimal>,
    /// Received.
    pub funding: Decimal,
    /// Interest paid for what is borrowed.
    #[serde(default)]
    pub interest: Decimal,
    /// The next payment at the present rate and mark; gone when the venue's own figure comes. In no
    /// sum.
    #[serde(default)]
    pub funding_expected: Option<ExpectedFunding>,
    /// When the mark was taken.
    pub as_of: HostTime,
    /// When it trades no more and is delivered; nothing: never.
    #[serde(default)]
    pub expiry: Option<VenueTime>,
    /// The price at which it was delivered.
    #[serde(default)]
    pub delivered: Option<Decimal>,
}

/// A payment that is expected and not booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedFunding {
    /// Received is positive; settle asset.
    pub amount: Decimal,
    /// When it is settled.
    pub settlement: VenueTime,
    /// When the rate came.
    pub as_of: HostTime,
}

/// What figures of [`EarnedView`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// Amounts of the asset itself.
    Asset,
    /// Worth in this currency, each amount at its own time.
    Worth,
    /// Amounts of the asset that had no rate when they were booked: in no worth.
    Unconverted,
}

/// What a strategy earned and paid on an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarnedView {
    /// Its name; nothing: no strategy's.
    pub strategy: Option<String>,
    /// The account's name.
    pub account: String,
    /// What the figures are.
    pub counted: Counted,
    /// The asset or the currency.
    pub currency: String,
    /// The sums.
    #[serde(flatten)]
    pub line: Line,
    /// All together.
    pub net: Decimal,
}

/// A pair and what it made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairView {
    /// Its plans, the one that opened it first.
    pub plans: Vec<u64>,
    /// When that began.
    pub opened: HostTime,
    /// When both legs were flat.
    pub closed: Option<HostTime>,
    /// The bought leg, the sold leg.
    pub legs: Vec<PairLegView>,
    /// Both legs together, per asset, worth and unconverted.
    pub earned: Vec<(Counted, String, Line, Decimal)>,
}

/// One leg of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairLegView {
    /// Venue and symbol.
    pub name: String,
    /// What is held.
    pub quantity: Decimal,
    /// Average price it was opened at.
    pub entry: Option<Decimal>,
    /// Average price it was closed at.
    pub exit: Option<Decimal>,
    /// Profit of the open part at the mark, settle asset.
    pub unrealised: Option<Decimal>,
    /// What it earned and paid in its settle asset.
    pub line: Line,
    /// The settle asset.
    pub settle: String,
}

/// One live order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrderView {
    /// The strategy's number.
    pub number: u64,
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// The limit.
    pub price: Decimal,
    /// In all.
    pub quantity: Decimal,
    /// So far.
    pub filled: Decimal,
    /// Where it stands.
    pub status: OrderStatus,
    /// Since when it stands.
    pub as_of: HostTime,
}
