//! Signals. Ctrl-C, SIGTERM and SIGHUP: the first ends a run as `stop` does, the second ends the
//! process. SIGUSR1 kills: the latch is set without the control socket's or the loop's help, for
//! whoever has nothing but a shell.

use super::Message;
use super::control::SharedDesk;
use crate::command::exit;
use crate::latch::{self, KillLatch};
use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Terminals and service managers send two signals for one wish, one right after the other.
const ONE_WISH: Duration = Duration::from_secs(1);

type Known = Option<(KillLatch, SharedDesk)>;

/// The latch of the host in this process, once it is open, and the desk that is told.
static HOST: Mutex<Known> = Mutex::new(None);

fn host() -> MutexGuard<'static, Known> {
    HOST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From here on SIGUSR1 kills: before the latch of this state folder is open by its file, which it
/// is opened with. Before this it ends the process, as everywhere.
pub(crate) fn catch_kills(state: &Path) {
    static ONCE: Once = Once::new();
    let state = state.to_owned();
    let kills = move || kill(&state);
    ONCE.call_once(|| {
        let kinds = [SignalKind::user_defined1()];
        each_of(&kinds, kills, "SIGUSR1 ends this process instead of a kill");
    });
}

fn kill(state: &Path) {
    const WHY: &str = "SIGUSR1";
    let known = host().clone();
    let Some((latch, desk)) = known else {
        let kept = std::fs::create_dir_all(state).and_then(|()| latch::set_at(state, WHY));
        return match kept {
            Ok(()) => tracing::warn!("SIGUSR1: the kill latch is set, and the host begins halted"),
            Err(error) => {
                // it must not begin as if nobody had said anything
                tracing::error!(%error, "SIGUSR1, and the kill latch cannot be set: it ends");
                std::process::exit(exit::FAILED);
            }
        };
    };
    let kept = latch.set(WHY);
    let result = match &kept {
        Ok(()) => "accepted".to_owned(),
        Err(error) => {
            tracing::error!(%error, "the kill latch is set, and a restart may forget it");
            format!("accepted, not kept over a restart: {error}")
        }
    };
    super::control::hear_kill(&desk, WHY, ("signal", result));
}

/// What SIGUSR1 sets from here on.
pub(super) fn kill_by_signal(latch: KillLatch, desk: SharedDesk) {
    *host() = Some((latch, desk));
}

/// The host is gone.
pub(super) fn host_is_gone() {
    *host() = None;
}

/// From here on signals end the run in order.
pub(super) fn end_in_order(end: Sender<Message>) {
    let mut first = None;
    let ends = move || {
        if insists(&mut first, Instant::now()) {
            tracing::error!("a second signal: this process ends at once");
            std::process::exit(exit::INTERRUPTED);
        }
        let _ = end.send(Message::Stop);
    };
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    each_of(&kinds, ends, "signals end this run at once");
}

/// Calls for each signal of these kinds, from a thread of its own. When this returns they are
/// caught.
fn each_of(kinds: &[SignalKind], mut call: impl FnMut() + Send + 'static, otherwise: &str) {
    let listen = || -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let entered = runtime.enter();
        let mut all = kinds.iter().map(|kind| signal(*kind)).collect::<Result<Vec<_>, _>>()?;
        drop(entered);
        let serve = move || {
            runtime.block_on(async {
                loop {
                    any(&mut all).await;
                    call();
                }
            });
        };
        std::thread::Builder::new().name("signals".into()).spawn(serve).map(|_| ())
    };
    if let Err(error) = listen() {
        tracing::warn!(%error, "{otherwise}");
    }
}

/// The next of several.
async fn any(all: &mut [Signal]) {
    std::future::poll_fn(|context| {
        match all.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
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
