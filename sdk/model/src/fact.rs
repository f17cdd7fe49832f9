//! Facts: what the journal holds. Folding them gives the engine's state back, without effects and
//! without market data.

use crate::event::MarketStatus;
use crate::fee::Fee;
use crate::fixed::{Price, Quantity};
use crate::guard::{GuardKey, GuardState};
use crate::id::{
    AccountId, ClientOrderId, InstrumentId, StrategyId, TradeId, VenueOrderId, WireId,
};
use crate::instrument::Instrument;
use crate::ledger::Rate;
use crate::leverage::Margin;
use crate::message::{CallFault, Report, TimerId};
use crate::mode::{Scope, TradingMode};
use crate::order::{Amend, Order, Replacement, Side};
use crate::plan::PlanStep;
use crate::rejection::{RiskRejection, VenueRejection};
use crate::status::OrderEvent;
use crate::time::{HostTime, VenueTime};
use crate::venue::{ForcedKind, Liquidity};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A fact with the input's time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped {
    /// The time of the input that caused it.
    pub time: HostTime,
    /// What.
    pub fact: Fact,
}

/// Something that happened to one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderFact {
    /// The gate passed it and it may leave, under this wire id.
    Approved(Box<Order>),
    /// The host ends it, for an operator, a mode or an end: its cancel is asked for until it is
    /// over, whatever its venue says to the first.
    MustEnd,
    /// The gate denied it.
    Denied {
        /// The strategy's number.
        number: u64,
        /// In what.
        instrument: InstrumentId,
        /// Why.
        reason: RiskRejection,
    },
    /// It is to take the place of a live order whose cancel leaves, for what is left of it then.
    Replaces(Replacement),
    /// A cancel leaves.
    CancelRequested,
    /// An amendment leaves.
    AmendRequested(Amend),
    /// The venue moved it.
    Moved {
        /// How.
        event: OrderEvent,
        /// Theirs, when told.
        venue_id: Option<VenueOrderId>,
        /// Why, when refused.
        reason: Option<VenueRejection>,
    },
    /// It was asked for alone, often enough and late enough, and is not there any more.
    Inferred {
        /// How it is taken to have ended.
        event: OrderEvent,
        /// Why.
        reason: VenueRejection,
    },
    /// The venue says that it ended, with more filled than was heard: it lives until the fills are.
    Ends {
        /// How.
        event: OrderEvent,
        /// Filled in all.
        filled: Quantity,
    },
    /// The venue amended it.
    Amended {
        /// The limit now.
        price: Price,
        /// The total quantity now.
        quantity: Quantity,
    },
}

/// A step in the life of a strategy's component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginStep {
    /// It runs from the start of the host on.
    Loaded,
    /// A candidate was tried on recent events.
    Shadowed,
    /// It took over, on probation.
    Swapped,
    /// It passed its probation.
    Accepted,
    /// The one before it runs again.
    RolledBack,
    /// A candidate was not let in.
    Refused,
    /// The strategy is not called any more.
    Quarantined,
    /// An operator let it go on.
    Released,
    /// It failed as it took over or on probation: it is not let in again by itself, after a restart
    /// of the host neither.
    Failed,
    /// An operator lets what failed be tried again.
    Retried,
}

impl PluginStep {
    /// Whether the component of this step is the one that runs from then on.
    #[must_use]
    pub const fn takes_over(self) -> bool {
        matches!(self, Self::Loaded | Self::Swapped | Self::RolledBack)
    }
}

