//! How much a pair trades on each leg: equal base quantities on the common step, or by the hedge
//! ratio where a leg is inverse.

use super::preflight::{overflow, wrong};
use crate::strategy::StrategySlot;
use hedgerow_model::{
    Decimal, Instrument, PairKind, PairRequest, PairSize, Quantity, RiskRejection, Rounding, Side,
    ValueError,
};

/// What one leg can trade and what it is worth now.
pub(super) struct Draft<'e> {
    pub(super) spec: &'e Instrument,
    pub(super) side: Side,
    /// What it is priced around: the middle, or of a close without one what stands in for it.
    pub(super) middle: Decimal,
    /// Base units of one lot.
    pub(super) lot: Decimal,
}

impl Draft<'_> {
    /// Whole lots of so many base units.
    pub(super) fn lots(&self, base: Decimal, by: Rounding) -> Result<i64, RiskRejection> {
        let lots = base.checked_div(self.lot).ok_or(RiskRejection::Overflow)?;
        let whole = by.decimal(lots, 0);
        i64::try_from(whole.trunc().mantissa()).map_err(overflow)
    }

    pub(super) fn base(&self, quantity: Quantity) -> Result<Decimal, RiskRejection> {
        let lots = Decimal::from(quantity.units()).checked_div(self.spec.lot.units().into());
        lots.and_then(|lots| lots.checked_mul(self.lot)).ok_or(RiskRejection::Overflow)
    }

    pub(super) fn quantity(&self, lots: i64) -> Result<Quantity, RiskRejection> {
        let units = lots.checked_mul(self.spec.lot.units()).ok_or(RiskRejection::Overflow)?;
        Ok(Quantity::from_units(units))
    }
}

/// The least common multiple of two steps.
///
/// ```text
/// 0.001 and 0.0005 -> 0.001; 0.001 and 0.01 -> 0.01; 0.4 and 0.6 -> 1.2
/// ```
pub(crate) fn common_step(a: Decimal, b: Decimal) -> Option<Decimal> {
    let digits = a.scale().max(b.scale());
    let whole = |x: Decimal| {
        let more = 10_i128.checked_pow(digits.checked_sub(x.scale())?)?;
        x.mantissa().checked_mul(more).filter(|units| *units > 0)
    };
    let (a, b) = (whole(a)?, whole(b)?);
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x.checked_rem(y)?);
    }
    let step = a.checked_div(x)?.checked_mul(b)?;
    Decimal::try_from_i128_with_scale(step, digits).ok().map(|step| step.normalize())
}

/// Within what two legs count as level, base units, by the lots of both: what both can trade, or
/// the coarser lot where one is inverse.
fn level_step([buy, sell]: [Decimal; 2], inverse: bool) -> Option<Decimal> {
    if inverse { Some(buy.max(sell)) } else { common_step(buy, sell) }
}

/// Base units of one lot at a price.
pub(crate) fn lot_base(spec: &Instrument, price: Decimal) -> Option<Decimal> {
    let notional = spec.notional_at(price, spec.lot).ok()?;
    // linear: notional / price is exact only as the product it came from
    if spec.kind.is_inverse() {
        return notional.checked_div(price);
    }
    spec.quantity(spec.lot).checked_mul(spec.multiplier)
}

/// Targets of both legs and the step within which they count as equal.
pub(super) fn size(
    slot: &StrategySlot,
    kind: PairKind,
    request: &PairRequest,
    drafts: &[Draft<'_>; 2],
) -> Result<([Quantity; 2], Decimal), RiskRejection> {
    let [buy, sell] = drafts;
    let inverse = drafts.iter().any(|draft| draft.spec.kind.is_inverse());
    let step = level_step([buy.lot, sell.lot], inverse).ok_or(RiskRejection::Overflow)?;
    if kind == PairKind::Close && request.size == PairSize::All {
        return Ok((held(slot, drafts)?, step));
    }
    let base = match request.size {
        PairSize::Base(base) => base,
        PairSize::Notional(most) => {
            let dearer = buy.middle.max(sell.middle);
            most.checked_div(dearer).ok_or(RiskRejection::Overflow)?
        }
        PairSize::All => return Err(wrong("size")),
    };
    let steps = whole_parts(base, step).ok_or(RiskRejection::Overflow)?;
    let whole = steps.checked_mul(step).ok_or(RiskRejection::Overflow)?;
    if whole.is_zero() {
        return Err(wrong(format!(
            "size: it is below one step of {} base units",
            step.normalize()
        )));
    }
    // the coarser leg is whole by now; the finer one of an inverse pair follows it
    let target = |draft: &Draft<'_>| draft.quantity(draft.lots(whole, Rounding::HalfEven)?);
    let targets = [target(buy)?, target(sell)?];
    if kind == PairKind::Close {
        let most = held(slot, drafts)?;
        if targets.iter().zip(most).any(|(target, most)| *target > most) {
            return Err(RiskRejection::WouldIncrease);
        }
    }
    Ok((targets, step))
}

/// All of both positions, if they are what the legs would close.
fn held(slot: &StrategySlot, drafts: &[Draft<'_>; 2]) -> Result<[Quantity; 2], RiskRejection> {
    let of = |draft: &Draft<'_>| {
        let position = slot.position(draft.spec.id).units();
        let closes = position.signum() * draft.side.sign() < 0;
        let lots = position.abs().checked_div(draft.spec.lot.units()).unwrap_or(0);
        if closes && lots > 0 { draft.quantity(lots) } else { Err(RiskRejection::WouldIncrease) }
    };
    let [buy, sell] = drafts;
    Ok([of(buy)?, of(sell)?])
}

/// How often a part is in a whole, toward zero; a quotient of rounded figures that is whole but for
/// a billionth is.
pub(crate) fn whole_parts(whole: Decimal, part: Decimal) -> Option<Decimal> {
    let parts = whole.checked_div(part)?;
    Some(Rounding::HalfEven.decimal(parts, 9).trunc())
}

/// Whole lots of a leg that so many base units come to at a price, toward zero.
pub(crate) fn whole_lots(
    spec: &Instrument,
    base: Decimal,
    price: Decimal,
) -> Result<Quantity, ValueError> {
    let lot = lot_base(spec, price).ok_or(ValueError::Overflow)?;
    let lots = whole_parts(base, lot).ok_or(ValueError::Overflow)?;
    let lots = i64::try_from(lots.mantissa()).map_err(|_| ValueError::Overflow)?;
    let units = lots.checked_mul(spec.lot.units()).ok_or(ValueError::Overflow)?;
    Ok(Quantity::from_units(units))
}
