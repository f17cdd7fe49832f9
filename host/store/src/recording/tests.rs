//! What was written comes back; what was torn says so.

use super::*;
use hedgerow_model::{Fact, TimerId};

fn preface() -> Preface {
    let fact = Fact::Boot { number: 3 };
    Preface {
        config_file: "host.toml".into(),
        config: "plugins = \"p\"".into(),
        is_live: true,
        began: HostTime::EPOCH,
        goes_on: false,
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
    assert!(segment(folder.path(), 3).exists());
    let (all, damage) = read(folder.path());
    assert_eq!(damage, None);
    check(&all, 5_000);
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
