//! A strategy that does anything the contract allows, at random, from a seed in its parameters.

mod singles;

use hedgerow_sdk::model::{Amend, HostTime, InstrumentId, Level, Quote};
use hedgerow_sdk::{
    Accept, Context, Decimal, Event, Give, InitError, Intent, LegOrder, Making, OrderRequest,
    OrderStatus, PairRequest, PairSize, PlanUpdate, Price, Quantity, SavedState, Side, Strategy,
    Tick, TickKind, TimeInForce, TimerId, Want, save_json, schemars, serde,
};

/// What it is told.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "hedgerow_sdk::serde")]
#[schemars(crate = "hedgerow_sdk::schemars")]
pub struct Parameters {
    /// Its random numbers.
    pub seed: u64,
    /// Acts on one of so many updates.
    pub every: u64,
}

/// Its random numbers, and a digest of all it has seen: two runs that differ in anything they were
/// shown differ in their checkpoints.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde")]
pub struct Random {
    state: u64,
    every: u64,
    seen: u64,
    digest: u64,
}

impl Random {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn digest(&mut self, value: u64) {
        self.digest = (self.digest.rotate_left(5) ^ value).wrapping_mul(0x517C_C1B7_2722_0A95);
    }

    fn signed(&mut self, n: u64, less: i64) -> i64 {
        i64::try_from(self.below(n)).unwrap_or(0) - less
    }

    fn act(&mut self, ctx: &mut Context) {
        let traded: Vec<InstrumentId> =
            ctx.instruments().iter().filter(|i| i.account.is_some()).map(|i| i.spec.id).collect();
        for _ in 0..=self.below(3) {
            let place = usize::try_from(self.below(traded.len() as u64)).unwrap_or(0);
            let Some(id) = traded.get(place).copied() else {
                return;
            };
            match self.below(16) {
                0..=5 => self.order(ctx, id),
                6 | 7 => {
                    if let Some(number) = self.pick(ctx) {
                        ctx.cancel(number);
                    }
                }
                8 => ctx.cancel_all(id),
                9 => {
                    if let Some(number) = self.pick(ctx) {
                        self.amend(ctx, number);
                    }
                }
                10 => {
                    let wait = [0, 1_000_000, 50_000_000, self.below(3_000_000_000)];
                    let index = usize::try_from(self.below(4)).unwrap_or(0);
                    let at = HostTime::from_nanos(ctx.now().as_nanos() + wait[index]);
                    ctx.set_timer(TimerId(self.below(5)), at);
                }
                11 => ctx.cancel_timer(TimerId(self.below(5))),
                12 | 13 => self.pair(ctx, &traded),
                _ => singles::ask(self, ctx, id),
            }
        }
    }

    /// A pair of two of its instruments, opened or closed, or one given up.
    fn pair(&mut self, ctx: &mut Context, traded: &[InstrumentId]) {
        let live: Vec<u64> = ctx.plans().filter(|p| !p.is_over()).map(PlanUpdate::plan).collect();
        if let (Some(plan), 0) = (live.first(), self.below(3)) {
            return ctx.cancel_plan(*plan);
        }
        let (Some(first), Some(last)) = (traded.first(), traded.last()) else { return };
        let (buy, sell) = if self.next() & 1 == 0 { (*first, *last) } else { (*last, *first) };
        let size = match self.below(3) {
            0 => PairSize::All,
            _ => PairSize::Base(Decimal::new(1 + self.signed(60, 0), 2)),
        };
        let order = [
            LegOrder::Simultaneous,
            LegOrder::BuyFirst,
            LegOrder::ThinFirst,
            LegOrder::MakerTaker,
            LegOrder::TakerMaker,
        ];
        let legs = order[usize::try_from(self.below(5)).unwrap_or(0)];
        let deadline_ms = 2 + u32::try_from(self.below(400)).unwrap_or(0);
        let make = legs.maker().map(|_| Making {
            reprice_ms: 1 + u32::try_from(self.below(50)).unwrap_or(0),
            ..Making::new(deadline_ms / 2, Give::Ticks(20))
        });
        let request = PairRequest {
            buy,
            sell,
            size,
            legs,
            first: Give::Bps(u32::try_from(self.below(30)).unwrap_or(0)),
            hedge: Give::Bps(40),
            emergency: Give::Bps(100),
            deadline_ms,
            tries: 1 + u32::try_from(self.below(3)).unwrap_or(0),
            min_premium_bps: None,
            make,
            accept: Accept::default(),
        };
        match size {
            PairSize::All => ctx.pair_close(&request),
            _ => ctx.pair_open(&request),
        };
    }

