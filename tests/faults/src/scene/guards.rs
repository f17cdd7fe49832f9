//! Limits and guards of a guarded script: all that docs/guards.md has are on, each so near that it
//! is passed by whoever tries, and which of them comes first differs by the seed.

use crate::dice::Dice;
use crate::script::Script;
use hedgerow_engine::{
    AccountGuards, FundingGuard, HostLimits, InstrumentLimits, OpeningLimits, ProfitGuards,
    Reduction, StrategyGuards, StrategyLimits, Watch,
};
use hedgerow_model::{
    Decimal, Duration, GuardAction, Instrument, InstrumentKind, MarginBracket, MarginGrade,
    StrategyId,
};

/// Chances of guards, and nothing else.
const PURPOSE: u64 = 8;

/// The chances, and whether guards only tell.
struct Scale(Dice, bool);

impl Scale {
    fn of(script: &Script, what: u64) -> Self {
        Self(Dice::of(script.seed ^ (what << 40), PURPOSE), script.lenient)
    }

    /// So much, or up to three times that.
    fn money(&mut self, least: i64) -> Decimal {
        let wide = u64::try_from(2 * least).unwrap_or(0);
        Decimal::from(least + self.0.int(wide))
    }

    fn count(&mut self, least: u64, most: u64) -> u32 {
        u32::try_from(self.0.between(least, most)).unwrap_or(1)
    }

    fn action(&mut self) -> GuardAction {
        let action = self.0.pick(&GuardAction::WORDS).1;
        if self.1 { GuardAction::Alert } else { action }
    }

    fn watch(&mut self, limit: Decimal) -> Watch {
        Watch { limit, action: self.action() }
    }

    fn profit(&mut self, least: i64) -> ProfitGuards {
        let mut watch = |least| {
            let limit = self.money(least);
            self.watch(limit)
        };
        let (loss, loss_day, drawdown) = (watch(least), watch(least), watch(least));
        ProfitGuards { loss: Some(loss), loss_day: Some(loss_day), drawdown: Some(drawdown) }
    }
}

pub(super) fn strategy_limits(script: &Script, id: StrategyId) -> StrategyLimits {
    let mut scale = Scale::of(script, 1 + u64::from(id.0));
    StrategyLimits {
        order_notional_max: scale.money(200),
        position_notional_max: scale.money(400),
        gross_notional_max: scale.money(900),
        open_orders_max: scale.count(3, 12),
        orders_per_s_max: scale.count(1, 6),
        collar_bps: scale.count(20, 150),
        loss_max: scale.money(3),
        drawdown_max: scale.money(3),
        timers_max: 4,
    }
}

pub(super) fn strategy_guards(script: &Script, id: StrategyId) -> StrategyGuards {
    let mut scale = Scale::of(script, 11 + u64::from(id.0));
    let own = super::own(script, id);
    let hedge = scale.0.percent(60).then(|| (own[0], own[1]));
    StrategyGuards {
        net_notional_max: Some(scale.money(400)),
        cancels_per_fill_max: Some(scale.count(1, 3)),
        loss_action: scale.action(),
        drawdown_action: scale.action(),
        loss_day: Some(Watch { limit: scale.money(3), action: scale.action() }),
        hedges: hedge.into_iter().collect(),
        hedge_gap: Watch { limit: Decimal::from(5), action: scale.action() },
        unhedged: Some((Duration::from_millis(scale.0.between(500, 20_000)), scale.action())),
        funding: Some(FundingGuard {
            edge_per_h_min: Decimal::new(scale.0.int(200) - 100, 5),
            times: scale.count(1, 4),
            action: scale.action(),
        }),
        opening: opening(&mut scale),
    }
}

/// What a plan finds before it opens: each on in half of the scripts.
fn opening(scale: &mut Scale) -> OpeningLimits {
    let mut limit = |least: i64, wide: u64, digits: u32| {
        let limit = Decimal::new(least + scale.0.int(wide), digits);
        scale.0.percent(50).then_some(limit)
    };
    OpeningLimits {
        max_slippage_bps: limit(5, 300, 1),
        max_spread_bps: limit(2, 20, 0),
        max_depth_share: limit(5, 95, 2),
        pair_cooldown: Duration::from_secs(20),
    }
}

pub(super) fn account_guards(script: &Script, spec: &Instrument) -> AccountGuards {
    let mut scale = Scale::of(script, 31 + u64::from(spec.id.0));
    // a spot account has no margin, and what is not told is not safe
    let margin = spec.kind != InstrumentKind::Spot;
    let grades =
        [MarginGrade::Watch, MarginGrade::Warning, MarginGrade::Danger, MarginGrade::Critical];
    AccountGuards {
        gross_notional_max: Some(scale.money(500)),
        net_notional_max: Some(scale.money(400)),
        leverage_max: margin.then(|| Decimal::new(15 + scale.0.int(30), 1)),
        open_orders_max: Some(scale.count(2, 10)),
        orders_per_s_max: Some(scale.count(1, 6)),
        answer_max: Some(Duration::from_millis(scale.0.between(150, 1_500))),
        profit: scale.profit(3),
        margin_utilisation: Watch { limit: Decimal::from(80), action: scale.action() },
        margin_ratio: margin.then(|| Watch { limit: scale.money(1), action: scale.action() }),
        grades: grades.map(|grade| (grade, scale.action())),
        liquidation_distance_min: margin
            .then(|| Watch { limit: scale.money(30), action: scale.action() }),
        adverse_move: margin.then(|| Watch { limit: scale.money(30), action: scale.action() }),
        leverage_target: Some(Decimal::ONE),
        taker_fee: Decimal::new(5, 4),
        liquidated_action: scale.action(),
        cancels_per_fill_max: Some(scale.count(2, 6)),
    }
}

pub(super) fn host(script: &Script) -> HostLimits {
    let mut scale = Scale::of(script, 61);
    HostLimits {
        gross_notional_max: Some(scale.money(1_200)),
        net_notional_max: Some(scale.money(500)),
        profit: scale.profit(6),
        open_orders_max: Some(scale.count(6, 20)),
        orders_per_s_max: Some(scale.count(3, 12)),
        reduction: Some(Reduction {
            slippage_bps: 20,
            hedge_bps: 40,
            emergency_bps: 60,
            deadline_ms: 3_000,
        }),
    }
}

pub(super) fn instrument_limits(script: &Script) -> Vec<InstrumentLimits> {
    let limits = |spec: &Instrument| {
        let mut scale = Scale::of(script, 71 + u64::from(spec.id.0));
        InstrumentLimits {
            order_notional_max: Some(scale.money(200)),
            position_notional_max: Some(scale.money(500)),
        }
    };
    script.instruments.iter().map(limits).collect()
}

/// What an account has to trade a derivative with, settle asset; the venue tells its margin.
pub(super) fn collateral(script: &Script, spec: &Instrument) -> Option<Decimal> {
    let mut scale = Scale::of(script, 91 + u64::from(spec.id.0));
    let quote = scale.money(150);
    match spec.kind {
        InstrumentKind::Spot => None,
        kind if kind.is_inverse() => Some(quote / Decimal::ONE_THOUSAND),
        _ => Some(quote),
    }
}

/// Maintenance at the venues.
pub(super) fn brackets() -> Vec<MarginBracket> {
    let bracket = |most: Option<i64>, rate, deduction| MarginBracket {
        notional_max: most.map(Decimal::from),
        maintenance_rate: Decimal::new(rate, 3),
        deduction: Decimal::from(deduction),
    };
    vec![bracket(Some(400), 10, 0), bracket(None, 20, 4)]
}
