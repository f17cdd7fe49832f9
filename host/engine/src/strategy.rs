//! What the engine keeps of one strategy: its orders, what they reserve, its positions and
//! counters.

use crate::config::{StrategyConfig, StrategyLimits};
use crate::delivery::Credit;
use crate::risk::{CancelCount, Counted, DenialLimit, TalkLimit, TokenBucket};
use crate::writes::Written;
use hedgerow_model::{
    AccountId, Amend, Decimal, Earnings, FundingNotice, HostTime, Instrument, InstrumentId,
    Interest, Order, OrderEvent, OrderStatus, PLAN_ORDERS, Position, Price, Quantity, Side,
    TradeId, VenueTime,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many trade ids are remembered one by one before older ones are refused by watermark.
const TRADES_REMEMBERED: usize = 65_536;

/// One instrument of one strategy.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Holding {
    pub(crate) instrument: InstrumentId,
    pub(crate) account: AccountId,
    pub(crate) position: Position,
    /// What it earned and paid, in its assets and worth at the time.
    pub(crate) earned: Earnings,
    /// Quantity that live and unknown orders may still fill, per side.
    pub(crate) open_buy: i64,
    pub(crate) open_sell: i64,
    /// What those orders are worth at their prices, quote currency, per side.
    open_buy_notional: Decimal,
    open_sell_notional: Decimal,
    /// The newest funding payment.
    pub(crate) funding: Option<FundingNotice>,
    /// A trade with ourselves has one id and two orders, so the order belongs to the key. The time
    /// does not: told again, some venues round it otherwise.
    trades: BTreeSet<(TradeId, u64)>,
    /// The same by the venue's time, for the oldest to be forgotten: ids of some venues do not
    /// grow.
    trade_times: BTreeSet<(VenueTime, TradeId, u64)>,
    /// Trades at or before this were seen, or are too old to be new.
    watermark: Option<VenueTime>,
    /// The contract was delivered: what comes of it later is closed like that.
    pub(crate) delivered: Option<Delivered>,
}

/// At which price a contract was delivered, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Delivered {
    pub(crate) price: Price,
    pub(crate) happened: VenueTime,
    /// Which contract it was: the key, beside account and instrument.
    pub(crate) expiry: Option<VenueTime>,
}

impl Holding {
    pub(crate) fn open(&self, side: Side) -> i64 {
        match side {
            Side::Buy => self.open_buy,
            Side::Sell => self.open_sell,
        }
    }

    /// What live orders of a side are worth at their prices, quote currency.
    pub(crate) fn open_notional(&self, side: Side) -> Decimal {
        match side {
            Side::Buy => self.open_buy_notional,
            Side::Sell => self.open_sell_notional,
        }
    }

    pub(crate) fn reserve(&mut self, side: Side, units: i64, notional: Decimal) {
        let (open, worth) = match side {
            Side::Buy => (&mut self.open_buy, &mut self.open_buy_notional),
            Side::Sell => (&mut self.open_sell, &mut self.open_sell_notional),
        };
        *open = open.saturating_add(units);
        *worth = worth.saturating_add(notional);
    }

    /// Whether an order can only reduce: opposite to the position, and with all other open orders
    /// of its side not larger than it.
    pub(crate) fn only_reduces(&self, side: Side, quantity: i64) -> bool {
        let held = self.position.quantity.units();
        let opposite = held.signum().saturating_mul(side.sign()) < 0;
        opposite && self.open(side).saturating_add(quantity) <= held.saturating_abs()
    }

    pub(crate) fn has_trade(&self, happened: VenueTime, trade: TradeId, order: u64) -> bool {
        let old = self.watermark.is_some_and(|mark| happened <= mark);
        old || self.trades.contains(&(trade, order))
    }

    /// Whether there ever was a trade of it.
    pub(crate) fn has_traded(&self) -> bool {
        self.watermark.is_some() || !self.trades.is_empty()
    }

    /// Whether a trade of it happened at this time or later.
    pub(crate) fn has_traded_since(&self, time: VenueTime) -> bool {
        self.trade_times.last().is_some_and(|(happened, ..)| *happened >= time)
    }

