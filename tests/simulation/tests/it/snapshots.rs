//! A snapshot at any fact and the rest of the facts give the engine that all facts give; over a
//! journal file and its snapshots as well.

use crate::batches;
use hedgerow_driver::Batching;
use hedgerow_engine::{Engine, Snapshot};
use hedgerow_model::Stamped;
use hedgerow_ports::Journal as _;
use hedgerow_simulation::scene::{Scene, engine, run};
use hedgerow_store::{Fold, SqliteJournal, snapshot};
use proptest::prelude::*;

pub(crate) struct Folded(pub(crate) Engine);

impl Fold for Folded {
    type Kept = Snapshot;

    fn take_up(&mut self, kept: Snapshot) -> Result<(), String> {
        self.0.take_up(kept).map_err(|e| e.to_string())
    }

    fn fold(&mut self, fact: &Stamped) {
        self.0.restore([fact]);
    }

    fn keep(&self) -> Snapshot {
        self.0.snapshot()
    }
}

fn fresh(scene: &Scene) -> Folded {
    Folded(engine(scene, &[]))
}

fn bytes(engine: &Engine) -> Vec<u8> {
    rmp_serde::to_vec_named(&engine.snapshot()).unwrap()
}

/// As they print and as they are written: the one sees what the other leaves out.
pub(crate) fn same(one: &Engine, other: &Engine) -> Result<(), TestCaseError> {
    prop_assert_eq!(format!("{one:?}"), format!("{other:?}"));
    prop_assert_eq!(bytes(one), bytes(other));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("HEDGEROW_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(48),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_snapshot_and_the_rest_is_the_whole(
        scene in batches::scene(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 4),
    ) {
        let facts = run(&scene, Batching::Adaptive).journal.facts;
        let mut whole = fresh(&scene).0;
        whole.restore(&facts);
        for place in places {
            let (before, after) = facts.split_at(place.index(facts.len() + 1));
            let mut first = fresh(&scene).0;
            first.restore(before);
            let mut second = fresh(&scene).0;
            second.take_up(rmp_serde::from_slice(&bytes(&first)).unwrap()).unwrap();
            same(&first, &second)?;
            second.restore(after);
            same(&whole, &second)?;
        }
    }

    /// The same through files; of each strategy's states the journal keeps the newest.
    #[test]
    fn a_journal_with_snapshots_restarts_as_one_without(
        scene in batches::scene(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 3),
    ) {
        let facts = run(&scene, Batching::Adaptive).journal.facts;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let mut journal = SqliteJournal::open(&path).unwrap();
        let mut places: Vec<usize> = places.iter().map(|p| p.index(facts.len() + 1)).collect();
        places.sort_unstable();
        let mut done = 0;
        for place in places {
            journal.commit(&facts[done..place]).unwrap();
            snapshot(&path, fresh(&scene)).unwrap();
            done = place;
        }
        journal.commit(&facts[done..]).unwrap();
        let restarted = journal.restart(fresh(&scene)).unwrap();
        prop_assert!(restarted.skipped.is_empty(), "{:?}", restarted.skipped);
        let mut whole = fresh(&scene).0;
        whole.restore(&facts);
        same(&whole, &restarted.state.0)?;
    }
}
