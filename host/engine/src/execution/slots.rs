//! All plans of all strategies in one map, whatever their kind: what each kind must say of itself
//! so that the rest of the engine need not know which it is.

mod ways;

use super::{PlanKey, PlanSlot, SingleSlot};
use crate::risk::{Flattening, HOST_PLANS};
use hedgerow_model::{
    AccountId, AskedBy, ClientOrderId, Duration, HostTime, InstrumentId, PLAN_ORDERS, PairKind,
    PairOutcome, PairPhase, PlanStep, Purpose, SinglePhase, SingleRequest, StrategyId,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Whether a plan is the host's own: what a guard closes. No mode that leaves anything to the host
/// keeps it from that.
pub(super) const fn is_of_host(key: PlanKey) -> bool {
    key.1 >= HOST_PLANS
}

/// How long an ended plan is kept for late fills: as long as its orders.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// One plan of any kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Slot {
    /// Two legs.
    Pair(Box<PlanSlot>),
    /// One leg.
    Single(Box<SingleSlot>),
}

impl Slot {
    /// When it is looked at again if nothing happens.
    pub(crate) fn wake(&self) -> HostTime {
        match self {
            Self::Pair(pair) => pair.wake,
            Self::Single(single) => single.wake,
        }
    }

    /// Whether nothing more comes of it by itself.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Pair(pair) => pair.phase == PairPhase::Ended,
            Self::Single(single) => single.phase == SinglePhase::Ended,
        }
    }

    /// Whether nothing more is to be opened for it.
    pub(crate) fn has_given_up(&self) -> bool {
        match self {
            Self::Pair(pair) => pair.given_up,
            Self::Single(single) => single.given_up,
        }
    }

    pub(crate) fn is_stuck(&self) -> bool {
        match self {
            Self::Pair(pair) => pair.is_stuck(),
            Self::Single(single) => single.is_stuck(),
        }
    }

    pub(crate) fn trades(&self, instrument: InstrumentId) -> bool {
        match self {
            Self::Pair(pair) => pair.trades(instrument),
            Self::Single(single) => single.instrument() == instrument,
        }
    }

    pub(crate) fn trades_on(&self, account: AccountId) -> bool {
        match self {
            Self::Pair(pair) => pair.trades_on(account),
            Self::Single(single) => single.account() == account,
        }
    }

    /// The numbers of its orders.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        match self {
            Self::Pair(pair) => pair.orders.keys().copied().collect(),
            Self::Single(single) => single.numbers().collect(),
        }
    }

    /// Whether it closes what is held and nothing else.
    fn closes(&self) -> bool {
        match self {
            Self::Pair(_) => false,
            Self::Single(single) => {
                matches!(single.plan.request, SingleRequest::ClosePosition(_))
            }
        }
    }

    fn owns(&self, number: u64) -> bool {
        match self {
            Self::Pair(pair) => pair.orders.contains_key(&number),
            Self::Single(single) => single.owns(number),
        }
    }
}

/// All plans, and when ended ones may be forgotten.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plans {
    /// Set while an account is being reconciled: nothing goes on before all of it is known.
    #[serde(skip)]
    pub(crate) held: bool,
    all: BTreeMap<PlanKey, Slot>,
    /// Those that are not over: ended ones are kept for a day, and every input asks when the next
    /// plan is due.
    #[serde(skip)]
    live: BTreeSet<PlanKey>,
    /// Instruments whose ticks concern plans (a leg that makes, a chase, a barrier), and which.
    watched: BTreeMap<InstrumentId, BTreeSet<PlanKey>>,
    ended: VecDeque<(HostTime, PlanKey)>,
    /// What an operator has asked to be closed and is not; nothing in what an earlier host wrote.
    #[serde(default)]
    pub(crate) flattening: Flattening,
}

impl Plans {
    pub(crate) fn get(&self, key: &PlanKey) -> Option<&Slot> {
        self.all.get(key)
    }

    pub(crate) fn pair(&self, key: &PlanKey) -> Option<&PlanSlot> {
        match self.all.get(key)? {
            Slot::Pair(pair) => Some(pair),
            Slot::Single(_) => None,
        }
    }

    pub(crate) fn pair_mut(&mut self, key: &PlanKey) -> Option<&mut PlanSlot> {
        match self.all.get_mut(key)? {
            Slot::Pair(pair) => Some(pair),
            Slot::Single(_) => None,
        }
    }

    pub(crate) fn single(&self, key: &PlanKey) -> Option<&SingleSlot> {
        match self.all.get(key)? {
            Slot::Pair(_) => None,
            Slot::Single(single) => Some(single),
        }
    }

    pub(crate) fn single_mut(&mut self, key: &PlanKey) -> Option<&mut SingleSlot> {
        match self.all.get_mut(key)? {
            Slot::Pair(_) => None,
            Slot::Single(single) => Some(single),
        }
    }

    pub(super) fn insert_single(&mut self, key: PlanKey, slot: SingleSlot) {
        self.insert(key, Slot::Single(Box::new(slot)));
    }

