//! What a pair must find before it opens: no cooldown, its operator's limits, money on both sides.

use super::*;
use crate::OpeningLimits;

impl Pair {
    fn opening(&mut self) -> &mut OpeningLimits {
        &mut self.rig.engine.config.strategies[0].guards.opening
    }
}

/// T2: S rejected, L filled, hedges fail, L is taken back: flat.
fn taken_back(cooldown: Duration) -> Pair {
    let mut pair = Pair::new();
    pair.opening().pair_cooldown = cooldown;
    pair.open(&PairRequest { tries: 1, ..request() });
    let sent = pair.sent();
    pair.fill(sent[0], 600_000, 1_660);
    pair.reject(sent[1]);
    let hedge = pair.sent();
    pair.reject(hedge[0]);
    let back = pair.sent();
    pair.fill(back[0], 599_998, 1_660);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
    pair
}

#[test]
fn vector_t2_a_pair_that_was_taken_back_cools_down() {
    let mut pair = taken_back(Duration::from_secs(60));
    pair.pass(20_000);
    let refused = Some(RiskRejection::CoolingDown { left_ms: 40_000 });
    assert_eq!(pair.ask_as(2, PairKind::Open, &request()), refused);
    // the other way round it is the same pair
    let turned = PairRequest { buy: S, sell: L, ..request() };
    assert_eq!(pair.ask_as(3, PairKind::Open, &turned), refused);
    assert_eq!(pair.sent(), []);
    // whoever restarts knows it, from facts and from a snapshot
    let mut folded = Engine::new(pair.rig.engine.config.clone());
    folded.restore(&pair.rig.effects.facts);
    let mut taken_up = Engine::new(pair.rig.engine.config.clone());
    taken_up.take_up(folded.snapshot()).unwrap();
    for engine in [folded, taken_up] {
        let mut again = Pair::over(engine);
        again.rig.now = pair.rig.now;
        again.markets();
        assert_eq!(again.ask_as(2, PairKind::Open, &request()), refused);
    }
    pair.pass(40_000);
    assert_eq!(pair.ask_as(2, PairKind::Open, &request()), None);
    // what came to nothing without a fill was not taken back
    let mut pair = Pair::new();
    pair.opening().pair_cooldown = Duration::from_secs(60);
    pair.open(&PairRequest { legs: LegOrder::BuyFirst, ..request() });
    let first = pair.sent();
    pair.reject(first[0]);
    assert_eq!(pair.result().outcome, PairOutcome::Flat);
    assert_eq!(pair.ask_as(2, PairKind::Open, &request()), None);
    // no cooldown: at once
    let mut pair = taken_back(Duration::from_millis(0));
    assert_eq!(pair.ask_as(2, PairKind::Open, &request()), None);
}

