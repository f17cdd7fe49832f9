//! Replacing where the venue cannot amend: never both orders at once, and what filled is taken off.

use super::*;
use hedgerow_model::Replacement;

/// A rig whose venue cannot amend, with order 1 for 1000 at rest.
fn resting() -> Rig {
    let mut rig = Rig::over(EngineConfig { no_amends: [VenueId(0)].into(), ..config(limits()) });
    assert_eq!(rig.buy(9_990, 1_000), None);
    rig.accept(1);
    rig
}

fn replace(rig: &mut Rig, price: i64, quantity: i64) {
    let number = rig.engine.next_order(ME);
    let (price, quantity) = (Price::from_units(price), Quantity::from_units(quantity));
    rig.want(vec![Intent::Replace(Replacement { order: 1, number, price, quantity })]);
}

/// Orders that left, as (number, quantity), and how many cancels.
fn left(rig: &Rig) -> (Vec<(u64, i64)>, usize) {
    let placed = rig.effects.commands.iter().filter_map(|command| match command {
        VenueCommand::Place(order) => {
            let order = order.get();
            Some((order.id.number, order.request.quantity.units()))
        }
        _ => None,
    });
    let cancels = |command: &&VenueCommand| matches!(command, VenueCommand::Cancel { .. });
    (placed.collect(), rig.effects.commands.iter().filter(cancels).count())
}

/// The last word on an order, as the strategy hears it.
fn heard(rig: &Rig, number: u64) -> Option<(OrderStatus, u32)> {
    rig.effects.deliveries.iter().rev().find_map(|delivery| match &delivery.what {
        Delivered::Event(Event::Order(update)) if update.number == number => {
            Some((update.status, update.reason))
        }
        _ => None,
    })
}

fn canceled(rig: &mut Rig, filled: i64) {
    let filled = Some(Quantity::from_units(filled));
    rig.report(VenueReport::Canceled { wire: WireId(1), filled });
}

fn restarted(rig: &mut Rig) {
    let mut engine = Engine::new(rig.engine.config().clone());
    engine.restore(&rig.effects.facts);
    rig.engine = engine;
    rig.quote(0, 9_990, 10_010);
}

#[test]
fn the_new_order_leaves_after_the_proof_for_what_remains() {
    let mut rig = resting();
    replace(&mut rig, 9_980, 1_500);
    assert_eq!(left(&rig), (vec![(1, 1_000)], 1));
    assert_eq!(rig.open(Side::Buy), 1_000, "the old one is reserved whole, the new one not yet");
    rig.fill(1, 9_990, 300);
    assert_eq!(left(&rig).0.len(), 1);
    // the end tells of a fill that was not heard: it is no proof before that is
    canceled(&mut rig, 400);
    assert_eq!(left(&rig).0.len(), 1);
    rig.fill(1, 9_990, 100);
    assert_eq!(left(&rig), (vec![(1, 1_000), (2, 1_100)], 1));
    assert_eq!(heard(&rig, 2), Some((OrderStatus::PendingNew, 0)));
    assert_eq!(rig.open(Side::Buy), 1_100);
    assert_eq!(rig.engine.next_order(ME), 3);
}

#[test]
fn where_the_venue_amends_it_is_an_amendment_and_the_number_is_spent() {
    let mut rig = Rig::new();
    rig.buy(9_990, 1_000);
    rig.accept(1);
    replace(&mut rig, 9_980, 1_500);
    let amends = |command: &VenueCommand| matches!(command, VenueCommand::Amend { .. });
    assert!(rig.effects.commands.iter().any(amends));
    assert_eq!((left(&rig).1, rig.engine.next_order(ME)), (0, 3));
}

#[test]
fn an_amendment_where_the_venue_has_none_is_refused() {
    let mut rig = resting();
    let (price, quantity) = (Price::from_units(9_980), Quantity::from_units(1_000));
    rig.want(vec![Intent::Amend(Amend { order: 1, price, quantity })]);
    assert_eq!((left(&rig), rig.status(1)), ((vec![(1, 1_000)], 0), Some(OrderStatus::Open)));
}

#[test]
fn nothing_leaves_when_the_old_one_filled_whole() {
    let mut rig = resting();
    replace(&mut rig, 9_980, 900);
    rig.fill(1, 9_990, 1_000);
    assert_eq!(left(&rig).0, [(1, 1_000)]);
    assert_eq!(heard(&rig, 2), Some((OrderStatus::Denied, 36)));
}

#[test]
fn a_cancel_that_is_refused_leaves_the_old_order_as_it_is() {
    let mut rig = resting();
    replace(&mut rig, 9_980, 900);
    let reason = hedgerow_model::VenueRejection::Other(1);
    rig.report(VenueReport::CancelRejected { wire: WireId(1), reason });
    assert_eq!(rig.status(1), Some(OrderStatus::Open));
    assert_eq!(heard(&rig, 2), Some((OrderStatus::Denied, 19)));
    canceled(&mut rig, 0);
    assert_eq!(left(&rig).0, [(1, 1_000)]);
}

