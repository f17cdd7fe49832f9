//! Both lowerings give a component the same bytes.

use super::*;
use crate::engine::{Mode, WasmEngine};
use crate::instance::Voice;
use crate::limits::Limits;
use crate::store;
use proptest::prelude::*;
use std::sync::Arc;
use wasmtime::component::{Component, Linker, TypedFunc};

/// A component that folds every byte of the list it is given.
const FOLD: &str = r#"
(component
  (core module $m
    (memory (export "memory") 64)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func (export "fold") (param $at i32) (param $n i32) (result i64)
      (local $end i32) (local $sum i64)
      (local.set $end (i32.add (local.get $at) (i32.shl (local.get $n) (i32.const 6))))
      (local.set $sum (i64.const 1469598103934665603))
      (block $done
        (loop $next
          (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
          (local.set $sum (i64.mul
            (i64.xor (local.get $sum) (i64.load8_u (local.get $at)))
            (i64.const 1099511628211)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next)))
      (global.set $next (i32.const 1024))
      (local.get $sum)))
  (core instance $i (instantiate $m))
  (type $tick (record (field "ts" u64) (field "recv-ts" u64) (field "seq" u64)
    (field "instrument" u32) (field "kind" u16) (field "flags" u16)
    (field "a" s64) (field "b" s64) (field "c" s64) (field "d" s64)))
  (export $t "tick" (type $tick))
  (func (export "fold") (param "ticks" (list $t)) (result u64)
    (canon lift (core func $i "fold") (memory (core memory $i "memory"))
      (realloc (core func $i "realloc")))))
"#;

fn of_text(engine: &WasmEngine, text: &str) -> Component {
    Component::new(&engine.engine, wat::parse_str(text).unwrap()).unwrap()
}

fn tick() -> impl Strategy<Value = Tick> {
    let times = (any::<u64>(), any::<u64>(), any::<u64>());
    let head = (any::<u32>(), any::<u16>(), any::<u16>());
    let body = (any::<i64>(), any::<i64>(), any::<i64>(), any::<i64>());
    (times, head, body).prop_map(|((ts, recv_ts, seq), (instrument, kind, flags), (a, b, c, d))| {
        Tick { ts, recv_ts, seq, instrument, kind, flags, a, b, c, d }
    })
}

fn twin(tick: &Tick) -> wit::Tick {
    let Tick { ts, recv_ts, seq, instrument, kind, flags, a, b, c, d } = *tick;
    wit::Tick { ts, recv_ts, seq, instrument, kind, flags, a, b, c, d }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_copy_and_field_by_field_are_the_same(
        ticks in prop::collection::vec(tick(), 0..300), cut in 0_usize..300,
    ) {
        let engine = WasmEngine::new(Mode::Backtest).unwrap();
        let component = of_text(&engine, FOLD);
        let mut store = store::new(&engine, ("fold", Voice::Own), &Limits::default());
        store.set_fuel(u64::MAX / 2).unwrap();
        let linker = Linker::new(&engine.engine);
        let instance = linker.instantiate(&mut store, &component).unwrap();
        let slice = TickSlice::new(Arc::new(ticks)).suffix(cut);
        let twins: Vec<wit::Tick> = slice.iter().map(twin).collect();
        let fast: TypedFunc<(TickList,), (u64,)> =
            instance.get_typed_func(&mut store, "fold").unwrap();
        let (one_copy,) = fast.call(&mut store, (TickList(slice),)).unwrap();
        let slow: TypedFunc<(Vec<wit::Tick>,), (u64,)> =
            instance.get_typed_func(&mut store, "fold").unwrap();
        let (by_field,) = slow.call(&mut store, (twins,)).unwrap();
        prop_assert_eq!(one_copy, by_field);
    }
}

#[test]
fn what_one_engine_compiles_another_of_its_mode_loads() {
    for mode in [Mode::Live, Mode::Backtest] {
        let (one, other) = (WasmEngine::new(mode).unwrap(), WasmEngine::new(mode).unwrap());
        let compiled = of_text(&one, FOLD).serialize().unwrap();
        #[allow(unsafe_code)]
        // SAFETY: serialised a line above.
        let loaded = unsafe { Component::deserialize(&other.engine, &compiled) };
        assert!(loaded.is_ok());
    }
}

#[test]
fn imports_beyond_the_log_are_refused_with_how_to_build_without() {
    let engine = WasmEngine::new(Mode::Backtest).unwrap();
    let text = r#"(component
        (import "wasi:clocks/monotonic-clock@0.2.0" (instance (export "now" (func (result u64)))))
        (import "other:thing/x@1.0.0" (instance (export "f" (func)))))"#;
    let component = of_text(&engine, text);
    let refused = crate::check::types(&engine, &component).unwrap_err().to_string();
    assert!(refused.contains("wasi:clocks/monotonic-clock@0.2.0"), "{refused}");
    assert!(refused.contains("build for wasm32-unknown-unknown"), "{refused}");
    assert!(refused.contains("it imports other:thing/x@1.0.0"), "{refused}");
    assert!(refused.contains("it does not export describe"), "all problems at once: {refused}");
}

#[test]
fn a_table_without_end_is_refused() {
    let engine = WasmEngine::new(Mode::Backtest).unwrap();
    let grows = "(table 1 funcref) (start $f)
        (func $f (drop (table.grow (ref.null func) (i32.const 50000000))))";
    // as it begins, and as it runs
    for table in ["(table 50000000 funcref)", grows] {
        let module = format!("(core module $m {table}) (core instance (instantiate $m))");
        let component = of_text(&engine, &format!("(component {module})"));
        let mut store = store::new(&engine, ("table", Voice::Own), &Limits::default());
        store.set_fuel(u64::MAX).unwrap(); // growing costs by the element
        let made = Linker::new(&engine.engine).instantiate(&mut store, &component);
        assert!(made.is_err() && store.data().memory_refused, "{table}");
    }
}

#[test]
fn another_contract_is_refused_by_its_description() {
    let description = crate::load::Description {
        name: "x".into(),
        version: "1".into(),
        contract: "9.1.0".into(),
        state_version: 1,
        oldest_readable_state: 2,
        parameters: serde_json::json!({}).into(),
        capabilities: Vec::new(),
        wants: Vec::new(),
    };
    let refused = crate::check::description(&description).unwrap_err().to_string();
    assert!(refused.contains("contract 9.1.0") && refused.contains("oldest readable"), "{refused}");
}
