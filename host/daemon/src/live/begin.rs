//! The beginning of a run: a host over data in this process, or over a venue in another.

use super::{Message, clock, journal, wall};
use crate::command::Failure;
use crate::config::{Config, DataSource};
use crate::data;
use crate::folded::Folded;

use crate::latch::KillLatch;
use crate::link::{self, Market, Trading};
use crate::live::pace::Pacer;
use crate::wiring::{self, Host, Loaded, Plan};
use hedgerow_driver::Batching;
use hedgerow_engine::{Engine, Snapshot};
use hedgerow_model::{Fact, HostTime, PluginStep, StrategyId};
use hedgerow_ports::Journal as _;
use hedgerow_simulator::readers::FileReport;
use hedgerow_store::{Snapshots, SqliteJournal};
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// A host put together, and what of it a recording must know.
pub(super) struct Begun {
    pub(super) host: Host<SqliteJournal>,
    pub(super) pacer: Pacer,
    /// What was folded, for a recording that wants it, and whether ids go on from beyond it.
    pub(super) folded: (Option<Snapshot>, bool),
    /// What each file of a recording contained.
    pub(super) files: Vec<FileReport>,
    /// Makes snapshots of a journal that another host goes on with.
    pub(super) snapshots: Option<Snapshots>,
}

/// Puts the host together: over data in this process with a fresh journal, or over a paper venue in
/// another with the journal of before.
pub(super) fn host(
    config: &Config,
    loaded: &mut Loaded,
    inbox: &Sender<Message>,
    (latch, records): (KillLatch, bool),
) -> Result<Begun, Failure> {
    let (batching, rings) = (Batching::Adaptive, true);
    if let DataSource::Socket { sockets } = &config.data {
        let (mut journal, goes_on) = journal::go_on(config)?;
        let ran = journal::ran(config)?;
        // where nothing ever began there is nobody to be kept from their orders
        let goes_on = goes_on && !ran.is_empty();
        wiring::go_on_with(config, loaded, &ran);
        let fresh = wiring::engine_config(config, loaded);
        let mut engine = Folded::of(&journal, fresh.clone())?;
        let start = HostTime::from_nanos(clock(engine.now().as_nanos()));
        journal.boot(start).map_err(Failure::new)?;
        let remote = link::connect(sockets, config, &wiring::trades(config, loaded))?;
        let (feed, venue) = (Market::Remote(remote.feed), Trading::Remote(remote.venue));
        if !goes_on {
            let facts = journal::first_ids(config, start);
            journal.commit(&facts).map_err(Failure::new)?;
            engine.restore(&facts);
        }
        let inbox = inbox.clone();
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            let _ = inbox.send(Message::Answered);
        });
        let folded = (records.then(|| engine.snapshot()), goes_on);
        if goes_on {
            let beyond = journal::ids_beyond(&engine, config, start);
            journal.commit(&beyond).map_err(Failure::new)?;
            engine.restore(&beyond);
        }
        let snapshots = Some(journal::snapshots(config, fresh)?);
        let (engine, wake) = (Some(engine), Some(wake));
        let plan = Plan { journal, engine, goes_on, batching, rings, latch, wake };
        let mut host = wiring::assemble(config, loaded, feed, venue, plan)?;
        host.begin_at(start);
        let (pacer, files) = (Pacer::live(), Vec::new());
        return Ok(Begun { host, pacer, folded, files, snapshots });
    }
    let start = HostTime::from_nanos(wall());
    let opened = data::open(config, start.as_nanos())?;
    data::check_warm_up(config, &opened)?;
    opened.log();
    let (engine, goes_on, wake) = (None, false, None);
    let fresh = Engine::new(wiring::engine_config(config, loaded));
    // a component may refuse: the journals of earlier runs give way only to a run that begins
    let strategies = wiring::start(config, loaded, &fresh, (rings, goes_on))?;
    let mut journal = journal::begin(config)?;
    journal.boot(start).map_err(Failure::new)?;
    let plan = Plan { journal, engine, goes_on, batching, rings, latch, wake };
    let mut host = wiring::over_paper(config, &opened.tape, (fresh, strategies), plan)?;
    let first = opened.span.map_or(start, |(first, _)| HostTime::from_nanos(first));
    host.begin_at(first);
    let pacer = Pacer::new(first, config.speed_thousandths);
    Ok(Begun { host, pacer, folded: (None, false), files: opened.files, snapshots: None })
}

/// Which component each strategy starts with, unless the journal says so already.
pub(super) fn note_components(
    host: &mut Host<SqliteJournal>,
    loaded: &Loaded,
) -> Result<(), Failure> {
    for (place, plugin) in loaded.plugins.iter().enumerate() {
        let strategy = StrategyId(u32::try_from(place).unwrap_or(u32::MAX));
        // what was refused may have been put right while no host ran
        let is_right = loaded.in_folder.get(place) == Some(&plugin.hash);
        let is_news = is_right && host.engine().is_refused(strategy);
        if host.engine().component(strategy) != Some(&plugin.hash) || is_news {
            let known = &plugin.description;
            let detail = format!("{} {}", known.name, known.version);
            let (step, hash) = (PluginStep::Loaded, plugin.hash.clone());
            host.note(Fact::Plugin { strategy, step, hash, detail })?;
        }
    }
    Ok(())
}
