//! The pair of which one leg makes: it rests, post-only, and what fills of it is hedged on the
//! other at once. One order per leg at most; both may live at the same time.
//!
//! - What was filled and is not hedged goes first, as soon as it is an order's size.
//! - The leg rests only while the other can be had: fresh, with two sides that are not crossed,
//!   enough of it within reach, worth what the plan says, and no hedge of unknown outcome. Else it
//!   is canceled, and quoted again when the other side is there again.
//! - It follows its market, not sooner than its terms say and not further.
//! - It is over at its time, when the plan is given up or a mode forbids it, when all is made, or
//!   when the hedge failed too often. Then it is canceled; what is left is completed or taken back
//!   by the same rules as with every pair.

use super::pair::{Asked, Next, Wanted};
use super::price::given;
use super::single::CANCEL_AGAIN;
use super::{PlanKey, PlanSlot};
use crate::risk::is_of;
use crate::{Effects, Engine};
use hedgerow_model::{
    Action, Duration, HostTime, Instrument, InstrumentId, InstrumentKind, Making, Order,
    OrderStatus, PairKind, PairLeg, PairPhase, Price, Purpose, Quantity, RiskRejection, Scope,
    Side, StrategyId, Tick, TickKind,
};

/// Where a leg rests: at its own touch or behind it, and not beyond `bound`.
pub(super) fn maker_price(
    engine: &Engine,
    (spec, side): (&Instrument, Side),
    behind_ticks: u32,
    bound: Option<Price>,
) -> Result<Price, RiskRejection> {
    let market = engine.markets.get(spec.id).ok_or(RiskRejection::NoMarket)?;
    let touch = market.touch(side).ok_or(RiskRejection::NoMarket)?;
    let behind = hedgerow_model::Give::Ticks(behind_ticks);
    let price = given(spec, side.opposite(), spec.price(touch), behind);
    let price = spec.passive_price(side, price.ok_or(RiskRejection::Overflow)?);
    let price = price.map_err(|_| RiskRejection::Overflow)?;
    Ok(match (side, bound) {
        (_, None) => price,
        (Side::Buy, Some(bound)) => price.min(bound),
        (Side::Sell, Some(bound)) => price.max(bound),
    })
}

/// Both legs of a plan of which one makes.
struct Sides<'a> {
    terms: Making,
    maker: (u8, &'a PairLeg, &'a Instrument),
    hedge: (u8, &'a PairLeg, &'a Instrument),
}

impl Engine {
    /// Whether a tick may make a plan that looks at prices do something.
    pub(crate) fn moves_plans(&self, instrument: InstrumentId, tick: &Tick) -> bool {
        match TickKind::from_code(tick.kind) {
            Some(TickKind::Quote | TickKind::Level) => tick.is_last(),
            Some(TickKind::FeedStatus) => true,
            Some(TickKind::Mark) => self.plans.reads_marks(instrument),
            _ => false,
        }
    }

    /// After something that may have changed a market: plans that its prices concern look at it.
    pub(crate) fn watchers_look(
        &mut self,
        now: HostTime,
        instrument: InstrumentId,
        effects: &mut Effects,
    ) {
        if !self.plans.is_watched(instrument) {
            return;
        }
        for key in self.plans.watchers(instrument) {
            self.plan_goes_on(now, key, effects);
        }
    }

    /// A strategy is stopped, or an operator ends what rests: nothing of its plans in a scope rests
    /// any more.
    pub(crate) fn makers_give_up(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        (scope, closes): (Scope, bool),
        effects: &mut Effects,
    ) {
        for key in self.plans.making_of(strategy) {
            let pair = self.plans.pair(&key);
            if !closes && pair.is_some_and(|slot| slot.plan.kind == PairKind::Close) {
                continue; // given up it would take at once what it was to make
            }
            let legs = pair.into_iter().flat_map(|slot| &slot.plan.legs);
            let mut meant = legs.map(|leg| is_of(scope, leg.account, leg.instrument));
            if meant.any(|meant| meant) {
                self.give_up_plan(now, key, effects);
            }
        }
    }

