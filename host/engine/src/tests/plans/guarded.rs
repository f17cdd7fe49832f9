//! Guards of hedges, and what guards do about pairs: a gap, a leg alone for too long, funding that
//! turns, pairs made smaller or closed.

mod closing;
mod dust;
mod tries;

use super::*;
use hedgerow_model::{Guard, GuardState};

/// What stands alone for ten seconds is closed.
fn guarded(change: impl Fn(&mut EngineConfig)) -> Pair {
    let mut pair = Pair::new();
    let mut config = pair.rig.engine.config().clone();
    config.strategies[0].guards.unhedged = Some((Duration::from_secs(10), GuardAction::ClosePair));
    config.host.reduction =
        Some(Reduction { slippage_bps: 5, hedge_bps: 10, emergency_bps: 50, deadline_ms: 2_000 });
    change(&mut config);
    pair.rig.engine = Engine::new(config);
    pair.markets();
    pair
}

/// A pair of 0.166 / 0.166 is open: long L at 60 000, short S at 60 030.
fn held(change: impl Fn(&mut EngineConfig)) -> Pair {
    let mut pair = guarded(change);
    // a guard that acts on margin lets nothing open before it is known
    let accounts = pair.rig.engine.config().accounts.iter();
    let acts = accounts.map(|account| account.guards.margin_utilisation.action);
    if acts.max() > Some(GuardAction::Alert) {
        for leg in [L, S] {
            let (equity, used, maintenance) = (dec("100000"), dec("0"), dec("0"));
            pair.report(leg, VenueReport::Margin { asset: "Q".into(), equity, used, maintenance });
        }
    }
    pair.open(&request());
    for sent in pair.sent() {
        let price = if sent.side == Side::Buy { 600_000 } else { 600_300 };
        pair.fill(sent, price, sent.quantity);
    }
    assert_eq!((pair.held(L), pair.held(S)), (1_660, -1_660));
    assert_eq!(guards(&pair), []);
    pair
}

fn guards(pair: &Pair) -> Vec<(Guard, bool)> {
    let of = |stamped: &hedgerow_model::Stamped| match &stamped.fact {
        Fact::Guard { key, state, .. } => Some((key.guard, *state != GuardState::AtRest)),
        _ => None,
    };
    pair.rig.effects.facts.iter().filter_map(of).collect()
}

/// The strategy sells a part of one leg by itself.
fn sell_of_l(pair: &mut Pair, quantity: i64) {
    let number = pair.rig.engine.next_order(ME);
    let order = NewOrder {
        number,
        instrument: L,
        side: Side::Sell,
        price: Price::from_units(599_998),
        quantity: Quantity::from_units(quantity),
        time_in_force: TimeInForce::GoodTillCancel,
        flags: OrderFlags::default(),
    };
    assert_eq!(pair.rig.submit(order), None);
    let wire = pair.rig.last_wire().0;
    pair.taken = pair.rig.effects.commands.len();
    let sent = Sent {
        leg: L,
        wire,
        side: Side::Sell,
        price: 599_998,
        quantity,
        reduce_only: false,
        rests: true,
    };
    pair.fill(sent, 599_998, quantity);
}

/// 5 % of 0.166 are 0.0083.
#[test]
fn legs_that_differ_by_more_than_five_percent_are_told_and_rest_at_four() {
    let mut pair = held(|_| {});
    sell_of_l(&mut pair, 80);
    assert_eq!(guards(&pair), [], "4.8 %");
    sell_of_l(&mut pair, 10);
    assert_eq!(guards(&pair), [(Guard::HedgeGap, true)], "5.4 %");
    // the mark of one leg moves until they are worth the same
    pair.quote(L, (633_000, 10_000), (633_002, 10_000));
    assert_eq!(guards(&pair).last(), Some(&(Guard::HedgeGap, false)));
    pair.quote(L, (560_000, 10_000), (560_002, 10_000));
    assert_eq!(guards(&pair).last(), Some(&(Guard::HedgeGap, true)), "on every mark");
    let words = pair.rig.engine.conditions();
    assert!(words.iter().any(|word| word.contains("differ by")), "{words:?}");
    pair.assert_restores();
}

