//! Folding facts: the only place where state that must survive a restart changes.

use crate::Engine;
use crate::strategy::OrderSlot;
use hedgerow_model::{
    AccountId, ClientOrderId, Decimal, Duration, Fact, FundingNotice, HostTime, InstrumentId,
    Order, OrderEvent, OrderFact, PLAN_ORDERS, PluginStep, Quantity, Report, StrategyId, TimerId,
    TradingMode, VenueTime, WireId,
};

/// How long a finished order is remembered for late fills.
const TOMBSTONE: Duration = Duration::from_secs(24 * 3600);
/// How many settlements are remembered per account and instrument: hourly ones for half a year.
const SETTLEMENTS: usize = 4_096;

impl Engine {
    pub(crate) fn apply(&mut self, time: HostTime, fact: &Fact) {
        match fact {
            Fact::Order { id, fact } => self.apply_order(time, *id, fact),
            Fact::Fill { .. } => self.apply_fill(time, fact),
            Fact::Funding { account, instrument, settlement, amount } => {
                self.apply_funding(*account, *instrument, *settlement, *amount);
            }
            Fact::Balance { account, asset, total, available } => {
                self.balances.insert((*account, asset.clone()), (*total, *available));
            }
            Fact::OrderNumbers { strategy, next } => {
                if let Some(slot) = self.strategies.get_mut(strategy.index()) {
                    slot.next_order = slot.next_order.max(*next);
                }
            }
            Fact::WireIds { account, next } => self.use_wires(*account, *next),
            Fact::Plan { strategy, plan, step } => self.apply_plan(time, (*strategy, *plan), step),
            Fact::TimerSet { strategy, id, at } => self.apply_timer_set(*strategy, *id, *at),
            Fact::TimerEnded { strategy, id, fired } => {
                self.apply_timer_ended(*strategy, *id, *fired);
            }
            Fact::Mode { strategy, mode, reason } => self.apply_mode(*strategy, *mode, reason),
            Fact::MeasuresRestarted { strategy, profit } => {
                self.exposure.reset(*strategy, *profit);
            }
            Fact::Peak { strategy, profit } => self.exposure.note_peak(*strategy, *profit),
            Fact::Checkpoint { strategy, version, state, unheard } => {
                if let Some(slot) = self.strategies.get_mut(strategy.index()) {
                    slot.checkpoint = Some((*version, state.clone()));
                    slot.credit.fired.retain(|id, _| unheard.contains(id));
                    for id in unheard {
                        slot.credit.fired.entry(*id).or_insert(0);
                    }
                }
            }
            Fact::Fault { strategy, .. } => {
                if let Some(slot) = self.strategies.get_mut(strategy.index()) {
                    slot.faults = slot.faults.saturating_add(1);
                }
            }
            Fact::Plugin { strategy, step, hash, detail } => {
                self.apply_step(*strategy, *step, (hash, detail));
            }
            Fact::Said { strategy, report: Report::Status { text } } => {
                if let Some(slot) = self.strategies.get_mut(strategy.index()) {
                    slot.said = Some(text.clone());
                }
            }
            Fact::Instrument(instrument) => {
                if let Some(known) = self.config.instruments.get_mut(instrument.id.index()) {
                    known.clone_from(instrument);
                }
            }
            Fact::Discrepancy { detail, .. } => {
                self.odd = (self.odd.0.saturating_add(1), detail.clone());
            }
            // told to people; nothing to fold
            Fact::Boot { .. }
            | Fact::Named { .. }
            | Fact::Market { .. }
            | Fact::Said { .. }
            | Fact::IntentDenied { .. }
            | Fact::Operator { .. } => {}
        }
    }

    fn apply_mode(&mut self, strategy: Option<StrategyId>, mode: TradingMode, reason: &str) {
        let why = (mode != TradingMode::Running).then(|| reason.to_owned());
        match strategy {
            None => (self.host_mode, self.host_why) = (mode, why),
            Some(strategy) => {
                if let Some(slot) = self.strategies.get_mut(strategy.index()) {
                    (slot.mode, slot.why) = (mode, why);
                }
            }
        }
    }

    fn apply_step(&mut self, strategy: StrategyId, step: PluginStep, (hash, detail): (&str, &str)) {
        // a refusal of what was being swapped in names no file; one that does is of a candidate
        // that never came so far, and another may be on probation
        let refused_swap = step == PluginStep::Refused && hash.is_empty();
        if matches!(step, PluginStep::Accepted | PluginStep::RolledBack) || refused_swap {
            self.forget_cut(strategy);
        }
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        match step {
            PluginStep::Refused => slot.refused = Some(format!("a new file is refused: {detail}")),
            PluginStep::RolledBack => slot.refused = Some(format!("rolled back: {detail}")),
            PluginStep::Loaded | PluginStep::Swapped => slot.refused = None,
            _ => {}
        }
        match step {
            PluginStep::Quarantined => {
                (slot.quarantined, slot.why) = (true, Some(format!("quarantine: {detail}")));
            }
            PluginStep::Released => (slot.quarantined, slot.why) = (false, None),
            PluginStep::Loaded | PluginStep::Swapped | PluginStep::RolledBack => {
                slot.component = Some(hash.to_owned());
                if slot.quarantined && step != PluginStep::Loaded {
                    (slot.quarantined, slot.why) = (false, None);
                }
            }
            PluginStep::Shadowed | PluginStep::Accepted | PluginStep::Refused => {}
        }
    }