    pub(super) fn make(&self, now: HostTime, key: PlanKey, slot: &PlanSlot) -> Next {
        let Some(sides) = self.sides(slot) else { return Next::Enter(PairPhase::Completing) };
        let (quote, hedge) =
            (self.live_of(key, slot, sides.maker.0), self.live_of(key, slot, sides.hedge.0));
        let tries_left = slot.tries < slot.plan.request.tries;
        let mut wake = slot.plan.making_until.unwrap_or(slot.plan.deadline);
        let hedges = self.can_hedge(now, &sides) && self.may_complete(now, key, slot);
        if hedge.is_none() && tries_left && hedges {
            // at once, unless the last try brought nothing
            let failed = slot.tries > 0 || slot.denied.is_some();
            let resumes = self.pause(now, slot).filter(|_| failed);
            match (self.unhedged(slot, &sides), resumes) {
                (Some(_), Some(until)) => wake = wake.min(until),
                (Some(quantity), None) => {
                    let (leg, purpose) = (sides.hedge.0, Purpose::Complete);
                    let price = Asked::Reaching(slot.plan.request.hedge);
                    return Next::Send(Wanted { leg, purpose, quantity, price });
                }
                (None, _) => {}
            }
        }
        let left = self.left_to_make(slot, &sides);
        if left.is_none() || !tries_left || self.is_over(now, key, slot) {
            return match (quote, hedge) {
                (Some(order), _) => cancel_or(now, (slot, order), HostTime::NEVER),
                (None, Some(_)) => Next::Wait(HostTime::NEVER),
                (None, None) => Next::Enter(PairPhase::Completing),
            };
        }
        let resting = (key, &sides, left.unwrap_or_default());
        self.quote(now, slot, resting, (quote, hedge), wake)
    }

