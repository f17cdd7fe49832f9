//! Limit, market, aggressive limit, inside the spread, tiered, chase, TWAP.

use super::*;
use hedgerow_model::InsideSpreadRequest;

fn unfilled(why: &str) -> SingleOutcome {
    SingleOutcome::Unfilled { why: why.into() }
}

fn partly(why: &str) -> SingleOutcome {
    SingleOutcome::Partly { why: why.into() }
}

#[test]
fn a_limit_is_one_attempt_canceled_at_its_time_out_and_over_when_its_outcome_is_known() {
    let mut one = One::new();
    one.begin(LimitRequest::new(X, Side::Buy, base("0.0505"), dec("59990.06"), 1_000));
    let order = one.one();
    // half a lot is cut off, a passive buy rounds down
    assert_eq!((order.price, order.quantity, order.rests), (599_900, 50, true));
    one.accept(order);
    one.fill(order, 599_900, 20);
    one.pass(999);
    assert!(one.canceled().is_empty());
    one.pass(1);
    assert_eq!(one.canceled(), [order.wire]);
    // the cancel is on its way: nothing is decided
    one.fill(order, 599_900, 10);
    one.pass(5_000);
    assert!(!one.is_over());
    one.gone(order);
    assert_eq!(one.outcome(), partly("timed out"));
    let figures = one.result().figures;
    assert_eq!((figures.filled.units(), figures.left.units()), (30, 20));
    assert_eq!((figures.average, figures.attempts), (Some(dec("59990")), 1));
    assert_eq!(figures.sources, [PriceSource::Asked]);
    // (59 990 - 59 999.9) / 59 999.9
    assert_eq!(figures.slippage_bps, Some(dec("-1.65")));
    assert!(one.sent().is_empty(), "one attempt");
    assert!(one.told().is_over());
    // a fill that was late is in the result too
    one.fill(order, 599_900, 5);
    assert_eq!(one.result().figures.filled.units(), 35);
    one.assert_restores();
}

#[test]
fn vector_m3_ticks_and_basis_points_say_the_same() {
    let reach = |one: &One| {
        let reach = one.plan().reach.unwrap();
        (reach.ticks, reach.bps.round_dp(3))
    };
    let mut one = One::new();
    one.begin(AggressiveRequest::new(X, Side::Buy, base("1")));
    assert_eq!(one.one().price, 600_010);
    assert_eq!(reach(&one), (dec("10"), dec("0.167")));
    let mut one = One::new();
    one.begin(AggressiveRequest::new(X, Side::Sell, base("1")).cross_ticks(10));
    assert_eq!(one.one().price, 599_988);
    assert_eq!(reach(&one), (dec("10"), dec("0.167")));
    assert_eq!(one.result_reach(), one.plan().reach);
    // a gold token at 2650 with tick 0.01
    let gold = Instrument { price_scale: Scale::new(2).unwrap(), ..spec() };
    let mut one = One::with(gold, wide(), false);
    one.quote(264_999, 265_000);
    one.begin(AggressiveRequest::new(X, Side::Buy, base("1")));
    assert_eq!(one.one().price, 265_010);
    assert_eq!(reach(&one), (dec("10"), dec("0.377")));
}

impl One {
    /// How far the newest price reached, as the strategy is told.
    fn result_reach(&self) -> Option<hedgerow_model::Reach> {
        self.told().single().unwrap().figures.reach
    }
}

#[test]
fn vector_l1_aggressive_limits_and_what_a_market_order_needs() {
    let levels = [
        (Side::Sell, 600_000, 50),
        (Side::Sell, 600_005, 80),
        (Side::Sell, 600_030, 400),
        (Side::Buy, 599_998, 1_000),
    ];
    let book = || {
        let mut one = One::new();
        one.market = None;
        one.rig.advance(6_000); // quotes are over
        one.book(&levels);
        one
    };
    let mut one = book();
    one.begin(AggressiveRequest::new(X, Side::Buy, base("0.166")).bps(5));
    assert_eq!(one.one().price, 600_300);
    let reach = one.plan().reach.unwrap();
    assert_eq!((reach.ticks, reach.bps), (dec("300"), dec("5")));
    let mut one = book();
    one.begin(MarketRequest::new(X, Side::Buy, base("0.166"), 5));
    let plan = one.plan();
    assert_eq!(plan.expected.unwrap().round_dp(6), dec("60000.891566"));
    assert_eq!(plan.middle, dec("59999.9"));
    // never worse than the last price that is needed, and one tick
    let order = one.one();
    assert_eq!((order.price, order.rests), (600_031, false));
    let reach = plan.reach.unwrap();
    assert_eq!((reach.ticks, reach.bps), (dec("31"), dec("0.5167")));
    // sell with best bid 60 029.9, a = 5 bps: floor(59 999.88505)
    let mut one = One::new();
    one.quote(600_299, 600_301);
    one.begin(AggressiveRequest::new(X, Side::Sell, base("0.166")).bps(5));
    assert_eq!(one.one().price, 599_998);
}

