//! The rule `ema` of the throughput comparison: two averages of the middle; when the fast one
//! changes sides against the slow one, one order turns the position around. From the 2000th quote
//! on.

use hedgerow_sdk::{Context, OrderRequest, Quantity, Side, Strategy, Tick, TickKind, Want};
use hedgerow_sdk::{InitError, NoParameters, Price, SavedState, save_json, serde};

/// Quotes before the first order.
const WARM_UP: u64 = 2000;
/// How far through the touch an order may go, in price units: the bounded form of a market order.
const BOUND: i64 = 50;

/// Two averages and a side.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde")]
pub struct Ema {
    quotes: u64,
    fast: f64,
    slow: f64,
    side: Option<bool>,
}

impl Ema {
    /// Which way to turn, when it is time to.
    fn turn(&mut self, bid: i64, ask: i64) -> Option<(Side, i64)> {
        let mid = 0.5 * (bid as f64 / 10.0 + ask as f64 / 10.0);
        self.quotes += 1;
        if self.quotes == 1 {
            (self.fast, self.slow) = (mid, mid);
            return None;
        }
        self.fast += 2.0 / 501.0 * (mid - self.fast);
        self.slow += 2.0 / 2001.0 * (mid - self.slow);
        let up = self.fast > self.slow;
        if self.quotes < WARM_UP || self.side == Some(up) {
            return None;
        }
        let lots = if self.side.is_none() { 10 } else { 20 };
        self.side = Some(up);
        Some((if up { Side::Buy } else { Side::Sell }, lots))
    }
}

impl Strategy for Ema {
    type Parameters = NoParameters;
    const NAME: &'static str = "ema";
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
        let Some((side, lots)) = self.turn(tick.a, tick.c) else {
            return;
        };
        let price = match side {
            Side::Buy => tick.c + BOUND,
            Side::Sell => tick.a - BOUND,
        };
        let instrument = hedgerow_sdk::model::InstrumentId(tick.instrument);
        let (price, quantity) = (Price::from_units(price), Quantity::from_units(lots));
        ctx.submit(OrderRequest::limit(instrument, side, price, quantity).immediate());
    }

    fn save(&self) -> Vec<u8> {
        save_json(self)
    }
}

hedgerow_sdk::export!(Ema);
