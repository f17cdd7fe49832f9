//! Strategies in the sandbox: loading, limiting, calling, swapping components.
//!
//! The only crate that names wasmtime. It never opens a socket and knows no credentials. A call is
//! all or nothing: a trap, a deadline or an answer that breaks the contract yields a fault and no
//! intents, and the instance is dropped.

mod bindings;
mod cache;
mod check;
mod convert;
mod deadline;
mod engine;
mod file;
mod host;
mod instance;
mod limits;
mod load;
mod pool;
mod shadow;
mod store;
mod ticks;
mod watch;
mod work;
mod world;

pub use cache::Cache;
pub use engine::{Mode, WasmEngine};
pub use file::read as read_component;
pub use host::{PluginHost, Recent, Start};
pub use instance::{InitFailure, Instance, RoleInstrument, Setup, Voice};
pub use limits::Limits;
pub use load::{Description, LoadError, Plugin, WantedRole, hash};
pub use shadow::{Ring, ShadowFailure, ShadowReport};
pub use watch::{Candidate, Sighting, Watcher};