    fn apply_timer_set(&mut self, strategy: StrategyId, id: TimerId, at: HostTime) {
        let known = self.timers.contains(strategy, id);
        self.timers.set(strategy, id, at);
        if let Some(slot) = self.strategies.get_mut(strategy.index()) {
            slot.credit.fired.remove(&id);
            slot.timers = slot.timers.saturating_add(u32::from(!known));
        }
    }

    fn apply_timer_ended(&mut self, strategy: StrategyId, id: TimerId, fired: bool) {
        let known = self.timers.contains(strategy, id);
        self.timers.end(strategy, id);
        if let Some(slot) = self.strategies.get_mut(strategy.index()) {
            slot.timers = slot.timers.saturating_sub(u32::from(known));
            if fired {
                slot.credit.fired.insert(id, 0);
            } else {
                slot.credit.fired.remove(&id);
            }
        }
    }

    fn use_wires(&mut self, account: AccountId, next: WireId) {
        let known = self.next_wire.entry(account).or_insert(1);
        *known = (*known).max(next.0);
    }

    fn apply_order(&mut self, time: HostTime, id: ClientOrderId, fact: &OrderFact) {
        match fact {
            OrderFact::Approved(order) => self.apply_approved(id, order),
            OrderFact::Denied { number, reason, .. } => {
                if let Some(slot) = self.strategies.get_mut(id.strategy.index()) {
                    slot.last_denial = Some(reason.to_string());
                    slot.denied = slot.denied.saturating_add(1);
                    if *number < PLAN_ORDERS {
                        slot.next_order = slot.next_order.max(number.saturating_add(1));
                    }
                }
            }
            OrderFact::CancelRequested => {
                self.advance_order(time, id, OrderEvent::CancelRequested, |_| {});
            }
            OrderFact::AmendRequested(amend) => {
                self.advance_order(time, id, OrderEvent::AmendRequested, |_| {});
                self.set_amending(id, Some(*amend));
            }
            OrderFact::Moved { event, venue_id, .. } => {
                if *event == OrderEvent::AmendRejected {
                    self.set_amending(id, None);
                }
                self.advance_order(time, id, *event, |order| {
                    order.venue_id = venue_id.or(order.venue_id);
                });
            }
            OrderFact::Amended { price, quantity } => {
                self.set_amending(id, None);
                let filled = self.order(id.strategy, id.number).map(|order| order.filled);
                // amended down to what is filled: nothing is left of it
                let done = filled.is_some_and(|filled| *quantity <= filled);
                let event = if done { OrderEvent::FinalFill } else { OrderEvent::Amended };
                self.advance_order(time, id, event, |order| {
                    (order.request.price, order.request.quantity) = (*price, *quantity);
                });
            }
        }
    }

    fn apply_approved(&mut self, id: ClientOrderId, order: &Order) {
        self.use_wires(order.account, WireId(order.wire.0.saturating_add(1)));
        self.by_wire.insert((order.account, order.wire), id);
        let Some(slot) = self.strategies.get_mut(id.strategy.index()) else {
            return;
        };
        slot.approved = slot.approved.saturating_add(1);
        let next = match id.number >= PLAN_ORDERS {
            true => &mut slot.next_plan_order,
            false => &mut slot.next_order,
        };
        *next = id.number.saturating_add(1).max(*next);
        let fresh = OrderSlot {
            order: order.clone(),
            reserved: 0,
            reserved_notional: Decimal::ZERO,
            amending: None,
        };
        slot.orders.insert(id.number, fresh);
        self.reserve_remaining(id);
    }

    /// Moves an order's status; an event that the table refuses changes only what `change` changes.
    fn advance_order(
        &mut self,
        time: HostTime,
        id: ClientOrderId,
        event: OrderEvent,
        change: impl FnOnce(&mut Order),
    ) {
        let Some(slot) = self.strategies.get_mut(id.strategy.index()) else {
            return;
        };
        let order = match slot.orders.get_mut(&id.number) {
            Some(known) => &mut known.order,
            None => match slot.finished.get_mut(&id.number) {
                Some(order) => order,
                None => return,
            },
        };
        change(order);
        if let Ok(next) = order.status.apply(event, order.filled.is_positive()) {
            order.status = next;
        }
        if !order.status.is_terminal() {
            if event != OrderEvent::CancelRequested && event != OrderEvent::AmendRequested {
                self.reserve_remaining(id);
            }
        } else {
            self.finish(time, id);
        }
    }