#[test]
fn an_aggressive_limit_is_sent_again_at_the_touch_of_then_for_what_is_known_to_be_left() {
    let mut one = One::new();
    let request = AggressiveRequest::new(X, Side::Buy, OrderSize::Quote(dec("6000.1")));
    one.begin(AggressiveRequest { max_retries: 1, ..request });
    let first = one.one();
    assert_eq!((first.price, first.quantity), (600_010, 100)); // at most 6000.1 at its limit
    one.accept(first);
    one.fill(first, 600_000, 40);
    one.quote(600_100, 600_102);
    one.pass(1_000);
    assert_eq!(one.canceled(), [first.wire]);
    // the cancel crosses a fill, and no answer comes
    one.unknown(first);
    one.pass(3_000);
    assert!(one.sent().is_empty(), "its outcome is not known");
    one.fill(first, 600_000, 25);
    one.gone(first);
    let second = one.one();
    assert_eq!((second.price, second.quantity), (600_112, 35));
    one.accept(second);
    one.pass(1_000);
    one.gone(second);
    assert_eq!(one.outcome(), partly("no attempt is left"));
    assert_eq!(one.result().figures.attempts, 2);
    one.assert_restores();
}

#[test]
fn inside_the_spread_steps_to_the_other_side_and_no_further_than_its_bound() {
    let mut one = One::new();
    one.quote(600_000, 600_010);
    let request = InsideSpreadRequest::new(X, Side::Buy, base("0.01"), 1);
    one.begin(InsideSpreadRequest { steps: 2, post_only: true, ..request });
    for price in [600_000, 600_005] {
        let order = one.one();
        assert_eq!((order.price, order.rests, order.post_only), (price, true, true));
        one.accept(order);
        one.pass(1_000);
        one.gone(order);
    }
    // k = n takes the other side
    let order = one.one();
    assert_eq!((order.price, order.rests), (600_010, false));
    one.expire(order);
    assert_eq!(one.outcome(), unfilled("no attempt is left"));
    // it ran away: 60 001.0 x 1.0001 is the bound
    let mut one = One::new();
    one.quote(600_000, 600_010);
    one.begin(InsideSpreadRequest {
        steps: 1,
        ..InsideSpreadRequest::new(X, Side::Buy, base("1"), 1)
    });
    let order = one.one();
    one.quote(601_000, 601_010);
    one.pass(1_000);
    one.gone(order);
    assert_eq!(one.one().price, 600_070);
}

#[test]
fn tiered_rests_and_then_takes_within_its_bound() {
    let mut one = One::new();
    one.begin(TieredRequest::new(X, Side::Sell, base("0.05"), 500, 20));
    let rests = one.one();
    assert_eq!((rests.price, rests.rests), (600_000, true));
    one.accept(rests);
    one.fill(rests, 600_000, 10);
    one.pass(500);
    one.gone(rests);
    let takes = one.one();
    // no further than the touch makes necessary, and one tick
    assert_eq!((takes.price, takes.quantity, takes.rests), (599_997, 40, false));
    one.fill(takes, 599_998, 40);
    assert_eq!(one.outcome(), SingleOutcome::Filled);
    // refused at once: it takes at once
    let mut one = One::new();
    let request = TieredRequest::new(X, Side::Sell, base("0.05"), 500, 20);
    one.begin(TieredRequest { post_only: true, ..request });
    let rests = one.one();
    one.reject(rests);
    one.pass(100);
    assert!(!one.one().rests);
}

