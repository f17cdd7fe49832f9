//! The kill switch while something is wrong: whatever it is, nothing that may open leaves once
//! `hedgerow kill` has returned. What leaves is seen between host and venue, not asked of either.

use crate::processes::{Processes, assert_ledger, wait};
use hedgerow_end_to_end::{host, root, run};
use hedgerow_model::{Fact, OrderEvent, OrderFact};
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What is on its way between two sockets when it is read: a machine that is busy takes its time.
const ON_ITS_WAY: Duration = Duration::from_millis(300);

/// Stands between host and venue and notes when an order or an amendment passes.
struct Watch(Arc<Mutex<Vec<Instant>>>);

/// Hands bytes on; whole frames that may open are noted first.
fn pass(mut from: UnixStream, mut to: UnixStream, note: Option<Arc<Mutex<Vec<Instant>>>>) {
    let mut kept: Vec<u8> = Vec::new();
    let mut part = [0_u8; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut part) {
        if let Some(note) = &note {
            kept.extend_from_slice(&part[..count]);
            while kept.len() >= 5 {
                let length = u32::from_le_bytes(kept[1..5].try_into().unwrap()) as usize;
                if kept.len() < 5 + length {
                    break;
                }
                let body = String::from_utf8_lossy(&kept[5..5 + length]).into_owned();
                if body.contains("\"Place\"") || body.contains("\"Amend\"") {
                    note.lock().unwrap().push(Instant::now());
                }
                kept.drain(..5 + length);
            }
        }
        if to.write_all(&part[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

impl Watch {
    fn between(listen: &Path, venue: PathBuf) -> Self {
        let listener = UnixListener::bind(listen).unwrap();
        let seen: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let note = Arc::clone(&seen);
        std::thread::spawn(move || {
            for host in listener.incoming().flatten() {
                let Ok(venue) = UnixStream::connect(&venue) else { continue };
                let (to_venue, to_host) = (venue.try_clone().unwrap(), host.try_clone().unwrap());
                let note = Arc::clone(&note);
                std::thread::spawn(move || pass(host, to_venue, Some(note)));
                std::thread::spawn(move || pass(venue, to_host, None));
            }
        });
        Self(seen)
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// How long after a moment the last of them passed, if one did.
    fn last_after(&self, moment: Instant) -> Option<Duration> {
        let seen = self.0.lock().unwrap();
        seen.iter().filter_map(|at| at.checked_duration_since(moment)).max()
    }

    fn after(&self, moment: Instant) -> usize {
        self.0.lock().unwrap().iter().filter(|at| **at > moment).count()
    }
}

fn state(all: &Processes) -> String {
    all.path("state").to_str().unwrap().to_owned()
}

/// A host behind the watch that has traded. `wrap`: a shell's words before it.
fn at_work(all: &mut Processes, wrap: Option<&str>) -> Watch {
    let middle = all.path("middle.sock");
    let _ = std::fs::remove_file(&middle);
    let watch = Watch::between(&middle, all.path("venue.sock"));
    start(all, wrap);
    watch
}

fn start(all: &mut Processes, wrap: Option<&str>) {
    let (config, middle) = (all.path("host.toml"), all.path("middle.sock"));
    let (config, middle) = (config.to_str().unwrap(), middle.to_str().unwrap());
    let args = ["run", "--json", "--config", config, "--venue", middle];
    all.host = Some(match wrap {
        None => all.spawn(&args),
        Some(words) => {
            let binary = host();
            let line = format!("{words}; exec {} {}", binary.display(), args.join(" "));
            let mut shell = Command::new("sh");
            shell.args(["-c", &line]).current_dir(root()).stdout(Stdio::null());
            shell.spawn().unwrap()
        }
    });
}

/// Kills it; prints how long that took, and shows that nothing that may open leaves afterwards.
fn kill(all: &Processes, watch: &Watch, while_what: &str) {
    let began = Instant::now();
    let output = run(&["kill", "--state", &state(all), "--reason", while_what]);
    let returned = Instant::now();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    std::thread::sleep(ON_ITS_WAY);
    let before = watch.count();
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(watch.count(), before, "{while_what}: something left after the kill");
    println!(
        "{while_what}: kill returned after {} ms, its process included; the last of {before} \
         orders was read from the wire {} after it was begun, {} after it returned, sent before",
        returned.duration_since(began).as_millis(),
        watch.last_after(began).map_or("not".into(), |ms| format!("{} ms", ms.as_millis())),
        watch.after(returned)
    );
}

/// After a restart nothing opens either, until an operator lets it.
fn stays_killed(all: &mut Processes, watch: &Watch) {
    let before = watch.count();
    start(all, None);
    wait("it is there, and halted", || {
        all.status()
            .is_some_and(|view| view["mode"] == "halted" && view["ticks"].as_u64() > Some(100))
    });
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(watch.count(), before, "it opened something after the restart");
}

#[test]
fn a_kill_holds_while_strategies_burn_the_processor_and_the_loop_is_behind() {
    let mut all = Processes::at(20_000, (5, 5));
    let strategy = |name: &str, plugin: &str, account: &str, symbol: &str, parameters: &str| {
        format!(
            "[[strategy]]\nname = \"{name}\"\nplugin = \"{plugin}\"\naccount = \"{account}\"\n\
             [strategy.roles]\nmarket = \"v:{symbol}\"\n[strategy.parameters]\n{parameters}\n\
             [strategy.limits]\norder_notional_max = \"100000\"\n\
             position_notional_max = \"1000000\"\ngross_notional_max = \"2000000\"\n\
             open_orders_max = 100\norders_per_s_max = 10000\ncollar_bps = 500\n\
             loss_max = \"1000000\"\ndrawdown_max = \"1000000\"\n"
        )
    };
    let slow = "place = \"market\"\ndeed = \"slow\"";
    all.strategies(&format!(
        "{}{}",
        strategy("one", "hedgerow-guest-probe", "one", "A", ""),
        strategy("two", "hedgerow-guest-hostile", "two", "B", slow)
    ));
    let watch = at_work(&mut all, None);
    wait("it trades", || watch.count() > 20);
    kill(&all, &watch, "strategies burn the processor");
    all.kill_host();
    stays_killed(&mut all, &watch);
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
}

#[test]
fn a_kill_holds_while_the_control_side_is_taken_up() {
    let mut all = Processes::new();
    let watch = at_work(&mut all, None);
    wait("it trades", || watch.count() > 20);
    // callers that say nothing, or half a line, and do not go
    let socket = all.path("state/control.sock");
    let mut callers: Vec<UnixStream> = Vec::new();
    for number in 0..200 {
        let Ok(mut caller) = UnixStream::connect(&socket) else { continue };
        if number % 2 == 0 {
            let _ = caller.write_all(b"{\"status\"");
        }
        callers.push(caller);
    }
    kill(&all, &watch, "the control side is taken up");
    drop(callers);
    // nobody listens at all: the latch is set in its file
    let resumed = run(&["resume", "--state", &state(&all), "--reason", "the next part"]);
    assert_eq!(resumed.status.code(), Some(0));
    let before = watch.count();
    wait("it trades again", || watch.count() > before + 20);
    std::fs::remove_file(&socket).unwrap();
    let _deaf = UnixListener::bind(&socket).unwrap();
    kill(&all, &watch, "the control side hangs");
    all.kill_host();
    stays_killed(&mut all, &watch);
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
}

/// No file of the host may grow beyond 400 KiB any more, which is what a full disk says too: the
/// journal cannot be written. The latch has its space.
#[test]
fn a_kill_holds_while_the_disk_is_full() {
    let mut all = Processes::new();
    let watch = at_work(&mut all, None);
    wait("it trades", || watch.count() > 20);
    let stop = run(&["stop", "--state", &state(&all)]);
    assert!(stop.status.success());
    assert!(all.host.take().unwrap().wait().unwrap().success());
    start(&mut all, Some("trap '' XFSZ; ulimit -f 800"));
    wait("the journal cannot be written", || {
        let view = all.status().unwrap_or_default();
        view["banner"].as_str().is_some_and(|banner| banner.contains("CANNOT BE WRITTEN"))
    });
    kill(&all, &watch, "the disk is full");
    all.kill_host();
    stays_killed(&mut all, &watch);
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
    let never = |fact: &Fact| {
        matches!(
            fact,
            Fact::Order { fact: OrderFact::Moved { event: OrderEvent::Rejected, .. }, .. }
        )
    };
    println!("{} orders never left", facts.iter().filter(|s| never(&s.fact)).count());
}

/// A run that ends while its journal cannot be written has failed, and says what is missing and
/// where it lies; the next start takes that in.
#[test]
fn a_run_whose_journal_lacks_facts_at_its_end_says_so_and_fails() {
    let mut all = Processes::new();
    let watch = at_work(&mut all, None);
    wait("it trades", || watch.count() > 20);
    assert!(run(&["stop", "--state", &state(&all)]).status.success());
    assert!(all.host.take().unwrap().wait().unwrap().success());
    let said = all.path("said");
    let wrap = format!("trap '' XFSZ; ulimit -f 800; exec 2>{}", said.display());
    // as long as the journal's file has room its log can begin anew, and the end is in order
    let mut failed = false;
    for _ in 0..30 {
        start(&mut all, Some(&wrap));
        wait("the journal cannot be written", || {
            let view = all.status().unwrap_or_default();
            view["banner"].as_str().is_some_and(|banner| banner.contains("CANNOT BE WRITTEN"))
        });
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        assert!(run(&["stop", "--state", &state(&all)]).status.success());
        failed = !all.host.take().unwrap().wait().unwrap().success();
        if failed {
            break;
        }
    }
    assert!(failed);
    let said = std::fs::read_to_string(said).unwrap();
    let wanted = ["facts that the journal could not take", "journal.emergency"];
    assert!(wanted.iter().all(|part| said.contains(part)), "{said}");
    start(&mut all, None);
    wait("it is there", || all.status().is_some_and(|view| view["ticks"].as_u64() > Some(100)));
    let (truth, facts) = all.settle();
    assert_ledger(&truth, &facts, &all);
}
