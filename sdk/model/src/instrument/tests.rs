//! The worked numbers of the strategy specification (F6, C3, C4) and of Binance's COIN-M documents.

use super::*;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn instrument(kind: InstrumentKind, multiplier: &str, quantity_digits: u8) -> Instrument {
    let inverse = kind.is_inverse();
    Instrument {
        id: InstrumentId(1),
        venue: VenueId(0),
        symbol: "BTC".into(),
        kind,
        base: "BTC".into(),
        quote: "USD".into(),
        settle: if inverse { "BTC" } else { "USD" }.into(),
        price_scale: Scale::new(2).unwrap(),
        quantity_scale: Scale::new(quantity_digits).unwrap(),
        grid: PriceGrid::Tick(Price::from_units(10)),
        lot: Quantity::from_units(1),
        min_quantity: Quantity::from_units(1),
        max_quantity: None,
        min_notional: None,
        band: None,
        multiplier: dec(multiplier),
        sequence: SequenceRule::Snapshots,
    }
}

pub(crate) fn linear() -> Instrument {
    instrument(InstrumentKind::LinearPerpetual, "1", 3)
}

fn inverse() -> Instrument {
    instrument(InstrumentKind::InverseFuture { expiry: VenueTime::EPOCH }, "100", 0)
}

fn price(i: &Instrument, text: &str) -> Price {
    Price::exact(dec(text), i.price_scale).unwrap()
}

#[test]
fn vector_f6_price_fees_and_funding_of_a_linear_pair() {
    let i = linear();
    let q = Quantity::exact(dec("0.166"), i.quantity_scale).unwrap();
    let short = Quantity::from_units(-q.units());
    let long_pnl = i.profit(dec("60000"), dec("60100"), q).unwrap();
    let short_pnl = i.profit(dec("60030"), dec("60110"), short).unwrap();
    assert_eq!(long_pnl, dec("16.6"));
    assert_eq!(short_pnl, dec("-13.28"));
    let fee = |p: &str, rate: &str| i.fee(price(&i, p), q, dec(rate)).unwrap();
    let fees = fee("60000", "0.00045")
        + fee("60100", "0.00045")
        + fee("60030", "0.0004")
        + fee("60110", "0.0004");
    assert_eq!(fees, dec("16.948766"));
    let paid = i.funding_payment(dec("60000"), q, dec("0.0001")).unwrap() * dec("4");
    let got = i.funding_payment(dec("60030"), short, dec("0.00008")).unwrap() * dec("30");
    assert_eq!(paid, dec("-3.984"));
    assert_eq!(got, dec("23.915952"));
    assert_eq!(paid + got + long_pnl + short_pnl - fees, dec("6.303186"));
}

#[test]
fn vector_c4_inverse_loss_in_coin_and_in_quote() {
    let i = inverse();
    let short = Quantity::from_units(-120);
    let coin = i.profit(dec("61200"), dec("63000"), short).unwrap();
    assert_eq!(coin.round_dp(8), dec("-0.00560224"));
    assert_eq!((coin * dec("63000")).round_dp(2), dec("-352.94"));
}

#[test]
fn vector_c3_final_value_of_an_inverse_hedge() {
    let i = inverse();
    for (contracts, settle, value) in [
        (122, "40000", "12226.14"),
        (122, "60000", "12239.22"),
        (122, "90000", "12258.82"),
        (120, "40000", "12156.86"),
        (120, "60000", "12235.29"),
        (120, "90000", "12352.94"),
    ] {
        let short = Quantity::from_units(-contracts);
        let coin = i.profit(dec("61200"), dec(settle), short).unwrap();
        let usd = dec(settle) * (dec("0.2") + coin);
        assert_eq!(usd.round_dp(2), dec(value), "{contracts} at {settle}");
    }
}

#[test]
fn a_contract_of_the_coin_margined_dossier() {
    // One contract of 100 USD at 8800: 0.01136364 BTC; commission 0.00000455 at 4 basis
    // points (half even; the dossier cuts it to ...454).
    let i = inverse();
    let one = Quantity::from_units(1);
    let at = price(&i, "8800");
    assert_eq!(i.value(at, one).unwrap().round_dp(8), dec("0.01136364"));
    assert_eq!(i.fee(at, one, dec("0.0004")).unwrap().round_dp(8), dec("0.00000455"));
    assert_eq!(i.notional(at, one).unwrap(), dec("100"));
}

