//! The triple barrier with a trailing stop.

use super::*;
use hedgerow_model::{Barrier, OnCancel};

/// Round numbers: tick 0.01, lots of 0.001, the market at 99.99 / 100.00.
pub(super) fn hundred() -> One {
    let spec = Instrument { price_scale: Scale::new(2).unwrap(), ..spec() };
    let mut one = One::with(spec, wide(), false);
    one.quote(9_999, 10_000);
    one
}

/// Long one unit at 100.00, fees 0.0005 each way.
pub(super) fn long(one: &mut One, request: BarrierRequest) {
    one.begin(request.enter_now(base("1"), 5));
    let entry = one.one();
    assert_eq!((entry.side, entry.quantity, entry.rests), (Side::Buy, 1_000, false));
    one.fill_with(entry, (10_000, 1_000), Fee::in_settle(dec("0.05")));
}

pub(super) fn request(side: Side) -> BarrierRequest {
    BarrierRequest::new(X, side, (dec("0.0005"), dec("0.0005")), 20)
}

pub(super) fn closed(by: Barrier) -> SingleOutcome {
    SingleOutcome::Closed { by }
}

/// The profits at which barriers fired.
pub(super) fn fired(one: &One) -> Vec<(Barrier, Option<Decimal>)> {
    let facts = one.rig.effects.facts.iter().filter_map(|stamped| match &stamped.fact {
        Fact::Plan { step: PlanStep::Single(SingleStep::Fires { barrier, profit }), .. } => {
            Some((*barrier, *profit))
        }
        _ => None,
    });
    facts.collect()
}

#[test]
fn vector_b1_profit_is_net_of_the_exits_fee_too() {
    let mut one = hundred();
    long(&mut one, request(Side::Buy).take_profit(dec("0.02")));
    one.quote(10_205, 10_206);
    assert!(one.sent().is_empty(), "0.0200 without the exit's fee, 0.01948975 with it");
    let slot = one.rig.engine.plans.single(&(ME, 1)).unwrap();
    let SingleRequest::Barrier(asked) = &slot.plan.request else { panic!() };
    let now = HostTime::from_nanos(one.rig.now);
    assert_eq!(one.rig.engine.profit_of(now, slot, asked), Some(dec("0.01948975")));
    // 100 x 1.0205 / 0.9995 is 102.1010...
    one.quote(10_210, 10_211);
    assert!(one.sent().is_empty());
    one.quote(10_211, 10_212);
    let exit = one.one();
    assert_eq!((exit.side, exit.quantity, exit.reduce_only), (Side::Sell, 1_000, true));
    one.fill_with(exit, (10_211, 1_000), Fee::in_settle(dec("0.051055")));
    assert_eq!(one.outcome(), closed(Barrier::TakeProfit));
    let figures = one.result().figures.exit.unwrap();
    assert_eq!((figures.held.units(), figures.closed.units()), (0, 1_000));
    // 0.0211 - 0.0005 - 0.00051055
    assert_eq!(figures.profit, Some(dec("0.02008945")));
    one.assert_restores();
}

#[test]
fn vector_b2_the_trailing_stop_arms_rises_keeps_and_fires() {
    // without fees the bid says the profit
    let mut one = hundred();
    let request = BarrierRequest::new(X, Side::Buy, (Decimal::ZERO, Decimal::ZERO), 20);
    one.begin(request.trailing(dec("0.010"), dec("0.004")).enter_now(base("1"), 5));
    let entry = one.one();
    one.fill(entry, 10_000, 1_000);
    let steps = [(10_040, None), (10_110, Some("0.007")), (10_180, Some("0.014"))];
    for (bid, trigger) in steps {
        one.quote(bid, bid + 1);
        let trail = one.told().single().unwrap().trail.unwrap();
        let slot = one.rig.engine.plans.single(&(ME, 1)).unwrap();
        assert_eq!(slot.trigger, trigger.map(dec), "{bid}");
        assert_eq!(trail.armed, trigger.is_some());
    }
    one.restart(); // armed it stays
    one.quote(10_160, 10_161);
    assert!(one.sent().is_empty());
    one.quote(10_139, 10_140);
    assert_eq!(fired(&one), [(Barrier::Trailing, Some(dec("0.0139")))]);
    let exit = one.one();
    one.fill(exit, 10_139, 1_000);
    assert_eq!(one.outcome(), closed(Barrier::Trailing));
    one.assert_restores();
}

