//! Orders of plans of one leg: their prices, and their way through the gate like every other
//! order's.

use super::SingleSlot;
use super::price::Priced;
use crate::execution::PlanKey;
use crate::terms::on_grid;
use crate::{Effects, Engine};
use hedgerow_model::{
    Action, AskedBy, ClientOrderId, Decimal, Fact, Give, HostTime, Instrument, NewOrder, OrderFact,
    OrderFlags, PlanStep, Price, PriceSource, Quantity, RiskRejection, Side, SinglePurpose,
    SingleStep, TimeInForce, ValueError, VenueCommand,
};

/// Where an order is priced.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    /// As it was given, without giving more.
    Asked(Decimal),
    /// Beyond the touch; `true`: no further than what is displayed makes necessary.
    Beyond(Give, bool),
    /// `k / n` of the way across the spread, so many ticks behind.
    Across(u32, u32, u32),
    /// Exactly there.
    Exactly(Price),
}

/// An order that a plan needs next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) purpose: SinglePurpose,
    pub(super) at: At,
    pub(super) quantity: Quantity,
    pub(super) post_only: bool,
}

/// What a mode must permit for a plan to go on.
pub(super) const fn action_of(unwinds: bool, reduces: bool) -> Action {
    match (unwinds, reduces) {
        (true, _) => Action::PlanUnwinds,
        (false, true) => Action::StrategyReduces,
        (false, false) => Action::StrategyOpens,
    }
}

/// Which way an order of a plan goes.
pub(super) const fn side_of(side: Side, purpose: SinglePurpose) -> Side {
    match purpose {
        SinglePurpose::Make | SinglePurpose::Take => side,
        SinglePurpose::Other | SinglePurpose::TakeProfit | SinglePurpose::Exit => side.opposite(),
    }
}

impl SingleSlot {
    /// Whether an order of it may only reduce.
    fn reduces(&self, purpose: SinglePurpose) -> bool {
        match purpose {
            SinglePurpose::Make | SinglePurpose::Take => self.plan.request.reduces(),
            SinglePurpose::Other | SinglePurpose::TakeProfit | SinglePurpose::Exit => true,
        }
    }
}

impl Engine {
    /// The price of an order.
    pub(super) fn price_at(
        &self,
        now: HostTime,
        spec: &Instrument,
        (key, slot): (PlanKey, &SingleSlot),
        wanted: &Wanted,
    ) -> Result<Priced, RiskRejection> {
        let overflow = |_: ValueError| RiskRejection::Overflow;
        let owner = self.strategies.get(key.0.index()).ok_or(RiskRejection::UnknownInstrument)?;
        let side = side_of(slot.plan.side, wanted.purpose);
        let reduces = slot.reduces(wanted.purpose);
        let given = |price| Priced { price, source: PriceSource::Asked, reach: None };
        let priced = match wanted.at {
            At::Asked(price) => given(spec.passive_price(side, price).map_err(overflow)?),
            At::Exactly(price) => return Ok(given(price)),
            At::Across(k, n, distance) => self.across(now, spec, side, (k, n, distance))?,
            At::Beyond(beyond, tightens) => {
                let how = (beyond, owner.limits.collar_bps);
                let priced = self.taking(now, spec, (side, reduces), how)?;
                match tightens && !reduces {
                    true => self.no_further(spec, side, wanted.quantity, priced),
                    false => priced,
                }
            }
        };
        Ok(if reduces { priced } else { Self::bounded(slot, side, priced) })
    }

    /// No further than the last price that is needed, and one step, where that is displayed.
    fn no_further(
        &self,
        spec: &Instrument,
        side: Side,
        quantity: Quantity,
        priced: Priced,
    ) -> Priced {
        let offer = self.offer(spec, side, (quantity, priced.price));
        let whole = offer.filter(|offer| offer.fillable >= quantity);
        let price = whole
            .map_or(priced.price, |offer| Self::tightened(spec, side, priced.price, offer.worst));
        let basis = self.markets.get(spec.id).and_then(|market| market.touch(side.opposite()));
        let reach = basis
            .and_then(|basis| crate::execution::price::reach(spec, side, spec.price(basis), price));
        Priced { price, reach: reach.or(priced.reach), ..priced }
    }

    /// Sends an order, or takes note why it was denied.
    pub(super) fn send_single(
        &mut self,
        now: HostTime,
        key: PlanKey,
        wanted: Wanted,
        effects: &mut Effects,
    ) {
        if let Some(slot) = self.plans.single_mut(&key) {
            slot.tried = Some(now);
        }
        if let Err(reason) = self.try_single(now, key, wanted, effects) {
            let Some(slot) = self.plans.single(&key) else { return };
            let again = slot.denied.as_ref().is_some_and(|known| known.code() == reason.code());
            let counts = !reason.is_passing() && wanted.purpose != SinglePurpose::TakeProfit;
            if !again || counts {
                let step = SingleStep::Denied { purpose: wanted.purpose, reason };
                self.plan_fact(now, key, PlanStep::Single(step), effects);
            }
        }
    }

    fn try_single(
        &mut self,
        now: HostTime,
        key: PlanKey,
        wanted: Wanted,
        effects: &mut Effects,
    ) -> Result<(), RiskRejection> {
        let Wanted { purpose, quantity, post_only, .. } = wanted;
        let slot = self.plans.single(&key).ok_or(RiskRejection::UnknownOrder)?;
        let instrument = slot.instrument();
        let spec = self.config.instrument(instrument).ok_or(RiskRejection::UnknownInstrument)?;
        let owner = self.strategies.get(key.0.index()).ok_or(RiskRejection::UnknownInstrument)?;
        let Priced { price, source, reach } = self.price_at(now, spec, (key, slot), &wanted)?;
        let side = side_of(slot.plan.side, purpose);
        let (price, quantity) = on_grid(spec, side, (price, quantity));
        let rests = matches!(purpose, SinglePurpose::Make | SinglePurpose::TakeProfit);
        let number = owner.next_plan_order;
        let order = NewOrder {
            number,
            instrument,
            side,
            price,
            quantity,
            time_in_force: match rests {
                true => TimeInForce::GoodTillCancel,
                false => TimeInForce::ImmediateOrCancel,
            },
            flags: OrderFlags { post_only, reduce_only: slot.reduces(purpose) },
        };
        let unwinds = slot.unwinds();
        let approved = match purpose {
            SinglePurpose::Other => self.approve_offsetting(now, key.0, &order)?,
            SinglePurpose::TakeProfit | SinglePurpose::Exit => {
                self.approve(now, key.0, &order, Some(Action::PlanUnwinds))?
            }
            SinglePurpose::Take if slot.plan.asked_by == AskedBy::Operator => {
                self.approve(now, key.0, &order, Some(Action::OperatorFlattens))?
            }
            SinglePurpose::Take if unwinds => {
                self.approve(now, key.0, &order, Some(Action::PlanUnwinds))?
            }
            // like an order of the strategy's own, its rate included
            SinglePurpose::Make | SinglePurpose::Take => self.approve(now, key.0, &order, None)?,
        };
        let step = SingleStep::Sends { purpose, number, source, reach };
        self.plan_fact(now, key, PlanStep::Single(step), effects);
        let id = ClientOrderId { strategy: key.0, number };
        let fact = OrderFact::Approved(Box::new(approved.get().clone()));
        self.record(now, Fact::Order { id, fact }, effects);
        effects.commands.push(VenueCommand::Place(approved));
        Ok(())
    }
}
