//! What is found before a pair begins is part of its record: depth, cost, spread, what prices were
//! made from, how far they reach in both measures, and which order of legs the books speak for.

use super::*;
use hedgerow_model::{Capacity, Give, Margin, MarginMode, PairLeg, PriceSource, Reach};

fn planned(pair: &Pair, id: u64) -> [PairLeg; 2] {
    pair.rig.engine.plans.pair(&(ME, id)).unwrap().plan.legs.clone()
}

fn reach(ticks: &str, bps: &str) -> Option<Reach> {
    Some(Reach { ticks: dec(ticks), bps: dec(bps) })
}

/// What the newest order of a plan was priced from and how far it reaches.
fn newest(pair: &Pair) -> (PriceSource, Option<Reach>) {
    let sends = pair.rig.effects.facts.iter().rev().find_map(|stamped| match &stamped.fact {
        Fact::Plan { step: PlanStep::Sends { source, reach, .. }, .. } => Some((*source, *reach)),
        _ => None,
    });
    sends.unwrap()
}

impl Pair {
    /// A whole book of one leg.
    fn book(&mut self, leg: InstrumentId, bids: &[(i64, i64)], asks: &[(i64, i64)]) {
        let level = |side: u16, (price, quantity): &(i64, i64)| Tick {
            ts: self.rig.now,
            recv_ts: self.rig.now,
            instrument: leg.0,
            kind: TickKind::Level.code(),
            flags: side,
            a: *price,
            b: *quantity,
            ..Tick::default()
        };
        let bids = bids.iter().map(|l| level(0, l));
        let mut ticks: Vec<Tick> = bids.chain(asks.iter().map(|l| level(flag::SELL, l))).collect();
        ticks.first_mut().unwrap().flags |= flag::SNAPSHOT;
        ticks.last_mut().unwrap().flags |= flag::LAST;
        self.rig.engine.handle(Input::Market(&ticks), &mut self.rig.effects);
    }
}

/// L1: cost 9960.148, average 60000.891566, slippage 0.16526 bps, worst 60 003.0.
#[test]
fn l1_the_figures_of_a_walk_are_in_the_record() {
    let mut pair = Pair::new();
    let asks = [(600_000, 500), (600_005, 800), (600_030, 4_000)];
    pair.book(L, &[(599_998, 10_000)], &asks);
    pair.open(&request());
    let [buy, sell] = planned(&pair, 1);
    assert_eq!(buy.expected.round_dp(6), dec("60000.891566"));
    assert_eq!((buy.estimate_bps, buy.middle), (dec("0.1653"), dec("59999.9")));
    assert_eq!((buy.worst.units(), buy.limit.units()), (600_030, 600_031));
    assert_eq!((buy.fillable, buy.displayed.units()), (dec("1"), 5_300));
    assert_eq!(buy.spread_bps, Some(dec("0.0333")));
    // the last price needed and one tick: 31 ticks beyond 60 000.0
    assert_eq!((buy.source, buy.reach), (PriceSource::Touch, reach("31", "0.5167")));
    assert_eq!((sell.estimate_bps, sell.reach), (dec("0.0167"), reach("1", "0.0167")));
    let slot = pair.rig.engine.plans.pair(&(ME, 1)).unwrap();
    assert_eq!(slot.plan.advised, LegOrder::Simultaneous);
    assert_eq!(slot.plan.premium_bps, dec("4.8347"));
    assert_eq!(pair.told()["planned"][0]["estimate_bps"], "0.1653");
    assert_eq!(pair.told()["advised"], "simultaneous");
}

#[test]
fn a_thin_leg_is_advised_to_go_first() {
    let mut pair = Pair::new();
    pair.quote(S, (600_299, 4_000), (600_301, 10_000));
    pair.open(&request());
    let slot = pair.rig.engine.plans.pair(&(ME, 1)).unwrap();
    assert_eq!((slot.plan.advised, slot.plan.first), (LegOrder::ThinFirst, None));
}

