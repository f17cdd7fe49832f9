//! Rate pools: who waits, who goes first, who is refused, and what a venue says of its limits.

use super::*;
use hedgerow_model::{PositionMode, VenueRejection};

fn weights() -> Weights {
    Weights { place: 1, cancel: 1, amend: 1, query: 1, reconcile: 1 }
}

/// 1200 a minute, 1200 at once, 100 of them for cancels and reductions.
fn pool() -> PoolConfig {
    PoolConfig {
        name: "requests".into(),
        burst: 1_200,
        per: Duration::from_secs(60),
        reserve: 100,
        wait: Duration::from_secs(10),
        weights: weights(),
    }
}

fn rig(pools: Vec<PoolConfig>) -> Rig {
    let most = dec("100000000");
    let limits = StrategyLimits {
        order_notional_max: most,
        position_notional_max: most,
        gross_notional_max: most,
        open_orders_max: 10_000,
        orders_per_s_max: 10_000,
        loss_max: most,
        drawdown_max: most,
        ..limits()
    };
    let mut config = config(limits);
    config.accounts[0].pools = pools;
    config.stale_after = Duration::from_secs(100_000);
    let mut rig = Rig::new();
    rig.engine = Engine::new(config);
    rig.quote(0, 9_990, 10_010);
    rig
}

/// Orders and cancels that left, by wire id; cancels negative.
fn left(rig: &Rig) -> Vec<i64> {
    let of = |command: &VenueCommand| match command {
        VenueCommand::Place(order) => i64::try_from(order.get().wire.0).ok(),
        VenueCommand::Cancel { wire, .. } => i64::try_from(wire.0).ok().map(|wire| -wire),
        _ => None,
    };
    rig.effects.commands.iter().filter_map(of).collect()
}

fn buy(rig: &mut Rig) {
    assert_eq!(rig.buy(9_990, 100), None);
}

#[test]
fn vector_r1_a_new_order_waits_for_the_reserve_and_a_cancel_is_sent() {
    let mut rig = rig(vec![pool()]);
    (0..1_100).for_each(|_| buy(&mut rig));
    assert_eq!(left(&rig).len(), 1_100, "all of the burst but the reserve");
    rig.accept(1);
    buy(&mut rig);
    assert_eq!(left(&rig).len(), 1_100, "fewer than 100 + 1 remain");
    rig.want(vec![Intent::Cancel(1)]);
    assert_eq!(left(&rig).last(), Some(&-1));
    // one unit per 50 ms: that of the cancel, and its own
    assert_eq!(rig.engine.next_fixed_wakeup().map(HostTime::as_nanos), Some(START + 100_000_000));
    rig.advance(99);
    rig.engine.handle(Input::Wake(HostTime::from_nanos(rig.now)), &mut rig.effects);
    assert_eq!(left(&rig).len(), 1_101);
    rig.advance(1);
    rig.engine.handle(Input::Wake(HostTime::from_nanos(rig.now)), &mut rig.effects);
    assert_eq!(left(&rig).last(), Some(&1_101));
    // 100 of the reserve and nothing else are left, and one more than those is asked for
    rig.want((2..=102).map(Intent::Cancel).collect());
    assert_eq!(left(&rig).iter().filter(|wire| **wire < 0).count(), 101);
}

#[test]
fn several_pools_are_drawn_from_at_once_or_not_at_all() {
    let orders = PoolConfig {
        name: "orders".into(),
        burst: 2,
        per: Duration::from_secs(10),
        reserve: 0,
        weights: Weights { cancel: 0, query: 0, reconcile: 0, ..weights() },
        ..pool()
    };
    let mut rig = rig(vec![PoolConfig { burst: 4, reserve: 0, ..pool() }, orders]);
    (0..3).for_each(|_| buy(&mut rig));
    assert_eq!(left(&rig), [1, 2], "the second pool is empty");
    rig.accept(1);
    rig.accept(2);
    // the third order has drawn nothing from the first pool
    rig.want(vec![Intent::Cancel(1), Intent::Cancel(2)]);
    assert_eq!(left(&rig), [1, 2, -1, -2]);
}

#[test]
fn what_waits_goes_by_priority_and_an_order_that_is_canceled_before_it_left_never_leaves() {
    let mut rig =
        rig(vec![PoolConfig { burst: 3, per: Duration::from_secs(3), reserve: 0, ..pool() }]);
    (0..3).for_each(|_| buy(&mut rig));
    rig.accept(1);
    rig.fill(1, 9_990, 100);
    rig.accept(2);
    buy(&mut rig); // 4 waits
    buy(&mut rig); // 5 waits
    assert_eq!(rig.sell(10_000, 100), None); // 6 reduces
    rig.want(vec![Intent::Cancel(2), Intent::Cancel(4)]);
    assert_eq!(rig.status(4), Some(OrderStatus::Canceled), "it never left");
    let before = left(&rig).len();
    for _ in 0..3 {
        rig.advance(1_000);
        rig.engine.handle(Input::Wake(HostTime::from_nanos(rig.now)), &mut rig.effects);
    }
    assert_eq!(left(&rig)[before..], [-2, 6, 5]);
}

