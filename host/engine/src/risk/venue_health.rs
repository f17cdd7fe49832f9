//! Venue health: nothing opens where the venue cannot be reached, or has left an order or a cancel
//! unanswered for too long.

use hedgerow_model::{Duration, HostTime, RiskRejection};

/// Refuses what opens at a venue that is down or lags.
pub(crate) fn check(
    now: HostTime,
    down: bool,
    waits_since: Option<HostTime>,
    answer_max: Option<Duration>,
) -> Result<(), RiskRejection> {
    if down {
        return Err(RiskRejection::VenueDown);
    }
    let waiting = waits_since.map(|since| now.since(since));
    match waiting.zip(answer_max).filter(|(waiting, most)| waiting > most) {
        Some((waiting, _)) => Err(RiskRejection::VenueLagging { waiting_ms: waiting.as_millis() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_venue_that_is_away_or_does_not_answer_opens_nothing() {
        let at = |ms: u64| HostTime::from_nanos(ms * 1_000_000);
        let most = Some(Duration::from_millis(500));
        for (down, since, most, expected) in [
            (true, None, None, Err(RiskRejection::VenueDown)),
            (false, None, most, Ok(())),
            (false, Some(500), most, Ok(())),
            (false, Some(499), most, Err(RiskRejection::VenueLagging { waiting_ms: 501 })),
            (false, Some(1), None, Ok(())),
        ] {
            assert_eq!(check(at(1_000), down, since.map(at), most), expected);
        }
    }
}
