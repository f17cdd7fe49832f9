//! What somebody else holds on our account: its part of what the venue does is never the
//! strategy's.

use super::truth::{odd, position, question, rig, told, until_asked};
use super::*;
use hedgerow_model::{Extent, ForcedKind, Scope};

fn operator(rig: &mut Rig, command: OperatorCommand) {
    let now = HostTime::from_nanos(rig.now);
    let input = Input::Operator { now, command, reason: "looked at the venue".into() };
    rig.engine.handle(input, &mut rig.effects);
}

fn resume(rig: &mut Rig) {
    let mode = TradingMode::Running;
    operator(rig, OperatorCommand::SetMode { scope: Scope::Strategy(ME), mode });
}

/// A rig whose strategy holds `ours`, and somebody else the rest of what the venue has.
fn shared(ours: i64, theirs: i64) -> Rig {
    let mut rig = rig();
    if ours > 0 {
        rig.buy(10_000, ours);
        rig.accept(1);
        rig.fill(1, 10_000, ours);
    }
    rig.report(VenueReport::Up);
    for _ in 0..3 {
        if rig.engine.is_reconciled(AccountId(0)) {
            break;
        }
        told(&mut rig, vec![position(0, ours + theirs)]);
    }
    assert!(rig.engine.has_unknown_positions(AccountId(0)));
    operator(&mut rig, OperatorCommand::Ignore { strategy: ME });
    resume(&mut rig);
    assert_eq!((rig.position(), held(&rig)), (ours, theirs));
    rig
}

fn held(rig: &Rig) -> i64 {
    rig.engine.foreign(AccountId(0), InstrumentId(0)).0.units()
}

/// How often positions were asked for, alone or with everything.
fn asked(rig: &Rig) -> usize {
    let ask = |command: &&VenueCommand| match command {
        VenueCommand::Reconcile { extent, .. } => *extent != Extent::Orders,
        _ => false,
    };
    rig.effects.commands.iter().filter(ask).count()
}

/// Lets time pass until positions are asked for; what is asked of orders fails.
fn until_read(rig: &mut Rig) {
    let before = asked(rig);
    for _ in 0..200 {
        rig.wake_next();
        if asked(rig) > before {
            return;
        }
        if let Some((nonce, _)) = question(rig) {
            rig.report(VenueReport::QueryFailed { nonce });
        }
    }
    panic!("positions are never asked for");
}

fn read(rig: &mut Rig, units: i64) {
    for _ in 0..2 {
        until_read(rig);
        told(rig, vec![position(0, units)]);
    }
}

fn restored(rig: &Rig) {
    let mut again = Engine::new(rig.engine.config().clone());
    again.restore(&rig.effects.facts);
    let of = |engine: &Engine| {
        let holding = &engine.strategies[0].holdings[0];
        let foreign = engine.held_by_others(AccountId(0), InstrumentId(0));
        (holding.position.clone(), foreign, engine.unowned.clone())
    };
    assert_eq!(of(&again), of(&rig.engine));
}

/// They close by hand what an operator said is theirs: nothing of it becomes ours, and what is then
/// sent is no reduction.
#[test]
fn what_others_close_is_not_taken_over() {
    let mut rig = shared(0, 1_000);
    read(&mut rig, 0);
    assert_eq!(rig.position(), 0);
    assert!(!rig.effects.facts.iter().any(|s| matches!(s.fact, Fact::Adopted { .. })));
    assert!(rig.engine.has_unknown_positions(AccountId(0)), "an operator says whose it is");
    rig.quote(0, 9_990, 10_010);
    assert_eq!(rig.buy(9_990, 100).map(|reason| reason.code()), Some(16));
    resume(&mut rig);
    assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::UnknownPositions));
    operator(&mut rig, OperatorCommand::Ignore { strategy: ME });
    resume(&mut rig);
    assert_eq!((held(&rig), rig.buy(9_990, 100)), (0, None));
}