#[test]
fn a_limited_account_sends_nothing_until_it_may_and_an_opening_that_waits_too_long_is_refused() {
    let mut rig = rig(vec![PoolConfig { wait: Duration::from_secs(2), ..pool() }]);
    buy(&mut rig);
    rig.accept(1);
    rig.report(VenueReport::RateLimited { limit: None, retry_after: Duration::from_secs(5) });
    buy(&mut rig);
    rig.want(vec![Intent::Cancel(1)]);
    assert_eq!(left(&rig), [1], "a ban is a ban");
    rig.wake_next();
    assert_eq!(rig.now, START + 2_000_000_000);
    assert_eq!(rig.status(2), Some(OrderStatus::Rejected));
    let told = rig.effects.deliveries.iter().rev().find_map(|told| match &told.what {
        Delivered::Event(Event::Order(update)) if update.number == 2 => Some(update.reason),
        _ => None,
    });
    assert_eq!(told, Some(VenueRejection::RateLimited.code()));
    assert_eq!(rig.open(Side::Buy), 100, "what never left reserves nothing");
    rig.wake_next();
    assert_eq!((rig.now, left(&rig)), (START + 5_000_000_000, vec![1, -1]));
}

#[test]
fn a_venues_own_count_corrects_ours_upwards() {
    let mut rig = rig(vec![pool()]);
    rig.report(VenueReport::RateUsed { limit: "requests".into(), used: 1_100 });
    buy(&mut rig);
    assert_eq!(left(&rig), [0_i64; 0]);
    rig.report(VenueReport::RateUsed { limit: "requests".into(), used: 0 });
    assert_eq!(left(&rig), [0_i64; 0], "requests on their way are in ours and not in theirs");
    rig.advance(50);
    rig.engine.handle(Input::Wake(HostTime::from_nanos(rig.now)), &mut rig.effects);
    assert_eq!(left(&rig), [1]);
}

/// What opens and had to wait leaves only if it still may: nobody halts in vain.
#[test]
fn an_opening_that_waits_does_not_leave_when_its_mode_or_its_account_forbids_it_meanwhile() {
    for halts in [true, false] {
        let mut rig = rig(vec![pool()]);
        let mut config = rig.engine.config().clone();
        config.accounts[0].reconcile = true;
        rig.engine = Engine::new(config);
        rig.quote(0, 9_990, 10_010);
        rig.report(VenueReport::Up);
        let nonce = rig.effects.commands.iter().rev().find_map(|command| match command {
            VenueCommand::Reconcile { nonce, .. } => Some(*nonce),
            _ => None,
        });
        rig.report(VenueReport::Reconciled { nonce: nonce.unwrap() });
        rig.report(VenueReport::RateLimited { limit: None, retry_after: Duration::from_secs(5) });
        buy(&mut rig);
        rig.advance(10);
        if halts {
            let now = HostTime::from_nanos(rig.now);
            let (scope, mode) = (Scope::Host, TradingMode::ReduceOnly);
            let command = OperatorCommand::SetMode { scope, mode };
            let input = Input::Operator { now, command, reason: "enough".into() };
            rig.engine.handle(input, &mut rig.effects);
        } else {
            rig.report(VenueReport::Down);
        }
        rig.advance(6_000);
        rig.engine.handle(Input::Wake(HostTime::from_nanos(rig.now)), &mut rig.effects);
        assert_eq!((left(&rig), rig.open(Side::Buy)), (vec![], 0), "halts {halts}");
    }
}

/// What has to wait and is forbidden in the same moment is refused in the next one: not by whatever
/// tick comes then, in a stretch that was to be quiet.
#[test]
fn an_opening_that_is_forbidden_when_it_begins_to_wait_wakes_the_host_to_be_refused() {
    let mut rig = rig(vec![pool()]);
    let mut config = rig.engine.config().clone();
    config.accounts[0].reconcile = true;
    rig.engine = Engine::new(config);
    rig.quote(0, 9_990, 10_010);
    rig.report(VenueReport::Up);
    let nonce = rig.effects.commands.iter().rev().find_map(|command| match command {
        VenueCommand::Reconcile { nonce, .. } => Some(*nonce),
        _ => None,
    });
    rig.report(VenueReport::Reconciled { nonce: nonce.unwrap() });
    rig.report(VenueReport::RateLimited { limit: None, retry_after: Duration::from_secs(5) });
    buy(&mut rig);
    rig.report(VenueReport::Down);
    assert_eq!(rig.status(1), Some(OrderStatus::PendingNew), "the gate has just approved it");
    let next = rig.engine.next_fixed_wakeup().map(HostTime::as_nanos);
    assert_eq!(next, Some(rig.now + 1));
    rig.wake_next();
    assert_eq!((rig.status(1), left(&rig)), (Some(OrderStatus::Rejected), vec![]));
}

