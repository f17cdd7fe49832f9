//! The socket itself: one thread takes callers, each is answered by one of its own.

use super::{Call, Reply, Request, SharedDesk, Traded, kept, open, socket_path};
use crate::command::Failure;
use crate::live::Shared;
use hedgerow_model::view::HostView;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Takes the socket away when the host ends.
pub(in crate::live) struct Control {
    path: PathBuf,
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

pub(in crate::live) fn serve(
    state: &Path,
    (shared, traded): (Shared, Traded),
    desk: SharedDesk,
) -> Result<Control, Failure> {
    let path = socket_path(state);
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)
        .map_err(|e| Failure::new(format!("control socket {}: {e}", path.display())))?;
    let traded = Arc::new(traded);
    let accept = move || {
        for stream in listener.incoming().flatten() {
            let (shared, desk) = (Arc::clone(&shared), Arc::clone(&desk));
            let traded = Arc::clone(&traded);
            let talk = move || {
                let _ = answer(stream, (&shared, &traded), &desk);
            };
            let _ = std::thread::Builder::new().name("control-client".into()).spawn(talk);
        }
    };
    std::thread::Builder::new().name("control".into()).spawn(accept).map_err(Failure::new)?;
    Ok(Control { path })
}

fn answer(
    stream: UnixStream,
    (shared, traded): (&Shared, &Traded),
    desk: &SharedDesk,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut writer = stream.try_clone()?;
    let mut line = String::new();
    // a request is one short line
    BufReader::new(std::io::Read::take(stream, 64 << 10)).read_line(&mut line)?;
    let asked = serde_json::from_str::<Call>(&line);
    let looks = |call: &Call| matches!(call.request, Request::Status | Request::Settle { .. });
    if asked.as_ref().is_ok_and(looks) {
        kept::await_view(shared, desk);
    }
    let (view, made) = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let age_ms = u64::try_from(made.elapsed().as_millis()).unwrap_or(u64::MAX);
    let view = HostView { age_ms, ..(*view).clone() };
    let reply = match asked {
        // a look waits for nobody's command
        Ok(Call { request: Request::Status, .. }) => Reply::Status(Box::new(view)),
        Ok(call) => {
            let journaled = call.request.is_for_the_journal();
            // the desk is for others while this one waits
            let (reply, nothing) = match traded.finds(&call.request, &view) {
                Ok(nothing) => (open(desk).take(call, view), nothing),
                Err(why) => (open(desk).refuse(&call, why), None),
            };
            let reply = match reply {
                Reply::Accepted if journaled => kept::wait(desk),
                reply => reply,
            };
            match (reply, nothing) {
                (Reply::Accepted, Some(why)) => Reply::Nothing { why },
                (reply, _) => reply,
            }
        }
        Err(e) => Reply::Refused { why: format!("not a request: {e}") },
    };
    let mut text = serde_json::to_string(&reply).unwrap_or_default();
    text.push('\n');
    writer.write_all(text.as_bytes())
}
