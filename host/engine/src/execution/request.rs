//! Whether a request for a pair makes sense at all, before any market is looked at, and whether its
//! legs belong together.

use super::preflight::wrong;
use super::price::given;
use super::size::Draft;
use crate::strategy::StrategySlot;
use hedgerow_model::{
    Decimal, Give, InstrumentKind, PairKind, PairRequest, PairSize, RiskRejection, Side,
};

/// The most tries a plan may ask for.
const TRIES_MAX: u32 = 100;
pub(super) fn check_request(kind: PairKind, request: &PairRequest) -> Result<(), RiskRejection> {
    if request.buy == request.sell {
        return Err(wrong("buy and sell are the same instrument"));
    }
    let positive = match request.size {
        PairSize::Notional(size) | PairSize::Base(size) => size > Decimal::ZERO,
        PairSize::All => true,
    };
    if !positive {
        return Err(wrong("size: it must be above zero"));
    }
    if request.size == PairSize::All && kind == PairKind::Open {
        return Err(wrong("size: \"all\" is only there to close"));
    }
    let beyond = |give| matches!(give, Give::Bps(bps) if bps >= 10_000);
    if [request.first, request.hedge, request.emergency].into_iter().any(beyond) {
        return Err(wrong("first, hedge and emergency: basis points stay below 10000"));
    }
    if request.deadline_ms == 0 {
        return Err(wrong("deadline_ms: it must be above zero"));
    }
    if request.tries == 0 || request.tries > TRIES_MAX {
        return Err(wrong(format!("tries: from 1 to {TRIES_MAX}")));
    }
    check_making(request)
}

/// A leg makes if and only if it is said how.
fn check_making(request: &PairRequest) -> Result<(), RiskRejection> {
    match (request.legs.maker(), request.make) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(wrong("make: legs must be maker-taker or taker-maker")),
        (Some(_), None) => Err(wrong("make: it is missing")),
        (Some(_), Some(make)) => {
            if make.for_ms == 0 || make.for_ms >= request.deadline_ms {
                return Err(wrong("make.for_ms: above zero and below deadline_ms"));
            }
            if make.reprice_ticks == 0 || make.reprice_ms == 0 {
                return Err(wrong("make: reprice_ticks and reprice_ms must be above zero"));
            }
            Ok(())
        }
    }
}

/// Each order may reach further than the one before it, whichever way that is said.
pub(super) fn check_rise(request: &PairRequest, draft: &Draft<'_>) -> Result<(), RiskRejection> {
    let of = |give| given(draft.spec, Side::Buy, draft.middle, give).ok_or(RiskRejection::Overflow);
    let [first, hedge, emergency] =
        [of(request.first)?, of(request.hedge)?, of(request.emergency)?];
    if first > hedge || hedge > emergency {
        return Err(wrong("first, hedge and emergency must rise"));
    }
    let most = draft.middle.checked_mul(Decimal::TWO).ok_or(RiskRejection::Overflow)?;
    if emergency >= most {
        return Err(wrong("emergency: it reaches as far as the price itself"));
    }
    Ok(())
}

/// Whether one leg hedges the other, and what is opened could be taken back.
pub(super) fn check_hedges(
    slot: &StrategySlot,
    kind: PairKind,
    drafts: [&Draft<'_>; 2],
) -> Result<(), RiskRejection> {
    let [buy, sell] = drafts.map(|draft| draft.spec.base.as_str());
    if buy != sell {
        return Err(wrong(format!("the legs are of different assets, {buy} and {sell}")));
    }
    let opens = drafts.into_iter().filter(|_| kind == PairKind::Open);
    for draft in opens.filter(|draft| draft.spec.kind != InstrumentKind::Spot) {
        let held = slot.position(draft.spec.id);
        if held.units().signum() * draft.side.sign() < 0 {
            let (name, held) = (&draft.spec.symbol, draft.spec.quantity(held).normalize());
            return Err(wrong(format!("{name} is held the other way, {held}: close it first")));
        }
    }
    Ok(())
}
