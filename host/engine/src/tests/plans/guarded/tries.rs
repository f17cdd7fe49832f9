//! When guards try again what they could not close, and what they leave.

use super::*;

/// Each try is a refusal in the journal: nothing is gained by thousands of them in a night.
#[test]
fn tries_that_change_nothing_come_less_and_less_often_and_go_on() {
    let mut pair = held(|_| {});
    sell_of_l(&mut pair, 60);
    pair.mode(TradingMode::Halted);
    let refused = |pair: &Pair| {
        let of = |stamped: &&hedgerow_model::Stamped| {
            matches!(&stamped.fact, Fact::Plan { step: PlanStep::Refused { .. }, .. })
        };
        pair.rig.effects.facts.iter().filter(of).count()
    };
    let mut tries = Vec::new();
    for second in 0..300 {
        let before = refused(&pair);
        pair.pass(1_000);
        if refused(&pair) > before {
            tries.push(second);
        }
    }
    let pauses: Vec<i32> = tries.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(pauses[..5], [5, 10, 20, 30, 30]);
    // another mode is another matter: it is tried soon
    pair.mode(TradingMode::Running);
    let within = (0..6).find(|_| {
        pair.pass(1_000);
        !pair.sent().is_empty()
    });
    assert!(within.is_some(), "after five seconds at most");
}

/// The rest of one leg that no order can be says nothing of how much of the other must go.
#[test]
fn a_leg_is_made_smaller_by_itself_where_less_than_an_order_is_left_of_the_other() {
    let mut pair = held(|c| {
        for account in &mut c.accounts {
            account.guards.margin_utilisation =
                Watch { limit: dec("80"), action: GuardAction::Reduce };
            account.guards.leverage_target = Some(dec("4"));
            account.guards.taker_fee = dec("0.0005");
        }
    });
    sell_of_l(&mut pair, 1_650);
    let mut terms = pair.rig.engine.config().instrument(L).unwrap().terms();
    terms.min_quantity = Quantity::from_units(20);
    pair.report(L, VenueReport::Terms { instrument: L, terms });
    for (leg, equity, used) in [(L, "5000", "10"), (S, "1660", "1400")] {
        let (equity, used, maintenance) = (dec(equity), dec(used), dec("50"));
        pair.report(leg, VenueReport::Margin { asset: "Q".into(), equity, used, maintenance });
    }
    let sent = pair.sent();
    let legs: Vec<_> = sent.iter().map(|s| (s.leg, s.side, s.quantity, s.reduce_only)).collect();
    assert_eq!(legs, [(S, Side::Buy, 560, true)]);
}

/// A guard that asks for more does not wait for the pause of one that asked for less.
#[test]
fn the_most_that_is_asked_for_is_done_first_and_does_not_wait_for_the_pause_of_less() {
    let mut pair = held(|c| {
        c.accounts[1].guards.margin_utilisation =
            Watch { limit: dec("80"), action: GuardAction::Reduce };
        c.accounts[1].guards.leverage_target = Some(dec("4"));
        c.accounts[1].guards.margin_ratio =
            Some(Watch { limit: dec("90"), action: GuardAction::ClosePair });
    });
    let margin = |pair: &mut Pair, used: &str, maintenance: &str| {
        let (equity, used, maintenance) = (dec("1660"), dec(used), dec(maintenance));
        pair.report(S, VenueReport::Margin { asset: "Q".into(), equity, used, maintenance });
    };
    pair.mode(TradingMode::Halted);
    margin(&mut pair, "1400", "50");
    pair.pass(120_000);
    assert_eq!(pair.sent(), [], "nothing is closed in a halt");
    pair.markets();
    margin(&mut pair, "1600", "1600");
    pair.mode(TradingMode::Running);
    let within = (0..6).find_map(|_| {
        pair.pass(1_000);
        let sent = pair.sent();
        (!sent.is_empty()).then_some(sent)
    });
    let sent = within.expect("within seconds");
    assert!(sent.iter().all(|sent| sent.quantity == 1_660 && sent.reduce_only), "{sent:?}");
}

/// No venue takes an order for less than its smallest: it is told, and not tried every few seconds.
#[test]
fn less_than_an_order_can_be_is_told_and_not_closed() {
    let mut pair = held(|_| {});
    sell_of_l(&mut pair, 60);
    let mut terms = pair.rig.engine.config().instrument(L).unwrap().terms();
    terms.min_quantity = Quantity::from_units(2_000);
    pair.report(L, VenueReport::Terms { instrument: L, terms });
    pair.pass(60_000);
    assert_eq!(guards(&pair).first(), Some(&(Guard::Unhedged, true)));
    let sent = pair.sent();
    let legs: Vec<_> = sent.iter().map(|s| (s.leg, s.side, s.quantity, s.reduce_only)).collect();
    assert_eq!(legs, [(S, Side::Buy, 1_660, true)], "the other leg is closed by itself");
    pair.fill(sent[0], 600_301, 1_660);
    pair.pass(300_000);
    assert_eq!((pair.held(L), pair.sent()), (1_600, vec![]));
    // once the venue takes it, it goes
    terms.min_quantity = Quantity::from_units(10);
    pair.report(L, VenueReport::Terms { instrument: L, terms });
    pair.pass(60_000);
    let sent = pair.sent();
    let legs: Vec<_> = sent.iter().map(|s| (s.leg, s.side, s.quantity, s.reduce_only)).collect();
    assert_eq!(legs, [(L, Side::Sell, 1_600, true)]);
}
