//! What is checked and fixed before a plan of one leg sends anything.

use super::SingleSlot;
use super::barrier::entry_order;
use super::send::{At, Wanted};
use super::steps::aggression;
use crate::execution::PlanKey;
use crate::execution::opening::check_found;
use crate::execution::size::whole_lots;
use crate::risk::Asked;
use crate::strategy::{Holding, StrategySlot};
use crate::terms::{on_grid, whole_lots_of};
use crate::{Effects, Engine};
use hedgerow_model::{
    Action, AskedBy, BarrierRequest, CloseRequest, Decimal, Duration, Give, HostTime, Instrument,
    InstrumentKind, OrderSize, PlanStep, PriceSource, Quantity, RiskRejection, Side, SingleKind,
    SinglePlan, SinglePurpose, SingleRequest, SingleStep, StrategyId, TwapRequest, ValueError,
};

/// How long an entry is tried to be sent where only time is needed.
const ENTERING: Duration = Duration::from_secs(10);

pub(super) fn overflow(_: ValueError) -> RiskRejection {
    RiskRejection::Overflow
}

pub(super) fn wrong(detail: impl Into<String>) -> RiskRejection {
    RiskRejection::PlanUnreadable { detail: detail.into() }
}

fn read(kind: SingleKind, json: &str) -> Result<SingleRequest, RiskRejection> {
    let request = match kind {
        SingleKind::Limit => serde_json::from_str(json).map(SingleRequest::Limit),
        SingleKind::Market => serde_json::from_str(json).map(SingleRequest::Market),
        SingleKind::AggressiveLimit => {
            serde_json::from_str(json).map(SingleRequest::AggressiveLimit)
        }
        SingleKind::InsideSpread => serde_json::from_str(json).map(SingleRequest::InsideSpread),
        SingleKind::Tiered => serde_json::from_str(json).map(SingleRequest::Tiered),
        SingleKind::Chase => serde_json::from_str(json).map(SingleRequest::Chase),
        SingleKind::Twap => serde_json::from_str(json).map(SingleRequest::Twap),
        SingleKind::ClosePosition => serde_json::from_str(json).map(SingleRequest::ClosePosition),
        SingleKind::Barrier => serde_json::from_str(json).map(SingleRequest::Barrier),
    };
    request.map_err(|error| wrong(error.to_string()))
}

/// What a plan is about, before it has a size.
struct Draft<'e> {
    spec: &'e Instrument,
    holding: &'e Holding,
    side: Side,
}

impl Engine {
    /// A plan of one leg as it was asked for: it begins, or is refused with a reason.
    pub(in crate::execution) fn begin_single(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        (id, kind, json): (u64, SingleKind, &str),
        effects: &mut Effects,
    ) -> Result<(), RiskRejection> {
        let asked = (read(kind, json)?, AskedBy::Strategy);
        self.begin_asked(now, (strategy, id), asked, effects)
    }

    /// An operator's word closes what a strategy holds.
    pub(crate) fn begin_flatten(
        &mut self,
        now: HostTime,
        key: PlanKey,
        request: CloseRequest,
        effects: &mut Effects,
    ) -> Result<(), RiskRejection> {
        let asked = (SingleRequest::ClosePosition(request), AskedBy::Operator);
        self.begin_asked(now, key, asked, effects)
    }

    fn begin_asked(
        &mut self,
        now: HostTime,
        key: PlanKey,
        (request, by): (SingleRequest, AskedBy),
        effects: &mut Effects,
    ) -> Result<(), RiskRejection> {
        super::check::check(&request)?;
        let plan = Box::new(self.plan_single(now, key, (request, by))?);
        self.plan_fact(now, key, PlanStep::Single(SingleStep::Began(plan)), effects);
        self.tell_plan(now, key, effects);
        self.single_goes_on(now, key, effects);
        Ok(())
    }

