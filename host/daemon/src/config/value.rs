//! One TOML value: what it is, as an exact number, as JSON. A float is never a number here.

use hedgerow_model::Decimal;
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
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a binary float",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

pub(super) fn table_json(table: &DeTable<'_>) -> serde_json::Value {
    let pair = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
        (key.get_ref().to_string(), value_json(value.get_ref()))
    };
    serde_json::Value::Object(table.iter().map(pair).collect())
}

fn value_json(value: &DeValue<'_>) -> serde_json::Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(_) => integer(value).into(),
        DeValue::Float(float) => float.as_str().parse::<f64>().ok().into(),
        DeValue::Boolean(truth) => (*truth).into(),
        DeValue::Datetime(date) => date.to_string().into(),
        DeValue::Array(items) => items.iter().map(|item| value_json(item.get_ref())).collect(),
        DeValue::Table(table) => table_json(table),
    }
}