/// After ten seconds alone what is left is closed, both legs, by a plan of the host's.
#[test]
fn a_leg_that_stands_alone_for_too_long_has_the_pair_closed() {
    let mut pair = held(|_| {});
    pair.rig.advance(1_000);
    pair.markets();
    sell_of_l(&mut pair, 60);
    pair.pass(9_999);
    assert_eq!(guards(&pair), []);
    // over a restart the clock goes on
    let mut engine = Engine::new(pair.rig.engine.config().clone());
    engine.restore(&pair.rig.effects.facts);
    pair.rig.engine = engine;
    pair.markets();
    pair.pass(1);
    assert_eq!(guards(&pair), [(Guard::Unhedged, true)]);
    assert_eq!(pair.rig.engine.mode_of(ME), TradingMode::ReduceOnly);
    let sent = pair.sent();
    let legs: Vec<_> = sent.iter().map(|s| (s.leg, s.side, s.quantity, s.reduce_only)).collect();
    assert_eq!(legs, [(S, Side::Buy, 1_660, true), (L, Side::Sell, 1_600, true)]);
    for sent in sent {
        let price = if sent.leg == L { 599_998 } else { 600_301 };
        pair.fill(sent, price, sent.quantity);
    }
    assert_eq!((pair.held(L), pair.held(S)), (0, 0));
    assert_eq!(guards(&pair).last(), Some(&(Guard::Unhedged, false)), "nothing of it is left");
    pair.pass(20_000);
    assert_eq!(pair.sent(), [], "and nothing more is done");
}

/// What is refused is tried again until it succeeds.
#[test]
fn a_closing_that_is_refused_is_tried_again() {
    let mut pair = held(|_| {});
    sell_of_l(&mut pair, 60);
    pair.pass(9_990);
    pair.rig.advance(10);
    let now = HostTime::from_nanos(pair.rig.now);
    pair.mode(TradingMode::Halted);
    pair.rig.engine.handle(Input::Wake(now), &mut pair.rig.effects);
    assert_eq!((guards(&pair), pair.sent()), (vec![(Guard::Unhedged, true)], vec![]));
    pair.mode(TradingMode::Running);
    pair.pass(4_999);
    assert_eq!(pair.sent(), []);
    pair.pass(1);
    assert_eq!(pair.sent().len(), 2);
}

/// What another strategy does moves nothing: two that share nothing are batched apart.
#[test]
fn what_another_strategy_does_does_not_hurry_a_closing() {
    let mut pair = held(|config| {
        let other = StrategyConfig { id: StrategyId(1), ..config.strategies[0].clone() };
        config.strategies.push(StrategyConfig { trades: Vec::new(), ..other });
        config.strategies[1].guards = StrategyGuards::default();
    });
    sell_of_l(&mut pair, 60);
    let number = pair.rig.engine.next_order(ME);
    let order = NewOrder { number, instrument: L, ..pair.rig.order(Side::Sell, 600_100, 100) };
    assert_eq!(pair.rig.submit(order), None);
    let wire = pair.rig.last_wire();
    pair.report(L, VenueReport::Accepted { wire, order: VenueOrderId(9) });
    pair.taken = pair.rig.effects.commands.len();
    pair.pass(10_000);
    assert_eq!((pair.sent(), pair.canceled.len()), (vec![], 1), "it is in the way");
    pair.report(L, VenueReport::Canceled { wire, filled: None });
    pair.rig.advance(1);
    let plan = Intent::Plan { id: 5, kind: "pair-open".into(), json: "{}".into() };
    pair.rig.want_as(StrategyId(1), vec![plan]);
    assert_eq!(pair.sent(), [], "its time has not come");
    pair.pass(100);
    assert_eq!(pair.sent().len(), 2);
}

