//! `hedgerow journal query`: what a journal tells of execution, whether its host runs or not. Each
//! answer has a versioned schema for programs and a table for people; both can be narrowed to a
//! strategy and a time.

mod quality;
mod rows;
mod singles;

pub(super) use singles::outcome as single_outcome;

use super::Failure;
use hedgerow_model::{
    Fact, HostTime, Instrument, OrderEvent, PairPlan, PairResult, PlanStep, Stamped,
};
use hedgerow_store::SqliteJournal;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The version of every answer's schema: it grows when a field changes its meaning or goes.
pub const SCHEMA: u32 = 1;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// How well plans were executed, by venue, instrument and kind; estimates beside outcomes.
    Quality,
    /// Plans that were repaired, or are stuck.
    Incidents,
    /// Every plan.
    Plans,
    /// Every fill, and what a venue traded of ours by itself.
    Fills,
    /// Every order and how it ended.
    Orders,
    /// Every funding payment.
    Funding,
}

impl What {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Quality => "quality",
            Self::Incidents => "incidents",
            Self::Plans => "plans",
            Self::Fills => "fills",
            Self::Orders => "orders",
            Self::Funding => "funding",
        }
    }

    /// The facts it is made from.
    const fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Quality | Self::Incidents | Self::Plans => {
                &["Named", "Defined", "Instrument", "Plan"]
            }
            Self::Fills => &["Named", "Defined", "Instrument", "Fill", "Forced"],
            Self::Orders => &["Named", "Defined", "Instrument", "Order", "Fill"],
            Self::Funding => &["Named", "Defined", "Instrument", "Funding"],
        }
    }
}

/// Which of it.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this strategy alone.
    pub strategy: Option<String>,
    /// From then on.
    pub since: Option<HostTime>,
    /// Before then.
    pub until: Option<HostTime>,
    /// Figures of quality are told apart by day.
    pub daily: bool,
}

impl Filter {
    fn takes(&self, time: HostTime, strategy: Option<&str>) -> bool {
        self.since.is_none_or(|since| time >= since)
            && self.until.is_none_or(|until| time < until)
            && self.strategy.as_deref().is_none_or(|wanted| strategy == Some(wanted))
    }
}

/// An answer.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// The version of the rows.
    pub schema: u32,
    /// What was asked for.
    pub query: &'static str,
    /// What there is, oldest first.
    pub rows: Vec<serde_json::Map<String, serde_json::Value>>,
    /// In this order for people.
    #[serde(skip)]
    columns: &'static [&'static str],
}

/// What ids stand for.
#[derive(Default)]
struct Names {
    names: BTreeMap<(String, u32), String>,
    instruments: BTreeMap<u32, Instrument>,
}

impl Names {
    fn take(&mut self, fact: &Fact) {
        match fact {
            Fact::Named { what, id, name } => {
                // a name carries what else the id stands for: the first word is the name
                let name = name.split_whitespace().next().unwrap_or("?");
                self.names.insert((what.clone(), *id), name.to_owned());
            }
            Fact::Defined(spec) | Fact::Instrument(spec) => {
                self.instruments.insert(spec.id.0, (**spec).clone());
            }
            _ => {}
        }
    }

    fn of(&self, what: &str, id: u32) -> String {
        self.names.get(&(what.to_owned(), id)).map_or("?", String::as_str).to_owned()
    }
}

/// One plan, from its beginning to its newest end.
struct Told {
    strategy: String,
    began: HostTime,
    plan: PairPlan,
    result: Option<PairResult>,
}

/// Answers from a state folder's journal.
pub fn query(state: &Path, what: What, filter: &Filter) -> Result<Answer, Failure> {
    if what == What::Funding && filter.strategy.is_some() {
        let message = "funding belongs to an account: leave --strategy out";
        return Err(Failure { code: super::exit::CONFIG, message: message.into() });
    }
    let path = state.join("journal.sqlite");
    let facts = SqliteJournal::facts_of(&path, what.kinds()).map_err(Failure::new)?;
    Ok(answer(&facts, what, filter))
}

