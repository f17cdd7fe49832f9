//! The worked numbers F6 (per pair and per strategy) and C4 through the engine; rates as facts;
//! interest.

use super::pairs::share;
use super::*;
use crate::snapshot::tests::any_cut_is_the_whole;
use crate::tests::plans::{L, Pair, S, legs, request, wide};
use crate::tests::{Rig, config, dec, instrument, limits};
use crate::{Engine, EngineConfig, Input};
use hedgerow_model::view::Counted;
use hedgerow_model::{
    Accounting, ClientOrderId, Fee, Liquidity, PairKind, PairSize, PlanStep, Price, Quantity, Side,
    Stamped, Tick, TickKind, TradeId, flag,
};

const ME: StrategyId = StrategyId(0);

fn in_usd() -> Accounting {
    Accounting { currency: Some("USD".into()), same: vec!["Q".into()] }
}

fn fund(pair: &mut Pair, leg: InstrumentId, hour: u64, amount: &str) {
    let settlement = VenueTime::from_nanos(pair.rig.now + hour * 3_600_000_000_000);
    let amount = dec(amount);
    pair.report(leg, VenueReport::FundingPayment { instrument: leg, settlement, amount });
}

/// Opens the pair of F6, pays its funding, closes it.
fn f6() -> Pair {
    let mut pair = Pair::with(legs(), wide(), false);
    pair.rig.engine.config.accounting = in_usd();
    pair.open(&request());
    let sent = pair.sent();
    pair.fill_with(sent[0], 600_000, 1_660, "4.482");
    pair.fill_with(sent[1], 600_300, 1_660, "3.985992");
    for hour in 1..=30 {
        fund(&mut pair, S, hour, "0.7971984");
        if hour % 8 == 0 || hour == 30 {
            fund(&mut pair, L, hour, "-0.996");
        }
    }
    // told again
    fund(&mut pair, S, 30, "0.7971984");
    pair.rig.now += 30 * 3_600_000_000_000;
    pair.quote(L, (601_000, 10_000), (601_002, 10_000));
    pair.quote(S, (601_098, 10_000), (601_100, 10_000));
    let close = hedgerow_model::PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    let sent = pair.sent();
    let of = |leg| *sent.iter().find(|sent| sent.leg == leg).unwrap();
    pair.fill_with(of(L), 601_000, 1_660, "4.48947");
    pair.fill_with(of(S), 601_100, 1_660, "3.991304");
    pair
}

#[test]
fn vector_f6_per_pair_and_per_strategy() {
    let pair = f6();
    let engine = &pair.rig.engine;
    let view = engine.strategy_view(ME).unwrap();
    let [record] = &view.pairs[..] else { panic!("{:?}", view.pairs) };
    assert_eq!(record.plans, [1, 2]);
    assert!(record.closed.is_some());
    let prices = |place: usize| (record.legs[place].entry, record.legs[place].exit);
    assert_eq!(prices(0), (Some(dec("60000")), Some(dec("60100"))));
    assert_eq!(prices(1), (Some(dec("60030")), Some(dec("60110"))));
    let (long, short) = (&record.legs[0].line, &record.legs[1].line);
    assert_eq!((long.funding_paid, long.funding_received), (dec("3.984"), dec("0")));
    assert_eq!(short.funding_received, dec("23.915952"));
    assert_eq!((long.price, short.price), (dec("16.6"), dec("-13.28")));
    let worth = record.earned.iter().find(|(counted, ..)| *counted == Counted::Worth).unwrap();
    let (_, currency, line, net) = worth;
    assert_eq!(currency, "USD");
    assert_eq!((line.price, line.fees), (dec("3.32"), dec("16.948766")));
    assert_eq!(line.funding(), dec("19.931952"));
    assert_eq!(*net, dec("6.303186"));
    // the same for the strategy, split by account
    let rows = engine.earned_views();
    let worth: Vec<_> = rows.iter().filter(|row| row.counted == Counted::Worth).collect();
    assert_eq!(worth.len(), 2, "{rows:?}");
    assert_eq!(worth.iter().map(|row| row.net).sum::<Decimal>(), dec("6.303186"));
    assert!(rows.iter().all(|row| row.counted != Counted::Unconverted));
    any_cut_is_the_whole(&fresh(&pair), &pair.rig.effects.facts);
}