    /// Keeps the leg where it should rest, or away.
    fn quote(
        &self,
        now: HostTime,
        slot: &PlanSlot,
        (key, sides, left): (PlanKey, &Sides<'_>, Quantity),
        (quote, hedge): (Option<&Order>, Option<&Order>),
        wake: HostTime,
    ) -> Next {
        if !self.is_reconciled(sides.maker.1.account) {
            return Next::Wait(wake); // whether it rests is not known: its venue will tell
        }
        let wanted = match hedge.map(|order| order.status) {
            Some(OrderStatus::Unknown) => Err(RiskRejection::NotReconciled),
            _ => self.quote_price(now, key, slot, sides),
        };
        let after = Duration::from_millis(u64::from(sides.terms.reprice_ms));
        let ready = slot.quoted.map_or(now, |quoted| quoted.after(after));
        match (quote, wanted) {
            (Some(order), Err(_)) => cancel_or(now, (slot, order), wake),
            (Some(order), Ok(price)) => {
                let off = order.request.price.units().abs_diff(price.units());
                let spec = sides.maker.2;
                let step = spec.grid.step_at(price, spec.price_scale).unwrap_or(1).unsigned_abs();
                let most = step.saturating_mul(u64::from(sides.terms.reprice_ticks));
                let working =
                    matches!(order.status, OrderStatus::Open | OrderStatus::PartiallyFilled);
                if off < most || !working {
                    return Next::Wait(wake);
                }
                if now < ready {
                    return Next::Wait(wake.min(ready));
                }
                cancel_or(now, (slot, order), wake)
            }
            // looked at again when a market moves
            (None, Err(_)) => Next::Wait(wake),
            (None, Ok(_)) if now < ready => Next::Wait(wake.min(ready)),
            (None, Ok(price)) => Next::Send(Wanted {
                leg: sides.maker.0,
                purpose: Purpose::Make,
                quantity: left,
                price: Asked::At(price),
            }),
        }
    }

    fn sides<'a>(&'a self, slot: &'a PlanSlot) -> Option<Sides<'a>> {
        let of = |leg: u8| {
            let planned = slot.plan.legs.get(usize::from(leg))?;
            Some((leg, planned, self.config.instrument(planned.instrument)?))
        };
        let maker = slot.plan.maker?;
        Some(Sides {
            terms: slot.plan.request.make?,
            maker: of(maker)?,
            hedge: of(1_u8.saturating_sub(maker))?,
        })
    }

    /// The order of a leg that has not ended.
    fn live_of(&self, key: PlanKey, slot: &PlanSlot, leg: u8) -> Option<&Order> {
        let own = slot.orders.iter().rev().filter(|(_, (of, _))| *of == leg);
        own.filter_map(|(number, _)| self.order(key.0, *number)).next()
    }

    /// Whether nothing more is made.
    fn is_over(&self, now: HostTime, key: PlanKey, slot: &PlanSlot) -> bool {
        let late = slot.plan.making_until.is_none_or(|until| now >= until);
        let action = match slot.plan.kind {
            PairKind::Open => Action::StrategyOpens,
            PairKind::Close => Action::StrategyReduces,
        };
        late || slot.given_up || !self.mode_of_pair(key.0, &slot.plan).permits(action)
    }

    /// Whether the hedge can be sent at all; else its venue or its market is waited for.
    fn can_hedge(&self, now: HostTime, sides: &Sides<'_>) -> bool {
        let (_, planned, spec) = sides.hedge;
        self.is_reconciled(planned.account) && self.middle(now, spec).is_ok()
    }

    /// Whether something was made and is not hedged that an order could hedge.
    pub(super) fn owes_hedge(&self, slot: &PlanSlot) -> bool {
        self.sides(slot).is_some_and(|sides| self.unhedged(slot, &sides).is_some())
    }

    /// What was made and is not hedged, once it is an order's size.
    fn unhedged(&self, slot: &PlanSlot, sides: &Sides<'_>) -> Option<Quantity> {
        let (leg, planned, spec) = sides.hedge;
        let owed = match planned.side {
            Side::Buy => -slot.residual(),
            Side::Sell => slot.residual(),
        };
        let mut quantity = self.missing(slot, leg).filter(|_| owed.is_sign_positive())?;
        // no leg goes further than was asked for, whatever the other one came to
        quantity = quantity.min(match slot.plan.kind {
            PairKind::Close => self.left_to_close(slot, leg)?,
            PairKind::Open => self.left_to_open(slot, leg)?,
        });
        let exempt = slot.plan.kind == PairKind::Close && spec.kind != InstrumentKind::Spot;
        let worth = spec.notional(planned.limit, quantity).ok()?;
        let enough = exempt || spec.min_notional.is_none_or(|least| worth >= least);
        enough.then_some(quantity)
    }

    /// What is still to be made, if that is an order's size.
    fn left_to_make(&self, slot: &PlanSlot, sides: &Sides<'_>) -> Option<Quantity> {
        let (leg, planned, spec) = sides.maker;
        let filled = slot.legs.get(usize::from(leg))?.filled;
        let left = planned.target.units().checked_sub(filled)?;
        let lots = left.checked_div(spec.lot.units())?;
        let left = Quantity::from_units(lots.checked_mul(spec.lot.units())?);
        let exempt = slot.plan.kind == PairKind::Close && spec.kind != InstrumentKind::Spot;
        let worth = spec.notional(planned.limit, left).ok()?;
        let enough = exempt || spec.min_notional.is_none_or(|least| worth >= least);
        (left.is_positive() && left >= spec.min_quantity && enough).then_some(left)
    }

    /// Where the leg should rest now, or why it should not.
    fn quote_price(
        &self,
        now: HostTime,
        key: PlanKey,
        slot: &PlanSlot,
        sides: &Sides<'_>,
    ) -> Result<Price, RiskRejection> {
        let ((_, made, making), (place, planned, spec)) = (sides.maker, sides.hedge);
        if !self.is_reconciled(planned.account) {
            return Err(RiskRejection::NotReconciled);
        }
        if self.journal_failed {
            return Err(RiskRejection::JournalUnavailable);
        }
        self.middle(now, making)?;
        self.middle(now, spec)?;
        let bound = given(making, made.side, making.price(made.limit), sides.terms.follow);
        let bound = bound.and_then(|bound| making.passive_price(made.side, bound).ok());
        let bound = bound.ok_or(RiskRejection::Overflow)?;
        let price = maker_price(self, (making, made.side), sides.terms.behind_ticks, Some(bound))?;
        let owner = self.strategies.get(key.0.index()).ok_or(RiskRejection::UnknownInstrument)?;
        let reach = (slot.plan.request.first, owner.limits.collar_bps);
        let limit = self.taking_limit(now, (spec, planned.side), reach, false)?.limit;
        let hedged = slot.legs.get(usize::from(place)).map_or(0, |leg| leg.filled);
        let wanted = planned.target.units().saturating_sub(hedged);
        let wanted = Quantity::from_units(wanted.max(spec.lot.units()));
        let offer = self.offer(spec, planned.side, (wanted, limit));
        let offer = offer.ok_or(RiskRejection::NoMarket)?;
        if offer.fillable < wanted {
            let fillable = offer.fillable;
            return Err(RiskRejection::NotEnoughDepth { fillable, wanted });
        }
        let resting = making.price(price);
        let (buy, sell) = match made.side {
            Side::Buy => (resting, offer.average),
            Side::Sell => (offer.average, resting),
        };
        super::preflight::check_worth(&slot.plan.request, (buy, sell))?;
        Ok(price)
    }
}

/// A cancel, unless one is on its way, or was refused a moment ago: its venue is not asked again at
/// the rate of its answers.
fn cancel_or(now: HostTime, (slot, order): (&PlanSlot, &Order), wake: HostTime) -> Next {
    if order.status == OrderStatus::PendingCancel {
        return Next::Wait(wake);
    }
    let number = order.request.number;
    let asked = slot.canceled.filter(|(of, _)| *of == number);
    match asked.map(|(_, at)| at.after(CANCEL_AGAIN)).filter(|again| now < *again) {
        Some(again) => Next::Wait(wake.min(again)),
        None => Next::Cancel(number),
    }
}