/// Ten ticks beyond the touch: ask + 10 ticks, bid - 10 ticks; told in basis points too.
#[test]
fn a_reach_is_asked_for_in_one_measure_and_told_in_both() {
    let ticks = PairRequest {
        first: Give::Ticks(10),
        hedge: Give::Ticks(20),
        emergency: Give::Bps(50),
        ..request()
    };
    let mut pair = Pair::new();
    pair.open(&ticks);
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.reject(sent[1]);
    let hedge = pair.sent();
    assert_eq!(hedge[0].price, 600_279);
    assert_eq!(newest(&pair), (PriceSource::Touch, reach("20", "0.3332")));
    for _ in 0..3 {
        let again = if pair.rig.trade == 1 { hedge.clone() } else { pair.sent() };
        pair.rig.trade += 1;
        again.into_iter().for_each(|sent| pair.reject(sent));
        pair.pass(100);
        let next = pair.sent();
        next.into_iter().for_each(|sent| pair.reject(sent));
    }
    // 50 bps below 59 999.8, rounded down, is 59 699.8
    let back = pair.rig.effects.facts.iter().rev().find_map(|stamped| match &stamped.fact {
        Fact::Plan {
            step: PlanStep::Sends { purpose: Purpose::TakeBack, limit, reach, .. },
            ..
        } => Some((limit.units(), *reach)),
        _ => None,
    });
    assert_eq!(back, Some((596_998, reach("3000", "50.0002"))));
    // each must reach at least as far as the one before, whatever the measure
    let mut pair = Pair::new();
    let falls = PairRequest { hedge: Give::Ticks(1), ..request() };
    let reason = pair.ask(PairKind::Open, &falls);
    assert!(matches!(reason, Some(RiskRejection::PlanUnreadable { .. })), "{reason:?}");
}

/// L's market is its book alone.
fn held() -> Pair {
    let mut pair = Pair::new();
    pair.quote(L, (599_998, 0), (600_000, 0));
    pair.book(L, &[(599_998, 10_000)], &[(600_000, 10_000)]);
    pair.open(&request());
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 600_000 } else { 600_299 }, 1_660);
    }
    pair
}

fn close() -> PairRequest {
    PairRequest { buy: S, sell: L, size: PairSize::All, ..request() }
}

/// One side is missing: nothing opens; a close prices from the side that is there, or from the last
/// mark, and says so.
#[test]
fn a_market_with_one_side_opens_nothing_and_closes_from_what_there_is() {
    let mut pair = held();
    // no bids: what is held cannot be seen to be sold
    pair.book(L, &[], &[(600_000, 10_000)]);
    let open = pair.ask_as(
        2,
        PairKind::Open,
        &PairRequest { size: PairSize::Base(dec("0.1")), ..request() },
    );
    assert_eq!(open, Some(RiskRejection::NoMarket));
    assert_eq!(pair.ask_as(3, PairKind::Close, &close()), None);
    let [_, sell] = planned(&pair, 3);
    assert_eq!((sell.source, sell.fillable), (PriceSource::PresentSide, dec("0")));
    // 5 bps below the 60 000.0 that are asked
    assert_eq!((sell.limit.units(), sell.reach), (599_700, reach("300", "5")));
    assert_eq!(sell.spread_bps, None);
    pair.assert_restores();
    // no side at all, and the data is old: the last mark
    let mut pair = held();
    let now = START + 60_000_000_000;
    pair.rig.now = now;
    pair.rig.engine.handle(Input::Wake(HostTime::from_nanos(now)), &mut pair.rig.effects);
    assert_eq!(pair.ask_as(4, PairKind::Close, &close()), None);
    let [buy, sell] = planned(&pair, 4);
    assert_eq!([buy.source, sell.source], [PriceSource::Mark; 2]);
    // 5 bps below the mark of 59 999.9 is 59 969.90005
    assert_eq!(sell.limit.units(), 599_699);
    assert_eq!(newest(&pair).0, PriceSource::Mark);
}

