//! A host killed at any moment beside a paper venue in another process: after the restart the
//! ledger is the venue's, no order was repeated, nothing is lost. `HEDGEROW_KILLS=200` is the long
//! form.

use crate::processes::{Processes, assert_ledger, wait};
use hedgerow_end_to_end::run;
use hedgerow_model::{Fact, HostTime, OrderFact, Stamped};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// How often each strategy was started, as its state has it.
fn starts_in_states(all: &Processes) -> Vec<u64> {
    let mut starts = Vec::new();
    wait("both strategies say how they are", || {
        let view = all.status().unwrap_or_default();
        let of = |s: &serde_json::Value| -> Option<u64> {
            let said: serde_json::Value = serde_json::from_str(s["status"].as_str()?).ok()?;
            said["resumed"].as_u64()
        };
        starts = view["strategies"].as_array().into_iter().flatten().filter_map(of).collect();
        starts.len() == 2
    });
    starts
}

#[test]
fn a_host_killed_at_random_moments_ends_with_the_venues_ledger() {
    let kills: u64 =
        std::env::var("HEDGEROW_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let mut all = Processes::new();
    let mut dice = 0x9E37_79B9_u64;
    for kill in 0..kills {
        all.start_host();
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if kill % 4 > 0 {
            // however busy the machine is, most die at work; the others may die while they start
            wait("the host is at work", || {
                all.status().is_some_and(|view| view["ticks"].as_u64() > Some(0))
            });
        }
        std::thread::sleep(Duration::from_millis(100 + (dice >> 33) % 900));
        all.kill_host();
    }
    all.start_host();
    std::thread::sleep(Duration::from_millis(1_500));
    let starts = starts_in_states(&all);
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
    let boots = facts.iter().filter(|f| matches!(f.fact, Fact::Boot { .. })).count() as u64;
    let faults = facts.iter().filter(|f| matches!(f.fact, Fact::Fault { .. })).count();
    assert_eq!(faults, 0);
    // a kill may come before the boot is written
    assert!(boots > kills / 2 && boots <= kills + 1, "{boots} boots");
    // it traded again after most restarts, not only before the first
    let mut traded = BTreeSet::new();
    let mut kept = [BTreeSet::new(), BTreeSet::new()];
    let mut boot = 0;
    for stamped in &facts {
        match &stamped.fact {
            Fact::Boot { number } => boot = *number,
            // an order is committed with the state that asked for it
            Fact::Order { id, fact: OrderFact::Approved(_) } => {
                traded.insert(boot);
                kept[id.strategy.index()].insert(boot);
            }
            _ => {}
        }
    }
    // each counts its starts in its state: none of those that a state knew was forgotten
    for (starts, kept) in starts.iter().zip(&kept) {
        assert!(*starts >= kept.len() as u64, "{starts} starts, states of {} boots", kept.len());
    }
    assert!(traded.len() as u64 * 3 > boots, "orders after {} of {boots} boots", traded.len());
    println!("{kills} kills, {} fills, {} facts", truth.fills.values().sum::<u64>(), facts.len());
}

#[test]
fn a_killed_venue_goes_on_from_its_books_and_so_does_the_host() {
    let kills: u64 =
        std::env::var("HEDGEROW_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let mut all = Processes::new();
    all.start_host();
    wait("the host runs", || all.status().is_some_and(|view| view["ticks"].as_u64() > Some(100)));
    let connection = |all: &Processes| {
        let view = all.status().unwrap_or_default();
        view["venues"][0]["connection"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(connection(&all), "connected");
    let mut dice = 3_u64;
    for _ in 0..kills {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_millis(300 + (dice >> 33) % 700));
        let mut venue = all.venue.take().unwrap();
        venue.kill().unwrap();
        venue.wait().unwrap();
        wait("the loss is shown", || connection(&all) == "disconnected");
        // with nothing coming in, ages go on
        let age = |view: serde_json::Value| {
            view["as_of"].as_u64()
                > view["instruments"][0]["as_of"].as_u64().map(|at| at + 100_000_000)
        };
        wait("the market grows old", || all.status().is_some_and(age));
        std::fs::remove_file(all.path("venue.sock")).unwrap();
        all.start_venue();
    }
    std::thread::sleep(Duration::from_millis(1_500));
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
    println!("{kills} kills of the venue, {} facts", facts.len());
}

/// Stands between host and venue; every connection through it can be torn at any moment, or right
/// after the next thing that the host says: what becomes of it the host does not hear.
struct Wire {
    ends: Arc<Mutex<Vec<UnixStream>>>,
    armed: Arc<AtomicBool>,
}

/// Passes on what is said.
fn pass(from: &mut UnixStream, to: &mut UnixStream, armed: &AtomicBool) -> std::io::Result<()> {
    let mut bytes = [0; 4_096];
    loop {
        let n = from.read(&mut bytes)?;
        to.write_all(&bytes[..n])?;
        if n == 0 || armed.swap(false, Ordering::SeqCst) {
            let _ = from.shutdown(Shutdown::Both);
            return to.shutdown(Shutdown::Both);
        }
    }
}

impl Wire {
    fn between(listen: &Path, venue: PathBuf) -> Self {
        let listener = UnixListener::bind(listen).unwrap();
        let (ends, armed) = (Arc::<Mutex<Vec<UnixStream>>>::default(), Arc::default());
        let (kept, tears) = (Arc::clone(&ends), Arc::clone(&armed));
        std::thread::spawn(move || {
            for host in listener.incoming().flatten() {
                let Ok(venue) = UnixStream::connect(&venue) else { continue };
                let never = Arc::default();
                for (from, to, tears) in [(&host, &venue, &tears), (&venue, &host, &never)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let tears = Arc::clone(tears);
                    std::thread::spawn(move || pass(&mut from, &mut to, &tears));
                }
                kept.lock().unwrap().extend([host, venue]);
            }
        });
        Self { ends, armed }
    }

    /// Tears right after the next word of the host; whether there was one.
    fn tear_after_a_word(&self) -> bool {
        self.armed.store(true, Ordering::SeqCst);
        let began = Instant::now();
        while self.armed.load(Ordering::SeqCst) && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.ends.lock().unwrap().clear();
        !self.armed.swap(false, Ordering::SeqCst)
    }

    fn tear(&self) -> usize {
        let ends: Vec<UnixStream> = self.ends.lock().unwrap().drain(..).collect();
        for end in &ends {
            let _ = end.shutdown(Shutdown::Both);
        }
        ends.len() / 2
    }
}

#[test]
fn a_torn_socket_loses_and_repeats_nothing() {
    let tears: u64 =
        std::env::var("HEDGEROW_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let mut all = Processes::new();
    let middle = all.path("middle.sock");
    let wire = Wire::between(&middle, all.path("venue.sock"));
    let config = all.path("host.toml");
    let (config, middle) = (config.to_str().unwrap(), middle.to_str().unwrap());
    all.host = Some(all.spawn(&["run", "--json", "--config", config, "--venue", middle]));
    wait("the host runs", || all.status().is_some_and(|view| view["ticks"].as_u64() > Some(100)));
    let (mut dice, mut torn) = (7_u64, Vec::new());
    for n in 0..tears {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_millis(150 + (dice >> 33) % 500));
        let tore = if n % 2 == 0 { wire.tear() > 0 } else { wire.tear_after_a_word() };
        torn.extend(tore.then(now));
    }
    assert!(torn.len() as u64 >= tears / 2, "only {} connections were torn", torn.len());
    std::thread::sleep(Duration::from_millis(1_500));
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
    let met = under_way(&facts, &torn);
    assert!(met > 0, "no tear met an order that was under way");
    println!("{} tears, {met} orders under way in them, {} facts", torn.len(), facts.len());
}

fn now() -> HostTime {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    HostTime::from_nanos(u64::try_from(now.as_nanos()).unwrap())
}

/// Orders that were approved before a tear and first heard of after it.
fn under_way(facts: &[Stamped], torn: &[HostTime]) -> usize {
    let mut waits = BTreeMap::new();
    let mut met = 0;
    for stamped in facts {
        match &stamped.fact {
            Fact::Order { id, fact: OrderFact::Approved(_) } => {
                waits.insert(*id, stamped.time);
            }
            Fact::Order { id, fact: OrderFact::Moved { .. } | OrderFact::Ends { .. } }
            | Fact::Fill { id, .. } => {
                let sent = waits.remove(id).unwrap_or(stamped.time);
                met += usize::from(torn.iter().any(|at| sent < *at && *at < stamped.time));
            }
            _ => {}
        }
    }
    met
}

#[test]
fn a_paper_venue_of_another_config_is_refused() {
    let all = Processes::new();
    let text = std::fs::read_to_string(all.path("host.toml")).unwrap();
    let other = all.path("other.toml");
    std::fs::write(&other, text.replace("price_decimals = 2", "price_decimals = 3")).unwrap();
    let socket = all.path("venue.sock");
    let output =
        run(&["run", "--config", other.to_str().unwrap(), "--venue", socket.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("other instruments or accounts than this config"), "{said}");
}
