//! `hedgerow journal`: what a journal tells of pairs, whether its host runs or not.

use super::Failure;
use hedgerow_model::{
    Decimal, Fact, HostTime, LegResult, PairKind, PairOutcome, PairPlan, PairResult, PlanStep,
    Stamped,
};
use hedgerow_store::SqliteJournal;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// One plan, from its beginning to its end.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// When it began, ns.
    pub began: HostTime,
    /// Whose.
    pub strategy: String,
    /// The strategy's number for it.
    pub plan: u64,
    /// What.
    pub kind: PairKind,
    /// What was to be bought and sold: instrument, quantity asked for, expected price, limit.
    pub legs: [Leg; 2],
    /// How it ended; nothing: it goes on, or the host died in it.
    pub outcome: Option<PairOutcome>,
    /// Base units bought beyond those sold.
    pub residual: Option<Decimal>,
    /// Orders beyond the first two.
    pub retries: u32,
    /// What taking back lost, settle asset, fees not counted.
    pub repair_loss: Decimal,
    /// How long it took, ms.
    pub took_ms: Option<u64>,
}

/// One leg of a plan.
#[derive(Clone, Debug, Serialize)]
pub struct Leg {
    /// In what.
    pub instrument: String,
    /// How much was asked for, base units.
    pub asked: Decimal,
    /// What the book promised when it began, per unit.
    pub expected: Decimal,
    /// What became of it.
    pub result: Option<LegResult>,
}

/// What is asked of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Every plan.
    Plans,
    /// Those that were repaired or are stuck.
    Incidents,
}

/// Plans of a state folder's journal, oldest first.
pub fn plans(state: &Path, asked: Asked) -> Result<Vec<Plan>, Failure> {
    let path = state.join("journal.sqlite");
    let kinds = ["Named", "Instrument", "Plan"];
    let facts = SqliteJournal::facts_of(&path, &kinds).map_err(Failure::new)?;
    let mut names: BTreeMap<(String, u32), String> = BTreeMap::new();
    let mut begun: BTreeMap<(u32, u64), (HostTime, PairPlan)> = BTreeMap::new();
    let mut ended: BTreeMap<(u32, u64), PairResult> = BTreeMap::new();
    for Stamped { time, fact } in facts {
        match fact {
            Fact::Named { what, id, name } => {
                names.insert((what, id), name);
            }
            Fact::Plan { strategy, plan, step: PlanStep::Began(record) } => {
                begun.insert((strategy.0, plan), (time, *record));
            }
            Fact::Plan { strategy, plan, step: PlanStep::Ended(result) } => {
                ended.insert((strategy.0, plan), *result);
            }
            _ => {}
        }
    }
    // names carry what else an id stands for: the first word is the name
    let name = |what: &str, id: u32| {
        let known = names.get(&(what.to_owned(), id)).map(String::as_str).unwrap_or("?");
        known.split_whitespace().next().unwrap_or("?").to_owned()
    };
    let mut all = Vec::new();
    for (key, (began, plan)) in begun {
        let result = ended.get(&key);
        if asked == Asked::Incidents && !result.is_some_and(PairResult::is_incident) {
            continue;
        }
        let leg = |place: usize| {
            let planned = &plan.legs[place];
            Leg {
                instrument: name("instrument", planned.instrument.0),
                asked: planned.base,
                expected: planned.expected,
                result: result.map(|result| result.legs[place].clone()),
            }
        };
        all.push(Plan {
            began,
            strategy: name("strategy", key.0),
            plan: key.1,
            kind: plan.kind,
            legs: [leg(0), leg(1)],
            outcome: result.map(|result| result.outcome.clone()),
            residual: result.map(|result| result.residual),
            retries: result.map_or(0, |result| result.retries),
            repair_loss: result.map(|result| result.repair_loss).unwrap_or_default(),
            took_ms: result.map(|result| result.took_ms),
        });
    }
    all.sort_by_key(|plan| (plan.began, plan.plan));
    Ok(all)
}

/// Plans for a person.
#[must_use]
pub fn table(plans: &[Plan]) -> String {
    if plans.is_empty() {
        return "none\n".into();
    }
    let mut table = super::show::table(&[
        "began", "strategy", "plan", "kind", "bought", "sold", "ended", "slippage", "retries",
        "lost", "ms",
    ]);
    for plan in plans {
        let leg = |place: usize| {
            let leg = &plan.legs[place];
            let got = leg.result.as_ref().map_or(Decimal::ZERO, |result| result.base);
            format!("{} of {} {}", got.normalize(), leg.asked.normalize(), leg.instrument)
        };
        let slips: Vec<String> = (plan.legs.iter())
            .map(|leg| leg.result.as_ref().and_then(|result| result.slippage_bps))
            .map(|bps| bps.map_or("-".into(), |bps| bps.round_dp(2).normalize().to_string()))
            .collect();
        let ended = match &plan.outcome {
            None => "not yet".into(),
            Some(PairOutcome::Balanced) => "balanced".into(),
            Some(PairOutcome::Flat) => "flat".into(),
            Some(PairOutcome::Stuck { why }) => format!("STUCK: {why}"),
        };
        table.add_row([
            plan.began.to_string(),
            plan.strategy.clone(),
            plan.plan.to_string(),
            plan.kind.word().to_owned(),
            leg(0),
            leg(1),
            ended,
            format!("{} bps", slips.join(" / ")),
            plan.retries.to_string(),
            plan.repair_loss.normalize().to_string(),
            plan.took_ms.map_or("-".into(), |ms| ms.to_string()),
        ]);
    }
    format!("{table}\n")
}

/// Checks the audit of a state folder's journal.
pub fn audit(state: &Path, as_json: bool) -> Result<(), Failure> {
    let audit =
        hedgerow_store::verify_audit(&state.join("journal.sqlite")).map_err(Failure::new)?;
    if as_json {
        super::print_json(&audit)?;
    } else {
        let last = if audit.last.is_empty() { "none" } else { audit.last.as_str() };
        super::print(&format!(
            "{} rows as they were written, the last hash is {last}\n",
            audit.rows
        ));
    }
    match audit.broken {
        None => Ok(()),
        Some(why) => Err(Failure::new(format!("the audit is broken: {why}"))),
    }
}
