//! What the paper venue remembers of orders, trades and payments, for whoever asks again: its own
//! truth, told by none of the ways in which reports get lost.
//!
//! Orders that ended and reports of the past are kept up to a number, oldest forgotten first; a
//! venue that serves other processes keeps all.

use hedgerow_model::{
    AccountId, Decimal, Instrument, Order, OrderPhase, OrderState, Quantity, QueryAnswer, Side,
    VenueId, VenueOrderId, VenueReport, VenueTime, WireId,
};
use std::collections::{BTreeMap, VecDeque};

/// How many orders that ended, and how many reports, are kept unless told otherwise.
const KEPT: usize = 1 << 16;

/// A report as it was made, to be made again.
#[derive(Clone, Debug)]
pub(super) struct Past {
    pub(super) venue: VenueId,
    pub(super) happened: VenueTime,
    pub(super) report: VenueReport,
}

/// One order.
#[derive(Debug)]
struct Record {
    side: Side,
    state: OrderState,
    /// Settle-asset value of its fills.
    value: Decimal,
    /// Its trades, and its end.
    told: Vec<Past>,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Records {
    kept: usize,
    orders: BTreeMap<(AccountId, WireId), Record>,
    ended: VecDeque<(AccountId, WireId)>,
    /// Per account: what can never change again.
    past: BTreeMap<AccountId, VecDeque<Past>>,
}

impl Records {
    pub(super) fn new() -> Self {
        let (orders, ended, past) = (BTreeMap::new(), VecDeque::new(), BTreeMap::new());
        Self { kept: KEPT, orders, ended, past }
    }

    pub(super) fn keep_all(&mut self) {
        self.kept = usize::MAX;
    }

    /// Whether an order of this id was ever placed, as far as is remembered.
    pub(super) fn knows(&self, account: AccountId, wire: WireId) -> bool {
        self.orders.contains_key(&(account, wire))
    }

    /// Which way an order trades.
    pub(super) fn side(&self, account: AccountId, wire: WireId) -> Option<Side> {
        self.orders.get(&(account, wire)).map(|record| record.side)
    }

    /// An order has reached the venue.
    pub(super) fn placed(&mut self, order: &Order) {
        let request = &order.request;
        let state = OrderState {
            order: None,
            instrument: request.instrument,
            phase: OrderPhase::Open,
            price: request.price,
            quantity: request.quantity,
            filled: Quantity::ZERO,
            average: None,
        };
        let record = Record { side: request.side, state, value: Decimal::ZERO, told: Vec::new() };
        self.orders.insert((order.account, order.wire), record);
    }

    /// Takes note of a report that the venue makes.
    pub(super) fn note(&mut self, account: AccountId, past: Past, spec: Option<&Instrument>) {
        let wire = match &past.report {
            VenueReport::Accepted { wire, .. }
            | VenueReport::Rejected { wire, .. }
            | VenueReport::Fill { wire, .. }
            | VenueReport::Canceled { wire, .. }
            | VenueReport::Expired { wire, .. }
            | VenueReport::Amended { wire, .. } => Some(*wire),
            VenueReport::FundingPayment { .. }
            | VenueReport::Forced { .. }
            | VenueReport::Delivered { .. } => None,
            _ => return,
        };
        let key = wire.map(|wire| (account, wire));
        if let Some(key) = key
            && let Some(record) = self.orders.get_mut(&key)
        {
            let before = record.state.phase;
            record.take(&past, spec);
            if before == OrderPhase::Open && record.state.phase != OrderPhase::Open {
                self.ended.push_back(key);
            }
        }
        let stays =
            !matches!(past.report, VenueReport::Accepted { .. } | VenueReport::Amended { .. });
        if stays {
            let all = self.past.entry(account).or_default();
            all.push_back(past);
            if all.len() > self.kept {
                all.pop_front();
            }
        }
        if self.ended.len() > self.kept
            && let Some(oldest) = self.ended.pop_front()
        {
            self.orders.remove(&oldest);
        }
    }

    /// How an order stands.
    pub(super) fn answer(&self, account: AccountId, wire: WireId) -> QueryAnswer {
        self.orders
            .get(&(account, wire))
            .map_or(QueryAnswer::NotFound, |record| QueryAnswer::Found(record.state))
    }

    /// The venue's own id of an order.
    pub(super) fn venue_id(&self, account: AccountId, wire: WireId) -> VenueOrderId {
        let known = self.orders.get(&(account, wire)).and_then(|record| record.state.order);
        known.unwrap_or(VenueOrderId(wire.0))
    }

    /// An order's trades and its end.
    pub(super) fn told(&self, account: AccountId, wire: WireId) -> Vec<Past> {
        self.orders.get(&(account, wire)).map(|record| record.told.clone()).unwrap_or_default()
    }

    /// What happened on an account since a time; of orders only if they are asked for.
    pub(super) fn since(&self, account: AccountId, since: VenueTime, orders: bool) -> Vec<Past> {
        let all = self.past.get(&account).into_iter().flatten();
        let wanted = |past: &&Past| {
            let payment = matches!(
                past.report,
                VenueReport::FundingPayment { .. }
                    | VenueReport::Forced { .. }
                    | VenueReport::Delivered { .. }
            );
            past.happened >= since && (orders || payment)
        };
        all.filter(wanted).cloned().collect()
    }
}

impl Record {
    fn take(&mut self, past: &Past, spec: Option<&Instrument>) {
        let state = &mut self.state;
        match &past.report {
            VenueReport::Accepted { order, .. } => state.order = Some(*order),
            VenueReport::Amended { price, quantity, .. } => {
                (state.price, state.quantity) = (*price, *quantity);
            }
            VenueReport::Fill { price, quantity, .. } => {
                let filled = state.filled.checked_add(*quantity);
                state.filled = filled.unwrap_or(state.filled);
                self.value +=
                    spec.and_then(|i| i.value(*price, *quantity).ok()).unwrap_or_default();
                state.average = spec.and_then(|i| i.average_entry(self.value, state.filled));
            }
            VenueReport::Rejected { .. } => state.phase = OrderPhase::Rejected,
            VenueReport::Canceled { .. } => state.phase = OrderPhase::Canceled,
            VenueReport::Expired { .. } => state.phase = OrderPhase::Expired,
            _ => {}
        }
        if state.phase == OrderPhase::Open && state.filled >= state.quantity {
            state.phase = OrderPhase::Filled;
        }
        let opens =
            matches!(past.report, VenueReport::Accepted { .. } | VenueReport::Amended { .. });
        if !opens {
            self.told.push(past.clone());
        }
    }
}
