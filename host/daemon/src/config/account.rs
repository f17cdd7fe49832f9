//! One `[[account]]` of a config: its name, and the leverage its venue is expected to have; how it
//! is asked stands in `asking`.

use super::asking::AccountEntry;
use super::reader::{At, Section};
use hedgerow_engine::AccountGuards;
use hedgerow_model::{Decimal, Margin, MarginMode};
use hedgerow_simulator::paper::Leverage;
use std::collections::BTreeSet;

const MODES: [(&str, MarginMode); 2] =
    [("cross", MarginMode::Cross), ("isolated", MarginMode::Isolated)];

/// An exact leverage in hundredths, if it is one.
fn exact(value: Decimal) -> Option<u32> {
    let exact = value.checked_mul(Decimal::ONE_HUNDRED)?.normalize();
    let exact = Some(exact).filter(|exact| exact.scale() == 0)?.mantissa();
    let bounds = Margin::ONE.leverage_hundredths..=100_000;
    u32::try_from(exact).ok().filter(|hundredths| bounds.contains(hundredths))
}

/// What a pair may name beside what is expected, each as it is told: `3x cross`.
fn accepted(s: &mut Section<'_, '_>) -> Vec<Margin> {
    let mut all = Vec::new();
    for text in s.texts("accept") {
        let read = text.split_once("x ").and_then(|(leverage, mode)| {
            let leverage_hundredths = exact(leverage.parse().ok()?)?;
            let mode = MODES.iter().find(|(word, _)| *word == mode)?.1;
            Some(Margin { leverage_hundredths, mode })
        });
        match read {
            Some(margin) => all.push(margin),
            None => {
                let what = format!("has \"{text}\", which is no leverage and margin mode");
                let fix = "write such as \"3x cross\" or \"2.5x isolated\"";
                s.problem(s.span_of("accept"), "accept", what, fix);
            }
        }
    }
    all
}

/// A leverage in hundredths.
fn hundredths(s: &mut Section<'_, '_>, key: &'static str, absent: u32) -> Option<At<u32>> {
    let Some(At { value, span }) = s.decimal_or_none(key) else {
        return Some(At { value: absent, span: s.span_of(key) });
    };
    match exact(value) {
        Some(value) => Some(At { value, span }),
        None => {
            let what = "is no leverage from 1 to 1000, in hundredths";
            s.problem(span, key, what, "write a number such as \"3\" or \"2.5\"");
            None
        }
    }
}

/// What an account begins with at each paper venue, by settle asset. What nothing settles in would
/// be passed over: an account that has nothing else would have no end of money.
fn collateral(s: &mut Section<'_, '_>, settles: &BTreeSet<String>) -> Vec<(String, Decimal)> {
    let mut all = Vec::new();
    for (asset, At { value, span }) in s.pairs() {
        if !settles.is_empty() && !settles.contains(&asset.value) {
            let known = settles.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let what = "is money that no instrument here settles in";
            s.problem(asset.span, &asset.value, what, format!("give it in {known}"));
            continue;
        }
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

pub(super) fn account(
    s: &mut Section<'_, '_>,
    settles: &BTreeSet<String>,
) -> Option<At<(String, Account)>> {
    let name = s.name("name", &[]);
    let guards = s.table("limits", super::guards::account).unwrap_or_default();
    let collateral = s.table("collateral", |s| collateral(s, settles)).unwrap_or_default();
    let expected = hundredths(s, "leverage", Margin::ONE.leverage_hundredths);
    let most = hundredths(s, "leverage_max", 10_000);
    let mode = s.word_or("margin_mode", &MODES, MarginMode::Cross);
    let accept = accepted(s);
    let entry = AccountEntry { accept, ..super::asking::entry(s) };
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
