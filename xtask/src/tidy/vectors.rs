//! Worked numbers: every vector that is about the host has a row in `docs/vectors.md`, and every
//! test that is named there is in the file it is said to be in.

use crate::command::root;
use anyhow::{Context, Result};
use std::collections::BTreeSet;

const TABLE: &str = "docs/vectors.md";

/// Vectors that must have a test: those of the sections about the host, and M1 to M8.
const VECTORS: &[&str] = &[
    "F1", "F2", "F3", "F4", "F5", "F6", "L1", "T1", "T2", "T3", "T4", "O1", "R1", "B1", "B2", "M1",
    "M2", "M3", "M4", "M5", "M6", "M7", "M8",
];

pub(super) fn findings() -> Result<Vec<String>> {
    let table = std::fs::read_to_string(root().join(TABLE)).context(TABLE)?;
    Ok(check(&table, |path| std::fs::read_to_string(root().join(path)).ok()))
}

fn check(table: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let (mut all, mut shown) = (Vec::new(), BTreeSet::new());
    for (number, line) in (1..).zip(table.lines()) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", vector, _, tests, ""] = cells[..] else { continue };
        let mut file = None;
        // what stands between backquotes: every second part
        for word in tests.split('`').skip(1).step_by(2) {
            if word.ends_with(".rs") {
                file = read(word);
                if file.is_none() {
                    all.push(format!("{TABLE}:{number}: there is no {word}"));
                }
            } else if word.starts_with(|c: char| c.is_ascii_lowercase()) {
                let is_there = |text: &String| text.contains(&format!("fn {word}("));
                match file.as_ref().is_some_and(is_there) {
                    true => drop(shown.insert(vector)),
                    false => all.push(format!("{TABLE}:{number}: {vector} has no test {word}")),
                }
            }
        }
    }
    let missing = VECTORS.iter().filter(|vector| !shown.contains(**vector));
    all.extend(missing.map(|vector| format!("{TABLE}: no test shows {vector}")));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_gone_and_a_vector_without_one_are_findings() {
        let read = |path: &str| (path == "a.rs").then(|| "fn shows_it() {}".to_owned());
        let rows: String =
            VECTORS.iter().map(|v| format!("| {v} | x | `a.rs`: `shows_it` |\n")).collect();
        assert_eq!(check(&rows, read), Vec::<String>::new());
        for (row, word) in [
            ("| F1 | x | `a.rs`: `gone` |", "F1 has no test gone"),
            ("| F1 | x | `b.rs`: `shows_it` |", "there is no b.rs"),
            ("| F1 | x | |", "no test shows F1"),
        ] {
            let rows = rows.replacen("| F1 | x | `a.rs`: `shows_it` |", row, 1);
            let all = check(&rows, read);
            assert!(all.iter().any(|finding| finding.contains(word)), "{row}: {all:?}");
        }
    }
}
