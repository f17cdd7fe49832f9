//! One `[[instrument]]` of a config.

use super::reader::{At, Section};
use hedgerow_model::{
    Decimal, Instrument, InstrumentId, InstrumentKind, Price, PriceBand, PriceGrid, Quantity,
    Scale, SequenceRule, VenueId, VenueTime,
};
use hedgerow_simulator::VenueConfig;
use hedgerow_simulator::paper::{FeeIn, Fees};

fn scale(s: &mut Section<'_, '_>, key: &'static str) -> Option<Scale> {
    let at = s.whole(key, 0..19)?;
    u8::try_from(at.value).ok().and_then(|digits| Scale::new(digits).ok())
}

/// A decimal that must fall on a scale.
pub(super) fn on_scale<T>(
    s: &mut Section<'_, '_>,
    key: &'static str,
    scale: Option<Scale>,
    make: impl Fn(Decimal, Scale) -> Result<T, hedgerow_model::ValueError>,
) -> Option<T> {
    let at = s.positive(key)?;
    match make(at.value, scale?) {
        Ok(value) => Some(value),
        Err(e) => {
            s.problem(at.span, key, e.to_string(), "raise the decimals, or round the number");
            None
        }
    }
}

fn kind(s: &mut Section<'_, '_>) -> Option<InstrumentKind> {
    let never = VenueTime::NEVER;
    let words = [
        ("spot", InstrumentKind::Spot),
        ("linear-perpetual", InstrumentKind::LinearPerpetual),
        ("inverse-perpetual", InstrumentKind::InversePerpetual),
        ("linear-future", InstrumentKind::LinearFuture { expiry: never }),
        ("inverse-future", InstrumentKind::InverseFuture { expiry: never }),
    ];
    let Some(At { value: kind, .. }) = s.word("kind", &words) else {
        s.known(&["expiry_unix_s"]);
        return None;
    };
    let dated =
        matches!(kind, InstrumentKind::LinearFuture { .. } | InstrumentKind::InverseFuture { .. });
    if !dated {
        return Some(kind);
    }
    let seconds = s.whole("expiry_unix_s", 1..10_000_000_000)?.value;
    let expiry = VenueTime::from_nanos(seconds.saturating_mul(1_000_000_000));
    Some(match kind {
        InstrumentKind::LinearFuture { .. } => InstrumentKind::LinearFuture { expiry },
        _ => InstrumentKind::InverseFuture { expiry },
    })
}

fn grid(s: &mut Section<'_, '_>, price_scale: Option<Scale>) -> Option<PriceGrid> {
    #[derive(Clone, Copy)]
    enum Kind {
        Tick,
        Figures,
    }
    let words = [("tick", Kind::Tick), ("significant-figures", Kind::Figures)];
    match s.word_or_absent("grid", &words, Kind::Tick) {
        Some(Kind::Tick) => on_scale(s, "tick", price_scale, Price::exact).map(PriceGrid::Tick),
        Some(Kind::Figures) => {
            let byte = |at: At<u64>| u8::try_from(at.value).ok();
            let figures = s.whole("figures", 1..19).and_then(byte);
            let max_decimals = s.whole("max_decimals", 0..19).and_then(byte);
            Some(PriceGrid::SignificantFigures { figures: figures?, max_decimals: max_decimals? })
        }
        None => {
            s.known(&["tick", "figures", "max_decimals"]);
            None
        }
    }
}

/// An inverse contract's size has no default: taken for one it would be a hundredth of what it is.
fn multiplier(s: &mut Section<'_, '_>, kind: Option<InstrumentKind>) -> Option<Decimal> {
    if kind.is_some_and(InstrumentKind::is_inverse) {
        return s.positive("multiplier").map(|at| at.value);
    }
    match s.decimal_or_none("multiplier") {
        Some(found) => s.above_zero("multiplier", found).map(|at| at.value),
        None => Some(Decimal::ONE),
    }
}

