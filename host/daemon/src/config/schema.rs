//! Parameters against the JSON Schema that a component gives for them: all that is wrong at once,
//! each with the place it has among the parameters.
//!
//! What schemars writes of a Rust type is understood. What is not is passed over: the component's
//! `init` has the last word. A schema is a stranger's text: whatever it says, the work is bounded,
//! and what is shown of it is printable.

use super::nearest::nearest;
use hedgerow_model::printable;
use serde_json::{Map, Value};

/// Schemas looked at for one set of parameters: far more than an honest one needs.
const STEPS: u32 = 20_000;
const DEPTH: u32 = 64;
/// So many problems are told.
const TOLD: usize = 50;
const SHOWN: usize = 80;
/// So many names of one list.
const LISTED: usize = 20;

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// Of what: keys and numbers of items from the outside, `/a/b/0`; nothing: the whole.
    pub(crate) path: String,
    /// What is wrong.
    pub(crate) what: String,
    /// How to mend it.
    pub(crate) fix: String,
}

/// All that does not fit.
pub(crate) fn misfits(schema: &Value, parameters: &Value) -> Vec<Misfit> {
    let mut check = Check { root: schema, steps: STEPS, found: Vec::new() };
    check.value(schema, parameters, "", 0);
    check.found.truncate(TOLD);
    check.found
}

struct Check<'s> {
    root: &'s Value,
    steps: u32,
    found: Vec<Misfit>,
}

fn shown(text: &str) -> String {
    printable(text, SHOWN)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

/// A schema's type in words, and whether a value is of it.
fn of_type(name: &str, value: &Value) -> (&'static str, bool) {
    match name {
        "null" => ("nothing", value.is_null()),
        "boolean" => ("true or false", value.is_boolean()),
        "integer" => ("a whole number", value.is_i64() || value.is_u64()),
        "number" => ("a number", value.is_number()),
        "string" => ("a text in quotes", value.is_string()),
        "array" => ("a list", value.is_array()),
        "object" => ("a table", value.is_object()),
        // a word of another time: passed over
        _ => ("something else", true),
    }
}

/// The bounds of Rust's whole numbers, by the name that schemars gives them.
fn bounds(format: &str) -> Option<(i128, i128)> {
    Some(match format {
        "uint8" => (0, u8::MAX.into()),
        "uint16" => (0, u16::MAX.into()),
        "uint32" => (0, u32::MAX.into()),
        "uint64" => (0, u64::MAX.into()),
        "int8" => (i8::MIN.into(), i8::MAX.into()),
        "int16" => (i16::MIN.into(), i16::MAX.into()),
        "int32" => (i32::MIN.into(), i32::MAX.into()),
        "int64" => (i64::MIN.into(), i64::MAX.into()),
        _ => return None,
    })
}

fn whole(value: &Value) -> Option<i128> {
    value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
}

/// How two numbers stand to each other; exactly, where both are whole.
fn order(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

/// The values that a schema allows, when it lists them.
fn listed(schema: &Value) -> Option<Vec<&Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(only), _) => Some(vec![only]),
        (None, Some(Value::Array(all))) => Some(all.iter().collect()),
        _ => None,
    }
}

impl<'s> Check<'s> {
    fn misfit(&mut self, path: &str, what: String, fix: String) {
        if self.found.len() <= TOLD {
            self.found.push(Misfit { path: path.to_owned(), what, fix });
        }
    }

