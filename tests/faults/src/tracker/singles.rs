//! Plans of one leg as the facts have them, and what must hold of each order and of each result,
//! by docs/plans.md.

use super::Tracker;
use crate::coverage::Coverage;
use hedgerow_model::{
    AskedBy, Barrier, ClientOrderId, Decimal, Fact, Instrument, InstrumentId, Order, PairOutcome,
    PairPhase, PlanStep, Quantity, SingleKind, SingleOutcome, SinglePhase, SinglePlan,
    SinglePurpose, SingleRequest, SingleResult, SingleStep, StrategyId, TradingMode,
};
use std::collections::BTreeMap;

/// Plans from this number on are the host's own.
pub(crate) const HOST: u64 = 1 << 63;

/// What the fills of an order come to; what was inferred of it is kept apart until the real ones
/// replace it.
#[derive(Clone, Copy, Debug, Default)]
struct Traded {
    units: i64,
    value: Decimal,
    fees: Decimal,
    inferred: (i64, Decimal),
}

/// A plan of one leg.
#[derive(Clone, Debug)]
pub struct Single {
    /// As it began.
    pub plan: SinglePlan,
    /// Its orders.
    pub orders: BTreeMap<u64, SinglePurpose>,
    /// Where it stands.
    pub phase: SinglePhase,
    /// What came of it, as it was told last.
    pub result: Option<SingleResult>,
    /// An operator has taken over what was stuck.
    pub(crate) released: bool,
    fired: Option<Barrier>,
    traded: BTreeMap<u64, Traded>,
    /// Units in its direction that were heard of orders which had ended: the next ones made up for
    /// them.
    late: i64,
    /// What went in and was gone when it was told to be over: somebody else has closed that.
    gone: i64,
}

/// Whether an order goes in the direction of its plan.
#[must_use]
pub fn goes_in(purpose: SinglePurpose) -> bool {
    matches!(purpose, SinglePurpose::Make | SinglePurpose::Take)
}

fn word(outcome: &SingleOutcome) -> String {
    match outcome {
        SingleOutcome::Filled => "filled".into(),
        SingleOutcome::Partly { .. } => "partly".into(),
        SingleOutcome::Unfilled { .. } => "unfilled".into(),
        SingleOutcome::Closed { by } => format!("closed {by:?}"),
        SingleOutcome::Expired => "expired".into(),
        SingleOutcome::Stuck { .. } => "stuck".into(),
    }
}

impl Single {
    fn new(plan: SinglePlan) -> Self {
        Self {
            plan,
            orders: BTreeMap::new(),
            phase: SinglePhase::Working,
            result: None,
            released: false,
            fired: None,
            traded: BTreeMap::new(),
            late: 0,
            gone: 0,
        }
    }

    fn name(&self) -> String {
        format!("{} {:?}", self.plan.request.kind().word(), self.phase)
    }

    /// Whether it keeps others out of its instrument.
    fn blocks(&self) -> bool {
        let stuck = self.result.as_ref().is_some_and(SingleResult::is_stuck);
        self.phase != SinglePhase::Ended || (stuck && !self.released)
    }

    /// Units, value and fees of what went in, or out.
    fn sum(&self, ins: bool) -> (i64, Decimal, Decimal) {
        let mut sum = (0, Decimal::ZERO, Decimal::ZERO);
        for (number, purpose) in &self.orders {
            if let Some(traded) = self.traded.get(number).filter(|_| goes_in(*purpose) == ins) {
                sum.0 += traded.units + traded.inferred.0;
                sum.1 += traded.value + traded.inferred.1;
                sum.2 += traded.fees;
            }
        }
        sum
    }

    /// Units in its direction of orders that had ended by the facts.
    #[must_use]
    pub fn late(&self) -> i64 {
        self.late
    }

    fn holds(&self) -> i64 {
        self.plan.adopted.0.units() + self.sum(true).0 - self.sum(false).0
    }
}

