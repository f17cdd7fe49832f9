//! Rules over the text of sources.

use super::LONG_FILES;
use crate::command::{output, root};
use anyhow::Result;
use std::process::Command;

const FILE_LINES: usize = 400;
const FILE_LINES_HARD: usize = 700;
const FUNCTION_LINES: usize = 70;
const COLUMNS: usize = 100;

/// Rooms without floating point, and the file that may have it.
const NO_FLOATS: &[&str] = &[
    "sdk/model/src",
    "host/engine/src",
    "host/driver/src",
    "host/ports/src",
    "host/store/src",
    "host/simulator/src",
];
const FLOAT_DOORS: &[&str] = &["host/simulator/src/generator.rs"];

pub(super) fn findings() -> Result<Vec<String>> {
    let files = output(Command::new("git").args(["ls-files", "*.rs"]).current_dir(root()))?;
    let mut all = Vec::new();
    for path in files.lines() {
        let Ok(text) = std::fs::read_to_string(root().join(path)) else {
            continue;
        };
        check(path, &text, &mut all);
    }
    Ok(all)
}

fn check(path: &str, text: &str, all: &mut Vec<String>) {
    let lines: Vec<&str> = text.lines().collect();
    let excused = LONG_FILES.iter().any(|(known, _)| *known == path);
    if lines.len() > FILE_LINES_HARD || (lines.len() > FILE_LINES && !excused) {
        all.push(format!("{path}: {} lines, {FILE_LINES} allowed", lines.len()));
    }
    if !text.starts_with("//!") {
        all.push(format!("{path}: does not say at its top what it is responsible for (//!)"));
    }
    for (number, line) in (1..).zip(&lines) {
        if line.chars().count() > COLUMNS {
            all.push(format!("{path}:{number}: longer than {COLUMNS} columns"));
        }
    }
    functions(path, &lines, all);
    words(path, &lines, all);
}

/// Functions by their indentation, which rustfmt guarantees.
fn functions(path: &str, lines: &[&str], all: &mut Vec<String>) {
    for (start, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let head =
            ["fn ", "pub fn ", "pub(crate) fn ", "pub(super) fn ", "const fn ", "pub const fn "];
        if !head.iter().any(|head| body.starts_with(head)) {
            continue;
        }
        let indent = line.len() - body.len();
        let close = format!("{}}}", " ".repeat(indent));
        let end = lines.iter().skip(start).position(|line| *line == close);
        if let Some(length) = end.filter(|length| *length + 1 > FUNCTION_LINES) {
            let (number, length) = (start + 1, length + 1);
            all.push(format!(
                "{path}:{number}: a function of {length} lines, {FUNCTION_LINES} allowed"
            ));
        }
    }
}

fn words(path: &str, lines: &[&str], all: &mut Vec<String>) {
    let floats =
        NO_FLOATS.iter().any(|room| path.starts_with(room)) && !FLOAT_DOORS.contains(&path);
    let gate =
        ["host/engine/src/risk/gate.rs", "sdk/model/src/approved.rs", "xtask/src/tidy/text.rs"];
    for (number, line) in (1..).zip(lines) {
        let code = line.split("//").next().unwrap_or("");
        let float = |word: &str| {
            code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|token| token == word)
        };
        if floats && (float("f64") || float("f32")) {
            all.push(format!("{path}:{number}: floating point has no place in this room"));
        }
        if code.contains("seal_by_gate") && !gate.contains(&path) {
            all.push(format!("{path}:{number}: only the risk gate approves"));
        }
    }
}