/// A ban does not pile up questions: what is asked again takes the place of what waits.
#[test]
fn questions_about_the_same_wait_once() {
    let mut rig = rig(vec![pool()]);
    buy(&mut rig);
    rig.report(VenueReport::RateLimited { limit: None, retry_after: Duration::from_secs(3_600) });
    rig.report(VenueReport::OutcomeUnknown { wire: WireId(1) });
    while rig.now < START + 3_000_000_000_000 {
        rig.wake_next();
    }
    assert_eq!(rig.queries().len(), 0);
    rig.now = START + 3_600_000_000_000;
    rig.engine.handle(Input::Wake(HostTime::from_nanos(rig.now)), &mut rig.effects);
    assert_eq!(rig.queries().len(), 1);
}

/// What would fit by itself and waits behind what does not fit wakes nobody before that leaves: a
/// host that is woken for it finds nothing to do, again and again.
#[test]
fn nobody_is_woken_for_what_waits_behind_another() {
    let heavy = Weights { place: 3, ..weights() };
    let pool =
        PoolConfig { burst: 4, per: Duration::from_secs(4), reserve: 0, weights: heavy, ..pool() };
    let mut rig = rig(vec![pool]);
    buy(&mut rig);
    buy(&mut rig); // it waits for two more
    rig.report(VenueReport::OutcomeUnknown { wire: WireId(1) }); // its question wants one
    assert_eq!((left(&rig), rig.queries().len()), (vec![1], 0));
    let wakes = rig.engine.next_fixed_wakeup().map(HostTime::as_nanos);
    assert_eq!(wakes, Some(START + 2_000_000_000));
    rig.now = START + 2_000_000_000;
    rig.engine.handle(Input::Wake(HostTime::from_nanos(rig.now)), &mut rig.effects);
    assert_eq!(left(&rig), [1, 2]);
}

/// What waits leaves at its own wake-up: a tick that says nothing may be one of a stretch that a
/// strategy has read ahead.
#[test]
fn a_tick_lets_nothing_leave_that_waits() {
    let mut rig =
        rig(vec![PoolConfig { burst: 1, per: Duration::from_secs(1), reserve: 0, ..pool() }]);
    buy(&mut rig);
    buy(&mut rig);
    assert_eq!(left(&rig), [1]);
    let wakes = rig.engine.next_fixed_wakeup().unwrap();
    rig.now = wakes.as_nanos();
    rig.quote(0, 9_990, 10_010);
    assert_eq!(left(&rig), [1], "a tick of the same moment comes first and is quiet");
    rig.engine.handle(Input::Wake(wakes), &mut rig.effects);
    assert_eq!(left(&rig), [1, 2]);
}

/// Hedge mode that is told while an order waits: it does not leave, a reduction neither.
#[test]
fn what_waits_does_not_leave_on_an_account_in_hedge_mode() {
    let mut rig =
        rig(vec![PoolConfig { burst: 2, per: Duration::from_secs(2), reserve: 0, ..pool() }]);
    buy(&mut rig);
    rig.fill(1, 9_990, 100);
    buy(&mut rig);
    buy(&mut rig);
    assert_eq!(rig.sell(10_010, 50), None);
    assert_eq!(left(&rig), [1, 2]);
    rig.advance(1);
    rig.report(VenueReport::PositionMode { mode: PositionMode::Hedge });
    rig.advance(60_000);
    rig.engine.handle(Input::Wake(HostTime::from_nanos(rig.now)), &mut rig.effects);
    assert_eq!(left(&rig), [1, 2]);
    let rejected = Some(OrderStatus::Rejected);
    assert_eq!((rig.status(3), rig.status(4)), (rejected, rejected));
}

/// What has waited in the line is on its way from when it left: its venue is not asked for it, and
/// nothing is inferred of it, before the time that this may take.
#[test]
fn what_has_waited_is_as_old_as_it_is_on_its_way() {
    let mut rig = rig(vec![pool()]);
    let mut config = rig.engine.config().clone();
    config.accounts[0].reconcile = true;
    config.accounts[0].settling = Duration::from_secs(2);
    config.accounts[0].asks.orders_every = Some(Duration::from_millis(500));
    rig.engine = Engine::new(config);
    rig.quote(0, 9_990, 10_010);
    rig.report(VenueReport::Up);
    let answer = |rig: &mut Rig| {
        let nonce = rig.effects.commands.iter().rev().find_map(|command| match command {
            VenueCommand::Reconcile { nonce, .. } => Some(*nonce),
            _ => None,
        });
        rig.report(VenueReport::Reconciled { nonce: nonce.unwrap() });
    };
    answer(&mut rig);
    rig.report(VenueReport::RateLimited { limit: None, retry_after: Duration::from_secs(5) });
    buy(&mut rig);
    while left(&rig).is_empty() {
        rig.wake_next();
    }
    assert_eq!(rig.now, START + 5_000_000_000);
    while rig.queries().is_empty() {
        rig.wake_next();
        answer(&mut rig);
    }
    assert!(rig.now >= START + 7_000_000_000, "{}", rig.now - START);
}
