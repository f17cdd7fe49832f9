//! A stop where the side that it would be closed at is missing or stale: the venue's own mark says
//! when, if it is fresh.

use super::barriers::{closed, fired, hundred, request};
use super::*;
use hedgerow_model::{Barrier, FeedStatus};

fn tick(one: &One, kind: TickKind, a: i64) -> Tick {
    Tick {
        ts: one.rig.now,
        recv_ts: one.rig.now,
        kind: kind.code(),
        flags: flag::LAST,
        a,
        ..Tick::default()
    }
}

fn mark(one: &mut One, price: i64) {
    let tick = tick(one, TickKind::Mark, price);
    one.rig.engine.handle(Input::Market(&[tick]), &mut one.rig.effects);
}

/// Long one unit at 100.00 without fees, and the feed of prices breaks off.
fn blind(asked: impl Fn(BarrierRequest) -> BarrierRequest) -> One {
    let mut one = hundred();
    let none = (Decimal::ZERO, Decimal::ZERO);
    let asked = asked(BarrierRequest::new(X, Side::Buy, none, 20));
    one.begin(asked.enter_now(base("1"), 5));
    let entry = one.one();
    one.fill(entry, 10_000, 1_000);
    break_off(&mut one);
    one
}

fn break_off(one: &mut One) {
    one.market = None;
    let down = tick(one, TickKind::FeedStatus, FeedStatus::Down.code());
    one.rig.engine.handle(Input::Market(&[down]), &mut one.rig.effects);
}

#[test]
fn a_stop_without_a_touch_goes_by_the_venues_mark() {
    let mut one = blind(|asked| asked.stop_loss(dec("0.01")));
    mark(&mut one, 9_901);
    assert!(one.sent().is_empty());
    mark(&mut one, 9_900);
    assert_eq!(fired(&one), [(Barrier::Stop, Some(dec("-0.01")))]);
    let exit = one.one();
    // 99.00 less 20 bps, rounded to reach further
    assert_eq!((exit.side, exit.price, exit.reduce_only), (Side::Sell, 9_880, true));
    one.fill(exit, 9_890, 1_000);
    assert_eq!(one.outcome(), closed(Barrier::Stop));
    assert_eq!(one.result().figures.sources, [PriceSource::Touch, PriceSource::Mark]);
    one.assert_restores();
}

/// One side of the book is enough where it is the one that it would be closed at.
#[test]
fn a_book_without_bids_is_blind_for_a_long_and_not_for_a_short() {
    for side in [Side::Buy, Side::Sell] {
        let mut one = hundred();
        let asked = BarrierRequest::new(X, side, (Decimal::ZERO, Decimal::ZERO), 20);
        one.begin(asked.stop_loss(dec("0.01")).enter_now(base("1"), 5));
        let entry = one.one();
        one.fill(entry, if side == Side::Buy { 10_000 } else { 9_999 }, 1_000);
        break_off(&mut one);
        one.book(&[(Side::Sell, 10_000, 10)]);
        // as far against it as fires
        mark(&mut one, if side == Side::Buy { 9_900 } else { 10_100 });
        assert_eq!(one.sent().len(), usize::from(side == Side::Buy), "{side:?}");
    }
}

#[test]
fn while_there_is_a_touch_the_mark_says_nothing() {
    let mut one = hundred();
    let asked = request(Side::Buy).stop_loss(dec("0.01")).trailing(dec("0.003"), dec("0.004"));
    one.begin(asked.enter_now(base("1"), 5));
    let entry = one.one();
    one.fill(entry, 10_000, 1_000);
    mark(&mut one, 9_000);
    assert!(one.sent().is_empty());
    // from when it grows old on, what the mark has said counts
    one.market = None;
    let stale = one.rig.engine.next_wakeup().unwrap();
    one.rig.now = stale.as_nanos() - 1_000_000;
    mark(&mut one, 9_000);
    assert!(one.sent().is_empty());
    one.rig.now = stale.as_nanos();
    one.rig.engine.handle(Input::Wake(stale), &mut one.rig.effects);
    assert_eq!(fired(&one).iter().map(|(by, _)| *by).collect::<Vec<_>>(), [Barrier::Stop]);
}

#[test]
fn a_mark_that_is_old_or_not_the_venues_fires_nothing() {
    let mut one = blind(|asked| asked.stop_loss(dec("0.01")));
    // the middle of the last quotes is no mark of the venue's
    let now = HostTime::from_nanos(one.rig.now);
    one.rig.engine.handle(Input::Wake(now), &mut one.rig.effects);
    mark(&mut one, 9_950);
    one.pass(6_000);
    one.pass(6_000);
    assert!(one.sent().is_empty());
    assert_eq!(fired(&one), []);
}

/// A trailing stop follows the touch alone: a mark that stands a little beside it is no fall. And
/// nothing takes profit but a price that could be traded at.
#[test]
fn a_mark_moves_no_trailing_stop_and_gains_nothing() {
    let trails =
        |asked: BarrierRequest| asked.trailing(dec("0.010"), dec("0.004")).take_profit(dec("0.05"));
    let mut one = blind(trails);
    for price in [10_900, 9_000] {
        mark(&mut one, price);
        let slot = one.rig.engine.plans.single(&(ME, 1)).unwrap();
        assert_eq!((slot.trigger, fired(&one)), (None, vec![]), "{price}");
    }
    one.quote(10_180, 10_181);
    let trigger = |one: &One| one.rig.engine.plans.single(&(ME, 1)).unwrap().trigger;
    assert_eq!(trigger(&one), Some(dec("0.014")));
    mark(&mut one, 10_180);
    break_off(&mut one);
    mark(&mut one, 10_900);
    assert_eq!((trigger(&one), fired(&one)), (Some(dec("0.014")), vec![]));
    mark(&mut one, 10_139);
    assert_eq!(fired(&one), vec![]);
    one.quote(10_139, 10_140);
    assert_eq!(fired(&one), [(Barrier::Trailing, Some(dec("0.0139")))]);
    assert_eq!(one.one().quantity, 1_000);
}

/// Marks are quiet for a strategy unless a barrier may read them.
#[test]
fn no_mark_is_quiet_while_a_barrier_is_there() {
    let quiet = |one: &One| {
        let ticks = [tick(one, TickKind::Mark, 9_999)];
        one.rig.engine.quiet_prefix(&ticks, &mut QuietScan::default())
    };
    let mut one = hundred();
    mark(&mut one, 9_999);
    one.begin(LimitRequest::new(X, Side::Buy, base("1"), dec("99"), 60_000));
    let rests = one.one();
    one.accept(rests);
    assert_eq!(quiet(&one), 1, "a plan that rests reads none");
    let mut one = blind(|asked| asked.stop_loss(dec("0.01")));
    mark(&mut one, 9_999);
    assert_eq!(quiet(&one), 0);
    mark(&mut one, 9_900);
    let exit = one.one();
    one.fill(exit, 9_890, 1_000);
    assert!(one.is_over());
    mark(&mut one, 9_999);
    assert_eq!(quiet(&one), 1);
}
