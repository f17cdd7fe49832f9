//! `hedgerow plugin`: components, before and beside a host.

use super::Running;
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum PluginCommand {
    /// Shows what a component says of itself: version, hash, roles, states, parameter schema.
    Info {
        /// The component file.
        file: PathBuf,
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Has the file of a strategy tried again, though it failed there before.
    Retry {
        /// Which.
        strategy: String,
        #[command(flatten)]
        host: Running,
        /// Why; it is journaled.
        #[arg(long)]
        reason: String,
    },
    /// Puts a component into a plugins folder, and says what a host that runs made of it.
    Install {
        /// The component file.
        file: PathBuf,
        /// The plugins folder.
        #[arg(long, default_value = ".hedgerow/demo/plugins")]
        plugins: PathBuf,
        #[command(flatten)]
        host: Running,
    },
}
