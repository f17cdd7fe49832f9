//! The trait a strategy implements.

use crate::context::Context;
use crate::describe::{Description, Want};
use crate::state::SavedState;
use hedgerow_model::{Event, Tick};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The parameters of a strategy that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParameters {}

/// Why a strategy refuses to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitError {
    /// The parameters make no sense; one sentence a person can act on.
    BadParameters(String),
    /// The saved state cannot be read; the old version goes on.
    BadState(String),
    /// Anything else.
    Other(String),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadParameters(why) => write!(f, "bad parameters: {why}"),
            Self::BadState(why) => write!(f, "bad state: {why}"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// Why a strategy is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// An operator said so.
    Operator,
    /// The host ends.
    Shutdown,
}

/// A strategy: events in, intents out.
///
/// Only [`Self::wants`], [`Self::init`] and [`Self::save`] must be written. The context is up to
/// date before each call: books, quotes, orders, positions and timers need no bookkeeping of your
/// own.
///
/// **What a restart gives back.** The host keeps the state of the last call that asked for
/// something, in one transaction with what it asked for. After a fault, a kill or a rollback an
/// instance starts from there: what calls without an intent have changed since is lost, and so is
/// every event they heard, fills included. Nothing is told again; [`Event::Resumed`], the first
/// event of every instance, says how things stand. A strategy that keeps its own account of orders
/// or of what it holds must catch up there: take `filled` of the live orders and
/// [`Context::position`] for the truth, and orders of its state that are not among the live ones
/// for ended.
pub trait Strategy: Sized + 'static {
    /// The parameters, read from the host's config; [`NoParameters`] when there are none. Their
    /// JSON Schema is generated.
    type Parameters: DeserializeOwned + Serialize + JsonSchema;

    /// The name shown everywhere.
    const NAME: &'static str;
    /// The version shown everywhere.
    const VERSION: &'static str;
    /// The version of the state [`Self::save`] writes. Raise it when the layout changes.
    const STATE_VERSION: u32 = 1;
    /// The oldest state [`Self::init`] can read.
    const OLDEST_READABLE_STATE: u32 = 1;

    /// Which instruments it needs, by role, and what it wants to see of each.
    fn wants() -> Vec<Want>;

    /// Capabilities beyond data and orders, such as `set-leverage`. The operator grants them.
    fn capabilities() -> Vec<String> {
        Vec::new()
    }

    /// Starts. `saved` is what an earlier instance wrote, perhaps some events ago; orders and
    /// positions follow in `resumed` and outrank it.
    fn init(
        parameters: Self::Parameters,
        ctx: &Context,
        saved: Option<&SavedState>,
    ) -> Result<Self, InitError>;

    /// Called after each complete update of the market.
    fn on_tick(&mut self, ctx: &mut Context, tick: &Tick) {
        let _ = (ctx, tick);
    }

    /// Called for everything else; the context already knows it.
    fn on_event(&mut self, ctx: &mut Context, event: &Event) {
        let _ = (ctx, event);
    }

    /// The state, as bytes. Pure: twice gives equal bytes. [`crate::save_json`] will do.
    fn save(&self) -> Vec<u8>;

    /// One JSON object for people.
    fn status(&self, ctx: &Context) -> serde_json::Value {
        let _ = ctx;
        serde_json::json!({})
    }

    /// The last call. Open orders are handled by the operator's policy unless it cancels them here.
    fn on_stop(&mut self, ctx: &mut Context, reason: StopReason) {
        let _ = (ctx, reason);
    }

    /// The answer to `describe`.
    fn describe() -> Description {
        Description::of::<Self>()
    }
}
