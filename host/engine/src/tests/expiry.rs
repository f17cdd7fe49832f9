//! A dated contract at its end: delivered once, at the venue's price, whoever tells it and however
//! often; what is awaited is not missed.

use super::*;
use crate::snapshot::tests::any_cut_is_the_whole;
use hedgerow_model::OpaqueMessage;

const X: InstrumentId = InstrumentId(0);
const EXPIRY: u64 = START + 60_000_000_000;

fn dated(kind: fn(VenueTime) -> InstrumentKind, reconcile: bool) -> Rig {
    let mut limits = limits();
    let most = dec("1000000");
    (limits.order_notional_max, limits.position_notional_max) = (most, most);
    (limits.gross_notional_max, limits.loss_max, limits.drawdown_max) = (most, most, most);
    let mut config = config(limits);
    config.instruments[0].kind = kind(VenueTime::from_nanos(EXPIRY));
    if config.instruments[0].kind.is_inverse() {
        config.instruments[0].settle = "B".into();
        config.instruments[0].multiplier = dec("100");
        config.instruments[0].quantity_scale = Scale::ZERO;
        config.instruments[0].lot = Quantity::from_units(1);
        config.instruments[0].min_quantity = Quantity::from_units(1);
        config.instruments[0].grid = PriceGrid::Tick(Price::from_units(1));
    }
    config.accounts[0].reconcile = reconcile;
    Rig::over(config)
}

fn linear() -> Rig {
    dated(|expiry| InstrumentKind::LinearFuture { expiry }, false)
}

fn delivered(price: i64, quantity: i64, fee: &str) -> VenueReport {
    VenueReport::Delivered {
        instrument: X,
        price: Price::from_units(price),
        quantity: Quantity::from_units(quantity),
        fee: Fee::in_settle(dec(fee)),
    }
}

fn expire(rig: &mut Rig) {
    rig.now = EXPIRY;
    rig.engine.handle(Input::Wake(HostTime::from_nanos(rig.now)), &mut rig.effects);
}

fn ledger(engine: &Engine) -> hedgerow_model::Position {
    engine.strategies[0].holdings[0].position.clone()
}

fn again(rig: &Rig) -> Engine {
    let mut engine = Engine::new(rig.engine.config().clone());
    engine.restore(&rig.effects.facts);
    engine
}

fn odd(rig: &Rig) -> Vec<String> {
    let odd = |stamped: &Stamped| match &stamped.fact {
        Fact::Discrepancy { detail, .. } => Some(detail.clone()),
        _ => None,
    };
    rig.effects.facts.iter().filter_map(odd).collect()
}

fn booked(rig: &Rig) -> usize {
    let is = |stamped: &&Stamped| matches!(stamped.fact, Fact::Delivered { .. });
    rig.effects.facts.iter().filter(is).count()
}

/// 2 bought at 100, delivered at 104.50: 9 earned, 0.05 % of 209 paid.
#[test]
fn a_linear_future_is_closed_at_its_delivery_price_once() {
    let mut rig = linear();
    assert_eq!(rig.buy(10_000, 2_000), None);
    rig.fill(1, 10_000, 2_000);
    expire(&mut rig);
    assert_eq!(rig.sell(10_000, 1_000), Some(RiskRejection::Expired), "it trades no more");
    rig.advance(50);
    rig.report(delivered(10_450, 2_000, "0.1045"));
    let position = ledger(&rig.engine);
    assert_eq!((position.quantity, position.cost), (Quantity::ZERO, Decimal::ZERO));
    assert_eq!((position.realised, position.fees), (dec("9"), dec("0.1045")));
    let form = rig.engine.exposure.form_of(Scope::Strategy(ME)).unwrap();
    let profit = rig.engine.exposure.profit(form, |_| None).unwrap().unwrap();
    assert_eq!(rig.engine.exposure.money(profit), Some(dec("8.8955")), "no mark moves it");
    // told again: by the stream, and by an answer later
    rig.report(delivered(10_450, 2_000, "0.1045"));
    rig.advance(60_000);
    rig.report(delivered(10_450, 2_000, "0.1045"));
    assert_eq!((ledger(&rig.engine), booked(&rig)), (position.clone(), 1));
    assert_eq!(ledger(&again(&rig)), position);
    let engine = again(&rig);
    (rig.engine, rig.now) = (engine, rig.now + 1);
    rig.report(delivered(10_450, 2_000, "0.1045"));
    assert_eq!(ledger(&rig.engine), position, "after a restart too");
    assert_eq!(odd(&rig), [""; 0]);
    any_cut_is_the_whole(rig.engine.config(), &rig.effects.facts);
}

