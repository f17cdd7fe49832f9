//! The journal file: what is written is read, what is damaged is told.

use super::*;
use hedgerow_model::{Scope, TimerId, TradingMode};

fn facts() -> Vec<Stamped> {
    let strategy = StrategyId(3);
    let mode = Fact::Mode {
        scope: Scope::Strategy(strategy),
        mode: TradingMode::ReduceOnly,
        reason: "it's \"quoted\"".into(),
    };
    let timer = Fact::TimerEnded { strategy, id: TimerId(u64::MAX), fired: true };
    [mode, timer].into_iter().map(|fact| Stamped { time: HostTime::from_nanos(7), fact }).collect()
}

#[test]
fn facts_survive_closing_and_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut journal = SqliteJournal::open(&path).unwrap();
    assert_eq!(journal.boot(HostTime::from_nanos(1)).unwrap(), 1);
    journal.commit(&facts()).unwrap();
    drop(journal);
    let mut journal = SqliteJournal::open(&path).unwrap();
    assert_eq!(journal.boot(HostTime::from_nanos(9)).unwrap(), 2);
    let read = journal.read().unwrap();
    assert_eq!(read[1..3], facts());
    assert_eq!(read.len(), 4);
}

#[test]
fn facts_of_a_full_disk_are_merged_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut journal = SqliteJournal::open(&path).unwrap();
    journal.boot(HostTime::from_nanos(1)).unwrap();
    // the process dies while the disk is full
    journal.keep_aside(&facts()[..1]);
    journal.keep_aside(&facts()[1..]);
    drop(journal);
    let mut journal = SqliteJournal::open(&path).unwrap();
    assert_eq!(journal.read().unwrap()[1..], facts());
    drop(SqliteJournal::open(&path).unwrap());
    assert_eq!(journal.read().unwrap().len(), 3, "once");
    // it dies after the disk had room again, before the file was cleared
    journal.keep_aside(&facts());
    let kept = std::fs::read(path.with_extension("emergency")).unwrap();
    journal.commit(&facts()).unwrap();
    drop(journal);
    std::fs::write(path.with_extension("emergency"), kept).unwrap();
    let journal = SqliteJournal::open(&path).unwrap();
    assert_eq!(journal.read().unwrap().len(), 5, "the journal has them already");
}

/// A power cut takes rows that what was kept aside follows: it is the only word of what was done
/// since, and is kept; modes and operators' words hold without them.
#[test]
fn what_follows_lost_rows_is_not_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut journal = SqliteJournal::open(&path).unwrap();
    journal.boot(HostTime::from_nanos(1)).unwrap();
    journal.commit(&facts()).unwrap();
    journal.keep_aside(&facts());
    let kept = std::fs::read(path.with_extension("emergency")).unwrap();
    drop(journal);
    let lose = |rows: i64| {
        let connection = Connection::open(&path).unwrap();
        for cut in ["DELETE FROM fact WHERE seq > ?1", "DELETE FROM audit WHERE fact > ?1"] {
            connection.execute(cut, [rows]).unwrap();
        }
    };
    let aside = |number: u32| path.with_extension(format!("not-merged-{number}.jsonl"));
    // of three rows one is left; with the mode that is taken over and the word of it there are
    // three again, and once more
    for time in 0..2 {
        lose(1);
        std::fs::write(path.with_extension("emergency"), &kept).unwrap();
        let journal = SqliteJournal::open(&path).unwrap();
        assert_eq!(journal.read().unwrap()[2..], facts()[..1], "the mode, time {time}");
        let word = &journal.read().unwrap()[1].fact;
        assert!(format!("{word:?}").contains("kept in journal.not-merged-1.jsonl"), "{word:?}");
        assert_eq!(journal.aside().0, 0);
        drop(journal);
        assert_eq!(SqliteJournal::open(&path).unwrap().read().unwrap().len(), 3, "once");
        // it died before the file was cleared, where the journal came to end as it had
        std::fs::write(path.with_extension("emergency"), &kept).unwrap();
        let journal = SqliteJournal::open(&path).unwrap();
        assert_eq!((journal.read().unwrap().len(), journal.aside().0), (3, 0), "taken already");
        drop(journal);
        let read = std::fs::read_to_string(aside(1)).unwrap();
        let read: Vec<Stamped> =
            read.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, facts());
        assert!(!aside(2).exists(), "the same facts are kept once");
    }
    assert_eq!(crate::verify_audit(&path).unwrap().broken, None);
}

