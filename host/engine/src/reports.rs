//! What venues report, market data and wake-ups: from input to fact to event.

use crate::{Effects, Engine};
use hedgerow_model::{
    AccountId, BalanceUpdate, ClientOrderId, Event, Fact, FeeAsset, FundingNotice, HostTime,
    InstrumentId, MarketStatus, Order, OrderEvent, OrderFact, OrderUpdate, PLAN_ORDERS, Price,
    Quantity, StrategyId, Tick, TickKind, VenueEvent, VenueOrderId, VenueRejection, VenueReport,
    VenueStatus, WireId,
};

impl Engine {
    pub(crate) fn on_market(&mut self, ticks: &[Tick], effects: &mut Effects) {
        for tick in ticks {
            let id = InstrumentId(tick.instrument);
            let Some(market) = self.markets.get_mut(id) else {
                continue;
            };
            let change = market.apply(tick);
            // late data never turns time back
            self.now = self.now.max(HostTime::from_nanos(tick.recv_ts));
            let now = self.now;
            if let Some(status) = change.status {
                self.market_status(now, id, status, effects);
            }
            if let Some(status) = change.quotes {
                self.quote_status(now, id, status, effects);
            }
            if let Some(doubled) = change.mark {
                self.guard_mark(now, (id, doubled), effects);
                self.sight_mark(now, id, effects);
            }
            if tick.kind == TickKind::Funding.code() && self.sights.looks_at_funding(id) {
                self.guard_funding(now, id, effects);
            }
            if self.moves_plans(id, tick) {
                self.watchers_look(now, id, effects);
            }
            if self.config.tick_credit.is_some() {
                self.hand_out(now, tick, effects);
            }
        }
    }

    fn market_status(
        &mut self,
        now: HostTime,
        instrument: InstrumentId,
        status: MarketStatus,
        effects: &mut Effects,
    ) {
        self.record(now, Fact::Market { instrument, status }, effects);
        let all = (0_u32..).map(StrategyId).zip(&self.strategies);
        let concerned = all.filter(|(_, slot)| slot.sees(instrument)).map(|(id, _)| id);
        for strategy in concerned.collect::<Vec<_>>() {
            self.deliver(strategy, now, Event::Market { instrument, status }, effects);
        }
    }

    /// Quotes have ended, or came back, while the book goes on: told to those who read them.
    fn quote_status(
        &mut self,
        now: HostTime,
        instrument: InstrumentId,
        status: MarketStatus,
        effects: &mut Effects,
    ) {
        let (kind, id) = (TickKind::Quote.code(), instrument.0);
        let quote = Tick { instrument: id, kind, ..Tick::default() };
        let all = (0_u32..).map(StrategyId).zip(&self.strategies);
        let reads = all.filter(|(_, slot)| slot.interest.wants(&quote)).map(|(id, _)| id);
        for strategy in reads.collect::<Vec<_>>() {
            self.deliver(strategy, now, Event::Market { instrument, status }, effects);
        }
    }

    pub(crate) fn on_wake(&mut self, now: HostTime, effects: &mut Effects) {
        for instrument in self.markets.grow_stale(now) {
            self.market_status(now, instrument, MarketStatus::Stale, effects);
            self.watchers_look(now, instrument, effects);
        }
        self.ask_again(now, effects);
        self.begin_days(now, effects);
        self.guard_unhedged(now, effects);
        self.duty_due(now);
        self.doubts_due(now, effects);
        self.cancels_due(now, effects);
        self.checks_due(now, effects);
        self.go_on_reconciling(now, effects);
        for key in self.plans.due(now) {
            self.plan_goes_on(now, key, effects);
        }
        while let Some((strategy, id)) = self.timers.due(now) {
            self.record(now, Fact::TimerEnded { strategy, id, fired: true }, effects);
            self.deliver_timer(strategy, now, id, effects);
        }
    }

    pub(crate) fn order(&self, strategy: StrategyId, number: u64) -> Option<&Order> {
        self.strategies.get(strategy.index())?.orders.get(&number).map(|known| &known.order)
    }

