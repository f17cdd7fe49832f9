//! What keeps a plan from beginning.

use super::*;

#[test]
fn what_is_wrong_with_a_plan_is_told_before_anything_is_sent() {
    let refused = |kind: PairKind, request: PairRequest| {
        let mut pair = Pair::new();
        let reason = pair.ask(kind, &request);
        assert_eq!(pair.sent(), []);
        reason.expect("it begins")
    };
    let open = |request| refused(PairKind::Open, request);
    let unreadable = |reason: RiskRejection, part: &str| {
        let RiskRejection::PlanUnreadable { detail } = reason else { panic!("{reason:?}") };
        assert!(detail.contains(part), "{part} is not in {detail}");
    };
    unreadable(open(PairRequest { sell: L, ..request() }), "same instrument");
    unreadable(open(PairRequest { size: PairSize::Base(dec("0")), ..request() }), "above zero");
    unreadable(open(PairRequest { size: PairSize::All, ..request() }), "only there to close");
    unreadable(open(PairRequest { hedge: Give::Bps(4), ..request() }), "must rise");
    unreadable(open(PairRequest { tries: 0, ..request() }), "tries");
    unreadable(open(PairRequest { deadline_ms: 0, ..request() }), "deadline_ms");
    unreadable(open(PairRequest { size: PairSize::Base(dec("0.0009")), ..request() }), "one step");
    let unknown = open(PairRequest { sell: InstrumentId(7), ..request() });
    assert_eq!(unknown, RiskRejection::UnknownInstrument);
    let premium = open(PairRequest { min_premium_bps: Some(6), ..request() });
    assert!(matches!(premium, RiskRejection::PremiumTooLow { least_bps: 6, .. }), "{premium:?}");
    let nothing = refused(PairKind::Close, PairRequest { size: PairSize::All, ..request() });
    assert_eq!(nothing, RiskRejection::WouldIncrease);
    let mut pair = Pair::new();
    let reason = pair.ask_json(1, "pair-open", "{\"buy\": 0}");
    unreadable(reason.unwrap(), "missing field");
    assert_eq!(pair.ask_json(1, "pair-dance", "{}"), Some(RiskRejection::NotSupported));
    pair.quote(S, (600_299, 1_000), (600_301, 10_000));
    let depth = pair.ask(PairKind::Open, &request());
    let (fillable, wanted) = (Quantity::from_units(1_000), Quantity::from_units(1_660));
    assert_eq!(depth, Some(RiskRejection::NotEnoughDepth { fillable, wanted }));
    pair.quote(S, (600_301, 10_000), (600_301, 10_000));
    assert_eq!(pair.ask(PairKind::Open, &request()), Some(RiskRejection::CrossedBook));
    pair.rig.advance(6_000);
    pair.quote(S, (600_299, 10_000), (600_301, 10_000));
    let stale = pair.ask(PairKind::Open, &request());
    assert_eq!(stale, Some(RiskRejection::StaleMarket { age_ms: 6_000 }));
}

/// Either leg alone would pass: together they are too much.
#[test]
fn both_legs_are_judged_together() {
    let check = |limits: StrategyLimits| {
        let mut pair = Pair::with(legs(), limits, false);
        let reason = pair.ask(PairKind::Open, &request());
        assert_eq!(pair.sent(), []);
        reason
    };
    let gross = check(StrategyLimits { gross_notional_max: dec("15000"), ..wide() });
    assert!(matches!(gross, Some(RiskRejection::GrossAboveMax { .. })), "{gross:?}");
    let open = check(StrategyLimits { open_orders_max: 1, ..wide() });
    assert!(matches!(open, Some(RiskRejection::OpenOrdersAboveMax { .. })), "{open:?}");
    let rate = check(StrategyLimits { orders_per_s_max: 1, ..wide() });
    assert_eq!(rate, Some(RiskRejection::RateLimited { limit_per_s: 1 }));
}

/// A spot leg must be paid for, as far as the venue told what there is.
#[test]
fn a_spot_leg_needs_its_balance() {
    let mut instruments = legs();
    instruments[0].kind = InstrumentKind::Spot;
    let mut pair = Pair::with(instruments, wide(), false);
    let balance = |total: &str| VenueReport::Balance {
        asset: "Q".into(),
        total: dec(total),
        available: dec(total),
    };
    pair.report(L, balance("9000"));
    let reason = pair.ask(PairKind::Open, &request());
    assert!(matches!(reason, Some(RiskRejection::BalanceTooLow { .. })), "{reason:?}");
    pair.report(L, balance("11000"));
    assert_eq!(pair.ask(PairKind::Open, &request()), None);
}

