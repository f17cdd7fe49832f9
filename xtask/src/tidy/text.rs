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

/// Rooms that know nothing of the world but what they are handed: no clock, disk, network, thread,
/// environment.
const NO_WORLD: &[&str] =
    &["sdk/model/src", "host/engine/src", "host/driver/src", "host/ports/src"];
const WORLD: &[&str] = &[
    "Instant",
    "SystemTime",
    "std::fs",
    "std::net",
    "std::thread",
    "std::env",
    "std::process",
    "std::os",
];

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
        let has = |word: &str| {
            code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|token| token == word)
        };
        // tests draw with weights
        let literal = !path.contains("/tests") && has_float_literal(code);
        if floats && (has("f64") || has("f32") || literal) {
            all.push(format!("{path}:{number}: floating point has no place in this room"));
        }
        // tests read what a run of theirs is to be from the environment
        let world = NO_WORLD.iter().any(|room| path.starts_with(room)) && !path.contains("/tests");
        let outside = WORLD.iter().find(|word| match word.contains("::") {
            true => code.contains(*word),
            false => has(word),
        });
        if let Some(word) = outside.filter(|_| world) {
            all.push(format!("{path}:{number}: {word} has no place in this room: it is handed in"));
        }
        if code.contains("seal_by_gate") && !gate.contains(&path) {
            all.push(format!("{path}:{number}: only the risk gate approves"));
        }
    }
}

/// Whether a line of code has a number with a fraction, an exponent or a float's suffix, outside of
/// texts. Ranges, fields of tuples and calls on whole numbers are none.
fn has_float_literal(code: &str) -> bool {
    let code = code.replace("'\"'", "' '").replace("\\\"", "  ");
    // of what stands between quotes every second part is text
    code.split('"').step_by(2).any(|code| {
        let chars: Vec<char> = code.chars().collect();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        (0..chars.len()).any(|at| {
            let before = at.checked_sub(1).map(|at| chars[at]);
            let begins = before.is_none_or(|c| !is_word(c) && c != '.') || ends_range(&chars, at);
            if !chars[at].is_ascii_digit() || !begins {
                return false;
            }
            let word: String = chars[at..].iter().take_while(|c| is_word(**c)).collect();
            let rest = &chars[at + word.chars().count()..];
            let point = rest.first() == Some(&'.');
            let point = point && rest.get(1).is_none_or(|c| *c != '.' && !c.is_alphabetic());
            let other_base = ["0x", "0b", "0o"].iter().any(|base| word.starts_with(base));
            let whole = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '_');
            let signed = rest.first().is_some_and(|c| ['-', '+'].contains(c));
            let power = |b: &str| whole(b) && (signed || !b.is_empty());
            let exponent = word.split_once(['e', 'E']).is_some_and(|(a, b)| whole(a) && power(b));
            let suffix = ["f32", "f64"].iter().any(|suffix| word.ends_with(suffix));
            !other_base && (point || exponent || suffix)
        })
    })
}

/// Whether a number follows two points: the end of a range.
fn ends_range(chars: &[char], at: usize) -> bool {
    at >= 2 && chars[at - 1] == '.' && chars[at - 2] == '.'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let mut all = Vec::new();
        check(path, text, &mut all);
        all
    }

    #[test]
    fn every_rule_of_words_is_seen_to_refuse() {
        for (path, line, word) in [
            ("host/engine/src/a.rs", "let a: f64 = b;", "floating point"),
            ("host/engine/src/a.rs", "let a = 0.5 * b;", "floating point"),
            ("host/engine/src/a.rs", "let a = b * 2.;", "floating point"),
            ("host/engine/src/a.rs", "let a = 1e9;", "floating point"),
            ("host/engine/src/a.rs", "let a = 1_f32;", "floating point"),
            ("host/engine/src/a.rs", "let a = 1e-9;", "floating point"),
            ("host/engine/src/a.rs", "let a = (\"b\", 1.0);", "floating point"),
            ("host/engine/src/a.rs", "let a = 0..1.0;", "floating point"),
            ("host/engine/src/a.rs", "let a = Instant::now();", "Instant"),
            ("host/driver/src/a.rs", "use std::time::SystemTime;", "SystemTime"),
            ("sdk/model/src/a.rs", "let a = std::fs::read(b);", "std::fs"),
            ("host/ports/src/a.rs", "std::thread::sleep(a);", "std::thread"),
            ("host/engine/src/a.rs", "use std::net::TcpStream;", "std::net"),
            ("host/engine/src/b.rs", "Approved::seal_by_gate(order)", "only the risk gate"),
        ] {
            let all = found(path, &format!("//! Something.\n{line}\n"));
            assert!(all.len() == 1 && all[0].contains(word), "{line}: {all:?}");
        }
        // in a comment, in another room, or as a part of a longer word
        for (path, line) in [
            ("host/engine/src/a.rs", "// an f64 of Instant"),
            ("host/daemon/src/a.rs", "let a = Instant::now();"),
            ("host/daemon/src/a.rs", "let a = 0.5;"),
            ("host/engine/src/tests/a.rs", "prop::bool::weighted(0.2)"),
            ("host/engine/src/a.rs", "'\\u{202e}' - 1"),
            ("host/engine/src/a.rs", "// half: 0.5"),
            ("host/engine/src/a.rs", "dec(\"0.5\") + dec(\"1e9\")"),
            ("host/engine/src/a.rs", "let a = format!(\"a \\\" 0.5\");"),
            ("host/engine/src/a.rs", "let a = b.0.1 + c.1 + 0x1e9 + 0..5;"),
            ("host/engine/src/a.rs", "(0..=5).min(1.max(a1.b)).contains(&1_000)"),
            ("host/engine/src/a.rs", "struct Instantly;"),
        ] {
            let all = found(path, &format!("//! Something.\n{line}\n"));
            assert_eq!(all, Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn every_budget_is_seen_to_refuse() {
        let long = format!("//! Something.\n{}", "\n".repeat(400));
        assert!(found("a.rs", &long)[0].contains("400 allowed"));
        assert!(found("a.rs", "fn a() {}\n")[0].contains("does not say at its top"));
        let wide = format!("//! Something.\n// {}\n", "x".repeat(100));
        assert!(found("a.rs", &wide)[0].contains("longer than 100 columns"));
        let body = format!("//! Something.\nfn a() {{\n{}}}\n", "    b();\n".repeat(70));
        assert!(found("a.rs", &body)[0].contains("a function of 72 lines"));
    }
}
