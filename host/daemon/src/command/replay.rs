//! `hedgerow replay`: a recorded run done again. With the components that ran, every effect must
//! follow; with another component in a strategy's place, its intents are compared, or, from the
//! first difference on, a simulated venue answers it.

use super::{Failure, exit, plugin};
use crate::config::{self, Config, DataSource};
use crate::folded::Folded;
use crate::recording::component;
use crate::wiring::{self, Loaded};
use hedgerow_driver::Progress;
use hedgerow_driver::replay::{Aim, Replay, ReplayError, Replayed};
use hedgerow_engine::{Effects, Engine};
use hedgerow_model::view::PositionView;
use hedgerow_model::{
    AccountId, Amend, Decimal, HostTime, Input, Order, OrderStatus, StrategyId, Tick, WireId,
};
use hedgerow_plugins::{Limits, Mode, Plugin, PluginHost, WasmEngine};
use hedgerow_ports::{Record, Recording as _};
use hedgerow_simulator::{PaperVenue, Request, Tape};
use hedgerow_store::{Preface, RecordingReader};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Options {
    /// The recording's folder.
    pub recording: PathBuf,
    /// Another component, and the strategy whose place it takes.
    pub plugin: Option<(PathBuf, Option<String>)>,
    /// Whether a simulated venue answers from the first difference on.
    pub simulate: bool,
}

/// What a replay says.
#[derive(Debug, Serialize)]
pub struct Said {
    schema: u32,
    ticks: u64,
    inputs: u64,
    answers: u64,
    effects: u64,
    taken_from_the_recording: u64,
    until_ns: u64,
    /// What ended the recording before its end.
    damage: Option<String>,
    difference: Option<Different>,
    /// Why the comparison ends before the recording, without a difference.
    ended: Option<String>,
    simulated: Option<Simulated>,
}

#[derive(Debug, Serialize)]
struct Different {
    at_ns: u64,
    what: String,
}

/// What the strategy would have come to, beside what it came to.
#[derive(Debug, Serialize)]
struct Simulated {
    /// Data time of the simulated part, s.
    seconds: u64,
    recorded: Vec<PositionView>,
    simulated: Vec<PositionView>,
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        Self::new(error)
    }
}

/// All that a replay starts from.
struct Scene {
    config: Config,
    loaded: Loaded,
    preface: Preface,
    tested: Option<StrategyId>,
}

/// Plays a recording again. The failure of a replay that must be the same is told by
/// [`Said::code`].
pub fn replay(options: &Options) -> Result<Said, Failure> {
    let (reader, preface) = RecordingReader::open(&options.recording).map_err(Failure::new)?;
    let mut scene = scene(options, preface)?;
    let engine = engine(&scene)?;
    if let Some((file, _)) = &options.plugin {
        put_in_place(&mut scene, file)?;
    }
    // one that did not start then does not now; one that is tested must
    let goes_on = scene.preface.goes_on && options.plugin.is_none();
    let host = wiring::start(&scene.config, &scene.loaded, &engine, (false, goes_on))?;
    let aim = scene.tested.map_or(Aim::Same, Aim::Compare);
    let mut replay: Replay<RecordingReader, PaperVenue, PluginHost> =
        Replay::new(engine, scene.preface.began, host, reader, aim);
    let (folder, loaded) = (options.recording.clone(), &scene.loaded);
    let (sandbox, limits) = (loaded.engine.clone(), loaded.limits.clone());
    let mut provide = move |host: &mut PluginHost, strategy: StrategyId, hash: &str| {
        let path = component(&folder, hash);
        let plugin = recorded(&sandbox, &limits, &path, hash)?;
        host.set_candidate(strategy, plugin);
        Ok(())
    };
    let replayed = replay.run(&mut provide)?;
    let simulated = match (&replayed.difference, scene.tested) {
        (Some(_), Some(tested)) if options.simulate => {
            Some(simulate(options, &scene, &mut replay, tested)?)
        }
        _ => None,
    };
    Ok(said(replayed, damage(&options.recording)?, simulated))
}

fn said(replayed: Replayed, damage: Option<String>, simulated: Option<Simulated>) -> Said {
    let different = |d: hedgerow_driver::replay::Difference| Different {
        at_ns: d.time.as_nanos(),
        what: d.what,
    };
    Said {
        schema: 1,
        ticks: replayed.ticks,
        inputs: replayed.inputs,
        answers: replayed.answers,
        effects: replayed.effects,
        taken_from_the_recording: replayed.taken,
        until_ns: replayed.until.as_nanos(),
        damage,
        ended: replayed.ended,
        difference: replayed.difference.map(different),
        simulated,
    }
}