/// What is bought could not be taken back where it only closes a short position; and goods of one
/// kind do not hedge those of another.
#[test]
fn legs_that_hedge_nothing_are_refused() {
    let unreadable = |reason: Option<RiskRejection>, part: &str| {
        let Some(RiskRejection::PlanUnreadable { detail }) = reason else { panic!("{reason:?}") };
        assert!(detail.contains(part), "{part} is not in {detail}");
    };
    let mut pair = Pair::new();
    let short = PairRequest { buy: S, sell: L, ..request() };
    pair.open(&short);
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 599_998 } else { 600_301 }, 1_660);
    }
    unreadable(pair.ask_as(2, PairKind::Open, &request()), "held the other way, -0.166");
    assert_eq!(pair.ask_as(3, PairKind::Open, &short), None, "more of the same may be opened");
    let mut others = legs();
    others[1].base = "C".into();
    let mut pair = Pair::with(others, wide(), false);
    unreadable(pair.ask(PairKind::Open, &request()), "different assets, B and C");
}

/// A strategy that asks for nonsense without end fills neither the journal nor a line of it.
#[test]
fn refusals_are_cut_and_journaled_only_so_often() {
    let mut pair = Pair::new();
    let key = "x".repeat(1 << 20);
    let reason = pair.ask_json(1, "pair-open", &format!("{{\"{key}\": 1}}"));
    let Some(RiskRejection::PlanUnreadable { detail }) = reason else { panic!("{reason:?}") };
    assert!(detail.len() < 1_000 && detail.ends_with("..."), "{} bytes", detail.len());
    let plan = || Intent::Plan { id: 1, kind: "pair-dance".into(), json: "{}".into() };
    let before = pair.rig.effects.facts.len();
    pair.rig.want((0..3_000).map(|_| plan()).collect());
    let of =
        |stamped: &Stamped| matches!(stamped.fact, Fact::Plan { .. } | Fact::IntentDenied { .. });
    let written = pair.rig.effects.facts[before..].iter().filter(|fact| of(fact)).count();
    // each refusal is the plan's and the strategy's; one of this second was written before
    assert_eq!(written, 2 * 999);
    assert_eq!(pair.rig.engine.mode_of(ME), TradingMode::CancelOnly);
}

/// Both legs on one account: its leverage is judged with both before either is sent.
#[test]
fn the_leverage_of_an_account_counts_both_legs() {
    for (equity, refused) in [("5000", true), ("7000", false)] {
        let mut config = Pair::new().rig.engine.config.clone();
        config.strategies[0].trades = vec![(L, AccountId(0)), (S, AccountId(0))];
        config.accounts[0].guards.leverage_max = Some(dec("2"));
        let mut pair = Pair::over(Engine::new(config));
        let asset = pair.rig.engine.config.instrument(L).unwrap().settle.clone();
        let (equity, zero) = (dec(equity), dec("0"));
        let margin = VenueReport::Margin { asset, equity, used: zero, maintenance: zero };
        pair.report(L, margin);
        // one leg is worth 6 000, both are 12 000
        let wanted = PairRequest { size: PairSize::Base(dec("0.1")), ..request() };
        let why = pair.ask(PairKind::Open, &wanted);
        let above = matches!(why, Some(RiskRejection::LeverageAboveMax { .. }));
        // what it would be margined with besides is another matter
        assert_eq!(above, refused, "{why:?}");
        assert_eq!(pair.sent(), []);
    }
}

/// A leg on another account is no part of an account's limits.
#[test]
fn an_account_is_not_charged_for_the_leg_of_another() {
    let mut config = Pair::new().rig.engine.config;
    for account in &mut config.accounts {
        account.guards.gross_notional_max = Some(dec("7000"));
        account.guards.open_orders_max = Some(1);
    }
    let mut pair = Pair::over(Engine::new(config));
    pair.open(&PairRequest { size: PairSize::Base(dec("0.1")), ..request() });
    assert_eq!(pair.sent().len(), 2);
}
