//! The control socket: one JSON line in, one JSON line out, on a Unix socket in the state folder.
//!
//! It answers from the published view and hands commands to the loop; it never waits for the
//! engine.

mod asking;
mod kept;
mod settling;
mod socket;
mod understood;

use super::Message;
use super::message::Ticket;
use crate::latch::{KillLatch, Seen};
use hedgerow_engine::OperatorCommand;
use hedgerow_model::view::HostView;
use hedgerow_model::{Scope, TradingMode};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use understood::understood;

pub use asking::{ask, ask_within};
pub(super) use settling::Traded;
pub(super) use socket::serve;

/// What can be asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Request {
    /// The newest view.
    Status,
    /// A mode for a strategy, an account or an instrument, by name, or for the host.
    SetMode {
        /// Which; none: the host.
        what: Option<String>,
        /// To what.
        mode: TradingMode,
        /// Why.
        reason: String,
    },
    /// A strategy, an account, an instrument or the host may reduce again, and no more.
    ResumeReducing {
        /// Which; none: the host.
        what: Option<String>,
        /// Why.
        reason: String,
    },
    /// All open orders of a strategy, an account, an instrument or the host are canceled.
    CancelAll {
        /// Whose; none: the host's.
        what: Option<String>,
        /// Why.
        reason: String,
    },
    /// All that a strategy holds, that is held on an account, in an instrument or at all is closed.
    Flatten {
        /// Whose; none: all.
        what: Option<String>,
        /// Why.
        reason: String,
    },
    /// Whose a difference between ledger and venue is.
    Settle {
        /// Which strategy.
        strategy: String,
        /// The strategy's; otherwise somebody else's.
        adopt: bool,
        /// What was ignored before, instead of what differs now.
        #[serde(default)]
        ignored: bool,
        /// Why.
        reason: String,
    },
    /// What failed in a strategy's place may be tried again.
    Retry {
        /// Which.
        strategy: String,
        /// Why.
        reason: String,
    },
    /// End the run.
    Stop,
}

/// A request, and who makes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Call {
    /// As the caller says: whoever can write to the socket is who started the host, or root.
    #[serde(default)]
    by: String,
    /// When, unix time in ms, by the caller's clock, which is the host's.
    #[serde(default)]
    asked_ms: Option<u64>,
    #[serde(flatten)]
    request: Request,
}

impl Request {
    fn is_kill(&self) -> bool {
        matches!(self, Self::SetMode { what: None, mode: TradingMode::Halted, .. })
    }

    /// Whether it may take the host's latch away.
    fn is_release(&self) -> bool {
        matches!(
            self,
            Self::SetMode { what: None, mode: TradingMode::Running, .. }
                | Self::ResumeReducing { what: None, .. }
        )
    }

    /// What is asked, in words, and why; nothing for a look that changes nothing.
    fn in_words(&self) -> Option<(String, String)> {
        let scoped = |verb: &str, what: &Option<String>, reason: &String| {
            let what = what.as_deref().unwrap_or("the host");
            Some((format!("{verb} {what}"), reason.clone()))
        };
        match self {
            Self::Status => None,
            Self::Stop => Some(("stop".into(), String::new())),
            Self::Retry { strategy, reason } => {
                Some((format!("retry the component of {strategy}"), reason.clone()))
            }
            Self::SetMode { what, mode, reason } => scoped(&format!("{mode} for"), what, reason),
            Self::ResumeReducing { what, reason } => scoped("resume reduce-only", what, reason),
            Self::CancelAll { what, reason } => scoped("cancel-all", what, reason),
            Self::Flatten { what, reason } => scoped("flatten", what, reason),
            Self::Settle { strategy, adopt, ignored, reason } => {
                let verb = match (adopt, ignored) {
                    (true, true) => "adopt what was ignored of",
                    (true, false) => "adopt",
                    (false, _) => "ignore",
                };
                Some((format!("{verb} {strategy}"), reason.clone()))
            }
        }
    }
}

