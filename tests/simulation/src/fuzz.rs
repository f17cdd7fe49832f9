//! What outsiders can send, as bytes, for proptests here and for `cargo fuzz` in `fuzz/`: plan
//! inputs, market data, journal files. Each function panics when something does not hold.

use crate::scene::{Scene, engine};
use hedgerow_engine::{Effects, Engine, Input};
use hedgerow_model::{
    Fact, HostTime, Intent, Outcome, PlanStep, Stamped, StrategyId, Tick, TickKind, TradingMode,
    flag,
};
use hedgerow_store::SqliteJournal;
use std::path::Path;

const START: u64 = 1_000_000_000_000;

fn at_work() -> (Engine, Effects) {
    let mut scene = Scene { strategies: vec![(1, 1)], ..Scene::default() };
    scene.taste.instruments = 2;
    let (mut engine, mut effects) = (engine(&scene, &[]), Effects::default());
    for instrument in 0..2 {
        let tick = Tick {
            ts: START,
            recv_ts: START,
            instrument,
            kind: TickKind::Quote.code(),
            flags: flag::LAST,
            a: 1_000,
            b: 10_000,
            c: 1_001,
            d: 10_000,
            ..Tick::default()
        };
        engine.handle(Input::Market(&[tick]), &mut effects);
    }
    (engine, effects)
}

/// A plan of any kind and any text: it begins, or it is refused with a reason; once.
///
/// # Panics
/// When it is neither, or both.
pub fn plan(kind: &str, json: &str) -> bool {
    let (mut engine, mut effects) = at_work();
    let (strategy, now) = (StrategyId(0), HostTime::from_nanos(START));
    let intents = vec![Intent::Plan { id: 1, kind: kind.to_owned(), json: json.to_owned() }];
    let outcome = Outcome { consumed: 1, intents, checkpoint: Some(b"s".to_vec()) };
    let input = Input::Outcome {
        now,
        strategy,
        first_order: engine.next_order(strategy),
        mode: TradingMode::Running,
        state_version: 1,
        outcome,
    };
    effects = Effects { facts: Vec::new(), ..effects };
    engine.handle(input, &mut effects);
    let (mut begins, mut refused) = (false, false);
    for Stamped { fact, .. } in &effects.facts {
        match fact {
            Fact::Plan { step: PlanStep::Refused { reason, .. }, .. }
            | Fact::IntentDenied { reason, .. } => {
                assert!(!reason.to_string().is_empty());
                refused = true;
            }
            Fact::Plan { .. } => begins = true,
            _ => {}
        }
    }
    assert_eq!(refused, !begins, "{kind:?} {json:?}: {:?}", effects.facts);
    if !begins {
        assert!(effects.commands.is_empty(), "{kind:?} {json:?}");
    }
    begins
}

/// Any market data, 28 bytes a tick: kinds, flags and figures as they come. What follows may be
/// anything; the engine stands, and its clock never goes back.
///
/// # Panics
/// When time goes back.
pub fn market(bytes: &[u8]) {
    let (mut engine, mut effects) = at_work();
    let mut before = engine.now();
    for part in bytes.chunks_exact(28) {
        let figure = |place: usize| {
            let word = part.get(place..place + 4).and_then(|word| word.try_into().ok());
            i64::from(word.map_or(0, i32::from_le_bytes))
        };
        let byte = |place: usize| part.get(place).copied().unwrap_or(0);
        // now and then far beyond what a price is
        let wide = |value: i64| if byte(3) & 1 == 1 { value << 33 } else { value };
        let recv_ts = START.wrapping_add_signed(figure(4) << 8);
        let tick = Tick {
            ts: recv_ts,
            recv_ts,
            seq: figure(8).unsigned_abs() & 0xff,
            instrument: u32::from(byte(0) % 3),
            kind: u16::from(byte(1) % 12),
            flags: u16::from(byte(2)),
            a: wide(figure(12)),
            b: wide(figure(16)),
            c: wide(figure(20)),
            d: wide(figure(24)),
        };
        engine.handle(Input::Market(&[tick]), &mut effects);
        assert!(engine.now() >= before);
        before = engine.now();
        let wake = engine.next_wakeup().filter(|_| byte(3) & 2 == 2);
        if let Some(now) = wake {
            engine.handle(Input::Wake(now), &mut effects);
        }
        let _ = engine.earned_views();
    }
}

/// Any bytes as a journal file and its log: it opens and reads as facts, or says what is wrong and
/// of which file. Gives the facts.
///
/// # Panics
/// When an error does not say which file.
pub fn journal(folder: &Path, file: &[u8], log: &[u8]) -> Option<Vec<Stamped>> {
    let path = folder.join("journal.sqlite");
    std::fs::write(&path, file).ok()?;
    std::fs::write(path.with_extension("sqlite-wal"), log).ok()?;
    match SqliteJournal::open(&path).and_then(|journal| journal.read()) {
        Ok(facts) => Some(facts),
        Err(error) => {
            assert!(error.to_string().contains("journal"), "{error}");
            None
        }
    }
}
