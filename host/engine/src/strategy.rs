//! What the engine keeps of one strategy: its orders, what they reserve, its positions and
//! counters.

use crate::config::{StrategyConfig, StrategyLimits};
use crate::delivery::Credit;
use crate::risk::{DenialLimit, TalkLimit, TokenBucket};
use crate::writes::Written;
use hedgerow_model::{
    AccountId, Amend, Decimal, FundingNotice, HostTime, InstrumentId, Interest, Order, OrderEvent,
    OrderStatus, PLAN_ORDERS, Position, Quantity, Side, TradeId, VenueTime,
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
    /// Quantity that live and unknown orders may still fill, per side.
    pub(crate) open_buy: i64,
    pub(crate) open_sell: i64,
    /// What those orders are worth at their prices, quote currency.
    pub(crate) open_notional: Decimal,
    /// What of the venue's position an operator said is not the strategy's.
    pub(crate) external: i64,
    /// The newest funding payment.
    pub(crate) funding: Option<FundingNotice>,
    /// By the venue's time: ids of some venues do not grow. A trade with ourselves has one id and
    /// two orders, so the order belongs to the key.
    trades: BTreeSet<(VenueTime, TradeId, u64)>,
    /// Trades at or before this were seen, or are too old to be new.
    watermark: Option<VenueTime>,
}

impl Holding {
    pub(crate) fn open(&self, side: Side) -> i64 {
        match side {
            Side::Buy => self.open_buy,
            Side::Sell => self.open_sell,
        }
    }

    pub(crate) fn reserve(&mut self, side: Side, units: i64, notional: Decimal) {
        let open = match side {
            Side::Buy => &mut self.open_buy,
            Side::Sell => &mut self.open_sell,
        };
        *open = open.saturating_add(units);
        self.open_notional = self.open_notional.saturating_add(notional);
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
        old || self.trades.contains(&(happened, trade, order))
    }

    pub(crate) fn remember_trade(&mut self, happened: VenueTime, trade: TradeId, order: u64) {
        self.trades.insert((happened, trade, order));
        if self.trades.len() > TRADES_REMEMBERED {
            let oldest = self.trades.pop_first().map(|(happened, ..)| happened);
            self.watermark = oldest.max(self.watermark);
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
    /// Its venue says that it ended, with so much filled; fills are still to come.
    pub(crate) ending: Option<(OrderEvent, Quantity)>,
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
    pub(crate) timers: u32,
    pub(crate) bucket: TokenBucket,
    pub(crate) talk: TalkLimit,
    pub(crate) denials: DenialLimit,
    pub(crate) written: Written,
    pub(crate) checkpoint: Option<(u32, Vec<u8>)>,
    pub(crate) approved: u64,
    pub(crate) denied: u64,
    pub(crate) fills: u64,
    pub(crate) faults: u32,
    /// The component it last ran.
    pub(crate) component: Option<String>,
    pub(crate) quarantined: bool,
    /// Why it is in quarantine.
    pub(crate) quarantine_why: Option<String>,
    /// Why its newest candidate does not run.
    pub(crate) refused: Option<String>,
    /// What the trial of its newest candidate showed.
    pub(crate) trial: Option<String>,
    /// Why the newest order was denied.
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
            timers: 0,
            bucket: TokenBucket::new(config.limits.orders_per_s_max),
            talk: TalkLimit::default(),
            denials: DenialLimit::default(),
            written: Written::default(),
            checkpoint: None,
            approved: 0,
            denied: 0,
            fills: 0,
            faults: 0,
            component: None,
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

    pub(crate) fn position(&self, instrument: InstrumentId) -> Quantity {
        self.holding(instrument).map_or(Quantity::ZERO, |h| h.position.quantity)
    }
}
