//! Rules over the graph of packages: who may depend on whom, licences, banned crates, sources.

use crate::command::{cargo, output};
use anyhow::{Context, Result};
use serde_json::Value;

const HOST_EDGES: &[(&str, &[&str])] = &[
    ("hedgerow-model", &[]),
    ("hedgerow-sdk", &["hedgerow-model"]),
    ("hedgerow-ports", &["hedgerow-model"]),
    ("hedgerow-engine", &["hedgerow-model"]),
    ("hedgerow-driver", &["hedgerow-model", "hedgerow-engine", "hedgerow-ports"]),
    ("hedgerow-plugins", &["hedgerow-model", "hedgerow-ports"]),
    ("hedgerow-simulator", &["hedgerow-model", "hedgerow-ports"]),
    ("hedgerow-store", &["hedgerow-model", "hedgerow-ports"]),
    ("hedgerow-report", &["hedgerow-model"]),
];

/// What puts the rooms together, and what looks at them from outside: it may name any of them.
const ANY_EDGES: &[&str] = &[
    "hedgerow-daemon",
    "hedgerow-end-to-end",
    "hedgerow-simulation",
    "hedgerow-faults",
    "hedgerow-benchmarks",
    "xtask",
];

/// Crates that only one package may name.
const ONLY: &[(&str, &str)] = &[
    ("wasmtime", "hedgerow-plugins"),
    ("rusqlite", "hedgerow-store"),
    ("notify", "hedgerow-daemon"),
];

const BANNED: &[&str] = &["openssl", "openssl-sys", "native-tls", "chrono", "time", "sonic-rs"];

/// Banned crates that one other crate may bring along for its own use.
const BROUGHT_BY: &[(&str, &str)] = &[("chrono", "parquet")];

const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "Unlicense",
    "BSL-1.0",
    "0BSD",
    "MIT-0",
];

pub(super) fn findings() -> Result<Vec<String>> {
    let text = output(cargo().args(["metadata", "--format-version", "1", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&text)?;
    let packages = metadata["packages"].as_array().context("no packages in cargo metadata")?;
    let mut all = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or("?");
        if package["source"].is_null() {
            edges(name, package, &mut all);
            continue;
        }
        let source = package["source"].as_str().unwrap_or("");
        if !source.starts_with("registry+") && !source.starts_with("sparse+") {
            all.push(format!("{name}: comes from {source}, not from the registry"));
        }
        if BANNED.contains(&name) && !only_brought(name, packages) {
            all.push(format!("{name}: is banned, see deny.toml and docs/dependencies.md"));
        }
        let licence = package["license"].as_str().unwrap_or("");
        if !licence_fits(licence) {
            all.push(format!("{name}: licence {licence:?} is not among those allowed"));
        }
    }
    Ok(all)
}

/// Whether nobody but the one crate that may names it.
fn only_brought(name: &str, packages: &[Value]) -> bool {
    let Some((_, by)) = BROUGHT_BY.iter().find(|(banned, _)| *banned == name) else {
        return false;
    };
    let names = |package: &&Value| {
        let all = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().any(|d| d["name"] == name && d["kind"].is_null() && d["optional"] != true)
    };
    packages.iter().filter(names).all(|package| package["name"] == *by)
}

/// Whether an SPDX expression can be met with what is allowed: each AND part by one of its ORs.
fn licence_fits(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], "");
    !expression.is_empty()
        && expression
            .split(" AND ")
            .all(|part| part.split(" OR ").any(|one| LICENCES.contains(&one.trim())))
}

