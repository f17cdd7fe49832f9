//! Ctrl-C, SIGTERM and SIGHUP: the first ends a run as `stop` does, the second ends the process.

use super::Message;
use crate::command::exit;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// Terminals and service managers send two signals for one wish, one right after the other.
const ONE_WISH: Duration = Duration::from_secs(1);

/// From here on signals end the run in order.
pub(super) fn end_in_order(end: Sender<Message>) {
    let mut first = None;
    let handled = ctrlc::set_handler(move || {
        if insists(&mut first, Instant::now()) {
            tracing::error!("a second signal: this process ends at once");
            std::process::exit(exit::INTERRUPTED);
        }
        let _ = end.send(Message::Stop);
    });
    if let Err(error) = handled {
        tracing::warn!(%error, "signals end this run at once");
    }
}

/// Whether a signal is one of somebody who does not wait any longer.
fn insists(first: &mut Option<Instant>, now: Instant) -> bool {
    let first = *first.get_or_insert(now);
    now.duration_since(first) >= ONE_WISH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_signal_insists_unless_it_came_with_the_first() {
        let (mut first, began) = (None, Instant::now());
        let seconds = |n: u64| began + Duration::from_millis(n * 1_000);
        assert!(!insists(&mut first, began));
        assert!(!insists(&mut first, began + Duration::from_millis(5)));
        assert!(insists(&mut first, seconds(2)));
    }
}
