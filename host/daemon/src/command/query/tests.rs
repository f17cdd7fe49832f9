//! Answers from facts: figures, filters, times.

use super::*;
use hedgerow_model::{
    AccountId, ClientOrderId, Decimal, Fee, FeeAsset, Give, Instrument, InstrumentId,
    InstrumentKind, LegOrder, LegRepair, LegResult, Liquidity, MarketRequest, OrderSize, PairKind,
    PairLeg, PairOutcome, PairRequest, PairSize, Price, PriceGrid, PriceSource, Quantity, Scale,
    SequenceRule, Side, SingleFigures, SingleOutcome, SinglePlan, SingleResult, SingleStep,
    StrategyId, TradeId, VenueId, VenueTime,
};

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn leg(id: u32, side: Side) -> PairLeg {
    PairLeg {
        instrument: InstrumentId(id),
        account: AccountId(id),
        side,
        target: Quantity::from_units(100),
        base: dec("1"),
        limit: Price::from_units(1_000),
        source: PriceSource::Touch,
        reach: None,
        middle: dec("100"),
        spread_bps: Some(dec("2")),
        expected: dec("100.02"),
        estimate_bps: dec("2"),
        worst: Price::from_units(1_000),
        fillable: Decimal::ONE,
        displayed: Quantity::from_units(500),
        margin: None,
    }
}

fn plan(id: u64) -> PairPlan {
    let at = HostTime::from_nanos(id * 86_400_000_000_000);
    let request = PairRequest {
        buy: InstrumentId(0),
        sell: InstrumentId(1),
        size: PairSize::Base(dec("1")),
        legs: LegOrder::Simultaneous,
        first: Give::Bps(5),
        hedge: Give::Bps(5),
        emergency: Give::Bps(5),
        deadline_ms: 1,
        tries: 1,
        min_premium_bps: None,
        make: None,
        accept: hedgerow_model::Accept::default(),
    };
    PairPlan {
        id,
        kind: PairKind::Open,
        request,
        legs: [leg(0, Side::Buy), leg(1, Side::Sell)],
        first: None,
        maker: None,
        advised: LegOrder::Simultaneous,
        premium_bps: dec("3"),
        making_until: None,
        step: dec("0.01"),
        began: at,
        deadline: at,
    }
}

fn ended(slippage: &str, back: Option<&str>) -> PairResult {
    let leg = |slippage_bps: Option<&str>, back: Option<&str>| LegResult {
        filled: Quantity::from_units(50),
        base: dec("0.5"),
        average: slippage_bps.map(|_| dec("100")),
        slippage_bps: slippage_bps.map(dec),
        taken_back: back.map(dec),
        fees: dec("0.1"),
    };
    PairResult {
        outcome: PairOutcome::Balanced,
        legs: [leg(Some(slippage), back), leg(None, None)],
        residual: Decimal::ZERO,
        retries: 1,
        orders: 3,
        repair_loss: dec("0.0174"),
        took_ms: 40,
        repairs: None,
    }
}

fn facts() -> Vec<Stamped> {
    let named =
        |what: &str, id, name: &str| Fact::Named { what: what.into(), id, name: name.into() };
    let step = |strategy, id, step| Fact::Plan { strategy: StrategyId(strategy), plan: id, step };
    let began = |strategy, id| (id, step(strategy, id, PlanStep::Began(Box::new(plan(id)))));
    let over = |strategy, id, result| (id, step(strategy, id, PlanStep::Ended(Box::new(result))));
    let mut all = vec![
        (0, named("instrument", 0, "v:A LinearPerpetual")),
        (0, named("instrument", 1, "w:B LinearPerpetual")),
        (0, named("strategy", 0, "one plugin on 0")),
        (0, named("strategy", 1, "two plugin on 0")),
    ];
    all.extend([began(0, 1), over(0, 1, ended("1", None))]);
    all.extend([began(0, 2), over(0, 2, ended("4", Some("99.9")))]);
    all.extend([began(1, 3)]);
    let stamped = |(id, fact)| Stamped { time: plan(id).began, fact };
    all.into_iter().map(stamped).collect()
}