    fn plan_single(
        &self,
        now: HostTime,
        key: PlanKey,
        (request, asked_by): (SingleRequest, AskedBy),
    ) -> Result<SinglePlan, RiskRejection> {
        let owner = self.strategies.get(key.0.index()).ok_or(RiskRejection::UnknownInstrument)?;
        let draft = self.draft_single(owner, &request)?;
        let closes = matches!(request, SingleRequest::ClosePosition(_));
        let in_the_way = match asked_by {
            AskedBy::Strategy => self.plans.single_in_the_way(key, draft.spec.id, closes),
            AskedBy::Operator => self.plans.flattens(key.0, draft.spec.id),
        };
        if let Some(plan) = in_the_way {
            return Err(RiskRejection::PlanInTheWay { plan });
        }
        let deadline = now.after(lasts(&request));
        let lot = draft.spec.lot;
        let plan = SinglePlan {
            id: key.1,
            request,
            account: draft.holding.account,
            side: draft.side,
            target: lot,
            slice: lot,
            adopted: (Quantity::ZERO, Decimal::ZERO),
            middle: Decimal::ZERO,
            expected: None,
            source: PriceSource::Touch,
            reach: None,
            bound: None,
            began: now,
            deadline,
            asked_by,
        };
        let mut slot = SingleSlot::new(plan);
        slot.plan.adopted = adopted(&draft, &slot.plan.request)?;
        self.bind(now, &draft, &mut slot)?;
        self.price_first(now, key, &draft, &mut slot)?;
        Ok(slot.plan)
    }

    fn draft_single<'e>(
        &'e self,
        owner: &'e StrategySlot,
        request: &SingleRequest,
    ) -> Result<Draft<'e>, RiskRejection> {
        let id = request.instrument();
        let spec = self.config.instrument(id).ok_or(RiskRejection::UnknownInstrument)?;
        let holding = owner.holding(id).ok_or(match owner.sees(id) {
            true => RiskRejection::NotGranted,
            false => RiskRejection::UnknownInstrument,
        })?;
        let side = match request {
            SingleRequest::Limit(r) => r.side,
            SingleRequest::Market(r) => r.side,
            SingleRequest::AggressiveLimit(r) => r.side,
            SingleRequest::InsideSpread(r) => r.side,
            SingleRequest::Tiered(r) => r.side,
            SingleRequest::Chase(r) => r.side,
            SingleRequest::Twap(r) => r.side,
            SingleRequest::Barrier(r) => r.side,
            SingleRequest::ClosePosition(r) => {
                if r.dual && spec.kind == InstrumentKind::Spot {
                    return Err(wrong("dual: a spot venue has no reduce-only orders"));
                }
                match holding.position.quantity.units() {
                    0 => return Err(RiskRejection::WouldIncrease),
                    held if held > 0 => Side::Sell,
                    _ => Side::Buy,
                }
            }
        };
        Ok(Draft { spec, holding, side })
    }

    /// The price that no order of the plan may be beyond.
    fn bind(
        &self,
        now: HostTime,
        draft: &Draft<'_>,
        slot: &mut SingleSlot,
    ) -> Result<(), RiskRejection> {
        let (spec, side) = (draft.spec, draft.side);
        slot.plan.bound = match &slot.plan.request {
            SingleRequest::Chase(r) => {
                Some(spec.passive_price(side, r.limit_price).map_err(overflow)?)
            }
            SingleRequest::InsideSpread(r) => {
                let other = spec.price(self.touches(now, spec, side)?.other);
                let edge = crate::execution::price::widened(side, other, r.slippage_bps);
                let edge = edge.ok_or(RiskRejection::Overflow)?;
                Some(spec.passive_price(side, edge).map_err(overflow)?)
            }
            _ => None,
        };
        Ok(())
    }

    /// The first order: its price fixes a size in the quote currency; it must pass the gate.
    fn price_first(
        &self,
        now: HostTime,
        key: PlanKey,
        draft: &Draft<'_>,
        slot: &mut SingleSlot,
    ) -> Result<(), RiskRejection> {
        let (spec, side) = (draft.spec, draft.side);
        let middle = self.middle(now, spec).ok();
        let Some(first) = first_order(&slot.plan.request, spec.lot) else {
            // nothing is to be sent: it watches what is held
            let market = self.markets.get(spec.id);
            let mark = market.and_then(|market| market.mark(spec));
            slot.plan.middle = middle.or(mark).ok_or(RiskRejection::NoMarket)?;
            slot.plan.target = Quantity::ZERO;
            return Ok(());
        };
        let priced = self.price_at(now, spec, (key, slot), &first)?;
        let worth = spec.price(priced.price);
        slot.plan.middle = middle.unwrap_or(worth);
        // a size in the quote currency is the most that it may come to
        let dearest = if side == Side::Buy { worth } else { worth.max(slot.plan.middle) };
        let (target, slice) = size(draft, &slot.plan.request, dearest)?;
        (slot.plan.target, slot.plan.slice) = (target, slice);
        let first = Wanted { quantity: slice, ..first };
        let priced = self.price_at(now, spec, (key, slot), &first)?;
        (slot.plan.source, slot.plan.reach) = (priced.source, priced.reach);
        let reduces = slot.plan.request.reduces();
        if first.purpose == SinglePurpose::Take {
            let offer = self.offer(spec, side, (slice, priced.price));
            let short = offer.filter(|offer| offer.fillable < slice && !reduces);
            if let Some(offer) = short {
                let (fillable, wanted) = (offer.fillable, slice);
                return Err(RiskRejection::NotEnoughDepth { fillable, wanted });
            }
            slot.plan.expected = offer.filter(|o| o.fillable == slice).map(|o| o.average);
        }
        let limits = self.opening_limits(key.0);
        if !reduces && limits.measures() {
            check_found(&limits, self.found(now, (key, slot), spec, (&first, priced.price))?)?;
        }
        let action = slot.unwinds().then_some(Action::PlanUnwinds);
        let mut asked = Asked { action, ..Asked::of(side, priced.price, slice, reduces) };
        if reduces {
            // as it will be sent: the rest follows
            asked.quantity = on_grid(spec, side, (priced.price, slice)).1;
        }
        if slot.plan.asked_by == AskedBy::Operator {
            // as it will be sent: less what other orders close
            let room = Quantity::from_units(self.room(key, spec.id, side));
            asked.quantity = asked.quantity.min(whole_lots_of(spec, room));
            asked.action = Some(Action::OperatorFlattens);
        }
        self.weigh(now, key.0, spec.id, &asked)?;
        let owner = self.strategies.get(key.0.index()).ok_or(RiskRejection::UnknownInstrument)?;
        if !reduces && !owner.bucket.has(now, 1) {
            return Err(RiskRejection::RateLimited { limit_per_s: owner.bucket.per_s() });
        }
        Ok(())
    }
}

