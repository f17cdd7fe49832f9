//! What became of orders that nobody is sure of, fills that were not heard, positions and orders of
//! others (strategies.md section 4).

use super::*;
use hedgerow_model::{Extent, OrderPhase, OrderState, VenueRejection};

const SETTLING_MS: u64 = 2_000;

/// A rig whose account is compared: orders every 5 s, positions every 60 s.
pub(super) fn rig() -> Rig {
    let mut config = config(limits());
    config.accounts[0].reconcile = true;
    config.accounts[0].settling = Duration::from_millis(SETTLING_MS);
    config.accounts[0].asks = Asks {
        orders_every: Some(Duration::from_secs(5)),
        positions_every: Some(Duration::from_secs(60)),
        ..Asks::default()
    };
    config.stale_after = Duration::from_secs(100_000);
    let mut rig = Rig::new();
    rig.engine = Engine::new(config);
    rig.quote(0, 9_990, 10_010);
    rig.report(VenueReport::Up);
    told(&mut rig, Vec::new());
    rig
}

pub(super) fn question(rig: &Rig) -> Option<(u64, Extent)> {
    let ask = |command: &VenueCommand| match command {
        VenueCommand::Reconcile { nonce, extent, .. } => Some((*nonce, *extent)),
        _ => None,
    };
    rig.effects.commands.iter().rev().find_map(ask)
}

/// Answers the newest question about the account.
pub(super) fn told(rig: &mut Rig, parts: Vec<VenueReport>) {
    let (nonce, _) = question(rig).expect("nothing was asked");
    for mut part in parts {
        if let VenueReport::OpenOrder { nonce: of, .. }
        | VenueReport::ForeignOrder { nonce: of, .. }
        | VenueReport::Position { nonce: of, .. } = &mut part
        {
            *of = nonce;
        }
        rig.report(part);
    }
    rig.report(VenueReport::Reconciled { nonce });
    rig.wait_to_ask();
}

pub(super) fn position(instrument: u32, quantity: i64) -> VenueReport {
    let (instrument, quantity) = (InstrumentId(instrument), Quantity::from_units(quantity));
    VenueReport::Position { nonce: 0, instrument, quantity }
}

/// Lets time pass until the engine asks something of this extent.
pub(super) fn until_asked(rig: &mut Rig, extent: Extent) {
    let before = question(rig).map(|(nonce, _)| nonce);
    for _ in 0..200 {
        rig.wake_next();
        let asked = question(rig).filter(|(nonce, _)| Some(*nonce) != before);
        match asked {
            Some((_, of)) if of == extent => return,
            Some(_) => return until_asked_after(rig, extent),
            None => {}
        }
    }
    panic!("{extent:?} is never asked for");
}

fn until_asked_after(rig: &mut Rig, extent: Extent) {
    let (nonce, _) = question(rig).unwrap();
    rig.report(VenueReport::QueryFailed { nonce });
    until_asked(rig, extent);
}

fn state(phase: OrderPhase, filled: i64, average: Option<&str>) -> OrderState {
    OrderState {
        order: None,
        instrument: InstrumentId(0),
        phase,
        price: Price::from_units(10_060),
        quantity: Quantity::from_units(700),
        filled: Quantity::from_units(filled),
        average: average.map(dec),
    }
}

fn answer(rig: &mut Rig, answer: QueryAnswer) {
    let (account, nonce, wire, trades) = *rig.queries().last().expect("no order was asked for");
    assert!(!trades, "its trades were asked for");
    rig.tell(account, VenueReport::OrderState { nonce: Some(nonce), wire, answer });
}

fn trades_told(rig: &mut Rig) {
    let (account, nonce, wire, trades) = *rig.queries().last().expect("no order was asked for");
    assert!(trades, "its trades were not asked for");
    rig.tell(account, VenueReport::TradesTold { nonce, wire });
}

pub(super) fn odd(rig: &Rig) -> Vec<String> {
    let odd = |stamped: &Stamped| match &stamped.fact {
        Fact::Discrepancy { detail, .. } => Some(detail.clone()),
        _ => None,
    };
    rig.effects.facts.iter().filter_map(odd).collect()
}

