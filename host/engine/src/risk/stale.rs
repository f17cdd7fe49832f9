//! Age of market data: nothing opens on what is old, has a gap, or shows one side only.

use crate::market::{DataState, Market};
use hedgerow_model::{Duration, HostTime, RiskRejection, Side};

/// Whether the data is fresh; an opening is refused where it is not, or where a side is missing.
pub(crate) fn check(
    now: HostTime,
    market: &Market,
    stale_after: Duration,
    reduces: bool,
) -> Result<bool, RiskRejection> {
    let age = now.since(market.received);
    let fresh = market.state == DataState::Fresh && age <= stale_after;
    if !fresh && !reduces {
        if market.state == DataState::Unseen {
            return Err(RiskRejection::NoMarket);
        }
        return Err(RiskRejection::StaleMarket { age_ms: age.as_millis() });
    }
    let two_sided = market.touch(Side::Buy).is_some() && market.touch(Side::Sell).is_some();
    if !two_sided && !reduces {
        return Err(RiskRejection::NoMarket);
    }
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{config, limits};
    use hedgerow_model::{InstrumentId, Tick, TickKind, flag};

    #[test]
    fn old_data_opens_nothing_and_still_reduces() {
        let mut markets = crate::market::Markets::new(&config(limits()));
        let second = 1_000_000_000;
        let market = markets.get_mut(InstrumentId(0)).unwrap();
        let at = |seconds: u64| HostTime::from_nanos(seconds * second);
        let judge =
            |market: &Market, now, reduces| check(at(now), market, Duration::from_secs(5), reduces);
        assert_eq!(judge(market, 10, false), Err(RiskRejection::NoMarket));
        let quote = |b, d| Tick {
            recv_ts: 10 * second,
            kind: TickKind::Quote.code(),
            flags: flag::LAST,
            a: 99,
            b,
            c: 101,
            d,
            ..Tick::default()
        };
        market.apply(&quote(1, 1));
        for (now, reduces, expected) in [
            (10, false, Ok(true)),
            (15, false, Ok(true)),
            (16, false, Err(RiskRejection::StaleMarket { age_ms: 6_000 })),
            (16, true, Ok(false)),
        ] {
            assert_eq!(judge(market, now, reduces), expected, "at {now}");
        }
        market.apply(&quote(1, 0));
        assert_eq!(judge(market, 10, false), Err(RiskRejection::NoMarket), "one side only");
        assert_eq!(judge(market, 10, true), Ok(true));
    }
}
