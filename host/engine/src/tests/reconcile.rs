//! The venue's truth after a lost stream: what is gone, what is open, what is a stranger.

mod late;

use super::*;
use hedgerow_model::{OrderPhase, OrderState};

/// A rig whose account must be reconciled before anything opens.
fn rig() -> Rig {
    let mut config = config(limits());
    config.accounts[0].reconcile = true;
    let mut rig = Rig::new();
    rig.engine = Engine::new(config);
    rig.quote(0, 9_990, 10_010);
    rig
}

pub(super) fn open_order(wire: u64, price: i64, quantity: i64, filled: i64) -> VenueReport {
    VenueReport::OpenOrder {
        nonce: 0,
        wire: WireId(wire),
        order: VenueOrderId(wire),
        instrument: InstrumentId(0),
        price: Price::from_units(price),
        quantity: Quantity::from_units(quantity),
        filled: Quantity::from_units(filled),
    }
}

fn position(quantity: i64) -> VenueReport {
    let quantity = Quantity::from_units(quantity);
    VenueReport::Position { nonce: 0, instrument: InstrumentId(0), quantity }
}

/// The nonce of the newest question.
fn nonce(rig: &Rig) -> u64 {
    let ask = |command: &VenueCommand| match command {
        VenueCommand::Reconcile { nonce, .. } => Some(*nonce),
        _ => None,
    };
    rig.effects.commands.iter().rev().find_map(ask).expect("nothing was asked")
}

pub(super) fn answered(rig: &mut Rig, reports: Vec<VenueReport>) {
    let nonce = nonce(rig);
    for mut report in reports {
        if let VenueReport::OpenOrder { nonce: of, .. } | VenueReport::Position { nonce: of, .. } =
            &mut report
        {
            *of = nonce;
        }
        rig.report(report);
    }
    rig.report(VenueReport::Reconciled { nonce });
    rig.wait_to_ask();
}

fn canceled(rig: &Rig) -> Vec<u64> {
    let cancel = |command: &VenueCommand| match command {
        VenueCommand::Cancel { wire, .. } => Some(wire.0),
        _ => None,
    };
    rig.effects.commands.iter().filter_map(cancel).collect()
}

fn discrepancies(rig: &Rig) -> usize {
    let odd = |stamped: &&Stamped| matches!(stamped.fact, Fact::Discrepancy { .. });
    rig.effects.facts.iter().filter(odd).count()
}

#[test]
fn nothing_opens_before_the_venue_has_answered() {
    let mut rig = rig();
    assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::NotReconciled));
    rig.report(VenueReport::Up);
    assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::NotReconciled));
    rig.report(VenueReport::Reconciled { nonce: nonce(&rig) + 1 });
    assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::NotReconciled), "of another question");
    answered(&mut rig, Vec::new());
    assert_eq!(rig.buy(9_990, 100), None);
    rig.report(VenueReport::Down);
    assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::NotReconciled));
}

#[test]
fn what_the_venue_does_not_know_has_ended_and_what_it_has_is_open() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    answered(&mut rig, Vec::new());
    for _ in 0..3 {
        assert_eq!(rig.buy(9_990, 1_000), None);
    }
    rig.accept(2);
    rig.want(vec![Intent::Cancel(2)]);
    // 1 never arrived, 2's cancel never arrived, 3 was amended meanwhile
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    rig.effects.facts.clear();
    let before = canceled(&rig).len();
    let open = vec![open_order(2, 9_990, 1_000, 0), open_order(3, 9_980, 500, 0)];
    answered(&mut rig, open.clone());
    assert_eq!(rig.status(1), Some(OrderStatus::PendingNew), "a list proves nothing");
    assert_eq!(rig.buy(9_990, 10), Some(RiskRejection::NotReconciled));
    rig.never_arrived();
    assert_eq!(rig.status(1), Some(OrderStatus::Rejected));
    answered(&mut rig, open);
    assert_eq!(rig.status(2), Some(OrderStatus::PendingCancel));
    assert_eq!(canceled(&rig)[before..], [2], "its cancel is sent again, nothing else ever is");
    assert_eq!(rig.status(3), Some(OrderStatus::Open));
    assert_eq!(rig.open(Side::Buy), 1_500, "by the sizes that the venue has");
    assert_eq!(discrepancies(&rig), 0);
}

/// A venue whose list and whose answers do not agree keeps its account closed, and people hear of
/// it once.
#[test]
fn an_order_that_is_open_by_itself_and_not_in_the_list_opens_nothing_and_is_told() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    answered(&mut rig, Vec::new());
    assert_eq!(rig.buy(9_990, 1_000), None);
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    rig.effects.facts.clear();
    for round in 1..=8 {
        answered(&mut rig, Vec::new());
        let (account, nonce, wire, _) = *rig.queries().last().unwrap();
        let state = OrderState {
            order: None,
            instrument: InstrumentId(0),
            phase: OrderPhase::Open,
            price: Price::from_units(9_990),
            quantity: Quantity::from_units(1_000),
            filled: Quantity::ZERO,
            average: None,
        };
        let answer = QueryAnswer::Found(state);
        rig.tell(account, VenueReport::OrderState { nonce: Some(nonce), wire, answer });
        assert_eq!(rig.buy(9_990, 10), Some(RiskRejection::NotReconciled));
        assert_eq!(discrepancies(&rig), usize::from(round >= 5), "round {round}");
        rig.wake_next();
    }
}

#[test]
fn a_stranger_in_our_name_is_reported_and_canceled() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    answered(&mut rig, vec![open_order(77, 9_990, 100, 0)]);
    assert_eq!(canceled(&rig), [77]);
    assert_eq!(discrepancies(&rig), 1);
}

