//! Trades that a venue makes with a position of ours by itself: liquidation, deleveraging. They are
//! booked like fills, once each, of no order; the strategy is told, a guard trips, and the journal
//! has a discrepancy for people.

use crate::expiry::part_of_fee;
use crate::{Effects, Engine, GuardAction};
use hedgerow_model::{
    Event, Fact, ForcedKind, Guard, GuardKey, HostTime, PositionUpdate, Scope, VenueEvent,
    VenueReport,
};

/// In the place of an order's number in the key of a trade: there is no such order.
const NO_ORDER: u64 = u64::MAX;

impl Engine {
    pub(crate) fn forced(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let VenueReport::Forced { kind, trade, instrument, side, price, quantity, fee } =
            event.report
        else {
            return;
        };
        let (now, account, happened) = (event.received, event.account, event.happened);
        let owner = self.owners(account, instrument).first().copied();
        let Some(strategy) = owner else {
            let detail = format!("the venue traded what is nobody's here: {:?}", event.report);
            self.record(now, Fact::Discrepancy { account, detail }, effects);
            return;
        };
        let slot = self.strategies.get(strategy.index());
        let Some(holding) = slot.and_then(|slot| slot.holding(instrument)) else { return };
        if holding.has_trade(happened, trade, NO_ORDER) {
            return; // booked before
        }
        let (own, left) = self.own_part((strategy, account, instrument), (side, quantity));
        if own.is_zero() && left.is_some() {
            // nothing of it is the strategy's, and the account is liquidated all the same
            self.tell_forced(event, strategy, effects);
            return self.read_again(now, account, Vec::new());
        }
        let (quantity, fee) = (own, part_of_fee(fee, own, quantity));
        let mut after = holding.position.clone();
        let spec = self.config.instrument(instrument);
        let sound = price.is_positive() && quantity.is_positive();
        let fits = spec.is_some_and(|spec| after.book(spec, side, price, quantity, fee).is_ok());
        if !sound || !fits {
            let detail = format!("a forced trade does not fit the ledger: {:?}", event.report);
            self.record(now, Fact::Discrepancy { account, detail }, effects);
            self.stop_strategy(now, strategy, "a forced trade does not fit the ledger", effects);
            return;
        }
        let fact = Fact::Forced {
            kind,
            strategy,
            account,
            instrument,
            trade,
            side,
            price,
            quantity,
            fee,
            happened,
        };
        self.note_rates(now, instrument, fee.asset, effects);
        self.record(now, fact, effects);
        if let Some(quantity) = left {
            self.record(now, Fact::Ignored { account, instrument, quantity }, effects);
        }
        self.tell_forced(event, strategy, effects);
        self.recap(now, (strategy, instrument), effects);
        self.guard(now, strategy, effects);
        self.note_peak(now, strategy, effects);
        self.guard_host(now, effects);
    }

    fn tell_forced(
        &mut self,
        event: &VenueEvent,
        strategy: hedgerow_model::StrategyId,
        effects: &mut Effects,
    ) {
        let VenueReport::Forced { kind, instrument, side, price, quantity, .. } = event.report
        else {
            return;
        };
        let (now, account) = (event.received, event.account);
        let Some(spec) = self.config.instrument(instrument) else { return };
        let verb = match kind {
            ForcedKind::Liquidation => "liquidated",
            ForcedKind::Deleveraging => "deleveraged",
        };
        let (name, of) = (self.name(spec), spec.quantity(quantity).normalize());
        let at = spec.price(price).normalize();
        let detail = format!("{name}: the venue {verb} a position: {side:?} {of} at {at}");
        let slot = self.strategies.get(strategy.index());
        let position = slot.and_then(|slot| slot.holding(instrument)).map(|h| &h.position);
        let update = position.map(|position| PositionUpdate {
            instrument,
            quantity: position.quantity,
            entry: position.entry(spec).unwrap_or_default(),
        });
        let said = Fact::Discrepancy { account, detail: detail.clone() };
        self.record(now, said, effects);
        if let Some(update) = update {
            self.deliver(strategy, now, Event::Position(update), effects);
        }
        let guards = self.config.accounts.get(account.index()).map(|known| &known.guards);
        let action = guards.map_or(GuardAction::Halt, |guards| guards.liquidated_action);
        let scope = Scope::Account(account);
        let key = GuardKey { guard: Guard::Liquidated, scope, of: vec![instrument] };
        if action == GuardAction::Alert {
            // nothing stopped, so nobody releases it: each is told
            self.rest(now, &key, "it happened again", effects);
        }
        self.trip(now, &key, action, detail, effects);
    }

    pub(crate) fn apply_forced(&mut self, time: HostTime, fact: &Fact) {
        let Fact::Forced {
            strategy,
            account,
            instrument,
            trade,
            side,
            price,
            quantity,
            fee,
            happened,
            ..
        } = fact
        else {
            return;
        };
        let newest = self.last_fill.entry(*account).or_default();
        *newest = (*newest).max(*happened);
        let Some(spec) = self.config.instruments.get(instrument.index()) else { return };
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        let Some(holding) = slot.holding_mut(*instrument) else { return };
        holding.remember_trade(*happened, *trade, NO_ORDER);
        let what = (*side, *price, *quantity);
        let booked = holding.earned.fill(&mut holding.position, spec, what, *fee, &self.rates);
        if booked.is_ok() {
            self.exposure.update(*strategy, spec, &holding.position);
            let whose = (*strategy, *account, *instrument);
            self.trim_pairs(time, whose, *price, (*quantity, *fee));
        }
    }
}