/// A trigger of exactly zero is armed.
#[test]
fn a_trigger_of_zero_is_armed() {
    let mut one = hundred();
    let request = BarrierRequest::new(X, Side::Buy, (Decimal::ZERO, Decimal::ZERO), 20);
    one.begin(request.trailing(dec("0.003"), dec("0.004")).enter_now(base("1"), 5));
    let entry = one.one();
    one.fill(entry, 10_000, 1_000);
    one.quote(10_040, 10_041);
    let trail = one.told().single().unwrap().trail.unwrap();
    assert_eq!((trail.armed, trail.trigger), (true, Some(Decimal::ZERO)));
    one.quote(9_999, 10_000);
    assert_eq!(fired(&one), [(Barrier::Trailing, Some(dec("-0.0001")))]);
}

#[test]
fn the_stop_is_first_and_a_short_is_the_mirror() {
    let mut one = hundred();
    let all = request(Side::Sell).stop_loss(dec("0.01")).take_profit(dec("0.01"));
    one.begin(all.trailing(dec("0.02"), dec("0.001")).enter_now(base("1"), 5));
    let entry = one.one();
    assert_eq!(entry.side, Side::Sell);
    one.fill_with(entry, (10_000, 1_000), Fee::in_settle(dec("0.05")));
    // -0.0089 - 0.0005 - 0.000504 is above -0.01
    one.quote(10_088, 10_089);
    assert!(one.sent().is_empty());
    one.quote(10_089, 10_090);
    assert_eq!(fired(&one), [(Barrier::Stop, Some(dec("-0.0100045")))]);
    let exit = one.one();
    assert_eq!((exit.side, exit.reduce_only), (Side::Buy, true));
    one.fill(exit, 10_090, 1_000);
    assert_eq!(one.outcome(), closed(Barrier::Stop));
}

#[test]
fn barriers_watch_what_is_filled_and_the_rest_of_the_entry_is_canceled_when_one_fires() {
    let mut one = hundred();
    one.begin(request(Side::Buy).stop_loss(dec("0.01")).enter_at(base("1"), dec("99.90")));
    let entry = one.one();
    assert_eq!((entry.price, entry.rests), (9_990, true));
    one.accept(entry);
    one.quote(9_800, 9_801); // nothing is filled yet
    assert!(one.canceled().is_empty());
    one.quote(9_989, 9_990);
    one.fill(entry, 9_990, 400);
    assert!(one.canceled().is_empty());
    one.quote(9_880, 9_881);
    assert_eq!(one.canceled(), [entry.wire]);
    assert!(one.sent().is_empty(), "what the entry filled is not known");
    one.fill(entry, 9_990, 100);
    one.gone(entry);
    let exit = one.one();
    assert_eq!(exit.quantity, 500);
    // a close that fails is tried again only when it is known final
    one.unknown(exit);
    one.pass(2_000);
    assert!(one.sent().is_empty());
    one.fill(exit, 9_880, 200);
    one.expire(exit);
    one.pass(100);
    let exit = one.one();
    assert_eq!(exit.quantity, 300);
    one.fill(exit, 9_880, 300);
    assert_eq!(one.outcome(), closed(Barrier::Stop));
    // a fill of the entry that was late is closed too
    one.fill(entry, 9_990, 10);
    let late = one.one();
    assert_eq!((late.side, late.quantity), (Side::Sell, 10));
    one.fill(late, 9_880, 10);
    assert_eq!(one.rig.position(), 0);
    assert_eq!(one.outcome(), closed(Barrier::Stop));
    one.assert_restores();
}

