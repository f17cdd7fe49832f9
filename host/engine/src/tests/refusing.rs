//! The gate's guards through the engine's door, each seen to refuse by the code a strategy gets, at
//! every scope; and what they leave alone.

use super::*;
use hedgerow_model::MarginBracket;

type Change = fn(&mut EngineConfig);
type Act = fn(&mut Rig) -> Option<RiskRejection>;

/// Two instruments on two accounts of one strategy, both with a market at 99.90 / 100.10.
fn rig(change: Change) -> Rig {
    let mut config = config(limits());
    config.strategies[0].trades.push((InstrumentId(1), AccountId(1)));
    config.strategies[0].watches.clear();
    config.strategies[0].limits.orders_per_s_max = 1_000;
    config.strategies[0].limits.open_orders_max = 1_000;
    let second = AccountConfig { id: AccountId(1), name: "b".into(), ..config.accounts[0].clone() };
    config.accounts.push(second);
    change(&mut config);
    let mut rig = Rig { engine: Engine::new(config), ..Rig::new() };
    rig.quote(0, 9_990, 10_010);
    rig.quote(1, 9_990, 10_010);
    rig
}

fn order_in(rig: &mut Rig, instrument: u32, side: Side, quantity: i64) -> Option<RiskRejection> {
    let price = if side == Side::Buy { 9_990 } else { 10_010 };
    let order = rig.order(side, price, quantity);
    rig.submit(NewOrder { instrument: InstrumentId(instrument), ..order })
}

/// 9.99 worth of 100 units of quantity at 99.90.
fn buy(rig: &mut Rig, instrument: u32, quantity: i64) -> Option<RiskRejection> {
    order_in(rig, instrument, Side::Buy, quantity)
}

fn margin(rig: &mut Rig, equity: &str) {
    let (equity, used, maintenance) = (dec(equity), dec("0"), dec("0"));
    rig.report(VenueReport::Margin { asset: "Q".into(), equity, used, maintenance });
}

fn brackets(rig: &mut Rig) {
    let bracket = MarginBracket {
        notional_max: None,
        maintenance_rate: dec("0.005"),
        deduction: Decimal::ZERO,
    };
    let instrument = InstrumentId(0);
    rig.report(VenueReport::Brackets { instrument, brackets: vec![bracket] });
}

