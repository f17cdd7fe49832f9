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

/// A socket of one venue has no word about another: its margin is not what a position there needs.
#[test]
fn what_a_socket_says_of_another_venue_is_not_taken() {
    let venues = BTreeSet::from([VenueId(0)]);
    let link = Link { path: "v.sock".into(), venues, accounts: BTreeSet::new() };
    let shared = Arc::new(Mutex::new(Inbox::default()));
    let (definitions, venues) = (Vec::new(), Vec::new());
    let reader = Reader { shared: Arc::clone(&shared), place: 0, link, definitions, venues };
    let margin = || VenueReport::Margin {
        asset: "USD".into(),
        equity: hedgerow_model::Decimal::ONE,
        used: hedgerow_model::Decimal::ZERO,
        maintenance: hedgerow_model::Decimal::ZERO,
    };
    let told = [
        (0, margin()),
        (1, margin()),
        // it ends an answer, whichever venue's name it bears
        (1, VenueReport::Reconciled { nonce: 1 }),
    ];
    for (venue, report) in told {
        reader.take(Frame::Event(event(VenueId(venue), AccountId(1), 1, report)));
    }
    let taken: Vec<u32> = lock(&shared).events.iter().map(|event| event.venue.0).collect();
    assert_eq!(taken, [0, 1]);
    let last = lock(&shared).events.back().map(|event| event.report.clone());
    assert!(matches!(last, Some(VenueReport::Reconciled { .. })));
}
