//! A host at work: the loop paced by the wall clock, watched and commanded from outside.
//!
//! One thread owns the loop. The control thread answers from published views and hands commands
//! over; the reload thread notices, checks, compiles and tries components, and hands over what may
//! be swapped in. Neither touches the engine.

mod control;
mod pace;
mod reload;

pub use control::{Reply, Request, ask, socket_path};
pub use pace::Pacer;

use crate::command::Failure;
use crate::config::{Config, DataSource};
use crate::data;
use crate::link::{self, Market, Trading};
use crate::wiring::{self, Host, Loaded, Plan};
use hedgerow_driver::{Batching, OnJournalFailure, Progress, Swap, Swapped};
use hedgerow_engine::OperatorCommand;
use hedgerow_model::view::{HostView, StrategyState};
use hedgerow_model::{AccountId, Duration, Fact, HostTime, Stamped, StrategyId};
use hedgerow_plugins::Plugin;
use hedgerow_ports::{Journal as _, StrategyHost as _};
use hedgerow_store::SqliteJournal;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// How often views are published.
const PUBLISH: std::time::Duration = std::time::Duration::from_millis(100);
/// Inputs handled between two looks at messages.
const STRETCH: usize = 64;

/// What reaches the loop from the other threads.
pub enum Message {
    /// An operator's command.
    Command(OperatorCommand, String),
    /// End the run.
    Stop,
    /// Recent events of a strategy, for a trial.
    Ring(StrategyId, Sender<(Option<hedgerow_plugins::Ring>, u32)>),
    /// A component that may be swapped in.
    Swap(StrategyId, Box<Plugin>),
    /// Something to journal about a component.
    Plugin(StrategyId, &'static str, String, String),
}

/// What outsiders see: the newest view.
pub type Shared = Arc<Mutex<Arc<HostView>>>;

/// How a run ends.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// The last view.
    pub view: HostView,
    /// From the start of the loop to the first fill.
    pub first_fill: Option<std::time::Duration>,
    /// Time between the last event of the old component and the first of the new one, by swap.
    pub pauses: Vec<std::time::Duration>,
}

/// What the caller of a run wants.
pub struct Options<'a> {
    /// End after this much wall time.
    pub limit: Option<std::time::Duration>,
    /// Called with each published view.
    pub show: &'a mut dyn FnMut(&HostView),
}

/// Host time: the wall clock at the first call, and the monotonic clock since. A step of the
/// system's clock never moves it.
#[must_use]
pub fn wall() -> u64 {
    clock(0)
}

/// Host time, begun at `at_least` if the system's clock is behind it: time never falls over a
/// restart.
fn clock(at_least: u64) -> u64 {
    static BEGAN: OnceLock<(Instant, u64)> = OnceLock::new();
    let (began, first) = BEGAN.get_or_init(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let system = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        (Instant::now(), system.max(at_least))
    });
    let passed = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    first.saturating_add(passed)
}

fn fresh_journal(config: &Config) -> Result<SqliteJournal, Failure> {
    let path = config.state.join("journal.sqlite");
    if path.exists() {
        // the paper venue's memory died with its process: an old journal is kept, not continued
        let old = SqliteJournal::open(&path).map_err(Failure::new)?;
        old.close().map_err(Failure::new)?;
        let kept = config.state.join(format!("journal-{}.sqlite", wall()));
        std::fs::rename(&path, kept).map_err(Failure::new)?;
    }
    let mut journal = SqliteJournal::open(&path).map_err(Failure::new)?;
    journal.commit(&named(config)).map_err(Failure::new)?;
    Ok(journal)
}

fn named(config: &Config) -> Vec<Stamped> {
    let time = HostTime::from_nanos(wall());
    names(config).into_iter().map(|fact| Stamped { time, fact }).collect()
}

