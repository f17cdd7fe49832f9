//! Every check of the gate and every guard, seen refusing.

use super::*;
use hedgerow_model::PositionMode;

#[test]
fn each_check_of_the_gate_refuses() {
    let code = |denial: Option<RiskRejection>| denial.map(|reason| reason.code());
    let mut rig = Rig::new();
    let mut elsewhere = rig.order(Side::Buy, 9_990, 100);
    elsewhere.instrument = InstrumentId(2);
    assert_eq!(code(rig.submit(elsewhere)), Some(1), "an instrument of nobody's");
    let mut watched = rig.order(Side::Buy, 9_990, 100);
    watched.instrument = InstrumentId(1);
    assert_eq!(code(rig.submit(watched)), Some(2), "watched, not traded");
    for (price, quantity, expected, what) in [
        (9_990, 101, 3, "not whole lots"),
        (9_990, 0, 3, "nothing"),
        (9_990, -100, 3, "negative"),
        (9_995, 100, 4, "off the tick"),
        (-9_990, 100, 4, "a negative price"),
        (9_990, 5, 5, "below the least quantity"),
        (9_990, 1_000_005, 6, "above the largest quantity"),
        (9_990, 45, 7, "worth less than the least"),
        (9_890, 100, 10, "below the collar"),
        (10_110, 100, 10, "above the collar"),
        (9_990, 10_050, 11, "worth too much"),
    ] {
        assert_eq!(code(rig.buy(price, quantity)), Some(expected), "{what}");
    }
    assert_eq!(code(rig.buy(9_990, 100)), None, "an ordinary order passes");
}

#[test]
fn no_market_and_stale_market_refuse_openings() {
    let mut rig = Rig::new();
    rig.engine = Engine::new(config(limits()));
    assert!(matches!(rig.buy(9_990, 100), Some(RiskRejection::NoMarket)));
    let mut rig = Rig::new();
    rig.advance(5_001);
    assert!(matches!(rig.buy(9_990, 100), Some(RiskRejection::StaleMarket { age_ms: 5_001 })));
}

#[test]
fn a_reduction_may_be_judged_by_an_old_mark() {
    let mut rig = Rig::new();
    rig.buy(10_010, 1_000);
    rig.fill(1, 10_010, 1_000);
    rig.advance(60_000);
    assert!(matches!(rig.buy(9_990, 100), Some(RiskRejection::StaleMarket { .. })));
    assert_eq!(rig.sell(9_990, 500), None);
}

#[test]
fn the_position_counts_every_open_order_of_its_side() {
    let mut rig = Rig::new();
    assert_eq!(rig.buy(9_990, 9_000), None);
    assert_eq!(rig.buy(9_990, 9_000), None);
    // 18 held in orders, 3 more would be 21 at a mark of 100: above 2000
    assert!(matches!(rig.buy(9_990, 3_000), Some(RiskRejection::PositionAboveMax { .. })));
    // a cancel on its way reserves until it is proven
    rig.want(vec![Intent::Cancel(rig.engine.next_order(ME) - 2)]);
    assert!(matches!(rig.buy(9_990, 3_000), Some(RiskRejection::PositionAboveMax { .. })));
    rig.report(VenueReport::Canceled { wire: WireId(2), filled: None });
    assert_eq!(rig.buy(9_990, 3_000), None);
}

#[test]
fn gross_exposure_is_price_times_quantity_and_not_its_units() {
    let mut rig = Rig::new();
    rig.buy(10_010, 9_000);
    rig.fill(1, 10_010, 9_000);
    // 900 held; 1000 more of the other side would be opening beyond flat and still below 3000
    assert_eq!(rig.buy(9_990, 9_500), None);
    rig.fill(2, 9_990, 9_500);
    assert!(matches!(rig.buy(9_990, 3_000), Some(RiskRejection::PositionAboveMax { .. })));
    let mut small = limits();
    small.gross_notional_max = dec("1500");
    let mut rig = Rig::with(small);
    rig.buy(10_010, 9_000);
    rig.fill(1, 10_010, 9_000);
    let denial = rig.buy(9_990, 9_000);
    let Some(RiskRejection::GrossAboveMax { worst, limit, .. }) = denial else {
        panic!("{denial:?}");
    };
    assert_eq!((worst, limit), (dec("1799.10"), dec("1500")));
}

#[test]
fn too_many_open_orders_and_too_many_a_second() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        assert_eq!(rig.buy(9_990, 100), None);
    }
    let denial = rig.buy(9_990, 100);
    let scope = Some(Scope::Strategy(ME));
    assert_eq!(denial, Some(RiskRejection::OpenOrdersAboveMax { scope, open: 3, limit: 3 }));
    let mut many = limits();
    many.open_orders_max = 100;
    let mut rig = Rig::with(many);
    for _ in 0..5 {
        assert_eq!(rig.buy(9_990, 100), None);
    }
    assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::RateLimited { limit_per_s: 5 }));
    rig.advance(200);
    assert_eq!(rig.buy(9_990, 100), None);
}

#[test]
fn a_reduction_is_refused_by_no_limit_of_ours() {
    let mut rig = Rig::new();
    rig.buy(10_010, 9_000);
    rig.fill(1, 10_010, 9_000);
    for _ in 0..3 {
        rig.buy(9_990, 100);
    }
    for _ in 0..6 {
        assert_eq!(rig.sell(10_000, 1_000), None, "open orders and rate are above their limits");
    }
    // all open reductions together never exceed the position
    let mut order = rig.order(Side::Sell, 10_000, 4_000);
    order.flags.reduce_only = true;
    assert_eq!(rig.submit(order), Some(RiskRejection::WouldIncrease));
}

