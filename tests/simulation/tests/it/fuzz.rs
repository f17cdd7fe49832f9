//! Short forms of the fuzz targets in `fuzz/`.

use hedgerow_model::{Fact, HostTime, Stamped, StrategyId, TimerId};
use hedgerow_ports::Journal as _;
use hedgerow_simulation::fuzz;
use hedgerow_store::SqliteJournal;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::{Value, json};

const GOOD: &str = r#"{"buy":0,"sell":1,"size":{"base":"0.5"},"legs":"simultaneous",
    "first":{"bps":50},"hedge":{"bps":60},"emergency":{"bps":100},"deadline_ms":2000,"tries":3}"#;

/// Any JSON, not too deep.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[0-9.eE+-]{0,40}".prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A good request with some of its fields changed, taken out, or new ones put in.
fn nearly_good() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        prop::sample::select(vec![
            "buy",
            "sell",
            "size",
            "legs",
            "first",
            "hedge",
            "emergency",
            "deadline_ms",
            "tries",
            "min_premium_bps",
            "make",
            "accept",
        ])
        .prop_map(str::to_owned),
        "[a-z_]{1,12}",
    ];
    prop::collection::vec((key, prop::option::of(value())), 1..3).prop_map(|changes| {
        let mut request: Value = serde_json::from_str(GOOD).unwrap();
        let fields = request.as_object_mut().unwrap();
        for (key, value) in changes {
            match value {
                Some(value) => fields.insert(key, value),
                None => fields.remove(&key),
            };
        }
        request.to_string()
    })
}

const KINDS: [&str; 11] = [
    "pair-open",
    "pair-close",
    "limit",
    "market",
    "aggressive-limit",
    "inside-spread",
    "tiered",
    "chase",
    "twap",
    "close-position",
    "barrier",
];

fn kind() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(KINDS.to_vec()).prop_map(str::to_owned),
        1 => ".{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_of_any_text_begins_or_is_refused(kind in kind(), json in ".{0,200}") {
        fuzz::plan(&kind, &json);
    }

    #[test]
    fn a_plan_of_any_json_begins_or_is_refused(kind in kind(), json in value()) {
        fuzz::plan(&kind, &json.to_string());
    }

    #[test]
    fn a_plan_that_is_nearly_good_begins_or_is_refused(kind in kind(), json in nearly_good()) {
        fuzz::plan(&kind, &json);
    }

    #[test]
    fn any_market_data_leaves_the_engine_standing(
        bytes in prop::collection::vec(any::<u8>(), 0..2_800),
    ) {
        fuzz::market(&bytes);
    }
}

#[test]
fn the_good_plan_begins() {
    assert!(fuzz::plan("pair-open", GOOD));
    assert!(!fuzz::plan("pair-open", &json!({}).to_string()));
}

/// Bytes of a journal, damaged and torn.
#[test]
fn a_journal_of_any_bytes_opens_or_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("good.sqlite");
    let mut journal = SqliteJournal::open(&path).unwrap();
    for number in 0..200 {
        let (strategy, id) = (StrategyId(1), TimerId(number));
        let fact = Fact::TimerEnded { strategy, id, fired: true };
        journal.commit(&[Stamped { time: HostTime::from_nanos(number), fact }]).unwrap();
    }
    journal.close().unwrap();
    let good = std::fs::read(&path).unwrap();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let all = (damage, any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..400));
    let (mut read, mut refused) = (0, 0);
    for _ in 0..150 {
        let (damage, end, log) = all.new_tree(&mut runner).unwrap().current();
        let mut bytes = good.clone();
        for (place, byte) in damage {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        let end = end.index(bytes.len() * 2).min(bytes.len());
        let folder = tempfile::tempdir().unwrap();
        match fuzz::journal(folder.path(), &bytes[..end], &log) {
            Some(facts) => {
                assert!(facts.len() <= 200);
                read += 1;
            }
            None => refused += 1,
        }
    }
    assert!(read > 20 && refused > 20, "{read} read, {refused} refused");
}
