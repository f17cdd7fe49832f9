//! Orders of plans: their limits, and their way through the gate like every other order's.

use super::pair::{Asked, Wanted};
use super::price::Priced;
use super::{PlanKey, is_of_host};
use crate::terms::on_grid;
use crate::{Effects, Engine};
use hedgerow_model::{
    Action, ClientOrderId, Fact, Give, HostTime, InstrumentKind, NewOrder, OrderFact, OrderFlags,
    PairKind, PairLeg, PlanStep, PriceSource, Purpose, Quantity, RiskRejection, Side, TimeInForce,
    VenueCommand,
};

impl Engine {
    /// The first orders, as they were checked.
    pub(crate) fn send_first(&mut self, now: HostTime, key: PlanKey, effects: &mut Effects) {
        let Some(slot) = self.plans.pair(&key) else { return };
        if slot.plan.maker.is_some() {
            return; // the leg that makes is sent like every quote after it
        }
        let priced = |planned: &PairLeg| {
            let PairLeg { limit, source, reach, .. } = *planned;
            (planned.target, Priced { limit, source, reach })
        };
        let legs: Vec<_> = (0_u8..)
            .zip(&slot.plan.legs)
            .filter(|(leg, _)| slot.plan.first.is_none_or(|first| first == *leg))
            .map(|(leg, planned)| (leg, priced(planned)))
            .collect();
        for (leg, what) in legs {
            self.send_for_plan(now, key, (leg, Purpose::First), what, effects);
        }
    }

    pub(super) fn send_wanted(
        &mut self,
        now: HostTime,
        key: PlanKey,
        Wanted { leg, purpose, quantity, price }: Wanted,
        effects: &mut Effects,
    ) {
        if let Some(slot) = self.plans.pair_mut(&key) {
            let tried = if purpose == Purpose::Make { &mut slot.quoted } else { &mut slot.tried };
            *tried = Some(now);
        }
        let priced = match price {
            Asked::At(limit) => Ok(Priced { limit, source: PriceSource::Touch, reach: None }),
            Asked::Reaching(give) => self.limit_of(now, key, (leg, purpose), give),
        };
        match priced {
            Ok(priced) => {
                self.send_for_plan(now, key, (leg, purpose), (quantity, priced), effects);
            }
            Err(reason) => {
                self.plan_fact(now, key, PlanStep::Denied { leg, reason }, effects);
            }
        }
    }

    fn limit_of(
        &self,
        now: HostTime,
        key: PlanKey,
        (leg, purpose): (u8, Purpose),
        give: Give,
    ) -> Result<Priced, RiskRejection> {
        let none = RiskRejection::UnknownInstrument;
        let slot = self.plans.pair(&key).ok_or(none.clone())?;
        let planned = slot.plan.legs.get(usize::from(leg)).ok_or(none.clone())?;
        let spec = self.config.instrument(planned.instrument).ok_or(none.clone())?;
        let owner = self.strategies.get(key.0.index()).ok_or(none)?;
        let side = match purpose {
            Purpose::TakeBack => planned.side.opposite(),
            _ => planned.side,
        };
        let reduces = slot.plan.kind == PairKind::Close || purpose == Purpose::TakeBack;
        let collar = owner.limits.collar_bps;
        let priced = self.taking_limit(now, (spec, side), (give, collar), reduces)?;
        if reduces { Ok(priced) } else { self.within_worth(now, (slot, leg), spec, priced) }
    }

    /// An order of a plan, through the gate like every other.
    pub(super) fn send_for_plan(
        &mut self,
        now: HostTime,
        key: PlanKey,
        (leg, purpose): (u8, Purpose),
        (quantity, priced): (Quantity, Priced),
        effects: &mut Effects,
    ) {
        let Some(slot) = self.plans.pair(&key) else { return };
        let Some(planned) = slot.plan.legs.get(usize::from(leg)) else { return };
        let (kind, instrument) = (slot.plan.kind, planned.instrument);
        let side = match purpose {
            Purpose::TakeBack => planned.side.opposite(),
            _ => planned.side,
        };
        let action = match (kind, purpose) {
            (PairKind::Open, Purpose::First | Purpose::Make) => Action::StrategyOpens,
            (PairKind::Open, Purpose::Complete) => Action::PlanCompletes,
            (PairKind::Close, Purpose::First | Purpose::Make) if !is_of_host(key) => {
                Action::StrategyReduces
            }
            (_, Purpose::TakeBack) | (PairKind::Close, _) => Action::PlanUnwinds,
        };
        // goods that were sold are bought back: on a spot market that is no reduction
        let spot = self.config.instrument(instrument).map(|spec| spec.kind);
        let buys_back = spot == Some(InstrumentKind::Spot) && side == Side::Buy;
        let takes_back = purpose == Purpose::TakeBack && !buys_back;
        let reduce_only = kind == PairKind::Close || takes_back;
        let Some(owner) = self.strategies.get(key.0.index()) else { return };
        let Some(spec) = self.config.instrument(instrument) else { return };
        let (limit, quantity) = on_grid(spec, side, (priced.limit, quantity));
        let priced = Priced { limit, ..priced };
        let number = owner.next_plan_order;
        let rests = purpose == Purpose::Make;
        let time_in_force =
            if rests { TimeInForce::GoodTillCancel } else { TimeInForce::ImmediateOrCancel };
        let order = NewOrder {
            number,
            instrument,
            side,
            price: priced.limit,
            quantity,
            time_in_force,
            flags: OrderFlags { post_only: rests, reduce_only },
        };
        match self.approve(now, key.0, &order, Some(action)) {
            Ok(approved) => {
                let Priced { limit, source, reach } = priced;
                let step = PlanStep::Sends { leg, purpose, number, limit, source, reach };
                self.plan_fact(now, key, step, effects);
                let id = ClientOrderId { strategy: key.0, number };
                let fact = OrderFact::Approved(Box::new(approved.get().clone()));
                self.record(now, Fact::Order { id, fact }, effects);
                effects.commands.push(VenueCommand::Place(approved));
            }
            Err(reason) => {
                self.plan_fact(now, key, PlanStep::Denied { leg, reason }, effects);
            }
        }
    }
}