fn assert_restores(rig: &Rig) {
    let mut again = Engine::new(rig.engine.config().clone());
    again.restore(&rig.effects.facts);
    let of = |engine: &Engine| {
        let slot = &engine.strategies[0];
        let held = slot.holdings[0].position.clone();
        (held, slot.traded.clone(), slot.orders.len(), slot.holdings[0].open(Side::Buy))
    };
    assert_eq!(of(&again), of(&rig.engine));
    let facts = &rig.effects.facts;
    crate::snapshot::tests::any_cut_is_the_whole(rig.engine.config(), facts);
}

/// 0.7 wanted; 0.2 at 100.0 and 0.3 at 100.1 are heard; the venue says 0.7 at 100.2.
fn short_by_a_fill() -> Rig {
    let mut rig = rig();
    assert_eq!(rig.buy(10_060, 700), None);
    rig.accept(1);
    rig.fill_as(1, 1, 10_000, 200);
    rig.fill_as(1, 2, 10_010, 300);
    rig.advance(10);
    let answer = QueryAnswer::Found(state(OrderPhase::Filled, 700, Some("100.2")));
    rig.report(VenueReport::OrderState { nonce: None, wire: WireId(1), answer });
    assert_eq!((rig.position(), rig.open(Side::Buy)), (500, 200), "reserved until it is heard");
    rig
}

/// Its trades are asked for, three times; then how it stands once more; they never come.
fn inferred() -> Rig {
    let mut rig = short_by_a_fill();
    for _ in 0..3 {
        while !rig.queries().last().is_some_and(|query| query.3 && is_open(&rig, query.1)) {
            rig.wake_next();
        }
        assert_eq!(rig.position(), 500, "nothing is inferred while trades may come");
        trades_told(&mut rig);
    }
    while rig.queries().last().is_none_or(|query| query.3) {
        rig.wake_next();
    }
    answer(&mut rig, QueryAnswer::Found(state(OrderPhase::Filled, 700, Some("100.2"))));
    rig
}

fn is_open(rig: &Rig, nonce: u64) -> bool {
    rig.engine.truth.doubts.values().any(|doubt| doubt.nonce == Some(nonce))
}

#[test]
fn vector_o1_a_fill_that_never_came_is_inferred_at_the_price_that_keeps_the_average() {
    let rig = inferred();
    let fills = rig.effects.facts.iter().filter_map(|stamped| match &stamped.fact {
        Fact::Fill { price, quantity, inferred, trade, .. } => {
            Some((price.units(), quantity.units(), *inferred, *trade))
        }
        _ => None,
    });
    let fills = fills.collect::<Vec<_>>();
    assert_eq!(fills.len(), 3);
    assert_eq!((fills[2].0, fills[2].1, fills[2].2), (10_055, 200, true));
    assert_eq!((rig.position(), rig.open(Side::Buy)), (700, 0));
    assert_eq!(rig.status(1), Some(OrderStatus::Filled));
    assert_eq!(rig.engine.positions(ME).next().unwrap().1.cost, dec("70.14"));
    assert_eq!(odd(&rig).len(), 1);
    assert_restores(&rig);
    // found again, it has the same id
    let again = inferred();
    assert!(again.effects.facts.iter().any(|stamped| matches!(
        &stamped.fact, Fact::Fill { trade, inferred: true, .. } if *trade == fills[2].3
    )));
}

#[test]
fn the_real_fill_replaces_what_was_inferred_with_its_fee_and_price_once() {
    let mut rig = inferred();
    let fill = |rig: &mut Rig, trade: u64, price: i64, quantity: i64, fee: &str| {
        rig.report(VenueReport::Fill {
            wire: WireId(1),
            trade: TradeId(trade),
            instrument: InstrumentId(0),
            price: Price::from_units(price),
            quantity: Quantity::from_units(quantity),
            liquidity: Liquidity::Taker,
            fee: Fee::in_settle(dec(fee)),
        });
    };
    let held = |rig: &Rig| rig.engine.positions(ME).next().unwrap().1.clone();
    // half of it: the other half is still what is missing to the average
    fill(&mut rig, 3, 10_050, 100, "0.01");
    assert_eq!((held(&rig).quantity.units(), held(&rig).cost), (700, dec("70.14")));
    assert_eq!(held(&rig).fees, dec("0.01"));
    // the other half was a tick dearer than the venue's rounded average says
    fill(&mut rig, 4, 10_070, 100, "0.02");
    assert_eq!((held(&rig).quantity.units(), held(&rig).cost), (700, dec("70.15")));
    assert_eq!(held(&rig).fees, dec("0.03"));
    for trade in [3, 4] {
        fill(&mut rig, trade, 10_070, 100, "0.02");
    }
    assert_eq!((held(&rig).quantity.units(), held(&rig).fees), (700, dec("0.03")));
    let told = rig
        .effects
        .deliveries
        .iter()
        .filter(|told| matches!(&told.what, Delivered::Event(Event::Position(_))));
    assert_eq!(told.count(), 2, "the strategy is told that its entry moved");
    // more than was inferred is new, and odd
    fill(&mut rig, 5, 10_000, 50, "0");
    assert_eq!((rig.position(), odd(&rig).len()), (750, 2));
    assert_restores(&rig);
}