impl Tracker {
    /// A plan begins in an instrument: nothing that it must wait for is at work there.
    pub(super) fn is_free(
        &self,
        (strategy, number): (StrategyId, u64),
        instrument: InstrumentId,
        closes: bool,
    ) -> Result<(), String> {
        let own = |key: &StrategyId| *key == strategy;
        let host = number >= HOST;
        for ((whose, other), plan) in &self.plans {
            let stuck = matches!(plan.outcome, Some(PairOutcome::Stuck { .. })) && !plan.released;
            let works = plan.phase != PairPhase::Ended || stuck;
            let there = plan.plan.legs.iter().any(|leg| leg.instrument == instrument);
            // a close of the host's mends what is stuck
            let works = works && !((closes || host) && stuck);
            if own(whose) && works && there && *other != number {
                return Err(format!("pair {other} is at work where {number} begins"));
            }
        }
        for ((whose, other), single) in &self.singles {
            let waits = !closes || single.plan.request.kind() == SingleKind::ClosePosition;
            let there = single.plan.request.instrument() == instrument && waits;
            let works = single.phase != SinglePhase::Ended;
            let blocks = if host { works } else { single.blocks() };
            if own(whose) && there && blocks && *other != number {
                return Err(format!("plan {other} is at work where {number} begins"));
            }
        }
        Ok(())
    }

    pub(super) fn single(
        &mut self,
        key: (StrategyId, u64),
        step: &SingleStep,
        coverage: &mut Coverage,
    ) -> Result<(), String> {
        if let SingleStep::Began(plan) = step {
            let kind = plan.request.kind();
            coverage.plan("asked", &format!("{} {:?}", kind.word(), SinglePhase::Working));
            let closes = kind == SingleKind::ClosePosition;
            self.singles.insert(key, Single::new((**plan).clone()));
            if plan.asked_by == AskedBy::Operator {
                coverage.total("plans of an operator's flatten");
                return Ok(()); // whatever is in its way was given its time
            }
            return self.is_free(key, plan.request.instrument(), closes);
        }
        let Some(known) = self.singles.get_mut(&key) else { return Ok(()) };
        match step {
            SingleStep::Sends { purpose, number, .. } => {
                known.orders.insert(*number, *purpose);
                coverage.total(&format!("orders of {}", known.plan.request.kind().word()));
                self.of_order.insert(ClientOrderId { strategy: key.0, number: *number }, key);
            }
            SingleStep::Fires { barrier, .. } => {
                let to = match known.phase {
                    SinglePhase::Ended => format!("{:?} again", SinglePhase::Closing),
                    _ => format!("{:?} {barrier:?}", SinglePhase::Closing),
                };
                coverage.plan(&known.name(), &to);
                (known.phase, known.fired) = (SinglePhase::Closing, Some(*barrier));
            }
            SingleStep::Trails { .. } => coverage.total("stops that followed"),
            SingleStep::Ended(result) => {
                let again = known.phase == SinglePhase::Ended;
                let to = if again { "told again".into() } else { word(&result.outcome) };
                coverage.plan(&known.name(), &to);
                known.phase = SinglePhase::Ended;
                known.result = Some((**result).clone());
                if result.is_stuck() {
                    self.stuck.push(key);
                }
                return self.check_result(key);
            }
            SingleStep::Denied { reason, .. } => coverage.refused(reason),
            SingleStep::Began(_) => {}
        }
        Ok(())
    }

    /// What is common to all kinds of plans.
    pub(super) fn single_word(&mut self, key: (StrategyId, u64), step: &PlanStep) {
        if let Some(known) = self.singles.get_mut(&key)
            && *step == PlanStep::Released
        {
            known.released = true;
        }
    }