    /// A live order, or a finished one that is still remembered.
    pub(crate) fn any_order(&self, id: ClientOrderId) -> Option<&Order> {
        let slot = self.strategies.get(id.strategy.index())?;
        let live = slot.orders.get(&id.number).map(|known| &known.order);
        live.or_else(|| slot.finished.get(&id.number))
    }

    pub(crate) fn on_report(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let (now, account) = (event.received, event.account);
        match &event.report {
            VenueReport::Balance { asset, total, available } => {
                let (total, available) = (*total, *available);
                let fact = Fact::Balance { account, asset: asset.clone(), total, available };
                self.record(now, fact, effects);
                let update = BalanceUpdate { account, asset: asset.clone(), total, available };
                for strategy in self.on_account(account) {
                    self.deliver(strategy, now, Event::Balance(update.clone()), effects);
                }
            }
            VenueReport::Leverage { .. } => self.on_leverage(event, effects),
            VenueReport::FundingPayment { .. } => self.funded(event, effects),
            VenueReport::Interest { .. } => self.interest_charged(event, effects),
            VenueReport::BorrowRate { .. } => self.borrow_rate(event, effects),
            VenueReport::Margin { .. }
            | VenueReport::LiquidationPrice { .. }
            | VenueReport::Brackets { .. } => self.on_margin(event, effects),
            VenueReport::Terms { .. } => self.on_terms(event, effects),
            VenueReport::PositionMode { mode } => self.on_position_mode(event, *mode),
            VenueReport::Forced { .. } => self.forced(event, effects),
            VenueReport::Delivered { .. } => self.on_delivered(event, effects),
            VenueReport::Up => {
                self.venue_reached(account, event.venue, true);
                self.begin_reconcile(event, effects);
                self.venue_status(event, VenueStatus::Up, effects);
            }
            VenueReport::Down => {
                self.lose_reconcile(account);
                self.venue_reached(account, event.venue, false);
                self.venue_status(event, VenueStatus::Down, effects);
            }
            VenueReport::OpenOrder { .. }
            | VenueReport::ForeignOrder { .. }
            | VenueReport::Position { .. }
            | VenueReport::Reconciled { .. } => self.on_answer(event, effects),
            VenueReport::OrderState { .. } => self.on_order_state(event, effects),
            VenueReport::TradesTold { .. } => self.trades_told(event, effects),
            VenueReport::QueryFailed { nonce } => self.query_failed(event, *nonce),
            VenueReport::RateLimited { .. } | VenueReport::RateUsed { .. } => self.limited(event),
            _ => self.on_order_report(event, effects),
        }
        self.go_on_reconciling(now, effects);
    }

    /// What a venue says of one order.
    fn on_order_report(&mut self, event: &VenueEvent, effects: &mut Effects) {
        match &event.report {
            VenueReport::Accepted { wire, order } => {
                self.moved(event, *wire, OrderEvent::Accepted, Some(*order), None, effects);
            }
            VenueReport::Rejected { wire, reason: VenueRejection::DuplicateId } => {
                // it says that the one before it was taken; what became of that, a question tells
                self.in_doubt(event, *wire, effects);
            }
            VenueReport::Rejected { wire, reason } => {
                self.moved(event, *wire, OrderEvent::Rejected, None, Some(*reason), effects);
                // of one that is taken to live it is a contradiction, which a question settles
                let id = self.by_wire.get(&(event.account, *wire));
                if id.is_some_and(|id| self.order(id.strategy, id.number).is_some()) {
                    self.in_doubt(event, *wire, effects);
                }
            }
            VenueReport::Fill { .. } => self.filled(event, effects),
            VenueReport::Canceled { wire, filled } => {
                self.ended(event, *wire, (OrderEvent::Canceled, *filled), effects);
            }
            // proof of nothing: it may have filled, or not have come yet
            VenueReport::CancelRejected { wire, reason: VenueRejection::UnknownOrder } => {
                self.in_doubt(event, *wire, effects);
            }
            VenueReport::CancelRejected { wire, reason } => {
                let moved = OrderEvent::CancelRejected;
                self.moved(event, *wire, moved, None, Some(*reason), effects);
            }
            VenueReport::Amended { wire, price, quantity } => {
                self.amended(event, *wire, (*price, *quantity), effects);
            }
            VenueReport::AmendRejected { wire, reason } => {
                let moved = OrderEvent::AmendRejected;
                self.moved(event, *wire, moved, None, Some(*reason), effects);
                if *reason == VenueRejection::UnknownOrder {
                    self.in_doubt(event, *wire, effects);
                }
            }
            VenueReport::Expired { wire, filled } => {
                self.ended(event, *wire, (OrderEvent::Expired, *filled), effects);
            }
            VenueReport::OutcomeUnknown { wire } => {
                self.moved(event, *wire, OrderEvent::OutcomeUnknown, None, None, effects);
                self.in_doubt(event, *wire, effects);
            }
            _ => {}
        }
    }

