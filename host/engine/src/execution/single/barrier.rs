//! The triple barrier: an entry, and barriers around whatever part is filled, from the first
//! partial fill on. Stop, trailing, profit and time are looked at in this order on every new price
//! and every fill. When one fires, what rests is canceled and its outcome known before what is held
//! is closed, reduce-only, again only when the last try is known final.

use super::send::{At, Wanted};
use super::{Live, Next, PAUSE, SingleSlot, pull_or_wait, text};
use crate::Engine;
use crate::execution::PlanKey;
use hedgerow_model::{
    Action, Barrier, BarrierEntry, BarrierRequest, Decimal, Duration, Give, HostTime, Instrument,
    OnCancel, Quantity, Rounding, SingleOutcome, SinglePhase, SinglePurpose, SingleStep,
};

/// How long closing is tried where it is not tries that fail but the market that is missing.
const CLOSING: Duration = Duration::from_secs(30);
/// How long before an order that takes profit and was denied is tried again.
const PROFIT_AGAIN: Duration = Duration::from_secs(1);
/// Decimals of a profit.
const DIGITS: u32 = 12;

/// What was paid to enter.
struct Entered {
    price: Decimal,
    /// Fees as a fraction of the value.
    fee: Decimal,
}

/// The order that enters.
pub(super) fn entry_order(entry: &BarrierEntry, quantity: Quantity) -> Wanted {
    match entry.price {
        Some(price) => Wanted {
            purpose: SinglePurpose::Make,
            at: At::Asked(price),
            quantity,
            post_only: entry.post_only,
        },
        None => Wanted {
            purpose: SinglePurpose::Take,
            at: At::Beyond(Give::Bps(entry.slippage_bps.unwrap_or(0)), true),
            quantity,
            post_only: false,
        },
    }
}

/// Profit of a position carried from `entry` to `exit`, as a fraction of what entered, net of
/// fees: vector B1.
pub(super) fn profit(
    spec: &Instrument,
    sign: i64,
    (entry, exit): (Decimal, Decimal),
    (fee_in, fee_out): (Decimal, Decimal),
) -> Option<Decimal> {
    // what the value of the exit is of that of the entry
    let inverse = spec.kind.is_inverse();
    let ratio = if inverse { entry.checked_div(exit)? } else { exit.checked_div(entry)? };
    let gain = if inverse { Decimal::ONE - ratio } else { ratio - Decimal::ONE };
    let gross = gain.checked_mul(Decimal::from(sign))?;
    let net = gross.checked_sub(fee_in)?.checked_sub(fee_out.checked_mul(ratio)?)?;
    Some(Rounding::HalfEven.decimal(net, DIGITS).normalize())
}

/// The price at which the profit is `wanted`: the other way round.
pub(super) fn price_for(
    spec: &Instrument,
    sign: i64,
    (entry, wanted): (Decimal, Decimal),
    (fee_in, fee_out): (Decimal, Decimal),
) -> Option<Decimal> {
    let sum = wanted.checked_add(fee_in)?;
    let up = (sign > 0) != spec.kind.is_inverse();
    let (over, under) = match up {
        true => (Decimal::ONE + sum, Decimal::ONE - fee_out),
        false => (Decimal::ONE - sum, Decimal::ONE + fee_out),
    };
    let ratio = over.checked_div(under).filter(|ratio| *ratio > Decimal::ZERO)?;
    if spec.kind.is_inverse() { entry.checked_div(ratio) } else { entry.checked_mul(ratio) }
}

impl Engine {
    /// What a barrier plan holds, in whole lots, at most what the position has; what is less than
    /// an order can be counts as nothing.
    pub(super) fn held_of(&self, key: PlanKey, slot: &SingleSlot) -> i64 {
        let owner = self.strategies.get(key.0.index());
        let position = owner.map(|owner| owner.position(slot.instrument()).units());
        let there = position.unwrap_or(0).saturating_mul(slot.plan.side.sign()).max(0);
        self.tradable(slot, slot.holds().min(there))
    }

    /// Whole lots of a quantity; nothing if it is less than an order can be.
    fn tradable(&self, slot: &SingleSlot, units: i64) -> i64 {
        let Some(spec) = self.config.instrument(slot.instrument()) else { return 0 };
        let rest = units.checked_rem(spec.lot.units()).unwrap_or(0);
        let whole = units.saturating_sub(rest);
        if whole >= spec.min_quantity.units() { whole } else { 0 }
    }