fn fresh(pair: &Pair) -> crate::EngineConfig {
    pair.rig.engine.config().clone()
}

/// S was inferred at 60 020 and turns out to have been sold at 60 030: the pair's entry is that,
/// and its cost is that of the strategy's position.
#[test]
fn a_pair_takes_over_what_an_inferred_fill_was_really_worth() {
    let mut pair = Pair::with(legs(), wide(), false);
    pair.rig.engine.config.accounting = in_usd();
    pair.open(&request());
    pair.sent();
    let sends = pair.rig.effects.facts.iter().filter_map(|stamped| match &stamped.fact {
        Fact::Plan { step: PlanStep::Sends { number, .. }, .. } => Some(*number),
        _ => None,
    });
    let [long, short] = sends.collect::<Vec<_>>()[..] else { panic!("two orders") };
    let fill = |number, leg: InstrumentId, (price, trade), (inferred, replaced)| Fact::Fill {
        id: ClientOrderId { strategy: ME, number },
        account: AccountId(leg.0),
        instrument: leg,
        trade: TradeId(trade),
        side: if leg == L { Side::Buy } else { Side::Sell },
        price: Price::from_units(price),
        quantity: Quantity::from_units(1_660),
        liquidity: Liquidity::Taker,
        fee: Fee::ZERO,
        happened: VenueTime::from_nanos(trade),
        inferred,
        replaces: Quantity::from_units(replaced),
    };
    let mut facts = pair.rig.effects.facts.clone();
    let rate = Rate { currency: "USD".into(), worth: Some((Decimal::ONE, RateSource::Config)) };
    let time = HostTime::from_nanos(pair.rig.now);
    let more = [
        Fact::Rate { asset: "Q".into(), rate },
        fill(long, L, (600_000, 1), (false, 0)),
        fill(short, S, (600_200, 2), (true, 0)),
        fill(short, S, (600_300, 3), (false, 1_660)),
    ];
    facts.extend(more.map(|fact| Stamped { time, fact }));
    let config = fresh(&pair);
    let mut engine = Engine::new(config.clone());
    engine.restore(&facts);
    let view = engine.strategy_view(ME).unwrap();
    let entries = view.pairs[0].legs.iter().map(|leg| leg.entry.unwrap());
    assert_eq!(entries.collect::<Vec<_>>(), [dec("60000"), dec("60030")]);
    let holding = engine.strategies[0].holding(S).unwrap();
    assert_eq!(engine.pairs.of(ME).next().unwrap().legs[1].position.cost, holding.position.cost);
    any_cut_is_the_whole(&config, &facts);
}

/// A payment is expected until the venue's own figure is there, and is in no sum before.
#[test]
fn funding_is_expected_until_it_is_paid() {
    let mut pair = Pair::with(legs(), wide(), false);
    pair.open(&request());
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.fill(sent[1], 600_300, 1_660);
    let next = pair.rig.now + 3_600_000_000_000;
    let tick = Tick {
        ts: pair.rig.now,
        recv_ts: pair.rig.now,
        instrument: L.0,
        kind: TickKind::Funding.code(),
        flags: flag::LAST,
        a: 100_000_000_000,
        b: 28_800_000_000_000,
        c: i64::try_from(next).unwrap(),
        ..Tick::default()
    };
    pair.rig.engine.handle(Input::Market(&[tick]), &mut pair.rig.effects);
    let position = |pair: &Pair| pair.rig.engine.strategy_view(ME).unwrap().positions[0].clone();
    let expected = position(&pair).funding_expected.unwrap();
    // at the mark 59 999.9
    assert_eq!((expected.amount, expected.settlement.as_nanos()), (dec("-0.99599834"), next));
    assert_eq!(position(&pair).funding, Decimal::ZERO);
    let settlement = VenueTime::from_nanos(next);
    let amount = dec("-0.9961");
    pair.report(L, VenueReport::FundingPayment { instrument: L, settlement, amount });
    assert_eq!((position(&pair).funding_expected, position(&pair).funding), (None, amount));
}

