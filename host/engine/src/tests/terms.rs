//! A tick, a lot or a minimum that changes while orders rest.

use super::*;
use crate::snapshot::tests::any_cut_is_the_whole;
use hedgerow_model::Terms;

/// A tick of 0.50 where it was 0.10, lots of 0.020 where they were 0.005.
fn coarser() -> Terms {
    Terms {
        grid: PriceGrid::Tick(Price::from_units(50)),
        lot: Quantity::from_units(20),
        min_quantity: Quantity::from_units(20),
        ..instrument(0).terms()
    }
}

fn change(rig: &mut Rig, terms: Terms) {
    rig.report(VenueReport::Terms { instrument: InstrumentId(0), terms });
}

/// How often the strategy was told of its instrument, and how it is as told last.
fn told(rig: &Rig) -> Vec<Terms> {
    let told = |delivery: &hedgerow_model::Delivery| match &delivery.what {
        Delivered::Event(Event::Instrument(spec)) => Some(spec.terms()),
        _ => None,
    };
    rig.effects.deliveries.iter().filter_map(told).collect()
}

#[test]
fn new_terms_judge_what_is_sent_from_then_on_and_leave_what_rests() {
    let mut rig = Rig::new();
    assert_eq!(rig.buy(9_980, 105), None);
    rig.accept(1);
    assert_eq!(rig.buy(9_970, 105), None);
    rig.accept(2);
    change(&mut rig, coarser());
    assert_eq!(told(&rig), [coarser()]);
    let price = RiskRejection::PriceOffGrid { price: Price::from_units(9_980) };
    assert_eq!(rig.buy(9_980, 100), Some(price));
    let (quantity, lot) = (Quantity::from_units(105), Quantity::from_units(20));
    assert_eq!(rig.buy(9_950, 105), Some(RiskRejection::QuantityOffGrid { quantity, lot }));
    assert_eq!(rig.buy(9_950, 100), None);
    // what rests fills in its own lots, and is canceled
    rig.fill(1, 9_980, 105);
    assert_eq!(rig.position(), 105);
    rig.want(vec![Intent::Cancel(2)]);
    assert_eq!(rig.status(2), Some(OrderStatus::PendingCancel));
    rig.report(VenueReport::Canceled { wire: WireId(2), filled: Some(Quantity::ZERO) });
    assert_eq!(rig.status(2), Some(OrderStatus::Canceled));
    any_cut_is_the_whole(&config(limits()), &rig.effects.facts);
}

#[test]
fn an_amendment_must_fit_the_new_terms() {
    let mut rig = Rig::new();
    assert_eq!(rig.buy(9_980, 100), None);
    rig.accept(1);
    change(&mut rig, coarser());
    let asked = |rig: &mut Rig, price| {
        let before = rig.effects.facts.len();
        let (price, quantity) = (Price::from_units(price), Quantity::from_units(100));
        rig.want(vec![Intent::Amend(Amend { order: 1, price, quantity })]);
        rig.effects.facts[before..].iter().any(|stamped| {
            matches!(&stamped.fact, Fact::Order { fact: OrderFact::AmendRequested(_), .. })
        })
    };
    assert!(!asked(&mut rig, 9_970));
    assert!(asked(&mut rig, 9_950));
}

#[test]
fn the_same_told_again_and_what_is_older_change_nothing() {
    let mut rig = Rig::new();
    let facts = |rig: &Rig| {
        let all = rig.effects.facts.iter();
        all.filter(|stamped| matches!(stamped.fact, Fact::Instrument(_))).count()
    };
    change(&mut rig, instrument(0).terms());
    assert_eq!((facts(&rig), told(&rig).len()), (0, 0));
    rig.advance(10);
    change(&mut rig, coarser());
    change(&mut rig, coarser());
    assert_eq!((facts(&rig), told(&rig).len()), (1, 1));
    // an answer that was on its way for longer
    rig.now -= 5_000_000;
    change(&mut rig, instrument(0).terms());
    assert_eq!((facts(&rig), told(&rig).len()), (1, 1));
}

#[test]
fn terms_that_cannot_be_are_told_and_not_taken() {
    let mut rig = Rig::new();
    for terms in [
        Terms { lot: Quantity::ZERO, ..coarser() },
        Terms { grid: PriceGrid::Tick(Price::ZERO), ..coarser() },
    ] {
        change(&mut rig, terms);
    }
    rig.report(VenueReport::Terms { instrument: InstrumentId(9), terms: coarser() });
    assert_eq!(rig.engine.config.instruments[0].terms(), instrument(0).terms());
    let odd = |stamped: &&hedgerow_model::Stamped| match &stamped.fact {
        Fact::Discrepancy { detail, .. } => detail.contains("terms"),
        _ => false,
    };
    assert_eq!(rig.effects.facts.iter().filter(odd).count(), 3);
    assert!(told(&rig).is_empty());
}

/// An instance begins with what the config says: one that is started later is told what changed
/// since.
#[test]
fn an_instance_that_is_started_later_is_told() {
    let mut rig = Rig::new();
    change(&mut rig, coarser());
    let facts = std::mem::take(&mut rig.effects).facts;
    let mut again = Rig::new();
    again.engine.restore(&facts);
    let now = HostTime::from_nanos(again.now);
    let input = Input::Start { now, strategy: ME, from_cut: false, fault: None };
    again.engine.handle(input, &mut again.effects);
    assert_eq!(told(&again), [coarser()]);
    let kinds = again.effects.deliveries.iter().map(|delivery| match &delivery.what {
        Delivered::Event(Event::Resumed(_)) => "resumed",
        Delivered::Event(Event::Instrument(_)) => "instrument",
        _ => "market",
    });
    let kinds: Vec<&str> = kinds.take(3).collect();
    assert_eq!(kinds, ["resumed", "instrument", "market"], "before anything is priced");
}

/// A config that was corrected is not contradicted by facts of before it.
#[test]
fn facts_change_terms_and_nothing_else() {
    let mut rig = Rig::new();
    change(&mut rig, coarser());
    let mut corrected = config(limits());
    corrected.instruments[0].symbol = "renamed".into();
    let mut engine = Engine::new(corrected);
    engine.restore(&rig.effects.facts);
    let spec = &engine.config.instruments[0];
    assert_eq!((spec.symbol.as_str(), spec.terms()), ("renamed", coarser()));
    let mut other = config(limits());
    other.instruments[0].multiplier = dec("10");
    let mut engine = Engine::new(other);
    engine.restore(&rig.effects.facts);
    let spec = &engine.config.instruments[0];
    assert_eq!((spec.multiplier, spec.terms()), (dec("10"), instrument(0).terms()));
}

/// A position that came in finer lots is compared in these, however coarse they are now.
#[test]
fn a_difference_is_one_from_the_finest_lot_on_that_there_was() {
    let mut rig = Rig::new();
    change(&mut rig, coarser());
    let differs = |rig: &Rig, units| {
        let positions = [(InstrumentId(0), Quantity::from_units(units))].into();
        !rig.engine.differing(AccountId(0), &positions).is_empty()
    };
    assert_eq!([4, 5].map(|units| differs(&rig, units)), [false, true]);
    change(&mut rig, Terms { lot: Quantity::from_units(40), ..coarser() });
    assert!(differs(&rig, 5));
    any_cut_is_the_whole(&config(limits()), &rig.effects.facts);
}
