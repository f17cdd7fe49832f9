//! One TOML value: what it is, as an exact number, as JSON. A float is never a number here.

use hedgerow_model::Decimal;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) const EXACT: &str = "an exact number in quotes, such as \"0.001\"";

pub(super) fn exact(value: &DeValue<'_>) -> Option<Decimal> {
    match value {
        DeValue::String(text) => text.parse().ok(),
        DeValue::Integer(_) => integer(value).map(Decimal::from),
        _ => None,
    }
}

pub(super) fn integer(value: &DeValue<'_>) -> Option<i64> {
    value.as_integer().and_then(|i| i64::from_str_radix(i.as_str(), i.radix()).ok())
}

pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
            "a number with more digits than are kept"
        }
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a binary float",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A number of a table that no JSON can hold.
pub(super) struct NoJson(pub(super) std::ops::Range<usize>);

/// A table as JSON; numbers that JSON has not (infinite, or too long) are told, never dropped: an
/// absent limit is none.
pub(super) fn table_json(table: &DeTable<'_>, wrong: &mut Vec<NoJson>) -> serde_json::Value {
    let mut all = serde_json::Map::new();
    for (key, value) in table {
        all.insert(key.get_ref().to_string(), value_json(value, wrong));
    }
    all.into()
}

fn value_json(value: &Spanned<DeValue<'_>>, wrong: &mut Vec<NoJson>) -> serde_json::Value {
    let number = match value.get_ref() {
        DeValue::String(text) => return text.as_ref().into(),
        DeValue::Boolean(truth) => return (*truth).into(),
        DeValue::Datetime(date) => return date.to_string().into(),
        DeValue::Array(items) => {
            return items.iter().map(|item| value_json(item, wrong)).collect();
        }
        DeValue::Table(table) => return table_json(table, wrong),
        DeValue::Integer(_) => integer(value.get_ref()).map(serde_json::Number::from),
        DeValue::Float(float) => {
            float.as_str().replace('_', "").parse().ok().and_then(serde_json::Number::from_f64)
        }
    };
    number.map_or_else(
        || {
            wrong.push(NoJson(value.span()));
            serde_json::Value::Null
        },
        serde_json::Value::Number,
    )
}

/// Where the keys of a table stand, and those within it; of lists the items.
pub(super) fn key_places(
    table: &DeTable<'_>,
    path: &str,
    all: &mut BTreeMap<String, Range<usize>>,
) {
    for (key, value) in table {
        place(value, format!("{path}/{}", key.get_ref()), key.span(), all);
    }
}

fn place(
    value: &Spanned<DeValue<'_>>,
    path: String,
    span: Range<usize>,
    all: &mut BTreeMap<String, Range<usize>>,
) {
    match value.get_ref() {
        DeValue::Table(table) => key_places(table, &path, all),
        DeValue::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                place(item, format!("{path}/{number}"), item.span(), all);
            }
        }
        _ => {}
    }
    all.insert(path, span);
}
