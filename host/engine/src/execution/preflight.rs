//! What is checked and fixed before a pair plan sends anything: sizes, depth, premium, and that
//! both legs would pass the gate.

use crate::Engine;
use crate::risk::Asked;
use crate::strategy::StrategySlot;
use hedgerow_model::{
    AccountId, Decimal, Duration, HostTime, Instrument, InstrumentId, InstrumentKind, LegOrder,
    Margin, PairKind, PairLeg, PairPlan, PairRequest, PairSize, Quantity, RiskRejection, Rounding,
    Side, StrategyId, ValueError,
};

/// The most tries a plan may ask for.
const TRIES_MAX: u32 = 100;

fn overflow<E>(_: E) -> RiskRejection {
    RiskRejection::Overflow
}

fn wrong(detail: impl Into<String>) -> RiskRejection {
    RiskRejection::PlanUnreadable { detail: detail.into() }
}

/// What one leg can trade and what it is worth now.
struct Draft<'e> {
    spec: &'e Instrument,
    side: Side,
    middle: Decimal,
    /// Base units of one lot.
    lot: Decimal,
}

impl Draft<'_> {
    /// Whole lots of so many base units.
    fn lots(&self, base: Decimal, by: Rounding) -> Result<i64, RiskRejection> {
        let lots = base.checked_div(self.lot).ok_or(RiskRejection::Overflow)?;
        let whole = by.decimal(lots, 0);
        i64::try_from(whole.trunc().mantissa()).map_err(overflow)
    }

    fn base(&self, quantity: Quantity) -> Result<Decimal, RiskRejection> {
        let lots = Decimal::from(quantity.units()).checked_div(self.spec.lot.units().into());
        lots.and_then(|lots| lots.checked_mul(self.lot)).ok_or(RiskRejection::Overflow)
    }

    fn quantity(&self, lots: i64) -> Result<Quantity, RiskRejection> {
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

impl Engine {
    pub(super) fn plan_pair(
        &self,
        now: HostTime,
        strategy: StrategyId,
        (id, kind, json): (u64, PairKind, &str),
    ) -> Result<PairPlan, RiskRejection> {
        let request: PairRequest = serde_json::from_str(json).map_err(|e| wrong(e.to_string()))?;
        let slot = self.strategies.get(strategy.index());
        let slot = slot.ok_or(RiskRejection::UnknownInstrument)?;
        check_request(kind, &request)?;
        let ids = [request.buy, request.sell];
        if let Some(plan) = self.plans.in_the_way((strategy, id), &ids) {
            return Err(RiskRejection::PlanInTheWay { plan });
        }
        let drafts = [
            self.draft(now, slot, request.buy, Side::Buy)?,
            self.draft(now, slot, request.sell, Side::Sell)?,
        ];
        let (targets, step) = size(slot, kind, &request, &drafts)?;
        let (reach, collar) = (request.slippage_bps, slot.limits.collar_bps);
        let mut legs = Vec::with_capacity(2);
        let mut displayed = [Quantity::ZERO; 2];
        for ((draft, target), seen) in drafts.iter().zip(targets).zip(&mut displayed) {
            let limit = self.taking_limit(now, draft.spec, draft.side, (reach, collar))?;
            let offer = self.offer(draft.spec, draft.side, (target, limit));
            let offer = offer.ok_or(RiskRejection::NoMarket)?;
            if offer.fillable < target {
                let (fillable, wanted) = (offer.fillable, target);
                return Err(RiskRejection::NotEnoughDepth { fillable, wanted });
            }
            *seen = offer.displayed;
            let account = slot.holding(draft.spec.id).ok_or(RiskRejection::NotGranted)?.account;
            legs.push(PairLeg {
                instrument: draft.spec.id,
                account,
                side: draft.side,
                target,
                base: draft.base(target)?,
                limit: Self::tightened(draft.spec, draft.side, limit, offer.worst),
                middle: draft.middle,
                expected: offer.average,
                margin: self.margin_for(draft, account, (kind, &request))?,
            });
        }
        let legs: [PairLeg; 2] = legs.try_into().map_err(overflow)?;
        check_premium(&request, &legs)?;
        self.check_gate(now, strategy, kind, &legs)?;
        let [buys, sells] = [0, 1].map(|leg: usize| share(displayed.get(leg), targets.get(leg)));
        let first = match request.legs {
            LegOrder::Simultaneous => None,
            LegOrder::BuyFirst => Some(0),
            LegOrder::SellFirst => Some(1),
            LegOrder::ThinFirst => Some(u8::from(sells < buys)),
        };
        let deadline = now.after(Duration::from_millis(u64::from(request.deadline_ms)));
        Ok(PairPlan { id, kind, request, legs, first, step, began: now, deadline })
    }

    /// Leverage and margin mode of a leg: checked where it opens.
    fn margin_for(
        &self,
        draft: &Draft<'_>,
        account: AccountId,
        (kind, request): (PairKind, &PairRequest),
    ) -> Result<Option<Margin>, RiskRejection> {
        if kind == PairKind::Close {
            return Ok(self.margin_of(account, draft.spec.id));
        }
        let named = match draft.side {
            Side::Buy => request.accept.buy,
            Side::Sell => request.accept.sell,
        };
        self.check_margin(draft.spec, account, named)
    }

    fn draft<'e>(
        &'e self,
        now: HostTime,
        slot: &StrategySlot,
        id: InstrumentId,
        side: Side,
    ) -> Result<Draft<'e>, RiskRejection> {
        let spec = self.config.instrument(id).ok_or(RiskRejection::UnknownInstrument)?;
        if slot.holding(id).is_none() {
            let seen = slot.sees(id);
            return Err(if seen {
                RiskRejection::NotGranted
            } else {
                RiskRejection::UnknownInstrument
            });
        }
        let middle = self.middle(now, spec)?;
        let lot = lot_base(spec, middle).ok_or(RiskRejection::Overflow)?;
        Ok(Draft { spec, side, middle, lot })
    }

    /// Whether both legs would pass the gate, each beside the other.
    fn check_gate(
        &self,
        now: HostTime,
        strategy: StrategyId,
        kind: PairKind,
        legs: &[PairLeg; 2],
    ) -> Result<(), RiskRejection> {
        let mut beside = Decimal::ZERO;
        for (before, leg) in (0..).zip(legs) {
            let spec = self.config.instrument(leg.instrument);
            let spec = spec.ok_or(RiskRejection::UnknownInstrument)?;
            let reduce_only = kind == PairKind::Close;
            let asked = Asked {
                beside: (before, beside),
                ..Asked::of(leg.side, leg.limit, leg.target, reduce_only)
            };
            self.weigh(now, strategy, leg.instrument, &asked)?;
            if !reduce_only {
                self.check_balance(spec, leg)?;
            }
            beside = spec.notional(leg.limit, leg.target).map_err(overflow)?;
        }
        if kind == PairKind::Open {
            let slot = self.strategies.get(strategy.index());
            let slot = slot.ok_or(RiskRejection::UnknownInstrument)?;
            if !slot.bucket.has(now, 2) {
                return Err(RiskRejection::RateLimited { limit_per_s: slot.bucket.per_s() });
            }
        }
        Ok(())
    }

    /// A spot leg needs what it pays with, as far as the venue told what there is.
    fn check_balance(&self, spec: &Instrument, leg: &PairLeg) -> Result<(), RiskRejection> {
        if spec.kind != InstrumentKind::Spot {
            return Ok(());
        }
        let (asset, needed) = match leg.side {
            Side::Buy => (&spec.quote, spec.notional(leg.limit, leg.target).map_err(overflow)?),
            Side::Sell => (&spec.base, spec.quantity(leg.target)),
        };
        match self.balances.get(&(leg.account, asset.clone())) {
            Some((_, available)) if *available < needed => Err(RiskRejection::BalanceTooLow {
                asset: asset.clone(),
                available: *available,
                needed,
            }),
            _ => Ok(()),
        }
    }
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