/// What is answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Reply {
    /// The newest view.
    Status(Box<HostView>),
    /// It is done, and a restart finds it in the journal; of a kill: its latch is in its file.
    Accepted,
    /// A kill that holds, and that a restart may forget: its file could not be written. Anything
    /// else: a restart may forget it, since the journal does not have it yet.
    NotKept {
        /// Why.
        why: String,
    },
    /// It was taken, and there was nothing to do.
    Nothing {
        /// Why.
        why: String,
    },
    /// It cannot be done.
    Refused {
        /// Why.
        why: String,
    },
}

/// Where the socket lies.
#[must_use]
pub fn socket_path(state: &Path) -> PathBuf {
    state.join("control.sock")
}

/// Where commands of all callers are taken, one after the other: the latch must be as the last of
/// them left it on its way to the loop, which also does them in this order.
pub(super) struct Desk {
    inbox: Sender<Message>,
    latch: KillLatch,
    /// The latch's file as it was when the host was let reduce again.
    reducing: Option<Seen>,
    /// The loop does no more commands.
    ending: bool,
    /// When the newest command was accepted.
    accepted: Option<Instant>,
    /// How many commands the loop has not come round to.
    waiting: Arc<AtomicUsize>,
}

/// So many commands may wait for a loop that does not come round: the next are refused, and not in
/// the audit, which waits behind them. A kill never is: from here on it is the latch alone that
/// takes it once as many kills wait as well, since then the loop hears of one last of all.
const WAITING_MAX: usize = 1_024;

pub(super) type SharedDesk = Arc<Mutex<Desk>>;

fn open(desk: &SharedDesk) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on nothing but a kill is accepted; what was accepted lies in the inbox.
pub(super) fn close(desk: &SharedDesk) {
    open(desk).ending = true;
}

/// Somebody set the latch without this desk's help: it holds already, and the loop hears of it
/// after whatever was accepted before, a release too.
pub(super) fn hear_kill(desk: &SharedDesk, why: &str, (from, result): (&str, String)) {
    let desk = open(desk);
    let (halted, with) = super::halt(why);
    let (command, by) = ("halted for the host".to_owned(), "whoever set it".to_owned());
    let (from, reason) = (from.to_owned(), why.to_owned());
    let ticket = Some(Ticket::of(&desk.waiting));
    let _ = desk.inbox.send(Message::Asked { command, reason, by, from, result, ticket });
    let _ = desk.inbox.send(Message::Command(halted, with));
}

/// The engine holds what would open by its mode: what reduces may leave. Not while anything that
/// was asked waits for the loop: a kill may be among it. Whether that is settled.
pub(super) fn release_for_reducing(desk: &SharedDesk) -> bool {
    let mut desk = open(desk);
    if desk.waiting.load(Ordering::SeqCst) > 0 {
        return false;
    }
    let seen = desk.reducing.take().unwrap_or_else(|| desk.latch.seen());
    if let Err(error) = desk.latch.release_as(&seen) {
        tracing::error!(%error, "the kill latch stays: say `resume --reduce-only` again");
    }
    true
}

impl Desk {
    pub(super) fn new(inbox: Sender<Message>, latch: KillLatch) -> SharedDesk {
        let (reducing, ending, accepted, waiting) = (None, false, None, Arc::default());
        Arc::new(Mutex::new(Self { inbox, latch, reducing, ending, accepted, waiting }))
    }