    fn value(&mut self, schema: &'s Value, value: &Value, path: &str, depth: u32) {
        let Some(steps) = self.steps.checked_sub(1).filter(|_| depth < DEPTH) else { return };
        self.steps = steps;
        let Value::Object(rules) = schema else {
            if *schema == Value::Bool(false) {
                self.misfit(path, "must not be there".into(), "remove it".into());
            }
            return;
        };
        if let Some(target) = rules.get("$ref").and_then(Value::as_str) {
            let target = target.strip_prefix('#').and_then(|at| self.root.pointer(at));
            if let Some(target) = target {
                self.value(target, value, path, depth + 1);
            }
        }
        if !self.is_of_type(rules, value, path) {
            return;
        }
        if let Some(all) = listed(schema) {
            self.one_of(&all, value, path);
        }
        match value {
            Value::Number(_) => self.number(rules, value, path),
            Value::Object(table) => self.table(rules, table, path, depth),
            Value::Array(items) => self.list(rules, items, path, depth),
            _ => {}
        }
        for part in rules.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.value(part, value, path, depth + 1);
        }
        for name in ["anyOf", "oneOf"] {
            if let Some(forms) = rules.get(name).and_then(Value::as_array) {
                self.any_of(forms, value, path, depth);
            }
        }
    }

    fn is_of_type(&mut self, rules: &Map<String, Value>, value: &Value, path: &str) -> bool {
        let names: Vec<&str> = match rules.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => return true,
        };
        if names.is_empty() || names.iter().any(|name| of_type(name, value).1) {
            return true;
        }
        let wanted = names.iter().filter(|name| **name != "null");
        let wanted: Vec<&str> = wanted.map(|name| of_type(name, value).0).take(8).collect();
        let wanted = wanted.join(" or ");
        self.misfit(path, format!("is {}, not {wanted}", kind(value)), format!("write {wanted}"));
        false
    }

    fn one_of(&mut self, all: &[&Value], value: &Value, path: &str) {
        if all.contains(&value) {
            return;
        }
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let words: Vec<String> = all.iter().take(20).map(|value| shown(&plain(value))).collect();
        let names: Vec<&str> = words.iter().map(String::as_str).collect();
        let is = shown(&plain(value));
        let near = value.as_str().and_then(|text| nearest(text, &names));
        let fix = near.map_or_else(
            || format!("write one of {}", names.join(", ")),
            |near| format!("did you mean \"{near}\"?"),
        );
        self.misfit(path, format!("is \"{is}\", which is none of {}", names.join(", ")), fix);
    }

    fn number(&mut self, rules: &Map<String, Value>, value: &Value, path: &str) {
        use std::cmp::Ordering::{Equal, Greater, Less};
        for (name, refused, words) in [
            ("minimum", &[Less][..], "at least"),
            ("exclusiveMinimum", &[Less, Equal], "above"),
            ("maximum", &[Greater], "at most"),
            ("exclusiveMaximum", &[Greater, Equal], "below"),
        ] {
            let Some(bound) = rules.get(name) else { continue };
            if order(value, bound).is_some_and(|order| refused.contains(&order)) {
                let bound = shown(&bound.to_string());
                let what = format!("is {value}, and must be {words} {bound}");
                return self.misfit(path, what, format!("write a number {words} {bound}"));
            }
        }
        let bounds = rules.get("format").and_then(Value::as_str).and_then(bounds);
        let (Some((low, high)), Some(is)) = (bounds, whole(value)) else { return };
        if !(low..=high).contains(&is) {
            let what = format!("is {is}, outside {low} to {high}");
            self.misfit(path, what, format!("write a whole number from {low} to {high}"));
        }
    }

    fn list(&mut self, rules: &'s Map<String, Value>, items: &[Value], path: &str, depth: u32) {
        let length = |name: &str| rules.get(name).and_then(Value::as_u64);
        let has = items.len() as u64;
        let (least, most) = (length("minItems"), length("maxItems"));
        if least.is_some_and(|least| has < least) || most.is_some_and(|most| has > most) {
            let wanted = match (least, most) {
                (Some(least), Some(most)) => format!("{least} to {most}"),
                (Some(least), None) => format!("at least {least}"),
                (_, most) => format!("at most {}", most.unwrap_or(0)),
            };
            let (what, fix) = (format!("has {has} items"), format!("write {wanted} items"));
            self.misfit(path, what, fix);
        }
        let first = rules.get("prefixItems").and_then(Value::as_array);
        for (place, item) in items.iter().enumerate() {
            let of = first.and_then(|first| first.get(place)).or_else(|| rules.get("items"));
            if let Some(schema) = of {
                self.value(schema, item, &format!("{path}/{place}"), depth + 1);
            }
        }
    }

    fn table(
        &mut self,
        rules: &'s Map<String, Value>,
        table: &Map<String, Value>,
        path: &str,
        depth: u32,
    ) {
        let known = rules.get("properties").and_then(Value::as_object);
        let names: Vec<&str> = known.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        for (name, value) in table {
            let path = format!("{path}/{name}");
            match known.and_then(|known| known.get(name)) {
                Some(schema) => self.value(schema, value, &path, depth + 1),
                None => match rules.get("additionalProperties") {
                    Some(Value::Bool(false)) => {
                        let near = nearest(name, &names);
                        let fix = near.map_or_else(
                            || format!("remove it; known here: {}", listing(&names)),
                            |near| format!("did you mean `{}`?", shown(near)),
                        );
                        self.misfit(&path, "is not a known parameter".into(), fix);
                    }
                    Some(schema) => self.value(schema, value, &path, depth + 1),
                    None => {}
                },
            }
        }
        let required = rules.get("required").and_then(Value::as_array).into_iter().flatten();
        let missing = required.filter_map(Value::as_str).filter(|name| !table.contains_key(*name));
        let missing: Vec<&str> = missing.collect();
        if missing.is_empty() {
            return;
        }
        let about = |name: &&str| {
            let schema = known.and_then(|known| known.get(*name));
            let about = schema.and_then(|schema| schema.get("description")?.as_str());
            about.map_or_else(String::new, |about| format!(" ({})", shown(about)))
        };
        let add = |name: &&str| format!("`{} = …`{}", shown(name), about(name));
        let adds: Vec<String> = missing.iter().take(LISTED).map(add).collect();
        let (verb, names) = (if missing.len() == 1 { "is" } else { "are" }, listing(&missing));
        self.misfit(path, format!("{names} {verb} missing"), format!("add {}", adds.join(", ")));
    }

    /// One of the forms must fit; of those that do not, the one that comes nearest is told.
    fn any_of(&mut self, forms: &'s [Value], value: &Value, path: &str, depth: u32) {
        if let Some(all) = forms.iter().map(listed).collect::<Option<Vec<_>>>() {
            return self.one_of(&all.concat(), value, path);
        }
        let mut nearest: Option<Vec<Misfit>> = None;
        for form in forms {
            let mut check = Check { root: self.root, steps: self.steps, found: Vec::new() };
            check.value(form, value, path, depth + 1);
            self.steps = check.steps;
            if check.found.is_empty() {
                return;
            }
            let is_null = form.get("type").is_some_and(|name| name == "null");
            // a form of which only parts do not fit was meant rather than one of another kind
            let rank = |found: &[Misfit]| (found.iter().any(|m| m.path == path), found.len());
            if !is_null && nearest.as_ref().is_none_or(|best| rank(&check.found) < rank(best)) {
                nearest = Some(check.found);
            }
        }
        for Misfit { path, what, fix } in nearest.into_iter().flatten() {
            self.misfit(&path, what, fix);
        }
    }
}