/// Vector M8 by a plan: gross 9960, equity 1660 in each account (leverage 6), target 4. Closing
/// pays 0.0005 of what it closes from the equity: 3327.3 of 9960.8, that is 0.05545 base, on the
/// step of 0.001 rounded up: 0.056.
#[test]
fn vector_m8_both_legs_are_made_smaller_until_the_leverage_is_at_its_target() {
    let mut pair = held(|c| {
        for account in &mut c.accounts {
            account.guards.margin_utilisation =
                Watch { limit: dec("80"), action: GuardAction::Reduce };
            account.guards.leverage_target = Some(dec("4"));
            account.guards.taker_fee = dec("0.0005");
        }
    });
    let margin = |pair: &mut Pair, leg, equity: &str, used: &str| {
        let (equity, used, maintenance) = (dec(equity), dec(used), dec("50"));
        let report = VenueReport::Margin { asset: "Q".into(), equity, used, maintenance };
        pair.report(leg, report);
    };
    margin(&mut pair, S, "5000", "1000");
    assert_eq!(pair.sent(), []);
    margin(&mut pair, L, "1660", "1400");
    let sent = pair.sent();
    let legs: Vec<_> = sent.iter().map(|s| (s.leg, s.side, s.quantity, s.reduce_only)).collect();
    assert_eq!(legs, [(S, Side::Buy, 560, true), (L, Side::Sell, 560, true)], "the larger need");
    assert_eq!(pair.rig.engine.modes.of(Scope::Account(AccountId(0))), TradingMode::ReduceOnly);
    for sent in sent {
        let price = if sent.leg == L { 599_998 } else { 600_301 };
        pair.fill(sent, price, sent.quantity);
    }
    assert_eq!((pair.held(L), pair.held(S)), (1_100, -1_100));
    // 6600 of 1655: below four; the guard rests, and nothing more is closed
    margin(&mut pair, L, "1655", "900");
    pair.pass(20_000);
    assert_eq!(pair.sent(), []);
    assert_eq!(pair.held(L), 1_100);
}

#[test]
fn funding_that_turns_is_told_after_so_many_announcements() {
    let hour = 3_600_000_000_000_i64;
    let mut pair = held(|c| {
        c.strategies[0].guards.funding = Some(FundingGuard {
            edge_per_h_min: dec("0.00001"),
            times: 2,
            action: GuardAction::Pause,
        });
    });
    // F2: L 0.0001 per 8 h, S 0.00008 per 1 h: earns 0.0000675 per hour
    let funding = |pair: &mut Pair, leg: InstrumentId, (rate, interval)| {
        pair.rig.advance(1);
        let tick = Tick {
            ts: pair.rig.now,
            recv_ts: pair.rig.now,
            instrument: leg.0,
            kind: TickKind::Funding.code(),
            flags: flag::LAST,
            a: rate,
            b: interval,
            ..Tick::default()
        };
        pair.rig.engine.handle(Input::Market(&[tick]), &mut pair.rig.effects);
    };
    funding(&mut pair, L, (100_000_000_000, 8 * hour));
    funding(&mut pair, S, (80_000_000_000, hour));
    funding(&mut pair, S, (20_000_000_000, hour)); // 0.0000075
    assert_eq!(guards(&pair), []);
    funding(&mut pair, S, (80_000_000_000, 0)); // an unknown interval is no rate
    assert_eq!(guards(&pair), []);
    funding(&mut pair, S, (20_000_000_000, hour));
    assert_eq!(guards(&pair), [(Guard::FundingFlip, true)]);
    assert_eq!(pair.rig.engine.mode_of(ME), TradingMode::ReduceOnly);
    funding(&mut pair, S, (80_000_000_000, hour));
    assert_eq!(guards(&pair).last(), Some(&(Guard::FundingFlip, false)));
}

fn forced(leg: InstrumentId, side: Side, quantity: i64) -> VenueReport {
    VenueReport::Forced {
        kind: hedgerow_model::ForcedKind::Liquidation,
        trade: TradeId(900),
        instrument: leg,
        side,
        price: Price::from_units(600_300),
        quantity: Quantity::from_units(quantity),
        fee: Fee::ZERO,
    }
}

