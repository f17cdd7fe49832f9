//! Money of a config: what earnings are counted in, and whether what is said of assets can be.

use super::reader::Section;
use crate::owners::is_dollar;
use hedgerow_model::{Accounting, Instrument};
use hedgerow_simulator::paper::Fees;

/// What earnings are counted in, and what the operator says is worth as much.
pub(super) fn accounting(s: &mut Section<'_, '_>, known: &[(Instrument, Fees)]) -> Accounting {
    let currency = s.text("currency").map(|at| at.value);
    let same = s.texts("same");
    if let Some(currency) = &currency {
        check_same(s, (currency, &same), known);
        check_rates(s, (currency, &same), known);
    }
    Accounting { currency, same }
}

/// What has a price of its own is not worth as much, whatever is said.
fn check_same(
    s: &mut Section<'_, '_>,
    (currency, same): (&String, &[String]),
    known: &[(Instrument, Fees)],
) {
    if same.contains(currency) {
        let what = format!("names {currency}, which is the currency");
        s.problem(s.span_of("same"), "same", what, "name other assets alone");
    }
    for asset in same.iter().filter(|asset| *asset != currency) {
        let dollars = [is_dollar(asset), is_dollar(currency)];
        let trades =
            |(spec, _): &&(Instrument, Fees)| spec.base == *asset && spec.quote == *currency;
        let priced = known.iter().find(trades).filter(|_| dollars != [true, true]);
        let priced = priced.map(|(spec, _)| format!(": {} is its price", spec.symbol));
        if dollars[0] != dollars[1] || priced.is_some() {
            let priced = priced.unwrap_or_default();
            let what = format!("says that one {asset} is worth one {currency}{priced}");
            let fix =
                format!("remove {asset}: what is traded against {currency} has a rate by that");
            s.problem(s.span_of("same"), "same", what, fix);
        }
    }
}

/// A currency that nothing leads to converts nothing.
fn check_rates(
    s: &mut Section<'_, '_>,
    (currency, same): (&String, &[String]),
    known: &[(Instrument, Fees)],
) {
    let leads = |asset: &String| {
        known.iter().any(|(spec, _)| [&spec.base, &spec.quote, &spec.settle].contains(&asset))
    };
    if known.is_empty() || leads(currency) || same.iter().any(leads) {
        return;
    }
    let what = format!("is {currency}, which no instrument trades or settles in: there is no rate");
    let fix = "name what an instrument here is traded in, or say in `same` what is worth as much";
    s.problem(s.span_of("currency"), "currency", what, fix);
}