#[test]
fn the_average_entry_of_an_inverse_position_is_harmonic() {
    let i = inverse();
    let one = Quantity::from_units(1);
    let value =
        i.value(price(&i, "50000"), one).unwrap() + i.value(price(&i, "60000"), one).unwrap();
    let average = i.average_entry(value, Quantity::from_units(2)).unwrap();
    // 2 / (1/50000 + 1/60000) = 54545.4545…, not 55000; the values carry 14 decimals
    assert_eq!(average.round_dp(5), dec("54545.45455"));
}

#[test]
fn passive_and_aggressive_prices_round_to_opposite_sides() {
    let i = linear();
    let off_grid = dec("100.07");
    assert_eq!(i.price(i.passive_price(Side::Buy, off_grid).unwrap()), dec("100.0"));
    assert_eq!(i.price(i.passive_price(Side::Sell, off_grid).unwrap()), dec("100.1"));
    assert_eq!(i.price(i.aggressive_price(Side::Buy, off_grid).unwrap()), dec("100.1"));
    assert_eq!(i.price(i.aggressive_price(Side::Sell, off_grid).unwrap()), dec("100.0"));
}

#[test]
fn what_does_not_fit_is_an_error() {
    let i = linear();
    let huge = Decimal::MAX;
    assert_eq!(i.value_at(huge, Quantity::from_units(i64::MAX)), Err(ValueError::Overflow));
    assert_eq!(
        inverse().value_at(Decimal::ZERO, Quantity::from_units(1)),
        Err(ValueError::DivisionByZero)
    );
}

proptest::proptest! {
    /// A product has all its digits or is an error; the checked multiplication of the decimal type
    /// drops those beyond 28.
    #[test]
    fn a_notional_is_exact_or_an_error(
        price: i64, quantity: i64, price_digits in 0_u8..=18, quantity_digits in 0_u8..=18,
        multiplier in 1_i64..1_000_000_000, multiplier_digits in 0_u32..=18,
    ) {
        let i = Instrument {
            price_scale: Scale::new(price_digits).unwrap(),
            quantity_scale: Scale::new(quantity_digits).unwrap(),
            multiplier: Decimal::new(multiplier, multiplier_digits),
            ..linear()
        };
        let (price, quantity) = (Price::from_units(price), Quantity::from_units(quantity));
        let units = i128::from(quantity.units()) * i128::from(multiplier);
        let digits = u32::from(price_digits) + u32::from(quantity_digits) + multiplier_digits;
        let exact = units.checked_mul(i128::from(price.units()));
        if let Ok(notional) = i.notional(price, quantity) {
            let more = 10_i128.checked_pow(digits - notional.scale()).unwrap();
            proptest::prop_assert_eq!(notional.mantissa().checked_mul(more), exact);
        }
        if let (Ok(value), Some(exact)) = (i.value(price, quantity), exact) {
            // rounded once, to the nearest
            let scale = digits.max(MONEY_DIGITS);
            let unit = |at: u32| 10_i128.checked_pow(scale - at);
            let scaled = unit(value.scale()).and_then(|unit| value.mantissa().checked_mul(unit));
            let exact = unit(digits).and_then(|unit| exact.checked_mul(unit));
            if let (Some(scaled), Some(exact), Some(one)) = (scaled, exact, unit(MONEY_DIGITS)) {
                proptest::prop_assert!((scaled - exact).abs() <= one / 2);
            }
        }
    }
}

#[test]
fn a_rate_of_fifteen_digits_on_money_of_fourteen_is_rounded_once() {
    let i = linear();
    // 29 digits: one more than a decimal holds
    let (mark, rate) = (dec("1.00000000000001"), dec("0.000000000000015"));
    let one = Quantity::exact(Decimal::ONE, i.quantity_scale).unwrap();
    assert_eq!(i.funding_payment(mark, one, rate).unwrap(), dec("-0.00000000000002"));
    let (mark, rate) = (dec("0.99999999999999"), dec("0.000000000000005"));
    assert_eq!(i.funding_payment(mark, one, rate).unwrap(), Decimal::ZERO);
}
