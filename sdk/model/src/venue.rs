//! What goes to a venue, and what it tells us in private.

use crate::approved::Approved;
use crate::fee::Fee;
use crate::fixed::{Price, Quantity};
use crate::id::{AccountId, InstrumentId, TradeId, VenueId, VenueOrderId, WireId};
use crate::leverage::Margin;
use crate::order::{Amend, Order, Side};
use crate::rejection::VenueRejection;
use crate::terms::Terms;
use crate::time::{Duration, HostTime, VenueTime};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A request to a venue. The session never repeats one by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum VenueCommand {
    /// Place an order that the gate has passed.
    Place(Approved<Order>),
    /// Cancel by our wire id.
    Cancel {
        /// On whose account.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// Which.
        wire: WireId,
    },
    /// Amend by our wire id.
    Amend {
        /// On whose account.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// Which.
        wire: WireId,
        /// To what; passed by the gate.
        amend: Approved<Amend>,
    },
    /// Set the leverage of an account in an instrument; the margin mode stays. Whatever becomes of
    /// it, the venue tells what is in force then.
    SetLeverage {
        /// Whose.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// To what, hundredths.
        leverage_hundredths: u32,
    },
    /// Tell what is: answered in parts, and then that this is all. An answer that does not come to
    /// its end says nothing.
    Reconcile {
        /// Of which account.
        account: AccountId,
        /// Reports from here on are told again.
        since: VenueTime,
        /// Comes back with the end of the answer, so that no late answer is taken for this one.
        nonce: u64,
        /// Of what.
        extent: Extent,
    },
    /// Tell how one order stands, asked for by itself: the only question whose "not found" counts.
    QueryOrder {
        /// On whose account.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// Which.
        wire: WireId,
        /// Comes back with the answer.
        nonce: u64,
    },
    /// Tell all trades of one order again, and how it ended if history has that; then that this is
    /// all.
    QueryTrades {
        /// On whose account.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// Which.
        wire: WireId,
        /// Comes back with the end of the answer.
        nonce: u64,
    },
}

impl VenueCommand {
    /// Whether it only asks.
    #[must_use]
    pub const fn is_question(&self) -> bool {
        matches!(self, Self::Reconcile { .. } | Self::QueryOrder { .. } | Self::QueryTrades { .. })
    }

    /// On whose account.
    #[must_use]
    pub fn account(&self) -> AccountId {
        match self {
            Self::Place(order) => order.get().account,
            Self::Cancel { account, .. }
            | Self::Amend { account, .. }
            | Self::SetLeverage { account, .. }
            | Self::Reconcile { account, .. }
            | Self::QueryOrder { account, .. }
            | Self::QueryTrades { account, .. } => *account,
        }
    }
}

/// What a venue is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// What happened, open orders, positions and balances.
    All,
    /// Open orders.
    Orders,
    /// Payments, positions and balances.
    Positions,
}

impl Extent {
    /// Whether open orders are told.
    #[must_use]
    pub const fn has_orders(self) -> bool {
        matches!(self, Self::All | Self::Orders)
    }

    /// Whether positions are told.
    #[must_use]
    pub const fn has_positions(self) -> bool {
        matches!(self, Self::All | Self::Positions)
    }
}

/// Where an order stands by its venue's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderPhase {
    /// In the book.
    Open,
    /// All of it traded.
    Filled,
    /// Ended by a cancel.
    Canceled,
    /// Ended by its time in force, or by the venue.
    Expired,
    /// Never taken.
    Rejected,
}

/// An order as its venue has it: a statement of what is, where fills say what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderState {
    /// Theirs, if they said.
    pub order: Option<VenueOrderId>,
    /// In what.
    pub instrument: InstrumentId,
    /// Where it stands.
    pub phase: OrderPhase,
    /// The limit now.
    pub price: Price,
    /// The total quantity now.
    pub quantity: Quantity,
    /// Filled in all, whether those fills were told or not.
    pub filled: Quantity,
    /// At what price on average, if they said.
    pub average: Option<Decimal>,
}

/// What a venue answers to a question after one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueryAnswer {
    /// It has it, or had it.
    Found(OrderState),
    /// It does not know it. Not yet, perhaps: a young order may be on its way.
    NotFound,
}