/// How long a plan may last.
fn lasts(request: &SingleRequest) -> Duration {
    let ms = |ms: u32| Duration::from_millis(u64::from(ms));
    match request {
        SingleRequest::Limit(r) => ms(r.timeout_ms),
        SingleRequest::Market(r) => ms(r.timeout_ms),
        SingleRequest::AggressiveLimit(r) => ms(r.timeout_ms),
        SingleRequest::InsideSpread(r) => ms(r.timeout_ms),
        SingleRequest::Tiered(r) => ms(r.timeout_ms),
        SingleRequest::Chase(r) => ms(r.timeout_ms),
        SingleRequest::ClosePosition(r) => ms(r.timeout_ms),
        SingleRequest::Twap(r) => {
            let whole = slices(r).saturating_mul(u64::from(r.interval_ms));
            Duration::from_millis(whole)
        }
        SingleRequest::Barrier(_) => ENTERING,
    }
}

/// How many slices a TWAP has.
pub(super) fn slices(request: &TwapRequest) -> u64 {
    u64::from(request.horizon_ms).checked_div(u64::from(request.interval_ms)).unwrap_or(0)
}

/// The first order of a plan, if it sends one.
fn first_order(request: &SingleRequest, quantity: Quantity) -> Option<Wanted> {
    let bps = |bps: u32, tightens| At::Beyond(Give::Bps(bps), tightens);
    let own = At::Across(0, 1, 0);
    let (purpose, at, post_only) = match request {
        SingleRequest::Limit(r) => (SinglePurpose::Make, At::Asked(r.price), r.post_only),
        SingleRequest::Market(r) => (SinglePurpose::Take, bps(r.slippage_bps, true), false),
        SingleRequest::AggressiveLimit(r) => {
            (SinglePurpose::Make, At::Beyond(aggression(r), false), false)
        }
        SingleRequest::InsideSpread(r) => (SinglePurpose::Make, At::Across(0, r.steps, 0), false),
        SingleRequest::Tiered(r) => (SinglePurpose::Make, r.price.map_or(own, At::Asked), false),
        SingleRequest::Chase(r) => {
            (SinglePurpose::Make, At::Across(0, r.cross_steps.max(1), r.distance_ticks), true)
        }
        SingleRequest::Twap(r) if r.maker_ms.is_some() => (SinglePurpose::Make, own, true),
        SingleRequest::Twap(r) => (SinglePurpose::Take, bps(r.slippage_bps, true), false),
        SingleRequest::ClosePosition(r) => (SinglePurpose::Take, bps(r.slippage_bps, false), false),
        SingleRequest::Barrier(r) => return r.entry.as_ref().map(|e| entry_order(e, quantity)),
    };
    Some(Wanted { purpose, at, quantity, post_only })
}