/// The journal of an earlier run of the same config, to go on with; and its facts.
fn continued_journal(config: &Config) -> Result<(SqliteJournal, Vec<Stamped>), Failure> {
    let path = config.state.join("journal.sqlite");
    let mut journal = SqliteJournal::open(&path).map_err(Failure::new)?;
    let facts = journal.read().map_err(Failure::new)?;
    let names = names(config);
    let known: Vec<&Fact> = facts
        .iter()
        .map(|stamped| &stamped.fact)
        .filter(|fact| matches!(fact, Fact::Named { .. }))
        .collect();
    let newest = facts.iter().map(|stamped| stamped.time.as_nanos()).max().unwrap_or(0);
    let _ = clock(newest);
    if facts.is_empty() {
        journal.commit(&named(config)).map_err(Failure::new)?;
    } else if !known.iter().copied().eq(names.iter()) {
        // ids are places in the config: facts under other names would go to the wrong strategy
        let message = format!(
            "{}: the journal was written with other venues, accounts, instruments or strategies; \
             set them back or use another state folder",
            path.display()
        );
        return Err(Failure { code: crate::command::exit::CONFIG, message });
    }
    Ok((journal, facts))
}

/// What each id stands for.
fn names(config: &Config) -> Vec<Fact> {
    let of = |what: &str, names: Vec<String>| -> Vec<Fact> {
        let named = |(id, name): (u32, String)| Fact::Named { what: what.into(), id, name };
        (0..).zip(names).map(named).collect()
    };
    // what an id means is more than a name: facts in other units or of another account are not ours
    let instruments = config.instruments.iter().map(|(i, _)| {
        let name = crate::config::instrument_name(config, i);
        format!("{name} {:?} {:?} {:?} x{}", i.kind, i.price_scale, i.quantity_scale, i.multiplier)
    });
    let strategies = config
        .strategies
        .iter()
        .map(|s| format!("{} {} on {} {:?}", s.name, s.plugin, s.account, s.roles));
    let mut all = of("venue", config.venues.iter().map(|(name, _)| name.clone()).collect());
    all.extend(of("account", config.accounts.clone()));
    all.extend(of("instrument", instruments.collect()));
    all.extend(of("strategy", strategies.collect()));
    all
}

/// Puts the host together: over data in this process with a fresh journal, or over a paper venue in
/// another with the journal of before.
fn host(config: &Config, loaded: &Loaded) -> Result<(Host<SqliteJournal>, Pacer), Failure> {
    let (batching, rings) = (Batching::Adaptive, true);
    if let DataSource::Socket { path } = &config.data {
        let (mut journal, facts) = continued_journal(config)?;
        let start = HostTime::from_nanos(wall());
        journal.boot(start).map_err(Failure::new)?;
        let id = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let accounts = (0..config.accounts.len()).map(|place| AccountId(id(place))).collect();
        let instruments = config.instruments.iter().map(|(i, _)| i.id).collect();
        let remote = link::connect(path, accounts, instruments).map_err(Failure::new)?;
        let (feed, venue) = (Market::Remote(remote.feed), Trading::Remote(remote.venue));
        let goes_on = !facts.is_empty();
        let plan = Plan { journal, facts, goes_on, batching, rings };
        let mut host = wiring::assemble(config, loaded, feed, venue, plan)?;
        host.begin_at(start);
        return Ok((host, Pacer::live()));
    }
    let start = HostTime::from_nanos(wall());
    let opened = data::open(config, start.as_nanos())?;
    let mut journal = fresh_journal(config)?;
    journal.boot(start).map_err(Failure::new)?;
    let plan = Plan { journal, facts: Vec::new(), goes_on: false, batching, rings };
    let host = wiring::build(config, loaded, &opened.tape, plan)?;
    let first = opened.span.map_or(start, |(first, _)| HostTime::from_nanos(first));
    Ok((host, Pacer::new(first, config.speed_thousandths)))
}

/// Runs a host until its data ends, its time is over, or it is told to stop.
pub fn run(config: &Config, loaded: &Loaded, options: Options<'_>) -> Result<Ended, Failure> {
    let shared: Shared = Arc::default();
    let (sender, inbox) = channel();
    std::fs::create_dir_all(&config.state).map_err(Failure::new)?;
    let _lock = control::lock(&config.state)?;
    let control = control::serve(&config.state, Arc::clone(&shared), sender.clone())?;
    let (mut host, pacer) = host(config, loaded)?;
    host.on_journal_failure(OnJournalFailure::Hold);
    let reload = reload::watch(config, loaded, sender);
    host.start()?;
    let mut session = Session {
        host: &mut host,
        pacer,
        shared,
        inbox,
        swaps: VecDeque::new(),
        began: Instant::now(),
        published: None,
        ended: Ended::default(),
    };
    let result = session.run(options);
    let ended = session.ended;
    drop(reload);
    drop(control);
    result.map(|()| ended)
}