/// Whether a fill made or took liquidity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Liquidity {
    /// Rested in the book.
    Maker,
    /// Crossed the spread.
    Taker,
}

/// How an account holds what it has in derivatives. Only one-way accounts are traded on: a position
/// is known by its account and instrument, without a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PositionMode {
    /// One net position in each instrument.
    OneWay,
    /// A long and a short position side by side.
    Hedge,
}

/// Why a venue trades a position of ours by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForcedKind {
    /// Its margin did not suffice.
    Liquidation,
    /// Somebody else's loss was spread (auto-deleveraging).
    Deleveraging,
}

/// Maintenance margin of positions up to a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarginBracket {
    /// Up to this worth, quote currency; nothing: of any size.
    pub notional_max: Option<Decimal>,
    /// A fraction of the position's worth,
    pub maintenance_rate: Decimal,
    /// less this, quote currency.
    pub deduction: Decimal,
}

/// One private message of a venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenueEvent {
    /// Which venue.
    pub venue: VenueId,
    /// Of which account.
    pub account: AccountId,
    /// When it reached the host.
    pub received: HostTime,
    /// When it happened, by the venue's clock.
    pub happened: VenueTime,
    /// What.
    pub report: VenueReport,
}

/// What a venue reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VenueReport {
    /// The order is in the book (or about to trade).
    Accepted {
        /// Ours.
        wire: WireId,
        /// Theirs.
        order: VenueOrderId,
    },
    /// The order was refused.
    Rejected {
        /// Ours.
        wire: WireId,
        /// Why.
        reason: VenueRejection,
    },
    /// One trade of ours.
    Fill {
        /// Ours.
        wire: WireId,
        /// The key of the trade.
        trade: TradeId,
        /// In what.
        instrument: InstrumentId,
        /// At what price.
        price: Price,
        /// How much.
        quantity: Quantity,
        /// Made or took.
        liquidity: Liquidity,
        /// What the venue took for it.
        fee: Fee,
    },
    /// The order is gone by a cancel.
    Canceled {
        /// Ours.
        wire: WireId,
        /// Filled in all, as the venue has it; nothing: it did not say. Fills that were not heard
        /// yet are still to come.
        filled: Option<Quantity>,
    },
    /// The cancel was refused.
    CancelRejected {
        /// Ours.
        wire: WireId,
        /// Why.
        reason: VenueRejection,
    },
    /// The order was amended.
    Amended {
        /// Ours.
        wire: WireId,
        /// The limit now.
        price: Price,
        /// The total quantity now.
        quantity: Quantity,
    },
    /// The amendment was refused.
    AmendRejected {
        /// Ours.
        wire: WireId,
        /// Why.
        reason: VenueRejection,
    },
    /// The order ended by its time in force.
    Expired {
        /// Ours.
        wire: WireId,
        /// Filled in all, as the venue has it; nothing: it did not say. Fills that were not heard
        /// yet are still to come.
        filled: Option<Quantity>,
    },
    /// No answer came; the venue's truth must be asked for.
    OutcomeUnknown {
        /// Ours.
        wire: WireId,
    },
    /// A balance as the venue has it.
    Balance {
        /// Which asset.
        asset: String,
        /// Everything.
        total: Decimal,
        /// Not bound by orders or positions.
        available: Decimal,
    },
    /// What the venue accepts: told when an account is asked about and it is not what it was, and
    /// when it changes.
    Terms {
        /// Of what.
        instrument: InstrumentId,
        /// From now on.
        terms: Terms,
    },
    /// Leverage and margin mode in force: told when the account is asked, and after a change.
    Leverage {
        /// In what.
        instrument: InstrumentId,
        /// In force.
        margin: Margin,
        /// The most allowed, hundredths.
        max_hundredths: u32,
    },
    /// Margin of an account in one settle asset, as the venue has it.
    Margin {
        /// Which asset.
        asset: String,
        /// Worth of everything at the venue's marks.
        equity: Decimal,
        /// Bound as initial margin.
        used: Decimal,
        /// What must stay, or positions are liquidated.
        maintenance: Decimal,
    },
    /// Where the venue would liquidate a position.
    LiquidationPrice {
        /// In what.
        instrument: InstrumentId,
        /// At which mark; nothing: at none.
        price: Option<Decimal>,
    },
    /// How much maintenance margin a size of position needs.
    Brackets {
        /// In what.
        instrument: InstrumentId,
        /// By size, the smallest first.
        brackets: Vec<MarginBracket>,
    },
    /// The venue traded a position of ours by itself.
    Forced {
        /// Why.
        kind: ForcedKind,
        /// The key of the trade.
        trade: TradeId,
        /// In what.
        instrument: InstrumentId,
        /// Which way.
        side: Side,
        /// At what price.
        price: Price,
        /// How much.
        quantity: Quantity,
        /// What the venue took for it.
        fee: Fee,
    },
    /// A contract ended and a position in it was closed at its delivery price: once ever, however
    /// often it is told.
    Delivered {
        /// In what.
        instrument: InstrumentId,
        /// The delivery price.
        price: Price,
        /// What was held, signed.
        quantity: Quantity,
        /// What the venue took for it.
        fee: Fee,
    },
    /// Funding moved cash.
    FundingPayment {
        /// In what.
        instrument: InstrumentId,
        /// The key of the payment.
        settlement: VenueTime,
        /// Received is positive; settle asset.
        amount: Decimal,
    },
    /// Interest was charged for what is borrowed.
    Interest {
        /// In which asset.
        asset: String,
        /// The key of the charge.
        settlement: VenueTime,
        /// Charged is positive.
        amount: Decimal,
    },
    /// What borrowing an asset costs.
    BorrowRate {
        /// Which asset.
        asset: String,
        /// Per hour, 1e-15.
        hourly: i64,
    },
    /// One open order, in answer to a reconcile.
    OpenOrder {
        /// Of the question: an answer to an earlier one may be out of date.
        nonce: u64,
        /// Ours.
        wire: WireId,
        /// Theirs.
        order: VenueOrderId,
        /// In what.
        instrument: InstrumentId,
        /// The limit now.
        price: Price,
        /// The total quantity now.
        quantity: Quantity,
        /// Filled so far.
        filled: Quantity,
    },
    /// One position, in answer to a reconcile.
    Position {
        /// Of the question.
        nonce: u64,
        /// In what.
        instrument: InstrumentId,
        /// Signed.
        quantity: Quantity,
    },
    /// One open order that carries no tag of ours, or another host's, in answer to a reconcile. It
    /// is somebody else's: counted, never touched.
    ForeignOrder {
        /// Of the question.
        nonce: u64,
        /// Theirs.
        order: VenueOrderId,
        /// In what.
        instrument: InstrumentId,
        /// Which way.
        side: Side,
        /// The limit.
        price: Price,
        /// What may still fill.
        remaining: Quantity,
    },
    /// The answer to a reconcile is complete.
    Reconciled {
        /// Of the question.
        nonce: u64,
    },
    /// An order as the venue has it: told by itself, or in answer to a question after this order.
    OrderState {
        /// Of the question; nothing: told by itself.
        nonce: Option<u64>,
        /// Ours.
        wire: WireId,
        /// What it says.
        answer: QueryAnswer,
    },
    /// The trades of an order, and its end if there is one, have been told again.
    TradesTold {
        /// Of the question.
        nonce: u64,
        /// Ours.
        wire: WireId,
    },
    /// A question failed, or its answer was cut off: nothing of it counts.
    QueryFailed {
        /// Of the question.
        nonce: u64,
    },
    /// The venue limits us: what draws on this limit waits.
    RateLimited {
        /// Which limit, by its name in the config; nothing: all of the account.
        limit: Option<String>,
        /// For how long.
        retry_after: Duration,
    },
    /// How much of a limit the venue says is used.
    RateUsed {
        /// Which limit, by its name in the config.
        limit: String,
        /// Weight used of it now.
        used: u32,
    },
    /// How the account holds positions: told when the account is asked, and after a change.
    PositionMode {
        /// One for each instrument, or two.
        mode: PositionMode,
    },
    /// The private stream is confirmed.
    Up,
    /// The private stream is lost.
    Down,
}