fn figure(answer: &Answer, instrument: &str, name: &str) -> Vec<String> {
    let rows = answer.rows.iter().filter(|r| r["instrument"] == instrument && r["figure"] == name);
    let text = |value: &serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
    rows.flat_map(|r| ["count", "sum", "average", "min", "max"].map(|key| text(&r[key]))).collect()
}

#[test]
fn quality_is_counted_by_venue_instrument_and_kind_estimates_beside_outcomes() {
    let answer = answer(&facts(), What::Quality, &Filter::default());
    assert_eq!((answer.schema, answer.query), (1, "quality"));
    assert_eq!(figure(&answer, "v:A", "slippage_bps"), ["2", "5", "2.5", "1", "4"]);
    // what was estimated only counts beside what came of it
    assert_eq!(figure(&answer, "v:A", "estimate_bps"), ["2", "4", "2", "2", "2"]);
    let beyond = ["2", "1", "0.5", "-1", "2"];
    assert_eq!(figure(&answer, "v:A", "slippage_beyond_estimate_bps"), beyond);
    assert_eq!(figure(&answer, "w:B", "slippage_bps"), Vec::<String>::new());
    assert_eq!(figure(&answer, "w:B", "fees"), ["2", "0.2", "0.1", "0.1", "0.1"]);
    assert!(table(&answer).contains("pair-open"));
    // what the pair took as a whole is counted once, under both its legs
    assert_eq!(figure(&answer, "v:A + w:B", "retries"), ["2", "2", "1", "1", "1"]);
    let lost = ["2", "0.0348", "0.0174", "0.0174", "0.0174"];
    assert_eq!(figure(&answer, "v:A + w:B", "repair_loss"), lost);
    assert_eq!(figure(&answer, "v:A + w:B", "ms_to_balanced"), ["2", "80", "40", "40", "40"]);
    for leg in ["v:A", "w:B"] {
        assert_eq!(figure(&answer, leg, "retries"), Vec::<String>::new());
    }
    let both = answer.rows.iter().find(|row| row["instrument"] == "v:A + w:B").unwrap();
    assert_eq!(both["venue"], "v + w");
    let daily = Filter { daily: true, ..Filter::default() };
    let days = super::answer(&facts(), What::Quality, &daily);
    assert_eq!(days.rows[0]["day"], "1970-01-02");
    assert_eq!(figure(&days, "v:A", "slippage_bps").len(), 10);
}

