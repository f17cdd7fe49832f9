//! What a command says on standard output.

use super::{Failure, exit};
use std::sync::atomic::{AtomicBool, Ordering};

/// Prints a text. Whoever reads it may go away (`| head`): then this process ends, well.
pub fn print(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            std::process::exit(exit::OK);
        }
        Err(error) => {
            // half an answer must not be taken for one
            eprintln!("nothing can be printed: {error}");
            std::process::exit(exit::FAILED);
        }
        Ok(()) => PRINTED.store(true, Ordering::Relaxed),
    }
}

/// Says what is done already: that nobody can read it makes it no failure.
pub fn print_done(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        tracing::error!(%error, "done, and it cannot be printed");
    }
    PRINTED.store(true, Ordering::Relaxed);
}

/// Whether anything was printed.
static PRINTED: AtomicBool = AtomicBool::new(false);

/// What failed, as the one JSON object of a command that has not printed any.
pub fn print_failure(failure: &Failure) {
    if !PRINTED.load(Ordering::Relaxed) {
        let Failure { code, message } = failure;
        let said = serde_json::json!({"schema": 1, "code": code, "error": message.trim_end()});
        print(&format!("{said:#}\n"));
    }
}

/// Prints one JSON object.
pub fn print_json<T: serde::Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::new)?;
    print(&format!("{text}\n"));
    Ok(())
}
