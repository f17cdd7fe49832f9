//! Is this a component of ours? Every problem of a kind is reported at once, with how to mend it.

use crate::engine::WasmEngine;
use crate::limits::Limits;
use crate::load::{Description, LoadError};
use hedgerow_model::{is_hidden, printable};
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

/// The contract's major and minor that this host speaks.
const CONTRACT: &str = "0.1";

/// Bytes of a name, and of what is shown of one.
const NAME: usize = 64;

const EXPORTS: [&str; 7] = ["describe", "init", "on-market", "on-event", "save", "status", "stop"];

/// The file as a whole: complete, a component, valid.
pub(crate) fn bytes(bytes: &[u8], limits: &Limits) -> Result<(), LoadError> {
    if bytes.is_empty() {
        return Err(LoadError::new(vec!["the file is empty".to_owned()], true));
    }
    match Parser::new(0).parse_all(bytes).next() {
        Some(Ok(Payload::Version { encoding: Encoding::Component, .. })) => {}
        Some(Ok(Payload::Version { encoding: Encoding::Module, .. })) => {
            return Err(LoadError::one(
                "this is a core module, not a component: `cargo xtask build-plugins` encodes what \
                 it builds; for others use wit-component",
            ));
        }
        _ => {
            let problems = vec!["this is not a WebAssembly file".to_owned()];
            return Err(LoadError::new(problems, bytes.len() < 8));
        }
    }
    code(bytes, limits)?;
    let features = WasmFeatures::default();
    Validator::new_with_features(features)
        .validate_all(bytes)
        .map(drop)
        .map_err(|e| LoadError::new(vec![format!("it is damaged or not complete: {e}")], true))
}

/// A small file can take very long to compile, and the machine's memory: its code is measured
/// before. What cannot be read here is for the validator to name.
fn code(bytes: &[u8], limits: &Limits) -> Result<(), LoadError> {
    let (mut all, mut functions, mut largest) = (0_u64, 0_u64, 0_u64);
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        match payload {
            Payload::CodeSectionStart { count, size, .. } => {
                all = all.saturating_add(u64::from(size));
                functions = functions.saturating_add(u64::from(count));
            }
            Payload::CodeSectionEntry(body) => {
                let length = body.range().len();
                largest = largest.max(u64::try_from(length).unwrap_or(u64::MAX));
            }
            // each is compiled to a way in or out
            Payload::ComponentCanonicalSection(section) => {
                functions = functions.saturating_add(u64::from(section.count()));
            }
            _ => {}
        }
    }
    let Limits { code_bytes, functions: functions_max, function_bytes, .. } = *limits;
    let mut problems = Vec::new();
    for (what, has, most, key) in [
        ("bytes of code", all, code_bytes, "code_mib_max"),
        ("functions", functions, functions_max, "functions_max"),
        ("bytes in one function", largest, function_bytes, "function_kib_max"),
    ] {
        if has > most {
            problems.push(format!("it has {has} {what}, {most} are allowed ({key} in [sandbox])"));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(LoadError::new(problems, false)) }
}

/// Imports and exports against the world.
pub(crate) fn types(engine: &WasmEngine, component: &Component) -> Result<(), LoadError> {
    let ty = component.component_type();
    let other = ty.imports(&engine.engine).filter_map(|(name, _)| {
        let version = name.strip_prefix("hedgerow:strategy/")?.split_once('@')?.1;
        (!is_spoken(version)).then_some(version)
    });
    // what else does not fit follows from that
    if let Some(version) = { other }.next() {
        return Err(LoadError::one(other_contract(version)));
    }
    let mut problems = Vec::new();
    let mut wasi = Vec::new();
    for (name, item) in ty.imports(&engine.engine) {
        let allowed = match &item.ty {
            // an instance of types only may appear beside the log
            ComponentItem::ComponentInstance(instance) => {
                name.starts_with("hedgerow:strategy/log@")
                    || instance.exports(&engine.engine).all(|(_, item)| {
                        matches!(item.ty, ComponentItem::Type(_) | ComponentItem::Resource(_))
                    })
            }
            ComponentItem::Type(_) => true,
            _ => false,
        };
        if name.starts_with("wasi:") {
            wasi.push(name.to_owned());
        } else if !allowed {
            let name = printable(name, NAME);
            problems.push(format!("it imports {name}, which this host does not offer"));
        }
    }
    if !wasi.is_empty() {
        problems.push(format!(
            "it imports WASI ({}): build for wasm32-unknown-unknown, or with the WASI features off",
            printable(&wasi.join(", "), 100)
        ));
    }
    let exports: Vec<&str> = ty.exports(&engine.engine).map(|(name, _)| name).collect();
    let missing: Vec<&str> = EXPORTS.into_iter().filter(|name| !exports.contains(name)).collect();
    if !missing.is_empty() {
        problems.push(format!("it does not export {}", missing.join(", ")));
    }
    if problems.is_empty() { Ok(()) } else { Err(LoadError::new(problems, false)) }
}