    /// What became of an order is not known from what was said: it is asked for.
    fn in_doubt(&mut self, event: &VenueEvent, wire: WireId, effects: &mut Effects) {
        if let Some(id) = self.find(event, wire, effects) {
            self.doubt(event.received, id, effects);
        }
    }

    fn amended(
        &mut self,
        event: &VenueEvent,
        wire: WireId,
        (price, quantity): (Price, Quantity),
        effects: &mut Effects,
    ) {
        let now = event.received;
        let Some(id) = self.find(event, wire, effects) else { return };
        let Some(order) = self.order(id.strategy, id.number) else { return };
        if !self.can_be(order.request.instrument, price, quantity) {
            let account = event.account;
            let detail = format!("order {id} amended to what no order is: {:?}", event.report);
            self.record(now, Fact::Discrepancy { account, detail }, effects);
            self.stop_strategy(now, id.strategy, "an amendment that cannot be", effects);
            return;
        }
        let (key, filled) = ((event.account, wire), order.filled.units());
        if self.truth.stated.get(&key).is_some_and(|(at, ..)| event.happened < *at) {
            return; // told twice, or overtaken: a later change is known
        }
        self.truth.stated.insert(key, (event.happened, filled, 0));
        let fact = OrderFact::Amended { price, quantity };
        self.record(now, Fact::Order { id, fact }, effects);
        self.tell_order(now, id, 0, effects);
    }

    fn funded(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let VenueReport::FundingPayment { instrument, settlement, amount } = event.report else {
            return;
        };
        let (now, account) = (event.received, event.account);
        if !self.is_new_funding(account, instrument, settlement) {
            return;
        }
        let others = self.split_funding(event, effects);
        let own = amount.saturating_sub(others);
        for strategy in self.owners(account, instrument) {
            let slot = self.strategies.get(strategy.index());
            let holding = slot.and_then(|slot| slot.holding(instrument));
            if holding.is_none_or(|holding| holding.position.clone().fund(own).is_ok()) {
                continue;
            }
            let detail = format!("a funding payment does not fit the ledger: {:?}", event.report);
            self.record(now, Fact::Discrepancy { account, detail }, effects);
            let why = "a funding payment does not fit the ledger";
            self.stop_strategy(now, strategy, why, effects);
        }
        self.note_rates(now, instrument, FeeAsset::Settle, effects);
        let fact = Fact::Funding { account, instrument, settlement, amount, others };
        self.record(now, fact, effects);
        for strategy in self.owners(account, instrument) {
            let notice = FundingNotice { instrument, amount: own, settlement };
            self.deliver(strategy, now, Event::FundingPayment(notice), effects);
            self.guard(now, strategy, effects);
            self.note_peak(now, strategy, effects);
        }
        self.guard_host(now, effects);
    }

    fn venue_status(&mut self, event: &VenueEvent, status: VenueStatus, effects: &mut Effects) {
        for strategy in self.on_account(event.account) {
            let told = Event::Venue { venue: event.venue, status };
            self.deliver(strategy, event.received, told, effects);
        }
    }