    fn entered(&self, slot: &SingleSlot, request: &BarrierRequest) -> Option<Entered> {
        let spec = self.config.instrument(slot.instrument())?;
        let (adopted, worth) = slot.plan.adopted;
        let value = worth.checked_add(slot.ins.value)?;
        let units = adopted.units().checked_add(slot.ins.units)?;
        let price = spec.average_entry(value, Quantity::from_units(units))?;
        let fees = worth.checked_mul(request.entry_fee_rate)?.checked_add(slot.ins.fees)?;
        Some(Entered { price, fee: fees.checked_div(value)? })
    }

    /// The profit if what is held were closed at the touch now.
    pub(crate) fn profit_of(
        &self,
        now: HostTime,
        slot: &SingleSlot,
        request: &BarrierRequest,
    ) -> Option<Decimal> {
        let spec = self.config.instrument(slot.instrument())?;
        let market = self.markets.get(spec.id).filter(|market| self.is_fresh(now, market))?;
        // who is long sells to the best bid
        let exit = spec.price(market.touch(slot.plan.side)?);
        self.profit_at(slot, request, (spec, exit))
    }

    /// The same at the venue's own mark: what an exit is priced from where there is no touch.
    fn profit_by_mark(
        &self,
        now: HostTime,
        slot: &SingleSlot,
        request: &BarrierRequest,
    ) -> Option<Decimal> {
        let spec = self.config.instrument(slot.instrument())?;
        let mark = self.venue_mark(now, spec)?;
        self.profit_at(slot, request, (spec, mark))
    }

    fn profit_at(
        &self,
        slot: &SingleSlot,
        request: &BarrierRequest,
        (spec, exit): (&Instrument, Decimal),
    ) -> Option<Decimal> {
        let entered = self.entered(slot, request)?;
        let fees = (entered.fee, request.exit_fee_rate);
        profit(spec, slot.plan.side.sign(), (entered.price, exit), fees)
    }

    pub(super) fn next_barrier(
        &self,
        now: HostTime,
        key: PlanKey,
        slot: &SingleSlot,
        request: &BarrierRequest,
    ) -> Next {
        let live = self.live_in_plan(key, slot);
        let held = self.held_of(key, slot);
        if self.has_ended(key.0, slot.instrument())
            && let Some(next) = self.at_the_end(now, slot, (&live, held))
        {
            return next;
        }
        if slot.phase == SinglePhase::Closing {
            return self.close_out(now, key, (slot, request), (&live, held));
        }
        let halted = !self.mode_of_single(key, slot).permits(Action::PlanUnwinds);
        let keeps = slot.given_up && request.on_cancel == OnCancel::Keep;
        if halted || keeps {
            if !live.is_empty() {
                return pull_or_wait(now, &live, HostTime::NEVER);
            }
            return match (halted && held > 0, slot.ins.units) {
                (true, _) => stuck("the mode forbids to watch what is held"),
                (_, 0) => {
                    let why = if halted { "the mode forbids it" } else { "given up" };
                    Next::End(SingleOutcome::Unfilled { why: text(why) })
                }
                _ => Next::End(SingleOutcome::Partly { why: text("given up; what is held stays") }),
            };
        }
        if let Some(step) = self.fires(now, (slot, request), (&live, held)) {
            return Next::Note(step);
        }
        self.watch(now, key, (slot, request), (&live, held))
    }

    /// The contract has ended: what rests ends with it, what is held waits for its delivery.
    fn at_the_end(
        &self,
        now: HostTime,
        slot: &SingleSlot,
        (live, held): (&[Live], i64),
    ) -> Option<Next> {
        if !live.is_empty() {
            return Some(pull_or_wait(now, live, HostTime::NEVER));
        }
        if held > 0 {
            return self.awaits_delivery(slot.account(), slot.instrument()).map(Next::Wait);
        }
        let working = slot.phase == SinglePhase::Working;
        let came = slot.plan.adopted.0.units().saturating_add(slot.ins.units) > 0;
        match (came, working) {
            (false, _) => {
                let why = text("the contract has expired");
                Some(Next::End(SingleOutcome::Unfilled { why }))
            }
            (true, true) => {
                let (barrier, profit) = (Barrier::Elsewhere, None);
                Some(Next::Note(SingleStep::Fires { barrier, profit }))
            }
            (true, false) => None,
        }
    }

