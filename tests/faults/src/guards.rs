//! What guards do in the model, each to be done in some seed: every refusal that the gate can give,
//! every trip with every action; and what nobody can bring about here, with the reason.

use crate::coverage::Coverage;
use hedgerow_model::{GuardAction, RiskRejection, Scope};

/// Refusals, by code.
const REFUSING: [(u32, &str); 53] = [
    (1, "unknown instrument"),
    (2, "not granted"),
    (3, "quantity off grid"),
    (4, "price off grid"),
    (5, "min quantity"),
    (6, "max quantity"),
    (7, "min notional"),
    (8, "no market"),
    (9, "stale market"),
    (10, "collar"),
    (11, "order notional"),
    (12, "position"),
    (13, "gross"),
    (14, "live orders"),
    (15, "order rate"),
    (16, "mode"),
    (17, "would increase"),
    (18, "unknown order"),
    (19, "not amendable"),
    (20, "overflow"),
    (21, "not supported"),
    (22, "journal"),
    (23, "timers"),
    (24, "not reconciled"),
    (25, "plan unreadable"),
    (26, "plan in the way"),
    (27, "depth"),
    (28, "premium"),
    (29, "crossed book"),
    (30, "balance"),
    (31, "expired"),
    (32, "leverage not known"),
    (33, "leverage differs"),
    (34, "leverage not allowed"),
    (35, "unknown positions"),
    (36, "nothing left"),
    (37, "hedge mode"),
    (40, "net"),
    (41, "instrument position"),
    (42, "leverage"),
    (43, "adverse move"),
    (44, "margin unknown"),
    (45, "liquidation unknown"),
    (46, "cancel ratio"),
    (47, "self-cross"),
    (48, "venue down"),
    (49, "venue lags"),
    (50, "cooling down"),
    (51, "slippage"),
    (52, "spread"),
    (53, "depth share"),
    (54, "band"),
    (0, "no code"),
];

/// Refusals that no seed gives.
pub const NEVER_REFUSED: [(&str, &str); 13] = [
    ("unknown instrument", "strategies name their own instruments"),
    ("not granted", "strategies trade all that they see"),
    ("max quantity", "no instrument here has a largest order"),
    ("min notional", "no instrument here has a smallest worth"),
    ("overflow", "no figure here is that large"),
    ("not supported", "strategies want what the contract has"),
    ("timers", "strategies set no more than they may"),
    ("leverage not known", "no venue here tells leverage, and nobody asks for one"),
    ("leverage differs", "no venue here tells leverage, and nobody asks for one"),
    ("leverage not allowed", "no venue here tells leverage, and nobody asks for one"),
    ("hedge mode", "every account here is one-way"),
    ("venue down", "an account whose venue is gone is not reconciled, which is told first"),
    ("no code", "every reason has one"),
];

/// Watching guards, and what each of them is of.
const WATCHING: [(&str, &[&str]); 15] = [
    ("loss", &["strategy", "account", "host"]),
    ("loss-day", &["strategy", "account", "host"]),
    ("drawdown", &["strategy", "account", "host"]),
    ("margin-ratio", &["account"]),
    ("margin-utilisation", &["account"]),
    ("margin-health watch", &["account"]),
    ("margin-health warning", &["account"]),
    ("margin-health danger", &["account"]),
    ("margin-health critical", &["account"]),
    ("liquidation-distance", &["account"]),
    ("safe-leverage", &["account"]),
    ("liquidated", &["account"]),
    ("hedge-gap", &["strategy"]),
    ("unhedged", &["strategy"]),
    ("funding-flip", &["strategy"]),
];

/// Sums that are limited in more than one scope.
const SUMS: [(&str, &[&str]); 2] =
    [("gross", &["strategy", "account", "host"]), ("net", &["strategy", "account", "host"])];

/// Everything that guards can do here.
#[must_use]
pub fn guard_steps() -> Vec<String> {
    let never = |word: &str| NEVER_REFUSED.iter().any(|(what, _)| *what == word);
    let mut all = Vec::new();
    for (_, word) in REFUSING.iter().filter(|(_, word)| !never(word)) {
        match SUMS.iter().find(|(sum, _)| sum == word) {
            Some((_, scopes)) => {
                all.extend(scopes.iter().map(|scope| format!("{word} of {scope} refused")));
            }
            None => all.push(format!("{word} refused")),
        }
    }
    for (guard, scopes) in WATCHING {
        for scope in scopes {
            let trips = GuardAction::WORDS.map(|(word, _)| format!("{guard} of {scope}: {word}"));
            all.extend(trips);
            all.push(format!("{guard} of {scope}: at rest"));
        }
    }
    all
}

impl Coverage {
    /// The gate refused.
    pub fn refused(&mut self, reason: &RiskRejection) {
        let known = REFUSING.iter().find(|(code, _)| *code == reason.code());
        let word = known.map_or("no code", |(_, word)| word);
        let scope = match reason {
            RiskRejection::GrossAboveMax { scope, .. }
            | RiskRejection::NetAboveMax { scope, .. } => scope_word(*scope),
            _ => "",
        };
        self.guard(&format!("{word}{scope} refused"));
    }

    /// What guards have done in no seed, and what they did and no list has.
    pub(crate) fn unguarded(&self) -> Vec<String> {
        let steps = guard_steps();
        let missing = steps.iter().filter(|name| !self.guards.contains_key(*name));
        let missing = missing.map(|name| format!("no guard did: {name}"));
        let unknown = self.guards.keys().filter(|name| !steps.contains(name));
        let unknown = unknown.map(|name| format!("a guard did what no list has: {name}"));
        missing.chain(unknown).collect()
    }
}

fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Host => " of host",
        Scope::Account(_) => " of account",
        Scope::Strategy(_) => " of strategy",
        Scope::Instrument(_) => " of instrument",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What never happens is a refusal by its name, and in no list of what must.
    #[test]
    fn every_refusal_is_expected_or_named_with_a_reason() {
        let steps = guard_steps();
        for (word, why) in NEVER_REFUSED {
            assert!(REFUSING.iter().any(|(_, known)| *known == word), "{word}: {why}");
            assert!(!steps.contains(&format!("{word} refused")), "{word}");
        }
        let mut sorted = steps.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), steps.len());
    }
}
