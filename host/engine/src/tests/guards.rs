//! What latches, what only an operator's release clears, and where marks and touches come from.

use super::*;

fn operator(rig: &mut Rig, strategy: Option<StrategyId>, mode: TradingMode) {
    let now = HostTime::from_nanos(rig.now);
    let command = OperatorCommand::SetMode { scope: strategy.into(), mode };
    rig.engine.handle(Input::Operator { now, command, reason: "r".into() }, &mut rig.effects);
}

fn restarts(rig: &Rig) -> usize {
    let is =
        |stamped: &&hedgerow_model::Stamped| matches!(stamped.fact, Fact::MeasuresRestarted { .. });
    rig.effects.facts.iter().filter(is).count()
}

fn level(rig: &mut Rig, side: Side, price: i64, seq: u64, flags: u16) {
    let sell = if side == Side::Sell { flag::SELL } else { 0 };
    let tick = Tick {
        ts: rig.now,
        recv_ts: rig.now,
        seq,
        kind: TickKind::Level.code(),
        flags: flags | sell,
        a: price,
        b: 1_000,
        c: i64::try_from(seq).unwrap() - 1,
        ..Tick::default()
    };
    rig.engine.handle(Input::Market(&[tick]), &mut rig.effects);
}

/// A whole book of one level a side.
fn book(rig: &mut Rig, bid: i64, ask: i64, seq: u64) {
    level(rig, Side::Buy, bid, seq, flag::SNAPSHOT);
    level(rig, Side::Sell, ask, seq, flag::LAST);
}

fn mark(rig: &mut Rig, price: i64) {
    let kind = TickKind::Mark.code();
    let flags = flag::LAST;
    let tick = Tick { ts: rig.now, recv_ts: rig.now, kind, flags, a: price, ..Tick::default() };
    rig.engine.handle(Input::Market(&[tick]), &mut rig.effects);
}

fn market(rig: &Rig) -> (Option<i64>, Option<i64>) {
    let market = rig.engine.markets.get(InstrumentId(0)).unwrap();
    (market.mark_doubled, market.touch(Side::Buy).map(Price::units))
}

#[test]
fn a_pause_never_loosens_what_a_kill_or_the_ledger_has_latched() {
    let mut rig = Rig::new();
    operator(&mut rig, None, TradingMode::Halted);
    operator(&mut rig, None, TradingMode::ReduceOnly);
    assert_eq!(rig.engine.host_mode(), TradingMode::Halted);
    operator(&mut rig, None, TradingMode::Running);
    assert_eq!(rig.engine.host_mode(), TradingMode::Running);
    let now = HostTime::from_nanos(rig.now);
    rig.engine.stop_strategy(now, ME, "it differs", &mut rig.effects);
    operator(&mut rig, Some(ME), TradingMode::ReduceOnly);
    assert_eq!(rig.engine.mode_of(ME), TradingMode::CancelOnly);
    let why = rig.engine.strategy_view(ME).unwrap().why;
    assert_eq!(why.as_deref(), Some("ledger: it differs"), "and the reason stays");
}

#[test]
fn only_the_release_of_a_guard_forgives_losses() {
    let mut rig = Rig::new();
    rig.buy(10_010, 9_900);
    rig.fill(1, 10_010, 9_900);
    rig.quote(0, 9_690, 9_710); // 31 below, 50 may be lost: the drawdown guard
    assert_eq!(rig.engine.mode_of(ME), TradingMode::ReduceOnly);
    operator(&mut rig, None, TradingMode::ReduceOnly);
    operator(&mut rig, None, TradingMode::Running);
    assert_eq!(restarts(&rig), 0, "the host was paused by hand");
    assert_eq!(rig.engine.mode_of(ME), TradingMode::ReduceOnly, "the strategy's own latch stays");
    operator(&mut rig, Some(ME), TradingMode::Running);
    assert_eq!((restarts(&rig), rig.engine.mode_of(ME)), (1, TradingMode::Running));
    operator(&mut rig, Some(ME), TradingMode::ReduceOnly);
    operator(&mut rig, Some(ME), TradingMode::Running);
    assert_eq!(restarts(&rig), 1, "paused by hand, nothing is forgiven");
}