/// Each limit of the operator, at what it allows and just below; a close is never asked.
#[test]
fn a_market_beyond_an_operators_limit_opens_nothing() {
    let refused = |limits: OpeningLimits| {
        let mut pair = Pair::new();
        *pair.opening() = limits;
        let reason = pair.ask(PairKind::Open, &request());
        assert_eq!(reason.is_none(), !pair.sent().is_empty());
        reason
    };
    let none = OpeningLimits::default();
    // 0.2 around 59 999.9
    let spread = |most: &str| OpeningLimits { max_spread_bps: Some(dec(most)), ..none };
    let (spread_bps, limit_bps) = (dec("0.0333"), dec("0.0332"));
    let above = RiskRejection::SpreadAboveMax { spread_bps, limit_bps };
    assert_eq!(refused(spread("0.0332")), Some(above));
    assert_eq!(refused(spread("0.0333")), None);
    // half of it
    let slippage = |most: &str| OpeningLimits { max_slippage_bps: Some(dec(most)), ..none };
    let (slippage_bps, limit_bps) = (dec("0.0167"), dec("0.0166"));
    let above = RiskRejection::SlippageAboveMax { slippage_bps, limit_bps };
    assert_eq!(refused(slippage("0.0166")), Some(above));
    assert_eq!(refused(slippage("0.0167")), None);
    // 0.166 of 1
    let share = |most: &str| OpeningLimits { max_depth_share: Some(dec(most)), ..none };
    let (share_of, limit) = (dec("0.166"), dec("0.165"));
    let above = RiskRejection::DepthShareAboveMax { share: share_of, limit };
    assert_eq!(refused(share("0.165")), Some(above));
    assert_eq!(refused(share("0.166")), None);
    // a close is asked for none of it
    let mut pair = Pair::new();
    pair.open(&request());
    for sent in pair.sent() {
        pair.fill(sent, if sent.leg == L { 600_000 } else { 600_299 }, 1_660);
    }
    let little = Some(dec("0.0001"));
    let limits = OpeningLimits { max_spread_bps: little, max_slippage_bps: little, ..none };
    *pair.opening() = OpeningLimits { max_depth_share: little, ..limits };
    let close = PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
    assert_eq!(pair.ask_as(2, PairKind::Close, &close), None);
    // of a leg that makes only the spread counts: it takes nothing
    let mut pair = Pair::new();
    *pair.opening() = share("0.165");
    let make = Some(hedgerow_model::Making::new(1_000, Give::Ticks(30)));
    let makes = PairRequest { legs: LegOrder::MakerTaker, make, ..request() };
    let reason = pair.ask(PairKind::Open, &makes);
    assert!(matches!(reason, Some(RiskRejection::DepthShareAboveMax { .. })), "the hedge takes");
    pair.quote(S, (600_299, 20_000), (600_301, 10_000));
    assert_eq!(pair.ask(PairKind::Open, &makes), None);
}

/// What the other leg needs is not there: neither is sent. A pool of margin counts where no balance
/// is told, less what is used of it.
#[test]
fn a_leg_without_margin_is_refused_before_either_is_sent() {
    let margin = |equity: &str, used: &str| VenueReport::Margin {
        asset: "Q".into(),
        equity: dec(equity),
        used: dec(used),
        maintenance: dec("0"),
    };
    let mut pair = Pair::new();
    pair.report(L, margin("50000", "0"));
    pair.report(S, margin("12000", "3000"));
    let reason = pair.ask(PairKind::Open, &request());
    assert_eq!(pair.sent(), []);
    let Some(RiskRejection::BalanceTooLow { asset, available, needed }) = reason else {
        panic!("{reason:?}")
    };
    // 0.166 x 60 029.8, at one time where leverage is not known
    let wanted = ("Q", dec("9000"), dec("9964.9468"));
    assert_eq!((asset.as_str(), available, needed.normalize()), wanted);
    // of another asset there is nothing, where its venue tells what there is
    let mut other = Pair::new();
    let of_b = |equity: &str| VenueReport::Margin {
        asset: "B".into(),
        equity: dec(equity),
        used: dec("0"),
        maintenance: dec("0"),
    };
    other.report(L, of_b("100"));
    let reason = other.ask(PairKind::Open, &request());
    assert!(
        matches!(&reason, Some(RiskRejection::BalanceTooLow { asset, available, .. })
            if asset == "Q" && available.is_zero()),
        "{reason:?}"
    );
    // on one account both legs need it together
    let mut config = Pair::new().rig.engine.config;
    config.strategies[0].trades = vec![(L, AccountId(0)), (S, AccountId(0))];
    let mut one = Pair::over(Engine::new(config));
    one.report(L, margin("15000", "0"));
    let reason = one.ask(PairKind::Open, &request());
    assert!(matches!(reason, Some(RiskRejection::BalanceTooLow { .. })), "{reason:?}");
    // a balance that is told goes before
    let (asset, told) = ("Q".into(), dec("20000"));
    pair.report(S, VenueReport::Balance { asset, total: told, available: told });
    assert_eq!(pair.ask(PairKind::Open, &request()), None);
    // and the pool alone suffices
    let mut pair = Pair::new();
    pair.report(S, margin("12000", "1000"));
    assert_eq!(pair.ask(PairKind::Open, &request()), None);
}
