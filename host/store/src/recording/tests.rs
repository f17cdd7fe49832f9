//! What was written comes back; what was torn says so.

use super::*;
use hedgerow_model::{Fact, Input, TimerId};
use hedgerow_ports::Recorder as _;

fn preface() -> Preface {
    let fact = Fact::Boot { number: 3 };
    Preface {
        config_file: "host.toml".into(),
        config: "plugins = \"p\"".into(),
        is_live: true,
        began: HostTime::EPOCH,
        goes_on: false,
        state: vec![1, 2],
        facts: vec![Stamped { time: HostTime::from_nanos(1), fact }],
        components: vec!["ab".into()],
    }
}

fn tick(n: u64) -> Tick {
    Tick { recv_ts: n, seq: n, kind: 1, ..Tick::default() }
}

fn write(folder: &Path, inputs: u64, segment_bytes: u64) {
    let mut writer = RecordingWriter::begin(folder, &preface(), segment_bytes).unwrap();
    for n in 0..inputs {
        writer.input(&Input::Market(&[tick(3 * n), tick(3 * n + 1)]));
        writer.input(&Input::Market(&[tick(3 * n + 2)]));
        let strategy = StrategyId(1);
        let time = HostTime::from_nanos(n);
        let what = Delivered::Event(Event::Timer(TimerId(n)));
        let told = Delivery { strategy, time, what };
        let fact = Fact::TimerEnded { strategy, id: TimerId(n), fired: true };
        writer.effects(&[Stamped { time, fact }], &[], &[&told]);
        writer.input(&Input::Wake(time));
    }
}

fn read(folder: &Path) -> (Vec<Record>, Option<String>) {
    let (mut reader, known) = RecordingReader::open(folder).unwrap();
    assert_eq!(known, preface());
    let mut all = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        all.push(record);
    }
    (all, reader.damage().map(str::to_owned))
}

fn check(all: &[Record], inputs: u64) {
    let mut next = 0;
    for (place, record) in all.iter().enumerate() {
        match (place % 3, record) {
            (0, Record::Ticks(ticks)) => {
                assert_eq!(*ticks, (next..next + 3).map(tick).collect::<Vec<_>>());
                next += 3;
            }
            (1, Record::Effects(_)) => {}
            (2, Record::Input(input)) => assert!(matches!(**input, Input::Wake(_))),
            (_, other) => panic!("{place}: {other:?}"),
        }
    }
    assert_eq!(next, inputs * 3);
}

#[test]
fn what_was_written_comes_back_over_any_number_of_files() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 5_000, 200_000);
    let last = (1..).find(|number| !exists(folder.path(), number + 1)).unwrap();
    assert!(last > 3);
    for number in 1..=last {
        let forms =
            (segment(folder.path(), number).exists(), converted(folder.path(), number).exists());
        assert_eq!(forms, (number == last, number < last), "file {number}");
    }
    let (all, damage) = read(folder.path());
    assert_eq!(damage, None);
    check(&all, 5_000);
}

/// The two forms of a file say the same, for every value that a tick can hold.
#[test]
fn a_converted_file_holds_what_the_append_file_held() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RecordingWriter::begin(folder.path(), &preface(), 1 << 30).unwrap();
    let edge = Tick {
        ts: u64::MAX,
        recv_ts: u64::MAX - 1,
        seq: 0,
        instrument: u32::MAX,
        kind: u16::MAX,
        flags: u16::MAX,
        a: i64::MIN,
        b: i64::MAX,
        c: -1,
        d: 0,
    };
    writer.input(&Input::Wake(HostTime::EPOCH));
    let many: Vec<Tick> = (0..200_000).map(tick).collect();
    for ticks in [&[edge][..], &many, &[edge, tick(5)]] {
        writer.input(&Input::Market(ticks));
        writer.input(&Input::Wake(HostTime::from_nanos(ticks[0].ts)));
    }
    drop(writer);
    let ticks = |all: &[Record]| -> Vec<Vec<Tick>> {
        let mut runs = vec![Vec::new()];
        for record in all {
            match record {
                Record::Ticks(ticks) => runs.last_mut().unwrap().extend(ticks.iter().copied()),
                _ => runs.push(Vec::new()),
            }
        }
        runs
    };
    let (before, _) = read(folder.path());
    columns::convert(&segment(folder.path(), 1), &converted(folder.path(), 1)).unwrap();
    assert!(!segment(folder.path(), 1).exists());
    let (after, damage) = read(folder.path());
    assert_eq!((ticks(&after), damage), (ticks(&before), None));
    assert_eq!(ticks(&after).iter().map(Vec::len).sum::<usize>(), 200_003);
    // damage anywhere is told, at the latest by the sum; or it is in what nobody reads
    let path = converted(folder.path(), 1);
    let whole = std::fs::read(&path).unwrap();
    let mut told = 0;
    for place in (0..64).map(|part| whole.len() / 64 * part + 3) {
        let mut bad = whole.clone();
        bad[place] ^= 0x10;
        std::fs::write(&path, &bad).unwrap();
        let Ok((mut reader, _)) = RecordingReader::open(folder.path()) else {
            told += 1;
            continue;
        };
        let mut read = Vec::new();
        while let Ok(Some(record)) = reader.next() {
            read.push(record);
        }
        let is_told = reader.damage().is_some();
        told += u32::from(is_told);
        assert!(is_told || ticks(&read) == ticks(&before), "at {place} of {}", whole.len());
    }
    assert!(told > 16, "{told}");
}

