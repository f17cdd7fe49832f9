//! A strategy that asks for plans above all, and beside them rests, amends and cancels orders, at
//! random from a seed. From a time on it wants nothing but that nothing rests.

mod attacks;
mod singles;

use hedgerow_sdk::model::{Amend, HostTime, InstrumentId};
use hedgerow_sdk::{
    Accept, Context, Decimal, Event, Give, InitError, Intent, LegOrder, Making, OrderRequest,
    OrderStatus, PairRequest, PairSize, Price, Quantity, SavedState, Side, Strategy, Tick,
    TickKind, TimerId, Want, save_json, schemars, serde,
};

/// The code of an `other` event at which it fails: the simulation's way of having a component trap.
pub const TRAP: u32 = u32::MAX;

/// What it is told.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "hedgerow_sdk::serde")]
#[schemars(crate = "hedgerow_sdk::schemars")]
pub struct Parameters {
    /// Its random numbers.
    pub seed: u64,
    /// Acts on one of so many updates.
    pub every: u64,
    /// Wants nothing more from this host time on, ns.
    pub until: u64,
    /// Tries to get around the guards.
    pub attacks: bool,
}

/// Its state: all that a restart must give back.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde")]
pub struct Trader {
    state: u64,
    every: u64,
    until: u64,
    attacks: bool,
    /// The attack that it tries most.
    favourite: u64,
}

impl Trader {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn int(&mut self, n: u64) -> i64 {
        i64::try_from(self.below(n)).unwrap_or(0)
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let place = usize::try_from(self.below(of.len() as u64)).ok()?;
        of.get(place).copied()
    }

    fn act(&mut self, ctx: &mut Context) {
        let traded: Vec<InstrumentId> = ctx.instruments().iter().map(|i| i.spec.id).collect();
        let Some(id) = self.one(&traded) else { return };
        if self.attacks && self.below(2) == 0 {
            return self.attack(ctx, id);
        }
        match self.below(100) {
            0..=27 => self.pair(ctx, &traded),
            28..=49 => self.single(ctx, id),
            50..=67 => self.rest(ctx, id),
            68..=75 => self.take(ctx, id),
            76..=83 => {
                let live: Vec<u64> = ctx.orders().map(|order| order.number).collect();
                if let Some(number) = self.one(&live) {
                    ctx.cancel(number);
                }
            }
            84..=91 => self.amend(ctx),
            92 => ctx.cancel_all(id),
            93..=95 => {
                let at = ctx.now().as_nanos() + self.below(5_000_000_000);
                ctx.set_timer(TimerId(self.below(3)), HostTime::from_nanos(at));
            }
            _ => {
                let live: Vec<u64> =
                    ctx.plans().filter(|plan| !plan.is_over()).map(|plan| plan.plan()).collect();
                if let Some(plan) = self.one(&live) {
                    ctx.cancel_plan(plan);
                }
            }
        }
    }

    /// Two of its instruments, opened or closed together.
    fn pair(&mut self, ctx: &mut Context, traded: &[InstrumentId]) {
        let busy = ctx.plans().any(|plan| !plan.is_over());
        let (Some(buy), Some(sell)) = (self.one(traded), self.one(traded)) else { return };
        if buy == sell || (busy && self.below(4) != 0) {
            return;
        }
        let orders = [
            LegOrder::Simultaneous,
            LegOrder::Simultaneous,
            LegOrder::BuyFirst,
            LegOrder::SellFirst,
            LegOrder::ThinFirst,
            LegOrder::MakerTaker,
            LegOrder::TakerMaker,
        ];
        let legs = self.one(&orders).unwrap_or_default();
        let deadline_ms = 100 + u32::try_from(self.below(8_000)).unwrap_or(0);
        let make = legs.maker().map(|_| Making {
            reprice_ms: 50 + u32::try_from(self.below(1_000)).unwrap_or(0),
            ..Making::new(deadline_ms / 2, Give::Ticks(40))
        });
        // what is bought must have been sold to be closed
        let closes = ctx.position(buy).units() < 0 && ctx.position(sell).units() > 0;
        let size = match self.below(3) {
            0 | 1 if closes => PairSize::All,
            0 => PairSize::Notional(Decimal::from(50 + self.int(700))),
            _ => PairSize::Base(Decimal::new(1 + self.int(60), 2)),
        };
        let request = PairRequest {
            buy,
            sell,
            size,
            legs,
            first: Give::Bps(u32::try_from(self.below(40)).unwrap_or(0)),
            hedge: Give::Bps(60),
            emergency: Give::Bps(300),
            make,
            accept: Accept::default(),
            deadline_ms,
            tries: 1 + u32::try_from(self.below(4)).unwrap_or(0),
            min_premium_bps: (self.below(5) == 0).then_some(-50),
        };
        match size {
            PairSize::All => ctx.pair_close(&request),
            _ if closes && self.below(2) == 0 => ctx.pair_close(&request),
            _ => ctx.pair_open(&request),
        };
    }