/// What is limited, the code, how, what is within, and what is not.
type Case = (&'static str, u32, Change, Act, Act);

fn exposures() -> Vec<Case> {
    vec![
        (
            "net of the strategy",
            40,
            |c| c.strategies[0].guards.net_notional_max = Some(Decimal::from(500)),
            |rig| buy(rig, 0, 5_000),
            |rig| buy(rig, 1, 100),
        ),
        (
            "net of the account",
            40,
            |c| c.accounts[0].guards.net_notional_max = Some(Decimal::from(500)),
            |rig| buy(rig, 0, 5_000),
            |rig| buy(rig, 0, 100),
        ),
        (
            "net of the host",
            40,
            |c| c.host.net_notional_max = Some(Decimal::from(500)),
            |rig| buy(rig, 0, 5_000),
            |rig| buy(rig, 1, 100),
        ),
        (
            "gross of the account",
            13,
            |c| c.accounts[0].guards.gross_notional_max = Some(Decimal::from(1_000)),
            |rig| buy(rig, 0, 5_000),
            |rig| order_in(rig, 0, Side::Sell, 5_010),
        ),
        (
            "gross of the host",
            13,
            |c| c.host.gross_notional_max = Some(Decimal::from(1_000)),
            |rig| buy(rig, 0, 5_000),
            |rig| order_in(rig, 1, Side::Sell, 5_010),
        ),
    ]
}

fn counts() -> Vec<Case> {
    vec![
        (
            "value of an order in the instrument",
            11,
            |c| {
                let order_notional_max = Some(Decimal::from(500));
                c.instrument_limits =
                    vec![InstrumentLimits { order_notional_max, ..InstrumentLimits::default() }];
            },
            |rig| buy(rig, 0, 5_000),
            |rig| buy(rig, 0, 5_010),
        ),
        (
            "positions of all in the instrument",
            41,
            |c| {
                let position_notional_max = Some(Decimal::from(500));
                c.instrument_limits =
                    vec![InstrumentLimits { position_notional_max, ..InstrumentLimits::default() }];
            },
            |rig| buy(rig, 0, 5_000),
            |rig| buy(rig, 0, 100),
        ),
        (
            "open orders of the account",
            14,
            |c| c.accounts[0].guards.open_orders_max = Some(1),
            |rig| buy(rig, 0, 100),
            |rig| buy(rig, 0, 100),
        ),
        (
            "order rate of the account",
            15,
            |c| c.accounts[0].guards.orders_per_s_max = Some(1),
            |rig| buy(rig, 0, 100),
            |rig| buy(rig, 0, 100),
        ),
        (
            "open orders of all",
            14,
            |c| c.host.open_orders_max = Some(1),
            |rig| buy(rig, 0, 100),
            |rig| buy(rig, 1, 100),
        ),
        (
            "order rate of all",
            15,
            |c| c.host.orders_per_s_max = Some(1),
            |rig| buy(rig, 0, 100),
            |rig| buy(rig, 1, 100),
        ),
        (
            "leverage that is not known",
            44,
            |c| c.accounts[0].guards.leverage_max = Some(Decimal::from(3)),
            |rig| buy(rig, 1, 100),
            |rig| buy(rig, 0, 100),
        ),
    ]
}

fn margins() -> Vec<Case> {
    vec![
        (
            "leverage",
            42,
            |c| c.accounts[0].guards.leverage_max = Some(Decimal::from(3)),
            |rig| {
                margin(rig, "200");
                buy(rig, 0, 6_000)
            },
            |rig| buy(rig, 0, 100),
        ),
        (
            "safe leverage",
            43,
            |c| {
                let watch = Watch { limit: Decimal::from(25), action: GuardAction::Alert };
                c.accounts[0].guards.adverse_move = Some(watch);
            },
            |rig| {
                margin(rig, "200");
                brackets(rig);
                buy(rig, 0, 7_800) // 779.22, safe are 3.94 of 200: 788
            },
            |rig| buy(rig, 0, 100),
        ),
        ("a trade with ourselves", 47, |_| {}, |rig| buy(rig, 0, 100), |rig| rig.sell(9_990, 100)),
        (
            "a venue that is down",
            48,
            |_| {},
            |rig| {
                let first = buy(rig, 0, 100);
                rig.report(VenueReport::Down);
                // an account in this process is not reconciled, so it stays so
                rig.engine.unreconciled.clear();
                first
            },
            |rig| buy(rig, 0, 100),
        ),
    ]
}

fn venues() -> Vec<Case> {
    vec![
        (
            "a venue that does not answer",
            49,
            |c| c.accounts[0].guards.answer_max = Some(Duration::from_millis(500)),
            |rig| {
                let first = buy(rig, 0, 100);
                rig.advance(500);
                let second = buy(rig, 0, 100);
                rig.advance(1);
                first.or(second)
            },
            |rig| buy(rig, 0, 100),
        ),
        (
            "cancels for fills",
            46,
            |c| c.strategies[0].guards.cancels_per_fill_max = Some(5),
            cancel_101,
            |rig| buy(rig, 1, 100),
        ),
        (
            "cancels for fills on the account",
            46,
            |c| c.accounts[0].guards.cancels_per_fill_max = Some(5),
            |rig| cancel_101(rig).or_else(|| buy(rig, 1, 100)), // on the other account
            |rig| buy(rig, 0, 100),
        ),
    ]
}

/// One more than the grace.
fn cancel_101(rig: &mut Rig) -> Option<RiskRejection> {
    for _ in 0..101 {
        let number = rig.engine.next_order(ME);
        assert_eq!(buy(rig, 0, 100), None);
        rig.want(vec![Intent::Cancel(number)]);
        rig.report(VenueReport::Canceled { wire: WireId(number), filled: None });
    }
    None
}

/// A refusal says whose limit it was; and what is counted of an account is the same of an engine
/// that folds the facts.
#[test]
fn refusals_by_count_name_their_scope() {
    let scope_of = |refused: Option<RiskRejection>| match refused {
        Some(RiskRejection::OrderRateAboveMax { scope, .. }) => Some(scope),
        Some(
            RiskRejection::OpenOrdersAboveMax { scope, .. }
            | RiskRejection::CancelRatioAboveMax { scope, .. },
        ) => scope,
        other => panic!("{other:?}"),
    };
    let account = Scope::Account(AccountId(0));
    let cases: [(Change, Act, Scope); 7] = [
        (|c| c.strategies[0].limits.open_orders_max = 1, |_| None, Scope::Strategy(ME)),
        (|c| c.accounts[0].guards.open_orders_max = Some(1), |_| None, account),
        (|c| c.host.open_orders_max = Some(1), |_| None, Scope::Host),
        (|c| c.accounts[0].guards.orders_per_s_max = Some(1), |_| None, account),
        (|c| c.host.orders_per_s_max = Some(1), |_| None, Scope::Host),
        (
            |c| c.strategies[0].guards.cancels_per_fill_max = Some(1),
            cancel_101,
            Scope::Strategy(ME),
        ),
        (|c| c.accounts[0].guards.cancels_per_fill_max = Some(1), cancel_101, account),
    ];
    for (change, before, scope) in cases {
        let mut rig = rig(change);
        assert_eq!(before(&mut rig), None);
        let first = buy(&mut rig, 0, 100);
        let refused = if first.is_some() { first } else { buy(&mut rig, 0, 100) };
        assert_eq!(scope_of(refused.clone()), Some(scope), "{refused:?}");
        let words = refused.unwrap().to_string();
        let names = [(Scope::Host, "on the host"), (account, "on the account")];
        for (whose, name) in names {
            assert_eq!(words.contains(name), whose == scope, "{words}");
        }
        crate::snapshot::tests::any_cut_is_the_whole(rig.engine.config(), &rig.effects.facts);
    }
}

#[test]
fn every_guard_of_the_gate_refuses_with_its_code_and_passes_what_is_within() {
    let cases = [exposures(), counts(), margins(), venues()];
    for (what, code, change, passes, refused) in cases.into_iter().flatten() {
        let mut rig = rig(change);
        assert_eq!(passes(&mut rig), None, "{what}: what is within is refused");
        let found = refused(&mut rig).map(|reason| (reason.code(), reason));
        assert_eq!(found.as_ref().map(|(code, _)| *code), Some(code), "{what}: {found:?}");
    }
}

/// What only reduces passes every one of them, but for a trade with ourselves.
#[test]
fn no_limit_stops_a_reduction() {
    let mut rig = rig(|c| {
        let tiny = Some(Decimal::new(1, 2));
        let guards = &mut c.accounts[0].guards;
        (guards.gross_notional_max, guards.net_notional_max) = (tiny, tiny);
        (guards.leverage_max, guards.answer_max) = (tiny, Some(Duration::ZERO));
        (guards.open_orders_max, guards.orders_per_s_max) = (Some(0), Some(0));
        (c.host.gross_notional_max, c.host.net_notional_max) = (tiny, tiny);
        c.strategies[0].guards.net_notional_max = tiny;
        let limits = InstrumentLimits { order_notional_max: tiny, position_notional_max: tiny };
        c.instrument_limits = vec![limits];
    });
    let id = hedgerow_model::ClientOrderId { strategy: ME, number: 1 };
    let fill = Fact::Fill {
        id,
        account: AccountId(0),
        instrument: InstrumentId(0),
        trade: TradeId(1),
        side: Side::Buy,
        price: Price::from_units(10_000),
        quantity: Quantity::from_units(1_000),
        liquidity: Liquidity::Maker,
        fee: Fee::ZERO,
        happened: VenueTime::from_nanos(1),
        inferred: false,
        replaces: Quantity::ZERO,
    };
    let time = HostTime::from_nanos(rig.now);
    rig.engine.restore(&[hedgerow_model::Stamped { time, fact: fill }]);
    rig.report(VenueReport::Down);
    assert_eq!(order_in(&mut rig, 0, Side::Sell, 500), None);
    assert!(buy(&mut rig, 0, 100).is_some());
}

/// A replaced price stands at both prices until the venue has answered.
#[test]
fn an_amendment_under_way_stands_at_both_prices() {
    let mut rig = rig(|_| {});
    assert_eq!(buy(&mut rig, 0, 100), None);
    rig.accept(1);
    let price = Price::from_units(10_000);
    let amend = Amend { order: 1, price, quantity: Quantity::from_units(100) };
    rig.want(vec![Intent::Amend(amend)]);
    let crossing = |rig: &mut Rig, price| {
        matches!(rig.sell(price, 100), Some(RiskRejection::SelfCross { .. }))
    };
    assert!(crossing(&mut rig, 10_000), "where it is going");
    let reason = hedgerow_model::VenueRejection::FilterFailed;
    rig.report(VenueReport::AmendRejected { wire: WireId(1), reason });
    assert!(!crossing(&mut rig, 10_000), "it never went there");
    assert!(crossing(&mut rig, 9_990), "it stands where it was");
    rig.report(VenueReport::Canceled { wire: WireId(1), filled: None });
    assert!(!crossing(&mut rig, 9_990), "and is gone");
}