#[test]
fn an_unknown_outcome_of_the_cancel_is_waited_for() {
    let mut rig = resting();
    replace(&mut rig, 9_980, 900);
    rig.report(VenueReport::OutcomeUnknown { wire: WireId(1) });
    rig.quote(0, 9_990, 10_010);
    assert_eq!(left(&rig).0, [(1, 1_000)]);
    canceled(&mut rig, 0);
    assert_eq!(left(&rig).0, [(1, 1_000), (2, 900)]);
    // told twice: nothing more
    canceled(&mut rig, 0);
    assert_eq!(left(&rig).0.len(), 2);
}

#[test]
fn it_passes_the_gate_when_it_leaves_and_not_only_when_it_is_asked_for() {
    let mut rig = resting();
    replace(&mut rig, 9_980, 900);
    let now = HostTime::from_nanos(rig.now);
    let command = OperatorCommand::SetMode { scope: Scope::Host, mode: TradingMode::ReduceOnly };
    rig.engine.handle(Input::Operator { now, command, reason: "r".into() }, &mut rig.effects);
    canceled(&mut rig, 0);
    assert_eq!(left(&rig).0, [(1, 1_000)]);
    assert_eq!(heard(&rig, 2), Some((OrderStatus::Denied, 16)));
}

#[test]
fn a_change_that_would_be_denied_leaves_the_old_order() {
    let mut rig = resting();
    replace(&mut rig, 5_000, 900);
    assert_eq!((left(&rig), rig.status(1)), ((vec![(1, 1_000)], 0), Some(OrderStatus::Open)));
    assert_eq!(rig.engine.next_order(ME), 3, "its number is spent");
}

#[test]
fn it_is_taken_back_by_its_number_and_by_whatever_cancels_all() {
    let all = [Intent::Cancel(2), Intent::CancelAll(InstrumentId(0))];
    for intent in all {
        let mut rig = resting();
        replace(&mut rig, 9_980, 900);
        rig.want(vec![intent]);
        assert_eq!(heard(&rig, 2), Some((OrderStatus::Denied, 36)));
        canceled(&mut rig, 0);
        assert_eq!(left(&rig).0, [(1, 1_000)]);
    }
}

/// Its account may stay unknown for longer than finished orders are usually kept.
#[test]
fn what_it_replaces_is_kept_as_long_as_it_waits() {
    let mut config = EngineConfig { no_amends: [VenueId(0)].into(), ..config(limits()) };
    config.accounts[0].reconcile = true;
    let mut rig = Rig::over(config);
    rig.quote(0, 9_990, 10_010);
    rig.report(VenueReport::Up);
    reconcile::answered(&mut rig, Vec::new());
    assert_eq!(rig.buy(9_990, 1_000), None);
    rig.accept(1);
    for wire in [2, 3] {
        assert_eq!(rig.buy(9_980, 100), None);
        rig.accept(wire);
    }
    replace(&mut rig, 9_980, 900);
    rig.report(VenueReport::Down);
    for wire in [1, 2, 3] {
        // of those that ended a day ago nothing is known any more
        rig.report(VenueReport::Canceled { wire: WireId(wire), filled: Some(Quantity::ZERO) });
        rig.advance(25 * 3_600 * 1_000);
    }
    assert_eq!(rig.status(2), None);
    assert!(rig.engine.any_order(ClientOrderId { strategy: ME, number: 1 }).is_some());
    rig.want(vec![Intent::Cancel(4)]);
    assert_eq!(heard(&rig, 4), Some((OrderStatus::Denied, 36)));
}

#[test]
fn it_survives_a_restart_and_a_snapshot() {
    let mut rig = resting();
    replace(&mut rig, 9_980, 1_500);
    rig.fill(1, 9_990, 300);
    restarted(&mut rig);
    let known: Vec<_> =
        rig.engine.resumed(ME).orders.iter().map(|o| (o.number, o.quantity)).collect();
    assert_eq!(known, [(1, Quantity::from_units(1_000)), (2, Quantity::from_units(1_200))]);
    let mut other = Engine::new(rig.engine.config().clone());
    other.take_up(rig.engine.snapshot()).unwrap();
    assert_eq!(other.replacing, rig.engine.replacing);
    canceled(&mut rig, 300);
    assert_eq!(left(&rig).0, [(1, 1_000), (2, 1_200)]);
    restarted(&mut rig);
    canceled(&mut rig, 300);
    assert_eq!(left(&rig).0.len(), 2, "never twice");
}
