//! From bytes to a plugin that may be instantiated: checked before any of its code runs.

use crate::bindings::StrategyPre;
use crate::cache::Cache;
use crate::check;
use crate::convert;
use crate::engine::WasmEngine;
use crate::file;
use crate::instance::Voice;
use crate::limits::Limits;
use crate::store::{self, State};
use hedgerow_model::{Bars, TickKind, printable};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use wasmtime::component::{Component, HasSelf, Linker};

/// What a component says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The strategy's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The contract it was built against.
    pub contract: String,
    /// The state version it writes.
    pub state_version: u32,
    /// The oldest it reads.
    pub oldest_readable_state: u32,
    /// JSON Schema of its parameters.
    pub parameters: Arc<serde_json::Value>,
    /// Asked for beyond data and orders.
    pub capabilities: Vec<String>,
    /// What it wants to see, by role.
    pub wants: Vec<WantedRole>,
}

impl Description {
    /// Whether it asks for something beyond data and orders.
    #[must_use]
    pub fn asks_for(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|asked| asked == capability)
    }
}

/// What a component wants of one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedRole {
    /// The role's name.
    pub role: String,
    /// Tick kinds; unknown ones are left out.
    pub kinds: Vec<TickKind>,
    /// Bars, if it wants any.
    pub bars: Option<Bars>,
    /// Whether it must be tradable.
    pub trades: bool,
}

/// Why a file is not a plugin of ours. All problems found are in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.join("; "))]
#[non_exhaustive]
pub struct LoadError {
    /// One sentence each.
    pub problems: Vec<String>,
    /// Whether the file may simply not be complete yet.
    pub maybe_partial: bool,
}

impl LoadError {
    /// The only way to make one. What a file says of itself is quoted in them, and they are shown
    /// on terminals and written into the journal: of a hostile one there is no end.
    #[must_use]
    pub fn new(problems: Vec<String>, maybe_partial: bool) -> Self {
        let more = problems.len().saturating_sub(PROBLEMS);
        let shown = problems.iter().take(PROBLEMS).map(|problem| printable(problem, PROBLEM_BYTES));
        let mut problems: Vec<String> = shown.collect();
        if more > 0 {
            problems.push(format!("and {more} more"));
        }
        Self { problems, maybe_partial }
    }

    /// A file with one problem.
    pub fn one(problem: impl Into<String>) -> Self {
        Self::new(vec![problem.into()], false)
    }
}

/// So many are told.
const PROBLEMS: usize = 10;
/// Of each no more than this.
const PROBLEM_BYTES: usize = 300;

/// A component that passed all checks.
#[derive(Clone)]
pub struct Plugin {
    pub(crate) pre: StrategyPre<State>,
    /// SHA-256 of the file, hex: its identity.
    pub hash: String,
    /// What it says of itself.
    pub description: Description,
    /// Size of the file.
    pub bytes: usize,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Description { name, version, .. } = &self.description;
        write!(f, "Plugin({name} {version} {})", self.hash)
    }
}

/// SHA-256 as lower-case hex: the identity of a component.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Plugin {
    /// Checks, compiles (or takes from the cache) and describes a component.
    pub fn load(
        engine: &WasmEngine,
        bytes: &[u8],
        limits: &Limits,
        cache: Option<&Cache>,
    ) -> Result<Self, LoadError> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        file::too_large(size, limits.component_bytes)?;
        check::bytes(bytes, limits)?;
        let hash = hash(bytes);
        let component = match cache.and_then(|cache| cache.get(engine, &hash)) {
            Some(component) => component,
            None => {
                let component = Component::new(&engine.engine, bytes)
                    .map_err(|e| LoadError::one(format!("it does not compile: {e:#}")))?;
                if let Some(cache) = cache {
                    cache.put(engine, &hash, &component);
                }
                component
            }
        };
        check::types(engine, &component)?;
        let mut linker: Linker<State> = Linker::new(&engine.engine);
        crate::bindings::hedgerow::strategy::log::add_to_linker::<_, HasSelf<_>>(
            &mut linker,
            |state| state,
        )
        .map_err(|e| LoadError::one(format!("{e:#}")))?;
        let pre = linker
            .instantiate_pre(&component)
            .and_then(StrategyPre::new)
            .map_err(|e| LoadError::one(format!("it does not fit the contract: {e:#}")))?;
        let description = describe(engine, &pre, limits)?;
        check::description(&description)?;
        Ok(Self { pre, hash, description, bytes: bytes.len() })
    }
}

/// Asks a throw-away instance who it is.
fn describe(
    engine: &WasmEngine,
    pre: &StrategyPre<State>,
    limits: &Limits,
) -> Result<Description, LoadError> {
    let mut store = store::new(engine, ("describe", Voice::Own), limits);
    store::arm_init(&mut store, engine.mode);
    let said = pre
        .instantiate(&mut store)
        .and_then(|bindings| bindings.call_describe(&mut store))
        .map_err(|e| {
            // a panic says its words and its place as an error before it traps
            let words = store.data().last_error.iter().map(|said| format!(": {said}"));
            let words = words.collect::<String>();
            LoadError::one(format!("its `describe` failed: {}{words}", e.root_cause()))
        })?;
    convert::description(said).map_err(LoadError::one)
}