/// Short 120 contracts of 100 from 61 200 to 63 000: in coin, and worth what the coin is then.
#[test]
fn vector_c4_in_coin_and_in_the_currency_of_its_time() {
    let mut config = config(limits());
    let inverse = hedgerow_model::Instrument {
        kind: InstrumentKind::InversePerpetual,
        settle: "B".into(),
        price_scale: hedgerow_model::Scale::new(2).unwrap(),
        quantity_scale: hedgerow_model::Scale::ZERO,
        lot: Quantity::from_units(1),
        min_quantity: Quantity::from_units(1),
        multiplier: dec("100"),
        ..instrument(0)
    };
    config.instruments[0] = inverse;
    config.strategies[0].limits.order_notional_max = dec("1000000");
    config.strategies[0].limits.position_notional_max = dec("1000000");
    config.strategies[0].limits.gross_notional_max = dec("1000000");
    config.strategies[0].limits.loss_max = dec("1000000");
    config.strategies[0].limits.drawdown_max = dec("1000000");
    config.accounting = in_usd();
    let mut rig = Rig::over(config.clone());
    rig.quote(0, 6_119_990, 6_120_010);
    assert_eq!(rig.sell(6_120_000, 120), None);
    rig.accept(1);
    rig.fill(1, 6_120_000, 120);
    rig.quote(0, 6_299_990, 6_300_010);
    assert_eq!(rig.buy(6_300_000, 120), None);
    rig.accept(2);
    rig.fill(2, 6_300_000, 120);
    let rows = rig.engine.earned_views();
    let of = |counted| rows.iter().find(|row| row.counted == counted).unwrap();
    let coin = of(Counted::Asset);
    assert_eq!((coin.currency.as_str(), coin.line.price.round_dp(8)), ("B", dec("-0.00560224")));
    let worth = of(Counted::Worth);
    assert_eq!((worth.currency.as_str(), worth.line.price.round_dp(2)), ("USD", dec("-352.94")));
    let rates = rig.effects.facts.iter().filter_map(|stamped| match &stamped.fact {
        Fact::Rate { asset, rate } => Some((asset.as_str(), rate.worth)),
        _ => None,
    });
    let at = |mark: &str| Some((dec(mark), RateSource::Mark(InstrumentId(0))));
    assert_eq!(rates.collect::<Vec<_>>(), [("B", at("61200")), ("B", at("63000"))]);
    any_cut_is_the_whole(&config, &rig.effects.facts);
}

/// Without a fresh mark nothing is converted, and it is said.
#[test]
fn an_asset_without_a_fresh_mark_stays_unconverted() {
    let mut config = config(limits());
    config.accounting = Accounting { currency: Some("USD".into()), same: Vec::new() };
    let mut rig = Rig::over(config);
    rig.buy(9_990, 100);
    rig.accept(1);
    rig.fill(1, 9_990, 100);
    rig.sell(10_000, 100);
    rig.accept(2);
    rig.fill(2, 10_000, 100);
    let rows = rig.engine.earned_views();
    assert!(rows.iter().all(|row| row.counted != Counted::Worth), "{rows:?}");
    let apart = rows.iter().find(|row| row.counted == Counted::Unconverted).unwrap();
    assert_eq!((apart.currency.as_str(), apart.net), ("Q", dec("0.01")));
    // where nothing is to be converted, nothing lacks a rate
    let counted = rig.engine.config().clone();
    let mut plain = Engine::new(EngineConfig { accounting: Accounting::default(), ..counted });
    plain.restore(&rig.effects.facts);
    let rows = plain.earned_views();
    assert!(rows.iter().all(|row| row.counted == Counted::Asset), "{rows:?}");
}

