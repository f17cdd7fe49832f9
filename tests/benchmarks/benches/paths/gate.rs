//! The gate with every guard on.

use super::*;

/// An engine with every guard of the gate on, far from its limit, and so many orders in its past.
fn guarded(past: u64) -> Engine {
    let mut config = engine().config().clone();
    let wide = Some(Decimal::from(1_000_000_000_000_i64));
    let watch =
        |limit: i64| Some(Watch { limit: Decimal::from(limit), action: GuardAction::Pause });
    let guards = &mut config.strategies[0].guards;
    (guards.net_notional_max, guards.cancels_per_fill_max) = (wide, Some(1_000_000));
    guards.loss_day = watch(1_000_000_000);
    let guards = &mut config.accounts[0].guards;
    (guards.gross_notional_max, guards.net_notional_max) = (wide, wide);
    (guards.leverage_max, guards.open_orders_max) = (wide, Some(u32::MAX));
    (guards.orders_per_s_max, guards.answer_max) = (Some(1_000_000), Some(Duration::from_secs(9)));
    guards.liquidation_distance_min = watch(10);
    guards.adverse_move = Some(Watch { limit: Decimal::ONE, action: GuardAction::Alert });
    guards.profit.loss = watch(1_000_000_000);
    (config.host.gross_notional_max, config.host.net_notional_max) = (wide, wide);
    config.host.profit.drawdown = watch(1_000_000_000);
    let limits = InstrumentLimits { order_notional_max: wide, position_notional_max: wide };
    config.instrument_limits = vec![limits];
    let mut engine = Engine::new(config);
    let mut effects = Effects::default();
    engine.handle(Input::Market(&[quote(1)]), &mut effects);
    let brackets = vec![MarginBracket {
        notional_max: None,
        maintenance_rate: Decimal::new(5, 3),
        deduction: Decimal::ZERO,
    }];
    let instrument = InstrumentId(0);
    let reports = [
        VenueReport::Brackets { instrument, brackets },
        VenueReport::Margin {
            asset: "Q".into(),
            equity: Decimal::from(1_000_000_000_000_i64),
            used: Decimal::ZERO,
            maintenance: Decimal::ZERO,
        },
        VenueReport::LiquidationPrice { instrument, price: None },
    ];
    for report in reports {
        engine.handle(Input::Venue(Cow::Owned(event(report))), &mut effects);
    }
    for wire in 1..=past {
        outcome(&mut engine, &mut effects);
        let canceled = VenueReport::Canceled { wire: WireId(wire), filled: None };
        engine.handle(Input::Venue(Cow::Owned(event(canceled))), &mut effects);
        effects = Effects::default();
    }
    engine
}

/// What the gate costs, alone: whether an order would pass every guard.
pub(crate) fn gate(c: &mut Criterion) {
    let mut group = c.benchmark_group("gate with all guards on");
    // ten million need some gigabytes: HEDGEROW_PAST=10000000
    let most = std::env::var("HEDGEROW_PAST").ok().and_then(|past| past.parse().ok());
    for past in [1_000, 100_000].into_iter().chain(most) {
        let engine = guarded(past);
        let outcome = submit(&engine);
        let Some(Intent::Submit(order)) = outcome.intents.first().cloned() else { return };
        let judge = || engine.would_pass(HostTime::from_nanos(2), StrategyId(0), &order);
        assert_eq!(judge(), Ok(()));
        group.bench_function(format!("{past} past orders"), |b| b.iter(|| black_box(judge())));
    }
    group.finish();
}
