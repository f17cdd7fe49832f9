//! What was earned and paid, as tables for a terminal.

use super::Failure;
use super::query::{Filter, SCHEMA};
use super::show::{money, table};
use hedgerow_model::view::{Counted, EarnedView, HostView, PairView};
use hedgerow_model::{Decimal, Line};
use hedgerow_report::{By, PNL_KINDS, Pnl, Row};
use hedgerow_store::SqliteJournal;
use std::path::Path;

const SUMS: [&str; 7] = ["counted", "", "realised", "funding", "fees", "interest", "net"];

fn sums(counted: Counted, currency: &str, line: &Line, net: Decimal) -> Vec<String> {
    let counted = match counted {
        Counted::Asset => "in",
        Counted::Worth => "worth",
        Counted::Unconverted => "no rate",
    };
    let figures = [line.price, line.funding(), line.fees, line.interest, net];
    let words = [counted.to_owned(), currency.to_owned()];
    words.into_iter().chain(figures.map(money)).collect()
}

/// By strategy, account and asset.
#[must_use]
pub fn earned(rows: &[EarnedView]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head: Vec<&str> = ["earned", "account"].into_iter().chain(SUMS).collect();
    let mut table = table(&head);
    for row in rows {
        let whose = [row.strategy.clone().unwrap_or_else(|| "-".into()), row.account.clone()];
        let sums = sums(row.counted, &row.currency, &row.line, row.net);
        table.add_row(whose.into_iter().chain(sums));
    }
    format!("\n{table}\n")
}

/// Earnings and pairs of a view.
#[must_use]
pub fn tables(view: &HostView) -> String {
    let pairs = view.strategies.iter().flat_map(|s| s.pairs.iter().map(pair_line));
    let pairs: String = pairs.collect();
    format!("{}{pairs}", earned(&view.earned))
}

/// A pair in a line: legs with their prices, and what it made.
fn pair_line(pair: &PairView) -> String {
    let price = |at: Option<Decimal>| at.map_or_else(|| "-".to_owned(), money);
    let legs = pair.legs.iter().map(|leg| {
        format!(
            "{} {} ({} to {})",
            leg.quantity.normalize(),
            leg.name,
            price(leg.entry),
            price(leg.exit)
        )
    });
    let legs: Vec<String> = legs.collect();
    let stands = if pair.closed.is_some() { "closed" } else { "open" };
    // amounts by themselves only where nothing says what they are worth
    let counts = pair.earned.iter().any(|(counted, ..)| *counted != Counted::Asset);
    let made = pair.earned.iter().filter(|(counted, ..)| !counts || *counted != Counted::Asset);
    let made = made.map(|(counted, currency, line, net)| {
        let unknown = if *counted == Counted::Unconverted { " (no rate)" } else { "" };
        format!(
            "; price {} funding {} fees {} net {} {currency}{unknown}",
            money(line.price),
            money(line.funding()),
            money(line.fees),
            money(*net)
        )
    });
    let plan = pair.plans.first().copied().unwrap_or(0);
    format!("pair {plan} {stands}: {}{}\n", legs.join(", "), made.collect::<String>())
}

/// A journal's profit and loss.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Answer {
    /// The version of this document.
    pub schema: u32,
    /// What was asked for.
    pub query: &'static str,
    /// The sums.
    pub rows: Vec<Row>,
}

/// Profit and loss of a state folder's journal.
pub fn pnl(state: &Path, by: &[By], filter: &Filter) -> Result<Answer, Failure> {
    let mut pnl = Pnl::within(filter.since, filter.until);
    let path = state.join("journal.sqlite");
    SqliteJournal::each_of(&path, &PNL_KINDS, &mut |stamped| pnl.take(&stamped))
        .map_err(Failure::new)?;
    if pnl.undefined > 0 {
        let what = "fills are of instruments that it does not define: it is of an older host";
        return Err(Failure::new(format!("{}: {} {what}", path.display(), pnl.undefined)));
    }
    if let Some(asked) = &filter.strategy
        && !pnl.strategies().any(|name| name == asked)
    {
        let known: Vec<&str> = pnl.strategies().collect();
        let known = if known.is_empty() { "none".into() } else { known.join(", ") };
        let path = path.display();
        return Err(Failure::new(format!("{path}: no strategy is called {asked}; known: {known}")));
    }
    let rows = pnl.rows(by, filter.strategy.as_deref());
    Ok(Answer { schema: SCHEMA, query: "pnl", rows })
}

/// Profit and loss for a person.
#[must_use]
pub fn rows(answer: &Answer) -> String {
    let rows = &answer.rows;
    let Some(first) = rows.first() else { return "nothing was earned or paid\n".into() };
    fn heading(row: &Row) -> [(&'static str, &Option<String>); 5] {
        [
            ("day", &row.day),
            ("strategy", &row.strategy),
            ("account", &row.account),
            ("instrument", &row.instrument),
            ("pair", &row.pair),
        ]
    }
    let asked = heading(first).into_iter().filter(|(_, value)| value.is_some());
    // what could not be converted is in no worth: it says what is missing
    let apart = rows.iter().any(|row| row.missing.is_some());
    let last = apart.then_some("missing");
    let head: Vec<&str> = asked.map(|(name, _)| name).chain(SUMS).chain(last).collect();
    let mut table = table(&head);
    for row in rows {
        let whose = heading(row).into_iter().filter_map(|(_, value)| value.clone());
        let sums = sums(row.counted, &row.currency, &row.line, row.net);
        let missing = apart.then(|| row.missing.clone().unwrap_or_default());
        table.add_row(whose.chain(sums).chain(missing));
    }
    format!("{table}\n")
}