#[test]
fn a_book_that_goes_on_takes_over_from_quotes_that_ended() {
    let mut rig = Rig::new();
    book(&mut rig, 9_900, 9_920, 1);
    assert_eq!(market(&rig), (Some(20_000), Some(9_990)), "quotes first");
    rig.advance(5_001);
    book(&mut rig, 9_800, 9_820, 2);
    assert_eq!(market(&rig), (Some(19_620), Some(9_800)));
    rig.quote(0, 9_700, 9_720);
    assert_eq!(market(&rig), (Some(19_420), Some(9_700)), "and give it back");
    // the venue's own mark goes first while it comes
    mark(&mut rig, 9_650);
    rig.quote(0, 9_600, 9_620);
    assert_eq!(market(&rig).0, Some(19_300));
    rig.advance(5_001);
    rig.quote(0, 9_600, 9_620);
    assert_eq!(market(&rig).0, Some(19_220));
}

#[test]
fn after_a_gap_the_first_whole_book_says_what_the_mark_is() {
    let mut rig = Rig::new();
    let kind = TickKind::FeedStatus.code();
    let a = hedgerow_model::FeedStatus::Gap.code();
    let gap = Tick { recv_ts: rig.now, kind, a, flags: flag::LAST, ..Tick::default() };
    rig.engine.handle(Input::Market(&[gap]), &mut rig.effects);
    book(&mut rig, 9_000, 9_020, 1);
    assert_eq!(market(&rig), (Some(18_020), Some(9_000)));
}

#[test]
fn a_mark_that_still_comes_does_not_revive_a_dead_book() {
    let mut rig = Rig::new();
    rig.advance(4_000);
    mark(&mut rig, 10_000);
    rig.advance(1_001);
    let refused = rig.buy(9_990, 100);
    assert!(matches!(refused, Some(RiskRejection::StaleMarket { .. })), "{refused:?}");
}

#[test]
fn a_reduction_is_held_to_a_fresh_mark_and_to_no_old_one() {
    let mut rig = Rig::new();
    rig.buy(10_010, 1_000);
    rig.fill(1, 10_010, 1_000);
    let refused = rig.sell(9_000, 500);
    assert!(matches!(refused, Some(RiskRejection::OutsideCollar { .. })), "{refused:?}");
    rig.advance(60_000);
    assert_eq!(rig.sell(9_000, 500), None, "nobody knows better");
}

/// The venue would refuse it: nothing leaves, and it is told which bound that was.
#[test]
fn a_price_beyond_the_band_of_the_venue_is_refused_both_ways() {
    let mut config = config(limits());
    config.instruments[0].band = Some(hedgerow_model::PriceBand { above_bps: 50, below_bps: 20 });
    let mut rig = Rig::over(config);
    // the edges of the band are between these prices
    let beyond =
        |price, bps| Some(RiskRejection::OutsideBand { price: Price::from_units(price), bps });
    assert_eq!(rig.buy(10_060, 100), beyond(10_060, 50));
    assert_eq!(rig.buy(10_050, 100), None);
    rig.fill(1, 10_010, 100);
    assert_eq!(rig.sell(9_970, 100), beyond(9_970, 20), "a reduction too");
    assert_eq!(rig.sell(9_980, 100), None);
    // what rests on its own side is not bound
    assert_eq!(rig.buy(9_950, 100), None);
}

#[test]
fn a_peak_that_marks_alone_have_raised_is_a_fact() {
    let mut rig = Rig::new();
    rig.buy(10_010, 9_900);
    rig.fill(1, 10_010, 9_900);
    rig.quote(0, 10_200, 10_220);
    let mut again = Engine::new(config(limits()));
    again.restore(&rig.effects.facts);
    let mut rig = Rig { engine: again, ..rig };
    rig.quote(0, 9_880, 9_900); // 32 below the peak, 12 below the start
    assert_eq!(rig.engine.mode_of(ME), TradingMode::ReduceOnly);
}