#[test]
fn a_bad_day_of_large_states_leaves_no_other_fact_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut journal = SqliteJournal::open(&path).unwrap();
    journal.boot(HostTime::from_nanos(1)).unwrap();
    let (strategy, time) = (StrategyId(3), HostTime::from_nanos(7));
    let state = vec![b'x'; 1 << 20];
    let large = Fact::Checkpoint { strategy, version: 1, state, unheard: Vec::new() };
    for number in 0..100 {
        let ended = Fact::TimerEnded { strategy, id: TimerId(number), fired: true };
        let facts = [large.clone(), ended].map(|fact| Stamped { time, fact });
        journal.keep_aside(&facts);
    }
    drop(journal);
    let facts = SqliteJournal::open(&path).unwrap().read().unwrap();
    let ended = |stamped: &&Stamped| matches!(stamped.fact, Fact::TimerEnded { .. });
    assert_eq!(facts.iter().filter(ended).count(), 100);
    let state = |stamped: &&Stamped| matches!(stamped.fact, Fact::Checkpoint { .. });
    assert_eq!(facts.iter().filter(state).count(), 1, "and the newest state that fitted");
}

#[test]
fn damage_in_what_a_full_disk_left_is_told_and_nothing_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut journal = SqliteJournal::open(&path).unwrap();
    journal.keep_aside(&facts());
    drop(journal);
    let aside = path.with_extension("emergency");
    let whole = std::fs::read(&aside).unwrap();
    let mut bad = whole.clone();
    bad[20] ^= 0x40;
    std::fs::write(&aside, &bad).unwrap();
    let why = SqliteJournal::open(&path).unwrap_err().to_string();
    assert!(why.contains("journal.emergency") && why.contains("fact 1"), "{why}");
    assert_eq!(std::fs::read(&aside).unwrap(), bad, "it is as it was");
    std::fs::write(&aside, &whole).unwrap();
    assert_eq!(SqliteJournal::open(&path).unwrap().read().unwrap(), facts());
}

/// Somebody who commits at every moment never lets the log end by itself.
#[test]
fn the_log_stays_bounded_under_steady_commits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut journal = SqliteJournal::open(&path).unwrap();
    let log = path.with_extension("sqlite-wal");
    let strategy = StrategyId(3);
    let (time, state) = (HostTime::from_nanos(7), vec![b'x'; 64 << 10]);
    let fact = Fact::Checkpoint { strategy, version: 1, state, unheard: Vec::new() };
    let (mut written, mut begun_anew) = (0_u64, false);
    let mut before = 0;
    // a log that only grows would be as long as all that was written
    while !begun_anew {
        journal.commit(&[Stamped { time, fact: fact.clone() }]).unwrap();
        written += 64 << 10;
        let length = std::fs::metadata(&log).unwrap().len();
        begun_anew = length < before;
        before = length;
        assert!(written < 4 << 30, "the log has {length} bytes");
    }
}

