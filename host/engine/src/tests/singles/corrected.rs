//! Fills that were inferred and then told: the figures of a plan are those of its real fills.

use super::*;

/// A fill of a plan's order, inferred or the real one of what was.
fn book(one: &mut One, trade: u64, price: i64, (quantity, replaces): (i64, i64), fee: &str) {
    let fact = Fact::Fill {
        id: ClientOrderId { strategy: ME, number: PLAN_ORDERS },
        account: AccountId(0),
        instrument: X,
        trade: TradeId(trade),
        side: Side::Buy,
        price: Price::from_units(price),
        quantity: Quantity::from_units(quantity),
        liquidity: Liquidity::Taker,
        fee: Fee::in_settle(dec(fee)),
        happened: VenueTime::from_nanos(one.rig.now),
        inferred: replaces == 0,
        replaces: Quantity::from_units(replaces),
    };
    let now = HostTime::from_nanos(one.rig.now);
    one.rig.engine.book(now, fact, &mut one.rig.effects);
}

fn results(one: &One) -> Vec<SingleResult> {
    let ended = one.rig.effects.facts.iter().filter_map(|stamped| match &stamped.fact {
        Fact::Plan { step: PlanStep::Single(SingleStep::Ended(result)), .. } => Some(result),
        _ => None,
    });
    ended.map(|result| (**result).clone()).collect()
}

/// All of it is inferred at 60 000.0, and the plan ends; the venue's trades then say 59 999.0 and
/// 60 002.0, with fees: each is told as a result of the same plan.
#[test]
fn a_result_follows_when_what_was_inferred_is_told() {
    let mut one = One::new();
    one.begin(LimitRequest::new(X, Side::Buy, base("0.01"), dec("60000"), 60_000));
    let sent = one.one();
    one.accept(sent);
    book(&mut one, 1 << 63, 600_000, (10, 0), "0");
    one.pass(1);
    let ended = results(&one);
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].figures.average, Some(dec("60000")));
    book(&mut one, 1, 599_990, (4, 4), "0.1");
    book(&mut one, 2, 600_020, (6, 6), "0.2");
    one.pass(1);
    let last = results(&one).last().cloned().unwrap();
    assert_eq!(last.outcome, SingleOutcome::Filled);
    assert_eq!(last.figures.average, Some(dec("60000.8")));
    assert_eq!((last.figures.filled.units(), last.figures.fees), (10, dec("0.3")));
    assert_eq!(one.sent(), [], "and nothing is sent for it");
}
