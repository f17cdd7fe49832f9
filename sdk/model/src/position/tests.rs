//! Positions: what fills, fees and payments make of them.

use super::*;
use crate::*;
use proptest::prelude::*;

fn contract(inverse: bool) -> Instrument {
    Instrument {
        id: InstrumentId(0),
        venue: VenueId(0),
        symbol: "X".into(),
        kind: if inverse {
            InstrumentKind::InversePerpetual
        } else {
            InstrumentKind::LinearPerpetual
        },
        base: "B".into(),
        quote: "Q".into(),
        settle: if inverse { "B" } else { "Q" }.into(),
        price_scale: Scale::new(1).unwrap(),
        quantity_scale: Scale::new(if inverse { 0 } else { 3 }).unwrap(),
        grid: PriceGrid::Tick(Price::from_units(1)),
        lot: Quantity::from_units(1),
        min_quantity: Quantity::from_units(1),
        max_quantity: None,
        min_notional: None,
        band: None,
        multiplier: Decimal::from(if inverse { 100 } else { 1 }),
        sequence: SequenceRule::Snapshots,
    }
}

proptest! {
    /// Whatever the order of fills: quantity is their sum, and when flat all profit is the
    /// difference of values bought and sold.
    #[test]
    fn a_closed_position_earned_what_was_sold_less_what_was_bought(
        inverse: bool,
        fills in prop::collection::vec(
            (any::<bool>(), 1_000_i64..2_000_000, 1_i64..5_000), 1..40,
        ),
    ) {
        let i = contract(inverse);
        let mut position = Position::default();
        let mut value = Decimal::ZERO;
        let mut net = 0_i64;
        let mut book = |position: &mut Position, side: Side, price: i64, quantity: i64| {
            let (price, quantity) = (Price::from_units(price), Quantity::from_units(quantity));
            position.book(&i, side, price, quantity, Fee::ZERO).unwrap();
            net += side.sign() * quantity.units();
            value += Decimal::from(side.sign()) * i.value(price, quantity).unwrap();
            assert_eq!(position.quantity.units(), net);
            net
        };
        for (buy, price, quantity) in fills {
            let side = if buy { Side::Buy } else { Side::Sell };
            book(&mut position, side, price, quantity);
        }
        let left = position.quantity.units();
        if left != 0 {
            let side = if left > 0 { Side::Sell } else { Side::Buy };
            book(&mut position, side, 777_777, left.abs());
        }
        prop_assert_eq!(position.quantity, Quantity::ZERO);
        prop_assert_eq!(position.cost, Decimal::ZERO);
        let expected = if inverse { value } else { -value };
        // an inverse value is rounded to 14 decimals per fill, twice when a fill flips the side
        let tolerance = Decimal::new(100, 14);
        prop_assert!((position.realised - expected).abs() <= tolerance);
    }

    #[test]
    fn rounding_never_moves_past_the_neighbour(
        value in -1_000_000_i64..1_000_000, step in 1_i64..5_000,
    ) {
        let (v, s) = (i128::from(value), i128::from(step));
        let down = Rounding::Floor.divide(v, s).unwrap() * s;
        let up = Rounding::Ceil.divide(v, s).unwrap() * s;
        let zero = Rounding::TowardZero.divide(v, s).unwrap() * s;
        let near = Rounding::HalfEven.divide(v, s).unwrap() * s;
        prop_assert!(down <= v && v < down + s);
        prop_assert!(up >= v && v > up - s);
        prop_assert!(zero.abs() <= v.abs() && (zero == down || zero == up));
        prop_assert!((near - v).abs() * 2 <= s);
    }

    #[test]
    fn a_decimal_survives_the_round_trip_through_units(units: i64, digits in 0_u8..=18) {
        let scale = Scale::new(digits).unwrap();
        let price = Price::from_units(units);
        prop_assert_eq!(Price::exact(price.to_decimal(scale), scale), Ok(price));
    }
}

proptest! {
    /// The part of a cost that is closed is rounded once, however many digits the cost has: at
    /// most half a unit of money from the exact share.
    #[test]
    fn a_part_of_the_cost_is_its_share_to_half_a_unit(
        cost in -1_000_000_000_000_000_000_000_i128..1_000_000_000_000_000_000_000,
        open in 1_i64..1_000_000_000_000_000_000, part in 1_u64..1_000_000_000_000_000_000,
    ) {
        let closed = part % open.unsigned_abs() + 1;
        let position = Position {
            cost: Decimal::from_i128_with_scale(cost, 12),
            quantity: Quantity::from_units(open),
            ..Position::default()
        };
        let share = position.part_of_cost(closed).unwrap();
        let units = share.mantissa() * 10_i128.pow(MONEY_DIGITS - share.scale());
        // units / 10^14 against cost / 10^12 x closed / open, without products of 128 bits
        let cost = cost * 100;
        let (whole, rest) = (cost / i128::from(open), cost % i128::from(open));
        let off = units - whole * i128::from(closed);
        let exact = rest * i128::from(closed);
        prop_assert!((off * i128::from(open) - exact).abs() * 2 <= i128::from(open));
    }
}

