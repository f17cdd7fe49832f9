//! What guards cannot see is said, and where they act on it nothing opens: margin that was not told
//! or is old, fees in an asset of the venue's own.

use super::*;
use hedgerow_model::{Asset, FeeAsset, Guard, RateSource};

fn sentences(rig: &Rig, word: &str) -> Vec<String> {
    let all = rig.engine.conditions().into_iter();
    all.filter(|line| line.contains(word)).collect()
}

fn with(change: impl Fn(&mut EngineConfig)) -> Rig {
    let mut config = config(limits());
    config.stale_after = Duration::from_secs(100_000);
    change(&mut config);
    Rig::over(config)
}

fn margin(rig: &mut Rig) {
    let (equity, used, maintenance) = (dec("1000"), dec("10"), dec("1"));
    rig.report(VenueReport::Margin { asset: "Q".into(), equity, used, maintenance });
}

fn hold(rig: &mut Rig) {
    assert_eq!(rig.buy(9_990, 100), None);
    let wire = rig.last_wire().0;
    rig.accept(wire);
    rig.fill(wire, 9_990, 100);
}

fn paused(config: &mut EngineConfig) {
    config.accounts[0].guards.margin_utilisation.action = GuardAction::Pause;
}

/// The usual guard only tells: what it cannot see is told too, and nothing is refused for it.
#[test]
fn margin_that_is_not_told_is_said_where_guards_only_tell() {
    let mut rig = with(|_| {});
    assert_eq!(sentences(&rig, "margin"), Vec::<String>::new(), "nothing is held");
    hold(&mut rig);
    let said = sentences(&rig, "margin");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("its venue has told none"), "{said:?}");
    assert!(!said[0].contains("nothing opens"), "{said:?}");
    assert_eq!(rig.buy(9_990, 100), None);
    margin(&mut rig);
    assert_eq!(sentences(&rig, "margin"), Vec::<String>::new());
}

/// Each guard of margin that does more than tell refuses what opens while its figure is missing.
#[test]
fn where_a_guard_acts_on_margin_that_is_not_told_nothing_opens() {
    let watch = || Some(Watch { limit: dec("50"), action: GuardAction::ClosePair });
    let changes: [fn(&mut AccountGuards); 5] = [
        |guards| guards.margin_utilisation.action = GuardAction::Pause,
        |guards| guards.grades[3].1 = GuardAction::Halt,
        |guards| guards.leverage_max = Some(dec("5")),
        |guards| guards.margin_ratio = None,
        |guards| guards.margin_utilisation.limit = dec("70"),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let mut rig = with(|c| {
            change(&mut c.accounts[0].guards);
            if place == 3 {
                c.accounts[0].guards.margin_ratio = watch();
            }
        });
        let refused = (place < 4).then_some(RiskRejection::MarginUnknown);
        assert_eq!(rig.buy(9_990, 100), refused, "{place}");
        margin(&mut rig);
        assert_eq!(rig.buy(9_990, 100), None, "{place}");
    }
    // on spot there is no margin to know
    let mut rig = with(|c| {
        paused(c);
        c.instruments[0].kind = InstrumentKind::Spot;
    });
    assert_eq!(rig.buy(9_990, 100), None);
}

/// What was told a minute ago and not since is not known any more; while nothing is held it is.
#[test]
fn margin_that_is_old_is_not_known() {
    let mut rig = with(paused);
    margin(&mut rig);
    rig.advance(3_600_000);
    rig.quote(0, 9_990, 10_010);
    hold(&mut rig);
    rig.advance(60_000);
    rig.quote(0, 9_990, 10_010);
    assert_eq!(sentences(&rig, "margin"), Vec::<String>::new());
    rig.advance(1);
    rig.quote(0, 9_990, 10_010);
    let said = sentences(&rig, "margin is not known (that in Q was told 3660 s ago)");
    assert!(said.len() == 1 && said[0].ends_with("nothing opens"), "{said:?}");
    assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::MarginUnknown));
    assert_eq!(rig.sell(9_990, 100), None, "what reduces goes on");
    margin(&mut rig);
    assert_eq!(rig.buy(9_980, 100), None);
    // a venue that is asked every minute is given three
    let mut rig = with(|c| {
        paused(c);
        c.accounts[0].asks.positions_every = Some(Duration::from_secs(60));
    });
    margin(&mut rig);
    hold(&mut rig);
    rig.advance(180_000);
    rig.quote(0, 9_990, 10_010);
    assert_eq!(rig.buy(9_990, 100), None);
}

/// Closing and opening again makes margin no younger that its venue does not tell.
#[test]
fn a_new_position_does_not_make_old_margin_new() {
    let mut rig = with(paused);
    margin(&mut rig);
    rig.advance(3_600_000);
    rig.quote(0, 9_990, 10_010);
    hold(&mut rig);
    rig.advance(40_000);
    rig.quote(0, 9_990, 10_010);
    assert_eq!(rig.sell(9_990, 100), None);
    let wire = rig.last_wire().0;
    rig.accept(wire);
    rig.fill(wire, 9_990, 100);
    let view = rig.engine.strategy_view(StrategyId(0)).unwrap();
    assert!(view.positions.iter().all(|held| held.quantity.is_zero()));
    rig.advance(20_000);
    rig.quote(0, 9_990, 10_010);
    assert_eq!(rig.buy(9_990, 100), None, "a minute since it was first needed");
    rig.advance(1);
    rig.quote(0, 9_990, 10_010);
    assert_eq!(rig.buy(9_980, 100), Some(RiskRejection::MarginUnknown));
    margin(&mut rig);
    assert_eq!(rig.buy(9_980, 100), None);
}

