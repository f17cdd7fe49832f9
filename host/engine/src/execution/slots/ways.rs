//! Which plans are in each other's way.

use super::{PlanKey, Plans, Slot, is_of_host};
use hedgerow_model::{InstrumentId, StrategyId};

impl Plans {
    /// A strategy was restricted: people know of the pairs of it that are apart.
    pub(crate) fn note_told(&mut self, strategy: StrategyId) {
        let own = self.all.range_mut((strategy, 0)..=(strategy, u64::MAX));
        for (_, slot) in own {
            if let Slot::Pair(pair) = slot {
                pair.told |= pair.apart.is_some();
            }
        }
    }

    /// A plan at work or stuck in one of these instruments, or with this number. A close of the
    /// host's mends what is stuck: it waits only for what is at work.
    pub(crate) fn in_the_way(&self, asked: PlanKey, legs: &[InstrumentId]) -> Option<u64> {
        let blocks = |(key, slot): &(&PlanKey, &Slot)| {
            let busy = !slot.is_over() || (slot.is_stuck() && !is_of_host(asked));
            key.1 == asked.1 || (busy && legs.iter().any(|leg| slot.trades(*leg)))
        };
        self.of(asked.0).find(blocks).map(|((_, id), _)| *id)
    }

    /// Whether a plan is at work or stuck in one of these: of a stuck one a fill may still come.
    pub(crate) fn is_concerned(&self, strategy: StrategyId, legs: &[InstrumentId]) -> bool {
        let mut own = self.of(strategy).filter(|(_, slot)| !slot.is_over() || slot.is_stuck());
        own.any(|(_, slot)| legs.iter().any(|leg| slot.trades(*leg)))
    }

    /// Closes of the host's in one of these instruments that are stuck.
    pub(crate) fn stuck_of_host(&self, strategy: StrategyId, leg: InstrumentId) -> Vec<PlanKey> {
        let own = self.of(strategy).filter(|(key, slot)| is_of_host(**key) && slot.is_stuck());
        own.filter(|(_, slot)| slot.trades(leg)).map(|(key, _)| *key).collect()
    }

    /// The same for a plan of one leg. One that only closes waits for pairs and its like alone.
    pub(crate) fn single_in_the_way(
        &self,
        (strategy, id): PlanKey,
        instrument: InstrumentId,
        closes: bool,
    ) -> Option<u64> {
        let blocks = |(key, slot): &(&PlanKey, &Slot)| {
            let works = !slot.is_over() && slot.trades(instrument);
            let blocks = match closes {
                true => works && (slot.closes() || matches!(slot, Slot::Pair(_))),
                false => works || (slot.is_stuck() && slot.trades(instrument)),
            };
            key.1 == id || blocks
        };
        self.of(strategy).find(blocks).map(|((_, id), _)| *id)
    }
}
