//! One running component: made, called, asked for its state. After a fault it is not called again.

use crate::bindings::{Strategy, wit};
use crate::convert;
use crate::engine::{Mode, WasmEngine};
use crate::limits::Limits;
use crate::load::Plugin;
use crate::store::{self, State};
use crate::ticks::TickList;
use hedgerow_model::{
    AccountId, CallFault, Decimal, Event, FaultKind, Header, Instrument as Spec, Intent, Outcome,
    TickSlice, flag, printable,
};
use hedgerow_ports::Saved;
use std::time::Instant;
use wasmtime::component::TypedFunc;
use wasmtime::{Store, Trap};

const FAULT_TEXT: usize = 1_000;

/// One instrument given to a strategy.
#[derive(Clone, Debug)]
pub struct RoleInstrument {
    /// The role it fills.
    pub role: String,
    /// Its definition.
    pub spec: Spec,
    /// Its venue's name.
    pub venue: String,
    /// The account it trades on; nothing: data only.
    pub account: Option<AccountId>,
    /// Maker and taker fee, fractions.
    pub fees: (Decimal, Decimal),
}

/// What an instance is started with.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The strategy's name, for logs.
    pub name: String,
    /// Parameters as JSON.
    pub parameters: String,
    /// Its instruments.
    pub instruments: Vec<RoleInstrument>,
    /// Its accounts.
    pub accounts: Vec<(AccountId, String)>,
    /// As whom it logs.
    pub voice: Voice,
}

/// As whom an instance logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Voice {
    /// As the strategy.
    #[default]
    Own,
    /// As a candidate on trial: what it says has not happened.
    Trial,
    /// Not at all.
    Silent,
}

/// Why an instance could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InitFailure {
    /// It refused its parameters.
    #[error("it refuses its parameters: {0}")]
    BadParameters(String),
    /// It cannot read the saved state.
    #[error("it cannot read the saved state: {0}")]
    BadState(String),
    /// It refused for another reason.
    #[error("it refuses to start: {0}")]
    Refused(String),
    /// It failed.
    #[error(transparent)]
    Fault(CallFault),
}

impl From<InitFailure> for CallFault {
    fn from(failure: InitFailure) -> Self {
        match failure {
            InitFailure::Fault(fault) => fault,
            other => CallFault { kind: FaultKind::Init, detail: other.to_string() },
        }
    }
}

/// A component at work.
pub struct Instance {
    store: Store<State>,
    bindings: Strategy,
    on_market: TypedFunc<(wit::Header, TickList), (wit::Outcome,)>,
    mode: Mode,
    /// The version of the states it says it saves.
    state_version: u32,
    /// Whether it asked to set leverage when it described itself.
    sets_leverage: bool,
    /// Slow calls since they were last told of, and when that was.
    slow: u64,
    slow_told: Option<Instant>,
}