/// One leg is taken by its venue: the other is closed by itself, and what the strategy has resting
/// on that side goes first.
#[test]
fn a_leg_that_is_left_alone_is_closed_by_itself() {
    let mut pair = held(|_| {});
    let mut own = pair.rig.order(Side::Sell, 604_000, 1_000);
    (own.instrument, own.number) = (L, pair.rig.engine.next_order(ME));
    own.flags.reduce_only = true;
    assert_eq!(pair.rig.submit(own), None);
    let wire = pair.rig.last_wire().0;
    let own = Sent {
        leg: L,
        wire,
        side: Side::Sell,
        price: 604_000,
        quantity: 1_000,
        reduce_only: true,
        rests: true,
    };
    pair.taken = pair.rig.effects.commands.len();
    pair.accepted(own);
    pair.report(S, forced(S, Side::Buy, 1_660));
    assert_eq!((pair.held(L), pair.held(S)), (1_660, 0));
    pair.pass(10_000);
    assert!(guards(&pair).contains(&(Guard::Unhedged, true)));
    assert!(pair.pulled(own), "it goes first");
    assert_eq!(pair.sent(), []);
    pair.canceled(own, 0);
    pair.pass(200);
    let sent = pair.sent();
    let legs: Vec<_> = sent.iter().map(|s| (s.leg, s.side, s.quantity, s.reduce_only)).collect();
    assert_eq!(legs, [(L, Side::Sell, 1_660, true)]);
    pair.fill(sent[0], 599_998, 1_660);
    assert_eq!(pair.held(L), 0);
    pair.pass(20_000);
    assert_eq!(pair.sent(), []);
}

/// A pair that is closed is no hedge any more: its legs may be held in other pairs.
#[test]
fn a_closed_pair_is_no_hedge_any_more() {
    let mut pair = held(|_| {});
    assert_eq!(pair.rig.engine.hedges.all().count(), 1);
    let close = PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    for sent in pair.sent() {
        let price = if sent.leg == L { 599_998 } else { 600_301 };
        pair.fill(sent, price, sent.quantity);
    }
    assert_eq!((pair.held(L), pair.held(S)), (0, 0));
    assert_eq!(pair.rig.engine.hedges.all().count(), 0);
    pair.assert_restores();
}

/// What of another plan has not filled yet stays on record when a plan ends.
#[test]
fn the_end_of_one_plan_forgets_no_other_pair() {
    let mut pair = Pair::new();
    pair.open(&request());
    pair.rig.engine.pairs.ended(hedgerow_model::StrategyId(9), 1);
    pair.rig.engine.pairs.ended(ME, 77);
    assert_eq!(pair.rig.engine.pairs.of(ME).count(), 1);
    pair.rig.engine.pairs.ended(ME, 1);
    assert_eq!(pair.rig.engine.pairs.of(ME).count(), 0);
}

/// Both legs can leave, or neither is sent: a ban of one venue is known beforehand.
#[test]
fn a_pair_does_not_begin_while_the_venue_of_one_leg_takes_nothing() {
    let mut pair = Pair::new();
    let retry_after = Duration::from_secs(30);
    pair.report(S, VenueReport::RateLimited { limit: None, retry_after });
    let refused = pair.ask(PairKind::Open, &request());
    assert!(matches!(refused, Some(RiskRejection::RateLimited { .. })), "{refused:?}");
    assert_eq!(pair.sent(), []);
    pair.rig.advance(30_000);
    pair.markets();
    assert_eq!(pair.ask_as(2, PairKind::Open, &request()), None);
}

/// What takes a leg back waits for its venue's ban to end, and meanwhile everything is halted: then
/// it does not leave any more, and the plan is stuck.
#[test]
fn what_waits_to_take_a_leg_back_does_not_leave_once_all_is_halted() {
    let mut pair = Pair::new();
    pair.open(&PairRequest { tries: 1, ..request() });
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.report(L, VenueReport::RateLimited { limit: None, retry_after: Duration::from_secs(5) });
    pair.reject(sent[1]);
    let hedge = pair.sent();
    pair.reject(hedge[0]);
    assert_eq!((pair.phase(), pair.sent()), (PairPhase::Unwinding, vec![]), "it waits");
    pair.pass(1_000);
    pair.mode(TradingMode::Halted);
    pair.pass(10_000);
    assert_eq!(pair.sent(), []);
    let outcome = pair.result().outcome;
    assert!(matches!(outcome, PairOutcome::Stuck { .. }), "{outcome:?}");
}
