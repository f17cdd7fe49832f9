//! Who owns what: on an account one strategy trades an instrument; any number may watch it.
//!
//! What a strategy trades is said by its component, so this is known only when those are loaded.

use crate::config::problem::Problems;
use crate::config::{Config, StrategyEntry};
use hedgerow_plugins::Description;

/// A strategy and the instruments it trades, by place.
pub(crate) struct Owner<'c> {
    pub(crate) entry: &'c StrategyEntry,
    pub(crate) trades: Vec<usize>,
}

impl<'c> Owner<'c> {
    /// What a strategy with this component trades.
    pub(crate) fn new(entry: &'c StrategyEntry, component: &Description) -> Self {
        let traded = component.wants.iter().filter(|want| want.trades);
        Self { entry, trades: traded.filter_map(|w| entry.roles.get(&w.role).copied()).collect() }
    }
}

/// Adds a problem for every pair that trades the same instrument on one account.
pub(crate) fn check(config: &Config, owners: &[Owner<'_>], problems: &mut Problems) {
    for (place, later) in owners.iter().enumerate() {
        for earlier in owners.iter().take(place) {
            let known = later.entry.account < config.accounts.len();
            if !known || earlier.entry.account != later.entry.account {
                continue;
            }
            let shared = later.trades.iter().find(|id| earlier.trades.contains(id));
            let Some((instrument, _)) = shared.and_then(|id| config.instruments.get(*id)) else {
                continue;
            };
            let account = config.accounts.get(later.entry.account).map_or("?", String::as_str);
            let what = format!(
                "\"{}\" and \"{}\" both claim {} on account \"{account}\"",
                earlier.entry.name, later.entry.name, instrument.symbol
            );
            let fix = "one strategy owns an instrument on an account: use another account";
            problems.add(later.entry.span.clone(), "strategy", what, fix);
        }
    }
}