/// The layouts of before, as their hosts made them: rows go on where they were, and an audit that
/// began with the second goes on.
#[test]
fn journals_of_earlier_layouts_are_brought_to_the_present_one() {
    const FIRST: &str = "
        CREATE TABLE fact (
            seq INTEGER PRIMARY KEY,
            time_ns INTEGER NOT NULL,
            kind TEXT NOT NULL,
            body TEXT NOT NULL
        ) STRICT;
        CREATE INDEX fact_by_kind ON fact (kind, seq);";
    const SECOND: &str =
        "CREATE TABLE audit (fact INTEGER PRIMARY KEY, hash TEXT NOT NULL) STRICT;";
    for layout in [1, 2] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(FIRST).unwrap();
        if layout == 2 {
            old.execute_batch(SECOND).unwrap();
        }
        old.pragma_update(None, "user_version", layout).unwrap();
        let insert = "INSERT INTO fact (time_ns, kind, body) VALUES (?1, ?2, ?3)";
        // the first had no audit: what was said then belongs to it all the same
        let said = if layout == 1 { 1 } else { 0 };
        for stamped in &facts()[1 - said..] {
            let body = serde_json::to_string(&stamped.fact).unwrap();
            old.execute(insert, (7_i64, kind(&body), &body)).unwrap();
        }
        drop(old);
        let mut journal = SqliteJournal::open(&path).unwrap();
        assert_eq!(journal.read().unwrap(), facts()[1 - said..], "layout {layout}");
        journal.commit(&facts()).unwrap();
        assert_eq!(journal.read().unwrap().len(), 3 + said);
        let version: i64 =
            journal.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(usize::try_from(version), Ok(MIGRATIONS.len()));
        drop(journal);
        let audit = crate::verify_audit(&path).unwrap();
        assert_eq!((audit.rows, audit.broken), (1 + said as u64, None), "layout {layout}");
    }
}

/// A step that fails leaves nothing of itself behind, and the journal as it was.
#[test]
fn a_step_that_fails_is_undone_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let old = Connection::open(&path).unwrap();
    // what the second step makes is there already, of somebody else's making
    old.execute_batch("CREATE TABLE fact (seq INTEGER PRIMARY KEY, time_ns, kind, body)").unwrap();
    old.execute_batch("CREATE TABLE audit (something TEXT)").unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);
    let error = SqliteJournal::open(&path).unwrap_err().to_string();
    assert!(error.contains("journal.sqlite") && error.contains("audit"), "{error}");
    let left = Connection::open(&path).unwrap();
    let version: i64 = left.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
}

#[test]
fn a_journal_of_a_newer_host_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let journal = SqliteJournal::open(&path).unwrap();
    journal.connection.pragma_update(None, "user_version", 99).unwrap();
    drop(journal);
    let error = SqliteJournal::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }));
    assert!(error.to_string().contains("use the newer host"), "{error}");
}

/// Of states only the newest counts: the file does not grow by what nobody reads again.
#[test]
fn of_each_strategy_s_states_the_newest_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let state = |strategy: u32, byte: u8| Stamped {
        time: HostTime::EPOCH,
        fact: Fact::Checkpoint {
            strategy: StrategyId(strategy),
            version: 1,
            state: vec![byte; 40_000],
            unheard: Vec::new(),
        },
    };
    let kept = |journal: &SqliteJournal| -> Vec<Stamped> {
        let facts = journal.read().unwrap().into_iter();
        facts.filter(|s| matches!(s.fact, Fact::Checkpoint { .. })).collect()
    };
    let mut journal = SqliteJournal::open(&path).unwrap();
    for byte in 0..200 {
        journal.commit(&[state(1, byte), facts()[0].clone(), state(2, byte)]).unwrap();
    }
    assert_eq!(kept(&journal), [state(1, 199), state(2, 199)]);
    assert_eq!(journal.read().unwrap().len(), 202);
    journal.close().unwrap();
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size < 2_000_000, "{size}");
    let mut journal = SqliteJournal::open(&path).unwrap();
    journal.commit(&[state(1, 3)]).unwrap();
    assert_eq!(kept(&journal), [state(2, 199), state(1, 3)]);
}

/// One that is there and cannot be read may hold what was done: that is not passed over.
#[test]
fn an_emergency_file_that_cannot_be_opened_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    drop(SqliteJournal::open(&path).unwrap());
    let aside = path.with_extension("emergency");
    std::fs::remove_file(&aside).unwrap();
    std::fs::create_dir(&aside).unwrap();
    let error = SqliteJournal::open(&path).unwrap_err().to_string();
    assert!(error.contains("what the journal could not take"), "{error}");
}

