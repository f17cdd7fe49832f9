//! Plans of one leg, as a journal tells of them, in the columns of plans.

use super::{Filter, Names, Row};
use hedgerow_model::{
    Barrier, Decimal, Fact, HostTime, PlanStep, Side, SingleOutcome, SinglePlan, SingleResult,
    SingleStep, Stamped,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One plan, from its beginning to its newest end.
pub(super) struct Told {
    pub(super) began: HostTime,
    strategy: String,
    pub(super) plan: SinglePlan,
    fired: Option<(Barrier, Option<Decimal>)>,
    pub(super) result: Option<SingleResult>,
}

/// How a plan of one leg ended, in words.
pub(in crate::command) fn outcome(outcome: &SingleOutcome) -> String {
    match outcome {
        SingleOutcome::Filled => "filled".into(),
        SingleOutcome::Partly { why } => format!("partly: {why}"),
        SingleOutcome::Unfilled { why } => format!("unfilled: {why}"),
        SingleOutcome::Closed { by } => format!("closed: {by:?}").to_lowercase(),
        SingleOutcome::Expired => "expired".into(),
        SingleOutcome::Stuck { why } => format!("STUCK: {why}"),
    }
}

/// Plans of one leg, or only those that are stuck.
pub(super) fn rows(facts: &[Stamped], names: &Names, filter: &Filter, stuck: bool) -> Vec<Row> {
    let is_stuck = |told: &Told| told.result.as_ref().is_some_and(SingleResult::is_stuck);
    let all = plans(facts, names, filter);
    all.iter().filter(|told| !stuck || is_stuck(told)).map(|told| row(told, names)).collect()
}

/// Plans of one leg that a filter takes.
pub(super) fn plans(facts: &[Stamped], names: &Names, filter: &Filter) -> Vec<Told> {
    let mut all: BTreeMap<(u32, u64), Told> = BTreeMap::new();
    for Stamped { time, fact } in facts {
        let Fact::Plan { strategy, plan: id, step: PlanStep::Single(step) } = fact else {
            continue;
        };
        let key = (strategy.0, *id);
        if let SingleStep::Began(plan) = step {
            let (plan, strategy) = ((**plan).clone(), names.of("strategy", strategy.0));
            let told = Told { began: *time, strategy, plan, fired: None, result: None };
            all.insert(key, told);
        }
        let Some(told) = all.get_mut(&key) else { continue };
        match step {
            SingleStep::Fires { barrier, profit } => told.fired = Some((*barrier, *profit)),
            SingleStep::Ended(result) => told.result = Some((**result).clone()),
            _ => {}
        }
    }
    let wanted = |told: &Told| filter.takes(told.began, Some(&told.strategy));
    all.into_values().filter(wanted).collect()
}

fn row(told: &Told, names: &Names) -> Row {
    let Told { began, strategy, plan, fired, result } = told;
    let instrument = plan.request.instrument().0;
    let spec = names.instruments.get(&instrument);
    let asked = spec.map(|spec| spec.quantity(plan.target).normalize());
    let name = names.of("instrument", instrument);
    let figures = result.as_ref().map(|result| &result.figures);
    let base = figures.map(|figures| figures.base.normalize());
    let average = figures.and_then(|figures| figures.average.map(|price| price.normalize()));
    let got = base.map_or("0".into(), |base| base.to_string());
    let at = average.map_or(String::new(), |price| format!(" at {price}"));
    let text = format!("{name} {got}{at}");
    let (buys, sells) = match plan.side {
        Side::Buy => (Some(text), None),
        Side::Sell => (None, Some(text)),
    };
    let value = json!({
        "began": began,
        "strategy": strategy,
        "plan": plan.id,
        "kind": plan.request.kind(),
        "outcome": result.as_ref().map(|result| outcome(&result.outcome)),
        "buys": buys,
        "sells": sells,
        "instrument": name,
        "side": plan.side,
        "asked": asked,
        "filled": base,
        "average": average,
        "middle": plan.middle,
        "expected": plan.expected,
        "slippage_bps": figures.and_then(|figures| figures.slippage_bps),
        "fees": figures.map(|figures| figures.fees),
        "source": plan.source,
        "reach": plan.reach,
        "fired": fired.map(|(barrier, _)| barrier),
        "fired_at": fired.and_then(|(_, profit)| profit),
        "profit": figures.and_then(|figures| figures.exit?.profit),
        "orders": figures.map(|figures| figures.attempts),
        "took_ms": result.as_ref().map(|result| result.took_ms),
    });
    match value {
        Value::Object(row) => row,
        _ => Row::new(),
    }
}
