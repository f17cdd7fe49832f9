//! The next order of every kind but the barrier: when what rests is moved, and what is sent when
//! nothing lives.

use super::price::Priced;
use super::send::{At, Wanted};
use super::{Live, Next, PAUSE, SingleSlot};
use crate::Engine;
use crate::execution::PlanKey;
use crate::terms::whole_lots_of;
use hedgerow_model::{
    ChaseRequest, CloseRequest, Duration, Give, HostTime, Instrument, Quantity, RiskRejection,
    Side, SinglePurpose, SingleRequest, TwapRequest,
};

fn ms(span: u32) -> Duration {
    Duration::from_millis(u64::from(span))
}

/// Where a TWAP stands: which slice, whether it is the last, and when it and the next begin.
struct Slice {
    place: u64,
    last: bool,
    start: HostTime,
    next: HostTime,
}

fn slice_of(now: HostTime, slot: &SingleSlot, request: &TwapRequest) -> Slice {
    let interval = u64::from(request.interval_ms).max(1);
    let slices = (u64::from(request.horizon_ms) / interval).max(1);
    let place = (now.since(slot.plan.began).as_millis() / interval).min(slices - 1);
    let at =
        |place: u64| slot.plan.began.after(Duration::from_millis(interval.saturating_mul(place)));
    Slice { place, last: place + 1 == slices, start: at(place), next: at(place + 1) }
}

/// How far a chase has stepped across the spread.
fn chase_step(now: HostTime, slot: &SingleSlot, request: &ChaseRequest) -> u32 {
    let step = u64::from(request.step_ms).max(1);
    let steps = now.since(slot.plan.began).as_millis() / step;
    u32::try_from(steps).unwrap_or(u32::MAX).min(request.cross_steps)
}

fn takes(request: &ChaseRequest, step: u32) -> bool {
    request.cross_steps > 0 && step >= request.cross_steps
}

impl Engine {
    fn spec_of(&self, slot: &SingleSlot) -> Option<&Instrument> {
        self.config.instrument(slot.instrument())
    }

    /// Where a chase wants its order to rest now.
    pub(super) fn chase_price(
        &self,
        now: HostTime,
        slot: &SingleSlot,
        request: &ChaseRequest,
    ) -> Result<Priced, RiskRejection> {
        let spec = self.spec_of(slot).ok_or(RiskRejection::UnknownInstrument)?;
        let step = chase_step(now, slot, request);
        let way = (step, request.cross_steps, request.distance_ticks);
        let priced = self.across(now, spec, slot.plan.side, way)?;
        Ok(Self::bounded(slot, slot.plan.side, priced))
    }

    /// Whether an order that rests is to make room for another.
    pub(super) fn is_to_move(&self, now: HostTime, slot: &SingleSlot, order: &Live) -> bool {
        match &slot.plan.request {
            SingleRequest::Chase(request) => {
                if takes(request, chase_step(now, slot, request)) {
                    return true;
                }
                let wanted = self.chase_price(now, slot, request);
                let spec = self.spec_of(slot);
                let Some((wanted, spec)) = wanted.ok().zip(spec) else { return false };
                let step = spec.grid.step_at(wanted.price, spec.price_scale).unwrap_or(1);
                let off = wanted.price.units().abs_diff(order.price.units());
                off >= step.unsigned_abs().saturating_mul(u64::from(request.refresh_ticks))
            }
            _ => now >= self.deadline_of(now, slot, order),
        }
    }

    /// When an order that rests has had its time.
    fn deadline_of(&self, now: HostTime, slot: &SingleSlot, order: &Live) -> HostTime {
        match &slot.plan.request {
            SingleRequest::AggressiveLimit(r) => order.at.after(ms(r.attempt_ms)),
            SingleRequest::InsideSpread(r) => order.at.after(ms(r.attempt_ms)),
            SingleRequest::Tiered(r) => order.at.after(ms(r.limit_ms)),
            SingleRequest::Twap(r) => {
                let start = slice_of(order.at, slot, r).start;
                r.maker_ms.map_or(HostTime::NEVER, |maker| start.after(ms(maker)))
            }
            SingleRequest::Chase(r) => {
                let done = u64::from(chase_step(now, slot, r));
                if done >= u64::from(r.cross_steps) {
                    return HostTime::NEVER;
                }
                let next = u64::from(r.step_ms).saturating_mul(done + 1);
                slot.plan.began.after(Duration::from_millis(next))
            }
            _ => HostTime::NEVER,
        }
    }

