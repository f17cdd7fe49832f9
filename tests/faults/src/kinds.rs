//! Kinds of reports.

use hedgerow_model::{VenueReport, WireId};

/// What a venue still knows of when it is asked later.
pub(crate) fn is_told_again(report: &VenueReport) -> bool {
    matches!(
        report,
        VenueReport::Fill { .. }
            | VenueReport::FundingPayment { .. }
            | VenueReport::Forced { .. }
            | VenueReport::Delivered { .. }
            | VenueReport::Interest { .. }
            | VenueReport::Rejected { .. }
            | VenueReport::Canceled { .. }
            | VenueReport::Expired { .. }
    )
}

/// What answers a request.
pub(crate) fn is_answer(report: &VenueReport) -> bool {
    matches!(
        report,
        VenueReport::Accepted { .. }
            | VenueReport::Rejected { .. }
            | VenueReport::Canceled { .. }
            | VenueReport::CancelRejected { .. }
            | VenueReport::Amended { .. }
            | VenueReport::AmendRejected { .. }
    )
}

pub(crate) fn wire_of(report: &VenueReport) -> Option<WireId> {
    match report {
        VenueReport::Accepted { wire, .. }
        | VenueReport::Rejected { wire, .. }
        | VenueReport::Fill { wire, .. }
        | VenueReport::Canceled { wire, .. }
        | VenueReport::CancelRejected { wire, .. }
        | VenueReport::Amended { wire, .. }
        | VenueReport::AmendRejected { wire, .. }
        | VenueReport::Expired { wire, .. } => Some(*wire),
        _ => None,
    }
}

/// Which order a report says anything of.
pub(crate) fn about(report: &VenueReport) -> Option<WireId> {
    match report {
        VenueReport::OpenOrder { wire, .. }
        | VenueReport::OrderState { wire, .. }
        | VenueReport::TradesTold { wire, .. } => Some(*wire),
        other => wire_of(other),
    }
}
