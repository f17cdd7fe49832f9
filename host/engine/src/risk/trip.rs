//! What follows when a watching guard trips: a fact, a word to the strategies it concerns, the
//! latch of its action; and what follows when it is at rest again.
//!
//! A guard that has tripped says nothing more until it is at rest: by itself where it looks at
//! something that mends, else by an operator.

use super::GUARD;
use crate::{Effects, Engine};
use hedgerow_model::{
    Event, Fact, Guard, GuardAction, GuardKey, GuardState, HostTime, OpaqueMessage, Scope,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The code of an `other` event that tells of a guard.
const GUARD_TOLD: u32 = 1_002;

/// A guard that has tripped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tripped {
    pub(crate) since: HostTime,
    pub(crate) action: GuardAction,
    pub(crate) detail: String,
}

/// What guards remember.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guards {
    pub(crate) tripped: BTreeMap<GuardKey, Tripped>,
    /// The day that each scope's losses of the day are measured from.
    pub(crate) days: BTreeMap<Scope, u64>,
    /// Not before this is it tried again to begin a day.
    pub(crate) day_again: HostTime,
}

impl Guards {
    pub(crate) fn has_tripped(&self, key: &GuardKey) -> bool {
        self.tripped.contains_key(key)
    }
}

impl Engine {
    /// Folds how a guard stands.
    pub(crate) fn apply_guard(
        &mut self,
        time: HostTime,
        key: &GuardKey,
        state: GuardState,
        detail: &str,
    ) {
        match state {
            GuardState::Tripped(action) => {
                let detail = detail.to_owned();
                self.guards.tripped.insert(key.clone(), Tripped { since: time, action, detail });
            }
            GuardState::AtRest => {
                self.guards.tripped.remove(key);
            }
        }
        self.note_trip(key, state != GuardState::AtRest);
    }

    /// Tells the linear forms what has tripped.
    pub(crate) fn note_trip(&mut self, key: &GuardKey, tripped: bool) {
        self.exposure.set_tripped(key.scope, |trips| match key.guard {
            Guard::Loss => trips.loss = tripped,
            Guard::LossDay => trips.day = tripped,
            Guard::Drawdown => trips.drawdown = tripped,
            _ => {}
        });
    }

    /// A guard trips, unless it has.
    pub(crate) fn trip(
        &mut self,
        now: HostTime,
        key: &GuardKey,
        action: GuardAction,
        detail: String,
        effects: &mut Effects,
    ) {
        if self.guards.has_tripped(key) {
            return;
        }
        let state = GuardState::Tripped(action);
        let fact = Fact::Guard { key: key.clone(), state, detail: detail.clone() };
        self.record(now, fact, effects);
        self.tell_guard(now, key, state, effects);
        let mode = action.mode();
        if mode > self.modes.of(key.scope) {
            self.set_mode(now, key.scope, mode, format!("{GUARD}{detail}"), effects);
        }
    }

    /// A guard is at rest again, if it had tripped.
    pub(crate) fn rest(
        &mut self,
        now: HostTime,
        key: &GuardKey,
        detail: &str,
        effects: &mut Effects,
    ) {
        if !self.guards.has_tripped(key) {
            return;
        }
        let state = GuardState::AtRest;
        let fact = Fact::Guard { key: key.clone(), state, detail: detail.to_owned() };
        self.record(now, fact, effects);
        self.tell_guard(now, key, state, effects);
    }

    fn tell_guard(
        &mut self,
        now: HostTime,
        key: &GuardKey,
        state: GuardState,
        effects: &mut Effects,
    ) {
        let action = match state {
            GuardState::Tripped(action) => Some(action),
            GuardState::AtRest => None,
        };
        let json = serde_json::json!({
            "guard": key.guard, "scope": key.scope, "of": key.of, "action": action,
        });
        let told = OpaqueMessage { code: GUARD_TOLD, json: json.to_string() };
        for strategy in self.concerned(key.scope) {
            self.deliver(strategy, now, Event::Other(told.clone()), effects);
        }
    }

    /// An operator lets a scope go on: its guards are at rest, and those of profit measure anew.
    pub(crate) fn release_guards(&mut self, now: HostTime, scope: Scope, effects: &mut Effects) {
        let mine = self.guards.tripped.keys().filter(|key| key.scope == scope);
        let mine: Vec<GuardKey> = mine.cloned().collect();
        let profit =
            |key: &GuardKey| matches!(key.guard, Guard::Loss | Guard::LossDay | Guard::Drawdown);
        let anew = self.modes.is_guarded(scope) || mine.iter().any(profit);
        for key in &mine {
            self.rest(now, key, "an operator released it", effects);
        }
        if anew {
            self.restart_measures(now, scope, effects);
        }
    }

    /// Guards that have tripped and are not seen in a mode, one sentence each.
    pub(crate) fn alerts(&self) -> Vec<String> {
        let told = self.guards.tripped.iter().map(|(key, tripped)| {
            let of = self.scope_in_words(key.scope);
            let Tripped { action, detail, .. } = tripped;
            format!("guard {}: {of}: {detail} ({action})", key.guard)
        });
        told.collect()
    }
}