/// Whoever reads all of a large journal reads it in pieces: its log can begin anew meanwhile.
#[test]
fn reading_a_large_journal_holds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut journal = SqliteJournal::open(&path).unwrap();
    let all: Vec<Stamped> = facts().into_iter().cycle().take(40_000).collect();
    journal.commit(&all).unwrap();
    let other = Connection::open(&path).unwrap();
    other.busy_timeout(Duration::ZERO).unwrap();
    // the journal's own thread may be at it for a moment
    let begun_anew = || {
        let begin = "PRAGMA wal_checkpoint(TRUNCATE)";
        (0..1_000).any(|_| {
            std::thread::yield_now();
            other.query_row(begin, [], |row| row.get::<_, i64>(0)).unwrap() == 0
        })
    };
    let (mut read, mut held) = (Vec::new(), false);
    SqliteJournal::each_of(&path, &["TimerEnded", "Mode"], &mut |stamped| {
        if read.len() % 10_000 == 0 {
            journal.commit(&facts()).unwrap();
            held |= !begun_anew();
        }
        read.push(stamped);
    })
    .unwrap();
    assert_eq!((read == all, held), (true, false));
    // the chain goes on over the pieces
    let audit = audit::verify(&path).unwrap();
    assert_eq!((audit.rows, audit.broken), (20_004, None));
    journal.connection.execute("DELETE FROM fact WHERE seq = 39999", []).unwrap();
    let broken = audit::verify(&path).unwrap().broken;
    assert_eq!(broken.as_deref(), Some("row 39999: the row is gone"));
}

#[test]
fn what_is_no_journal_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    std::fs::write(&path, vec![b'x'; 8_192]).unwrap();
    let why = SqliteJournal::open(&path).err().unwrap().to_string();
    assert!(why.contains("journal.sqlite") && why.contains("move it away"), "{why}");
    let nowhere = folder.path().join("nowhere/journal.sqlite");
    let why = SqliteJournal::open(&nowhere).err().unwrap().to_string();
    assert!(why.contains("its folder must be there"), "{why}");
}

/// One whose space was not all had is made whole; one that holds facts is not written over.
#[test]
fn an_emergency_file_that_is_cut_short_is_not_taken_for_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let aside = path.with_extension("emergency");
    std::fs::write(&aside, vec![0; 70_000]).unwrap();
    drop(SqliteJournal::open(&path).unwrap());
    let whole = std::fs::metadata(&aside).unwrap().len();
    assert!(whole > 1 << 20, "{whole}");
    let mut short = vec![0; 70_000];
    short[0] = 9;
    std::fs::write(&aside, &short).unwrap();
    let why = SqliteJournal::open(&path).err().unwrap().to_string();
    assert!(why.contains("it is cut short") && why.contains("move it away"), "{why}");
    assert_eq!(std::fs::read(&aside).unwrap(), short, "nothing of it is lost");
}

/// A start that finds no room leaves what there is of it to others.
#[cfg(target_os = "linux")]
#[test]
fn an_emergency_file_that_has_no_room_is_taken_away_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let aside = path.with_extension("emergency");
    std::os::unix::fs::symlink("/dev/full", &aside).unwrap();
    let why = SqliteJournal::open(&path).unwrap_err().to_string();
    assert!(why.contains("there is no room for its 16 MiB"), "{why}");
    assert!(std::fs::symlink_metadata(&aside).is_err(), "it is gone");
}

/// What is kept later would be merged as though nothing were missing before it: a batch that finds
/// no place is the last. With something kept already the place is known.
#[test]
fn a_batch_that_could_not_be_kept_aside_leaves_no_hole() {
    for kept_before in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let mut journal = SqliteJournal::open(&path).unwrap();
        let all = [facts(), facts()].concat();
        if kept_before {
            journal.keep_aside(&all[..1]);
        }
        journal.connection.execute_batch("ALTER TABLE fact RENAME TO away").unwrap();
        journal.keep_aside(&all[1..2]);
        journal.connection.execute_batch("ALTER TABLE away RENAME TO fact").unwrap();
        journal.keep_aside(&all[2..]);
        drop(journal);
        let merged = SqliteJournal::open(&path).unwrap().read().unwrap();
        assert_eq!(merged, if kept_before { all } else { Vec::new() }, "{kept_before}");
    }
}
