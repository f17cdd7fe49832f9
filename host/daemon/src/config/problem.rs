//! Problems of a config, collected and shown together on one screen.

use std::fmt::Write as _;
use std::ops::Range;

/// One thing wrong with a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of the text it is about.
    pub span: Range<usize>,
    /// The key, dotted.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub fix: String,
}

/// One thing wrong with a config, for a program.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Located {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in bytes.
    pub column: usize,
    /// The key, dotted.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub fix: String,
}

/// Problems found so far.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Adds one.
    pub fn add(
        &mut self,
        span: Range<usize>,
        key: impl Into<String>,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.0.push(Problem { span, key: key.into(), what: what.into(), fix: fix.into() });
    }

    /// Each with its place, in the order of the text.
    #[must_use]
    pub fn located(&self, text: &str) -> Vec<Located> {
        let mut sorted = self.0.clone();
        sorted.sort_by_key(|problem| problem.span.start);
        let locate = |Problem { span, key, what, fix }| {
            let (line, column, _) = place(text, span.start);
            Located { line, column, key, what, fix }
        };
        sorted.into_iter().map(locate).collect()
    }

    /// One screen: file, line, column, the line itself, the reason, the fix.
    #[must_use]
    pub fn render(&self, file: &str, text: &str) -> String {
        let mut sorted = self.0.clone();
        sorted.sort_by_key(|problem| problem.span.start);
        let mut out = String::new();
        for problem in &sorted {
            let (line, column, source) = place(text, problem.span.start);
            let shown = source.trim_end();
            let length =
                text.get(problem.span.clone()).map_or(1, |t| t.lines().next().map_or(1, str::len));
            let caret = "^".repeat(length.clamp(1, shown.len().saturating_sub(column - 1).max(1)));
            let Problem { key, what, fix, .. } = problem;
            let _ = writeln!(out, "{file}:{line}:{column}: {key}: {what}");
            let _ = writeln!(out, "  {line:>4} | {shown}");
            let _ = writeln!(out, "       | {:>width$}{caret}", "", width = column - 1);
            let _ = writeln!(out, "  fix: {fix}");
        }
        let count = sorted.len();
        let _ = writeln!(out, "{count} problem{} in {file}", if count == 1 { "" } else { "s" });
        out
    }
}

/// Line and column, from 1, and the line.
fn place(text: &str, offset: usize) -> (usize, usize, &str) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let source = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("");
    (line, before.len() - start + 1, source)
}
