//! The facts of a run, folded a second time and independently of the engine: what orders, plans and
//! modes they say there are, and whether an approval was one that could be given.

use crate::coverage::Coverage;
use hedgerow_model::{
    AccountId, ClientOrderId, Fact, InstrumentId, Order, OrderEvent, OrderFact, OrderStatus,
    PLAN_ORDERS, PairOutcome, PairPhase, PairPlan, PlanStep, Purpose, Scope, Side, Stamped,
    StrategyId, TradingMode, WireId,
};
use std::collections::BTreeMap;

/// An order as the facts have it.
#[derive(Clone, Debug)]
pub struct Known {
    /// As it was approved, with what filled and what was amended.
    pub order: Order,
    /// What its venue says filled in all, where it ended before its fills were heard.
    ending: Option<i64>,
    amending: Option<i64>,
    /// It may make a position larger, or turn it.
    pub opens: bool,
}

impl Known {
    /// What may still fill.
    fn open(&self) -> i64 {
        let filled = self.order.filled.units();
        match self.ending {
            Some(all) => (all - filled).max(0),
            None => self.order.request.quantity.units().max(self.amending.unwrap_or(0)) - filled,
        }
    }
}

/// A plan as the facts have it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// As it began.
    pub plan: PairPlan,
    /// Its orders.
    pub orders: BTreeMap<u64, (u8, Purpose)>,
    /// Where it stands.
    pub phase: PairPhase,
    /// How it last ended.
    pub outcome: Option<PairOutcome>,
}

/// Everything the facts say.
#[derive(Debug, Default)]
pub struct Tracker {
    alive: BTreeMap<ClientOrderId, Known>,
    over: BTreeMap<ClientOrderId, Known>,
    wires: BTreeMap<(AccountId, WireId), ClientOrderId>,
    positions: BTreeMap<(StrategyId, InstrumentId), i64>,
    modes: BTreeMap<Scope, TradingMode>,
    /// All plans that began.
    pub plans: BTreeMap<(StrategyId, u64), Plan>,
    /// Plans that are stuck and whose alarm must follow.
    stuck: Vec<(StrategyId, u64)>,
}

impl Tracker {
    /// Takes facts that were committed together; what is wrong about them.
    pub fn take(&mut self, facts: &[Stamped], coverage: &mut Coverage) -> Result<(), String> {
        for stamped in facts {
            let stuck = std::mem::take(&mut self.stuck);
            self.fold(&stamped.fact, coverage).map_err(|what| format!("{what}: {stamped:?}"))?;
            // the alarm is the very next fact, if the mode does not hold already
            self.check_alarms(stuck)?;
        }
        let stuck = std::mem::take(&mut self.stuck);
        self.check_alarms(stuck)
    }

    fn check_alarms(&self, stuck: Vec<(StrategyId, u64)>) -> Result<(), String> {
        let calm = |(strategy, _): &&(StrategyId, u64)| {
            self.mode(&[Scope::Strategy(*strategy)]) < TradingMode::ReduceOnly
        };
        match stuck.iter().find(calm) {
            Some((strategy, plan)) => Err(format!("plan {plan} of {strategy} is stuck, no alarm")),
            None => Ok(()),
        }
    }

    /// Takes the facts of an earlier process.
    pub fn take_all(&mut self, facts: &[Stamped]) -> Result<(), String> {
        let mut unseen = Coverage::default();
        for stamped in facts {
            let folded = self.fold(&stamped.fact, &mut unseen);
            folded.map_err(|what| format!("{what}: {stamped:?}"))?;
        }
        self.stuck.clear();
        Ok(())
    }

    /// The strictest mode of these and the host's.
    fn mode(&self, scopes: &[Scope]) -> TradingMode {
        let all = scopes.iter().chain([&Scope::Host]);
        all.filter_map(|scope| self.modes.get(scope)).copied().max().unwrap_or_default()
    }

    /// The order behind a wire id.
    #[must_use]
    pub fn by_wire(&self, account: AccountId, wire: WireId) -> Option<&Known> {
        let id = self.wires.get(&(account, wire))?;
        self.alive.get(id).or_else(|| self.over.get(id))
    }

    /// Where an order is: account and wire id, and its instrument.
    #[must_use]
    pub fn key_of(&self, id: ClientOrderId) -> Option<((AccountId, WireId), InstrumentId)> {
        let known = self.alive.get(&id).or_else(|| self.over.get(&id))?;
        let order = &known.order;
        Some(((order.account, order.wire), order.request.instrument))
    }