    /// What the barriers say now.
    fn fires(
        &self,
        now: HostTime,
        (slot, request): (&SingleSlot, &BarrierRequest),
        (live, held): (&[Live], i64),
    ) -> Option<SingleStep> {
        let fired = |barrier, profit| Some(SingleStep::Fires { barrier, profit });
        if slot.given_up {
            return fired(Barrier::GivenUp, None);
        }
        if held == 0 && slot.outs.units > 0 {
            return fired(Barrier::TakeProfit, None); // the order that took profit is filled
        }
        let profit = self.profit_of(now, slot, request).filter(|_| held > 0);
        // a stop is not blind without a touch; the rest waits for one
        let marked = || self.profit_by_mark(now, slot, request).filter(|_| held > 0);
        let seen = profit.or_else(marked);
        if seen.zip(request.stop_loss).is_some_and(|(seen, loss)| seen <= -loss) {
            return fired(Barrier::Stop, seen);
        }
        let trigger = slot.trigger.filter(|_| request.trailing.is_some());
        if profit.zip(trigger).is_some_and(|(profit, trigger)| profit < trigger) {
            return fired(Barrier::Trailing, profit);
        }
        if let Some(now) = profit {
            if let Some(trailing) = request.trailing {
                let raised = now.checked_sub(trailing.delta)?;
                let arms = slot.trigger.is_some() || now > trailing.activation;
                if arms && slot.trigger.is_none_or(|trigger| raised > trigger) {
                    return Some(SingleStep::Trails { trigger: raised });
                }
            }
            let rests = live.iter().any(|order| order.purpose == SinglePurpose::TakeProfit);
            if !rests && request.take_profit.is_some_and(|wanted| now >= wanted) {
                return fired(Barrier::TakeProfit, profit);
            }
        }
        let over = self.time_limit(slot, request).is_some_and(|at| now >= at);
        over.then_some(SingleStep::Fires { barrier: Barrier::Time, profit })
    }

    fn time_limit(&self, slot: &SingleSlot, request: &BarrierRequest) -> Option<HostTime> {
        let from = slot.first_fill.unwrap_or(slot.plan.began);
        Some(from.after(Duration::from_millis(request.time_limit_ms?)))
    }

    /// Nothing fired: the entry, and the order that takes profit.
    fn watch(
        &self,
        now: HostTime,
        key: PlanKey,
        (slot, request): (&SingleSlot, &BarrierRequest),
        (live, held): (&[Live], i64),
    ) -> Next {
        let wake = self.time_limit(slot, request).unwrap_or(HostTime::NEVER);
        let entries = live.iter().filter(|order| order.purpose != SinglePurpose::TakeProfit);
        let entries: Vec<Live> = entries.copied().collect();
        let may_open = self.mode_of_single(key, slot).permits(Action::StrategyOpens);
        if !may_open && entries.iter().any(|entry| entry.cancelable.is_some()) {
            return pull_or_wait(now, &entries, wake);
        }
        if live.iter().any(|order| !order.known) || !self.is_reconciled(slot.account()) {
            return Next::Wait(wake);
        }
        let paused = slot.tried.map(|at| at.after(PAUSE)).filter(|until| now < *until);
        let tries = slot.tries == 0 && may_open && now < slot.plan.deadline;
        if let Some(entry) = request.entry.as_ref().filter(|_| tries && entries.is_empty()) {
            return match paused {
                Some(until) => Next::Wait(until.min(wake)),
                None => Next::Send(vec![entry_order(entry, slot.plan.target)]),
            };
        }
        if held == 0 && live.is_empty() {
            return self.nothing_held(slot);
        }
        match self.take_profit(now, key, (slot, request), (live, held)) {
            Some(next) => next,
            None => Next::Wait(wake),
        }
    }

    /// Nothing is held, and no order will bring anything.
    fn nothing_held(&self, slot: &SingleSlot) -> Next {
        let denied = slot.denied.as_ref().map(ToString::to_string);
        let came = slot.plan.adopted.0.units().saturating_add(slot.ins.units);
        Next::End(match (came, self.tradable(slot, slot.holds())) {
            (0, _) => {
                let why = denied.unwrap_or_else(|| text("the entry brought nothing"));
                SingleOutcome::Unfilled { why }
            }
            (_, 0) => {
                SingleOutcome::Partly { why: text("what filled is less than an order can be") }
            }
            _ => SingleOutcome::Closed { by: Barrier::Elsewhere },
        })
    }

