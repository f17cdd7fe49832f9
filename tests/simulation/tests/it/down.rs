//! A journal that stays down: what waits for it stays small, trying it costs little, and at the
//! end of what can be held the host ends.

use hedgerow_driver::{Batching, DriverError, OnJournalFailure};
use hedgerow_model::{Fact, Stamped};
use hedgerow_ports::{Journal, JournalError};
use hedgerow_simulation::market::Taste;
use hedgerow_simulation::scene::{Scene, drive, driver};
use hedgerow_store::MemoryJournal;
use std::cell::RefCell;
use std::rc::Rc;

/// What is asked of a journal that fails.
#[derive(Default)]
struct Asked {
    commits: u32,
    questions: u32,
    facts: usize,
}

/// Takes so many commits, and after so many questions takes them again.
struct Down {
    inner: MemoryJournal,
    takes: u32,
    fails: u32,
    asked: Rc<RefCell<Asked>>,
}

impl Down {
    fn is_down(&self) -> bool {
        let asked = self.asked.borrow();
        asked.commits >= self.takes && asked.questions < self.fails
    }
}

impl Journal for Down {
    fn commit(&mut self, facts: &[Stamped]) -> Result<(), JournalError> {
        let down = self.is_down();
        self.asked.borrow_mut().commits += 1;
        if !down {
            return self.inner.commit(facts);
        }
        self.asked.borrow_mut().facts += facts.len();
        Err(JournalError("no space left".into()))
    }

    fn is_ready(&mut self) -> Result<(), JournalError> {
        self.asked.borrow_mut().questions += 1;
        if self.is_down() { Err(JournalError("no space left".into())) } else { Ok(()) }
    }
}

fn down(takes: u32, fails: u32) -> (Down, Rc<RefCell<Asked>>) {
    let asked = Rc::<RefCell<Asked>>::default();
    (Down { inner: MemoryJournal::default(), takes, fails, asked: Rc::clone(&asked) }, asked)
}

fn scene(seed: u64) -> Scene {
    let taste = Taste { seed, ..Taste::default() };
    Scene { taste, strategies: vec![(seed, 8)], ..Scene::default() }
}

/// One attempt fails; from then on the journal is asked, not given everything again.
#[test]
fn a_journal_that_stays_down_is_not_given_everything_again_and_again() {
    let mut left = 0;
    for seed in 0..20 {
        let (journal, asked) = down(50, 20);
        let mut driver = driver(&scene(seed), journal, Batching::Adaptive, |venue| venue);
        driver.on_journal_failure(OnJournalFailure::Hold);
        drive(&mut driver).unwrap();
        assert!(!driver.is_journal_down(), "seed {seed}");
        let told = driver.take_left_out();
        assert_eq!(driver.take_left_out(), None, "told once");
        let count = told.map_or(0, |told| told.reports + told.denials + told.markets);
        left += count;
        let asked = asked.borrow();
        assert_eq!(asked.questions, 20, "seed {seed}");
        assert!(asked.facts < 100, "seed {seed}: {} facts were tried in vain", asked.facts);
        let (engine, _, _, journal) = driver.into_parts();
        let mut again = hedgerow_engine::Engine::new(engine.config().clone());
        again.restore(&journal.inner.facts);
        let me = hedgerow_model::StrategyId(0);
        assert_eq!(again.resumed(me).orders, engine.resumed(me).orders, "seed {seed}");
        assert_eq!(again.counts(me), engine.counts(me), "seed {seed}");
        let held = |engine: &hedgerow_engine::Engine| {
            engine.positions(me).map(|(_, position, _)| position.clone()).collect::<Vec<_>>()
        };
        assert_eq!(held(&again), held(&engine), "seed {seed}");
    }
    assert!(left > 0, "nothing that only people read was let go");
}

/// With room for none of it the host ends, and says why; it does not fill the memory.
#[test]
fn more_than_can_be_held_ends_the_host() {
    let (journal, _) = down(50, u32::MAX);
    let mut driver = driver(&scene(3), journal, Batching::Adaptive, |venue| venue);
    driver.on_journal_failure(OnJournalFailure::Hold);
    driver.hold_at_most(20);
    let error = drive(&mut driver).unwrap_err();
    assert!(matches!(error, DriverError::TooMuchHeld { facts } if facts > 20), "{error}");
    assert!(error.to_string().contains("facts wait for it"), "{error}");
    let open = |stamped: &Stamped| matches!(stamped.fact, Fact::Order { .. });
    assert!(driver.journal().inner.facts.iter().any(open), "it traded before");
}