    pub(super) fn single_filled(&mut self, fact: &Fact) {
        let Fact::Fill { id, instrument, price, quantity, fee, inferred, replaces, .. } = fact
        else {
            return;
        };
        let Some(key) = self.of_order.get(id) else { return };
        let spec = self.instruments.get(instrument.index());
        let (Some(single), Some(spec)) = (self.singles.get_mut(key), spec) else { return };
        let value = spec.value(*price, *quantity).unwrap_or_default();
        if self.over.contains_key(id) && single.orders.get(&id.number).is_some_and(|p| goes_in(*p))
        {
            single.late += quantity.units() - replaces.units();
        }
        let traded = single.traded.entry(id.number).or_default();
        if *inferred {
            traded.inferred.0 += quantity.units();
            traded.inferred.1 += value;
        } else {
            let (units, worth) = traded.inferred;
            if replaces.is_positive() && units != 0 {
                // the venue's average keeps: what is still to come is worth the rest
                let (left, part) = (units - replaces.units(), spec.value(*price, *replaces));
                let rest = if left == 0 { Decimal::ZERO } else { worth - part.unwrap_or_default() };
                traded.inferred = (left, rest);
            }
            traded.units += quantity.units();
            traded.value += value;
        }
        traded.fees += fee.amount;
    }

    /// Whether an order of a plan of one leg is one that it may send: never more than was asked
    /// for, nothing beside an order that does the same, never beyond the bound, and what reduces
    /// says so to the venue.
    pub(super) fn within_single(&self, order: &Order) -> Result<(), String> {
        let Some((single, purpose)) = self.purpose_of(order.id) else { return Ok(()) };
        let (plan, request) = (&single.plan, &order.request);
        let (ins, price) = (goes_in(purpose), request.price);
        let side = if ins { plan.side } else { plan.side.opposite() };
        if request.side != side || order.account != plan.account {
            return Err(format!("a plan that goes {:?} sends {purpose:?}", plan.side));
        }
        if (!ins || plan.request.reduces()) && !request.flags.reduce_only {
            return Err("a plan that reduces sends what may open".into());
        }
        let beyond = |bound| (price.units() - bound) * side.sign() > 0;
        let bound = plan.bound.filter(|_| !plan.request.reduces());
        if ins && bound.is_some_and(|bound| beyond(bound.units())) {
            return Err(format!("{price} is beyond the plan's bound {bound:?}"));
        }
        let (mut going, mut beside) = (0, None);
        for (number, other) in &single.orders {
            let id = ClientOrderId { strategy: order.id.strategy, number: *number };
            let Some(alive) = self.alive.get(&id) else { continue };
            if goes_in(*other) == ins {
                going += alive.open();
            }
            let pairs = [purpose, *other].contains(&SinglePurpose::Other);
            let entry = ins && *other == SinglePurpose::TakeProfit
                || purpose == SinglePurpose::TakeProfit && goes_in(*other);
            if !pairs && !entry {
                beside = Some(*number);
            }
        }
        if let Some(other) = beside {
            return Err(format!("{purpose:?} is sent beside order {other} of the same plan"));
        }
        let units = request.quantity.units();
        let (sent, most) = match purpose {
            SinglePurpose::Make | SinglePurpose::Take => {
                (single.sum(true).0 + going + units, plan.target.units())
            }
            SinglePurpose::Other => (units, plan.target.units()),
            _ => (going + units, single.holds()),
        };
        match sent > most {
            true => Err(format!("plan {} sends {sent} of at most {most}", plan.id)),
            false => Ok(()),
        }
    }

    /// The plan of one leg that an order belongs to, and what it is for.
    pub(super) fn purpose_of(&self, id: ClientOrderId) -> Option<(&Single, SinglePurpose)> {
        let single = self.singles.get(self.of_order.get(&id)?)?;
        Some((single, *single.orders.get(&id.number)?))
    }

    /// Whether a mode lets a plan of one leg send an order.
    pub(super) fn may_send(
        &self,
        id: ClientOrderId,
        mode: TradingMode,
        reduces: bool,
    ) -> Option<bool> {
        let (single, purpose) = self.purpose_of(id)?;
        if single.plan.asked_by == AskedBy::Operator {
            return Some(true); // in every mode
        }
        let sent = single.orders.values().filter(|purpose| **purpose == SinglePurpose::Take);
        let closing = matches!(single.plan.request, SingleRequest::ClosePosition(_));
        // what the host closes nobody else looks after
        let again = sent.count() > 1 || single.plan.id >= HOST;
        let unwinds = !goes_in(purpose) || closing && again;
        Some(match mode {
            TradingMode::Running => true,
            TradingMode::ReduceOnly => reduces || unwinds,
            TradingMode::CancelOnly => unwinds,
            TradingMode::Halted => false,
        })
    }

