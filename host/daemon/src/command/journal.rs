//! `hedgerow audit`: whether what operators said is as it was written.

use super::Failure;
use std::path::Path;

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
