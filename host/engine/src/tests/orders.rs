//! Order truth under odd reports, facts folded again, books with holes.

use super::*;
use crate::snapshot::tests::any_cut_is_the_whole;

#[test]
fn a_repeated_fill_is_booked_once_and_a_late_one_after_a_cancel_is_booked() {
    let mut rig = Rig::new();
    rig.buy(9_990, 1_000);
    rig.accept(1);
    rig.fill_as(1, 7, 9_990, 400);
    rig.fill_as(1, 7, 9_990, 400);
    assert_eq!(rig.position(), 400);
    rig.want(vec![Intent::Cancel(1)]);
    rig.report(VenueReport::Canceled { wire: WireId(1), filled: None });
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::Canceled), 0));
    rig.fill_as(1, 8, 9_990, 600);
    assert_eq!((rig.position(), rig.status(1)), (1_000, Some(OrderStatus::Filled)));
}

#[test]
fn one_trade_between_two_own_orders_is_two_fills() {
    let mut rig = Rig::new();
    rig.buy(9_990, 1_000);
    rig.sell(10_010, 1_000);
    rig.fill_as(1, 7, 9_990, 1_000);
    rig.fill_as(2, 7, 9_990, 1_000);
    assert_eq!(rig.position(), 0);
    assert_eq!(rig.status(2), Some(OrderStatus::Filled));
}

#[test]
fn an_unknown_outcome_keeps_its_exposure() {
    let mut rig = Rig::new();
    rig.buy(9_990, 9_000);
    rig.report(VenueReport::OutcomeUnknown { wire: WireId(1) });
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::Unknown), 9_000));
}

#[test]
fn an_amendment_reserves_the_larger_size_until_it_is_answered() {
    let mut rig = Rig::new();
    rig.buy(9_990, 1_000);
    rig.accept(1);
    let quantity = Quantity::from_units(9_000);
    let amend = Amend { order: 1, price: Price::from_units(9_990), quantity };
    rig.want(vec![Intent::Amend(amend)]);
    assert_eq!(rig.open(Side::Buy), 9_000);
    rig.fill(1, 9_990, 100);
    assert_eq!(rig.open(Side::Buy), 8_900, "a fill meanwhile does not forget the amendment");
    rig.report(VenueReport::OutcomeUnknown { wire: WireId(1) });
    assert_eq!(rig.open(Side::Buy), 8_900);
    rig.report(VenueReport::Amended { wire: WireId(1), price: Price::from_units(9_990), quantity });
    assert_eq!((rig.open(Side::Buy), rig.status(1)), (8_900, Some(OrderStatus::PartiallyFilled)));
}

/// One amendment at a time: the first, whose outcome is not known, may still arrive after the
/// answer that does not show it, and then its size is the order's.
#[test]
fn while_an_amendment_may_still_arrive_there_is_no_second_one() {
    let mut config = config(limits());
    config.accounts[0].settling = Duration::from_secs(2);
    let mut rig = Rig::over(config);
    rig.quote(0, 9_990, 10_010);
    rig.buy(9_980, 500);
    rig.accept(1);
    let amend = |quantity: i64| {
        let (price, quantity) = (Price::from_units(9_980), Quantity::from_units(quantity));
        vec![Intent::Amend(Amend { order: 1, price, quantity })]
    };
    rig.want(amend(800));
    rig.report(VenueReport::OutcomeUnknown { wire: WireId(1) });
    let (account, query, wire, _) = *rig.queries().last().expect("it is asked about");
    let state = hedgerow_model::OrderState {
        order: None,
        instrument: InstrumentId(0),
        phase: hedgerow_model::OrderPhase::Open,
        price: Price::from_units(9_980),
        quantity: Quantity::from_units(500),
        filled: Quantity::ZERO,
        average: None,
    };
    let answer = QueryAnswer::Found(state);
    rig.tell(account, VenueReport::OrderState { nonce: Some(query), wire, answer });
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::Open), 800));
    let sent = rig.effects.commands.len();
    rig.want(amend(400));
    assert_eq!(rig.effects.commands.len(), sent, "the first one may still come");
    let (price, quantity) = (Price::from_units(9_980), Quantity::from_units(800));
    rig.report(VenueReport::Amended { wire, price, quantity });
    assert_eq!(rig.open(Side::Buy), 800);
    rig.want(amend(400));
    assert_eq!(rig.effects.commands.len(), sent + 1, "its answer is known");
}

