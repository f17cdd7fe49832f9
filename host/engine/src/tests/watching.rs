//! Guards that watch: each trips at its limit with the action that is configured, is a fact and a
//! word to the strategy, survives a restart, and rests by itself or by an operator.

use super::*;
use hedgerow_model::{
    ForcedKind, Guard, GuardKey, GuardState, MarginBracket, MarginGrade, OpaqueMessage,
};

fn watch(limit: &str, action: GuardAction) -> Option<Watch> {
    Some(Watch { limit: dec(limit), action })
}

/// One strategy long of 100 at 100.10 on its account, worth 10 010; nothing lost yet but half the
/// spread.
fn long(change: impl Fn(&mut EngineConfig)) -> Rig {
    let mut config = config(limits());
    let most = dec("1000000");
    let limits = &mut config.strategies[0].limits;
    (limits.order_notional_max, limits.position_notional_max) = (most, most);
    (limits.gross_notional_max, limits.loss_max, limits.drawdown_max) = (most, most, most);
    change(&mut config);
    let mut rig = Rig { engine: Engine::new(config), ..Rig::new() };
    let id = hedgerow_model::ClientOrderId { strategy: ME, number: 1 };
    let fact = Fact::Fill {
        id,
        account: AccountId(0),
        instrument: InstrumentId(0),
        trade: TradeId(1_000),
        side: Side::Buy,
        price: Price::from_units(10_010),
        quantity: Quantity::from_units(100_000),
        liquidity: Liquidity::Taker,
        fee: Fee::ZERO,
        happened: VenueTime::from_nanos(START),
        inferred: false,
        replaces: Quantity::ZERO,
    };
    let fill = hedgerow_model::Stamped { time: HostTime::from_nanos(START), fact };
    rig.engine.restore([&fill]);
    rig.effects.facts.push(fill);
    rig.quote(0, 9_990, 10_010);
    rig
}

fn guards(rig: &Rig) -> Vec<(Guard, Option<GuardAction>)> {
    let of = |stamped: &hedgerow_model::Stamped| match &stamped.fact {
        Fact::Guard { key, state: GuardState::Tripped(action), .. } => {
            Some((key.guard, Some(*action)))
        }
        Fact::Guard { key, state: GuardState::AtRest, .. } => Some((key.guard, None)),
        _ => None,
    };
    rig.effects.facts.iter().filter_map(of).collect()
}

fn told(rig: &Rig) -> usize {
    let is = |told: &&hedgerow_model::Delivery| {
        matches!(&told.what, Delivered::Event(Event::Other(OpaqueMessage { code: 1_002, .. })))
    };
    rig.effects.deliveries.iter().filter(is).count()
}

fn release(rig: &mut Rig, scope: Scope) {
    let now = HostTime::from_nanos(rig.now);
    let command = OperatorCommand::SetMode { scope, mode: TradingMode::Running };
    rig.engine.handle(Input::Operator { now, command, reason: "r".into() }, &mut rig.effects);
}

fn again(rig: &Rig) -> Engine {
    let mut engine = Engine::new(rig.engine.config().clone());
    engine.restore(&rig.effects.facts);
    engine
}

#[test]
fn every_action_latches_its_mode_in_every_scope() {
    let actions = [
        (GuardAction::Alert, TradingMode::Running),
        (GuardAction::Pause, TradingMode::ReduceOnly),
        (GuardAction::Reduce, TradingMode::ReduceOnly),
        (GuardAction::ClosePair, TradingMode::ReduceOnly),
        (GuardAction::CancelOnly, TradingMode::CancelOnly),
        (GuardAction::Halt, TradingMode::Halted),
    ];
    for (action, mode) in actions {
        for scope in [Scope::Strategy(ME), Scope::Account(AccountId(0)), Scope::Host] {
            let mut rig = long(|c| match scope {
                Scope::Strategy(_) => {
                    c.strategies[0].limits.loss_max = dec("50");
                    c.strategies[0].guards.loss_action = action;
                }
                Scope::Account(_) => c.accounts[0].guards.profit.loss = watch("50", action),
                _ => c.host.profit.loss = watch("50", action),
            });
            rig.quote(0, 9_950, 9_970); // 99.60: 50 lost, which is allowed
            assert_eq!(guards(&rig), [], "{scope:?} {action}");
            rig.quote(0, 9_948, 9_970);
            assert_eq!(guards(&rig), [(Guard::Loss, Some(action))], "{scope:?} {action}");
            assert_eq!((rig.engine.modes.of(scope), told(&rig)), (mode, 1), "{scope:?} {action}");
            rig.quote(0, 9_900, 9_910);
            assert_eq!(guards(&rig).len(), 1, "it has said it");
            let restored = again(&rig);
            let key = GuardKey::whole(Guard::Loss, scope);
            assert!(restored.guards.has_tripped(&key), "{scope:?} {action} survives");
            assert_eq!(restored.modes.of(scope), mode);
            assert!(restored.conditions().iter().any(|c| c.contains("above loss_max")));
            release(&mut rig, scope);
            assert_eq!(guards(&rig).last(), Some(&(Guard::Loss, None)), "released");
            assert_eq!(rig.engine.modes.of(scope), TradingMode::Running);
            rig.quote(0, 9_890, 9_900);
            assert_eq!(guards(&rig).len(), 2, "its measures began anew");
        }
    }
}

