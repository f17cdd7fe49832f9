//! What was sent, changed or ended since the question is not judged by the answer.

use super::*;
use hedgerow_model::{Replacement, VenueRejection};

/// An order of 500 is open at 10 020.
fn open_state() -> OrderState {
    OrderState {
        order: None,
        instrument: InstrumentId(0),
        phase: OrderPhase::Open,
        price: Price::from_units(10_020),
        quantity: Quantity::from_units(500),
        filled: Quantity::ZERO,
        average: None,
    }
}

/// An order is open at 10 020, with so much in all.
fn open_with(quantity: i64) -> QueryAnswer {
    QueryAnswer::Found(OrderState { quantity: Quantity::from_units(quantity), ..open_state() })
}

/// 2000 are bought, and an order to sell 500 of them rests at 10 020.
fn sells(rig: &mut Rig) {
    rig.report(VenueReport::Up);
    answered(rig, Vec::new());
    rig.buy(10_010, 2_000);
    rig.fill(1, 10_010, 2_000);
    rig.sell(10_020, 500);
    rig.accept(2);
}

/// Where that is all.
fn selling() -> Rig {
    let mut rig = rig();
    sells(&mut rig);
    rig
}

/// A list of orders may be of a moment after it was asked for: what was sent and ended meanwhile is
/// no stranger. A cancel of it does no harm.
#[test]
fn an_order_that_came_and_went_since_the_question_is_no_discrepancy() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    answered(&mut rig, vec![position(0)]);
    rig.buy(10_010, 2_000);
    rig.fill(1, 10_010, 2_000);
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    let before = discrepancies(&rig);
    assert_eq!(rig.sell(10_020, 500), None);
    rig.advance(10);
    rig.report(VenueReport::Canceled { wire: WireId(2), filled: Some(Quantity::ZERO) });
    answered(&mut rig, vec![open_order(2, 10_020, 500, 0), position(2_000)]);
    assert_eq!(discrepancies(&rig), before);
    assert_eq!(canceled(&rig), [2]);
    // in a later list it is one
    rig.advance(10);
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    answered(&mut rig, vec![open_order(2, 10_020, 500, 0), position(2_000)]);
    assert_eq!((discrepancies(&rig), canceled(&rig)), (before + 1, vec![2, 2]));
}

/// An answer that was asked for before an amendment left, and comes after that was confirmed, says
/// how things stood before: the order is asked for by itself, and stays as large as it is.
#[test]
fn an_answer_from_before_an_amendment_does_not_undo_it() {
    let mut rig = selling();
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    rig.advance(1);
    let (price, quantity) = (Price::from_units(10_020), Quantity::from_units(800));
    rig.want(vec![Intent::Amend(Amend { order: 2, price, quantity })]);
    rig.advance(10);
    rig.report(VenueReport::Amended { wire: WireId(2), price, quantity });
    rig.advance(20_000);
    answered(&mut rig, vec![open_order(2, 10_020, 500, 0), position(2_000)]);
    assert_eq!((rig.status(2), rig.open(Side::Sell)), (Some(OrderStatus::Open), 800));
    while rig.queries().is_empty() {
        rig.wake_next();
    }
    let (account, query, wire, _) = *rig.queries().last().expect("it is asked about by itself");
    let answer = open_with(600);
    rig.tell(account, VenueReport::OrderState { nonce: Some(query), wire, answer });
    assert_eq!(rig.open(Side::Sell), 600, "asked since, and believed");
}

/// So does one that was asked for after the amendment left and before it arrived.
#[test]
fn an_answer_from_before_an_amendment_arrived_does_not_undo_it() {
    let mut rig = selling();
    rig.advance(1);
    let (price, quantity) = (Price::from_units(10_020), Quantity::from_units(800));
    rig.want(vec![Intent::Amend(Amend { order: 2, price, quantity })]);
    rig.advance(1);
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    rig.advance(10);
    rig.report(VenueReport::Amended { wire: WireId(2), price, quantity });
    rig.advance(1);
    answered(&mut rig, vec![open_order(2, 10_020, 500, 0), position(2_000)]);
    assert_eq!((rig.status(2), rig.open(Side::Sell)), (Some(OrderStatus::Open), 800));
}