/// Instrument 1 trades the venue's token against Q; 0.1 lost by 100 at the touch, and a fee.
fn paid_in_tokens(accounting: Accounting, token_mark: i64) -> Rig {
    let mut rig = with(|c| {
        c.accounting = accounting.clone();
        c.instruments[1].base = "TOKEN".into();
        c.instruments[1].kind = InstrumentKind::Spot;
        c.strategies[0].limits.loss_max = dec("25");
        c.strategies[0].guards.loss_action = GuardAction::Pause;
    });
    rig.quote(1, token_mark - 10, token_mark + 10);
    assert_eq!(rig.buy(9_990, 100), None);
    rig.accept(1);
    let asset = FeeAsset::Other(Asset::from("TOKEN").unwrap());
    rig.report(VenueReport::Fill {
        wire: WireId(1),
        trade: TradeId(1),
        instrument: InstrumentId(0),
        price: Price::from_units(9_990),
        quantity: Quantity::from_units(100),
        liquidity: Liquidity::Taker,
        fee: Fee { amount: dec("0.05"), asset },
    });
    rig
}

fn tripped(rig: &Rig) -> bool {
    let mut facts = rig.effects.facts.iter();
    facts.any(|s| matches!(&s.fact, Fact::Guard { key, .. } if key.guard == Guard::Loss))
}

fn in_q() -> Accounting {
    Accounting { currency: Some("Q".into()), same: Vec::new() }
}

/// 0.05 tokens at 600 are 30: more than the 25 that may be lost.
#[test]
fn a_fee_in_a_third_asset_counts_in_loss_guards_at_its_worth() {
    let rig = paid_in_tokens(in_q(), 60_000);
    let position = &rig.engine.strategies[0].holdings[0].position;
    assert_eq!((position.fees, position.other_fees_worth), (Decimal::ZERO, dec("30")));
    assert_eq!(position.net_realised(), dec("-30"));
    assert!(tripped(&rig));
    assert_eq!(rig.engine.modes.of(Scope::Strategy(ME)), TradingMode::ReduceOnly);
    assert_eq!(sentences(&rig, "had no rate"), Vec::<String>::new());
    let rates = rig.effects.facts.iter().any(|stamped| match &stamped.fact {
        Fact::Rate { asset, rate } if asset == "TOKEN" => {
            rate.worth == Some((dec("600"), RateSource::Mark(InstrumentId(1))))
        }
        _ => false,
    });
    assert!(rates, "the rate is a fact");
    // what folds the facts knows the same without a market
    crate::snapshot::tests::any_cut_is_the_whole(rig.engine.config(), &rig.effects.facts);
    // at 400 a token it is 20
    assert!(!tripped(&paid_in_tokens(in_q(), 40_000)));
}

/// Where nothing says what it is worth it is in no profit, and that is said.
#[test]
fn a_fee_that_has_no_rate_counts_nothing_and_is_said() {
    for accounting in
        [Accounting::default(), Accounting { currency: Some("USD".into()), same: Vec::new() }]
    {
        let rig = paid_in_tokens(accounting, 60_000);
        let position = &rig.engine.strategies[0].holdings[0].position;
        assert_eq!((position.other_fees_worth, position.net_realised()), Default::default());
        assert!(!tripped(&rig));
        let said = sentences(&rig, "fees of 0.05 TOKEN had no rate");
        assert_eq!(said.len(), 1, "{:?}", rig.engine.conditions());
        crate::snapshot::tests::any_cut_is_the_whole(rig.engine.config(), &rig.effects.facts);
    }
}

/// What is settled in another asset has a margin of its own.
#[test]
fn margin_in_one_asset_says_nothing_of_another() {
    let mut rig = with(|c| {
        paused(c);
        c.instruments[1].kind = InstrumentKind::InversePerpetual;
        c.instruments[1].settle = "B".into();
        c.instruments[1].quantity_scale = Scale::ZERO;
        c.strategies[0].trades.push((InstrumentId(1), AccountId(0)));
    });
    rig.quote(1, 9_990, 10_010);
    margin(&mut rig);
    assert_eq!(rig.buy(9_990, 100), None);
    let order = NewOrder { instrument: InstrumentId(1), ..rig.order(Side::Buy, 9_990, 100) };
    assert_eq!(rig.submit(order), Some(RiskRejection::MarginUnknown));
    let (equity, used, maintenance) = (dec("1000"), dec("10"), dec("1"));
    rig.report(VenueReport::Margin { asset: "B".into(), equity, used, maintenance });
    let order = NewOrder { instrument: InstrumentId(1), ..rig.order(Side::Buy, 9_990, 100) };
    assert_eq!(rig.submit(order), None);
}
