//! Refusals as values, with stable codes: ours (denied) and the venue's (rejected).
//!
//! Codes below 1000 are ours, from 1000 the venue's. A code never changes its meaning.

mod words;

use crate::fixed::{Price, Quantity};
use crate::leverage::Margin;
use crate::mode::{Scope, TradingMode};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Why the risk gate denied an intent. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum RiskRejection {
    /// The strategy has no such instrument.
    #[error("the strategy has no instrument with this id")]
    UnknownInstrument,
    /// The instrument is configured for data only, or the grant is missing.
    #[error("this strategy may not trade this instrument")]
    NotGranted,
    /// Zero, negative, or not whole lots.
    #[error("quantity {quantity} is not a positive number of lots of {lot}")]
    QuantityOffGrid {
        /// As asked.
        quantity: Quantity,
        /// The step.
        lot: Quantity,
    },
    /// Zero, negative or off the venue's grid.
    #[error("price {price} is not on the venue's grid")]
    PriceOffGrid {
        /// As asked.
        price: Price,
    },
    /// Below the venue's smallest quantity.
    #[error("quantity {quantity} is below the venue's minimum {minimum}")]
    BelowMinQuantity {
        /// As asked.
        quantity: Quantity,
        /// The venue's.
        minimum: Quantity,
    },
    /// Above the venue's largest quantity.
    #[error("quantity {quantity} is above the venue's maximum {maximum}")]
    AboveMaxQuantity {
        /// As asked.
        quantity: Quantity,
        /// The venue's.
        maximum: Quantity,
    },
    /// Below the venue's smallest value.
    #[error("notional {requested} is below the venue's minimum {minimum}")]
    BelowMinNotional {
        /// As asked, quote currency.
        requested: Decimal,
        /// The venue's, quote currency.
        minimum: Decimal,
    },
    /// No price to judge by: one-sided or missing book.
    #[error("there is no market to judge the order by")]
    NoMarket,
    /// Market data is older than allowed, or its book has a gap.
    #[error("market data is stale, or its book cannot be used ({age_ms} ms old)")]
    StaleMarket {
        /// Age of the newest data.
        age_ms: u64,
    },
    /// Further from the mark than the venue takes prices.
    #[error("price {price} is more than {bps} bps worse than the mark: the venue would refuse it")]
    OutsideBand {
        /// As asked.
        price: Price,
        /// How far the venue lets this side go, basis points.
        bps: u32,
    },
    /// Too far from the mark.
    #[error("price {price} is outside the collar {low} to {high}")]
    OutsideCollar {
        /// As asked.
        price: Price,
        /// Lowest allowed.
        low: Price,
        /// Highest allowed.
        high: Price,
    },
    /// One order is worth too much.
    #[error("order notional {requested} is above the limit {limit}")]
    NotionalAboveMax {
        /// As asked, quote currency.
        requested: Decimal,
        /// The limit, quote currency.
        limit: Decimal,
    },
    /// The position could become too large, counting every open and unknown order.
    #[error("the position could reach {worst}, above the limit {limit}")]
    PositionAboveMax {
        /// The worst case.
        worst: Quantity,
        /// The limit.
        limit: Quantity,
    },
    /// Gross exposure could become too large.
    #[error("gross exposure could reach {worst}, above the limit {limit}")]
    GrossAboveMax {
        /// Of what.
        scope: Scope,
        /// The worst case, quote currency.
        worst: Decimal,
        /// The limit, quote currency.
        limit: Decimal,
    },
    /// Too many orders at once.
    #[error("there are {open} open orders{}, the limit is {limit}", words::of(*scope))]
    OpenOrdersAboveMax {
        /// Of what; earlier hosts did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<Scope>,
        /// Now.
        open: u32,
        /// The limit.
        limit: u32,
    },
    /// Too many orders per second.
    #[error("more than {limit_per_s} orders per second")]
    RateLimited {
        /// The limit.
        limit_per_s: u32,
    },
    /// Too many orders per second of all on an account, or of all.
    #[error("more than {limit_per_s} orders per second{}", words::of(Some(*scope)))]
    OrderRateAboveMax {
        /// Of what.
        scope: Scope,
        /// The limit.
        limit_per_s: u32,
    },
    /// The mode forbids it.
    #[error("mode {mode} does not permit this")]
    ModeForbids {
        /// The mode in force.
        mode: TradingMode,
    },
    /// A reduce-only order would not reduce.
    #[error("a reduce-only order of this side and size would not only reduce")]
    WouldIncrease,
    /// A cancel or amendment of an order that is not live.
    #[error("no live order has this number")]
    UnknownOrder,
    /// An amendment of an order that is on its way out, or below what is filled.
    #[error("this order cannot be amended now")]
    NotAmendable,
    /// What it was to replace is filled, or not there any more, or it was taken back.
    #[error("nothing is left to replace")]
    NothingLeft,
    /// A number could not be computed exactly.
    #[error("the order's figures do not fit their representation")]
    Overflow,
    /// This host does not carry out this kind of intent.
    #[error("this host does not carry out this kind of intent")]
    NotSupported,
    /// The journal cannot be written: nothing new is opened.
    #[error("the journal cannot be written")]
    JournalUnavailable,
    /// The account is not reconciled with its venue: nothing new is opened.
    #[error("the account is not reconciled with its venue")]
    NotReconciled,
    /// The account holds long and short side by side at the instrument's venue.
    #[error("the account is in hedge mode at this venue: only one-way accounts are traded on")]
    HedgeMode,
    /// The timer or its time is not acceptable.
    #[error("more timers than allowed")]
    TooManyTimers,
    /// The parameters of a plan cannot be read or make no sense.
    #[error("the plan's parameters are wrong: {detail}")]
    PlanUnreadable {
        /// What is wrong.
        detail: String,
    },
    /// Another plan is at work, or stuck, in the same instrument; or has this number.
    #[error("plan {plan} is in the way")]
    PlanInTheWay {
        /// Which.
        plan: u64,
    },
    /// Not enough is displayed within the plan's slippage.
    #[error("only {fillable} of {wanted} can be had within the slippage allowed")]
    NotEnoughDepth {
        /// What can be had.
        fillable: Quantity,
        /// What is needed.
        wanted: Quantity,
    },
    /// The two legs are not worth enough against each other now.
    #[error("the premium is {premium_bps} bps, {least_bps} are asked for")]
    PremiumTooLow {
        /// At prices that can be had now, basis points.
        premium_bps: Decimal,
        /// As asked for.
        least_bps: i32,
    },
    /// Net exposure in the order's direction could become too large.
    #[error("net exposure could reach {worst}, above the limit {limit}")]
    NetAboveMax {
        /// Of what.
        scope: Scope,
        /// The worst case, quote currency.
        worst: Decimal,
        /// The limit, quote currency.
        limit: Decimal,
    },
    /// What all hold in the instrument could become too large.
    #[error("the positions of all in this instrument could reach {worst}, above the limit {limit}")]
    InstrumentAboveMax {
        /// The worst case, quote currency.
        worst: Decimal,
        /// The limit, quote currency.
        limit: Decimal,
    },
    /// The account's leverage could become too high.
    #[error("leverage could reach {worst}, above the limit {limit}")]
    LeverageAboveMax {
        /// The worst case.
        worst: Decimal,
        /// The limit.
        limit: Decimal,
    },
    /// The account's leverage could become higher than an adverse move leaves alive.
    #[error("leverage could reach {worst}, above the {safe} that the adverse move leaves alive")]
    LeverageUnsafe {
        /// The worst case.
        worst: Decimal,
        /// What is safe.
        safe: Decimal,
    },
    /// The venue has not told the margin of the account, or its worth is not known: not safe.
    #[error("the margin of the account is not known")]
    MarginUnknown,
    /// Where a position is liquidated is not known: not safe.
    #[error("the price of liquidation of a position on the account is not known")]
    LiquidationUnknown,
    /// Too many cancels and amendments for each fill.
    #[error(
        "{cancels} cancels and amendments for {fills} fills{}, {limit} for each are allowed",
        words::of(*scope)
    )]
    CancelRatioAboveMax {
        /// Of what; earlier hosts did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<Scope>,
        /// In the window.
        cancels: u32,
        /// In the window.
        fills: u32,
        /// For each fill.
        limit: u32,
    },
    /// It would trade against an order of ours on the same account.
    #[error("it would trade against an order of ours at {own}")]
    SelfCross {
        /// The price of ours.
        own: Price,
    },
    /// The account's venue cannot be reached.
    #[error("the venue cannot be reached")]
    VenueDown,
    /// The account's venue has left an order or a cancel unanswered for too long.
    #[error("the venue has not answered for {waiting_ms} ms")]
    VenueLagging {
        /// How long.
        waiting_ms: u64,
    },
    /// The contract has been delivered.
    #[error("the contract has expired")]
    Expired,
    /// Its venue holds positions on the account that nobody here accounts for, until an operator
    /// adopts or ignores them.
    #[error("the account holds positions that nobody here accounts for")]
    UnknownPositions,
    /// The best bid is not below the best offer.
    #[error("the book is crossed")]
    CrossedBook,
    /// The account does not have what the order needs, as far as its venue told.
    #[error("{available} {asset} are available, {needed} are needed")]
    BalanceTooLow {
        /// Of what.
        asset: String,
        /// There is so much.
        available: Decimal,
        /// It takes so much.
        needed: Decimal,
    },
    /// The venue has not told the leverage of a leg, or is being asked to change it.
    #[error("the leverage of this leg is not known, {accepted} is accepted")]
    LeverageUnknown {
        /// What is accepted.
        accepted: Margin,
    },
    /// The venue has another leverage or margin mode than is accepted, or the plan names one that
    /// no operator accepts.
    #[error("{known} is not accepted, {accepted} is")]
    LeverageDiffers {
        /// What the venue has, or what the plan names.
        known: Margin,
        /// What is accepted.
        accepted: Margin,
    },
    /// The leverage asked for is none that the venue allows.
    #[error("leverage {asked_hundredths} hundredths is not from 1 to {max_hundredths}")]
    LeverageNotAllowed {
        /// As asked, hundredths.
        asked_hundredths: u32,
        /// The most the venue allows, hundredths; 0: it has not told.
        max_hundredths: u32,
    },
    /// The same pair was opened and had to be taken back a short while ago.
    #[error("this pair had to be taken back: it may be opened again in {left_ms} ms")]
    CoolingDown {
        /// How long it may still not be opened.
        left_ms: u64,
    },
    /// What the size would cost against the middle is more than the operator allows.
    #[error("it would cost {slippage_bps} bps against the middle, {limit_bps} are allowed")]
    SlippageAboveMax {
        /// At prices that can be had now, basis points.
        slippage_bps: Decimal,
        /// The limit, basis points.
        limit_bps: Decimal,
    },
    /// The market is wider than the operator allows.
    #[error("the spread is {spread_bps} bps, {limit_bps} are allowed")]
    SpreadAboveMax {
        /// Now, basis points of the middle.
        spread_bps: Decimal,
        /// The limit, basis points.
        limit_bps: Decimal,
    },
    /// It would take more of what is displayed than the operator allows.
    #[error("it would take {share} of what is displayed within its reach, {limit} is allowed")]
    DepthShareAboveMax {
        /// A fraction.
        share: Decimal,
        /// The limit, a fraction.
        limit: Decimal,
    },
}