#[test]
fn an_order_sent_after_the_question_is_not_judged_by_the_answer() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    answered(&mut rig, Vec::new());
    rig.buy(10_010, 2_000);
    rig.fill(1, 10_010, 2_000);
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    // at the same instant, on hearing that the venue is up, it reduces
    assert_eq!(rig.sell(9_990, 500), None);
    answered(&mut rig, vec![position(2_000)]);
    assert_eq!(rig.status(2), Some(OrderStatus::PendingNew));
}

/// An amendment that the answer does not show may be on its way: it is asked about again before it
/// counts as refused, and both sizes stay reserved.
#[test]
fn an_amendment_sent_after_the_question_is_not_judged_by_the_answer() {
    let mut rig = rig();
    let mut config = config(limits());
    config.accounts[0].reconcile = true;
    config.accounts[0].settling = Duration::from_secs(2);
    rig.engine = Engine::new(config);
    rig.quote(0, 9_990, 10_010);
    sells(&mut rig);
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    let (price, quantity) = (Price::from_units(10_020), Quantity::from_units(800));
    rig.want(vec![Intent::Amend(Amend { order: 2, price, quantity })]);
    let as_before = || vec![open_order(2, 10_020, 500, 0), position(2_000)];
    answered(&mut rig, as_before());
    assert_eq!((rig.status(2), rig.open(Side::Sell)), (Some(OrderStatus::PendingAmend), 800));
    assert!(rig.queries().is_empty(), "too early to mean anything");
    rig.now += 2_000_000_001;
    let wake = HostTime::from_nanos(rig.now);
    rig.engine.handle(Input::Wake(wake), &mut rig.effects);
    let (account, query, wire, _) = *rig.queries().last().expect("it is asked about by itself");
    let answer = open_with(500);
    rig.tell(account, VenueReport::OrderState { nonce: Some(query), wire, answer });
    assert_eq!((rig.status(2), rig.open(Side::Sell)), (Some(OrderStatus::Open), 500));
}

#[test]
fn a_late_answer_to_an_earlier_question_is_not_taken_for_this_one() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    let earlier = nonce(&rig);
    rig.advance(1);
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    let VenueReport::OpenOrder { wire, order, instrument, price, quantity, filled, .. } =
        open_order(5, 9_990, 100, 0)
    else {
        unreachable!()
    };
    let nonce = earlier;
    let stale = VenueReport::OpenOrder { nonce, wire, order, instrument, price, quantity, filled };
    rig.report(stale);
    answered(&mut rig, Vec::new());
    assert_eq!((discrepancies(&rig), canceled(&rig).len()), (0, 0));
}

/// A cancel of an order whose outcome is unknown is refused for another reason than that it is not
/// there: that does not make it one that was taken. What its venue never had ends.
#[test]
fn an_order_that_never_arrived_ends_though_its_cancel_was_refused() {
    for rejected in [false, true] {
        let mut rig = crate::tests::truth::rig();
        rig.buy(10_000, 100);
        rig.report(VenueReport::OutcomeUnknown { wire: WireId(1) });
        rig.want(vec![Intent::Cancel(1)]);
        let reason = VenueRejection::Other(429);
        rig.report(VenueReport::CancelRejected { wire: WireId(1), reason });
        if rejected {
            rig.report(VenueReport::Rejected { wire: WireId(1), reason });
        } else {
            rig.report(VenueReport::CancelRejected {
                wire: WireId(1),
                reason: VenueRejection::UnknownOrder,
            });
        }
        for _ in 0..40 {
            rig.never_arrived();
            rig.wake_next();
        }
        let over = rig.status(1).is_some_and(OrderStatus::is_terminal);
        assert!(over, "{rejected}: {:?}", rig.status(1));
        assert_eq!(rig.open(Side::Buy), 0);
    }
}