#[test]
fn a_resting_take_profit_is_resized_and_its_outcome_known_before_a_stop_is_sent() {
    let mut one = hundred();
    let asked = request(Side::Buy).stop_loss(dec("0.01")).take_profit(dec("0.02"));
    let asked = asked.enter_at(base("1"), dec("100"));
    one.begin(BarrierRequest { resting_take_profit: true, ..asked });
    let entry = one.one();
    one.accept(entry);
    one.fill_with(entry, (10_000, 300), Fee::in_settle(dec("0.015")));
    one.pass(100);
    let profit = one.one();
    // 100 x 1.0205 / 0.9995, rounded up
    assert_eq!((profit.price, profit.quantity, profit.rests), (10_211, 300, true));
    assert!(profit.reduce_only);
    one.accept(profit);
    one.fill_with(entry, (10_000, 200), Fee::in_settle(dec("0.01")));
    assert_eq!(one.canceled(), [profit.wire]);
    one.gone(profit);
    one.pass(100);
    let profit = one.one();
    assert_eq!((profit.price, profit.quantity), (10_211, 500));
    one.accept(profit);
    // some of it fills: it fits what is held
    one.fill(profit, 10_211, 100);
    one.pass(1_000);
    assert!(one.sent().is_empty() && one.canceled().len() == 1);
    one.quote(9_880, 9_881);
    assert_eq!(one.canceled()[1..], [entry.wire, profit.wire]);
    one.gone(entry);
    one.unknown(profit);
    one.pass(3_000);
    assert!(one.sent().is_empty(), "it might have filled");
    one.fill(profit, 10_211, 150);
    one.gone(profit);
    let exit = one.one();
    assert_eq!((exit.quantity, exit.rests), (250, false));
    one.fill(exit, 9_880, 250);
    assert_eq!(one.outcome(), closed(Barrier::Stop));
    one.assert_restores();
}

#[test]
fn a_take_profit_that_fills_ends_the_entry() {
    let mut one = hundred();
    let asked = request(Side::Buy).take_profit(dec("0.02")).enter_at(base("1"), dec("100"));
    one.begin(BarrierRequest { resting_take_profit: true, ..asked });
    let entry = one.one();
    one.accept(entry);
    one.fill(entry, 10_000, 300);
    one.pass(100);
    let profit = one.one();
    one.fill(profit, 10_211, 300);
    assert_eq!(one.canceled(), [entry.wire]);
    one.gone(entry);
    assert_eq!(one.outcome(), closed(Barrier::TakeProfit));
}

#[test]
fn the_time_limit_runs_from_the_first_fill_and_without_one_from_the_beginning() {
    let asked = request(Side::Buy).time_limit_ms(10_000).enter_at(base("1"), dec("99.90"));
    let mut one = hundred();
    one.begin(asked.clone());
    let entry = one.one();
    one.accept(entry);
    one.pass(9_999);
    assert!(one.canceled().is_empty());
    one.pass(1);
    assert_eq!(one.canceled(), [entry.wire]);
    one.gone(entry);
    assert_eq!(one.outcome(), SingleOutcome::Expired);
    let mut one = hundred();
    one.begin(asked);
    let entry = one.one();
    one.accept(entry);
    one.pass(6_000);
    one.fill(entry, 9_990, 500);
    one.pass(6_000);
    assert!(one.canceled().is_empty());
    one.pass(4_000);
    one.gone(entry);
    let exit = one.one();
    assert_eq!(exit.quantity, 500);
    one.fill(exit, 9_999, 500);
    assert_eq!(one.outcome(), closed(Barrier::Time));
}

#[test]
fn a_position_that_is_there_can_be_watched() {
    let mut one = hundred();
    one.hold(Side::Buy, 10_000, 1_000);
    let asked = request(Side::Buy).stop_loss(dec("0.01")).holding(base("0.6"));
    one.begin(asked.clone());
    assert!(one.sent().is_empty());
    one.quote(9_911, 9_912); // -0.0089 - 0.0005 - 0.00049555
    assert!(one.sent().is_empty());
    one.quote(9_909, 9_910);
    let exit = one.one();
    assert_eq!((exit.side, exit.quantity), (Side::Sell, 600));
    one.fill(exit, 9_909, 600);
    assert_eq!(one.outcome(), closed(Barrier::Stop));
    assert_eq!(one.rig.position(), 400);
    // of the other side there is nothing, and not so much of this one
    let short = BarrierRequest { side: Side::Sell, ..asked.clone() };
    assert_eq!(one.ask_as(2, short), Some(RiskRejection::WouldIncrease));
    assert_eq!(one.ask_as(3, asked.holding(base("0.5"))), Some(RiskRejection::WouldIncrease));
    // what the strategy closes by itself is not closed again
    let mut one = hundred();
    one.hold(Side::Buy, 10_000, 1_000);
    one.begin(request(Side::Buy).stop_loss(dec("0.01")).holding(OrderSize::All));
    one.hold(Side::Sell, 9_999, 1_000);
    one.tick();
    assert_eq!(one.outcome(), closed(Barrier::Elsewhere));
}

