//! The journal of a run: a disk that may be full, in a process that may die.

use crate::fault::Fault;
use crate::shared::{Disk, Shared};
use hedgerow_model::{Fact, OrderFact, Stamped};
use hedgerow_ports::{Journal, JournalError};
use std::rc::Rc;

/// Writes to the disk that all share.
pub struct Log(pub Rc<Shared>);

impl Journal for Log {
    fn commit(&mut self, facts: &[Stamped]) -> Result<(), JournalError> {
        let shared = &self.0;
        if !shared.effect() {
            return Err(JournalError("the process is dead".into()));
        }
        let now = facts.last().map_or(0, |stamped| stamped.time.as_nanos());
        let full = shared.script.at(Fault::DiskFull, now, None).next().is_some();
        shared.full.set(full);
        if full {
            shared.happened(Fault::DiskFull);
            return Err(JournalError("no space left".into()));
        }
        let mut disk = shared.disk.borrow_mut();
        disk.aside.clear();
        disk.facts.extend_from_slice(facts);
        let end = disk.facts.len();
        disk.ends.push(end);
        drop(disk);
        if shared.is_told() {
            facts.iter().for_each(|stamped| shared.say(now, "fact", words(&stamped.fact)));
        }
        let taken = shared.tracker.borrow_mut().take(facts, &mut shared.coverage.borrow_mut());
        let says = std::mem::take(&mut shared.tracker.borrow_mut().says);
        if let Err(what) = taken.and_then(|()| shared.owe_words(says)) {
            shared.must_not(now, what);
        }
        self.check_markets(facts);
        Ok(())
    }

    fn keep_aside(&mut self, facts: &[Stamped]) {
        if !self.0.dead.get() {
            self.0.disk.borrow_mut().aside.extend_from_slice(facts);
        }
    }
}

impl Log {
    /// Nothing that may open is approved in a market that cannot be seen.
    fn check_markets(&self, facts: &[Stamped]) {
        for stamped in facts {
            let Fact::Order { fact: OrderFact::Approved(order), .. } = &stamped.fact else {
                continue;
            };
            let now = stamped.time.as_nanos();
            let tracker = self.0.tracker.borrow();
            let opens = tracker.by_wire(order.account, order.wire).is_some_and(|known| known.opens);
            if opens && let Some(why) = self.0.blind(order.request.instrument, now) {
                self.0.must_not(now, format!("{why} and order {} opens", order.id));
            }
        }
    }
}

impl Disk {
    /// The last commits are lost, down to what was written through, and all that waited; what that
    /// was, and how much of it was committed.
    pub fn lose(&mut self, commits: u64) -> (Vec<Stamped>, usize) {
        let mut lost = Vec::new();
        for _ in 0..commits {
            if self.ends.len() < 2 || self.facts.len() <= self.durable {
                break;
            }
            self.ends.pop();
            let end = self.ends.last().copied().unwrap_or(0).max(self.durable);
            lost.splice(0..0, self.facts.split_off(end));
        }
        let committed = lost.len();
        lost.append(&mut self.aside);
        (lost, committed)
    }

    /// What a start finds: the emergency file is part of it.
    pub fn merge(&mut self) {
        let aside = std::mem::take(&mut self.aside);
        if !aside.is_empty() {
            self.facts.extend(aside);
            self.ends.push(self.facts.len());
        }
    }
}

/// A fact in a line.
fn words(fact: &Fact) -> String {
    match fact {
        Fact::Checkpoint { strategy, .. } => format!("checkpoint of {strategy}"),
        Fact::Order { id, fact: OrderFact::Approved(order) } => {
            let r = &order.request;
            let (wire, account) = (order.wire.0, order.account.0);
            format!(
                "order {id} approved: account {account} wire {wire} {:?} {} at {} of {} {:?} {:?}",
                r.side, r.quantity, r.price, r.instrument, r.time_in_force, r.flags
            )
        }
        other => format!("{other:?}"),
    }
}
