//! `hedgerow audit`: what operators said, and whether it is as it was written.

use super::Failure;
use hedgerow_model::{Fact, Stamped};
use hedgerow_store::{AUDIT_KINDS, SqliteJournal};
use std::path::Path;

/// How many rows of the audit are shown.
const TAIL: usize = 20;

/// The newest rows of the audit.
pub fn tail(state: &Path) -> Result<Vec<Stamped>, Failure> {
    let mut rows = std::collections::VecDeque::new();
    let mut keep = |stamped| {
        rows.push_back(stamped);
        if rows.len() > TAIL {
            rows.pop_front();
        }
    };
    let path = state.join("journal.sqlite");
    SqliteJournal::each_of(&path, &AUDIT_KINDS, &mut keep).map_err(Failure::new)?;
    Ok(rows.into())
}

/// Rows of the audit, a line each.
#[must_use]
pub fn tail_lines(rows: &[Stamped]) -> String {
    let line = |Stamped { time, fact }: &Stamped| {
        let words = match fact {
            Fact::Asked { command, reason, by, from, result } => {
                format!("asked: {command} ({reason}), by {by}, over the {from}: {result}")
            }
            Fact::Operator { command, reason } => format!("done: {command} ({reason})"),
            other => format!("{other:?}"),
        };
        format!("{} {words}\n", super::query::iso(time.as_nanos()))
    };
    rows.iter().map(line).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::HostTime;

    #[test]
    fn the_audit_tells_times_as_people_read_them() {
        let fact = Fact::Operator { command: "pause".into(), reason: "why".into() };
        let time = HostTime::from_nanos(1_709_251_199_250_000_000);
        let shown = tail_lines(&[Stamped { time, fact }]);
        assert_eq!(shown, "2024-02-29T23:59:59.250Z done: pause (why)\n");
    }
}
