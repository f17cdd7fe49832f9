//! Events: what a strategy is told, one thing at a time.

use crate::fee::Fee;
use crate::fixed::{Price, Quantity};
use crate::id::{AccountId, InstrumentId, StrategyId, TradeId, VenueId};
use crate::instrument::Instrument;
use crate::message::{FaultKind, OpaqueMessage, TimerId};
use crate::mode::TradingMode;
use crate::order::{NewOrder, Side};
use crate::status::OrderStatus;
use crate::tick::Tick;
use crate::time::{HostTime, VenueTime};
use crate::venue::Liquidity;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What the host knows about a strategy when it starts or starts again; it outranks saved state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumedState {
    /// Live orders.
    pub orders: Vec<OrderUpdate>,
    /// Positions that are not flat.
    pub positions: Vec<PositionUpdate>,
    /// Balances as the venue last told.
    pub balances: Vec<BalanceUpdate>,
    /// Plans under way, by code and JSON as in `plan` events.
    pub plans: Vec<OpaqueMessage>,
    /// Timers that are set.
    pub timers: Vec<(TimerId, HostTime)>,
    /// The newest funding payment of each instrument.
    pub funding: Vec<FundingNotice>,
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

impl OrderUpdate {
    /// An order of which nothing is filled.
    #[must_use]
    pub fn unfilled(order: &NewOrder, status: OrderStatus) -> Self {
        let NewOrder { number, instrument, side, price, quantity, .. } = *order;
        let filled = Quantity::ZERO;
        Self { number, instrument, side, status, price, quantity, filled, reason: 0 }
    }
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
    /// What the venue took for it.
    pub fee: Fee,
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

/// A balance as the venue has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceUpdate {
    /// Whose.
    pub account: AccountId,
    /// Which asset.
    pub asset: String,
    /// Everything.
    pub total: Decimal,
    /// Not bound.
    pub available: Decimal,
}

/// Funding that moved cash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundingNotice {
    /// In what.
    pub instrument: InstrumentId,
    /// Received is positive; settle asset.
    pub amount: Decimal,
    /// The settlement it belongs to.
    pub settlement: VenueTime,
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
    Balance(BalanceUpdate),
    /// Funding moved cash.
    FundingPayment(FundingNotice),
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

/// Something on its way to one strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// To whom.
    pub strategy: StrategyId,
    /// When it happened for the host.
    pub time: HostTime,
    /// What.
    pub what: Delivered,
}

/// What is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// An event.
    Event(Event),
    /// Market data, in order.
    Ticks(Vec<Tick>),
}

impl Event {
    /// The same with every amount in its shortest form, as it crosses the contract: native code
    /// hears what a component hears.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        let short = |value: &mut Decimal| *value = value.normalize();
        let balance = |update: &mut BalanceUpdate| {
            short(&mut update.total);
            short(&mut update.available);
        };
        match &mut self {
            Self::Fill(fill) => short(&mut fill.fee.amount),
            Self::Position(position) => short(&mut position.entry),
            Self::Balance(update) => balance(update),
            Self::FundingPayment(notice) => short(&mut notice.amount),
            Self::Instrument(instrument) => {
                short(&mut instrument.multiplier);
                instrument.min_notional.iter_mut().for_each(short);
            }
            Self::FeeTier { maker, taker, .. } => {
                short(maker);
                short(taker);
            }
            Self::Resumed(resumed) => {
                resumed.positions.iter_mut().for_each(|position| short(&mut position.entry));
                resumed.balances.iter_mut().for_each(balance);
                resumed.funding.iter_mut().for_each(|notice| short(&mut notice.amount));
            }
            _ => {}
        }
        self
    }
}