#[test]
fn a_fill_that_comes_after_all_is_not_inferred() {
    let mut rig = short_by_a_fill();
    rig.fill_as(1, 3, 10_050, 200);
    assert_eq!((rig.position(), rig.status(1)), (700, Some(OrderStatus::Filled)));
    assert!(rig.engine.truth.doubts.is_empty());
    assert!(odd(&rig).is_empty());
}

#[test]
fn an_unknown_outcome_is_asked_for_by_itself_and_keeps_its_exposure_until_it_is_known() {
    let mut rig = rig();
    rig.buy(9_990, 1_000);
    rig.report(VenueReport::OutcomeUnknown { wire: WireId(1) });
    assert_eq!(rig.queries().len(), 1, "at once");
    answer(&mut rig, QueryAnswer::NotFound);
    let mut asked = vec![rig.now];
    while rig.status(1) == Some(OrderStatus::Unknown) {
        assert_eq!(rig.open(Side::Buy), 1_000);
        let before = rig.queries().len();
        rig.wake_next();
        if rig.queries().len() > before {
            asked.push(rig.now);
            answer(&mut rig, QueryAnswer::NotFound);
        }
        // its other questions are not answered here
    }
    let ms: Vec<u64> = asked.iter().map(|at| (at - asked[0]) / 1_000_000).collect();
    assert_eq!(ms, [0, 2_000, 2_250, 2_750], "after it has settled, then with back-off");
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::Rejected), 0));
    let inferred = OrderFact::Inferred {
        event: hedgerow_model::OrderEvent::Rejected,
        reason: VenueRejection::NeverArrived,
    };
    assert!(
        rig.effects.facts.iter().any(|stamped| {
            matches!(&stamped.fact, Fact::Order { fact, .. } if *fact == inferred)
        })
    );
    // cancels go out a few times more
    let cancels = |rig: &Rig| {
        rig.effects.commands.iter().filter(|c| matches!(c, VenueCommand::Cancel { .. })).count()
    };
    assert_eq!(cancels(&rig), 0);
    for _ in 0..40 {
        rig.wake_next();
    }
    assert_eq!(cancels(&rig), 3);
    // and what comes after all is booked, with an alarm
    let before = odd(&rig).len();
    rig.fill(1, 9_990, 400);
    assert_eq!((rig.position(), odd(&rig).len()), (400, before + 1));
    assert_restores(&rig);
}

#[test]
fn an_order_that_was_accepted_is_looked_for_in_history_before_it_is_given_up() {
    let mut rig = rig();
    rig.buy(9_990, 1_000);
    rig.accept(1);
    rig.advance(SETTLING_MS);
    rig.report(VenueReport::OutcomeUnknown { wire: WireId(1) });
    rig.advance(SETTLING_MS);
    for _ in 0..3 {
        answer(&mut rig, QueryAnswer::NotFound);
        let before = rig.queries().len();
        while rig.queries().len() == before && rig.queries().last().is_some_and(|q| !q.3) {
            rig.wake_next();
        }
    }
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::Unknown), 1_000));
    // history has a trade and no end
    rig.fill(1, 9_990, 300);
    trades_told(&mut rig);
    assert_eq!((rig.status(1), rig.open(Side::Buy)), (Some(OrderStatus::Canceled), 0));
    assert_eq!((rig.position(), odd(&rig).len()), (300, 1));
}

