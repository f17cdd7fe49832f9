//! The venue's truth against ours: after every loss of the private stream, and before the first
//! order.
//!
//! On `Up` the venue is asked. It tells again what happened lately (fills are booked once, by their
//! key), then its open orders and positions, then that this is all. What we thought alive and it
//! does not know has ended; what it has open and we thought on its way is open; a position that
//! differs is a discrepancy that stops opening. Nothing is ever sent again but cancels.

use crate::strategy::{Holding, StrategySlot};
use crate::{Effects, Engine};
use hedgerow_model::{
    AccountId, Amend, ClientOrderId, Duration, Fact, HostTime, InstrumentId, Order, OrderEvent,
    OrderFact, OrderStatus, Price, Quantity, StrategyId, VenueCommand, VenueEvent, VenueReport,
    VenueTime, WireId,
};
use std::collections::{BTreeMap, BTreeSet};

/// How far back the venue is asked to tell again: longer than any clock differs.
const OVERLAP: Duration = Duration::from_secs(60);
/// How often it is asked before a position that differs counts: its answer comes in parts, and what
/// fills in between is in one part and not in the other.
const ASKED: u8 = 3;

type Differing = (StrategyId, InstrumentId, Quantity, Quantity);

/// What the venue has told so far.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// When we asked; nothing: not yet.
    nonce: Option<u64>,
    /// How often we asked since the stream is up.
    asked: u8,
    /// Our live orders when we asked: only these can be missing from the answer.
    ours: BTreeSet<ClientOrderId>,
    open: BTreeMap<WireId, Open>,
    positions: BTreeMap<InstrumentId, Quantity>,
    /// Nothing is known of an order so young that it may be on its way: when to ask again.
    again: Option<HostTime>,
}

/// An order as the venue has it.
#[derive(Clone, Copy, Debug)]
struct Open {
    instrument: InstrumentId,
    price: Price,
    quantity: Quantity,
}

impl Engine {
    /// Whether an account may open.
    pub(crate) fn is_reconciled(&self, account: AccountId) -> bool {
        !self.unreconciled.contains_key(&account)
    }

    /// The private stream is confirmed: ask.
    pub(crate) fn begin_reconcile(&mut self, event: &VenueEvent, effects: &mut Effects) {
        self.ask(event.received, event.account, 1, effects);
    }

    /// When an account wants to be asked about again.
    pub(crate) fn next_question(&self) -> Option<HostTime> {
        self.unreconciled.values().filter_map(|answer| answer.again).min()
    }

    /// Asks again what could not be said yet.
    pub(crate) fn ask_again(&mut self, now: HostTime, effects: &mut Effects) {
        let due = |answer: &Answer| answer.again.is_some_and(|at| at <= now);
        let due = self.unreconciled.iter().filter(|(_, answer)| due(answer));
        for account in due.map(|(account, _)| *account).collect::<Vec<_>>() {
            self.ask(now, account, 1, effects);
        }
    }

    pub(crate) fn ask(
        &mut self,
        now: HostTime,
        account: AccountId,
        asked: u8,
        effects: &mut Effects,
    ) {
        // a number of its own, if two questions fall on one moment
        let nonce = now.as_nanos().saturating_add(u64::from(asked));
        let ours = self.live_orders(account).map(|order| order.id).collect();
        let answer = Answer { nonce: Some(nonce), asked, ours, ..Answer::default() };
        self.unreconciled.insert(account, answer);
        // everything is told again after a start; later only what may have been missed
        let last = self.last_fill.get(&account).copied().unwrap_or(VenueTime::EPOCH);
        let since = last.as_nanos().saturating_sub(OVERLAP.as_nanos());
        let since = VenueTime::from_nanos(since);
        effects.commands.push(VenueCommand::Reconcile { account, since, nonce });
    }

    fn live_orders(&self, account: AccountId) -> impl Iterator<Item = &Order> {
        let orders = self.strategies.iter().flat_map(|slot| slot.orders.values());
        orders.map(|known| &known.order).filter(move |order| order.account == account)
    }

    /// The private stream is lost: nothing opens until it is back and compared.
    pub(crate) fn lose_reconcile(&mut self, account: AccountId) {
        let must = self.config.accounts.get(account.index()).is_some_and(|known| known.reconcile);
        if must {
            self.unreconciled.insert(account, Answer::default());
        }
    }

