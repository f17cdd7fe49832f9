//! A host at work: the loop paced by the wall clock, watched and commanded from outside.
//!
//! One thread owns the loop. The control thread answers from published views and hands commands
//! over; the reload thread notices, checks, compiles and tries components, and hands over what may
//! be swapped in. Neither touches the engine.

mod begin;
mod clock;
mod control;
mod found;
mod journal;
mod lock;
mod message;
mod pace;
mod publish;
mod reload;
mod signals;
mod swaps;
mod wind_up;

pub(crate) use clock::{clock, system};
pub use clock::{since_start, wall};
pub use control::{Reply, Request, ask, ask_within, socket_path};
pub(crate) use journal::{goes_on, ids_beyond, ran};
pub(crate) use lock::lock;
pub use message::{Message, Told};
pub use pace::Pacer;
pub(crate) use signals::catch_kills;

use crate::command::Failure;
use crate::config::Config;
use crate::latch::KillLatch;
use crate::recording;
use crate::wiring::{Host, Loaded};
use begin::{Begun, host, note_components};
use hedgerow_driver::{OnJournalFailure, Progress};
use hedgerow_engine::OperatorCommand;
use hedgerow_model::view::HostView;
use hedgerow_model::{Duration, Fact, Scope, StrategyId, TradingMode, printable};
use hedgerow_simulator::readers::FileReport;
use hedgerow_store::SqliteJournal;
use reload::Reload;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// How often views are published.
const PUBLISH: std::time::Duration = std::time::Duration::from_millis(100);
/// Inputs handled between two looks at messages.
const STRETCH: usize = 64;

/// What outsiders see: the newest view, and when it was made.
pub type Shared = Arc<Mutex<(Arc<HostView>, Instant)>>;

/// How a run ends.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// The last view.
    pub view: HostView,
    /// What each file of the recording contained; nothing without one.
    pub files: Vec<FileReport>,
    /// From the start of the process to the first fill.
    pub first_fill: Option<std::time::Duration>,
    /// From when market data was set aside for the successor until it begins with it, by swap.
    pub pauses: Vec<std::time::Duration>,
}

/// What the caller of a run wants.
pub struct Options<'a> {
    /// End after this much wall time.
    pub limit: Option<std::time::Duration>,
    /// Where to record the run.
    pub record: Option<&'a Path>,
    /// Called with each published view.
    pub show: &'a mut dyn FnMut(&HostView),
}

/// Runs a host until its data ends, its time is over, or it is told to stop.
pub fn run(config: &Config, mut loaded: Loaded, options: Options<'_>) -> Result<Ended, Failure> {
    let shared: Shared =
        Arc::new(Mutex::new((Arc::new(publish::first(config, &loaded)), Instant::now())));
    let (sender, inbox) = channel();
    std::fs::create_dir_all(&config.state)
        .map_err(|e| Failure::new(format!("state folder {}: {e}", config.state.display())))?;
    let _lock = lock(&config.state)?;
    options.record.map_or(Ok(()), recording::check)?;
    let (latch, desk, killed) = open_latch(config, &sender)?;
    let kept = latch.clone();
    let shared_too = Arc::clone(&shared);
    let traded = control::Traded::of(config, &loaded);
    let control = control::serve(&config.state, (shared_too, traded), Arc::clone(&desk))?;
    let end = sender.clone();
    let Begun { mut host, mut pacer, folded, snapshots, files } =
        host(config, &mut loaded, &sender, (kept, options.record.is_some()))?;
    host.on_journal_failure(OnJournalFailure::Hold);
    host.tell_people();
    let reload = reload::watch(config, &loaded, sender, options.record);
    if let Some(folder) = options.record {
        recording::begin(folder, config, &loaded, &mut host, folded)?;
    }
    if let (Some(until), true) = (pacer.warm_until(config.warm_up), !config.data.is_live()) {
        host.warm_up(until)?;
        pacer.begin_at(until);
    }
    // until here nothing is under way: a signal ends the process at once, however long it reads
    signals::end_in_order(end);
    note_components(&mut host, &loaded)?;
    killed.into_iter().for_each(|why| begins_halted(&mut host, &why));
    keep_out(&mut host, &loaded)?;
    let expected = found::Expected::of(config, host.engine());
    host.start()?;
    let mut session = Session {
        host: &mut host,
        pacer,
        shared,
        inbox,
        desk,
        latch,
        swaps: VecDeque::new(),
        probation: config.probation,
        cut: None,
        reload: &reload,
        judged: BTreeMap::new(),
        tried: BTreeSet::new(),
        folder: Vec::new(),
        began: Instant::now(),
        published: None,
        reducing: false,
        receipts: Vec::new(),
        expected,
        ended: Ended { files, ..Ended::default() },
    };
    let result = match session.run(options) {
        Ok(()) => session.wind_up(),
        Err(failure) => {
            session.give_up(&failure);
            Err(failure)
        }
    };
    signals::host_is_gone();
    let ended = session.ended;
    // one more of these, of all that was committed
    drop((snapshots, reload));
    drop(control);
    result.map(|()| ended)
}