/// What was ignored is said in the status, and adopting takes it over after all.
#[test]
fn what_was_ignored_can_still_be_adopted() {
    let mut rig = shared(200, 1_000);
    let said = |rig: &Rig| {
        let all = rig.engine.conditions().into_iter();
        all.filter(|line| line.contains("somebody else's")).collect::<Vec<_>>()
    };
    assert_eq!(said(&rig).len(), 1, "{:?}", rig.engine.conditions());
    rig.quote(0, 9_990, 10_010);
    operator(&mut rig, OperatorCommand::Adopt { strategy: ME, ignored: false });
    assert_eq!((rig.position(), held(&rig)), (200, 1_000), "nothing differs");
    // not before the venue has told what there is
    rig.report(VenueReport::Down);
    operator(&mut rig, OperatorCommand::Adopt { strategy: ME, ignored: true });
    assert_eq!((rig.position(), held(&rig)), (200, 1_000));
    rig.report(VenueReport::Up);
    for _ in 0..3 {
        told(&mut rig, vec![position(0, 1_200)]);
    }
    rig.quote(0, 9_990, 10_010);
    operator(&mut rig, OperatorCommand::Adopt { strategy: ME, ignored: true });
    assert_eq!((rig.position(), held(&rig)), (1_200, 0));
    assert_eq!(said(&rig), Vec::<String>::new());
    read(&mut rig, 1_200);
    assert!(!rig.engine.has_unknown_positions(AccountId(0)));
    restored(&rig);
    // there is nothing more, and whoever asks is told so
    operator(&mut rig, OperatorCommand::Adopt { strategy: ME, ignored: true });
    assert_eq!(rig.position(), 1_200);
    let nothing = |stamped: &Stamped| {
        matches!(&stamped.fact,
        Fact::Operator { command, .. } if command.contains("nothing to adopt"))
    };
    assert!(rig.effects.facts.iter().any(nothing));
}

/// To take over what was ignored says nothing of what differs besides: that stays nobody's, and
/// nothing opens.
#[test]
fn what_differs_besides_what_was_ignored_stays_nobodys() {
    let mut rig = shared(200, 1_000);
    rig.quote(0, 9_990, 10_010);
    rig.report(VenueReport::Down);
    rig.report(VenueReport::Up);
    for _ in 0..3 {
        told(&mut rig, vec![position(0, 1_500)]);
    }
    assert!(rig.engine.has_unknown_positions(AccountId(0)));
    operator(&mut rig, OperatorCommand::Adopt { strategy: ME, ignored: true });
    assert_eq!((rig.position(), held(&rig)), (1_200, 300));
    assert!(rig.engine.has_unknown_positions(AccountId(0)));
    resume(&mut rig);
    rig.quote(0, 9_990, 10_010);
    assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::UnknownPositions));
    operator(&mut rig, OperatorCommand::Adopt { strategy: ME, ignored: false });
    assert_eq!((rig.position(), held(&rig)), (1_500, 0));
}

/// A position that is nobody's goes before anybody has said whose it is: then there is nothing to
/// say, and a word that comes after it does not make it up.
#[test]
fn a_difference_that_goes_by_itself_is_no_difference() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    for _ in 0..3 {
        told(&mut rig, vec![position(0, 500)]);
    }
    assert!(rig.engine.has_unknown_positions(AccountId(0)));
    // the same again is not told again
    let before = odd(&rig).len();
    until_asked(&mut rig, Extent::Positions);
    told(&mut rig, vec![position(0, 500)]);
    assert_eq!(odd(&rig).len(), before);
    read(&mut rig, 0);
    assert!(!rig.engine.has_unknown_positions(AccountId(0)));
    operator(&mut rig, OperatorCommand::Ignore { strategy: ME });
    resume(&mut rig);
    rig.quote(0, 9_990, 10_010);
    assert_eq!((held(&rig), rig.buy(9_990, 100)), (0, None));
}

