//! A strategy that proves what it was given: it checks that no update is missing or repeated, keeps
//! the count in its state, and always has an order and a timer open.

use hedgerow_sdk::model::{Duration, flag};
use hedgerow_sdk::{
    Context, Event, InitError, OrderRequest, Price, Quantity, SavedState, Side, Strategy, Tick,
    TickKind, TimerId, Want, schemars, serde, serde_json,
};

/// No parameters.
#[derive(Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "hedgerow_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "hedgerow_sdk::schemars")]
pub struct Parameters {}

/// What it has seen.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde")]
pub struct Probe {
    seen: u64,
    last: u64,
    missing: u64,
    repeated: u64,
    timers: u64,
    resumed: u64,
    fills: u64,
}

const EVERY: u64 = 400;
const SECOND: Duration = Duration::from_secs(1);

impl Probe {
    fn check(&mut self, tick: &Tick) {
        if self.last > 0 && tick.seq > self.last + 1 {
            self.missing += tick.seq - self.last - 1;
        }
        if tick.seq <= self.last {
            self.repeated += 1;
        }
        self.last = self.last.max(tick.seq);
        self.seen += 1;
    }
}

impl Strategy for Probe {
    type Parameters = Parameters;
    const NAME: &'static str = "probe";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn wants() -> Vec<Want> {
        vec![Want::traded("market", &[TickKind::Quote, TickKind::Trade])]
    }

    fn init(_: Parameters, _: &Context, saved: Option<&SavedState>) -> Result<Self, InitError> {
        saved.map_or_else(|| Ok(Self::default()), SavedState::json)
    }

    fn on_tick(&mut self, ctx: &mut Context, tick: &Tick) {
        if tick.has(flag::SNAPSHOT) {
            return; // what stands already, told again at a start
        }
        self.check(tick);
        if ctx.timers().next().is_none() {
            ctx.set_timer(TimerId(1), ctx.now().after(SECOND));
        }
        if !self.seen.is_multiple_of(EVERY) {
            return;
        }
        let Some(market) = ctx.role("market").map(|i| i.spec.clone()) else { return };
        let Some(bid) = ctx.market(market.id).and_then(|m| m.touch(Side::Buy)) else { return };
        ctx.cancel_all(market.id);
        let step = market.grid.step_at(bid, market.price_scale).unwrap_or(1);
        let price = Price::from_units(bid.units() - step);
        let quantity = Quantity::from_units(market.min_quantity.units() * 100);
        ctx.submit(OrderRequest::limit(market.id, Side::Buy, price, quantity).post_only());
        let held = ctx.position(market.id);
        if held.is_positive() {
            let ask = ctx.market(market.id).and_then(|m| m.touch(Side::Sell));
            let price = ask.unwrap_or(Price::from_units(bid.units() + step));
            let order = OrderRequest::limit(market.id, Side::Sell, price, held);
            ctx.submit(order.post_only());
        }
    }

    fn on_event(&mut self, ctx: &mut Context, event: &Event) {
        match event {
            Event::Timer(id) => {
                self.timers += 1;
                ctx.set_timer(*id, ctx.now().after(SECOND));
            }
            Event::Resumed(_) => self.resumed += 1,
            Event::Fill(_) => self.fills += 1,
            _ => {}
        }
    }

    fn save(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn status(&self, _: &Context) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

hedgerow_sdk::export!(Probe);