fn answer(facts: &[Stamped], what: What, filter: &Filter) -> Answer {
    let mut names = Names::default();
    facts.iter().for_each(|stamped| names.take(&stamped.fact));
    let (columns, rows) = match what {
        What::Quality => {
            let pairs = plans(facts, &names, filter);
            let singles = singles::plans(facts, &names, filter);
            (quality::QUALITY, quality::quality((&pairs, &singles), &names, filter))
        }
        What::Plans => {
            let mut all = rows::plans(&plans(facts, &names, filter), &names);
            all.extend(singles::rows(facts, &names, filter, false));
            (rows::PLANS, by_beginning(all))
        }
        What::Incidents => {
            let mut all = plans(facts, &names, filter);
            all.retain(|told| told.result.as_ref().is_some_and(PairResult::is_incident));
            let mut all = rows::incidents(&all, &names);
            all.extend(singles::rows(facts, &names, filter, true));
            (rows::INCIDENTS, by_beginning(all))
        }
        What::Fills => (rows::FILLS, rows::fills(facts, &names, filter)),
        What::Orders => (rows::ORDERS, rows::orders(facts, &names, filter)),
        What::Funding => (rows::FUNDING, rows::funding(facts, &names, filter)),
    };
    Answer { schema: SCHEMA, query: what.word(), rows, columns }
}

type Row = serde_json::Map<String, serde_json::Value>;

/// Plans of all kinds, oldest first.
fn by_beginning(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by_key(|row| row.get("began").and_then(serde_json::Value::as_u64));
    rows
}

fn plans(facts: &[Stamped], names: &Names, filter: &Filter) -> Vec<Told> {
    let mut all: BTreeMap<(u32, u64), Told> = BTreeMap::new();
    for Stamped { time, fact } in facts {
        let Fact::Plan { strategy, plan: id, step } = fact else { continue };
        let key = (strategy.0, *id);
        match step {
            PlanStep::Began(plan) => {
                let strategy = names.of("strategy", strategy.0);
                let (began, plan) = (*time, (**plan).clone());
                all.insert(key, Told { strategy, began, plan, result: None });
            }
            PlanStep::Ended(result) => {
                if let Some(told) = all.get_mut(&key) {
                    told.result = Some((**result).clone());
                }
            }
            _ => {}
        }
    }
    let mut told: Vec<Told> = all.into_values().collect();
    told.retain(|told| filter.takes(told.began, Some(&told.strategy)));
    told.sort_by_key(|told| (told.began, told.plan.id));
    told
}

/// Columns that are times.
const TIMES: [&str; 3] = ["began", "time", "settlement"];

/// A time for a person: `2026-11-29T12:00:00.250Z`. The opposite of [`time`].
pub(super) fn iso(nanos: u64) -> String {
    let (days, ms) = (nanos / 86_400_000_000_000, nanos / 1_000_000 % 86_400_000);
    // by years that begin in March, 400 of them at a time
    let (era, of_era) = ((days + 719_468) / 146_097, (days + 719_468) % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + next;
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    let ms = ms % 1_000;
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// An answer for a person.
#[must_use]
pub fn table(answer: &Answer) -> String {
    if answer.rows.is_empty() {
        return "none\n".into();
    }
    let mut table = super::show::table(answer.columns);
    for row in &answer.rows {
        table.add_row(answer.columns.iter().map(|column| match row.get(*column) {
            None | Some(serde_json::Value::Null) => "-".to_owned(),
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(serde_json::Value::Number(number)) if TIMES.contains(column) => {
                number.as_u64().map_or_else(|| number.to_string(), iso)
            }
            Some(other) => other.to_string(),
        }));
    }
    format!("{table}\n")
}

/// A time as a person writes it: `2026-11-29`, `2026-11-29T12:00:00Z`, or nanoseconds since the
/// epoch.
pub fn time(text: &str) -> Result<HostTime, String> {
    if let Ok(nanos) = text.parse() {
        return Ok(HostTime::from_nanos(nanos));
    }
    let wrong = || format!("{text}: write 2026-11-29, 2026-11-29T12:00:00Z, or nanoseconds");
    let (date, clock) = text.split_once('T').unwrap_or((text, "00:00:00"));
    let whole = |part: Option<&str>| part.and_then(|p| p.parse::<u64>().ok()).ok_or_else(wrong);
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (whole(date.next())?, whole(date.next())?, whole(date.next())?);
    let mut clock = clock.trim_end_matches('Z').splitn(3, ':');
    let (hour, minute, second) = (whole(clock.next())?, whole(clock.next())?, whole(clock.next())?);
    let sound = (1970..2_500).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !sound {
        return Err(wrong());
    }
    // days since the epoch, of a year that begins in March
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
    Ok(HostTime::from_nanos(seconds * 1_000_000_000))
}

/// The newest word of the venue on an order.
pub(crate) const fn word(event: OrderEvent, before: &'static str) -> &'static str {
    match event {
        OrderEvent::Accepted => "open",
        OrderEvent::Rejected => "rejected",
        OrderEvent::Canceled => "canceled",
        OrderEvent::Expired => "expired",
        OrderEvent::OutcomeUnknown => "unknown",
        _ => before,
    }
}

#[cfg(test)]
mod tests;
