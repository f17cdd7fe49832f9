//! The latch over restarts and damage, and what it lets through while it is set.

use super::*;
use hedgerow_engine::{
    AccountConfig, AccountGuards, Asks, Effects, Engine, EngineConfig, HostLimits, Input,
    OpenOrders, OperatorCommand, StrategyConfig, StrategyGuards, StrategyLimits, WriteLimits,
};
use hedgerow_model::{
    AccountId, Accounting, Decimal, Fee, Instrument, InstrumentKind, Intent, Interest, Liquidity,
    NewOrder, OrderFlags, Outcome, PLAN_ORDERS, Price, PriceGrid, Quantity, Scale, Scope,
    SequenceRule, Side, StrategyId, Tick, TickKind, TimeInForce, TradeId, TradingMode, flag,
};

#[test]
fn it_is_as_it_was_after_a_restart_and_damage_counts_as_set() {
    let folder = tempfile::tempdir().unwrap();
    let (latch, why) = KillLatch::open(folder.path()).unwrap();
    assert_eq!((latch.is_set(), why), (false, None));
    latch.set("too much").unwrap();
    assert!(latch.is_set());
    let (again, why) = KillLatch::open(folder.path()).unwrap();
    assert_eq!((again.is_set(), why.as_deref()), (true, Some("too much")));
    again.release().unwrap();
    assert_eq!(KillLatch::open(folder.path()).unwrap().1, None);
    for bytes in [&[0xff; 7][..], &[0xff; BYTES]] {
        std::fs::write(path(folder.path()), bytes).unwrap();
        assert!(KillLatch::open(folder.path()).unwrap().0.is_set());
    }
    set_at(folder.path(), "").unwrap();
    assert_eq!(KillLatch::open(folder.path()).unwrap().1.as_deref(), Some("killed"));
}

/// A kill that comes after somebody decided to release is none that they knew of: whenever it
/// comes, it holds.
#[test]
fn a_release_takes_away_nothing_but_what_was_seen() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let (latch, _) = KillLatch::open(state).unwrap();
    latch.set("why").unwrap();
    let seen = latch.seen();
    // the same reason is another kill too
    set_at(state, "why").unwrap();
    let told = latch.release_as(&seen).unwrap_err().to_string();
    assert!(told.contains("it was set since"), "{told}");
    assert!(latch.is_set() && KillLatch::open(state).unwrap().1.is_some());
    for round in 0..100 {
        latch.set("before").unwrap();
        let seen = latch.seen();
        let other = state.to_owned();
        let kill = std::thread::spawn(move || set_at(&other, "kill"));
        // at other moments of the release from round to round
        std::thread::sleep(Duration::from_micros(round * 20));
        let _ = latch.release_as(&seen);
        kill.join().unwrap().unwrap();
        let why = KillLatch::open(state).unwrap().1;
        assert_eq!(why.as_deref(), Some("kill"), "round {round}");
    }
    latch.release().unwrap();
    assert_eq!((latch.is_set(), KillLatch::open(state).unwrap().1), (false, None));
}

/// Whoever writes the file by hand, or takes it away, means it.
#[test]
fn one_at_work_takes_damage_as_set() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let (latch, _) = KillLatch::open(state).unwrap();
    let (told, why) = std::sync::mpsc::channel();
    latch.watch(move |why| drop(told.send(why))).unwrap();
    let deeds: [(&dyn Fn(), &str); 5] = [
        // it is made short before it is written
        (&|| std::fs::write(path(state), b"stop").unwrap(), ""),
        (&|| std::fs::write(path(state), b"").unwrap(), "cut off"),
        (&|| std::fs::remove_file(path(state)).unwrap(), "not where it was"),
        (
            &|| {
                std::fs::remove_file(path(state)).unwrap();
                set_at(state, "by hand").unwrap();
            },
            "",
        ),
        (&|| set_at(state, "once more").unwrap(), "once more"),
    ];
    for (deed, wanted) in deeds {
        deed();
        let why = why.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(latch.is_set() && why.contains(wanted), "{why}: {wanted}");
        latch.release().unwrap();
        assert_eq!(KillLatch::open(state).unwrap().1, None, "what a restart finds");
    }
    // the file that it writes is the one that a restart looks at
    std::fs::remove_file(path(state)).unwrap();
    latch.set("too much").unwrap();
    assert_eq!(KillLatch::open(state).unwrap().1.as_deref(), Some("too much"));
}

