//! What was repaired or is stuck leaves a record: what completing and taking back cost, fees too.

use super::*;
use hedgerow_model::LegRepair;

fn repairs(result: &PairResult) -> [LegRepair; 2] {
    result.repairs.clone().expect("this host writes them")
}

/// T1 with its fee: 0.006 x 2.9 = 0.0174 and 0.006 x 59 998.0 x 0.00045 = 0.1619946 are lost by
/// taking back; what was completed cost 0.06 x 9.9 = 0.594 more than was expected, and 1 of fees.
#[test]
fn t1_with_fees_says_what_the_repair_of_each_leg_lost() {
    let mut pair = Pair::new();
    pair.open(&PairRequest { tries: 1, ..request() });
    let sent = pair.sent();
    pair.fill_with(sent[0], 600_009, 1_660, "4");
    pair.fill_with(sent[1], 600_299, 1_000, "3");
    pair.expire(sent[1]);
    let hedge = pair.sent();
    pair.fill_with(hedge[0], 600_200, 600, "1");
    pair.expire(hedge[0]);
    pair.pass(100);
    let hedge = pair.sent();
    pair.reject(hedge[0]);
    let back = pair.sent();
    pair.fill_with(back[0], 599_980, 60, "0.1619946");
    let result = pair.result();
    assert!(result.is_incident());
    assert_eq!(result.repair_loss, dec("0.0174"));
    let [l, s] = repairs(&result);
    assert_eq!(l, LegRepair { orders: 1, completed: None, loss: dec("0.1793946") });
    assert_eq!(s, LegRepair { orders: 2, completed: Some(dec("60020")), loss: dec("0.594") });
    pair.assert_restores();
}

/// Its first order was rejected and it was completed further out: nothing was taken back, and all
/// the same it is an incident.
#[test]
fn a_leg_that_was_completed_after_its_first_order_failed_is_an_incident() {
    let mut pair = Pair::new();
    pair.open(&request());
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.reject(sent[1]);
    let hedge = pair.sent();
    pair.fill(hedge[0], 600_299, 1_660);
    let result = pair.result();
    assert_eq!(result.outcome, PairOutcome::Balanced);
    assert!(result.is_incident());
    assert_eq!(repairs(&result).map(|leg| leg.orders), [0, 1]);
    assert_eq!(repairs(&result)[1].completed, Some(dec("60029.9")));
    // as planned: none
    let mut pair = Pair::new();
    pair.open(&PairRequest { legs: LegOrder::BuyFirst, ..request() });
    let first = pair.sent();
    pair.fill(first[0], 600_000, 1_660);
    let second = pair.sent();
    pair.fill(second[0], 600_299, 1_660);
    assert!(!pair.result().is_incident());
}

/// A close never takes back: its leg that failed was repaired too.
#[test]
fn a_close_whose_leg_failed_is_an_incident() {
    let mut pair = Pair::new();
    pair.open(&request());
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 600_000 } else { 600_299 }, 1_660);
    }
    let close = PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    let sent = pair.sent();
    pair.fill(sent[0], 600_301, 1_660);
    pair.reject(sent[1]);
    let again = pair.sent();
    // 59 998.8 instead of the 59 999.8 that were expected
    pair.fill(again[0], 599_988, 1_660);
    let slot = pair.rig.engine.plans.pair(&(ME, 2)).unwrap();
    let result = slot.result.clone().unwrap();
    assert_eq!(result.outcome, PairOutcome::Flat);
    assert!(result.is_incident());
    assert_eq!(repairs(&result)[1].loss, dec("0.166"));
    let said = pair.rig.engine.conditions();
    assert!(said.iter().any(|line| line.contains("repaired or stuck")), "{said:?}");
}
