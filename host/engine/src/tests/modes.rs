//! Modes of host, account, strategy and instrument: the strictest holds, each is cleared by itself,
//! and all survive a restart.

use super::*;

fn set(rig: &mut Rig, scope: Scope, mode: TradingMode) {
    say(rig, OperatorCommand::SetMode { scope, mode });
}

fn say(rig: &mut Rig, command: OperatorCommand) {
    let now = HostTime::from_nanos(rig.now);
    rig.engine.handle(Input::Operator { now, command, reason: "r".into() }, &mut rig.effects);
}

/// A strategy that trades two instruments, each on an account of its own.
fn two() -> Rig {
    let mut config = config(limits());
    config.strategies[0].trades.push((InstrumentId(1), AccountId(1)));
    config.strategies[0].watches.clear();
    let second = AccountConfig { id: AccountId(1), name: "b".into(), ..config.accounts[0].clone() };
    config.accounts.push(second);
    let mut rig = Rig { engine: Engine::new(config), ..Rig::new() };
    rig.quote(0, 9_990, 10_010);
    rig.quote(1, 9_990, 10_010);
    rig
}

fn buy_in(rig: &mut Rig, instrument: u32) -> Option<RiskRejection> {
    let order =
        NewOrder { instrument: InstrumentId(instrument), ..rig.order(Side::Buy, 9_990, 100) };
    rig.submit(order)
}

#[test]
fn each_scope_stops_what_it_is_about_and_nothing_else() {
    let forbids = Some(RiskRejection::ModeForbids { mode: TradingMode::ReduceOnly });
    let cases = [
        (Scope::Host, [forbids.clone(), forbids.clone()]),
        (Scope::Strategy(ME), [forbids.clone(), forbids.clone()]),
        (Scope::Account(AccountId(1)), [None, forbids.clone()]),
        (Scope::Instrument(InstrumentId(0)), [forbids, None]),
    ];
    for (scope, expected) in cases {
        let mut rig = two();
        set(&mut rig, scope, TradingMode::ReduceOnly);
        let found = [buy_in(&mut rig, 0), buy_in(&mut rig, 1)];
        assert_eq!(found, expected, "{scope:?}");
        let again = {
            let mut engine = Engine::new(rig.engine.config().clone());
            engine.restore(&rig.effects.facts);
            engine.modes.of(scope)
        };
        assert_eq!(again, TradingMode::ReduceOnly, "{scope:?} survives a restart");
        set(&mut rig, scope, TradingMode::Running);
        let found = [buy_in(&mut rig, 0), buy_in(&mut rig, 1)];
        assert_eq!(found, [None, None], "{scope:?} is released");
    }
}

