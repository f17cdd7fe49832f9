//! The facts of a run, folded a second time and independently of the engine: what orders, plans and
//! modes they say there are, and whether an approval was one that could be given.

mod alone;
mod lookups;
mod orders;
mod pairs;
mod singles;
mod standing;

pub(crate) use singles::HOST as HOST_PLANS;
pub use singles::{Single, Sums, goes_in, is_sum};

use crate::coverage::Coverage;
use crate::ears::{Word, word_of};
use crate::script::Script;
use hedgerow_model::{
    AccountId, ClientOrderId, Fact, Fee, Instrument, InstrumentId, Order, PLAN_ORDERS, PairOutcome,
    PairPhase, PairPlan, Position, Purpose, Quantity, Replacement, Scope, Side, SinglePurpose,
    Stamped, StrategyId, TradeId, TradingMode, WireId,
};
use standing::Standing;
use std::collections::{BTreeMap, BTreeSet};

/// An order as the facts have it.
#[derive(Clone, Debug)]
pub struct Known {
    /// As it was approved, with what filled and what was amended.
    pub order: Order,
    /// What its venue says filled in all, where it ended before its fills were heard.
    ending: Option<i64>,
    amending: Option<i64>,
    /// Its end follows from what its venue does not know.
    inferred: bool,
    /// When something of it filled last, host time, ns.
    pub filled_at: u64,
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
    /// Whose it is.
    pub strategy: StrategyId,
    /// What was held of each leg when it ended last, signed units.
    pub left: [i64; 2],
    /// A lot of each leg, and the least order, when it ended last.
    pub least: [(Quantity, Quantity); 2],
    /// Its orders.
    pub orders: BTreeMap<u64, (u8, Purpose)>,
    /// Where it stands.
    pub phase: PairPhase,
    /// Since when one leg is ahead of the other, host time, ns.
    pub apart: Option<u64>,
    /// How it last ended.
    pub outcome: Option<PairOutcome>,
    /// An operator has taken over what was stuck.
    released: bool,
    /// Something of it filled after the end of its order.
    pub late: bool,
}

/// Everything the facts say.
#[derive(Debug, Default)]
pub struct Tracker {
    pub(crate) alive: BTreeMap<ClientOrderId, Known>,
    over: BTreeMap<ClientOrderId, Known>,
    wires: BTreeMap<(AccountId, WireId), ClientOrderId>,
    pub(crate) positions: BTreeMap<(StrategyId, InstrumentId), i64>,
    /// What was adopted: what of it is there now, and how much of it was delivered.
    pub(crate) taken_over: BTreeMap<(StrategyId, InstrumentId), Position>,
    pub(crate) delivered_of_them: BTreeMap<(StrategyId, InstrumentId), i64>,
    /// Accounts whose position was delivered.
    pub(crate) delivered: BTreeSet<AccountId>,
    /// Accounts of which something was somebody else's: a part of their funding is, too.
    pub(crate) ignored: BTreeSet<AccountId>,
    /// Until when strategies might not open, and when this process began.
    restricted: BTreeMap<StrategyId, u64>,
    pub(crate) began: u64,
    /// A power cut has taken facts.
    pub(crate) cut: bool,
    modes: BTreeMap<Scope, TradingMode>,
    pub(crate) instruments: Vec<Instrument>,
    /// Trades of the venues' own will.
    pub forced: BTreeMap<(AccountId, TradeId), (Quantity, Fee)>,
    standing: Standing,
    /// All pairs that began.
    pub plans: BTreeMap<(StrategyId, u64), Plan>,
    /// All plans of one leg that began, and whose each of their orders is.
    pub singles: BTreeMap<(StrategyId, u64), Single>,
    of_order: BTreeMap<ClientOrderId, (StrategyId, u64)>,
    /// Orders that wait to take another's place, and whose place others have taken.
    pub(crate) replacing: BTreeMap<ClientOrderId, Replacement>,
    replaced: BTreeMap<ClientOrderId, (ClientOrderId, Quantity)>,
    /// Orders that have ended with the newest fact.
    ended: Vec<ClientOrderId>,
    /// What strategies are to be told of what was taken.
    pub(crate) says: Vec<(StrategyId, Word)>,
    /// How many plans that were over strategies have given up, of which they were not told yet.
    pub(crate) over_already: BTreeMap<StrategyId, u32>,
    /// Plans that are stuck and whose alarm must follow.
    stuck: Vec<(StrategyId, u64)>,
}

