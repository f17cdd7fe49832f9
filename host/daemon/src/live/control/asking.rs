//! The caller's side of the control socket.

use super::{Call, Reply, Request, socket_path};
use crate::command::{Failure, exit};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A host does nothing that was asked longer ago.
pub(super) const TAKEN: Duration = Duration::from_secs(3);
/// How long an answer may take: until it is taken, and until it is in the journal.
const ANSWER: Duration = Duration::from_secs(6);

/// Who this process is: its user, its number, and by whom it was started.
fn caller() -> String {
    let uid = rustix::process::getuid().as_raw();
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default();
    let parent = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    format!("user {name} ({uid}), process {} of {parent}", std::process::id())
}

/// Asks a running host.
pub fn ask(state: &Path, request: &Request) -> Result<Reply, Failure> {
    ask_within(state, request, ANSWER)
}

/// The same for whoever has another way.
pub fn ask_within(state: &Path, request: &Request, patience: Duration) -> Result<Reply, Failure> {
    let path = socket_path(state);
    let absent = |e: std::io::Error| Failure {
        code: exit::NOT_RUNNING,
        message: format!(
            "no host runs here ({}: {e}): start one with `hedgerow run` or `hedgerow demo`",
            path.display()
        ),
    };
    let mut stream = UnixStream::connect(&path).map_err(absent)?;
    stream.set_read_timeout(Some(patience)).map_err(Failure::new)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let asked_ms = u64::try_from(now.as_millis()).ok();
    let call = Call { by: caller(), asked_ms, request: request.clone() };
    let mut text = serde_json::to_string(&call).map_err(Failure::new)?;
    text.push('\n');
    let mut line = String::new();
    let answered = stream
        .write_all(text.as_bytes())
        .and_then(|()| BufReader::new(stream).read_line(&mut line));
    match answered {
        Ok(1..) => serde_json::from_str(&line).map_err(Failure::new),
        Ok(0) => Err(unanswered("the host ended the connection")),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Err(
            unanswered(&format!("the host has not answered within {} ms", patience.as_millis())),
        ),
        Err(e) => Err(unanswered(&e.to_string())),
    }
}

fn unanswered(what: &str) -> Failure {
    let within = TAKEN.as_secs();
    Failure::new(format!(
        "{what}: whether what was asked is done is not known, `hedgerow status` and `hedgerow \
         audit tail` say it; what a host has not taken within {within} s it does not do any more"
    ))
}
