//! What is held for a journal that cannot be written: everything that a restart needs, and no more.
//! A journal that is down for hours must not fill the memory with what nobody will fold.

use hedgerow_model::{Fact, HostTime, Report, Stamped, StrategyId};
use std::collections::BTreeMap;

/// How much was only for people to read, and was let go while the journal could not be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// What strategies said.
    pub reports: u64,
    /// Intents other than orders that were refused.
    pub denials: u64,
    /// Instruments whose data became stale or fresh.
    pub markets: u64,
}

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { reports, denials, markets } = self;
        write!(
            f,
            "{reports} reports of strategies, {denials} refused intents and {markets} changes of \
             market data are not in the journal; nothing that a restart needs is missing"
        )
    }
}

/// So many facts are held for a journal that cannot be written. Beyond it the host ends: what it
/// does could not be told to the next one any more.
const MOST: usize = 100_000;

/// What waits for the journal.
pub(crate) struct Held {
    /// To be committed, in order.
    pub(super) facts: Vec<Stamped>,
    /// How many of them the journal has kept aside.
    pub(super) aside: usize,
    /// What was let go because the journal could not be written.
    pub(super) left_out: LeftOut,
    /// When the journal last failed.
    pub(super) failed_at: Option<HostTime>,
    /// How many may wait.
    pub(super) most: usize,
}

impl Default for Held {
    fn default() -> Self {
        let (facts, left_out) = (Vec::new(), LeftOut::default());
        Self { facts, aside: 0, left_out, failed_at: None, most: MOST }
    }
}

/// What of a strategy only the newest counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Newest {
    /// Its state, which may be of megabytes.
    State,
    /// Its line in the status.
    Status,
}

fn newest_of(fact: &Fact) -> Option<(StrategyId, Newest)> {
    match fact {
        Fact::Checkpoint { strategy, .. } => Some((*strategy, Newest::State)),
        Fact::Said { strategy, report: Report::Status { .. } } => Some((*strategy, Newest::Status)),
        _ => None,
    }
}

/// Lets go what a restart does not need, and counts what people will miss.
pub(super) fn thin(facts: &mut Vec<Stamped>, left_out: &mut LeftOut) {
    let mut newest = BTreeMap::new();
    for (place, stamped) in facts.iter().enumerate() {
        if let Some(key) = newest_of(&stamped.fact) {
            newest.insert(key, place);
        }
    }
    let mut place = 0..;
    facts.retain(|Stamped { fact, .. }| {
        let place = place.next();
        let is_newest = newest_of(fact).map(|key| newest.get(&key).copied() == place);
        let count = match (fact, is_newest) {
            (_, Some(true)) | (Fact::Checkpoint { .. }, _) => return is_newest != Some(false),
            (Fact::Said { .. }, _) => &mut left_out.reports,
            (Fact::IntentDenied { .. }, _) => &mut left_out.denials,
            (Fact::Market { .. }, _) => &mut left_out.markets,
            _ => return true,
        };
        *count = count.saturating_add(1);
        false
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::{InstrumentId, MarketStatus, RiskRejection, TimerId};

    fn stamped(fact: Fact) -> Stamped {
        Stamped { time: HostTime::EPOCH, fact }
    }

    fn state(strategy: u32, byte: u8) -> Stamped {
        let (strategy, unheard) = (StrategyId(strategy), Vec::new());
        stamped(Fact::Checkpoint { strategy, version: 1, state: vec![byte], unheard })
    }

    fn other(number: u64) -> Stamped {
        let (strategy, id) = (StrategyId(1), TimerId(number));
        stamped(Fact::TimerEnded { strategy, id, fired: true })
    }

    /// While the journal is down one state of each strategy waits, and every other fact.
    #[test]
    fn of_the_states_that_wait_only_the_newest_is_kept() {
        let mut facts =
            vec![state(1, 1), other(1), state(2, 1), state(1, 2), other(2), state(1, 3), other(3)];
        let kept = [other(1), state(2, 1), other(2), state(1, 3), other(3)];
        for _ in 0..2 {
            let mut left_out = LeftOut::default();
            thin(&mut facts, &mut left_out);
            assert_eq!((&facts[..], left_out), (&kept[..], LeftOut::default()));
        }
    }

    /// What the emergency file leaves out too; of the lines in the status the newest stays, for a
    /// restart shows it.
    #[test]
    fn what_is_only_told_to_people_is_counted_and_let_go() {
        let strategy = StrategyId(1);
        let status = |text: &str| {
            let report = Report::Status { text: text.into() };
            stamped(Fact::Said { strategy, report })
        };
        let record = Report::Record { stream: "seen".into(), json: "{}".into() };
        let denied = Fact::IntentDenied {
            strategy,
            intent: "set-timer".into(),
            reason: RiskRejection::TooManyTimers,
        };
        let market = Fact::Market { instrument: InstrumentId(0), status: MarketStatus::Gap };
        let mut facts = vec![
            status("one"),
            stamped(denied),
            stamped(Fact::Said { strategy, report: record }),
            status("two"),
            stamped(market),
            other(1),
        ];
        let mut left_out = LeftOut::default();
        thin(&mut facts, &mut left_out);
        assert_eq!(facts, [status("two"), other(1)]);
        assert_eq!(left_out, LeftOut { reports: 2, denials: 1, markets: 1 });
    }
}
