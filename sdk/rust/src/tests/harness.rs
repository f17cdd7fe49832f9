//! The harness does what the host does.

use super::*;
use crate::testing::Harness;
use hedgerow_model::{MarketStatus, flag};

/// Does what a timer's number says, and keeps the times it was called at.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Puppet {
    times: Vec<u64>,
    acts_at: Option<u64>,
}

const SUBMIT: u64 = 1;
const CANCEL_ALL: u64 = 2;
const REPLACE: u64 = 3;
const ACT_AT_100: u64 = 4;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Nothing {}

impl Strategy for Puppet {
    type Parameters = Nothing;
    const NAME: &'static str = "puppet";
    const VERSION: &'static str = "0";

    fn wants() -> Vec<Want> {
        vec![Want::traded("market", &[TickKind::Quote])]
    }

    fn init(_: Nothing, _: &Context, _: Option<&SavedState>) -> Result<Self, InitError> {
        Ok(Self::default())
    }

    fn on_tick(&mut self, ctx: &mut Context, _: &Tick) {
        self.times.push(ctx.now().as_nanos());
        if self.acts_at.is_some_and(|at| ctx.now().as_nanos() >= at) {
            self.acts_at = None;
            ctx.submit(bid(100));
        }
    }

    fn on_event(&mut self, ctx: &mut Context, event: &Event) {
        let Event::Timer(TimerId(deed)) = event else { return };
        self.times.push(ctx.now().as_nanos());
        match *deed {
            SUBMIT => {
                ctx.submit(bid(100));
            }
            CANCEL_ALL => ctx.cancel_all(InstrumentId(1)),
            REPLACE => {
                ctx.replace(1, Price::from_units(90), Quantity::from_units(20));
            }
            ACT_AT_100 => self.acts_at = Some(100),
            _ => {}
        }
    }

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }
}

fn puppet() -> Harness<Puppet> {
    Harness::new(&serde_json::json!({}), vec![perpetual(1, "market", 2, 2)])
}

#[test]
fn a_late_fill_of_a_canceled_order_reopens_nothing() {
    let mut h = puppet();
    h.timer(SUBMIT);
    h.update(1, OrderStatus::Canceled);
    h.fill(1, 4);
    assert!(h.open(Side::Buy).is_empty());
    assert_eq!(h.context().orders().count(), 0);
    assert_eq!(h.context().position(InstrumentId(1)).units(), 4, "but it is booked");
}

#[test]
#[should_panic(expected = "denied")]
fn what_was_denied_cannot_fill() {
    let mut h = puppet();
    h.timer(SUBMIT);
    h.update(1, OrderStatus::Denied);
    h.fill(1, 4);
}

#[test]
fn all_orders_are_under_cancel_after_cancel_all() {
    let mut h = puppet();
    h.timer(SUBMIT);
    h.timer(SUBMIT);
    h.timer(CANCEL_ALL);
    // a fill meanwhile grows the filled quantity, not the status
    h.fill(1, 4);
    let statuses: Vec<_> = h.context().orders().map(|order| order.status).collect();
    assert_eq!(statuses, [OrderStatus::PendingCancel; 2]);
}

#[test]
fn a_replaced_order_is_as_it_was_until_the_venue_answers() {
    let mut h = puppet();
    h.timer(SUBMIT);
    h.update(1, OrderStatus::Open);
    h.timer(REPLACE);
    assert_eq!(h.open(Side::Buy), [(1, 100, 10)]);
    h.fill(1, 4);
    assert_eq!(h.context().order(1).unwrap().status, OrderStatus::PendingAmend);
    h.amended(1);
    assert_eq!(h.open(Side::Buy), [(1, 90, 20)]);
    let order = h.context().order(1).unwrap();
    assert_eq!((order.price.units(), order.quantity.units()), (90, 20));
    assert_eq!(order.status, OrderStatus::PartiallyFilled);
}

#[test]
fn after_several_ticks_the_clock_is_the_last_one_s() {
    let mut h = puppet();
    let tick = |at| Tick {
        ts: at,
        recv_ts: at,
        instrument: 1,
        kind: TickKind::Quote.code(),
        flags: flag::LAST,
        ..Tick::default()
    };
    h.timer(ACT_AT_100);
    h.ticks(&[tick(10), tick(100), tick(110), tick(120)]);
    assert_eq!(h.submitted().len(), 1);
    h.timer(0);
    assert_eq!(h.strategy().times, [0, 10, 100, 110, 120, 120]);
}