#[test]
fn what_is_answered_to_a_cancel_or_a_second_placing_proves_nothing() {
    for reason in [VenueRejection::UnknownOrder, VenueRejection::DuplicateId] {
        let mut rig = rig();
        rig.buy(9_990, 1_000);
        let wire = WireId(1);
        if reason == VenueRejection::UnknownOrder {
            rig.accept(1);
            rig.want(vec![Intent::Cancel(1)]);
            rig.report(VenueReport::CancelRejected { wire, reason });
        } else {
            rig.report(VenueReport::Rejected { wire, reason });
        }
        assert_eq!(rig.open(Side::Buy), 1_000, "{reason:?}");
        assert!(rig.status(1).is_some_and(|status| !status.is_terminal()), "{reason:?}");
        assert_eq!(rig.queries().len(), 1, "{reason:?}");
        let filled = OrderState {
            quantity: Quantity::from_units(1_000),
            price: Price::from_units(9_990),
            ..state(OrderPhase::Canceled, 0, None)
        };
        answer(&mut rig, QueryAnswer::Found(filled));
        assert_eq!(rig.status(1), Some(OrderStatus::Canceled), "{reason:?}");
    }
}

#[test]
fn a_cancel_that_was_lost_is_sent_again_and_nothing_else_is() {
    let mut rig = rig();
    rig.buy(9_990, 700);
    rig.accept(1);
    rig.want(vec![Intent::Cancel(1)]);
    rig.report(VenueReport::OutcomeUnknown { wire: WireId(1) });
    let sent = rig.effects.commands.len();
    let open = OrderState { price: Price::from_units(9_990), ..state(OrderPhase::Open, 0, None) };
    answer(&mut rig, QueryAnswer::Found(open));
    assert!(matches!(rig.effects.commands[sent..], [VenueCommand::Cancel { .. }]));
    assert_eq!(rig.status(1), Some(OrderStatus::PendingCancel));
}

#[test]
fn an_older_statement_never_moves_an_order_back() {
    let mut rig = rig();
    rig.buy(10_060, 700);
    rig.accept(1);
    let state_at = |rig: &mut Rig, at: u64, state: OrderState| {
        let event = VenueEvent {
            venue: VenueId(0),
            account: AccountId(0),
            received: HostTime::from_nanos(rig.now),
            happened: VenueTime::from_nanos(at),
            report: VenueReport::OrderState {
                nonce: None,
                wire: WireId(1),
                answer: QueryAnswer::Found(state),
            },
        };
        rig.engine.handle(Input::Venue(std::borrow::Cow::Owned(event)), &mut rig.effects);
    };
    let changed =
        OrderState { quantity: Quantity::from_units(600), ..state(OrderPhase::Open, 0, None) };
    state_at(&mut rig, START + 20, changed);
    assert_eq!(rig.open(Side::Buy), 600);
    state_at(&mut rig, START + 10, state(OrderPhase::Open, 0, None));
    assert_eq!(rig.open(Side::Buy), 600, "it is older");
    state_at(&mut rig, START + 30, state(OrderPhase::Canceled, 0, None));
    state_at(&mut rig, START + 30, state(OrderPhase::Open, 0, None));
    assert_eq!(rig.status(1), Some(OrderStatus::Canceled), "of one time, by its rank");
    assert!(odd(&rig).is_empty());
}

/// The same for changes as they are told: one that comes twice, or late, is not a new one.
#[test]
fn an_older_amendment_never_moves_an_order_back() {
    let mut rig = rig();
    rig.buy(10_060, 700);
    rig.accept(1);
    let amended_at = |rig: &mut Rig, at: u64, quantity: i64| {
        let (price, quantity) = (Price::from_units(10_060), Quantity::from_units(quantity));
        let event = VenueEvent {
            venue: VenueId(0),
            account: AccountId(0),
            received: HostTime::from_nanos(rig.now),
            happened: VenueTime::from_nanos(at),
            report: VenueReport::Amended { wire: WireId(1), price, quantity },
        };
        rig.engine.handle(Input::Venue(std::borrow::Cow::Owned(event)), &mut rig.effects);
    };
    amended_at(&mut rig, START + 10, 500);
    amended_at(&mut rig, START + 20, 600);
    assert_eq!(rig.open(Side::Buy), 600);
    amended_at(&mut rig, START + 10, 500);
    assert_eq!(rig.open(Side::Buy), 600, "it is older");
}

