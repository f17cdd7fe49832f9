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
        let state = SavedState { version: 1, data: serde_json::to_vec(&saved).unwrap() };
        let back: Averages = state.json().unwrap();
        prop_assert_eq!(back.fast.to_bits(), saved.fast.to_bits());
        prop_assert_eq!(back.slow.to_bits(), saved.slow.to_bits());
    }
}