    /// The figures of a result are the sums of the fills, and what a barrier still holds is said.
    fn check_result(&mut self, key: (StrategyId, u64)) -> Result<(), String> {
        let Some(single) = self.singles.get_mut(&key) else { return Ok(()) };
        let (Some(result), instrument) = (&single.result, single.plan.request.instrument()) else {
            return Ok(());
        };
        let Some(spec) = self.instruments.get(instrument.index()) else { return Ok(()) };
        if self.delivered.contains(&single.plan.account) {
            return Ok(()); // the venue closed a part of it
        }
        is_sum(spec, single, result, (single.sum(true), single.sum(false)))?;
        let Some(exit) = &result.figures.exit else { return Ok(()) };
        let position = self.positions.get(&(key.0, instrument)).copied().unwrap_or(0);
        let there = (position * single.plan.side.sign()).max(0).min(single.holds());
        let held = there - there % spec.lot.units();
        let held = if held < spec.min_quantity.units() { 0 } else { held };
        if exit.held.units() != held {
            return Err(format!("it holds {held} and says {}", exit.held));
        }
        let over = matches!(result.outcome, SingleOutcome::Closed { .. } | SingleOutcome::Expired);
        // others may have opened since what was closed when it was told first
        let own = (single.holds() - single.gone).min(held);
        let own = own - own % spec.lot.units();
        if over && own > 0 && own >= spec.min_quantity.units() {
            return Err(format!("it ends {:?} and holds {own}", result.outcome));
        }
        single.gone = single.gone.max(single.holds() - held);
        Ok(())
    }
}

/// What went in and out of a plan: units, value and fees of each.
pub type Sums = ((i64, Decimal, Decimal), (i64, Decimal, Decimal));

/// Whether the figures of a result are the sums of fills.
pub fn is_sum(
    spec: &Instrument,
    single: &Single,
    result: &SingleResult,
    (ins, outs): Sums,
) -> Result<(), String> {
    let figures = &result.figures;
    let average = |(units, value, _): (i64, Decimal, Decimal)| {
        spec.average_entry(value, Quantity::from_units(units)).filter(|_| units != 0)
    };
    let near = |ours: Option<Decimal>, theirs: Option<Decimal>| match (ours, theirs) {
        (Some(a), Some(b)) => (a - b).abs() < Decimal::new(1, 6),
        (a, b) => a == b,
    };
    let left = (single.plan.target.units() - ins.0).max(0);
    let attempts = single.orders.values().filter(|p| **p != SinglePurpose::Other).count();
    let mut wrong = None;
    let mut must = |holds: bool, what: String| {
        if !holds {
            wrong.get_or_insert(what);
        }
    };
    must(figures.filled.units() == ins.0, format!("filled {}, not {}", ins.0, figures.filled));
    must(figures.left.units() == left, format!("{left} is left, not {}", figures.left));
    must(near(figures.average, average(ins)), format!("average {:?}", average(ins)));
    must(figures.fees == ins.2 + outs.2, format!("fees {}", ins.2 + outs.2));
    let sent = usize::try_from(figures.attempts).unwrap_or(0);
    must(sent == attempts, format!("{attempts} attempts"));
    if let Some(exit) = &figures.exit {
        must(exit.closed.units() == outs.0, format!("closed {}", outs.0));
        must(near(exit.average, average(outs)), format!("left at {:?}", average(outs)));
    }
    match (&result.outcome, wrong) {
        (_, Some(what)) => Err(format!("by its fills plan {} {what}: {result:?}", single.plan.id)),
        (SingleOutcome::Filled, None) if left != 0 => Err(format!("filled, and {left} is left")),
        (SingleOutcome::Unfilled { .. } | SingleOutcome::Expired, None) if ins.0 != 0 => {
            Err(format!("{:?}, and {} filled", result.outcome, ins.0))
        }
        _ => Ok(()),
    }
}