#[test]
fn modes_refuse_by_the_table() {
    let mut rig = Rig::new();
    rig.buy(10_010, 2_000);
    rig.fill(1, 10_010, 2_000);
    let set = |rig: &mut Rig, mode| {
        let now = HostTime::from_nanos(rig.now);
        let command = OperatorCommand::SetMode { scope: Scope::Host, mode };
        let input = Input::Operator { now, command, reason: "test".into() };
        rig.engine.handle(input, &mut rig.effects);
    };
    set(&mut rig, TradingMode::ReduceOnly);
    assert!(matches!(rig.buy(9_990, 100), Some(RiskRejection::ModeForbids { .. })));
    assert_eq!(rig.sell(10_020, 100), None);
    set(&mut rig, TradingMode::CancelOnly);
    assert!(matches!(rig.sell(10_020, 100), Some(RiskRejection::ModeForbids { .. })));
    set(&mut rig, TradingMode::Running);
    assert_eq!(rig.buy(9_990, 100), None);
}

#[test]
fn a_journal_that_cannot_be_written_refuses_openings_only() {
    let mut rig = Rig::new();
    rig.buy(10_010, 2_000);
    rig.fill(1, 10_010, 2_000);
    rig.engine.handle(Input::Journal { failed: true }, &mut rig.effects);
    assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::JournalUnavailable));
    assert_eq!(rig.sell(9_990, 100), None);
}

#[test]
fn guards_latch_a_mode_and_cancel_what_is_open() {
    let mut rig = Rig::new();
    rig.buy(10_010, 9_000);
    rig.fill(1, 10_010, 9_000);
    rig.sell(10_050, 1_000);
    rig.accept(2);
    // 9 held at 100.10: the mark at 96.70 is a fall of 30.6 from a peak of nothing
    rig.quote(0, 9_660, 9_680);
    assert_eq!(rig.engine.mode_of(ME), TradingMode::ReduceOnly);
    assert_eq!(rig.status(2), Some(OrderStatus::Open), "it can only reduce");
    rig.quote(0, 9_440, 9_460);
    assert_eq!(rig.engine.mode_of(ME), TradingMode::CancelOnly);
    assert_eq!(rig.status(2), Some(OrderStatus::PendingCancel));
    // it stays when the market comes back
    rig.quote(0, 9_990, 10_010);
    assert_eq!(rig.engine.mode_of(ME), TradingMode::CancelOnly);
}

#[test]
fn anothers_collar_is_not_mine() {
    let mut both = config(limits());
    let tight = StrategyLimits { collar_bps: 1, ..limits() };
    let (id, account) = (StrategyId(1), AccountId(1));
    let trades = vec![(InstrumentId(0), account)];
    let other = StrategyConfig { id, trades, limits: tight, ..both.strategies[0].clone() };
    both.strategies.push(other);
    both.accounts.push(AccountConfig {
        id: account,
        name: "b".into(),
        reconcile: false,
        settling: Duration::ZERO,
        guards: AccountGuards::default(),
        margin: None,
        accept: Vec::new(),
        asks: Asks::default(),
        pools: Vec::new(),
    });
    let mut rig = Rig::new();
    rig.engine = Engine::new(both);
    rig.quote(0, 9_990, 10_010);
    assert_eq!(rig.buy(9_990, 100), None);
}

#[test]
fn a_restart_remembers_what_a_drawdown_is_measured_from() {
    let mut rig = Rig::new();
    rig.buy(10_010, 9_000);
    rig.fill(1, 10_010, 9_000);
    // 9 held at 100.10 and marked at 104.10: 36 in profit, made fact by the next fill
    rig.quote(0, 10_400, 10_420);
    rig.sell(10_400, 100);
    rig.fill(2, 10_400, 100);
    let mut again = Engine::new(config(limits()));
    again.restore(&rig.effects.facts);
    rig.engine = again;
    // at 100.60 it is 4.84 up and 31.16 below the highest: more than the 30 allowed
    rig.quote(0, 10_050, 10_070);
    assert_eq!(rig.engine.mode_of(ME), TradingMode::ReduceOnly);
}

#[test]
fn nothing_is_ordered_in_a_contract_that_was_delivered() {
    let mut config = config(limits());
    let expiry = VenueTime::from_nanos(START + 1_000_000_000);
    config.instruments[0].kind = InstrumentKind::LinearFuture { expiry };
    let mut rig = Rig::new();
    rig.engine = Engine::new(config);
    rig.quote(0, 9_990, 10_010);
    assert_eq!(rig.buy(10_000, 100), None);
    rig.advance(1_000);
    rig.quote(0, 9_990, 10_010);
    assert_eq!(rig.buy(10_000, 100), Some(RiskRejection::Expired));
}

/// Reductions too: a venue in hedge mode takes no order without a side of its position.
#[test]
fn an_account_in_hedge_mode_is_not_traded_on() {
    let mut rig = Rig::new();
    rig.buy(10_010, 1_000);
    rig.fill(1, 10_010, 1_000);
    rig.report(VenueReport::PositionMode { mode: PositionMode::Hedge });
    assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::HedgeMode));
    assert_eq!(rig.sell(9_990, 500), Some(RiskRejection::HedgeMode));
    let said = rig.engine.conditions();
    assert!(said.iter().any(|words| words.contains("hedge mode")), "{said:?}");
    rig.report(VenueReport::PositionMode { mode: PositionMode::OneWay });
    assert_eq!(rig.buy(9_990, 100), None);
    assert!(rig.engine.conditions().iter().all(|words| !words.contains("hedge mode")));
}