/// The latch, and the desk that hears who sets it without its help; why it is set, if it is.
fn open_latch(
    config: &Config,
    sender: &Sender<Message>,
) -> Result<(KillLatch, control::SharedDesk, Option<String>), Failure> {
    signals::catch_kills(&config.state);
    let (latch, killed) = KillLatch::open(&config.state)
        .map_err(|e| Failure::new(format!("the kill latch in {}: {e}", config.state.display())))?;
    let desk = control::Desk::new(sender.clone(), latch.clone());
    let known = Arc::downgrade(&desk);
    let tell = move |why: String| {
        if let Some(desk) = known.upgrade() {
            control::hear_kill(&desk, &why, ("latch's file", "accepted".to_owned()));
        }
    };
    latch.watch(tell).map_err(Failure::new)?;
    signals::kill_by_signal(latch.clone(), Arc::clone(&desk));
    Ok((latch, desk, killed))
}

/// A host whose latch is set halts; said once, so that a flatten that was asked for since goes on.
fn begins_halted(host: &mut Host<SqliteJournal>, why: &str) {
    tracing::warn!(%why, "the kill latch is set: nothing opens before `hedgerow resume`");
    if host.engine().host_mode() < TradingMode::Halted {
        let (command, reason) = halt(why);
        host.command(command, reason);
    }
}

/// Strategies that do not start from where the journal ends.
fn keep_out(host: &mut Host<SqliteJournal>, loaded: &Loaded) -> Result<(), Failure> {
    let refused = host.host_mut().take_refused().into_iter().map(|(place, failure)| {
        let strategy = StrategyId(u32::try_from(place).unwrap_or(u32::MAX));
        (strategy, format!("it does not start: {failure}"))
    });
    for (strategy, why) in refused.chain(loaded.untried.iter().cloned()) {
        tracing::error!(%strategy, %why, "in quarantine");
        host.keep_out(strategy, why)?;
    }
    Ok(())
}

/// What the loop is told when the latch was set.
fn halt(why: &str) -> (OperatorCommand, String) {
    let (scope, mode) = (Scope::Host, TradingMode::Halted);
    (OperatorCommand::SetMode { scope, mode }, format!("kill latch: {why}"))
}

struct Session<'h> {
    host: &'h mut Host<SqliteJournal>,
    pacer: Pacer,
    shared: Shared,
    inbox: Receiver<Message>,
    desk: control::SharedDesk,
    latch: KillLatch,
    swaps: VecDeque<swaps::Waiting>,
    /// How many calls, or how long, a new component is watched.
    probation: (u64, Duration),
    reload: &'h Reload,
    /// By strategy, the newest file that was judged and how many were.
    judged: BTreeMap<StrategyId, (String, u64)>,
    /// Strategies beside which a candidate is tried now.
    tried: BTreeSet<StrategyId>,
    /// What is odd about the plugins folder.
    folder: Vec<String>,
    /// A swap under way, and since when.
    cut: Option<(String, Instant)>,
    began: Instant,
    published: Option<Instant>,
    ended: Ended,
    /// The host was told to reduce again: its latch goes when its mode holds what opens.
    reducing: bool,
    /// What the journal said of accounts whose venues have not told yet.
    expected: found::Expected,
    /// Who waits until what was asked is done and in the journal.
    receipts: Vec<Sender<bool>>,
}

