//! What does not begin, and why.

use super::*;

/// What is wrong with parameters.
fn wrong(kind: SingleKind, json: &str) -> String {
    match One::new().ask_json(1, kind.word(), json) {
        Some(RiskRejection::PlanUnreadable { detail }) => detail,
        other => panic!("{json}: {other:?}"),
    }
}

#[test]
fn parameters_that_make_no_sense_are_refused_with_the_reason() {
    use SingleKind as K;
    let usual = r#""instrument":0,"side":"buy","size":{"base":"0.01"}"#;
    let rows = [
        (K::Limit, r#""price":"1""#, "timeout_ms"),
        (K::Limit, r#""price":"0","timeout_ms":1"#, "price: it must be above zero"),
        (K::Limit, r#""price":"1","timeout_ms":0"#, "timeout_ms: it must be above zero"),
        (K::Limit, r#""price":"1","timeout_ms":1,"typo":1"#, "typo"),
        (K::Market, r#""slippage_bps":10000"#, "slippage_bps: below 10000"),
        (K::AggressiveLimit, r#""bps":1,"cross_ticks":1"#, "one of them, not both"),
        (K::AggressiveLimit, r#""max_retries":100"#, "max_retries: from 1 to 100"),
        (K::InsideSpread, r#""slippage_bps":1,"steps":0"#, "steps: from 1 to 100"),
        (
            K::Tiered,
            r#""slippage_bps":1,"limit_ms":10000"#,
            "timeout_ms: it must be above limit_ms",
        ),
        (K::Chase, r#""limit_price":"1","timeout_ms":1,"refresh_ticks":0"#, "refresh_ticks"),
        (K::Twap, r#""slippage_bps":1,"horizon_ms":9,"interval_ms":10"#, "from 1 to 10000 slices"),
        (
            K::Twap,
            r#""slippage_bps":1,"horizon_ms":20,"interval_ms":10,"maker_ms":10"#,
            "interval_ms: it must be above maker_ms",
        ),
        (
            K::Twap,
            r#""slippage_bps":1,"horizon_ms":60,"interval_ms":10"#,
            "a slice of 6 is less than an order can be",
        ),
    ];
    for (kind, more, expected) in rows {
        let detail = wrong(kind, &format!("{{{usual},{more}}}"));
        assert!(detail.contains(expected), "{more}: {detail}");
    }
    let all = r#"{"instrument":0,"side":"buy","size":"all","slippage_bps":1}"#;
    assert!(wrong(K::Market, all).contains("\"all\" only of what is held"));
    let barrier =
        r#""instrument":0,"side":"buy","entry_fee_rate":"0","exit_fee_rate":"0","exit_bps":5"#;
    let entry = r#""entry":{"size":{"base":"1"},"slippage_bps":5}"#;
    for (more, expected) in [
        (r#""stop_loss":"0.1""#, "entry or held"),
        (entry, "one of them at least"),
        (&format!(r#"{entry},"stop_loss":"0""#), "stop_loss: a fraction above zero"),
        (&format!(r#"{entry},"time_limit_ms":0"#), "time_limit_ms"),
        (r#""entry":{"size":{"base":"1"}},"stop_loss":"0.1""#, "a price or slippage_bps"),
    ] {
        let detail = wrong(K::Barrier, &format!("{{{barrier},{more}}}"));
        assert!(detail.contains(expected), "{more}: {detail}");
    }
}

#[test]
fn what_the_gate_or_the_book_would_not_take_does_not_begin() {
    let market = |size: &str| MarketRequest::new(X, Side::Buy, base(size), 5);
    let mut one = One::new();
    // the quote shows one unit
    let refused = one.ask_as(1, market("1.5"));
    assert!(matches!(refused, Some(RiskRejection::NotEnoughDepth { .. })), "{refused:?}");
    assert_eq!(
        one.ask_as(2, MarketRequest::new(InstrumentId(7), Side::Buy, base("1"), 5)),
        Some(RiskRejection::UnknownInstrument)
    );
    let refused = one.ask_as(3, market("0.0019"));
    assert!(matches!(refused, Some(RiskRejection::BelowMinQuantity { .. })), "{refused:?}");
    let refused = one.ask_as(4, market("0.01").reduce_only());
    assert_eq!(refused, Some(RiskRejection::WouldIncrease));
    one.quote(600_000, 600_000);
    assert_eq!(one.ask_as(5, market("0.01")), Some(RiskRejection::CrossedBook));
    one.market = None;
    one.pass(6_000);
    let refused = one.ask_as(6, market("0.01"));
    assert!(matches!(refused, Some(RiskRejection::StaleMarket { .. })), "{refused:?}");
    let limits = StrategyLimits { order_notional_max: dec("500"), ..wide() };
    let mut one = One::with(spec(), limits, false);
    let refused = one.ask_as(1, market("0.01"));
    assert!(matches!(refused, Some(RiskRejection::NotionalAboveMax { .. })), "{refused:?}");
    // as a kind nobody knows
    assert_eq!(one.ask_json(2, "iceberg", "{}"), Some(RiskRejection::NotSupported));
    assert!(one.sent().is_empty());
}

/// Each limit of the operator on what a plan must find: what opens and takes is measured by all of
/// them, what rests by the spread alone, what closes by none.
#[test]
fn a_market_beyond_an_operators_limit_opens_nothing() {
    let with = |limits: crate::OpeningLimits| {
        let mut one = One::new();
        one.rig.engine.config.strategies[0].guards.opening = limits;
        one
    };
    let none = crate::OpeningLimits::default();
    let bps = |most: &str| Some(dec(most));
    let spread = |most| crate::OpeningLimits { max_spread_bps: bps(most), ..none };
    let slippage = |most| crate::OpeningLimits { max_slippage_bps: bps(most), ..none };
    let share = |most| crate::OpeningLimits { max_depth_share: bps(most), ..none };
    // half of what is displayed, at 60 000.0 beside a middle of 59 999.9
    let take = || MarketRequest::new(X, Side::Buy, base("0.5"), 5);
    let above = RiskRejection::SpreadAboveMax { spread_bps: dec("0.0333"), limit_bps: dec("0.03") };
    assert_eq!(with(spread("0.03")).ask_as(1, take()), Some(above.clone()));
    let (slippage_bps, limit_bps) = (dec("0.0167"), dec("0.01"));
    let dear = RiskRejection::SlippageAboveMax { slippage_bps, limit_bps };
    assert_eq!(with(slippage("0.01")).ask_as(1, take()), Some(dear.clone()));
    let (taken, limit) = (dec("0.5"), dec("0.4"));
    let deep = RiskRejection::DepthShareAboveMax { share: taken, limit };
    assert_eq!(with(share("0.4")).ask_as(1, take()), Some(deep));
    for allowed in [spread("0.04"), slippage("0.02"), share("0.5")] {
        assert_eq!(with(allowed).ask_as(1, take()), None);
    }
    // all within its reach counts, not only what it needs of it
    let mut one = with(share("0.4"));
    one.book(&[
        (Side::Buy, 599_998, 1_000),
        (Side::Sell, 600_000, 500),
        (Side::Sell, 600_100, 800),
    ]);
    assert_eq!(one.ask_as(1, take()), None);
    // a limit that takes is measured, one that rests only by the spread
    let limit = |price: &str| LimitRequest::new(X, Side::Buy, base("0.5"), dec(price), 1_000);
    assert_eq!(with(slippage("0.01")).ask_as(1, limit("60001")), Some(dear));
    assert_eq!(with(slippage("0.01")).ask_as(1, limit("59990")), None);
    assert_eq!(with(spread("0.03")).ask_as(1, limit("59990")), Some(above));
    // what closes is not asked
    let mut one = One::new();
    one.hold(Side::Buy, 600_000, 500);
    one.rig.engine.config.strategies[0].guards.opening = spread("0.03");
    assert_eq!(one.ask_as(1, CloseRequest::new(X, 5)), None);
}

#[test]
fn one_plan_works_in_an_instrument_and_a_number_is_used_once() {
    let mut one = One::new();
    let limit = LimitRequest::new(X, Side::Buy, base("0.05"), dec("59990"), 1_000);
    one.begin(limit.clone());
    let order = one.one();
    one.accept(order);
    let blocked = Some(RiskRejection::PlanInTheWay { plan: 1 });
    assert_eq!(one.ask_as(2, limit.clone()), blocked);
    one.fill(order, 599_900, 50);
    assert_eq!(one.outcome(), SingleOutcome::Filled);
    assert_eq!(one.ask_as(1, limit.clone()), blocked, "a number is never used again");
    // a close waits for its like alone
    assert_eq!(one.ask_as(2, limit), None);
    assert_eq!(one.ask_as(3, CloseRequest::new(X, 5)), None);
    assert_eq!(
        one.ask_as(4, CloseRequest::new(X, 5)),
        Some(RiskRejection::PlanInTheWay { plan: 3 })
    );
}

#[test]
fn every_kind_of_request_says_itself_and_is_read_back() {
    for kind in SingleKind::ALL {
        assert_eq!(SingleKind::from_word(kind.word()), Some(kind));
        let text = serde_json::to_string(&kind).unwrap();
        assert_eq!(text, format!("\"{}\"", kind.word()));
    }
}