#[test]
fn drawdown_of_account_and_host_is_measured_from_their_peaks_over_a_restart() {
    for scope in [Scope::Account(AccountId(0)), Scope::Host] {
        let pause = GuardAction::Pause;
        let mut rig = long(|c| match scope {
            Scope::Account(_) => c.accounts[0].guards.profit.drawdown = watch("30", pause),
            _ => c.host.profit.drawdown = watch("30", pause),
        });
        rig.quote(0, 10_100, 10_120); // 100 gained
        let mut rig = Rig { engine: again(&rig), ..rig };
        rig.quote(0, 10_070, 10_090); // 30 below
        assert_eq!(guards(&rig), []);
        rig.quote(0, 10_069, 10_089);
        assert_eq!(guards(&rig), [(Guard::Drawdown, Some(pause))], "{scope:?}");
        assert_eq!(rig.engine.modes.of(scope), TradingMode::ReduceOnly);
    }
}

const DAY: u64 = 24 * 3_600 * 1_000_000_000;

/// 40 lost on one day and 40 on the next are not 50 on either.
#[test]
fn a_loss_of_the_day_begins_anew_at_midnight_and_not_with_a_restart() {
    let mut rig = long(|c| {
        c.strategies[0].guards.loss_day = watch("50", GuardAction::Pause);
        c.accounts[0].guards.profit.loss_day = watch("50", GuardAction::Alert);
        c.host.profit.loss_day = watch("45", GuardAction::Alert);
    });
    let wake = |rig: &mut Rig| {
        let next = rig.engine.next_fixed_wakeup().unwrap().as_nanos();
        rig.now = rig.now.max(next);
        rig.engine.handle(Input::Wake(HostTime::from_nanos(rig.now)), &mut rig.effects);
        next
    };
    assert_eq!(wake(&mut rig), 0, "the first day begins at once");
    rig.quote(0, 9_950, 9_990); // 40 lost
    assert_eq!(guards(&rig), []);
    let midnight = (START / DAY + 1) * DAY;
    assert_eq!(wake(&mut rig), midnight);
    let mut rig = Rig { engine: again(&rig), ..rig };
    rig.quote(0, 9_910, 9_950); // 40 more
    assert_eq!(guards(&rig), []);
    rig.quote(0, 9_903, 9_945);
    assert_eq!(guards(&rig), [(Guard::LossDay, Some(GuardAction::Alert))], "46 of the host");
    rig.quote(0, 9_890, 9_940); // 55
    assert_eq!(guards(&rig).len(), 3);
    assert_eq!(rig.engine.modes.of(Scope::Strategy(ME)), TradingMode::ReduceOnly);
    assert_eq!(wake(&mut rig), midnight + DAY);
    let rests = guards(&rig).iter().filter(|(_, action)| action.is_none()).count();
    assert_eq!(rests, 3, "a new day");
    assert_eq!(
        rig.engine.modes.of(Scope::Strategy(ME)),
        TradingMode::ReduceOnly,
        "the latch stays"
    );
}

fn margin(rig: &mut Rig, equity: &str, used: &str, maintenance: &str) {
    let (equity, used, maintenance) = (dec(equity), dec(used), dec(maintenance));
    rig.report(VenueReport::Margin { asset: "Q".into(), equity, used, maintenance });
}

