//! The rule `maker` of the throughput comparison: every 100th quote, cancel all, then one post-only
//! order on each side, two ticks behind the touch.

use hedgerow_sdk::{Context, OrderRequest, Quantity, Side, Strategy, Tick, TickKind, Want};
use hedgerow_sdk::{InitError, NoParameters, Price, SavedState, save_json, serde};

const EVERY: u64 = 100;
const BEHIND: i64 = 2;
const LOTS: i64 = 10;

/// Counts quotes.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde")]
pub struct Maker {
    quotes: u64,
}

impl Strategy for Maker {
    type Parameters = NoParameters;
    const NAME: &'static str = "maker";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn wants() -> Vec<Want> {
        vec![Want::traded("market", &[TickKind::Quote, TickKind::Trade])]
    }

    fn init(_: NoParameters, _: &Context, saved: Option<&SavedState>) -> Result<Self, InitError> {
        SavedState::json_or_default(saved)
    }

    fn on_tick(&mut self, ctx: &mut Context, tick: &Tick) {
        if tick.kind != TickKind::Quote.code() {
            return;
        }
        self.quotes += 1;
        if !self.quotes.is_multiple_of(EVERY) {
            return;
        }
        let instrument = hedgerow_sdk::model::InstrumentId(tick.instrument);
        if ctx.orders().next().is_some() {
            ctx.cancel_all(instrument);
        }
        for (side, price) in [(Side::Buy, tick.a - BEHIND), (Side::Sell, tick.c + BEHIND)] {
            let (price, quantity) = (Price::from_units(price), Quantity::from_units(LOTS));
            ctx.submit(OrderRequest::limit(instrument, side, price, quantity).post_only());
        }
    }

    fn save(&self) -> Vec<u8> {
        save_json(self)
    }
}

hedgerow_sdk::export!(Maker);