/// Less is displayed than is held: a close takes what there is, and says how much that is.
#[test]
fn a_close_does_not_wait_for_depth() {
    let mut pair = held();
    pair.book(L, &[(599_998, 415)], &[(600_000, 10_000)]);
    assert_eq!(pair.ask_as(2, PairKind::Close, &close()), None);
    let [_, sell] = planned(&pair, 2);
    assert_eq!((sell.fillable, sell.source), (dec("0.25"), PriceSource::Touch));
    assert_eq!(sell.target.units(), 1_660);
}

/// Both legs must be paid for: margin by the leverage there is, together where they share an
/// account.
#[test]
fn a_derivative_needs_its_margin() {
    let balance = |total: &str| VenueReport::Balance {
        asset: "Q".into(),
        total: dec(total),
        available: dec(total),
    };
    let low = |reason: Option<RiskRejection>, wanted: &str| match reason {
        Some(RiskRejection::BalanceTooLow { needed, .. }) => assert_eq!(needed, dec(wanted)),
        other => panic!("{other:?}"),
    };
    let mut pair = Pair::new();
    pair.report(L, balance("9000"));
    // at one time where leverage is not known: 0.166 x 60 000.1
    low(pair.ask(PairKind::Open, &request()), "9960.0166");
    let five = Margin { leverage_hundredths: 500, mode: MarginMode::Isolated };
    for leg in [L, S] {
        let report = VenueReport::Leverage { instrument: leg, margin: five, max_hundredths: 1_000 };
        pair.report(leg, report);
    }
    pair.report(S, balance("1900"));
    // the other leg: 0.166 x 60 029.8 / 5
    low(pair.ask(PairKind::Open, &request()), "1992.98936");
    pair.report(S, balance("2000"));
    pair.open(&request());
    // on one account both count together
    let mut config = Pair::new().rig.engine.config;
    config.strategies[0].trades = vec![(L, AccountId(0)), (S, AccountId(0))];
    let mut pair = Pair::over(Engine::new(config));
    pair.report(L, balance("15000"));
    low(pair.ask(PairKind::Open, &request()), "19924.9634");
    pair.report(L, balance("20000"));
    pair.open(&request());
}

/// M4: free 500 and 420 at leverage 3 carry 0.0246 and 0.0207 of base; on the step of 0.001 both
/// accounts pay for 0.020, and no longer for the next step.
#[test]
fn vector_m4_what_both_accounts_carry_is_opened_and_one_step_more_is_not() {
    let three = Margin { leverage_hundredths: 300, mode: MarginMode::Cross };
    let mut pair = Pair::new();
    for (leg, free) in [(L, "500"), (S, "420")] {
        let (instrument, max_hundredths) = (leg, 1_000);
        pair.report(leg, VenueReport::Leverage { instrument, margin: three, max_hundredths });
        let (asset, total, available) = ("Q".into(), dec(free), dec(free));
        pair.report(leg, VenueReport::Balance { asset, total, available });
    }
    let fees = [dec("0.0005"); 2];
    let carries = |free: &str, mid: &str| {
        let leg = Capacity { free: dec(free), leverage: three.leverage(), fees };
        leg.base(dec(mid)).unwrap()
    };
    let base = carries("500", "60000").min(carries("420", "60030"));
    assert_eq!(base.round_dp(8), dec("0.02071746"));
    let more = PairRequest { size: PairSize::Base(dec("0.021")), ..request() };
    // 0.021 x 60 029.8 / 3
    assert!(matches!(
        pair.ask_as(1, PairKind::Open, &more),
        Some(RiskRejection::BalanceTooLow { needed, .. }) if needed == dec("420.2086")
    ));
    let size = PairSize::Base(base);
    assert_eq!(pair.ask_as(2, PairKind::Open, &PairRequest { size, ..request() }), None);
    let sent = pair.sent();
    assert_eq!([sent[0].quantity, sent[1].quantity], [200, 200], "0.020");
}