#[test]
fn a_chase_follows_the_touch_and_is_never_past_its_limit() {
    let mut one = One::new();
    one.begin(ChaseRequest {
        refresh_ticks: 3,
        ..ChaseRequest::new(X, Side::Buy, base("0.05"), dec("60000.5"), 60_000)
    });
    let mut order = one.one();
    assert_eq!((order.price, order.post_only), (599_998, true));
    one.accept(order);
    one.quote(600_000, 600_002); // off by two: it stays
    assert!(one.canceled().is_empty());
    one.quote(600_002, 600_004);
    assert_eq!(one.canceled(), [order.wire]);
    one.fill(order, 599_998, 10);
    one.gone(order);
    one.pass(100);
    order = one.one();
    assert_eq!((order.price, order.quantity), (600_002, 40));
    one.accept(order);
    one.quote(600_040, 600_042);
    one.gone(order);
    one.pass(100);
    order = one.one();
    assert_eq!(order.price, 600_005, "the hard limit");
    one.accept(order);
    one.quote(599_000, 599_002);
    one.gone(order);
    one.pass(100);
    order = one.one();
    assert_eq!(order.price, 599_000);
    one.reject(order); // the market moved under it
    one.pass(100);
    assert_eq!(one.one().price, 599_000);
    one.give_up();
    assert_eq!(one.canceled().len(), 4);
    one.assert_restores();
}

#[test]
fn a_chase_may_step_across_the_spread_the_last_step_taking() {
    let mut one = One::new();
    one.quote(600_000, 600_009);
    let request = ChaseRequest::new(X, Side::Buy, base("0.05"), dec("60100"), 60_000);
    one.begin(request.crossing(3, 1_000));
    for (price, rests) in [(600_000, true), (600_003, true), (600_006, true), (600_009, false)] {
        let order = one.one();
        assert_eq!((order.price, order.rests, order.post_only), (price, rests, rests));
        if rests {
            one.accept(order);
            one.pass(1_000);
            one.gone(order);
        } else {
            one.fill(order, 600_009, 20);
            one.expire(order);
        }
    }
    assert_eq!(one.outcome(), partly("no attempt is left"));
}

#[test]
fn twap_slices_on_the_lot_grid_and_adds_what_a_slice_missed_to_the_next() {
    let mut one = One::new();
    // 3.5 intervals: three slices of 33 lots, the last with what remains
    one.begin(TwapRequest::new(X, Side::Buy, base("0.1"), (3_500, 1_000), 5));
    assert_eq!(one.plan().slice.units(), 33);
    let first = one.one();
    assert_eq!((first.quantity, first.rests), (33, false));
    one.fill(first, 600_000, 13);
    one.expire(first);
    one.pass(999);
    assert!(one.sent().is_empty());
    one.pass(1);
    let second = one.one();
    assert_eq!(second.quantity, 53);
    one.reject(second);
    one.pass(1_000);
    let third = one.one();
    assert_eq!(third.quantity, 87);
    one.fill(third, 600_000, 80);
    one.expire(third);
    one.pass(100);
    assert_eq!(one.outcome(), partly("the last slice brought no more"));
    assert_eq!(one.result().figures.filled.units(), 93);
    one.assert_restores();
}

#[test]
fn twap_maker_slices_turn_taker_at_their_deadline_and_cancel_stops() {
    let mut one = One::new();
    let request = TwapRequest::new(X, Side::Buy, base("0.1"), (2_000, 1_000), 5);
    one.begin(request.making(600));
    let makes = one.one();
    assert_eq!((makes.price, makes.quantity, makes.post_only), (599_998, 50, true));
    one.accept(makes);
    one.fill(makes, 599_998, 20);
    one.pass(600);
    assert_eq!(one.canceled(), [makes.wire]);
    one.gone(makes);
    let takes = one.one();
    assert_eq!((takes.quantity, takes.rests), (30, false));
    one.fill(takes, 600_000, 30);
    one.pass(400);
    let makes = one.one();
    assert_eq!((makes.quantity, makes.post_only), (50, true));
    one.accept(makes);
    one.give_up();
    assert_eq!(one.canceled().last(), Some(&makes.wire));
    one.gone(makes);
    assert_eq!(one.outcome(), partly("given up"));
    one.pass(5_000);
    assert!(one.sent().is_empty());
}

