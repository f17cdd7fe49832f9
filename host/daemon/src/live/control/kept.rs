//! An answer to an operator means that what was asked is done and outlives the host, or says that
//! it may not.

use super::super::{Message, Shared};
use super::{Reply, Request, SharedDesk, open};
use std::sync::PoisonError;
use std::sync::mpsc::channel;
use std::time::Duration;

/// So long a caller waits for the loop and its journal; a loop that is busy for longer does what it
/// accepted later, and whoever asked is told so.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long it may take until a command that was accepted is done and seen: the loop looks into
/// its inbox and makes a view ten times a second.
const SEEN: Duration = Duration::from_millis(120);

impl Request {
    /// Whether it is the journal that keeps it over a restart: a kill is kept by its latch, and
    /// waits for no loop.
    pub(super) fn is_for_the_journal(&self) -> bool {
        !self.is_kill() && !matches!(self, Self::Status | Self::Stop)
    }
}

/// Waits until the loop has done what it accepted, and its journal has it.
pub(super) fn wait(desk: &SharedDesk) -> Reply {
    let (receipt, done) = channel();
    // behind the command: what is told then is told of it too
    let sent = open(desk).inbox.send(Message::Receipt(receipt));
    let why = match sent.ok().map(|()| done.recv_timeout(PATIENCE)) {
        Some(Ok(true)) => return Reply::Accepted,
        Some(Ok(false)) => "the journal cannot be written".to_owned(),
        _ => format!(
            "the host has not come round to it within {} s: look at `hedgerow status`",
            PATIENCE.as_secs()
        ),
    };
    Reply::NotKept { why }
}

/// Whoever looks after a command was accepted sees what came of it; a loop that does not come round
/// is not waited for.
pub(super) fn await_view(shared: &Shared, desk: &SharedDesk) {
    let Some(accepted) = open(desk).accepted else { return };
    while accepted.elapsed() < Duration::from_millis(500) {
        let (_, made) = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // what was made in the same moment may not know it
        if made > accepted + SEEN {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
