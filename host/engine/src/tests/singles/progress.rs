//! What closes a part at a time is gone on with: tries are counted without a fill, and time ends
//! it.

use super::barriers::{closed, hundred, long, request};
use super::*;
use hedgerow_model::Barrier;

/// A fifth of what is held can be had within the reach of each exit.
#[test]
fn a_stop_goes_on_while_it_makes_progress() {
    let mut one = hundred();
    long(&mut one, request(Side::Buy).stop_loss(dec("0.01")));
    one.quote(9_880, 9_881);
    for left in [1_000, 800, 600, 400, 200] {
        let exit = one.one();
        assert_eq!((exit.side, exit.quantity, exit.reduce_only), (Side::Sell, left, true));
        one.fill(exit, 9_880, 200);
        if left > 200 {
            one.expire(exit);
        }
        one.pass(100);
        one.assert_restores();
    }
    assert_eq!((one.outcome(), one.rig.position()), (closed(Barrier::Stop), 0));
}

#[test]
fn a_stop_is_stuck_after_as_many_tries_without_a_fill_and_after_its_time() {
    let mut one = hundred();
    long(&mut one, request(Side::Buy).stop_loss(dec("0.01")));
    one.quote(9_880, 9_881);
    let exit = one.one();
    one.fill(exit, 9_880, 200);
    one.expire(exit);
    for _ in 0..3 {
        one.pass(100);
        let exit = one.one();
        assert_eq!(exit.quantity, 800);
        one.expire(exit);
    }
    assert!(matches!(one.outcome(), SingleOutcome::Stuck { .. }));
    // two of a thousand each second
    let mut one = hundred();
    long(&mut one, request(Side::Buy).stop_loss(dec("0.01")));
    one.quote(9_880, 9_881);
    for second in 0..30 {
        let exit = one.one();
        assert_eq!(exit.quantity, 1_000 - 2 * second);
        one.fill(exit, 9_880, 2);
        one.expire(exit);
        one.pass(1_000);
    }
    let exit = one.one();
    assert!(!one.is_over(), "what it may still fill is not known");
    one.fill(exit, 9_880, 2);
    one.expire(exit);
    assert!(matches!(one.outcome(), SingleOutcome::Stuck { .. }));
    assert_eq!((one.sent().len(), one.rig.position()), (0, 938));
}

#[test]
fn closing_goes_on_while_it_makes_progress_and_is_in_time() {
    let mut one = One::new();
    one.hold(Side::Buy, 600_000, 50);
    one.begin(CloseRequest { tries: 1, ..CloseRequest::new(X, 10) });
    for left in [50, 40, 30, 20] {
        let order = one.one();
        assert_eq!(order.quantity, left);
        one.fill(order, 599_998, 10);
        one.expire(order);
        one.pass(100);
    }
    one.assert_restores();
    let order = one.one();
    one.expire(order);
    one.pass(100);
    let why = "no attempt is left".to_owned();
    assert_eq!(one.outcome(), SingleOutcome::Partly { why });
    let mut one = One::new();
    one.hold(Side::Buy, 600_000, 50);
    one.begin(CloseRequest { timeout_ms: 1_000, ..CloseRequest::new(X, 10) });
    for left in [50, 40] {
        let order = one.one();
        assert_eq!(order.quantity, left);
        one.fill(order, 599_998, 10);
        one.expire(order);
        one.pass(500);
    }
    let order = one.one();
    one.expire(order);
    assert_eq!(one.outcome(), SingleOutcome::Partly { why: "timed out".into() });
    assert!(one.sent().is_empty());
}

/// A slice that is filled in part is one attempt all the same: of what opens tries are steps.
#[test]
fn what_opens_has_as_many_attempts_as_it_asked_for() {
    let mut one = One::new();
    one.begin(AggressiveRequest::new(X, Side::Buy, base("0.05")));
    for left in [50, 40, 30, 20] {
        let order = one.one();
        assert_eq!(order.quantity, left);
        one.accept(order);
        one.fill(order, 600_000, 10);
        one.pass(1_000);
        one.gone(order);
        one.pass(100);
    }
    assert!(matches!(one.outcome(), SingleOutcome::Partly { .. }));
    assert!(one.sent().is_empty());
}
