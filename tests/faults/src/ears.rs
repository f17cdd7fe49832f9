//! What strategies are told, held against the facts: every fill, every end of an order and every
//! result of a plan once and in order, over a swap of the component too. One that failed is told
//! nothing until it begins again, and then how things stand.

use crate::shared::Shared;
use hedgerow_model::{
    ClientOrderId, Event, Fact, OrderStatus, OrderUpdate, PLAN_ORDERS, PlanStep, ResumedState,
    SingleStep, StrategyId, TradeId,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The code of a `plan` event that tells of an end.
const ENDED: u32 = 2;

/// One thing that a strategy must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Of an order, a trade.
    Fill(u64, TradeId),
    /// An order is over.
    End(u64),
    /// A plan has ended.
    Plan(u64),
}

/// What one strategy was told, and what it is still to be told.
#[derive(Debug)]
struct Ear {
    /// By the facts.
    due: VecDeque<Word>,
    /// Told while the disk was full, before it could be a fact.
    early: VecDeque<Word>,
    /// Orders of which the end was told: what fills of them late is told with it again.
    ended: BTreeSet<u64>,
    /// Orders of which a fill was told and since then no end.
    filled: BTreeSet<u64>,
    /// It is down, or has not begun.
    deaf: bool,
    /// A successor takes over, and hears first how things stand.
    swapped: bool,
    /// It began on a full disk: which facts it was told is not known until it begins again.
    vague: bool,
}

impl Default for Ear {
    fn default() -> Self {
        Self {
            due: VecDeque::new(),
            early: VecDeque::new(),
            ended: BTreeSet::new(),
            filled: BTreeSet::new(),
            deaf: true,
            swapped: false,
            vague: false,
        }
    }
}

/// What all strategies are told.
#[derive(Debug, Default)]
pub struct Ears(BTreeMap<StrategyId, Ear>);

/// What a fact has to be told as; ends of orders follow from the tracker.
pub(crate) fn word_of(fact: &Fact) -> Option<(StrategyId, Word)> {
    match fact {
        Fact::Fill { id, trade, quantity, replaces, .. } if quantity > replaces => {
            Some((id.strategy, Word::Fill(id.number, *trade)))
        }
        Fact::Plan { strategy, plan, step } => {
            let ends = matches!(step, PlanStep::Ended(_) | PlanStep::Single(SingleStep::Ended(_)));
            ends.then_some((*strategy, Word::Plan(*plan)))
        }
        _ => None,
    }
}

impl Ear {
    /// Something is told; what is wrong with it.
    fn hears(&mut self, word: Word, full: bool) -> Result<(), String> {
        if self.vague {
            return Ok(());
        }
        if self.deaf {
            return Err(format!("{word:?} is told to one that is down"));
        }
        if self.swapped {
            return Err(format!("{word:?} is told to a successor before how things stand"));
        }
        self.early.push_back(word);
        self.meet()?;
        match self.early.front().filter(|_| !full) {
            Some(word) => Err(format!("{word:?} is told and is no fact")),
            None => Ok(()),
        }
    }

    /// What is told is what is due, in its order.
    fn meet(&mut self) -> Result<(), String> {
        while let (Some(due), Some(told)) = (self.due.front(), self.early.front()) {
            if due != told {
                return Err(format!("{told:?} is told where {due:?} is due"));
            }
            self.due.pop_front();
            self.early.pop_front();
        }
        Ok(())
    }

    /// Of an order that has ended only what filled late is told again.
    fn hears_order(&mut self, update: &OrderUpdate, full: bool, over: bool) -> Result<(), String> {
        let number = update.number;
        let ends = update.status.is_terminal() && update.status != OrderStatus::Denied;
        // it was over before this instance began
        let before = over && !self.due.contains(&Word::End(number));
        if number >= PLAN_ORDERS || !ends {
            return Ok(());
        }
        let filled = self.filled.remove(&number);
        match !before && self.ended.insert(number) {
            true => self.hears(Word::End(number), full),
            false if filled || self.vague => Ok(()),
            false => Err(format!("the end of {number} is told again: {update:?}")),
        }
    }
}

impl Shared {
    /// A process starts: nobody has begun.
    pub(crate) fn nobody_hears(&self) {
        *self.ears.borrow_mut() = Ears::default();
    }

    /// Facts were written: this is to be told, in this order.
    pub(crate) fn owe_words(&self, words: Vec<(StrategyId, Word)>) -> Result<(), String> {
        let mut ears = self.ears.borrow_mut();
        for (strategy, word) in words {
            let ear = ears.0.entry(strategy).or_default();
            // a successor whose account is not known begins later, with how things stand then
            if !(ear.deaf || ear.vague || ear.swapped) {
                ear.due.push_back(word);
                ear.meet()?;
            }
        }
        Ok(())
    }

