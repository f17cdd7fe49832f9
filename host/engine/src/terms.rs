//! What a venue accepts may change while it trades: the steps of prices and quantities, and the
//! smallest and largest order.
//!
//! What rests keeps its price and size: venues let it, and one that does not tells how it ended.
//! Whatever is sent from then on is judged by the new terms, amendments too; plans round to them,
//! toward giving less. Scales, kind and multiplier never change: another of those is another
//! instrument. Half of a lot that was once whole may stay behind: a difference to the venue is one
//! from the finest lot on that there was.

use crate::{Effects, Engine};
use hedgerow_model::{
    Event, Fact, Instrument, InstrumentId, Price, Quantity, Side, StrategyId, VenueEvent,
    VenueReport,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Instruments before anything changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    /// As the config gave them.
    instruments: Vec<Instrument>,
    /// Of those whose terms changed, the finest lot that there was.
    finest_lots: BTreeMap<InstrumentId, Quantity>,
}

impl Given {
    pub(crate) fn of(instruments: &[Instrument]) -> Self {
        Self { instruments: instruments.to_vec(), finest_lots: BTreeMap::new() }
    }

    /// Whether the config said the same.
    pub(crate) fn is_of_the_same(&self, other: &Self) -> bool {
        self.instruments == other.instruments
    }
}

impl Engine {
    /// A venue tells its terms: when an account is asked about, and when they change.
    pub(crate) fn on_terms(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let VenueReport::Terms { instrument, terms } = &event.report else { return };
        let (now, id, account) = (event.received, *instrument, event.account);
        let known = self.config.instrument(id);
        let known = known.filter(|spec| spec.venue == event.venue);
        let changed = known.map(|spec| spec.clone().with_terms(*terms));
        let Some(changed) = changed.filter(|spec| spec.check().is_empty()) else {
            let detail = format!("terms that cannot be, of instrument {id}: {terms:?}");
            return self.record(now, Fact::Discrepancy { account, detail }, effects);
        };
        // several sessions tell the same, and not in one order
        let newest = self.truth.terms_at.entry(id).or_insert(event.happened);
        if event.happened < *newest {
            return;
        }
        *newest = event.happened;
        if known == Some(&changed) {
            return;
        }
        self.record(now, Fact::Instrument(Box::new(changed.clone())), effects);
        let sees =
            |id: &StrategyId| self.strategies.get(id.index()).is_some_and(|s| s.sees(changed.id));
        let all = (0_u32..).map(StrategyId).take(self.strategies.len());
        for strategy in all.filter(sees).collect::<Vec<_>>() {
            self.deliver(strategy, now, Event::Instrument(changed.clone()), effects);
        }
        for key in self.plans.live(|slot| slot.trades(id)) {
            self.plan_goes_on(now, key, effects);
        }
    }

    /// Folds it. Only the terms: an operator who corrects the rest in the config is not
    /// contradicted by facts of before.
    pub(crate) fn apply_terms(&mut self, told: &Instrument) {
        let id = told.id;
        let Some(spec) = self.config.instruments.get_mut(id.index()) else { return };
        let same = spec.kind == told.kind
            && (spec.price_scale, spec.quantity_scale) == (told.price_scale, told.quantity_scale)
            && spec.multiplier == told.multiplier;
        if !same {
            return;
        }
        let before = spec.lot;
        *spec = spec.clone().with_terms(told.terms());
        let finest = self.given.finest_lots.entry(id).or_insert(before);
        *finest = (*finest).min(before).min(told.lot);
    }

    /// The finest step that a position of it may have come in: nothing below it is a difference.
    pub(crate) fn finest_lot(&self, id: InstrumentId) -> i64 {
        let now = self.config.instrument(id).map_or(1, |spec| spec.lot.units());
        self.given.finest_lots.get(&id).map_or(now, |finest| finest.units().min(now)).max(1)
    }

    /// Instruments that are not as a strategy was started with: a new instance hears of them.
    pub(crate) fn terms_now(&self, strategy: StrategyId) -> Vec<Event> {
        let Some(slot) = self.strategies.get(strategy.index()) else { return Vec::new() };
        let pairs = self.config.instruments.iter().zip(&self.given.instruments);
        let changed = pairs.filter(|(now, given)| now != given && slot.sees(now.id));
        changed.map(|(now, _)| Event::Instrument(now.clone())).collect()
    }
}

/// An order of a plan on the grid of now, giving no more than before: prices of plans come from
/// books and bounds that may be older than the grid, and what is to be closed may be more than the
/// largest order of now.
pub(crate) fn on_grid(
    spec: &Instrument,
    side: Side,
    (price, quantity): (Price, Quantity),
) -> (Price, Quantity) {
    let fits = spec.grid.accepts(price, spec.price_scale);
    let rounded = (!fits).then(|| spec.round_price(price, side.passive_rounding()).ok()).flatten();
    let most = spec.max_quantity.map_or(quantity, |most| quantity.min(most));
    (rounded.unwrap_or(price), whole_lots_of(spec, most))
}

/// A quantity in whole lots, toward zero.
pub(crate) fn whole_lots_of(spec: &Instrument, quantity: Quantity) -> Quantity {
    let over = quantity.units().checked_rem(spec.lot.units()).unwrap_or(0);
    Quantity::from_units(quantity.units().saturating_sub(over))
}