#[test]
fn margin_guards_trip_on_what_the_venue_tells_and_rest_five_points_below() {
    let mut rig = long(|c| {
        let guards = &mut c.accounts[0].guards;
        guards.margin_ratio = watch("50", GuardAction::Pause);
        guards.grades[3].1 = GuardAction::Halt;
    });
    let account = Scope::Account(AccountId(0));
    margin(&mut rig, "1000", "590", "100");
    assert_eq!(guards(&rig), []);
    use MarginGrade as G;
    let alert = Some(GuardAction::Alert);
    margin(&mut rig, "1000", "810", "501");
    let mut expected = vec![
        (Guard::MarginUtilisation, alert),
        (Guard::MarginRatio, Some(GuardAction::Pause)),
        (Guard::MarginHealth(G::Watch), alert),
        (Guard::MarginHealth(G::Warning), alert),
        (Guard::MarginHealth(G::Danger), alert),
    ];
    assert_eq!(guards(&rig), expected);
    assert_eq!(rig.engine.modes.of(account), TradingMode::ReduceOnly);
    margin(&mut rig, "1000", "900", "451");
    expected.push((Guard::MarginHealth(G::Critical), Some(GuardAction::Halt)));
    assert_eq!(guards(&rig), expected, "nothing rests within five points");
    assert_eq!(rig.engine.modes.of(account), TradingMode::Halted);
    margin(&mut rig, "1000", "749", "450");
    expected.extend([
        (Guard::MarginUtilisation, None),
        (Guard::MarginRatio, None),
        (Guard::MarginHealth(G::Danger), None),
        (Guard::MarginHealth(G::Critical), None),
    ]);
    assert_eq!(guards(&rig), expected);
    assert_eq!(rig.engine.modes.of(account), TradingMode::Halted, "a latch is an operator's");
    margin(&mut rig, "0", "1", "1");
    assert_eq!(guards(&rig).len(), expected.len() + 4, "without equity all trip");
}

#[test]
fn an_unsafe_leverage_is_seen_when_margin_is_told() {
    let mut rig = long(|c| {
        c.accounts[0].guards.adverse_move = watch("25", GuardAction::Alert);
    });
    margin(&mut rig, "3000", "0", "0");
    let unsafe_ = (Guard::SafeLeverage, Some(GuardAction::Alert));
    assert_eq!(guards(&rig), [unsafe_], "its maintenance is not known");
    let bracket = MarginBracket {
        notional_max: None,
        maintenance_rate: dec("0.005"),
        deduction: Decimal::ZERO,
    };
    let report = VenueReport::Brackets { instrument: InstrumentId(0), brackets: vec![bracket] };
    rig.report(report);
    // 10 000 for 3000: 3.33, safe are 3.94
    margin(&mut rig, "3000", "0", "0");
    assert_eq!(guards(&rig), [unsafe_, (Guard::SafeLeverage, None)]);
    margin(&mut rig, "2500", "0", "0");
    assert_eq!(guards(&rig).last(), Some(&unsafe_));
}

/// The venue's price, and without it the computed one; unknown opens nothing.
#[test]
fn the_distance_to_liquidation_is_watched_on_every_mark() {
    let near = |rig: &Rig| {
        let all = guards(rig).into_iter();
        let all = all.filter(|(guard, _)| *guard == Guard::LiquidationDistance);
        all.map(|(_, action)| action.is_some()).collect::<Vec<_>>()
    };
    for computed in [false, true] {
        let mut rig = long(|c| {
            let guards = &mut c.accounts[0].guards;
            guards.liquidation_distance_min = watch("10", GuardAction::Pause);
        });
        let unknown = rig.buy(9_990, 100).map(|reason| reason.code());
        assert_eq!(unknown, Some(45), "not known is not safe");
        if computed {
            // long of 100 at a mark of 100, equity 1040, m 0.4 %: dies at 8960 / 99.6 = 89.96
            let bracket = MarginBracket {
                notional_max: None,
                maintenance_rate: dec("0.004"),
                deduction: Decimal::ZERO,
            };
            let instrument = InstrumentId(0);
            rig.report(VenueReport::Brackets { instrument, brackets: vec![bracket] });
            margin(&mut rig, "1040", "100", "40");
        } else {
            let price = Some(dec("89.96"));
            rig.report(VenueReport::LiquidationPrice { instrument: InstrumentId(0), price });
        }
        assert_eq!(near(&rig), [false; 0], "10.04 % away");
        assert_eq!(rig.buy(9_990, 100), None);
        rig.quote(0, 9_984, 10_004); // 99.94: 9.99 %
        assert_eq!(near(&rig), [true], "computed {computed}");
        assert_eq!(rig.engine.modes.of(Scope::Account(AccountId(0))), TradingMode::ReduceOnly);
        rig.quote(0, 10_090, 10_110); // 101: 10.93 %
        assert_eq!(near(&rig), [true], "it rests a point above");
        rig.quote(0, 10_100, 10_120);
        assert_eq!(near(&rig), [true, false]);
        rig.report(VenueReport::Down);
        rig.engine.unreconciled.clear();
        rig.report(VenueReport::Up);
        rig.engine.unreconciled.clear();
        release(&mut rig, Scope::Account(AccountId(0)));
        let unknown = rig.buy(10_100, 100).map(|reason| reason.code());
        assert_eq!(unknown, Some(45), "after the venue was away");
    }
}