    fn fold(&mut self, fact: &Fact, coverage: &mut Coverage) -> Result<(), String> {
        match fact {
            Fact::Order { id, fact } => return self.order(*id, fact, coverage),
            Fact::Fill { id, instrument, side, quantity, replaces, .. } => {
                // what the real one of an inferred fill replaces was counted before
                let units = quantity.units() - replaces.units();
                let held = self.positions.entry((id.strategy, *instrument)).or_default();
                *held += side.sign() * units;
                coverage.total("fills");
                self.filled(*id, units, coverage);
            }
            Fact::Adopted { strategy, instrument, quantity, .. } => {
                coverage.total("adopted");
                self.positions.insert((*strategy, *instrument), quantity.units());
            }
            Fact::Mode { scope, mode, .. } => {
                self.modes.insert(*scope, *mode);
            }
            Fact::Plan { strategy, plan, step } => self.plan((*strategy, *plan), step, coverage),
            Fact::Funding { .. } => coverage.total("funding payments"),
            Fact::Discrepancy { .. } => coverage.total("discrepancies"),
            _ => {}
        }
        Ok(())
    }

    fn order(
        &mut self,
        id: ClientOrderId,
        fact: &OrderFact,
        coverage: &mut Coverage,
    ) -> Result<(), String> {
        match fact {
            OrderFact::Approved(order) => return self.approved(id, order, coverage),
            OrderFact::Denied { .. } => coverage.total("denials"),
            OrderFact::Replaces(_) => coverage.total("replacements"),
            OrderFact::CancelRequested => self.moved(id, OrderEvent::CancelRequested, coverage),
            OrderFact::AmendRequested(amend) => {
                self.moved(id, OrderEvent::AmendRequested, coverage);
                if let Some(known) = self.alive.get_mut(&id) {
                    known.amending = Some(amend.quantity.units());
                }
            }
            OrderFact::Moved { event, .. } => {
                if *event == OrderEvent::AmendRejected
                    && let Some(known) = self.alive.get_mut(&id)
                {
                    known.amending = None;
                }
                self.moved(id, *event, coverage);
                let whole = |known: &Known| known.ending.is_none() && known.open() <= 0;
                if self.alive.get(&id).is_some_and(whole) {
                    self.moved(id, OrderEvent::FinalFill, coverage);
                }
            }
            OrderFact::Inferred { event, .. } => {
                coverage.total("orders whose end was inferred");
                self.moved(id, *event, coverage);
            }
            OrderFact::Ends { filled, .. } => {
                coverage.total("ended before their fills");
                if let Some(known) = self.alive.get_mut(&id) {
                    known.ending = Some(filled.units());
                }
            }
            OrderFact::Amended { price, quantity } => {
                let Some(known) = self.alive.get_mut(&id) else { return Ok(()) };
                (known.order.request.price, known.order.request.quantity) = (*price, *quantity);
                // a change that was not the one asked for leaves that one open
                known.amending = known.amending.filter(|asked| *asked != quantity.units());
                let done = *quantity <= known.order.filled;
                let event = if done { OrderEvent::FinalFill } else { OrderEvent::Amended };
                self.moved(id, event, coverage);
            }
        }
        Ok(())
    }

    /// What is open of a side, the orders of one strategy in one instrument.
    fn open(&self, strategy: StrategyId, instrument: InstrumentId, side: Side) -> i64 {
        let own = self.alive.values().filter(|known| {
            let request = &known.order.request;
            let whose = known.order.id.strategy == strategy;
            whose && request.instrument == instrument && request.side == side
        });
        own.map(Known::open).sum()
    }

    fn approved(
        &mut self,
        id: ClientOrderId,
        order: &Order,
        coverage: &mut Coverage,
    ) -> Result<(), String> {
        coverage.total("orders");
        let (strategy, request) = (id.strategy, &order.request);
        let (instrument, side) = (request.instrument, request.side);
        let units = request.quantity.units();
        let held = self.positions.get(&(strategy, instrument)).copied().unwrap_or(0);
        let opposite = held.signum() * side.sign() < 0;
        let reduces = opposite && self.open(strategy, instrument, side) + units <= held.abs();
        if request.flags.reduce_only && !reduces {
            return Err(format!("reduce-only beyond the position of {held}"));
        }
        let of_plan = id.number >= PLAN_ORDERS;
        let mode = self.mode(&[
            Scope::Strategy(strategy),
            Scope::Account(order.account),
            Scope::Instrument(instrument),
        ]);
        let may = match mode {
            TradingMode::Running => true,
            TradingMode::ReduceOnly => reduces,
            TradingMode::CancelOnly => reduces && of_plan,
            TradingMode::Halted => false,
        };
        if !may {
            return Err(format!("approved in mode {mode}"));
        }
        if of_plan {
            self.within_plan(id, units)?;
        }
        let (ending, amending) = (None, None);
        let known = Known { order: order.clone(), ending, amending, opens: !reduces };
        if self.wires.insert((order.account, order.wire), id).is_some() {
            return Err("a wire id is used again".into());
        }
        if self.over.contains_key(&id) || self.alive.insert(id, known).is_some() {
            return Err("an order number is used again".into());
        }
        Ok(())
    }