#[test]
fn one_who_sets_it_waits_for_what_is_being_sent() {
    let folder = tempfile::tempdir().unwrap();
    let (latch, _) = KillLatch::open(folder.path()).unwrap();
    let sending = latch.0.sending.read().unwrap();
    let other = latch.clone();
    let (done, finished) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        other.set("now").unwrap();
        done.send(()).unwrap();
    });
    assert!(finished.recv_timeout(Duration::from_millis(50)).is_err(), "something is leaving");
    assert!(latch.is_set(), "and nothing more leaves after it");
    drop(sending);
    finished.recv_timeout(Duration::from_secs(60)).unwrap();
    thread.join().unwrap();
}

/// Notes what leaves.
#[derive(Default)]
struct Wire(Vec<VenueCommand>);

impl Venue for Wire {
    fn send(&mut self, _: HostTime, command: VenueCommand) {
        self.0.push(command);
    }

    fn poll(&mut self, _: HostTime, _: &mut Vec<VenueEvent>) {}

    fn next_time(&self) -> Option<HostTime> {
        None
    }
}

const NOW: HostTime = HostTime::from_nanos(1_000_000_000_000);

fn config() -> EngineConfig {
    let most = Decimal::from(1_000_000);
    let instrument = Instrument {
        id: InstrumentId(0),
        venue: VenueId(0),
        symbol: "X".into(),
        kind: InstrumentKind::LinearPerpetual,
        base: "B".into(),
        quote: "Q".into(),
        settle: "Q".into(),
        price_scale: Scale::new(2).unwrap(),
        quantity_scale: Scale::new(3).unwrap(),
        grid: PriceGrid::Tick(Price::from_units(10)),
        lot: Quantity::from_units(5),
        min_quantity: Quantity::from_units(10),
        max_quantity: None,
        min_notional: None,
        band: None,
        multiplier: Decimal::ONE,
        sequence: SequenceRule::PreviousId,
    };
    let limits = StrategyLimits {
        order_notional_max: most,
        position_notional_max: most,
        gross_notional_max: most,
        open_orders_max: 100,
        orders_per_s_max: 100,
        collar_bps: 100,
        loss_max: most,
        drawdown_max: most,
        timers_max: 1,
    };
    EngineConfig {
        instruments: vec![instrument],
        no_amends: std::collections::BTreeSet::new(),
        venues: vec!["v".into()],
        accounts: vec![AccountConfig {
            id: AccountId(0),
            name: "a".into(),
            reconcile: false,
            settling: hedgerow_model::Duration::ZERO,
            guards: AccountGuards::default(),
            margin: None,
            accept: Vec::new(),
            asks: Asks::default(),
            pools: Vec::new(),
        }],
        strategies: vec![StrategyConfig {
            id: StrategyId(0),
            name: "me".into(),
            trades: vec![(InstrumentId(0), AccountId(0))],
            watches: Vec::new(),
            interest: Interest::default(),
            limits,
            may_set_leverage: false,
            on_stop: OpenOrders::Cancel,
            on_fault: OpenOrders::Keep,
            guards: StrategyGuards::default(),
            on_quarantine: OpenOrders::Cancel,
        }],
        host: HostLimits::default(),
        instrument_limits: Vec::new(),
        accounting: Accounting::default(),
        stale_after: hedgerow_model::Duration::from_secs(5),
        tick_credit: None,
        writes: WriteLimits::default(),
    }
}

/// An engine whose strategy holds 0.100 at 100, and what it sends.
struct Desk(Engine, Effects);

impl Desk {
    fn holding() -> Self {
        let mut desk = Self(Engine::new(config()), Effects::default());
        let nanos = NOW.as_nanos();
        let (kind, flags) = (TickKind::Quote.code(), flag::LAST);
        let (ts, recv_ts) = (nanos, nanos);
        let (a, b, c, d) = (9_990, 1_000, 10_010, 1_000);
        let quote = Tick { ts, recv_ts, kind, flags, a, b, c, d, ..Tick::default() };
        desk.0.handle(Input::Market(&[quote]), &mut desk.1);
        let bought = desk.order(Side::Buy, false);
        let Some(VenueCommand::Place(order)) = bought.first() else { panic!("{bought:?}") };
        let report = VenueReport::Fill {
            wire: order.get().wire,
            trade: TradeId(1),
            instrument: InstrumentId(0),
            price: Price::from_units(10_000),
            quantity: Quantity::from_units(100),
            liquidity: Liquidity::Taker,
            fee: Fee::ZERO,
        };
        let (venue, account, received) = (VenueId(0), AccountId(0), NOW);
        let happened = VenueTime::from_nanos(nanos);
        let event = VenueEvent { venue, account, received, happened, report };
        desk.0.handle(Input::Venue(std::borrow::Cow::Owned(event)), &mut desk.1);
        desk
    }