    pub(crate) fn on_account(&self, account: AccountId) -> Vec<StrategyId> {
        let all = self.strategies.iter().enumerate();
        let on = all.filter(|(_, slot)| slot.accounts().contains(&account));
        on.filter_map(|(index, _)| u32::try_from(index).ok().map(StrategyId)).collect()
    }

    pub(crate) fn owners(&self, account: AccountId, instrument: InstrumentId) -> Vec<StrategyId> {
        let holds = |id: &StrategyId| {
            let slot = self.strategies.get(id.index());
            let holding = slot.and_then(|slot| slot.holding(instrument));
            holding.is_some_and(|holding| holding.account == account)
        };
        self.on_account(account).into_iter().filter(holds).collect()
    }

    /// Our order behind a wire id; one we do not know is a discrepancy, reported and left alone.
    pub(crate) fn find(
        &mut self,
        event: &VenueEvent,
        wire: WireId,
        effects: &mut Effects,
    ) -> Option<ClientOrderId> {
        let found = self.by_wire.get(&(event.account, wire)).copied();
        let next = self.next_wire.get(&event.account).copied().unwrap_or(1);
        let fill = matches!(event.report, VenueReport::Fill { .. });
        // told again of an order that is long over and forgotten; a fill would change what is held
        let forgotten = wire.0 < next && !fill;
        if found.is_none() && !forgotten {
            let detail =
                format!("a report for order {} that is not ours: {:?}", wire.0, event.report);
            let fact = Fact::Discrepancy { account: event.account, detail };
            self.record(event.received, fact, effects);
        }
        found
    }

    pub(crate) fn moved(
        &mut self,
        event: &VenueEvent,
        wire: WireId,
        moved: OrderEvent,
        venue_id: Option<VenueOrderId>,
        reason: Option<VenueRejection>,
        effects: &mut Effects,
    ) {
        let now = event.received;
        let Some(id) = self.find(event, wire, effects) else {
            return;
        };
        let Some(order) = self.any_order(id) else {
            return;
        };
        let before = order.status;
        let Ok(after) = before.apply(moved, order.filled.is_positive()) else {
            // the race of a cancel with a fill, or a repeated message: nothing to change
            if !before.is_terminal() && self.is_reconciled(event.account) {
                let detail = format!("order {id} is {before} and cannot take {moved:?}");
                let fact = Fact::Discrepancy { account: event.account, detail };
                self.record(now, fact, effects);
            }
            return;
        };
        let learnt = venue_id.is_some() && order.venue_id != venue_id;
        let frees = moved == OrderEvent::AmendRejected && self.is_amending(id);
        if after == before && !learnt && !frees {
            return;
        }
        let fact = OrderFact::Moved { event: moved, venue_id, reason };
        self.record(now, Fact::Order { id, fact }, effects);
        self.tell_change(now, (id, before), reason.map_or(0, VenueRejection::code), effects);
        if moved == OrderEvent::CancelRejected {
            self.cancel_refused(now, id, effects);
        }
    }

    fn is_amending(&self, id: ClientOrderId) -> bool {
        let slot = self.strategies.get(id.strategy.index());
        let known = slot.and_then(|slot| slot.orders.get(&id.number));
        known.is_some_and(|known| known.amending.is_some())
    }

    pub(crate) fn tell_order(
        &mut self,
        now: HostTime,
        id: ClientOrderId,
        reason: u32,
        effects: &mut Effects,
    ) {
        if id.number >= PLAN_ORDERS {
            return self.plan_of_order_goes_on(now, id, effects);
        }
        if let Some(order) = self.any_order(id) {
            let update = order_update(order, reason);
            self.deliver(id.strategy, now, Event::Order(update), effects);
        }
    }
}

/// An order as the strategy is told of it.
pub(crate) fn order_update(order: &Order, reason: u32) -> OrderUpdate {
    OrderUpdate {
        number: order.request.number,
        instrument: order.request.instrument,
        side: order.request.side,
        status: order.status,
        price: order.request.price,
        quantity: order.request.quantity,
        filled: order.filled,
        reason,
    }
}