    /// Takes note whether a plan looks at new prices.
    pub(super) fn note_watch(&mut self, key: PlanKey) {
        let Some(slot) = self.single(&key) else { return };
        let (instrument, watches) = (slot.instrument(), slot.watches());
        match watches {
            true => self.watch(key, [instrument]),
            false => self.unwatch(key),
        }
    }

    /// Plans of one leg of a strategy that are at work.
    pub(super) fn singles_of(&self, strategy: StrategyId) -> Vec<PlanKey> {
        let own = self.at_work_of(strategy);
        own.filter(|(_, slot)| matches!(slot, Slot::Single(_))).map(|(key, _)| *key).collect()
    }

    pub(super) fn insert(&mut self, key: PlanKey, slot: Slot) {
        self.all.insert(key, slot);
    }

    /// Takes note whether a plan is over, after each of its steps.
    pub(super) fn note_live(&mut self, key: PlanKey) {
        if self.all.get(&key).is_some_and(|slot| !slot.is_over()) {
            self.live.insert(key);
        } else {
            self.live.remove(&key);
        }
    }

    /// Plans of a snapshot, which does not say which of them are over.
    pub(crate) fn taken_up(mut self) -> Self {
        for key in self.all.keys().copied().collect::<Vec<_>>() {
            self.note_live(key);
        }
        self
    }

    fn at_work(&self) -> impl Iterator<Item = (&PlanKey, &Slot)> {
        self.live.iter().filter_map(|key| self.all.get_key_value(key))
    }

    fn at_work_of(&self, strategy: StrategyId) -> impl Iterator<Item = (&PlanKey, &Slot)> {
        let own = self.live.range((strategy, 0)..=(strategy, u64::MAX));
        own.filter_map(|key| self.all.get_key_value(key))
    }

    /// The ticks of these instruments concern a plan from now on.
    pub(super) fn watch(&mut self, key: PlanKey, legs: impl IntoIterator<Item = InstrumentId>) {
        for leg in legs {
            self.watched.entry(leg).or_default().insert(key);
        }
    }

    /// Ticks do not concern a plan any more.
    pub(super) fn unwatch(&mut self, key: PlanKey) {
        self.watched.retain(|_, keys| {
            keys.remove(&key);
            !keys.is_empty()
        });
    }

    /// Whether ticks of an instrument may make a plan do something.
    #[inline]
    pub(crate) fn is_watched(&self, instrument: InstrumentId) -> bool {
        !self.watched.is_empty() && self.watched.contains_key(&instrument)
    }

    /// Whether marks of an instrument may make a plan do something.
    #[inline]
    pub(crate) fn reads_marks(&self, instrument: InstrumentId) -> bool {
        let own = self.watched.get(&instrument).into_iter().flatten();
        own.filter_map(|key| self.single(key)).any(SingleSlot::reads_marks)
    }

    /// Plans of a strategy of which a leg makes.
    pub(super) fn making_of(&self, strategy: StrategyId) -> BTreeSet<PlanKey> {
        let own = self.watched.values().flatten().filter(|key| key.0 == strategy);
        own.filter(|key| self.pair(key).is_some()).copied().collect()
    }

    /// How many of the plans that are still known had to be repaired.
    pub(crate) fn repaired(&self) -> usize {
        let results = self.all.values().filter_map(|slot| match slot {
            Slot::Pair(pair) => pair.result.as_ref(),
            Slot::Single(_) => None,
        });
        results.filter(|result| result.is_incident()).count()
    }

    /// Plans that ticks of an instrument concern.
    pub(super) fn watchers(&self, instrument: InstrumentId) -> Vec<PlanKey> {
        self.watched.get(&instrument).into_iter().flatten().copied().collect()
    }

    /// When the same pair, whichever leg was bought, was last opened and had to be taken back until
    /// nothing was left, if that is not longer ago than `within`. One that is stuck is in the way
    /// anyhow, and then an operator's matter.
    pub(super) fn taken_back_at(
        &self,
        (now, within): (HostTime, Duration),
        strategy: StrategyId,
        [one, other]: [InstrumentId; 2],
    ) -> Option<HostTime> {
        let same = |key: &PlanKey| {
            let pair = self.pair(key).filter(|pair| key.0 == strategy && pair.trades(one))?;
            let result = pair.result.as_ref().filter(|_| pair.trades(other))?;
            let flat = result.outcome == PairOutcome::Flat && result.is_incident();
            (pair.plan.kind == PairKind::Open && flat).then_some(())
        };
        let mut late = self.ended.iter().rev().take_while(|(at, _)| now.since(*at) < within);
        late.find(|(_, key)| same(key).is_some()).map(|(time, _)| *time)
    }