/// An amendment that may have arrived keeps its order alive beyond its old size; when it is refused
/// the last fill was the last.
#[test]
fn a_fill_of_the_old_size_does_not_end_an_order_that_is_being_amended() {
    let amended = || {
        let mut rig = Rig::new();
        rig.buy(9_990, 1_100);
        rig.accept(1);
        let (price, quantity) = (Price::from_units(9_990), Quantity::from_units(1_400));
        rig.want(vec![Intent::Amend(Amend { order: 1, price, quantity })]);
        rig
    };
    let wire = WireId(1);
    let mut rig = amended();
    rig.report(VenueReport::OutcomeUnknown { wire });
    rig.fill(1, 9_990, 1_300);
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::Unknown), 100));
    let odd = |rig: &Rig| {
        rig.effects.facts.iter().any(|stamped| matches!(stamped.fact, Fact::Discrepancy { .. }))
    };
    assert!(!odd(&rig), "it is not more than may fill");
    rig.fill(1, 9_990, 100);
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::Filled), 0));

    let mut rig = amended();
    rig.fill(1, 9_990, 1_100);
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::PendingAmend), 300));
    let reason = hedgerow_model::VenueRejection::UnknownOrder;
    rig.report(VenueReport::AmendRejected { wire, reason });
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::Filled), 0));
    assert_eq!(rig.position(), 1_100);
}

#[test]
fn a_report_for_an_order_that_is_not_ours_is_a_discrepancy_and_changes_nothing() {
    let mut rig = Rig::new();
    rig.fill(99, 9_990, 1_000);
    assert_eq!(rig.position(), 0);
    let odd = rig.effects.facts.iter().any(|f| matches!(f.fact, Fact::Discrepancy { .. }));
    assert!(odd && rig.effects.deliveries.is_empty());
}

#[test]
fn wrong_order_numbers_void_the_whole_answer() {
    let mut rig = Rig::new();
    let good = rig.order(Side::Buy, 9_990, 100);
    let skipped = NewOrder { number: good.number + 2, ..good };
    rig.want(vec![Intent::Submit(good), Intent::Submit(skipped)]);
    assert!(rig.effects.commands.is_empty());
    assert!(matches!(rig.effects.facts.first().map(|f| &f.fact), Some(Fact::Fault { .. })));
}

#[test]
fn folding_the_facts_gives_the_same_state_without_effects_or_market() {
    let mut rig = Rig::new();
    rig.buy(9_990, 1_000);
    rig.accept(1);
    rig.fill(1, 9_990, 300);
    rig.sell(10_050, 200);
    rig.want(vec![Intent::Cancel(2)]);
    rig.buy(9_990, 101);
    let id = hedgerow_model::TimerId(4);
    let at = HostTime::from_nanos(START + 5);
    rig.want(vec![Intent::SetTimer { id, at }]);
    any_cut_is_the_whole(&config(limits()), &rig.effects.facts);
    let mut again = Engine::new(config(limits()));
    again.restore(&rig.effects.facts);
    assert_eq!(again.resumed(ME), rig.engine.resumed(ME));
    assert_eq!(again.counts(ME), rig.engine.counts(ME));
    assert_eq!(again.next_order(ME), rig.engine.next_order(ME));
    assert_eq!(again.checkpoint(ME), rig.engine.checkpoint(ME));
    let held = |engine: &Engine| {
        let holding = &engine.strategies[0].holdings[0];
        let open = (
            holding.open_buy,
            holding.open_sell,
            holding.open_notional(Side::Buy) + holding.open_notional(Side::Sell),
        );
        (holding.position.clone(), open)
    };
    assert_eq!(held(&again), held(&rig.engine));
    assert_eq!(again.next_wakeup(), Some(at), "only the timer: no market is known yet");
}

#[test]
fn a_hole_in_the_sequence_empties_the_book_until_a_snapshot() {
    let mut rig = Rig::new();
    let level = |seq: u64, previous: i64, price: i64, flags: u16| Tick {
        ts: START,
        recv_ts: START,
        seq,
        instrument: 1,
        kind: TickKind::Level.code(),
        flags: flags | flag::LAST,
        a: price,
        b: 100,
        c: previous,
        d: previous,
    };
    let feed = |rig: &mut Rig, tick: Tick| {
        rig.engine.handle(Input::Market(&[tick]), &mut rig.effects);
        !rig.engine.snapshot_ticks(InstrumentId(1)).is_empty()
    };
    assert!(!feed(&mut rig, level(5, 4, 9_990, 0)), "deltas before a snapshot mean nothing");
    assert!(feed(&mut rig, level(10, 0, 9_990, flag::SNAPSHOT)));
    // the first update after a snapshot spans its id; the next names it
    assert!(feed(&mut rig, level(12, 9, 9_980, 0)));
    assert!(feed(&mut rig, level(15, 12, 9_970, 0)));
    assert!(!feed(&mut rig, level(19, 16, 9_960, 0)), "16 is not 15: a hole");
    assert_eq!(rig.engine.trouble(InstrumentId(1)), Some(MarketStatus::Gap));
    assert!(!feed(&mut rig, level(20, 19, 9_960, 0)));
    assert!(feed(&mut rig, level(30, 0, 9_990, flag::SNAPSHOT)));
    assert_eq!(rig.engine.trouble(InstrumentId(1)), None);
}

