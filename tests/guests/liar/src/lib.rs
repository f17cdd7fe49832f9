//! A strategy written against the contract alone, without the SDK, which keeps no rule of an answer
//! that its parameter names: what the SDK never does, the host must refuse from any language.

#![cfg(target_arch = "wasm32")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen makes")]

wit_bindgen::generate!({ path: "../../../wit", world: "strategy" });

use hedgerow::strategy::types::{Intent, LeverageRequest, NewOrder, Report, Want};
use std::cell::RefCell;

const LAST: u16 = 1 << 2;
/// So many calls are answered well before.
const HONEST: u32 = 2;

struct Liar;

#[derive(Default)]
struct State {
    lie: String,
    instrument: u32,
    calls: u32,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

fn silent(consumed: u32) -> Outcome {
    Outcome { consumed, intents: Vec::new(), checkpoint: None }
}

fn acting(consumed: u32, intents: Vec<Intent>, checkpoint: Option<Vec<u8>>) -> Outcome {
    Outcome { consumed, intents, checkpoint }
}

fn order(state: &State, number: u64, side: u8) -> Intent {
    Intent::Submit(NewOrder {
        number,
        instrument: state.instrument,
        side,
        price: 1,
        quantity: 1,
        time_in_force: 1,
        flags: 0,
    })
}

fn said() -> Intent {
    Intent::Report(Report::Status("a lie follows".to_owned()))
}

/// What is told instead of the truth about these ticks; nothing where there is no room for the lie.
fn lie(state: &State, header: Header, ticks: &[Tick]) -> Option<Outcome> {
    let all = u32::try_from(ticks.len()).unwrap_or(u32::MAX);
    let next = header.next_order;
    let state_of_one = Some(vec![1]);
    Some(match state.lie.as_str() {
        "nothing" => silent(0),
        "beyond" => silent(all + 1),
        "less" if all > 1 => silent(all - 1),
        // the time of the first tick, in what it claims to have read
        "when" if all > 1 => {
            let micros = ticks.first().map_or(0, |tick| tick.recv_ts / 1_000);
            silent(100_000 + u32::try_from(micros % 4_000_000_000).unwrap_or(0))
        }
        "middle" => {
            let place = ticks.iter().position(|tick| tick.flags & LAST == 0)?;
            acting(u32::try_from(place).unwrap_or(0) + 1, vec![said()], None)
        }
        "needless" => acting(first_end(ticks)?, vec![said()], state_of_one),
        "forgotten" => acting(first_end(ticks)?, vec![order(state, next, 1)], None),
        "heavy" => {
            acting(first_end(ticks)?, vec![order(state, next, 1)], Some(vec![1; (8 << 20) + 1]))
        }
        "hole" => {
            let orders = vec![order(state, next, 1), order(state, next + 2, 1)];
            acting(first_end(ticks)?, orders, state_of_one)
        }
        "twice" => {
            let orders = vec![order(state, next, 1), order(state, next, 1)];
            acting(first_end(ticks)?, orders, state_of_one)
        }
        "leverage" => {
            let instrument = state.instrument;
            let request = LeverageRequest { instrument, leverage_hundredths: 200 };
            acting(first_end(ticks)?, vec![Intent::SetLeverage(request)], None)
        }
        "side" => acting(first_end(ticks)?, vec![order(state, next, 9)], state_of_one),
        _ => return None,
    })
}

/// Up to the end of the first update.
fn first_end(ticks: &[Tick]) -> Option<u32> {
    let place = ticks.iter().position(|tick| tick.flags & LAST != 0)?;
    u32::try_from(place + 1).ok()
}

impl Guest for Liar {
    fn describe() -> Description {
        Description {
            name: "liar".into(),
            version: "0.1.0".into(),
            contract: "0.1.0".into(),
            state_version: 1,
            oldest_readable_state: 1,
            parameters: r#"{"type":"object","properties":{"lie":{"type":"string"}}}"#.into(),
            capabilities: Vec::new(),
            wants: vec![Want {
                role: "market".into(),
                kinds: vec![1, 2, 3],
                depth: 0,
                bar_interval: 0,
                bar_history: 0,
                trades: true,
            }],
        }
    }

    fn init(
        parameters: String,
        instruments: Vec<Instrument>,
        _: Vec<Account>,
        _: Option<SavedState>,
    ) -> Result<(), InitError> {
        // one word in one object: no parser is needed
        let lie = parameters.split('"').nth(3).unwrap_or_default().to_owned();
        let Some(instrument) = instruments.first().map(|known| known.id) else {
            return Err(InitError::BadParameters("no instrument has the role `market`".into()));
        };
        STATE.with_borrow_mut(|state| *state = State { lie, instrument, calls: 0 });
        Ok(())
    }

    fn on_market(header: Header, ticks: Vec<Tick>) -> Outcome {
        STATE.with_borrow_mut(|state| {
            state.calls += 1;
            let truth = silent(u32::try_from(ticks.len()).unwrap_or(u32::MAX));
            if state.calls <= HONEST {
                return truth;
            }
            lie(state, header, &ticks).unwrap_or(truth)
        })
    }

    fn on_event(_: Header, _: Event) -> Outcome {
        STATE.with_borrow(|state| silent(u32::from(state.lie == "event")))
    }

    fn save() -> SavedState {
        SavedState { version: 1, data: Vec::new() }
    }

    fn status() -> String {
        "{}".into()
    }

    fn stop(_: Header, _: u32) -> Outcome {
        silent(0)
    }
}

export!(Liar);
