//! What is missing of an opening is bought only while the pair is worth what it must be: T4,
//! "complete S only if the entry test still passes now".

use super::*;

fn worth(legs: LegOrder) -> PairRequest {
    PairRequest { legs, min_premium_bps: Some(4), ..request() }
}

fn flat_after(pair: &mut Pair, quantity: i64, price: i64) {
    let back = pair.sent();
    assert_eq!(back.len(), 1, "{back:?}");
    assert_eq!((back[0].leg, back[0].side, back[0].quantity), (L, Side::Sell, quantity));
    assert!(back[0].reduce_only);
    pair.fill(back[0], price, quantity);
}

/// The other leg is asked for only while the pair is still worth what the plan says, and never by a
/// wider limit because it is not.
#[test]
fn a_second_leg_that_is_not_worth_it_any_more_is_not_opened() {
    let mut pair = Pair::new();
    pair.open(&worth(LegOrder::BuyFirst));
    let first = pair.sent();
    pair.quote(S, (600_000, 10_000), (600_002, 10_000));
    pair.fill(first[0], 600_000, 1_660);
    flat_after(&mut pair, 1_660, 599_998);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
    assert_eq!([pair.held(L), pair.held(S)], [0, 0]);
    pair.assert_restores();
}

/// Refused by its venue while the market moved away: the same, without a try at the hedge's reach.
#[test]
fn a_leg_that_was_refused_is_completed_only_while_it_is_worth_it() {
    let mut pair = Pair::new();
    pair.open(&worth(LegOrder::Simultaneous));
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.quote(S, (600_239, 10_000), (600_241, 10_000));
    pair.reject(sent[1]);
    flat_after(&mut pair, 1_660, 599_998);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
    // without a word about the premium it is completed as ever
    let mut pair = Pair::new();
    pair.open(&request());
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.quote(S, (600_239, 10_000), (600_241, 10_000));
    pair.reject(sent[1]);
    assert_eq!(pair.sent()[0].leg, S);
}

/// 60 000.0 and 4 bps are 60 024.0: no order of the other leg reaches below, however far the plan
/// lets it.
#[test]
fn a_leg_of_which_nothing_is_filled_is_asked_for_at_no_worse_than_the_premium() {
    let mut pair = Pair::new();
    pair.open(&worth(LegOrder::BuyFirst));
    let first = pair.sent();
    pair.fill(first[0], 600_000, 1_660);
    let second = pair.sent();
    // 5 bps below 60 029.9 would be 59 999.8
    assert_eq!((second[0].leg, second[0].quantity, second[0].price), (S, 1_660, 600_240));
    pair.reject(second[0]);
    // nor does completing it
    let hedge = pair.sent();
    assert_eq!((hedge[0].leg, hedge[0].price), (S, 600_240));
    pair.fill(hedge[0], 600_299, 1_660);
    assert_eq!(pair.result().outcome, PairOutcome::Balanced);
    // the same where what is sold goes first: 60 029.9 / 1.0004 is 60 005.897...
    let mut pair = Pair::new();
    pair.open(&worth(LegOrder::SellFirst));
    let first = pair.sent();
    pair.fill(first[0], 600_299, 1_660);
    let second = pair.sent();
    assert_eq!((second[0].leg, second[0].price), (L, 600_058));
}

/// L filled, S in part; then S falls to 59 994.9: 4.85 bps short of the 4 that are asked for.
fn half_filled(l_bid: i64) -> Pair {
    let mut pair = Pair::new();
    pair.open(&worth(LegOrder::Simultaneous));
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.fill(sent[1], 600_299, 1_000);
    pair.quote(L, (l_bid, 10_000), (600_000, 10_000));
    pair.quote(S, (599_949, 10_000), (599_951, 10_000));
    pair.expire(sent[1]);
    pair
}

/// 3.3: the cheaper of completing and taking back; completing wins ties.
#[test]
fn a_leg_that_is_part_filled_is_completed_unless_taking_back_costs_less() {
    // 0.03 bps to take back
    let mut pair = half_filled(599_998);
    flat_after(&mut pair, 660, 599_998);
    assert_eq!(pair.result().outcome, PairOutcome::Balanced);
    assert_eq!([pair.held(L), pair.held(S)], [1_000, -1_000]);
    pair.assert_restores();
    // 16.7 bps: completed, with all of the plan's reach: 10 bps below 59 994.9
    let mut pair = half_filled(599_000);
    let hedge = pair.sent();
    assert_eq!((hedge.len(), hedge[0].leg, hedge[0].quantity), (1, S, 660));
    assert_eq!(hedge[0].price, 599_349);
    pair.fill(hedge[0], 599_949, 660);
    assert_eq!(pair.result().outcome, PairOutcome::Balanced);
    assert_eq!([pair.held(L), pair.held(S)], [1_660, -1_660]);
}
