//! Vector F6 told apart by pair from facts alone; what is in no pair; what lacks a rate.

use super::super::{By, Pnl, Row};
use super::*;
use hedgerow_model::view::Counted;
use hedgerow_model::{
    Accept, Fact, Give, InstrumentKind, LegOrder, Liquidity, PLAN_ORDERS, PairLeg, PairRequest,
    PairSize, PriceSource, Purpose, Rate, RateSource, Scale, Stamped, TradeId, VenueId,
};

const ME: StrategyId = StrategyId(0);
const L: u32 = 0;
const S: u32 = 1;
const HOUR: u64 = 3_600_000_000_000;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Prices in tenths, quantities in thousandths.
fn perpetual(id: u32) -> Instrument {
    Instrument {
        id: InstrumentId(id),
        venue: VenueId(id),
        symbol: format!("X{id}"),
        price_scale: Scale::new(1).unwrap(),
        quantity_scale: Scale::new(3).unwrap(),
        ..crate::pnl::tests::perpetual()
    }
}

fn leg(id: u32, side: Side) -> PairLeg {
    PairLeg {
        instrument: InstrumentId(id),
        account: AccountId(id),
        side,
        target: Quantity::from_units(166),
        base: dec("0.166"),
        limit: Price::from_units(1),
        source: PriceSource::Touch,
        reach: None,
        middle: Decimal::ONE,
        spread_bps: None,
        expected: Decimal::ONE,
        estimate_bps: Decimal::ZERO,
        worst: Price::from_units(1),
        fillable: Decimal::ONE,
        displayed: Quantity::from_units(1),
        margin: None,
    }
}

fn began(id: u64, kind: PairKind, at: u64) -> Fact {
    let (buy, sell) = if kind == PairKind::Open { (L, S) } else { (S, L) };
    let request = PairRequest {
        buy: InstrumentId(buy),
        sell: InstrumentId(sell),
        size: PairSize::All,
        legs: LegOrder::Simultaneous,
        first: Give::Bps(5),
        hedge: Give::Bps(5),
        emergency: Give::Bps(5),
        deadline_ms: 1,
        tries: 1,
        min_premium_bps: None,
        make: None,
        accept: Accept::default(),
    };
    let plan = PairPlan {
        id,
        kind,
        request,
        legs: [leg(buy, Side::Buy), leg(sell, Side::Sell)],
        first: None,
        maker: None,
        advised: LegOrder::Simultaneous,
        premium_bps: Decimal::ZERO,
        making_until: None,
        step: dec("0.001"),
        began: HostTime::from_nanos(at),
        deadline: HostTime::from_nanos(at),
    };
    Fact::Plan { strategy: ME, plan: id, step: PlanStep::Began(Box::new(plan)) }
}

fn sends(plan: u64, number: u64) -> Fact {
    let step = PlanStep::Sends {
        leg: 0,
        purpose: Purpose::First,
        number: PLAN_ORDERS + number,
        limit: Price::from_units(1),
        source: PriceSource::Touch,
        reach: None,
    };
    Fact::Plan { strategy: ME, plan, step }
}

/// A fill of a plan's order, of a strategy's own where `number` is of those.
fn fill(number: u64, id: u32, (side, price, quantity): (Side, i64, i64), fee: &str) -> Fact {
    Fact::Fill {
        id: ClientOrderId { strategy: ME, number },
        account: AccountId(id),
        instrument: InstrumentId(id),
        trade: TradeId(number),
        side,
        price: Price::from_units(price),
        quantity: Quantity::from_units(quantity),
        liquidity: Liquidity::Taker,
        fee: Fee::in_settle(dec(fee)),
        happened: VenueTime::EPOCH,
        inferred: false,
        replaces: Quantity::ZERO,
    }
}

fn funding(id: u32, hour: u64, amount: &str) -> Fact {
    Fact::Funding {
        account: AccountId(id),
        instrument: InstrumentId(id),
        settlement: VenueTime::from_nanos(hour * HOUR),
        amount: dec(amount),
        others: Decimal::ZERO,
    }
}

fn named(what: &str, id: u32, name: &str) -> Fact {
    Fact::Named { what: what.into(), id, name: name.into() }
}

fn rate(asset: &str, worth: Option<(Decimal, RateSource)>) -> Fact {
    Fact::Rate { asset: asset.into(), rate: Rate { currency: "USD".into(), worth } }
}

fn beginning() -> Vec<(u64, Fact)> {
    let facts = [
        named("strategy", 0, "me"),
        named("instrument", L, "v:X0"),
        named("instrument", S, "w:X1"),
        Fact::Defined(Box::new(perpetual(L))),
        Fact::Defined(Box::new(perpetual(S))),
        rate("Q", Some((Decimal::ONE, RateSource::Config))),
    ];
    facts.into_iter().map(|fact| (0, fact)).collect()
}