impl Session<'_> {
    fn run(&mut self, options: Options<'_>) -> Result<(), Failure> {
        let Options { limit, show, .. } = options;
        loop {
            let mut stop = limit.is_some_and(|limit| self.began.elapsed() >= limit);
            stop |= self.take_all()?;
            self.swap_if_ready()?;
            if stop {
                self.obey_all()?;
            }
            if let Some(why) = self.host.venue().inner().refusal() {
                return Err(Failure { code: crate::command::exit::CONFIG, message: why });
            }
            let progress = self.stretch()?;
            self.release_for_reducing();
            self.give_receipts();
            let due = self.published.is_none_or(|at| at.elapsed() >= PUBLISH);
            if due || stop || progress == Progress::Finished {
                self.publish()?;
                show(&self.ended.view);
            }
            match progress {
                _ if stop => return Ok(()),
                Progress::Finished => return Ok(()),
                Progress::Worked => {}
                Progress::Waiting(next) => {
                    let wait = self.pacer.until(next).min(std::time::Duration::from_millis(20));
                    match self.inbox.recv_timeout(wait) {
                        Ok(message) => {
                            if self.take(message)? {
                                self.obey_all()?;
                                self.publish()?;
                                show(&self.ended.view);
                                return Ok(());
                            }
                        }
                        Err(RecvTimeoutError::Timeout) => {}
                        // without helpers there is nobody to wait for
                        Err(RecvTimeoutError::Disconnected) => std::thread::sleep(wait),
                    }
                }
            }
        }
    }

    /// The loop met an error: nothing opens any more, and what is open is canceled as far as that
    /// still goes.
    fn give_up(&mut self, why: &Failure) {
        tracing::error!(why = %why.message, "the host ends: what is open is canceled");
        let (scope, mode) = (Scope::Host, TradingMode::Halted);
        let reason = format!("the host met an error: {}", why.message);
        self.host.command(OperatorCommand::SetMode { scope, mode }, reason);
        let ended = [
            self.obey_all(),
            self.wind_up(),
            self.host.stop_now().map_err(Failure::from),
            self.host.try_journal().map_err(Failure::from),
        ];
        for more in ended.into_iter().filter_map(Result::err) {
            tracing::error!(why = %more.message, "while ending");
        }
    }

    fn stretch(&mut self) -> Result<Progress, Failure> {
        let horizon = self.pacer.horizon();
        for _ in 0..STRETCH {
            let progress = self.host.advance(horizon)?;
            if self.ended.first_fill.is_none() && self.fills() > 0 {
                self.ended.first_fill = Some(since_start());
            }
            if progress != Progress::Worked {
                return Ok(progress);
            }
        }
        Ok(Progress::Worked)
    }

    /// What was accepted before a stop is still done: a halt must have left its cancels.
    fn obey_all(&mut self) -> Result<(), Failure> {
        for _ in 0..100_000 {
            if !self.host.has_commands() {
                break;
            }
            self.host.advance(self.pacer.horizon())?;
        }
        Ok(())
    }

    fn command(&mut self, command: OperatorCommand, reason: String) {
        match command {
            OperatorCommand::ResumeReducing { scope: Scope::Host } => self.reducing = true,
            OperatorCommand::SetMode { scope: Scope::Host, .. } => self.reducing = false,
            _ => {}
        }
        self.host.command(command, reason);
    }

    fn release_for_reducing(&mut self) {
        if self.reducing && !self.host.has_commands() {
            let holds = self.host.engine().host_mode() == TradingMode::ReduceOnly;
            self.reducing = holds && !control::release_for_reducing(&self.desk);
        }
    }

    /// What was asked is done and committed, or held for a journal that cannot be written.
    fn give_receipts(&mut self) {
        if !self.host.has_commands() {
            let kept = self.host.unwritten() == 0;
            // whoever waited may have gone
            for receipt in self.receipts.drain(..) {
                let _ = receipt.send(kept);
            }
        }
    }

    fn fills(&self) -> u64 {
        self.host.venue().inner().fill_count()
    }

    /// Everything that has come; whether the run is to end.
    fn take_all(&mut self) -> Result<bool, Failure> {
        let mut stop = false;
        while let Ok(message) = self.inbox.try_recv() {
            stop |= self.take(message)?;
        }
        Ok(stop)
    }

    fn take(&mut self, message: Message) -> Result<bool, Failure> {
        match message {
            Message::Stop => return Ok(true),
            Message::Command(command, reason) => self.command(command, reason),
            Message::Answered => {}
            Message::Asked { command, reason, by, from, result, ticket: _held } => {
                self.host.note(Fact::Asked { command, reason, by, from, result })?;
            }
            Message::Recent(strategy, hash, answer) => {
                let _ = answer.send(self.known_of(strategy, &hash));
            }
            Message::Retry(strategy, why) => self.retry(strategy, &why)?,
            Message::Swap(strategy, plugin) => {
                self.wants_in(strategy, *plugin);
            }
            Message::Trial(strategy, begins) => {
                match begins {
                    true => self.tried.insert(strategy),
                    false => self.tried.remove(&strategy),
                };
            }
            Message::Receipt(receipt) => self.receipts.push(receipt),
            Message::Folder(odd) => self.folder = odd,
            Message::Plugin(strategy, step, hash, detail) => {
                let judged = self.judged.get(&strategy).map_or(0, |(_, count)| *count);
                self.judged.insert(strategy, (hash.clone(), judged.saturating_add(1)));
                // texts of files are in it, which may be anybody's
                let detail = printable(&detail, 1_000);
                self.host.note(Fact::Plugin { strategy, step, hash, detail })?;
            }
        }
        Ok(false)
    }
}