/// How updates are numbered. Where they are, as in Binance's raw streams, it must be said: taken
/// for snapshots a hole would pass unseen.
fn sequence(
    s: &mut Section<'_, '_>,
    numbered: bool,
    kind: Option<InstrumentKind>,
) -> Option<SequenceRule> {
    let words = [
        ("snapshots", SequenceRule::Snapshots),
        ("previous-id", SequenceRule::PreviousId),
        ("first-id-follows", SequenceRule::FirstIdFollows),
    ];
    if numbered {
        let At { value, span } = s.word("sequence", &words)?;
        let (theirs, word) = match kind {
            Some(InstrumentKind::Spot) => (SequenceRule::FirstIdFollows, "first-id-follows"),
            _ => (SequenceRule::PreviousId, "previous-id"),
        };
        if kind.is_some() && value != theirs {
            let what = "is not how these updates are numbered";
            s.problem(span, "sequence", what, format!("write \"{word}\""));
            return None;
        }
        return Some(value);
    }
    s.word_or_absent("sequence", &words, SequenceRule::Snapshots)
}

/// In which asset the venue takes its fees; only a spot market delivers what it could be.
fn fees_in(s: &mut Section<'_, '_>, kind: Option<InstrumentKind>) -> Option<FeeIn> {
    let words = [("settle", FeeIn::Settle), ("received", FeeIn::Received)];
    let taken_in = s.word_or_absent("fee_asset", &words, FeeIn::Settle)?;
    if taken_in == FeeIn::Received && kind.is_some_and(|kind| kind != InstrumentKind::Spot) {
        let span = s.span();
        let what = "only a spot instrument can pay its fees in what was received";
        s.problem(span, "fee_asset", what, "remove fee_asset, or make it \"settle\"");
        return None;
    }
    Some(taken_in)
}

/// How far from the mark the venue takes prices, if it says so: both ways, or neither.
fn band(s: &mut Section<'_, '_>) -> Option<PriceBand> {
    const KEYS: [&str; 2] = ["band_above_bps", "band_below_bps"];
    if !KEYS.iter().any(|key| s.has(key)) {
        return None;
    }
    let [above, below] = KEYS.map(|key| s.whole(key, 1..10_000));
    let bps = |at: Option<At<u64>>| at.and_then(|at| u32::try_from(at.value).ok());
    Some(PriceBand { above_bps: bps(above)?, below_bps: bps(below)? })
}

/// The venues of a config.
pub(super) struct Venues<'a> {
    pub(super) known: &'a [(String, VenueConfig)],
    /// Their names, also of those that are wrong, which is told where they stand.
    pub(super) declared: Vec<String>,
}

/// An instrument and its fees. `numbered`: whether the data has book updates with ids.
pub(super) fn instrument(
    s: &mut Section<'_, '_>,
    id: InstrumentId,
    venues: &Venues<'_>,
    numbered: bool,
) -> Option<(Instrument, Fees)> {
    let venue_name = s.text("venue");
    let venue = venue_name.and_then(|at| {
        let place = venues.known.iter().position(|(name, _)| *name == at.value);
        if place.is_none() && !venues.declared.contains(&at.value) {
            let what = format!("there is no venue \"{}\"", at.value);
            s.problem(at.span, "venue", what, "name a [[venue]] of this file");
        }
        place.and_then(|place| u32::try_from(place).ok()).map(VenueId)
    });
    let symbol = s.name("symbol", &[]);
    let kind = kind(s);
    let (base, quote) = (s.name("base", &[]), s.name("quote", &[]));
    let price_scale = scale(s, "price_decimals");
    let quantity_scale = scale(s, "quantity_decimals");
    let grid = grid(s, price_scale);
    let lot = on_scale(s, "lot", quantity_scale, Quantity::exact);
    let min_quantity = on_scale(s, "min_quantity", quantity_scale, Quantity::exact);
    let min_notional = s.positive_or_none("min_notional");
    let band = band(s);
    let multiplier = multiplier(s, kind);
    let sequence = sequence(s, numbered, kind);
    let maker = s.rate("maker_fee");
    let taker = s.rate("taker_fee");
    let taken_in = fees_in(s, kind);
    let (base, quote, kind) = (base?.value, quote?.value, kind?);
    let settle = if kind.is_inverse() { base.clone() } else { quote.clone() };
    let made = Instrument {
        id,
        venue: venue?,
        symbol: symbol?.value,
        kind,
        base,
        quote,
        settle,
        price_scale: price_scale?,
        quantity_scale: quantity_scale?,
        grid: grid?,
        lot: lot?,
        min_quantity: min_quantity?,
        max_quantity: None,
        min_notional,
        band,
        multiplier: multiplier?,
        sequence: sequence?,
    };
    for problem in made.check() {
        let span = s.span();
        s.problem(span, "kind", problem.to_string(), "correct the instrument's definition");
    }
    Some((made, Fees { maker: maker?.value, taker: taker?.value, taken_in: taken_in? }))
}
