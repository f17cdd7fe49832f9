//! A close of which one leg makes.

use super::*;

/// The other leg makes, and both reduce.
#[test]
fn a_close_may_make_too() {
    let mut pair = Pair::new();
    pair.open(&request());
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 600_000 } else { 600_299 }, 1_660);
    }
    // S is bought back by taking, L rests to be sold
    let close = PairRequest {
        buy: S,
        sell: L,
        size: PairSize::All,
        legs: LegOrder::TakerMaker,
        ..making()
    };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    let quote = pair.sent()[0];
    assert_eq!((quote.leg, quote.side, quote.price), (L, Side::Sell, 600_000));
    assert!(quote.rests && quote.reduce_only);
    pair.accepted(quote);
    pair.fill(quote, 600_000, 660);
    let hedge = pair.sent()[0];
    assert_eq!(
        (hedge.leg, hedge.side, hedge.quantity, hedge.reduce_only),
        (S, Side::Buy, 660, true)
    );
    pair.fill(hedge, 600_301, 660);
    // at its time the rest of both is taken
    pair.pass(1_000);
    assert!(pair.pulled(quote));
    pair.canceled(quote, 660);
    let mut rest = pair.sent();
    while let Some(sent) = rest.pop() {
        assert!(!sent.rests && sent.reduce_only && sent.quantity == 1_000, "{sent:?}");
        pair.fill(sent, if sent.leg == L { 599_998 } else { 600_301 }, 1_000);
        pair.pass(100);
        rest.extend(pair.sent());
    }
    assert_eq!([pair.held(L), pair.held(S)], [0, 0]);
    let slot = pair.rig.engine.plans.pair(&(ME, 2)).unwrap();
    let result = slot.result.as_ref().unwrap();
    assert_eq!(result.outcome, PairOutcome::Flat);
    assert!(!result.is_incident(), "the rest is taken as planned");
}

/// What is closed is what was held when it began: a leg that makes fills more than the other one
/// is, and the other is closed by no more than that.
#[test]
fn the_leg_that_hedges_a_close_is_closed_by_no_more_than_it_is() {
    let (mut pair, more) = super::super::ends::grown();
    let close = PairRequest {
        buy: S,
        sell: L,
        size: PairSize::All,
        legs: LegOrder::TakerMaker,
        ..making()
    };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    let quote = pair.sent()[0];
    assert_eq!((quote.leg, quote.quantity), (L, 2_660));
    pair.accepted(quote);
    // the strategy sells more of S by itself
    pair.fill(more[1], 600_299, 1_000);
    pair.fill(quote, 600_000, 2_660);
    let hedge = pair.sent()[0];
    assert_eq!((hedge.leg, hedge.quantity), (S, 1_660));
    pair.fill(hedge, 600_301, 1_660);
    assert_eq!([pair.held(L), pair.held(S)], [0, -1_000]);
}
