//! What the process keeps of memory that it has freed.

/// Has threads share two places to take memory from. glibc gives each new thread a place of its own
/// and keeps there what was freed: a component is compiled and tried on one thread after another,
/// so a host in which components are replaced would grow for hours.
pub fn keep_together() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt takes two integers and is called before there is a second thread.
    #[allow(unsafe_code, reason = "there is no safe way to it")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}
