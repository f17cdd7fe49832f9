//! Reading TOML so that every problem is found at once, each with its place, reason and remedy.
//!
//! A [`Section`] hands out values by key and remembers which keys were asked for; what is left over
//! at the end is a key nobody knows. Nothing here stops at the first problem.

mod tables;

use super::nearest::nearest;
use super::problem::Problems;
use super::value::{EXACT, NoJson, exact, integer, key_places, kind, table_json};
use hedgerow_model::Decimal;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One table of the config.
pub struct Section<'t, 'p> {
    path: String,
    span: Range<usize>,
    table: &'t DeTable<'t>,
    asked: Vec<&'static str>,
    problems: &'p mut Problems,
}

/// A value with its place.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Range<usize>,
}

impl<'t, 'p> Section<'t, 'p> {
    /// The whole document.
    pub fn root(table: &'t DeTable<'t>, problems: &'p mut Problems) -> Self {
        Self { path: String::new(), span: 0..1, table, asked: Vec::new(), problems }
    }

    /// The dotted name of a key here.
    #[must_use]
    pub fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// What stands in the brackets of a table here: in a list it belongs to the one before it.
    fn header(&self, key: &str) -> String {
        self.key(key).split(['[', ']']).step_by(2).collect()
    }

    /// Where this section stands.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where a key's value stands; the section, where it is absent.
    #[must_use]
    pub fn span_of(&self, key: &str) -> Range<usize> {
        let found = self.table.iter().find(|(known, _)| known.get_ref() == key);
        found.map_or_else(|| self.span(), |(_, value)| value.span())
    }

    /// Adds a problem about a key of this section.
    pub fn problem(
        &mut self,
        span: Range<usize>,
        key: &str,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let key = self.key(key);
        self.problems.add(span, key, what, fix);
    }

