//! The commands of the binary, one file each.

mod assumed;
pub mod backtest;
pub mod bench;
pub mod demo;
pub mod install;
pub mod journal;
pub mod money;
pub mod plugin;
pub mod query;
pub mod replay;
pub mod run;
pub mod show;

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

/// Prints a text. Whoever reads it may go away (`| head`): then this process ends, well.
pub fn print(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            std::process::exit(exit::OK);
        }
        Err(error) => tracing::error!(%error, "nothing can be printed"),
        Ok(()) => {}
    }
}

/// Prints one JSON object.
pub fn print_json<T: serde::Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::new)?;
    print(&format!("{text}\n"));
    Ok(())
}