/// A process that dies while it converts leaves the append file, and at most a file nobody reads.
#[test]
fn a_conversion_that_was_cut_off_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 3_000, 1 << 30);
    let (before, _) = read(folder.path());
    std::fs::write(folder.path().join("000001.parquet.tmp"), b"PAR1 half").unwrap();
    assert_eq!(read(folder.path()).0.len(), before.len());
    // renamed, and not yet removed
    let kept = std::fs::read(segment(folder.path(), 1)).unwrap();
    columns::convert(&segment(folder.path(), 1), &converted(folder.path(), 1)).unwrap();
    std::fs::write(segment(folder.path(), 1), &kept).unwrap();
    assert_eq!(read(folder.path()).0.len(), before.len());
    // an append file that is damaged is not made to look whole
    std::fs::remove_file(converted(folder.path(), 1)).unwrap();
    std::fs::write(segment(folder.path(), 1), &kept[..kept.len() - 7]).unwrap();
    let why = columns::convert(&segment(folder.path(), 1), &converted(folder.path(), 1));
    assert!(why.unwrap_err().contains("torn"));
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["000001.rec"]);
}

#[test]
fn effects_can_be_compared_and_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 1, 1 << 20);
    let (reader, _) = RecordingReader::open(folder.path()).unwrap();
    let (all, _) = read(folder.path());
    let Record::Effects(effects) = &all[1] else { panic!("{all:?}") };
    let words = reader.words(effects);
    assert!(words.contains("TimerEnded") && words.contains("Timer(TimerId(0))"), "{words}");
}

#[test]
fn a_recording_torn_at_any_byte_is_read_up_to_there() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 3_000, 1 << 30);
    let path = segment(folder.path(), 1);
    let whole = std::fs::read(&path).unwrap();
    let (all, _) = read(folder.path());
    for cut in [whole.len() - 1, whole.len() / 2, whole.len() / 3 * 2 + 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let (some, damage) = read(folder.path());
        assert!(some.len() < all.len() && damage.is_some_and(|why| why.contains("torn")));
    }
    let mut bad = whole;
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    std::fs::write(&path, &bad).unwrap();
    let (_, damage) = read(folder.path());
    assert!(damage.is_some_and(|why| why.contains("damaged")));
}

#[test]
fn a_folder_in_use_and_an_empty_one_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let absent = RecordingReader::open(folder.path()).unwrap_err().to_string();
    assert!(absent.contains("--record"), "{absent}");
    write(folder.path(), 1, 1 << 20);
    let again = RecordingWriter::begin(folder.path(), &preface(), 1 << 20).unwrap_err();
    assert!(again.to_string().contains("already holds"), "{again}");
}

/// A disk that takes no more ends the recording, and that can be asked for.
#[test]
fn a_recording_that_cannot_go_on_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("recording");
    let mut writer = RecordingWriter::begin(&inner, &preface(), 1).unwrap();
    assert_eq!(writer.ended(), None);
    std::fs::remove_dir_all(&inner).unwrap();
    writer.input(&Input::Wake(HostTime::EPOCH));
    writer.flush();
    assert!(writer.ended().is_some_and(|why| why.contains("recording")), "{:?}", writer.ended());
}