    /// No leg is sent more than is planned of it, nor more taken back than there is.
    fn within_plan(&self, id: ClientOrderId, units: i64) -> Result<(), String> {
        let own = self.plans.range((id.strategy, 0)..=(id.strategy, u64::MAX));
        let mut own = own.rev().filter(|(_, plan)| plan.orders.contains_key(&id.number));
        let Some(((_, number), plan)) = own.next() else {
            return Err("an order of no plan".into());
        };
        let Some((leg, purpose)) = plan.orders.get(&id.number).copied() else { return Ok(()) };
        let (mut forth, mut back, mut going_forth, mut going_back) = (0, 0, 0, 0);
        for (number, (other, what)) in &plan.orders {
            let id = ClientOrderId { strategy: id.strategy, number: *number };
            let Some(known) = self.alive.get(&id).or_else(|| self.over.get(&id)) else { continue };
            if *other != leg {
                continue;
            }
            let open = if self.alive.contains_key(&id) { known.open() } else { 0 };
            let (done, going) = match what {
                Purpose::TakeBack => (&mut back, &mut going_back),
                _ => (&mut forth, &mut going_forth),
            };
            *done += known.order.filled.units();
            *going += open;
        }
        let net = forth - back;
        let target = plan.plan.legs[usize::from(leg)].target.units();
        let (sent, most) = match purpose {
            Purpose::TakeBack => (going_back + units, net),
            _ => (net + going_forth + units, target),
        };
        if sent > most {
            return Err(format!("plan {number} sends {sent} of at most {most} on leg {leg}"));
        }
        Ok(())
    }

    fn moved(&mut self, id: ClientOrderId, event: OrderEvent, coverage: &mut Coverage) {
        let known = match self.alive.get_mut(&id) {
            Some(known) => known,
            None => match self.over.get_mut(&id) {
                Some(known) => known,
                None => return,
            },
        };
        let order = &mut known.order;
        if let Ok(next) = order.status.apply(event, order.filled.is_positive()) {
            coverage.transition(order.status, event);
            order.status = next;
        }
        if order.status.is_terminal()
            && let Some(known) = self.alive.remove(&id)
        {
            self.over.insert(id, known);
        }
    }

    fn filled(&mut self, id: ClientOrderId, units: i64, coverage: &mut Coverage) {
        let over = self.over.contains_key(&id);
        if over {
            coverage.total("fills of orders that were over");
        }
        let known = self.alive.get_mut(&id).or_else(|| self.over.get_mut(&id));
        let Some(known) = known else { return };
        let left = known.open();
        let filled = known.order.filled.units() + units;
        known.order.filled = hedgerow_model::Quantity::from_units(filled);
        let event = if units >= left { OrderEvent::FinalFill } else { OrderEvent::PartialFill };
        let ended = known.ending.is_some_and(|all| filled >= all);
        self.moved(id, event, coverage);
        // the venue's word of its end comes true with the last fill
        if ended && let Some(mut known) = self.alive.remove(&id) {
            known.order.status = OrderStatus::Canceled;
            self.over.insert(id, known);
        }
    }

    fn plan(&mut self, key: (StrategyId, u64), step: &PlanStep, coverage: &mut Coverage) {
        if let PlanStep::Began(plan) = step {
            coverage.plan("asked", &format!("{:?} {:?}", plan.kind, PairPhase::Opening));
            let plan = (**plan).clone();
            let (orders, phase, outcome) = (BTreeMap::new(), PairPhase::Opening, None);
            self.plans.insert(key, Plan { plan, orders, phase, outcome });
            return;
        }
        if let PlanStep::Refused { .. } = step {
            coverage.total("plans refused");
        }
        let Some(known) = self.plans.get_mut(&key) else { return };
        let from = format!("{:?} {:?}", known.plan.kind, known.phase);
        match step {
            PlanStep::Sends { leg, purpose, number, .. } => {
                known.orders.insert(*number, (*leg, *purpose));
            }
            PlanStep::Phase(phase) => {
                coverage.plan(&from, &format!("{phase:?}"));
                known.phase = *phase;
            }
            PlanStep::Ended(result) => {
                known.phase = PairPhase::Ended;
                known.outcome = Some(result.outcome.clone());
                let stuck = matches!(result.outcome, PairOutcome::Stuck { .. });
                let to = if stuck { "Stuck".into() } else { format!("{:?}", result.outcome) };
                coverage.plan(&from, &to);
                if stuck {
                    self.stuck.push(key);
                }
            }
            PlanStep::GivenUp => coverage.total("plans given up"),
            PlanStep::Released => coverage.total("plans released"),
            _ => {}
        }
    }
}