/// A liquidation is booked once, like a fill of no order, and is nobody's silent business.
#[test]
fn a_liquidation_is_booked_told_and_latched() {
    let mut rig = long(|_| {});
    let forced = VenueReport::Forced {
        kind: ForcedKind::Liquidation,
        trade: TradeId(77),
        instrument: InstrumentId(0),
        side: Side::Sell,
        price: Price::from_units(9_500),
        quantity: Quantity::from_units(40_000),
        fee: Fee::in_settle(dec("2")),
    };
    rig.report(forced.clone());
    assert_eq!(rig.position(), 60_000);
    rig.report(forced);
    assert_eq!(rig.position(), 60_000, "told again, booked once");
    assert_eq!(guards(&rig), [(Guard::Liquidated, Some(GuardAction::Pause))]);
    assert_eq!(rig.engine.modes.of(Scope::Account(AccountId(0))), TradingMode::ReduceOnly);
    let position = rig.effects.deliveries.iter().any(|told| {
        matches!(&told.what, Delivered::Event(Event::Position(p)) if p.quantity.units() == 60_000)
    });
    assert!(position, "the strategy is told");
    let words = rig.engine.conditions();
    assert!(words.iter().any(|word| word.contains("liquidated a position")), "{words:?}");
    let restored = again(&rig);
    let of = |engine: &Engine| engine.strategies[0].holdings[0].position.clone();
    assert_eq!(of(&restored), of(&rig.engine));
    assert_eq!(of(&rig.engine).fees, dec("2"));
    // what is nobody's here is only told
    let before = rig.effects.facts.len();
    rig.report(VenueReport::Forced {
        kind: ForcedKind::Deleveraging,
        trade: TradeId(78),
        instrument: InstrumentId(2),
        side: Side::Sell,
        price: Price::from_units(9_500),
        quantity: Quantity::from_units(40_000),
        fee: Fee::ZERO,
    });
    let after = &rig.effects.facts[before..];
    assert!(matches!(after, [one] if matches!(one.fact, Fact::Discrepancy { .. })), "{after:?}");
}

/// A position shrinks by the venue's hand: what rests and would turn it now goes, also where the
/// mode was ReduceOnly before.
#[test]
fn after_a_liquidation_no_reduction_that_would_open_stays() {
    let mut rig = long(|_| {});
    let number = rig.engine.next_order(ME);
    assert_eq!(rig.sell(10_090, 100_000), None);
    let wire = rig.engine.order(ME, number).unwrap().wire;
    rig.accept(wire.0);
    let now = HostTime::from_nanos(rig.now);
    let (scope, mode) = (Scope::Account(AccountId(0)), TradingMode::ReduceOnly);
    let command = OperatorCommand::SetMode { scope, mode };
    rig.engine.handle(Input::Operator { now, command, reason: "r".into() }, &mut rig.effects);
    assert_eq!(rig.status(number), Some(OrderStatus::Open), "it only reduces");
    rig.report(VenueReport::Forced {
        kind: ForcedKind::Liquidation,
        trade: TradeId(77),
        instrument: InstrumentId(0),
        side: Side::Sell,
        price: Price::from_units(9_500),
        quantity: Quantity::from_units(40_000),
        fee: Fee::ZERO,
    });
    assert_eq!(rig.status(number), Some(OrderStatus::PendingCancel));
}

/// Where nothing is stopped nobody releases it: each is told.
#[test]
fn every_liquidation_is_told_where_the_action_is_an_alert() {
    let mut rig = long(|c| c.accounts[0].guards.liquidated_action = GuardAction::Alert);
    for trade in [1, 2] {
        rig.report(VenueReport::Forced {
            kind: ForcedKind::Liquidation,
            trade: TradeId(trade),
            instrument: InstrumentId(0),
            side: Side::Sell,
            price: Price::from_units(9_500),
            quantity: Quantity::from_units(10_000),
            fee: Fee::ZERO,
        });
    }
    let tripped = (Guard::Liquidated, Some(GuardAction::Alert));
    assert_eq!(guards(&rig), [tripped, (Guard::Liquidated, None), tripped]);
}

/// A pool of what nobody trades with here stands for nothing: it would only loosen limits.
#[test]
fn a_pool_of_a_strange_asset_is_no_equity() {
    let mut rig = long(|_| {});
    let margin = |asset: &str, equity: &str| VenueReport::Margin {
        asset: asset.into(),
        equity: dec(equity),
        used: Decimal::ZERO,
        maintenance: Decimal::ZERO,
    };
    rig.report(margin("Q", "1000"));
    assert_eq!(rig.engine.equity(AccountId(0)), Some(dec("1000")));
    rig.report(margin("DOGE", "100000"));
    assert_eq!(rig.engine.equity(AccountId(0)), Some(dec("1000")));
}
