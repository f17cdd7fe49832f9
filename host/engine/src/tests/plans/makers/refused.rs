//! A venue that refuses a cancel is not asked again at the rate of its answers.

use super::*;

fn refuse(pair: &mut Pair, sent: Sent) {
    let reason = hedgerow_model::VenueRejection::NotTrading;
    pair.report(sent.leg, VenueReport::CancelRejected { wire: WireId(sent.wire), reason });
}

fn is_asked(pair: &mut Pair) -> bool {
    assert_eq!(pair.sent(), []);
    !std::mem::take(&mut pair.canceled).is_empty()
}

/// Pulled for each of its reasons: its time, the other side, its own market.
#[test]
fn a_refused_cancel_is_asked_for_again_after_a_second() {
    type Pull = (u64, fn(&mut Pair));
    let pulls: [Pull; 3] = [
        (1_000, |pair| pair.wake_at(1_000)),
        (100, |pair| pair.quote(S, (600_299, 0), (600_301, 10_000))),
        (600, |pair| pair.quote(L, (600_020, 10_000), (600_022, 10_000))),
    ];
    for (at, pull) in pulls {
        let make = Some(Making { for_ms: if at == 1_000 { 1_000 } else { 4_000 }, ..terms() });
        let (mut pair, quote) = begun(&PairRequest { make, deadline_ms: 5_000, ..making() });
        pair.rig.now = START + at * 1_000_000;
        pull(&mut pair);
        assert!(pair.pulled(quote), "{at}");
        refuse(&mut pair, quote);
        assert!(!is_asked(&mut pair), "{at}: not at once");
        pair.rig.now += 999_000_000;
        let now = HostTime::from_nanos(pair.rig.now);
        pair.rig.engine.handle(Input::Wake(now), &mut pair.rig.effects);
        pull_again(&mut pair, at, pull);
        assert!(!is_asked(&mut pair), "{at}: nor before a second");
        let wakes = pair.rig.engine.next_fixed_wakeup().unwrap();
        assert_eq!(wakes.as_nanos(), START + (at + 1_000) * 1_000_000, "{at}");
        pair.rig.now = wakes.as_nanos();
        pair.rig.engine.handle(Input::Wake(wakes), &mut pair.rig.effects);
        assert!(pair.pulled(quote), "{at}");
        pair.canceled(quote, 0);
        pair.assert_restores();
    }
}

/// What pulled it is still so.
fn pull_again(pair: &mut Pair, at: u64, pull: fn(&mut Pair)) {
    if at != 1_000 {
        pull(pair);
    }
}

fn terms() -> Making {
    making().make.unwrap()
}

/// The next quote is another order: it waits for nothing.
#[test]
fn another_quote_is_canceled_at_once() {
    let make = Some(Making { for_ms: 4_000, ..terms() });
    let (mut pair, quote) = begun(&PairRequest { make, deadline_ms: 5_000, ..making() });
    pair.rig.now += 600_000_000;
    pair.quote(S, (600_299, 0), (600_301, 10_000));
    assert!(pair.pulled(quote));
    pair.canceled(quote, 0);
    pair.markets();
    let again = pair.sent();
    assert_eq!((again.len(), again[0].rests), (1, true));
    pair.accepted(again[0]);
    pair.rig.now += 100_000_000;
    pair.quote(S, (600_299, 0), (600_301, 10_000));
    assert!(pair.pulled(again[0]));
}

/// A snapshot knows when it was asked for.
#[test]
fn a_snapshot_keeps_when_a_cancel_was_refused() {
    let (mut pair, quote) = begun(&making());
    pair.wake_at(1_000);
    assert!(pair.pulled(quote));
    refuse(&mut pair, quote);
    let bytes = rmp_serde::to_vec_named(&pair.rig.engine.snapshot()).unwrap();
    let mut engine = Engine::new(pair.rig.engine.config().clone());
    engine.take_up(rmp_serde::from_slice(&bytes).unwrap()).unwrap();
    pair.rig.engine = engine;
    pair.rig.now += 999_000_000;
    pair.markets();
    assert!(!is_asked(&mut pair));
    pair.rig.now += 1_000_000;
    let now = HostTime::from_nanos(pair.rig.now);
    pair.rig.engine.handle(Input::Wake(now), &mut pair.rig.effects);
    assert!(pair.pulled(quote));
}
