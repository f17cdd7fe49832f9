//! What fills a part at a time is gone on with: tries are counted without a fill, and time ends it.

use super::*;
use crate::snapshot::tests::any_cut_is_the_whole;

/// L is held alone and nothing may be completed: it is being taken back.
fn alone(request: &PairRequest) -> (Pair, Sent) {
    let mut pair = Pair::new();
    pair.open(request);
    let sent = pair.sent();
    pair.rig.want(vec![Intent::CancelPlan(1)]);
    pair.fill(sent[0], 600_000, 1_660);
    pair.reject(sent[1]);
    let back = pair.sent();
    assert_eq!((back.len(), back[0].leg, back[0].quantity), (1, L, 1_660));
    (pair, back[0])
}

#[test]
fn taking_back_goes_on_while_it_makes_progress() {
    let (mut pair, mut back) = alone(&PairRequest { tries: 2, ..request() });
    for left in [1_360, 1_060, 760, 460, 160] {
        pair.fill(back, 599_998, 300);
        pair.expire(back);
        // one that brings nothing in between is a try
        pair.pass(100);
        let next = pair.sent();
        assert_eq!((next.len(), next[0].quantity), (1, left));
        pair.reject(next[0]);
        pair.pass(100);
        let next = pair.sent();
        assert_eq!((next.len(), next[0].quantity), (1, left));
        back = next[0];
    }
    pair.assert_restores();
    any_cut_is_the_whole(pair.rig.engine.config(), &pair.rig.effects.facts);
    pair.fill(back, 599_998, 160);
    assert_eq!((pair.result().outcome, pair.held(L)), (PairOutcome::Flat, 0));
}

/// Two in a row without a fill are the two that were asked for.
#[test]
fn tries_without_a_fill_end_it_after_some_with() {
    let (mut pair, back) = alone(&PairRequest { tries: 2, ..request() });
    pair.fill(back, 599_998, 300);
    pair.expire(back);
    for _ in 0..2 {
        pair.pass(100);
        let next = pair.sent();
        assert_eq!((next.len(), next[0].quantity), (1, 1_360));
        pair.reject(next[0]);
    }
    assert!(matches!(pair.result().outcome, PairOutcome::Stuck { .. }));
    assert_eq!(pair.sent(), []);
}

/// A lot at a time is progress, and not for ever.
#[test]
fn taking_back_ends_after_its_time_whatever_fills() {
    let (mut pair, mut back) = alone(&request());
    let mut fills = 0;
    loop {
        pair.fill(back, 599_998, 10);
        pair.expire(back);
        fills += 1;
        if pair.phase() == PairPhase::Ended {
            break;
        }
        pair.pass(500);
        let next = pair.sent();
        assert!(next.len() == 1 && fills < 100, "it has no end");
        back = next[0];
    }
    let result = pair.result();
    assert!(matches!(result.outcome, PairOutcome::Stuck { .. }));
    assert_eq!((result.took_ms, pair.held(L), fills), (30_000, 1_660 - 610, 61));
    assert_eq!(pair.sent(), []);
}

/// Completing goes on in the same way, for as long as it is in time.
#[test]
fn completing_goes_on_while_it_makes_progress_and_is_in_time() {
    let mut pair = Pair::new();
    pair.open(&PairRequest { tries: 1, ..request() });
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.reject(sent[1]);
    for left in [1_660, 1_360, 1_060] {
        let hedge = pair.sent();
        assert_eq!((hedge.len(), hedge[0].leg, hedge[0].quantity), (1, S, left));
        pair.fill(hedge[0], 600_299, 300);
        pair.expire(hedge[0]);
        pair.pass(100);
    }
    let hedge = pair.sent();
    assert_eq!((hedge.len(), hedge[0].leg, hedge[0].quantity), (1, S, 760));
    pair.pass(2_000);
    pair.fill(hedge[0], 600_299, 300);
    pair.expire(hedge[0]);
    let back = pair.sent();
    assert_eq!((back.len(), back[0].leg, back[0].quantity), (1, L, 460));
    pair.fill(back[0], 599_998, 460);
    assert_eq!(pair.result().outcome, PairOutcome::Balanced);
    assert_eq!([pair.held(L), pair.held(S)], [1_200, -1_200]);
}