    pub(crate) fn remember_trade(&mut self, happened: VenueTime, trade: TradeId, order: u64) {
        self.trades.insert((trade, order));
        self.trade_times.insert((happened, trade, order));
        if self.trades.len() > TRADES_REMEMBERED
            && let Some((happened, trade, order)) = self.trade_times.pop_first()
        {
            self.trades.remove(&(trade, order));
            self.watermark = self.watermark.max(Some(happened));
        }
    }
}

/// An order and what it holds reserved.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderSlot {
    pub(crate) order: Order,
    pub(crate) reserved: i64,
    pub(crate) reserved_notional: Decimal,
    /// An amendment that the venue has not answered: either size may fill.
    pub(crate) amending: Option<Amend>,
    /// When the newest amendment left, or was told to be done.
    pub(crate) amended_at: HostTime,
    /// Its venue says that it ended, with so much filled; fills are still to come.
    pub(crate) ending: Option<(OrderEvent, Quantity)>,
    /// As what it is counted.
    pub(crate) counted: Option<Counted>,
    /// The venue has had it: it cannot have been lost on its way there.
    pub(crate) accepted: bool,
    /// A cancel was asked for and not refused since: if the order lives, it is asked for again.
    pub(crate) cancel_wanted: bool,
    /// The host itself ends it: its cancel is asked for until it is over.
    pub(crate) must_end: bool,
    /// When something last became known of it, or was asked of its venue.
    pub(crate) touched: HostTime,
}

/// What the trades of an order were worth, kept until its tombstone falls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Traded {
    /// Settle-asset value of all its fills, inferred ones included.
    pub(crate) value: Decimal,
    /// What of it was inferred and is not replaced yet.
    pub(crate) inferred: Option<InferredFill>,
    /// Its end was inferred: the venue may still come up with it.
    pub(crate) vanished: bool,
}

impl Traded {
    /// A real fill has come for a part of what was inferred. As long as more is to come, that is
    /// worth the rest of what was inferred; with the last of it the difference is known: by how
    /// much all of it was worth more than it was booked at.
    pub(crate) fn replace(&mut self, replaces: Quantity, worth: Decimal) -> Decimal {
        let Some(inferred) = self.inferred.as_mut().filter(|_| replaces.is_positive()) else {
            return Decimal::ZERO;
        };
        inferred.units = inferred.units.saturating_sub(replaces.units());
        inferred.value = inferred.value.saturating_sub(worth);
        if inferred.units > 0 {
            return Decimal::ZERO;
        }
        let more = Decimal::ZERO.saturating_sub(inferred.value);
        self.inferred = None;
        self.value = self.value.saturating_add(more);
        more
    }

    /// How much of a fill is the real one of what was inferred. Of a live order later trades are
    /// others.
    pub(crate) fn replaced_by(&self, units: i64, happened: VenueTime, is_over: bool) -> i64 {
        let inferred = self.inferred.as_ref();
        let matches = inferred.filter(|inferred| is_over || happened <= inferred.happened);
        matches.map_or(0, |inferred| inferred.units.min(units))
    }
}

/// A fill that was inferred, as far as no real one has come for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InferredFill {
    pub(crate) units: i64,
    /// Settle-asset value of those units, as booked.
    pub(crate) value: Decimal,
    /// Of the statement it follows from: later trades are others.
    pub(crate) happened: VenueTime,
}

/// One strategy.
#[derive(Debug)]
pub(crate) struct StrategySlot {
    pub(crate) limits: StrategyLimits,
    pub(crate) next_order: u64,
    pub(crate) next_plan_order: u64,
    pub(crate) holdings: Vec<Holding>,
    pub(crate) watches: Vec<InstrumentId>,
    pub(crate) interest: Interest,
    pub(crate) credit: Credit,
    pub(crate) orders: BTreeMap<u64, OrderSlot>,
    /// Finished orders, kept for late fills until their tombstone falls.
    pub(crate) finished: BTreeMap<u64, Order>,
    /// Of live and finished orders that traded, or whose end was inferred.
    pub(crate) traded: BTreeMap<u64, Traded>,
    pub(crate) timers: u32,
    pub(crate) bucket: TokenBucket,
    pub(crate) talk: TalkLimit,
    pub(crate) denials: DenialLimit,
    /// Cancels and fills of late.
    pub(crate) cancels: CancelCount,
    pub(crate) written: Written,
    pub(crate) checkpoint: Option<(u32, Vec<u8>)>,
    pub(crate) approved: u64,
    pub(crate) denied: u64,
    pub(crate) fills: u64,
    pub(crate) faults: u32,
    /// The component it last ran.
    pub(crate) component: Option<String>,
    /// Components that failed in its place, by hash, and why; the newest last.
    pub(crate) failed: Vec<(String, String)>,
    pub(crate) quarantined: bool,
    /// Why it is in quarantine.
    pub(crate) quarantine_why: Option<String>,
    /// Why its newest candidate does not run.
    pub(crate) refused: Option<String>,
    /// What the trial of its newest candidate showed.
    pub(crate) trial: Option<String>,
    /// Why the newest order was denied or plan refused.
    pub(crate) last_denial: Option<(HostTime, String)>,
    pub(crate) active: HostTime,
    pub(crate) said: Option<String>,
}

