//! Hosts and paper venues in processes of their own, and the ledger of their facts against the
//! venues' own.

use hedgerow_daemon::config::Config;
use hedgerow_daemon::link::{Truth, truth};
use hedgerow_end_to_end::{component, generated, host, root, run};
use hedgerow_model::view::HostView;
use hedgerow_model::{Decimal, Fact, InstrumentId, OrderFact, Position, Quantity, Stamped};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Processes of a test, ended with it.
pub(crate) struct Processes {
    folder: tempfile::TempDir,
    /// Whose processes they are, if not this one's user's.
    user: Option<u32>,
    pub(crate) venue: Option<Child>,
    /// Venues beside the first, each in a process of its own.
    pub(crate) others: Vec<(String, Child)>,
    pub(crate) host: Option<Child>,
    /// Before or after which of its orders the next host dies by itself, counted in halves.
    pub(crate) dies_at: Option<u64>,
}

impl Drop for Processes {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(self.path("log")).unwrap_or_default());
        }
        let others = self.others.iter_mut().map(|(_, child)| child);
        let named = [&mut self.host, &mut self.venue].into_iter().flatten();
        for child in named.chain(others) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Processes {
    pub(crate) fn new() -> Self {
        // slow ways, so that orders and answers are under way when something dies
        Self::at(4_000, (150, 30))
    }

    pub(crate) fn at(events_per_s: u32, (out, back): (u32, u32)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plugins = component("hedgerow-guest-probe").parent().unwrap().to_owned();
        let state = folder.path().join("state");
        let probes = [
            ("one", "hedgerow-guest-probe", "one", "A", ""),
            ("two", "hedgerow-guest-probe", "two", "B", ""),
        ];
        let config = generated(&plugins, &state, events_per_s, &probes)
            .replace("latency_out_ms = 1", &format!("latency_out_ms = {out}"))
            .replace("latency_back_ms = 1", &format!("latency_back_ms = {back}"));
        std::fs::write(folder.path().join("host.toml"), config).unwrap();
        let mut this =
            Self { folder, user: None, venue: None, others: Vec::new(), host: None, dies_at: None };
        this.start_venue();
        this
    }

    /// The host, once started, is not root's: even one who may read everything is told what it may
    /// not.
    pub(crate) fn give_up_root(&mut self) {
        const NOBODY: u32 = 65_534;
        if std::fs::metadata(self.folder.path()).unwrap().uid() != 0 {
            return;
        }
        self.user = Some(NOBODY);
        let mut all = vec![self.folder.path().to_owned()];
        while let Some(path) = all.pop() {
            std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            if path.is_dir() {
                all.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
    }

    /// Other strategies than the probes, before anything but the venue runs.
    pub(crate) fn strategies(&self, text: &str) {
        let file = self.path("host.toml");
        let config = std::fs::read_to_string(&file).unwrap();
        let end = config.find("[[strategy]]").unwrap();
        std::fs::write(file, format!("{}{text}", &config[..end])).unwrap();
    }

    /// A plugins folder of this test's own, with the probe in it.
    pub(crate) fn own_plugins(&self) -> PathBuf {
        let plugins = self.path("plugins");
        std::fs::create_dir(&plugins).unwrap();
        let probe = component("hedgerow-guest-probe");
        std::fs::copy(&probe, plugins.join("hedgerow-guest-probe.wasm")).unwrap();
        let config = std::fs::read_to_string(self.path("host.toml")).unwrap();
        let folder = probe.parent().unwrap();
        let (old, new) = (format!("plugins = {folder:?}"), format!("plugins = {plugins:?}"));
        assert!(config.contains(&old));
        std::fs::write(self.path("host.toml"), config.replace(&old, &new)).unwrap();
        plugins
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        let mut command = Command::new(host());
        // what a host says at its end is compared with the venue's books
        let said = (args[0] == "run").then(|| std::fs::File::create(self.path("said")).unwrap());
        command.stdout(said.map_or_else(Stdio::null, Stdio::from));
        command.args(args).current_dir(root()).env("HEDGEROW_LOG", "info");
        if let Some(at) = self.dies_at.filter(|_| args[0] == "run") {
            command.env("HEDGEROW_DIES_AT", at.to_string());
        }
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        let log = std::fs::File::options().create(true).append(true).open(self.path("log"));
        command.stderr(log.unwrap()).spawn().unwrap()
    }

    pub(crate) fn start_venue(&mut self) {
        let (config, socket) = (self.path("host.toml"), self.path("venue.sock"));
        let (config, socket) = (config.to_str().unwrap(), socket.to_str().unwrap());
        let books = self.path("books");
        let books = books.to_str().unwrap();
        let args = ["paper-venue", "--config", config, "--socket", socket, "--state", books];
        self.venue = Some(self.spawn(&args));
        wait("the venue listens", || Path::new(socket).exists());
    }

    /// Serves one venue of several in a process of its own, instead of the one for all.
    pub(crate) fn start_one_venue(&mut self, name: &str) {
        let paths = ["host.toml", &format!("{name}.sock"), &format!("books-{name}")];
        let paths = paths.map(|name| self.path(name).to_str().unwrap().to_owned());
        let [config, socket, books] = paths.each_ref().map(String::as_str);
        let args = ["paper-venue", "--config", config, "--socket", socket, "--state", books];
        let child = self.spawn(&[&args[..], &["--venue", name]].concat());
        self.others.push((name.to_owned(), child));
        wait("the venue listens", || Path::new(socket).exists());
    }

    pub(crate) fn end_venue(&mut self) {
        let mut venue = self.venue.take().unwrap();
        venue.kill().unwrap();
        venue.wait().unwrap();
        std::fs::remove_file(self.path("venue.sock")).unwrap();
    }

    pub(crate) fn start_host(&mut self) {
        let config = self.path("host.toml");
        let socket = |name: &str| self.path(name).to_str().unwrap().to_owned();
        // the one venue may be away
        let one = self.others.is_empty().then(|| socket("venue.sock"));
        let mut sockets: Vec<String> = one.into_iter().collect();
        for (name, _) in &self.others {
            sockets.push(format!("{name}={}", socket(&format!("{name}.sock"))));
        }
        let mut args = vec!["run", "--json", "--config", config.to_str().unwrap()];
        for socket in &sockets {
            args.extend(["--venue", socket.as_str()]);
        }
        self.host = Some(self.spawn(&args));
    }

    pub(crate) fn kill_host(&mut self) {
        let mut child = self.host.take().unwrap();
        assert!(child.try_wait().unwrap().is_none(), "the host ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// None too from a host that is starting: it has not folded its positions and orders yet.
    pub(crate) fn status(&self) -> Option<serde_json::Value> {
        let state = self.path("state");
        let output = run(&["status", "--json", "--state", state.to_str().unwrap()]);
        let view: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        let starting = serde_json::json!(["the host is starting"]);
        (view["conditions"] != starting).then_some(view)
    }

    /// Halts the host, waits until nothing is open, ends it, and asks the venue.
    pub(crate) fn settle(&mut self) -> (Truth, Vec<Stamped>) {
        self.halt();
        self.end()
    }

    /// Halts the host and waits until nothing is open.
    pub(crate) fn halt(&self) {
        let state = self.path("state");
        let state = state.to_str().unwrap();
        wait("the host answers", || run(&["kill", "--state", state]).status.success());
        wait("nothing is open", || {
            self.status().is_some_and(|view| {
                let strategies = view["strategies"].as_array().cloned().unwrap_or_default();
                let quiet = |s: &serde_json::Value| s["open_orders"].as_array().unwrap().is_empty();
                view["mode"] == "halted" && strategies.len() == 2 && strategies.iter().all(quiet)
            })
        });
    }

    /// Half a minute after its start a venue settles funding: between the end of the host and the
    /// look at the books nobody would hear of that.
    fn pass_a_settlement(&self) {
        let others = self.others.iter().map(|(name, _)| format!("{name}.sock"));
        for socket in others.chain(["venue.sock".to_owned()]) {
            let began = std::fs::metadata(self.path(&socket)).and_then(|file| file.modified());
            let age = began.ok().and_then(|began| began.elapsed().ok()).unwrap_or_default();
            let (from, until) = (Duration::from_secs(27), Duration::from_secs(32));
            if age > from && age < until {
                std::thread::sleep(until - age);
            }
        }
    }

    /// Ends the host in order, and asks the venue.
    pub(crate) fn end(&mut self) -> (Truth, Vec<Stamped>) {
        self.pass_a_settlement();
        let state = self.path("state");
        assert!(run(&["stop", "--state", state.to_str().unwrap()]).status.success());
        assert!(self.host.take().unwrap().wait().unwrap().success());
        let ask = |name: &str| truth(&self.path(name)).unwrap_or_else(|e| panic!("{}", e.message));
        let mut truth = self.venue.as_ref().map(|_| ask("venue.sock")).unwrap_or_default();
        for (name, _) in &self.others {
            truth.add(ask(&format!("{name}.sock")));
        }
        let journal = self.path("state/journal.sqlite");
        let facts = hedgerow_store::SqliteJournal::open(&journal).unwrap().read().unwrap();
        (truth, facts)
    }
}

pub(crate) fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(120), "{what}: not within 120 s");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Positions by account and instrument.
type Ledger = BTreeMap<(u32, u32), Position>;

/// Quantity, realised, fees and funding, by instrument.
type Sums = BTreeMap<u32, [Decimal; 4]>;

/// What the last host said of itself at its end, the document of `status --json`, against the
/// venue's own books, by instrument: quantity, fees, funding. What is realised depends on the order
/// of fills, and a new fill may be heard before what is told again of a time of absence: that is
/// the `ledger`'s, in the order in which the host booked them.
fn assert_said(truth: &Truth, (config, ledger): (&Config, &Ledger), said: &Path) {
    let text = std::fs::read_to_string(said).unwrap();
    let view: HostView = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let add = |sums: &mut Sums, instrument: InstrumentId, figures: [Decimal; 4]| {
        let sum = sums.entry(instrument.0).or_default();
        sum.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
    };
    let (mut host, mut venue) = (Sums::new(), Sums::new());
    for p in view.strategies.iter().flat_map(|strategy| &strategy.positions) {
        add(&mut host, p.instrument, [p.quantity, p.realised, p.fees, p.funding]);
    }
    for (account, instrument, units, fees, _, funding) in &truth.positions {
        let spec = &config.instruments[instrument.index()].0;
        let quantity = spec.quantity(Quantity::from_units(*units));
        let booked = ledger.get(&(account.0, instrument.0));
        let realised = booked.map_or(Decimal::ZERO, |position| position.realised);
        add(&mut venue, *instrument, [quantity, realised, *fees, *funding]);
    }
    let moved = |sums: &mut Sums| sums.retain(|_, sum| sum.iter().any(|figure| !figure.is_zero()));
    moved(&mut host);
    moved(&mut venue);
    assert_eq!(host, venue, "what the host says of its money is not what the venue has");
    let fills: u64 = view.strategies.iter().map(|strategy| strategy.fills).sum();
    assert_eq!(fills, truth.fills.values().sum::<u64>(), "fills that the host says it had");
}

/// The ledger of the facts, booked anew, and the host's own against the venue's.
pub(crate) fn assert_ledger(truth: &Truth, facts: &[Stamped], all: &Processes) {
    let config = hedgerow_daemon::config::load(&all.path("host.toml"));
    let config = config.unwrap_or_else(|e| panic!("{e}"));
    let (mut ledger, mut theirs) = (Ledger::new(), Ledger::new());
    let mut trades = BTreeMap::new();
    let mut fills: BTreeMap<u32, u64> = BTreeMap::new();
    let mut wires = BTreeSet::new();
    for stamped in facts {
        match &stamped.fact {
            Fact::Fill { account, instrument, trade, side, price, quantity, fee, .. } => {
                let twice = trades.insert((*account, *trade), &stamped.fact).is_some();
                assert!(!twice, "trade {trade:?} booked twice");
                *fills.entry(account.0).or_default() += 1;
                let spec = &config.instruments[instrument.index()].0;
                let position = ledger.entry((account.0, instrument.0)).or_default();
                position.book(spec, *side, *price, *quantity, *fee).unwrap();
            }
            Fact::Funding { account, instrument, amount, .. } => {
                ledger.entry((account.0, instrument.0)).or_default().funding += amount;
            }
            Fact::Order { fact: OrderFact::Approved(order), .. } => {
                assert!(wires.insert((order.account, order.wire)), "{order:?} approved twice");
            }
            Fact::Discrepancy { detail, .. } => panic!("{detail}"),
            _ => {}
        }
    }
    // as the venue booked them: by its own numbers
    for fact in trades.values() {
        if let Fact::Fill { account, instrument, side, price, quantity, fee, .. } = fact {
            let spec = &config.instruments[instrument.index()].0;
            let position = theirs.entry((account.0, instrument.0)).or_default();
            position.book(spec, *side, *price, *quantity, *fee).unwrap();
        }
    }
    assert_said(truth, (&config, &ledger), &all.path("said"));
    assert!(truth.repeated.is_empty(), "placed twice: {:?}", truth.repeated);
    assert!(truth.open.is_empty(), "still open: {:?}", truth.open);
    let total = |counts: &BTreeMap<u32, u64>| counts.values().sum::<u64>();
    assert_eq!(total(&fills), total(&truth.fills), "fills");
    assert!(total(&fills) > 0, "nothing was traded");
    for (account, instrument, quantity, fees, realised, funding) in &truth.positions {
        let ours = ledger.get(&(account.0, instrument.0)).cloned().unwrap_or_default();
        let in_order = theirs.get(&(account.0, instrument.0)).cloned().unwrap_or_default();
        assert_eq!((ours.quantity.units(), in_order.quantity.units()), (*quantity, *quantity));
        assert_eq!((ours.fees, in_order.realised), (*fees, *realised));
        assert_eq!(ours.funding, *funding);
    }
}
