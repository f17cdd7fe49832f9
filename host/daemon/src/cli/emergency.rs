//! What an operator tells a host when something must end: beside `pause` and `kill`.

use super::Running;
use clap::Subcommand;
use hedgerow_daemon::live::Request;

/// Commands that end what is open or held.
#[derive(Subcommand)]
pub(crate) enum Emergency {
    /// Cancels all open orders: of a strategy, an account or an instrument, or all. Modes stay.
    CancelAll {
        /// Its name, an instrument's as venue:symbol; none: the host.
        what: Option<String>,
        #[command(flatten)]
        host: Running,
        /// Why; it is journaled.
        #[arg(long)]
        reason: String,
    },
    /// Closes all positions, reduce-only, in whatever mode, after a kill too: of a strategy, of an
    /// account, in an instrument, or all. Strategies of it may only cancel until `resume`.
    Flatten {
        /// Its name, an instrument's as venue:symbol; none: the host.
        what: Option<String>,
        #[command(flatten)]
        host: Running,
        /// Why; it is journaled.
        #[arg(long)]
        reason: String,
    },
}

impl Emergency {
    /// Whom it is told to, and what.
    pub(crate) fn request(self) -> (Running, Request) {
        match self {
            Self::CancelAll { what, host, reason } => (host, Request::CancelAll { what, reason }),
            Self::Flatten { what, host, reason } => (host, Request::Flatten { what, reason }),
        }
    }
}
