//! Saved state comes back as it was.

use super::*;
use proptest::prelude::{ProptestConfig, prop_assert_eq, prop_assume, proptest};

#[derive(Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Averages {
    fast: f64,
    slow: f64,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]
    /// A restart must not move a signal by a bit: floats come back exactly.
    #[test]
    fn floats_survive_saved_state(bits: (u64, u64)) {
        let saved = Averages { fast: f64::from_bits(bits.0), slow: f64::from_bits(bits.1) };
        prop_assume!(saved.fast.is_finite() && saved.slow.is_finite());
        let state = SavedState { version: 1, data: save_json(&saved) };
        let back: Averages = state.json().unwrap();
        prop_assert_eq!(back.fast.to_bits(), saved.fast.to_bits());
        prop_assert_eq!(back.slow.to_bits(), saved.slow.to_bits());
    }
}

/// A state that is not JSON must not become an empty checkpoint that replaces a good one.
#[test]
#[should_panic(expected = "the state cannot be saved as JSON")]
fn a_state_that_cannot_be_saved_is_a_fault() {
    let _ = save_json(&std::collections::BTreeMap::from([((1, 2), 3)]));
}

#[test]
fn nothing_saved_begins_with_the_default() {
    let read = SavedState::json_or_default::<Averages>;
    assert_eq!(read(None), Ok(Averages::default()));
    let state = Averages { fast: 1.5, slow: 2.5 };
    let saved = SavedState { version: 1, data: save_json(&state) };
    assert_eq!(read(Some(&saved)), Ok(state));
    let empty = SavedState { data: Vec::new(), ..saved };
    assert!(matches!(read(Some(&empty)), Err(InitError::BadState(_))));
}