/// A line of the log is no intent: the batch goes on, and a test can look at it.
#[test]
fn what_is_logged_is_seen_by_a_test_and_nothing_is_asked_for() {
    struct Talks;
    impl Strategy for Talks {
        type Parameters = NoParameters;
        const NAME: &'static str = "talks";
        const VERSION: &'static str = "0";
        fn wants() -> Vec<Want> {
            vec![Want::traded("market", &[TickKind::Quote])]
        }
        fn init(_: NoParameters, _: &Context, _: Option<&SavedState>) -> Result<Self, InitError> {
            Ok(Self)
        }
        fn on_tick(&mut self, ctx: &mut Context, tick: &Tick) {
            ctx.warn(&format!("tick {}", tick.recv_ts));
        }
        fn save(&self) -> Vec<u8> {
            Vec::new()
        }
    }
    let instruments = vec![perpetual(1, "market", 4, 3)];
    let mut harness = Harness::<Talks>::new(&serde_json::json!({}), instruments);
    harness.advance(7);
    harness.quote(1, 100, 101);
    assert_eq!(harness.logs(), [(Level::Warn, "tick 7".to_owned())]);
    assert!(harness.intents().is_empty());
}

fn market(h: &Harness<Puppet>) -> &Market {
    h.context().market(InstrumentId(1)).unwrap()
}

fn level(at: u64, price: i64, quantity: i64, flags: u16) -> Tick {
    Tick {
        ts: at,
        recv_ts: at,
        instrument: 1,
        kind: TickKind::Level.code(),
        flags,
        a: price,
        b: quantity,
        ..Tick::default()
    }
}

/// A quote message of an hour ago is no price to trade at: the book is, and says itself that it
/// lives.
#[test]
fn when_quotes_end_while_the_book_goes_on_the_book_is_what_counts() {
    let mut h = puppet();
    h.quote(1, 100, 101);
    h.ticks(&[level(1, 90, 5, flag::SNAPSHOT), level(1, 92, 5, flag::SELL | flag::LAST)]);
    assert_eq!(market(&h).touch(Side::Buy), Some(Price::from_units(100)));
    let is = |status| Event::Market { instrument: InstrumentId(1), status };
    h.event(&is(MarketStatus::Stale));
    let shown = market(&h);
    assert_eq!((shown.quote, shown.stale), (None, true));
    assert_eq!(shown.best().map(|best| best.mid_doubled()), Some(90 + 92));
    assert_eq!(shown.touch(Side::Sell), Some(Price::from_units(92)));
    h.ticks(&[level(2, 91, 5, 0)]);
    assert!(market(&h).stale, "half an update says nothing");
    h.ticks(&[level(2, 91, 6, flag::LAST)]);
    assert!(!market(&h).stale);
    h.event(&is(MarketStatus::Fresh));
    h.quote(1, 101, 102);
    assert_eq!(market(&h).touch(Side::Buy), Some(Price::from_units(101)));
    // with a hole in it the book does not say anything, until it is whole again
    h.event(&is(MarketStatus::Gap));
    h.ticks(&[level(3, 91, 6, flag::LAST)]);
    let shown = market(&h);
    assert!(shown.stale && shown.best().is_none());
}

/// Without a book the last quote stays, as what it is: stale.
#[test]
fn who_reads_quotes_alone_keeps_the_last_one_and_is_told_that_it_is_stale() {
    let mut h = puppet();
    h.quote(1, 100, 101);
    let status = MarketStatus::Stale;
    h.event(&Event::Market { instrument: InstrumentId(1), status });
    let shown = market(&h);
    assert!(shown.stale && shown.quote.is_some());
}

/// A book may be empty when a strategy starts: it is a book all the same, and its deltas count.
#[test]
fn an_empty_book_is_one_that_grows() {
    let mut h = puppet();
    let start = hedgerow_model::Book::default();
    let (instrument, seq) = (1, 7);
    h.ticks(&start.snapshot(Tick { instrument, seq, ..Tick::default() }));
    assert_eq!(market(&h).book, start);
    h.ticks(&[level(1, 90, 5, flag::LAST)]);
    let best = market(&h).touch(Side::Buy);
    assert_eq!(best, Some(Price::from_units(90)));
}