/// Whole lots of a size at a price, toward zero.
fn lots(spec: &Instrument, size: Decimal, in_base: bool, at: Decimal) -> Option<Quantity> {
    if in_base {
        return whole_lots(spec, size, at).ok();
    }
    let lot = spec.notional_at(at, spec.lot).ok()?;
    let lots = size.checked_div(lot)?.trunc();
    let lots = i64::try_from(lots.mantissa()).ok()?;
    Some(Quantity::from_units(lots.checked_mul(spec.lot.units())?))
}

/// All of a position, in whole lots, if it goes this way.
fn whole_position(draft: &Draft<'_>, side: Side) -> i64 {
    let held = draft.holding.position.quantity.units().saturating_mul(side.sign()).max(0);
    held - held.checked_rem(draft.spec.lot.units()).unwrap_or(0)
}

/// How much a plan trades, and how much of it a slice.
fn size(
    draft: &Draft<'_>,
    request: &SingleRequest,
    at: Decimal,
) -> Result<(Quantity, Quantity), RiskRejection> {
    let asked = match request {
        SingleRequest::Limit(r) => r.size,
        SingleRequest::Market(r) => r.size,
        SingleRequest::AggressiveLimit(r) => r.size,
        SingleRequest::InsideSpread(r) => r.size,
        SingleRequest::Tiered(r) => r.size,
        SingleRequest::Chase(r) => r.size,
        SingleRequest::Twap(r) => r.size,
        SingleRequest::ClosePosition(r) => r.size,
        SingleRequest::Barrier(r) => r.entry.as_ref().map_or(OrderSize::All, |entry| entry.size),
    };
    let held = whole_position(draft, draft.side.opposite());
    let spec = draft.spec;
    let whole = match asked {
        OrderSize::Base(size) => lots(spec, size, true, at),
        OrderSize::Quote(size) => lots(spec, size, false, at),
        // of what an order of this side could close
        OrderSize::All => Some(Quantity::from_units(held)),
    };
    let mut whole = whole.ok_or(RiskRejection::Overflow)?;
    if matches!(request, SingleRequest::ClosePosition(_)) {
        whole = whole.min(Quantity::from_units(held));
    }
    let SingleRequest::Twap(twap) = request else { return Ok((whole, whole)) };
    let lots = whole.units().checked_div(spec.lot.units()).unwrap_or(0);
    let slices = i64::try_from(slices(twap)).map_err(|_| RiskRejection::Overflow)?;
    if slices == 1 {
        return Ok((whole, whole));
    }
    let each = lots.checked_div(slices).unwrap_or(0).saturating_mul(spec.lot.units());
    let each = Quantity::from_units(each);
    if each < spec.min_quantity {
        return Err(wrong(format!("a slice of {slices} is less than an order can be")));
    }
    Ok((whole, each))
}

/// What of a position a barrier is about, and what it was entered at.
fn adopted(
    draft: &Draft<'_>,
    request: &SingleRequest,
) -> Result<(Quantity, Decimal), RiskRejection> {
    let SingleRequest::Barrier(BarrierRequest { held: Some(size), .. }) = request else {
        return Ok((Quantity::ZERO, Decimal::ZERO));
    };
    let spec = draft.spec;
    let all = whole_position(draft, draft.side);
    let entry = draft.holding.position.entry(spec).filter(|_| all > 0);
    let entry = entry.ok_or(RiskRejection::WouldIncrease)?;
    let wanted = match size {
        OrderSize::All => Some(Quantity::from_units(all)),
        OrderSize::Base(size) => lots(spec, *size, true, entry),
        OrderSize::Quote(size) => lots(spec, *size, false, entry),
    };
    let wanted = wanted.ok_or(RiskRejection::Overflow)?;
    if wanted.units() > all || wanted < spec.min_quantity {
        return Err(RiskRejection::WouldIncrease);
    }
    Ok((wanted, spec.value_at(entry, wanted).map_err(overflow)?))
}
