//! `[[instrument.change]]`: what a paper venue accepts from some time on.

use super::instrument::on_scale;
use super::reader::Section;
use hedgerow_model::{HostTime, Instrument, Price, PriceGrid, Quantity, Terms};

/// One change of an instrument: what is not said stays as it is by the instrument's own definition.
pub(super) fn change(s: &mut Section<'_, '_>, spec: &Instrument) -> Option<(HostTime, Terms)> {
    let at = s.whole("at_unix_s", 1..10_000_000_000);
    let own = spec.terms();
    let quantity = |s: &mut Section<'_, '_>, key, own| match s.has(key) {
        true => on_scale(s, key, Some(spec.quantity_scale), Quantity::exact),
        false => Some(own),
    };
    let grid = match (s.has("tick"), own.grid) {
        (false, own) => Some(own),
        (true, PriceGrid::Tick(_)) => {
            on_scale(s, "tick", Some(spec.price_scale), Price::exact).map(PriceGrid::Tick)
        }
        (true, PriceGrid::SignificantFigures { .. }) => {
            let span = s.span_of("tick");
            let what = "is of an instrument whose prices have significant figures";
            s.problem(span, "tick", what, "remove it");
            s.known(&["tick"]);
            None
        }
    };
    let lot = quantity(s, "lot", own.lot);
    let min_quantity = quantity(s, "min_quantity", own.min_quantity);
    let min_notional = match s.has("min_notional") {
        true => s.positive("min_notional").map(|at| at.value).map(Some),
        false => Some(own.min_notional),
    };
    let at = HostTime::from_nanos(at?.value.saturating_mul(1_000_000_000));
    let (lot, min_quantity) = (lot?, min_quantity?);
    let (grid, min_notional) = (grid?, min_notional?);
    Some((at, Terms { grid, lot, min_quantity, min_notional, ..own }))
}
