//! The order state table: one total function, so that every pair of state and event has an answer.
//!
//! Fills are never refused here. A fill after a cancel acknowledgement is booked; the order only
//! becomes `Filled` when nothing of it is left, otherwise it stays what it was.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderStatus {
    /// Refused by our gate; nothing was sent.
    Denied,
    /// Sent, not yet answered.
    PendingNew,
    /// At the venue, nothing filled.
    Open,
    /// At the venue, partly filled.
    PartiallyFilled,
    /// A cancel is on its way; full remaining size stays reserved.
    PendingCancel,
    /// An amendment is on its way.
    PendingAmend,
    /// Nothing left.
    Filled,
    /// Ended by a cancel.
    Canceled,
    /// Refused by the venue.
    Rejected,
    /// Ended by its time in force or by the venue.
    Expired,
    /// The outcome could not be learnt; exposure stays reserved at full size.
    Unknown,
}

impl OrderStatus {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 11] = [
        Self::Denied,
        Self::PendingNew,
        Self::Open,
        Self::PartiallyFilled,
        Self::PendingCancel,
        Self::PendingAmend,
        Self::Filled,
        Self::Canceled,
        Self::Rejected,
        Self::Expired,
        Self::Unknown,
    ];

    /// Whether nothing more is expected from the venue (a late fill is still booked).
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Denied | Self::Filled | Self::Canceled | Self::Rejected | Self::Expired
        )
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "denied",
            Self::PendingNew => "pending-new",
            Self::Open => "open",
            Self::PartiallyFilled => "partially-filled",
            Self::PendingCancel => "pending-cancel",
            Self::PendingAmend => "pending-amend",
            Self::Filled => "filled",
            Self::Canceled => "canceled",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        })
    }
}

/// What can happen to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OrderEvent {
    /// The venue took it.
    Accepted,
    /// The venue refused it.
    Rejected,
    /// Some of it traded, some is left.
    PartialFill,
    /// The last of it traded.
    FinalFill,
    /// We asked to cancel.
    CancelRequested,
    /// The venue canceled it.
    Canceled,
    /// The venue refused the cancel and the order lives.
    CancelRejected,
    /// We asked to amend.
    AmendRequested,
    /// The venue amended it.
    Amended,
    /// The venue refused the amendment and the order lives.
    AmendRejected,
    /// It ended by itself.
    Expired,
    /// No answer came that says what happened.
    OutcomeUnknown,
}

impl OrderEvent {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Accepted,
        Self::Rejected,
        Self::PartialFill,
        Self::FinalFill,
        Self::CancelRequested,
        Self::Canceled,
        Self::CancelRejected,
        Self::AmendRequested,
        Self::Amended,
        Self::AmendRejected,
        Self::Expired,
        Self::OutcomeUnknown,
    ];
}

impl OrderEvent {
    /// Whether it can only have happened to an order that its venue had.
    #[must_use]
    pub const fn proves_acceptance(self) -> bool {
        matches!(
            self,
            Self::Accepted
                | Self::PartialFill
                | Self::FinalFill
                | Self::Canceled
                | Self::Amended
                | Self::Expired
        )
    }
}

/// An event that the state table does not allow. It is reported and changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from} cannot take {event:?}")]
pub struct IllegalTransition {
    /// Where it stood.
    pub from: OrderStatus,
    /// What was said to have happened.
    pub event: OrderEvent,
}

impl OrderStatus {
    /// The state after `event`; `filled` says whether anything of the order has traded.
    pub fn apply(self, event: OrderEvent, filled: bool) -> Result<Self, IllegalTransition> {
        use OrderEvent as E;
        use OrderStatus as S;
        let working = if filled { S::PartiallyFilled } else { S::Open };
        let next = match (self, event) {
            (S::Denied, _) => None,
            // the last fill ends the order from anywhere, a late one included
            (_, E::FinalFill) => Some(S::Filled),
            (S::PendingNew | S::Open | S::PartiallyFilled, E::PartialFill) => {
                Some(S::PartiallyFilled)
            }
            // a fill meanwhile grows the filled quantity, not the status
            (S::PendingCancel | S::PendingAmend | S::Unknown, E::PartialFill) => Some(self),
            // a fill can arrive after the cancel acknowledgement: booked, but nothing reopens
            (S::Canceled | S::Expired | S::Rejected, E::PartialFill) => Some(self),
            (S::PendingNew | S::Unknown, E::Accepted) => Some(working),
            // a late or repeated acknowledgement changes nothing
            (S::Open | S::PartiallyFilled | S::PendingCancel | S::PendingAmend, E::Accepted) => {
                Some(self)
            }
            (S::PendingNew | S::PendingCancel | S::PendingAmend | S::Unknown, E::Rejected) => {
                Some(S::Rejected)
            }
            (
                S::PendingNew
                | S::Open
                | S::PartiallyFilled
                | S::PendingAmend
                | S::PendingCancel
                | S::Unknown,
                E::CancelRequested,
            ) => Some(S::PendingCancel),
            (s, E::Canceled) if !s.is_terminal() => Some(S::Canceled),
            (s, E::Expired) if !s.is_terminal() => Some(S::Expired),
            (S::PendingCancel, E::CancelRejected) => Some(working),
            (S::Open | S::PartiallyFilled, E::AmendRequested) => Some(S::PendingAmend),
            // either says that it lives
            (S::PendingAmend | S::Unknown, E::Amended | E::AmendRejected) => Some(working),
            // answers to an amendment that a cancel overtook
            (S::PendingCancel, E::Amended | E::AmendRejected) => Some(self),
            (s, E::OutcomeUnknown) if !s.is_terminal() => Some(S::Unknown),
            _ => None,
        };
        next.ok_or(IllegalTransition { from: self, event })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_event_reopens_a_finished_order() {
        for from in OrderStatus::ALL.into_iter().filter(|s| s.is_terminal()) {
            for event in OrderEvent::ALL {
                for filled in [false, true] {
                    if let Ok(next) = from.apply(event, filled) {
                        assert!(next.is_terminal(), "{from} took {event:?} and became {next}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_pending_cancel_keeps_its_state_through_partial_fills() {
        let s = OrderStatus::PendingCancel;
        assert_eq!(s.apply(OrderEvent::PartialFill, true), Ok(s));
        assert_eq!(s.apply(OrderEvent::CancelRejected, true), Ok(OrderStatus::PartiallyFilled));
        assert_eq!(s.apply(OrderEvent::CancelRejected, false), Ok(OrderStatus::Open));
    }

    #[test]
    fn the_whole_table() {
        let mut table = String::new();
        for from in OrderStatus::ALL {
            for event in OrderEvent::ALL {
                let cell = |filled| match from.apply(event, filled) {
                    Ok(next) => next.to_string(),
                    Err(_) => "-".into(),
                };
                let (empty, partly) = (cell(false), cell(true));
                let shown = if empty == partly { empty } else { format!("{empty} | {partly}") };
                table.push_str(&format!(
                    "{:<17} {:<16} {shown}\n",
                    from.to_string(),
                    format!("{event:?}")
                ));
            }
        }
        insta::assert_snapshot!(table);
    }
}