impl Instance {
    /// Makes an instance and calls `init`.
    pub fn start(
        engine: &WasmEngine,
        plugin: &Plugin,
        setup: &Setup,
        limits: &Limits,
        saved: Option<&Saved>,
    ) -> Result<Self, InitFailure> {
        if let Some(Saved { version, .. }) = saved {
            // asked before its code runs: it would read what it knows nothing of
            let known = &plugin.description;
            let (oldest, newest) = (known.oldest_readable_state, known.state_version);
            if !(oldest..=newest).contains(version) {
                let why = format!("it reads states {oldest} to {newest}, this one is {version}");
                return Err(InitFailure::BadState(why));
            }
        }
        let mut store = store::new(engine, (&setup.name, setup.voice), limits);
        store::arm_init(&mut store, engine.mode);
        // by hand rather than through the bindings: the typed function must be of the same instance
        let made = plugin.pre.instance_pre().instantiate(&mut store);
        let instance = made.map_err(|e| InitFailure::Fault(fault(&store, &e)))?;
        let fits = |e: wasmtime::Error| InitFailure::Refused(short(&e.to_string()));
        let bindings = Strategy::new(&mut store, &instance).map_err(fits)?;
        let on_market = instance.get_typed_func(&mut store, "on-market").map_err(fits)?;
        let (mode, state_version) = (engine.mode, plugin.description.state_version);
        let sets_leverage = plugin.description.asks_for("set-leverage");
        let (slow, slow_told) = (0, None);
        let mut this = Self {
            store,
            bindings,
            on_market,
            mode,
            state_version,
            sets_leverage,
            slow,
            slow_told,
        };
        let instruments: Vec<wit::Instrument> = setup
            .instruments
            .iter()
            .map(|i| convert::instrument(&i.spec, &i.role, &i.venue, i.account, i.fees))
            .collect();
        let accounts: Vec<wit::Account> = setup
            .accounts
            .iter()
            .map(|(id, name)| wit::Account { id: id.0, name: name.clone() })
            .collect();
        let saved = saved.map(|s| wit::SavedState { version: s.version, data: s.data.clone() });
        let answer = this.bindings.call_init(
            &mut this.store,
            &setup.parameters,
            &instruments,
            &accounts,
            saved.as_ref(),
        );
        match answer {
            Err(e) => {
                let CallFault { kind, detail } = fault(&this.store, &e);
                let detail = short(&format!("in `init`: {detail}"));
                Err(InitFailure::Fault(CallFault { kind, detail }))
            }
            Ok(Ok(())) => Ok(this),
            Ok(Err(refusal)) => Err(match refusal {
                wit::InitError::BadParameters(why) => InitFailure::BadParameters(short(&why)),
                wit::InitError::BadState(why) => InitFailure::BadState(short(&why)),
                wit::InitError::Other(why) => InitFailure::Refused(short(&why)),
            }),
        }
    }

    /// Calls `on-market`.
    pub fn on_market(&mut self, header: Header, ticks: &TickSlice) -> Result<Outcome, CallFault> {
        self.arm();
        self.store.data_mut().now = header.now;
        let list = TickList(ticks.clone());
        let answer = self.on_market.call(&mut self.store, (to_wit(header), list));
        let (outcome,) = answer.map_err(|e| fault(&self.store, &e))?;
        self.count_slow();
        let mut outcome = self.check(outcome, header.next_order, Some(ticks))?;
        if ticks.first().is_some_and(|tick| tick.has(flag::HISTORY)) {
            // history only warms up: what it would have wanted then is void
            outcome.intents.clear();
            outcome.checkpoint = None;
        }
        Ok(outcome)
    }

    /// Calls `on-event`.
    pub fn on_event(&mut self, header: Header, event: &Event) -> Result<Outcome, CallFault> {
        self.arm();
        self.store.data_mut().now = header.now;
        let event = convert::event(event);
        let answer = self.bindings.call_on_event(&mut self.store, to_wit(header), &event);
        let outcome = answer.map_err(|e| fault(&self.store, &e))?;
        self.count_slow();
        self.check(outcome, header.next_order, None)
    }

    /// Calls `save`.
    pub fn save(&mut self) -> Result<Saved, CallFault> {
        self.arm();
        let answer = self.bindings.call_save(&mut self.store);
        let state = answer.map_err(|e| fault(&self.store, &e))?;
        self.check_state(state.data.len())?;
        if state.version != self.state_version {
            // a successor would read it as something that it is not
            let (says, is) = (self.state_version, state.version);
            let detail = format!("it says it saves states of version {says}, and this is {is}");
            return Err(CallFault { kind: FaultKind::BadAnswer, detail });
        }
        Ok(Saved { version: state.version, data: state.data })
    }

    /// Calls `status`; cut to a printable length.
    pub fn status(&mut self) -> Result<String, CallFault> {
        self.arm();
        let answer = self.bindings.call_status(&mut self.store);
        answer.map(|text| printable(&text, 64 << 10)).map_err(|e| fault(&self.store, &e))
    }

    /// Calls `stop`: 1 operator, 2 shutdown.
    pub(crate) fn stop(&mut self, header: Header, reason: u32) -> Result<Outcome, CallFault> {
        self.arm();
        self.store.data_mut().now = header.now;
        let answer = self.bindings.call_stop(&mut self.store, to_wit(header), reason);
        let outcome = answer.map_err(|e| fault(&self.store, &e))?;
        self.check(outcome, header.next_order, None)
    }

    #[inline]
    fn arm(&mut self) {
        store::arm(&mut self.store, self.mode);
    }

