//! A pair one leg of which is delivered: what is left of the other is its owner's, and guards see
//! it; a plan at work goes on with what there is.

use super::*;
use hedgerow_model::{Guard, GuardState};

const EXPIRY: u64 = START + 60_000_000_000;

/// S is a future; the leg alone trips after ten seconds.
fn pair() -> Pair {
    let mut instruments = legs();
    instruments[1].kind = InstrumentKind::LinearFuture { expiry: VenueTime::from_nanos(EXPIRY) };
    let mut pair = Pair::with(instruments, wide(), false);
    let mut config = pair.rig.engine.config().clone();
    config.strategies[0].guards.unhedged = Some((Duration::from_secs(10), GuardAction::ClosePair));
    config.host.reduction =
        Some(Reduction { slippage_bps: 5, hedge_bps: 10, emergency_bps: 50, deadline_ms: 2_000 });
    pair.rig.engine = Engine::new(config);
    pair.markets();
    pair
}

fn expire(pair: &mut Pair) {
    pair.pass(EXPIRY.saturating_sub(pair.rig.now) / 1_000_000);
}

fn deliver(pair: &mut Pair, price: i64, quantity: i64, fee: &str) {
    let report = VenueReport::Delivered {
        instrument: S,
        price: Price::from_units(price),
        quantity: Quantity::from_units(quantity),
        fee: Fee::in_settle(dec(fee)),
    };
    pair.report(S, report);
}

fn unhedged(pair: &Pair) -> Vec<bool> {
    let of = |stamped: &Stamped| match &stamped.fact {
        Fact::Guard { key, state, .. } if key.guard == Guard::Unhedged => {
            Some(*state != GuardState::AtRest)
        }
        _ => None,
    };
    pair.rig.effects.facts.iter().filter_map(of).collect()
}

/// Long 0.166 at 60 000, short at 60 030; the short is delivered at 60 100: its leg of the pair
/// loses 11.62, and the long leg is left.
#[test]
fn the_other_leg_of_a_pair_that_was_held_to_delivery_is_a_residual() {
    let mut pair = pair();
    pair.open(&request());
    for sent in pair.sent() {
        let price = if sent.side == Side::Buy { 600_000 } else { 600_300 };
        pair.fill(sent, price, sent.quantity);
    }
    expire(&mut pair);
    pair.pass(5_000);
    assert_eq!((pair.sent(), unhedged(&pair)), (vec![], vec![]), "nothing stands alone yet");
    deliver(&mut pair, 601_000, -1_660, "4.9883");
    assert_eq!((pair.held(L), pair.held(S)), (1_660, 0));
    assert_eq!(pair.result().outcome, PairOutcome::Balanced, "the plan did what it was asked for");
    assert_eq!(pair.sent(), [], "the owner sells the other leg");
    let record = pair.rig.engine.pairs.of(ME).next().unwrap().clone();
    let [long, short] = &record.legs;
    assert_eq!((record.closed, long.position.quantity.units()), (None, 1_660));
    assert_eq!(short.position.quantity, Quantity::ZERO);
    assert_eq!((short.position.realised, short.position.fees), (dec("-11.62"), dec("4.9883")));
    // nobody does: the guard sees it, and closes what is left by itself
    pair.pass(9_999);
    assert_eq!(unhedged(&pair), [false; 0]);
    pair.pass(1);
    assert_eq!(unhedged(&pair), [true]);
    let sent = pair.sent();
    let legs: Vec<_> = sent.iter().map(|s| (s.leg, s.side, s.quantity, s.reduce_only)).collect();
    assert_eq!(legs, [(L, Side::Sell, 1_660, true)]);
    pair.fill(sent[0], 600_990, 1_660);
    assert_eq!(unhedged(&pair), [true, false]);
    pair.assert_restores();
}

/// A close waits for the delivery of the leg that trades no more, and closes the other meanwhile.
#[test]
fn a_close_over_the_expiry_ends_with_the_delivery() {
    let mut pair = pair();
    pair.open(&request());
    for sent in pair.sent() {
        pair.fill(sent, 600_000, sent.quantity);
    }
    pair.rig.now = EXPIRY - 1_000_000;
    pair.markets();
    let request = PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
    assert_eq!(pair.ask_as(2, PairKind::Close, &request), None);
    let sent = pair.sent();
    pair.rig.now = EXPIRY;
    pair.markets();
    for sent in sent {
        match sent.leg {
            S => pair.expire(sent),
            _ => {
                pair.fill(sent, 600_000, 660);
                pair.expire(sent);
            }
        }
    }
    let rest = pair.sent();
    let legs: Vec<_> = rest.iter().map(|s| (s.leg, s.side, s.quantity)).collect();
    assert_eq!(legs, [(L, Side::Sell, 1_000)], "only what trades");
    pair.fill(rest[0], 600_000, 1_000);
    pair.pass(60_000);
    assert_eq!(pair.sent(), []);
    let of = |pair: &Pair| {
        let slot = pair.rig.engine.plans.pair(&(ME, 2)).unwrap();
        (slot.phase, slot.result.clone().map(|result| result.outcome))
    };
    assert_eq!(of(&pair).1, None, "it waits");
    pair.assert_restores();
    deliver(&mut pair, 601_000, -1_660, "0");
    assert_eq!(of(&pair), (PairPhase::Ended, Some(PairOutcome::Flat)));
    pair.assert_restores();
}

/// An open over the expiry: the leg that was delivered is gone, the other is taken back.
#[test]
fn an_open_over_the_expiry_takes_the_other_leg_back() {
    let mut pair = pair();
    pair.rig.now = EXPIRY - 1_000_000;
    pair.markets();
    pair.open(&request());
    let [long, short] = pair.sent()[..] else { panic!() };
    pair.fill(short, 600_300, 1_660);
    pair.rig.now = EXPIRY;
    pair.markets();
    pair.report(L, VenueReport::OutcomeUnknown { wire: WireId(long.wire) });
    deliver(&mut pair, 601_000, -1_660, "0");
    assert_eq!((pair.held(S), pair.sent()), (0, vec![]), "what the other did is not known");
    pair.fill(long, 600_000, 1_000);
    pair.expire(long);
    let back = pair.sent();
    let legs: Vec<_> = back.iter().map(|s| (s.leg, s.side, s.quantity, s.reduce_only)).collect();
    assert_eq!(legs.last(), Some(&(L, Side::Sell, 1_000, true)), "{legs:?}");
    pair.fill(*back.last().unwrap(), 600_000, 1_000);
    let result = pair.result();
    assert_eq!(result.outcome, PairOutcome::Flat);
    assert_eq!(result.legs[1].taken_back, Some(dec("60100")));
    assert_eq!((pair.held(L), pair.held(S)), (0, 0));
    pair.assert_restores();
}