/// How an operator's flatten of one position stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlattenStep {
    /// It was asked for.
    Asked,
    /// It cannot be done now; it is tried again.
    Waits {
        /// Why.
        why: String,
    },
    /// Nothing more is done about it.
    Over {
        /// Why.
        why: String,
    },
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// The host started: its boot number.
    Boot {
        /// One more than the last.
        number: u64,
    },
    /// A venue, account or strategy got its id.
    Named {
        /// "venue", "account" or "strategy".
        what: String,
        /// The id.
        id: u32,
        /// The name.
        name: String,
    },
    /// What an instrument is by the config, for whoever reads the journal alone.
    Defined(Box<Instrument>),
    /// The venue's terms of an instrument changed: its tick, lot, smallest or largest order.
    Instrument(Box<Instrument>),
    /// The strategy's order numbers below this are used.
    OrderNumbers {
        /// Whose.
        strategy: StrategyId,
        /// The next free one.
        next: u64,
    },
    /// One order.
    Order {
        /// Which.
        id: ClientOrderId,
        /// What.
        fact: OrderFact,
    },
    /// One trade of ours, booked once.
    Fill {
        /// Of which order.
        id: ClientOrderId,
        /// On whose account.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// The venue's key.
        trade: TradeId,
        /// Which way.
        side: Side,
        /// At what price.
        price: Price,
        /// How much.
        quantity: Quantity,
        /// Made or took.
        liquidity: Liquidity,
        /// What the venue took for it.
        fee: Fee,
        /// When, by the venue.
        happened: VenueTime,
        /// The venue said that so much more had filled and its trades did not come: one fill for
        /// the difference, at the price that keeps the venue's average.
        inferred: bool,
        /// How much of an inferred fill this is the real one of: that part was counted before.
        replaces: Quantity,
    },
    /// The venue traded a position by itself, booked once.
    Forced {
        /// Why.
        kind: ForcedKind,
        /// Whose position.
        strategy: StrategyId,
        /// On whose account.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// The venue's key.
        trade: TradeId,
        /// Which way.
        side: Side,
        /// At what price.
        price: Price,
        /// How much.
        quantity: Quantity,
        /// What the venue took for it.
        fee: Fee,
        /// When, by the venue.
        happened: VenueTime,
    },
    /// A contract ended and what was held of it was closed at its delivery price, booked once. What
    /// fills come late of it is closed at the same price by a fact of its own.
    Delivered {
        /// Whose position.
        strategy: StrategyId,
        /// On whose account.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// The delivery price.
        price: Price,
        /// What the ledger held, signed.
        quantity: Quantity,
        /// What the venue took for it.
        fee: Fee,
        /// When, by the venue.
        happened: VenueTime,
    },
    /// The ledger took over a position as its venue has it: an operator's word, or a drift that was
    /// read twice.
    Adopted {
        /// Whose.
        strategy: StrategyId,
        /// In what.
        instrument: InstrumentId,
        /// The position from now on, signed.
        quantity: Quantity,
        /// What the difference is valued at: the mark of that moment.
        price: Price,
        /// Follows from account, instrument, position and last fill: the same finding has the same.
        id: u64,
        /// On which account; journals of earlier hosts do not say it.
        #[serde(default)]
        account: Option<AccountId>,
    },
    /// An operator said that a part of what a venue has is nobody's here.
    Ignored {
        /// On whose account.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// How much of the venue's position it is, signed.
        quantity: Quantity,
    },
    /// A venue has told all that happened on an account by a time: it was asked then, and the
    /// answer was complete. The next question begins there, whatever was heard since.
    Compared {
        /// Of which account.
        account: AccountId,
        /// When it was asked, by the host's clock: ask with an overlap.
        until: VenueTime,
    },
    /// One step of a plan.
    Plan {
        /// Whose.
        strategy: StrategyId,
        /// The strategy's number for it.
        plan: u64,
        /// What.
        step: PlanStep,
    },
    /// Funding moved cash, booked once.
    Funding {
        /// Whose.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// The key.
        settlement: VenueTime,
        /// Received is positive; all that the venue paid on the account.
        amount: Decimal,
        /// What of it is for what others hold there.
        #[serde(default)]
        others: Decimal,
    },
    /// What an asset is worth in the accounting currency from here on, noted before an amount of it
    /// is booked.
    Rate {
        /// Which.
        asset: String,
        /// How much.
        rate: Rate,
    },
    /// Interest was charged, booked once.
    Interest {
        /// Whose.
        account: AccountId,
        /// In which asset.
        asset: String,
        /// The key.
        settlement: VenueTime,
        /// Charged is positive.
        amount: Decimal,
        /// Whose position borrows it, and what the interest is worth in the asset that its profit
        /// is counted in; nothing: nobody's here, or no mark says what it is worth.
        of: Option<(StrategyId, InstrumentId, Option<Decimal>)>,
    },
    /// What borrowing an asset costs, as the venue says.
    BorrowRate {
        /// Whose.
        account: AccountId,
        /// Which asset.
        asset: String,
        /// Per hour, 1e-15.
        hourly: i64,
    },
    /// A balance as the venue has it.
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
    /// Leverage and margin mode as the venue has them.
    Leverage {
        /// Whose.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// In force.
        margin: Margin,
        /// The most allowed, hundredths.
        max_hundredths: u32,
    },
    /// A request to change leverage leaves: until the venue tells, it is not known.
    LeverageAsked {
        /// Who asks.
        strategy: StrategyId,
        /// On whose account.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// To what, hundredths.
        leverage_hundredths: u32,
    },
    /// A timer was set or moved.
    TimerSet {
        /// Whose.
        strategy: StrategyId,
        /// Which.
        id: TimerId,
        /// When.
        at: HostTime,
    },
    /// A timer ended: it fired or was canceled.
    TimerEnded {
        /// Whose.
        strategy: StrategyId,
        /// Which.
        id: TimerId,
        /// Whether it fired.
        fired: bool,
    },
    /// A mode latch moved.
    Mode {
        /// Of what.
        scope: Scope,
        /// To what.
        mode: TradingMode,
        /// Why, in words.
        reason: String,
    },
    /// A watching guard tripped, or is at rest again.
    Guard {
        /// Which, of what.
        key: GuardKey,
        /// How it stands now.
        state: GuardState,
        /// What it saw, in words.
        detail: String,
    },
    /// A day began, UTC: losses of the day are measured from this profit on.
    Day {
        /// Of what.
        scope: Scope,
        /// Days since 1970.
        day: u64,
        /// Its profit since its measures began, quote currency.
        profit: Decimal,
    },
    /// The guards of a scope measure from this profit on.
    MeasuresRestarted {
        /// Of what.
        scope: Scope,
        /// Its profit since the last restart of the measures, quote currency.
        profit: Decimal,
    },
    /// A scope's profit has been this high since its measures began, quote currency. Noted when
    /// cash moves, so that a restart does not forget what a drawdown is measured from.
    Peak {
        /// Of what.
        scope: Scope,
        /// How high.
        profit: Decimal,
    },
    /// An instrument's data became stale or fresh.
    Market {
        /// Which.
        instrument: InstrumentId,
        /// What.
        status: MarketStatus,
    },
    /// A strategy's state after a call that acted.
    Checkpoint {
        /// Whose.
        strategy: StrategyId,
        /// Its state version.
        version: u32,
        /// Its bytes.
        #[serde(with = "crate::state_bytes")]
        state: Vec<u8>,
        /// Timers that fired and that this state does not know yet.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unheard: Vec<TimerId>,
    },
    /// A strategy has no state to start from any more: a new version failed, and the one before it
    /// had none.
    CheckpointDropped {
        /// Whose.
        strategy: StrategyId,
        /// Timers that fired and that nobody was told.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unheard: Vec<TimerId>,
    },
    /// A call failed and nothing of it happened.
    Fault {
        /// Whose.
        strategy: StrategyId,
        /// How.
        fault: CallFault,
    },
    /// A component was loaded, swapped in, accepted, rolled back or refused.
    Plugin {
        /// Whose.
        strategy: StrategyId,
        /// Which step.
        step: PluginStep,
        /// SHA-256 of the component, hex.
        hash: String,
        /// What there is to say.
        detail: String,
    },
    /// A strategy said something.
    Said {
        /// Who.
        strategy: StrategyId,
        /// What.
        report: Report,
    },
    /// What a strategy holds in an instrument is closed on an operator's word.
    Flatten {
        /// Whose.
        strategy: StrategyId,
        /// In what.
        instrument: InstrumentId,
        /// How that stands.
        step: FlattenStep,
    },
    /// An intent other than an order was refused.
    IntentDenied {
        /// Whose.
        strategy: StrategyId,
        /// Which intent, by name.
        intent: String,
        /// Why.
        reason: RiskRejection,
    },
    /// The venue said something that does not fit what we know; reported, never silently adopted.
    Discrepancy {
        /// Whose account.
        account: AccountId,
        /// In words.
        detail: String,
    },
    /// An operator's command.
    Operator {
        /// What.
        command: String,
        /// Why.
        reason: String,
    },
    /// What somebody asked of the host, who says to have asked, and what was answered.
    Asked {
        /// What.
        command: String,
        /// Why.
        reason: String,
        /// Who, as the caller says.
        by: String,
        /// Over which way.
        from: String,
        /// What was answered.
        result: String,
    },
    /// The wire ids of an account below this are used.
    WireIds {
        /// Whose.
        account: AccountId,
        /// The next free one.
        next: WireId,
    },
}