impl RiskRejection {
    /// Whether it may be otherwise in a moment without anybody's doing.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::NoMarket
                | Self::StaleMarket { .. }
                | Self::CrossedBook
                | Self::NotReconciled
                | Self::JournalUnavailable
                | Self::RateLimited { .. }
                | Self::OrderRateAboveMax { .. }
                | Self::VenueDown
                | Self::VenueLagging { .. }
                | Self::MarginUnknown
                | Self::LiquidationUnknown
        )
    }

    /// The stable number that the contract carries.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::UnknownInstrument => 1,
            Self::NotGranted => 2,
            Self::QuantityOffGrid { .. } => 3,
            Self::PriceOffGrid { .. } => 4,
            Self::BelowMinQuantity { .. } => 5,
            Self::AboveMaxQuantity { .. } => 6,
            Self::BelowMinNotional { .. } => 7,
            Self::NoMarket => 8,
            Self::StaleMarket { .. } => 9,
            Self::OutsideCollar { .. } => 10,
            Self::NotionalAboveMax { .. } => 11,
            Self::PositionAboveMax { .. } => 12,
            Self::GrossAboveMax { .. } => 13,
            Self::OpenOrdersAboveMax { .. } => 14,
            Self::RateLimited { .. } | Self::OrderRateAboveMax { .. } => 15,
            Self::ModeForbids { .. } => 16,
            Self::WouldIncrease => 17,
            Self::UnknownOrder => 18,
            Self::NotAmendable => 19,
            Self::Overflow => 20,
            Self::NotSupported => 21,
            Self::JournalUnavailable => 22,
            Self::TooManyTimers => 23,
            Self::NotReconciled => 24,
            Self::PlanUnreadable { .. } => 25,
            Self::PlanInTheWay { .. } => 26,
            Self::NotEnoughDepth { .. } => 27,
            Self::PremiumTooLow { .. } => 28,
            Self::CrossedBook => 29,
            Self::BalanceTooLow { .. } => 30,
            Self::Expired => 31,
            Self::LeverageUnknown { .. } => 32,
            Self::LeverageDiffers { .. } => 33,
            Self::LeverageNotAllowed { .. } => 34,
            Self::UnknownPositions => 35,
            Self::NothingLeft => 36,
            Self::HedgeMode => 37,
            Self::NetAboveMax { .. } => 40,
            Self::InstrumentAboveMax { .. } => 41,
            Self::LeverageAboveMax { .. } => 42,
            Self::LeverageUnsafe { .. } => 43,
            Self::MarginUnknown => 44,
            Self::LiquidationUnknown => 45,
            Self::CancelRatioAboveMax { .. } => 46,
            Self::SelfCross { .. } => 47,
            Self::VenueDown => 48,
            Self::VenueLagging { .. } => 49,
            Self::CoolingDown { .. } => 50,
            Self::SlippageAboveMax { .. } => 51,
            Self::SpreadAboveMax { .. } => 52,
            Self::DepthShareAboveMax { .. } => 53,
            Self::OutsideBand { .. } => 54,
        }
    }
}