    /// In a backtest: the time, ns, that the fuel of the last call stands for.
    #[inline]
    pub(crate) fn burned(&self) -> Option<u64> {
        store::burned(&self.store)
    }

    fn count_slow(&mut self) {
        let state = self.store.data();
        if state.clock.used > state.limits.call_soft {
            self.slow += 1;
            if self.slow_told.is_none_or(|told| told.elapsed().as_secs() >= 10) {
                let (strategy, used_us) = (&state.name, state.clock.used.as_nanos() / 1_000);
                let calls = std::mem::take(&mut self.slow);
                tracing::warn!(%strategy, used_us, calls, "slow calls");
                self.slow_told = Some(Instant::now());
            }
        }
    }

    fn check_state(&self, bytes: usize) -> Result<(), CallFault> {
        let most = self.store.data().limits.state_bytes;
        if bytes > most {
            return Err(bad(format!("state of {bytes} bytes, {most} allowed")));
        }
        Ok(())
    }

    /// The rules of an answer. Breaking one is a fault: nothing of the call happens.
    fn check(
        &self,
        outcome: wit::Outcome,
        next_order: u64,
        ticks: Option<&TickSlice>,
    ) -> Result<Outcome, CallFault> {
        let given = outcome.intents.len();
        let most = self.store.data().limits.intents_per_call as usize;
        if given > most {
            return Err(bad(format!("{given} intents in one answer, {most} allowed")));
        }
        let outcome = convert::outcome(outcome).map_err(bad)?;
        check_consumed(&outcome, ticks)?;
        for (number, expected) in outcome.order_numbers().zip(next_order..) {
            if number != expected {
                return Err(bad(format!("order {number} where {expected} was next")));
            }
        }
        let sets = |intent: &Intent| matches!(intent, Intent::SetLeverage { .. });
        if !self.sets_leverage && outcome.intents.iter().any(sets) {
            return Err(bad("leverage set without asking for the capability set-leverage".into()));
        }
        let needed = outcome.intents.iter().any(Intent::needs_checkpoint);
        match &outcome.checkpoint {
            Some(state) if needed => self.check_state(state.len())?,
            Some(_) => {
                return Err(bad("a checkpoint with an answer that acts on no order".into()));
            }
            None if needed => return Err(bad("an answer on orders without a checkpoint".into())),
            None => {}
        }
        Ok(outcome)
    }
}

fn check_consumed(outcome: &Outcome, ticks: Option<&TickSlice>) -> Result<(), CallFault> {
    let consumed = outcome.consumed as usize;
    let Some(ticks) = ticks else {
        return if consumed == 0 { Ok(()) } else { Err(bad("ticks consumed by an event".into())) };
    };
    let given = ticks.len();
    if consumed == 0 || consumed > given {
        return Err(bad(format!("{consumed} ticks consumed of {given}")));
    }
    if outcome.intents.is_empty() && consumed != given {
        return Err(bad(format!("{consumed} of {given} ticks consumed without acting")));
    }
    let acted_on = ticks.get(consumed - 1);
    if !outcome.intents.is_empty() && acted_on.is_some_and(|tick| !tick.is_last()) {
        return Err(bad("it acted in the middle of an update".into()));
    }
    Ok(())
}

fn short(text: &str) -> String {
    printable(text, FAULT_TEXT)
}

fn bad(detail: String) -> CallFault {
    CallFault { kind: FaultKind::BadAnswer, detail }
}

/// What kind of fault an error of wasmtime is.
fn fault(store: &Store<State>, error: &wasmtime::Error) -> CallFault {
    let state = store.data();
    let kind = match error.downcast_ref::<Trap>() {
        _ if state.memory_refused => FaultKind::Memory,
        Some(Trap::Interrupt | Trap::OutOfFuel) => FaultKind::Deadline,
        _ => FaultKind::Trap,
    };
    let mut detail = error.root_cause().to_string();
    if let Some(said) = &state.last_error {
        detail = format!("{detail}: {said}");
    }
    CallFault { kind, detail: short(&detail) }
}

fn to_wit(header: Header) -> wit::Header {
    let Header { now, next_order, mode } = header;
    wit::Header { now: now.as_nanos(), next_order, mode: mode.code() }
}