/// Vector C4 held to delivery: short 120 x 100 from 61 200, delivered at 63 000.
#[test]
fn an_inverse_future_is_closed_in_its_coin() {
    let mut rig = dated(|expiry| InstrumentKind::InverseFuture { expiry }, false);
    rig.quote(0, 6_119_900, 6_120_100);
    assert_eq!(rig.sell(6_120_000, 120), None);
    rig.fill(1, 6_120_000, 120);
    expire(&mut rig);
    rig.report(delivered(6_300_000, -120, "0.00009523809524"));
    let position = ledger(&rig.engine);
    assert_eq!(position.quantity, Quantity::ZERO);
    assert_eq!(position.realised.round_dp(8), dec("-0.00560224"));
    // 120 x 100 / 63 000 x 0.05 %
    assert_eq!(position.fees, dec("0.00009523809524"));
    let earned = &rig.engine.strategies[0].holdings[0].earned.assets["B"];
    assert_eq!((earned.price, earned.fees), (position.realised, position.fees));
    assert_eq!(ledger(&again(&rig)), position);
}

#[test]
fn the_strategy_is_told_what_became_of_its_position() {
    let mut rig = linear();
    assert_eq!(rig.buy(10_000, 2_000), None);
    rig.fill(1, 10_000, 2_000);
    expire(&mut rig);
    rig.effects.deliveries.clear();
    rig.report(delivered(10_450, 2_000, "0.1045"));
    let told = rig.effects.deliveries.iter().map(|told| &told.what).collect::<Vec<_>>();
    let [Delivered::Event(Event::Position(position)), Delivered::Event(Event::Other(other))] =
        told.as_slice()
    else {
        panic!("{told:?}")
    };
    assert_eq!((position.instrument, position.quantity), (X, Quantity::ZERO));
    let OpaqueMessage { code, json } = other;
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let expected = serde_json::json!({
        "instrument": 0, "price": "104.5", "quantity": "2", "realised": "9", "fee": "0.1045",
    });
    assert_eq!((*code, json), (1_003, expected));
}

/// A fill that happened before the expiry is told after the delivery: the venue delivered it too.
#[test]
fn a_fill_that_comes_late_is_closed_at_the_same_price() {
    let mut rig = linear();
    assert_eq!(rig.buy(10_000, 2_000), None);
    rig.fill(1, 10_000, 1_500);
    expire(&mut rig);
    rig.report(delivered(10_450, 2_000, "0.1045"));
    assert_eq!(ledger(&rig.engine).quantity, Quantity::ZERO);
    assert_eq!(odd(&rig).len(), 1, "{:?}", odd(&rig));
    rig.fill(1, 10_000, 500);
    let position = ledger(&rig.engine);
    assert_eq!(position.quantity, Quantity::ZERO);
    assert_eq!((position.realised, position.fees), (dec("9"), dec("0.1045")));
    assert_eq!(ledger(&again(&rig)), position);
    any_cut_is_the_whole(rig.engine.config(), &rig.effects.facts);
}

