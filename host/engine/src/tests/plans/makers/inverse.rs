//! A linear leg makes, an inverse one hedges: whole contracts at what they are worth.

use super::*;

#[test]
fn what_fills_is_hedged_in_whole_contracts_and_the_dust_is_told() {
    let mut instruments = legs();
    let inverse = &mut instruments[1];
    inverse.kind = InstrumentKind::InversePerpetual;
    inverse.settle = "B".into();
    inverse.multiplier = dec("100");
    inverse.quantity_scale = Scale::ZERO;
    inverse.lot = Quantity::from_units(1);
    inverse.min_quantity = Quantity::from_units(1);
    let mut pair = Pair::with(instruments, wide(), false);
    pair.quote(S, (612_000, 10_000), (612_002, 10_000));
    pair.open(&PairRequest { size: PairSize::Base(dec("0.2")), ..making() });
    let quote = pair.sent()[0];
    // 122 contracts of 100 are 0.19934 at 61 200: 199 lots of 0.001
    assert_eq!((quote.leg, quote.quantity), (L, 1_990));
    pair.accepted(quote);
    pair.fill(quote, 599_998, 10);
    assert_eq!(pair.sent(), [], "0.001 is 0.6 of a contract");
    pair.fill(quote, 599_998, 10);
    let hedge = pair.sent();
    assert_eq!((hedge[0].leg, hedge[0].quantity), (S, 1));
    pair.fill(hedge[0], 612_000, 1);
    pair.fill(quote, 599_998, 1_970);
    let last = pair.sent();
    assert_eq!(last[0].quantity, 120);
    pair.fill(last[0], 612_000, 120);
    let result = pair.result();
    assert_eq!(result.outcome, PairOutcome::Balanced);
    // 0.199 less 121 x 100 / 61 200, below a contract
    assert_eq!(result.residual.round_dp(6), dec("0.001288"));
    pair.assert_restores();
}