/// The pair of F6 opens, is paid for thirty hours and closes; beside it one unit of 0.001 of L is
/// bought and sold by orders of the strategy's own, at a loss of 0.1 and a fee of 0.01.
fn f6() -> Vec<(u64, Fact)> {
    let mut facts = beginning();
    let number = |n| PLAN_ORDERS + n;
    let opens = [
        began(1, PairKind::Open, 1),
        sends(1, 1),
        sends(1, 2),
        fill(number(1), L, (Side::Buy, 600_000, 166), "4.482"),
        fill(number(2), S, (Side::Sell, 600_300, 166), "3.985992"),
    ];
    facts.extend(opens.map(|fact| (1, fact)));
    for hour in 1..=30 {
        facts.push((hour * HOUR, funding(S, hour, "0.7971984")));
        if hour % 8 == 0 || hour == 30 {
            facts.push((hour * HOUR, funding(L, hour, "-0.996")));
        }
    }
    let closes = [
        began(2, PairKind::Close, 30 * HOUR),
        sends(2, 3),
        sends(2, 4),
        fill(number(3), L, (Side::Sell, 601_000, 166), "4.48947"),
        fill(number(4), S, (Side::Buy, 601_100, 166), "3.991304"),
        fill(5, L, (Side::Buy, 601_000, 1), "0.01"),
        fill(6, L, (Side::Sell, 600_000, 1), "0"),
    ];
    facts.extend(closes.map(|fact| (30 * HOUR, fact)));
    facts
}

fn told(facts: Vec<(u64, Fact)>) -> Pnl {
    let mut pnl = Pnl::default();
    for (at, fact) in facts {
        pnl.take(&Stamped { time: HostTime::from_nanos(at), fact });
    }
    pnl
}

fn worth(rows: &[Row]) -> Vec<(Option<&str>, Decimal)> {
    let worth = rows.iter().filter(|row| row.counted == Counted::Worth);
    worth.map(|row| (row.pair.as_deref(), row.net)).collect()
}

#[test]
fn vector_f6_by_pair_from_the_journal_alone() {
    let pnl = told(f6());
    let rows = pnl.rows(&[By::Pair], None);
    let pair = "me 1: v:X0 + w:X1";
    assert_eq!(worth(&rows), [(Some("-"), dec("-0.11")), (Some(pair), dec("6.303186"))]);
    let row = rows.iter().find(|row| row.pair.as_deref() == Some(pair)).unwrap();
    assert_eq!((row.line.price, row.line.fees), (dec("3.32"), dec("16.948766")));
    assert_eq!(
        (row.line.funding_received, row.line.funding_paid),
        (dec("23.915952"), dec("3.984"))
    );
    // both legs, and both days, come to the same
    let legs = pnl.rows(&[By::Pair, By::Instrument, By::Account], Some("me"));
    let of = |name: &str| {
        let mine = |row: &&Row| row.pair.as_deref() == Some(pair) && row.counted == Counted::Worth;
        let row = legs.iter().filter(mine).find(|row| row.instrument.as_deref() == Some(name));
        row.map(|row| (row.line.price, row.line.funding()))
    };
    assert_eq!(of("v:X0"), Some((dec("16.6"), dec("-3.984"))));
    assert_eq!(of("w:X1"), Some((dec("-13.28"), dec("23.915952"))));
    for by in [vec![By::Day, By::Pair], vec![By::Pair, By::Instrument], vec![By::Strategy]] {
        let net: Decimal = worth(&pnl.rows(&by, None)).iter().map(|(_, net)| net).sum();
        assert_eq!(net, dec("6.193186"), "{by:?}");
    }
    let days = pnl.rows(&[By::Day, By::Pair], None);
    assert!(days.iter().any(|row| row.day.as_deref() == Some("1970-01-02")));
    // a window counts what is in it, of each pair
    let mut second = Pnl::within(Some(HostTime::from_nanos(24 * HOUR)), None);
    f6().into_iter().for_each(|(at, fact)| {
        second.take(&Stamped { time: HostTime::from_nanos(at), fact });
    });
    let rows = second.rows(&[By::Pair], None);
    let row = rows.iter().find(|row| row.pair.as_deref() == Some(pair)).unwrap();
    assert_eq!((row.line.price, row.line.fees), (dec("3.32"), dec("8.480774")));
}

/// Two pairs share a leg on one account: a payment is theirs by quantity, and what a strategy holds
/// beside them has its own part. A fill after the close takes a pair up again.
#[test]
fn what_pairs_share_is_theirs_by_quantity() {
    let mut facts = beginning();
    let number = |n| PLAN_ORDERS + n;
    let all = [
        began(1, PairKind::Open, 1),
        sends(1, 1),
        fill(number(1), L, (Side::Buy, 600_000, 100), "0"),
        fill(7, L, (Side::Buy, 600_000, 300), "0"),
        funding(L, 1, "-4"),
    ];
    facts.extend(all.map(|fact| (1, fact)));
    let rows = told(facts.clone()).rows(&[By::Pair], None);
    let pair = Some("me 1: v:X0 + w:X1");
    assert_eq!(worth(&rows), [(Some("-"), dec("-3")), (pair, dec("-1"))]);
    // closed, and what is told late of a settlement before that is still its own
    facts.extend([
        (5 * HOUR, began(2, PairKind::Close, 5 * HOUR)),
        (5 * HOUR, sends(2, 2)),
        (5 * HOUR, fill(number(2), L, (Side::Sell, 600_000, 100), "0")),
        (5 * HOUR, fill(8, L, (Side::Sell, 600_000, 300), "0")),
        (6 * HOUR, funding(L, 4, "-2")),
        (6 * HOUR, funding(L, 6, "-1")),
    ]);
    let rows = told(facts).rows(&[By::Pair], None);
    assert_eq!(worth(&rows), [(Some("-"), dec("-4")), (pair, dec("-3"))]);
}