#[test]
fn a_question_that_fails_or_is_cut_off_changes_nothing() {
    let mut rig = rig();
    rig.buy(10_000, 100);
    rig.accept(1);
    rig.fill(1, 10_000, 100);
    rig.buy(9_990, 100);
    rig.accept(2);
    for fails in [true, false] {
        until_asked(&mut rig, Extent::Positions);
        let (nonce, _) = question(&rig).unwrap();
        // its beginning says that nothing is held
        rig.report(VenueReport::Position {
            nonce,
            instrument: InstrumentId(0),
            quantity: Quantity::ZERO,
        });
        if fails {
            rig.report(VenueReport::QueryFailed { nonce });
            rig.report(VenueReport::Reconciled { nonce });
        }
        assert_eq!(rig.position(), 100);
    }
    until_asked(&mut rig, Extent::Orders);
    let (nonce, _) = question(&rig).unwrap();
    rig.report(VenueReport::QueryFailed { nonce });
    assert_eq!(rig.status(2), Some(OrderStatus::Open));
    assert!(odd(&rig).is_empty() && rig.queries().is_empty());
}

#[test]
fn orders_in_flight_too_long_and_open_ones_that_are_not_listed_are_asked_for() {
    let mut rig = rig();
    rig.buy(9_990, 100);
    rig.buy(9_980, 100);
    rig.accept(2);
    rig.advance(6_000);
    until_asked(&mut rig, Extent::Orders);
    let asked = |rig: &Rig| rig.queries().iter().map(|query| query.2.0).collect::<Vec<_>>();
    assert_eq!(asked(&rig), [1], "no answer came in time");
    told(&mut rig, Vec::new());
    assert_eq!(asked(&rig), [1, 2], "it is not in the list");
    assert_eq!(rig.status(2), Some(OrderStatus::Open), "which proves nothing");
}

#[test]
fn a_position_that_drifts_is_taken_over_when_two_reads_agree_and_its_owner_only_reduces() {
    let run = || {
        let mut rig = rig();
        rig.buy(10_000, 100);
        rig.accept(1);
        rig.fill(1, 10_000, 100);
        until_asked(&mut rig, Extent::Positions);
        told(&mut rig, vec![position(0, 104)]); // less than a lot of 5
        assert_eq!(rig.position(), 100);
        // what differs is read again with all that happened: a fill may have been missed
        for (units, extent) in [(150, Extent::Positions), (160, Extent::All), (160, Extent::All)] {
            assert_eq!(rig.position(), 100, "reads that disagree are read again");
            until_asked(&mut rig, extent);
            told(&mut rig, vec![position(0, units)]);
        }
        assert_eq!(rig.position(), 160);
        assert_eq!(rig.engine.mode_of(ME), TradingMode::ReduceOnly);
        assert_eq!(odd(&rig).len(), 1);
        until_asked(&mut rig, Extent::Positions);
        told(&mut rig, vec![position(0, 160)]);
        assert_eq!(odd(&rig).len(), 1, "once");
        assert_restores(&rig);
        rig.effects.facts.iter().find_map(|stamped| match &stamped.fact {
            Fact::Adopted { id, quantity, .. } => Some((*id, quantity.units())),
            _ => None,
        })
    };
    assert_eq!(run(), run(), "the same finding is the same adjustment");
    assert_eq!(run().unwrap().1, 160);
}

/// A fill that the stream lost is told again before a difference counts: it is booked as what it
/// was.
#[test]
fn a_fill_that_was_missed_is_asked_for_before_a_position_is_taken_over() {
    let mut rig = rig();
    rig.buy(10_000, 200);
    rig.accept(1);
    rig.fill_as(1, 1, 10_000, 100);
    until_asked(&mut rig, Extent::Positions);
    told(&mut rig, vec![position(0, 200)]);
    until_asked(&mut rig, Extent::All);
    rig.fill_as(1, 2, 10_000, 100);
    told(&mut rig, vec![position(0, 200)]);
    assert_eq!((rig.position(), odd(&rig).len()), (200, 0));
    assert_eq!(rig.engine.mode_of(ME), TradingMode::Running);
}

