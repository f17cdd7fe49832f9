//! What the driver publishes for people and programs to look at. Every figure carries its time.

use crate::fee::Asset;
use crate::id::{AccountId, InstrumentId, StrategyId};
use crate::mode::TradingMode;
use crate::order::Side;
use crate::plan::PlanUpdate;
use crate::status::OrderStatus;
use crate::time::HostTime;
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
    /// What the trial of its newest candidate on recent events showed.
    pub trial: Option<String>,
    /// Why its newest denied order was denied.
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
    /// Orders denied.
    pub denied: u64,
    /// Fills booked.
    pub fills: u64,
    /// Its positions.
    pub positions: Vec<PositionView>,
    /// Its live orders.
    pub open_orders: Vec<OrderView>,
    /// When it last did anything.
    pub as_of: HostTime,
    /// Plans under way or stuck.
    pub plans: Vec<PlanUpdate>,
    /// What it last said of itself.
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
    /// When the mark was taken.
    pub as_of: HostTime,
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
