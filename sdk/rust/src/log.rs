//! Lines for the operator's log, the only thing a strategy can say at once. Nothing is answered,
//! so nothing can depend on it; the host adds the strategy's name and keeps to its limits.

use crate::context::Context;

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is wrong and somebody must look.
    Error,
    /// Something is not as it should be, and it goes on.
    Warn,
    /// Something worth knowing, rarely.
    Info,
    /// For whoever looks for a mistake.
    Debug,
    /// Everything.
    Trace,
}

/// Lines that a native test can look at: the newest.
#[cfg(not(target_arch = "wasm32"))]
const KEPT: usize = 1_000;

impl Context {
    /// Writes a line into the host's log, stamped with [`Self::now`]. It is no intent: a tick that
    /// is only logged is not acted on. The host shows it by its filter (`HEDGEROW_LOG`), takes so
    /// many a second (`log_messages_per_s_max`), and cuts what is too long.
    pub fn log(&mut self, level: Level, text: &str) {
        #[cfg(target_arch = "wasm32")]
        {
            let code = match level {
                Level::Error => 1,
                Level::Warn => 2,
                Level::Info => 3,
                Level::Debug => 4,
                Level::Trace => 5,
            };
            let fields = [("now".to_owned(), self.now().as_nanos().to_string())];
            crate::bindings::hedgerow::strategy::log::emit(code, text, &fields);
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            if self.logged.len() == KEPT {
                self.logged.pop_front();
            }
            self.logged.push_back((level, text.to_owned()));
        }
    }

    /// [`Self::log`] with [`Level::Error`].
    pub fn error(&mut self, text: &str) {
        self.log(Level::Error, text);
    }

    /// [`Self::log`] with [`Level::Warn`].
    pub fn warn(&mut self, text: &str) {
        self.log(Level::Warn, text);
    }

    /// [`Self::log`] with [`Level::Info`].
    pub fn info(&mut self, text: &str) {
        self.log(Level::Info, text);
    }

    /// [`Self::log`] with [`Level::Debug`].
    pub fn debug(&mut self, text: &str) {
        self.log(Level::Debug, text);
    }

    /// [`Self::log`] with [`Level::Trace`].
    pub fn trace(&mut self, text: &str) {
        self.log(Level::Trace, text);
    }
}
