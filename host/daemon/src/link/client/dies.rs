//! A host that dies by itself before or after one of its next orders, for tests: no moment chosen
//! from outside falls between two of them for sure. Not in a release build.

use hedgerow_simulator::Request;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// At which point from the start on; there is one before and one after each order, cancel and
/// amendment.
const AT: &str = "HEDGEROW_DIES_AT";

/// One of the points; the process may end here, as by `kill -9`.
pub(super) fn point(request: &Request) {
    static LEFT: OnceLock<Option<AtomicU64>> = OnceLock::new();
    let at = || std::env::var(AT).ok()?.parse().ok().map(AtomicU64::new);
    let Some(left) = LEFT.get_or_init(at) else { return };
    let counts =
        matches!(request, Request::Place(_) | Request::Cancel { .. } | Request::Amend { .. });
    if counts && left.fetch_sub(1, Ordering::SeqCst) == 1 {
        let me = rustix::process::getpid();
        // nothing is flushed, closed or told
        let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
    }
}