    /// One part of the venue's answer.
    pub(crate) fn on_answer(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let Some(answer) = self.unreconciled.get_mut(&event.account) else {
            return;
        };
        let of = match &event.report {
            VenueReport::OpenOrder { nonce, .. }
            | VenueReport::Position { nonce, .. }
            | VenueReport::Reconciled { nonce } => *nonce,
            _ => return,
        };
        if answer.nonce != Some(of) {
            return; // the answer to an earlier question says nothing about this one
        }
        match &event.report {
            VenueReport::OpenOrder { wire, instrument, price, quantity, .. } => {
                let (instrument, price, quantity) = (*instrument, *price, *quantity);
                answer.open.insert(*wire, Open { instrument, price, quantity });
            }
            VenueReport::Position { instrument, quantity, .. } => {
                answer.positions.insert(*instrument, *quantity);
            }
            VenueReport::Reconciled { .. } => {
                let (now, account) = (event.received, event.account);
                if let Some(at) = self.settles(account) {
                    if let Some(answer) = self.unreconciled.get_mut(&account) {
                        (answer.nonce, answer.again) = (None, Some(at.max(now)));
                    }
                    return;
                }
                let Some(answer) = self.unreconciled.remove(&account) else { return };
                if answer.asked < ASKED && !self.differing(account, &answer).is_empty() {
                    return self.ask(now, account, answer.asked + 1, effects);
                }
                self.finish_reconcile(event, &answer, effects);
            }
            _ => {}
        }
    }

    /// When all of our orders that the venue did not tell of are old enough to be gone, and all
    /// amendments that it does not show old enough to be refused; nothing: they are.
    fn settles(&self, account: AccountId) -> Option<HostTime> {
        let answer = self.unreconciled.get(&account)?;
        let settling = self.config.accounts.get(account.index())?.settling;
        let asked = HostTime::from_nanos(answer.nonce?);
        let missing = self.live_orders(account).filter(|order| {
            answer.ours.contains(&order.id) && !answer.open.contains_key(&order.wire)
        });
        let unseen = self.strategies.iter().flat_map(|slot| slot.orders.values()).filter(|known| {
            let open = answer.open.get(&known.order.wire);
            let shown =
                |amend: Amend| open.map(|o| (o.price, o.quantity) == (amend.price, amend.quantity));
            let mine = known.order.account == account && answer.ours.contains(&known.order.id);
            mine && known.amending.and_then(shown) == Some(false)
        });
        let known = missing.map(|order| order.created.after(settling));
        let known = known.chain(unseen.map(|known| known.amended_at.after(settling)));
        known.filter(|known| *known > asked).max()
    }

    fn finish_reconcile(&mut self, event: &VenueEvent, answer: &Answer, effects: &mut Effects) {
        // a plan goes on when all is known, not after the first order
        self.plans.held = true;
        self.compare_orders(event, answer, effects);
        self.cancel_strays(event, answer, effects);
        self.compare_positions(event, answer, effects);
        self.plans.held = false;
        self.plans_on_go_on(event.received, event.account, effects);
    }

    fn compare_orders(&mut self, event: &VenueEvent, answer: &Answer, effects: &mut Effects) {
        let account = event.account;
        let ours: Vec<(ClientOrderId, WireId, OrderStatus)> = self
            .live_orders(account)
            .filter(|order| answer.ours.contains(&order.id))
            .map(|order| (order.id, order.wire, order.status))
            .collect();
        for (id, wire, status) in ours {
            match answer.open.get(&wire) {
                Some(open) if status == OrderStatus::PendingCancel => {
                    let instrument = open.instrument;
                    effects.commands.push(VenueCommand::Cancel { account, instrument, wire });
                }
                Some(open) => self.found_open(event, id, *open, effects),
                None => self.found_gone(event, id, status, effects),
            }
        }
    }

    /// Orders that rest in our name and that we do not hold for alive: reported and canceled.
    fn cancel_strays(&mut self, event: &VenueEvent, answer: &Answer, effects: &mut Effects) {
        let account = event.account;
        let known: BTreeSet<WireId> = self.live_orders(account).map(|order| order.wire).collect();
        for (wire, open) in answer.open.iter().filter(|(wire, _)| !known.contains(wire)) {
            let (wire, instrument) = (*wire, open.instrument);
            let id = self.by_wire.get(&(account, wire));
            if id.is_some_and(|id| answer.ours.contains(id)) {
                continue; // it has ended since we asked
            }
            let detail = format!("order {} rests at the venue and is not alive here", wire.0);
            self.record(event.received, Fact::Discrepancy { account, detail }, effects);
            effects.commands.push(VenueCommand::Cancel { account, instrument, wire });
        }
    }

