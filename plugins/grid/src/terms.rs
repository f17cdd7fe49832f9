//! What the venue accepts has changed: levels that wait are laid on its steps of now.

use crate::Grid;
use crate::level::{Level, LevelState};
use hedgerow_sdk::model::Rounding;

impl Grid {
    /// Levels with nothing open, on the steps of now: a quantity in whole lots, down; a price away
    /// from the market. What rests stays as it is, and is laid when it waits again.
    pub(crate) fn lay_waiting(&mut self) {
        if !self.relays {
            return;
        }
        let spec = &self.market.spec;
        for level in self.state.levels.iter_mut().filter(|level| is_waiting(level)) {
            let lots = spec.quantity(level.quantity);
            let fits = spec.is_whole_lots(level.quantity);
            if let Some(down) =
                spec.round_quantity(lots, Rounding::TowardZero).ok().filter(|_| !fits)
            {
                level.quantity = down;
            }
            if let Ok(price) = spec.round_price(level.price, level.side().passive_rounding()) {
                level.price = price;
            }
        }
    }

    /// Whether an order of a level is one that the venue takes.
    pub(crate) fn is_enough(&self, level: &Level) -> bool {
        let spec = &self.market.spec;
        let worth = spec.notional(level.price, level.quantity).ok();
        let least = spec.min_notional.unwrap_or_default();
        level.quantity >= spec.min_quantity && worth.is_some_and(|worth| worth >= least)
    }

    /// How many levels that wait are too small for the venue of now: they open nothing.
    pub(crate) fn too_small(&self) -> usize {
        let small = |level: &&Level| is_waiting(level) && !self.is_enough(level);
        self.state.levels.iter().filter(small).count()
    }
}

fn is_waiting(level: &Level) -> bool {
    level.state == LevelState::Idle && !level.adopted && level.held() == 0
}