    fn order(&mut self, side: Side, reduce_only: bool) -> Vec<VenueCommand> {
        let strategy = StrategyId(0);
        let first_order = self.0.next_order(strategy);
        let order = NewOrder {
            number: first_order,
            instrument: InstrumentId(0),
            side,
            price: Price::from_units(10_000),
            quantity: Quantity::from_units(if reduce_only { 50 } else { 100 }),
            time_in_force: TimeInForce::GoodTillCancel,
            flags: OrderFlags { post_only: false, reduce_only },
        };
        let intents = vec![Intent::Submit(order)];
        let outcome = Outcome { consumed: 1, intents, checkpoint: Some(Vec::new()) };
        let mode = self.0.mode_of(strategy);
        let (now, state_version) = (NOW, 1);
        let input = Input::Outcome { now, strategy, first_order, mode, state_version, outcome };
        self.0.handle(input, &mut self.1);
        std::mem::take(&mut self.1.commands)
    }

    fn say(&mut self, command: OperatorCommand) -> Vec<VenueCommand> {
        let reason = "test".to_owned();
        self.0.handle(Input::Operator { now: NOW, command, reason }, &mut self.1);
        std::mem::take(&mut self.1.commands)
    }
}

/// What leaves of some orders while the latch is set, and what comes back as never sent.
fn through(commands: Vec<VenueCommand>) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (latch, _) = KillLatch::open(folder.path()).unwrap();
    latch.set("killed").unwrap();
    let mut venue = Latched::new(Wire::default(), latch, vec![VenueId(0)]);
    commands.into_iter().for_each(|command| venue.send(NOW, command));
    let mut told = Vec::new();
    venue.poll(NOW, &mut told);
    let never = told.iter().all(|event| {
        let reason = VenueRejection::NotTrading;
        matches!(&event.report, VenueReport::Rejected { reason: said, .. } if *said == reason)
    });
    assert!(never, "{told:?}");
    (venue.inner().0.len(), told.len())
}

/// An order that the latch meets was decided before the kill: it does not leave, whatever it is,
/// unless an operator's flatten asked for it.
#[test]
fn while_it_is_set_nothing_leaves_but_what_an_operators_flatten_closes() {
    for (side, reduce_only) in [(Side::Buy, false), (Side::Sell, false), (Side::Sell, true)] {
        let mut desk = Desk::holding();
        let placed = desk.order(side, reduce_only);
        assert_eq!(placed.len(), 1);
        assert_eq!(through(placed), (0, 1), "{side:?}, reduce-only {reduce_only}");
    }
    // a plan of the strategy's that closes is its own
    let mut desk = Desk::holding();
    let strategy = StrategyId(0);
    let first_order = desk.0.next_order(strategy);
    let (kind, json) = ("close-position", "{\"instrument\":0,\"slippage_bps\":10}");
    let intents = vec![Intent::Plan { id: 1, kind: kind.into(), json: json.into() }];
    let outcome = Outcome { consumed: 1, intents, checkpoint: Some(Vec::new()) };
    let (now, mode, state_version) = (NOW, TradingMode::Running, 1);
    let input = Input::Outcome { now, strategy, first_order, mode, state_version, outcome };
    desk.0.handle(input, &mut desk.1);
    let placed = std::mem::take(&mut desk.1.commands);
    let plans = |command: &VenueCommand| match command {
        VenueCommand::Place(order) => order.get().id.number >= PLAN_ORDERS,
        _ => false,
    };
    assert!(placed.len() == 1 && placed.iter().all(plans), "{placed:?}");
    assert_eq!(through(placed), (0, 1));
    // the operator's own
    let scope = Scope::Host;
    let mut desk = Desk::holding();
    desk.say(OperatorCommand::SetMode { scope, mode: TradingMode::Halted });
    let closes = desk.say(OperatorCommand::Flatten { scope });
    let [VenueCommand::Place(order)] = closes.as_slice() else { panic!("{closes:?}") };
    let request = order.get().request;
    assert_eq!((request.side, request.quantity.units()), (Side::Sell, 100));
    assert!(request.flags.reduce_only);
    assert_eq!(through(closes), (1, 0));
}

/// A signal comes while a release is writing: it holds, whichever is first.
#[test]
fn a_kill_that_comes_with_a_release_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (latch, _) = KillLatch::open(folder.path()).unwrap();
    for round in 0..200 {
        latch.set("before").unwrap();
        let seen = latch.seen();
        let killer = latch.clone();
        let kill = std::thread::spawn(move || {
            killer.set("meanwhile").unwrap();
            killer.is_set()
        });
        let released = latch.release_as(&seen);
        let held = kill.join().unwrap();
        assert!(held && latch.is_set(), "round {round}: {released:?}");
        let (_, why) = KillLatch::open(folder.path()).unwrap();
        assert_eq!(why.as_deref(), Some("meanwhile"));
    }
}
