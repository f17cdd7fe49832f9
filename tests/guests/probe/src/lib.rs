//! A strategy that proves what it was given: it checks that no update is missing or repeated, keeps
//! the count in its state, and always has an order and a timer open.
//!
//! One byte of it, which a test may change in the file, has it fail at a place where nothing but
//! its bytes can tell it to: in `describe`, or as a candidate that is tried.

use hedgerow_sdk::model::{Duration, flag};
use hedgerow_sdk::{
    Context, Decimal, Description, Event, InitError, OrderRequest, OrderSize, PlanUpdate, Quantity,
    SavedState, Side, Strategy, Tick, TickKind, TimerId, TwapRequest, Want, save_json, schemars,
    serde, serde_json,
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
    /// Orders asked for, and those whose end was told.
    asked: u64,
    ended: u64,
    /// Plans whose end was told, and the last of them.
    plans: u64,
    last_plan: u64,
    #[serde(skip)]
    keeps_plans: bool,
    #[serde(skip)]
    every: u64,
}

/// What it is told to do.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "hedgerow_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "hedgerow_sdk::schemars")]
pub struct Parameters {
    /// Always has a plan under way.
    #[serde(default)]
    pub plans: bool,
    /// Acts on one of so many updates; 400 where absent.
    #[serde(default)]
    pub every: Option<u64>,
}

/// The last byte is the twist; `0` is none.
static TWIST: [u8; 22] = *b"hedgerow-probe-twist:0";

fn is_twisted(how: u8) -> bool {
    std::hint::black_box(&TWIST).last() == Some(&how)
}

fn spin() {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

/// What fails in `describe`: a loop, a panic, a role that a terminal would obey, one too many.
fn misdescribe(wants: &mut Vec<Want>) {
    if is_twisted(b'l') {
        spin();
    }
    assert!(!is_twisted(b't'), "a deliberate panic with \u{1b}[31mcolour");
    if is_twisted(b'e') {
        wants.push(Want::watched("\u{1b}]0;mine\u{7}", &[]));
    }
    if is_twisted(b'w') {
        wants.push(Want::watched("another", &[TickKind::Quote]));
    }
    if is_twisted(b'm') {
        wants.extend((0..100_000).map(|n| Want::watched(&n.to_string(), &[])));
    }
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

    /// Their ids grow: one that ended before is not counted again.
    fn plans_ended(&mut self, ctx: &Context) {
        let last = self.last_plan;
        for plan in ctx.plans().filter(|plan| plan.is_over() && plan.plan() > last) {
            self.plans += 1;
            self.last_plan = plan.plan();
        }
    }
}

/// A plan with timers of its own, longer than a version lives.
fn slices(ctx: &mut Context) {
    let Some(id) = ctx.role("market").map(|known| known.spec.id) else { return };
    let size = OrderSize::Quote(Decimal::from(1_000));
    ctx.carry_out(TwapRequest::new(id, Side::Buy, size, (20_000, 2_000), 50));
}

impl Strategy for Probe {
    type Parameters = Parameters;
    const NAME: &'static str = "probe";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn wants() -> Vec<Want> {
        let mut wants = vec![Want::traded("market", &[TickKind::Quote, TickKind::Trade])];
        misdescribe(&mut wants);
        wants
    }

    fn describe() -> Description {
        let honest = Description::of::<Self>();
        match is_twisted(b'c') {
            true => Description { contract: "9.1.0".into(), ..honest },
            false => honest,
        }
    }

    fn init(p: Parameters, _: &Context, saved: Option<&SavedState>) -> Result<Self, InitError> {
        if is_twisted(b'i') {
            spin();
        }
        assert!(!is_twisted(b'p'), "a deliberate panic in init");
        let state: Self = SavedState::json_or_default(saved)?;
        let every = p.every.unwrap_or(EVERY).max(1);
        Ok(Self { keeps_plans: p.plans, every, ..state })
    }

    fn on_tick(&mut self, ctx: &mut Context, tick: &Tick) {
        if tick.has(flag::SNAPSHOT) {
            return; // what stands already, told again at a start
        }
        self.check(tick);
        if is_twisted(b'd') {
            spin();
        }
        assert!(!is_twisted(b's'), "a deliberate panic on a tick");
        if ctx.timers().next().is_none() {
            ctx.set_timer(TimerId(1), ctx.now().after(SECOND));
        }
        if !self.seen.is_multiple_of(self.every) {
            return;
        }
        let Some(known) = ctx.role("market").cloned() else { return };
        let market = &known.spec;
        let Some(bid) = ctx.market(market.id).and_then(|m| m.touch(Side::Buy)) else { return };
        ctx.cancel_all(market.id);
        let Some(price) = known.ticks_away(bid, Side::Buy, 1) else { return };
        let quantity = Quantity::from_units(market.min_quantity.units() * 100);
        ctx.submit(OrderRequest::limit(market.id, Side::Buy, price, quantity).post_only());
        self.asked += 1;
        let held = ctx.position(market.id);
        if held.is_positive() {
            let ask = ctx.market(market.id).and_then(|m| m.touch(Side::Sell));
            let Some(price) = ask.or_else(|| known.ticks_away(bid, Side::Sell, 1)) else { return };
            let order = OrderRequest::limit(market.id, Side::Sell, price, held);
            ctx.submit(order.post_only());
            self.asked += 1;
        }
    }

    fn on_event(&mut self, ctx: &mut Context, event: &Event) {
        match event {
            Event::Timer(id) => {
                self.timers += 1;
                ctx.set_timer(*id, ctx.now().after(SECOND));
                if self.keeps_plans && ctx.plans().all(PlanUpdate::is_over) {
                    slices(ctx);
                }
            }
            Event::Resumed(_) => {
                self.resumed += 1;
                ctx.info(&format!("begun {} times", self.resumed));
            }
            Event::Fill(_) => self.fills += 1,
            Event::Order(update) if update.status.is_terminal() => self.ended += 1,
            Event::Plan(_) => self.plans_ended(ctx),
            _ => {}
        }
    }

    fn save(&self) -> Vec<u8> {
        save_json(self)
    }

    fn status(&self, _: &Context) -> serde_json::Value {
        // nobody asks for it in a trial
        assert!(!is_twisted(b'q'), "a deliberate panic in status");
        serde_json::to_value(self).unwrap_or_default()
    }
}

hedgerow_sdk::export!(Probe);