#[test]
fn given_up_it_closes_or_keeps_as_it_was_told() {
    let mut one = hundred();
    long(&mut one, request(Side::Buy).stop_loss(dec("0.01")));
    one.give_up();
    let exit = one.one();
    one.fill(exit, 9_999, 1_000);
    assert_eq!(one.outcome(), closed(Barrier::GivenUp));
    let mut one = hundred();
    let asked = request(Side::Buy).stop_loss(dec("0.01"));
    long(&mut one, BarrierRequest { on_cancel: OnCancel::Keep, ..asked });
    one.give_up();
    assert!(one.sent().is_empty());
    assert_eq!(one.result().figures.exit.unwrap().held.units(), 1_000);
    one.quote(9_000, 9_001);
    assert!(one.sent().is_empty());
}

#[test]
fn what_cannot_be_closed_is_stuck_with_an_alarm() {
    let mut one = hundred();
    long(&mut one, request(Side::Buy).stop_loss(dec("0.01")));
    one.quote(9_880, 9_881);
    for _ in 0..3 {
        let exit = one.one();
        one.expire(exit);
        one.pass(100);
    }
    assert!(matches!(one.outcome(), SingleOutcome::Stuck { .. }));
    assert_eq!(one.rig.engine.mode_of(ME), TradingMode::ReduceOnly);
    let opens = MarketRequest::new(X, Side::Buy, base("0.01"), 10);
    assert_eq!(one.ask_as(2, opens), Some(RiskRejection::PlanInTheWay { plan: 1 }));
    // a close is never in anything's way
    assert_eq!(one.ask_as(3, CloseRequest::new(X, 100)), None);
    // CancelOnly still closes, Halted does not
    for (mode, closes) in [(TradingMode::CancelOnly, true), (TradingMode::Halted, false)] {
        let mut one = hundred();
        long(&mut one, request(Side::Buy).stop_loss(dec("0.01")));
        one.mode(mode);
        one.quote(9_880, 9_881);
        assert_eq!(one.sent().len(), usize::from(closes), "{mode}");
        assert_eq!(one.is_over(), !closes, "{mode}");
    }
}

/// Inverse contracts: the same fractions, of values in the coin.
#[test]
fn an_inverse_contract_is_judged_by_its_value_in_the_coin() {
    let spec = Instrument {
        kind: InstrumentKind::InversePerpetual,
        settle: "B".into(),
        quantity_scale: Scale::ZERO,
        multiplier: dec("100"),
        price_scale: Scale::new(1).unwrap(),
        ..spec()
    };
    let mut one = One::with(spec, wide(), false);
    one.quote(499_999, 500_000);
    let none = (Decimal::ZERO, Decimal::ZERO);
    let asked = BarrierRequest::new(X, Side::Buy, none, 20).take_profit(dec("0.2"));
    // 0.1 coins at 50 000 are 50 contracts of 100
    one.begin(asked.enter_at(base("0.1"), dec("50000")));
    let entry = one.one();
    assert_eq!(entry.quantity, 50);
    one.fill(entry, 500_000, 50);
    one.quote(624_999, 625_000); // 1 - 50 000 / 62 499.9
    assert!(one.sent().is_empty());
    one.quote(625_000, 625_001);
    assert_eq!(fired(&one), [(Barrier::TakeProfit, Some(dec("0.2")))]);
    let exit = one.one();
    one.fill(exit, 625_000, 50);
    let figures = one.result().figures.exit.unwrap();
    assert_eq!(figures.profit, Some(dec("0.2")));
}

/// The strategy's own resting reductions are not in the way of a stop: they go first.
#[test]
fn what_the_strategy_has_resting_does_not_keep_an_exit_from_being_sent() {
    let mut one = hundred();
    long(&mut one, request(Side::Buy).stop_loss(dec("0.01")));
    let number = one.rig.engine.next_order(ME);
    let mut own = one.rig.order(Side::Sell, 10_400, 600);
    own.number = number;
    own.flags.reduce_only = true;
    assert_eq!(one.rig.submit(own), None);
    let wire = one.rig.last_wire();
    one.taken = one.rig.effects.commands.len();
    one.rig.accept(wire.0);
    one.quote(9_850, 9_851);
    assert!(one.sent().is_empty());
    assert_eq!(one.rig.status(number), Some(OrderStatus::PendingCancel));
    one.rig.report(VenueReport::Canceled { wire, filled: None });
    one.pass(200);
    let exit = one.one();
    assert_eq!((exit.side, exit.quantity, exit.reduce_only), (Side::Sell, 1_000, true));
}