    /// Reserves what may still fill: the remaining size, or that of an amendment under way when it
    /// is larger, at the dearer price.
    fn reserve_remaining(&mut self, id: ClientOrderId) {
        let Some(slot) = self.strategies.get(id.strategy.index()) else {
            return;
        };
        let Some(known) = slot.orders.get(&id.number) else {
            return;
        };
        let order = &known.order;
        let (mut units, mut price) = (order.remaining().units(), order.request.price);
        if let Some(amend) = known.amending {
            units = units.max(amend.quantity.units().saturating_sub(order.filled.units()));
            price = price.max(amend.price);
        }
        let spec = self.config.instrument(order.request.instrument);
        // what does not fit was refused with the order; nothing here may panic on a venue's figure
        let worth = spec
            .and_then(|i| i.notional(price, Quantity::from_units(units)).ok())
            .unwrap_or(known.reserved_notional);
        if let Some(slot) = self.strategies.get_mut(id.strategy.index()) {
            slot.set_reserved(id.number, units, worth);
        }
    }

    fn set_amending(&mut self, id: ClientOrderId, amend: Option<hedgerow_model::Amend>) {
        let slot = self.strategies.get_mut(id.strategy.index());
        if let Some(known) = slot.and_then(|slot| slot.orders.get_mut(&id.number)) {
            known.amending = amend;
        }
        self.reserve_remaining(id);
    }

    /// Releases what a finished order reserved and keeps it for late fills.
    fn finish(&mut self, time: HostTime, id: ClientOrderId) {
        let Some(slot) = self.strategies.get_mut(id.strategy.index()) else {
            return;
        };
        slot.set_reserved(id.number, 0, Decimal::ZERO);
        let Some(known) = slot.orders.remove(&id.number) else {
            return;
        };
        slot.finished.insert(id.number, known.order);
        self.tombstones.push_back((time, id));
        while let Some((fell, old)) = self.tombstones.front().copied() {
            if time.since(fell) <= TOMBSTONE {
                break;
            }
            self.tombstones.pop_front();
            let gone = self
                .strategies
                .get_mut(old.strategy.index())
                .and_then(|slot| slot.finished.remove(&old.number));
            if let Some(order) = gone {
                self.by_wire.remove(&(order.account, order.wire));
            }
        }
    }

    fn apply_fill(&mut self, time: HostTime, fact: &Fact) {
        let Fact::Fill { id, quantity, .. } = fact else {
            return;
        };
        self.book_fill(fact);
        let grow = |order: &mut Order| {
            order.filled = order.filled.checked_add(*quantity).unwrap_or(order.filled);
        };
        let left = self
            .strategies
            .get(id.strategy.index())
            .and_then(|slot| {
                let live = slot.orders.get(&id.number).map(|known| &known.order);
                live.or_else(|| slot.finished.get(&id.number))
            })
            .map_or(Quantity::ZERO, Order::remaining);
        let event = if *quantity >= left { OrderEvent::FinalFill } else { OrderEvent::PartialFill };
        self.advance_order(time, *id, event, grow);
    }

    fn book_fill(&mut self, fact: &Fact) {
        let Fact::Fill {
            id, account, instrument, trade, side, price, quantity, fee, happened, ..
        } = fact
        else {
            return;
        };
        let Some(spec) = self.config.instruments.get(instrument.index()) else {
            return;
        };
        let Some(slot) = self.strategies.get_mut(id.strategy.index()) else {
            return;
        };
        let newest = self.last_fill.entry(*account).or_default();
        *newest = (*newest).max(*happened);
        slot.fills = slot.fills.saturating_add(1);
        let Some(holding) = slot.holding_mut(*instrument) else {
            return;
        };
        holding.remember_trade(*happened, *trade, id.number);
        // a fill that does not fit leaves the position as it was; `filled` has stopped the strategy
        if holding.position.book(spec, *side, *price, *quantity, *fee).is_ok() {
            self.exposure.update(id.strategy, spec, &holding.position);
            let what = (*price, *quantity, *fee);
            self.count_for_plan(*id, (*instrument, *side), what);
        }
    }

    fn apply_funding(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        settlement: VenueTime,
        amount: Decimal,
    ) {
        let seen = self.funding_seen.entry((account, instrument)).or_default();
        seen.insert(settlement);
        if seen.len() > SETTLEMENTS {
            seen.pop_first();
        }
        let Some(spec) = self.config.instruments.get(instrument.index()) else {
            return;
        };
        for (index, slot) in self.strategies.iter_mut().enumerate() {
            let holding = slot.holding_mut(instrument);
            let Some(holding) = holding.filter(|holding| holding.account == account) else {
                continue;
            };
            let Some(funding) = holding.position.funding.checked_add(amount) else {
                continue;
            };
            holding.position.funding = funding;
            holding.funding = Some(FundingNotice { instrument, amount, settlement });
            if let Ok(index) = u32::try_from(index) {
                let strategy = StrategyId(index);
                self.exposure.update(strategy, spec, &holding.position);
            }
        }
    }

    pub(crate) fn is_new_funding(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        settlement: VenueTime,
    ) -> bool {
        let Some(seen) = self.funding_seen.get(&(account, instrument)) else { return true };
        // what is older than all that is remembered was booked long ago
        let old =
            seen.len() >= SETTLEMENTS && seen.first().is_some_and(|oldest| settlement < *oldest);
        !old && !seen.contains(&settlement)
    }
}