/// A contract that is delivered closes its leg at the delivery price, with its part of the fee.
#[test]
fn a_delivery_closes_the_leg_of_a_pair() {
    let mut facts = beginning();
    let all = [
        began(1, PairKind::Open, 1),
        sends(1, 1),
        fill(PLAN_ORDERS + 1, L, (Side::Buy, 600_000, 100), "0"),
        fill(7, L, (Side::Buy, 600_000, 300), "0"),
        Fact::Delivered {
            strategy: ME,
            account: AccountId(L),
            instrument: InstrumentId(L),
            price: Price::from_units(600_100),
            quantity: Quantity::from_units(400),
            fee: Fee::in_settle(dec("0.4")),
            happened: VenueTime::EPOCH,
        },
    ];
    facts.extend(all.map(|fact| (1, fact)));
    let rows = told(facts).rows(&[By::Pair], None);
    // 0.1 x 10 less 0.1, and three times that
    let pair = Some("me 1: v:X0 + w:X1");
    assert_eq!(worth(&rows), [(Some("-"), dec("2.7")), (pair, dec("0.9"))]);
}

/// What has no rate is in no worth; it is there beside it, and says what is missing.
#[test]
fn what_cannot_be_converted_stands_apart_with_what_is_missing() {
    let mut facts = beginning();
    let token = Instrument {
        base: "TOKEN".into(),
        quote: "Q".into(),
        kind: InstrumentKind::Spot,
        ..perpetual(2)
    };
    let paid = |number, asset: &str| {
        let Fact::Fill { id, account, instrument, trade, side, price, quantity, .. } =
            fill(number, L, (Side::Buy, 600_000, 1), "0")
        else {
            unreachable!()
        };
        Fact::Fill {
            id,
            account,
            instrument,
            trade,
            side,
            price,
            quantity,
            liquidity: Liquidity::Taker,
            fee: Fee::named(dec("0.5"), asset, &perpetual(L)).unwrap(),
            happened: VenueTime::EPOCH,
            inferred: false,
            replaces: Quantity::ZERO,
        }
    };
    let all = [
        named("instrument", 2, "v:TOKENQ"),
        Fact::Defined(Box::new(token)),
        rate("TOKEN", None),
        rate("OTHER", None),
        paid(1, "TOKEN"),
        paid(2, "OTHER"),
        fill(3, L, (Side::Sell, 600_000, 2), "1"),
    ];
    facts.extend(all.map(|fact| (1, fact)));
    let rows = told(facts).rows(&[By::Strategy], None);
    let apart: Vec<_> = (rows.iter())
        .filter(|row| row.counted == Counted::Unconverted)
        .map(|row| (row.currency.as_str(), row.net, row.missing.as_deref().unwrap()))
        .collect();
    let other = "an instrument that trades OTHER against USD";
    let expected =
        [("OTHER", dec("-0.5"), other), ("TOKEN", dec("-0.5"), "a fresh mark of v:TOKENQ")];
    assert_eq!(apart, expected);
    assert_eq!(worth(&rows), [(None, dec("-1"))], "they are in no worth");
    assert!(rows.iter().all(|r| r.missing.is_some() == (r.counted == Counted::Unconverted)));
}

/// What orders of the strategy's own close of a pair is closed in its record; the next pair is
/// another.
#[test]
fn what_other_orders_close_of_a_pair_is_its_own() {
    let number = |n| PLAN_ORDERS + n;
    let mut facts = beginning();
    let first = [
        began(1, PairKind::Open, 1),
        sends(1, 1),
        sends(1, 2),
        fill(number(1), L, (Side::Buy, 600_000, 166), "1"),
        fill(number(2), S, (Side::Sell, 600_300, 166), "1"),
        fill(5, L, (Side::Sell, 599_000, 166), "1"),
        fill(6, S, (Side::Buy, 601_300, 166), "1"),
        began(2, PairKind::Open, 2),
        sends(2, 3),
        fill(number(3), L, (Side::Buy, 600_000, 166), "1"),
    ];
    facts.extend(first.map(|fact| (2, fact)));
    let rows = told(facts).rows(&[By::Pair], None);
    // two legs that each lost 0.166 x 100, and four fees; then a fee
    let expected =
        [(Some("me 1: v:X0 + w:X1"), dec("-37.2")), (Some("me 2: v:X0 + w:X1"), dec("-1"))];
    assert_eq!(worth(&rows), expected);
}