#[test]
fn with_a_host_limit_nothing_opens_while_somebody_holds_what_has_no_mark() {
    let mut config = config(limits());
    config.host.profit.loss = Some(Watch { limit: dec("100"), action: GuardAction::Pause });
    let mut other = config.strategies[0].clone();
    (other.id, other.trades, other.watches) =
        (StrategyId(1), vec![(InstrumentId(1), AccountId(0))], Vec::new());
    config.strategies.push(other);
    let mut rig = Rig { engine: Engine::new(config), ..Rig::new() };
    rig.quote(0, 9_990, 10_010);
    // folded from before a restart: the other one is long of what nobody has told the price of
    let id = hedgerow_model::ClientOrderId { strategy: StrategyId(1), number: 1 };
    let fill = Fact::Fill {
        id,
        account: AccountId(0),
        instrument: InstrumentId(1),
        trade: TradeId(1),
        side: Side::Buy,
        price: Price::from_units(10_000),
        quantity: Quantity::from_units(1_000),
        liquidity: Liquidity::Maker,
        fee: Fee::ZERO,
        happened: VenueTime::from_nanos(1),
        inferred: false,
        replaces: Quantity::ZERO,
    };
    let time = HostTime::from_nanos(rig.now);
    rig.engine.restore(&[hedgerow_model::Stamped { time, fact: fill }]);
    assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::NoMarket));
    rig.quote(1, 9_990, 10_010);
    assert_eq!(rig.buy(9_990, 100), None);
}

#[test]
fn figures_that_no_order_has_are_refused_and_stop_the_strategy() {
    let mut rig = Rig::new();
    rig.buy(9_990, 1_000);
    rig.accept(1);
    rig.fill(1, 9_990, -400);
    assert_eq!((rig.position(), rig.open(Side::Buy)), (0, 1_000));
    assert_eq!(rig.engine.mode_of(ME), TradingMode::CancelOnly);
    for (price, quantity) in [(i64::MAX, i64::MAX), (0, 5), (5, -1)] {
        let (price, quantity) = (Price::from_units(price), Quantity::from_units(quantity));
        rig.report(VenueReport::Amended { wire: WireId(1), price, quantity });
    }
    assert_eq!(rig.open(Side::Buy), 1_000);
    let conditions = rig.engine.conditions();
    assert!(conditions.iter().any(|c| c.contains("4 discrepancies")), "{conditions:?}");
}

#[test]
fn an_amendment_refused_during_a_cancel_frees_what_it_held() {
    let mut rig = Rig::new();
    rig.buy(9_990, 1_000);
    rig.accept(1);
    let quantity = Quantity::from_units(3_000);
    let amend = Amend { order: 1, price: Price::from_units(9_990), quantity };
    rig.want(vec![Intent::Amend(amend), Intent::Cancel(1)]);
    assert_eq!((rig.open(Side::Buy), rig.status(1)), (3_000, Some(OrderStatus::PendingCancel)));
    let reason = hedgerow_model::VenueRejection::FilterFailed;
    rig.report(VenueReport::AmendRejected { wire: WireId(1), reason });
    assert_eq!((rig.open(Side::Buy), rig.status(1)), (1_000, Some(OrderStatus::PendingCancel)));
}

#[test]
fn who_reads_quotes_alone_is_told_when_they_end_and_when_they_come_back() {
    let mut rig = Rig::new();
    book(&mut rig, 9_990, 10_010, 1);
    let told = |rig: &mut Rig| -> Vec<MarketStatus> {
        let all = std::mem::take(&mut rig.effects.deliveries);
        let status = |told: hedgerow_model::Delivery| match told.what {
            Delivered::Event(Event::Market { status, .. }) => Some(status),
            _ => None,
        };
        all.into_iter().filter_map(status).collect()
    };
    assert_eq!(told(&mut rig), []);
    for seq in 2..=3 {
        rig.advance(4_000);
        book(&mut rig, 9_990, 10_010, seq);
    }
    assert_eq!(told(&mut rig), [MarketStatus::Stale]);
    assert_eq!(rig.buy(9_990, 100), None, "by the book, all is well");
    rig.quote(0, 9_990, 10_010);
    assert_eq!(told(&mut rig), [MarketStatus::Fresh]);
}

