//! The commands of the binary, one file each.

mod assumed;
pub mod backtest;
pub mod bench;
pub mod demo;
pub mod install;
pub mod journal;
pub mod money;
pub mod plugin;
mod print;
pub mod query;
pub mod replay;
pub mod run;
pub mod show;

pub use print::{print, print_done, print_failure, print_json};

/// Exit codes, the same for every command.
pub mod exit {
    /// All is well.
    pub const OK: i32 = 0;
    /// It failed.
    pub const FAILED: i32 = 1;
    /// The command line is wrong.
    pub const USAGE: i32 = 2;
    /// The config is wrong.
    pub const CONFIG: i32 = 3;
    /// Not connected, or no host runs.
    pub const NOT_RUNNING: i32 = 4;
    /// A guard refused.
    pub const REFUSED: i32 = 5;
    /// Done, and a restart of the host may forget it.
    pub const NOT_KEPT: i32 = 6;
    /// A second signal did not wait for the end in order.
    pub const INTERRUPTED: i32 = 130;
}

/// Why a command ends without success.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: i32,
    /// What to tell the person.
    pub message: String,
}

impl Failure {
    /// A plain failure.
    pub fn new(message: impl ToString) -> Self {
        Self { code: exit::FAILED, message: message.to_string() }
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self { code: exit::CONFIG, message: error.to_string() }
    }
}

impl From<crate::wiring::WiringError> for Failure {
    fn from(error: crate::wiring::WiringError) -> Self {
        let code = match error {
            crate::wiring::WiringError::Config(_) => exit::CONFIG,
            _ => exit::FAILED,
        };
        Self { code, message: error.to_string() }
    }
}

impl From<hedgerow_driver::DriverError> for Failure {
    fn from(error: hedgerow_driver::DriverError) -> Self {
        Self::new(error)
    }
}

impl From<hedgerow_simulator::readers::ReadError> for Failure {
    fn from(error: hedgerow_simulator::readers::ReadError) -> Self {
        Self::new(error)
    }
}
