//! The rule `noop` of the throughput comparison: counts quotes and trades, wants nothing.

use hedgerow_sdk::{Context, Strategy, Tick, TickKind, Want};
use hedgerow_sdk::{InitError, SavedState, schemars, serde, serde_json};

/// No parameters.
#[derive(Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "hedgerow_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "hedgerow_sdk::schemars")]
pub struct Parameters {}

/// Counts.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde")]
pub struct Noop {
    quotes: u64,
    trades: u64,
}

impl Strategy for Noop {
    type Parameters = Parameters;
    const NAME: &'static str = "noop";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn wants() -> Vec<Want> {
        vec![Want::traded("market", &[TickKind::Quote, TickKind::Trade])]
    }

    fn init(_: Parameters, _: &Context, saved: Option<&SavedState>) -> Result<Self, InitError> {
        saved.map_or_else(|| Ok(Self::default()), SavedState::json)
    }

    fn on_tick(&mut self, _: &mut Context, tick: &Tick) {
        if tick.kind == TickKind::Quote.code() {
            self.quotes += 1;
        } else {
            self.trades += 1;
        }
    }

    fn save(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn status(&self, _: &Context) -> serde_json::Value {
        serde_json::json!({ "quotes": self.quotes, "trades": self.trades })
    }
}

hedgerow_sdk::export!(Noop);