#[test]
fn a_pause_leaves_what_can_only_reduce() {
    let mut rig = Rig::new();
    rig.buy(10_010, 1_000);
    rig.fill(1, 10_010, 1_000);
    rig.buy(9_990, 500); // 2 opens
    rig.sell(10_050, 600); // 3 reduces
    rig.accept(2);
    rig.accept(3);
    for _ in 0..3 {
        operator(&mut rig, Some(ME), TradingMode::ReduceOnly);
        let status = (rig.status(2), rig.status(3));
        assert_eq!(status, (Some(OrderStatus::PendingCancel), Some(OrderStatus::Open)));
    }
    operator(&mut rig, Some(ME), TradingMode::CancelOnly);
    assert_eq!(rig.status(3), Some(OrderStatus::PendingCancel));
}

/// A pause of equal strictness beside a guard's latch is not its release, and hides nothing.
#[test]
fn a_pause_beside_a_guard_does_not_hide_that_it_was_one() {
    let mut rig = Rig::new();
    rig.buy(10_000, 1_000);
    rig.accept(1);
    rig.fill(1, 10_000, 1_000);
    rig.quote(0, 6_400, 6_420);
    assert_eq!(rig.engine.mode_of(ME), TradingMode::ReduceOnly, "drawdown above 30");
    let mut command = |mode, reason: &str| {
        let command = OperatorCommand::SetMode { scope: Scope::Strategy(ME), mode };
        let now = HostTime::from_nanos(rig.now);
        let input = Input::Operator { now, command, reason: reason.into() };
        rig.engine.handle(input, &mut rig.effects);
        rig.engine.strategy_view(ME).unwrap().why.unwrap_or_default()
    };
    let why = command(TradingMode::ReduceOnly, "paused");
    assert!(why.contains("drawdown"), "{why}");
    let why = command(TradingMode::CancelOnly, "stricter");
    assert!(why.contains("stricter"), "{why}");
    command(TradingMode::Running, "looked");
    rig.quote(0, 6_399, 6_419);
    assert_eq!(rig.engine.mode_of(ME), TradingMode::Running, "its measures began anew");
}

/// What is denied without end fills no journal.
#[test]
fn a_strategy_that_is_denied_without_end_is_stopped_and_not_journaled() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        let first = rig.engine.next_order(ME);
        let off_grid = |number| NewOrder { number, ..rig.order(Side::Buy, 9_991, 100) };
        rig.want((first..first + 900).map(|number| Intent::Submit(off_grid(number))).collect());
    }
    let denied = |stamped: &&hedgerow_model::Stamped| {
        matches!(stamped.fact, Fact::Order { fact: OrderFact::Denied { .. }, .. })
    };
    assert_eq!(rig.effects.facts.iter().filter(denied).count(), 1_000);
    assert_eq!(rig.engine.mode_of(ME), TradingMode::CancelOnly);
    assert_eq!(rig.engine.next_order(ME), 2_701);
    let mut again = Engine::new(rig.engine.config().clone());
    again.restore(&rig.effects.facts);
    assert_eq!(again.next_order(ME), 2_701);
}

/// What no ledger holds is reported and stops the strategy; the engine lives, and so does one that
/// folds the facts.
#[test]
fn a_funding_payment_beyond_all_measure_stops_the_strategy() {
    let mut rig = Rig::new();
    rig.buy(10_010, 1_000);
    rig.fill(1, 10_010, 1_000);
    for (settlement, amount) in [(1, Decimal::MAX), (2, Decimal::MAX), (3, Decimal::ONE)] {
        let (instrument, settlement) = (InstrumentId(0), VenueTime::from_nanos(settlement));
        rig.report(VenueReport::FundingPayment { instrument, settlement, amount });
    }
    let odd = |s: &&Stamped| matches!(s.fact, Fact::Discrepancy { .. });
    assert_eq!(rig.effects.facts.iter().filter(odd).count(), 2);
    assert_eq!(rig.engine.mode_of(ME), TradingMode::CancelOnly);
    let mut again = Engine::new(config(limits()));
    again.restore(&rig.effects.facts);
    for engine in [&rig.engine, &again] {
        assert_eq!(engine.strategies[0].holdings[0].position.funding, Decimal::ONE);
    }
}
