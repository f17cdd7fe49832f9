//! What one instance has around it: limits, the log, the clock of its calls.

use crate::bindings::hedgerow::strategy::log;
use crate::deadline::CallClock;
use crate::engine::{Mode, WasmEngine};
use crate::instance::Voice;
use crate::limits::{self, Limits};
use hedgerow_model::{Duration, HostTime, printable};
use std::time::Instant;
use wasmtime::{ResourceLimiter, Store, Trap, UpdateDeadline};

/// The data of a store.
pub(crate) struct State {
    /// Who it is, for logs.
    pub(crate) name: String,
    is_silent: bool,
    pub(crate) limits: Limits,
    pub(crate) clock: CallClock,
    /// Set when a growth was refused: the trap that follows is a memory fault.
    pub(crate) memory_refused: bool,
    table_elements: usize,
    memory_bytes: usize,
    logged: (Option<Instant>, u32),
    /// In a backtest: the fuel of the call under way, and what of it is left for the log; live the
    /// clock counts everything.
    fuel: Option<(u64, u64)>,
    /// The time of the call, for a line that brings none.
    pub(crate) now: HostTime,
    /// The last error line, for the report of a trap.
    pub(crate) last_error: Option<String>,
}

impl State {
    fn may_log(&mut self) -> bool {
        let (since, count) = &mut self.logged;
        let now = Instant::now();
        if since.is_none_or(|since| now.duration_since(since).as_secs() >= 1) {
            let left_out = count.saturating_sub(self.limits.log_messages_per_s);
            if left_out > 0 {
                let strategy = &self.name;
                tracing::warn!(target: "strategy", %strategy, left_out, "it logs too much");
            }
            (*since, *count) = (Some(now), 0);
        }
        *count = count.saturating_add(1);
        *count <= self.limits.log_messages_per_s
    }
}

impl State {
    /// Nothing of it is the component's own work: without this it could log for hours.
    fn pay(&mut self, message: &str, fields: &[(String, String)]) -> Result<(), Trap> {
        let Some((_, left)) = &mut self.fuel else { return Ok(()) };
        let told = fields.iter().map(|(key, value)| key.len().saturating_add(value.len()));
        let bytes = told.fold(message.len(), usize::saturating_add);
        let cost = limits::log_fuel(bytes, fields.len());
        *left = left.checked_sub(cost).ok_or(Trap::OutOfFuel)?;
        Ok(())
    }

    fn write(&mut self, level: u8, message: &str, fields: &[(String, String)]) {
        let bytes = self.limits.log_message_bytes;
        let mut line = printable(message, bytes);
        // the time that the strategy sees: within a batch the host does not know its tick
        let told = fields.iter().find(|(key, _)| key == "now");
        let told = told.and_then(|(_, value)| value.parse().ok()).map(HostTime::from_nanos);
        let now = told.unwrap_or(self.now);
        for (key, value) in fields.iter().filter(|(key, _)| key != "now").take(16) {
            let field = format!(" {}={}", printable(key, 64), printable(value, 256));
            line.push_str(&field);
        }
        if level == 1 {
            self.last_error = Some(line.clone());
        }
        if self.is_silent || !self.may_log() {
            return;
        }
        let strategy = &self.name;
        match level {
            1 => tracing::error!(target: "strategy", %strategy, %now, "{line}"),
            2 => tracing::warn!(target: "strategy", %strategy, %now, "{line}"),
            3 => tracing::info!(target: "strategy", %strategy, %now, "{line}"),
            4 => tracing::debug!(target: "strategy", %strategy, %now, "{line}"),
            _ => tracing::trace!(target: "strategy", %strategy, %now, "{line}"),
        }
    }
}

impl log::Host for State {
    fn emit(
        &mut self,
        level: u8,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        self.pay(&message, &fields)?;
        self.write(level, &message, &fields);
        Ok(())
    }
}

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // all memories of the instance together
        let wanted = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        let most = self.limits.memory_bytes;
        if wanted <= most {
            self.memory_bytes = wanted;
            return Ok(true);
        }
        self.memory_refused = true;
        let what = format!("memory of {wanted} bytes asked for, {most} allowed");
        Err(wasmtime::Error::msg(what))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.table_elements = self.table_elements.saturating_add(desired.saturating_sub(current));
        if self.table_elements <= self.limits.table_elements {
            return Ok(true);
        }
        self.memory_refused = true;
        Err(wasmtime::Error::msg("more table elements than allowed"))
    }

    fn instances(&self) -> usize {
        64
    }

    fn tables(&self) -> usize {
        64
    }

    fn memories(&self) -> usize {
        16
    }
}

/// A store for one instance.
pub(crate) fn new(
    engine: &WasmEngine,
    (name, voice): (&str, Voice),
    limits: &Limits,
) -> Store<State> {
    let trial = if voice == Voice::Trial { " (trial)" } else { "" };
    let state = State {
        name: format!("{name}{trial}"),
        is_silent: voice == Voice::Silent,
        limits: limits.clone(),
        clock: CallClock::default(),
        memory_refused: false,
        table_elements: 0,
        memory_bytes: 0,
        logged: (None, 0),
        fuel: None,
        now: HostTime::EPOCH,
        last_error: None,
    };
    let mut store = Store::new(&engine.engine, state);
    store.limiter(|state| state);
    store.set_hostcall_fuel(limits.crossing_bytes);
    if engine.mode == Mode::Live {
        store.epoch_deadline_callback(|mut context| {
            let clock = &mut context.data_mut().clock;
            Ok(if clock.on_epoch() {
                UpdateDeadline::Continue(1)
            } else {
                UpdateDeadline::Interrupt
            })
        });
    }
    store
}

/// Arms the limits for one call: its CPU time; in a backtest fuel that stands for it.
#[inline]
pub(crate) fn arm(store: &mut Store<State>, mode: Mode) {
    let Limits { call_hard, call_wall, .. } = store.data().limits;
    begin(store, mode, (call_hard, call_wall));
}

/// The same for making an instance.
pub(crate) fn arm_init(store: &mut Store<State>, mode: Mode) {
    let limits = &store.data().limits;
    let time = (limits.init_hard, limits.init_wall());
    begin(store, mode, time);
}

#[inline]
fn begin(store: &mut Store<State>, mode: Mode, (cpu, wall): (Duration, Duration)) {
    // what was said in an earlier call is no reason of a fault in this one
    store.data_mut().last_error = None;
    match mode {
        Mode::Live => {
            store.data_mut().clock.begin(cpu, wall);
            store.set_epoch_deadline(1);
        }
        Mode::Backtest => {
            let fuel = limits::fuel(cpu);
            store.data_mut().fuel = Some((fuel, fuel));
            // only fails when fuel is not configured, which `mode` says it is
            let _ = store.set_fuel(fuel);
        }
    }
}

/// The time, ns, that the fuel of the last call stands for; nothing live.
#[inline]
pub(crate) fn burned(store: &Store<State>) -> Option<u64> {
    let (fuel, log) = store.data().fuel?;
    let left = store.get_fuel().unwrap_or(0);
    let used = fuel.saturating_sub(left).saturating_add(fuel.saturating_sub(log));
    Some(limits::stands_for(used))
}

#[cfg(test)]
mod tests;
