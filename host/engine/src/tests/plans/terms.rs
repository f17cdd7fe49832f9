//! Legs whose steps change between their orders.

use super::*;
use hedgerow_model::{ForcedKind, Terms};

impl Pair {
    fn lot(&mut self, leg: InstrumentId, lot: i64) {
        let lot = Quantity::from_units(lot);
        let spec = self.rig.engine.config.instrument(leg).unwrap();
        let terms = Terms { lot, min_quantity: lot, ..spec.terms() };
        self.report(leg, VenueReport::Terms { instrument: leg, terms });
    }

    fn tick(&mut self, leg: InstrumentId, tick: i64) {
        let spec = self.rig.engine.config.instrument(leg).unwrap();
        let terms = Terms { grid: PriceGrid::Tick(Price::from_units(tick)), ..spec.terms() };
        self.report(leg, VenueReport::Terms { instrument: leg, terms });
    }

    /// From the instruments as they were at first.
    fn restores_from(&self, instruments: Vec<Instrument>) {
        let mut config = self.rig.engine.config.clone();
        config.instruments = instruments;
        let mut again = Engine::new(config);
        again.restore(&self.rig.effects.facts);
        let of = |engine: &Engine| {
            let plans = engine.plans.pairs();
            plans
                .map(|(_, slot)| format!("{:?} {} {:?}", slot.phase, slot.plan.step, slot.result))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(&again), of(&self.rig.engine));
        assert_eq!(again.config.instruments, self.rig.engine.config.instruments);
    }
}

/// What cannot be completed in the lots of now is taken back in those of the other leg: legs are
/// level within the step that they were planned with, however coarse one has become.
#[test]
fn legs_are_not_level_because_a_lot_has_grown() {
    let mut pair = Pair::new();
    pair.open(&request());
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, sent[0].quantity);
    pair.lot(S, 100);
    pair.fill(sent[1], 600_299, sent[1].quantity - 60);
    pair.expire(sent[1]);
    pair.pass(200);
    let back = pair.sent();
    assert_eq!((back.len(), back[0].leg, back[0].quantity), (1, L, 60));
    pair.fill(back[0], 599_998, 60);
    assert_eq!(pair.result().outcome, PairOutcome::Balanced);
    assert_eq!(pair.result().residual, dec("0"));
    pair.restores_from(legs());
}

/// One leg is whole, and the other one cannot be sent any more.
#[test]
fn a_leg_alone_is_not_balanced_because_the_lot_of_the_other_has_grown() {
    let mut pair = Pair::new();
    pair.open(&request());
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, sent[0].quantity);
    pair.lot(S, sent[0].quantity * 2);
    pair.reject(sent[1]);
    pair.pass(200);
    let back = pair.sent();
    assert_eq!((back.len(), back[0].leg, back[0].quantity), (1, L, sent[0].quantity));
    pair.fill(back[0], 599_998, back[0].quantity);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
}

/// What is missing is sent in whole lots of now, at a price on the grid of now.
#[test]
fn what_completes_a_pair_fits_the_terms_of_now() {
    let mut pair = Pair::new();
    pair.open(&request());
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, sent[0].quantity);
    pair.lot(S, 50);
    pair.tick(S, 7);
    pair.fill(sent[1], 600_299, 105);
    pair.expire(sent[1]);
    let next = pair.sent();
    let missing = sent[0].quantity - 105;
    assert_eq!(next.len(), 1, "{next:?}");
    assert_eq!(next[0].quantity, missing - missing % 50);
    assert_eq!(next[0].price % 7, 0);
    pair.fill(next[0], 600_299, next[0].quantity);
    assert_eq!(pair.result().outcome, PairOutcome::Balanced);
    pair.restores_from(legs());
}

/// A position that is no whole number of lots any more: what can be closed is closed, and the plan
/// is over.
#[test]
fn less_than_a_lot_of_now_stays_when_a_pair_is_closed() {
    let mut pair = Pair::new();
    pair.open(&request());
    for sent in pair.sent() {
        pair.fill(sent, 600_000, sent.quantity);
    }
    let held = pair.held(L);
    let close = PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    let sent = pair.sent();
    let (buys, sells) = (sent[0], sent[1]);
    pair.lot(L, 1_000);
    pair.fill(sells, 600_000, 500);
    pair.expire(sells);
    pair.fill(buys, 600_300, buys.quantity);
    for _ in 0..4 {
        for again in pair.sent() {
            assert_eq!(again.quantity % 1_000, 0, "{again:?}");
            pair.fill(again, 600_000, again.quantity);
        }
        pair.pass(200);
    }
    let slot = pair.rig.engine.plans.pair(&(ME, 2)).unwrap();
    assert_eq!(slot.phase, PairPhase::Ended, "{slot:?}");
    assert!(!slot.is_stuck(), "{slot:?}");
    assert_eq!(pair.held(L), (held - 500) % 1_000);
}

/// Legs that were not equal when their close began: what is left of one alone is no less alone
/// because the parts that were closed differ by less than a step of now.
#[test]
fn a_leg_whose_orders_became_too_small_is_alone_however_little_the_other_was() {
    let mut pair = Pair::new();
    pair.open(&PairRequest { size: PairSize::Base(dec("0.1")), ..request() });
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 600_000 } else { 600_299 }, 1_000);
    }
    let (kind, trade, fee) = (ForcedKind::Deleveraging, TradeId(77), Fee::ZERO);
    let (side, price, quantity) =
        (Side::Sell, Price::from_units(600_000), Quantity::from_units(600));
    let instrument = L;
    pair.report(L, VenueReport::Forced { kind, trade, instrument, side, price, quantity, fee });
    assert_eq!((pair.held(L), pair.held(S)), (400, -1_000));
    let close = PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    let sent = pair.sent();
    let lot = Quantity::from_units(500);
    let spec = pair.rig.engine.config.instrument(S).unwrap();
    let terms = Terms { lot, min_quantity: Quantity::from_units(1_500), ..spec.terms() };
    pair.report(S, VenueReport::Terms { instrument: S, terms });
    for sent in sent {
        if sent.leg == L { pair.fill(sent, 599_998, 400) } else { pair.reject(sent) }
    }
    pair.pass(200);
    assert_eq!((pair.held(L), pair.held(S)), (0, -1_000));
    let slot = pair.rig.engine.plans.pair(&(ME, 2)).unwrap();
    assert!(slot.is_stuck(), "{slot:?}");
}