    /// Takes note that a plan ended; forgets those that ended long ago.
    pub(super) fn ended(&mut self, time: HostTime, key: PlanKey) {
        self.ended.push_back((time, key));
        while let Some((ended, old)) = self.ended.front().copied() {
            if time.since(ended) <= KEPT {
                break;
            }
            self.ended.pop_front();
            // one that a late fill brought back has ended since
            let again = self.ended.iter().any(|(_, key)| *key == old);
            let over = self.all.get(&old).is_some_and(|slot| slot.is_over() && !slot.is_stuck());
            if over && !again {
                self.all.remove(&old);
            }
        }
    }

    /// When the first plan wants to be looked at.
    pub(crate) fn next(&self) -> Option<HostTime> {
        let live = self.at_work().map(|(_, slot)| slot.wake());
        live.filter(|wake| *wake != HostTime::NEVER).min()
    }

    pub(crate) fn due(&self, now: HostTime) -> Vec<PlanKey> {
        self.live(|slot| slot.wake() <= now)
    }

    /// Whether a plan is at work in one of these.
    pub(crate) fn is_busy(&self, strategy: StrategyId, legs: &[InstrumentId]) -> bool {
        self.at_work_of(strategy).any(|(_, slot)| legs.iter().any(|leg| slot.trades(*leg)))
    }

    pub(crate) fn live(&self, wanted: impl Fn(&Slot) -> bool) -> Vec<PlanKey> {
        self.at_work().filter(|(_, slot)| wanted(slot)).map(|(key, _)| *key).collect()
    }

    fn of(&self, strategy: StrategyId) -> impl DoubleEndedIterator<Item = (&PlanKey, &Slot)> {
        self.all.range((strategy, 0)..=(strategy, u64::MAX))
    }

    /// Plans of a strategy that are under way or stuck.
    pub(super) fn concerning(&self, strategy: StrategyId) -> impl Iterator<Item = PlanKey> + '_ {
        let live = self.of(strategy).filter(|(_, slot)| !slot.is_over() || slot.is_stuck());
        live.map(|(key, _)| *key)
    }

    pub(super) fn stuck(&self, strategy: StrategyId) -> Vec<PlanKey> {
        self.of(strategy).filter(|(_, slot)| slot.is_stuck()).map(|(key, _)| *key).collect()
    }

    /// A plan of a strategy at work in an instrument, which nobody else trades on its account.
    pub(crate) fn at_work_in(&self, strategy: StrategyId, leg: InstrumentId) -> Option<u64> {
        let mut own = self.at_work_of(strategy).filter(|(_, slot)| slot.trades(leg));
        own.next().map(|((_, plan), _)| *plan)
    }

    /// Whether a pair is at work in an instrument.
    pub(crate) fn is_pair_at_work(&self, strategy: StrategyId, instrument: InstrumentId) -> bool {
        let mut own = self.at_work_of(strategy).filter(|(_, slot)| slot.trades(instrument));
        own.any(|(_, slot)| matches!(slot, Slot::Pair(_)))
    }

    /// The operator's plan at work in an instrument, if there is one.
    pub(crate) fn flattens(&self, strategy: StrategyId, instrument: InstrumentId) -> Option<u64> {
        let mut own = self.at_work_of(strategy).filter(|(_, slot)| match slot {
            Slot::Pair(_) => false,
            Slot::Single(single) => {
                single.instrument() == instrument && single.plan.asked_by == AskedBy::Operator
            }
        });
        own.next().map(|((_, plan), _)| *plan)
    }

    /// The plan that an order belongs to.
    pub(crate) fn of_order(&self, id: ClientOrderId) -> Option<PlanKey> {
        let mut own = self.of(id.strategy).rev();
        own.find(|(_, slot)| slot.owns(id.number)).map(|(key, _)| *key)
    }

    /// Whether an order takes back what is too much of one leg.
    pub(crate) fn takes_back(&self, id: ClientOrderId) -> bool {
        if id.number < PLAN_ORDERS {
            return false;
        }
        let pair = self.of_order(id).and_then(|key| self.pair(&key));
        let order = pair.and_then(|pair| pair.orders.get(&id.number));
        order.is_some_and(|(_, purpose)| *purpose == Purpose::TakeBack)
    }

    /// Whether the plan that an order belongs to was given up.
    pub(crate) fn gave_up(&self, id: ClientOrderId) -> bool {
        let slot = self.of_order(id).and_then(|key| self.all.get(&key));
        slot.is_some_and(Slot::has_given_up)
    }

    #[cfg(test)]
    pub(crate) fn singles(&self) -> impl Iterator<Item = (&PlanKey, &SingleSlot)> {
        self.all.keys().filter_map(|key| Some((key, self.single(key)?)))
    }

    #[cfg(test)]
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&PlanKey, &PlanSlot)> {
        self.all.keys().filter_map(|key| Some((key, self.pair(key)?)))
    }
}

impl crate::Engine {
    /// Folds one step of a plan.
    pub(crate) fn apply_plan(&mut self, time: HostTime, key: PlanKey, step: &PlanStep) {
        self.fold_plan(time, key, step);
        self.plans.note_live(key);
    }
}