/// It has grown since it was found: what is taken over is what there is.
#[test]
fn a_difference_that_moves_is_known_as_it_is() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    for _ in 0..3 {
        told(&mut rig, vec![position(0, 500)]);
    }
    read(&mut rig, 300);
    assert_eq!((held(&rig), rig.position()), (300, 0));
    rig.quote(0, 9_990, 10_010);
    operator(&mut rig, OperatorCommand::Adopt { strategy: ME, ignored: false });
    assert_eq!((held(&rig), rig.position()), (0, 300));
}

fn forced(trade: u64, side: Side, quantity: i64, fee: &str) -> VenueReport {
    VenueReport::Forced {
        kind: ForcedKind::Liquidation,
        trade: TradeId(trade),
        instrument: InstrumentId(0),
        side,
        price: Price::from_units(9_500),
        quantity: Quantity::from_units(quantity),
        fee: Fee::in_settle(dec(fee)),
    }
}

#[test]
fn a_liquidation_closes_both_in_proportion() {
    let mut rig = shared(100, 300);
    rig.report(forced(7, Side::Sell, 200, "4"));
    assert_eq!((rig.position(), held(&rig)), (50, 150));
    assert_eq!(rig.engine.strategies[0].holdings[0].position.fees, dec("1"));
    rig.report(forced(7, Side::Sell, 200, "4"));
    assert_eq!((rig.position(), held(&rig)), (50, 150), "told again, booked once");
    rig.report(forced(8, Side::Sell, 200, "0"));
    assert_eq!((rig.position(), held(&rig)), (0, 0));
    restored(&rig);
}

#[test]
fn a_liquidation_of_what_is_theirs_alone_is_not_booked() {
    let mut rig = shared(0, 300);
    let before = odd(&rig).len();
    rig.report(forced(7, Side::Sell, 300, "4"));
    assert_eq!((rig.position(), odd(&rig).len()), (0, before + 1));
    assert_eq!(rig.engine.modes.of(Scope::Account(AccountId(0))), TradingMode::ReduceOnly);
    // of opposite signs the one that the trade closes
    let mut rig = shared(300, -100);
    rig.report(forced(8, Side::Sell, 200, "4"));
    assert_eq!((rig.position(), held(&rig)), (100, -100));
    restored(&rig);
}

#[test]
fn funding_is_paid_to_each_for_what_it_holds() {
    let paid = |ours, theirs, amount: &str| {
        let mut rig = shared(ours, theirs);
        let settlement = VenueTime::from_nanos(rig.now + 1_000);
        let (instrument, amount) = (InstrumentId(0), dec(amount));
        rig.report(VenueReport::FundingPayment { instrument, settlement, amount });
        restored(&rig);
        let told = rig.effects.deliveries.iter().find_map(|told| match &told.what {
            Delivered::Event(Event::FundingPayment(notice)) => Some(notice.amount),
            _ => None,
        });
        let own = rig.engine.strategies[0].holdings[0].position.funding;
        assert_eq!(told, Some(own), "the strategy hears of its own");
        own
    };
    assert_eq!(paid(100, 300, "-4"), dec("-1"));
    assert_eq!(paid(0, 300, "-4"), dec("0"));
    // of different sides the parts may be far more than the whole: booked whole, and told
    assert_eq!(paid(100, -50, "-4"), dec("-4"));
}

/// Whoever has traded since the settlement does not hold what it held then.
#[test]
fn funding_is_not_split_by_a_position_of_later() {
    let mut rig = shared(100, 300);
    let settlement = VenueTime::from_nanos(rig.now);
    rig.advance(1_000);
    rig.quote(0, 9_990, 10_010);
    assert_eq!(rig.sell(9_990, 100), None);
    let wire = rig.last_wire().0;
    rig.accept(wire);
    rig.fill(wire, 9_990, 100);
    let (instrument, amount, before) = (InstrumentId(0), dec("-4"), odd(&rig).len());
    rig.report(VenueReport::FundingPayment { instrument, settlement, amount });
    assert_eq!(rig.engine.strategies[0].holdings[0].position.funding, dec("-4"));
    assert_eq!(odd(&rig).len(), before + 1);
    restored(&rig);
}