/// Why the venue refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum VenueRejection {
    /// A post-only order would have taken.
    #[error("a post-only order would have taken liquidity")]
    PostOnlyWouldTake,
    /// Not enough balance or margin.
    #[error("insufficient balance")]
    InsufficientBalance,
    /// A reduce-only order would have increased the position.
    #[error("a reduce-only order would have increased the position")]
    WouldIncrease,
    /// The venue does not know the order.
    #[error("the venue does not know the order")]
    UnknownOrder,
    /// Off the venue's grid or below its minima.
    #[error("the venue's filters refuse price or quantity")]
    FilterFailed,
    /// The instrument does not trade now.
    #[error("the instrument does not trade now")]
    NotTrading,
    /// An order with this id was placed before: it says that this one was taken, not that it was
    /// refused.
    #[error("the venue knows an order of this id")]
    DuplicateId,
    /// The venue never had the order: nobody refused it, it was asked for until that was sure.
    #[error("the venue does not know the order, asked often enough: inferred")]
    NeverArrived,
    /// The venue had the order and does not know it any more, nor how it ended.
    #[error("the venue has lost the order, asked often enough: inferred")]
    Vanished,
    /// The venue limits how much may be sent.
    #[error("the venue limits the rate")]
    RateLimited,
    /// Another reason of the venue's, by its own number.
    #[error("venue reason {0}")]
    Other(u32),
}

impl VenueRejection {
    /// The stable number that the contract carries.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::PostOnlyWouldTake => 1001,
            Self::InsufficientBalance => 1002,
            Self::WouldIncrease => 1003,
            Self::UnknownOrder => 1004,
            Self::FilterFailed => 1005,
            Self::NotTrading => 1006,
            Self::DuplicateId => 1007,
            Self::NeverArrived => 1008,
            Self::Vanished => 1009,
            Self::RateLimited => 1010,
            Self::Other(code) => 2000_u32.saturating_add(code),
        }
    }
}