fn answer(rig: &mut Rig, reports: Vec<VenueReport>) {
    for _ in 0..4 {
        let ask = |command: &VenueCommand| match command {
            VenueCommand::Reconcile { nonce, .. } => Some(*nonce),
            _ => None,
        };
        let nonce = rig.effects.commands.iter().rev().find_map(ask).expect("nothing was asked");
        for mut report in reports.clone() {
            if let VenueReport::Position { nonce: of, .. } = &mut report {
                *of = nonce;
            }
            rig.report(report);
        }
        rig.report(VenueReport::Reconciled { nonce });
        rig.wait_to_ask();
    }
}

fn held_over_expiry() -> Rig {
    let mut rig = dated(|expiry| InstrumentKind::LinearFuture { expiry }, true);
    rig.report(VenueReport::Up);
    answer(&mut rig, Vec::new());
    assert_eq!(rig.buy(10_000, 2_000), None);
    rig.fill(1, 10_000, 2_000);
    expire(&mut rig);
    rig.report(VenueReport::Down);
    rig.advance(1_000);
    rig.report(VenueReport::Up);
    rig
}

/// The venue has no position any more and has not told why: that is no difference, and its answer
/// later is the delivery.
#[test]
fn a_delivery_that_is_awaited_is_no_missing_position() {
    let mut rig = held_over_expiry();
    answer(&mut rig, Vec::new());
    assert_eq!((odd(&rig), rig.position()), (Vec::new(), 2_000));
    assert!(rig.engine.is_reconciled(AccountId(0)));
    assert!(!rig.engine.has_unknown_positions(AccountId(0)));
    // the host dies between
    let engine = again(&rig);
    rig.engine = engine;
    rig.report(VenueReport::Up);
    answer(&mut rig, vec![delivered(10_450, 2_000, "0.1045")]);
    assert_eq!((odd(&rig), rig.position(), booked(&rig)), (Vec::new(), 0, 1));
    assert_eq!(ledger(&rig.engine).realised, dec("9"));
}

/// What never comes is somebody's business after all, an hour after the expiry.
#[test]
fn a_delivery_that_never_comes_is_a_difference_in_the_end() {
    let mut rig = held_over_expiry();
    rig.now = EXPIRY + 3_600_000_000_000;
    answer(&mut rig, Vec::new());
    assert_eq!(odd(&rig).len(), 1, "{:?}", odd(&rig));
    assert!(rig.engine.has_unknown_positions(AccountId(0)));
    // it comes: nothing is unknown any more
    rig.report(delivered(10_450, 2_000, "0.1045"));
    assert!(!rig.engine.has_unknown_positions(AccountId(0)));
    assert_eq!((rig.position(), ledger(&rig.engine).realised), (0, dec("9")));
}

/// What an operator said is somebody else's goes with the rest, at its own share of the fee.
#[test]
fn what_is_not_ours_is_delivered_and_not_booked() {
    let mut rig = held_over_expiry();
    let (account, quantity) = (AccountId(0), Quantity::from_units(6_000));
    let fact = Fact::Ignored { account, instrument: X, quantity };
    let now = HostTime::from_nanos(rig.now);
    rig.engine.handle(Input::Note { now, fact: Box::new(fact) }, &mut rig.effects);
    rig.report(delivered(10_450, 8_000, "0.418"));
    let position = ledger(&rig.engine);
    assert_eq!((position.quantity, position.realised), (Quantity::ZERO, dec("9")));
    assert_eq!(position.fees, dec("0.1045"));
    answer(&mut rig, Vec::new());
    assert_eq!(odd(&rig), [""; 0]);
    assert!(!rig.engine.has_unknown_positions(AccountId(0)));
}

#[test]
fn a_delivery_that_cannot_be_is_only_told() {
    let mut rig = linear();
    assert_eq!(rig.buy(10_000, 2_000), None);
    rig.fill(1, 10_000, 2_000);
    rig.report(delivered(0, 2_000, "0"));
    assert_eq!((rig.position(), odd(&rig).len()), (2_000, 1));
}