    /// When something is to be done about what lives.
    pub(super) fn order_deadline(
        &self,
        now: HostTime,
        slot: &SingleSlot,
        live: &[Live],
    ) -> HostTime {
        let resting = live.iter().filter(|order| order.cancelable.is_some());
        resting.map(|order| self.deadline_of(now, slot, order)).min().unwrap_or(HostTime::NEVER)
    }

    /// Nothing lives: the next order, or the end.
    pub(super) fn next_wanted(
        &self,
        now: HostTime,
        key: PlanKey,
        slot: &SingleSlot,
        over: Option<&'static str>,
    ) -> Next {
        let denied = slot.denied.as_ref().map(ToString::to_string);
        let end = |why: &str| Next::End(self.outcome_of(slot, why));
        if slot.left() == 0 {
            return end("");
        }
        if let Some(why) = over {
            return end(denied.as_deref().filter(|_| why == "timed out").unwrap_or(why));
        }
        if !self.is_reconciled(slot.account()) {
            return Next::Wait(slot.plan.deadline); // what it says when it is goes on
        }
        if self.is_used_up(now, slot) {
            return end(denied.as_deref().unwrap_or("no attempt is left"));
        }
        let least = |spec: &Instrument| spec.min_quantity.max(spec.lot).units();
        let least = self.spec_of(slot).map_or(i64::MAX, least);
        if slot.left() < least {
            return end("less is left than an order can be");
        }
        if let Some(until) = slot.tried.map(|at| at.after(PAUSE)).filter(|until| now < *until) {
            return Next::Wait(until.min(slot.plan.deadline));
        }
        match &slot.plan.request {
            SingleRequest::Twap(request) => self.next_of_twap(now, slot, (request, least)),
            SingleRequest::ClosePosition(request) => self.next_of_close(key, slot, request),
            _ => Next::Send(vec![self.plain_order(now, slot)]),
        }
    }

    /// Whether all attempts are used up.
    fn is_used_up(&self, now: HostTime, slot: &SingleSlot) -> bool {
        match &slot.plan.request {
            SingleRequest::Limit(_) | SingleRequest::Market(_) => slot.tries > 0,
            SingleRequest::AggressiveLimit(r) => slot.tries > r.max_retries,
            SingleRequest::InsideSpread(r) => slot.tries > r.steps,
            SingleRequest::Tiered(_) => slot.taken.is_some(),
            SingleRequest::Chase(r) => {
                let taken = slot.taken.is_some() && takes(r, chase_step(now, slot, r));
                taken || slot.denied.as_ref().is_some_and(|denied| !denied.is_passing())
            }
            SingleRequest::ClosePosition(r) => slot.tries >= r.tries,
            SingleRequest::Twap(_) | SingleRequest::Barrier(_) => false,
        }
    }

    /// The one order of a kind that has one at a time.
    fn plain_order(&self, now: HostTime, slot: &SingleSlot) -> Wanted {
        let quantity = Quantity::from_units(slot.left());
        let order = |purpose, at, post_only| Wanted { purpose, at, quantity, post_only };
        let make = |at, post_only| order(SinglePurpose::Make, at, post_only);
        let take = |at| order(SinglePurpose::Take, at, false);
        match &slot.plan.request {
            SingleRequest::Limit(r) => make(At::Asked(r.price), r.post_only),
            SingleRequest::Market(r) => take(At::Beyond(Give::Bps(r.slippage_bps), true)),
            SingleRequest::AggressiveLimit(r) => make(At::Beyond(aggression(r), false), false),
            SingleRequest::InsideSpread(r) => {
                let at = At::Across(slot.tries, r.steps, 0);
                if slot.tries < r.steps { make(at, r.post_only) } else { take(at) }
            }
            SingleRequest::Tiered(r) => {
                let rests = now < slot.plan.began.after(ms(r.limit_ms)) && slot.tries == 0;
                let own = r.price.map_or(At::Across(0, 1, 0), At::Asked);
                let bound = At::Beyond(Give::Bps(r.slippage_bps), true);
                if rests { make(own, r.post_only) } else { take(bound) }
            }
            SingleRequest::Chase(r) => {
                let step = chase_step(now, slot, r);
                let at = At::Across(step, r.cross_steps, r.distance_ticks);
                if takes(r, step) { take(at) } else { make(at, true) }
            }
            // these come another way
            SingleRequest::Twap(_)
            | SingleRequest::ClosePosition(_)
            | SingleRequest::Barrier(_) => take(At::Beyond(Give::Bps(0), true)),
        }
    }

