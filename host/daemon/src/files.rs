//! What the process does where a file may not grow any more.

/// Has a write beyond the limit of files (`ulimit -f`) fail as one on a full disk does. By itself
/// such a write ends the process: its orders would stay as they are, and nothing would be reduced.
pub fn outlive_their_limit() {
    #[cfg(unix)]
    // SAFETY: a signal is ignored, no handler runs, and there is no second thread yet.
    #[allow(unsafe_code, reason = "there is no safe way to it")]
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}