#[test]
fn amounts_that_no_ledger_holds_are_refused_and_change_nothing() {
    let i = contract(false);
    let mut p = Position::default();
    let huge = Decimal::MAX;
    assert_eq!(p.fund(huge), Err(ValueError::Overflow));
    assert_eq!(p.fund(-LEDGER_MAX - Decimal::ONE), Err(ValueError::Overflow));
    let (at, one) = (Price::from_units(1_000), Quantity::from_units(1_000));
    let fee = Fee::in_settle(huge);
    assert_eq!(p.book(&i, Side::Buy, at, one, fee), Err(ValueError::Overflow));
    assert_eq!(p, Position::default());
    // the largest that is held: sums of it do not overflow
    p.fund(LEDGER_MAX).unwrap();
    p.book(&i, Side::Buy, at, one, Fee::in_settle(-LEDGER_MAX)).unwrap();
    assert_eq!(p.net_realised(), LEDGER_MAX + LEDGER_MAX);
    assert_eq!(LEDGER_MAX, Decimal::from(100_000_000_000_000_i64));
}

#[test]
fn a_fill_through_zero_realises_one_part_and_opens_the_other() {
    let i = contract(false);
    let mut p = Position::default();
    let fill = |p: &mut Position, side, price, quantity| {
        p.book(&i, side, Price::from_units(price), Quantity::from_units(quantity), Fee::ZERO)
            .unwrap()
    };
    fill(&mut p, Side::Buy, 1_000, 2_000);
    let booked = fill(&mut p, Side::Sell, 1_100, 3_000);
    assert_eq!(booked.realised, Decimal::from(20));
    assert_eq!(booked.quantity, Quantity::from_units(-1_000));
    assert_eq!(p.entry(&i), Some(Decimal::from(110)));
    assert_eq!(p.unrealised(&i, Price::from_units(1_000)), Ok(Decimal::from(10)));
}

/// 1 bought at 100 with 0.1 % in the base asset: 0.999 held, 0.1 paid, nothing gained; sold at
/// 110 with the fee in the quote asset.
#[test]
fn a_fee_in_the_base_asset_leaves_less_to_sell() {
    let spot = Instrument { kind: InstrumentKind::Spot, ..contract(false) };
    let base = |amount: i64, digits| Fee::named(Decimal::new(amount, digits), "B", &spot);
    let mut p = Position::default();
    let (at, one) = (Price::from_units(1_000), Quantity::from_units(1_000));
    p.book(&spot, Side::Buy, at, one, base(1, 3).unwrap()).unwrap();
    assert_eq!((p.quantity.units(), p.traded), (999, 1_000));
    assert_eq!((p.fees, p.realised), (Decimal::new(1, 1), Decimal::ZERO));
    assert_eq!(p.entry(&spot), Some(Decimal::from(100)));
    let quote = Fee::named(Decimal::new(11, 2), "Q", &spot).unwrap();
    p.book(&spot, Side::Sell, Price::from_units(1_100), Quantity::from_units(999), quote).unwrap();
    // -100 + 0.999 x 110 - 0.11
    assert_eq!(p.net_realised(), Decimal::new(978, 2));
    assert_eq!((p.quantity, p.cost), (Quantity::ZERO, Decimal::ZERO));
}

/// What is finer than a unit is owed until it makes one.
#[test]
fn fees_finer_than_a_unit_are_taken_when_they_make_one() {
    let spot = Instrument { kind: InstrumentKind::Spot, ..contract(false) };
    let fee = Fee { amount: Decimal::new(4, 4), asset: FeeAsset::Base };
    let mut p = Position::default();
    let mut held = Vec::new();
    for _ in 0..5 {
        let (at, ten) = (Price::from_units(1_000), Quantity::from_units(10));
        held.push(p.book(&spot, Side::Buy, at, ten, fee).unwrap().quantity.units());
    }
    assert_eq!((held, p.owed), (vec![10, 20, 29, 39, 48], Decimal::ZERO));
}

#[test]
fn a_fee_in_a_venue_s_token_is_kept_apart_and_moves_no_position() {
    let i = contract(false);
    let fee = Fee::named(Decimal::new(5, 3), "TOKEN", &i).unwrap();
    let mut p = Position::default();
    let (at, one) = (Price::from_units(1_000), Quantity::from_units(1_000));
    for side in [Side::Buy, Side::Sell] {
        p.book(&i, side, at, one, fee).unwrap();
    }
    assert_eq!((p.fees, p.quantity), (Decimal::ZERO, Quantity::ZERO));
    assert_eq!(p.other_fees[&Asset::from("TOKEN").unwrap()], Decimal::new(1, 2));
    assert!(Fee::named(Decimal::ONE, &"X".repeat(25), &i).is_err());
    // a contract's base is not what it holds
    let wrong = Fee { amount: Decimal::ONE, asset: FeeAsset::Base };
    assert_eq!(p.book(&i, Side::Buy, at, one, wrong), Err(ValueError::NoBaseAsset));
    let base = Fee::named(Decimal::ONE, "B", &i).unwrap();
    assert_eq!(base.asset, FeeAsset::Other(Asset::from("B").unwrap()));
}

/// A loss of less than the last digit is no negative zero.
#[test]
fn a_zero_has_no_sign() {
    let i = contract(false);
    let mut p = Position { realised: Decimal::new(-1, 14), ..Position::default() };
    p.fund(Decimal::ZERO).unwrap();
    p.realised += Decimal::new(1, 14);
    p.realised.set_sign_negative(true);
    let (at, one) = (Price::from_units(1_000), Quantity::from_units(1));
    p.book(&i, Side::Buy, at, one, Fee::ZERO).unwrap();
    assert!(p.realised.is_zero() && p.realised.is_sign_positive());
}