    /// Whether a key is there.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(known, _)| known.get_ref() == key)
    }

    fn get(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.push(key);
        self.table.iter().find(|(k, _)| k.get_ref() == key).map(|(_, value)| value)
    }

    /// A value that must be there, read by `read`; what it should be is told when it is not.
    fn wanted<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(&'t DeValue<'t>) -> Option<T>,
    ) -> Option<At<T>> {
        match self.optional(key, expected, read) {
            Ok(Some(found)) => Some(found),
            Ok(None) => {
                let fix = format!("add `{key} = …`, {expected}");
                self.problem(self.span(), key, "is missing", fix);
                None
            }
            Err(()) => None,
        }
    }

    fn optional<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(&'t DeValue<'t>) -> Option<T>,
    ) -> Result<Option<At<T>>, ()> {
        let Some(found) = self.get(key) else {
            return Ok(None);
        };
        match read(found.get_ref()) {
            Some(value) => Ok(Some(At { value, span: found.span() })),
            None => {
                let what = format!("is {}, not {expected}", kind(found.get_ref()));
                self.problem(found.span(), key, what, format!("write {expected}"));
                Err(())
            }
        }
    }

    /// A text.
    pub fn text(&mut self, key: &'static str) -> Option<At<String>> {
        self.wanted(key, "a text in quotes", |v| v.as_str().map(str::to_owned))
    }

    /// A name: a text with something in it, and without these characters.
    pub fn name(&mut self, key: &'static str, without: &[char]) -> Option<At<String>> {
        let found = self.text(key)?;
        let plain = |c: char| !c.is_control() && !c.is_whitespace() && !without.contains(&c);
        // a command would take it for an option
        let is_option = found.value.starts_with('-');
        if !found.value.is_empty() && !is_option && found.value.chars().all(plain) {
            return Some(found);
        }
        let what = format!("is {:?}, which is no name", found.value);
        let signs: Vec<String> = without.iter().map(|c| format!("'{c}'")).collect();
        let without =
            if signs.is_empty() { String::new() } else { format!(" or {}", signs.join(", ")) };
        let fix =
            format!("write at least one character, without spaces{without}, and no '-' in front");
        self.problem(found.span, key, what, fix);
        None
    }

    /// A list of texts; empty when there is none.
    pub fn texts(&mut self, key: &'static str) -> Vec<String> {
        let text = |item: &Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
        let read = |value: &DeValue<'_>| match value {
            DeValue::Array(items) => items.iter().map(text).collect(),
            _ => None,
        };
        let found = self.optional(key, "a list of texts", read);
        found.ok().flatten().map(|found| found.value).unwrap_or_default()
    }

    /// An exact decimal, as text or as a whole number. A float is refused: it is not exact.
    pub fn decimal(&mut self, key: &'static str) -> Option<At<Decimal>> {
        self.wanted(key, EXACT, exact)
    }

    /// An exact decimal that may be absent.
    pub fn decimal_or_none(&mut self, key: &'static str) -> Option<At<Decimal>> {
        self.optional(key, EXACT, exact).ok().flatten()
    }

    /// An exact decimal above zero.
    pub fn positive(&mut self, key: &'static str) -> Option<At<Decimal>> {
        let found = self.decimal(key)?;
        self.above_zero(key, found)
    }

    /// An exact decimal above zero that may be absent.
    pub fn positive_or_none(&mut self, key: &'static str) -> Option<Decimal> {
        let found = self.decimal_or_none(key)?;
        self.above_zero(key, found).map(|at| at.value)
    }

    /// A decimal that was found, if it is above zero.
    pub fn above_zero(&mut self, key: &str, found: At<Decimal>) -> Option<At<Decimal>> {
        if found.value > Decimal::ZERO {
            return Some(found);
        }
        let what = format!("is {}, which is not above zero", found.value);
        self.problem(found.span, key, what, "write a number above zero");
        None
    }

    /// A rate: an exact decimal between minus one and one, both excluded.
    pub fn rate(&mut self, key: &'static str) -> Option<At<Decimal>> {
        let found = self.decimal(key)?;
        if found.value.abs() < Decimal::ONE {
            return Some(found);
        }
        let what = format!("is {}, which is no fraction of a value", found.value);
        let fix = "write a fraction between -1 and 1: \"0.0005\" is five hundredths of a percent";
        self.problem(found.span, key, what, fix);
        None
    }

    /// A whole number within bounds.
    pub fn whole(&mut self, key: &'static str, bounds: Range<u64>) -> Option<At<u64>> {
        let found = self.wanted(key, "a whole number", integer)?;
        self.bounded(key, found, &bounds)
    }

    /// A whole number within bounds, or a default.
    pub fn whole_or(&mut self, key: &'static str, bounds: Range<u64>, default: u64) -> u64 {
        match self.optional(key, "a whole number", integer) {
            Ok(Some(found)) => self.bounded(key, found, &bounds).map_or(default, |f| f.value),
            _ => default,
        }
    }

    fn bounded(&mut self, key: &str, found: At<i64>, bounds: &Range<u64>) -> Option<At<u64>> {
        let value = u64::try_from(found.value).ok().filter(|value| bounds.contains(value));
        if let Some(value) = value {
            return Some(At { value, span: found.span });
        }
        let (low, high) = (bounds.start, bounds.end - 1);
        let what = format!("is {}, outside {low} to {high}", found.value);
        self.problem(found.span, key, what, format!("write a whole number from {low} to {high}"));
        None
    }

    /// One of some words.
    pub fn word<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Option<At<T>> {
        let found = self.text(key)?;
        self.one_of(key, found, words)
    }

    /// One of some words, or a default.
    pub fn word_or<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)], default: T) -> T {
        self.word_or_absent(key, words, default).unwrap_or(default)
    }

    /// One of some words, or what its absence means; nothing when it is there and wrong.
    pub fn word_or_absent<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        absent: T,
    ) -> Option<T> {
        match self.optional(key, "a text in quotes", |v| v.as_str().map(str::to_owned)) {
            Ok(Some(found)) => self.one_of(key, found, words).map(|at| at.value),
            Ok(None) => Some(absent),
            Err(()) => None,
        }
    }

    /// A list of some words; none when it is absent.
    pub fn words<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Vec<T> {
        let read = |v: &'t DeValue<'t>| v.as_array();
        let Ok(Some(found)) = self.optional(key, "a list of texts", read) else {
            return Vec::new();
        };
        let text = |item: &'t Spanned<DeValue<'t>>| At {
            value: item.get_ref().as_str().unwrap_or_default().to_owned(),
            span: item.span(),
        };
        let texts: Vec<At<String>> = found.value.iter().map(text).collect();
        texts.into_iter().filter_map(|at| Some(self.one_of(key, at, words)?.value)).collect()
    }

    /// Names keys that cannot be judged here, so that they are not called unknown.
    pub fn known(&mut self, keys: &[&'static str]) {
        self.asked.extend(keys);
    }

    fn one_of<T: Copy>(
        &mut self,
        key: &str,
        found: At<String>,
        words: &[(&str, T)],
    ) -> Option<At<T>> {
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == found.value) {
            return Some(At { value: *value, span: found.span });
        }
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let what = format!("is \"{}\", which is none of {}", found.value, all.join(", "));
        let near = nearest(&found.value, &all);
        let fix = near.map_or_else(
            || format!("write one of {}", all.join(", ")),
            |n| format!("did you mean \"{n}\"?"),
        );
        self.problem(found.span, key, what, fix);
        None
    }

    /// All keys and texts of this section, for maps.
    pub fn pairs(&mut self) -> Vec<(At<String>, At<String>)> {
        let mut pairs = Vec::new();
        for (key, value) in self.table {
            let name = At { value: key.get_ref().to_string(), span: key.span() };
            match value.get_ref().as_str() {
                Some(text) => pairs.push((name, At { value: text.to_owned(), span: value.span() })),
                None => {
                    let what = format!("is {}, not a text", kind(value.get_ref()));
                    let key = self.key(&name.value);
                    self.problems.add(value.span(), key, what, "write a text in quotes");
                }
            }
        }
        self.asked.push("*");
        pairs
    }

    /// This section as JSON, as it stands.
    pub fn json(&mut self) -> serde_json::Value {
        self.asked.push("*");
        let mut wrong = Vec::new();
        let json = table_json(self.table, &mut wrong);
        for NoJson(span) in wrong {
            let path = self.path.clone();
            let fix = "write a finite number within 64 bits, or a text";
            self.problems.add(span, path, "is a number that cannot be handed over", fix);
        }
        json
    }

    /// Where each key of this section and of what is within it stands, by its path: `/a/b/0`.
    #[must_use]
    pub fn places(&self) -> BTreeMap<String, Range<usize>> {
        let mut places = BTreeMap::new();
        key_places(self.table, "", &mut places);
        places
    }

    /// Names the keys nobody asked for.
    pub fn finish(self) {
        if self.asked.contains(&"*") {
            return;
        }
        for (key, _) in self.table {
            let name: &str = key.get_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let near = nearest(name, &self.asked);
            let fix = near.map_or_else(
                || format!("remove it; known here: {}", self.asked.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let full = if self.path.is_empty() {
                name.to_owned()
            } else {
                format!("{}.{name}", self.path)
            };
            self.problems.add(key.span(), full, "is not a known key", fix);
        }
    }
}