/// Reads a recording to its end for what damaged it.
fn damage(folder: &Path) -> Result<Option<String>, Failure> {
    let (mut reader, _) = RecordingReader::open(folder).map_err(Failure::new)?;
    while reader.next().map_err(Failure::new)?.is_some() {}
    Ok(reader.damage().map(str::to_owned))
}

fn scene(options: &Options, preface: Preface) -> Result<Scene, Failure> {
    let file = Path::new(&preface.config_file);
    let mut config = config::from_text(file, preface.config.clone())?;
    if preface.is_live {
        config.data = DataSource::Socket { sockets: Vec::new() };
    } else if config.data.is_live() {
        config.data = DataSource::Generated { seed: 0, events_per_s: 1 };
    }
    // by fuel: a deadline must not depend on how busy this machine is
    let engine = WasmEngine::new(Mode::Backtest).map_err(Failure::new)?;
    let limits = config.sandbox.clone();
    let load = |hash: &String| {
        let path = component(&options.recording, hash);
        recorded(&engine, &limits, &path, hash).map_err(Failure::new)
    };
    let plugins = preface.components.iter().map(load).collect::<Result<Vec<Plugin>, Failure>>()?;
    let tested = tested(options, &config)?;
    let (in_folder, untried) = (Vec::new(), Vec::new());
    let loaded = Loaded { engine, limits, plugins, cache: None, in_folder, untried };
    Ok(Scene { config, loaded, preface, tested })
}

/// A component of the recording, if it is the one that ran.
fn recorded(
    engine: &WasmEngine,
    limits: &Limits,
    path: &Path,
    hash: &str,
) -> Result<Plugin, String> {
    let shown = path.display();
    let loaded = wiring::load_one(engine, path, limits, None);
    let (plugin, _) = loaded.map_err(|e| format!("{shown}: {e}"))?;
    if plugin.hash != hash {
        return Err(format!("{shown} is not the component that ran: its hash is {}", plugin.hash));
    }
    Ok(plugin)
}

/// The strategy whose component is another one.
fn tested(options: &Options, config: &Config) -> Result<Option<StrategyId>, Failure> {
    let Some((_, name)) = &options.plugin else { return Ok(None) };
    let usage = |message: String| Failure { code: exit::USAGE, message };
    let place = match name {
        None if config.strategies.len() == 1 => 0,
        None => {
            let names: Vec<&str> = config.strategies.iter().map(|s| s.name.as_str()).collect();
            let names = names.join(", ");
            return Err(usage(format!("--strategy says in whose place: one of {names}")));
        }
        Some(name) => (config.strategies.iter().position(|known| known.name == *name))
            .ok_or_else(|| usage(format!("the recording has no strategy {name}")))?,
    };
    Ok(u32::try_from(place).ok().map(StrategyId))
}

fn engine(scene: &Scene) -> Result<Engine, Failure> {
    let config = wiring::engine_config(&scene.config, &scene.loaded);
    let mut engine = Folded::of_recording(&scene.preface, config)?;
    if scene.preface.goes_on {
        let began = scene.preface.began;
        let beyond = crate::live::ids_beyond(&engine, &scene.config, began);
        engine.restore(&beyond);
    }
    Ok(engine)
}

/// Puts another component in the place of the one that ran.
fn put_in_place(scene: &mut Scene, file: &Path) -> Result<(), Failure> {
    let Some(tested) = scene.tested else { return Ok(()) };
    let candidate = plugin::load(&scene.loaded.engine, &scene.loaded.limits, file)?;
    let Some(place) = scene.loaded.plugins.get_mut(tested.index()) else { return Ok(()) };
    let (known, new) = (&place.description, &candidate.description);
    wiring::wants_no_more(&known.wants, &new.wants)
        .map_err(|why| Failure::new(format!("{}: {why}", file.display())))?;
    *place = candidate;
    Ok(())
}

/// All market data of a recording, and what its run came to.
fn recorded_end(
    folder: &Path,
    scene: &Scene,
    tested: StrategyId,
) -> Result<(Vec<Tick>, Vec<PositionView>), Failure> {
    let (mut reader, _) = RecordingReader::open(folder).map_err(Failure::new)?;
    let (mut ticks, mut facts) = (Vec::new(), Vec::new());
    while let Some(record) = reader.next().map_err(Failure::new)? {
        match record {
            Record::Ticks(more) => ticks.extend(more),
            Record::Effects(effects) => facts.extend(RecordingReader::facts(&effects)),
            Record::Input(_) => {}
        }
    }
    let config = wiring::engine_config(&scene.config, &scene.loaded);
    let mut engine = Folded::of_recording(&scene.preface, config)?;
    engine.restore(&facts);
    let mut effects = Effects::default();
    for tick in &ticks {
        engine.handle(Input::Market(std::slice::from_ref(tick)), &mut effects);
        effects = Effects::default();
    }
    let view = engine.strategy_view(tested);
    Ok((ticks, view.map(|view| view.positions).unwrap_or_default()))
}

