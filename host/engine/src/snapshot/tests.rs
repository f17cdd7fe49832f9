//! A snapshot taken up and the rest folded is the whole folded; what does not fit is not taken up.

use super::*;
use crate::config::EngineConfig;
use crate::tests::{config, instrument, limits};
use hedgerow_model::{Fact, Stamped};

fn folded<'a>(config: &EngineConfig, facts: impl IntoIterator<Item = &'a Stamped>) -> Engine {
    let mut engine = Engine::new(config.clone());
    engine.restore(facts);
    engine
}

/// Cuts facts at many places; through bytes, as a restart reads them. Engines are compared as they
/// print, field by field: what a snapshot forgets is seen.
pub(crate) fn any_cut_is_the_whole(config: &EngineConfig, facts: &[Stamped]) {
    let whole = folded(config, facts);
    let step = (facts.len() / 7).max(1);
    for cut in (0..=facts.len()).step_by(step) {
        let (before, after) = facts.split_at(cut);
        let snapshot = folded(config, before).snapshot();
        let bytes = rmp_serde::to_vec_named(&snapshot).unwrap();
        let mut engine = Engine::new(config.clone());
        engine.take_up(rmp_serde::from_slice(&bytes).unwrap()).unwrap();
        engine.restore(after);
        assert_eq!(format!("{engine:?}"), format!("{whole:?}"), "cut after {cut} facts");
    }
}

#[test]
fn a_snapshot_of_another_meaning_or_for_other_roles_is_not_taken_up() {
    let engine = Engine::new(config(limits()));
    let refused = |snapshot: Snapshot, config: EngineConfig| {
        let mut other = Engine::new(config);
        let before = format!("{other:?}");
        let why = other.take_up(snapshot).unwrap_err();
        assert_eq!(format!("{other:?}"), before, "nothing has changed");
        why
    };
    let newer = Snapshot { version: 9_999, ..engine.snapshot() };
    assert_eq!(refused(newer, config(limits())), SnapshotError::Version { found: 9_999 });
    let mut less = config(limits());
    less.strategies[0].trades.clear();
    let what = "roles of a strategy";
    assert_eq!(refused(engine.snapshot(), less), SnapshotError::Other { what });
    let mut more = config(limits());
    more.instruments.push(instrument(3));
    assert_eq!(refused(engine.snapshot(), more), SnapshotError::Other { what: "instruments" });
    let mut edited = config(limits());
    edited.instruments[0].lot = Quantity::from_units(50);
    assert_eq!(refused(engine.snapshot(), edited), SnapshotError::Other { what: "instruments" });
    let mut none = config(limits());
    none.strategies.clear();
    assert_eq!(refused(engine.snapshot(), none), SnapshotError::Other { what: "strategies" });
    let mut odd = engine.snapshot();
    odd.measures[0][1] = "seven".into();
    assert_eq!(refused(odd, config(limits())), SnapshotError::Figure("seven".into()));
}

/// A field that is gone or new is an error, never a default.
#[test]
fn a_snapshot_of_another_layout_is_not_read() {
    let snapshot = Engine::new(config(limits())).snapshot();
    let bytes = rmp_serde::to_vec_named(&snapshot).unwrap();
    let renamed = |from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        let mut other = bytes.clone();
        other[at..at + from.len()].copy_from_slice(to);
        rmp_serde::from_slice::<Snapshot>(&other).unwrap_err().to_string()
    };
    assert!(renamed(b"tombstones", b"tombstonez").contains("tombstonez"));
    assert!(renamed(b"next_plan_order", b"next_plan_ordes").contains("next_plan_ordes"));
}

/// Measures of the guards stand in the snapshot: a peak and a base are no position.
#[test]
fn measures_are_in_the_snapshot() {
    let (scope, time) = (hedgerow_model::Scope::Strategy(StrategyId(0)), HostTime::from_nanos(7));
    let profit = |text: &str| text.parse().unwrap();
    let facts = [
        Fact::Peak { scope, profit: profit("12.5") },
        Fact::MeasuresRestarted { scope, profit: profit("3.25") },
        Fact::Peak { scope, profit: profit("1.75") },
    ];
    let facts = facts.map(|fact| Stamped { time, fact });
    any_cut_is_the_whole(&config(limits()), &facts);
}