    fn next_of_twap(
        &self,
        now: HostTime,
        slot: &SingleSlot,
        (request, least): (&TwapRequest, i64),
    ) -> Next {
        let slice = slice_of(now, slot, request);
        let end = |why: &str| Next::End(self.outcome_of(slot, why));
        let due = match i64::try_from(slice.place + 1) {
            Ok(slices) if !slice.last => slot.plan.slice.units().saturating_mul(slices),
            _ => slot.plan.target.units(),
        };
        let quantity = due.min(slot.plan.target.units()) - slot.ins.units;
        let later = match slice.last {
            true => end("the last slice brought no more"),
            false => Next::Wait(slice.next),
        };
        if quantity < least {
            return later;
        }
        let quantity = Quantity::from_units(quantity);
        let done = |at: Option<HostTime>| at.is_some_and(|at| at >= slice.start);
        if let Some(until) = request.maker_ms.map(|maker| slice.start.after(ms(maker)))
            && now < until
            && !done(slot.taken)
        {
            let (purpose, at) = (SinglePurpose::Make, At::Across(0, 1, 0));
            return match done(slot.made) {
                true => Next::Wait(until),
                false => Next::Send(vec![Wanted { purpose, at, quantity, post_only: true }]),
            };
        }
        if done(slot.taken) {
            return later;
        }
        let at = At::Beyond(Give::Bps(request.slippage_bps), true);
        let purpose = SinglePurpose::Take;
        Next::Send(vec![Wanted { purpose, at, quantity, post_only: false }])
    }

    /// As much as is known to be held, at most what was asked for.
    fn next_of_close(&self, key: PlanKey, slot: &SingleSlot, request: &CloseRequest) -> Next {
        let room = self.room(key, slot.instrument(), slot.plan.side);
        let most = Quantity::from_units(slot.left().min(room));
        let known = self.spec_of(slot).map(|spec| (whole_lots_of(spec, most), spec.min_quantity));
        let Some((quantity, _)) = known.filter(|(whole, least)| whole >= least) else {
            let why = "nothing more is held that it could close";
            return Next::End(self.outcome_of(slot, why));
        };
        let at = At::Beyond(Give::Bps(request.slippage_bps), false);
        let order = |purpose| Wanted { purpose, at, quantity, post_only: false };
        let mut orders = vec![order(SinglePurpose::Take)];
        if request.dual {
            orders.push(order(SinglePurpose::Other));
        }
        Next::Send(orders)
    }

    /// What an order of a side could close: the position as known, less what other orders close.
    pub(super) fn room(
        &self,
        key: PlanKey,
        instrument: hedgerow_model::InstrumentId,
        side: Side,
    ) -> i64 {
        let owner = self.strategies.get(key.0.index());
        let Some(holding) = owner.and_then(|slot| slot.holding(instrument)) else { return 0 };
        let held = holding.position.quantity.units().saturating_mul(-side.sign());
        held.saturating_sub(holding.open(side)).max(0)
    }
}

/// How far an aggressive limit reaches: ten ticks if nothing is said.
pub(super) fn aggression(request: &hedgerow_model::AggressiveRequest) -> Give {
    match (request.cross_ticks, request.bps) {
        (_, Some(bps)) => Give::Bps(bps),
        (ticks, None) => Give::Ticks(ticks.unwrap_or(10)),
    }
}
