//! What happened, counted: every kind of trouble, every transition of the order table, every way
//! of a plan.

use crate::fault::Fault;
use crate::guards::guard_steps;
use crate::steps::{is_possible, order_step, plan_steps};
use hedgerow_model::{OrderEvent, OrderStatus};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counts of one run, or of many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// How often each trouble took effect.
    pub faults: BTreeMap<Fault, u64>,
    /// How often an order went from a state by an event: `open canceled`.
    pub transitions: BTreeMap<String, u64>,
    /// How often a plan went from a phase to another, or to an end.
    pub plans: BTreeMap<String, u64>,
    /// How often each guard refused, and tripped with which action.
    #[serde(default)]
    pub guards: BTreeMap<String, u64>,
    /// Orders, fills, plans and the like.
    pub totals: BTreeMap<String, u64>,
}

impl Coverage {
    /// A trouble took effect.
    pub fn fault(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// An order moved.
    pub fn transition(&mut self, from: OrderStatus, event: OrderEvent) {
        *self.transitions.entry(order_step(from, event)).or_default() += 1;
    }

    /// A plan moved.
    pub fn plan(&mut self, from: &str, to: &str) {
        *self.plans.entry(format!("{from} -> {to}")).or_default() += 1;
    }

    /// A guard did something.
    pub fn guard(&mut self, what: &str) {
        *self.guards.entry(what.into()).or_default() += 1;
    }

    /// Something else happened.
    pub fn total(&mut self, what: &str) {
        *self.totals.entry(what.into()).or_default() += 1;
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        let all = [
            (&mut self.transitions, &other.transitions),
            (&mut self.plans, &other.plans),
            (&mut self.guards, &other.guards),
            (&mut self.totals, &other.totals),
        ];
        for (ours, theirs) in all {
            for (key, count) in theirs {
                *ours.entry(key.clone()).or_default() += count;
            }
        }
        for (key, count) in &other.faults {
            *self.faults.entry(*key).or_default() += count;
        }
    }

    /// Transitions that the order table allows and the model can bring about.
    #[must_use]
    pub fn possible() -> Vec<String> {
        let mut all = Vec::new();
        for from in OrderStatus::ALL {
            for event in OrderEvent::ALL {
                let allowed = [false, true].into_iter().any(|part| from.apply(event, part).is_ok());
                // nothing happens to what was never sent
                let here = from != OrderStatus::Denied && is_possible(from, event);
                if allowed && here {
                    all.push(order_step(from, event));
                }
            }
        }
        all
    }

    /// A table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::from("faults\n");
        for fault in Fault::ALL {
            let count = self.faults.get(fault).copied().unwrap_or(0);
            text.push_str(&format!("  {:<22}{count:>12}\n", fault.word()));
        }
        text.push_str("orders\n");
        for name in Self::possible() {
            let count = self.transitions.get(&name).copied().unwrap_or(0);
            text.push_str(&format!("  {name:<34}{count:>12}\n"));
        }
        let rest = [("plans", &self.plans), ("guards", &self.guards), ("totals", &self.totals)];
        for (title, counts) in rest {
            text.push_str(title);
            text.push('\n');
            let mut counts = counts.clone();
            let steps = match title {
                "plans" => plan_steps(),
                "guards" => guard_steps(),
                _ => Vec::new(),
            };
            steps.into_iter().for_each(|name| _ = counts.entry(name).or_default());
            for (name, count) in &counts {
                text.push_str(&format!("  {name:<34}{count:>12}\n"));
            }
        }
        text
    }

    /// Troubles that took effect less often than `least`.
    #[must_use]
    pub fn rare(&self, least: u64) -> Vec<String> {
        let count = |fault: &Fault| self.faults.get(fault).copied().unwrap_or(0);
        let rare = Fault::ALL.iter().filter(|fault| count(fault) < least);
        rare.map(|fault| format!("{} happened {} times", fault.word(), count(fault))).collect()
    }
}
