//! The journal: facts, committed before the effects they permit leave.
//!
//! SQLite for a host that must survive its own death; memory for backtests, behind the same port.

mod audit;
mod checkpoints;
mod emergency;
mod error;
mod lost;
mod memory;
mod recording;
mod restart;
mod rows;
mod snapshots;
mod sqlite;
mod whole;

pub use audit::{Audit, KINDS as AUDIT_KINDS, verify as verify_audit};
pub use error::StoreError;
pub use memory::MemoryJournal;
pub use recording::{Preface, RecordingReader, RecordingWriter};
pub use restart::{Fold, Restarted, Snapshots, snapshot};
pub use sqlite::SqliteJournal;