    /// Takes a command: the latch first, then the audit, then the loop, which may end with it.
    fn take(&mut self, call: Call, view: HostView) -> Reply {
        let words = call.request.in_words();
        let waiting = self.waiting.load(Ordering::SeqCst);
        if waiting >= WAITING_MAX && !call.request.is_kill() {
            tracing::error!(waiting, "the loop does not come round: a command is refused");
            let why = format!("{waiting} commands wait for the loop, which does not come round");
            return Reply::Refused { why };
        }
        // before it is asked whether a kill came: one that comes from here on is not released
        let seen = call.request.is_release().then(|| self.latch.seen());
        let outdated = self.outdated(&call);
        let asked = understood(call.request, view);
        let (reply, message) = match asked.and_then(|asked| outdated.map_or(Ok(asked), Err)) {
            Err(reply) => (reply, None),
            Ok(message) => match self.accept(&message, seen) {
                Ok(None) => (Reply::Accepted, Some(message)),
                Ok(Some(why)) => (Reply::NotKept { why }, Some(message)),
                Err(why) => (Reply::Refused { why }, None),
            },
        };
        if waiting >= 2 * WAITING_MAX {
            tracing::error!(waiting, "the loop does not come round: it is told of enough kills");
            return reply;
        }
        if let Some((command, reason)) = words {
            let result = match &reply {
                Reply::Refused { why } => format!("refused: {why}"),
                Reply::NotKept { why } => format!("accepted, not kept over a restart: {why}"),
                _ => "accepted".into(),
            };
            let (by, reason, from) = (plain(&call.by), plain(&reason), "control socket".into());
            let ticket = Some(Ticket::of(&self.waiting));
            let _ = self.inbox.send(Message::Asked { command, reason, by, from, result, ticket });
        }
        match message.map(|message| self.inbox.send(message).is_ok()) {
            Some(false) => Reply::Refused { why: ENDING.into() },
            told => {
                self.accepted = told.map(|_| Instant::now()).or(self.accepted);
                reply
            }
        }
    }

    /// A host that was frozen finds what was asked meanwhile all at once and in no order: nothing
    /// of it is done whose caller has given up, and no release that was asked for before a kill.
    fn outdated(&self, call: &Call) -> Option<Reply> {
        let asked = SystemTime::UNIX_EPOCH + Duration::from_millis(call.asked_ms?);
        let age = SystemTime::now().duration_since(asked).unwrap_or_default();
        let refused = |why: String| Some(Reply::Refused { why });
        if age > asking::TAKEN && !call.request.is_kill() {
            return refused(format!("it was asked {} ms ago: ask again", age.as_millis()));
        }
        if call.request.is_release() && self.latch.was_set_after(asked) {
            return refused("a kill came after it was asked: ask again if it still holds".into());
        }
        None
    }

    /// Why it is not kept over a restart, if it is accepted and is not.
    fn accept(&mut self, message: &Message, seen: Option<Seen>) -> Result<Option<String>, String> {
        let (command, reason) = match message {
            Message::Command(command, reason) => (command, reason),
            Message::Retry(..) if self.ending => return Err(ENDING.into()),
            _ => return Ok(None),
        };
        let whole = match command {
            OperatorCommand::SetMode { scope: Scope::Host, mode } => Some(*mode),
            _ => None,
        };
        // a kill needs no loop: the latch holds, and a restart finds it
        if self.ending && whole != Some(TradingMode::Halted) {
            return Err(ENDING.into());
        }
        if let OperatorCommand::ResumeReducing { scope: Scope::Host } = command {
            self.reducing = seen;
            return Ok(None);
        }
        whole.map_or(Ok(None), |mode| move_latch(&self.latch, mode, (reason, seen)))
    }
}

const ENDING: &str = "the host is ending";

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// The latch of the host, before the loop hears of it: when this is answered nothing opens.
/// Tells why a restart may forget it, where that is so.
fn move_latch(
    latch: &KillLatch,
    mode: TradingMode,
    (reason, seen): (&str, Option<Seen>),
) -> Result<Option<String>, String> {
    match mode {
        TradingMode::Halted => Ok(latch.set(reason).err().map(|error| {
            tracing::error!(%error, "the kill latch is set, and a restart may forget it");
            error.to_string()
        })),
        TradingMode::Running => {
            let released = latch.release_as(&seen.unwrap_or_else(|| latch.seen()));
            released.map_err(|e| format!("the kill latch stays: its file says {e}"))?;
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// What a command may be about.
const ANY: &[&str] = &["strategy", "account", "instrument"];

#[cfg(test)]
mod tests;