/// What is asked for again begins where the venue was last asked, not at the newest fill that was
/// heard: one that came later proves nothing of those before it. A restart goes on from there.
#[test]
fn what_happened_is_asked_for_from_the_last_complete_answer_on() {
    let mut rig = rig();
    rig.buy(10_000, 200);
    rig.accept(1);
    rig.advance(600_000);
    rig.fill_as(1, 2, 10_000, 100);
    let since = |rig: &Rig| {
        let ask = |command: &VenueCommand| match command {
            VenueCommand::Reconcile { since, extent: Extent::All, .. } => Some(since.as_nanos()),
            _ => None,
        };
        rig.effects.commands.iter().rev().find_map(ask).unwrap()
    };
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    assert_eq!(since(&rig), START - 60_000_000_000, "a minute before the first answer");
    let facts = rig.effects.facts.clone();
    rig.engine = Engine::new(rig.engine.config().clone());
    rig.engine.restore(&facts);
    rig.report(VenueReport::Up);
    assert_eq!(since(&rig), START - 60_000_000_000);
    // an answer that was not complete is none
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    assert_eq!(since(&rig), START - 60_000_000_000);
}

/// Positions in what nobody trades block opening on their account, run after run, until an operator
/// says whose they are; then they are risk of the account and nobody's position.
#[test]
fn unknown_positions_block_their_account_until_they_are_ignored() {
    let mut rig = rig();
    let compare = |rig: &mut Rig, units: i64| {
        rig.report(VenueReport::Down);
        rig.report(VenueReport::Up);
        for _ in 0..4 {
            if !rig.engine.is_reconciled(AccountId(0)) {
                told(rig, vec![position(2, units)]);
            }
        }
    };
    for run in 1..=2 {
        compare(&mut rig, 70);
        assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::UnknownPositions));
        assert_eq!((rig.engine.mode_of(ME), odd(&rig).len()), (TradingMode::Running, run));
    }
    let now = HostTime::from_nanos(rig.now);
    let command = OperatorCommand::IgnoreOn { account: AccountId(0) };
    let input = Input::Operator { now, command, reason: "mine, by hand".into() };
    rig.engine.handle(input, &mut rig.effects);
    let foreign = |rig: &Rig| rig.engine.foreign(AccountId(0), InstrumentId(2)).0.units();
    assert_eq!(foreign(&rig), 70);
    compare(&mut rig, 70);
    assert_eq!((rig.buy(9_990, 100), odd(&rig).len()), (None, 2));
    rig.report(VenueReport::Canceled { wire: WireId(1), filled: Some(Quantity::ZERO) });
    compare(&mut rig, 80);
    assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::UnknownPositions));
    assert_eq!(foreign(&rig), 80);
    assert_restores(&rig);
}

#[test]
fn orders_of_others_are_reported_counted_and_left_alone() {
    let mut rig = rig();
    let foreign = || VenueReport::ForeignOrder {
        nonce: 0,
        order: VenueOrderId(900),
        instrument: InstrumentId(0),
        side: Side::Sell,
        price: Price::from_units(10_500),
        remaining: Quantity::from_units(40),
    };
    let sent = rig.effects.commands.len();
    for _ in 0..2 {
        until_asked(&mut rig, Extent::Orders);
        told(&mut rig, vec![foreign()]);
    }
    let of = Quantity::from_units;
    assert_eq!(rig.engine.foreign(AccountId(0), InstrumentId(0)), (of(0), of(0), of(40)));
    assert_eq!((odd(&rig).len(), rig.position(), rig.open(Side::Sell)), (1, 0, 0));
    let cancels = rig.effects.commands[sent..].iter();
    assert_eq!(cancels.filter(|c| matches!(c, VenueCommand::Cancel { .. })).count(), 0);
    until_asked(&mut rig, Extent::Orders);
    told(&mut rig, Vec::new());
    assert_eq!(rig.engine.foreign(AccountId(0), InstrumentId(0)), (of(0), of(0), of(0)));
}

