//! The venue's own bound of prices: what it would refuse is not sent.

use hedgerow_model::{Instrument, Price, RiskRejection, Side};

/// Refuses a price beyond the band around the mark (doubled).
pub(crate) fn check(
    spec: &Instrument,
    (side, price): (Side, Price),
    mark_doubled: i64,
) -> Result<(), RiskRejection> {
    match spec.band {
        Some(band) if !band.allows(side, price, mark_doubled) => {
            Err(RiskRejection::OutsideBand { price, bps: band.bps(side) })
        }
        _ => Ok(()),
    }
}