fn edges(name: &str, package: &Value, all: &mut Vec<String>) {
    let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let normal: Vec<&str> = dependencies
        .iter()
        .filter(|d| d["kind"].is_null())
        .filter_map(|d| d["name"].as_str())
        .collect();
    for (only, owner) in ONLY {
        if normal.contains(only) && name != *owner {
            all.push(format!("{name}: only {owner} may name {only}"));
        }
    }
    let ours = normal.iter().filter(|d| d.starts_with("hedgerow-"));
    let strategy = package["metadata"]["hedgerow"]["component"] == true;
    if strategy {
        for edge in ours.filter(|d| **d != "hedgerow-sdk") {
            all.push(format!(
                "{name}: a strategy depends on hedgerow-sdk and nothing else of ours, not {edge}"
            ));
        }
        return;
    }
    if ANY_EDGES.contains(&name) {
        return;
    }
    let Some((_, allowed)) = HOST_EDGES.iter().find(|(room, _)| *room == name) else {
        let what = "who it may depend on is not said: add it to xtask/src/tidy/graph.rs";
        all.push(format!("{name}: {what} (ARCHITECTURE.md)"));
        return;
    };
    for edge in ours.filter(|d| !allowed.contains(d)) {
        all.push(format!("{name}: may not depend on {edge} (ARCHITECTURE.md)"));
    }
}

#[cfg(test)]
mod tests {
    use super::{BANNED, LICENCES, edges, licence_fits};

    #[test]
    fn an_edge_that_nobody_allowed_is_seen_to_be_refused() {
        let found = |name: &str, on: &str, component: bool| {
            let dependencies = serde_json::json!([{ "name": on, "kind": null }]);
            let metadata = serde_json::json!({ "hedgerow": { "component": component } });
            let package = serde_json::json!({ "dependencies": dependencies, "metadata": metadata });
            let mut all = Vec::new();
            edges(name, &package, &mut all);
            all
        };
        let allowed: [(&str, &str, bool); 5] = [
            ("hedgerow-engine", "hedgerow-model", false),
            ("hedgerow-daemon", "hedgerow-engine", false),
            ("hedgerow-plugin-new", "hedgerow-sdk", true),
            ("hedgerow-store", "rusqlite", false),
            ("xtask", "anyhow", false),
        ];
        for (name, on, component) in allowed {
            assert_eq!(found(name, on, component), Vec::<String>::new(), "{name} {on}");
        }
        for (name, on, component, why) in [
            ("hedgerow-engine", "hedgerow-ports", false, "may not depend on hedgerow-ports"),
            ("hedgerow-plugin-new", "hedgerow-model", true, "nothing else of ours"),
            ("hedgerow-daemon", "rusqlite", false, "only hedgerow-store may name rusqlite"),
            // a new room, or one whose name was mistyped, is looked at too
            ("hedgerow-venues", "hedgerow-engine", false, "who it may depend on is not said"),
            ("hedgerow-venues", "serde", false, "who it may depend on is not said"),
        ] {
            let all = found(name, on, component);
            assert!(all.len() == 1 && all[0].contains(why), "{name} {on}: {all:?}");
        }
    }

    /// One list, told in two places: maintainers with a network and those without see the same.
    #[test]
    fn deny_toml_allows_and_bans_the_same() {
        let text = std::fs::read_to_string(crate::command::root().join("deny.toml")).unwrap();
        let between = |begin: &str, end: &str| {
            let rest = text.split_once(begin).unwrap().1;
            rest.split_once(end).unwrap().0.to_owned()
        };
        let quoted = |text: &str| -> Vec<String> {
            text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
        };
        let mut licences = quoted(&between("allow = [", "]"));
        licences.sort();
        let mut ours: Vec<&str> = LICENCES.to_vec();
        ours.sort_unstable();
        assert_eq!(licences, ours);
        let bans = text.lines().filter_map(|line| line.trim().strip_prefix("{ crate = "));
        let mut bans: Vec<String> = bans.map(|rest| quoted(rest)[0].clone()).collect();
        bans.sort();
        let mut ours: Vec<&str> = BANNED.to_vec();
        ours.sort_unstable();
        assert_eq!(bans, ours);
    }

    #[test]
    fn a_choice_of_licences_is_met_by_one_a_sum_by_all() {
        assert!(licence_fits("MIT OR GPL-3.0"));
        assert!(licence_fits("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!licence_fits("MIT AND GPL-3.0"));
        assert!(!licence_fits("MPL-2.0"));
        assert!(!licence_fits(""));
    }
}
