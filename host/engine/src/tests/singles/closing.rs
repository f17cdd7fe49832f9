//! Closing what is held, prices where a side or the whole market is missing, modes.

use super::*;

#[test]
fn what_is_held_is_closed_as_it_is_known_at_each_try() {
    let mut one = One::new();
    one.hold(Side::Buy, 600_000, 50);
    one.begin(CloseRequest::new(X, 10));
    let first = one.one();
    // 59 999.8 less 10 bps, rounded down
    assert_eq!((first.side, first.price, first.quantity), (Side::Sell, 599_398, 50));
    assert!(first.reduce_only && !first.rests);
    one.unknown(first);
    one.pass(5_000);
    assert!(one.sent().is_empty(), "nothing is known of the last try");
    one.fill(first, 599_998, 30);
    one.expire(first);
    let second = one.one();
    assert_eq!(second.quantity, 20);
    one.fill(second, 599_998, 20);
    assert_eq!(one.outcome(), SingleOutcome::Filled);
    assert_eq!(one.rig.position(), 0);
    // nothing is held
    assert_eq!(one.ask_as(2, CloseRequest::new(X, 10)), Some(RiskRejection::WouldIncrease));
    one.assert_restores();
}

#[test]
fn no_more_is_closed_than_is_there_nor_than_was_asked_for() {
    let mut one = One::new();
    one.hold(Side::Sell, 600_000, 50);
    let part = CloseRequest { size: base("0.02"), ..CloseRequest::new(X, 10) };
    one.begin(part);
    let order = one.one();
    assert_eq!((order.side, order.quantity), (Side::Buy, 20));
    one.reject(order);
    // meanwhile the strategy closes most of it by itself
    one.hold(Side::Buy, 600_000, 45);
    one.pass(100);
    let order = one.one();
    assert_eq!(order.quantity, 5);
    one.fill(order, 600_000, 5);
    one.pass(100);
    let why = "nothing more is held that it could close".into();
    assert_eq!(one.outcome(), SingleOutcome::Partly { why });
}

#[test]
fn dual_sends_an_order_of_each_side_and_only_the_offsetting_one_acts() {
    let mut one = One::new();
    one.hold(Side::Buy, 600_000, 50);
    one.begin(CloseRequest::new(X, 10).dual());
    let sent = one.sent();
    let sides: Vec<_> = sent.iter().map(|o| (o.side, o.quantity, o.reduce_only)).collect();
    assert_eq!(sides, [(Side::Sell, 50, true), (Side::Buy, 50, true)]);
    let refused = hedgerow_model::VenueRejection::WouldIncrease;
    one.rig.report(VenueReport::Rejected { wire: WireId(sent[1].wire), reason: refused });
    one.fill(sent[0], 599_998, 20);
    assert!(one.sent().is_empty(), "the other is still there");
    one.expire(sent[0]);
    one.pass(100);
    let again = one.sent();
    assert_eq!(again.iter().map(|o| o.quantity).collect::<Vec<_>>(), [30, 30]);
    one.fill(again[0], 599_998, 30);
    one.expire(again[1]);
    assert_eq!(one.outcome(), SingleOutcome::Filled);
    assert_eq!(one.result().figures.attempts, 2, "an order beside counts as none");
    // a venue of the asset itself has no reduce-only
    let spot = Instrument { kind: InstrumentKind::Spot, ..spec() };
    let mut one = One::with(spot, wide(), false);
    one.hold(Side::Buy, 600_000, 50);
    let refused = one.ask_as(1, CloseRequest::new(X, 10).dual());
    assert!(matches!(refused, Some(RiskRejection::PlanUnreadable { .. })), "{refused:?}");
}

/// The order of the other side is judged by every limit: it might open.
#[test]
fn the_other_side_of_a_dual_close_passes_no_limit_that_an_opening_order_would_not() {
    let limits = StrategyLimits { position_notional_max: dec("4000"), ..wide() };
    let mut one = One::with(spec(), limits, false);
    one.hold(Side::Buy, 600_000, 50);
    one.begin(CloseRequest::new(X, 10).dual());
    let sent = one.sent();
    assert_eq!(sent.iter().map(|o| o.side).collect::<Vec<_>>(), [Side::Sell]);
    one.fill(sent[0], 599_998, 50);
    assert_eq!(one.outcome(), SingleOutcome::Filled);
}

#[test]
fn with_one_side_or_none_openings_are_refused_and_reductions_say_what_priced_them() {
    let one_sided = |levels: &[(Side, i64, i64)]| {
        let mut one = One::new();
        one.hold(Side::Buy, 600_000, 50);
        one.market = None;
        one.rig.advance(4_000);
        one.book(levels);
        one.rig.advance(2_000);
        one.book(levels); // quotes are over
        one
    };
    let asks = [(Side::Sell, 600_000, 10)];
    let mut one = one_sided(&asks);
    let opens = MarketRequest::new(X, Side::Buy, base("0.01"), 10);
    assert_eq!(one.ask_as(2, opens), Some(RiskRejection::NoMarket));
    one.begin(CloseRequest::new(X, 10));
    // 60 000.0 less 10 bps
    assert_eq!(one.one().price, 599_400);
    assert_eq!(one.plan().source, PriceSource::PresentSide);
    let mut one = one_sided(&[(Side::Sell, 600_000, 10), (Side::Sell, 600_000, 0)]);
    assert_eq!(
        one.ask_as(2, AggressiveRequest::new(X, Side::Buy, base("0.01"))),
        Some(RiskRejection::NoMarket)
    );
    one.begin(CloseRequest::new(X, 10));
    // the last mark, 59 999.9, less 10 bps
    assert_eq!(one.one().price, 599_399);
    assert_eq!(one.plan().source, PriceSource::Mark);
    assert_eq!(one.told().single().unwrap().figures.sources, [PriceSource::Mark]);
    // within the collar, whatever was asked for
    let mut one = One::with(spec(), StrategyLimits { collar_bps: 5, ..wide() }, false);
    one.hold(Side::Buy, 600_000, 50);
    one.begin(CloseRequest::new(X, 100));
    // the mark less 5 bps, rounded to the inside
    assert_eq!(one.one().price, 599_700);
}

