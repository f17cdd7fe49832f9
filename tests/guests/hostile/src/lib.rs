//! A strategy that misbehaves as its parameters say. Everything here must cost it one call, and
//! nobody else anything.

use hedgerow_sdk::model::{Duration, FaultKind, MarketStatus, NewOrder, OrderFlags};
use hedgerow_sdk::{
    Context, Event, InitError, Intent, OrderRequest, Price, Quantity, SavedState, Side, StopReason,
    Strategy, Tick, TickKind, TimeInForce, TimerId, Want, schemars, serde,
};
use std::hint::black_box;

/// What to do wrong, and where.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "hedgerow_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "hedgerow_sdk::schemars")]
pub struct Parameters {
    /// init, market, event, save, status or stop.
    pub place: String,
    /// loop, recursion, trap, memory, intents, many, number, code, state, log, timers, resets,
    /// heavy, flood, plans or behind.
    pub deed: String,
    /// Behaves for so many updates.
    #[serde(default)]
    pub after: u64,
}

/// The misbehaving strategy.
pub struct Hostile {
    parameters: Parameters,
    seen: u64,
    /// What it was told of its last fault.
    told: Option<FaultKind>,
    /// How often it was told that it fell behind.
    lagging: u64,
    /// Where the tick before lay in memory.
    last: usize,
}

#[inline(never)]
fn deeper(n: u64) -> u64 {
    let room = [n; 64];
    black_box(&room);
    if n == u64::MAX { 0 } else { deeper(n + 1) + room[7] }
}

fn spin() {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

fn hoard() {
    let mut all: Vec<Vec<u8>> = Vec::new();
    loop {
        all.push(black_box(vec![1; 1 << 20]));
    }
}

impl Hostile {
    fn strike(&self, place: &str, ctx: Option<&mut Context>) {
        if self.parameters.place != place || self.seen < self.parameters.after {
            return;
        }
        match self.parameters.deed.as_str() {
            "loop" => spin(),
            // some milliseconds: far below any deadline, far too long for a fast market
            "slow" => (0..4_000_000_u64).for_each(|n| {
                black_box(n);
            }),
            "recursion" => {
                black_box(deeper(0));
            }
            "trap" => panic!("a deliberate panic with \u{1b}[31mcolour"),
            "memory" => hoard(),
            deed => {
                if let Some(ctx) = ctx {
                    misuse(ctx, deed);
                }
            }
        }
    }
}

fn misuse(ctx: &mut Context, deed: &str) {
    match deed {
        "intents" => (0..1_000_000).for_each(|n| ctx.want(Intent::CancelTimer(TimerId(n)))),
        "many" => (0..1_001).for_each(|n| ctx.want(Intent::CancelTimer(TimerId(n)))),
        "number" => {
            let Some(instrument) = ctx.role("market").map(|i| i.spec.id) else { return };
            ctx.want(Intent::Submit(NewOrder {
                number: 987_654_321,
                instrument,
                side: Side::Buy,
                price: Price::from_units(1),
                quantity: Quantity::from_units(1),
                time_in_force: TimeInForce::GoodTillCancel,
                flags: OrderFlags::default(),
            }));
        }
        // what the host does for it costs the component nothing
        "log" => loop {
            ctx.info("again and again");
        },
        "huge" => ctx.metric("m", &"x".repeat(30 << 20)),
        "timers" => {
            let now = ctx.now();
            ctx.set_timer(TimerId(1), now);
        }
        // one timer, moved over and over: each is a fact
        "resets" => {
            let now = ctx.now();
            (0..1_000).for_each(|n| {
                ctx.set_timer(TimerId(1), now.after(Duration::from_millis(1 + n)));
            });
        }
        // one intent, and with it all of its state
        "heavy" | "refuse" => {
            let now = ctx.now();
            ctx.set_timer(TimerId(1), now.after(Duration::from_millis(1)));
        }
        "flood" => {
            let Some(instrument) = ctx.role("market").map(|i| i.spec.id) else { return };
            let nonsense = OrderRequest::limit(
                instrument,
                Side::Buy,
                Price::from_units(-1),
                Quantity::from_units(1),
            );
            (0..1_000).for_each(|_| {
                ctx.submit(nonsense);
            });
        }
        "plans" => {
            let json = format!("{{\"{}\": 1}}", "x".repeat(10_000));
            (0..1_000).for_each(|id| {
                let (kind, json) = ("pair-open".to_owned(), json.clone());
                ctx.want(Intent::Plan { id, kind, json });
            });
        }
        _ => {}
    }
}

impl Strategy for Hostile {
    type Parameters = Parameters;
    const NAME: &'static str = "hostile";
    const VERSION: &'static str = "666.0.0";

    fn wants() -> Vec<Want> {
        vec![Want::traded("market", &[TickKind::Quote, TickKind::Trade])]
    }

    fn init(
        parameters: Parameters,
        _: &Context,
        saved: Option<&SavedState>,
    ) -> Result<Self, InitError> {
        if parameters.deed == "refuse" && saved.is_some() {
            return Err(InitError::BadState("it does not like it".into()));
        }
        let this = Self { parameters, seen: 0, told: None, lagging: 0, last: 0 };
        this.strike("init", None);
        Ok(this)
    }

    fn on_tick(&mut self, ctx: &mut Context, tick: &Tick) {
        self.seen += 1;
        let here = std::ptr::from_ref(tick).addr();
        let behind = here == self.last + size_of::<Tick>();
        self.last = here;
        if self.parameters.deed == "behind" && behind && self.seen.is_multiple_of(50) {
            // another tick came with this one: what no strategy may ask
            misuse(ctx, "heavy");
        }
        if self.parameters.place == "save" && self.seen >= self.parameters.after {
            // who acts is asked for its state
            ctx.set_timer(TimerId(2), ctx.now());
        }
        self.strike("market", Some(ctx));
    }

    fn on_event(&mut self, ctx: &mut Context, event: &Event) {
        if let Event::Fault { kind, .. } = event {
            self.told = Some(*kind);
        }
        let behind = matches!(event, Event::Market { status: MarketStatus::Lagging, .. });
        self.lagging += u64::from(behind);
        if self.parameters.deed == "timers" {
            // woken by its own timer, it sets the next one for now
            if matches!(event, Event::Timer(_) | Event::Resumed(_)) {
                misuse(ctx, "timers");
            }
            return;
        }
        if self.parameters.deed == "flood" {
            // each denial is answered with a thousand more
            if matches!(event, Event::Order(_) | Event::Resumed(_)) {
                misuse(ctx, "flood");
            }
            return;
        }
        self.strike("event", Some(ctx));
    }

    fn save(&self) -> Vec<u8> {
        self.strike("save", None);
        match self.parameters.deed.as_str() {
            "state" => vec![7; 20 << 20],
            "heavy" => vec![7; 7 << 20],
            _ => b"{}".to_vec(),
        }
    }

    fn on_stop(&mut self, ctx: &mut Context, _: StopReason) {
        self.strike("stop", Some(ctx));
    }

    fn status(&self, _: &Context) -> hedgerow_sdk::serde_json::Value {
        self.strike("status", None);
        hedgerow_sdk::serde_json::json!({
            "told": self.told.map(|kind| kind.to_string()),
            "lagging": self.lagging,
        })
    }
}

hedgerow_sdk::export!(Hostile);