    fn size(&mut self, ctx: &Context, id: InstrumentId) -> Quantity {
        let lot = ctx.instrument(id).map_or(1, |known| known.spec.lot.units());
        Quantity::from_units(lot * (1 + self.int(20)))
    }

    fn side(&mut self) -> Side {
        if self.below(2) == 0 { Side::Buy } else { Side::Sell }
    }

    fn price(&mut self, ctx: &Context, id: InstrumentId, side: Side, off: i64) -> Option<Price> {
        let touch = ctx.market(id)?.touch(side)?;
        let spec = &ctx.instrument(id)?.spec;
        let step = spec.grid.step_at(touch, spec.price_scale).ok()?;
        Some(Price::from_units(touch.units() - side.sign() * off * step))
    }

    fn rest(&mut self, ctx: &mut Context, id: InstrumentId) {
        let (side, off) = (self.side(), self.int(8));
        let Some(price) = self.price(ctx, id, side, off) else { return };
        let mut request = OrderRequest::limit(id, side, price, self.size(ctx, id));
        request.post_only = self.below(3) != 0;
        request.reduce_only = self.below(4) == 0;
        ctx.submit(request);
    }

    fn take(&mut self, ctx: &mut Context, id: InstrumentId) {
        let (side, off) = (self.side(), -3 - self.int(10));
        let Some(price) = self.price(ctx, id, side, off) else { return };
        let mut request = OrderRequest::limit(id, side, price, self.size(ctx, id)).immediate();
        request.reduce_only = self.below(3) == 0;
        ctx.submit(request);
    }

    fn amend(&mut self, ctx: &mut Context) {
        let live: Vec<u64> = ctx.orders().map(|order| order.number).collect();
        let Some(order) = self.one(&live).and_then(|number| ctx.order(number).copied()) else {
            return;
        };
        let lot = ctx.instrument(order.instrument).map_or(1, |known| known.spec.lot.units());
        let off = self.int(6);
        let price = self.price(ctx, order.instrument, order.side, off).unwrap_or(order.price);
        let more = lot * (self.int(12) - 6);
        let quantity = Quantity::from_units(order.quantity.units() + more);
        match self.below(2) {
            0 => ctx.want(Intent::Amend(Amend { order: order.number, price, quantity })),
            _ => _ = ctx.replace(order.number, price, quantity),
        }
    }

    fn is_over(&self, ctx: &Context) -> bool {
        ctx.now().as_nanos() >= self.until
    }

    fn tidy(&mut self, ctx: &mut Context) {
        let live: Vec<u64> = ctx
            .orders()
            .filter(|order| order.status != OrderStatus::PendingCancel)
            .map(|order| order.number)
            .collect();
        live.into_iter().for_each(|number| ctx.cancel(number));
        self.give_up_barriers(ctx);
    }
}

impl Strategy for Trader {
    type Parameters = Parameters;
    const NAME: &'static str = "trader";
    const VERSION: &'static str = "1";

    fn wants() -> Vec<Want> {
        vec![Want::traded("market", &[TickKind::Quote, TickKind::Trade, TickKind::Level])]
    }

    fn init(p: Parameters, _: &Context, saved: Option<&SavedState>) -> Result<Self, InitError> {
        match saved {
            Some(state) => state.json(),
            None => {
                let Parameters { seed: state, every, until, attacks } = p;
                let favourite = (state ^ (state >> 32)) % 8;
                Ok(Self { state, every, until, attacks, favourite })
            }
        }
    }

    fn on_tick(&mut self, ctx: &mut Context, _: &Tick) {
        let every = self.every;
        if self.is_over(ctx) {
            self.tidy(ctx);
        } else if self.below(every) == 0 {
            self.act(ctx);
        }
    }

    fn on_event(&mut self, ctx: &mut Context, event: &Event) {
        let traps = matches!(event, Event::Other(message) if message.code == TRAP);
        assert!(!traps, "by the script");
        // a denial answered with an order would go on without end
        let denied = matches!(event, Event::Order(u) if u.status == OrderStatus::Denied)
            || matches!(event, Event::Other(_));
        if !denied && self.below(6) == 0 && !self.is_over(ctx) {
            self.act(ctx);
        }
    }

    fn save(&self) -> Vec<u8> {
        save_json(self)
    }
}

hedgerow_sdk::export!(Trader);
