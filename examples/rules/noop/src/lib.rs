//! The rule `noop` of the throughput comparison: counts quotes and trades, wants nothing.

use hedgerow_sdk::{Context, Strategy, Tick, TickKind, Want};
use hedgerow_sdk::{InitError, NoParameters, SavedState, save_json, serde, serde_json};

/// Counts.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde")]
pub struct Noop {
    quotes: u64,
    trades: u64,
}

impl Strategy for Noop {
    type Parameters = NoParameters;
    const NAME: &'static str = "noop";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn wants() -> Vec<Want> {
        vec![Want::traded("market", &[TickKind::Quote, TickKind::Trade])]
    }

    fn init(_: NoParameters, _: &Context, saved: Option<&SavedState>) -> Result<Self, InitError> {
        SavedState::json_or_default(saved)
    }

    fn on_tick(&mut self, _: &mut Context, tick: &Tick) {
        if tick.kind == TickKind::Quote.code() {
            self.quotes += 1;
        } else {
            self.trades += 1;
        }
    }

    fn save(&self) -> Vec<u8> {
        save_json(self)
    }

    fn status(&self, _: &Context) -> serde_json::Value {
        serde_json::json!({ "quotes": self.quotes, "trades": self.trades })
    }
}

hedgerow_sdk::export!(Noop);
