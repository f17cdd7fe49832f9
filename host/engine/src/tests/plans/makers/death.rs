//! The host dies while a leg rests.

use super::*;

/// A venue's answer: these parts, then that it is all.
fn told(pair: &mut Pair, leg: InstrumentId, parts: &[VenueReport]) {
    pair.report(leg, VenueReport::Up);
    let commands = pair.rig.effects.commands.iter().rev();
    let asked = commands.filter_map(|command| match command {
        VenueCommand::Reconcile { account, nonce, .. } if account.0 == leg.0 => Some(*nonce),
        _ => None,
    });
    let nonce = asked.into_iter().next().unwrap();
    for part in parts {
        let mut part = part.clone();
        if let VenueReport::OpenOrder { nonce: of, .. } | VenueReport::Position { nonce: of, .. } =
            &mut part
        {
            *of = nonce;
        }
        pair.report(leg, part);
    }
    pair.report(leg, VenueReport::Reconciled { nonce });
}

/// The host dies while the leg rests; it fills meanwhile. What was filled is hedged first.
#[test]
fn it_goes_on_after_a_death_and_what_filled_meanwhile_is_hedged() {
    let mut pair = Pair::with(legs(), wide(), true);
    told(&mut pair, L, &[]);
    told(&mut pair, S, &[]);
    pair.open(&making());
    let quote = pair.sent()[0];
    pair.accepted(quote);
    let facts = pair.rig.effects.facts.clone();
    let mut again = Pair::with(legs(), wide(), true);
    again.rig.engine.restore(&facts);
    again.rig.now = START + 300_000_000;
    again.markets();
    assert_eq!((again.phase(), again.sent(), again.canceled.len()), (PairPhase::Making, vec![], 0));
    let units = Quantity::from_units;
    let fill = VenueReport::Fill {
        wire: WireId(quote.wire),
        trade: TradeId(77),
        instrument: L,
        price: Price::from_units(599_998),
        quantity: units(300),
        liquidity: Liquidity::Maker,
        fee: Fee::ZERO,
    };
    let open = VenueReport::OpenOrder {
        nonce: 0,
        wire: WireId(quote.wire),
        order: VenueOrderId(quote.wire),
        instrument: L,
        price: Price::from_units(599_998),
        quantity: units(1_660),
        filled: units(300),
    };
    let held = VenueReport::Position { nonce: 0, instrument: L, quantity: units(300) };
    told(&mut again, S, &[]);
    assert_eq!((again.sent(), again.canceled.len()), (vec![], 0), "whether it rests is not known");
    told(&mut again, L, &[fill, open, held]);
    let hedge = again.sent();
    assert_eq!((hedge[0].leg, hedge[0].side, hedge[0].quantity), (S, Side::Sell, 300));
    again.fill(hedge[0], 600_299, 300);
    assert_eq!((again.phase(), again.canceled.len()), (PairPhase::Making, 0));
    // with the hedge's venue out of reach it must not rest
    again.report(S, VenueReport::Down);
    again.quote(L, (599_998, 10_000), (600_000, 10_000));
    let pulled = Sent { quantity: 1_360, ..quote };
    assert!(again.pulled(pulled));
}