    /// The order that takes profit: there with the size and the price that what is held wants.
    fn take_profit(
        &self,
        now: HostTime,
        key: PlanKey,
        (slot, request): (&SingleSlot, &BarrierRequest),
        (live, held): (&[Live], i64),
    ) -> Option<Next> {
        let wanted = request.take_profit.filter(|_| request.resting_take_profit)?;
        let spec = self.config.instrument(slot.instrument())?;
        let side = slot.plan.side;
        let entered = self.entered(slot, request)?;
        let fees = (entered.fee, request.exit_fee_rate);
        let at = price_for(spec, side.sign(), (entered.price, wanted), fees)?;
        let price = spec.passive_price(side.opposite(), at).ok()?;
        let resting = live.iter().find(|order| order.purpose == SinglePurpose::TakeProfit);
        let wake = self.time_limit(slot, request).unwrap_or(HostTime::NEVER);
        if let Some(order) = resting {
            let fits = order.price == price && order.remaining.units() == held;
            return (!fits).then(|| pull_or_wait(now, &[*order], wake));
        }
        let room = self.room(key, slot.instrument(), side.opposite());
        let quantity = self.tradable(slot, held.min(room));
        if quantity == 0 {
            return None;
        }
        let pause = if slot.denied.is_some() { PROFIT_AGAIN } else { PAUSE };
        if let Some(until) = slot.tried.map(|at| at.after(pause)).filter(|until| now < *until) {
            return Some(Next::Wait(until.min(wake)));
        }
        let quantity = Quantity::from_units(quantity);
        let (purpose, at) = (SinglePurpose::TakeProfit, At::Exactly(price));
        Some(Next::Send(vec![Wanted { purpose, at, quantity, post_only: false }]))
    }

    /// A barrier fired: what rests is canceled, then what is held is closed.
    fn close_out(
        &self,
        now: HostTime,
        key: PlanKey,
        (slot, request): (&SingleSlot, &BarrierRequest),
        (live, held): (&[Live], i64),
    ) -> Next {
        if !live.is_empty() {
            return pull_or_wait(now, live, HostTime::NEVER);
        }
        if held == 0 {
            let came = slot.plan.adopted.0.units().saturating_add(slot.ins.units);
            return Next::End(match (came, slot.fired) {
                (0, Some(Barrier::Time)) => SingleOutcome::Expired,
                (0, _) => SingleOutcome::Unfilled { why: text("given up") },
                (_, by) => SingleOutcome::Closed { by: by.unwrap_or(Barrier::Elsewhere) },
            });
        }
        if !self.mode_of_single(key, slot).permits(Action::PlanUnwinds) {
            return stuck("the mode forbids to close it");
        }
        if !self.is_reconciled(slot.account()) {
            return Next::Wait(HostTime::NEVER);
        }
        if slot.tries >= request.tries || now >= slot.entered.after(CLOSING) {
            let denied = slot.denied.as_ref().map(ToString::to_string);
            return stuck(denied.as_deref().unwrap_or("no try closed it"));
        }
        if let Some(until) = slot.tried.map(|at| at.after(PAUSE)).filter(|until| now < *until) {
            return Next::Wait(until);
        }
        let out = slot.plan.side.opposite();
        let room = self.room(key, slot.instrument(), out);
        if room < held {
            // what the strategy has resting on that side reduces the same position: it goes first
            let own = self.own_reductions(key.0, slot.instrument(), out);
            if !own.cancel.is_empty() {
                return Next::Cancel(own.cancel);
            }
            if own.waits {
                return Next::Wait(now.after(PAUSE));
            }
        }
        let part = self.tradable(slot, held.min(room));
        // with no room the gate says why
        let quantity = Quantity::from_units(if part > 0 { part } else { held });
        let at = At::Beyond(Give::Bps(request.exit_bps), false);
        let purpose = SinglePurpose::Exit;
        Next::Send(vec![Wanted { purpose, at, quantity, post_only: false }])
    }
}

fn stuck(why: &str) -> Next {
    Next::End(SingleOutcome::Stuck { why: text(why) })
}