/// Whether this host speaks this version of the contract.
fn is_spoken(version: &str) -> bool {
    version == CONTRACT || version.starts_with(&format!("{CONTRACT}."))
}

fn other_contract(version: &str) -> String {
    let version = printable(version, NAME);
    format!(
        "it was built against contract {version}; this host speaks {CONTRACT}: build it with the \
         hedgerow-sdk of this version"
    )
}

fn is_plain(c: char) -> bool {
    !is_hidden(c) && !c.is_whitespace()
}

/// What it says of itself.
pub(crate) fn description(description: &Description) -> Result<(), LoadError> {
    let mut problems = Vec::new();
    if !is_spoken(&description.contract) {
        problems.push(other_contract(&description.contract));
    }
    let said = [("name", &description.name), ("version", &description.version)];
    let capabilities = description.capabilities.iter().map(|asked| ("capability", asked));
    let roles = description.wants.iter().map(|want| ("role", &want.role));
    for (what, text) in said.into_iter().chain(capabilities).chain(roles) {
        // shown on terminals and written into logs as they are
        if text.is_empty() || text.len() > NAME || !text.chars().all(is_plain) {
            let shown = printable(text, NAME);
            problems.push(format!(
                "its {what} \"{shown}\" must have 1 to 64 letters, digits or signs, and no spaces"
            ));
        }
    }
    if description.oldest_readable_state > description.state_version {
        problems.push("its oldest readable state is newer than the state it writes".to_owned());
    }
    for asked in description.capabilities.iter().filter(|asked| *asked != "set-leverage") {
        let asked = printable(asked, NAME);
        problems.push(format!("it asks for the capability {asked}, which this host does not have"));
    }
    for want in &description.wants {
        let Some(bars) = want.bars else { continue };
        if bars.interval.as_nanos() < 1_000_000_000 || bars.history > 10_000 {
            let role = printable(&want.role, NAME);
            problems.push(format!(
                "role {role}: bars are at least 1 s long, and at most 10000 of them are history"
            ));
        }
    }
    let mut roles: Vec<&str> = description.wants.iter().map(|want| want.role.as_str()).collect();
    roles.sort_unstable();
    if roles.windows(2).any(|pair| pair[0] == pair[1]) {
        problems.push("two of its roles have one name".to_owned());
    }
    if problems.is_empty() { Ok(()) } else { Err(LoadError::new(problems, false)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::WantedRole;
    use std::sync::Arc;

    const HOSTILE: &str = "\u{1b}]0;mine\u{7}\u{1b}[31m\u{202e}";

    fn told(problems: &LoadError) -> String {
        let said = problems.to_string();
        assert!(!said.chars().any(is_hidden), "{said:?}");
        assert!(said.len() < 4_000, "{} bytes", said.len());
        said
    }

    /// What a component says of itself is shown on the operator's terminal.
    #[test]
    fn names_of_a_component_reach_no_terminal_as_they_are() {
        let long = HOSTILE.repeat(10_000);
        let want = |role: &str| WantedRole {
            role: role.to_owned(),
            kinds: Vec::new(),
            bars: Some(hedgerow_model::Bars {
                interval: hedgerow_model::Duration::from_nanos(1),
                history: 0,
            }),
            trades: true,
        };
        let hostile = Description {
            name: long.clone(),
            version: long.clone(),
            contract: long.clone(),
            state_version: 1,
            oldest_readable_state: 1,
            parameters: Arc::new(serde_json::Value::Null),
            capabilities: vec![HOSTILE.to_owned(), long.clone()],
            wants: vec![want(HOSTILE), want(&long)],
        };
        let said = told(&description(&hostile).unwrap_err());
        assert!(said.contains("capability \\u{1b}]0;mine\\u{7}"), "{said}");
        assert!(said.contains("role \\u{1b}]0;mine\\u{7}"), "{said}");
        assert!(said.contains(" more"), "{said}");
    }

    fn leb(mut n: usize) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            let low = u8::try_from(n & 0x7f).unwrap();
            n >>= 7;
            out.push(if n > 0 { low | 0x80 } else { low });
            if n == 0 {
                return out;
            }
        }
    }

    fn section(id: u8, body: &[u8]) -> Vec<u8> {
        [&[id][..], &leb(body.len()), body].concat()
    }

    /// A component of one module with so many functions, each of so many instructions that do
    /// nothing.
    fn bomb(functions: usize, nops: usize) -> Vec<u8> {
        let mut body = vec![0]; // no locals
        body.extend(vec![1; nops]);
        body.push(11);
        let one = [leb(body.len()), body].concat();
        let declared = [leb(functions), vec![0; functions]].concat();
        let code = [leb(functions), one.repeat(functions)].concat();
        let module = [
            b"\0asm\x01\0\0\0".to_vec(),
            section(1, &[1, 0x60, 0, 0]), // one type, without parameters and results
            section(3, &declared),
            section(10, &code),
        ];
        [b"\0asm\x0d\0\x01\0".to_vec(), section(1, &module.concat())].concat()
    }

    /// Far below the size of a file, each would be compiled for minutes: it is refused before.
    #[test]
    fn code_that_would_take_long_to_compile_is_refused_before() {
        let engine = WasmEngine::new(crate::Mode::Live).unwrap();
        let refused = |file: &[u8]| {
            let made = crate::Plugin::load(&engine, file, &Limits::default(), None);
            told(&made.err().unwrap())
        };
        for (file, why) in [
            (bomb(50_001, 1), "it has 50001 functions, 50000 are allowed (functions_max"),
            (bomb(1, 300_000), "it has 300002 bytes in one function, 262144 are allowed"),
            (bomb(40_000, 230), "bytes of code, 8388608 are allowed (code_mib_max in [sandbox])"),
        ] {
            let said = refused(&file);
            assert!(said.contains(why), "{said}");
        }
        // what is within bounds is looked at further
        let said = refused(&bomb(10, 10));
        assert!(said.contains("it does not export"), "{said}");
    }

    /// Its types are others: nothing of it is called, not even to ask who it is.
    #[test]
    fn a_component_of_another_contract_is_told_so() {
        let engine = WasmEngine::new(crate::Mode::Live).unwrap();
        let refused = |version: &str| {
            let text = format!(
                r#"(component (import "hedgerow:strategy/log@{version}" (instance
                    (export "emit" (func (param "level" u64))))))"#
            );
            let file = wat::parse_str(text).unwrap();
            told(&crate::Plugin::load(&engine, &file, &Limits::default(), None).err().unwrap())
        };
        let said = refused("0.2.0");
        assert!(said.contains("built against contract 0.2.0; this host speaks 0.1"), "{said}");
        assert!(!said.contains("export"), "{said}");
        let said = refused("0.1.0");
        assert!(said.contains("it does not export") && !said.contains("contract"), "{said}");
    }

    /// The validator quotes the names in a file too.
    #[test]
    fn names_in_a_file_reach_no_terminal_as_they_are() {
        let mut file = b"\0asm\x0d\0\x01\0".to_vec();
        let name = b"\x1b[31m";
        let mut imports = vec![1, 0, 5];
        imports.extend(name);
        imports.extend([3, 1]); // a type, of a resource
        file.extend([10, 10]);
        file.extend(imports);
        let said = told(&bytes(&file, &Limits::default()).unwrap_err());
        assert!(said.contains("\\u{1b}[31m"), "{said}");
    }
}