impl StrategySlot {
    pub(crate) fn new(config: &StrategyConfig) -> Self {
        let holding = |(instrument, account): &(InstrumentId, AccountId)| Holding {
            instrument: *instrument,
            account: *account,
            ..Holding::default()
        };
        Self {
            limits: config.limits.clone(),
            next_order: 1,
            next_plan_order: PLAN_ORDERS,
            holdings: config.trades.iter().map(holding).collect(),
            watches: config.watches.clone(),
            interest: config.interest.clone(),
            credit: Credit::default(),
            orders: BTreeMap::new(),
            finished: BTreeMap::new(),
            traded: BTreeMap::new(),
            timers: 0,
            bucket: TokenBucket::new(config.limits.orders_per_s_max),
            talk: TalkLimit::default(),
            denials: DenialLimit::default(),
            cancels: CancelCount::default(),
            written: Written::default(),
            checkpoint: None,
            approved: 0,
            denied: 0,
            fills: 0,
            faults: 0,
            component: None,
            failed: Vec::new(),
            quarantined: false,
            quarantine_why: None,
            refused: None,
            trial: None,
            last_denial: None,
            active: HostTime::EPOCH,
            said: None,
        }
    }

    pub(crate) fn holding(&self, instrument: InstrumentId) -> Option<&Holding> {
        self.holdings.iter().find(|h| h.instrument == instrument)
    }

    pub(crate) fn holding_mut(&mut self, instrument: InstrumentId) -> Option<&mut Holding> {
        self.holdings.iter_mut().find(|h| h.instrument == instrument)
    }

    /// The accounts it trades on, each once.
    pub(crate) fn accounts(&self) -> BTreeSet<AccountId> {
        self.holdings.iter().map(|holding| holding.account).collect()
    }

    pub(crate) fn sees(&self, instrument: InstrumentId) -> bool {
        self.holding(instrument).is_some() || self.watches.contains(&instrument)
    }

    /// Sets what an order holds reserved, releasing what it held before.
    pub(crate) fn set_reserved(&mut self, number: u64, units: i64, notional: Decimal) {
        let Some(slot) = self.orders.get_mut(&number) else {
            return;
        };
        let (instrument, side) = (slot.order.request.instrument, slot.order.request.side);
        let grown = units.saturating_sub(slot.reserved);
        let worth = notional.saturating_sub(slot.reserved_notional);
        (slot.reserved, slot.reserved_notional) = (units, notional);
        if let Some(holding) = self.holding_mut(instrument) {
            holding.reserve(side, grown, worth);
        }
    }

    /// Numbers of live orders, all or in one instrument, that no cancel is on its way for. Orders
    /// of plans end by themselves and are not the strategy's to cancel.
    pub(crate) fn cancelable(&self, instrument: Option<InstrumentId>) -> Vec<u64> {
        self.orders
            .iter()
            .filter(|(_, slot)| instrument.is_none_or(|id| slot.order.request.instrument == id))
            .filter(|(_, slot)| slot.order.status != OrderStatus::PendingCancel)
            .filter(|(number, _)| **number < PLAN_ORDERS)
            .map(|(number, _)| *number)
            .collect()
    }

    /// The average price at which a position was entered.
    pub(crate) fn entry(&self, spec: &Instrument) -> Option<Decimal> {
        self.holding(spec.id)?.position.entry(spec)
    }

    pub(crate) fn position(&self, instrument: InstrumentId) -> Quantity {
        self.holding(instrument).map_or(Quantity::ZERO, |h| h.position.quantity)
    }
}