/// Plans of one leg count beside pairs, by their own kind.
#[test]
fn quality_counts_plans_of_one_leg_too() {
    let request = MarketRequest::new(InstrumentId(0), Side::Buy, OrderSize::Base(dec("1")), 5);
    let at = plan(4).began;
    let began = SinglePlan {
        asked_by: hedgerow_model::AskedBy::Strategy,
        id: 4,
        request: request.into(),
        account: AccountId(0),
        side: Side::Buy,
        target: Quantity::from_units(100),
        slice: Quantity::from_units(100),
        adopted: (Quantity::ZERO, Decimal::ZERO),
        middle: dec("100"),
        expected: Some(dec("100.02")),
        source: PriceSource::Touch,
        reach: None,
        bound: None,
        began: at,
        deadline: at,
    };
    let figures = SingleFigures {
        filled: Quantity::from_units(75),
        base: dec("0.75"),
        left: Quantity::from_units(25),
        average: Some(dec("100.03")),
        slippage_bps: Some(dec("3")),
        fees: dec("0.2"),
        attempts: 2,
        reach: None,
        sources: Vec::new(),
        exit: None,
    };
    let outcome = SingleOutcome::Partly { why: "its time is over".into() };
    let ended = SingleResult { outcome, figures, took_ms: 70 };
    let mut facts = facts();
    for step in [SingleStep::Began(Box::new(began)), SingleStep::Ended(Box::new(ended))] {
        let step = PlanStep::Single(step);
        facts.push(Stamped {
            time: at,
            fact: Fact::Plan { strategy: StrategyId(0), plan: 4, step },
        });
    }
    let answer = answer(&facts, What::Quality, &Filter::default());
    let of = |name: &str| {
        let own = |r: &&Row| r["kind"] == "market" && r["figure"] == name && r["venue"] == "v";
        answer.rows.iter().find(own).map(|row| row["sum"].as_str().unwrap().to_owned())
    };
    let figures = ["estimate_bps", "slippage_bps", "slippage_beyond_estimate_bps", "filled_share"];
    assert_eq!(figures.map(of), ["2", "3", "1", "0.75"].map(|text| Some(text.to_owned())));
    let figures = ["fees", "took_ms", "orders"];
    assert_eq!(figures.map(of), ["0.2", "70", "2"].map(|text| Some(text.to_owned())));
    // and what a pair cost on the same instrument is not mixed with it
    assert_eq!(figure(&answer, "w:B", "fees"), ["2", "0.2", "0.1", "0.1", "0.1"]);
}

#[test]
fn what_was_repaired_is_an_incident_and_filters_narrow() {
    let all = answer(&facts(), What::Incidents, &Filter::default());
    assert_eq!(all.rows.len(), 1);
    let incident = &all.rows[0];
    assert_eq!(incident["plan"], 2);
    assert_eq!((&incident["asked"], &incident["filled"]), (&"1 / 1".into(), &"0.5 / 0.5".into()));
    assert_eq!(
        (&incident["repair_price"], &incident["repair_loss"]),
        (&"99.9 / -".into(), &"0.0174".into())
    );
    // what the host of then did not write
    assert!(incident["loss"].is_null());
    let plans = |filter: Filter| answer(&facts(), What::Plans, &filter).rows.len();
    assert_eq!(plans(Filter::default()), 3);
    let of = |name: &str| Filter { strategy: Some(name.into()), ..Filter::default() };
    assert_eq!([plans(of("one")), plans(of("two")), plans(of("three"))], [2, 1, 0]);
    let since = |text| Some(time(text).unwrap());
    assert_eq!(plans(Filter { since: since("1970-01-03"), ..Filter::default() }), 2);
    assert_eq!(plans(Filter { until: since("1970-01-03"), ..Filter::default() }), 1);
}

/// Completed after its first order, nothing taken back: an incident with its price and loss.
#[test]
fn a_leg_that_was_completed_later_is_an_incident_with_what_it_lost() {
    let mut facts = facts();
    let repaired = LegRepair { orders: 1, completed: Some(dec("100.5")), loss: dec("0.75") };
    let repairs = Some([LegRepair::default(), repaired]);
    let result = Box::new(PairResult { repairs, ..ended("1", None) });
    let fact = Fact::Plan { strategy: StrategyId(1), plan: 3, step: PlanStep::Ended(result) };
    facts.push(Stamped { time: plan(3).began, fact });
    let all = answer(&facts, What::Incidents, &Filter::default());
    assert_eq!(all.rows.len(), 2);
    let incident = &all.rows[1];
    assert_eq!(incident["plan"], 3);
    let told = (&incident["repair_price"], &incident["loss"]);
    assert_eq!(told, (&"- / 100.5".into(), &"0 / 0.75".into()));
    assert!(table(&all).contains("0 / 0.75"));
}

