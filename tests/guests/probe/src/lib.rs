//! A strategy that proves what it was given: it checks that no update is missing or repeated, keeps
//! the count in its state, and always has an order and a timer open.

use hedgerow_sdk::model::{Duration, flag};
use hedgerow_sdk::{
    Context, Event, InitError, NoParameters, OrderRequest, Quantity, SavedState, Side, Strategy,
    Tick, TickKind, TimerId, Want, save_json, serde, serde_json,
};

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
    type Parameters = NoParameters;
    const NAME: &'static str = "probe";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn wants() -> Vec<Want> {
        vec![Want::traded("market", &[TickKind::Quote, TickKind::Trade])]
    }

    fn init(_: NoParameters, _: &Context, saved: Option<&SavedState>) -> Result<Self, InitError> {
        SavedState::json_or_default(saved)
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
        let Some(known) = ctx.role("market").cloned() else { return };
        let market = &known.spec;
        let Some(bid) = ctx.market(market.id).and_then(|m| m.touch(Side::Buy)) else { return };
        ctx.cancel_all(market.id);
        let Some(price) = known.ticks_away(bid, Side::Buy, 1) else { return };
        let quantity = Quantity::from_units(market.min_quantity.units() * 100);
        ctx.submit(OrderRequest::limit(market.id, Side::Buy, price, quantity).post_only());
        let held = ctx.position(market.id);
        if held.is_positive() {
            let ask = ctx.market(market.id).and_then(|m| m.touch(Side::Sell));
            let Some(price) = ask.or_else(|| known.ticks_away(bid, Side::Sell, 1)) else { return };
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
        save_json(self)
    }

    fn status(&self, _: &Context) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

hedgerow_sdk::export!(Probe);
