//! The steps that orders and plans can take in the model, each to be taken by some seed, and those
//! that tables and kinds allow and the model cannot bring about, each with the reason.

use crate::coverage::Coverage;
use hedgerow_model::{Barrier, OrderEvent, OrderStatus, SingleKind, SinglePhase};

/// Steps of the order table that no seed takes.
pub const NEVER: [(OrderStatus, OrderEvent, &str); 8] = [
    (OrderStatus::Open, OrderEvent::Accepted, "an acceptance told again is no fact"),
    (OrderStatus::PendingCancel, OrderEvent::CancelRequested, "a cancel sent again is no fact"),
    (OrderStatus::PendingAmend, OrderEvent::Rejected, "only what was accepted is amended"),
    (OrderStatus::Filled, OrderEvent::FinalFill, "no venue here fills more than was asked for"),
    (OrderStatus::Canceled, OrderEvent::FinalFill, "what was canceled is never filled whole"),
    (OrderStatus::Rejected, OrderEvent::PartialFill, "what arrives does so while it is settling"),
    (OrderStatus::Rejected, OrderEvent::FinalFill, "what arrives does so while it is settling"),
    (OrderStatus::Unknown, OrderEvent::OutcomeUnknown, "what is unknown already is no fact"),
];

/// Steps of pairs that no seed takes.
pub const NEVER_PAIRS: [(&str, &str); 4] = [
    ("Close Opening -> Balanced", "a close whose first orders are all of it is flat"),
    ("Close Completing -> Balanced", "less than all of a close is taken back first"),
    ("Open Opening -> Unwinding", "what one leg has too much is completed first"),
    ("Open Completing -> Stuck", "only what cannot be taken back is stuck"),
];

/// Steps of plans of one leg that no seed takes.
pub const NEVER_SINGLES: [(&str, &str); 3] = [
    ("barrier Working -> filled", "what is filled of it is watched until a barrier ends it"),
    ("barrier Closing -> closed Elsewhere", "what fired says what closed it"),
    ("market Working -> stuck", "only what must be closed can be stuck"),
];

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
    use Barrier::{GivenUp, Stop, TakeProfit, Time, Trailing};
    for by in [Stop, Trailing, TakeProfit, Time, GivenUp] {
        all.push(format!("barrier Working -> Closing {by:?}"));
        all.push(format!("barrier Closing -> closed {by:?}"));
    }
    let ends = ["closed Elsewhere", "partly", "unfilled", "stuck"];
    all.extend(ends.map(|end| format!("barrier Working -> {end}")));
    all.extend(["expired", "unfilled", "stuck"].map(|end| format!("barrier Closing -> {end}")));
    all.push("barrier Ended -> Closing again".into());
    all
}

impl Coverage {
    /// Steps that no seed has taken, though one can, and taken ones that are in no list. What a
    /// late fill does to a plan that has ended is too rare to ask for of every kind: of one.
    #[must_use]
    pub fn untaken(&self) -> Vec<String> {
        let steps = plan_steps();
        let never = |name: &&String| !self.transitions.contains_key(*name);
        let orders: Vec<String> = Self::possible();
        let orders = orders.iter().filter(never).map(|name| format!("no order took: {name}"));
        let late = |name: &String| name.contains(" Ended -> ");
        let some = self.plans.keys().any(late);
        let missing = steps.iter().filter(|name| !self.plans.contains_key(*name));
        let missing = missing.filter(|name| !(late(name) && some));
        let missing = missing.map(|name| format!("no plan took: {name}"));
        let unknown = self.plans.keys().filter(|name| !steps.contains(name) && !late(name));
        let unknown = unknown.map(|name| format!("a plan took what no list has: {name}"));
        orders.chain(missing).chain(unknown).collect()
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