/// Interest of a spot short: the venue's own figure, once, and a loss to the guards.
#[test]
fn interest_is_booked_once_to_who_is_short() {
    let mut config = config(limits());
    config.instruments[0].kind = InstrumentKind::Spot;
    config.accounting = Accounting { currency: Some("Q".into()), same: Vec::new() };
    let mut rig = Rig::over(config.clone());
    let hourly = 12_500_000_000;
    rig.report(VenueReport::BorrowRate { asset: "B".into(), hourly });
    assert_eq!(rig.engine.borrow_rate_of(AccountId(0), "B"), Some(hourly));
    let settlement = VenueTime::from_nanos(5);
    for amount in ["0.0002", "0.0002"] {
        let (asset, amount) = ("B".to_owned(), dec(amount));
        rig.report(VenueReport::Interest { asset, settlement, amount });
    }
    let charged = rig.effects.facts.iter().filter(|s| matches!(s.fact, Fact::Interest { .. }));
    assert_eq!(charged.count(), 1);
    let position = &rig.engine.strategy_view(ME).unwrap().positions[0];
    // at the mark of 100
    assert_eq!(position.interest, dec("0.02"));
    let rows = rig.engine.earned_views();
    let interest = |counted| {
        let row = rows.iter().find(|row| row.counted == counted).unwrap();
        (row.currency.clone(), row.line.interest, row.net)
    };
    assert_eq!(interest(Counted::Asset), ("B".into(), dec("0.0002"), dec("-0.0002")));
    assert_eq!(interest(Counted::Worth), ("Q".into(), dec("0.02"), dec("-0.02")));
    any_cut_is_the_whole(&config, &rig.effects.facts);
    let again = Engine::new(config);
    assert_eq!(again.borrow_rate_of(AccountId(0), "B"), None);
}

#[test]
fn a_pair_has_its_part_of_a_payment() {
    let part = |leg, held, alone| share(dec("-9"), leg, held, alone);
    assert_eq!(part(3, 3, true), dec("-9"));
    assert_eq!(part(0, 0, true), dec("-9"), "closed since, and it alone was there");
    assert_eq!(part(1, 3, false), dec("-3"));
    assert_eq!(part(-1, 3, false), Decimal::ZERO, "it holds the other way");
    assert_eq!(part(0, 0, false), Decimal::ZERO);
}

/// One absurd figure must not keep all that follows from being booked.
#[test]
fn interest_beyond_the_ledger_is_booked_to_nobody() {
    let mut rig = Rig::over(crate::tests::config(crate::tests::limits()));
    let (asset, settlement, amount) = ("Q".to_owned(), VenueTime::from_nanos(5), dec("1e15"));
    rig.report(VenueReport::Interest { asset, settlement, amount });
    assert_eq!(rig.buy(10_000, 100), None);
    rig.accept(1);
    rig.fill(1, 10_000, 100);
    assert_eq!(rig.engine.strategies[0].position(InstrumentId(0)).units(), 100);
    let of = rig.effects.facts.iter().find_map(|stamped| match &stamped.fact {
        Fact::Interest { of, .. } => Some(of.is_some()),
        _ => None,
    });
    assert_eq!(of, Some(false));
}

/// What the venue takes of a pair is closed in its record: the next one begins anew.
#[test]
fn a_pair_that_something_else_closes_is_closed_in_its_record() {
    let mut pair = Pair::with(legs(), wide(), false);
    pair.rig.engine.config.accounting = in_usd();
    pair.open(&request());
    let sent = pair.sent();
    pair.fill_with(sent[0], 600_000, 1_660, "4.482");
    pair.fill_with(sent[1], 600_300, 1_660, "3.985992");
    let forced = |trade, instrument, side, price, units| VenueReport::Forced {
        kind: hedgerow_model::ForcedKind::Liquidation,
        trade: TradeId(trade),
        instrument,
        side,
        price: Price::from_units(price),
        quantity: Quantity::from_units(units),
        fee: hedgerow_model::Fee::in_settle(dec("1.66")),
    };
    pair.report(L, forced(901, L, Side::Sell, 599_000, 660));
    let records = |pair: &Pair| pair.rig.engine.strategy_view(ME).unwrap().pairs;
    let [half] = &records(&pair)[..] else { panic!("one pair") };
    let held: Vec<_> = half.legs.iter().map(|leg| leg.quantity).collect();
    assert_eq!((half.closed, held), (None, vec![dec("0.1"), dec("-0.166")]));
    pair.report(L, forced(902, L, Side::Sell, 599_000, 1_000));
    pair.report(S, forced(903, S, Side::Buy, 601_300, 1_660));
    let [whole] = &records(&pair)[..] else { panic!("one pair") };
    assert!(whole.closed.is_some());
    // 0.166 x (59 900 - 60 000), 0.166 x (60 030 - 60 130)
    let price: Vec<_> = whole.legs.iter().map(|leg| leg.line.price).collect();
    assert_eq!(price, [dec("-16.6"), dec("-16.6")]);
    assert_eq!(whole.legs[0].line.fees, dec("4.482") + dec("3.32"));
    pair.assert_restores();
}
