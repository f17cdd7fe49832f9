//! Who owns what: on an account one strategy trades an instrument; any number may watch it.
//!
//! What a strategy trades is said by its component, so this is known only when those are loaded.

use crate::config::problem::Problems;
use crate::config::{Config, StrategyEntry};
use hedgerow_plugins::Description;

/// A strategy and what it trades: instrument and account, by place.
pub(crate) struct Owner<'c> {
    pub(crate) entry: &'c StrategyEntry,
    pub(crate) trades: Vec<(usize, usize)>,
}

impl<'c> Owner<'c> {
    /// What a strategy with this component trades.
    pub(crate) fn new(entry: &'c StrategyEntry, component: &Description) -> Self {
        let traded = component.wants.iter().filter(|want| want.trades);
        let of = |role: &String| Some((*entry.roles.get(role)?, entry.account_of(role)));
        Self { entry, trades: traded.filter_map(|w| of(&w.role)).collect() }
    }
}

/// Adds a problem for every pair that trades the same instrument on one account.
pub(crate) fn check(config: &Config, owners: &[Owner<'_>], problems: &mut Problems) {
    for (place, later) in owners.iter().enumerate() {
        for earlier in owners.iter().take(place) {
            let shared = later.trades.iter().find(|both| earlier.trades.contains(both));
            let names = shared.and_then(|(instrument, account)| {
                Some((config.instruments.get(*instrument)?, config.accounts.get(*account)?))
            });
            let Some(((instrument, _), account)) = names else { continue };
            let what = format!(
                "\"{}\" and \"{}\" both claim {} on account \"{account}\"",
                earlier.entry.name, later.entry.name, instrument.symbol
            );
            let fix = "one strategy owns an instrument on an account: use another account";
            problems.add(later.entry.span.clone(), "strategy", what, fix);
        }
    }
}
