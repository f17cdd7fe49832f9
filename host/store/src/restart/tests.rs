//! Whatever becomes of snapshots, a restart ends in the state that all facts make; and whatever is
//! torn off a journal, what opens is what was written before, or it is said what is wrong.

use super::*;
use crate::SqliteJournal;
use hedgerow_model::{HostTime, StrategyId, TimerId};
use hedgerow_ports::Journal as _;

/// All facts, as text: nothing is lost or twice.
#[derive(Debug, Default, PartialEq)]
struct Told(Vec<String>);

impl Fold for Told {
    type Kept = Vec<String>;

    fn take_up(&mut self, kept: Self::Kept) -> Result<(), String> {
        if kept.iter().any(|line| line.contains("unreadable")) {
            return Err("made by somebody else".into());
        }
        self.0 = kept;
        Ok(())
    }

    fn fold(&mut self, fact: &Stamped) {
        // states replace each other in the journal: of each the newest is a state
        if matches!(fact.fact, Fact::Checkpoint { .. }) {
            self.0.retain(|line| !line.contains("Checkpoint"));
        }
        self.0.push(format!("{fact:?}"));
    }

    fn keep(&self) -> Self::Kept {
        self.0.clone()
    }
}

fn fact(number: u64) -> Stamped {
    let strategy = StrategyId(3);
    let fact = match number % 5 {
        4 => Fact::Checkpoint {
            strategy,
            version: 1,
            state: vec![u8::try_from(number % 251).unwrap(); 40],
            unheard: Vec::new(),
        },
        _ => Fact::TimerEnded { strategy, id: TimerId(number), fired: true },
    };
    Stamped { time: HostTime::from_nanos(number), fact }
}

fn commit(journal: &mut SqliteJournal, numbers: std::ops::Range<u64>) {
    for number in numbers {
        journal.commit(&[fact(number)]).unwrap();
    }
}

/// A journal of 40 rows with snapshots at 20 and 30.
fn journal(folder: &Path) -> PathBuf {
    let path = folder.join("journal.sqlite");
    let mut journal = SqliteJournal::open(&path).unwrap();
    for end in [10, 20, 30] {
        commit(&mut journal, end - 10..end);
        snapshot(&path, Told::default()).unwrap();
    }
    commit(&mut journal, 30..40);
    path
}

fn restarted(path: &Path) -> Restarted<Told> {
    SqliteJournal::open(path).unwrap().restart(Told::default()).unwrap()
}

/// Without the states of strategies, which a cut of rows takes away and a power cut does not.
fn lasting(told: &Told) -> Vec<&String> {
    told.0.iter().filter(|line| !line.contains("Checkpoint")).collect()
}

fn whole(path: &Path) -> Told {
    let mut told = Told::default();
    let facts = SqliteJournal::open(path).unwrap().read().unwrap();
    facts.iter().for_each(|fact| told.fold(fact));
    told
}

#[test]
fn a_restart_reads_the_newest_snapshot_and_the_rows_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = journal(folder.path());
    assert_eq!(snapshots::list(&snapshots::folder(&path)).len(), 2, "two are kept");
    let restarted = restarted(&path);
    assert_eq!(restarted.state, whole(&path));
    // the last row before 30 is a state, and no snapshot stands at one
    assert_eq!((restarted.from, restarted.row), (29, 40));
    assert!(restarted.folded <= 11 && restarted.skipped.is_empty());
}

#[test]
fn a_snapshot_damaged_at_any_byte_is_passed_over_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = journal(folder.path());
    let expected = whole(&path);
    let [newest, older] = &snapshots::list(&snapshots::folder(&path))[..] else { panic!() };
    let good = std::fs::read(newest).unwrap();
    for place in (0..good.len()).step_by(7).chain([good.len() - 1]) {
        let mut bad = good.clone();
        bad[place] ^= 1;
        let torn = &good[..place];
        for bytes in [&bad[..], torn] {
            std::fs::write(newest, bytes).unwrap();
            let restarted = restarted(&path);
            assert_eq!(restarted.state, expected, "byte {place}");
            assert_eq!(restarted.from, 19, "byte {place}: the older one");
            assert!(restarted.skipped[0].contains("it is damaged"), "{:?}", restarted.skipped);
        }
    }
    std::fs::write(older, b"").unwrap();
    let restarted = restarted(&path);
    assert_eq!((restarted.state, restarted.from), (expected, 0), "all of the journal");
    assert_eq!(restarted.skipped.len(), 2);
}

#[test]
fn a_snapshot_that_another_host_made_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = journal(folder.path());
    let folder = snapshots::folder(&path);
    let (mark, _) = snapshots::read(&snapshots::list(&folder)[0]).unwrap();
    let refused = rmp_serde::to_vec(&vec!["unreadable"]).unwrap();
    for value in [&refused[..], b"\xc1 of no layout"] {
        snapshots::write(&folder, mark, value).unwrap();
        let restarted = restarted(&path);
        assert_eq!((restarted.state, restarted.from), (whole(&path), 19));
        assert_eq!(restarted.skipped.len(), 1, "{:?}", restarted.skipped);
    }
}