/// From the difference on: the rest of the market, and a venue that begins with what was held.
fn simulate(
    options: &Options,
    scene: &Scene,
    replay: &mut Replay<RecordingReader, PaperVenue, PluginHost>,
    tested: StrategyId,
) -> Result<Simulated, Failure> {
    let (ticks, recorded) = recorded_end(&options.recording, scene, tested)?;
    let config = &scene.config;
    let mut venue = wiring::paper_venue(config, &Tape::of(ticks));
    let from = replay.driver().now();
    hedgerow_ports::SimulatedVenue::advance(&mut venue, from);
    let sent = replay.sent_since();
    let engine = replay.driver().engine();
    for place in 0..config.strategies.len() {
        let strategy = StrategyId(u32::try_from(place).unwrap_or(u32::MAX));
        for (spec, position, _) in engine.positions(strategy) {
            let Some(account) = engine.account_of(strategy, spec.id) else { continue };
            venue.hold(account, spec.id, position.clone());
        }
        for order in engine.live_orders_of(strategy) {
            let amending = engine.amending(strategy, order.request.number);
            take_over(&mut venue, from, (order, amending), &sent);
        }
    }
    replay.set_free(venue)?;
    let driver = replay.driver();
    while driver.advance(HostTime::NEVER)? != Progress::Finished {}
    let until = driver.now();
    let view = driver.engine().strategy_view(tested);
    let simulated = view.map(|view| view.positions).unwrap_or_default();
    Ok(Simulated { seconds: until.since(from).as_millis() / 1_000, recorded, simulated })
}

/// An order as it stands, and what was on its way to the venue at the difference.
fn take_over(
    venue: &mut PaperVenue,
    now: HostTime,
    (order, amending): (&Order, Option<Amend>),
    sent: &[(AccountId, WireId)],
) {
    if sent.contains(&(order.account, order.wire)) {
        return; // it comes with what was sent since
    }
    let (account, wire, instrument) = (order.account, order.wire, order.request.instrument);
    if matches!(order.status, OrderStatus::PendingNew | OrderStatus::Unknown) {
        venue.submit(now, Request::Place(order.clone()));
        return;
    }
    venue.rest_again(order);
    if let Some(amend) = amending {
        venue.submit(now, Request::Amend { account, instrument, wire, amend });
    }
    if order.status == OrderStatus::PendingCancel {
        venue.submit(now, Request::Cancel { account, instrument, wire });
    }
}

impl Said {
    /// Why it failed.
    #[must_use]
    pub fn failure(&self) -> &'static str {
        match self.difference {
            Some(_) => "the replay is not the recorded run",
            None => "the recording is damaged: it was done again as far as it can be read",
        }
    }

    /// The exit code: a run that must be the same and is not has failed.
    #[must_use]
    pub fn code(&self, options: &Options) -> i32 {
        let must = options.plugin.is_none();
        if must && (self.difference.is_some() || self.damage.is_some()) {
            exit::FAILED
        } else {
            exit::OK
        }
    }

    /// For a person.
    #[must_use]
    pub fn table(&self) -> String {
        use std::fmt::Write as _;
        let mut out = format!(
            "{} ticks, {} other inputs; {} answers of strategies and {} times effects, all as \
             recorded; {} things taken from the recording\n",
            self.ticks, self.inputs, self.answers, self.effects, self.taken_from_the_recording
        );
        if let Some(damage) = &self.damage {
            let _ = writeln!(out, "the recording is read up to where it is damaged: {damage}");
        }
        match &self.difference {
            None => out.push_str("no difference\n"),
            Some(Different { at_ns, what }) => {
                let _ = writeln!(out, "first difference at {at_ns} ns: {what}");
                out.push_str("nothing is claimed beyond it\n");
            }
        }
        if let Some(why) = &self.ended {
            let _ = writeln!(out, "compared up to here: {why}");
        }
        if let Some(Simulated { seconds, recorded, simulated }) = &self.simulated {
            let _ = writeln!(out, "simulated from there on, {seconds} s of market:");
            for (name, positions) in [("recorded", recorded), ("simulated", simulated)] {
                for p in positions {
                    let net = super::show::net(p);
                    let net =
                        net.map_or_else(|| "?".into(), |n: Decimal| n.round_dp(6).to_string());
                    let _ = writeln!(
                        out,
                        "  {name}: {} position {}, fees {}, net {net} {}",
                        p.name, p.quantity, p.fees, p.settle
                    );
                }
            }
        }
        out
    }
}
