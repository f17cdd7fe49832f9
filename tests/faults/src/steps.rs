//! The steps that orders and plans can take in the model, each to be taken by some seed, and those
//! that tables and kinds allow and the model cannot bring about, each with the reason.

use crate::coverage::Coverage;
use hedgerow_model::{Barrier, OrderEvent, OrderStatus, SingleKind, SinglePhase};

/// Steps of the order table that no seed takes.
pub const NEVER: [(OrderStatus, OrderEvent, &str); 5] = [
    (OrderStatus::PendingCancel, OrderEvent::CancelRequested, "a cancel sent again is no fact"),
    (OrderStatus::PendingAmend, OrderEvent::Rejected, "only what was accepted is amended"),
    (OrderStatus::Rejected, OrderEvent::PartialFill, "what arrives does so while it is settling"),
    (OrderStatus::Rejected, OrderEvent::FinalFill, "what arrives does so while it is settling"),
    (OrderStatus::Unknown, OrderEvent::OutcomeUnknown, "what is unknown already is no fact"),
];

/// Steps of the order table that seeds take so seldom that none of them need be among many.
pub const RARE: [(OrderStatus, OrderEvent, &str); 3] = [
    (OrderStatus::Filled, OrderEvent::FinalFill, "more than the facts say, after a power cut"),
    (OrderStatus::Canceled, OrderEvent::FinalFill, "its end must have been inferred and be none"),
    (OrderStatus::Expired, OrderEvent::FinalFill, "its end must say nothing of all that filled"),
];

/// Steps of pairs that no seed takes.
pub const NEVER_PAIRS: [(&str, &str); 4] = [
    ("Close Opening -> Balanced", "a close whose first orders are all of it is flat"),
    ("Close Completing -> Balanced", "less than all of a close is taken back first"),
    ("Open Opening -> Unwinding", "what one leg has too much is completed first"),
    ("Open Completing -> Stuck", "only what cannot be taken back is stuck"),
];

/// Steps of plans of one leg that no seed takes.
pub const NEVER_SINGLES: [(&str, &str); 2] = [
    ("barrier Working -> filled", "what is filled of it is watched until a barrier ends it"),
    ("market Working -> stuck", "only what must be closed can be stuck"),
];

/// Steps of plans that have ended, which only what comes after the end of their orders makes them
/// take. Of the kinds that are over within seconds that is too rare to ask for of each: of one.
pub const LATE: [(&str, &str); 12] = [
    ("Open Ended -> Balanced", "a late fill must level just what was stuck"),
    ("Open Ended -> Flat", "a late fill must level just what was stuck"),
    ("Close Ended -> Balanced", "a late fill must level just what was stuck"),
    ("Close Ended -> Flat", "a late fill must level just what was stuck"),
    ("limit Ended -> told again", "one order, and it must end without its fills"),
    ("market Ended -> told again", "one order, and it must end without its fills"),
    ("aggressive-limit Ended -> told again", "few orders, and one must end without its fills"),
    ("inside-spread Ended -> told again", "few orders, and one must end without its fills"),
    ("tiered Ended -> told again", "two orders, and one must end without its fills"),
    ("chase Ended -> told again", "its last order must end without its fills"),
    ("twap Ended -> told again", "its last order must end without its fills"),
    ("barrier Ended -> Closing again", "what fills late must be there to be closed"),
];

fn is_rare(name: &str) -> bool {
    RARE.iter().any(|(from, event, _)| order_step(*from, *event) == *name)
}

fn is_late(name: &str) -> bool {
    LATE.iter().any(|(step, _)| *step == name)
}

/// The name of a step of the order table.
#[must_use]
pub fn order_step(from: OrderStatus, event: OrderEvent) -> String {
    format!("{from} {event:?}")
}

/// Whether a step of the order table can be taken here.
#[must_use]
pub fn is_possible(from: OrderStatus, event: OrderEvent) -> bool {
    !NEVER.iter().any(|(state, what, _)| (*state, *what) == (from, event))
}