fn check_request(kind: PairKind, request: &PairRequest) -> Result<(), RiskRejection> {
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
    let PairRequest { slippage_bps, hedge_bps, emergency_bps, .. } = *request;
    if emergency_bps >= 10_000 || slippage_bps > hedge_bps || hedge_bps > emergency_bps {
        let detail = "slippage_bps, hedge_bps and emergency_bps must rise and stay below 10000";
        return Err(wrong(detail));
    }
    if request.deadline_ms == 0 {
        return Err(wrong("deadline_ms: it must be above zero"));
    }
    if request.tries == 0 || request.tries > TRIES_MAX {
        return Err(wrong(format!("tries: from 1 to {TRIES_MAX}")));
    }
    Ok(())
}

/// Targets of both legs and the step within which they count as equal.
fn size(
    slot: &StrategySlot,
    kind: PairKind,
    request: &PairRequest,
    drafts: &[Draft<'_>; 2],
) -> Result<([Quantity; 2], Decimal), RiskRejection> {
    let [buy, sell] = drafts;
    let inverse = drafts.iter().any(|draft| draft.spec.kind.is_inverse());
    let step = if inverse {
        buy.lot.max(sell.lot)
    } else {
        common_step(buy.lot, sell.lot).ok_or(RiskRejection::Overflow)?
    };
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
    let steps = base.checked_div(step).ok_or(RiskRejection::Overflow)?.floor();
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

/// What the sold leg is worth above the bought one at prices that can be had now.
fn check_premium(request: &PairRequest, legs: &[PairLeg; 2]) -> Result<(), RiskRejection> {
    let Some(least_bps) = request.min_premium_bps else { return Ok(()) };
    let [buy, sell] = legs;
    let premium_bps = premium(buy.expected, sell.expected).ok_or(RiskRejection::Overflow)?;
    if premium_bps < Decimal::from(least_bps) {
        return Err(RiskRejection::PremiumTooLow { premium_bps, least_bps });
    }
    Ok(())
}

pub(crate) fn premium(buy: Decimal, sell: Decimal) -> Option<Decimal> {
    let over = sell.checked_sub(buy)?.checked_div(buy)?;
    Some(over.checked_mul(Decimal::from(10_000))?.round_dp(4))
}

/// How many times over the target is displayed, in thousandths.
fn share(displayed: Option<&Quantity>, target: Option<&Quantity>) -> i128 {
    let units = |quantity: Option<&Quantity>| i128::from(quantity.map_or(0, |q| q.units()));
    (units(displayed) * 1_000).checked_div(units(target)).unwrap_or(0)
}

/// Whole lots of a leg that so many base units come to at a price, toward zero.
pub(crate) fn whole_lots(
    spec: &Instrument,
    base: Decimal,
    price: Decimal,
) -> Result<Quantity, ValueError> {
    let lot = lot_base(spec, price).ok_or(ValueError::Overflow)?;
    let lots = base.checked_div(lot).ok_or(ValueError::Overflow)?.trunc();
    let lots = i64::try_from(lots.mantissa()).map_err(|_| ValueError::Overflow)?;
    let units = lots.checked_mul(spec.lot.units()).ok_or(ValueError::Overflow)?;
    Ok(Quantity::from_units(units))
}