/// What a venue said had filled is not taken back by its not knowing the order any more: after its
/// trades did not come either, it is inferred.
#[test]
fn what_was_said_to_have_filled_is_booked_though_the_order_is_not_found() {
    let mut rig = rig();
    rig.buy(10_060, 700);
    rig.report(VenueReport::Canceled { wire: WireId(1), filled: Some(Quantity::from_units(500)) });
    rig.advance(SETTLING_MS + 1);
    for _ in 0..40 {
        rig.wake_next();
        if let Some((account, nonce, wire, trades)) = rig.queries().last().copied() {
            rig.tell(
                account,
                match trades {
                    true => VenueReport::TradesTold { nonce, wire },
                    false => VenueReport::OrderState {
                        nonce: Some(nonce),
                        wire,
                        answer: QueryAnswer::NotFound,
                    },
                },
            );
        }
    }
    assert_eq!((rig.position(), rig.status(1)), (500, Some(OrderStatus::Canceled)));
    assert_restores(&rig);
}

/// A fill that a list of trades told late is the whole difference: nobody is to adopt it once more.
#[test]
fn a_difference_that_a_late_fill_explains_is_looked_at_again() {
    let mut rig = rig();
    rig.buy(10_000, 200);
    rig.accept(1);
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    let listed = |filled: i64| VenueReport::OpenOrder {
        nonce: 0,
        wire: WireId(1),
        order: VenueOrderId(1),
        instrument: InstrumentId(0),
        price: Price::from_units(10_000),
        quantity: Quantity::from_units(200),
        filled: Quantity::from_units(filled),
    };
    (0..3).for_each(|_| told(&mut rig, vec![listed(0), position(0, 100)]));
    assert!(!rig.engine.truth.unknown.is_empty());
    rig.fill_as(1, 1, 10_000, 100);
    told(&mut rig, vec![listed(100), position(0, 100)]);
    assert!(rig.engine.truth.unknown.is_empty());
    let now = HostTime::from_nanos(rig.now);
    let (command, reason) =
        (OperatorCommand::Adopt { strategy: ME, ignored: false }, "as told".into());
    rig.engine.handle(Input::Operator { now, command, reason }, &mut rig.effects);
    assert_eq!(rig.position(), 100);
}

/// What is somebody else's is part of the account's risk all the same.
#[test]
fn what_is_ignored_counts_in_the_limits_of_its_account() {
    let mut rig = rig();
    let most = dec("300");
    let mut config = rig.engine.config().clone();
    config.accounts[0].guards.gross_notional_max = Some(most);
    let facts = rig.effects.facts.clone();
    rig.engine = Engine::new(config);
    rig.engine.restore(&facts);
    rig.quote(0, 9_990, 10_010);
    rig.report(VenueReport::Up);
    told(&mut rig, Vec::new());
    assert_eq!(rig.buy(10_000, 1_000), None, "100 of 300");
    rig.engine.external.insert((AccountId(0), InstrumentId(0)), Quantity::from_units(-1_500));
    let denied = rig.buy(10_000, 600);
    assert!(matches!(denied, Some(RiskRejection::GrossAboveMax { .. })), "{denied:?}");
    assert_eq!(rig.buy(10_000, 400), None);
    // what is there and has no mark cannot be judged; what is not there any more needs none
    rig.engine.external.insert((AccountId(0), InstrumentId(2)), Quantity::from_units(5));
    assert_eq!(rig.buy(10_000, 60), Some(RiskRejection::NoMarket));
    rig.engine.external.insert((AccountId(0), InstrumentId(2)), Quantity::ZERO);
    assert_eq!(rig.buy(10_000, 60), None);
}

/// An order is over by the stream while its question is on its way, and the stream is lost: nothing
/// waits for that answer any more, or the account would never be compared again.
#[test]
fn a_question_about_what_is_over_dies_with_the_stream() {
    let mut rig = rig();
    for wire in [1, 2] {
        rig.buy(9_990, 100);
        rig.report(VenueReport::OutcomeUnknown { wire: WireId(wire) });
    }
    rig.report(VenueReport::Canceled { wire: WireId(1), filled: Some(Quantity::ZERO) });
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    told(&mut rig, Vec::new());
    rig.never_arrived();
    for _ in 0..20 {
        if rig.status(2).is_none() || rig.status(2) == Some(OrderStatus::Rejected) {
            break;
        }
        rig.wake_next();
        rig.never_arrived();
    }
    told(&mut rig, Vec::new());
    assert!(rig.engine.is_reconciled(AccountId(0)), "{:?}", rig.engine.truth.doubts);
}