#[test]
fn the_latch_of_an_account_cancels_what_opens_there_and_tells_the_mode_of_its_instruments() {
    let mut rig = two();
    assert_eq!([buy_in(&mut rig, 0), buy_in(&mut rig, 1)], [None, None]);
    rig.effects = Effects::default();
    set(&mut rig, Scope::Account(AccountId(1)), TradingMode::CancelOnly);
    let canceled: Vec<AccountId> = rig
        .effects
        .commands
        .iter()
        .map(|command| match command {
            VenueCommand::Cancel { account, .. } => *account,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(canceled, [AccountId(1)]);
    assert_eq!(rig.engine.mode_of(ME), TradingMode::Running, "elsewhere it goes on");
    let told = rig.effects.deliveries.iter().any(|told| {
        matches!(&told.what, Delivered::Event(Event::Other(m))
            if m.code == 1_001 && m.json == "{\"instrument\":1,\"mode\":2}")
    });
    assert!(told, "{:?}", rig.effects.deliveries);
    let words = rig.engine.conditions();
    assert_eq!(words, ["account b: mode CancelOnly: operator: r"]);
    // with the other one stopped too, nothing is left that it may do
    set(&mut rig, Scope::Instrument(InstrumentId(0)), TradingMode::ReduceOnly);
    assert_eq!(rig.engine.mode_of(ME), TradingMode::ReduceOnly);
}

/// What may be reduced again may be reduced by strategies, and nothing opens; guards stay tripped.
#[test]
fn an_operator_lets_a_scope_reduce_from_whatever_held_it() {
    use hedgerow_model::{Guard, GuardAction, GuardKey};
    let scopes = [Scope::Host, Scope::Strategy(ME), Scope::Account(AccountId(0))];
    for (mode, scope) in TradingMode::ALL.into_iter().flat_map(|m| scopes.map(|s| (m, s))) {
        let mut rig = Rig::new();
        assert_eq!(rig.buy(9_990, 1_000), None);
        rig.fill(1, 9_990, 1_000);
        set(&mut rig, scope, mode);
        // a pause never loosens
        set(&mut rig, scope, TradingMode::ReduceOnly);
        assert_eq!(rig.engine.modes.of(scope), mode.max(TradingMode::ReduceOnly));
        say(&mut rig, OperatorCommand::ResumeReducing { scope });
        assert_eq!(rig.engine.modes.of(scope), TradingMode::ReduceOnly, "{mode} {scope:?}");
        let forbids = RiskRejection::ModeForbids { mode: TradingMode::ReduceOnly };
        assert_eq!(rig.buy(9_990, 100), Some(forbids), "{mode} {scope:?}");
        assert_eq!(rig.sell(10_010, 100), None, "{mode} {scope:?}");
        let mut again = Engine::new(rig.engine.config().clone());
        again.restore(&rig.effects.facts);
        assert_eq!(again.modes.of(scope), TradingMode::ReduceOnly, "over a restart");
    }
    let mut rig = Rig::new();
    let key = GuardKey::whole(Guard::Loss, Scope::Strategy(ME));
    let now = HostTime::from_nanos(rig.now);
    rig.engine.trip(now, &key, GuardAction::Halt, "a loss".into(), &mut rig.effects);
    say(&mut rig, OperatorCommand::ResumeReducing { scope: Scope::Strategy(ME) });
    assert_eq!(rig.engine.mode_of(ME), TradingMode::ReduceOnly);
    assert!(rig.engine.guards.has_tripped(&key) && rig.engine.modes.is_guarded(key.scope));
}

#[test]
fn a_cancel_all_ends_what_rests_in_its_scope_is_insisted_upon_and_leaves_modes() {
    let canceled = |rig: &Rig| -> Vec<u32> {
        let cancels = rig.effects.commands.iter().filter_map(|command| match command {
            VenueCommand::Cancel { account, .. } => Some(account.0),
            _ => None,
        });
        cancels.collect()
    };
    // by account: each has one instrument
    let cases = [
        (Scope::Host, vec![0, 1]),
        (Scope::Strategy(ME), vec![0, 1]),
        (Scope::Account(AccountId(1)), vec![1]),
        (Scope::Instrument(InstrumentId(0)), vec![0]),
    ];
    for (scope, expected) in cases {
        let mut rig = two();
        assert_eq!([buy_in(&mut rig, 0), buy_in(&mut rig, 1)], [None, None]);
        for account in [AccountId(0), AccountId(1)] {
            let order = VenueOrderId(1);
            rig.tell(account, VenueReport::Accepted { wire: WireId(1), order });
        }
        rig.effects.commands.clear();
        say(&mut rig, OperatorCommand::CancelAll { scope });
        assert_eq!(canceled(&rig), expected, "{scope:?}");
        let reason = hedgerow_model::VenueRejection::Other(429);
        let refused = VenueReport::CancelRejected { wire: WireId(1), reason };
        rig.tell(AccountId(expected[0]), refused);
        rig.wake_next();
        assert_eq!(canceled(&rig).len(), expected.len() + 1, "{scope:?}");
        assert_eq!(rig.engine.mode_of(ME), TradingMode::Running);
        assert_eq!(buy_in(&mut rig, 0), None, "and the strategy goes on");
    }
}