struct Session<'h> {
    host: &'h mut Host<SqliteJournal>,
    pacer: Pacer,
    shared: Shared,
    inbox: Receiver<Message>,
    swaps: VecDeque<(StrategyId, Plugin)>,
    began: Instant,
    published: Option<Instant>,
    ended: Ended,
}

impl Session<'_> {
    fn run(&mut self, options: Options<'_>) -> Result<(), Failure> {
        let Options { limit, show } = options;
        loop {
            let mut stop = limit.is_some_and(|limit| self.began.elapsed() >= limit);
            while let Ok(message) = self.inbox.try_recv() {
                stop |= self.take(message)?;
            }
            self.swap_if_ready()?;
            if stop {
                self.obey_all()?;
            }
            let progress = self.stretch()?;
            let due = self.published.is_none_or(|at| at.elapsed() >= PUBLISH);
            if due || stop || progress == Progress::Finished {
                self.publish();
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
                                self.publish();
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

    fn stretch(&mut self) -> Result<Progress, Failure> {
        let horizon = self.pacer.horizon();
        for _ in 0..STRETCH {
            let progress = self.host.advance(horizon)?;
            if self.ended.first_fill.is_none() && self.fills() > 0 {
                self.ended.first_fill = Some(self.began.elapsed());
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

    fn fills(&self) -> u64 {
        self.host.venue().fill_count()
    }

    fn take(&mut self, message: Message) -> Result<bool, Failure> {
        match message {
            Message::Stop => return Ok(true),
            Message::Command(command, reason) => self.host.command(command, reason),
            Message::Ring(strategy, answer) => {
                let version = self.host.host().state_version(strategy);
                let _ = answer.send((self.host.host().ring(strategy), version));
            }
            Message::Swap(strategy, plugin) => {
                // a newer one replaces one that waits
                self.swaps.retain(|(waiting, _)| *waiting != strategy);
                self.swaps.push_back((strategy, *plugin));
            }
            Message::Plugin(strategy, step, hash, detail) => {
                self.host.note(Fact::Plugin { strategy, step: step.into(), hash, detail })?;
            }
        }
        Ok(false)
    }

    fn swap_if_ready(&mut self) -> Result<(), Failure> {
        if self.swaps.is_empty() || !self.host.is_ready_to_swap() {
            return Ok(());
        }
        let Some((strategy, plugin)) = self.swaps.pop_front() else {
            return Ok(());
        };
        let name = plugin.hash.clone();
        self.host.host_mut().set_candidate(strategy, plugin);
        let terms = Swap { calls: 1_000, time: Duration::from_secs(10) };
        let began = Instant::now();
        match self.host.swap(strategy, terms)? {
            Swapped::Done => {
                let pause = began.elapsed();
                self.ended.pauses.push(pause);
                let pause_us = pause.as_micros();
                tracing::info!(%strategy, hash = %name, pause_us, "component swapped in");
            }
            Swapped::Refused(why) => {
                tracing::warn!(%strategy, hash = %name, %why, "component refused");
            }
        }
        Ok(())
    }

    fn publish(&mut self) {
        let mut view = self.host.view();
        view.banner = if self.host.is_journal_down() {
            "SIM  THE JOURNAL CANNOT BE WRITTEN: NOTHING OPENS".into()
        } else {
            "SIM".into()
        };
        for strategy in &mut view.strategies {
            if let Some(plugin) = self.host.host().plugin(strategy.id) {
                let known = &plugin.description;
                strategy.component = format!("{} {}", known.name, known.version);
                strategy.hash = plugin.hash.clone();
            }
            let callable =
                matches!(strategy.state, StrategyState::Running | StrategyState::Probation);
            if callable {
                strategy.status = self.host.host_mut().status(strategy.id).ok();
            }
        }
        self.published = Some(Instant::now());
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(view.clone());
        self.ended.view = view;
    }
}
