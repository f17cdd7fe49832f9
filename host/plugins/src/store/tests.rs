//! What never ends is ended, at the limits that a host has by itself, in seconds.

use super::*;
use crate::bindings::hedgerow::strategy::log::add_to_linker;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Instance, Module};

const LOOP: &str = r#"(module (func (export "run") (loop $again (br $again))))"#;

/// Logs a line of 200 bytes, and again.
const LOGS: &str = r#"(component
    (import "hedgerow:strategy/log@0.1.0" (instance $log (export "emit" (func
        (param "level" u8) (param "message" string)
        (param "fields" (list (tuple string string)))))))
    (core module $memory (memory (export "memory") 1))
    (core instance $m (instantiate $memory))
    (core func $emit (canon lower (func $log "emit")
        (memory (core memory $m "memory"))))
    (core module $main
        (import "log" "emit" (func $emit (param i32 i32 i32 i32 i32)))
        (func (export "run") (loop $again
            (call $emit (i32.const 3) (i32.const 0) (i32.const 200) (i32.const 0) (i32.const 0))
            (br $again))))
    (core instance $i (instantiate $main
        (with "log" (instance (export "emit" (func $emit))))))
    (func (export "run") (canon lift (core func $i "run"))))"#;

fn store(mode: Mode, limits: &Limits) -> (WasmEngine, Store<State>) {
    let engine = WasmEngine::new(mode).unwrap();
    let store = new(&engine, ("s", Voice::Silent), limits);
    (engine, store)
}

/// Calls a loop without end; how long it took.
fn run_loop(
    (engine, mut store): (WasmEngine, Store<State>),
    arm: impl Fn(&mut Store<State>),
) -> (Trap, std::time::Duration) {
    let module = Module::new(&engine.engine, wat::parse_str(LOOP).unwrap()).unwrap();
    arm(&mut store);
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    arm(&mut store);
    let began = Instant::now();
    let error = run.call(&mut store, ()).unwrap_err();
    (*error.downcast_ref::<Trap>().unwrap(), began.elapsed())
}

#[test]
fn an_endless_loop_in_a_backtest_is_ended_in_seconds() {
    let made = store(Mode::Backtest, &Limits::default());
    let (trap, took) = run_loop(made, |store| arm(store, Mode::Backtest));
    println!("a loop: {took:?}");
    assert_eq!(trap, Trap::OutOfFuel);
    assert!(took < std::time::Duration::from_secs(60), "{took:?}");
}

/// A call of the host costs a component next to nothing: it has a price of its own.
#[test]
fn a_loop_of_log_lines_in_a_backtest_is_ended_in_seconds() {
    let (engine, mut store) = store(Mode::Backtest, &Limits::default());
    let component = Component::new(&engine.engine, wat::parse_str(LOGS).unwrap()).unwrap();
    let mut linker = Linker::new(&engine.engine);
    add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).unwrap();
    arm(&mut store, Mode::Backtest);
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    arm(&mut store, Mode::Backtest);
    let began = Instant::now();
    let error = run.call(&mut store, ()).unwrap_err();
    let took = began.elapsed();
    println!("a loop of lines: {took:?}");
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::OutOfFuel));
    assert!(took < std::time::Duration::from_secs(60), "{took:?}");
    // what was burned is known: the next call is given less
    assert!(burned(&store).unwrap() >= Limits::default().call_hard.as_nanos());
}

/// Making an instance may take longer than a call.
#[test]
fn what_init_may_take_is_not_cut_short_by_the_wall_time_of_a_call() {
    let time = Duration::from_millis;
    let limits = Limits {
        call_hard: time(10_000),
        call_wall: time(20),
        init_hard: time(400),
        ..Limits::default()
    };
    let (trap, took) = run_loop(store(Mode::Live, &limits), |store| arm_init(store, Mode::Live));
    assert_eq!(trap, Trap::Interrupt);
    assert!(took >= std::time::Duration::from_millis(400), "{took:?}");
    let mut made = store(Mode::Live, &limits);
    arm(&mut made.1, Mode::Live);
    let (trap, _) = run_loop(made, |store| arm(store, Mode::Live));
    assert_eq!(trap, Trap::Interrupt);
    assert_eq!(Limits::default().init_wall(), Duration::from_secs(4));
    assert_eq!(limits.init_wall(), time(800));
}
