//! What a host says of a paper venue that is not there.

use super::*;
use std::collections::BTreeSet;

/// What it last said of itself is not true for ever.
#[test]
fn a_venue_that_went_away_is_neither_busy_nor_catching_up() {
    let folder = tempfile::tempdir().unwrap();
    let (venues, accounts) = (BTreeSet::new(), BTreeSet::new());
    let link = Link { path: folder.path().join("venue.sock"), venues, accounts };
    let last = State { busy: true, early: true, ..State::default() };
    let shared = Arc::new(Mutex::new(Inbox { links: vec![last], ..Inbox::default() }));
    let (definitions, venues) = (Vec::new(), Vec::new());
    let reader = Reader { shared: Arc::clone(&shared), place: 0, link, definitions, venues };
    let thread = std::thread::spawn(move || reader.run());
    let began = std::time::Instant::now();
    let says = || lock(&shared).links.iter().any(|link| link.busy || link.early);
    let lost = || lock(&shared).links[0].lost.clone();
    while says() || lost().is_none() {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody is there");
        std::thread::sleep(Duration::from_millis(5));
    }
    let why = lost().unwrap();
    assert!(why.contains("cannot be connected to: No such file"), "{why}");
    lock(&shared).ended = true;
    thread.join().unwrap();
}