    fn found_open(
        &mut self,
        event: &VenueEvent,
        id: ClientOrderId,
        Open { price, quantity, .. }: Open,
        effects: &mut Effects,
    ) {
        let now = event.received;
        let Some(order) = self.order(id.strategy, id.number) else { return };
        let mut facts = Vec::new();
        if matches!(order.status, OrderStatus::PendingNew | OrderStatus::Unknown) {
            let (event, venue_id, reason) = (OrderEvent::Accepted, None, None);
            facts.push(OrderFact::Moved { event, venue_id, reason });
        }
        let slot = self.strategies.get(id.strategy.index());
        let amending = slot.and_then(|slot| slot.orders.get(&id.number)?.amending);
        let came = amending.is_some_and(|a| (a.price, a.quantity) == (price, quantity));
        if amending.is_some() && !came {
            // it never arrived, or was refused
            let event = OrderEvent::AmendRejected;
            facts.push(OrderFact::Moved { event, venue_id: None, reason: None });
        }
        if came || (order.request.price, order.request.quantity) != (price, quantity) {
            facts.push(OrderFact::Amended { price, quantity });
        }
        if facts.is_empty() {
            return;
        }
        for fact in facts {
            self.record(now, Fact::Order { id, fact }, effects);
        }
        self.tell_order(now, id, 0, effects);
    }

    /// The venue does not have it, and has told all that happened: it never arrived, or has ended.
    fn found_gone(
        &mut self,
        event: &VenueEvent,
        id: ClientOrderId,
        status: OrderStatus,
        effects: &mut Effects,
    ) {
        let slot = self.strategies.get(id.strategy.index());
        let known = slot.and_then(|slot| slot.orders.get(&id.number));
        let ending = known.and_then(|known| known.ending);
        let never = matches!(status, OrderStatus::PendingNew | OrderStatus::Unknown);
        let usual = if never { OrderEvent::Rejected } else { OrderEvent::Canceled };
        let moved = ending.map_or(usual, |(event, _)| event);
        if let Some((_, filled)) = ending {
            let detail = format!("order {id} ended with {filled} filled, but not all fills came");
            let account = event.account;
            self.record(event.received, Fact::Discrepancy { account, detail }, effects);
        }
        let fact = OrderFact::Moved { event: moved, venue_id: None, reason: None };
        self.record(event.received, Fact::Order { id, fact }, effects);
        self.tell_order(event.received, id, 0, effects);
    }

    /// Positions of ours that are not the venue's: strategy, instrument, ours, theirs.
    fn differing(&self, account: AccountId, answer: &Answer) -> Vec<Differing> {
        let slots = (0_u32..).map(StrategyId).zip(&self.strategies);
        let of = |(strategy, slot): (StrategyId, &StrategySlot)| {
            let differs = |holding: &Holding| {
                let ours = holding.position.quantity;
                let theirs = answer.positions.get(&holding.instrument).copied().unwrap_or_default();
                let theirs = theirs.units().saturating_sub(holding.external);
                let theirs = Quantity::from_units(theirs);
                (ours != theirs).then_some((strategy, holding.instrument, ours, theirs))
            };
            let on = slot.holdings.iter().filter(|holding| holding.account == account);
            on.filter_map(differs).collect::<Vec<_>>()
        };
        slots.flat_map(of).collect()
    }

    /// An instrument's name and a quantity of it, for people.
    fn in_words(&self, id: InstrumentId, quantity: Quantity) -> (String, String) {
        let Some(spec) = self.config.instrument(id) else {
            return (format!("instrument {id}"), quantity.to_string());
        };
        let venue = self.config.venues.get(spec.venue.index()).map_or("?", String::as_str);
        (format!("{venue}:{}", spec.symbol), spec.quantity(quantity).normalize().to_string())
    }

    fn compare_positions(&mut self, event: &VenueEvent, answer: &Answer, effects: &mut Effects) {
        let account = event.account;
        let held = |id: &InstrumentId| {
            let mut all = self.strategies.iter().flat_map(|slot| &slot.holdings);
            all.any(|holding| holding.account == account && holding.instrument == *id)
        };
        let foreign: Vec<_> = answer
            .positions
            .iter()
            .filter(|(id, quantity)| !quantity.is_zero() && !held(id))
            .map(|(id, quantity)| {
                let (name, quantity) = self.in_words(*id, *quantity);
                format!("a position of {quantity} in {name} is nobody's here")
            })
            .collect();
        for detail in foreign {
            self.record(event.received, Fact::Discrepancy { account, detail }, effects);
        }
        self.differs.retain(|(strategy, instrument), _| {
            let slot = self.strategies.get(strategy.index());
            let holding = slot.and_then(|slot| slot.holding(*instrument));
            holding.is_some_and(|holding| holding.account != account)
        });
        for (strategy, instrument, ours, theirs) in self.differing(account, answer) {
            self.differs.insert((strategy, instrument), theirs);
            let (name, theirs) = self.in_words(instrument, theirs);
            let (_, ours) = self.in_words(instrument, ours);
            let detail = format!("position in {name}: the venue has {theirs}, the ledger {ours}");
            self.record(event.received, Fact::Discrepancy { account, detail }, effects);
            self.stop_strategy(event.received, strategy, "it differs from the venue's", effects);
        }
    }
}
