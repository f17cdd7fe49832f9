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

/// Money of these counts as equal.
const DOLLARS: [&str; 12] = [
    "USD", "USDT", "USDC", "FDUSD", "BUSD", "TUSD", "DAI", "USDE", "PYUSD", "USDS", "RLUSD", "USD1",
];

/// Whether an asset is one of these, or by its name a newer one.
pub(crate) fn is_dollar(asset: &str) -> bool {
    DOLLARS.contains(&asset) || asset.contains("USD")
}

/// Adds a problem where limits would add different money as if it were one.
pub(crate) fn check_money(config: &Config, owners: &[Owner<'_>], problems: &mut Problems) {
    let quote = |place: &usize| config.instruments.get(*place).map(|(i, _)| i.quote.as_str());
    let differs = |a: &str, b: &str| a != b && !(DOLLARS.contains(&a) && DOLLARS.contains(&b));
    // limits of accounts and of the host add what strategies hold
    let accounts = config.account_guards.iter().any(hedgerow_engine::AccountGuards::adds_money);
    let together = config.host.couples() || accounts;
    let mut before: Option<(&str, &str)> = None;
    for owner in owners {
        if !together {
            before = None;
        }
        let name = owner.entry.name.as_str();
        for quote in owner.trades.iter().filter_map(|(place, _)| quote(place)) {
            let (other, whose) = *before.get_or_insert((quote, name));
            if !differs(quote, other) {
                continue;
            }
            let limits = match name == whose {
                true => "its limits".to_owned(),
                false => format!("`limits.loss_max` of the host, with \"{whose}\","),
            };
            let what = format!("{limits} would add {quote} and {other} as if they were one");
            let fix = "trade instruments of one quote currency, or of dollars, together";
            problems.add(owner.entry.span.clone(), "strategy", what, fix);
            return;
        }
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
