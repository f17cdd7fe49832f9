//! The venue's truth against ours: orders that live there and here, orders and positions that are
//! somebody else's, positions that differ.
//!
//! Ours that is open there is as it is there. What rests in our name and is not alive here is
//! canceled. What carries no tag of ours is reported, counted as the account's risk, and left
//! alone. A position that differs by less than a lot is none; any other blocks opening on its
//! account until an operator adopts or ignores it, when it is found at a start or after a loss of
//! the stream. Found while the stream stood, in two reads that agree, the venue's position is taken
//! over, marked, and its owner may only reduce.

use crate::reconcile::{Answer, Differing, Open};
use crate::truth::ForeignOrders;
use crate::{Effects, Engine};
use hedgerow_model::{
    AccountId, ClientOrderId, Duration, Fact, HostTime, InstrumentId, OrderEvent, OrderFact,
    OrderStatus, Price, Quantity, Scope, TradingMode, VenueCommand, VenueEvent, WireId,
};
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    pub(crate) fn finish_reconcile(
        &mut self,
        event: &VenueEvent,
        answer: &Answer,
        effects: &mut Effects,
    ) {
        self.note_told(event, answer, effects);
        // a plan goes on when all is known, not after the first order
        self.plans.held = true;
        let ours: Vec<(ClientOrderId, WireId)> = self.asked_about(event.account, answer);
        for (id, wire) in ours {
            if let Some(open) = answer.open.get(&wire) {
                self.listed((event, answer.at), id, *open, effects);
            }
        }
        self.cancel_strays(event, answer, effects);
        self.note_foreign(event, answer, effects);
        self.compare_positions(event, answer, effects);
        self.truth.told.insert(event.account);
        self.end_what_may_not_rest(event.received, event.account, effects);
        self.plans.held = false;
        self.plans_on_go_on(event.received, event.account, effects);
    }

    fn asked_about(&self, account: AccountId, answer: &Answer) -> Vec<(ClientOrderId, WireId)> {
        let live = self.live_orders(account).filter(|order| answer.ours.contains(&order.id));
        live.map(|order| (order.id, order.wire)).collect()
    }

    /// An order of ours that the venue lists.
    fn listed(
        &mut self,
        (event, asked): (&VenueEvent, HostTime),
        id: ClientOrderId,
        open: Open,
        fx: &mut Effects,
    ) {
        let known = self.any_order(id).map(|order| order.request.instrument);
        let sane = known == Some(open.instrument)
            && self.can_be(open.instrument, open.price, open.quantity)
            && self.can_have_filled(id, open.filled);
        if !sane {
            let (account, now) = (event.account, event.received);
            let detail = format!("order {id} is listed as what it cannot be: {open:?}");
            self.record(now, Fact::Discrepancy { account, detail }, fx);
            return self.doubt(now, id, fx);
        }
        let settled = self.found_alive((event, asked), id, (open.price, open.quantity), fx);
        let known = self.any_order(id).map_or(Quantity::ZERO, |order| order.filled);
        if open.filled > known {
            self.claim(event.received, id, (open.filled, None, event.happened), fx);
        } else if let Err(at) = settled {
            self.ask_when_settled(id, at);
        } else if self.truth.doubts.get(&id).is_some_and(|doubt| doubt.claim.is_none()) {
            self.truth.doubts.remove(&id);
        }
    }

    /// Orders in a list that was told while the stream stood: what is too young to be settled is
    /// left to the stream; one that is missing is asked for by itself.
    pub(crate) fn compare_settled_orders(
        &mut self,
        event: &VenueEvent,
        answer: &Answer,
        effects: &mut Effects,
    ) {
        let known = self.config.accounts.get(event.account.index());
        let settling = known.map(|account| account.settling).unwrap_or_default();
        let settling = settling.max(self.asks(event.account).pause);
        for (id, wire) in self.asked_about(event.account, answer) {
            let slot = self.strategies.get(id.strategy.index());
            let touched = slot.and_then(|slot| slot.orders.get(&id.number)).map(|k| k.touched);
            if touched.is_none_or(|touched| touched.after(settling) > answer.at) {
                continue;
            }
            match answer.open.get(&wire) {
                Some(open) => self.listed((event, answer.at), id, *open, effects),
                None => self.doubt(event.received, id, effects),
            }
        }
        self.cancel_strays(event, answer, effects);
        self.note_foreign(event, answer, effects);
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
            // sent and over since we asked: the list may be of the moment between
            let since = self.tombstones.iter().rev().take_while(|(fell, _)| *fell >= answer.at);
            if !id.is_some_and(|id| since.into_iter().any(|(_, over)| over == id)) {
                let detail = format!("order {} rests at the venue and is not alive here", wire.0);
                self.record(event.received, Fact::Discrepancy { account, detail }, effects);
            }
            effects.commands.push(VenueCommand::Cancel { account, instrument, wire });
        }
    }

    /// Orders of others: reported when they are new or changed, never touched.
    fn note_foreign(&mut self, event: &VenueEvent, answer: &Answer, effects: &mut Effects) {
        let account = event.account;
        let of = |key: &(AccountId, InstrumentId)| key.0 == account;
        let before: BTreeMap<InstrumentId, ForeignOrders> =
            self.truth.foreign.iter().filter(|(key, _)| of(key)).map(|(k, v)| (k.1, *v)).collect();
        for (id, orders) in &answer.foreign {
            if before.get(id) == Some(orders) {
                continue;
            }
            let (name, buy) = self.in_words(*id, Quantity::from_units(orders.buy));
            let (_, sell) = self.in_words(*id, Quantity::from_units(orders.sell));
            let detail = format!("orders of somebody else rest in {name}: buy {buy}, sell {sell}");
            self.record(event.received, Fact::Discrepancy { account, detail }, effects);
        }
        self.truth.foreign.retain(|key, _| !of(key));
        let now = answer.foreign.iter().map(|(id, orders)| ((account, *id), *orders));
        self.truth.foreign.extend(now);
    }

    /// An order of ours lives at its venue, with this price and total by what was asked at a time.
    /// An error: an amendment on its way, or that left since it was asked, is not to be seen in
    /// that, and until this time nothing is said of it.
    pub(crate) fn found_alive(
        &mut self,
        (event, asked): (&VenueEvent, HostTime),
        id: ClientOrderId,
        (price, quantity): (Price, Quantity),
        effects: &mut Effects,
    ) -> Result<(), HostTime> {
        let now = event.received;
        let slot = self.strategies.get(id.strategy.index());
        let Some(known) = slot.and_then(|slot| slot.orders.get(&id.number)) else { return Ok(()) };
        let order = &known.order;
        let (account, instrument, wire) = (order.account, order.request.instrument, order.wire);
        let mut facts = Vec::new();
        if matches!(order.status, OrderStatus::PendingNew | OrderStatus::Unknown) {
            let (event, venue_id, reason) = (OrderEvent::Accepted, None, None);
            facts.push(OrderFact::Moved { event, venue_id, reason });
        }
        // it may say how things stood before
        let old = asked <= known.amended_at || self.rations.holds_amendment(account, wire);
        let said = (price, quantity);
        let came = !old && known.amending.is_some_and(|a| (a.price, a.quantity) == said);
        let settling = self.config.accounts.get(account.index()).map(|known| known.settling);
        let seen_by = known.amended_at.after(settling.unwrap_or(Duration::ZERO));
        let differs = (order.request.price, order.request.quantity) != said;
        let open = match old {
            true => known.amending.is_some() || differs,
            false => known.amending.is_some() && !came && now < seen_by,
        };
        if known.amending.is_some() && !came && !open {
            // it never arrived, or was refused
            let event = OrderEvent::AmendRejected;
            facts.push(OrderFact::Moved { event, venue_id: None, reason: None });
        }
        if came || (differs && !old) {
            facts.push(OrderFact::Amended { price, quantity });
        }
        let resend = known.cancel_wanted;
        if resend && order.status != OrderStatus::PendingCancel {
            facts.push(OrderFact::CancelRequested);
        }
        let changed = !facts.is_empty();
        for fact in facts {
            self.record(now, Fact::Order { id, fact }, effects);
        }
        if resend && self.order(id.strategy, id.number).is_some() {
            // the one thing that is sent again
            effects.commands.push(VenueCommand::Cancel { account, instrument, wire });
        }
        if changed {
            self.tell_order(now, id, 0, effects);
        }
        let pause = self.asks(account).pause;
        if open { Err(seen_by.max(now.after(pause))) } else { Ok(()) }
    }

    /// Positions that are not the venue's by a lot or more: in what, ours, theirs.
    pub(crate) fn differing(
        &self,
        account: AccountId,
        positions: &BTreeMap<InstrumentId, Quantity>,
    ) -> Vec<Differing> {
        let slots = self.strategies.iter().flat_map(|slot| &slot.holdings);
        let held = slots.filter(|holding| holding.account == account);
        let ours: BTreeMap<InstrumentId, Quantity> =
            held.map(|holding| (holding.instrument, holding.position.quantity)).collect();
        let ids: BTreeSet<InstrumentId> = ours.keys().chain(positions.keys()).copied().collect();
        let of = |id: InstrumentId| {
            let external = self.external.get(&(account, id)).copied().unwrap_or_default();
            let theirs = positions.get(&id).copied().unwrap_or_default();
            if theirs.is_zero() && self.may_be_delivered(account, id) {
                return None; // it is the delivery, which is told or will be
            }
            let theirs = theirs.units().saturating_sub(external.units());
            let ours = ours.get(&id).copied().unwrap_or_default();
            let step = self.finest_lot(id).unsigned_abs();
            let differs = ours.units().abs_diff(theirs) >= step;
            differs.then_some((id, ours, Quantity::from_units(theirs)))
        };
        ids.into_iter().filter_map(of).collect()
    }

    /// An instrument's name and a quantity of it, for people.
    pub(crate) fn in_words(&self, id: InstrumentId, quantity: Quantity) -> (String, String) {
        let Some(spec) = self.config.instrument(id) else {
            return (format!("instrument {id}"), quantity.to_string());
        };
        let venue = self.config.venues.get(spec.venue.index()).map_or("?", String::as_str);
        (format!("{venue}:{}", spec.symbol), spec.quantity(quantity).normalize().to_string())
    }

    /// After a start or a loss of the stream: whose what differs is, an operator says.
    fn compare_positions(&mut self, event: &VenueEvent, answer: &Answer, effects: &mut Effects) {
        let (now, account) = (event.received, event.account);
        self.truth.unknown.retain(|(whose, _), _| *whose != account);
        for (instrument, ours, theirs) in self.differing(account, &answer.positions) {
            let owner = self.owner_of(account, instrument);
            let (name, shown) = self.in_words(instrument, theirs);
            let detail = match owner {
                None => format!("a position of {shown} in {name} is nobody's here"),
                Some(_) => {
                    let (_, ours) = self.in_words(instrument, ours);
                    format!("position in {name}: the venue has {shown}, the ledger {ours}")
                }
            };
            self.flag(now, (account, instrument), (ours, theirs), detail, effects);
        }
    }

    /// Nothing opens on the account until an operator says whose it is.
    fn flag(
        &mut self,
        now: HostTime,
        (account, instrument): (AccountId, InstrumentId),
        (ours, theirs): (Quantity, Quantity),
        detail: String,
        effects: &mut Effects,
    ) {
        let more = theirs.units().saturating_sub(ours.units());
        self.truth.unknown.insert((account, instrument), Quantity::from_units(more));
        self.record(now, Fact::Discrepancy { account, detail }, effects);
        if let Some(owner) = self.owner_of(account, instrument) {
            self.stop_strategy(now, owner, "it differs from the venue's", effects);
        }
    }

    /// While the stream stands: what differs is read again; in two reads that agree it is so.
    pub(crate) fn compare_drift(
        &mut self,
        event: &VenueEvent,
        answer: &Answer,
        effects: &mut Effects,
    ) {
        let (now, account) = (event.received, event.account);
        let before = self.truth.checks.get_mut(&account).map(|check| check.drift.split_off(0));
        let before = before.unwrap_or_default();
        let unsettled = |id: InstrumentId| {
            // what is not heard yet of these orders is in the one figure and not in the other
            self.truth.doubts.keys().any(|order| {
                self.any_order(*order)
                    .is_some_and(|order| order.account == account && order.request.instrument == id)
            })
        };
        let drift: Vec<Differing> = self
            .differing(account, &answer.positions)
            .into_iter()
            .filter(|(id, ..)| !unsettled(*id))
            .collect();
        // one that nobody had is not there any more: read twice like every other
        let gone = self.truth.unknown.keys().filter(|(whose, id)| {
            *whose == account && !unsettled(*id) && drift.iter().all(|(other, ..)| other != id)
        });
        let gone: Vec<Differing> =
            gone.map(|(_, id)| (*id, Quantity::ZERO, Quantity::ZERO)).collect();
        let asked = |(id, ours, theirs): &Differing| {
            let more = Quantity::from_units(theirs.units().saturating_sub(ours.units()));
            self.truth.unknown.get(&(account, *id)) == Some(&more)
        };
        let (same, new): (Vec<_>, Vec<_>) = drift
            .into_iter()
            .chain(gone)
            .filter(|differing| !asked(differing))
            .partition(|differing| before.contains(differing));
        for (instrument, ours, theirs) in same {
            if ours == theirs {
                self.is_gone(now, (account, instrument), effects);
            } else {
                self.take_over(now, (account, instrument), (ours, theirs), effects);
            }
        }
        // what others hold moves as they please: it is read at the usual pace
        let presses = new.iter().any(|(id, ..)| {
            let asked = self.truth.unknown.contains_key(&(account, *id));
            !asked && self.held_by_others(account, *id) == 0
        });
        if presses {
            self.read_again(now, account, new);
        } else if let Some(check) = self.truth.checks.get_mut(&account) {
            check.drift = new;
        }
    }

    /// It went as it came: there is nothing left to say whose it is.
    fn is_gone(&mut self, now: HostTime, key: (AccountId, InstrumentId), effects: &mut Effects) {
        self.truth.unknown.remove(&key);
        let (name, _) = self.in_words(key.1, Quantity::ZERO);
        let detail = format!("position in {name}: the venue's is the ledger's again");
        self.record(now, Fact::Discrepancy { account: key.0, detail }, effects);
    }

    /// The venue's position counts: a marked adjustment, an alarm, and the owner only reduces.
    fn take_over(
        &mut self,
        now: HostTime,
        (account, instrument): (AccountId, InstrumentId),
        (ours, theirs): (Quantity, Quantity),
        effects: &mut Effects,
    ) {
        let (name, shown) = self.in_words(instrument, theirs);
        let (_, had) = self.in_words(instrument, ours);
        let owner = self.owner_of(account, instrument);
        let mark = self.markets.get(instrument).and_then(|market| market.mark_doubled);
        // what moved may be the others' part: then it is not the strategy's to take over
        let others = self.held_by_others(account, instrument) != 0;
        let asked = self.truth.unknown.contains_key(&(account, instrument));
        let Some((strategy, doubled)) = owner.zip(mark).filter(|_| !others && !asked) else {
            let why = match (owner, asked || others) {
                (None, _) => "nobody holds it here",
                (_, true) => "whose the difference is, an operator says",
                (_, false) => "it has no mark",
            };
            let detail = format!("position in {name}: the venue has {shown}, {had} here; {why}");
            return self.flag(now, (account, instrument), (ours, theirs), detail, effects);
        };
        let price = Price::from_units(doubled / 2);
        let detail = format!("position in {name}: the venue has {shown}, taken over from {had}");
        self.record(now, Fact::Discrepancy { account, detail }, effects);
        self.adjust(now, (strategy, instrument), (theirs, price), effects);
        if self.modes.of(Scope::Strategy(strategy)) < TradingMode::ReduceOnly {
            let why = format!("the position in {name} was not its venue's");
            self.latch(now, strategy, TradingMode::ReduceOnly, why, effects);
        }
    }
}
