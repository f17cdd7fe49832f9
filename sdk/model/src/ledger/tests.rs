//! Amounts are converted once, at their own time; what has no rate is in no worth.

use super::*;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn rate(worth: Option<&str>) -> Rate {
    let source = RateSource::Mark(InstrumentId(1));
    Rate { currency: "USD".into(), worth: worth.map(|worth| (dec(worth), source)) }
}

#[test]
fn an_amount_is_converted_at_its_own_time_and_never_again() {
    let (mut book, mut rates) = (Earnings::default(), Rates::new());
    rates.insert("BTC".into(), rate(Some("60000")));
    book.enter("BTC", Entry::Price, dec("0.01"), &rates);
    rates.insert("BTC".into(), rate(Some("30000")));
    book.enter("BTC", Entry::Fee, dec("0.001"), &rates);
    book.enter("BTC", Entry::Funding, dec("-0.002"), &rates);
    book.enter("BTC", Entry::Funding, dec("0.003"), &rates);
    let worth = &book.worth["USD"];
    assert_eq!((worth.price, worth.fees), (dec("600"), dec("30")));
    assert_eq!((worth.funding_received, worth.funding_paid), (dec("90"), dec("60")));
    assert_eq!(worth.net(), dec("600"));
    assert!(book.unconverted.is_empty());
}

#[test]
fn what_has_no_rate_is_kept_apart_and_is_never_one_to_one() {
    let (mut book, mut rates) = (Earnings::default(), Rates::new());
    book.enter("USDT", Entry::Price, dec("5"), &rates);
    rates.insert("USDT".into(), rate(None));
    book.enter("USDT", Entry::Fee, dec("1"), &rates);
    assert!(book.worth.is_empty());
    assert_eq!(book.unconverted["USDT"].net(), dec("4"));
    rates.insert(
        "USDT".into(),
        Rate { currency: "USD".into(), worth: Some((Decimal::ONE, RateSource::Config)) },
    );
    book.enter("USDT", Entry::Interest, dec("2"), &rates);
    assert_eq!(book.worth["USD"].net(), dec("-2"));
    assert_eq!(book.unconverted["USDT"].net(), dec("4"), "what was booked stays as it was");
    assert_eq!(book.assets["USDT"].net(), dec("2"));
    let mut twice = book.clone();
    twice.add(&book);
    assert_eq!((twice.assets["USDT"].net(), twice.worth["USD"].net()), (dec("4"), dec("-4")));
}