#[test]
fn refusals_that_pass_use_time_and_others_attempts() {
    let mut one = One::new();
    let request = AggressiveRequest::new(X, Side::Buy, base("0.05"));
    one.begin(AggressiveRequest { max_retries: 1, ..request });
    let order = one.one();
    one.accept(order);
    one.market = None;
    one.pass(6_000); // it grew stale meanwhile
    one.gone(order);
    one.pass(2_000);
    assert!(one.sent().is_empty() && !one.is_over());
    one.quote(599_998, 600_000);
    one.pass(200);
    let again = one.one();
    one.expire(again);
    assert_eq!(one.outcome(), unfilled("no attempt is left"));
    // the limits do not pass by themselves
    let mut one =
        One::with(spec(), StrategyLimits { order_notional_max: dec("3000.1"), ..wide() }, false);
    let request = AggressiveRequest::new(X, Side::Buy, base("0.05"));
    one.begin(AggressiveRequest { max_retries: 1, ..request });
    let order = one.one();
    one.accept(order);
    one.quote(600_100, 600_102);
    one.pass(1_000);
    one.gone(order);
    assert!(
        matches!(one.outcome(), SingleOutcome::Unfilled { why } if why.contains("above the limit"))
    );
}

#[test]
fn after_a_restart_a_plan_goes_on_from_what_the_venue_says() {
    let mut one = One::with(spec(), wide(), true);
    let up = |one: &mut One, open: Option<(Sent, i64)>, position: i64| {
        one.rig.report(VenueReport::Up);
        let nonce = match one.rig.effects.commands.last() {
            Some(VenueCommand::Reconcile { nonce, .. }) => *nonce,
            other => panic!("{other:?}"),
        };
        if let Some((sent, filled)) = open {
            one.rig.report(VenueReport::OpenOrder {
                nonce,
                wire: WireId(sent.wire),
                order: VenueOrderId(1),
                instrument: X,
                price: Price::from_units(sent.price),
                quantity: Quantity::from_units(sent.quantity),
                filled: Quantity::from_units(filled),
            });
        }
        let quantity = Quantity::from_units(position);
        one.rig.report(VenueReport::Position { nonce, instrument: X, quantity });
        one.rig.report(VenueReport::Reconciled { nonce });
    };
    up(&mut one, None, 0);
    let request = AggressiveRequest::new(X, Side::Buy, base("0.05"));
    one.begin(AggressiveRequest { timeout_ms: 60_000, ..request });
    let order = one.one();
    one.restart();
    one.pass(5_000);
    assert!(one.sent().is_empty(), "nothing is known of what was sent");
    // it never arrived: its venue says so as often as it is asked, and knows of no trades
    up(&mut one, None, 0);
    let mut answered = 0;
    let mut again = one.sent();
    while again.is_empty() {
        one.pass(100);
        let asked: Vec<_> = one.rig.effects.commands.iter().filter_map(world::question).collect();
        for (nonce, about) in asked.into_iter().skip(answered) {
            answered += 1;
            match about {
                world::About::All => {
                    let quantity = Quantity::ZERO;
                    one.rig.report(VenueReport::Position { nonce, instrument: X, quantity });
                    one.rig.report(VenueReport::Reconciled { nonce });
                }
                world::About::Order(wire) => {
                    let answer = hedgerow_model::QueryAnswer::NotFound;
                    one.rig.report(VenueReport::OrderState { nonce: Some(nonce), wire, answer });
                }
                world::About::Trades(wire) => {
                    one.rig.report(VenueReport::TradesTold { nonce, wire });
                }
            }
        }
        again = one.sent();
        assert!(one.rig.now < START + 60_000_000_000, "it is asked for for ever");
    }
    let again = again[0];
    assert_eq!(again.quantity, order.quantity);
    one.accept(again);
    one.restart();
    one.pass(1_000);
    assert_eq!(one.canceled().last(), Some(&again.wire), "a cancel may always leave");
    // half of it was filled while nobody listened
    one.fill(again, 600_000, 25);
    up(&mut one, Some((again, 25)), 25);
    one.gone(again);
    assert_eq!(one.one().quantity, 25);
    one.assert_restores();
}
