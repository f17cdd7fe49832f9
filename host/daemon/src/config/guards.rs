//! Guards of a config: limits that only some want, watching guards with their actions, by what they
//! are about. What is absent is not measured, but for the few that have a default.

use super::StrategyEntry;
use super::reader::Section;
use hedgerow_engine::{
    AccountGuards, FundingGuard, GuardAction, HostLimits, InstrumentLimits, OpeningLimits,
    ProfitGuards, Reduction, StrategyGuards, Watch,
};
use hedgerow_model::{Decimal, Duration, MarginGrade};
use std::collections::BTreeSet;

const WEEK_MS: u64 = 7 * 24 * 3_600_000 + 1;

/// What follows when the guard of `limit` trips; an action for nothing is a problem.
fn action(
    s: &mut Section<'_, '_>,
    key: &'static str,
    (limit, measured): (&'static str, bool),
    usual: GuardAction,
) -> GuardAction {
    let action = s.word_or(key, &GuardAction::WORDS, usual);
    if !measured && s.span_of(key) != s.span() {
        let fix = format!("add `{limit} = …`, or remove `{key}`");
        s.problem(s.span_of(key), key, format!("is for nothing: there is no {limit}"), fix);
    }
    action
}

/// A limit of money that may be absent, and its action.
fn money(
    s: &mut Section<'_, '_>,
    limit: &'static str,
    of: &'static str,
    usual: GuardAction,
) -> Option<Watch> {
    let found = s.positive_or_none(limit);
    let action = action(s, of, (limit, found.is_some()), usual);
    found.map(|limit| Watch { limit, action })
}

/// A percentage that may be absent, and its action.
fn percent(
    s: &mut Section<'_, '_>,
    limit: &'static str,
    of: &'static str,
    usual: GuardAction,
) -> Option<Watch> {
    let found = money(s, limit, of, usual)?;
    if found.limit < Decimal::ONE_HUNDRED {
        return Some(found);
    }
    let what = format!("is {}, which is not below 100", found.limit);
    s.problem(s.span_of(limit), limit, what, "write percent: \"80\" is four fifths");
    None
}

/// A whole number that may be absent.
fn whole(s: &mut Section<'_, '_>, key: &'static str) -> Option<u32> {
    let found = s.whole_or(key, 1..1_000_001, 0);
    u32::try_from(found).ok().filter(|found| *found > 0)
}

fn profit(s: &mut Section<'_, '_>) -> ProfitGuards {
    let pause = GuardAction::Pause;
    ProfitGuards {
        loss: money(s, "loss_max", "loss_action", pause),
        loss_day: money(s, "loss_day_max", "loss_day_action", pause),
        drawdown: money(s, "drawdown_max", "drawdown_action", pause),
    }
}

/// `[limits]`.
pub(super) fn host(s: &mut Section<'_, '_>) -> HostLimits {
    HostLimits {
        gross_notional_max: s.positive_or_none("gross_notional_max"),
        net_notional_max: s.positive_or_none("net_notional_max"),
        open_orders_max: whole(s, "open_orders_max"),
        orders_per_s_max: whole(s, "orders_per_s_max"),
        profit: profit(s),
        reduction: s.table("reduction", reduction).flatten(),
    }
}

fn reduction(s: &mut Section<'_, '_>) -> Option<Reduction> {
    let mut small = |key, bounds| s.whole(key, bounds).and_then(|at| u32::try_from(at.value).ok());
    let slippage_bps = small("slippage_bps", 0..10_000);
    let hedge_bps = small("hedge_bps", 0..10_000);
    let emergency_bps = small("emergency_bps", 0..10_000);
    let deadline_ms = small("deadline_ms", 1..3_600_000);
    let found = Reduction {
        slippage_bps: slippage_bps?,
        hedge_bps: hedge_bps?,
        emergency_bps: emergency_bps?,
        deadline_ms: deadline_ms?,
    };
    if found.slippage_bps > found.hedge_bps || found.hedge_bps > found.emergency_bps {
        let what = "is below slippage_bps, or above emergency_bps";
        s.problem(s.span_of("hedge_bps"), "hedge_bps", what, "let the three rise");
        return None;
    }
    Some(found)
}

/// What follows at each grade of margin. One that is worse may not be followed by less: what was
/// done at the milder one is no reason to do less.
fn grades(s: &mut Section<'_, '_>) -> [(MarginGrade, GuardAction); 4] {
    let keys = [
        ("margin_watch_action", MarginGrade::Watch),
        ("margin_warning_action", MarginGrade::Warning),
        ("margin_danger_action", MarginGrade::Danger),
        ("margin_critical_action", MarginGrade::Critical),
    ];
    let alert = GuardAction::Alert;
    let grades = keys.map(|(key, grade)| (grade, s.word_or(key, &GuardAction::WORDS, alert)));
    let mut before: Option<(&str, GuardAction)> = None;
    for ((key, _), (_, action)) in keys.into_iter().zip(grades) {
        // what is not said is told at least, beside what the milder grades do
        if s.span_of(key) == s.span() {
            continue;
        }
        match before {
            Some((milder, more)) if action < more => {
                let what = format!("is {action}, which does less than {milder} ({more})");
                s.problem(s.span_of(key), key, what, "let the actions of the grades rise");
            }
            _ => before = Some((key, action)),
        }
    }
    grades
}

/// `[account.limits]`.
pub(super) fn account(s: &mut Section<'_, '_>) -> AccountGuards {
    let (alert, pause) = (GuardAction::Alert, GuardAction::Pause);
    let usual = AccountGuards::default();
    let answer_ms = s.whole_or("answer_ms_max", 1..WEEK_MS, 0);
    let utilisation = "margin_utilisation_max_percent";
    let utilised = s.span_of(utilisation) != s.span();
    let margin_utilisation = if utilised {
        percent(s, utilisation, "margin_utilisation_action", alert)
    } else {
        s.known(&[utilisation]);
        let action = s.word_or("margin_utilisation_action", &GuardAction::WORDS, alert);
        Some(Watch { action, ..usual.margin_utilisation })
    };
    let grades = grades(s);
    let distance = "liquidation_distance_min_percent";
    AccountGuards {
        gross_notional_max: s.positive_or_none("gross_notional_max"),
        net_notional_max: s.positive_or_none("net_notional_max"),
        leverage_max: s.positive_or_none("leverage_max"),
        open_orders_max: whole(s, "open_orders_max"),
        orders_per_s_max: whole(s, "orders_per_s_max"),
        cancels_per_fill_max: whole(s, "cancels_per_fill_max"),
        answer_max: (answer_ms > 0).then(|| Duration::from_millis(answer_ms)),
        profit: profit(s),
        margin_utilisation: margin_utilisation.unwrap_or(usual.margin_utilisation),
        margin_ratio: percent(s, "margin_ratio_max_percent", "margin_ratio_action", alert),
        grades,
        liquidation_distance_min: percent(s, distance, "liquidation_distance_action", pause),
        adverse_move: percent(s, "adverse_move_percent", "adverse_move_action", alert),
        leverage_target: s.positive_or_none("leverage_target"),
        taker_fee: Decimal::ZERO,
        liquidated_action: s.word_or("liquidated_action", &GuardAction::WORDS, pause),
    }
}

/// What of a position's worth must stay at a paper venue, a fraction.
pub(super) fn maintenance(s: &mut Section<'_, '_>) -> Option<Decimal> {
    let rate = s.positive_or_none("maintenance_rate")?;
    if rate < Decimal::ONE {
        return Some(rate);
    }
    let what = format!("is {rate}, which is not below one");
    let fix = "write a fraction: \"0.005\" is half a percent";
    s.problem(s.span_of("maintenance_rate"), "maintenance_rate", what, fix);
    None
}

/// `[instrument.limits]`.
pub(super) fn instrument(s: &mut Section<'_, '_>) -> InstrumentLimits {
    InstrumentLimits {
        order_notional_max: s.positive_or_none("order_notional_max"),
        position_notional_max: s.positive_or_none("position_notional_max"),
    }
}

/// How long a pair that had to be taken back is not opened again, where nothing is said.
const COOLDOWN_MS: u64 = 60_000;
/// The host remembers plans that ended for a day.
const DAY_MS: u64 = 24 * 3_600_000 + 1;

/// What plans of a strategy must find before they open something.
fn opening(s: &mut Section<'_, '_>) -> OpeningLimits {
    let share = "max_depth_share";
    let mut max_depth_share = s.positive_or_none(share);
    if let Some(above) = max_depth_share.filter(|share| *share > Decimal::ONE) {
        let fix = "write a fraction: \"0.25\" is a quarter";
        s.problem(s.span_of(share), share, format!("is {above}, which is above one"), fix);
        max_depth_share = None;
    }
    OpeningLimits {
        max_slippage_bps: s.positive_or_none("max_slippage_bps"),
        max_spread_bps: s.positive_or_none("max_spread_bps"),
        max_depth_share,
        pair_cooldown: Duration::from_millis(s.whole_or(
            "pair_cooldown_ms",
            0..DAY_MS,
            COOLDOWN_MS,
        )),
    }
}

/// What `[strategy.limits]` has beside its required limits. Hedges stand elsewhere.
pub(super) fn strategy(s: &mut Section<'_, '_>) -> StrategyGuards {
    let (alert, pause) = (GuardAction::Alert, GuardAction::Pause);
    let usual = StrategyGuards::default();
    let gap = "hedge_gap_max_percent";
    let hedge_gap = if s.span_of(gap) == s.span() {
        s.known(&[gap]);
        let action = s.word_or("hedge_gap_action", &GuardAction::WORDS, alert);
        Some(Watch { action, ..usual.hedge_gap })
    } else {
        percent(s, gap, "hedge_gap_action", alert)
    };
    let unhedged_ms = s.whole_or("unhedged_ms_max", 1..WEEK_MS, 0);
    let after = action(s, "unhedged_action", ("unhedged_ms_max", unhedged_ms > 0), pause);
    let edge = s.decimal_or_none("funding_edge_per_h_min").map(|at| at.value);
    let times = u32::try_from(s.whole_or("funding_times", 1..1_001, 3)).unwrap_or(3);
    let turned = action(s, "funding_action", ("funding_edge_per_h_min", edge.is_some()), alert);
    let flips = |edge_per_h_min| FundingGuard { edge_per_h_min, times, action: turned };
    StrategyGuards {
        net_notional_max: s.positive_or_none("net_notional_max"),
        cancels_per_fill_max: whole(s, "cancels_per_fill_max"),
        loss_action: s.word_or("loss_action", &GuardAction::WORDS, usual.loss_action),
        drawdown_action: s.word_or("drawdown_action", &GuardAction::WORDS, usual.drawdown_action),
        loss_day: money(s, "loss_day_max", "loss_day_action", pause),
        hedges: Vec::new(),
        hedge_gap: hedge_gap.unwrap_or(usual.hedge_gap),
        unhedged: (unhedged_ms > 0).then(|| (Duration::from_millis(unhedged_ms), after)),
        funding: edge.map(flips),
        opening: opening(s),
    }
}

fn of_profit(profit: &ProfitGuards) -> Vec<GuardAction> {
    let all = [profit.loss, profit.loss_day, profit.drawdown];
    all.into_iter().flatten().map(|watch| watch.action).collect()
}

fn of_account(guards: &AccountGuards) -> Vec<GuardAction> {
    let mut all = of_profit(&guards.profit);
    all.extend(guards.grades.map(|(_, action)| action));
    all.extend([guards.margin_utilisation.action, guards.liquidated_action]);
    let some = [guards.margin_ratio, guards.liquidation_distance_min, guards.adverse_move];
    all.extend(some.into_iter().flatten().map(|watch| watch.action));
    all
}

fn of_strategy(guards: &StrategyGuards) -> Vec<GuardAction> {
    let mut all = vec![guards.loss_action, guards.drawdown_action, guards.hedge_gap.action];
    all.extend(guards.loss_day.map(|watch| watch.action));
    all.extend(guards.unhedged.map(|(_, action)| action));
    all.extend(guards.funding.map(|guard| guard.action));
    all
}

/// Adds a problem where an action needs what is not there.
pub(super) fn check(
    root: &mut Section<'_, '_>,
    host: &HostLimits,
    accounts: &[(&String, &AccountGuards)],
    strategies: &[StrategyEntry],
) {
    let own = accounts.iter().map(|(_, guards)| of_account(guards)).collect::<Vec<_>>();
    let theirs = strategies.iter().map(|strategy| of_strategy(&strategy.guards));
    let theirs = theirs.collect::<Vec<_>>();
    let whole = of_profit(&host.profit);
    let mut all = own.iter().chain(&theirs).flatten().chain(&whole);
    let plans = all.any(|a| matches!(a, GuardAction::Reduce | GuardAction::ClosePair));
    if plans && host.reduction.is_none() {
        let what = "is missing, and a guard's action is reduce or close-pair";
        let fix = "add [limits.reduction] with slippage_bps, hedge_bps, emergency_bps, deadline_ms";
        root.problem(root.span_of("limits"), "limits.reduction", what, fix);
    }
    let reduces = |actions: &[GuardAction]| actions.contains(&GuardAction::Reduce);
    // an account can be reduced by a guard of its own, of whoever trades on it, or of the host
    let by_others: BTreeSet<usize> = (strategies.iter().zip(&theirs))
        .filter(|(_, actions)| reduces(actions) || reduces(&whole))
        .flat_map(|(strategy, _)| strategy.accounts.values().chain([&strategy.account]))
        .copied()
        .collect();
    for (place, ((name, guards), actions)) in accounts.iter().zip(&own).enumerate() {
        let reduced = reduces(actions) || by_others.contains(&place);
        if reduced && guards.leverage_target.is_none() {
            let what = format!("is missing for account \"{name}\", which a guard is to reduce");
            let fix = "add `leverage_target` to the [account.limits] of that account";
            root.problem(root.span_of("account"), "account.limits.leverage_target", what, fix);
        }
    }
}