/// A power cut takes rows that a snapshot knows, and others are written in their places.
#[test]
fn a_snapshot_of_another_history_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = journal(folder.path());
    let cut = "DELETE FROM fact WHERE seq > 25";
    rusqlite::Connection::open(&path).unwrap().execute_batch(cut).unwrap();
    let short = restarted(&path);
    assert_eq!((lasting(&short.state), short.from), (lasting(&whole(&path)), 19));
    assert!(short.skipped[0].contains("rows were lost"), "{:?}", short.skipped);
    commit(&mut SqliteJournal::open(&path).unwrap(), 100..120);
    let other = restarted(&path);
    assert_eq!((lasting(&other.state), other.from), (lasting(&whole(&path)), 19));
    // and the next snapshot leaves nothing of it
    snapshot(&path, Told::default()).unwrap();
    assert!(restarted(&path).skipped.is_empty());
}

/// The thread makes them by itself, and the last one at its end.
#[test]
fn snapshots_are_made_from_time_to_time_and_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut journal = SqliteJournal::open(&path).unwrap();
    let thread = Snapshots::start(&path, 50, Told::default).unwrap();
    let mut number = 0;
    while snapshots::list(&snapshots::folder(&path)).is_empty() {
        commit(&mut journal, number..number + 1);
        number += 1;
        assert!(number < 10_000_000);
    }
    commit(&mut journal, number..number + 7);
    drop(thread);
    let restarted = restarted(&path);
    assert!(restarted.folded <= 2, "{} rows after the last snapshot", restarted.folded);
    assert_eq!(restarted.state, whole(&path));
}

/// Torn anywhere: what opens is a beginning of what was written, and else it is said.
#[test]
fn a_journal_torn_at_any_byte_opens_with_a_beginning_of_it_or_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = journal(folder.path());
    let log = path.with_extension("sqlite-wal");
    let mut open = SqliteJournal::open(&path).unwrap();
    commit(&mut open, 40..60);
    let (file, wal) = (std::fs::read(&path).unwrap(), std::fs::read(&log).unwrap());
    assert!(wal.len() > 4096, "there is something in the log");
    let all = Told(open.read().unwrap().iter().map(|f| format!("{f:?}")).collect());
    drop(open);
    let (mut opened, mut refused) = (0, 0);
    let mut tear = |file: &[u8], wal: &[u8]| {
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join("journal.sqlite");
        std::fs::write(&path, file).unwrap();
        std::fs::write(path.with_extension("sqlite-wal"), wal).unwrap();
        let read = SqliteJournal::open(&path).and_then(|journal| journal.read());
        match read {
            Ok(facts) => {
                // of a strategy's states only the newest is there
                let told = Told(facts.iter().map(|f| format!("{f:?}")).collect());
                assert!(lasting(&all).starts_with(&lasting(&told)));
                opened += 1;
            }
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains("journal.sqlite"), "{error}");
                refused += 1;
            }
        }
    };
    for place in (0..wal.len()).step_by(997) {
        tear(&file, &wal[..place]);
    }
    for place in (0..file.len()).step_by(509) {
        tear(&file[..place], b"");
        tear(&file[..place], &wal);
    }
    assert!(opened > 10 && refused > 10, "{opened} opened, {refused} refused");
}

/// Whoever asks a journal that was cut gets no short answer: what it was, or what is wrong.
#[test]
fn a_journal_cut_at_any_byte_answers_in_full_or_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = journal(folder.path());
    let mut open = SqliteJournal::open(&path).unwrap();
    for number in 0..1_000 {
        commit(&mut open, number..number + 1);
        let reason = "a fact of the audit".to_owned();
        let fact = Fact::Operator { command: "pause".into(), reason };
        open.commit(&[Stamped { time: HostTime::EPOCH, fact }]).unwrap();
    }
    open.close().unwrap();
    let kinds = ["TimerEnded", "Operator"];
    let ask = |path: &Path| SqliteJournal::facts_of(path, &kinds);
    let (good, audit) = (ask(&path).unwrap(), crate::verify_audit(&path).unwrap());
    let file = std::fs::read(&path).unwrap();
    assert!(file.len() > 100_000);
    let copy = folder.path().join("copy.sqlite");
    let mut refused = 0;
    for place in (0..file.len()).step_by(509) {
        std::fs::write(&copy, &file[..place]).unwrap();
        match ask(&copy) {
            Ok(facts) => assert!(facts == good, "cut at {place}: {} facts", facts.len()),
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains("copy.sqlite"), "{error}");
                // the same word as for whoever goes on from it
                refused += usize::from(error.contains("keep a copy and move it away"));
            }
        }
        let told = crate::verify_audit(&copy);
        assert!(told.is_err() || told.is_ok_and(|told| told == audit), "cut at {place}");
    }
    assert!(refused > 100, "{refused} refused");
}
