//! Positions that are not the venue's: an operator says whose the difference is. Until then the
//! strategy may only cancel.

use crate::{Effects, Engine};
use hedgerow_model::{
    Entry, Event, Fact, FeeAsset, HostTime, InstrumentId, PositionUpdate, Price, Quantity,
    StrategyId,
};

impl Engine {
    fn differing_of(&self, strategy: StrategyId) -> Vec<(InstrumentId, Quantity)> {
        let own = self.differs.iter().filter(|((whose, _), _)| *whose == strategy);
        own.map(|((_, instrument), theirs)| (*instrument, *theirs)).collect()
    }

    /// The ledger takes the venue's positions over, at the mark.
    pub(crate) fn adopt(&mut self, now: HostTime, strategy: StrategyId, effects: &mut Effects) {
        for (instrument, quantity) in self.differing_of(strategy) {
            let marked = self.markets.get(instrument).and_then(|market| market.mark_doubled);
            let Some(price) = marked.map(|doubled| Price::from_units(doubled / 2)) else {
                let command = format!("position in {instrument} not adopted");
                let reason = "there is no mark to value it at".into();
                self.record(now, Fact::Operator { command, reason }, effects);
                continue;
            };
            self.note_rates(now, instrument, FeeAsset::Settle, effects);
            let fact = Fact::Adopted { strategy, instrument, quantity, price };
            self.record(now, fact, effects);
            self.differs.remove(&(strategy, instrument));
            self.tell_position(now, strategy, instrument, effects);
            self.guard(now, strategy, effects);
        }
    }

    /// The difference is somebody else's.
    pub(crate) fn ignore(&mut self, now: HostTime, strategy: StrategyId, effects: &mut Effects) {
        for (instrument, theirs) in self.differing_of(strategy) {
            let slot = self.strategies.get(strategy.index());
            let Some(holding) = slot.and_then(|slot| slot.holding(instrument)) else { continue };
            // `theirs` has what was ignored before taken off already
            let more = theirs.units().saturating_sub(holding.position.quantity.units());
            let quantity = Quantity::from_units(holding.external.saturating_add(more));
            self.record(now, Fact::Ignored { strategy, instrument, quantity }, effects);
            self.differs.remove(&(strategy, instrument));
        }
    }

    /// Folds what an operator said of a difference.
    pub(crate) fn apply_settled(&mut self, fact: &Fact) {
        self.odd = (0, String::new());
        match fact {
            Fact::Adopted { strategy, instrument, quantity, price } => {
                self.apply_adopted(*strategy, *instrument, (*quantity, *price));
            }
            Fact::Ignored { strategy, instrument, quantity } => {
                let slot = self.strategies.get_mut(strategy.index());
                if let Some(holding) = slot.and_then(|slot| slot.holding_mut(*instrument)) {
                    holding.external = quantity.units();
                }
            }
            _ => {}
        }
    }

    fn apply_adopted(
        &mut self,
        strategy: StrategyId,
        instrument: InstrumentId,
        (quantity, price): (Quantity, Price),
    ) {
        let Some(spec) = self.config.instruments.get(instrument.index()) else { return };
        let slot = self.strategies.get_mut(strategy.index());
        let Some(holding) = slot.and_then(|slot| slot.holding_mut(instrument)) else { return };
        let realised = holding.position.realised;
        if holding.position.adopt(spec, quantity, price).is_ok() {
            let gain = holding.position.realised - realised;
            holding.earned.enter(&spec.settle, Entry::Price, gain, &self.rates);
            self.exposure.update(strategy, spec, &holding.position);
        }
    }

    fn tell_position(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        instrument: InstrumentId,
        effects: &mut Effects,
    ) {
        let slot = self.strategies.get(strategy.index());
        let spec = self.config.instrument(instrument);
        let told = slot.and_then(|slot| slot.holding(instrument)).zip(spec).map(|(held, spec)| {
            let entry = held.position.entry(spec).unwrap_or_default();
            PositionUpdate { instrument, quantity: held.position.quantity, entry }
        });
        if let Some(update) = told {
            self.deliver(strategy, now, Event::Position(update), effects);
        }
    }
}
