//! That the comparison of batches with one tick at a time sees a rule that is missing: a venue that
//! forgets one of its bounds is caught, each of them.

use crate::batches::{EXPIRY, KINDS};
use hedgerow_driver::Batching;
use hedgerow_model::{Duration, HostTime, VenueCommand, VenueEvent};
use hedgerow_ports::{SimulatedVenue, Venue};
use hedgerow_simulation::market::Taste;
use hedgerow_simulation::scene::{Scene, drive, driver, run};
use hedgerow_simulator::PaperVenue;
use hedgerow_store::MemoryJournal;
use std::collections::BTreeSet;

/// Which bound is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forgets {
    /// None.
    Nothing,
    /// Commands on their way to the venue.
    Commands,
    /// The end of a dated future.
    End,
    /// Ticks that could touch what rests, and all else.
    Everything,
}

struct Mutant {
    inner: PaperVenue,
    forgets: Forgets,
    latency: u64,
    /// When commands arrive.
    arrivals: BTreeSet<HostTime>,
}

impl Venue for Mutant {
    fn send(&mut self, now: HostTime, command: VenueCommand) {
        self.arrivals.insert(now.after(Duration::from_nanos(self.latency)));
        self.inner.send(now, command);
    }

    fn poll(&mut self, now: HostTime, out: &mut Vec<VenueEvent>) {
        self.inner.poll(now, out);
    }

    fn next_time(&self) -> Option<HostTime> {
        self.inner.next_time()
    }
}

impl SimulatedVenue for Mutant {
    fn quiet_until(&mut self, last: HostTime) -> HostTime {
        let bound = self.inner.quiet_until(last);
        let forgotten = match self.forgets {
            Forgets::Nothing => false,
            Forgets::Commands => self.arrivals.contains(&bound),
            Forgets::End => bound.as_nanos() == EXPIRY.as_nanos(),
            Forgets::Everything => true,
        };
        if forgotten { bound.max(last.after(Duration::from_nanos(1))) } else { bound }
    }

    fn advance(&mut self, now: HostTime) {
        self.inner.advance(now);
    }
}

fn scene(seed: u64) -> Scene {
    let taste = Taste { seed, ..Taste::default() };
    let kind = KINDS[3 + usize::try_from(seed % 2).unwrap()];
    let latency = (20_000_000, 5_000_000);
    Scene { taste, strategies: vec![(seed, 30)], kind, latency, ..Scene::default() }
}

/// Whether batches over such a venue give something else, or are found to be broken.
fn is_seen(forgets: Forgets, seed: u64) -> bool {
    let scene = scene(seed);
    let one = run(&scene, Batching::One);
    let latency = scene.latency.0;
    let wrap = |inner| Mutant { inner, forgets, latency, arrivals: BTreeSet::new() };
    let mut driver = driver(&scene, MemoryJournal::default(), Batching::Adaptive, wrap);
    if drive(&mut driver).is_err() {
        return true;
    }
    let (.., journal) = driver.into_parts();
    journal.facts != one.journal.facts
}

#[test]
fn a_venue_that_forgets_one_of_its_bounds_is_caught() {
    for forgets in [Forgets::Commands, Forgets::End, Forgets::Everything] {
        assert!((0..24).any(|seed| is_seen(forgets, seed)), "{forgets:?} is not seen");
    }
    assert!(!(0..6).any(|seed| is_seen(Forgets::Nothing, seed)), "a venue that forgets nothing");
}