/// An account has a past: what it was paid for before anything of ours was on it is not ours, also
/// when the position is adopted later. What was held at a settlement is, however late it is told.
#[test]
fn funding_of_what_was_never_ours_is_not_booked_to_the_strategy() {
    let mut rig = rig();
    let instrument = InstrumentId(0);
    let pay = |rig: &mut Rig, settlement: u64, amount: &str| {
        let (settlement, amount) = (VenueTime::from_nanos(settlement), dec(amount));
        rig.report(VenueReport::FundingPayment { instrument, settlement, amount });
        restored(rig);
        rig.engine.strategies[0].holdings[0].position.funding
    };
    let foreign = |rig: &Rig| {
        let all = odd(rig).into_iter();
        all.filter(|line| line.contains("nobody here has ever held")).count()
    };
    rig.report(VenueReport::Up);
    let past = rig.now;
    for hour in 1..4 {
        assert_eq!(pay(&mut rig, past + hour, "-4"), dec("0"));
        assert_eq!(foreign(&rig), 1, "it is said once");
    }
    // another instrument is another position, and one that nobody trades is nobody's
    let (settlement, amount) = (VenueTime::from_nanos(past), dec("-4"));
    rig.report(VenueReport::FundingPayment { instrument: InstrumentId(2), settlement, amount });
    assert_eq!(foreign(&rig), 2);
    for _ in 0..3 {
        told(&mut rig, vec![position(0, 500)]);
    }
    rig.quote(0, 9_990, 10_010);
    operator(&mut rig, OperatorCommand::Adopt { strategy: ME, ignored: false });
    resume(&mut rig);
    assert_eq!((rig.position(), pay(&mut rig, past + 9, "-5")), (500, dec("-5")));
    // flat again, and told late of when it was not
    rig.quote(0, 9_990, 10_010);
    assert_eq!(rig.sell(9_990, 500), None);
    let wire = rig.last_wire().0;
    rig.accept(wire);
    rig.advance(1);
    rig.fill(wire, 9_990, 500);
    assert_eq!((rig.position(), pay(&mut rig, past + 10, "-6")), (0, dec("-11")));
    assert_eq!(foreign(&rig), 2);
}

/// An order of which nothing is known may have filled before the settlement.
#[test]
fn funding_while_an_order_is_out_is_the_strategys() {
    let mut rig = rig();
    assert_eq!(rig.buy(10_000, 100), None);
    let (instrument, settlement) = (InstrumentId(0), VenueTime::from_nanos(rig.now));
    rig.report(VenueReport::FundingPayment { instrument, settlement, amount: dec("-4") });
    assert_eq!(rig.engine.strategies[0].holdings[0].position.funding, dec("-4"));
}

/// One list that lags is not the end of a position that nobody has claimed.
#[test]
fn one_read_without_it_does_not_clear_what_nobody_claimed() {
    let mut rig = rig();
    rig.report(VenueReport::Up);
    for _ in 0..3 {
        told(&mut rig, vec![position(0, 500)]);
    }
    for units in [0, 500, 500, 0, 500] {
        until_read(&mut rig);
        told(&mut rig, vec![position(0, units)]);
        assert!(rig.engine.has_unknown_positions(AccountId(0)), "{units}");
    }
    assert!(!rig.effects.facts.iter().any(|s| matches!(s.fact, Fact::Adopted { .. })));
}

/// What others do with theirs makes nobody ask without pause.
#[test]
fn what_others_hold_is_read_at_the_usual_pace() {
    let mut rig = shared(0, 1_000);
    let (before, end) = (asked(&rig), rig.now + 600_000_000_000);
    let mut units = 1_000;
    while rig.now < end {
        rig.wake_next();
        if rig.effects.commands.last().is_some_and(|c| matches!(c, VenueCommand::Reconcile { .. }))
        {
            units += 100;
            told(&mut rig, vec![position(0, units)]);
        }
    }
    assert!(asked(&rig) - before <= 11, "{}", asked(&rig) - before);
}
