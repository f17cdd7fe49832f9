//! One `[[account]]` of a config: its name, and the leverage its venue is expected to have.

use super::reader::{At, Section};
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

pub(super) fn account(s: &mut Section<'_, '_>) -> Option<At<(String, Leverage)>> {
    let name = s.name("name", &[]);
    let expected = hundredths(s, "leverage", Margin::ONE.leverage_hundredths);
    let most = hundredths(s, "leverage_max", 10_000);
    let modes = [("cross", MarginMode::Cross), ("isolated", MarginMode::Isolated)];
    let mode = s.word_or("margin_mode", &modes, MarginMode::Cross);
    let (name, expected, most) = (name?, expected?, most?);
    if expected.value > most.value {
        let fix = "raise leverage_max, or expect less";
        s.problem(expected.span, "leverage", "is above leverage_max", fix);
    }
    let margin = Margin { leverage_hundredths: expected.value, mode };
    let leverage = Leverage { margin, max_hundredths: most.value };
    Some(At { value: (name.value, leverage), span: name.span })
}