/// An end without how much filled is no word of that: until its venue was asked all of it may have.
#[test]
fn an_end_that_does_not_say_how_much_filled_is_asked_for() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    answered(&mut rig, Vec::new());
    rig.buy(10_010, 2_000);
    rig.accept(1);
    rig.advance(10);
    rig.report(VenueReport::Canceled { wire: WireId(1), filled: None });
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::Unknown), 2_000));
    let (account, query, wire, _) = *rig.queries().last().expect("it is asked for");
    let canceled = QueryAnswer::Found(OrderState {
        phase: OrderPhase::Canceled,
        price: Price::from_units(10_010),
        quantity: Quantity::from_units(2_000),
        filled: Quantity::from_units(500),
        ..open_state()
    });
    rig.tell(account, VenueReport::OrderState { nonce: Some(query), wire, answer: canceled });
    assert_eq!(rig.open(Side::Buy), 500, "what filled and was not heard");
    rig.report(VenueReport::Canceled { wire: WireId(1), filled: None });
    assert_eq!(rig.open(Side::Buy), 500, "the same end again, with less said, takes nothing back");
    rig.fill(1, 10_010, 500);
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::Canceled), 0));
}

/// Sizes of the orders that left, units.
fn placed(rig: &Rig) -> Vec<i64> {
    let size = |command: &VenueCommand| match command {
        VenueCommand::Place(order) => Some(order.get().request.quantity.units()),
        _ => None,
    };
    rig.effects.commands.iter().filter_map(size).collect()
}

/// What replaces an order is what its venue says is left of it, and not what was heard.
#[test]
fn a_replacement_waits_for_how_much_of_the_old_order_filled() {
    let mut config = EngineConfig { no_amends: [VenueId(0)].into(), ..config(limits()) };
    config.accounts[0].reconcile = true;
    let mut rig = Rig::over(config);
    rig.report(VenueReport::Up);
    answered(&mut rig, Vec::new());
    rig.buy(9_980, 1_000);
    rig.accept(1);
    let (price, quantity) = (Price::from_units(9_970), Quantity::from_units(1_000));
    rig.want(vec![Intent::Replace(Replacement { order: 1, number: 2, price, quantity })]);
    rig.advance(10);
    rig.report(VenueReport::Canceled { wire: WireId(1), filled: None });
    assert_eq!(placed(&rig), [1_000], "nothing before it is known");
    let (account, query, wire, _) = *rig.queries().last().expect("it is asked for");
    let canceled = QueryAnswer::Found(OrderState {
        phase: OrderPhase::Canceled,
        price: Price::from_units(9_980),
        quantity: Quantity::from_units(1_000),
        filled: Quantity::from_units(400),
        ..open_state()
    });
    rig.tell(account, VenueReport::OrderState { nonce: Some(query), wire, answer: canceled });
    assert_eq!(placed(&rig), [1_000], "nor before what filled was heard");
    rig.fill(1, 9_980, 400);
    assert_eq!(placed(&rig), [1_000, 600]);
}

/// An answer that was asked for before the end says how things stood before it; and what its venue
/// ended it had: its trades are looked for when it is not found.
#[test]
fn an_answer_from_before_an_end_does_not_bring_an_order_back() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    answered(&mut rig, Vec::new());
    rig.buy(10_010, 2_000);
    rig.report(VenueReport::OutcomeUnknown { wire: WireId(1) });
    let (account, first, wire, _) = *rig.queries().last().expect("it is asked for");
    rig.advance(10);
    rig.report(VenueReport::Expired { wire: WireId(1), filled: None });
    let asked = rig.queries();
    assert_eq!(asked.len(), 2, "it is asked for anew");
    let open = QueryAnswer::Found(OrderState {
        price: Price::from_units(10_010),
        quantity: Quantity::from_units(2_000),
        ..open_state()
    });
    rig.tell(account, VenueReport::OrderState { nonce: Some(first), wire, answer: open });
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::Unknown), 2_000));
    for _ in 0..20 {
        let (account, query, wire, trades) = *rig.queries().last().expect("it is asked for");
        if trades {
            return; // before it is given up
        }
        let answer = QueryAnswer::NotFound;
        rig.tell(account, VenueReport::OrderState { nonce: Some(query), wire, answer });
        assert_eq!(rig.status(1), Some(OrderStatus::Unknown));
        let before = rig.queries().len();
        while rig.queries().len() == before {
            rig.wake_next();
        }
    }
    panic!("its trades were never asked for");
}
