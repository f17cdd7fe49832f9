//! Fills, as their facts fold: each into the position, its order and its plan, once. The real one
//! of what was inferred corrects what that was worth; the quantity was counted before.

use crate::Engine;
use crate::strategy::InferredFill;
use hedgerow_model::{Decimal, Entry, Fact, HostTime, Order, OrderEvent, Quantity};

impl Engine {
    pub(super) fn apply_fill(&mut self, time: HostTime, fact: &Fact) {
        let Fact::Fill { id, quantity, replaces, .. } = fact else {
            return;
        };
        self.book_fill(time, fact);
        let more = quantity.units().saturating_sub(replaces.units());
        let grow = |order: &mut Order| {
            let filled = order.filled.units().saturating_add(more);
            order.filled = Quantity::from_units(filled);
        };
        let left = self.may_fill(*id).units();
        let event = if more >= left { OrderEvent::FinalFill } else { OrderEvent::PartialFill };
        self.advance_order(time, *id, event, grow);
        // the last fill of an order that its venue has ended
        let slot = self.strategies.get(id.strategy.index());
        let known = slot.and_then(|slot| slot.orders.get(&id.number));
        let ending = known.and_then(|known| Some((known.ending?, known.order.filled)));
        if let Some(((event, wanted), filled)) = ending
            && filled >= wanted
        {
            self.advance_order(time, *id, event, |_| {});
        }
    }

    fn book_fill(&mut self, time: HostTime, fact: &Fact) {
        let Fact::Fill { id, account, instrument, trade, happened, inferred, .. } = fact else {
            return;
        };
        if !inferred {
            let newest = self.last_fill.entry(*account).or_default();
            *newest = (*newest).max(*happened);
        }
        let Some(slot) = self.strategies.get_mut(id.strategy.index()) else {
            return;
        };
        slot.fills = slot.fills.saturating_add(1);
        slot.cancels.count_fill(self.now, *account);
        let Some(holding) = slot.holding_mut(*instrument) else {
            return;
        };
        holding.remember_trade(*happened, *trade, id.number);
        self.book_value(time, fact);
    }

    fn book_value(&mut self, time: HostTime, fact: &Fact) {
        let Fact::Fill {
            id,
            account,
            instrument,
            side,
            price,
            quantity,
            fee,
            happened,
            inferred,
            replaces,
            ..
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
        let new = Quantity::from_units(quantity.units().saturating_sub(replaces.units()));
        let traded = slot.traded.entry(id.number).or_default();
        let worth = |quantity| spec.value(*price, quantity).unwrap_or_default();
        traded.value = traded.value.saturating_add(worth(new));
        if *inferred {
            let known = traded.inferred.take();
            let (units, value) =
                known.map_or((0, Decimal::ZERO), |known| (known.units, known.value));
            let units = units.saturating_add(new.units());
            let value = value.saturating_add(worth(new));
            traded.inferred = Some(InferredFill { units, value, happened: *happened });
        }
        let corrected = traded.replace(*replaces, worth(*replaces));
        let Some(holding) = slot.holding_mut(*instrument) else {
            return;
        };
        // a fill that does not fit leaves the position as it was; `filled` has stopped the strategy
        let (what, rates) = ((*side, *price, new), &self.rates);
        if holding.earned.fill(&mut holding.position, spec, what, *fee, rates).is_err() {
            return;
        }
        let realised = holding.position.realised;
        if holding.position.correct(spec, (*side, *replaces), corrected).is_ok() {
            let gain = holding.position.realised - realised;
            holding.earned.enter(&spec.settle, Entry::Price, gain, &self.rates);
        }
        self.exposure.update(id.strategy, spec, &holding.position);
        self.count_for_plan(time, *id, (*instrument, *side), (*price, new, *fee));
        self.count_for_pair(time, *id, *instrument, (what, *fee));
        self.trim_pairs(time, (id.strategy, *account, *instrument), *price, (new, *fee));
        self.correct_for_plan(*id, *side, corrected);
        self.correct_for_pair(*id, *instrument, (*side, *replaces, corrected));
    }
}
