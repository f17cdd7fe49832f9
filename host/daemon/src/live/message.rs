//! What the loop is told by the other threads of a host.
//!
//! The queue has no bound of its own, since nothing of it may be lost; each who fills it has one:
//! commands of operators hold a [`Ticket`] and are refused above so many, a strategy has one call
//! under way, the reload thread tells of a file once and waits for its answers.

use hedgerow_engine::OperatorCommand;
use hedgerow_model::{PluginStep, StrategyId};
use hedgerow_plugins::Plugin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;

/// What the loop knows of a strategy whose component may be replaced.
pub struct Told {
    /// Recent events, for a trial.
    pub recent: Option<hedgerow_plugins::Recent>,
    /// The version of its state.
    pub state_version: u32,
    /// Hashes of all components that this host needs.
    pub in_use: Vec<String>,
    /// Why the candidate failed in this strategy's place before.
    pub failed: Option<String>,
    /// The candidate runs there now.
    pub runs: bool,
    /// A file that was put there before is told to be refused.
    pub refused: bool,
}

/// One command that waits for the loop.
pub struct Ticket(Arc<AtomicUsize>);

impl Ticket {
    pub(super) fn of(waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(waiting))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What reaches the loop from the other threads.
pub enum Message {
    /// An operator's command.
    Command(OperatorCommand, String),
    /// End the run.
    Stop,
    /// What is to be known of a strategy before a trial of a candidate, by hash.
    Recent(StrategyId, String, Sender<Told>),
    /// A trial of a candidate beside a strategy begins, or is over.
    Trial(StrategyId, bool),
    /// An operator lets a strategy's file be tried again, though it failed; why.
    Retry(StrategyId, String),
    /// A component that may be swapped in.
    Swap(StrategyId, Box<Plugin>),
    /// Something to journal: what was asked, why, by whom, over which way, and the answer.
    Asked {
        /// What.
        command: String,
        /// Why.
        reason: String,
        /// Who, as the caller says.
        by: String,
        /// Over which way.
        from: String,
        /// What was answered.
        result: String,
        /// Held until it is journaled.
        ticket: Option<Ticket>,
    },
    /// What is odd about the plugins folder now, in sentences.
    Folder(Vec<String>),
    /// Something to journal about a component.
    Plugin(StrategyId, PluginStep, String, String),
    /// To be told, once what came before is done, whether the journal has it.
    Receipt(Sender<bool>),
    /// A strategy has answered.
    Answered,
}
