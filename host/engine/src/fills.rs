//! Fills: from the venue's report to the ledger, once each.

use crate::{Effects, Engine};
use hedgerow_model::{
    ClientOrderId, Event, Fact, FillNotice, HostTime, OrderStatus, PLAN_ORDERS, Position, Quantity,
    VenueEvent, VenueReport,
};

impl Engine {
    /// Whether a fill can be booked exactly.
    fn fits_ledger(&self, position: &Position, event: &VenueEvent) -> bool {
        let VenueReport::Fill { wire, instrument, price, quantity, fee, .. } = event.report else {
            return false;
        };
        let known = self.by_wire.get(&(event.account, wire)).and_then(|id| self.any_order(*id));
        let side = known.map(|order| order.request.side);
        let spec = self.config.instrument(instrument);
        let mut after = position.clone();
        spec.zip(side)
            .is_some_and(|(spec, side)| after.book(spec, side, price, quantity, fee).is_ok())
    }

    /// What is odd about a fill is reported; what cannot be booked stops the strategy.
    fn question_fill(
        &mut self,
        event: &VenueEvent,
        id: ClientOrderId,
        left: Quantity,
        fits: bool,
        effects: &mut Effects,
    ) {
        let (now, account) = (event.received, event.account);
        if !fits {
            let detail = format!("a fill of {id} does not fit the ledger: {:?}", event.report);
            self.record(now, Fact::Discrepancy { account, detail }, effects);
            self.stop_strategy(now, id.strategy, "a fill does not fit the ledger", effects);
        }
        if let VenueReport::Fill { quantity, .. } = event.report
            && quantity > left
        {
            let detail = format!("order {id} filled {quantity} of {left} left");
            self.record(now, Fact::Discrepancy { account, detail }, effects);
        }
    }

    pub(crate) fn filled(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let VenueReport::Fill { wire, trade, instrument, price, quantity, liquidity, fee } =
            event.report
        else {
            return;
        };
        let (now, account) = (event.received, event.account);
        let Some(id) = self.find(event, wire, effects) else {
            return;
        };
        let happened = event.happened;
        let slot = self.strategies.get(id.strategy.index());
        let ordered = self.any_order(id).map(|order| order.request.instrument);
        let holding = slot.and_then(|slot| slot.holding(instrument));
        let (Some(holding), true) = (holding, ordered == Some(instrument)) else {
            let detail = format!("a fill of {id} in what it did not order: {:?}", event.report);
            self.record(now, Fact::Discrepancy { account, detail }, effects);
            self.stop_strategy(now, id.strategy, "a fill in what was not ordered", effects);
            return;
        };
        if holding.has_trade(happened, trade, id.number) {
            return; // booked before
        }
        if !price.is_positive() || !quantity.is_positive() {
            self.question_fill(event, id, Quantity::from_units(i64::MAX), false, effects);
            return;
        }
        let fits = self.fits_ledger(&holding.position, event);
        let Some(order) = self.any_order(id) else {
            return;
        };
        let (side, is_over) = (order.request.side, order.status.is_terminal());
        let traded = slot.and_then(|slot| slot.traded.get(&id.number));
        let replaced =
            traded.map_or(0, |traded| traded.replaced_by(quantity.units(), happened, is_over));
        let left = Quantity::from_units(self.may_fill(id).units().saturating_add(replaced));
        if traded.is_some_and(|traded| traded.vanished) {
            let detail = format!("order {id} was taken to be gone and has filled: {quantity}");
            self.record(now, Fact::Discrepancy { account, detail }, effects);
        }
        self.question_fill(event, id, left, fits, effects);
        let fact = Fact::Fill {
            id,
            account,
            instrument,
            trade,
            side,
            price,
            quantity,
            liquidity,
            fee,
            happened,
            inferred: false,
            replaces: Quantity::from_units(replaced),
        };
        self.book(now, fact, effects);
    }

    /// Journals a fill, real or inferred, and tells of it.
    pub(crate) fn book(&mut self, now: HostTime, fact: Fact, effects: &mut Effects) {
        let Fact::Fill {
            id,
            instrument,
            trade,
            side,
            price,
            quantity,
            liquidity,
            fee,
            replaces,
            account,
            ..
        } = fact
        else {
            return;
        };
        self.note_rates(now, instrument, fee.asset, effects);
        let before = self.any_order(id).map(|order| order.status);
        self.record(now, fact, effects);
        self.close_what_came_late(now, (id.strategy, instrument), effects);
        let position = self
            .strategies
            .get(id.strategy.index())
            .map(|slot| slot.position(instrument))
            .unwrap_or_default();
        let more = Quantity::from_units(quantity.units().saturating_sub(replaces.units()));
        if more.is_positive() {
            let notice = FillNotice {
                number: id.number,
                instrument,
                side,
                price,
                quantity: more,
                liquidity,
                fee,
                trade,
                position,
            };
            self.deliver(id.strategy, now, Event::Fill(notice), effects);
        }
        if replaces.is_positive() {
            self.tell_position(now, id.strategy, instrument, effects);
        }
        self.claim_met(id);
        match before.filter(|_| !more.is_positive()) {
            Some(before) => self.tell_change(now, (id, before), 0, effects),
            None => self.tell_order(now, id, 0, effects),
        }
        if self.truth.unknown.contains_key(&(account, instrument)) && self.is_reconciled(account) {
            // the difference may have been this very fill: nobody is to adopt what it was
            self.ask(now, account, 1, effects);
        }
        self.guard(now, id.strategy, effects);
        self.note_peak(now, id.strategy, effects);
        self.guard_host(now, effects);
    }

    /// Tells of an order, but for one that was over before and of which nothing more has filled:
    /// its strategy knows that.
    pub(crate) fn tell_change(
        &mut self,
        now: HostTime,
        (id, before): (ClientOrderId, OrderStatus),
        reason: u32,
        effects: &mut Effects,
    ) {
        let own = id.number < PLAN_ORDERS;
        let over = self.any_order(id).is_some_and(|order| order.status.is_terminal());
        if !(own && over && before.is_terminal()) {
            self.tell_order(now, id, reason, effects);
        }
    }
}