    /// A strategy is about to be told something.
    pub(crate) fn hears(&self, now: u64, strategy: StrategyId, event: &Event) {
        if self.dead.get() {
            return; // nothing of this will have been
        }
        let mut ears = self.ears.borrow_mut();
        let (ear, full) = (ears.0.entry(strategy).or_default(), self.full.get());
        let heard = match event {
            Event::Fill(fill) => {
                ear.filled.insert(fill.number);
                ear.hears(Word::Fill(fill.number, fill.trade), full)
            }
            Event::Order(update) => {
                let id = ClientOrderId { strategy, number: update.number };
                ear.hears_order(update, full, self.tracker.borrow().is_over(id))
            }
            Event::Plan(message) if message.code == ENDED => match plan_of(&message.json) {
                Some(plan) => ear.hears(Word::Plan(plan), full),
                None => Err(format!("a result of no plan: {}", message.json)),
            },
            Event::Resumed(state) => {
                if !ear.swapped {
                    ear.ended.clear();
                    ear.filled.clear();
                }
                (ear.deaf, ear.swapped, ear.vague) = (false, false, full);
                ear.due.clear();
                ear.early.clear();
                self.stands(strategy, state)
            }
            _ => Ok(()),
        };
        if let Err(what) = heard {
            self.must_not(now, format!("{strategy}: {what}"));
        }
    }

    /// Orders and positions that a strategy begins with are those of the facts.
    fn stands(&self, strategy: StrategyId, state: &ResumedState) -> Result<(), String> {
        if self.full.get() {
            return Ok(()); // the newest facts are not written
        }
        let tracker = self.tracker.borrow();
        let own = |id: &ClientOrderId| id.strategy == strategy && id.number < PLAN_ORDERS;
        let known = tracker.alive.iter().filter(|(id, _)| own(id));
        let waits = tracker.replacing.keys().filter(|id| own(id)).map(|id| (id.number, 0));
        let known = known.map(|(id, known)| (id.number, known.order.filled.units()));
        let ours: BTreeMap<u64, i64> = known.chain(waits).collect();
        let told = state.orders.iter().filter(|order| order.number < PLAN_ORDERS);
        let told: BTreeMap<u64, i64> =
            told.map(|order| (order.number, order.filled.units())).collect();
        let held = tracker.positions.iter().filter(|((whose, _), _)| *whose == strategy);
        let held: BTreeMap<u32, i64> =
            held.filter(|(_, u)| **u != 0).map(|((_, id), u)| (id.0, *u)).collect();
        let said = state.positions.iter().map(|p| (p.instrument.0, p.quantity.units()));
        let said: BTreeMap<u32, i64> = said.filter(|(_, units)| *units != 0).collect();
        match (ours == told, held == said) {
            (true, true) => Ok(()),
            (false, _) => Err(format!("it begins with orders {told:?}, there are {ours:?}")),
            (_, false) => Err(format!("it begins with {said:?}, it holds {held:?}")),
        }
    }

    /// A call has failed, or an instance is made anew: it hears nothing until it begins.
    pub(crate) fn is_deaf(&self, strategy: StrategyId) {
        let mut ears = self.ears.borrow_mut();
        let ear = ears.0.entry(strategy).or_default();
        (ear.deaf, ear.swapped) = (true, false);
        ear.due.clear();
        ear.early.clear();
    }

    /// What strategies that could hear it were never told.
    pub(crate) fn never_told(&self) -> Vec<String> {
        let ears = self.ears.borrow();
        let listens = |ear: &&Ear| !(ear.deaf || ear.vague || ear.swapped);
        let all = ears.0.iter().filter(|(_, ear)| listens(ear));
        let due = all.flat_map(|(strategy, ear)| ear.due.iter().map(move |due| (strategy, due)));
        due.map(|(strategy, due)| format!("{strategy} was never told {due:?}")).collect()
    }

    /// A component takes over.
    pub(crate) fn is_swapped(&self, now: u64, strategy: StrategyId) {
        let mut ears = self.ears.borrow_mut();
        let ear = ears.0.entry(strategy).or_default();
        ear.swapped = true;
        if self.dead.get() {
            return;
        }
        if let Some(due) = ear.due.front().filter(|_| !ear.deaf && !ear.vague) {
            let what = format!("{strategy}: the old component was not told {due:?}");
            self.must_not(now, what);
        }
    }
}

/// Which plan a message is of.
fn plan_of(json: &str) -> Option<u64> {
    let value: serde_json::Value = serde_json::from_str(json).ok()?;
    find(&value)
}

fn find(value: &serde_json::Value) -> Option<u64> {
    let object = value.as_object()?;
    let own = object.get("plan").and_then(serde_json::Value::as_u64);
    own.or_else(|| object.values().find_map(find))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::market;
    use crate::script::Script;

    /// The last word of a run counts like any other, of those who could hear it.
    #[test]
    fn what_was_never_told_is_said_at_the_end() {
        let script = Script::of(1);
        let shared = Shared::new(script.clone(), market(&script), false);
        let (hears, deaf) = (StrategyId(0), StrategyId(1));
        shared.hears(0, hears, &Event::Resumed(ResumedState::default()));
        let words = [(hears, Word::End(3)), (deaf, Word::End(4))];
        shared.owe_words(words.to_vec()).unwrap();
        assert_eq!(shared.never_told(), [format!("{hears} was never told {:?}", Word::End(3))]);
    }
}
