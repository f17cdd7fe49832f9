//! Replacing a strategy that is never at rest: its timers come faster than it answers them.

use hedgerow_driver::{Batching, Driver, Progress, Swapped};
use hedgerow_model::{AccountId, Duration, Fact, Held, HostTime, StrategyId, Swap, TimerId};
use hedgerow_sdk::{
    Context, Event, InitError, NoParameters, SavedState, Strategy, Want, save_json, serde,
    serde_json,
};
use hedgerow_simulation::market::tape;
use hedgerow_simulation::native::NativeHost;
use hedgerow_simulation::scene;
use hedgerow_simulator::{PaperVenue, TapeFeed, VenueConfig};
use hedgerow_store::MemoryJournal;

const CHAINS: u64 = 4;
const PERIOD: Duration = Duration::from_millis(1);
const ME: StrategyId = StrategyId(0);

/// Chains of timers at fixed times, a millisecond apart: each sets the next one of its chain. What
/// it hears twice, or not in order, it remembers.
#[derive(serde::Serialize, serde::Deserialize, Default)]
#[serde(crate = "hedgerow_sdk::serde")]
struct Busy {
    began: u64,
    next: [u64; CHAINS as usize],
    wrong: Vec<(u64, u64)>,
}

impl Busy {
    fn set(&self, ctx: &mut Context, chain: u64, number: u64) {
        let at = HostTime::from_nanos(self.began + (number + 1) * PERIOD.as_nanos());
        ctx.set_timer(TimerId(chain + number * CHAINS), at);
    }
}

impl Strategy for Busy {
    type Parameters = NoParameters;
    const NAME: &'static str = "busy";
    const VERSION: &'static str = "0";

    fn wants() -> Vec<Want> {
        Vec::new()
    }

    fn init(_: NoParameters, _: &Context, saved: Option<&SavedState>) -> Result<Self, InitError> {
        let saved = saved.map(|saved| serde_json::from_slice(&saved.data).unwrap());
        Ok(saved.unwrap_or_default())
    }

    fn on_event(&mut self, ctx: &mut Context, event: &Event) {
        match event {
            Event::Resumed(_) if self.began == 0 => {
                self.began = ctx.now().as_nanos();
                (0..CHAINS).for_each(|chain| self.set(ctx, chain, 0));
            }
            Event::Timer(TimerId(id)) => {
                let (chain, number) = (id % CHAINS, id / CHAINS);
                let next = &mut self.next[usize::try_from(chain).unwrap()];
                if *next != number {
                    self.wrong.push((*next, number));
                }
                *next = number + 1;
                self.set(ctx, chain, number + 1);
            }
            _ => {}
        }
    }

    fn save(&self) -> Vec<u8> {
        save_json(self)
    }
}

type Loop = Driver<TapeFeed, PaperVenue, NativeHost<Busy>, MemoryJournal>;

fn busy(seed: u64) -> Loop {
    let mut scene = super::mailboxes::scene(seed, 1, 100_000, 40);
    scene.taste.updates = 10_000;
    let tape = tape(scene.taste);
    let engine = scene::engine(&scene, &[]);
    let specs = engine.config().instruments.iter();
    let priced: Vec<_> = specs.map(|spec| (spec.clone(), Default::default())).collect();
    let (latency, fills) = (Duration::from_millis(1), scene.fills);
    let venue = VenueConfig { latency_out: latency, latency_back: latency, fills, amends: true };
    let venue = PaperVenue::new(vec![venue], &priced, &tape);
    let mut known = hedgerow_sdk::testing::perpetual(0, "market0", 1, 2);
    known.account = Some(AccountId(0));
    let host = NativeHost::start(vec![("{}".to_owned(), vec![known])]).with_threads(seed, 40);
    let (journal, batching) = (MemoryJournal::default(), Batching::Adaptive);
    let mut driver = Driver::new(engine, TapeFeed::new(&tape), venue, host, journal, batching);
    driver.start().unwrap();
    driver
}

fn turn(driver: &mut Loop) {
    assert_ne!(driver.advance(HostTime::NEVER).unwrap(), Progress::Finished, "too short a market");
}

/// Turns until it may be replaced; nothing if that does not come.
fn ready_after(driver: &mut Loop, most: u32) -> Option<u32> {
    (0..most).find(|_| {
        let ready = driver.is_ready_to_swap(ME);
        if !ready {
            turn(driver);
        }
        ready
    })
}

#[test]
fn who_is_never_at_rest_is_replaced_between_two_timers_of_which_none_is_lost() {
    let mut driver = busy(3);
    for _ in 0..200 {
        turn(&mut driver);
    }
    let terms = Swap { component: "native".into(), calls: 5, time: Duration::from_millis(500) };
    for what in [Held::Timers, Held::Later, Held::Everything, Held::Timers] {
        assert_eq!(ready_after(&mut driver, 500), None, "at rest by itself: nothing is shown");
        driver.insist(ME, what);
        assert!(ready_after(&mut driver, 100).is_some(), "{what:?}");
        driver.swap(ME, terms.clone()).unwrap();
        let done = loop {
            turn(&mut driver);
            if let Some((_, done)) = driver.take_swapped() {
                break done;
            }
        };
        assert_eq!(done, Swapped::Done);
        for _ in 0..100 {
            turn(&mut driver);
        }
    }
    let state: Busy = serde_json::from_slice(driver.engine().checkpoint(ME).unwrap().1).unwrap();
    assert_eq!(state.wrong, []);
    assert!(state.next.iter().all(|heard| *heard > 3), "{:?}", state.next);
    let faults = driver.into_parts().3.facts;
    assert!(!faults.iter().any(|stamped| matches!(stamped.fact, Fact::Fault { .. })));
}
