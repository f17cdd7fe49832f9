//! Modes of host, account, strategy and instrument: the strictest holds, each is cleared by itself,
//! and all survive a restart.

use super::*;

fn set(rig: &mut Rig, scope: Scope, mode: TradingMode) {
    let now = HostTime::from_nanos(rig.now);
    let command = OperatorCommand::SetMode { scope, mode };
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