fn listing(names: &[&str]) -> String {
    let first: Vec<&str> = names.iter().take(LISTED).copied().collect();
    printable(&first.join(", "), 400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({
            "type": "object", "additionalProperties": false,
            "required": ["start", "direction", "end"],
            "properties": {
                "start": { "type": "string", "description": "Lowest level." },
                "end": { "type": "string" },
                "direction": { "$ref": "#/$defs/Direction" },
                "max_open": { "type": "integer", "format": "uint32", "minimum": 0 },
                "share": { "type": "number", "exclusiveMinimum": 0, "maximum": 1 },
                "limit": { "type": ["string", "null"] },
                "exit": { "anyOf": [{ "$ref": "#/$defs/Exit" }, { "type": "null" }] },
                "steps": { "type": "array", "maxItems": 2, "items": { "type": "integer" } },
            },
            "$defs": {
                "Direction": { "oneOf": [
                    { "const": "buy", "description": "Buys low." },
                    { "type": "string", "enum": ["sell", "both"] },
                ] },
                "Exit": { "type": "object", "required": ["at"], "additionalProperties": false,
                          "properties": { "at": { "type": "string" } } },
            },
        })
    }

    fn told(parameters: &Value) -> Vec<String> {
        let all = misfits(&schema(), parameters);
        all.into_iter().map(|m| format!("{} {}; {}", m.path, m.what, m.fix)).collect()
    }

    #[test]
    fn what_fits_fits() {
        let good = json!({ "start": "1", "end": "2", "direction": "sell", "max_open": 4,
            "share": 0.5, "limit": "7", "exit": { "at": "3" }, "steps": [1, 2] });
        assert_eq!(told(&good), Vec::<String>::new());
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let bad = json!({ "start": 1.5, "directon": "buy", "direction": "by",
            "max_open": 5_000_000_000_u64, "share": 0, "exit": { "at": 3, "when": "now" },
            "steps": [1, "x", 3] });
        let expected = [
            "/direction is \"by\", which is none of buy, sell, both; did you mean \"buy\"?",
            "/directon is not a known parameter; did you mean `direction`?",
            "/exit/at is a whole number, not a text in quotes; write a text in quotes",
            "/exit/when is not a known parameter; remove it; known here: at",
            "/max_open is 5000000000, outside 0 to 4294967295; write a whole number from 0 to \
             4294967295",
            "/share is 0, and must be above 0; write a number above 0",
            "/start is a number with a fraction, not a text in quotes; write a text in quotes",
            "/steps has 3 items; write at most 2 items",
            "/steps/1 is a text, not a whole number; write a whole number",
            " end is missing; add `end = …`",
        ];
        let mut said = told(&bad);
        said.sort_by_key(|line| line.starts_with(' '));
        assert_eq!(said, expected);
    }

    #[test]
    fn a_missing_one_is_told_with_what_it_is() {
        let said = told(&json!({ "direction": "buy" }));
        let fix = "add `start = …` (Lowest level.), `end = …`";
        assert_eq!(said, [format!(" start, end are missing; {fix}")]);
    }

    /// Whatever a stranger's schema says, it ends, and shows nothing that a terminal obeys.
    #[test]
    fn a_hostile_schema_costs_little() {
        let round = json!({ "$ref": "#", "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] });
        assert_eq!(misfits(&round, &json!({ "a": 1 })), []);
        let names: Vec<String> = (0..1_000).map(|n| format!("\u{1b}[31m{n}")).collect();
        let many = json!({ "required": &names });
        let mut found = misfits(&many, &json!({}));
        let table: Map<String, Value> = names.iter().map(|n| (n.clone(), json!(1))).collect();
        let none = json!({ "additionalProperties": false });
        found.extend(misfits(&none, &Value::Object(table)));
        assert_eq!(found.len(), TOLD + 1);
        assert!(found.iter().all(|m| m.what.len() + m.fix.len() < 4_000));
        assert!(!found.iter().any(|m| m.what.contains('\u{1b}') || m.fix.contains('\u{1b}')));
        let odd = json!({ "type": 7, "properties": [], "required": { "a": 1 }, "enum": "x",
            "$ref": 9, "items": false, "minimum": "low" });
        assert_eq!(misfits(&odd, &json!({ "a": [1] })), []);
    }
}