#[test]
fn a_position_that_differs_stops_the_strategy() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    for asked in 0..3 {
        assert_eq!((discrepancies(&rig), rig.engine.mode_of(ME)), (0, TradingMode::Running));
        rig.advance(asked);
        answered(&mut rig, vec![position(300)]);
    }
    assert_eq!(discrepancies(&rig), 1);
    assert_eq!(rig.engine.mode_of(ME), TradingMode::CancelOnly);
}

/// The parts of an answer are not of one moment: a fill between them is no difference.
#[test]
fn what_fills_while_the_venue_answers_is_asked_about_again() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    answered(&mut rig, Vec::new());
    rig.buy(9_990, 1_000);
    rig.accept(1);
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    let first = nonce(&rig);
    let VenueReport::Position { instrument, quantity, .. } = position(0) else { unreachable!() };
    rig.report(VenueReport::Position { nonce: first, instrument, quantity });
    rig.fill(1, 9_990, 1_000); // and the order that was open is gone
    answered(&mut rig, vec![open_order(1, 9_990, 1_000, 0)]);
    assert_ne!(nonce(&rig), first, "it is asked again");
    assert_eq!((discrepancies(&rig), canceled(&rig).len()), (0, 0));
    assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::NotReconciled));
    answered(&mut rig, vec![position(1_000)]);
    assert_eq!((discrepancies(&rig), rig.engine.mode_of(ME)), (0, TradingMode::Running));
    assert_eq!(rig.buy(9_990, 100), None);
}

#[test]
fn ids_after_a_restart_are_beyond_anything_that_was_used() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    answered(&mut rig, Vec::new());
    rig.buy(9_990, 1_000);
    let mut again = Engine::new(config(limits()));
    again.restore(&rig.effects.facts);
    let before = again.next_order(ME);
    let gap = again.id_gap();
    again.restore(&gap);
    assert_eq!(again.next_order(ME), before + 1_000_000);
}

/// A rig that trades, holds 100, and whose venue has 250.
fn differing() -> Rig {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    answered(&mut rig, vec![]);
    rig.buy(10_000, 100);
    rig.accept(1);
    rig.fill(1, 10_000, 100);
    rig.report(VenueReport::Up);
    for _ in 0..3 {
        answered(&mut rig, vec![position(250)]);
    }
    assert_eq!(rig.engine.mode_of(ME), TradingMode::CancelOnly);
    rig
}

fn operator(rig: &mut Rig, command: OperatorCommand) {
    let now = HostTime::from_nanos(rig.now);
    let input = Input::Operator { now, command, reason: "looked at the venue".into() };
    rig.engine.handle(input, &mut rig.effects);
}

fn compared_again(rig: &mut Rig, theirs: i64) -> TradingMode {
    let mode = TradingMode::Running;
    operator(rig, OperatorCommand::SetMode { scope: Scope::Strategy(ME), mode });
    rig.advance(10);
    rig.report(VenueReport::Up);
    for _ in 0..3 {
        if !rig.engine.may_start(ME) {
            answered(rig, vec![position(theirs)]);
        }
    }
    rig.engine.mode_of(ME)
}

#[test]
fn what_the_venue_has_is_adopted_by_an_operators_word() {
    let mut rig = differing();
    let told = rig.effects.deliveries.len();
    operator(&mut rig, OperatorCommand::Adopt { strategy: ME, ignored: false });
    assert_eq!(rig.position(), 250);
    let position = rig.effects.deliveries.iter().skip(told).find_map(|d| match &d.what {
        Delivered::Event(Event::Position(update)) => Some(update.quantity.units()),
        _ => None,
    });
    assert_eq!(position, Some(250));
    // 150 more at the mark of 100.00 cost nothing and earned nothing
    let held = rig.engine.positions(ME).next().unwrap().1.clone();
    assert_eq!((held.realised, held.cost), (dec("0"), dec("25")));
    // what is held now has a margin that its venue has not told
    let said = rig.engine.conditions();
    assert!(said.iter().all(|words| words.contains("margin is not known")), "{said:?}");
    assert_eq!(compared_again(&mut rig, 250), TradingMode::Running);
    let mut again = Engine::new(rig.engine.config().clone());
    again.restore(&rig.effects.facts);
    assert_eq!(again.strategies[0].position(InstrumentId(0)).units(), 250);
}

#[test]
fn what_the_venue_has_beside_us_is_ignored_by_an_operators_word() {
    let mut rig = differing();
    operator(&mut rig, OperatorCommand::Ignore { strategy: ME });
    assert_eq!(rig.position(), 100);
    assert_eq!(compared_again(&mut rig, 250), TradingMode::Running);
    // the other's part moved: that is not ours to know
    assert_eq!(compared_again(&mut rig, 260), TradingMode::CancelOnly);
}

/// A venue that takes longer than it is given is given more: or no answer of its would ever count.
#[test]
fn a_slow_venue_is_given_more_time() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    let asked = |rig: &Rig| {
        let ask = |c: &&VenueCommand| matches!(c, VenueCommand::Reconcile { .. });
        rig.effects.commands.iter().filter(ask).count()
    };
    let answers_in = 12_000_000_000;
    for _ in 0..8 {
        let (before, nonce, due) = (asked(&rig), nonce(&rig), rig.now + answers_in);
        while rig.engine.next_question().is_some_and(|at| at.as_nanos() < due) {
            rig.wake_next();
            if asked(&rig) > before {
                break;
            }
        }
        if asked(&rig) == before {
            rig.now = due;
            rig.report(VenueReport::Reconciled { nonce });
            break;
        }
    }
    rig.quote(0, 9_990, 10_010);
    assert_eq!(rig.buy(9_990, 100), None);
}
