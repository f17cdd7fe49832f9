//! What a host finds at its venues when it starts, beside what its journal says: a line for each
//! account and instrument, once the venue has told. What differs is for an operator.

use super::Session;
use crate::config::Config;
use hedgerow_engine::Engine;
use hedgerow_model::{AccountId, ClientOrderId, InstrumentId, Quantity, Scope, StrategyId};
use std::collections::{BTreeMap, BTreeSet};

/// What the ledgers hold and which orders live, by account and instrument.
type Known = BTreeMap<(AccountId, InstrumentId), (Quantity, BTreeSet<ClientOrderId>)>;

/// What the journal says, of accounts whose venue has not told.
#[derive(Debug, Default)]
pub(super) struct Expected {
    known: Known,
    untold: Vec<AccountId>,
}

/// One instrument of an account, in quantities of it.
#[derive(Debug, Default)]
struct Row {
    /// By the journal when the host started, and by it now: what filled meanwhile was asked for.
    before: Quantity,
    ours: Quantity,
    /// Held there and not ours: nobody's here, or ignored.
    others: Quantity,
    unknown: bool,
    ignored: bool,
    /// Of the orders that lived by the journal, those that live now.
    orders_before: usize,
    orders: usize,
    /// Orders of somebody else rest there.
    foreign: bool,
}

impl Row {
    /// What it says, or nothing where nothing is there; whether somebody has to look.
    fn in_words(&self, quantity: impl Fn(Quantity) -> String) -> Option<(bool, String)> {
        let all = Quantity::from_units(self.ours.units().saturating_add(self.others.units()));
        let mut said = vec![format!("{} held", quantity(all))];
        match self.ours == self.before {
            true if all == self.ours => said.push("as by the journal".into()),
            true => said.push(format!("{} by the journal", quantity(self.ours))),
            false => said.push(format!(
                "{} by the journal, {} before what filled meanwhile",
                quantity(self.ours),
                quantity(self.before)
            )),
        }
        let rest = quantity(self.others);
        match (self.unknown, self.ignored) {
            (true, false) => said.push(format!("{rest} is nobody's here: adopt or ignore it")),
            (false, true) => said.push(format!("{rest} is ignored, as somebody else's")),
            (true, true) => said.push(format!(
                "{rest} is ignored or nobody's here: `hedgerow status` says which; adopt or \
                 ignore the latter"
            )),
            (false, false) => {}
        }
        if self.orders_before > 0 {
            let (live, of) = (self.orders, self.orders_before);
            said.push(format!("{live} of {of} orders of before live"));
        }
        if self.foreign {
            said.push("orders of somebody else rest there".into());
        }
        let nothing = all.is_zero() && self.before.is_zero() && self.ours.is_zero();
        let theirs = self.unknown || self.ignored || self.foreign;
        let quiet = nothing && self.orders_before == 0 && !theirs;
        (!quiet).then(|| (self.unknown || self.foreign, said.join("; ")))
    }
}

impl Expected {
    /// By the facts alone; nothing where there is no venue to tell.
    pub(super) fn of(config: &Config, engine: &Engine) -> Self {
        if !config.data.is_live() {
            return Self::default();
        }
        let untold = engine.config().accounts.iter().map(|account| account.id).collect();
        Self { known: known(engine), untold }
    }
}

fn known(engine: &Engine) -> Known {
    let mut all = Known::new();
    for strategy in &engine.config().strategies {
        for (instrument, account) in &strategy.trades {
            all.insert((*account, *instrument), of(engine, strategy.id, *instrument));
        }
    }
    all
}

fn of(
    engine: &Engine,
    strategy: StrategyId,
    instrument: InstrumentId,
) -> (Quantity, BTreeSet<ClientOrderId>) {
    let held = engine.positions(strategy).find(|(spec, ..)| spec.id == instrument);
    let held = held.map_or(Quantity::ZERO, |(_, position, _)| position.quantity);
    let orders = engine.live_orders_of(strategy);
    let here = orders.filter(|order| order.request.instrument == instrument);
    (held, here.map(|order| order.id).collect())
}

impl Session<'_> {
    /// Tells what was found on accounts whose venue has told since the last look.
    pub(super) fn tell_found(&mut self) {
        if self.expected.untold.is_empty() {
            return;
        }
        let engine = self.host.engine();
        let now = known(engine);
        let Expected { known: before, untold } = &mut self.expected;
        for account in engine.account_views().iter().filter(|account| account.is_told) {
            let Some(place) = untold.iter().position(|id| *id == account.id) else { continue };
            untold.remove(place);
            let (name, mut quiet) = (&account.name, true);
            for spec in &engine.config().instruments {
                let key = (account.id, spec.id);
                let (held, buys, sells) = engine.foreign(account.id, spec.id);
                let (before, lived) = before.get(&key).cloned().unwrap_or_default();
                let (ours, live) = now.get(&key).cloned().unwrap_or_default();
                let row = Row {
                    before,
                    ours,
                    others: held,
                    unknown: account.unknown.contains(&spec.id),
                    ignored: account.ignored.contains(&spec.id),
                    orders_before: lived.len(),
                    orders: lived.intersection(&live).count(),
                    foreign: !(buys.is_zero() && sells.is_zero()),
                };
                let in_units = |all| spec.quantity(all).normalize().to_string();
                let Some((odd, said)) = row.in_words(in_units) else { continue };
                quiet = false;
                let what = engine.scope_in_words(Scope::Instrument(spec.id));
                match odd {
                    true => tracing::warn!("found at the start: account {name}: {what}: {said}"),
                    false => tracing::info!("found at the start: account {name}: {what}: {said}"),
                }
            }
            if quiet {
                tracing::info!(
                    "found at the start: account {name}: nothing held and no orders, as by the \
                     journal"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_told_beside_what_the_journal_says() {
        let units = |n| Quantity::from_units(n);
        let said = |row: &Row| row.in_words(|all| all.units().to_string());
        assert_eq!(said(&Row::default()), None);
        let same = Row { before: units(3), ours: units(3), ..Row::default() };
        assert_eq!(said(&same), Some((false, "3 held; as by the journal".into())));
        let filled = Row { ours: units(5), orders_before: 2, orders: 1, ..same };
        let words = "5 held; 5 by the journal, 3 before what filled meanwhile; 1 of 2 orders of \
                     before live";
        assert_eq!(said(&filled), Some((false, words.into())));
        let more = Row { unknown: true, others: units(-4), foreign: true, ..filled };
        let (odd, words) = said(&more).unwrap();
        assert!(
            odd && words.starts_with("1 held; ") && words.contains("-4 is nobody's"),
            "{words}"
        );
        assert!(words.ends_with("orders of somebody else rest there"), "{words}");
        // what is nobody's may make up for what is ignored: somebody has to look all the same
        let closed = Row { unknown: true, ignored: true, ..Row::default() };
        assert!(said(&closed).is_some_and(|(odd, _)| odd), "not as by the journal");
        let ignored = Row { unknown: false, ignored: true, foreign: false, ..more };
        assert!(said(&ignored).is_some_and(|(odd, words)| !odd && words.contains("is ignored")));
    }
}
