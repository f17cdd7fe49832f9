//! A journal that cannot be written for a while, as on a full disk: nothing opens, cancels leave,
//! and when it can be written again nothing is missing.

use hedgerow_driver::{Batching, OnJournalFailure};
use hedgerow_model::{Fact, HostTime, OrderFact, Stamped, VenueCommand, VenueEvent};
use hedgerow_ports::{Journal, JournalError, SimulatedVenue, Venue};
use hedgerow_simulation::market::Taste;
use hedgerow_simulation::scene::{Scene, drive, driver};
use hedgerow_simulator::PaperVenue;
use hedgerow_store::MemoryJournal;
use std::cell::Cell;
use std::rc::Rc;

/// Fails from one commit to another.
struct Full {
    inner: MemoryJournal,
    commits: u32,
    from: u32,
    to: u32,
    failing: Rc<Cell<bool>>,
}

impl Journal for Full {
    fn commit(&mut self, facts: &[Stamped]) -> Result<(), JournalError> {
        self.commits += 1;
        let fails = (self.from..self.to).contains(&self.commits);
        self.failing.set(fails);
        if fails { Err(JournalError("no space left".into())) } else { self.inner.commit(facts) }
    }
}

/// Counts what leaves while the journal fails.
struct Spy {
    inner: PaperVenue,
    failing: Rc<Cell<bool>>,
    opened: Rc<Cell<u32>>,
    reduced: Rc<Cell<u32>>,
    canceled: Rc<Cell<u32>>,
}

impl Venue for Spy {
    fn send(&mut self, now: HostTime, command: VenueCommand) {
        if self.failing.get() {
            match &command {
                VenueCommand::Place(order) => {
                    let (account, request) = (order.get().account, &order.get().request);
                    let held = self.inner.position(account, request.instrument).quantity.units();
                    let reduces = held.signum() * request.side.sign() < 0
                        && request.quantity.units() <= held.abs();
                    let count = if reduces { &self.reduced } else { &self.opened };
                    count.set(count.get() + 1);
                }
                VenueCommand::Amend { .. } => self.opened.set(self.opened.get() + 1),
                VenueCommand::Cancel { .. } => self.canceled.set(self.canceled.get() + 1),
                _ => {}
            }
        }
        self.inner.send(now, command);
    }

    fn poll(&mut self, now: HostTime, out: &mut Vec<VenueEvent>) {
        self.inner.poll(now, out);
    }

    fn next_time(&self) -> Option<HostTime> {
        self.inner.next_time()
    }
}

impl SimulatedVenue for Spy {
    fn quiet_until(&mut self, last: HostTime) -> HostTime {
        self.inner.quiet_until(last)
    }

    fn advance(&mut self, now: HostTime) {
        self.inner.advance(now);
    }
}

fn scene(seed: u64) -> Scene {
    let taste = Taste { seed, ..Taste::default() };
    Scene { taste, strategies: vec![(seed, 8)], ..Scene::default() }
}

#[test]
fn a_full_disk_stops_openings_and_loses_nothing() {
    let (mut canceled, mut after) = (0, 0);
    let reductions = Rc::new(Cell::new(0));
    for seed in 0..20 {
        let failing = Rc::new(Cell::new(false));
        let reduced = Rc::clone(&reductions);
        let (opened, cancels) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let journal = Full {
            inner: MemoryJournal::default(),
            commits: 0,
            from: 150,
            to: 250,
            failing: Rc::clone(&failing),
        };
        let spy = |inner| Spy {
            inner,
            failing: Rc::clone(&failing),
            opened: Rc::clone(&opened),
            reduced: Rc::clone(&reduced),
            canceled: Rc::clone(&cancels),
        };
        let mut driver = driver(&scene(seed), journal, Batching::Adaptive, spy);
        driver.on_journal_failure(OnJournalFailure::Hold);
        drive(&mut driver).unwrap();
        assert!(!driver.is_journal_down());
        assert_eq!(opened.get(), 0, "seed {seed}: something that may open left");
        canceled += cancels.get();
        let (engine, venue, _, journal) = driver.into_parts();
        for (spec, position, _) in engine.positions(hedgerow_model::StrategyId(0)) {
            let truth = venue.inner.position(hedgerow_model::AccountId(0), spec.id);
            assert_eq!(truth, *position, "seed {seed}");
        }
        // the facts alone give the same engine
        let mut again = hedgerow_engine::Engine::new(engine.config().clone());
        again.restore(&journal.inner.facts);
        let me = hedgerow_model::StrategyId(0);
        assert_eq!(again.resumed(me).orders, engine.resumed(me).orders);
        assert_eq!(again.counts(me), engine.counts(me));
        let approved = |stamped: &&Stamped| {
            matches!(stamped.fact, Fact::Order { fact: OrderFact::Approved(_), .. })
        };
        after += u32::from(journal.inner.facts.iter().filter(approved).count() > 60);
    }
    assert!(reductions.get() > 0, "no reduction left");
    assert!(canceled > 0, "no cancel left while the disk was full");
    assert!(after > 10, "trading did not go on afterwards");
}

#[test]
fn a_backtest_ends_with_the_reason() {
    let journal = Full {
        inner: MemoryJournal::default(),
        commits: 0,
        from: 10,
        to: 11,
        failing: Rc::default(),
    };
    let mut driver = driver(&scene(1), journal, Batching::One, |venue| venue);
    let error = drive(&mut driver).unwrap_err().to_string();
    assert!(error.contains("no space left"), "{error}");
}