#[test]
fn a_fill_in_another_instrument_than_its_order_is_not_lost_in_silence() {
    let mut rig = Rig::new();
    rig.buy(9_990, 100);
    rig.accept(1);
    rig.report(VenueReport::Fill {
        wire: WireId(1),
        trade: TradeId(1),
        instrument: InstrumentId(1),
        price: Price::from_units(9_990),
        quantity: Quantity::from_units(100),
        liquidity: Liquidity::Maker,
        fee: Fee::ZERO,
    });
    let odd = rig.effects.facts.iter().any(|f| matches!(f.fact, Fact::Discrepancy { .. }));
    assert!(odd, "{:?}", rig.effects.facts);
    assert_eq!((rig.position(), rig.engine.mode_of(ME)), (0, TradingMode::CancelOnly));
}

#[test]
fn late_data_does_not_turn_time_back() {
    let mut rig = Rig::new();
    rig.advance(1_000);
    rig.quote(0, 9_990, 10_010);
    rig.now -= 500_000_000;
    rig.quote(0, 9_990, 10_010);
    assert_eq!(rig.engine.now(), HostTime::from_nanos(START + 1_000_000_000));
}

/// The venue cuts an order while our amendment of it is on its way: two changes, two answers.
#[test]
fn a_change_of_the_venue_s_own_does_not_answer_an_amendment() {
    let mut rig = Rig::new();
    rig.buy(9_990, 100);
    rig.accept(1);
    let amend =
        Amend { order: 1, price: Price::from_units(9_980), quantity: Quantity::from_units(150) };
    rig.want(vec![Intent::Amend(amend)]);
    let (wire, price) = (WireId(1), Price::from_units(9_990));
    rig.report(VenueReport::Amended { wire, price, quantity: Quantity::from_units(60) });
    assert_eq!(rig.status(1), Some(OrderStatus::PendingAmend));
    assert_eq!(rig.open(Side::Buy), 150, "either may fill");
    let reason = hedgerow_model::VenueRejection::FilterFailed;
    rig.report(VenueReport::AmendRejected { wire, reason });
    assert_eq!(rig.status(1), Some(OrderStatus::Open));
    assert_eq!(rig.open(Side::Buy), 60);
    let odd = |stamped: &hedgerow_model::Stamped| matches!(stamped.fact, Fact::Discrepancy { .. });
    assert!(!rig.effects.facts.iter().any(odd));
}

/// What is told again of an order that is forgotten is no discrepancy; a fill of one is.
#[test]
fn what_is_told_of_a_forgotten_order_is_known_to_be_old() {
    let mut rig = Rig::new();
    rig.engine.restore(&[hedgerow_model::Stamped {
        time: HostTime::from_nanos(START),
        fact: Fact::WireIds { account: AccountId(0), next: WireId(50) },
    }]);
    let odd = |rig: &Rig| {
        let is =
            |stamped: &&hedgerow_model::Stamped| matches!(stamped.fact, Fact::Discrepancy { .. });
        rig.effects.facts.iter().filter(is).count()
    };
    rig.report(VenueReport::Canceled { wire: WireId(7), filled: None });
    assert_eq!(odd(&rig), 0);
    rig.fill(7, 10_000, 10);
    rig.report(VenueReport::Canceled { wire: WireId(50), filled: None });
    assert_eq!(odd(&rig), 2);
}

/// The word of the end is faster than the fills: what they bring stays reserved, and the order is
/// over with the last of them.
#[test]
fn an_order_that_ended_lives_until_its_fills_are_heard() {
    let mut rig = Rig::new();
    rig.buy(9_990, 100);
    rig.accept(1);
    let filled = Some(Quantity::from_units(60));
    rig.report(VenueReport::Canceled { wire: WireId(1), filled });
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::Open), 60));
    rig.fill(1, 9_990, 35);
    assert_eq!(rig.open(Side::Buy), 25);
    rig.fill(1, 9_990, 25);
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::Canceled), 0));
    assert_eq!(rig.position(), 60);
    // the same word again, and one that says nothing new
    rig.report(VenueReport::Canceled { wire: WireId(1), filled });
    let mut again = Engine::new(rig.engine.config().clone());
    again.restore(&rig.effects.facts);
    let of = |engine: &Engine| {
        let slot = &engine.strategies[0];
        (slot.orders.len(), slot.finished[&1].status, slot.holdings[0].open(Side::Buy))
    };
    assert_eq!(of(&again), of(&rig.engine));
    // fills that do not come are asked for
    rig.buy(9_990, 100);
    rig.report(VenueReport::Expired { wire: WireId(2), filled: Some(Quantity::from_units(10)) });
    assert_eq!(rig.engine.next_fixed_wakeup(), Some(HostTime::from_nanos(rig.now + 1_000_000_000)));
    rig.advance(1_000);
    let now = HostTime::from_nanos(rig.now);
    rig.engine.handle(Input::Wake(now), &mut rig.effects);
    let asked = rig.effects.commands.last();
    assert!(matches!(asked, Some(VenueCommand::QueryTrades { .. })), "{asked:?}");
}
