//! Cancels that a venue refuses, where the order must go.

use super::*;
use hedgerow_model::{PluginStep, Scope, VenueRejection};

fn cancels(rig: &Rig) -> usize {
    let cancel = |command: &&VenueCommand| matches!(command, VenueCommand::Cancel { .. });
    rig.effects.commands.iter().filter(cancel).count()
}

fn to_end(rig: &Rig) -> usize {
    let orders = rig.engine.strategies.iter().flat_map(|slot| slot.orders.values());
    orders.filter(|known| known.must_end).count()
}

fn refuse(rig: &mut Rig) {
    let reason = VenueRejection::Other(429);
    rig.report(VenueReport::CancelRejected { wire: WireId(1), reason });
}

fn resting() -> Rig {
    let mut config = config(limits());
    config.strategies[0].on_quarantine = OpenOrders::Cancel;
    config.stale_after = Duration::from_secs(100_000);
    let mut rig = Rig::over(config);
    assert_eq!(rig.buy(9_990, 1_000), None);
    rig.accept(1);
    rig
}

fn set(rig: &mut Rig, scope: Scope, mode: TradingMode) {
    let now = HostTime::from_nanos(rig.now);
    let command = OperatorCommand::SetMode { scope, mode };
    rig.engine.handle(Input::Operator { now, command, reason: "r".into() }, &mut rig.effects);
}

/// Refused again and again, until it is canceled; the pauses grow, people are told once.
fn goes_at_last(mut rig: Rig) {
    let mut last = 0;
    for refused in 1..=6 {
        assert_eq!(cancels(&rig), refused);
        refuse(&mut rig);
        assert_eq!(rig.status(1), Some(OrderStatus::Open));
        assert_eq!(rig.engine.cancels_under_way(), usize::from(to_end(&rig) == 1));
        let next = rig.engine.next_fixed_wakeup().expect("nothing follows").as_nanos();
        let pause = next - rig.now;
        assert!(pause >= last, "{pause} after {last}");
        last = pause;
        rig.wake_next();
    }
    let odd = |stamped: &&Stamped| match &stamped.fact {
        Fact::Discrepancy { detail, .. } => detail.contains("must end"),
        _ => false,
    };
    assert_eq!(rig.effects.facts.iter().filter(odd).count(), 1);
    rig.report(VenueReport::Canceled { wire: WireId(1), filled: Some(Quantity::ZERO) });
    assert_eq!((rig.engine.truth.again.len(), to_end(&rig)), (0, 0));
    assert_eq!(rig.engine.cancels_under_way(), 0);
}

#[test]
fn a_cancel_that_a_mode_asks_for_is_repeated_until_it_is_true() {
    for scope in [Scope::Host, Scope::Strategy(ME), Scope::Account(AccountId(0))] {
        let mut rig = resting();
        set(&mut rig, scope, TradingMode::Halted);
        goes_at_last(rig);
    }
}

#[test]
fn so_are_those_of_an_operator_a_quarantine_and_the_end() {
    let mut rig = resting();
    let now = HostTime::from_nanos(rig.now);
    let command = OperatorCommand::CancelAll { scope: Scope::Host };
    rig.engine.handle(Input::Operator { now, command, reason: "r".into() }, &mut rig.effects);
    goes_at_last(rig);
    let mut rig = resting();
    let input = Input::Quarantine { now, strategy: ME, why: "r".into() };
    rig.engine.handle(input, &mut rig.effects);
    goes_at_last(rig);
}

#[test]
fn what_may_rest_again_is_left_and_a_strategys_own_cancel_is_its_own_business() {
    let mut rig = resting();
    set(&mut rig, Scope::Host, TradingMode::Halted);
    refuse(&mut rig);
    set(&mut rig, Scope::Host, TradingMode::Running);
    rig.wake_next();
    assert_eq!((cancels(&rig), rig.status(1)), (1, Some(OrderStatus::Open)));
    let mut rig = resting();
    rig.want(vec![Intent::Cancel(1)]);
    refuse(&mut rig);
    assert_eq!(rig.engine.next_fixed_wakeup(), None);
}

/// What rests in a mode that forbids it when the venue has told what there is goes as well: the
/// process that was refused is dead.
#[test]
fn after_a_restart_what_may_not_rest_is_canceled() {
    let mut config = config(limits());
    config.accounts[0].reconcile = true;
    let mut rig = Rig::over(config);
    rig.report(VenueReport::Up);
    reconcile::answered(&mut rig, Vec::new());
    assert_eq!(rig.buy(9_990, 1_000), None);
    rig.accept(1);
    set(&mut rig, Scope::Host, TradingMode::Halted);
    refuse(&mut rig);
    let mut engine = Engine::new(rig.engine.config().clone());
    engine.restore(&rig.effects.facts);
    rig.engine = engine;
    rig.quote(0, 9_990, 10_010);
    rig.report(VenueReport::Up);
    assert_eq!(cancels(&rig), 1);
    reconcile::answered(&mut rig, vec![reconcile::open_order(1, 9_990, 1_000, 0)]);
    assert_eq!((cancels(&rig), rig.status(1)), (2, Some(OrderStatus::PendingCancel)));
}

/// Out of quarantine, what it is told to have open is its own again.
#[test]
fn what_a_released_strategy_has_open_stays() {
    let mut rig = resting();
    let now = HostTime::from_nanos(rig.now);
    let why = "r".to_owned();
    rig.engine.handle(Input::Quarantine { now, strategy: ME, why }, &mut rig.effects);
    refuse(&mut rig);
    let (step, hash, detail) = (PluginStep::Released, String::new(), String::new());
    let fact = Box::new(Fact::Plugin { strategy: ME, step, hash, detail });
    rig.engine.handle(Input::Note { now, fact }, &mut rig.effects);
    rig.wake_next();
    assert_eq!((cancels(&rig), rig.status(1)), (1, Some(OrderStatus::Open)));
}

/// An operator was told that it is accepted: neither a death nor another component forgets it.
#[test]
fn what_an_operator_ended_is_ended_over_a_restart_and_a_replacement() {
    for place in 0..2 {
        let mut rig = resting();
        let now = HostTime::from_nanos(rig.now);
        let command = OperatorCommand::CancelAll { scope: Scope::Host };
        rig.engine.handle(Input::Operator { now, command, reason: "r".into() }, &mut rig.effects);
        refuse(&mut rig);
        crate::snapshot::tests::any_cut_is_the_whole(rig.engine.config(), &rig.effects.facts);
        if place == 0 {
            let mut engine = Engine::new(rig.engine.config().clone());
            engine.restore(&rig.effects.facts);
            rig.engine = engine;
            rig.engine.end_what_may_not_rest(now, AccountId(0), &mut rig.effects);
            assert_eq!(cancels(&rig), 2, "its account was compared");
        } else {
            let (step, hash, detail) = (PluginStep::Swapped, "h".into(), String::new());
            let fact = Box::new(Fact::Plugin { strategy: ME, step, hash, detail });
            rig.engine.handle(Input::Note { now, fact }, &mut rig.effects);
            rig.wake_next();
            assert_eq!(cancels(&rig), 2, "it is still insisted upon");
        }
        rig.report(VenueReport::Canceled { wire: WireId(1), filled: Some(Quantity::ZERO) });
        assert_eq!(to_end(&rig), 0);
    }
}
