//! An operator's flatten and cancel-all beside pairs at work.

use super::*;
use hedgerow_model::Making;

fn say(pair: &mut Pair, command: OperatorCommand) {
    let now = HostTime::from_nanos(pair.rig.now);
    let input = Input::Operator { now, command, reason: "test".into() };
    pair.rig.engine.handle(input, &mut pair.rig.effects);
}

fn opened() -> Pair {
    let mut pair = Pair::new();
    pair.open(&request());
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 600_000 } else { 600_299 }, 1_660);
    }
    assert_eq!((pair.held(L), pair.held(S)), (1_660, -1_660));
    pair
}

#[test]
fn both_legs_of_a_pair_are_closed_and_only_those_of_the_scope() {
    for mode in TradingMode::ALL {
        let mut pair = opened();
        pair.mode(mode);
        say(&mut pair, OperatorCommand::Flatten { scope: Scope::Account(AccountId(1)) });
        let sent = pair.sent();
        let found: Vec<_> = sent.iter().map(|s| (s.leg, s.side, s.quantity)).collect();
        assert_eq!(found, [(S, Side::Buy, 1_660)], "{mode}");
        pair.fill(sent[0], 600_301, 1_660);
        pair.pass(20_000);
        assert_eq!(pair.sent(), []);
        say(&mut pair, OperatorCommand::Flatten { scope: Scope::Host });
        let sent = pair.sent();
        assert_eq!((sent[0].leg, sent[0].side, sent.len()), (L, Side::Sell, 1), "{mode}");
        pair.fill(sent[0], 599_998, 1_660);
        assert_eq!((pair.held(L), pair.held(S)), (0, 0));
        assert_eq!(pair.rig.engine.plans.flattening.next(), None);
        pair.assert_restores();
    }
}

/// One leg is filled and the other under way: the pair is taken back where its mode permits, else
/// it is stuck, and what it holds is closed all the same.
#[test]
fn a_pair_in_the_middle_of_its_opening_ends_flat() {
    for mode in TradingMode::ALL {
        let mut pair = Pair::new();
        pair.open(&request());
        let sent = pair.sent();
        pair.fill(sent[0], 600_000, 1_660);
        pair.mode(mode);
        say(&mut pair, OperatorCommand::Flatten { scope: Scope::Host });
        assert_eq!(pair.sent(), [], "{mode}: its other order is under way");
        pair.fill(sent[1], 600_299, 160);
        pair.expire(sent[1]);
        let mut rounds = 0;
        while (pair.held(L), pair.held(S)) != (0, 0) {
            rounds += 1;
            assert!(rounds < 20, "{mode}: {} {}", pair.held(L), pair.held(S));
            for sent in pair.sent() {
                assert!(sent.reduce_only, "{mode}");
                let price = if sent.leg == L { 599_998 } else { 600_301 };
                pair.fill(sent, price, sent.quantity);
            }
            pair.pass(1_000);
        }
        pair.pass(30_000);
        assert_eq!((pair.sent(), pair.held(L), pair.held(S)), (vec![], 0, 0));
        let stuck = matches!(pair.result().outcome, PairOutcome::Stuck { .. });
        assert_eq!(stuck, mode == TradingMode::Halted, "{mode}");
        assert_eq!(pair.rig.engine.plans.flattening.next(), None);
        pair.assert_restores();
    }
}

/// A quote that rests would be quoted again: its plan gives up, whichever leg the scope names.
#[test]
fn a_cancel_all_ends_the_making_of_pairs_in_its_scope() {
    let make = Some(Making::new(60_000, Give::Ticks(30)));
    let making =
        PairRequest { legs: LegOrder::MakerTaker, make, deadline_ms: 120_000, ..request() };
    let meant = [Scope::Host, Scope::Strategy(ME), Scope::Account(AccountId(1)), L_ALONE];
    for scope in meant.into_iter().chain([Scope::Account(AccountId(9))]) {
        let mut pair = Pair::new();
        pair.open(&making);
        let quote = pair.sent()[0];
        assert!(quote.rests);
        pair.accepted(quote);
        say(&mut pair, OperatorCommand::CancelAll { scope });
        if scope == Scope::Account(AccountId(9)) {
            assert!(!pair.pulled(quote));
            continue;
        }
        assert!(pair.pulled(quote), "{scope:?}");
        pair.canceled(quote, 0);
        pair.pass(10_000);
        assert_eq!(pair.sent(), [], "{scope:?}: it is not quoted again");
        assert_eq!(pair.result().outcome, PairOutcome::Flat);
        assert_eq!(pair.rig.engine.mode_of(ME), TradingMode::Running);
    }
}

const L_ALONE: Scope = Scope::Instrument(L);

/// A closing that makes goes on: given up it would take all that is left at once.
#[test]
fn a_cancel_all_leaves_a_closing_that_makes() {
    let mut pair = opened();
    let make = Some(Making::new(60_000, Give::Ticks(30)));
    let close = PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
    let close = PairRequest { legs: LegOrder::MakerTaker, make, deadline_ms: 120_000, ..close };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    let quote = pair.sent()[0];
    assert!(quote.rests);
    pair.accepted(quote);
    say(&mut pair, OperatorCommand::CancelAll { scope: Scope::Host });
    assert!(!pair.pulled(quote));
    assert_eq!(pair.sent(), []);
}