#[test]
fn times_are_read_as_people_write_them() {
    let seconds = |text| time(text).unwrap().as_nanos() / 1_000_000_000;
    assert_eq!(seconds("1970-01-01"), 0);
    assert_eq!(seconds("2026-11-29"), 1_795_910_400);
    assert_eq!(seconds("2024-02-29T23:59:59Z"), 1_709_251_199);
    assert_eq!(time("17").unwrap(), HostTime::from_nanos(17));
    for text in ["1970-01-01", "2026-11-29T12:00:00Z", "2024-02-29T23:59:59Z", "2100-03-01"] {
        let shown = iso(time(text).unwrap().as_nanos() + 7_999_999);
        let whole = if text.contains('T') { text.into() } else { format!("{text}T00:00:00Z") };
        assert_eq!(shown, whole.replace('Z', ".007Z"));
    }
    for wrong in ["yesterday", "2026-13-01", "2026-11-29T25:00:00", "2026-11"] {
        assert!(time(wrong).is_err(), "{wrong}");
    }
}

/// A fill that was inferred and the real one that replaces it are one trade: the table tells them
/// apart, with how much is replaced in the measure of the quantity beside it.
#[test]
fn inferred_fills_are_told_from_those_that_replace_them() {
    let spec = Instrument {
        id: InstrumentId(0),
        venue: VenueId(0),
        symbol: "A".into(),
        kind: InstrumentKind::LinearPerpetual,
        base: "B".into(),
        quote: "Q".into(),
        settle: "Q".into(),
        price_scale: Scale::new(1).unwrap(),
        quantity_scale: Scale::new(3).unwrap(),
        grid: PriceGrid::Tick(Price::from_units(1)),
        lot: Quantity::from_units(1),
        min_quantity: Quantity::from_units(1),
        max_quantity: None,
        min_notional: None,
        band: None,
        multiplier: Decimal::ONE,
        sequence: SequenceRule::Snapshots,
    };
    let fill = |inferred, replaces| Fact::Fill {
        id: ClientOrderId { strategy: StrategyId(0), number: 1 },
        account: AccountId(0),
        instrument: InstrumentId(0),
        trade: TradeId(1),
        side: Side::Buy,
        price: Price::from_units(1_000),
        quantity: Quantity::from_units(1_500),
        liquidity: Liquidity::Taker,
        fee: Fee { amount: Decimal::ZERO, asset: FeeAsset::Settle },
        happened: VenueTime::EPOCH,
        inferred,
        replaces: Quantity::from_units(replaces),
    };
    let forced = Fact::Forced {
        kind: hedgerow_model::ForcedKind::Liquidation,
        strategy: StrategyId(0),
        account: AccountId(0),
        instrument: InstrumentId(0),
        trade: TradeId(2),
        side: Side::Sell,
        price: Price::from_units(900),
        quantity: Quantity::from_units(500),
        fee: Fee { amount: dec("0.25"), asset: FeeAsset::Settle },
        happened: VenueTime::EPOCH,
    };
    let facts = [Fact::Defined(Box::new(spec)), fill(true, 0), fill(false, 1_500), forced];
    let facts = facts.map(|fact| Stamped { time: HostTime::EPOCH, fact });
    let answer = answer(&facts, What::Fills, &Filter::default());
    let told: Vec<_> = answer.rows.iter().map(|r| (&r["inferred"], &r["replaces"])).collect();
    let nothing = &serde_json::Value::Null;
    let wanted = [(&true.into(), &"0".into()), (&false.into(), &"1.5".into())];
    assert_eq!(told, [&wanted[..], &[(&false.into(), nothing)]].concat());
    // a liquidation is no order's, and a fill all the same
    let forced = &answer.rows[2];
    assert_eq!((&forced["forced"], &forced["order"]), (&"liquidation".into(), nothing));
    assert_eq!((&forced["quantity"], &forced["fee"]), (&"0.5".into(), &"0.25".into()));
    let shown = table(&answer);
    assert!(shown.contains("liquidation") && shown.contains("1970-01-01T00:00:00.000Z"), "{shown}");
    assert!(shown.contains("inferred") && shown.contains("replaces"), "{shown}");
}