#[test]
fn modes_end_what_opens_and_leave_what_closes() {
    for mode in [TradingMode::ReduceOnly, TradingMode::CancelOnly, TradingMode::Halted] {
        let mut one = One::new();
        one.begin(LimitRequest::new(X, Side::Buy, base("0.05"), dec("59990"), 60_000));
        let order = one.one();
        one.accept(order);
        one.mode(mode);
        assert_eq!(one.canceled(), [order.wire], "{mode}");
        one.gone(order);
        let why = "the mode forbids it".to_owned();
        assert_eq!(one.outcome(), SingleOutcome::Unfilled { why: why.clone() });
        let opens = MarketRequest::new(X, Side::Buy, base("0.01"), 10);
        assert_eq!(one.ask_as(2, opens), Some(RiskRejection::ModeForbids { mode }));
        // a close that began goes on but where everything is forbidden
        let mut one = One::new();
        one.hold(Side::Buy, 600_000, 50);
        one.begin(CloseRequest::new(X, 10));
        let order = one.one();
        one.mode(mode);
        one.expire(order);
        one.pass(100);
        match mode {
            TradingMode::Halted => assert_eq!(one.outcome(), SingleOutcome::Unfilled { why }),
            _ => assert_eq!(one.one().quantity, 50, "{mode}"),
        }
        // one that would begin is the strategy's own reduction
        let mut one = One::new();
        one.hold(Side::Buy, 600_000, 50);
        one.mode(mode);
        let begins = one.ask_as(1, CloseRequest::new(X, 10)).is_none();
        assert_eq!(begins, mode == TradingMode::ReduceOnly, "{mode}");
    }
}

#[test]
fn an_operators_cancel_all_ends_what_would_open_in_its_scope() {
    let meant =
        [Scope::Host, Scope::Strategy(ME), Scope::Account(AccountId(0)), Scope::Instrument(X)];
    let others = [Scope::Account(AccountId(7)), Scope::Instrument(InstrumentId(7))];
    for scope in meant.into_iter().chain(others) {
        let mut one = One::new();
        one.begin(LimitRequest::new(X, Side::Buy, base("0.05"), dec("59990"), 60_000));
        let order = one.one();
        one.accept(order);
        one.say(OperatorCommand::CancelAll { scope });
        if others.contains(&scope) {
            assert!(one.canceled().is_empty(), "{scope:?}");
            continue;
        }
        assert_eq!(one.canceled(), [order.wire], "{scope:?}");
        one.gone(order);
        assert!(one.is_over());
    }
}

/// A barrier stays, its entry goes: a venue that refuses the cancel is asked again.
#[test]
fn an_entry_whose_cancel_is_refused_after_a_cancel_all_is_asked_for_again() {
    let mut one = One::new();
    let barrier = BarrierRequest::new(X, Side::Buy, (Decimal::ZERO, Decimal::ZERO), 20);
    one.begin(barrier.stop_loss(dec("0.1")).enter_at(base("0.05"), dec("59990")));
    let entry = one.one();
    one.accept(entry);
    one.fill(entry, 599_900, 20);
    one.say(OperatorCommand::CancelAll { scope: Scope::Host });
    assert_eq!(one.canceled(), [entry.wire]);
    for asked in 2..5 {
        let (wire, reason) = (WireId(entry.wire), hedgerow_model::VenueRejection::Other(429));
        one.rig.report(VenueReport::CancelRejected { wire, reason });
        one.pass(20_000);
        assert_eq!(one.canceled().len(), asked);
    }
    one.gone(entry);
    one.pass(60_000);
    assert!(one.sent().is_empty() && !one.is_over(), "what is filled is watched, nothing enters");
    assert_eq!(one.rig.engine.cancels_under_way(), 0);
}

/// Without a book a reduction is priced from the mark, and no further than the venue takes it.
#[test]
fn a_close_stays_within_the_band_of_the_venue_with_a_book_and_without() {
    for blind in [false, true] {
        let band = Some(hedgerow_model::PriceBand { above_bps: 10, below_bps: 10 });
        let mut one = One::with(Instrument { band, ..spec() }, wide(), false);
        one.hold(Side::Buy, 600_000, 50);
        if blind {
            one.market = None;
            one.pass(60_000);
        }
        one.begin(CloseRequest::new(X, 50));
        let order = one.one();
        // the mark is 59 999.9: 10 bps below lie 59 939.9001, rounded to the inside
        assert_eq!((order.side, order.price), (Side::Sell, 599_400), "blind {blind}");
        let reach = one.plan().reach.map(|reach| reach.bps);
        assert!(reach.is_some_and(|bps| bps < dec("50")), "it says how far it reached: {reach:?}");
    }
}
