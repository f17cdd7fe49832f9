//! Recorded runs done again: paced and live, with components replaced, a host killed and started
//! again; other components compared and simulated; recordings that are torn, tampered with, absent.

use hedgerow_end_to_end::{component, generated, host, root, run, variant};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Scene {
    folder: tempfile::TempDir,
    children: Vec<Child>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Scene {
    /// A folder with a config over copies of components.
    fn new(strategies: &[(&str, &str, &str, &str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plugins = folder.path().join("plugins");
        std::fs::create_dir(&plugins).unwrap();
        for (_, plugin, ..) in strategies {
            let to = plugins.join(format!("{plugin}.wasm"));
            std::fs::copy(component(plugin), to).unwrap();
        }
        let state = folder.path().join("state");
        let config = generated(&plugins, &state, 2_000, strategies)
            .replace("seed = 7", "seed = 7\nspeed = \"20\"")
            // the rules of the benchmark step by whole price units
            .replace("tick = \"0.1\"", "tick = \"0.01\"");
        std::fs::write(folder.path().join("host.toml"), config).unwrap();
        Self { folder, children: Vec::new() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn spawn(&mut self, args: &[&str]) {
        let mut command = Command::new(host());
        command.args(args).current_dir(root()).stdout(Stdio::null());
        self.children.push(command.spawn().unwrap());
    }

    /// Puts another version of a component into the plugins folder.
    fn install(&self, plugin: &str, number: u32) {
        let bytes = std::fs::read(component(plugin)).unwrap();
        let to = PathBuf::from(self.path(&format!("plugins/{plugin}.wasm")));
        let partial = to.with_extension("tmp");
        std::fs::write(&partial, variant(&bytes, number)).unwrap();
        std::fs::rename(partial, to).unwrap();
    }

    fn status(&self) -> Value {
        let output = run(&["status", "--json", "--state", &self.path("state")]);
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn until(&self, what: &str, done: impl Fn(&Value) -> bool) {
        let began = Instant::now();
        while !done(&self.status()) {
            assert!(began.elapsed() < Duration::from_secs(120), "{what}: not within 120 s");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn stop(&mut self) {
        assert!(run(&["stop", "--state", &self.path("state")]).status.success());
        let mut child = self.children.pop().unwrap();
        assert!(child.wait().unwrap().success());
    }
}

/// What a replay says, and its exit code.
fn replay(args: &[&str]) -> (Value, Option<i32>, String) {
    let output = run(&[&["replay", "--json"], args].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (serde_json::from_slice(&output.stdout).unwrap_or_default(), output.status.code(), said)
}

fn assert_same(recording: &str) -> Value {
    let (said, code, error) = replay(&[recording]);
    assert_eq!((code, &said["difference"]), (Some(0), &Value::Null), "{said} {error}");
    assert!(said["answers"].as_u64() >= Some(5) && said["ticks"].as_u64() > Some(1_000), "{said}");
    said
}

const PROBE: &str = "hedgerow-guest-probe";

#[test]
fn a_paced_run_with_a_replacement_is_done_again_to_the_byte() {
    let mut scene = Scene::new(&[("one", PROBE, "one", "A", ""), ("two", PROBE, "two", "B", "")]);
    let (config, recording) = (scene.path("host.toml"), scene.path("recording"));
    scene.spawn(&["run", "--json", "--config", &config, "--record", &recording]);
    scene.until("orders", |view| view["strategies"][0]["fills"].as_u64() > Some(5));
    let before = scene.status()["strategies"][1]["hash"].clone();
    scene.install(PROBE, 1);
    scene.until("a swap", |view| {
        let hash = &view["strategies"][1]["hash"];
        hash.is_string() && *hash != before
    });
    // a newer version ends the probation of this one
    let before = scene.status()["strategies"][1]["hash"].clone();
    scene.install(PROBE, 2);
    scene.until("another swap", |view| {
        let hash = &view["strategies"][1]["hash"];
        hash.is_string() && *hash != before
    });
    let fills = scene.status()["strategies"][1]["fills"].as_u64();
    scene.until("fills after it", |view| view["strategies"][1]["fills"].as_u64() > fills);
    scene.stop();
    assert_same(&recording);
}

#[test]
fn a_run_with_faults_quarantine_and_a_resume_is_done_again_live_and_paced() {
    const HOSTILE: &str = "hedgerow-guest-hostile";
    for live in [false, true] {
        let deed = "place = \"market\"\ndeed = \"trap\"\nafter = 400";
        let mut scene =
            Scene::new(&[("bad", HOSTILE, "one", "A", deed), ("good", PROBE, "two", "B", "")]);
        let (config, socket) = (scene.path("host.toml"), scene.path("venue.sock"));
        let recording = scene.path("recording");
        let mut args = vec!["run", "--json", "--config", &config, "--record", &recording];
        if live {
            scene.spawn(&["paper-venue", "--config", &config, "--socket", &socket]);
            args.extend(["--venue", &socket]);
        }
        scene.spawn(&args);
        let quarantined = |view: &Value| view["strategies"][0]["state"] == "Quarantined";
        scene.until("quarantine", quarantined);
        let resume = ["resume", "bad", "--reason", "again", "--state", &scene.path("state")]
            .map(str::to_owned);
        let resume: Vec<&str> = resume.iter().map(String::as_str).collect();
        assert!(run(&resume).status.success());
        scene.until("quarantine again", |view| {
            quarantined(view) && view["strategies"][0]["faults"].as_u64() > Some(5)
        });
        let fills = scene.status()["strategies"][1]["fills"].as_u64();
        scene.until("the other goes on", |view| {
            view["strategies"][1]["fills"].as_u64() > fills.map(|fills| fills + 5)
        });
        scene.stop();
        let said = assert_same(&recording);
        assert!(said["taken_from_the_recording"].as_u64() > Some(2), "{said}");
    }
}

#[test]
fn a_live_run_killed_and_begun_again_is_done_again_to_the_byte() {
    let mut scene = Scene::new(&[("one", PROBE, "one", "A", ""), ("two", PROBE, "two", "B", "")]);
    let (config, socket) = (scene.path("host.toml"), scene.path("venue.sock"));
    scene.spawn(&["paper-venue", "--config", &config, "--socket", &socket]);
    let recordings = [scene.path("first"), scene.path("second")];
    for (number, recording) in (1..).zip(&recordings) {
        scene.spawn(&[
            "run", "--json", "--config", &config, "--venue", &socket, "--record", recording,
        ]);
        scene.until("fills", |view| view["strategies"][0]["fills"].as_u64() > Some(number * 20));
        let before = scene.status()["strategies"][0]["hash"].clone();
        scene.install(PROBE, number as u32);
        scene.until("a swap", |view| {
            let hash = &view["strategies"][0]["hash"];
            hash.is_string() && *hash != before
        });
        // more than the second that a recording may lose with its process
        std::thread::sleep(Duration::from_millis(1_500));
        if number == 1 {
            let mut child = scene.children.pop().unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
        } else {
            scene.stop();
        }
    }
    for recording in &recordings {
        assert_same(recording);
    }
}

#[test]
fn a_strategy_that_does_not_keep_up_is_told_so_holds_nobody_up_and_can_be_replaced() {
    const HOSTILE: &str = "hedgerow-guest-hostile";
    const MAKER: &str = "hedgerow-rule-maker";
    let deed = "place = \"market\"\ndeed = \"slow\"\nafter = 0";
    let mut scene =
        Scene::new(&[("slow", HOSTILE, "one", "A", deed), ("quick", MAKER, "two", "B", "")]);
    let (config, socket) = (scene.path("host.toml"), scene.path("venue.sock"));
    let text = std::fs::read_to_string(&config).unwrap();
    // what waits for it is read within a second or two, on a busy machine too
    let fast = text.replace("events_per_s = 2000", "events_per_s = 20000");
    let short = fast.replace("[data]", "[sandbox]\nticks_waiting_max = 256\n[data]");
    std::fs::write(&config, short).unwrap();
    scene.spawn(&["paper-venue", "--config", &config, "--socket", &socket]);
    scene.spawn(&["run", "--json", "--config", &config, "--venue", &socket]);
    let figure = |view: &Value, strategy: usize, name: &str| {
        let said = view["strategies"][strategy]["status"].as_str().unwrap_or("{}").to_owned();
        serde_json::from_str::<Value>(&said).unwrap()[name].as_u64().unwrap_or(0)
    };
    scene.until("it falls behind", |view| figure(view, 0, "lagging") > 0);
    let view = scene.status();
    assert_eq!(view["strategies"][0]["state"], "Running");
    let (orders, before) = (&view["strategies"][1]["orders"], &view["strategies"][0]["hash"]);
    scene.install(HOSTILE, 5);
    scene.until("a swap", |view| {
        let hash = &view["strategies"][0]["hash"];
        hash.is_string() && hash != before
    });
    scene.until("the other goes on", |view| {
        view["strategies"][1]["orders"].as_u64() > orders.as_u64().map(|orders| orders + 10)
    });
    let view = scene.status();
    assert_eq!(view["strategies"][0]["faults"], 0, "{view}");
    scene.stop();
}

#[test]
fn another_component_is_compared_up_to_the_first_difference_or_simulated_from_there() {
    let (maker, ema) = ("hedgerow-rule-maker", "hedgerow-rule-ema");
    let mut scene = Scene::new(&[("one", maker, "one", "A", "")]);
    let (config, recording) = (scene.path("host.toml"), scene.path("recording"));
    scene.spawn(&["run", "--json", "--config", &config, "--record", &recording]);
    scene.until("fills", |view| view["strategies"][0]["fills"].as_u64() > Some(5));
    scene.stop();
    assert_same(&recording);
    let same = component(maker);
    let (said, code, _) = replay(&[&recording, "--plugin", same.to_str().unwrap(), "--compare"]);
    assert_eq!((code, &said["difference"]), (Some(0), &Value::Null), "{said}");
    let other = component(ema);
    let other = other.to_str().unwrap();
    let (said, code, _) = replay(&[&recording, "--plugin", other]);
    let what = said["difference"]["what"].as_str().unwrap_or_default();
    assert_eq!(code, Some(0), "{said}");
    assert!(what.contains("recorded, it wanted") && what.contains("this one wants"), "{what}");
    assert_eq!(said["simulated"], Value::Null, "nothing is claimed beyond a difference");
    let (said, code, error) = replay(&[&recording, "--plugin", other, "--simulate"]);
    assert_eq!(code, Some(0), "{error}");
    let simulated = &said["simulated"];
    assert!(simulated["seconds"].as_u64() > Some(0), "{said}");
    assert_ne!(simulated["recorded"], simulated["simulated"], "{said}");
    let again = replay(&[&recording, "--plugin", other, "--simulate"]).0;
    assert_eq!(again, said, "a simulation is repeatable");
}

#[test]
fn what_is_damaged_tampered_with_or_absent_is_told() {
    let mut scene = Scene::new(&[("one", PROBE, "one", "A", "")]);
    let (config, recording) = (scene.path("host.toml"), scene.path("recording"));
    scene.spawn(&["run", "--json", "--config", &config, "--record", &recording]);
    scene.until("fills", |view| view["strategies"][0]["fills"].as_u64() > Some(5));
    scene.stop();
    // a second run may not write into the first one's recording
    let output = run(&["run", "--seconds", "1", "--config", &config, "--record", &recording]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("already holds a recording"), "{said}");
    let file = Path::new(&recording).join("000001.rec");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() * 2 / 3]).unwrap();
    let (said, code, _) = replay(&[&recording]);
    assert_eq!((code, &said["difference"]), (Some(1), &Value::Null), "{said}");
    assert!(said["damage"].as_str().is_some_and(|why| why.contains("torn")), "{said}");
    std::fs::write(&file, &whole).unwrap();
    // another component under the hash of the one that ran
    let components = Path::new(&recording).join("components");
    let kept = std::fs::read_dir(components).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&kept).unwrap();
    std::fs::write(&kept, variant(&bytes, 9)).unwrap();
    let (_, code, said) = replay(&[&recording]);
    assert_eq!(code, Some(1));
    assert!(said.contains("is not the component"), "{said}");
    let (_, code, said) = replay(&[&scene.path("nowhere")]);
    assert_eq!(code, Some(1));
    assert!(said.contains("holds no recording") && said.contains("--record"), "{said}");
}
