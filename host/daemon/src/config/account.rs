//! One `[[account]]` of a config: its name, and the leverage its venue is expected to have; how it
//! is asked stands in `asking`.

use super::asking::AccountEntry;
use super::reader::{At, Section};
use hedgerow_engine::AccountGuards;
use hedgerow_model::{Decimal, Margin, MarginMode};
use hedgerow_simulator::paper::Leverage;

/// A leverage in hundredths.
fn hundredths(s: &mut Section<'_, '_>, key: &'static str, absent: u32) -> Option<At<u32>> {
    let Some(At { value, span }) = s.decimal_or_none(key) else {
        return Some(At { value: absent, span: s.span_of(key) });
    };
    let exact = value.checked_mul(Decimal::ONE_HUNDRED).map(|exact| exact.normalize());
    let exact = exact.filter(|exact| exact.scale() == 0).map(|exact| exact.mantissa());
    let bounds = Margin::ONE.leverage_hundredths..=100_000;
    match exact.and_then(|h| u32::try_from(h).ok()).filter(|h| bounds.contains(h)) {
        Some(value) => Some(At { value, span }),
        None => {
            let what = "is no leverage from 1 to 1000, in hundredths";
            s.problem(span, key, what, "write a number such as \"3\" or \"2.5\"");
            None
        }
    }
}

/// What an account begins with at each paper venue, by settle asset.
fn collateral(s: &mut Section<'_, '_>) -> Vec<(String, Decimal)> {
    let mut all = Vec::new();
    for (asset, At { value, span }) in s.pairs() {
        match value.parse::<Decimal>().ok().filter(|amount| *amount > Decimal::ZERO) {
            Some(amount) => all.push((asset.value, amount)),
            None => {
                let fix = "write an exact number above zero in quotes";
                s.problem(span, &asset.value, format!("is {value}, no amount"), fix);
            }
        }
    }
    all
}

/// What a config says of an account beside its name.
pub(super) struct Account {
    pub(super) leverage: Leverage,
    pub(super) guards: AccountGuards,
    pub(super) collateral: Vec<(String, Decimal)>,
    pub(super) entry: AccountEntry,
}

pub(super) fn account(s: &mut Section<'_, '_>) -> Option<At<(String, Account)>> {
    let name = s.name("name", &[]);
    let guards = s.table("limits", super::guards::account).unwrap_or_default();
    let collateral = s.table("collateral", collateral).unwrap_or_default();
    let expected = hundredths(s, "leverage", Margin::ONE.leverage_hundredths);
    let most = hundredths(s, "leverage_max", 10_000);
    let modes = [("cross", MarginMode::Cross), ("isolated", MarginMode::Isolated)];
    let mode = s.word_or("margin_mode", &modes, MarginMode::Cross);
    let entry = super::asking::entry(s);
    let name = name?;
    // what could not be read was told; the account is there all the same
    let usual = |value| At { value, span: name.span.clone() };
    let expected = expected.unwrap_or_else(|| usual(Margin::ONE.leverage_hundredths));
    let most = most.unwrap_or_else(|| usual(u32::MAX));
    if expected.value > most.value {
        let fix = "raise leverage_max, or expect less";
        s.problem(expected.span, "leverage", "is above leverage_max", fix);
    }
    let margin = Margin { leverage_hundredths: expected.value, mode };
    let leverage = Leverage { margin, max_hundredths: most.value };
    Some(At {
        value: (name.value, Account { leverage, guards, collateral, entry }),
        span: name.span,
    })
}