impl Tracker {
    /// Before any fact.
    #[must_use]
    pub fn of(script: &Script) -> Self {
        let (instruments, standing) = (script.instruments.clone(), Standing::of(script));
        Self { instruments, standing, ..Self::default() }
    }

    /// Takes facts that were committed together; what is wrong about them.
    pub fn take(&mut self, facts: &[Stamped], coverage: &mut Coverage) -> Result<(), String> {
        for stamped in facts {
            let (stuck, latches) = (std::mem::take(&mut self.stuck), self.standing.latches());
            self.fold(stamped, coverage).map_err(|what| format!("{what}: {stamped:?}"))?;
            self.says.extend(word_of(&stamped.fact));
            let own = self.ended.drain(..).filter(|id| id.number < PLAN_ORDERS);
            self.says.extend(own.map(|id| (id.strategy, Word::End(id.number))));
            // an alarm, a latch is the very next fact, if the mode does not hold already
            self.check_alarms(stuck)?;
            self.check_latches(latches)?;
        }
        let (stuck, latches) = (std::mem::take(&mut self.stuck), self.standing.latches());
        self.check_alarms(stuck)?;
        self.check_latches(latches)
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

    /// What a guard that tripped is mapped to holds.
    fn check_latches(&self, latches: Vec<(Scope, TradingMode)>) -> Result<(), String> {
        for (scope, mode) in latches {
            let is = self.mode(&[scope]);
            if is < mode {
                return Err(format!("a guard of {scope:?} has tripped: {is}, not {mode}"));
            }
        }
        Ok(())
    }

    /// Takes the facts of an earlier process.
    pub fn take_all(&mut self, facts: &[Stamped]) -> Result<(), String> {
        let mut unseen = Coverage::default();
        for stamped in facts {
            if matches!(stamped.fact, Fact::IntentDenied { .. }) {
                continue; // judged when it was new
            }
            let folded = self.fold(stamped, &mut unseen);
            folded.map_err(|what| format!("{what}: {stamped:?}"))?;
        }
        self.stuck.clear();
        self.ended.clear();
        self.standing.latches();
        Ok(())
    }

    /// The strictest mode of these and the host's.
    fn mode(&self, scopes: &[Scope]) -> TradingMode {
        let all = scopes.iter().chain([&Scope::Host]);
        all.filter_map(|scope| self.modes.get(scope)).copied().max().unwrap_or_default()
    }

    fn fold(&mut self, stamped: &Stamped, coverage: &mut Coverage) -> Result<(), String> {
        let (fact, now) = (&stamped.fact, stamped.time.as_nanos());
        match fact {
            Fact::Order { id, fact } => {
                self.standing.order(*id, fact, now);
                return self.order(*id, fact, coverage, now);
            }
            Fact::Fill { id, instrument, side, quantity, replaces, .. } => {
                // what the real one of an inferred fill replaces was counted before
                let units = quantity.units() - replaces.units();
                let held = self.positions.entry((id.strategy, *instrument)).or_default();
                *held += side.sign() * units;
                coverage.total("fills");
                self.single_filled(fact);
                self.pair_filled(*id, units);
                self.standing.filled(id.strategy, now);
                self.filled(*id, units, coverage)?;
                self.alive.entry(*id).and_modify(|known| known.filled_at = now);
                self.note_apart(*id, now);
            }
            Fact::Adopted { .. } => {
                coverage.total("adopted");
                return self.adopted(fact);
            }
            Fact::Ignored { account, .. } => {
                coverage.total("ignored");
                self.ignored.insert(*account);
            }
            Fact::Mode { scope, mode, .. } => {
                self.note_restricted(*scope, *mode, now);
                self.modes.insert(*scope, *mode);
            }
            Fact::Plan { strategy, plan, step } => {
                return self.plan((*strategy, *plan), step, coverage);
            }
            Fact::Forced { strategy, account, instrument, side, quantity, trade, fee, .. } => {
                coverage.total("trades of a venue's own will");
                self.forced.insert((*account, *trade), (*quantity, *fee));
                let held = self.positions.entry((*strategy, *instrument)).or_default();
                *held += side.sign() * quantity.units();
            }
            Fact::Guard { key, state, .. } => self.standing.guard(key, *state, coverage),
            Fact::IntentDenied { strategy, intent, reason } if intent != "plan" => {
                coverage.refused(reason);
                return self.is_denial(*strategy, intent, reason);
            }
            Fact::Delivered { .. } => {
                coverage.total("deliveries");
                self.delivered(fact);
            }
            Fact::Instrument(spec) => {
                coverage.total("terms changed");
                self.changed(spec);
            }
            Fact::Funding { account, others, .. } => {
                coverage.total("funding payments");
                if !others.is_zero() {
                    self.ignored.insert(*account);
                }
            }
            Fact::Discrepancy { .. } => coverage.total("discrepancies"),
            _ => {}
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

    /// Whether all that is open of a side in the instrument of an order reduces what is held.
    pub(crate) fn only_reduces(&self, known: &Known) -> bool {
        self.reduces_with(known, 0)
    }

    /// Whether that is so once an order is changed to so much in all.
    pub(crate) fn would_reduce(&self, known: &Known, units: i64) -> bool {
        self.reduces_with(known, units - known.order.filled.units() - known.open())
    }

    fn reduces_with(&self, known: &Known, more: i64) -> bool {
        let (strategy, request) = (known.order.id.strategy, &known.order.request);
        let held = self.positions.get(&(strategy, request.instrument)).copied().unwrap_or(0);
        let opposite = held.signum() * request.side.sign() < 0;
        opposite && self.open(strategy, request.instrument, request.side) + more <= held.abs()
    }

    fn approved(
        &mut self,
        id: ClientOrderId,
        order: &Order,
        coverage: &mut Coverage,
    ) -> Result<(), String> {
        coverage.total("orders");
        self.is_traded(order)?;
        let (strategy, request) = (id.strategy, &order.request);
        let (instrument, side) = (request.instrument, request.side);
        let units = request.quantity.units();
        let held = self.positions.get(&(strategy, instrument)).copied().unwrap_or(0);
        let opposite = held.signum() * side.sign() < 0;
        let reduces = opposite && self.open(strategy, instrument, side) + units <= held.abs();
        let offsets = self.purpose_of(id).is_some_and(|(_, what)| what == SinglePurpose::Other);
        if request.flags.reduce_only && !reduces && !offsets {
            return Err(format!("reduce-only beyond the position of {held}"));
        }
        let of_plan = id.number >= PLAN_ORDERS;
        let mode = self.mode(&[
            Scope::Strategy(strategy),
            Scope::Account(order.account),
            Scope::Instrument(instrument),
        ]);
        let unwinds = reduces || (of_plan && self.buys_back(order));
        let may = self.may_send(id, mode, reduces).unwrap_or(match mode {
            TradingMode::Running => true,
            TradingMode::ReduceOnly => unwinds,
            TradingMode::CancelOnly => unwinds && of_plan,
            TradingMode::Halted => false,
        });
        if !may {
            return Err(format!("approved in mode {mode}"));
        }
        match self.of_order.contains_key(&id) {
            true => self.within_single(order)?,
            false if of_plan => self.within_plan(id, units)?,
            false => {}
        }
        let (ending, amending) = (None, None);
        // of two that offset its venue lets one act, and that reduces
        let opens = !reduces && !offsets;
        let (filled_at, inferred) = (0, false);
        let known = Known { order: order.clone(), ending, amending, inferred, filled_at, opens };
        if self.wires.insert((order.account, order.wire), id).is_some() {
            return Err("a wire id is used again".into());
        }
        if self.over.contains_key(&id) || self.alive.insert(id, known).is_some() {
            return Err("an order number is used again".into());
        }
        Ok(())
    }
}