    fn pick(&mut self, ctx: &Context) -> Option<u64> {
        let live: Vec<u64> = ctx.orders().map(|order| order.number).collect();
        let place = self.below(live.len().max(1) as u64);
        live.get(usize::try_from(place).unwrap_or(0)).copied()
    }

    fn quote(ctx: &Context, id: InstrumentId) -> Option<Quote> {
        ctx.market(id)?.best()
    }

    fn order(&mut self, ctx: &mut Context, id: InstrumentId) {
        let Some(Quote { bid, ask }) = Self::quote(ctx, id) else {
            return;
        };
        let Level { price: bid, .. } = bid;
        let side = if self.next() & 1 == 0 { Side::Buy } else { Side::Sell };
        let off = self.signed(14, 3);
        let price = match side {
            Side::Buy => bid.units() - off,
            Side::Sell => ask.price.units() + off,
        };
        let quantity = Quantity::from_units(1 + self.signed(40, 0));
        let mut request = OrderRequest::limit(id, side, Price::from_units(price), quantity);
        match self.below(8) {
            0 => request.time_in_force = TimeInForce::ImmediateOrCancel,
            1 => request.time_in_force = TimeInForce::FillOrKill,
            2..=5 => request.post_only = true,
            _ => {}
        }
        request.reduce_only = self.below(10) == 0;
        ctx.submit(request);
    }

    fn amend(&mut self, ctx: &mut Context, number: u64) {
        let Some(order) = ctx.order(number).copied() else {
            return;
        };
        let price = Price::from_units(order.price.units() + self.signed(7, 3));
        let quantity = Quantity::from_units(order.quantity.units() + self.signed(20, 10));
        if number.is_multiple_of(2) {
            ctx.replace(number, price, quantity);
        } else {
            ctx.want(Intent::Amend(Amend { order: number, price, quantity }));
        }
    }
}

impl Strategy for Random {
    type Parameters = Parameters;
    const NAME: &'static str = "random";
    const VERSION: &'static str = "1";

    fn wants() -> Vec<Want> {
        vec![Want::traded("market", &[TickKind::Quote, TickKind::Trade, TickKind::Level])]
    }

    fn init(p: Parameters, _: &Context, saved: Option<&SavedState>) -> Result<Self, InitError> {
        match saved {
            Some(state) => state.json(),
            None => Ok(Self { state: p.seed, every: p.every, seen: 0, digest: 0 }),
        }
    }

    fn on_tick(&mut self, ctx: &mut Context, tick: &Tick) {
        self.seen += 1;
        self.digest(tick.recv_ts ^ tick.seq);
        let best = ctx.market(InstrumentId(tick.instrument)).and_then(|market| market.best());
        self.digest(best.map_or(1, |quote| quote.mid_doubled().unsigned_abs()));
        let every = self.every;
        if self.below(every) == 0 {
            self.act(ctx);
        }
    }

    fn on_event(&mut self, ctx: &mut Context, event: &Event) {
        self.digest(ctx.now().as_nanos());
        self.digest(u64::from(ctx.mode().code()) ^ ctx.orders().count() as u64);
        // a denial answered with an order would go on without end
        let denied = matches!(event, Event::Order(u) if u.status == OrderStatus::Denied)
            || matches!(event, Event::Other(_));
        if !denied && self.below(4) == 0 {
            self.act(ctx);
        }
    }

    fn save(&self) -> Vec<u8> {
        save_json(self)
    }
}