/// Every step of the plan tables that can be taken here.
#[must_use]
pub fn plan_steps() -> Vec<String> {
    let mut all = Vec::new();
    let pairs: [(&str, &[&str]); 10] = [
        ("Open Opening", &["Completing", "Balanced", "Flat"]),
        ("Open Making", &["Completing"]),
        ("Open Completing", &["Unwinding", "Balanced", "Flat"]),
        ("Open Unwinding", &["Balanced", "Flat", "Stuck"]),
        ("Open Ended", &["Unwinding"]),
        ("Close Opening", &["Completing", "Flat"]),
        ("Close Making", &["Completing"]),
        ("Close Completing", &["Unwinding", "Flat"]),
        ("Close Unwinding", &["Balanced", "Flat", "Stuck"]),
        ("Close Ended", &["Unwinding"]),
    ];
    for kind in ["Open", "Close"] {
        all.extend(["Opening", "Making"].map(|phase| format!("asked -> {kind} {phase}")));
    }
    for (from, to) in pairs {
        all.extend(to.iter().map(|to| format!("{from} -> {to}")));
    }
    for kind in SingleKind::ALL {
        let word = kind.word();
        all.push(format!("asked -> {word} {:?}", SinglePhase::Working));
        all.push(format!("{word} Ended -> told again"));
        if kind != SingleKind::Barrier {
            let ends = ["filled", "partly", "unfilled"];
            all.extend(ends.map(|end| format!("{word} Working -> {end}")));
        }
    }
    use Barrier::{Elsewhere, GivenUp, Stop, TakeProfit, Time, Trailing};
    for by in [Stop, Trailing, TakeProfit, Time, GivenUp, Elsewhere] {
        all.push(format!("barrier Working -> Closing {by:?}"));
        all.push(format!("barrier Closing -> closed {by:?}"));
    }
    let ends = ["closed Elsewhere", "partly", "unfilled", "stuck"];
    all.extend(ends.map(|end| format!("barrier Working -> {end}")));
    all.extend(["expired", "unfilled", "stuck"].map(|end| format!("barrier Closing -> {end}")));
    all.push("barrier Ended -> Closing again".into());
    all.retain(|name| !is_late(name));
    all
}

impl Coverage {
    /// Steps that no seed has taken, though one can, and taken ones that are in no list.
    #[must_use]
    pub fn untaken(&self) -> Vec<String> {
        let (orders, plans) = (Self::possible(), plan_steps());
        let lists = [("order", &orders, &self.transitions), ("plan", &plans, &self.plans)];
        let mut all = Vec::new();
        for (what, steps, taken) in lists {
            let missing = steps.iter().filter(|name| !taken.contains_key(*name) && !is_rare(name));
            all.extend(missing.map(|name| format!("no {what} took: {name}")));
            let unknown = taken.keys().filter(|name| !steps.contains(name) && !is_late(name));
            all.extend(unknown.map(|name| format!("{what} took what no list has: {name}")));
        }
        if !self.plans.keys().any(|name| is_late(name)) {
            all.push("no plan that had ended was told again of what came late".into());
        }
        all.extend(self.unguarded());
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cannot happen is nowhere in the list of what must, and is part of the order table.
    #[test]
    fn no_step_is_both_possible_and_never_taken() {
        let steps = plan_steps();
        let never = NEVER_PAIRS.iter().chain(&NEVER_SINGLES);
        never.for_each(|(name, _)| assert!(!steps.contains(&(*name).to_owned()), "{name}"));
        for (from, event, why) in NEVER {
            assert!([false, true].iter().any(|part| from.apply(event, *part).is_ok()), "{why}");
            assert!(!Coverage::possible().contains(&order_step(from, event)));
        }
        let mut sorted = steps.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), steps.len());
    }
}
